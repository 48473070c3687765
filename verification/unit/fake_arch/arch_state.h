/*
 * An architecture for the host: core's files compile against it unchanged, a test drives it by
 * hand.
 */
#ifndef FAKE_ARCH_STATE_H
#define FAKE_ARCH_STATE_H

#include <stdint.h>

struct arch_vcpu {
	uint64_t rip;
	uint64_t deadline;
	unsigned faults;
};

struct arch_cpu {
	unsigned kicks;
};

extern uint64_t fake_now; /* what the clock says; each look moves it by fake_step */
extern uint64_t fake_step;

#endif
