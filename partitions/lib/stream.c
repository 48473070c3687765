/*
 * Recording into sample streams. Invariant: a sample is in the ring before `n` counts it, and the
 * totals and histogram are exact however often the ring has wrapped.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/cpu.h>
#include <mullion/info.h>
#include <mullion/stream.h>
#include <mullion/time.h>

#define CAPACITY_LEAST 1024u
#define CAPACITY_MOST  16384u
#define PAGE_BYTES     4096u

static uint32_t capacity_for(const uint64_t samples)
{
	uint32_t capacity = CAPACITY_LEAST;

	while (capacity < samples && capacity < CAPACITY_MOST)
		capacity *= 2;
	return capacity;
}

struct sample_stream *stream_create(
	const char *const name, const char *const note, const unsigned vcpu, const uint64_t samples)
{
	const uint32_t capacity = capacity_for(samples);
	const size_t bytes = SAMPLES_HEADER_BYTES + capacity * sizeof(struct sample);
	struct sample_stream *const s = memalign(PAGE_BYTES, bytes);

	if (s == NULL) {
		printf("stream %s: no memory for %u samples; give the partition more, or pass a "
		       "smaller n=\n",
			name, (unsigned)capacity);
		return NULL;
	}
	memset(s, 0, bytes);
	s->version = SAMPLES_VERSION;
	s->header_bytes = SAMPLES_HEADER_BYTES;
	strlcpy(s->name, name, sizeof(s->name));
	strlcpy(s->source, info_name(), sizeof(s->source));
	strlcpy(s->note, note, sizeof(s->note));
	s->cpu = vcpu;
	s->capacity = capacity;
	s->tsc_hz_numerator = time_rate.numerator;
	s->tsc_hz_denominator = time_rate.denominator;
	__atomic_store_n(&s->magic, SAMPLES_MAGIC, __ATOMIC_RELEASE);
	return s;
}

void stream_histogram_from(struct sample_stream *const stream, const int64_t first)
{
	stream->histogram_first = first;
}

void stream_begin(struct sample_stream *const stream)
{
	stream->started_tsc = tsc_read();
	__atomic_store_n(&stream->state, SAMPLES_RUNNING, __ATOMIC_RELEASE);
}

static void count(struct sample_stream *const s, const int64_t value)
{
	const int64_t bin = value - s->histogram_first;

	if (bin < 0)
		s->underflow++;
	else if (bin >= (int64_t)SAMPLES_BINS)
		s->overflow++;
	else
		s->histogram[bin]++;
}

void stream_record(struct sample_stream *const stream, const uint64_t tsc, const int64_t value)
{
	struct sample_stream *const s = stream;

	s->ring[s->n % s->capacity] = (struct sample){ .tsc = tsc, .value = value };
	count(s, value);
	s->sum += value;
	if (s->n == 0 || value < s->min)
		s->min = value;
	if (s->n == 0 || value > s->max) {
		s->max = value;
		s->max_tsc = tsc;
	}
	__atomic_store_n(&s->n, s->n + 1, __ATOMIC_RELEASE);
}

void stream_end(struct sample_stream *const stream)
{
	stream->ended_tsc = tsc_read();
	__atomic_store_n(&stream->state, SAMPLES_COMPLETE, __ATOMIC_RELEASE);
}

static void print_histogram(const struct sample_stream *const s)
{
	const char *comma = "";

	printf(",\"histogram\":{\"underflow\":%" PRIu64 ",\"overflow\":%" PRIu64 ",\"bins\":[",
		s->underflow, s->overflow);
	for (unsigned bin = 0; bin < SAMPLES_BINS; bin++) {
		if (s->histogram[bin] == 0)
			continue;
		printf("%s[%" PRId64 ",%" PRIu64 "]", comma, s->histogram_first + (int64_t)bin,
			s->histogram[bin]);
		comma = ",";
	}
	printf("]}");
}

static void print_samples(const struct sample_stream *const s)
{
	const uint64_t held = s->n < s->capacity ? s->n : s->capacity;

	printf(",\"samples\":[");
	for (uint64_t k = s->n - held; k < s->n; k++) {
		const struct sample *const sample = &s->ring[k % s->capacity];

		printf("%s[%" PRIu64 ",%" PRId64 "]", k == s->n - held ? "" : ",", sample->tsc,
			sample->value);
	}
	printf("]");
}

void stream_print(const struct sample_stream *const stream, const char *const extra, const bool all)
{
	const struct sample_stream *const s = stream;

	printf("{\"stream\":\"%s\",\"source\":\"%s\",\"cpu\":%" PRIu32 ",\"n\":%" PRIu64
	       ",\"min\":%" PRId64 ",\"max\":%" PRId64 ",\"sum\":%" PRId64 ",\"max_tsc\":%" PRIu64
	       ",\"started\":%" PRIu64 ",\"ended\":%" PRIu64 ",\"observed\":%" PRIu64
	       ",\"hz\":[%" PRIu64 ",%" PRIu64 "],\"note\":\"%s\",\"complete\":%s%s",
		s->name, s->source, s->cpu, s->n, s->min, s->max, s->sum, s->max_tsc,
		s->started_tsc, s->ended_tsc, s->observed, s->tsc_hz_numerator,
		s->tsc_hz_denominator, s->note, s->state == SAMPLES_COMPLETE ? "true" : "false",
		extra);
	if (all) {
		print_histogram(s);
		print_samples(s);
	}
	printf("}\n");
}
