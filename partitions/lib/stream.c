/*
 * Recording into sample streams. Invariant: a sample is in the ring before `n` counts it, and the
 * totals and histogram are exact however often the ring has wrapped.
 */
#include <inttypes.h>
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
	struct sample_stream *const s = aligned_alloc(PAGE_BYTES, bytes);

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

void stream_print(const struct sample_stream *const stream, const char *const extra)
{
	const struct sample_stream *const s = stream;

	printf("{\"stream\":\"%s\",\"source\":\"%s\",\"cpu\":%" PRIu32 ",\"n\":%" PRIu64
	       ",\"observed\":%" PRIu64 ",\"min\":%" PRId64 ",\"max\":%" PRId64 ",\"sum\":%" PRId64
	       ",\"max_tsc\":%" PRIu64 ",\"ticks\":%" PRIu64 "%s}\n",
		s->name, s->source, s->cpu, s->n, s->observed, s->min, s->max, s->sum, s->max_tsc,
		s->ended_tsc - s->started_tsc, extra);
}

void stream_dump(const struct sample_stream *const stream)
{
	const uint64_t held = stream->n < stream->capacity ? stream->n : stream->capacity;

	for (uint64_t k = stream->n - held; k < stream->n; k++) {
		const struct sample *const sample = &stream->ring[k % stream->capacity];

		printf("{\"stream\":\"%s\",\"cpu\":%" PRIu32 ",\"k\":%" PRIu64 ",\"tsc\":%" PRIu64
		       ",\"value\":%" PRId64 "}\n",
			stream->name, stream->cpu, k, sample->tsc, sample->value);
	}
}
