/*
 * A node as one HTML page: what ctl_report.c collected, and the parts that print it.
 */
#ifndef NODE_PAGE_H
#define NODE_PAGE_H

#include "counters.h"
#include "trace.h"

struct node_page {
	const json_t *journal;
	struct counters_node node;
	struct counters before, after;
	const struct trace_view *view;
};

void node_page_write(const struct node_page *page, FILE *out);

/* ---- node_schedule.c: described and observed ---- */

/* What the trace holds of one window of one schedule. */
struct node_window {
	const char *partition;
	uint64_t start_ns, end_ns; /* by the description, within the frame; end 0: not known */
	uint64_t seen;             /* how often */
	uint64_t latest_ps;        /* start after due */
};

/* The pictures and tables of all framed CPUs. */
void node_schedule_write(const struct node_page *page, FILE *out);

/* Windows that the trace saw start late, over all CPUs; *latest_ps: by how much at most. */
uint64_t node_schedule_late(const struct node_page *page, uint64_t *latest_ps);

/* Windows that the trace held. */
uint64_t node_schedule_seen(const struct node_page *page);

/* ---- node_shares.c ---- */

void node_shares_write(const struct node_page *page, FILE *out);
void node_exits_write(const struct node_page *page, FILE *out);

/* ---- Helpers ---- */

void node_put(FILE *out, const char *text); /* escaped */
/* Its place among the partitions, which is its colour; 0 if it is unknown. */
size_t node_partition(const struct node_page *page, const char *name);

#endif
