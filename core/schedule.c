/*
 * The schedule: which window a CPU serves, and the exact tick at which it starts and ends.
 *
 * Invariant: window k of frame n starts at floor(epoch + n * frame + start_k), whatever happened
 * before. A frame's start is kept as whole ticks plus an exact fraction; adding a frame is one
 * carry, so there is no division, no rounding that accumulates, and no drift, for ever.
 */
#include <mullion/core.h>

/* Frame 0 of `schedule` starts at `epoch`. */
void schedule_begin(struct cpu *cpu, uint64_t epoch, uint32_t schedule)
{
	cpu->schedule = schedule;
	cpu->plan = &mullion_system.schedules[schedule];
	cpu->windows = &cpu->plan->cpus[cpu_number(cpu)];
	cpu->window = 0;
	cpu->frame = (struct frame_clock){ .start = { .whole = epoch } };
}

/* On to the next window, through the end of the frame if this was its last. */
void schedule_advance(struct cpu *cpu)
{
	cpu->window++;
	if (cpu->window < cpu->windows->count)
		return;
	cpu->window = 0;
	cpu->frame.start = ticks_add(cpu->frame.start, cpu->plan->frame, cpu->plan->denominator);
	cpu->frame.number++;
}
