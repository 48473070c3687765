/*
 * The trace as text: one line a record, all CPUs in one order, then the outliers of probes.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "trace.h"
#include "trace_words.h"

static const char *owner(const struct trace_view *view, uint16_t vcpu)
{
	const char *name = jitter_system_vcpu_partition(view->report, vcpu);

	return vcpu == MULLION_NO_VCPU ? "-" : name ? name : "?";
}

static void write_late(
	const struct trace_view *view, FILE *out, const struct mullion_trace_record *record)
{
	char late[NODE_DURATION_BYTES];

	if (record->kind != MULLION_TRACE_WINDOW)
		return;
	fprintf(out, " of frame %" PRIu64, record->b);
	if (record->tsc > record->a)
		fprintf(out, ", %s late",
			node_duration(late, node_ns(view->clock, record->tsc - record->a)));
}

static void write_record(const struct trace_view *view, FILE *out, unsigned cpu,
	const struct mullion_trace_record *record)
{
	const uint64_t ns = node_ns(view->clock, record->tsc - view->begin);
	char words[TRACE_WORDS_BYTES];

	fprintf(out, "%8" PRIu64 ".%09u  %3u  %-12s  %s", ns / 1000000000u,
		(unsigned)(ns % 1000000000u), cpu, owner(view, record->vcpu),
		trace_words(words, record));
	write_late(view, out, record);
	fputc('\n', out);
}

static void write_records(const struct trace_view *view, FILE *out)
{
	size_t count, i;
	const struct jitter_ring *rings = trace_rings(view->report, &count);
	size_t *next = jitter_array(NULL, count, sizeof(*next));

	for (i = 0; i < count; i++)
		next[i] = 0;
	for (;;) {
		size_t first = count;

		for (i = 0; i < count; i++)
			if (next[i] < rings[i].count &&
				(first == count || rings[i].records[next[i]].tsc <
							   rings[first].records[next[first]].tsc))
				first = i;
		if (first == count)
			break;
		write_record(view, out, rings[first].cpu, &rings[first].records[next[first]++]);
	}
	free(next);
}

static void write_outlier(
	const struct trace_view *view, FILE *out, const struct trace_outlier *outlier)
{
	const struct jitter_stream *stream = &view->report->streams[outlier->stream];
	char value[JITTER_NUMBER_BYTES];

	fprintf(out, "%s of %s: %s ns at tick %" PRIu64 ": %s\n", stream->name, stream->origin,
		jitter_format_ns(value, stream->clock, outlier->sample.value), outlier->sample.tsc,
		outlier->cause);
}

void trace_write_text(const struct trace_view *view, FILE *out)
{
	size_t count, i;
	const struct jitter_ring *rings = trace_rings(view->report, &count);

	for (i = 0; i < count; i++) {
		fprintf(out, "# CPU %u: %zu records, %" PRIu64 " older ones overwritten",
			rings[i].cpu, rings[i].count, rings[i].lost);
		if (rings[i].kept)
			fprintf(out, "; of these, windows and the like were kept: %zu",
				rings[i].kept);
		fputc('\n', out);
	}
	fputs("#      seconds  cpu  partition     what\n", out);
	write_records(view, out);
	if (view->outliers_count)
		fputs("# outliers of probes, above the 99th percentile, and what their CPU did "
		      "meanwhile\n",
			out);
	for (i = 0; i < view->outliers_count; i++)
		write_outlier(view, out, &view->outliers[i]);
}
