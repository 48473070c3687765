/*
 * Statistics of a sample stream, without rounding: percentiles by nearest rank, and ticks as exact
 * rational nanoseconds (128-bit products).
 *
 * Invariant: a percentile is either the true value of that rank or refused; it is never estimated
 * from samples that are no longer known.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

#define NS_PER_SECOND 1000000000u

const struct jitter_percentile_name jitter_percentiles[JITTER_PERCENTILES] = {
	{ "p50", "p50", 50, 100 },
	{ "p99", "p99", 99, 100 },
	{ "p99.9", "p99_9", 999, 1000 },
	{ "p99.99", "p99_99", 9999, 10000 },
};

/* 1-based rank: ceil(n * numerator / denominator), at least 1. */
static uint64_t rank_of(uint64_t n, uint64_t numerator, uint64_t denominator)
{
	uint128 rank = ((uint128)n * numerator + denominator - 1) / denominator;

	return rank ? (uint64_t)rank : 1;
}

static bool value_of_rank(const struct jitter_stream *stream, uint64_t rank, int64_t *value)
{
	uint64_t seen = stream->below;
	size_t i;

	if (rank <= seen)
		return false;
	for (i = 0; i < stream->bins_count; i++) {
		seen += stream->bins[i].count;
		if (rank <= seen) {
			*value = stream->bins[i].value;
			return true;
		}
	}
	return false;
}

bool jitter_percentile(const struct jitter_stream *stream, uint64_t numerator, uint64_t denominator,
	int64_t *value)
{
	uint64_t rank;

	if (!stream->n || !denominator || numerator > denominator)
		return false;
	*value = stream->max;
	if (stream->min == stream->max)
		return true;
	rank = rank_of(stream->n, numerator, denominator);
	if (value_of_rank(stream, rank, value))
		return true;
	/* The extremes are always known, wherever the histogram ends. */
	*value = rank == 1 ? stream->min : stream->max;
	return rank == 1 || rank == stream->n;
}

static int compare_bins(const void *left, const void *right)
{
	int64_t a = ((const struct jitter_bin *)left)->value;
	int64_t b = ((const struct jitter_bin *)right)->value;

	return (a > b) - (a < b);
}

static size_t merge_equal(struct jitter_bin *bins, size_t count)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++) {
		if (kept && bins[kept - 1].value == bins[i].value)
			bins[kept - 1].count += bins[i].count;
		else
			bins[kept++] = bins[i];
	}
	return kept;
}

void jitter_bins_of_samples(struct jitter_stream *stream)
{
	size_t i, count = stream->samples_count;

	stream->bins = jitter_array(stream->bins, count, sizeof(*stream->bins));
	for (i = 0; i < count; i++)
		stream->bins[i] = (struct jitter_bin){ stream->samples[i].value, 1 };
	if (count)
		qsort(stream->bins, count, sizeof(*stream->bins), compare_bins);
	stream->bins_count = merge_equal(stream->bins, count);
	stream->below = stream->above = 0;
}

int jitter_compare_ns(struct jitter_clock clock, int64_t ticks, int64_t ns)
{
	/* A clock's denominator stays below 2^32 (readers check), so neither side overflows. */
	int128 left = (int128)ticks * (int128)clock.denominator * NS_PER_SECOND;
	int128 right = (int128)ns * (int128)clock.numerator;

	return (left > right) - (left < right);
}

double jitter_ns(struct jitter_clock clock, double ticks)
{
	return ticks * (double)clock.denominator * (double)NS_PER_SECOND / (double)clock.numerator;
}

bool jitter_has_ns(struct jitter_clock clock, int64_t ticks, int64_t *ns)
{
	int128 product = (int128)ticks * (int128)clock.denominator * NS_PER_SECOND;

	if (product % (int128)clock.numerator)
		return false;
	*ns = (int64_t)(product / (int128)clock.numerator);
	return true;
}

char *jitter_format_count(char *buffer, uint64_t count)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count), i, at = 0;

	for (i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buffer[at++] = ',';
		buffer[at++] = digits[i];
	}
	buffer[at] = '\0';
	return buffer;
}

static void append_decimals(char *buffer, unsigned thousandths)
{
	char *end = buffer + strlen(buffer);

	if (!thousandths)
		return;
	(void)snprintf(end, 6, ".%03u", thousandths % 1000u);
	while (end[strlen(end) - 1] == '0')
		end[strlen(end) - 1] = '\0';
}

char *jitter_format_ns(char *buffer, struct jitter_clock clock, int64_t ticks)
{
	uint128 magnitude = ticks < 0 ? (uint128)(-(int128)ticks) : (uint128)ticks;
	uint128 product = magnitude * clock.denominator * NS_PER_SECOND;
	uint64_t whole = (uint64_t)(product / clock.numerator);
	/* Only here is anything rounded: to the nearest thousandth. */
	uint64_t rest = (uint64_t)(product % clock.numerator);
	uint64_t thousandths = (rest * 1000 + clock.numerator / 2) / clock.numerator;
	bool negative = ticks < 0;

	buffer[0] = '-';
	jitter_format_count(buffer + negative, whole + thousandths / 1000);
	append_decimals(buffer, (unsigned)(thousandths % 1000));
	return buffer;
}

double jitter_duration_s(const struct jitter_stream *stream)
{
	if (!stream->has_times || stream->ended < stream->started)
		return 0;
	return jitter_ns(stream->clock, (double)(stream->ended - stream->started)) /
	       (double)NS_PER_SECOND;
}
