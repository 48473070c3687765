/*
 * The schedule: which window a CPU serves, and the exact tick at which it starts and ends.
 *
 * Invariant: window k of frame n starts at floor(start of frame n + start_k), whatever happened
 * before. A frame's start is kept as whole ticks plus an exact fraction, of the denominator that all
 * schedules share; adding a frame is one carry, so there is no division, no rounding that
 * accumulates, and no drift, for ever. A switch is known to all CPUs before any of them reaches the
 * frame with which it comes into force, so all take it up at the same tick.
 */
#include <mullion/core.h>

#define FRAME_BITS 48u
#define FRAME_MASK ((1ull << FRAME_BITS) - 1)

/* A frame that no CPU can have begun: the next but one for a CPU that follows the schedule itself. */
#define FRAMES_AHEAD         2u
#define FRAMES_AHEAD_UNTIMED 3u /* by a CPU that reads another's clock, which may be one behind */

uint64_t node_switch;

static void enter(struct cpu *cpu, uint32_t schedule)
{
	cpu->schedule = schedule;
	cpu->plan = &mullion_system.schedules[schedule];
	cpu->windows = &cpu->plan->cpus[cpu_number(cpu)];
}

void schedule_begin(struct cpu *cpu, uint64_t epoch, uint32_t schedule)
{
	enter(cpu, schedule);
	cpu->window = 0;
	cpu->frame = (struct frame_clock){ .start = { .whole = epoch } };
}

/* The one CPU that tells the others about the node: the first that has windows. */
static bool speaks(const struct cpu *cpu)
{
	return cpu->config == &mullion_system.cpus[mullion_system.timekeeper];
}

static COLD void take_up(struct cpu *cpu, uint32_t schedule)
{
	struct mullion_node *node = mullion_system.node;

	enter(cpu, schedule);
	trace(cpu->config->trace, arch_now(), trace_tag(MULLION_TRACE_SCHEDULE, MULLION_NO_VCPU),
		schedule, cpu->frame.start.whole, cpu->frame.number);
	if (!speaks(cpu))
		return;
	node->schedule_frame = cpu->frame.number;
	node->schedule = schedule;
}

void schedule_advance(struct cpu *cpu)
{
	uint64_t next;

	cpu->window++;
	if (cpu->window < cpu->windows->count)
		return;
	cpu->window = 0;
	cpu->frame.start = ticks_add(cpu->frame.start, cpu->plan->frame, cpu->plan->denominator);
	cpu->frame.number++;
	next = __atomic_load_n(&node_switch, __ATOMIC_ACQUIRE);
	if (next != 0 && (next & FRAME_MASK) == cpu->frame.number)
		take_up(cpu, (uint32_t)(next >> FRAME_BITS));
}

/* By the caller's own clock if it has one; the timekeeper's number is only ever read whole. */
static uint64_t frame_ahead(const struct cpu *cpu)
{
	const struct cpu *clock = &system_cpus[mullion_system.timekeeper];

	if (cpu->config->mode == MULLION_CPU_FRAMED)
		return cpu->frame.number + FRAMES_AHEAD;
	return __atomic_load_n(&clock->frame.number, __ATOMIC_RELAXED) + FRAMES_AHEAD_UNTIMED;
}

int64_t schedule_switch(const struct cpu *cpu, uint64_t schedule)
{
	uint64_t now, frame, last = __atomic_load_n(&node_switch, __ATOMIC_ACQUIRE);

	if (mullion_system.timekeeper == MULLION_NO_VCPU ||
		schedule >= mullion_system.schedules_count)
		return MULLION_EINVAL;
	frame = frame_ahead(cpu);
	now = frame - FRAMES_AHEAD;
	if (last != 0 && (last & FRAME_MASK) >= now)
		return MULLION_EAGAIN;
	if (!__atomic_compare_exchange_n(&node_switch, &last, schedule << FRAME_BITS | frame, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return MULLION_EAGAIN;
	mullion_system.node->next_frame = frame;
	mullion_system.node->next_schedule = (uint32_t)schedule;
	return (int64_t)frame;
}
