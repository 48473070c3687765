/*
 * Which schedule a ring's oldest windows belong to, where the switch to it is no longer held: that
 * whose windows lie as far apart as those seen, if it is the only one.
 */
#include <stdlib.h>

#include "trace.h"

static int64_t whole_ticks(const json_t *ticks)
{
	return json_integer_value(json_array_get(ticks, 0));
}

static int64_t window_start(const json_t *windows, uint32_t index)
{
	return whole_ticks(json_object_get(json_array_get(windows, index), "start_ticks"));
}

/* Fractions of a tick are rounded at either end, and once a frame. */
static bool fits(const json_t *windows, int64_t frame_ticks, const struct mullion_trace_record *a,
	const struct mullion_trace_record *b)
{
	const int64_t frames = (int64_t)(b->b - a->b);
	const int64_t expected = frames * frame_ticks + window_start(windows, b->cause) -
				 window_start(windows, a->cause);
	const int64_t off = (int64_t)(b->a - a->a) - expected;

	if (a->cause >= json_array_size(windows) || b->cause >= json_array_size(windows))
		return false;
	return off >= -1 && off <= frames + 1;
}

static bool fits_ring(
	const struct jitter_report *report, const struct jitter_ring *ring, size_t schedule)
{
	const json_t *described =
		json_array_get(json_object_get(report->system, "schedules"), schedule);
	const int64_t frame_ticks = whole_ticks(json_object_get(described, "frame_ticks"));
	const json_t *windows = trace_windows(report, schedule, ring->cpu);
	const struct mullion_trace_record *before = NULL;
	size_t i;

	for (i = 0; i < ring->count && ring->records[i].kind != MULLION_TRACE_SCHEDULE; i++) {
		const struct mullion_trace_record *record = &ring->records[i];

		if (record->kind != MULLION_TRACE_WINDOW)
			continue;
		if (before && !fits(windows, frame_ticks, before, record))
			return false;
		before = record;
	}
	return before != NULL;
}

bool trace_guess_schedule(
	const struct jitter_report *report, const struct jitter_ring *ring, size_t *schedule)
{
	const size_t count = json_array_size(json_object_get(report->system, "schedules"));
	size_t found = 0, s;

	for (s = 0; s < count; s++)
		if (fits_ring(report, ring, s)) {
			*schedule = s;
			found++;
		}
	return found == 1;
}
