/*
 * The other slots of a LOCK_REPORT with LOCK_FLAG_OTHERS: those of the member that follow the message's own, where its
 * span and value would be. Of all of them nothing is waited for, and the values, as far as they are known, are all zeros.
 *
 * A slot is a byte of state, and what it differs in from the slot before it, the message's own for the first: the token,
 * and the value's version where the value is known, both in as many bytes, 1, 2, 4 or 8; and the sequence in 2, if it does.
 * A state without a mode, or the message's end, ends them. Invariant: whatever the bytes are, none beyond them is
 * looked at, and a slot that would reach beyond them makes all of them bad. Both ways cost at most LOCK_REPORT_OTHERS slots.
 */
#ifndef MULLION_LOCK_REPORT_H
#define MULLION_LOCK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/lock_message.h>

#define LOCK_REPORT_HELD     0x07u /* enum lock_mode; LOCK_REPORT_HELD: there is no such slot */
#define LOCK_REPORT_VALUE    0x08u /* LOCK_FLAG_VALUE of it */
#define LOCK_REPORT_INVALID  0x10u /* LOCK_FLAG_INVALID */
#define LOCK_REPORT_SEQUENCE 0x20u /* its sequence differs */

/* From this bit on: which of 1, 2, 4 and 8 bytes a token takes, and a version. */
#define LOCK_REPORT_WIDTH  6u
#define LOCK_REPORT_WIDEST 3u

#define LOCK_REPORT_AT     40u
#define LOCK_REPORT_BYTES  (LOCK_MESSAGE_BYTES - LOCK_REPORT_AT)
#define LOCK_REPORT_OTHERS (LOCK_REPORT_BYTES / 2u) /* at most */
#define LOCK_REPORT_BAD    UINT32_MAX

/* The longest: a state, a token, a version, a sequence. */
#define LOCK_REPORT_SLOT_BYTES 19u

/* What is told of one slot. */
struct lock_report_slot {
	uint64_t token;
	uint64_t version; /* of the value, where it is known; else nothing is said by it */
	uint32_t sequence;
	uint8_t held;  /* enum lock_mode */
	uint8_t flags; /* LOCK_FLAG_VALUE, LOCK_FLAG_INVALID */
};

/* Others being gathered. */
struct lock_report_others {
	struct lock_report_slot last;
	uint32_t used; /* of the bytes */
	uint8_t bytes[LOCK_REPORT_BYTES + LOCK_REPORT_SLOT_BYTES];
};

static inline struct lock_report_slot lock_report_own(const struct lock_message *const m)
{
	return (struct lock_report_slot){ m->token, m->stamp, m->sequence, m->held,
		m->flags & (LOCK_FLAG_VALUE | LOCK_FLAG_INVALID) };
}

static inline bool lock_report_fits(const uint64_t difference, const uint32_t width)
{
	const uint32_t rest = 64u - (8u << width);

	return (uint64_t)((int64_t)(difference << rest) >> rest) == difference;
}

/* The least in which both fit, with their signs. */
static inline uint32_t lock_report_width(const uint64_t token, const uint64_t version)
{
	uint32_t width = 0;

	while (!lock_report_fits(token, width) || !lock_report_fits(version, width))
		width++;
	return width;
}

static inline uint64_t lock_report_difference(const uint8_t *const at, const uint32_t width)
{
	const uint32_t rest = 64u - (8u << width);
	uint64_t bytes;

	__builtin_memcpy(&bytes, at, sizeof(bytes));
	return (uint64_t)((int64_t)(bytes << rest) >> rest);
}

static inline uint8_t lock_report_state(const struct lock_report_slot *const slot)
{
	return (uint8_t)(slot->held | (slot->flags & LOCK_FLAG_VALUE ? LOCK_REPORT_VALUE : 0) |
			 (slot->flags & LOCK_FLAG_INVALID ? LOCK_REPORT_INVALID : 0));
}

static inline uint8_t lock_report_flags(const uint8_t state)
{
	return (uint8_t)((state & LOCK_REPORT_VALUE ? LOCK_FLAG_VALUE : 0) |
			 (state & LOCK_REPORT_INVALID ? LOCK_FLAG_INVALID : 0));
}

