/*
 * Rules about the longest time that a partition waits between its windows: within a schedule, and
 * across a switch from one to another, which takes place where a frame of the former ends.
 *
 * A gap lies between two windows of one CPU: each vcpu of a partition keeps the promise by itself.
 * All sums are of whole nanoseconds, so they are exact.
 */
#include <inttypes.h>

#include "check.h"

/* A partition with max-gap-ns, on a CPU where it has windows. */
struct waiter {
	const struct model_partition *partition;
	int index; /* of the partition */
	int cpu;   /* index into model.cpus */
};

static uint64_t end_of(const struct model_window *window)
{
	return window->offset_ns + window->duration_ns;
}

static const struct model_cpu_schedule *list_of(const struct model_schedule *schedule, int cpu)
{
	for (size_t i = 0; i < schedule->cpus_count; i++)
		if (schedule->cpus[i].cpu == cpu)
			return &schedule->cpus[i];
	return NULL;
}

/* The waiter's next window after `window`, or its first one where that is NULL; NULL: no more. */
static const struct model_window *next_window(const struct model_schedule *schedule,
	const struct waiter *waiter, const struct model_window *window)
{
	const struct model_cpu_schedule *list = list_of(schedule, waiter->cpu);
	size_t i = window == NULL || list == NULL ? 0 : (size_t)(window - list->windows) + 1;

	for (; list != NULL && i < list->windows_count; i++)
		if (list->windows[i].partition == waiter->index)
			return &list->windows[i];
	return NULL;
}

static const struct model_window *last_window(
	const struct model_schedule *schedule, const struct waiter *waiter)
{
	const struct model_window *last = NULL, *next = NULL;

	while ((next = next_window(schedule, waiter, last)) != NULL)
		last = next;
	return last;
}

/* From its last window in a frame of `from` to its first one in a frame of `to`. */
static uint64_t gap_between_frames(const struct model_schedule *from,
	const struct model_schedule *to, const struct waiter *waiter)
{
	return from->major_frame_ns - end_of(last_window(from, waiter)) +
	       next_window(to, waiter, NULL)->offset_ns;
}

static bool runs_on(const struct model *model, const struct waiter *waiter)
{
	for (size_t i = 0; i < model->schedules_count; i++)
		if (next_window(&model->schedules[i], waiter, NULL) != NULL)
			return true;
	return false;
}

/* Whether the windows can be computed with: other rules have spoken where they cannot. */
static bool windows_lie_well(const struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->schedules_count; i++)
		for (size_t k = 0; k < model->schedules[i].cpus_count; k++) {
			const struct model_schedule *s = &model->schedules[i];
			const struct model_cpu_schedule *list = &s->cpus[k];
			uint64_t reached = 0;

			for (size_t w = 0; w < list->windows_count; w++) {
				if (list->windows[w].offset_ns < reached)
					return false;
				reached = end_of(&list->windows[w]);
			}
			if (reached > s->major_frame_ns)
				return false;
		}
	return !tainted(check, "/schedules");
}

static void each_waiter(
	struct check *check, void (*function)(struct check *check, const struct waiter *waiter))
{
	const struct model *model = check->model;

	for (size_t i = 0; windows_lie_well(check) && i < model->partitions_count; i++)
		for (size_t cpu = 0; cpu < model->cpus_count; cpu++) {
			const struct waiter waiter = { &model->partitions[i], (int)i, (int)cpu };

			if (waiter.partition->max_gap_ns != 0 && runs_on(model, &waiter))
				function(check, &waiter);
		}
}

static void gap_framed(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (written(check, p->at, "max-gap-ns") && written(check, p->at, "cpus"))
			fault(check, place(check, p->at, "max-gap-ns"),
				say(check, "%s owns its CPUs: it has no windows to wait for",
					p->name),
				"remove `max-gap-ns`; `gap-ns` in its `bounds` is measured "
				"instead");
	}
}

/* "window@2000000 [2000000, 5000000) ns of normal" */
static const char *say_window(struct check *check, const struct model_schedule *schedule,
	const struct model_window *window)
{
	return say(check, "window@%" PRIu64 " [%" PRIu64 ", %" PRIu64 ") ns of %s",
		window->offset_ns, window->offset_ns, end_of(window), schedule->name);
}

static const char *excess(struct check *check, const struct waiter *waiter, uint64_t gap)
{
	return say(check, "%" PRIu64 " ns more than its max-gap-ns of %" PRIu64,
		gap - waiter->partition->max_gap_ns, waiter->partition->max_gap_ns);
}

