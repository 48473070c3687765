/*
 * Who an interrupt command reaches, in a partition with one vcpu: itself, or nobody. AMD APM 2, 16.5.
 */
#include <stdio.h>

#include <mullion/tap.h>

#include "apic.h"

#define SELF    (1u << 18)
#define ALL     (2u << 18)
#define OTHERS  (3u << 18)
#define LOGICAL (1u << 11)
#define NMI     2u

#define MODE(n) ((uint32_t)(n) << 8)

/* How often a command is taken here. */
static unsigned reached(const uint32_t destination, const uint32_t command)
{
	forget();
	apic_send(destination, command | APIC_ICR_ASSERT);
	listen();
	return taken[LOW_VECTOR];
}

static void check_destinations(void)
{
	const uint32_t everyone = apic_mode() == APIC_X2APIC ? 0xffffffffu : 0xffu;

	tap_check(reached(0, LOW_VECTOR) == 1, "its_own_id_reaches_the_sender", "it did not");
	tap_check(reached(1, LOW_VECTOR) == 0, "the_id_of_a_vcpu_that_is_not_there_reaches_nobody",
		"it did");
	tap_check(reached(everyone, LOW_VECTOR) == 1, "the_broadcast_id_reaches_the_sender",
		"it did not");
	tap_check(reached(1, LOGICAL | LOW_VECTOR) == 1, "the_logical_id_of_vcpu_0_is_bit_0",
		"it was not reached");
	tap_check(reached(2, LOGICAL | LOW_VECTOR) == 0, "another_logical_id_reaches_nobody",
		"it did");
}

static void check_shorthands(void)
{
	const unsigned self = reached(7, SELF | LOW_VECTOR), all = reached(7, ALL | LOW_VECTOR),
		       others = reached(7, OTHERS | LOW_VECTOR);

	tap_check(self == 1 && all == 1 && others == 0,
		"shorthands_say_self_all_and_others_whatever_the_destination", "%u %u %u", self,
		all, others);
}

/* Lowest priority, SMI, reserved, NMI, ExtINT: none leaves the vcpu, none comes in. */
static void check_modes(void)
{
	static const unsigned dropped[] = { 1, 2, 3, 4, 7 };
	unsigned came = 0;

	irq_set_handler(NMI, on_count);
	for (unsigned i = 0; i < sizeof(dropped) / sizeof(*dropped); i++) {
		came += reached(0, MODE(dropped[i]) | LOW_VECTOR);
		came += taken[NMI];
	}
	irq_set_handler(NMI, NULL);
	tap_check(came == 0, "delivery_modes_but_fixed_init_and_startup_are_dropped", "%u came",
		came);
}

static void check_low_vectors(void)
{
	unsigned came = 0;

	for (unsigned v = 0; v < 16; v++) {
		irq_set_handler(v, on_count);
		reached(0, v);
		came += taken[v];
		irq_set_handler(v, NULL);
	}
	tap_check(came == 0, "vectors_below_16_are_dropped", "%u came", came);
}

static void check_reset(void)
{
	const volatile unsigned here = 1;

	apic_send(0, APIC_ICR_INIT);
	apic_send(0, APIC_ICR_STARTUP | 0x8);
	tap_check(here == 1 && reached(0, LOW_VECTOR) == 1,
		"neither_init_nor_startup_touches_a_vcpu_that_runs", "it is not as it was");
}

/* A register of the x2APIC alone: the page has none there. */
static void check_self_register(void)
{
	unsigned expected = 0;

	forget();
	if (apic_mode() == APIC_X2APIC) {
		msr_write(MSR_SELF_IPI, LOW_VECTOR);
		expected = 1;
	} else {
		*(volatile uint32_t *)(uintptr_t)(APIC_PAGE + 0x3f0) = LOW_VECTOR;
	}
	listen();
	tap_check(taken[LOW_VECTOR] == expected, "the_self_interrupt_register_is_an_msr_alone",
		"taken %u times, not %u", taken[LOW_VECTOR], expected);
}

unsigned check_targets(void)
{
	check_destinations();
	check_shorthands();
	check_modes();
	check_low_vectors();
	check_reset();
	check_self_register();
	return TARGET_TESTS;
}
