/*
 * Whom a port knows: the MAC of each GID, in a table of the program's size, looked up in bounded time.
 *
 * Invariant: a GID stands in one of two buckets of eight slots, which it chooses by its hash; so a lookup
 * compares sixteen at most, however many there are. What the program said is never replaced. Whoever never
 * answered makes room first; then, for what the program needs, who was heard of. Specification: none; two choices keep buckets even.
 */
#ifndef RTDRIVERS_IB_NEIGHBOUR_H
#define RTDRIVERS_IB_NEIGHBOUR_H

#include <stddef.h>

#include <ib/ib.h>

#define NEIGHBOUR_MAC_BYTES 6u
#define NEIGHBOUR_WAYS      8u

enum neighbour_kind {
	NEIGHBOUR_NONE,   /* a free slot */
	NEIGHBOUR_STATIC, /* the program said so */
	NEIGHBOUR_HEARD,  /* it spoke first */
	NEIGHBOUR_TOLD,   /* it answered the question for its MAC */
	NEIGHBOUR_ASKED,  /* the question is on its way: its MAC means nothing yet */
	NEIGHBOUR_SILENT, /* it was not answered: the same */
};

struct neighbour {
	uint8_t gid[IB_GID_BYTES];
	uint8_t mac[NEIGHBOUR_MAC_BYTES];
	uint8_t kind;  /* enum neighbour_kind */
	uint8_t tries; /* ASKED: left */
	uint64_t due;  /* ASKED, SILENT: when it is asked again */
};

struct neighbours {
	struct neighbour *slots;
	uint32_t buckets; /* of NEIGHBOUR_WAYS slots each */
	uint32_t count;
};

/* A table named `name`, static, for so many neighbours: half of its slots stay free, for even buckets. */
#define NEIGHBOURS_SLOTS(most_)                                                                    \
	(((most_) + NEIGHBOUR_WAYS - 1) / NEIGHBOUR_WAYS * 2 * NEIGHBOUR_WAYS)
#define NEIGHBOURS(name, most_)                                                                    \
	static struct neighbour name##_slots[NEIGHBOURS_SLOTS(most_)];                             \
	static struct neighbours name = { name##_slots, NEIGHBOURS_SLOTS(most_) / NEIGHBOUR_WAYS,  \
		0 }

/* NULL: unknown. At most 300 instructions. */
struct neighbour *neighbour_find(
	const struct neighbours *neighbours, const uint8_t gid[IB_GID_BYTES]);

/* Its MAC can be used. */
static inline bool neighbour_is_known(const struct neighbour *const neighbour)
{
	return neighbour != NULL && neighbour->kind >= NEIGHBOUR_STATIC &&
	       neighbour->kind <= NEIGHBOUR_TOLD;
}

/*
 * A neighbour of this kind; NULL: both of its buckets are full. The place of a silent one is taken; by a static one or
 * one asked for, also that of one that was heard of or has told. At most 900 instructions.
 */
struct neighbour *neighbour_put(struct neighbours *neighbours, const uint8_t gid[IB_GID_BYTES],
	const uint8_t mac[NEIGHBOUR_MAC_BYTES], enum neighbour_kind kind);

#endif
