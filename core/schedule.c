/*
 * The schedule: which window a CPU serves, and the exact tick at which it starts and ends.
 *
 * Invariant: window k of frame n starts at floor(epoch + n * frame + start_k), whatever happened
 * before. A frame's start is kept as whole ticks plus an exact fraction; adding a frame is one
 * carry, so there is no division, no rounding that accumulates, and no drift, for ever.
 */
#include <mullion/core.h>

static const struct mullion_schedule *cpu_schedule(const struct cpu *cpu)
{
	return &mullion_system.schedules[cpu->schedule];
}

static const struct mullion_cpu_schedule *cpu_windows(const struct cpu *cpu)
{
	return &cpu_schedule(cpu)->cpus[cpu_number(cpu)];
}

/* a + b; both parts are below the denominator, and so is the sum's. */
static struct mullion_ticks ticks_add(
	struct mullion_ticks a, struct mullion_ticks b, uint64_t denominator)
{
	bool carry = a.part >= denominator - b.part;

	return (struct mullion_ticks){
		.whole = a.whole + b.whole + carry,
		.part = carry ? a.part - (denominator - b.part) : a.part + b.part,
	};
}

/* Frame 0 of `schedule` starts at `epoch`. */
void schedule_begin(struct cpu *cpu, uint64_t epoch, uint32_t schedule)
{
	cpu->schedule = schedule;
	cpu->window = 0;
	cpu->frame = (struct frame_clock){ .start = { .whole = epoch } };
}

/* The tick that lies `offset` after the start of the present frame. */
uint64_t schedule_ticks(const struct cpu *cpu, const struct mullion_ticks *offset)
{
	return ticks_add(cpu->frame.start, *offset, cpu_schedule(cpu)->denominator).whole;
}

uint64_t schedule_frame_end(const struct cpu *cpu)
{
	return schedule_ticks(cpu, &cpu_schedule(cpu)->frame);
}

/* The window to be served now, or NULL if this CPU has none in this schedule. */
const struct mullion_window *schedule_window(const struct cpu *cpu)
{
	const struct mullion_cpu_schedule *list = cpu_windows(cpu);

	return cpu->window < list->count ? &list->windows[cpu->window] : NULL;
}

/* On to the next window, through the end of the frame if this was its last. */
void schedule_advance(struct cpu *cpu)
{
	const struct mullion_schedule *schedule = cpu_schedule(cpu);

	cpu->window++;
	if (cpu->window < cpu_windows(cpu)->count)
		return;
	cpu->window = 0;
	cpu->frame.start = ticks_add(cpu->frame.start, schedule->frame, schedule->denominator);
	cpu->frame.number++;
}
