/*
 * Families of metrics: "delivery" is "delivery.spin" and "delivery.halt". A family is what one
 * figure shows, its lines ordered by system.
 */
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

char *jitter_family_name(const char *name)
{
	char *family = jitter_copy(name);

	family[strcspn(family, ".")] = '\0';
	return family;
}

static bool belongs(const struct jitter_stream *stream, const char *family)
{
	size_t length = strlen(family);

	if (!stream->n || strncmp(stream->name, family, length))
		return false;
	return !stream->name[length] || stream->name[length] == '.';
}

static int compare(const void *left, const void *right)
{
	const struct jitter_stream *a = *(const struct jitter_stream *const *)left;
	const struct jitter_stream *b = *(const struct jitter_stream *const *)right;
	int order = (a->source > b->source) - (a->source < b->source);

	if (!order)
		order = strcmp(a->system, b->system);
	if (!order)
		order = (a->cpu > b->cpu) - (a->cpu < b->cpu);
	return order ? order : strcmp(a->name, b->name);
}

size_t jitter_family(const struct jitter_report *report, const char *family,
	const struct jitter_stream ***streams)
{
	size_t i, count = 0;

	*streams = jitter_array(NULL, report->streams_count, sizeof(**streams));
	for (i = 0; i < report->streams_count; i++) {
		if (belongs(&report->streams[i], family))
			(*streams)[count++] = &report->streams[i];
	}
	if (count)
		qsort(*streams, count, sizeof(**streams), compare);
	return count;
}

char *jitter_headline(const struct jitter_report *report)
{
	static const char *const order[] = { "delivery", "phase", "gap" };
	size_t i, k;

	for (k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		for (i = 0; i < report->streams_count; i++) {
			if (belongs(&report->streams[i], order[k]))
				return jitter_copy(order[k]);
		}
	}
	for (i = 0; i < report->streams_count; i++) {
		if (report->streams[i].n)
			return jitter_family_name(report->streams[i].name);
	}
	return NULL;
}
