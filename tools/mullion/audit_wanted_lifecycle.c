/*
 * Compares what answers health events, what is watched, who is rung, and how the node resets, with
 * the description.
 *
 * The invariant that is proved: every action, limit and vector is the one described. What is wanted is
 * worked out here once more, by the words of docs/description.md and docs/lifecycle.md.
 */
#include "audit.h"

#include "allocate.h"

struct wanted {
	struct audit *audit;
	const struct model *model;
};

static bool is_time(const struct wanted *wanted, uint64_t ticks, uint64_t ns)
{
	return audit_is_at_least(wanted->model->board.tsc_hz, ticks, ns);
}

static void compare_health(const struct wanted *wanted, unsigned p)
{
	const struct model_partition *model = &wanted->model->partitions[p];
	const struct mullion_partition *table = wanted->audit->partitions[p].table;
	const char *name = wanted->audit->partitions[p].name;
	unsigned event;

	for (event = 0; event < MULLION_EVENT_COUNT; event++)
		if (table->actions[event] != model->actions[event])
			audit_find(wanted->audit, "wanted-health",
				"health event %u of partition %s has action %u, and is to have %d",
				event, name, table->actions[event], model->actions[event]);
	if (table->escalate_count != model->escalate_count ||
		!is_time(wanted, table->escalate_ticks, model->escalate_within_ns) ||
		(model->escalate_count && table->escalate_action != model->escalate_action))
		audit_find(wanted->audit, "wanted-health",
			"partition %s escalates to action %u from event %u within %llu ticks on, "
			"and is to escalate to action %d from event %u within %llu ns",
			name, table->escalate_action, table->escalate_count,
			(unsigned long long)table->escalate_ticks, model->escalate_action,
			model->escalate_count, (unsigned long long)model->escalate_within_ns);
	if (table->health_schedule != (model->health_schedule < 0 ? 0 : model->health_schedule))
		audit_find(wanted->audit, "wanted-health",
			"partition %s switches to schedule %u, and is to switch to %d", name,
			table->health_schedule, model->health_schedule);
	if (!is_time(wanted, table->watchdog_ticks, model->watchdog_ns))
		audit_find(wanted->audit, "wanted-watchdog",
			"the watchdog of partition %s has %llu ticks, and is to have %llu ns", name,
			(unsigned long long)table->watchdog_ticks,
			(unsigned long long)model->watchdog_ns);
}

/* ---- Doorbells ---- */

static bool rings(const struct wanted *wanted, const struct mullion_doorbell *doorbell,
	const struct model_channel *model, size_t t)
{
	const struct mullion_vcpu *vcpu;

	if (doorbell->vcpu >= wanted->audit->system->vcpus_count)
		return false;
	vcpu = &wanted->audit->vcpus[doorbell->vcpu];
	return vcpu->partition == model->to[t] && !vcpu->index &&
	       doorbell->vector == model->doorbell;
}

static void compare_doorbells(const struct wanted *wanted, size_t c)
{
	const struct model_channel *model = &wanted->model->channels[c];
	const struct mullion_channel *channel = &wanted->audit->channels[c];
	const size_t count = model->doorbell ? model->to_count : 0;
	const struct mullion_doorbell *doorbells = audit_image_at(&wanted->audit->image,
		audit_address(channel->doorbells), count * sizeof(*doorbells));
	size_t t;

	if (channel->doorbells_count != count || (count && !doorbells)) {
		audit_find(wanted->audit, "wanted-doorbells",
			"channel %s rings %u vcpus, and is to ring %zu", model->name,
			channel->doorbells_count, count);
		return;
	}
	for (t = 0; t < count; t++)
		if (!rings(wanted, &doorbells[t], model, t))
			audit_find(wanted->audit, "wanted-doorbells",
				"channel %s rings vcpu %u of the node with vector %#x, and is to "
				"ring vcpu 0 of %s with %#x",
				model->name, doorbells[t].vcpu, doorbells[t].vector,
				wanted->model->partitions[model->to[t]].name, model->doorbell);
}

static void compare_channels(const struct wanted *wanted)
{
	const size_t count = wanted->model->channels_count;
	size_t c;

	if (wanted->audit->system->channels_count != count) {
		audit_find(wanted->audit, "wanted-channels",
			"it has %u channels, and is to have %zu",
			wanted->audit->system->channels_count, count);
		return;
	}
	for (c = 0; c < count; c++) {
		if (wanted->audit->channels[c].from != wanted->model->channels[c].from)
			audit_find(wanted->audit, "wanted-channels",
				"channel %s is sent by another partition than described",
				wanted->model->channels[c].name);
		compare_doorbells(wanted, c);
	}
}

/* ---- The reset ---- */

static void compare_reset(const struct wanted *wanted)
{
	const struct model_board *board = &wanted->model->board;
	const struct arch_system_tables *arch = wanted->audit->arch;
	const bool port = board->reset >= 0 && wanted->model->devices[board->reset].is_port;

	if (arch->reset_port != (port ? wanted->model->devices[board->reset].reg.base : 0) ||
		arch->reset_value != (port ? board->reset_value : 0))
		audit_find(wanted->audit, "wanted-reset",
			"it resets the node by writing %#x to port %#x, and is to do otherwise",
			arch->reset_value, arch->reset_port);
}

void audit_wanted_lifecycle(struct audit *audit, const struct model *model)
{
	const struct wanted wanted = { audit, model };
	unsigned p;

	for (p = 0; p < model->partitions_count; p++)
		compare_health(&wanted, p);
	compare_channels(&wanted);
	compare_reset(&wanted);
}
