/*
 * One timer per vcpu with absolute TSC deadlines. Where there is no IA32_TSC_DEADLINE, a one-shot
 * count is armed for the distance left, in steps when it exceeds the counter.
 *
 * Invariant: the handler runs once per timer_arm and never before the deadline.
 * Specification: Intel SDM 3A, 11.5.4.
 */
#include <stddef.h>

#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/smp.h>

#define COUNT_MAXIMUM      0xffffffffull
#define CALIBRATION_TICKS  (1ull << 21)
#define RATIO_DENOMINATORS 64u
#define RATIO_TOLERANCE    5000u /* a ratio within 1/5000 of a small fraction is that fraction */

__extension__ typedef unsigned __int128 uint128;

static irq_handler *user_handler;
static uint64_t deadlines[SMP_MAX_VCPUS];
static struct timer_ratio ratio;

bool timer_is_deadline(void)
{
	return platform.tsc_deadline;
}

/* The smallest fraction p/q, q <= 64, that the measurement allows; else the measurement itself. */
static struct timer_ratio ratio_simplest(const uint64_t counts, const uint64_t ticks)
{
	for (uint64_t q = 1; q <= RATIO_DENOMINATORS; q++) {
		const uint64_t p = (counts * q + ticks / 2) / ticks;
		const uint64_t exact = p * ticks, measured = counts * q;
		const uint64_t error = exact > measured ? exact - measured : measured - exact;

		if (p != 0 && error * RATIO_TOLERANCE < measured)
			return (struct timer_ratio){ p, q };
	}
	return (struct timer_ratio){ counts, ticks };
}

struct timer_ratio timer_ratio(void)
{
	uint64_t start, end;
	uint32_t first, last;

	if (ratio.denominator != 0)
		return ratio;
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
	apic_write(APIC_TIMER_INITIAL, (uint32_t)COUNT_MAXIMUM);
	first = apic_read(APIC_TIMER_CURRENT);
	start = tsc_read();
	do {
		cpu_pause();
	} while (tsc_read() - start < CALIBRATION_TICKS);
	last = apic_read(APIC_TIMER_CURRENT);
	end = tsc_read();
	apic_write(APIC_TIMER_INITIAL, 0);
	ratio = ratio_simplest(first - last, end - start);
	return ratio;
}

static void arm_count(const uint64_t deadline_tsc)
{
	const uint64_t now = tsc_read();
	const uint64_t ticks = deadline_tsc > now ? deadline_tsc - now : 0;
	const uint128 counts = (uint128)ticks * ratio.numerator / ratio.denominator + 1;

	apic_write(APIC_TIMER_INITIAL,
		counts < COUNT_MAXIMUM ? (uint32_t)counts : (uint32_t)COUNT_MAXIMUM);
}

static void on_timer(struct irq_frame *const frame)
{
	uint64_t *const deadline = &deadlines[smp_vcpu()];

	if (*deadline == 0)
		return; /* disarmed while the interrupt was on its way */
	if (tsc_read() < *deadline) {
		timer_arm(*deadline);
		return;
	}
	*deadline = 0;
	user_handler(frame);
}

void timer_init(irq_handler *const handler)
{
	if (!platform.tsc_deadline)
		timer_ratio();
	user_handler = handler;
	irq_set_handler(TIMER_VECTOR, on_timer);
	apic_write(
		APIC_LVT_TIMER, TIMER_VECTOR | (platform.tsc_deadline ? APIC_LVT_TSC_DEADLINE : 0));
}

void timer_arm(const uint64_t deadline_tsc)
{
	deadlines[smp_vcpu()] = deadline_tsc;
	if (platform.tsc_deadline)
		msr_write(MSR_TSC_DEADLINE, deadline_tsc);
	else
		arm_count(deadline_tsc);
}

void timer_disarm(void)
{
	deadlines[smp_vcpu()] = 0;
	if (platform.tsc_deadline)
		msr_write(MSR_TSC_DEADLINE, 0);
	else
		apic_write(APIC_TIMER_INITIAL, 0);
}
