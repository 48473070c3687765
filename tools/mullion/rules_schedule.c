/*
 * Rules about time: windows lie in their frame, apart from each other, long enough to be worth a
 * switch, and their ticks can be computed exactly.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "model_build.h"

/* Calls `function` for every list of windows. */
static void each_list(struct check *check,
	void (*function)(struct check *check, const struct model_schedule *schedule,
		const struct model_cpu_schedule *list))
{
	for (size_t i = 0; i < check->model->schedules_count; i++)
		for (size_t k = 0; k < check->model->schedules[i].cpus_count; k++)
			function(check, &check->model->schedules[i],
				&check->model->schedules[i].cpus[k]);
}

static uint64_t end_of(const struct model_window *window)
{
	return window->duration_ns > UINT64_MAX - window->offset_ns
		       ? UINT64_MAX
		       : window->offset_ns + window->duration_ns;
}

static const char *interval(struct check *check, const struct model_window *window)
{
	return say(check, "[%" PRIu64 ", %" PRIu64 ") ns", window->offset_ns, end_of(window));
}

static const char *partition_name(const struct check *check, const struct model_window *window)
{
	return check->model->partitions[window->partition].name;
}

static void startup_once(struct check *check)
{
	const struct model_schedule *first = NULL;

	for (size_t i = 0; i < check->model->schedules_count; i++) {
		const struct model_schedule *s = &check->model->schedules[i];

		if (!s->startup)
			continue;
		if (first != NULL)
			fault(check, place(check, s->at, "startup"),
				say(check, "both %s (line %u) and %s are to start the node",
					first->name, first->at.line, s->name),
				"leave `startup` in one of them");
		else
			first = s;
	}
}

/*
 * The compiler writes a frame as whole + part/denominator ticks (tables.h). With the denominator
 * below 2^63 and the whole ticks below 2^63 no product of the kernel leaves 128 bits.
 */
static void frame_arithmetic(struct check *check)
{
	const struct fraction hz = check->model->board.tsc_hz;
	const uint64_t limit = (uint64_t)INT64_MAX;

	for (size_t i = 0; i < check->model->schedules_count && hz.denominator != 0; i++) {
		const struct model_schedule *s = &check->model->schedules[i];
		const bool wide_denominator = hz.denominator > limit / 1000000000;
		const bool wide_product =
			s->major_frame_ns != 0 &&
			hz.numerator / hz.denominator > limit / s->major_frame_ns * 1000000000;

		if (wide_denominator || wide_product)
			fault(check, place(check, s->at, "major-frame-ns"),
				say(check,
					"the frame of %s times %" PRIu64 "/%" PRIu64
					" Hz cannot be computed exactly in 128 bits",
					s->name, hz.numerator, hz.denominator),
				"reduce the fraction of tsc-frequency, or shorten the frame");
	}
}

static void schedule_empty(struct check *check)
{
	for (size_t i = 0; i < check->model->schedules_count; i++) {
		const struct model_schedule *s = &check->model->schedules[i];
		const struct source_node *node = node_at(check, s->at);

		if (node == NULL || node->children != NULL)
			continue;
		fault(check, s->at, say(check, "the schedule %s has no CPU", s->name),
			"add cpu@0 { window@0 { ... }; }, or remove the schedule");
	}
}

/* Calls `function` for every cpu@N of every schedule, with the CPU it names or NULL. */
static void each_cpu_node(
	struct check *check, void (*function)(struct check *check, const struct source_node *node,
				     uint64_t number, const struct model_cpu *cpu))
{
	const struct model *model = check->model;

	for (const struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct model_cpu *cpu = NULL;
		uint64_t number;

		if (strncmp(node->path, "/schedules/", strlen("/schedules/")) != 0 ||
			strncmp(node->name, "cpu@", strlen("cpu@")) != 0 || node->tainted ||
			!read_unit(node->name, &number))
			continue;
		for (size_t i = 0; i < model->cpus_count; i++)
			if (model->cpus[i].number == number)
				cpu = &model->cpus[i];
		function(check, node, number, cpu);
	}
}

static void exists(struct check *check, const struct source_node *node, uint64_t number,
	const struct model_cpu *cpu)
{
	const struct model *model = check->model;

	if (cpu == NULL && model->cpus_count != 0)
		fault(check, node->at,
			say(check,
				"the schedule %s frames CPU %" PRIu64
				", which the board does not have",
				node->parent->name, number),
			say(check, "the board %s has CPUs %u to %u", model->board.name,
				model->cpus[0].number, model->cpus[model->cpus_count - 1].number));
}

