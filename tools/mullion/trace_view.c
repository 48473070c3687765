/*
 * Slices of time from records that only say when something began.
 *
 * A window's record has its due start; its end is the description's, for the schedule that was in
 * force. Where that is not known, a window lasts until the next record of a window. A vcpu on its
 * own CPU runs from its start to its stop.
 */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

/* One CPU's ring, while it is read from its oldest record on. */
struct walk {
	struct trace_view *view;
	const struct trace_hint *hint;
	const struct jitter_ring *ring;
	size_t schedule;
	bool known_schedule;
	uint64_t switch_tsc; /* from then on, `next` is in force; 0: no switch is under way */
	size_t next;
};

const struct jitter_ring *trace_rings(const struct jitter_report *report, size_t *count)
{
	size_t i;

	for (i = 0; i < report->sources_count; i++)
		if (report->sources[i].rings_count) {
			*count = report->sources[i].rings_count;
			return report->sources[i].rings;
		}
	*count = 0;
	return NULL;
}

/* ---- The description ---- */

static const json_t *schedule_of(const struct jitter_report *report, size_t schedule)
{
	return json_array_get(json_object_get(report->system, "schedules"), schedule);
}

const char *trace_schedule_name(const struct jitter_report *report, size_t schedule)
{
	return json_string_value(json_object_get(schedule_of(report, schedule), "name"));
}

const json_t *trace_windows(const struct jitter_report *report, size_t schedule, unsigned cpu)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(schedule_of(report, schedule), "cpus"), i, item)
	{
		if (json_integer_value(json_object_get(item, "cpu")) == (json_int_t)cpu)
			return json_object_get(item, "windows");
	}
	return NULL;
}

static size_t startup_schedule(const struct jitter_report *report)
{
	json_t *schedule;
	size_t i;

	json_array_foreach(json_object_get(report->system, "schedules"), i, schedule)
	{
		if (json_is_true(json_object_get(schedule, "startup")))
			return i;
	}
	return 0;
}

/* Ticks from the start of a window to its end; 0 if nobody says. */
static uint64_t window_ticks(const struct walk *walk, uint32_t index)
{
	const json_t *windows = walk->known_schedule ? trace_windows(walk->view->report,
							       walk->schedule, walk->ring->cpu)
						     : NULL;
	const json_t *window = json_array_get(windows, index);
	const json_int_t start =
		json_integer_value(json_array_get(json_object_get(window, "start_ticks"), 0));
	const json_int_t end =
		json_integer_value(json_array_get(json_object_get(window, "end_ticks"), 0));

	return end > start ? (uint64_t)(end - start) : 0;
}

/* ---- Walking a ring ---- */

static struct trace_slice *add(struct walk *walk, const struct mullion_trace_record *record)
{
	struct trace_view *view = walk->view;
	struct trace_slice *slice;

	view->slices = jitter_array(view->slices, view->slices_count + 1, sizeof(*view->slices));
	slice = &view->slices[view->slices_count++];
	*slice = (struct trace_slice){ .cpu = walk->ring->cpu,
		.vcpu = record->vcpu,
		.index = record->cause,
		.from = record->tsc };
	return slice;
}

/* A record after which its vcpu does not go on in this window. */
static bool ends_window(const struct mullion_trace_record *record)
{
	const uint32_t action = record->cause & 0xffu;

	return record->kind == MULLION_TRACE_HEALTH &&
	       (action == MULLION_ACTION_STOP || action == MULLION_ACTION_RESTART_WARM ||
		       action == MULLION_ACTION_RESTART_COLD);
}

static uint64_t window_end(const struct walk *walk, size_t i, uint64_t end)
{
	const struct jitter_ring *ring = walk->ring;
	const struct mullion_trace_record *record = &ring->records[i];
	size_t k;

	for (k = i + 1; k < ring->count && ring->records[k].tsc < end; k++) {
		if (ring->records[k].kind == MULLION_TRACE_WINDOW ||
			(ends_window(&ring->records[k]) && ring->records[k].vcpu == record->vcpu))
			return ring->records[k].tsc;
	}
	return end;
}

