/*
 * Rules about watchdogs: somebody looks at them, often enough, and the partition can answer.
 *
 * The first framed CPU keeps the time: before each of its windows it looks at one partition's
 * count, before the next one at the next partition's (core/watchdog.c). So all are looked at within
 * as many frames as there are partitions.
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

static bool has_window(const struct model_schedule *schedule, int cpu, int partition)
{
	for (size_t i = 0; i < schedule->cpus_count; i++)
		for (size_t w = 0; w < schedule->cpus[i].windows_count; w++)
			if ((cpu < 0 || schedule->cpus[i].cpu == cpu) &&
				(partition < 0 ||
					schedule->cpus[i].windows[w].partition == partition))
				return true;
	return false;
}

static const struct model_partition *first_watched(const struct model *model)
{
	for (size_t i = 0; i < model->partitions_count; i++)
		if (model->partitions[i].watchdog_ns != 0)
			return &model->partitions[i];
	return NULL;
}

static void watchdog_window(struct check *check)
{
	const struct model *model = check->model;
	const struct model_partition *watched = first_watched(model);
	const struct model_cpu *cpu = keeper(model);

	if (watched == NULL || cpu == NULL || tainted(check, "/schedules"))
		return;
	for (size_t i = 0; i < model->schedules_count; i++) {
		const struct model_schedule *s = &model->schedules[i];

		if (s->cpus_count == 0 || has_window(s, (int)(cpu - model->cpus), -1))
			continue;
		fault(check, s->at,
			say(check,
				"in the schedule %s nobody looks at the watchdog of %s: CPU %u, "
				"the first framed one, has no window",
				s->name, watched->name, cpu->number),
			say(check, "give somebody a window in cpu@%u, or remove watchdog-ns",
				cpu->number));
	}
}

static void runs(struct check *check, const struct model_partition *partition)
{
	const struct model *model = check->model;
	const int index = (int)(partition - model->partitions);

	if (written(check, partition->at, "cpus") || tainted(check, "/schedules"))
		return;
	for (size_t i = 0; i < model->schedules_count; i++) {
		const struct model_schedule *s = &model->schedules[i];

		if (s->cpus_count == 0 || has_window(s, -1, index))
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
	{ "watchdog-window", "The first framed CPU has a window in every schedule, for watchdogs.",
		TIER_MEANING, watchdog_window },
	{ "watchdog-runs", "A partition with a watchdog runs in every schedule.", TIER_MEANING,
		watchdog_runs },
	{ "watchdog-short", "A watchdog is no shorter than it takes to look at all of them.",
		TIER_MEANING, watchdog_short },
	{ NULL, NULL, TIER_COUNT, NULL },
};
