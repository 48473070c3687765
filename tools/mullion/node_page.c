/*
 * The page of a node: verdict, schedule, shares, exits, ports, health. One file, nothing loaded
 * from elsewhere, no script. What a node said is escaped.
 */
#include "node_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "page_style.h"
#include "palette.h"
#include "trace_words.h"
#include "xml.h"

static const char more_style[] =
	":root{--empty:#eef1f5}@media screen and "
	"(prefers-color-scheme:dark){:root{--empty:#232a33}}"
	"h3{font-size:15px;margin:0 0 6px}th.l,td.l{text-align:left}td i{display:inline-block;"
	"width:11px;height:11px;border-radius:3px;margin-right:7px}.side,.tick{font-size:12px;"
	"fill:var(--muted)}.name{font-size:13px;font-weight:600}svg text{font-family:inherit}"
	".cpu{display:flex;align-items:center;margin:6px 0}.cpu span{width:64px;color:var(--muted)}"
	".bar{flex:1;display:flex;height:26px;border-radius:5px;overflow:hidden;background:"
	"var(--empty)}.bar b{font-size:12px;line-height:26px;text-align:center;overflow:hidden;"
	"text-overflow:ellipsis;white-space:nowrap;"
	"font-weight:600}.exits td b{display:block;height:10px;border-radius:3px;min-width:2px}"
	".exits td:last-child{width:45%}.facts{color:var(--muted)}.cpu+table{margin-top:10px}";

void node_put(FILE *out, const char *text)
{
	xml_put(out, text, SIZE_MAX);
}

size_t node_partition(const struct node_page *page, const char *name)
{
	json_t *partition;
	size_t i;

	json_array_foreach(json_object_get(page->view->report->system, "partitions"), i, partition)
	{
		if (!strcmp(session_text(partition, "name"), name))
			return i;
	}
	return 0;
}

/* ---- The head ---- */

static uint64_t events_of(const struct counters *counters)
{
	uint64_t sum = 0;
	size_t p, e;

	for (p = 0; p < counters->count; p++)
		for (e = 0; e < MULLION_EVENT_COUNT; e++)
			sum += counters->partitions[p].events[e];
	return sum;
}

static uint64_t not_running(const struct counters *counters)
{
	uint64_t count = 0;
	size_t p;

	for (p = 0; p < counters->count; p++)
		count += strcmp(counters->partitions[p].state, "running") != 0;
	return count;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* What a reader wants to know first. */
static void put_verdict(const struct node_page *page, FILE *out)
{
	const uint64_t events = events_of(&page->after), stopped = not_running(&page->after);
	char latest[NODE_DURATION_BYTES];
	uint64_t latest_ps, late = node_schedule_late(page, &latest_ps);

	fprintf(out, "<div class=\"verdict %s\">", late || events || stopped ? "fail" : "pass");
	if (late)
		fprintf(out, "%" PRIu64 " window%s of the trace started late, by %s at most", late,
			plural(late), node_duration(latest, latest_ps / 1000));
	else if (node_schedule_seen(page))
		fputs("Every window of the trace started on its tick", out);
	else
		fputs("The trace held no window", out);
	fprintf(out, "; %" PRIu64 " health event%s; ", events, plural(events));
	if (stopped)
		fprintf(out, "%" PRIu64 " partition%s not running.", stopped, plural(stopped));
	else
		fputs("all partitions run.", out);
	fputs("</div>\n", out);
}

static void put_head(const struct node_page *page, FILE *out)
{
	char up[NODE_DURATION_BYTES];
	const uint64_t ticks =
		page->after.now > page->node.epoch ? page->after.now - page->node.epoch : 0;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>",
		out);
	node_put(out, page->node.name);
	fprintf(out, "</title><style>%s%s</style></head><body><main>\n<h1>", page_style,
		more_style);
	node_put(out, page->node.name);
	fputs("</h1>\n<p class=\"facts\">on ", out);
	node_put(out, page->node.board);
	fputs(", schedule ", out);
	node_put(out, page->after.schedule);
	fprintf(out, ", %zu CPUs, %zu partitions, up for %s</p>\n", page->node.cpus,
		page->after.count, node_duration(up, node_ns(page->node.clock, ticks)));
}

/* ---- Ports ---- */

static void put_end(const struct node_page *page, FILE *out, const char *name)
{
	size_t p;

	fprintf(out, "<i style=\"background:%s\"></i>",
		palette_of(node_partition(page, name))->fill);
	node_put(out, name);
	for (p = 0; p < page->after.count; p++)
		if (!strcmp(page->after.partitions[p].name, name) &&
			strcmp(page->after.partitions[p].state, "running") != 0) {
			fputs(" <span class=\"fail\">", out);
			node_put(out, page->after.partitions[p].state);
			fputs("</span>", out);
		}
}

/* What the description says of a channel; NULL: nothing. */
static const json_t *described(const struct node_page *page, const char *name)
{
	json_t *channel;
	size_t i;

	json_array_foreach(json_object_get(page->view->report->system, "channels"), i, channel)
	{
		if (!strcmp(session_text(channel, "name"), name))
			return channel;
	}
	return NULL;
}

static void put_receivers(const struct node_page *page, FILE *out, const struct counters_port *port)
{
	const json_t *to = json_object_get(described(page, port->name), "to");
	json_t *name;
	size_t i;

	fputs("<td class=\"l\">", out);
	json_array_foreach(to, i, name)
	{
		fputs(i ? " " : "", out);
		put_end(page, out, json_is_string(name) ? json_string_value(name) : "?");
	}
	if (!json_array_size(to) && *port->to)
		put_end(page, out, port->to);
	else if (!json_array_size(to))
		fputs("–", out);
	fputs("</td>", out);
}

