/*
 * Bounds and verdict. A bound limits the magnitude of every sample of the streams it covers, early
 * ones included; it is broken too when no such stream exists, or when one is empty or unfinished,
 * so a gate cannot pass by measuring nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

static bool covers_name(const char *bound, const char *name)
{
	size_t length = strlen(bound);

	return !strncmp(bound, name, length) && (!name[length] || name[length] == '.');
}

bool jitter_bound_covers(const struct jitter_bound *bound, const struct jitter_report *report,
	const struct jitter_stream *stream)
{
	const char *label = report->sources[stream->source].label;

	if (!covers_name(bound->stream, stream->name))
		return false;
	return !bound->system || !strcmp(bound->system, stream->system) ||
	       !strcmp(bound->system, stream->origin) || (label && !strcmp(bound->system, label));
}

static bool within(const struct jitter_stream *stream, uint64_t bound_ns)
{
	return jitter_compare_ns(stream->clock, stream->max, (int64_t)bound_ns) <= 0 &&
	       jitter_compare_ns(stream->clock, stream->min, -(int64_t)bound_ns) >= 0;
}

static char *excess(const struct jitter_stream *stream, uint64_t bound_ns)
{
	char worst[JITTER_NUMBER_BYTES], limit[JITTER_NUMBER_BYTES];
	bool late = jitter_compare_ns(stream->clock, stream->max, (int64_t)bound_ns) > 0;

	jitter_format_ns(worst, stream->clock, late ? stream->max : stream->min);
	jitter_format_count(limit, bound_ns);
	return jitter_printf("%s of %s cpu %u: %s ns, the bound is %s%s ns", stream->name,
		stream->system, stream->cpu, worst, late ? "" : "-", limit);
}

/* NULL, or why this stream breaks the bound. */
static char *fault_of(const struct jitter_stream *stream, const struct jitter_bound *bound)
{
	if (!stream->n)
		return jitter_printf("%s of %s cpu %u has no samples", stream->name, stream->system,
			stream->cpu);
	if (bound->has_limit && !within(stream, bound->ns))
		return excess(stream, bound->ns);
	if (!stream->complete)
		return jitter_printf("%s of %s cpu %u is incomplete: the probe was still measuring",
			stream->name, stream->system, stream->cpu);
	return NULL;
}

/* Of several bounds on a stream, the tightest is shown; any broken one fails it. */
static void mark(struct jitter_stream *stream, const struct jitter_bound *bound, bool broken)
{
	if (bound->has_limit && (!stream->has_bound || bound->ns < stream->bound_ns)) {
		stream->has_bound = true;
		stream->bound_ns = bound->ns;
	}
	if (broken)
		stream->verdict = JITTER_FAIL;
	else if (bound->has_limit && stream->verdict != JITTER_FAIL)
		stream->verdict = JITTER_PASS;
}

static void judge_bound(struct jitter_report *report, struct jitter_bound *bound)
{
	bool found = false;
	size_t i;

	for (i = 0; i < report->streams_count; i++) {
		struct jitter_stream *stream = &report->streams[i];
		char *fault;

		if (!jitter_bound_covers(bound, report, stream))
			continue;
		found = true;
		fault = fault_of(stream, bound);
		mark(stream, bound, fault != NULL);
		if (fault && !bound->failure)
			bound->failure = fault;
		else
			free(fault);
	}
	if (!found)
		bound->failure =
			jitter_printf("%s%s%s was not measured: no such stream", bound->stream,
				bound->system ? " of " : "", bound->system ? bound->system : "");
}

unsigned jitter_judge(struct jitter_report *report)
{
	unsigned broken = 0;
	size_t i;

	for (i = 0; i < report->bounds_count; i++) {
		judge_bound(report, &report->bounds[i]);
		broken += report->bounds[i].failure != NULL;
	}
	for (i = 0; i < report->streams_count; i++)
		report->streams[i].cause = jitter_cause(report, &report->streams[i]);
	return broken;
}

static char *failures_text(const struct jitter_report *report, unsigned broken)
{
	char *text = jitter_printf("FAIL: %u of %zu demands broken", broken, report->bounds_count);
	size_t i;

	for (i = 0; i < report->bounds_count; i++) {
		char *longer;

		if (!report->bounds[i].failure)
			continue;
		longer = jitter_printf("%s; %s", text, report->bounds[i].failure);
		free(text);
		text = longer;
	}
	return text;
}

char *jitter_verdict_line(const struct jitter_report *report)
{
	unsigned broken = 0;
	size_t i;

	for (i = 0; i < report->bounds_count; i++)
		broken += report->bounds[i].failure != NULL;
	if (broken)
		return failures_text(report, broken);
	if (!report->bounds_count)
		return jitter_copy("NO BOUND STATED: nothing to judge");
	return jitter_printf(
		"PASS: %zu of %zu demands kept", report->bounds_count, report->bounds_count);
}
