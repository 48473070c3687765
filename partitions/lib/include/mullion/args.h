/*
 * Arguments: key=value words of the PVH command line, separated by blanks. A word without '=' has
 * the value "1". A word that is a path or unknown to the program is ignored: loaders put their own
 * there.
 */
#ifndef MULLION_ARGS_H
#define MULLION_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies the value of `key` into `value`; false, and value untouched, when it is not given. */
bool args_text(const char *key, char *value, size_t bytes);

/* The value of `key` as a number (decimal, or 0x...), or `otherwise`. Refuses what is not a number.
 */
uint64_t args_number(const char *key, uint64_t otherwise);

/* True when `key` is given and its value equals `value`. */
bool args_is(const char *key, const char *value);

/* True when the comma-separated value of `key`, or `otherwise` without it, holds `item`. */
bool args_list_has(const char *key, const char *otherwise, const char *item);

#endif
