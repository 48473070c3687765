/*
 * Laying out the page of mullion top. See top.h.
 *
 * The invariant: no line is wider than the page, no page is longer than the screen, and what was
 * left out is said.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"
#include "trace_words.h"

#define BAR_MAX  40u
#define ROWS_MAX (COUNTERS_PARTITIONS * MULLION_STATUS_VCPUS)

struct row {
	size_t partition;
	unsigned vcpu;
	struct counters_rate rate;
};

static void put(struct top_page *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct top_page *page, const char *format, ...)
{
	va_list arguments;

	if (page->lines == page->height)
		return;
	va_start(arguments, format);
	vsnprintf(page->text[page->lines++], page->width + 1, format, arguments);
	va_end(arguments);
}

/* ---- Rows ---- */

static size_t make_rows(struct row *rows, const struct counters_node *node,
	const struct counters *before, const struct counters *after)
{
	size_t count = 0, p;
	unsigned v;

	for (p = 0; p < after->count; p++)
		for (v = 0; v < after->partitions[p].vcpus; v++)
			rows[count++] =
				(struct row){ p, v, counters_rate(node, before, after, p, v) };
	return count;
}

static int by_use(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	return (a->rate.used < b->rate.used) - (a->rate.used > b->rate.used);
}

static int by_exits(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	return (a->rate.exits < b->rate.exits) - (a->rate.exits > b->rate.exits);
}

static void sort_rows(struct row *rows, size_t count, enum top_order order)
{
	if (order != TOP_AS_DESCRIBED)
		qsort(rows, count, sizeof(*rows), order == TOP_BY_USE ? by_use : by_exits);
}

static uint64_t all_events(const struct counters_partition *partition)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < 16; i++)
		sum += partition->events[i];
	return sum;
}

static void put_row(struct top_page *page, const struct counters *counters, const struct row *row)
{
	const struct counters_partition *partition = &counters->partitions[row->partition];
	char name[MULLION_NAME_BYTES + 16], window[16] = "-", cpu[16] = "-";
	char latest[NODE_DURATION_BYTES];

	(void)snprintf(name, sizeof(name), "%s/%u", partition->name, row->vcpu);
	if (partition->vcpus == 1)
		(void)snprintf(name, sizeof(name), "%s", partition->name);
	if (row->rate.window >= 0)
		(void)snprintf(window, sizeof(window), "%.1f", row->rate.window * 100);
	if (row->rate.cpu >= 0)
		(void)snprintf(cpu, sizeof(cpu), "%d", row->rate.cpu);
	put(page, "%-14.14s %-10.10s %3s %6.1f %7s %6.0f %8.0f %10.10s %3" PRIu64 " %4" PRIu64,
		name, partition->state, cpu, row->rate.used * 100, window, row->rate.windows,
		row->rate.exits, node_duration(latest, row->rate.latest_ns), partition->restarts,
		all_events(partition));
}

/* ---- CPUs ---- */

static double used_of(const struct row *rows, size_t count, size_t cpu)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (rows[i].rate.cpu == (int)cpu)
			sum += rows[i].rate.used;
	return sum < 1 ? sum : 1;
}

static void put_cpu(
	struct top_page *page, const struct counters_node *node, size_t cpu, double used)
{
	const unsigned room = page->width > BAR_MAX + 30 ? BAR_MAX : 10;
	const unsigned full = (unsigned)(used * room + 0.5);
	char bar[BAR_MAX + 1];

	memset(bar, '.', room);
	memset(bar, '|', full < room ? full : room);
	bar[room] = '\0';
	put(page, "CPU %-3zu %-6s [%s] %5.1f %%", cpu, node->owned[cpu] ? "owned" : "framed", bar,
		used * 100);
}

/* ---- The page ---- */

static void put_title(
	struct top_page *page, const struct counters_node *node, const struct counters *counters)
{
	char up[NODE_DURATION_BYTES];
	const uint64_t ticks = counters->now > node->epoch ? counters->now - node->epoch : 0;

	put(page, "%s on %s   schedule %s   up %s", node->name, node->board, counters->schedule,
		node_duration(up, node_ns(node->clock, ticks)));
}

/* "health: hog memory violation 1; nav raised event 2" */
static void put_health(struct top_page *page, const struct counters *counters)
{
	char line[TOP_WIDTH_MAX + 1] = "health:";
	size_t used = strlen(line), p;
	uint32_t event;

	for (p = 0; p < counters->count; p++)
		for (event = 0; event < MULLION_EVENT_COUNT; event++) {
			if (!counters->partitions[p].events[event] || used >= sizeof(line) - 1)
				continue;
			(void)snprintf(line + used, sizeof(line) - used, "%s %s %s %" PRIu64,
				used > 7 ? ";" : "", counters->partitions[p].name,
				trace_event_words(event), counters->partitions[p].events[event]);
			used += strlen(line + used);
		}
	put(page, "%s%s", line, used > 7 ? "" : " no event");
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void top_draw(struct top_page *page, const struct counters_node *node,
	const struct counters *before, const struct counters *after, enum top_order order)
{
	static struct row rows[ROWS_MAX];
	const size_t count = make_rows(rows, node, before, after);
	const size_t cpus = least(node->cpus, page->height / 3);
	size_t shown, i;

	page->lines = 0;
	put_title(page, node, after);
	for (i = 0; i < cpus; i++)
		put_cpu(page, node, i, used_of(rows, count, i));
	put_health(page, after);
	page->heading = page->lines;
	put(page, "%-14s %-10s %3s %6s %7s %6s %8s %10s %3s %4s", "PARTITION", "STATE", "CPU",
		"USED%", "WINDOW%", "WIN/s", "EXITS/s", "LATEST", "RST", "EVTS");
	sort_rows(rows, count, order);
	shown = least(count, page->height - page->lines);
	if (shown < count || cpus < node->cpus)
		shown = least(count, page->height - page->lines - 1);
	for (i = 0; i < shown; i++)
		put_row(page, after, &rows[i]);
	if (shown < count || cpus < node->cpus)
		put(page, "(%zu vcpus and %zu CPUs more; a larger window shows them)",
			count - shown, node->cpus - cpus);
}
