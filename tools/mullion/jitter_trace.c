/*
 * Why the worst sample was the worst: the trace records its CPU wrote while it was being measured.
 *
 * A sample's time stamp is its end, so it was measured in [tsc - value, tsc] (early, negative
 * samples: [tsc, tsc - value]). Nothing is guessed: a ring that has overwritten that stretch says
 * so.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"
#include "trace_words.h"

#define KINDS_MAX 4u

static char *owner_words(const struct jitter_report *report, const char *what, unsigned vcpu)
{
	const char *name = jitter_system_vcpu_partition(report, vcpu);

	if (vcpu == MULLION_NO_VCPU)
		return jitter_copy(what);
	return name ? jitter_printf("%s of %s", what, name)
		    : jitter_printf("%s of vcpu %u", what, vcpu);
}

char *jitter_record_words(
	const struct jitter_report *report, const struct mullion_trace_record *record)
{
	char words[TRACE_WORDS_BYTES];

	return owner_words(report, trace_words(words, record), record->vcpu);
}

static const struct jitter_ring *find_ring(
	const struct jitter_report *report, const struct jitter_stream *stream)
{
	const struct jitter_source *source = &report->sources[stream->source];
	int cpu = jitter_system_cpu(report, stream->origin, stream->cpu);
	size_t i;

	for (i = 0; cpu >= 0 && i < source->rings_count; i++) {
		if (source->rings[i].cpu == (unsigned)cpu)
			return &source->rings[i];
	}
	return NULL;
}

/* "CPUID of nav, 3 times; window 1 of hog". */
struct summary {
	char *words[KINDS_MAX];
	unsigned times[KINDS_MAX];
	unsigned kinds, others;
};

static void count_words(struct summary *summary, char *words)
{
	unsigned i;

	for (i = 0; i < summary->kinds; i++) {
		if (!strcmp(summary->words[i], words)) {
			summary->times[i]++;
			free(words);
			return;
		}
	}
	if (summary->kinds == KINDS_MAX) {
		summary->others++;
		free(words);
		return;
	}
	summary->words[summary->kinds] = words;
	summary->times[summary->kinds++] = 1;
}

static char *summary_text(struct summary *summary)
{
	char *text = NULL, *longer;
	unsigned i;

	for (i = 0; i < summary->kinds; i++) {
		longer = jitter_printf(
			"%s%s%s", text ? text : "", text ? "; " : "", summary->words[i]);
		free(text);
		free(summary->words[i]);
		text = longer;
		if (summary->times[i] > 1) {
			longer = jitter_printf("%s, %u times", text, summary->times[i]);
			free(text);
			text = longer;
		}
	}
	if (summary->others) {
		longer = jitter_printf("%s; %u more", text, summary->others);
		free(text);
		text = longer;
	}
	return text;
}

static char *records_words(const struct jitter_report *report, const struct jitter_ring *ring,
	uint64_t from, uint64_t to)
{
	struct summary summary = { 0 };
	size_t i;

	for (i = 0; i < ring->count; i++) {
		const struct mullion_trace_record *record = &ring->records[i];

		if (record->tsc >= from && record->tsc <= to)
			count_words(&summary, jitter_record_words(report, record));
	}
	return summary_text(&summary);
}

/* The stretch of time in which a sample was measured. */
struct stretch {
	uint64_t from, to;
};

static struct stretch stretch_of(uint64_t tsc, int64_t value)
{
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

	if (value < 0)
		return (struct stretch){ tsc, tsc + size };
	return (struct stretch){ size > tsc ? 0 : tsc - size, tsc };
}

static bool still_held(const struct jitter_ring *ring, struct stretch stretch)
{
	return !ring->lost ||
	       (ring->count > ring->kept && ring->records[ring->kept].tsc <= stretch.from);
}

static char *stretch_words(
	const struct jitter_report *report, const struct jitter_ring *ring, struct stretch stretch)
{
	char *words = records_words(report, ring, stretch.from, stretch.to);

	return words ? words : jitter_copy("no exit, no window: the emulator's or the guest's own");
}

/* The last sample of the same value, if the trace still holds its time; NULL: it does not. */
static char *later_cause(const struct jitter_report *report, const struct jitter_ring *ring,
	const struct jitter_stream *stream, int64_t value)
{
	size_t i = stream->samples_count;
	char *words, *text;

	while (i-- > 0) {
		struct stretch stretch =
			stretch_of(stream->samples[i].tsc, stream->samples[i].value);

		if (stream->samples[i].value != value)
			continue;
		if (!still_held(ring, stretch))
			break;
		words = stretch_words(report, ring, stretch);
		text = jitter_printf("%s (a later sample of the same value)", words);
		free(words);
		return text;
	}
	return NULL;
}

bool jitter_sample_held(const struct jitter_report *report, const struct jitter_stream *stream,
	const struct sample *sample)
{
	const struct jitter_ring *ring = find_ring(report, stream);

	return ring && still_held(ring, stretch_of(sample->tsc, sample->value));
}

char *jitter_sample_cause(const struct jitter_report *report, const struct jitter_stream *stream,
	const struct sample *sample)
{
	const struct jitter_ring *ring = find_ring(report, stream);
	const struct stretch stretch = stretch_of(sample->tsc, sample->value);
	char *later;

	if (!ring)
		return jitter_copy("not known: no trace of its CPU");
	if (still_held(ring, stretch))
		return stretch_words(report, ring, stretch);
	later = later_cause(report, ring, stream, sample->value);
	return later ? later : jitter_copy("older than what the trace still holds");
}

char *jitter_cause(const struct jitter_report *report, const struct jitter_stream *stream)
{
	const struct jitter_source *source = &report->sources[stream->source];
	const struct jitter_ring *ring;
	char *later;

	if (!stream->n || !stream->has_times)
		return NULL;
	if (source->kind != JITTER_RAM || !source->rings_count)
		return jitter_copy("this system has no trace");
	ring = find_ring(report, stream);
	if (!ring)
		return jitter_copy(report->system
					   ? "not known: no trace of its CPU"
					   : "not known: --system tells which CPU it ran on");
	if (still_held(ring, stretch_of(stream->max_tsc, stream->max)))
		return stretch_words(report, ring, stretch_of(stream->max_tsc, stream->max));
	later = later_cause(report, ring, stream, stream->max);
	if (later)
		return later;
	return jitter_copy(stream->min == stream->max ? "no outlier, all samples are equal"
						      : "older than what the trace still holds");
}
