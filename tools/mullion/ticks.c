/*
 * Exact conversion of nanoseconds into ticks, in 128-bit integers. See ticks.h for the invariant.
 */
#include "ticks.h"

__extension__ typedef unsigned __int128 wide; /* opaque: only this file computes with it */

#define NS_PER_S 1000000000u

static wide greatest_common_divisor(wide a, wide b)
{
	while (b) {
		wide rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

bool ticks_exact(struct fraction hz, const uint64_t *ns, size_t count, struct mullion_ticks *ticks,
	uint64_t *denominator)
{
	const wide unit = (wide)hz.denominator * NS_PER_S;
	wide divisor = unit;
	size_t i;

	if (!hz.numerator || !hz.denominator)
		return false;
	for (i = 0; i < count; i++)
		divisor = greatest_common_divisor(divisor, (wide)ns[i] * hz.numerator);
	if (unit / divisor > UINT64_MAX)
		return false;
	*denominator = (uint64_t)(unit / divisor);
	for (i = 0; i < count; i++) {
		wide scaled = (wide)ns[i] * hz.numerator / divisor;

		if (scaled / *denominator > UINT64_MAX)
			return false;
		ticks[i].whole = (uint64_t)(scaled / *denominator);
		ticks[i].part = (uint64_t)(scaled % *denominator);
	}
	return true;
}

uint64_t ticks_at_least(struct fraction hz, uint64_t ns)
{
	struct mullion_ticks ticks;
	uint64_t denominator;

	if (!ticks_exact(hz, &ns, 1, &ticks, &denominator))
		return UINT64_MAX;
	return ticks.whole + (ticks.part && ticks.whole < UINT64_MAX);
}

bool ticks_multiplier(struct fraction from, struct fraction to, uint64_t *multiplier)
{
	wide rest = (wide)to.numerator * from.denominator;
	const wide by = (wide)to.denominator * from.numerator;
	unsigned bit;

	if (!by || by >> 127)
		return false;
	if (rest / by >> 32)
		return false;
	*multiplier = (uint64_t)(rest / by);
	rest %= by;
	for (bit = 0; bit < 32; bit++) {
		rest <<= 1;
		*multiplier = *multiplier << 1 | (rest >= by);
		rest -= rest >= by ? by : 0;
	}
	return true;
}