static void take_window(struct walk *walk, size_t i)
{
	const struct mullion_trace_record *record = &walk->ring->records[i];
	struct trace_slice *slice = add(walk, record);
	uint64_t ticks;

	if (walk->switch_tsc && record->a >= walk->switch_tsc) {
		walk->schedule = walk->next;
		walk->known_schedule = true;
		walk->switch_tsc = 0;
	}
	if (walk->hint && walk->hint->known && record->b >= walk->hint->from_frame) {
		walk->schedule = walk->hint->schedule;
		walk->known_schedule = true;
	}
	ticks = window_ticks(walk, record->cause);
	slice->kind = TRACE_SLICE_WINDOW;
	slice->due = record->a;
	/* The record is written when all is ready, which may be before the tick it waits for. */
	if (slice->from < slice->due)
		slice->from = slice->due;
	slice->frame = record->b;
	slice->schedule = (uint16_t)walk->schedule;
	slice->known_schedule = walk->known_schedule;
	slice->to = window_end(walk, i, ticks ? record->a + ticks : walk->view->end);
	if (slice->to < slice->from)
		slice->to = slice->from;
}

static void take_start(struct walk *walk, size_t i)
{
	const struct jitter_ring *ring = walk->ring;
	struct trace_slice *slice = add(walk, &ring->records[i]);
	size_t k = i + 1;

	while (k < ring->count && ring->records[k].kind != MULLION_TRACE_STOP)
		k++;
	slice->kind = TRACE_SLICE_OWNED;
	slice->to = k < ring->count ? ring->records[k].tsc : walk->view->end;
}

static void take_restart(struct walk *walk, size_t i)
{
	const struct mullion_trace_record *record = &walk->ring->records[i];
	struct trace_slice *slice = add(walk, record);

	slice->kind = TRACE_SLICE_RESTART;
	slice->from = record->a < record->tsc ? record->tsc - record->a : 0;
	slice->to = record->tsc;
}

/* An owned CPU whose start is no longer held has been running all the time. */
static void take_lost_start(struct walk *walk)
{
	struct mullion_trace_record record = { .tsc = walk->view->begin };
	const struct jitter_ring *ring = walk->ring;
	size_t i = 0;

	while (i < ring->count && ring->records[i].vcpu == MULLION_NO_VCPU)
		i++;
	if (i == ring->count)
		return;
	record.vcpu = ring->records[i].vcpu;
	for (i = 0; i < ring->count; i++)
		if (ring->records[i].kind == MULLION_TRACE_WINDOW ||
			ring->records[i].kind == MULLION_TRACE_START)
			return;
	*add(walk, &record) = (struct trace_slice){ .kind = TRACE_SLICE_OWNED,
		.cpu = ring->cpu,
		.vcpu = record.vcpu,
		.from = walk->view->begin,
		.to = walk->view->end };
}

static void take_record(struct walk *walk, size_t i)
{
	const struct mullion_trace_record *record = &walk->ring->records[i];

	switch (record->kind) {
	case MULLION_TRACE_WINDOW:
		take_window(walk, i);
		break;
	case MULLION_TRACE_START:
		take_start(walk, i);
		break;
	case MULLION_TRACE_RESTART:
		take_restart(walk, i);
		break;
	case MULLION_TRACE_SCHEDULE:
		walk->next = record->cause;
		walk->switch_tsc = record->a;
		break;
	default:
		break;
	}
}

/* Which schedule was in force first is known where no record was lost, or there is but one. */
static void walk_ring(
	struct trace_view *view, const struct jitter_ring *ring, const struct trace_hint *hint)
{
	const json_t *schedules = json_object_get(view->report->system, "schedules");
	struct walk walk = { .view = view,
		.hint = hint,
		.ring = ring,
		.schedule = startup_schedule(view->report),
		.known_schedule = !ring->lost || json_array_size(schedules) == 1 };
	size_t i;

	if (!walk.known_schedule)
		walk.known_schedule = trace_guess_schedule(view->report, ring, &walk.schedule);
	take_lost_start(&walk);
	for (i = 0; i < ring->count; i++)
		take_record(&walk, i);
}

static void span(struct trace_view *view, const struct jitter_ring *ring)
{
	if (!ring->count)
		return;
	if (!view->begin || ring->records[0].tsc < view->begin)
		view->begin = ring->records[0].tsc;
	if (ring->records[ring->count - 1].tsc > view->end)
		view->end = ring->records[ring->count - 1].tsc;
}

void trace_view_make(struct trace_view *view, const struct jitter_report *report,
	struct node_clock clock, const struct trace_hint *hint)
{
	size_t count, i;
	const struct jitter_ring *rings = trace_rings(report, &count);

	*view = (struct trace_view){ .report = report, .clock = clock };
	for (i = 0; i < count; i++)
		span(view, &rings[i]);
	for (i = 0; i < count; i++)
		walk_ring(view, &rings[i], hint);
	trace_find_outliers(view);
}

void trace_view_free(struct trace_view *view)
{
	while (view->outliers_count)
		free(view->outliers[--view->outliers_count].cause);
	free(view->outliers);
	free(view->slices);
	*view = (struct trace_view){ 0 };
}
