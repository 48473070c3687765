/*
 * What ran on a framed CPU when its ring is of later: windows recur to the tick, so one that the ring
 * holds tells when all before it were, by the description's only schedule. With several schedules nobody
 * knows which was in force, and nothing is said.
 */
#include <stdlib.h>

#include "trace.h"

#define WINDOWS_MAX 4u /* named; the others are counted */

__extension__ typedef unsigned __int128 uint128_t;

/* A CPU's windows, and when frame 0 began. Ticks are in parts: as many to a tick as `parts` says. */
struct recurrence {
	const struct trace_view *view;
	const json_t *windows;
	uint64_t parts, epoch;
	uint128_t frame_parts;
};

static uint128_t in_parts(const struct recurrence *recurrence, const json_t *ticks)
{
	const uint64_t whole = (uint64_t)json_integer_value(json_array_get(ticks, 0));
	const uint64_t part = (uint64_t)json_integer_value(json_array_get(ticks, 1));

	return (uint128_t)whole * recurrence->parts + part;
}

/* Of a window in a frame: its start or end, counted from the epoch; rounded down, as the kernel does. */
static uint64_t bound_of(
	const struct recurrence *recurrence, uint64_t frame, size_t window, const char *which)
{
	const json_t *ticks = json_object_get(json_array_get(recurrence->windows, window), which);

	return (uint64_t)((frame * recurrence->frame_parts + in_parts(recurrence, ticks)) /
			  recurrence->parts);
}

static const struct trace_slice *held_window(const struct trace_view *view, unsigned cpu)
{
	size_t i;

	for (i = 0; i < view->slices_count; i++)
		if (view->slices[i].cpu == cpu && view->slices[i].kind == TRACE_SLICE_WINDOW)
			return &view->slices[i];
	return NULL;
}

static bool find_recurrence(
	struct recurrence *recurrence, const struct trace_view *view, unsigned cpu)
{
	const json_t *schedules = json_object_get(view->report->system, "schedules");
	const json_t *schedule = json_array_get(schedules, 0);
	const struct trace_slice *held = held_window(view, cpu);
	const json_int_t parts = json_integer_value(json_object_get(schedule, "tick_denominator"));

	*recurrence = (struct recurrence){ .view = view,
		.windows = trace_windows(view->report, 0, cpu),
		.parts = parts > 0 ? (uint64_t)parts : 1 };
	recurrence->frame_parts = in_parts(recurrence, json_object_get(schedule, "frame_ticks"));
	if (json_array_size(schedules) != 1 || !held || !recurrence->frame_parts ||
		held->index >= json_array_size(recurrence->windows))
		return false;
	recurrence->epoch =
		held->due - bound_of(recurrence, held->frame, held->index, "start_ticks");
	return recurrence->epoch <= held->due;
}

static char *named(const struct recurrence *recurrence, size_t window, char *before)
{
	const char *name = json_string_value(
		json_object_get(json_array_get(recurrence->windows, window), "partition"));
	char *text = jitter_printf("%s%swindow %zu of %s", before ? before : "", before ? "; " : "",
		window, name ? name : "?");

	free(before);
	return text;
}

/* The windows of a frame that lie in the stretch, behind those of earlier frames. */
static char *add_frame(const struct recurrence *recurrence, uint64_t frame, uint64_t from,
	uint64_t to, char *text, size_t *count)
{
	size_t w;

	for (w = 0; w < json_array_size(recurrence->windows); w++) {
		if (bound_of(recurrence, frame, w, "start_ticks") > to ||
			bound_of(recurrence, frame, w, "end_ticks") <= from)
			continue;
		if ((*count)++ < WINDOWS_MAX)
			text = named(recurrence, w, text);
	}
	return text;
}

char *trace_schedule_words(const struct trace_view *view, unsigned cpu, uint64_t from, uint64_t to)
{
	struct recurrence recurrence;
	char *text = NULL, *longer;
	uint64_t frame, last;
	size_t count = 0;

	if (!find_recurrence(&recurrence, view, cpu) || from < recurrence.epoch || to < from)
		return NULL;
	from -= recurrence.epoch;
	to -= recurrence.epoch;
	frame = (uint64_t)((uint128_t)from * recurrence.parts / recurrence.frame_parts);
	last = (uint64_t)((uint128_t)to * recurrence.parts / recurrence.frame_parts);
	for (; frame <= last && count <= WINDOWS_MAX; frame++)
		text = add_frame(&recurrence, frame, from, to, text, &count);
	if (count <= WINDOWS_MAX)
		return text ? text : jitter_copy("no window");
	longer = jitter_printf("%s; and more", text);
	free(text);
	return longer;
}
