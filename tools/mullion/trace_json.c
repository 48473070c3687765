/*
 * The trace as Chrome's trace event format, which Perfetto and chrome://tracing read: a process for
 * the CPUs, one for each partition, one for the outliers of probes. Times are microseconds with six
 * decimals, from the oldest record on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"
#include "trace_words.h"

#define CPUS_PROCESS    1
#define PROBES_PROCESS  2
#define FIRST_PARTITION 10

struct writer {
	const struct trace_view *view;
	FILE *out;
	bool begun;
};

/* An event's JSON, written and freed. ts and dur go in front: a double would round them. */
static void put(struct writer *writer, uint64_t from, uint64_t ticks, bool is_slice, json_t *event)
{
	const uint64_t at = node_ps(writer->view->clock, from - writer->view->begin);
	const uint64_t length = node_ps(writer->view->clock, ticks);
	char *text = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);

	fprintf(writer->out, "%s{\"ts\":%" PRIu64 ".%06u,", writer->begun ? ",\n" : "",
		at / 1000000, (unsigned)(at % 1000000));
	if (is_slice)
		fprintf(writer->out, "\"dur\":%" PRIu64 ".%06u,", length / 1000000,
			(unsigned)(length % 1000000));
	fputs(text ? text + 1 : "}", writer->out);
	writer->begun = true;
	free(text);
	json_decref(event);
}

static void put_name(struct writer *writer, const char *what, int process, int thread, char *name)
{
	put(writer, writer->view->begin, 0, false,
		json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "ph", "M", "name", what, "pid", process,
			"tid", thread, "args", "name", name));
	free(name);
}

/* ---- Whose ---- */

static int partition_index(const struct jitter_report *report, const char *name)
{
	json_t *partition;
	size_t i;

	json_array_foreach(json_object_get(report->system, "partitions"), i, partition)
	{
		const char *known = json_string_value(json_object_get(partition, "name"));

		if (name && known && !strcmp(known, name))
			return (int)i;
	}
	return -1;
}

static int process_of(const struct writer *writer, uint16_t vcpu)
{
	const struct jitter_report *report = writer->view->report;
	const int index = partition_index(report, jitter_system_vcpu_partition(report, vcpu));

	return index < 0 ? CPUS_PROCESS : FIRST_PARTITION + index;
}

static char *name_of(const struct writer *writer, uint16_t vcpu)
{
	const char *name = jitter_system_vcpu_partition(writer->view->report, vcpu);

	return name ? jitter_copy(name) : jitter_printf("vcpu %u", vcpu);
}

/* ---- Names of the tracks ---- */

static void name_partitions(struct writer *writer)
{
	const struct jitter_report *report = writer->view->report;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(report->system, "partitions"), i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));

		put_name(writer, "process_name", FIRST_PARTITION + (int)i, 0,
			jitter_printf("partition %s", name ? name : "?"));
	}
	json_array_foreach(json_object_get(report->system, "vcpus"), i, item)
	{
		put_name(writer, "thread_name", process_of(writer, (uint16_t)i), (int)i,
			jitter_printf("vcpu %" JSON_INTEGER_FORMAT,
				json_integer_value(json_object_get(item, "index"))));
	}
}

static void name_tracks(struct writer *writer)
{
	const char *node = json_string_value(json_object_get(writer->view->report->system, "name"));
	size_t count, i;
	const struct jitter_ring *rings = trace_rings(writer->view->report, &count);

	put_name(writer, "process_name", CPUS_PROCESS, 0,
		jitter_printf("CPUs%s%s", node ? " of " : "", node ? node : ""));
	for (i = 0; i < count; i++)
		put_name(writer, "thread_name", CPUS_PROCESS, (int)rings[i].cpu,
			jitter_printf("CPU %u", rings[i].cpu));
	name_partitions(writer);
	if (writer->view->outliers_count)
		put_name(writer, "process_name", PROBES_PROCESS, 0,
			jitter_copy("outliers of probes"));
	for (i = 0; i < writer->view->report->streams_count; i++)
		put_name(writer, "thread_name", PROBES_PROCESS, (int)i,
			jitter_printf("%s of %s", writer->view->report->streams[i].name,
				writer->view->report->streams[i].origin));
}

/* ---- Slices ---- */

