/*
 * A clock's rate, as an exact fraction of ticks a second, and durations in its ticks.
 *
 * Invariant: a duration is converted once, by the fraction, and rounded once, up: what is awaited so is never
 * early, and less than a tick late. Nothing here knows what time it is, or which clock it is of.
 */
#ifndef MULLION_RATE_H
#define MULLION_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_NS_PER_S 1000000000ull
#define RATE_HZ_MOST  100000000000ull /* of a clock that drivers are told */

__extension__ typedef unsigned __int128 rate_wide;

struct time_rate {
	uint64_t numerator; /* ticks per second, an exact fraction */
	uint64_t denominator;
};

/* Of a clock that counts nanoseconds. */
static const struct time_rate rate_nanoseconds = { RATE_NS_PER_S, 1 };

/* Ticks there are, and not more than RATE_HZ_MOST a second. */
static inline bool rate_is_good(const struct time_rate *const rate)
{
	return rate->numerator != 0 && rate->denominator != 0 &&
	       rate->numerator <= (rate_wide)RATE_HZ_MOST * rate->denominator;
}

/* The fewest ticks that last `ns` or longer. Of a good rate, and at most 2^57 ns, four years. */
static inline uint64_t rate_ticks_up(const struct time_rate *const rate, const uint64_t ns)
{
	const rate_wide wanted = (rate_wide)ns * rate->numerator;
	const rate_wide of_a_tick = (rate_wide)RATE_NS_PER_S * rate->denominator;
	const uint64_t ticks = (uint64_t)(wanted / of_a_tick);

	return ticks * of_a_tick == wanted ? ticks : ticks + 1;
}

#endif
