/*
 * The report as a container: growing its lists, naming and ordering its streams, releasing it.
 *
 * Invariant after jitter_settle(): streams of one metric are neighbours, no two streams have the
 * same metric, system and core, and every stream has a printable system name.
 */
#include <errno.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

#define NAME_MAX_BYTES 63u

static void *must(void *pointer)
{
	if (!pointer) {
		fputs("mullion jitter: out of memory\n", stderr);
		exit(1);
	}
	return pointer;
}

void *jitter_array(void *array, size_t count, size_t bytes)
{
	return must(reallocarray(array, count ? count : 1, bytes));
}

char *jitter_copy(const char *text)
{
	return text ? must(strdup(text)) : NULL;
}

char *jitter_printf(const char *format, ...)
{
	char *text = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	return must(text);
}

void jitter_warn(struct jitter_report *report, const char *format, ...)
{
	va_list list;

	report->warnings++;
	fprintf(stderr, "%s: warning: ", program_invocation_name);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

bool jitter_name_valid(const char *text)
{
	size_t i, length = strnlen(text, NAME_MAX_BYTES + 1);

	for (i = 0; i < length; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_./", text[i]))
			return false;
	}
	return length && length <= NAME_MAX_BYTES;
}

struct jitter_source *jitter_add_source(
	struct jitter_report *report, enum jitter_kind kind, const char *path, const char *label)
{
	struct jitter_source *source;

	report->sources =
		jitter_array(report->sources, report->sources_count + 1, sizeof(*report->sources));
	source = &report->sources[report->sources_count++];
	*source = (struct jitter_source){
		.kind = kind, .path = jitter_copy(path), .label = jitter_copy(label)
	};
	return source;
}

struct jitter_stream *jitter_add_stream(
	struct jitter_report *report, const char *name, const char *origin)
{
	struct jitter_stream *stream;

	report->streams =
		jitter_array(report->streams, report->streams_count + 1, sizeof(*report->streams));
	stream = &report->streams[report->streams_count++];
	*stream = (struct jitter_stream){ .source = report->sources_count - 1,
		.name = jitter_copy(name),
		.origin = jitter_copy(origin) };
	return stream;
}

struct jitter_bound *jitter_add_bound(
	struct jitter_report *report, const char *system, const char *stream)
{
	struct jitter_bound *bound;

	report->bounds =
		jitter_array(report->bounds, report->bounds_count + 1, sizeof(*report->bounds));
	bound = &report->bounds[report->bounds_count++];
	*bound = (struct jitter_bound){ .system = jitter_copy(system),
		.stream = jitter_copy(stream) };
	return bound;
}

void jitter_add_condition(struct jitter_report *report, const char *text)
{
	report->conditions = jitter_array(
		report->conditions, report->conditions_count + 1, sizeof(*report->conditions));
	report->conditions[report->conditions_count++] = jitter_copy(text);
}

static void free_stream(struct jitter_stream *stream)
{
	free(stream->name);
	free(stream->origin);
	free(stream->system);
	free(stream->note);
	free(stream->samples);
	free(stream->bins);
	free(stream->cause);
}

/* "mullion" of a file that holds several partitions becomes "mullion/probe". */
static void name_system(const struct jitter_report *report, struct jitter_stream *stream)
{
	const char *label = report->sources[stream->source].label;
	size_t i;

	free(stream->system);
	for (i = 0; label && i < report->streams_count; i++) {
		const struct jitter_stream *other = &report->streams[i];

		if (other->source == stream->source && strcmp(other->origin, stream->origin)) {
			stream->system = jitter_printf("%s/%s", label, stream->origin);
			return;
		}
	}
	stream->system = jitter_copy(label ? label : stream->origin);
}

static int compare_places(const struct jitter_stream *a, const struct jitter_stream *b)
{
	int order = strcmp(a->name, b->name);

	if (!order)
		order = (a->source > b->source) - (a->source < b->source);
	if (!order)
		order = strcmp(a->system, b->system);
	return order ? order : (a->cpu > b->cpu) - (a->cpu < b->cpu);
}

/* Equal places: the complete one first, then the one with more samples. */
static int compare_streams(const void *left, const void *right)
{
	const struct jitter_stream *a = left, *b = right;
	int order = compare_places(a, b);

	if (!order)
		order = (int)b->complete - (int)a->complete;
	return order ? order : (b->n > a->n) - (b->n < a->n);
}

static void drop_duplicates(struct jitter_report *report)
{
	size_t i, kept = 0;

	for (i = 0; i < report->streams_count; i++) {
		struct jitter_stream *stream = &report->streams[i];

		if (kept && !compare_places(&report->streams[kept - 1], stream)) {
			jitter_warn(report,
				"%s: stream %s of %s cpu %u is there twice; the fuller one is kept",
				report->sources[stream->source].path, stream->name, stream->system,
				stream->cpu);
			free_stream(stream);
			continue;
		}
		report->streams[kept++] = *stream;
	}
	report->streams_count = kept;
}

void jitter_settle(struct jitter_report *report)
{
	size_t i;

	for (i = 0; i < report->streams_count; i++)
		name_system(report, &report->streams[i]);
	if (report->streams_count)
		qsort(report->streams, report->streams_count, sizeof(*report->streams),
			compare_streams);
	drop_duplicates(report);
}

static void free_source(struct jitter_source *source)
{
	size_t i;

	for (i = 0; i < source->rings_count; i++)
		free(source->rings[i].records);
	free(source->rings);
	free(source->path);
	free(source->label);
	free(source->facts);
}

void jitter_free(struct jitter_report *report)
{
	size_t i;

	for (i = 0; i < report->streams_count; i++)
		free_stream(&report->streams[i]);
	for (i = 0; i < report->sources_count; i++)
		free_source(&report->sources[i]);
	for (i = 0; i < report->bounds_count; i++) {
		free(report->bounds[i].system);
		free(report->bounds[i].stream);
		free(report->bounds[i].failure);
	}
	for (i = 0; i < report->conditions_count; i++)
		free(report->conditions[i]);
	free(report->streams);
	free(report->sources);
	free(report->bounds);
	free(report->conditions);
	free(report->title);
	free(report->command);
	json_decref(report->system);
	*report = (struct jitter_report){ 0 };
}
