/*
 * Nanoseconds into clock ticks, exactly.
 *
 * The invariant: nothing is rounded on the way. A schedule's instants t become t * N / (D * 10^9)
 * ticks for a clock of N/D Hz, kept as whole + part/denominator with one denominator for the frames
 * and windows of all schedules, so that `frame n plus window k` is exact for every n, whichever
 * schedules the frames before it followed.
 */
#ifndef TICKS_H
#define TICKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mullion/tables.h>

#include "model.h"

/*
 * Converts `count` instants. The denominator is the smallest that serves them all.
 * False if an instant or the denominator does not fit into 64 bits, or a frequency is zero.
 */
bool ticks_exact(struct fraction hz, const uint64_t *ns, size_t count, struct mullion_ticks *ticks,
	uint64_t *denominator);

/* The ticks that last at least `ns`; UINT64_MAX when they do not fit. */
uint64_t ticks_at_least(struct fraction hz, uint64_t ns);

/* floor(to/from * 2^32): how many timer counts one tick is worth, never late. False on overflow. */
bool ticks_multiplier(struct fraction from, struct fraction to, uint64_t *multiplier);

#endif
