/*
 * Exact instants: whole ticks plus a fraction of the schedule's denominator. Inline, because every
 * window's switch computes a few; schedule.c says what they mean.
 */
#ifndef MULLION_SCHEDULE_H
#define MULLION_SCHEDULE_H

#include <mullion/state.h>

/* a + b; both parts are below the denominator, and so is the sum's. */
static inline struct mullion_ticks ticks_add(
	struct mullion_ticks a, struct mullion_ticks b, uint64_t denominator)
{
	bool carry = a.part >= denominator - b.part;

	return (struct mullion_ticks){
		.whole = a.whole + b.whole + carry,
		.part = carry ? a.part - (denominator - b.part) : a.part + b.part,
	};
}

/* The tick that lies `offset` after the start of the present frame. */
static inline uint64_t schedule_ticks(const struct cpu *cpu, const struct mullion_ticks *offset)
{
	return ticks_add(cpu->frame.start, *offset, cpu->plan->denominator).whole;
}

static inline uint64_t schedule_frame_end(const struct cpu *cpu)
{
	return schedule_ticks(cpu, &cpu->plan->frame);
}

/* The window to be served now, or NULL if this CPU has none in this schedule. */
static inline const struct mullion_window *schedule_window(const struct cpu *cpu)
{
	return cpu->window < cpu->windows->count ? &cpu->windows->windows[cpu->window] : NULL;
}

/* Frame 0 of `schedule` starts at `epoch`. */
void schedule_begin(struct cpu *cpu, uint64_t epoch, uint32_t schedule);

/*
 * Publish a switch: every CPU takes it up with the frame whose number is returned. MULLION_EINVAL: no
 * such schedule, or no CPU has windows; MULLION_EAGAIN: another switch is under way.
 */
int64_t schedule_switch(const struct cpu *cpu, uint64_t schedule);

/* The same for health, which does not ask again: behind a switch under way, and a later demand, it waits. */
void schedule_demand(const struct cpu *cpu, uint32_t schedule);

/* The timekeeper, before every window: publish what waits. */
void schedule_look(const struct cpu *cpu);

/* On to the next window, through the end of the frame if this was its last. */
void schedule_advance(struct cpu *cpu);

#endif
