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
		health_flush_remote(cpu);
	console_drain(until);
	while (arch_now() < until && !node_ending())
		arch_idle(cpu, until);
}

/* Hand the CPU's state over, unless it still is the vcpu's. */
static void load(struct cpu *cpu, struct vcpu *vcpu)
{
	if (cpu->loaded == vcpu)
		return;
	arch_vcpu_switch(cpu->loaded, vcpu);
	__atomic_store_n(&cpu->loaded, vcpu, __ATOMIC_RELEASE);
}

/* What the CPU still holds of a vcpu that was stopped: control may ask for it. */
static void put_away(struct cpu *cpu, struct vcpu *vcpu)
{
	if (cpu->loaded == vcpu && load_shared(&vcpu->state) == VCPU_STOPPED)
		load(cpu, NULL);
}

/* A vcpu that has just been started: the reset costs it the window's first ticks. */
static COLD bool start(struct cpu *cpu, struct vcpu *vcpu, uint64_t begin)
{
	if (!exchange_shared(&vcpu->state, VCPU_STARTING, VCPU_RUNNING))
		return false;
	if (cpu->loaded == vcpu)
		cpu->loaded = NULL; /* what the CPU still holds is its former life's */
	arch_vcpu_reset(vcpu);
	vcpu->halted = false;
	vcpu->first_window = begin;
	return true;
}

/* A window of a vcpu that does not run belongs to its partition all the same: it is restored there. */
static COLD void leave_unused(struct cpu *cpu, struct vcpu *vcpu)
{
	put_away(cpu, vcpu);
	leave_vcpu(vcpu);
	partition_restore(vcpu, cpu->limit - guard());
	health_flush(vcpu);
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

/* Run one window to its end, and say when that was. It opens at `begin`; the vcpu is loaded. */
static uint64_t serve_window(struct cpu *cpu, struct vcpu *vcpu, uint64_t begin)
{
	uint64_t now = begin;
	bool goes_on;

	do {
		if (arch_vcpu_poll(vcpu, now))
			vcpu->halted = false;
		goes_on = serve(cpu, vcpu, begin);
		now = arch_now();
	} while (goes_on && now < cpu->limit && !node_ending());
	return now;
}

static COLD void overrun(struct vcpu *vcpu, uint64_t begin, uint64_t now)
{
	uint64_t ticks = now - begin;

	if (vcpu->first_window == begin)
		return;
	if (vcpu->status->latest_start < ticks)
		vcpu->status->latest_start = ticks;
	health_raise(vcpu, MULLION_EVENT_OVERRUN, ticks, 0);
	if (load_shared(&vcpu->state) != VCPU_RUNNING)
		vcpu->cpu->limit = 0; /* it was stopped: the window ends as it begins */
}

/* Say which window it is, in the trace and in the time page; returns how long the trace is now. */
static uint64_t open_window(const struct cpu *cpu, struct vcpu *vcpu, uint64_t begin, uint64_t end)
{
	struct mullion_time *time = vcpu->config->time;
	const uint64_t frame = cpu->frame.number, now = arch_now();
	const uint64_t records = vcpu->trace->head + 1;
	const uint32_t schedule = cpu->schedule, window = cpu->window;

	trace(vcpu->trace, now, trace_tag(MULLION_TRACE_WINDOW, vcpu->number), window, begin,
		frame);
	time->frame = frame;
	time->window_start_tsc = begin;
	time->window_end_tsc = end;
	time->schedule = schedule;
	time->window = window;
	if (now > begin)
		overrun(vcpu, begin, now);
	return records;
}

/* What the window was used for; records of the trace are exits, nearly all of them. */
static void account(struct vcpu *vcpu, uint64_t ran, uint64_t records)
{
	struct mullion_vcpu_status *status = vcpu->status;

	status->entered++;
	status->ran += ran;
	status->exits += vcpu->trace->head - records;
}

/* Of what others did: found here because this CPU is here anyway. Bounded, inside the guard. */
static COLD void look_after(struct cpu *cpu)
{
	if (cpu->duties & DUTY_DEVICES)
		arch_devices_poll(cpu);
	if (cpu->duties & DUTY_WATCHDOGS)
		watchdog_look(cpu);
	if (cpu->duties & DUTY_SCHEDULES)
		schedule_look(cpu);
}

/* Through memory: the compiler would else compute the address anew wherever it is used. */
static struct vcpu *serves(struct cpu *cpu, const struct mullion_window *window)
{
	__atomic_store_n(&cpu->serves, &system_vcpus[window->vcpu], __ATOMIC_RELAXED);
	return __atomic_load_n(&cpu->serves, __ATOMIC_RELAXED);
}

static void window(struct cpu *cpu, const struct mullion_window *window)
{
	struct vcpu *vcpu = serves(cpu, window);
	uint64_t begin = schedule_ticks(cpu, &window->start);
	uint64_t end = schedule_ticks(cpu, &window->end);
	uint64_t now, records;

	if (cpu->duties != 0)
		look_after(cpu);
	now = arch_now();
	cpu->limit = end - guard();
	if (now + POLL_GUARDS * guard() < begin)
		sleep_until(cpu, begin - guard());
	else if (now >= cpu->limit)
		return;
	if (node_ending())
		return;
	enter_vcpu(vcpu);
	if (load_shared(&vcpu->state) != VCPU_RUNNING && !start(cpu, vcpu, begin)) {
		leave_unused(cpu, vcpu);
		return;
	}
	load(cpu, vcpu);
	records = open_window(cpu, vcpu, begin, end);
	now = serve_window(cpu, vcpu, begin);
	account(vcpu, now - begin, records);
	leave_vcpu(vcpu);
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
