/*
 * A framed CPU: it serves the windows of its schedule, each from its exact first tick.
 *
 * Invariant: a window's start depends on nothing that ran before it. The kernel takes the CPU back
 * one guard time before the end, does all the work of the switch inside the guard, and then polls
 * the clock for the first tick of the next window. The guard is longer than the longest path from
 * any exit to the poll.
 */
#include <mullion/core.h>

/* Waits longer than this many guards are slept, not polled. */
#define POLL_GUARDS 2u
/* A line for the log takes less than this many. */
#define LINE_GUARDS 4u

static uint64_t guard(void)
{
	return mullion_system.switch_guard_ticks;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Sleep until `until`; the kernel's text leaves by the UART in time nobody owns. */
static void sleep_until(struct cpu *cpu, uint64_t until)
{
	if (arch_now() + LINE_GUARDS * guard() < until)
		health_flush_device(cpu);
	console_drain(until);
	while (arch_now() < until && !node_ending())
		arch_idle(cpu, until);
}

static void publish(const struct cpu *cpu, const struct vcpu *vcpu, uint64_t start, uint64_t end)
{
	struct mullion_time *time = vcpu->config->time;

	time->frame = cpu->frame.number;
	time->window_start_tsc = start;
	time->window_end_tsc = end;
	time->schedule = cpu->schedule;
	time->window = cpu->window;
}

/* Hand the CPU's state over, unless it still is the vcpu's. */
static void load(struct cpu *cpu, struct vcpu *vcpu)
{
	if (cpu->loaded == vcpu)
		return;
	arch_vcpu_switch(cpu->loaded, vcpu);
	cpu->loaded = vcpu;
}

/* A secondary vcpu its partition has just started: the reset costs it the window's first ticks. */
static COLD bool start(struct vcpu *vcpu)
{
	if (!exchange_shared(&vcpu->state, VCPU_STARTING, VCPU_RUNNING))
		return false;
	arch_vcpu_reset(vcpu);
	vcpu->halted = false;
	return true;
}

/* The vcpu's time between its interrupts: run it, or sleep while it is halted. */
static bool serve(struct cpu *cpu, struct vcpu *vcpu, uint64_t not_before)
{
	uint64_t until = earlier(cpu->limit, arch_vcpu_deadline(vcpu));
	enum vcpu_leave leave;

	if (vcpu->halted) {
		arch_idle(cpu, until);
		return true;
	}
	arch_timer_arm(cpu, until);
	leave = arch_vcpu_run(vcpu, not_before);
	vcpu->halted = leave == LEAVE_HALT;
	if (leave != LEAVE_TIMER)
		health_flush(vcpu);
	return leave != LEAVE_YIELD && leave != LEAVE_STOP;
}

/* Run one window to its end. It opens at `begin`; the vcpu is loaded. */
static void serve_window(struct cpu *cpu, struct vcpu *vcpu, uint64_t begin)
{
	uint64_t now = begin;

	do {
		if (arch_vcpu_poll(vcpu, now))
			vcpu->halted = false;
		if (!serve(cpu, vcpu, begin))
			break;
		now = arch_now();
	} while (now < cpu->limit && !node_ending());
}

static void open_window(
	struct cpu *cpu, struct vcpu *vcpu, uint64_t begin, uint64_t end, bool first)
{
	uint64_t now;

	load(cpu, vcpu);
	publish(cpu, vcpu, begin, end);
	now = arch_now();
	trace(vcpu->trace, now, trace_tag(MULLION_TRACE_WINDOW, vcpu->number), cpu->window, begin,
		cpu->frame.number);
	if (now > begin && !first)
		health_raise(vcpu, MULLION_EVENT_OVERRUN, now - begin, 0);
}

static void window(struct cpu *cpu, const struct mullion_window *window)
{
	struct vcpu *vcpu = &system_vcpus[window->vcpu];
	uint64_t begin = schedule_ticks(cpu, &window->start);
	uint64_t end = schedule_ticks(cpu, &window->end);
	uint64_t now;
	bool first = false;

	arch_devices_poll(cpu);
	now = arch_now();
	cpu->limit = end - guard();
	if (now + POLL_GUARDS * guard() < begin)
		sleep_until(cpu, begin - guard());
	else if (now >= cpu->limit)
		return;
	if (node_ending())
		return;
	if (load_shared(&vcpu->state) != VCPU_RUNNING) {
		first = start(vcpu);
		if (!first) {
			health_flush(vcpu);
			return;
		}
	}
	open_window(cpu, vcpu, begin, end, first);
	serve_window(cpu, vcpu, begin);
}

/* Serve windows until the node ends. */
void framed_loop(struct cpu *cpu)
{
	schedule_begin(cpu, node_epoch, mullion_system.startup_schedule);
	while (!node_ending()) {
		const struct mullion_window *next = schedule_window(cpu);

		if (next != NULL)
			window(cpu, next);
		else
			sleep_until(cpu, schedule_frame_end(cpu) - guard());
		schedule_advance(cpu);
	}
}
