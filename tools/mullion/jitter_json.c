/*
 * The report for programs: JSON with every number unrounded where it is exact, and CSV with one row
 * per sample (or per histogram bin where the samples are gone).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

static json_t *ns_json(struct jitter_clock clock, int64_t ticks)
{
	int64_t ns;

	if (jitter_has_ns(clock, ticks, &ns))
		return json_integer(ns);
	return json_real(jitter_ns(clock, (double)ticks));
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *count_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *text_json(const char *text)
{
	return text ? json_string(text) : json_null();
}

static void set_percentiles(json_t *object, const struct jitter_stream *stream)
{
	int64_t value;
	size_t i;

	for (i = 0; i < JITTER_PERCENTILES; i++) {
		bool known = jitter_percentile(stream, jitter_percentiles[i].numerator,
			jitter_percentiles[i].denominator, &value);

		set(object, jitter_percentiles[i].key,
			known ? ns_json(stream->clock, value) : json_null());
	}
}

static json_t *figures_json(const struct jitter_stream *stream)
{
	json_t *object = json_object();

	if (!stream->n)
		return object;
	set(object, "max", ns_json(stream->clock, stream->max));
	set(object, "min", ns_json(stream->clock, stream->min));
	set(object, "avg",
		stream->has_average ? json_real(jitter_ns(stream->clock, stream->average))
				    : json_null());
	set_percentiles(object, stream);
	return object;
}

static json_t *worst_json(const struct jitter_stream *stream)
{
	json_t *object = json_object();

	if (!stream->n || !stream->has_times)
		return object;
	set(object, "tsc", count_json(stream->max_tsc));
	set(object, "ticks", json_integer(stream->max));
	set(object, "cause", text_json(stream->cause));
	return object;
}

static json_t *bins_json(const struct jitter_stream *stream)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < stream->bins_count; i++)
		json_array_append_new(list, json_pack("[I,I]", (json_int_t)stream->bins[i].value,
						    (json_int_t)stream->bins[i].count));
	return list;
}

static json_t *verdict_json(enum jitter_verdict verdict)
{
	static const char *const words[] = { NULL, "pass", "fail" };

	return text_json(words[verdict]);
}

static json_t *stream_json(const struct jitter_stream *stream)
{
	json_t *object = json_object();

	set(object, "stream", text_json(stream->name));
	set(object, "system", text_json(stream->system));
	set(object, "source", text_json(stream->origin));
	set(object, "cpu", json_integer(stream->cpu));
	set(object, "note", text_json(stream->note));
	set(object, "complete", json_boolean(stream->complete));
	set(object, "hz",
		json_pack("[I,I]", (json_int_t)stream->clock.numerator,
			(json_int_t)stream->clock.denominator));
	set(object, "n", count_json(stream->n));
	set(object, "observed", count_json(stream->observed));
	set(object, "duration_s", json_real(jitter_duration_s(stream)));
	set(object, "ns", figures_json(stream));
	set(object, "bound_ns", stream->has_bound ? count_json(stream->bound_ns) : json_null());
	set(object, "verdict", verdict_json(stream->verdict));
	set(object, "worst", worst_json(stream));
	set(object, "underflow", count_json(stream->below));
	set(object, "overflow", count_json(stream->above));
	set(object, "bins_ticks", bins_json(stream));
	return object;
}

static json_t *bound_json(const struct jitter_bound *bound)
{
	json_t *object = json_object();

	set(object, "stream", text_json(bound->stream));
	set(object, "system", text_json(bound->system));
	set(object, "ns", bound->has_limit ? count_json(bound->ns) : json_null());
	set(object, "kept", json_boolean(!bound->failure));
	set(object, "failure", text_json(bound->failure));
	return object;
}

static json_t *conditions_json(const struct jitter_report *report)
{
	json_t *list = json_array();
	char **lines;
	size_t i, count = jitter_condition_lines(report, &lines);

	for (i = 0; i < count; i++) {
		json_array_append_new(list, json_string(lines[i]));
		free(lines[i]);
	}
	free(lines);
	return list;
}

static json_t *report_json(const struct jitter_report *report)
{
	json_t *root = json_object(), *streams = json_array(), *bounds = json_array();
	char *verdict = jitter_verdict_line(report);
	size_t i;

	for (i = 0; i < report->streams_count; i++)
		json_array_append_new(streams, stream_json(&report->streams[i]));
	for (i = 0; i < report->bounds_count; i++)
		json_array_append_new(bounds, bound_json(&report->bounds[i]));
	set(root, "title", text_json(report->title));
	set(root, "verdict", text_json(verdict));
	set(root, "pass", json_boolean(strncmp(verdict, "FAIL", 4) != 0));
	set(root, "command", text_json(report->command));
	set(root, "conditions", conditions_json(report));
	set(root, "streams", streams);
	set(root, "demands", bounds);
	set(root, "system", report->system ? json_incref(report->system) : json_null());
	free(verdict);
	return root;
}

int jitter_write_json(const struct jitter_report *report, FILE *out)
{
	json_t *root = report_json(report);
	int status = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12));

	fputc('\n', out);
	json_decref(root);
	return status;
}
