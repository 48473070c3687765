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

#include "session.h"
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

static void row_name(char name[MULLION_NAME_BYTES + 16], const struct counters_partition *partition,
	unsigned vcpu)
{
	if (partition->vcpus == 1)
		(void)snprintf(name, MULLION_NAME_BYTES + 16, "%s", partition->name);
	else
		(void)snprintf(name, MULLION_NAME_BYTES + 16, "%s/%u", partition->name, vcpu);
}

/* Four places are enough up to 10^9 or so. */
static const char *count_text(char text[24], uint64_t count)
{
	if (count < 10000)
		(void)snprintf(text, 24, "%" PRIu64, count);
	else if (count < 1000000)
		(void)snprintf(text, 24, "%" PRIu64 "k", count / 1000);
	else
		(void)snprintf(text, 24, "%" PRIu64 "M", count / 1000000);
	return text;
}

static void put_row(struct top_page *page, const struct counters *counters, const struct row *row)
{
	const struct counters_partition *partition = &counters->partitions[row->partition];
	char name[MULLION_NAME_BYTES + 16], window[16] = "-", cpu[16] = "-";
	char latest[NODE_DURATION_BYTES], events[24];

	row_name(name, partition, row->vcpu);
	if (row->rate.window >= 0)
		(void)snprintf(window, sizeof(window), "%.1f", row->rate.window * 100);
	if (row->rate.cpu >= 0)
		(void)snprintf(cpu, sizeof(cpu), "%d", row->rate.cpu);
	put(page, "%-14.14s %-10.10s %3s %6.1f %7s %6.0f %8.0f %10.10s %3" PRIu64 " %4s", name,
		partition->state, cpu, row->rate.used * 100, window, row->rate.windows,
		row->rate.exits, node_duration(latest, row->rate.latest_ns), partition->restarts,
		count_text(events, all_events(partition)));
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

/* ---- Exits by cause ---- */

/* Six places are enough up to 10^8. */
static const char *rate_text(char text[16], double rate)
{
	(void)snprintf(
		text, 16, rate < 99999.5 ? "%.0f" : "%.0fk", rate < 99999.5 ? rate : rate / 1000);
	return text;
}

static void put_exits_heading(struct top_page *page, bool complete)
{
	put(page, "%-14s %6s %6s %6s %6s %6s %6s %6s %6s %6s",
		complete ? "EXITS/s" : "EXITS/s (part)", "cpuid", "msr", "port", "memory", "hcall",
		"intr", "halt", "nmi", "other");
}

static void put_exits(struct top_page *page, const struct counters *counters, const struct row *row)
{
	char name[MULLION_NAME_BYTES + 16], text[16], line[TOP_WIDTH_MAX + 1];
	size_t used;
	unsigned c;

	row_name(name, &counters->partitions[row->partition], row->vcpu);
	used = (size_t)snprintf(line, sizeof(line), "%-14.14s", name);
	for (c = 0; c < CAUSES; c++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, " %6s",
			rate_text(text, row->rate.causes[c]));
	put(page, "%s", line);
}

/* ---- Ports ---- */

/* To whom a channel leads: as the node says, or the description; "probe+1" is two. */
static void receivers(char text[MULLION_NAME_BYTES + 24], const struct counters_node *node,
	const struct counters_port *port)
{
	json_t *channel;
	size_t i;

	(void)snprintf(text, MULLION_NAME_BYTES + 24, "%s", *port->to ? port->to : "-");
	json_array_foreach(json_object_get(node->system, "channels"), i, channel)
	{
		const json_t *to = json_object_get(channel, "to");
		const char *first = json_string_value(json_array_get(to, 0));

		if (!first || strcmp(session_text(channel, "name"), port->name))
			continue;
		if (json_array_size(to) > 1)
			(void)snprintf(text, MULLION_NAME_BYTES + 24, "%.10s+%zu", first,
				json_array_size(to) - 1);
		else
			(void)snprintf(text, MULLION_NAME_BYTES + 24, "%.23s", first);
	}
}

static void put_ports_heading(struct top_page *page)
{
	put(page, "%-16s %-8s %-10s %-10s %7s %10s %7s %5s", "PORT", "KIND", "FROM", "TO", "MSG/s",
		"MESSAGES", "WAITING", "LOST");
}

static void put_port(struct top_page *page, const struct counters_node *node,
	const struct counters *before, const struct counters *after, size_t i)
{
	const struct counters_port *port = &after->ports[i];
	const struct counters_traffic traffic = counters_traffic(node, before, after, i);
	char to[MULLION_NAME_BYTES + 24], waiting[48] = "-", lost[24] = "-";

	receivers(to, node, port);
	if (port->depth) {
		(void)snprintf(waiting, sizeof(waiting), "%" PRIu64 "/%" PRIu64, traffic.waiting,
			port->depth);
		count_text(lost, port->overflows);
	}
	put(page, "%-16.16s %-8s %-10.10s %-10.10s %7.0f %10" PRIu64 " %7s %5s", port->name,
		port->depth ? "queuing" : "sampling", port->from, to, traffic.messages,
		port->written, waiting, lost);
}

/* ---- All of it ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Lines for each table: in turn one each, until all have what they need or there are no more. */
static void share_lines(size_t lines, const size_t need[TOP_TABLES], size_t give[TOP_TABLES])
{
	size_t before = lines + 1;
	unsigned t;

	for (t = 0; t < TOP_TABLES; t++)
		give[t] = 0;
	while (lines && lines < before) {
		before = lines;
		for (t = 0; t < TOP_TABLES; t++)
			if (lines && give[t] < need[t]) {
				give[t]++;
				lines--;
			}
	}
}

/* What there is to be shown, and where it comes from. */
struct content {
	const struct counters_node *node;
	const struct counters *before, *after;
	struct row rows[ROWS_MAX], exits[ROWS_MAX];
	size_t rows_count, exits_count;
};

static void take_exits(struct content *content)
{
	size_t i;

	content->exits_count = 0;
	for (i = 0; i < content->rows_count; i++)
		if (content->rows[i].rate.exits > 0)
			content->exits[content->exits_count++] = content->rows[i];
}

static size_t with_heading(size_t rows)
{
	return rows ? rows + 1 : 0;
}

static void put_tables(
	struct top_page *page, const struct content *content, const size_t give[TOP_TABLES])
{
	size_t i;

	page->headings[TOP_PARTITIONS] = page->lines;
	put(page, "%-14s %-10s %3s %6s %7s %6s %8s %10s %3s %4s", "PARTITION", "STATE", "CPU",
		"USED%", "WINDOW%", "WIN/s", "EXITS/s", "LATEST", "RST", "EVTS");
	for (i = 0; i < give[TOP_PARTITIONS]; i++)
		put_row(page, content->after, &content->rows[i]);
	page->headings[TOP_EXITS] = give[TOP_EXITS] > 1 ? page->lines : 0;
	if (give[TOP_EXITS] > 1)
		put_exits_heading(page, content->before->unseen == content->after->unseen);
	for (i = 1; i < give[TOP_EXITS]; i++)
		put_exits(page, content->after, &content->exits[i - 1]);
	page->headings[TOP_PORTS] = give[TOP_PORTS] > 1 ? page->lines : 0;
	if (give[TOP_PORTS] > 1)
		put_ports_heading(page);
	for (i = 1; i < give[TOP_PORTS]; i++)
		put_port(page, content->node, content->before, content->after, i - 1);
}

/* The tables in what is left of the page; `missing` lines of it are not shown already. */
static void lay_out(struct top_page *page, const struct content *content, size_t missing)
{
	const size_t need[TOP_TABLES] = { content->rows_count, with_heading(content->exits_count),
		with_heading(content->after->ports_count) };
	const size_t wanted = need[0] + need[1] + need[2];
	size_t room = page->height - page->lines - 1, give[TOP_TABLES];

	if (wanted > room || missing)
		room--;
	share_lines(room, need, give);
	put_tables(page, content, give);
	missing += wanted - give[0] - give[1] - give[2];
	if (missing)
		put(page, "(%zu lines more; a larger window shows them)", missing);
}

void top_draw(struct top_page *page, const struct counters_node *node,
	const struct counters *before, const struct counters *after, enum top_order order)
{
	static struct content content; /* large */
	const size_t cpus = least(node->cpus, page->height / 3);
	size_t i;

	content.node = node;
	content.before = before;
	content.after = after;
	content.rows_count = make_rows(content.rows, node, before, after);
	page->lines = 0;
	put_title(page, node, after);
	for (i = 0; i < cpus; i++)
		put_cpu(page, node, i, used_of(content.rows, content.rows_count, i));
	put_health(page, after);
	sort_rows(content.rows, content.rows_count, order);
	take_exits(&content);
	lay_out(page, &content, node->cpus - cpus);
}
