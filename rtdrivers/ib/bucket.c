/*
 * Token buckets with whole numbers: levels in bytes times ticks, so nothing is rounded away. See bucket.h.
 */
#include <ib/bucket.h>

#include <errno.h>

int bucket_open(struct bucket *const bucket, const uint64_t rate_bytes, const uint32_t burst_bytes,
	const uint64_t ticks_per_s, const uint64_t now_ticks)
{
	const uint64_t full = burst_bytes * ticks_per_s;

	if (rate_bytes == 0 || rate_bytes > BUCKET_RATE_MOST || burst_bytes == 0 ||
		burst_bytes > BUCKET_BURST_MOST || ticks_per_s == 0 ||
		ticks_per_s > BUCKET_TICKS_MOST)
		return EINVAL;
	*bucket = (struct bucket){ .rate_bytes = rate_bytes,
		.ticks = ticks_per_s,
		.full = full,
		.level = full,
		.filled_ticks = now_ticks,
		.filling = full / rate_bytes + 1 };
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
	if (elapsed >= bucket->filling || elapsed * bucket->rate_bytes >= room)
		bucket->level = bucket->full;
	else
		bucket->level += elapsed * bucket->rate_bytes;
}

bool bucket_allows(struct bucket *const bucket, const uint64_t now_ticks, const uint32_t bytes)
{
	fill(bucket, now_ticks);
	return bytes <= BUCKET_BURST_MOST && bytes * bucket->ticks <= bucket->level;
}

bool bucket_take(struct bucket *const bucket, const uint64_t now_ticks, const uint32_t bytes)
{
	if (!bucket_allows(bucket, now_ticks, bytes))
		return false;
	bucket->level -= bytes * bucket->ticks;
	return true;
}

uint64_t bucket_when(struct bucket *const bucket, const uint64_t now_ticks, const uint32_t bytes)
{
	const uint64_t wanted = bytes * bucket->ticks;

	if (bytes > BUCKET_BURST_MOST || wanted > bucket->full)
		return BUCKET_NEVER;
	if (bucket_allows(bucket, now_ticks, bytes))
		return now_ticks;
	return bucket->filled_ticks +
	       (wanted - bucket->level + bucket->rate_bytes - 1) / bucket->rate_bytes;
}
