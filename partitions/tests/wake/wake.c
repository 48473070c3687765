/*
 * wake: forces the moment a wake-up can be lost. The timer's deadline, and on framed CPUs the
 * moment the window is taken away, are swept instruction by instruction across STI; HLT.
 *
 * The processor guarantees that no interrupt comes between the two (AMD APM 2, 15.21.5; Intel SDM
 * 2B, STI). A hypervisor that re-enters a guest exactly there must keep that promise.
 *
 * Each sweep is first run over a pair with an instruction between, which has no such promise: only
 * if the sweep then finds lost wake-ups does finding none in the second run mean anything.
 *
 * Argument rounds=1: how often the sweeps are repeated; more with other instruction alignments.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#define VECTOR         0x60u
#define SLED           128u
#define ATTEMPTS_LEAST 100u
#define LEAD_TICKS     20000u
#define CUT_WINDOWS    8u

extern volatile uint64_t wake_lost, wake_fired;
typedef uint64_t attempt_function(uint64_t target_tsc, uint64_t skip);
attempt_function wake_attempt, wake_attempt_unprotected;
void wake_gate(void);
void wake_gate_xapic(void);

static void arm(const uint64_t deadline)
{
	const uint64_t now = tsc_read();
	const struct timer_ratio ratio = timer_ratio();

	wake_fired = 0;
	if (platform.tsc_deadline)
		msr_write(MSR_TSC_DEADLINE, deadline);
	else
		apic_write(APIC_TIMER_INITIAL,
			(uint32_t)((deadline - now) * ratio.numerator / ratio.denominator));
}

static void prepare(void)
{
	irq_disable();
	timer_ratio();
	irq_set_raw(VECTOR, apic_mode() == APIC_X2APIC ? wake_gate : wake_gate_xapic);
	apic_write(APIC_LVT_TIMER, VECTOR | (platform.tsc_deadline ? APIC_LVT_TSC_DEADLINE : 0));
}

/* The deadline passes somewhere between well before the STI and well after the HLT. */
static uint64_t sweep_deadlines(attempt_function *const attempt, const uint64_t rounds)
{
	uint64_t attempts = 0;

	wake_lost = 0;
	for (uint64_t i = 0; i < rounds; i++)
		for (unsigned skip = 0; skip <= SLED; skip++, attempts++) {
			const uint64_t deadline = tsc_read() + LEAD_TICKS;

			arm(deadline);
			attempt(deadline - SLED / 2 - i % 8, skip);
		}
	printf("# deadline swept across sti; hlt: %" PRIu64 " attempts, %" PRIu64 " lost\n",
		attempts, wake_lost);
	return attempts;
}

static void check_deadlines(const uint64_t rounds)
{
	uint64_t attempts;

	sweep_deadlines(wake_attempt_unprotected, rounds);
	tap_check(wake_lost > 0, "the_sweep_of_the_deadline_finds_an_unprotected_sti_hlt",
		"it found none");
	attempts = sweep_deadlines(wake_attempt, rounds);
	tap_check(wake_lost == 0 && attempts >= ATTEMPTS_LEAST,
		"no_wake_up_is_lost_when_the_deadline_falls_on_sti_hlt",
		"%" PRIu64 " of %" PRIu64 " lost", wake_lost, attempts);
}

/* How long before the window's end this vcpu is really stopped: what it sees when it spins into it.
 */
static uint64_t cut_before_end(const volatile struct mullion_time *const page)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < CUT_WINDOWS; i++) {
		const uint64_t frame = page->frame, window = page->window,
			       end = page->window_end_tsc;
		uint64_t last = tsc_read();

		for (;;) {
			const uint64_t now = tsc_read();

			if (page->frame != frame || page->window != window)
				break;
			last = now;
		}
		if (end - last > most)
			most = end - last;
	}
	return most;
}

/* The window is taken away on STI or HLT, and the deadline passes while it is closed. */
static uint64_t sweep_windows(attempt_function *const attempt,
	const volatile struct mullion_time *const page, const uint64_t cut, const uint64_t rounds)
{
	uint64_t attempts = 0;

	wake_lost = 0;
	for (uint64_t i = 0; i < rounds; i++)
		for (unsigned skip = 0; skip <= SLED; skip++, attempts++) {
			partition_yield();
			arm(page->window_end_tsc + 1);
			attempt(page->window_end_tsc - cut - SLED / 2 - i % 8, skip);
		}
	printf("# window end (cut %" PRIu64 " ticks early) swept across sti; hlt: %" PRIu64
	       " attempts, %" PRIu64 " lost\n",
		cut, attempts, wake_lost);
	return attempts;
}

static void check_windows(const volatile struct mullion_time *const page, const uint64_t rounds)
{
	const uint64_t cut = cut_before_end(page);
	uint64_t attempts;

	sweep_windows(wake_attempt_unprotected, page, cut, rounds);
	tap_check(wake_lost > 0, "the_sweep_of_the_window_end_finds_an_unprotected_sti_hlt",
		"it found none");
	attempts = sweep_windows(wake_attempt, page, cut, rounds);
	tap_check(wake_lost == 0 && attempts >= ATTEMPTS_LEAST,
		"no_wake_up_is_lost_when_the_window_ends_on_sti_hlt",
		"%" PRIu64 " of %" PRIu64 " lost", wake_lost, attempts);
}

int main(void)
{
	const uint64_t rounds = args_number("rounds", 1);
	const volatile struct mullion_time *const page = time_page(0);
	const bool framed = time_is_framed(0);

	tap_plan(framed ? 4 : 2);
	prepare();
	check_deadlines(rounds);
	if (framed)
		check_windows(page, rounds);
	return tap_status();
}
