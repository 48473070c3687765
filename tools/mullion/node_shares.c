/*
 * Shares and exits of a node's page: who used how much of each CPU, and what took it away.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node_page.h"
#include "palette.h"
#include "trace_words.h"

#define EXITS_MAX 512u
#define ROWS_MAX  40u

/* ---- Shares ---- */

static void put_name(const struct node_page *page, FILE *out, const char *name)
{
	fprintf(out, "<td><i style=\"background:%s\"></i>",
		palette_of(node_partition(page, name))->fill);
	node_put(out, name);
	fputs("</td>", out);
}

/* A bar for each CPU: what its partitions used, in their colours. */
static void put_bar(const struct node_page *page, FILE *out, int cpu)
{
	size_t p;
	unsigned v;

	fprintf(out, "<div class=\"cpu\"><span>CPU %d</span><div class=\"bar\">", cpu);
	for (p = 0; p < page->after.count; p++)
		for (v = 0; v < page->after.partitions[p].vcpus; v++) {
			const struct counters_rate rate =
				counters_rate(&page->node, &page->before, &page->after, p, v);
			const struct counters_partition *partition = &page->after.partitions[p];
			const struct palette_colour *colour =
				palette_of(node_partition(page, partition->name));

			if (rate.cpu != cpu || rate.used < 0.0005)
				continue;
			fprintf(out, "<b style=\"width:%.2f%%;background:%s;color:%s\">",
				rate.used * 100, colour->fill, colour->text);
			if (rate.used > 0.06)
				node_put(out, partition->name);
			fputs("</b>", out);
		}
	fputs("</div></div>\n", out);
}

static void put_row(const struct node_page *page, FILE *out, size_t p, unsigned vcpu)
{
	const struct counters_partition *partition = &page->after.partitions[p];
	const struct counters_rate rate =
		counters_rate(&page->node, &page->before, &page->after, p, vcpu);
	char latest[NODE_DURATION_BYTES];

	fputs("<tr>", out);
	put_name(page, out, partition->name);
	fprintf(out, "<td>%u</td><td>%d</td><td class=\"l\">", vcpu, rate.cpu);
	node_put(out, partition->state);
	fprintf(out, "</td><td>%.1f</td>", rate.used * 100);
	if (rate.window >= 0)
		fprintf(out, "<td>%.1f</td>", rate.window * 100);
	else
		fputs("<td>–</td>", out);
	fprintf(out, "<td>%.0f</td><td>%.0f</td><td>%s</td><td>%" PRIu64 "</td></tr>\n",
		rate.windows, rate.exits, node_duration(latest, rate.latest_ns),
		partition->restarts);
}

void node_shares_write(const struct node_page *page, FILE *out)
{
	const uint64_t ticks = page->after.now - page->before.now;
	char during[NODE_DURATION_BYTES];
	size_t i;
	unsigned v;

	fprintf(out,
		"<h2>CPU shares</h2><div class=\"card\"><p class=\"note\">Over %s of the node's "
		"time. Used: from the start of a partition's windows to their being given back; an "
		"owned CPU is its partition's.</p>\n",
		node_duration(during, node_ns(page->node.clock, ticks)));
	for (i = 0; i < page->node.cpus; i++)
		put_bar(page, out, (int)i);
	fputs("<table><thead><tr><th>partition</th><th>vcpu</th><th>CPU</th><th "
	      "class=\"l\">state</th>"
	      "<th>used %</th><th>described %</th><th>windows/s</th><th>exits/s</th><th>latest "
	      "start</th><th>restarts</th></tr></thead><tbody>\n",
		out);
	for (i = 0; i < page->after.count; i++)
		for (v = 0; v < page->after.partitions[i].vcpus; v++)
			put_row(page, out, i, v);
	fputs("</tbody></table></div>\n", out);
}

/* ---- Exits ---- */

struct exits {
	const char *partition, *cause;
	uint64_t count;
};

