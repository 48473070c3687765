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
/* What health wants to follow the switch that is under way: schedule + 1, or 0; shared. */
static uint32_t node_demand;

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

static bool is_framed(const struct cpu *cpu)
{
	return cpu->config->mode == MULLION_CPU_FRAMED;
}

/*
 * The caller's own clock if it has one; the timekeeper's number is only ever read whole. Every CPU's
 * clock is at most one frame behind it or before it: a CPU is done with a frame when its last window
 * ends. One that is late does not know what the others have begun.
 */
static bool read_clock(const struct cpu *cpu, uint64_t *number)
{
	const struct cpu *clock = is_framed(cpu) ? cpu : &system_cpus[mullion_system.timekeeper];

	*number = __atomic_load_n(&clock->frame.number, __ATOMIC_RELAXED);
	return !is_framed(cpu) || arch_now() < schedule_frame_end(cpu);
}

int64_t schedule_switch(const struct cpu *cpu, uint64_t schedule)
{
	uint64_t clock, frame, last = __atomic_load_n(&node_switch, __ATOMIC_ACQUIRE);

	if (mullion_system.timekeeper == MULLION_NO_VCPU ||
		schedule >= mullion_system.schedules_count)
		return MULLION_EINVAL;
	/* Who is a frame behind the clock has taken up the last one if it came into force before. */
	if (!read_clock(cpu, &clock) || (last != 0 && (last & FRAME_MASK) >= clock))
		return MULLION_EAGAIN;
	frame = clock + (is_framed(cpu) ? FRAMES_AHEAD : FRAMES_AHEAD_UNTIMED);
	if (!__atomic_compare_exchange_n(&node_switch, &last, schedule << FRAME_BITS | frame, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return MULLION_EAGAIN;
	mullion_system.node->next_frame = frame;
	mullion_system.node->next_schedule = (uint32_t)schedule;
	return (int64_t)frame;
}

void schedule_demand(const struct cpu *cpu, uint32_t schedule)
{
	if (schedule_switch(cpu, schedule) == MULLION_EAGAIN)
		store_shared(&node_demand, schedule + 1);
}

void schedule_look(const struct cpu *cpu)
{
	uint32_t demand = load_shared(&node_demand);

	if (demand != 0 && schedule_switch(cpu, demand - 1) != MULLION_EAGAIN)
		exchange_shared(&node_demand, demand, 0);
}
