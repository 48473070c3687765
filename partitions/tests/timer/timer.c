/*
 * timer: the local APIC timer as a partition sees it: one-shot, periodic, divided, masked, stopped,
 * through the xAPIC page and the x2APIC MSRs, and IA32_TSC_DEADLINE.
 *
 * "Early" is the one thing a timer must never be; how late it may be is the jitter probe's
 * question. Specification: Intel SDM 3A, 11.5.4. Runs natively too: what CPUID does not offer is
 * skipped.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#define VECTOR         0x60u
#define COUNT          100000u
#define PERIODS        5u
#define PATIENCE_TICKS 2000000000ull /* a framed vcpu may have to wait for its windows */
#define DIVIDE_BY_16   0x3u
#define QUIET_TICKS    (4ull * COUNT)
#define BEYOND_32_BITS ((1ull << 32) + 500000000ull)

#define TESTS_PER_MODE 7u
#define TESTS_DEADLINE 7u

static volatile unsigned fired;
static volatile uint64_t fired_tsc[16];

static void on_timer(struct irq_frame *const frame)
{
	(void)frame;
	if (fired < 16)
		fired_tsc[fired] = tsc_read();
	fired++;
}

static void wait_fired(const unsigned times, const uint64_t patience)
{
	const uint64_t end = tsc_read() + patience;

	irq_enable();
	while (fired < times && tsc_read() < end)
		cpu_pause();
	irq_disable();
}

static void reset(const uint32_t lvt)
{
	irq_disable();
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, lvt | VECTOR);
	fired = 0;
}

static uint64_t ticks_of(const uint64_t count)
{
	const struct timer_ratio ratio = timer_ratio();

	return count * ratio.denominator / ratio.numerator;
}

static void check_oneshot(void)
{
	uint64_t armed;

	reset(0);
	armed = tsc_read();
	apic_write(APIC_TIMER_INITIAL, COUNT);
	wait_fired(1, PATIENCE_TICKS);
	tap_check(fired == 1 && fired_tsc[0] - armed >= ticks_of(COUNT),
		"a_one_shot_fires_and_not_before_its_count",
		"fired %u times, after %" PRIu64 " ticks", fired, fired_tsc[0] - armed);
	wait_fired(2, QUIET_TICKS);
	tap_check(fired == 1, "a_one_shot_fires_once", "fired %u times", fired);
}

static void check_periodic(void)
{
	uint64_t armed;
	unsigned early = 0;

	reset(APIC_LVT_PERIODIC);
	armed = tsc_read();
	apic_write(APIC_TIMER_INITIAL, COUNT);
	wait_fired(PERIODS, PATIENCE_TICKS);
	for (unsigned i = 0; i < PERIODS && i < fired; i++)
		early += fired_tsc[i] - armed < ticks_of((uint64_t)COUNT * (i + 1));
	tap_check(fired == PERIODS && early == 0,
		"a_periodic_timer_fires_on_and_never_before_its_time", "fired %u times, %u early",
		fired, early);
	apic_write(APIC_TIMER_INITIAL, 0);
	fired = 0;
	wait_fired(1, QUIET_TICKS); /* one may have been on its way */
	fired = 0;
	wait_fired(1, QUIET_TICKS);
	tap_check(fired == 0, "a_count_of_zero_stops_it", "fired %u times", fired);
}

static void check_masked(void)
{
	reset(APIC_LVT_MASKED);
	apic_write(APIC_TIMER_INITIAL, COUNT);
	wait_fired(1, QUIET_TICKS);
	tap_check(fired == 0, "a_masked_timer_is_silent", "fired %u times", fired);
}

static void check_current(void)
{
	uint32_t first, second;

	reset(APIC_LVT_MASKED);
	apic_write(APIC_TIMER_INITIAL, 1000 * COUNT);
	first = apic_read(APIC_TIMER_CURRENT);
	second = apic_read(APIC_TIMER_CURRENT);
	tap_check(first <= 1000 * COUNT && second < first && second != 0 &&
			  apic_read(APIC_TIMER_INITIAL) == 1000 * COUNT,
		"the_count_can_be_read_as_it_falls",
		"initial %" PRIu32 ", then %" PRIu32 ", %" PRIu32, apic_read(APIC_TIMER_INITIAL),
		first, second);
}

