/*
 * See node_time.h. Products are 128 bits wide: no value of a 64-bit counter overflows.
 */
#include "node_time.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128_t;

uint64_t node_ns(struct node_clock clock, uint64_t ticks)
{
	return (uint64_t)((uint128_t)ticks * clock.denominator * 1000000000u / clock.numerator);
}

uint64_t node_ps(struct node_clock clock, uint64_t ticks)
{
	return (uint64_t)((uint128_t)ticks * clock.denominator * 1000000000u * 1000u /
			  clock.numerator);
}

/* " us" after "1.250" makes "1.25 us", after "1.000" "1 us". */
static void trim(char *number)
{
	char *end = number + strlen(number);

	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
}

char *node_duration(char buffer[NODE_DURATION_BYTES], uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		const uint64_t unit = units[i].ns;

		if (ns < unit)
			continue;
		snprintf(buffer, NODE_DURATION_BYTES, "%" PRIu64 ".%03u", ns / unit,
			(unsigned)(ns % unit * 1000 / unit));
		trim(buffer);
		strcat(buffer, " ");
		return strcat(buffer, units[i].name);
	}
	snprintf(buffer, NODE_DURATION_BYTES, "%" PRIu64 " ns", ns);
	return buffer;
}
