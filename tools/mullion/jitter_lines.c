/*
 * Sample streams as JSON lines on a console: what the probe prints with dump=1 where nobody can
 * read its memory (docs/jitter.md has the schema).
 *
 * A console is shared and narrow, so the reader looks for objects that begin with {"stream": and
 * ignores everything else; it removes a hypervisor's own line prefixes ("(d0) ") and joins an
 * object that was broken over several lines. A damaged object is skipped with a warning.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

#define OPENING          "{\"stream\":"
#define OBJECT_BYTES_MAX (256u << 20)

/* The object being collected, and where the JSON grammar stands in it. */
struct object {
	char *text;
	size_t length, room;
	unsigned depth;
	bool in_string, escaped;
};

/* Xen writes "(d0) " before each piece of a guest's line, "(XEN) [date] " before its own. */
static const char *skip_prefix(const char *line)
{
	if (line[0] == '(' && line[1] == 'd' && isdigit((unsigned char)line[2])) {
		const char *end = strstr(line, ") ");

		if (end)
			return end + 2;
	}
	return line;
}

static void append(struct object *object, char letter)
{
	if (object->length + 1 >= object->room) {
		object->room = object->room ? object->room * 2 : 4096;
		object->text = jitter_array(object->text, object->room, 1);
	}
	object->text[object->length++] = letter;
	object->text[object->length] = '\0';
}

static void follow(struct object *object, char letter)
{
	if (object->escaped)
		object->escaped = false;
	else if (object->in_string && letter == '\\')
		object->escaped = true;
	else if (letter == '"')
		object->in_string = !object->in_string;
	else if (!object->in_string && letter == '{')
		object->depth++;
	else if (!object->in_string && letter == '}')
		object->depth--;
}

/* Returns whether the object is complete. */
static bool collect(struct object *object, const char *text)
{
	for (; *text && *text != '\n' && *text != '\r'; text++) {
		append(object, *text);
		follow(object, *text);
		if (!object->depth)
			return true;
	}
	return false;
}

static bool read_integer(const json_t *root, const char *key, int64_t *value)
{
	const json_t *item = json_object_get(root, key);

	if (!json_is_integer(item))
		return false;
	*value = json_integer_value(item);
	return true;
}

static bool read_count(const json_t *root, const char *key, uint64_t *value)
{
	int64_t number;

	if (!read_integer(root, key, &number) || number < 0)
		return false;
	*value = (uint64_t)number;
	return true;
}

static bool read_pair(const json_t *item, int64_t *first, int64_t *second)
{
	const json_t *a = json_array_get(item, 0), *b = json_array_get(item, 1);

	if (json_array_size(item) != 2 || !json_is_integer(a) || !json_is_integer(b))
		return false;
	*first = json_integer_value(a);
	*second = json_integer_value(b);
	return true;
}

static const char *take_clock(struct jitter_stream *stream, const json_t *root)
{
	int64_t numerator = 1000000000, denominator = 1;
	const json_t *item = json_object_get(root, "hz");

	if (item && !read_pair(item, &numerator, &denominator))
		return "\"hz\" is not [numerator, denominator]";
	if (numerator < 1 || numerator >> 40 || denominator < 1 || denominator >> 31)
		return "its clock is impossible";
	stream->clock = (struct jitter_clock){ (uint64_t)numerator, (uint64_t)denominator };
	return NULL;
}

static const char *take_totals(struct jitter_stream *stream, const json_t *root)
{
	int64_t cpu = -1, sum;

	if (!read_integer(root, "cpu", &cpu) || cpu < 0 || cpu > UINT16_MAX)
		return "\"cpu\" is missing or impossible";
	if (!read_count(root, "n", &stream->n))
		return "\"n\" is missing";
	if (stream->n &&
		(!read_integer(root, "min", &stream->min) ||
			!read_integer(root, "max", &stream->max) || stream->min > stream->max))
		return "\"min\" and \"max\" are missing or contradict each other";
	stream->cpu = (unsigned)cpu;
	stream->complete = !json_is_false(json_object_get(root, "complete"));
	stream->has_average = stream->n && read_integer(root, "sum", &sum);
	if (stream->has_average)
		stream->average = (double)sum / (double)stream->n;
	if (!read_count(root, "observed", &stream->observed))
		stream->observed = 0;
	stream->has_times = read_count(root, "started", &stream->started) &&
			    read_count(root, "ended", &stream->ended) &&
			    read_count(root, "max_tsc", &stream->max_tsc);
	return NULL;
}

static const char *take_samples(struct jitter_stream *stream, const json_t *list)
{
	size_t i, count = json_array_size(list);
	int64_t tsc, value;

	if (count > stream->n)
		return "it has more samples than \"n\"";
	stream->samples = jitter_array(NULL, count, sizeof(*stream->samples));
	for (i = 0; i < count; i++) {
		if (!read_pair(json_array_get(list, i), &tsc, &value) || tsc < 0)
			return "a sample is not [tsc, value]";
		if (value < stream->min || value > stream->max)
			return "a sample lies outside \"min\" .. \"max\"";
		stream->samples[i] = (struct sample){ (uint64_t)tsc, value };
	}
	stream->samples_count = count;
	return NULL;
}

