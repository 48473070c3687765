/*
 * What `mullion trace` and the node's report make of trace rings: windows, restarts, points in
 * time.
 *
 * Rings, sample streams and the description are held in a struct jitter_report, whoever read them:
 * a RAM image (jitter_ram.c) or a running node (trace_node.c).
 */
#ifndef TRACE_H
#define TRACE_H

#include "jitter.h"
#include "node_time.h"
#include "session.h"

enum trace_slice_kind {
	TRACE_SLICE_WINDOW, /* a window, from its start to its end as described */
	TRACE_SLICE_OWNED,  /* a vcpu on its own CPU */
	TRACE_SLICE_RESTART,
};

struct trace_slice {
	enum trace_slice_kind kind;
	unsigned cpu;
	uint16_t vcpu;
	uint16_t schedule; /* windows, where the schedule in force is known */
	uint32_t index;    /* of the window; enum mullion_restart */
	uint64_t from, to;
	uint64_t due, frame; /* windows */
	bool known_schedule;
};

/* A sample far from the others of its stream, and why. */
struct trace_outlier {
	size_t stream;
	struct sample sample;
	uint64_t from, to; /* when it was measured */
	char *cause;
};

/* What the node said of its schedule while its rings were read. */
struct trace_hint {
	bool known;
	size_t schedule;
	uint64_t from_frame; /* in force since */
};

struct trace_view {
	const struct jitter_report *report;
	struct node_clock clock;
	uint64_t begin, end; /* of all records, and outliers */
	struct trace_slice *slices;
	size_t slices_count;
	struct trace_outlier *outliers;
	size_t outliers_count;
};

/* ---- trace_view.c, trace_outliers.c ---- */

/* hint: NULL where no node was asked. */
void trace_view_make(struct trace_view *view, const struct jitter_report *report,
	struct node_clock clock, const struct trace_hint *hint);
void trace_view_free(struct trace_view *view);

/*
 * Samples above the 99th percentile of their stream among those that it still holds, the worst first, at
 * most 32 a stream.
 */
void trace_find_outliers(struct trace_view *view);

/* The windows of a CPU in a schedule, by the description; NULL where it does not say. */
const json_t *trace_windows(const struct jitter_report *report, size_t schedule, unsigned cpu);
const char *trace_schedule_name(const struct jitter_report *report, size_t schedule);

/* The rings, from a report's only source that has some. */
const struct jitter_ring *trace_rings(const struct jitter_report *report, size_t *count);

/* ---- trace_schedule.c ---- */

/*
 * The windows that a framed CPU had between two times that its ring does not hold, by the description;
 * NULL where that cannot be told. The caller frees it.
 */
char *trace_schedule_words(const struct trace_view *view, unsigned cpu, uint64_t from, uint64_t to);

/* ---- trace_guess.c ---- */

/* The schedule that was in force when the ring's oldest windows began; false: not to be told. */
bool trace_guess_schedule(
	const struct jitter_report *report, const struct jitter_ring *ring, size_t *schedule);

/* ---- trace_node.c ---- */

/* The rings of a running node, and a description from what it says if there is none yet. */
bool trace_read_node(
	struct session *session, struct jitter_report *report, struct trace_hint *hint);

/* ---- Writers ---- */

void trace_write_json(const struct trace_view *view, FILE *out);
void trace_write_text(const struct trace_view *view, FILE *out);

#endif
