/*
 * The health monitor: event x partition -> action, from the tables.
 *
 * Invariant: what a partition did wrong costs that partition's time alone. The line for the log is
 * written when the faulting vcpu's own window has room for it; until then it waits in the vcpu, and a
 * later one takes its place.
 */
#include <mullion/core.h>

/* A line takes less than this many guard times; with less left in the window it waits. */
#define REPORT_GUARDS 4u

static const char *const event_names[MULLION_EVENT_COUNT] = {
	[MULLION_EVENT_MEMORY] = "memory violation",
	[MULLION_EVENT_PORT] = "port violation",
	[MULLION_EVENT_MSR] = "MSR violation",
	[MULLION_EVENT_INSTRUCTION] = "instruction violation",
	[MULLION_EVENT_TRIPLE_FAULT] = "triple fault",
	[MULLION_EVENT_OVERRUN] = "window overrun",
	[MULLION_EVENT_RAISED] = "raised by the partition",
	[MULLION_EVENT_EXIT] = "exit",
	[MULLION_EVENT_DMA] = "DMA violation",
	[MULLION_EVENT_WATCHDOG] = "watchdog expired",
	[MULLION_EVENT_MACHINE_CHECK] = "machine check",
};

static const char *const action_names[MULLION_ACTION_COUNT] = {
	[MULLION_ACTION_LOG] = "goes on",
	[MULLION_ACTION_INJECT] = "gets a fault",
	[MULLION_ACTION_STOP] = "stopped",
	[MULLION_ACTION_SHUTDOWN] = "stopped, node shuts down",
	[MULLION_ACTION_RESTART_WARM] = "restarts on its memory",
	[MULLION_ACTION_RESTART_COLD] = "restarts from its image",
	[MULLION_ACTION_SCHEDULE] = "the schedule is switched",
	[MULLION_ACTION_RESET] = "the node is reset",
};

const char *health_event_name(unsigned event)
{
	return event < MULLION_EVENT_COUNT ? event_names[event] : "unknown event";
}

const char *health_action_name(unsigned action)
{
	return action < MULLION_ACTION_COUNT ? action_names[action] : "unknown action";
}

/* The partition, or the node, does not go on as it was. */
static bool ends(enum mullion_action action)
{
	return action > MULLION_ACTION_INJECT && action != MULLION_ACTION_SCHEDULE;
}

/* After these nothing is left to go on. */
static bool is_final(enum mullion_event event)
{
	return event == MULLION_EVENT_TRIPLE_FAULT || event == MULLION_EVENT_EXIT;
}

/* From the table, or, if there were too many lately, what follows then. */
static enum mullion_action decide(
	const struct mullion_partition *partition, enum mullion_event event)
{
	struct partition *life = &system_partitions[partition - mullion_system.partitions];
	enum mullion_action action = partition->actions[event];
	uint64_t now = arch_now(), oldest;
	uint32_t k;

	__atomic_fetch_add(&partition->status->events[event], 1, __ATOMIC_RELAXED);
	if (partition->escalate_count == 0 || action <= MULLION_ACTION_INJECT)
		return action;
	k = __atomic_fetch_add(&life->events_head, 1, __ATOMIC_RELAXED);
	life->events[k % MULLION_ESCALATE_MAX] = now;
	if (k + 1 < partition->escalate_count)
		return action;
	oldest = life->events[(k + 1 - partition->escalate_count) % MULLION_ESCALATE_MAX];
	/* Another CPU's event may be a little later than this one. */
	return now <= oldest + partition->escalate_ticks ? partition->escalate_action : action;
}

/*
 * The 1st, 10th, 100th ... event of a kind is worth a line: a storm costs the log a few, however many
 * kinds it mixes. The trace has them all.
 */
static bool worth_a_line(struct health_count *count)
{
	if (++count->events < count->next_line)
		return false;
	count->next_line = count->next_line == 0 ? 10 : count->next_line * 10;
	return true;
}

static void note(struct vcpu *vcpu, enum mullion_event event, enum mullion_action action,
	uint64_t detail, uint64_t address)
{
	struct health_report *report = &vcpu->report;

	if (!worth_a_line(&report->counts[event]) && !ends(action))
		return;
	journal_note(vcpu_partition(vcpu), vcpu->number, event, action,
		event == MULLION_EVENT_MEMORY ? address : detail, arch_vcpu_rip(vcpu));
	report->event = (uint8_t)event;
	report->action = (uint8_t)action;
	report->pending = true;
	report->detail = detail;
	report->address = address;
	report->rip = arch_vcpu_rip(vcpu);
}

/* What the partition and the node go through, whoever noticed the event. */
static void act(const struct cpu *cpu, const struct mullion_partition *partition,
	enum mullion_action action, enum mullion_event event, uint64_t detail)
{
	uint32_t reason = (uint32_t)event << 8 | action;

	if (action == MULLION_ACTION_RESTART_WARM || action == MULLION_ACTION_RESTART_COLD)
		partition_restart(partition,
			action == MULLION_ACTION_RESTART_COLD ? MULLION_RESTART_COLD
							      : MULLION_RESTART_WARM,
			reason);
	else if (ends(action) || (action == MULLION_ACTION_SCHEDULE && is_final(event)))
		partition_stop(partition, reason);
	if (action == MULLION_ACTION_SCHEDULE)
		schedule_demand(cpu, partition->health_schedule);
	else if (action == MULLION_ACTION_SHUTDOWN)
		node_end(event == MULLION_EVENT_EXIT && detail == 0);
	else if (action == MULLION_ACTION_RESET)
		node_reset();
}

