/*
 * Words: how far a misspelt one is from those we know.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>

/* Insertions, deletions, replacements and swaps of neighbours between two words. */
unsigned words_distance(const char *a, const char *b);

/* The nearest of the known words (ended by NULL) if it is near enough to be meant, else NULL. */
const char *words_nearest(const char *word, const char *const *known);

#endif
