/*
 * The JSON reports of Debian's rt-tests 2.x, so that Linux can be laid beside: cyclictest --json
 * (with -h for a histogram) becomes the stream "delivery.halt", because it too measures how late a
 * sleeper runs after an absolute deadline; oslat --json becomes "gap", the longest hole in a busy
 * loop.
 *
 * Both tools give a histogram and totals per thread, no samples. cyclictest counts microseconds
 * (nanoseconds with -N) and leaves samples beyond the histogram out of it; oslat's last bucket
 * holds everything from its value up.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

#define MICROSECONDS 1000000u
#define NANOSECONDS  1000000000u

struct tool {
	enum jitter_kind kind;
	const char *name, *stream, *note;
};

static const struct tool cyclictest = { JITTER_CYCLICTEST, "cyclictest", "delivery.halt",
	"cyclictest: wake-up of a sleeping thread minus its deadline" };
static const struct tool oslat = { JITTER_OSLAT, "oslat", "gap",
	"oslat: hole between two passes of a busy loop" };

static int compare_bins(const void *left, const void *right)
{
	int64_t a = ((const struct jitter_bin *)left)->value;
	int64_t b = ((const struct jitter_bin *)right)->value;

	return (a > b) - (a < b);
}

/* Buckets are named by their value, "12" or, with narrow oslat buckets, "0.5" microseconds. */
static int take_buckets(struct jitter_stream *stream, json_t *histogram, int64_t scale)
{
	const char *key;
	json_t *count;

	stream->bins = jitter_array(NULL, json_object_size(histogram), sizeof(*stream->bins));
	json_object_foreach(histogram, key, count)
	{
		char *end;
		double value = strtod(key, &end);

		if (*end || end == key || !(fabs(value) < 1e15) || json_integer_value(count) < 0)
			return -1;
		if (json_integer_value(count))
			stream->bins[stream->bins_count++] =
				(struct jitter_bin){ llround(value * (double)scale),
					(uint64_t)json_integer_value(count) };
	}
	if (stream->bins_count)
		qsort(stream->bins, stream->bins_count, sizeof(*stream->bins), compare_bins);
	return 0;
}

static uint64_t bins_total(const struct jitter_stream *stream)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < stream->bins_count; i++)
		total += stream->bins[i].count;
	return total;
}

/* Samples past the histogram: cyclictest leaves them out, oslat lumps them into its last bucket. */
static int settle_overflow(struct jitter_stream *stream, const struct tool *tool, uint64_t cycles)
{
	uint64_t total = bins_total(stream);

	if (tool->kind == JITTER_CYCLICTEST) {
		if (total > cycles)
			return -1;
		stream->n = cycles;
		stream->above = cycles - total;
		return 0;
	}
	stream->n = total;
	if (stream->bins_count && stream->bins[stream->bins_count - 1].value < stream->max)
		stream->above = stream->bins[--stream->bins_count].count;
	return 0;
}

static int take_thread(
	struct jitter_report *report, const struct tool *tool, json_t *thread, bool ns)
{
	struct jitter_stream *stream = jitter_add_stream(report, tool->stream, "linux");
	/* oslat's fractions of a microsecond are kept by counting in nanoseconds. */
	bool fine = ns || tool->kind == JITTER_OSLAT;
	int64_t scale = tool->kind == JITTER_OSLAT ? 1000 : 1;
	json_t *histogram = json_object_get(thread, "histogram");
	json_t *min = json_object_get(thread, "min"), *max = json_object_get(thread, "max");

	if (!json_is_number(min) || !json_is_number(max))
		return -1;
	stream->clock = (struct jitter_clock){ fine ? NANOSECONDS : MICROSECONDS, 1 };
	stream->note = jitter_copy(tool->note);
	stream->cpu = (unsigned)json_integer_value(json_object_get(thread, "cpu")) & 0xffffu;
	stream->complete = true;
	stream->min = llround(json_number_value(min) * (double)scale);
	stream->max = llround(json_number_value(max) * (double)scale);
	stream->has_average = json_is_number(json_object_get(thread, "avg"));
	stream->average = json_number_value(json_object_get(thread, "avg")) * (double)scale;
	if (histogram && take_buckets(stream, histogram, scale))
		return -1;
	return settle_overflow(
		stream, tool, (uint64_t)json_integer_value(json_object_get(thread, "cycles")));
}

/* rt-tests writes "cmdline:" with a colon inside the key. */
static const char *text_of(json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text ? text : "?";
}

static char *describe(json_t *root)
{
	json_t *system = json_object_get(root, "sysinfo");

	return jitter_printf("rt-tests %s, %s %s %s%s: %s", text_of(root, "rt_test_version:"),
		text_of(system, "sysname"), text_of(system, "release"), text_of(system, "machine"),
		json_integer_value(json_object_get(system, "realtime")) ? " PREEMPT_RT" : "",
		text_of(root, "cmdline:"));
}

static int take_threads(struct jitter_report *report, const struct tool *tool, json_t *root)
{
	json_t *threads = json_object_get(root, "thread"), *thread, *resolution;
	const char *key;
	bool ns;

	resolution = json_object_get(root, "resolution_in_ns");
	ns = json_is_true(resolution) || json_integer_value(resolution);
	if (!json_is_object(threads) || !json_object_size(threads))
		return -1;
	json_object_foreach(threads, key, thread)
	{
		if (take_thread(report, tool, thread, ns))
			return -1;
	}
	return 0;
}

static int read_report(
	struct jitter_report *report, const struct tool *tool, const char *path, const char *label)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	int status = -1;

	if (!root) {
		fprintf(stderr, "mullion jitter: %s:%d:%d: %s\n", path, error.line, error.column,
			error.text);
		return -1;
	}
	jitter_add_source(report, tool->kind, path, label)->facts = describe(root);
	if (strstr(text_of(root, "cmdline:"), tool->name))
		status = take_threads(report, tool, root);
	if (status)
		fprintf(stderr, "mullion jitter: %s: this is not a report of `%s --json=FILE`\n",
			path, tool->name);
	json_decref(root);
	return status;
}

int jitter_read_cyclictest(struct jitter_report *report, const char *path, const char *label)
{
	return read_report(report, &cyclictest, path, label);
}

int jitter_read_oslat(struct jitter_report *report, const char *path, const char *label)
{
	return read_report(report, &oslat, path, label);
}
