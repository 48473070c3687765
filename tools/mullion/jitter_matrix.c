/*
 * The comparison at a glance: metrics as rows, systems as columns, in each cell the maximum (of all
 * cores) in nanoseconds. A cell is empty where a system has no such stream.
 */
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

#define COLUMNS_MAX 12u

struct columns {
	const char *systems[COLUMNS_MAX];
	size_t count;
};

static bool listed(const struct columns *columns, const char *system)
{
	size_t i;

	for (i = 0; i < columns->count; i++) {
		if (!strcmp(columns->systems[i], system))
			return true;
	}
	return false;
}

/* In the order of the command line. */
static void list(const struct jitter_report *report, struct columns *columns)
{
	size_t source, i;

	for (source = 0; source < report->sources_count; source++) {
		for (i = 0; i < report->streams_count && columns->count < COLUMNS_MAX; i++) {
			const struct jitter_stream *stream = &report->streams[i];

			if (stream->source == source && stream->n &&
				!listed(columns, stream->system))
				columns->systems[columns->count++] = stream->system;
		}
	}
}

/* The worst core of this system in the metric that starts at `first`; NULL if it has none. */
static const struct jitter_stream *worst_core(
	const struct jitter_report *report, size_t first, const char *system)
{
	const struct jitter_stream *worst = NULL;
	size_t i;

	for (i = first; i < report->streams_count; i++) {
		const struct jitter_stream *stream = &report->streams[i];

		if (strcmp(stream->name, report->streams[first].name))
			break;
		if (!stream->n || strcmp(stream->system, system))
			continue;
		if (!worst || jitter_ns(stream->clock, (double)stream->max) >
				      jitter_ns(worst->clock, (double)worst->max))
			worst = stream;
	}
	return worst;
}

static const char *cell(char *buffer, const struct jitter_stream *stream, const char *nothing)
{
	return stream ? jitter_format_ns(buffer, stream->clock, stream->max) : nothing;
}

static bool starts_metric(const struct jitter_report *report, size_t index)
{
	return !index || strcmp(report->streams[index - 1].name, report->streams[index].name);
}

static int width_of(const char *system)
{
	return strlen(system) > 9 ? (int)strlen(system) : 9;
}

void jitter_write_matrix(const struct jitter_report *report, FILE *out)
{
	struct columns columns = { 0 };
	char buffer[JITTER_NUMBER_BYTES];
	size_t row, column;

	list(report, &columns);
	if (columns.count < 2)
		return;
	fprintf(out, "\nmaximum (ns), side by side\n  %-20s", "");
	for (column = 0; column < columns.count; column++)
		fprintf(out, "  %*s", width_of(columns.systems[column]), columns.systems[column]);
	fputc('\n', out);
	for (row = 0; row < report->streams_count; row++) {
		if (!starts_metric(report, row))
			continue;
		fprintf(out, "  %-20s", report->streams[row].name);
		for (column = 0; column < columns.count; column++)
			fprintf(out, "  %*s", width_of(columns.systems[column]),
				cell(buffer, worst_core(report, row, columns.systems[column]),
					"-"));
		fputc('\n', out);
	}
}

/* Names are letters, digits and -_./ only, so nothing needs escaping. */
void jitter_write_matrix_html(const struct jitter_report *report, FILE *out)
{
	struct columns columns = { 0 };
	char buffer[JITTER_NUMBER_BYTES];
	size_t row, column;

	list(report, &columns);
	if (columns.count < 2)
		return;
	fputs("<h2>Maximum, side by side</h2><div class=\"card\"><table><thead><tr><th>ns</th>",
		out);
	for (column = 0; column < columns.count; column++)
		fprintf(out, "<th>%s</th>", columns.systems[column]);
	fputs("</tr></thead><tbody>\n", out);
	for (row = 0; row < report->streams_count; row++) {
		if (!starts_metric(report, row))
			continue;
		fprintf(out, "<tr><td>%s</td>", report->streams[row].name);
		for (column = 0; column < columns.count; column++)
			fprintf(out, "<td class=\"max\">%s</td>",
				cell(buffer, worst_core(report, row, columns.systems[column]),
					"–"));
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}