static void count_exit(struct exits *list, size_t *count, const char *partition, const char *cause)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (!strcmp(list[i].partition, partition) && !strcmp(list[i].cause, cause)) {
			list[i].count++;
			return;
		}
	if (*count < EXITS_MAX)
		list[(*count)++] = (struct exits){ partition, cause, 1 };
}

static int most_first(const void *left, const void *right)
{
	const struct exits *a = left, *b = right;

	return (a->count < b->count) - (a->count > b->count);
}

static size_t count_exits(const struct node_page *page, struct exits *list)
{
	const struct jitter_report *report = page->view->report;
	size_t rings_count, count = 0, i, k;
	const struct jitter_ring *rings = trace_rings(report, &rings_count);

	for (i = 0; i < rings_count; i++)
		for (k = 0; k < rings[i].count; k++) {
			const struct mullion_trace_record *record = &rings[i].records[k];
			const char *name = jitter_system_vcpu_partition(report, record->vcpu);

			if (record->kind == MULLION_TRACE_EXIT)
				count_exit(list, &count, name ? name : "?",
					trace_exit_name(record->cause));
		}
	qsort(list, count, sizeof(*list), most_first);
	return count;
}

static void put_rates(const struct node_page *page, FILE *out, size_t p, unsigned vcpu)
{
	const struct counters_partition *partition = &page->after.partitions[p];
	const struct counters_rate rate =
		counters_rate(&page->node, &page->before, &page->after, p, vcpu);
	unsigned c;

	fputs("<tr>", out);
	put_name(page, out, partition->name);
	fprintf(out, "<td>%u</td>", vcpu);
	for (c = 0; c < CAUSES; c++)
		fprintf(out, "<td>%.0f</td>", rate.causes[c]);
	fprintf(out, "<td>%.0f</td></tr>\n", rate.exits);
}

static void put_rates_table(const struct node_page *page, FILE *out)
{
	const uint64_t unseen = page->after.unseen - page->before.unseen;
	unsigned c, v;
	size_t p;

	fputs("<table><thead><tr><th>partition</th><th>vcpu</th>", out);
	for (c = 0; c < CAUSES; c++)
		fprintf(out, "<th>%s</th>", counters_cause(c));
	fputs("<th>all</th></tr></thead><tbody>\n", out);
	for (p = 0; p < page->after.count; p++)
		for (v = 0; v < page->after.partitions[p].vcpus; v++)
			put_rates(page, out, p, v);
	fputs("</tbody></table>\n", out);
	if (unseen)
		fprintf(out,
			"<p class=\"note\">%" PRIu64
			" records of the trace were overwritten before control counted them.</p>\n",
			unseen);
}

static void put_causes_table(const struct node_page *page, FILE *out)
{
	static struct exits list[EXITS_MAX];
	const size_t count = count_exits(page, list);
	size_t i;

	fputs("<div class=\"card\"><h3>In the trace</h3><p class=\"note\">The last records of each "
	      "CPU, most first.</p>\n",
		out);
	if (count)
		fputs("<table class=\"exits\"><thead><tr><th>partition</th><th "
		      "class=\"l\">cause</th><th>count</th><th class=\"l\"></th></tr></thead>"
		      "<tbody>\n",
			out);
	for (i = 0; i < count && i < ROWS_MAX; i++) {
		fputs("<tr>", out);
		put_name(page, out, list[i].partition);
		fprintf(out,
			"<td class=\"l\">%s</td><td>%" PRIu64
			"</td><td class=\"l\"><b style=\"width:%.1f%%;background:%s\"></b></td>"
			"</tr>\n",
			list[i].cause, list[i].count,
			100 * (double)list[i].count / (double)list[0].count,
			palette_of(node_partition(page, list[i].partition))->fill);
	}
	fputs(count ? "</tbody></table></div>\n" : "<p>none</p></div>\n", out);
}

void node_exits_write(const struct node_page *page, FILE *out)
{
	fputs("<h2>Exits</h2><div class=\"card\"><h3>A second, by cause</h3>\n", out);
	put_rates_table(page, out);
	fputs("</div>\n", out);
	put_causes_table(page, out);
}