static bool time_for_a_line(const struct vcpu *vcpu)
{
	uint64_t needed = REPORT_GUARDS * mullion_system.switch_guard_ticks;

	return arch_now() + needed < vcpu->cpu->limit || node_ending();
}

static void print_report(const struct vcpu *vcpu, const struct health_report *report)
{
	uint64_t events = report->counts[report->event].events;

	console_print("health: %s: %s", vcpu_partition(vcpu)->name, event_names[report->event]);
	if (report->event == MULLION_EVENT_MEMORY)
		console_print(": %s at %x",
			report->detail & 2      ? "write"
			: report->detail & 0x10 ? "jump"
						: "read",
			report->address);
	else if (report->event != MULLION_EVENT_TRIPLE_FAULT)
		console_print(" %x", report->detail);
	console_print(", rip %x, vcpu %u; %s", report->rip, (uint64_t)vcpu->config->index,
		action_names[report->action]);
	if (events > 1)
		console_print(" (%u times)", events);
	console_print("\n");
}

void health_flush(struct vcpu *vcpu)
{
	struct health_report *report = &vcpu->report;

	if (!report->pending || !time_for_a_line(vcpu) || !console_try_lock())
		return;
	print_report(vcpu, report);
	report->pending = false;
	console_unlock();
}

/* ---- What another CPU noticed ---- */

static const char *const access_names[] = {
	[MULLION_DMA_READ] = "read at",
	[MULLION_DMA_WRITE] = "write at",
	[MULLION_DMA_INTERRUPT] = "interrupt by",
};

static void print_remote(const struct remote_report *report)
{
	console_print("health: %s: %s", report->owner == NULL ? "(nobody)" : report->owner->name,
		event_names[report->event]);
	if (report->event == MULLION_EVENT_DMA)
		console_print(": %s %x, requester %x blocked", access_names[report->source >> 16],
			report->detail, (uint64_t)(report->source & 0xffff));
	else
		console_print(" %x", report->detail);
	console_print("; %s\n", action_names[report->action]);
}

void health_flush_remote(struct cpu *cpu)
{
	struct remote_report *report = &cpu->remote;

	if (!report->pending || !console_try_lock())
		return;
	print_remote(report);
	report->pending = false;
	console_unlock();
}

void health_remote(struct cpu *cpu, const struct mullion_partition *owner, enum mullion_event event,
	uint64_t detail, uint32_t source)
{
	enum mullion_action action = owner == NULL ? MULLION_ACTION_LOG : decide(owner, event);
	uint16_t vcpu = owner == NULL ? MULLION_NO_VCPU : owner->first_vcpu;

	trace(cpu->config->trace, arch_now(), trace_tag(MULLION_TRACE_HEALTH, vcpu),
		(uint32_t)event << 8 | action, detail, source);
	journal_note(owner, vcpu, event, action, detail, source);
	cpu->remote = (struct remote_report){ .owner = owner,
		.detail = detail,
		.source = source,
		.event = (uint8_t)event,
		.action = (uint8_t)action,
		.pending = true };
	if (owner != NULL)
		act(cpu, owner, action, event, detail);
}

void health_device(struct cpu *keeper, const struct mullion_partition *owner, uint16_t requester,
	enum mullion_dma_access access, uint64_t address)
{
	health_remote(
		keeper, owner, MULLION_EVENT_DMA, address, (uint32_t)access << 16 | requester);
}

/* The other CPUs may run on for as long as this takes: what they run is not what failed. */
void health_node_broken(uint64_t detail, uint64_t rip)
{
	journal_note(NULL, MULLION_NO_VCPU, MULLION_EVENT_MACHINE_CHECK, MULLION_ACTION_SHUTDOWN,
		detail, rip);
	store_shared(&node_state, NODE_BOOTING); /* the kernel has the UART again */
	console_print(
		"\nhealth: (nobody): machine check %x, rip %x; the node stops\n", detail, rip);
	arch_power_off(false);
}

/* ---- What a vcpu did itself ---- */

enum mullion_action health_raise(
	struct vcpu *vcpu, enum mullion_event event, uint64_t detail, uint64_t address)
{
	enum mullion_action action = decide(vcpu_partition(vcpu), event);

	trace_vcpu(vcpu, MULLION_TRACE_HEALTH, (uint32_t)event << 8 | action,
		event == MULLION_EVENT_MEMORY ? address : detail, arch_vcpu_rip(vcpu));
	if (event != MULLION_EVENT_EXIT || detail != 0)
		note(vcpu, event, action, detail, address);
	if (action == MULLION_ACTION_INJECT)
		arch_vcpu_inject_fault(vcpu);
	else
		act(vcpu->cpu, vcpu_partition(vcpu), action, event, detail);
	if (event != MULLION_EVENT_OVERRUN)
		health_flush(vcpu);
	return action == MULLION_ACTION_SCHEDULE ? MULLION_ACTION_LOG : action;
}
