/*
 * What answers each partition's health events, by action; its watchdog, and how long it may wait.
 */
#include "explain.h"

#include <string.h>

#include "model_build.h"
#include "shares.h"

/* "  nav   restart-cold      raise, watchdog": the events with that action; none: no line. */
static void print_action(FILE *out, const struct model *model, size_t p, int action)
{
	const struct model_partition *partition = &model->partitions[p];
	const char *between = "";
	int event;

	for (event = 0; event < MULLION_EVENT_COUNT; event++) {
		if (partition->actions[event] != action)
			continue;
		if (!*between) {
			fprintf(out, "  %-15s  ", action_names[action]);
			if (action == MULLION_ACTION_SCHEDULE)
				fprintf(out, "to %s: ",
					model->schedules[partition->health_schedule].name);
		}
		fprintf(out, "%s%s", between, event_properties[event] + strlen("on-"));
		between = ", ";
	}
	if (*between)
		fputc('\n', out);
}

static void print_partition(FILE *out, const struct model *model, size_t p)
{
	const struct model_partition *partition = &model->partitions[p];
	int action;

	fprintf(out, "%s\n", partition->name);
	for (action = 0; action < MULLION_ACTION_COUNT; action++)
		print_action(out, model, p, action);
	if (partition->escalate_count)
		fprintf(out,
			"  %-15s  from number %u within %s on that is more than log or inject\n",
			action_names[partition->escalate_action], partition->escalate_count,
			share_duration(partition->escalate_within_ns));
	if (partition->watchdog_ns)
		fprintf(out, "  %-15s  a count that stands still for %s\n", "watchdog",
			share_duration(partition->watchdog_ns));
	if (partition->max_gap_ns)
		fprintf(out,
			"  %-15s  never longer than %s, in every schedule and between any two\n",
			"waits", share_duration(partition->max_gap_ns));
}

void explain_health(FILE *out, const struct plan *plan)
{
	size_t p, c;

	explain_title(out, "What answers which event");
	for (p = 0; p < plan->model->partitions_count; p++)
		print_partition(out, plan->model, p);
	for (c = 0; c < plan->model->channels_count; c++)
		if (plan->model->channels[c].doorbell)
			fprintf(out, "channel %s interrupts its receivers with vector %#x\n",
				plan->model->channels[c].name, plan->model->channels[c].doorbell);
}