static void within(struct check *check, const struct waiter *waiter,
	const struct model_schedule *schedule, const struct model_window *from,
	const struct model_window *to)
{
	const bool wraps = to->offset_ns <= from->offset_ns;
	const uint64_t gap = to->offset_ns + (wraps ? schedule->major_frame_ns : 0) - end_of(from);

	if (gap <= waiter->partition->max_gap_ns)
		return;
	fault(check, to->at,
		say(check,
			"%s waits %" PRIu64 " ns on CPU %u between %s and window@%" PRIu64 "%s, %s",
			waiter->partition->name, gap, check->model->cpus[waiter->cpu].number,
			say_window(check, schedule, from), to->offset_ns,
			wraps ? " of the next frame" : "", excess(check, waiter, gap)),
		say(check, "give it a window between the two, or raise max-gap-ns to %" PRIu64,
			gap));
}

static bool holds_within(const struct model_schedule *schedule, const struct waiter *waiter)
{
	const struct model_window *window = next_window(schedule, waiter, NULL), *next;

	if (window == NULL ||
		gap_between_frames(schedule, schedule, waiter) > waiter->partition->max_gap_ns)
		return false;
	for (; (next = next_window(schedule, waiter, window)) != NULL; window = next)
		if (next->offset_ns - end_of(window) > waiter->partition->max_gap_ns)
			return false;
	return true;
}

static void in_schedule(
	struct check *check, const struct waiter *waiter, const struct model_schedule *schedule)
{
	const struct model_window *first = next_window(schedule, waiter, NULL);
	const unsigned number = check->model->cpus[waiter->cpu].number;

	if (first == NULL) {
		fault(check, schedule->at,
			say(check,
				"the schedule %s never runs %s on CPU %u, though its max-gap-ns is "
				"%" PRIu64,
				schedule->name, waiter->partition->name, number,
				waiter->partition->max_gap_ns),
			say(check, "give it a window in cpu@%u, or remove max-gap-ns", number));
		return;
	}
	for (const struct model_window *window = first; window != NULL;) {
		const struct model_window *next = next_window(schedule, waiter, window);

		within(check, waiter, schedule, window, next != NULL ? next : first);
		window = next;
	}
}

static void in_each_schedule(struct check *check, const struct waiter *waiter)
{
	for (size_t i = 0; i < check->model->schedules_count; i++)
		in_schedule(check, waiter, &check->model->schedules[i]);
}

static void gap_schedule(struct check *check)
{
	each_waiter(check, in_each_schedule);
}

static void across(struct check *check, const struct waiter *waiter,
	const struct model_schedule *from, const struct model_schedule *to)
{
	const struct model_window *last = last_window(from, waiter);
	const struct model_window *first = next_window(to, waiter, NULL);
	const uint64_t gap = gap_between_frames(from, to, waiter);

	if (gap <= waiter->partition->max_gap_ns)
		return;
	fault(check, first->at,
		say(check,
			"a switch from %s to %s lets %s wait %" PRIu64
			" ns on CPU %u, between %s and %s: %s",
			from->name, to->name, waiter->partition->name, gap,
			check->model->cpus[waiter->cpu].number, say_window(check, from, last),
			say_window(check, to, first), excess(check, waiter, gap)),
		say(check,
			"give it a window earlier in %s or later in %s, or raise max-gap-ns to "
			"%" PRIu64,
			to->name, from->name, gap));
}

static void in_each_switch(struct check *check, const struct waiter *waiter)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->schedules_count; i++)
		for (size_t k = 0; k < model->schedules_count; k++) {
			const struct model_schedule *from = &model->schedules[i];
			const struct model_schedule *to = &model->schedules[k];

			if (i != k && holds_within(from, waiter) && holds_within(to, waiter))
				across(check, waiter, from, to);
		}
}

static void gap_switch(struct check *check)
{
	each_waiter(check, in_each_switch);
}

const struct rule rules_gap[] = {
	{ "gap-framed", "Only a partition that runs in windows asks for a longest gap.",
		TIER_MEANING, gap_framed },
	{ "gap-schedule",
		"A partition waits for a window no longer than it asks, in every schedule.",
		TIER_MEANING, gap_schedule },
	{ "gap-switch",
		"A partition waits no longer than it asks across every switch of schedules.",
		TIER_MEANING, gap_switch },
	{ NULL, NULL, TIER_COUNT, NULL },
};
