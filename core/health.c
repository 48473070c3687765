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
};

static const char *const action_names[MULLION_ACTION_COUNT] = {
	[MULLION_ACTION_LOG] = "goes on",
	[MULLION_ACTION_INJECT] = "gets a fault",
	[MULLION_ACTION_STOP] = "stopped",
	[MULLION_ACTION_SHUTDOWN] = "stopped, node shuts down",
};

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
	bool ends = action >= MULLION_ACTION_STOP;

	if (!worth_a_line(&report->counts[event]) && !ends)
		return;
	report->event = (uint8_t)event;
	report->action = (uint8_t)action;
	report->pending = true;
	report->detail = detail;
	report->address = address;
	report->rip = arch_vcpu_rip(vcpu);
}

static void act(
	struct vcpu *vcpu, enum mullion_action action, enum mullion_event event, uint64_t detail)
{
	switch (action) {
	case MULLION_ACTION_INJECT:
		arch_vcpu_inject_fault(vcpu);
		break;
	case MULLION_ACTION_STOP:
		partition_stop(vcpu_partition(vcpu));
		break;
	case MULLION_ACTION_SHUTDOWN:
		partition_stop(vcpu_partition(vcpu));
		node_end(event == MULLION_EVENT_EXIT && detail == 0);
		break;
	default:
		break;
	}
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

static const char *const access_names[] = {
	[MULLION_DMA_READ] = "read at",
	[MULLION_DMA_WRITE] = "write at",
	[MULLION_DMA_INTERRUPT] = "interrupt by",
};

static void print_device(const struct device_report *report)
{
	console_print("health: %s: %s: %s %x, requester %x blocked; %s\n",
		report->owner == NULL ? "(nobody)" : report->owner->name,
		event_names[MULLION_EVENT_DMA], access_names[report->access], report->address,
		(uint64_t)report->requester, action_names[report->action]);
}

void health_flush_device(struct cpu *cpu)
{
	struct device_report *report = &cpu->device;

	if (!report->pending || !console_try_lock())
		return;
	print_device(report);
	report->pending = false;
	console_unlock();
}

void health_device(struct cpu *keeper, const struct mullion_partition *owner, uint16_t requester,
	enum mullion_dma_access access, uint64_t address)
{
	enum mullion_action action =
		owner == NULL ? MULLION_ACTION_LOG : owner->actions[MULLION_EVENT_DMA];

	trace(keeper->config->trace, arch_now(),
		trace_tag(
			MULLION_TRACE_HEALTH, owner == NULL ? MULLION_NO_VCPU : owner->first_vcpu),
		MULLION_EVENT_DMA << 8 | action, address, (uint64_t)access << 16 | requester);
	keeper->device = (struct device_report){ .owner = owner,
		.address = address,
		.requester = requester,
		.access = (uint8_t)access,
		.action = (uint8_t)action,
		.pending = true };
	if (action >= MULLION_ACTION_STOP)
		partition_stop(owner);
	if (action == MULLION_ACTION_SHUTDOWN)
		node_end(false);
}

enum mullion_action health_raise(
	struct vcpu *vcpu, enum mullion_event event, uint64_t detail, uint64_t address)
{
	enum mullion_action action = vcpu_partition(vcpu)->actions[event];

	trace_vcpu(vcpu, MULLION_TRACE_HEALTH, (uint32_t)event << 8 | action,
		event == MULLION_EVENT_MEMORY ? address : detail, arch_vcpu_rip(vcpu));
	if (event != MULLION_EVENT_EXIT || detail != 0)
		note(vcpu, event, action, detail, address);
	act(vcpu, action, event, detail);
	if (event != MULLION_EVENT_OVERRUN)
		health_flush(vcpu);
	return action;
}
