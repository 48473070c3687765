/*
 * Token buckets with whole numbers: levels in parts of a byte of which every tick brings a whole number, so nothing is
 * rounded away, whatever fraction the clock's rate is. See bucket.h.
 */
#include <ib/bucket.h>

#include <errno.h>

int bucket_open(struct bucket *const bucket, const uint64_t rate_bytes, const uint32_t burst_bytes,
	const struct time_rate *const rate, const uint64_t now_ticks)
{
	const uint64_t full = burst_bytes * rate->numerator;
	const uint64_t tick_parts = rate_bytes * rate->denominator;

	if (rate_bytes == 0 || rate_bytes > BUCKET_RATE_MOST || burst_bytes == 0 ||
		burst_bytes > BUCKET_BURST_MOST || rate->numerator == 0 ||
		rate->numerator > BUCKET_NUMERATOR_MOST || rate->denominator == 0 ||
		rate->denominator > BUCKET_DENOMINATOR_MOST)
		return EINVAL;
	*bucket = (struct bucket){ .parts = rate->numerator,
		.tick_parts = tick_parts,
		.full = full,
		.level = full,
		.filled_ticks = now_ticks,
		.filling = full / tick_parts + 1 };
	return 0;
}

/* Time that goes back fills nothing. */
static void fill(struct bucket *const bucket, const uint64_t now_ticks)
{
	const uint64_t elapsed = now_ticks - bucket->filled_ticks;
	const uint64_t room = bucket->full - bucket->level;

	if (now_ticks <= bucket->filled_ticks)
		return;
	bucket->filled_ticks = now_ticks;
	if (elapsed >= bucket->filling || elapsed * bucket->tick_parts >= room)
		bucket->level = bucket->full;
	else
		bucket->level += elapsed * bucket->tick_parts;
}

bool bucket_allows(struct bucket *const bucket, const uint64_t now_ticks, const uint32_t bytes)
{
	fill(bucket, now_ticks);
	return bytes <= BUCKET_BURST_MOST && bytes * bucket->parts <= bucket->level;
}

bool bucket_take(struct bucket *const bucket, const uint64_t now_ticks, const uint32_t bytes)
{
	if (!bucket_allows(bucket, now_ticks, bytes))
		return false;
	bucket->level -= bytes * bucket->parts;
	return true;
}

uint64_t bucket_when(struct bucket *const bucket, const uint64_t now_ticks, const uint32_t bytes)
{
	const uint64_t wanted = bytes * bucket->parts;

	if (bytes > BUCKET_BURST_MOST || wanted > bucket->full)
		return BUCKET_NEVER;
	if (bucket_allows(bucket, now_ticks, bytes))
		return now_ticks;
	return bucket->filled_ticks +
	       (wanted - bucket->level + bucket->tick_parts - 1) / bucket->tick_parts;
}
