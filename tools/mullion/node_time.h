/*
 * A node's ticks as the time people read. Exact up to the printed digit.
 */
#ifndef NODE_TIME_H
#define NODE_TIME_H

#include <stdint.h>

/* Ticks per second, a fraction; neither part is 0. */
struct node_clock {
	uint64_t numerator, denominator;
};

/* Nanoseconds, rounded down. */
uint64_t node_ns(struct node_clock clock, uint64_t ticks);

/* Thousandths of a nanosecond, rounded down; at most 2^63 ns. */
uint64_t node_ps(struct node_clock clock, uint64_t ticks);

#define NODE_DURATION_BYTES 32u
/* "850 ns", "1.25 us", "3 s": at most three decimals. Returns buffer. */
char *node_duration(char buffer[NODE_DURATION_BYTES], uint64_t ns);

#endif