static const char *take_bins(struct jitter_stream *stream, const json_t *histogram)
{
	const json_t *list = json_object_get(histogram, "bins");
	size_t i, count = json_array_size(list);
	int64_t value, times;
	uint64_t total;

	if (!read_count(histogram, "underflow", &stream->below) ||
		!read_count(histogram, "overflow", &stream->above))
		return "its histogram lacks \"underflow\" or \"overflow\"";
	total = stream->below + stream->above;
	stream->bins = jitter_array(NULL, count, sizeof(*stream->bins));
	for (i = 0; i < count; i++) {
		if (!read_pair(json_array_get(list, i), &value, &times) || times < 1)
			return "a bin is not [value, count]";
		if (i && value <= stream->bins[i - 1].value)
			return "its bins are not ascending";
		stream->bins[i] = (struct jitter_bin){ value, (uint64_t)times };
		total += (uint64_t)times;
	}
	stream->bins_count = count;
	return total == stream->n ? NULL : "its histogram does not add up to \"n\"";
}

static const char *take_distribution(struct jitter_stream *stream, const json_t *root)
{
	const json_t *histogram = json_object_get(root, "histogram");
	const char *fault = take_samples(stream, json_object_get(root, "samples"));

	if (fault)
		return fault;
	if (stream->samples_count == stream->n) {
		jitter_bins_of_samples(stream);
		return NULL;
	}
	if (histogram)
		return take_bins(stream, histogram);
	if (stream->n && stream->min == stream->max) {
		stream->bins = jitter_array(NULL, 1, sizeof(*stream->bins));
		stream->bins[stream->bins_count++] = (struct jitter_bin){ stream->min, stream->n };
		return NULL;
	}
	stream->above = stream->n; /* only the extremes are known */
	return NULL;
}

static const char *take_object(struct jitter_report *report, const json_t *root)
{
	const char *name = json_string_value(json_object_get(root, "stream"));
	const char *origin = json_string_value(json_object_get(root, "source"));
	struct jitter_stream *stream;
	const char *fault;

	if (!name || !jitter_name_valid(name) || !origin || !jitter_name_valid(origin))
		return "its stream or source is not a name";
	stream = jitter_add_stream(report, name, origin);
	stream->note = jitter_copy(json_string_value(json_object_get(root, "note")));
	fault = take_clock(stream, root);
	if (!fault)
		fault = take_totals(stream, root);
	return fault ? fault : take_distribution(stream, root);
}

static void drop_last(struct jitter_report *report)
{
	struct jitter_stream *stream = &report->streams[--report->streams_count];

	free(stream->name);
	free(stream->origin);
	free(stream->note);
	free(stream->samples);
	free(stream->bins);
}

static void parse(struct jitter_report *report, const char *path, unsigned line, const char *text)
{
	size_t before = report->streams_count;
	json_error_t error;
	json_t *root = json_loads(text, 0, &error);
	const char *fault = root ? take_object(report, root) : error.text;

	if (fault) {
		jitter_warn(report, "%s:%u: stream skipped: %s", path, line, fault);
		if (report->streams_count > before)
			drop_last(report);
	}
	json_decref(root);
}

static void read_all(struct jitter_report *report, const char *path, FILE *file)
{
	struct object object = { 0 };
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0, begun = 0;

	while (getline(&line, &room, file) >= 0) {
		const char *text = skip_prefix(line), *opening = strstr(text, OPENING);

		number++;
		if (opening && object.depth)
			jitter_warn(report, "%s:%u: stream skipped: it breaks off", path, begun);
		if (opening) {
			object = (struct object){ .text = object.text, .room = object.room };
			begun = number;
			text = opening;
		}
		if ((opening || object.depth) && object.length < OBJECT_BYTES_MAX &&
			collect(&object, text))
			parse(report, path, begun, object.text);
	}
	if (object.depth)
		jitter_warn(report, "%s:%u: stream skipped: it breaks off", path, begun);
	free(object.text);
	free(line);
}

int jitter_read_lines(struct jitter_report *report, const char *path, const char *label)
{
	size_t before = report->streams_count;
	FILE *file = fopen(path, "re");

	if (!file) {
		fprintf(stderr, "mullion jitter: %s: %s\n", path, strerror(errno));
		return -1;
	}
	jitter_add_source(report, JITTER_LINES, path, label);
	read_all(report, path, file);
	fclose(file);
	if (report->streams_count == before)
		jitter_warn(report,
			"%s: no sample stream on this console: was the probe run with dump=1?",
			path);
	return 0;
}
