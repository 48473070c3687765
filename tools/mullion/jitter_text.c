/*
 * The report for a terminal: per metric one table, systems and cores as rows, the maximum first;
 * under each table the worst sample of every core with its cause; the verdict last.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

#define COLUMNS    12u
#define CELL_BYTES 48u

struct paint {
	const char *bold, *good, *bad, *dim, *off;
};

static const struct paint plain = { "", "", "", "", "" };
static const struct paint colours = { "\033[1m", "\033[32m", "\033[1;31m", "\033[2m", "\033[0m" };

static const char *const heads[COLUMNS] = { "cpu", "MAX", "bound", "verdict", "min", "avg", "p50",
	"p99", "p99.9", "p99.99", "n", "seconds" };

static const char *verdict_word(const struct jitter_stream *stream)
{
	if (stream->verdict == JITTER_FAIL)
		return "FAIL";
	if (stream->verdict == JITTER_PASS)
		return "PASS";
	return stream->complete ? "-" : "running";
}

static void fill_percentiles(char (*cells)[CELL_BYTES], const struct jitter_stream *stream)
{
	int64_t value;
	size_t i;

	for (i = 0; i < JITTER_PERCENTILES; i++) {
		if (jitter_percentile(stream, jitter_percentiles[i].numerator,
			    jitter_percentiles[i].denominator, &value))
			jitter_format_ns(cells[i], stream->clock, value);
		else
			strcpy(cells[i], "n/a");
	}
}

static void fill_row(char (*cells)[CELL_BYTES], const struct jitter_stream *stream)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		strcpy(cells[i], "-");
	(void)snprintf(cells[0], CELL_BYTES, "%u", stream->cpu);
	if (stream->has_bound)
		jitter_format_count(cells[2], stream->bound_ns);
	strcpy(cells[3], verdict_word(stream));
	jitter_format_count(cells[10], stream->n);
	if (stream->has_times)
		(void)snprintf(cells[11], CELL_BYTES, "%.3f", jitter_duration_s(stream));
	if (!stream->n)
		return;
	jitter_format_ns(cells[1], stream->clock, stream->max);
	jitter_format_ns(cells[4], stream->clock, stream->min);
	if (stream->has_average)
		(void)snprintf(
			cells[5], CELL_BYTES, "%.1f", jitter_ns(stream->clock, stream->average));
	fill_percentiles(&cells[6], stream);
}

struct table {
	size_t rows;
	char (*cells)[COLUMNS][CELL_BYTES];
	size_t widths[COLUMNS];
	size_t name_width;
};

static void measure(struct table *table, const struct jitter_stream *first, size_t count)
{
	size_t row, column;

	table->rows = count;
	table->cells = jitter_array(NULL, count, sizeof(*table->cells));
	table->name_width = strlen("system");
	for (column = 0; column < COLUMNS; column++)
		table->widths[column] = strlen(heads[column]);
	for (row = 0; row < count; row++) {
		fill_row(table->cells[row], &first[row]);
		if (strlen(first[row].system) > table->name_width)
			table->name_width = strlen(first[row].system);
		for (column = 0; column < COLUMNS; column++) {
			size_t width = strlen(table->cells[row][column]);

			if (width > table->widths[column])
				table->widths[column] = width;
		}
	}
}

static const char *cell_paint(const struct paint *paint, size_t column, const char *text)
{
	if (column == 1)
		return paint->bold;
	if (column != 3)
		return "";
	return !strcmp(text, "PASS") ? paint->good : !strcmp(text, "FAIL") ? paint->bad : "";
}

static void print_row(FILE *out, const struct table *table, const char *name,
	const char *const *cells, const struct paint *paint)
{
	size_t column;

	fprintf(out, "  %-*s", (int)table->name_width, name);
	for (column = 0; column < COLUMNS; column++) {
		const char *on = cell_paint(paint, column, cells[column]);

		fprintf(out, "  %s%*s%s", on, (int)table->widths[column], cells[column],
			*on ? paint->off : "");
	}
	fputc('\n', out);
}

static void print_worst(FILE *out, const struct jitter_stream *stream, const struct paint *paint)
{
	char value[JITTER_NUMBER_BYTES];
	double since;

	if (!stream->n || !stream->has_times)
		return;
	since = stream->max_tsc > stream->started
			? jitter_ns(stream->clock, (double)(stream->max_tsc - stream->started)) /
				  1e9
			: 0;
	fprintf(out,
		"  %sworst of %s cpu %u: %s ns at TSC %" PRIu64 ", %.6f s into the run: %s%s\n",
		paint->dim, stream->system, stream->cpu,
		jitter_format_ns(value, stream->clock, stream->max), stream->max_tsc, since,
		stream->cause ? stream->cause : "cause not known", paint->off);
}

static void print_outside(FILE *out, const struct jitter_stream *stream)
{
	char count[JITTER_NUMBER_BYTES];

	if (stream->below + stream->above)
		fprintf(out, "  outside the histogram of %s cpu %u: %s samples\n", stream->system,
			stream->cpu, jitter_format_count(count, stream->below + stream->above));
	if (stream->observed)
		fprintf(out, "  kept by %s cpu %u out of %s passes\n", stream->system, stream->cpu,
			jitter_format_count(count, stream->observed));
}

static void print_metric(
	FILE *out, const struct jitter_stream *first, size_t count, const struct paint *paint)
{
	const char *row_cells[COLUMNS];
	struct table table;
	size_t row, column;

	measure(&table, first, count);
	fprintf(out, "\n%s%s%s (ns)%s%s\n", paint->bold, first->name, paint->off,
		first->note && *first->note ? ": " : "", first->note ? first->note : "");
	print_row(out, &table, "system", heads, &plain);
	for (row = 0; row < count; row++) {
		for (column = 0; column < COLUMNS; column++)
			row_cells[column] = table.cells[row][column];
		print_row(out, &table, first[row].system, row_cells, paint);
	}
	for (row = 0; row < count; row++)
		print_worst(out, &first[row], paint);
	for (row = 0; row < count; row++)
		print_outside(out, &first[row]);
	free(table.cells);
}

static void print_metrics(const struct jitter_report *report, FILE *out, const struct paint *paint)
{
	size_t first = 0, end;

	while (first < report->streams_count) {
		for (end = first + 1; end < report->streams_count; end++) {
			if (strcmp(report->streams[end].name, report->streams[first].name))
				break;
		}
		print_metric(out, &report->streams[first], end - first, paint);
		first = end;
	}
}

static const char *verdict_paint(const struct paint *paint, const char *verdict)
{
	if (!strncmp(verdict, "FAIL", 4))
		return paint->bad;
	return strncmp(verdict, "PASS", 4) ? paint->dim : paint->good;
}

void jitter_write_text(const struct jitter_report *report, FILE *out, bool colour)
{
	const struct paint *paint = colour ? &colours : &plain;
	char *verdict = jitter_verdict_line(report), **lines;
	size_t i, count = jitter_condition_lines(report, &lines);

	fprintf(out, "%s%s%s\n", paint->bold, report->title, paint->off);
	for (i = 0; i < count; i++) {
		fprintf(out, "  %s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	print_metrics(report, out, paint);
	jitter_write_matrix(report, out);
	fprintf(out, "\n%s%s%s\n", verdict_paint(paint, verdict), verdict, paint->off);
	free(verdict);
}
