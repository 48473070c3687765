/*
 * Rules about watchdogs: somebody looks at them, often enough, and the partition can answer.
 *
 * The first framed CPU keeps the time: before each of its windows it looks at one partition's
 * count, before the next one at the next partition's (core/watchdog.c). So all are looked at within
 * as many frames as there are partitions: the rule keeper-window sees to one window in each.
 */
#include <inttypes.h>

#include "check.h"

static const struct model_cpu *keeper(const struct model *model)
{
	for (size_t i = 0; i < model->cpus_count; i++)
		if (model->cpus[i].mode == MULLION_CPU_FRAMED)
			return &model->cpus[i];
	return NULL;
}

/* Calls `function` for every partition with a watchdog. */
static void each_watchdog(struct check *check,
	void (*function)(struct check *check, const struct model_partition *partition))
{
	for (size_t i = 0; i < check->model->partitions_count; i++)
		if (check->model->partitions[i].watchdog_ns != 0)
			function(check, &check->model->partitions[i]);
}

static void kept(struct check *check, const struct model_partition *partition)
{
	if (keeper(check->model) != NULL || tainted(check, "/cpus"))
		return;
	fault(check, place(check, partition->at, "watchdog-ns"),
		say(check, "nobody looks at the watchdog of %s: the node has no framed CPU",
			partition->name),
		"write mode = \"framed\" for a CPU, with a window in a schedule, or remove "
		"watchdog-ns");
}

static void watchdog_keeper(struct check *check)
{
	each_watchdog(check, kept);
}

static bool runs_in(const struct model_schedule *schedule, int partition)
{
	for (size_t i = 0; i < schedule->cpus_count; i++)
		for (size_t w = 0; w < schedule->cpus[i].windows_count; w++)
			if (schedule->cpus[i].windows[w].partition == partition)
				return true;
	return false;
}

static void runs(struct check *check, const struct model_partition *partition)
{
	const struct model *model = check->model;
	const int index = (int)(partition - model->partitions);

	if (written(check, partition->at, "cpus") || tainted(check, "/schedules"))
		return;
	for (size_t i = 0; i < model->schedules_count; i++) {
		const struct model_schedule *s = &model->schedules[i];

		if (s->cpus_count == 0 || runs_in(s, index))
			continue;
		fault(check, s->at,
			say(check,
				"the schedule %s never runs %s, whose watchdog would expire "
				"in it",
				s->name, partition->name),
			say(check, "give %s a window, or remove its watchdog-ns", partition->name));
	}
}

static void watchdog_runs(struct check *check)
{
	each_watchdog(check, runs);
}

static uint64_t longest_frame(const struct model *model)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < model->schedules_count; i++)
		if (model->schedules[i].major_frame_ns > longest)
			longest = model->schedules[i].major_frame_ns;
	return longest;
}

static void long_enough(struct check *check, const struct model_partition *partition)
{
	const struct model *model = check->model;
	const struct model_cpu *cpu = keeper(model);
	const uint64_t frame = longest_frame(model), count = model->partitions_count;

	if (cpu == NULL || frame > UINT64_MAX / count || partition->watchdog_ns >= count * frame ||
		tainted(check, "/schedules"))
		return;
	fault(check, place(check, partition->at, "watchdog-ns"),
		say(check,
			"the watchdog of %s is to expire after %" PRIu64
			" ns, but CPU %u, which looks at one of %" PRIu64
			" partitions before each window, may take %" PRIu64 " frames of %" PRIu64
			" ns to come round",
			partition->name, partition->watchdog_ns, cpu->number, count, count, frame),
		say(check, "raise it to at least %" PRIu64 ", or shorten the frame",
			count * frame));
}

static void watchdog_short(struct check *check)
{
	each_watchdog(check, long_enough);
}

const struct rule rules_watchdog[] = {
	{ "watchdog-keeper", "Watchdogs need a framed CPU, which looks at them.", TIER_MEANING,
		watchdog_keeper },
	{ "watchdog-runs", "A partition with a watchdog runs in every schedule.", TIER_MEANING,
		watchdog_runs },
	{ "watchdog-short", "A watchdog is no shorter than it takes to look at all of them.",
		TIER_MEANING, watchdog_short },
	{ NULL, NULL, TIER_COUNT, NULL },
};