static void schedule_cpu(struct check *check)
{
	each_cpu_node(check, exists);
}

static void not_owned(struct check *check, const struct source_node *node, uint64_t number,
	const struct model_cpu *cpu)
{
	if (cpu != NULL && cpu->mode == MULLION_CPU_OWNED)
		fault(check, node->at,
			say(check, "the schedule %s has windows on CPU %" PRIu64 ", which is owned",
				node->parent->name, number),
			say(check,
				"remove cpu@%" PRIu64
				" from the schedule, or write mode = \"framed\" in "
				"cpus/cpu@%" PRIu64,
				number, number));
}

static void schedule_owned(struct check *check)
{
	each_cpu_node(check, not_owned);
}

static void started(struct check *check, const struct source_node *node, uint64_t number,
	const struct model_cpu *cpu)
{
	if (cpu != NULL && cpu->mode == 0 && !written(check, cpu->at, "mode"))
		fault(check, node->at,
			say(check,
				"the schedule %s has windows on CPU %" PRIu64
				", which has no mode and is never started",
				node->parent->name, number),
			say(check, "add cpus { cpu@%" PRIu64 " { mode = \"framed\"; }; }", number));
}

static void schedule_unused(struct check *check)
{
	each_cpu_node(check, started);
}

/* The first framed CPU: what concerns all is looked after before each of its windows. */
static const struct model_cpu *keeper(const struct model *model)
{
	for (size_t i = 0; i < model->cpus_count; i++)
		if (model->cpus[i].mode == MULLION_CPU_FRAMED)
			return &model->cpus[i];
	return NULL;
}

static bool has_windows(const struct model_schedule *schedule, int cpu)
{
	for (size_t i = 0; i < schedule->cpus_count; i++)
		if (schedule->cpus[i].cpu == cpu && schedule->cpus[i].windows_count != 0)
			return true;
	return false;
}

/* How many schedules have windows on a CPU; none: said by cpu-without-windows. */
static size_t framing(const struct model *model, int cpu)
{
	size_t count = 0;

	for (size_t i = 0; i < model->schedules_count; i++)
		count += has_windows(&model->schedules[i], cpu);
	return count;
}

static void keeper_window(struct check *check)
{
	const struct model *model = check->model;
	const struct model_cpu *cpu = keeper(model);

	if (cpu == NULL || tainted(check, "/schedules") ||
		framing(model, (int)(cpu - model->cpus)) == 0)
		return;
	for (size_t i = 0; i < model->schedules_count; i++) {
		const struct model_schedule *s = &model->schedules[i];

		if (s->cpus_count == 0 || has_windows(s, (int)(cpu - model->cpus)))
			continue;
		fault(check, s->at,
			say(check,
				"the schedule %s has no window on CPU %u, the first framed one, "
				"before whose windows watchdogs, devices and switches are looked "
				"after",
				s->name, cpu->number),
			say(check, "give somebody a window in cpu@%u", cpu->number));
	}
}

static void outside(struct check *check, const struct model_schedule *schedule,
	const struct model_cpu_schedule *list)
{
	const uint64_t frame = schedule->major_frame_ns;

	for (size_t i = 0; i < list->windows_count && frame != 0; i++) {
		const struct model_window *w = &list->windows[i];

		if (w->duration_ns == 0 || end_of(w) <= frame)
			continue;
		fault(check, w->at,
			say(check, "window@%" PRIu64 " %s of %s leaves the frame of %" PRIu64 " ns",
				w->offset_ns, interval(check, w), partition_name(check, w), frame),
			w->offset_ns < frame ? say(check,
						       "shorten it to %" PRIu64
						       " ns or lengthen major-frame-ns to %" PRIu64,
						       frame - w->offset_ns, end_of(w))
					     : say(check, "start it before %" PRIu64, frame));
	}
}

static void window_outside(struct check *check)
{
	each_list(check, outside);
}

static void overlap(struct check *check, const struct model_schedule *schedule,
	const struct model_cpu_schedule *list)
{
	(void)schedule;
	for (size_t i = 1; i < list->windows_count; i++) {
		const struct model_window *a = &list->windows[i - 1], *b = &list->windows[i];

		if (end_of(a) <= b->offset_ns)
			continue;
		fault(check, b->at,
			say(check,
				"window@%" PRIu64 " %s of %s overlaps window@%" PRIu64 " %s of %s",
				b->offset_ns, interval(check, b), partition_name(check, b),
				a->offset_ns, interval(check, a), partition_name(check, a)),
			say(check,
				"start it at %" PRIu64 " or shorten window@%" PRIu64 " to %" PRIu64
				" ns",
				end_of(a), a->offset_ns, b->offset_ns - a->offset_ns));
	}
}

