/*
 * The longest gap between back-to-back TSC reads. Invariant: every pass is counted and the gaps add
 * up to the duration; the stream `gap` keeps the outliers with their time, the stream `gap.all` has
 * the histogram of all passes.
 */
#include <string.h>

#include <mullion/cpu.h>

#include "jitter.h"

static uint64_t passes[SAMPLES_BINS];
static uint64_t kept[SAMPLES_BINS + 1]; /* the last one: what lies beyond the histogram */

static int64_t least_held(const struct sample_stream *const s)
{
	const uint64_t held = s->n < s->capacity ? s->n : s->capacity;
	int64_t least = s->max;

	for (uint64_t k = 0; k < held; k++)
		if (s->ring[k].value < least)
			least = s->ring[k].value;
	return least;
}

static int64_t least_counted(const struct sample_stream *const s)
{
	for (uint64_t bin = 0; bin < SAMPLES_BINS; bin++)
		if (s->histogram[bin] != 0)
			return (int64_t)bin;
	return INT64_MAX;
}

static void finish_kept(struct sample_stream *const s, const struct gap_loop *const loop)
{
	memcpy(s->histogram, kept, sizeof(s->histogram));
	s->overflow = kept[SAMPLES_BINS];
	s->max = (int64_t)loop->max;
	s->min = least_counted(s);
	if (s->min > s->max)
		s->min = least_held(s);
	s->max_tsc = loop->max_tsc;
	s->sum = (int64_t)loop->sum;
	s->started_tsc = loop->started;
	s->ended_tsc = loop->ended;
}

static void finish_all(struct sample_stream *const all, const struct sample_stream *const s,
	const struct gap_loop *const loop)
{
	for (uint64_t bin = 0; bin < SAMPLES_BINS; bin++) {
		all->histogram[bin] = passes[bin] + kept[bin];
		all->n += all->histogram[bin];
	}
	all->overflow = kept[SAMPLES_BINS];
	all->n += all->overflow;
	all->min = least_counted(all);
	if (all->min > s->max)
		all->min = s->min;
	all->max = s->max;
	all->max_tsc = s->max_tsc;
	all->sum = (int64_t)(loop->ended - loop->started);
	all->started_tsc = loop->started;
	all->ended_tsc = loop->ended;
	all->observed = all->n;
	/* Of so many passes the ring holds the last one. */
	all->capacity = 1;
	all->ring[0] = (struct sample){ .tsc = loop->ended, .value = (int64_t)loop->last };
}

static void complete(struct sample_stream *const stream)
{
	__atomic_store_n(&stream->state, SAMPLES_COMPLETE, __ATOMIC_RELEASE);
}

void measure_gap(struct jitter *const jitter)
{
	const uint64_t floor = jitter->gap_floor_ticks;
	struct jitter_result *const outliers = jitter_result(jitter, "gap",
		"back-to-back RDTSC, 11 instructions a pass; kept: new baselines", UINT64_MAX);
	struct jitter_result *const all =
		jitter_result(jitter, "gap.all", "back-to-back RDTSC, every pass counted", 0);
	struct gap_loop loop;

	if (outliers == NULL || all == NULL)
		return;
	memset(passes, 0, sizeof(passes));
	memset(kept, 0, sizeof(kept));
	stream_begin(outliers->stream);
	loop = (struct gap_loop){
		.passes = passes,
		.kept = kept,
		.ring = outliers->stream->ring,
		.ring_mask = outliers->stream->capacity * sizeof(struct sample) - 1,
		.n = &outliers->stream->n,
		.end = tsc_read() + jitter->gap_ticks,
		.floor = floor < SAMPLES_BINS ? floor : SAMPLES_BINS - 1,
	};
	gap_loop(&loop);
	finish_kept(outliers->stream, &loop);
	finish_all(all->stream, outliers->stream, &loop);
	outliers->stream->observed = all->stream->n;
	complete(outliers->stream);
	complete(all->stream);
}
