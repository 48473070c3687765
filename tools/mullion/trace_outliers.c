/*
 * The samples that stand out, each with what its CPU did meanwhile. See trace.h.
 */
#include <stdlib.h>

#include "trace.h"

#define OUTLIERS_MAX 32u /* of one stream */

static int worst_first(const void *left, const void *right)
{
	const struct trace_outlier *a = left, *b = right;

	if (a->sample.value != b->sample.value)
		return a->sample.value < b->sample.value ? 1 : -1;
	return a->sample.tsc < b->sample.tsc ? -1 : a->sample.tsc > b->sample.tsc;
}

/* What the records say; where they are of later, what the description says of that time, too. */
static char *cause_of(const struct trace_view *view, const struct trace_outlier *outlier)
{
	const struct jitter_report *report = view->report;
	const struct jitter_stream *stream = &report->streams[outlier->stream];
	const struct sample *sample = &outlier->sample;
	char *cause = jitter_sample_cause(report, stream, sample), *ran, *both;
	const int cpu = jitter_system_cpu(report, stream->origin, stream->cpu);

	if (cpu < 0 || jitter_sample_held(report, stream, sample))
		return cause;
	ran = trace_schedule_words(view, (unsigned)cpu, outlier->from, outlier->to);
	if (!ran)
		return cause;
	both = jitter_printf("%s, by the schedule; its exits: %s", ran, cause);
	free(ran);
	free(cause);
	return both;
}

/* Those of one stream, from the array's index `first` on. */
static void keep_worst(struct trace_view *view, size_t first)
{
	size_t i;

	qsort(view->outliers + first, view->outliers_count - first, sizeof(*view->outliers),
		worst_first);
	if (view->outliers_count > first + OUTLIERS_MAX)
		view->outliers_count = first + OUTLIERS_MAX;
	for (i = first; i < view->outliers_count; i++) {
		struct trace_outlier *outlier = &view->outliers[i];

		outlier->cause = cause_of(view, outlier);
		if (outlier->from < view->begin)
			view->begin = outlier->from;
	}
}

/* A sample's time is its end; one that was early ends when it was due. */
static void add(struct trace_view *view, size_t stream, const struct sample *sample)
{
	const uint64_t late = sample->value > 0 ? (uint64_t)sample->value : 0;
	const uint64_t early = sample->value < 0 ? -(uint64_t)sample->value : 0;

	view->outliers =
		jitter_array(view->outliers, view->outliers_count + 1, sizeof(*view->outliers));
	view->outliers[view->outliers_count++] = (struct trace_outlier){ .stream = stream,
		.sample = *sample,
		.from = late < sample->tsc ? sample->tsc - late : 0,
		.to = sample->tsc + early };
}

static void find(struct trace_view *view, size_t index)
{
	const struct jitter_stream *stream = &view->report->streams[index];
	const size_t first = view->outliers_count;
	int64_t limit;
	size_t i;

	if (!stream->has_times || !jitter_percentile(stream, 99, 100, &limit))
		return;
	for (i = 0; i < stream->samples_count; i++)
		if (stream->samples[i].value > limit)
			add(view, index, &stream->samples[i]);
	keep_worst(view, first);
}

void trace_find_outliers(struct trace_view *view)
{
	size_t i;

	for (i = 0; i < view->report->streams_count; i++)
		find(view, i);
}
