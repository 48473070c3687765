/*
 * Timer delivery: against absolute deadlines on a grid, and the one-shot metric that includes the
 * arm.
 *
 * Invariant: a deadline is never in the past when it is armed: a grid point nearer than the lead is
 * passed over and counted. Nothing is subtracted from any sample.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/platform.h>
#include <mullion/time.h>

#include "jitter.h"

#define WINDOW_SWEEP                                                                               \
	64u /* deadlines move over this many ticks, so that no phase stays untested                \
	     */

__extension__ typedef unsigned __int128 uint128;

/* Each of the two timers ignores its disarming in the other's mode. */
static void silence(void)
{
	apic_write(APIC_TIMER_INITIAL, 0);
	timer_disarm();
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | PROBE_VECTOR);
}

void probe_timer_begin(const bool deadline)
{
	irq_disable();
	silence();
	irq_set_raw(
		PROBE_VECTOR, apic_mode() == APIC_X2APIC ? timer_gate_x2apic : timer_gate_xapic);
	/* What an earlier test left pending is taken now, not as this one's first sample. */
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	apic_write(APIC_LVT_TIMER, PROBE_VECTOR | (deadline ? APIC_LVT_TSC_DEADLINE : 0));
	isr_tsc = 0;
	isr_lost_wakeups = 0;
}

void probe_timer_end(void)
{
	silence();
}

static uint32_t count_from_ticks(const uint64_t ticks)
{
	const struct timer_ratio ratio = timer_ratio();

	return (uint32_t)((uint128)ticks * ratio.numerator / ratio.denominator);
}

static uint64_t ticks_from_count(const uint32_t count)
{
	const struct timer_ratio ratio = timer_ratio();

	return (uint64_t)((uint128)count * ratio.denominator / ratio.numerator);
}

/* Arms an absolute deadline; without IA32_TSC_DEADLINE the distance left, read as late as possible.
 */
static inline void arm(const uint64_t deadline, const struct timer_ratio *const ratio)
{
	if (platform.tsc_deadline)
		msr_write(MSR_TSC_DEADLINE, deadline);
	else if (ratio->numerator == ratio->denominator)
		apic_write(APIC_TIMER_INITIAL, (uint32_t)(deadline - tsc_read()));
	else
		apic_write(APIC_TIMER_INITIAL, count_from_ticks(deadline - tsc_read()));
}

static void wait_for_gate(const bool halted)
{
	if (halted)
		wait_halted();
	else
		wait_spinning();
}

static void deliver(const struct jitter *const jitter, struct jitter_result *const result,
	const uint64_t n, const bool halted, const struct timer_ratio *const ratio)
{
	const uint64_t lead = jitter->period_ticks / 4;
	uint64_t deadline = tsc_read() + jitter->period_ticks, passed_over = 0;

	for (uint64_t i = 0; i < n; i++, deadline += jitter->period_ticks) {
		for (; deadline < tsc_read() + lead; passed_over++)
			deadline += jitter->period_ticks;
		isr_tsc = 0;
		arm(deadline, ratio);
		wait_for_gate(halted);
		stream_record(result->stream, isr_tsc, (int64_t)(isr_tsc - deadline));
	}
	snprintf(result->extra, sizeof(result->extra),
		",\"passed_over\":%" PRIu64 ",\"lost_wakeups\":%" PRIu64, passed_over,
		isr_lost_wakeups);
}

void measure_delivery(struct jitter *const jitter, const bool halted)
{
	const char *const name = halted ? "delivery.halt" : "delivery.spin";
	const char *const note =
		platform.tsc_deadline
			? "IA32_TSC_DEADLINE on a grid; ISR TSC - deadline"
			: "one-shot count to a deadline on a grid; ISR TSC - deadline";
	const uint64_t n = jitter_samples(name);
	struct jitter_result *const result = jitter_result(jitter, name, note, n);
	const struct timer_ratio ratio =
		platform.tsc_deadline ? (struct timer_ratio){ 1, 1 } : timer_ratio();

	if (result == NULL)
		return;
	stream_histogram_from(result->stream, -64);
	stream_begin(result->stream);
	probe_timer_begin(platform.tsc_deadline);
	deliver(jitter, result, n, halted, &ratio);
	probe_timer_end();
	stream_end(result->stream);
}

void measure_oneshot(struct jitter *const jitter, const bool halted, const enum apic_mode mode)
{
	static const char *const names[2][2] = { { "oneshot_xapic.spin", "oneshot_xapic.halt" },
		{ "oneshot_x2apic.spin", "oneshot_x2apic.halt" } };
	const char *const name = names[mode == APIC_X2APIC][halted];
	const uint64_t n = jitter_samples(name);
	struct jitter_result *const result = jitter_result(
		jitter, name, "one-shot count; ISR TSC - TSC before arming - delay", n);
	const uint32_t count = count_from_ticks(jitter->period_ticks);
	const uint64_t delay = ticks_from_count(count);

	if (result == NULL)
		return;
	stream_begin(result->stream);
	probe_timer_begin(false);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t armed;

		isr_tsc = 0;
		armed = mode == APIC_X2APIC ? oneshot_x2apic(count) : oneshot_xapic(count);
		wait_for_gate(halted);
		stream_record(result->stream, isr_tsc, (int64_t)(isr_tsc - armed - delay));
	}
	probe_timer_end();
	snprintf(result->extra, sizeof(result->extra), ",\"lost_wakeups\":%" PRIu64,
		isr_lost_wakeups);
	stream_end(result->stream);
}

/* Waits until this window has room for a deadline `distance` ahead and returns that deadline. */
static uint64_t deadline_in_window(const volatile struct mullion_time *const page,
	const uint64_t distance, const uint64_t margin)
{
	for (;;) {
		const uint64_t deadline = tsc_read() + distance;

		if (deadline + margin < page->window_end_tsc)
			return deadline;
		if (platform.intel)
			yield_vmcall();
		else
			yield_vmmcall();
	}
}

void measure_vtimer(struct jitter *const jitter)
{
	const uint64_t n = jitter_samples("vtimer");
	const volatile struct mullion_time *const page = time_page(jitter->vcpu);
	struct jitter_result *const result = jitter_result(
		jitter, "vtimer", "deadline inside a window, halted; ISR TSC - deadline", n);
	const struct timer_ratio same = { 1, 1 };
	uint64_t eighth;

	if (result == NULL)
		return;
	eighth = (page->window_end_tsc - page->window_start_tsc) / 8;
	stream_histogram_from(result->stream, -64);
	stream_begin(result->stream);
	probe_timer_begin(true);
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t deadline =
			deadline_in_window(page, eighth + i % WINDOW_SWEEP, eighth);

		isr_tsc = 0;
		arm(deadline, &same);
		wait_halted();
		stream_record(result->stream, isr_tsc, (int64_t)(isr_tsc - deadline));
	}
	snprintf(result->extra, sizeof(result->extra), ",\"lost_wakeups\":%" PRIu64,
		isr_lost_wakeups);
	probe_timer_end();
	stream_end(result->stream);
}
