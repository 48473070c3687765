/*
 * beat: the example of docs/partitions.md. Wakes every 100 us by an absolute deadline and says how late
 * the worst wake-up so far was. Argument beats=10: how many.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/time.h>

#define PERIOD_NS 100000ull

static volatile uint64_t woken_tsc;

static void on_timer(struct irq_frame *const frame)
{
	(void)frame;
	woken_tsc = tsc_read();
}

int main(void)
{
	const uint64_t beats = args_number("beats", 10);
	uint64_t worst_ticks = 0;
	uint64_t deadline;

	timer_init(on_timer);
	deadline = tsc_read() + time_ticks_from_ns(PERIOD_NS);
	for (uint64_t beat = 1; beat <= beats; beat++) {
		woken_tsc = 0;
		timer_arm(deadline);
		while (woken_tsc == 0)
			irq_wait();
		if (woken_tsc - deadline > worst_ticks)
			worst_ticks = woken_tsc - deadline;
		printf("beat %" PRIu64 " on %s, worst %" PRIu64 " ns late\n", beat, platform_name(),
			time_ns_from_ticks(worst_ticks));
		/* From the last deadline, not from now: nothing drifts. */
		deadline += time_ticks_from_ns(PERIOD_NS);
	}
	return 0;
}
