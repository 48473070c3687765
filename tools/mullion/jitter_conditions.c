/*
 * How a report was measured: its sources, their clocks, what the user or the runner stated, and
 * what an emulator cannot show. A figure without these lines is not a measurement.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

struct lines {
	char **text;
	size_t count;
};

static void add(struct lines *lines, char *text)
{
	lines->text = jitter_array(lines->text, lines->count + 1, sizeof(*lines->text));
	lines->text[lines->count++] = text;
}

static const char *kind_name(enum jitter_kind kind)
{
	static const char *const names[] = { "RAM image", "console", "cyclictest report",
		"oslat report" };

	return names[kind];
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_source(struct lines *lines, const struct jitter_source *source)
{
	add(lines,
		jitter_printf("source: %s%s%s %s%s%s", source->label ? source->label : "",
			source->label ? ", " : "", kind_name(source->kind), file_name(source->path),
			source->facts ? ": " : "", source->facts ? source->facts : ""));
}

static void add_system(struct lines *lines, const json_t *system)
{
	const char *name = json_string_value(json_object_get(system, "name"));
	const char *board = json_string_value(json_object_get(system, "board"));

	if (!name)
		name = json_string_value(json_object_get(system, "model"));
	if (name)
		add(lines, jitter_printf("deployment: %s%s%s", name, board ? " on " : "",
				   board ? board : ""));
}

static bool clock_seen(const struct jitter_report *report, size_t index)
{
	const struct jitter_clock *clock = &report->streams[index].clock;
	size_t i;

	for (i = 0; i < index; i++) {
		if (report->streams[i].clock.numerator == clock->numerator &&
			report->streams[i].clock.denominator == clock->denominator)
			return true;
	}
	return false;
}

static void add_clocks(struct lines *lines, const struct jitter_report *report)
{
	char hertz[JITTER_NUMBER_BYTES], *text = NULL, *longer;
	size_t i;

	for (i = 0; i < report->streams_count; i++) {
		const struct jitter_clock *clock = &report->streams[i].clock;

		if (clock_seen(report, i))
			continue;
		jitter_format_count(hertz, clock->numerator);
		longer = jitter_printf("%s%s%s", text ? text : "clock: ", text ? "; " : "", hertz);
		free(text);
		text = longer;
		if (clock->denominator != 1) {
			longer = jitter_printf("%s/%" PRIu64, text, clock->denominator);
			free(text);
			text = longer;
		}
	}
	if (text)
		add(lines,
			jitter_printf(
				"%s ticks per second, converted exactly; all figures in ns", text));
	free(text);
}

/* `mullion run` lets emulated CPUs take turns of 1000 ns on the one clock they share. */
static void add_noise_floor(struct lines *lines, const json_t *system)
{
	size_t cpus = json_array_size(json_object_get(system, "cpus"));

	if (cpus > 1)
		add(lines, jitter_printf("noise floor: emulated CPUs share one clock in turns of "
					 "1,000 ns; a "
					 "sample may hold one turn, at times two, of each busy "
					 "neighbour (%zu "
					 "here): QEMU's, not the system's",
				   cpus - 1));
}

size_t jitter_condition_lines(const struct jitter_report *report, char ***text)
{
	struct lines lines = { 0 };
	bool emulated = false;
	size_t i;

	add_system(&lines, report->system);
	for (i = 0; i < report->conditions_count; i++) {
		add(&lines, jitter_copy(report->conditions[i]));
		emulated |= strstr(report->conditions[i], "icount") != NULL;
	}
	for (i = 0; i < report->sources_count; i++)
		add_source(&lines, &report->sources[i]);
	add_clocks(&lines, report);
	if (emulated)
		add(&lines,
			jitter_copy(
				"limits: one instruction is one fixed step of time here; caches, "
				"pipelines and buses are not modelled, so figures are path "
				"lengths, "
				"not hardware latencies"));
	if (emulated)
		add_noise_floor(&lines, report->system);
	*text = lines.text;
	return lines.count;
}
