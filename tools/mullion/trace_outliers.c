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

		outlier->cause = jitter_sample_cause(
			view->report, &view->report->streams[outlier->stream], &outlier->sample);
	}
}

static void add(struct trace_view *view, size_t stream, const struct sample *sample)
{
	view->outliers =
		jitter_array(view->outliers, view->outliers_count + 1, sizeof(*view->outliers));
	view->outliers[view->outliers_count++] =
		(struct trace_outlier){ .stream = stream, .sample = *sample };
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
