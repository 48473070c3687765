/*
 * Printing a meter. Invariant: what is taken off is the least that an empty measurement ever cost.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/meter.h>

#define EMPTY_RUNS 8u

static uint64_t empty_ticks(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < EMPTY_RUNS; i++) {
		struct meter empty = { .name = "" };

		meter_begin(&empty);
		meter_end(&empty);
		if (empty.max < least)
			least = empty.max;
	}
	return least;
}

void meter_print(const struct meter *const meter)
{
	const uint64_t empty = empty_ticks();

	printf("instructions %s: %" PRIu64 " calls, max %" PRIu64 "\n", meter->name, meter->calls,
		meter->max > empty ? meter->max - empty : 0);
}