static json_t *window_arguments(const struct writer *writer, const struct trace_slice *slice)
{
	const uint64_t late = slice->from > slice->due ? slice->from - slice->due : 0;
	const char *schedule = slice->known_schedule
				       ? trace_schedule_name(writer->view->report, slice->schedule)
				       : NULL;

	return json_pack("{s:i, s:I, s:I, s:s}", "window", (int)slice->index, "frame",
		(json_int_t)slice->frame, "late_ns", (json_int_t)node_ns(writer->view->clock, late),
		"schedule", schedule ? schedule : "not known");
}

static void put_slice(struct writer *writer, const struct trace_slice *slice)
{
	static const char *const categories[] = { "window", "owned", "restart" };
	char *partition = name_of(writer, slice->vcpu);
	char *name = slice->kind != TRACE_SLICE_RESTART ? jitter_copy(partition)
		     : slice->index == MULLION_RESTART_COLD
			     ? jitter_printf("cold restart of %s", partition)
			     : jitter_printf("warm restart of %s", partition);
	const int processes[] = { CPUS_PROCESS, process_of(writer, slice->vcpu) };
	const int threads[] = { (int)slice->cpu, slice->vcpu };
	const uint64_t from = slice->from < writer->view->begin ? writer->view->begin : slice->from;
	int i;

	for (i = slice->kind == TRACE_SLICE_RESTART; i < 2; i++)
		put(writer, from, slice->to - from, true,
			json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "ph", "X", "cat",
				categories[slice->kind], "name", name, "pid", processes[i], "tid",
				threads[i], "args",
				slice->kind == TRACE_SLICE_WINDOW ? window_arguments(writer, slice)
								  : json_object()));
	free(partition);
	free(name);
}

/* ---- Instants ---- */

static const char *category(uint16_t kind)
{
	switch (kind) {
	case MULLION_TRACE_EXIT:
		return "exit";
	case MULLION_TRACE_HEALTH:
		return "health";
	case MULLION_TRACE_INJECT:
		return "interrupt";
	case MULLION_TRACE_SCHEDULE:
		return "schedule";
	default:
		return "other";
	}
}

/* In the track of whose it is; what is nobody's, in that of the CPU. */
static void put_instant(
	struct writer *writer, unsigned cpu, const struct mullion_trace_record *record)
{
	const bool of_node = record->vcpu == MULLION_NO_VCPU;
	char words[TRACE_WORDS_BYTES], a[24], b[24];

	if (record->kind == MULLION_TRACE_WINDOW || record->kind == MULLION_TRACE_RESTART)
		return;
	(void)snprintf(a, sizeof(a), "%#" PRIx64, record->a);
	(void)snprintf(b, sizeof(b), "%#" PRIx64, record->b);
	put(writer, record->tsc, 0, false,
		json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:{s:i, s:i, s:s, s:s}}", "ph", "i", "s",
			of_node ? "p" : "t", "cat", category(record->kind), "name",
			trace_words(words, record), "pid",
			of_node ? CPUS_PROCESS : process_of(writer, record->vcpu), "tid",
			of_node ? (int)cpu : record->vcpu, "args", "cpu", (int)cpu, "cause",
			(int)record->cause, "a", a, "b", b));
}

static void put_instants(struct writer *writer)
{
	size_t count, i, k;
	const struct jitter_ring *rings = trace_rings(writer->view->report, &count);

	for (i = 0; i < count; i++)
		for (k = 0; k < rings[i].count; k++)
			put_instant(writer, rings[i].cpu, &rings[i].records[k]);
}

/* What a probe measured, from the beginning of the sample to its end. */
static void put_outlier(struct writer *writer, const struct trace_outlier *outlier)
{
	const struct jitter_stream *stream = &writer->view->report->streams[outlier->stream];
	char value[JITTER_NUMBER_BYTES];
	char *name;

	jitter_format_ns(value, stream->clock, outlier->sample.value);
	name = jitter_printf("%s %s ns", stream->name, value);
	put(writer, outlier->from, outlier->to - outlier->from, true,
		json_pack("{s:s, s:s, s:s, s:i, s:i, s:{s:s}}", "ph", "X", "cat", "outlier", "name",
			name, "pid", PROBES_PROCESS, "tid", (int)outlier->stream, "args", "cause",
			outlier->cause));
	free(name);
}

void trace_write_json(const struct trace_view *view, FILE *out)
{
	struct writer writer = { .view = view, .out = out };
	size_t i;

	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", out);
	name_tracks(&writer);
	for (i = 0; i < view->slices_count; i++)
		put_slice(&writer, &view->slices[i]);
	put_instants(&writer);
	for (i = 0; i < view->outliers_count; i++)
		put_outlier(&writer, &view->outliers[i]);
	fputs("\n]}\n", out);
}