/* The slot that follows; false: it does not fit, and nothing changed that is sent. */
static inline bool lock_report_add(
	struct lock_report_others *const others, const struct lock_report_slot *const slot)
{
	const uint64_t token = slot->token - others->last.token;
	const uint64_t version =
		slot->flags & LOCK_FLAG_VALUE ? slot->version - others->last.version : 0;
	const uint32_t sequence = slot->sequence - others->last.sequence;
	const uint32_t width = lock_report_width(token, version);
	uint32_t at = others->used;

	if ((int32_t)sequence != (int16_t)sequence)
		return false;
	others->bytes[at] =
		(uint8_t)(lock_report_state(slot) | (sequence ? LOCK_REPORT_SEQUENCE : 0) |
			  width << LOCK_REPORT_WIDTH);
	__builtin_memcpy(others->bytes + at + 1, &token, sizeof(token));
	at += 1u + (1u << width);
	if (slot->flags & LOCK_FLAG_VALUE) {
		__builtin_memcpy(others->bytes + at, &version, sizeof(version));
		at += 1u << width;
	}
	if (sequence) {
		__builtin_memcpy(others->bytes + at, &sequence, 2);
		at += 2u;
	}
	if (at > LOCK_REPORT_BYTES)
		return false;
	others->last.token = slot->token;
	others->last.version += version;
	others->last.sequence = slot->sequence;
	others->used = at;
	return true;
}

/* Into the message, if there are any. */
static inline void lock_report_put(
	struct lock_report_others *const others, struct lock_message *const m)
{
	if (others->used == 0)
		return;
	__builtin_memset(others->bytes + others->used, LOCK_REPORT_HELD,
		sizeof(others->bytes) - others->used);
	m->flags |= LOCK_FLAG_OTHERS;
	__builtin_memcpy((uint8_t *)m + LOCK_REPORT_AT, others->bytes, LOCK_REPORT_BYTES);
}

/* The next one in `bytes`, which are followed by LOCK_REPORT_SLOT_BYTES others; returns where the one after it begins. */
static inline uint32_t lock_report_next(
	const uint8_t *const bytes, uint32_t at, struct lock_report_slot *const slot)
{
	const uint8_t state = bytes[at];
	const uint32_t width = state >> LOCK_REPORT_WIDTH;

	slot->held = state & LOCK_REPORT_HELD;
	slot->flags = lock_report_flags(state);
	slot->token += lock_report_difference(bytes + at + 1, width);
	at += 1u + (1u << width);
	if (state & LOCK_REPORT_VALUE) {
		slot->version += lock_report_difference(bytes + at, width);
		at += 1u << width;
	}
	if (state & LOCK_REPORT_SEQUENCE) {
		slot->sequence += (uint32_t)lock_report_difference(bytes + at, 1);
		at += 2u;
	}
	return at;
}

/* The others that a message tells of, which has LOCK_FLAG_OTHERS: how many, or LOCK_REPORT_BAD. */
static inline uint32_t lock_report_read(
	const struct lock_message *const m, struct lock_report_slot slots[const LOCK_REPORT_OTHERS])
{
	uint8_t bytes[LOCK_REPORT_BYTES + LOCK_REPORT_SLOT_BYTES + 8u];
	struct lock_report_slot slot = lock_report_own(m);
	uint32_t at = 0, count = 0;

	__builtin_memcpy(bytes, (const uint8_t *)m + LOCK_REPORT_AT, LOCK_REPORT_BYTES);
	__builtin_memset(
		bytes + LOCK_REPORT_BYTES, LOCK_REPORT_HELD, sizeof(bytes) - LOCK_REPORT_BYTES);
	while ((bytes[at] & LOCK_REPORT_HELD) != LOCK_REPORT_HELD) {
		at = lock_report_next(bytes, at, &slot);
		if (at > LOCK_REPORT_BYTES)
			return LOCK_REPORT_BAD;
		slots[count++] = slot;
	}
	return count;
}

#endif
