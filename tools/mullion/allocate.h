/*
 * Memory that is either there or the program ends: a compiler has nothing better to do when the
 * host is out of memory than to say so and leave no output behind.
 */
#ifndef ALLOCATE_H
#define ALLOCATE_H

#include <stddef.h>

/* `count` zeroed elements of `bytes` each; never NULL, also for 0 elements. */
void *allocate(size_t count, size_t bytes);

/* `array` grown to `count` elements of `bytes` each; what is new is not zeroed. */
void *allocate_more(void *array, size_t count, size_t bytes);

/*
 * A new string as printf would print it. It lives until the program ends and is never freed: a
 * compiler's run is short, and its names and messages are small.
 */
char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

#endif
