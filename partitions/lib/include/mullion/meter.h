/*
 * Counting what a call costs, in ticks of the TSC: where an instruction is a tick (QEMU's
 * -icount shift=0), the instructions it executed, device and caller's own two or three included.
 *
 *	meter_begin(&m);
 *	call();
 *	meter_end(&m);
 */
#ifndef MULLION_METER_H
#define MULLION_METER_H

#include <mullion/cpu.h>

struct meter {
	const char *name; /* of the call */
	uint64_t calls, max;
	uint64_t start;
};

static inline void meter_begin(struct meter *const meter)
{
	meter->start = tsc_read();
}

static inline void meter_end(struct meter *const meter)
{
	const uint64_t ticks = tsc_read() - meter->start;

	meter->calls++;
	if (ticks > meter->max)
		meter->max = ticks;
}

/* "instructions NAME: CALLS calls, max N", without what metering itself costs. */
void meter_print(const struct meter *meter);

#endif
