/*
 * A token bucket: a sender's share of a link, in any time t at most burst + rate * t bytes. One per
 * partition, in front of the arbiter (ib/vlarb.h).
 */
#ifndef RTDRIVERS_IB_BUCKET_H
#define RTDRIVERS_IB_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/rate.h>

#define BUCKET_RATE_MOST        0x400000000ull /* bytes a second */
#define BUCKET_BURST_MOST       0x1000000u
#define BUCKET_NUMERATOR_MOST   0x4000000000ull /* of the clock's rate */
#define BUCKET_DENOMINATOR_MOST 0x1000000u
#define BUCKET_NEVER            UINT64_MAX

struct bucket {
	uint64_t parts;        /* of a byte: the numerator of the clock's rate */
	uint64_t tick_parts;   /* that a tick brings: bytes a second times the denominator */
	uint64_t full;         /* parts, as `level` */
	uint64_t level;        /* what may be sent */
	uint64_t filled_ticks; /* when the level was so */
	uint64_t filling;      /* ticks in which an empty bucket is full */
};

/*
 * Full at `now`. EINVAL: a number is 0 or beyond its BUCKET_*_MOST. At most 40 instructions.
 */
int bucket_open(struct bucket *bucket, uint64_t rate_bytes, uint32_t burst_bytes,
	const struct time_rate *rate, uint64_t now_ticks);

/* So many bytes may be sent now. At most 40 instructions. */
bool bucket_allows(struct bucket *bucket, uint64_t now_ticks, uint32_t bytes);

/* They are sent; false, and nothing changed, where they may not be. At most 40 instructions. */
bool bucket_take(struct bucket *bucket, uint64_t now_ticks, uint32_t bytes);

/* When they may be sent, if nothing else is; BUCKET_NEVER: more than the burst. At most 60 instructions. */
uint64_t bucket_when(struct bucket *bucket, uint64_t now_ticks, uint32_t bytes);

#endif
