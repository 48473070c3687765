/*
 * TAP for test partitions: the plan first, one line per test, exit status 0 only if all were good.
 */
#ifndef MULLION_TAP_H
#define MULLION_TAP_H

#include <stdbool.h>

void tap_plan(unsigned tests);

/* One test; `name` reads as a sentence. A failure prints `detail` (a printf format) as a
 * diagnostic. */
void tap_check(bool good, const char *name, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));
void tap_skip(const char *name, const char *reason);

/* Status for main: 0 when as many tests as planned were run and none failed. */
int tap_status(void);

#endif