static void check_divider(void)
{
	uint64_t armed;

	reset(0);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
	armed = tsc_read();
	apic_write(APIC_TIMER_INITIAL, COUNT);
	wait_fired(1, PATIENCE_TICKS);
	tap_check(fired == 1 && fired_tsc[0] - armed >= ticks_of(16ull * COUNT) - ticks_of(16),
		"divided_by_16_it_takes_16_times_as_long",
		"fired %u times, after %" PRIu64 " ticks", fired, fired_tsc[0] - armed);
}

static void check_mode(const enum apic_mode mode)
{
	apic_switch(mode);
	printf("# %s\n",
		mode == APIC_X2APIC ? "through the x2APIC MSRs" : "through the xAPIC page");
	irq_set_handler(VECTOR, on_timer);
	check_oneshot();
	check_periodic();
	check_masked();
	check_current();
	check_divider();
	reset(APIC_LVT_MASKED);
}

static void check_deadline_fires(void)
{
	uint64_t deadline;

	reset(APIC_LVT_TSC_DEADLINE);
	deadline = tsc_read() + COUNT;
	msr_write(MSR_TSC_DEADLINE, deadline);
	tap_check(msr_read(MSR_TSC_DEADLINE) == deadline, "an_armed_deadline_reads_back",
		"it read %#lx", (unsigned long)msr_read(MSR_TSC_DEADLINE));
	wait_fired(1, PATIENCE_TICKS);
	tap_check(fired == 1 && fired_tsc[0] >= deadline,
		"a_deadline_fires_and_not_before_its_time",
		"fired %u times, %" PRId64 " ticks after it", fired,
		(int64_t)(fired_tsc[0] - deadline));
	tap_check(msr_read(MSR_TSC_DEADLINE) == 0, "a_deadline_that_has_fired_reads_zero",
		"it read %#lx", (unsigned long)msr_read(MSR_TSC_DEADLINE));
}

static void check_deadline_past(void)
{
	uint64_t armed;

	reset(APIC_LVT_TSC_DEADLINE);
	armed = tsc_read();
	msr_write(MSR_TSC_DEADLINE, armed - 1);
	wait_fired(1, COUNT);
	tap_check(fired == 1, "a_deadline_in_the_past_fires_at_once",
		"fired %u times within %u ticks", fired, COUNT);
}

static void check_deadline_disarmed(void)
{
	reset(APIC_LVT_TSC_DEADLINE);
	msr_write(MSR_TSC_DEADLINE, tsc_read() + COUNT);
	msr_write(MSR_TSC_DEADLINE, 0);
	wait_fired(1, QUIET_TICKS);
	tap_check(fired == 0, "a_deadline_of_zero_disarms", "fired %u times", fired);
}

static void check_deadline_mode(void)
{
	reset(0);
	msr_write(MSR_TSC_DEADLINE, tsc_read() + COUNT);
	wait_fired(1, QUIET_TICKS);
	tap_check(fired == 0 && msr_read(MSR_TSC_DEADLINE) == 0,
		"a_deadline_is_ignored_outside_its_mode", "fired %u times, reads %#lx", fired,
		(unsigned long)msr_read(MSR_TSC_DEADLINE));
}

static void check_deadline_far(void)
{
	uint64_t deadline;

	reset(APIC_LVT_TSC_DEADLINE);
	deadline = tsc_read() + BEYOND_32_BITS;
	msr_write(MSR_TSC_DEADLINE, deadline);
	while (fired == 0 && tsc_read() < deadline + PATIENCE_TICKS)
		irq_wait();
	tap_check(fired == 1 && fired_tsc[0] >= deadline,
		"a_deadline_beyond_32_bits_of_ticks_does_not_fire_early",
		"fired %u times, %" PRId64 " ticks after it", fired,
		(int64_t)(fired_tsc[0] - deadline));
}

int main(void)
{
	const bool x2apic = platform.x2apic, deadline = platform.tsc_deadline;

	tap_plan(TESTS_PER_MODE + (x2apic ? TESTS_PER_MODE : 1) + (deadline ? TESTS_DEADLINE : 1));
	timer_ratio();
	check_mode(APIC_XAPIC);
	if (x2apic)
		check_mode(APIC_X2APIC);
	else
		tap_skip("the_same_through_the_x2apic_msrs", "CPUID offers none");
	if (!deadline) {
		tap_skip("tsc_deadlines", "CPUID offers none");
		return tap_status();
	}
	check_deadline_fires();
	check_deadline_past();
	check_deadline_disarmed();
	check_deadline_mode();
	check_deadline_far();
	reset(APIC_LVT_MASKED);
	return tap_status();
}
