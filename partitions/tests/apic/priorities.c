/*
 * Which interrupt waits for which: by task priority, by what is in service, by IF.
 * AMD APM 2, 16.6.3 and 16.6.4.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/tap.h>
#include <mullion/time.h>

#include "apic.h"

#define SELF (1u << 18)

struct seen {
	bool own_in_service, own_waiting, other_waiting;
	uint32_t priority;
	unsigned low_taken;
};
static volatile struct seen seen;

static void send_self(const unsigned vector)
{
	apic_send(0, SELF | APIC_ICR_ASSERT | vector);
}

static bool bit(const enum apic_register set, const unsigned vector)
{
	return apic_read(APIC_REGISTER((uint32_t)set + vector / 32 * 16)) >> vector % 32 & 1;
}

static void check_waiting(void)
{
	forget();
	send_self(LOW_VECTOR);
	send_self(HIGH_VECTOR);
	send_self(LOW_VECTOR);
	tap_check(bit(APIC_IRR, LOW_VECTOR) && bit(APIC_IRR, HIGH_VECTOR) &&
			  !bit(APIC_ISR, LOW_VECTOR) && orders == 0,
		"with_interrupts_off_requests_wait_visibly", "%u taken", orders);
	listen();
	tap_check(orders == 2 && order[0] == HIGH_VECTOR && order[1] == LOW_VECTOR,
		"the_higher_vector_comes_first_and_requests_merge", "%u taken, first %#x", orders,
		order[0]);
	tap_check(!bit(APIC_IRR, LOW_VECTOR) && !bit(APIC_ISR, LOW_VECTOR) &&
			  !bit(APIC_ISR, HIGH_VECTOR),
		"after_their_ends_nothing_waits_and_nothing_is_in_service", "something is");
}

/* In service: a lower request must wait although interrupts are on. */
static void on_high(struct irq_frame *const frame)
{
	on_count(frame);
	send_self(LOW_VECTOR);
	listen();
	seen.own_in_service = bit(APIC_ISR, HIGH_VECTOR);
	seen.own_waiting = bit(APIC_IRR, HIGH_VECTOR);
	seen.other_waiting = bit(APIC_IRR, LOW_VECTOR);
	seen.priority = apic_read(APIC_PPR);
	seen.low_taken = taken[LOW_VECTOR];
}

static void check_lower(void)
{
	forget();
	irq_set_handler(HIGH_VECTOR, on_high);
	send_self(HIGH_VECTOR);
	listen();
	irq_set_handler(HIGH_VECTOR, on_count);
	tap_check(seen.own_in_service && !seen.own_waiting, "a_vector_is_in_service_until_its_end",
		"it was not");
	tap_check(seen.other_waiting && seen.low_taken == 0 && taken[LOW_VECTOR] == 1,
		"a_lower_vector_waits_for_the_end_of_a_higher_one", "taken %u inside, %u after",
		seen.low_taken, taken[LOW_VECTOR]);
	tap_check((seen.priority & 0xf0) == (HIGH_VECTOR & 0xf0),
		"the_processors_priority_is_that_of_the_vector_in_service", "%#" PRIx32,
		seen.priority);
}

static volatile unsigned nested;

static void on_low(struct irq_frame *const frame)
{
	on_count(frame);
	send_self(HIGH_VECTOR);
	listen();
	nested = taken[HIGH_VECTOR];
}

static void check_nested(void)
{
	forget();
	nested = 0;
	irq_set_handler(LOW_VECTOR, on_low);
	send_self(LOW_VECTOR);
	listen();
	irq_set_handler(LOW_VECTOR, on_count);
	tap_check(nested == 1 && taken[LOW_VECTOR] == 1,
		"a_higher_vector_interrupts_the_handler_of_a_lower_one", "%u nested", nested);
}

static void write_cr8(const uint64_t value)
{
	__asm__ volatile("mov %0, %%cr8" ::"r"(value) : "memory");
}

static void check_task_priority(void)
{
	unsigned held, higher;

	forget();
	apic_write(APIC_TPR, 0x60);
	send_self(LOW_VECTOR);
	listen();
	held = taken[LOW_VECTOR];
	send_self(HIGH_VECTOR);
	listen();
	higher = taken[HIGH_VECTOR];
	apic_write(APIC_TPR, 0);
	listen();
	tap_check(held == 0 && higher == 1 && taken[LOW_VECTOR] == 1,
		"the_task_priority_holds_lower_classes_back", "%u held, %u higher, %u after", held,
		higher, taken[LOW_VECTOR]);
}

static void check_cr8(void)
{
	unsigned held;
	uint32_t shown;

	forget();
	write_cr8(LOW_VECTOR >> 4); /* a class does not interrupt its own */
	shown = apic_read(APIC_TPR);
	send_self(LOW_VECTOR);
	listen();
	held = taken[LOW_VECTOR];
	write_cr8(4);
	listen();
	write_cr8(0);
	tap_check(shown == (LOW_VECTOR & 0xf0) && held == 0 && taken[LOW_VECTOR] == 1,
		"cr8_is_the_class_of_the_task_priority", "tpr %#" PRIx32 ", %u held, %u after",
		shown, held, taken[LOW_VECTOR]);
}

unsigned check_priorities(void)
{
	check_waiting();
	check_lower();
	check_nested();
	check_task_priority();
	check_cr8();
	return PRIORITY_TESTS;
}
