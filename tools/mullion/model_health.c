/*
 * The model's builder for health: which action answers which event, and what follows too many.
 */
#include <string.h>

#include "model_build.h"

const char *const event_properties[MULLION_EVENT_COUNT] = {
	[MULLION_EVENT_MEMORY] = "on-memory-violation",
	[MULLION_EVENT_PORT] = "on-port-violation",
	[MULLION_EVENT_MSR] = "on-msr-violation",
	[MULLION_EVENT_INSTRUCTION] = "on-instruction-violation",
	[MULLION_EVENT_TRIPLE_FAULT] = "on-triple-fault",
	[MULLION_EVENT_OVERRUN] = "on-overrun",
	[MULLION_EVENT_RAISED] = "on-raise",
	[MULLION_EVENT_EXIT] = "on-exit",
	[MULLION_EVENT_DMA] = "on-dma-violation",
	[MULLION_EVENT_WATCHDOG] = "on-watchdog",
	[MULLION_EVENT_MACHINE_CHECK] = "on-machine-check",
};

const char *const action_names[MULLION_ACTION_COUNT] = {
	[MULLION_ACTION_LOG] = "log",
	[MULLION_ACTION_INJECT] = "inject",
	[MULLION_ACTION_STOP] = "stop",
	[MULLION_ACTION_SHUTDOWN] = "shutdown",
	[MULLION_ACTION_RESTART_WARM] = "restart-warm",
	[MULLION_ACTION_RESTART_COLD] = "restart-cold",
	[MULLION_ACTION_SCHEDULE] = "switch-schedule",
	[MULLION_ACTION_RESET] = "reset",
};

static const int default_actions[MULLION_EVENT_COUNT] = {
	[MULLION_EVENT_MEMORY] = MULLION_ACTION_STOP,
	[MULLION_EVENT_PORT] = MULLION_ACTION_LOG,
	[MULLION_EVENT_MSR] = MULLION_ACTION_INJECT,
	[MULLION_EVENT_INSTRUCTION] = MULLION_ACTION_INJECT,
	[MULLION_EVENT_TRIPLE_FAULT] = MULLION_ACTION_STOP,
	[MULLION_EVENT_OVERRUN] = MULLION_ACTION_LOG,
	[MULLION_EVENT_RAISED] = MULLION_ACTION_LOG,
	[MULLION_EVENT_EXIT] = MULLION_ACTION_STOP,
	[MULLION_EVENT_DMA] = MULLION_ACTION_LOG,
	[MULLION_EVENT_WATCHDOG] = MULLION_ACTION_STOP,
	[MULLION_EVENT_MACHINE_CHECK] = MULLION_ACTION_STOP,
};

int event_by_property(const char *name)
{
	for (int event = 0; event < MULLION_EVENT_COUNT; event++)
		if (strcmp(event_properties[event], name) == 0)
			return event;
	return -1;
}

int action_by_name(const char *name)
{
	for (int action = 0; action < MULLION_ACTION_COUNT; action++)
		if (strcmp(action_names[action], name) == 0)
			return action;
	return -1;
}

static void build_actions(struct model_partition *partition, const struct source_node *health)
{
	for (int event = 0; event < MULLION_EVENT_COUNT; event++) {
		const char *name = string(health, event_properties[event]);
		const int action = name == NULL ? -1 : action_by_name(name);

		if (action >= 0)
			partition->actions[event] = action;
	}
}

static void build_escalation(struct model_partition *partition, const struct source_node *health)
{
	const char *name = string(health, "escalate-action");

	if (source_property(health, "escalate-count") == NULL)
		return;
	partition->escalate_count = quantity32(health, "escalate-count");
	partition->escalate_within_ns = quantity(health, "escalate-within-ns");
	partition->escalate_action = name == NULL ? -1 : action_by_name(name);
}

/* A table overrides what the one before it says: that of all partitions, then its own. */
static void take_table(struct model_partition *partition, const struct source_node *health)
{
	build_actions(partition, health);
	build_escalation(partition, health);
}

void build_health(
	struct builder *b, struct model_partition *partition, const struct source_node *node)
{
	memcpy(partition->actions, default_actions, sizeof(default_actions));
	take_table(partition, source_child(b->source->root, "health"));
	take_table(partition, source_child(node, "health"));
}

static int schedule_index(const struct builder *b, const struct source_node *node)
{
	for (size_t i = 0; node != NULL && i < b->model->schedules_count; i++)
		if (same_place(b->model->schedules[i].at, node->at))
			return (int)i;
	return -1;
}

void build_health_schedules(struct builder *b)
{
	const struct source_node *all = source_child(b->source->root, "health");
	const struct source_node *parent = source_child(b->source->root, "partitions");
	const struct source_node *node = parent == NULL ? NULL : parent->children;

	for (size_t i = 0; node != NULL; node = node->next, i++) {
		const struct source_node *own = source_child(node, "health");
		const bool overrides = source_property(own, "schedule") != NULL;

		b->model->partitions[i].health_schedule =
			schedule_index(b, target(b, overrides ? own : all, "schedule", 0));
	}
}
