/*
 * Chance and clocks. Invariant: a clock never goes back, and its rate is within its drift.
 */
#include "sim.h"

#define MILLION 1000000

/* xorshift64*: the same numbers on every machine. */
uint64_t draw(struct sim *sim)
{
	sim->random ^= sim->random >> 12;
	sim->random ^= sim->random << 25;
	sim->random ^= sim->random >> 27;
	return sim->random * 0x2545f4914f6cdd1dull;
}

uint64_t draw_below(struct sim *sim, uint64_t limit)
{
	return (draw(sim) >> 11) % limit;
}

/* The drift of `ns`, rounded towards minus infinity. */
static int64_t drift(int64_t ns, int64_t ppm)
{
	const int64_t whole = ns / MILLION * ppm;
	const int64_t part = ns % MILLION * ppm;

	return whole + (part >= 0 ? part / MILLION : -((-part + MILLION - 1) / MILLION));
}

uint64_t clock_of(const struct sim *sim, uint32_t node)
{
	const struct node *n = &sim->nodes[node];

	return n->offset_ns + sim->now_ns + (uint64_t)drift((int64_t)sim->now_ns, n->drift_ppm);
}

uint64_t clock_reaches(const struct sim *sim, uint32_t node, uint64_t local_ns)
{
	const uint64_t rate = (uint64_t)(MILLION + sim->nodes[node].drift_ppm);
	const uint64_t shows_ns = clock_of(sim, node);
	const uint64_t span_ns = local_ns > shows_ns ? local_ns - shows_ns : 0;

	if (span_ns == 0)
		return sim->now_ns;
	/* span / rate, rounded up; one more, for the clock rounds down */
	return sim->now_ns + span_ns / rate * MILLION +
	       (span_ns % rate * MILLION + rate - 1) / rate + 1;
}