static void window_overlap(struct check *check)
{
	each_list(check, overlap);
}

static void too_short(struct check *check, const struct model_schedule *schedule,
	const struct model_cpu_schedule *list)
{
	const uint64_t least = check->model->board.minimum_window_ns;

	(void)schedule;
	for (size_t i = 0; i < list->windows_count; i++) {
		const struct model_window *w = &list->windows[i];

		if (w->duration_ns < least)
			fault(check, place(check, w->at, "duration-ns"),
				say(check,
					"window@%" PRIu64 " of %s lasts %" PRIu64
					" ns; on this board a switch needs windows of %" PRIu64
					" ns",
					w->offset_ns, partition_name(check, w), w->duration_ns,
					least),
				say(check, "lengthen it to at least %" PRIu64 " ns", least));
	}
}

static void window_short(struct check *check)
{
	each_list(check, too_short);
}

static void pause_short(struct check *check, const struct model_schedule *schedule,
	const struct model_cpu_schedule *list)
{
	const uint64_t least = check->model->board.minimum_window_ns;

	for (size_t i = 0; i < list->windows_count && !list->complete; i++) {
		const struct model_window *w = &list->windows[i];
		const bool last = i + 1 == list->windows_count;
		const uint64_t next = last ? schedule->major_frame_ns + list->windows[0].offset_ns
					   : w[1].offset_ns;

		if (next <= end_of(w) || next - end_of(w) >= least)
			continue;
		fault(check, w->at,
			say(check,
				"between window@%" PRIu64 " %s and the next lie %" PRIu64
				" ns, too short to idle in",
				w->offset_ns, interval(check, w), next - end_of(w)),
			say(check,
				"lengthen window@%" PRIu64 " to %" PRIu64
				" ns, or leave at least %" PRIu64,
				w->offset_ns, next - w->offset_ns, least));
	}
}

static void window_gap(struct check *check)
{
	each_list(check, pause_short);
}

static void complete(struct check *check, const struct model_schedule *schedule,
	const struct model_cpu_schedule *list)
{
	uint64_t reached = 0;

	if (!list->complete || schedule->major_frame_ns == 0)
		return;
	for (size_t i = 0; i <= list->windows_count; i++) {
		const bool last = i == list->windows_count;
		const uint64_t next = last ? schedule->major_frame_ns : list->windows[i].offset_ns;

		if (next > reached)
			fault(check, list->at,
				say(check,
					"the frame is declared complete, but [%" PRIu64 ", %" PRIu64
					") ns is nobody's",
					reached, next),
				"fill it with a window, or remove `complete`");
		if (!last)
			reached = end_of(&list->windows[i]);
	}
}

static void frame_complete(struct check *check)
{
	if (!tainted(check, "/schedules"))
		each_list(check, complete);
}

const struct rule rules_schedule[] = {
	{ "startup-once", "At most one schedule starts the node.", TIER_MEANING, startup_once },
	{ "frame-arithmetic", "A frame can be computed exactly in 128 bits.", TIER_MEANING,
		frame_arithmetic },
	{ "schedule-empty", "A schedule has a CPU.", TIER_MEANING, schedule_empty },
	{ "schedule-cpu", "A schedule frames only CPUs that the board has.", TIER_MEANING,
		schedule_cpu },
	{ "schedule-owned", "No window lies on an owned CPU.", TIER_MEANING, schedule_owned },
	{ "schedule-unused", "No window lies on a CPU without a mode.", TIER_MEANING,
		schedule_unused },
	{ "keeper-window", "The first framed CPU has a window in every schedule.", TIER_MEANING,
		keeper_window },
	{ "window-outside", "A window lies within its frame.", TIER_MEANING, window_outside },
	{ "window-overlap", "Two windows of one CPU never overlap.", TIER_MEANING, window_overlap },
	{ "window-short", "A window is no shorter than the board's minimum.", TIER_MEANING,
		window_short },
	{ "window-gap", "A pause between windows is long enough to idle in.", TIER_MEANING,
		window_gap },
	{ "frame-complete", "A frame declared complete is filled by its windows.", TIER_MEANING,
		frame_complete },
	{ NULL, NULL, TIER_COUNT, NULL },
};