/* A queue's depth, or how often a sampling port is to be written. */
static void put_size(const struct node_page *page, FILE *out, const struct counters_port *port)
{
	const uint64_t refresh =
		(uint64_t)session_number(described(page, port->name), "refresh_ns");
	char text[NODE_DURATION_BYTES];

	if (port->depth)
		fprintf(out, "<td>%" PRIu64 " deep</td>", port->depth);
	else if (refresh)
		fprintf(out, "<td>each %s</td>", node_duration(text, refresh));
	else
		fputs("<td>–</td>", out);
}

static void put_port(const struct node_page *page, FILE *out, size_t i)
{
	const struct counters_port *port = &page->after.ports[i];
	const struct counters_traffic traffic =
		counters_traffic(&page->node, &page->before, &page->after, i);

	fputs("<tr><td>", out);
	node_put(out, port->name);
	fprintf(out, "</td><td class=\"l\">%s</td><td class=\"l\">",
		port->depth ? "queuing" : "sampling");
	put_end(page, out, port->from);
	fputs("</td>", out);
	put_receivers(page, out, port);
	fprintf(out, "<td>%" PRIu64 "</td>", port->bytes);
	put_size(page, out, port);
	fprintf(out, "<td>%.0f</td><td>%" PRIu64 "</td>", traffic.messages, port->written);
	if (port->depth)
		fprintf(out, "<td>%" PRIu64 "</td><td class=\"%s\">%" PRIu64 "</td></tr>\n",
			traffic.waiting, port->overflows ? "fail" : "pass", port->overflows);
	else
		fputs("<td>–</td><td>–</td></tr>\n", out);
}

static void put_ports(const struct node_page *page, FILE *out)
{
	size_t i;

	fputs("<h2>Ports</h2><div class=\"card\">\n", out);
	if (!page->after.ports_count) {
		fputs("<p>None.</p></div>\n", out);
		return;
	}
	fputs("<table><thead><tr><th>channel</th><th class=\"l\">kind</th><th "
	      "class=\"l\">from</th><th class=\"l\">to</th><th>bytes</th><th>size, refresh</th>"
	      "<th>messages/s</th><th>messages</th><th>waiting</th><th>not taken</th></tr></thead>"
	      "<tbody>\n",
		out);
	for (i = 0; i < page->after.ports_count; i++)
		put_port(page, out, i);
	fputs("</tbody></table></div>\n", out);
}

/* ---- Health ---- */

static void put_counts(const struct node_page *page, FILE *out)
{
	size_t p;
	uint32_t e;

	fputs("<table><thead><tr><th>partition</th><th class=\"l\">event</th><th>count</th></tr>"
	      "</thead><tbody>\n",
		out);
	for (p = 0; p < page->after.count; p++)
		for (e = 0; e < MULLION_EVENT_COUNT; e++) {
			const struct counters_partition *partition = &page->after.partitions[p];

			if (!partition->events[e])
				continue;
			fputs("<tr><td>", out);
			put_end(page, out, partition->name);
			fprintf(out, "</td><td class=\"l\">%s</td><td>%" PRIu64 "</td></tr>\n",
				trace_event_words(e), partition->events[e]);
		}
	fputs("</tbody></table>\n", out);
}

static void put_entry(const struct node_page *page, FILE *out, const json_t *entry)
{
	char at[NODE_DURATION_BYTES];
	const uint64_t tsc = (uint64_t)session_number(entry, "tsc");

	fprintf(out, "<tr><td>%" PRId64 "</td><td>%s</td><td class=\"l\">",
		session_number(entry, "boot"), node_duration(at, node_ns(page->node.clock, tsc)));
	node_put(out, session_text(entry, "partition"));
	fputs("</td><td class=\"l\">", out);
	node_put(out, session_text(entry, "event"));
	fputs("</td><td class=\"l\">", out);
	node_put(out, session_text(entry, "action"));
	fprintf(out, "</td><td>%#" PRIx64 "</td><td>%#" PRIx64 "</td></tr>\n",
		(uint64_t)session_number(entry, "detail"), (uint64_t)session_number(entry, "rip"));
}

static void put_health(const struct node_page *page, FILE *out)
{
	json_t *entry;
	size_t i;

	fputs("<h2>Health</h2><div class=\"card\">\n", out);
	if (events_of(&page->after))
		put_counts(page, out);
	else
		fputs("<p>No event since the start of the node.</p>\n", out);
	fputs("</div>\n", out);
	if (!json_array_size(page->journal))
		return;
	fputs("<div class=\"card\"><h3>Journal</h3><table><thead><tr><th>boot</th><th>time</th><th "
	      "class=\"l\">partition</th><th class=\"l\">event</th><th class=\"l\">action</th>"
	      "<th>detail</th><th>RIP</th></tr></thead><tbody>\n",
		out);
	json_array_foreach(page->journal, i, entry) put_entry(page, out, entry);
	fputs("</tbody></table></div>\n", out);
}

void node_page_write(const struct node_page *page, FILE *out)
{
	put_head(page, out);
	put_verdict(page, out);
	node_schedule_write(page, out);
	node_shares_write(page, out);
	node_exits_write(page, out);
	put_ports(page, out);
	put_health(page, out);
	fputs("<p class=\"note\">Written by mullion ctl report.</p></main></body></html>\n", out);
}
