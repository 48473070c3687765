/*
 * The device of an attacker that owns one. Invariant: it is opened once, and its buffer is used from the start.
 */
#include <stddef.h>

#include <mullion/time.h>

#include "attacker.h"
#include "device.h"

#define STEP_NS  1000000ull
#define PATIENCE 2000u

static struct edu edu;
static enum { UNKNOWN, ABSENT, PRESENT } state;

static void on_step(struct irq_frame *const frame)
{
	(void)frame;
}

struct edu *device(void)
{
	if (state == UNKNOWN) {
		state = edu_open(&edu, 0, 0) ? PRESENT : ABSENT;
		timer_init(on_step);
	}
	return state == PRESENT ? &edu : NULL;
}

uint64_t device_bar(void)
{
	return pci_read32(&edu.function, 0x10) & ~0xfull;
}

void device_wait(void)
{
	timer_arm(tsc_read() + time_ticks_from_ns(STEP_NS));
	irq_wait();
	timer_disarm();
}

bool device_transfer(const enum edu_direction direction, const uint64_t gpa, const uint32_t bytes)
{
	if (!edu_dma_start(&edu, direction, gpa, 0, bytes, false))
		return false;
	for (unsigned i = 0; i < PATIENCE; i++) {
		if (!edu_dma_busy(&edu))
			return true;
		device_wait();
	}
	return false;
}
