/*
 * The table of neighbours. See neighbour.h. Invariant: `count` slots are taken, and no GID is in two of them.
 */
#include <ib/gid.h>
#include <ib/neighbour.h>

#define HASH_FIRST  0x9e3779b97f4a7c15ull /* odd, and their bits mixed: multiplicative hashing */
#define HASH_SECOND 0xc2b2ae3d27d4eb4full

static uint64_t hash(const uint8_t gid[const IB_GID_BYTES])
{
	uint64_t high, low;

	__builtin_memcpy(&high, gid, 8);
	__builtin_memcpy(&low, gid + 8, 8);
	low = (low ^ (high * HASH_FIRST >> 7)) * HASH_SECOND;
	return (low ^ low >> 29) * HASH_FIRST;
}

static struct neighbour *bucket(const struct neighbours *const neighbours, const uint32_t hash)
{
	return &neighbours->slots[((uint64_t)hash * neighbours->buckets >> 32) * NEIGHBOUR_WAYS];
}

static struct neighbour *find_in(
	struct neighbour *const slots, const uint8_t gid[const IB_GID_BYTES])
{
	for (unsigned i = 0; i < NEIGHBOUR_WAYS; i++)
		if (slots[i].kind != NEIGHBOUR_NONE && gid_same(slots[i].gid, gid))
			return &slots[i];
	return NULL;
}

struct neighbour *neighbour_find(
	const struct neighbours *const neighbours, const uint8_t gid[const IB_GID_BYTES])
{
	const uint64_t both = hash(gid);
	struct neighbour *const found = find_in(bucket(neighbours, (uint32_t)(both >> 32)), gid);

	return found != NULL ? found : find_in(bucket(neighbours, (uint32_t)both), gid);
}

static unsigned taken(const struct neighbour *const slots)
{
	unsigned count = 0;

	for (unsigned i = 0; i < NEIGHBOUR_WAYS; i++)
		count += slots[i].kind != NEIGHBOUR_NONE;
	return count;
}

static struct neighbour *of_kind(struct neighbour *const slots, const enum neighbour_kind kind)
{
	for (unsigned i = 0; i < NEIGHBOUR_WAYS; i++)
		if (slots[i].kind == kind)
			return &slots[i];
	return NULL;
}

/* Whose place may be taken, the first of them first. */
static struct neighbour *replaceable(struct neighbour *const first, struct neighbour *const second,
	const enum neighbour_kind kind)
{
	struct neighbour *slot = of_kind(first, kind);

	return slot != NULL ? slot : of_kind(second, kind);
}

/* A slot for a new one: free, in the emptier bucket, or one that makes room. */
static struct neighbour *room(struct neighbours *const neighbours,
	const uint8_t gid[const IB_GID_BYTES], const enum neighbour_kind kind)
{
	const uint64_t both = hash(gid);
	struct neighbour *const first = bucket(neighbours, (uint32_t)(both >> 32));
	struct neighbour *const second = bucket(neighbours, (uint32_t)both);
	struct neighbour *const better = taken(second) < taken(first) ? second : first;
	struct neighbour *slot = of_kind(better, NEIGHBOUR_NONE);

	if (slot != NULL) {
		neighbours->count++;
		return slot;
	}
	slot = replaceable(first, second, NEIGHBOUR_SILENT);
	if (slot == NULL && kind != NEIGHBOUR_HEARD)
		slot = replaceable(first, second, NEIGHBOUR_HEARD);
	if (slot == NULL && kind != NEIGHBOUR_HEARD)
		slot = replaceable(first, second, NEIGHBOUR_TOLD);
	return slot;
}

struct neighbour *neighbour_put(struct neighbours *const neighbours,
	const uint8_t gid[const IB_GID_BYTES], const uint8_t mac[const NEIGHBOUR_MAC_BYTES],
	const enum neighbour_kind kind)
{
	struct neighbour *slot = neighbour_find(neighbours, gid);

	if (slot == NULL)
		slot = room(neighbours, gid, kind);
	if (slot == NULL)
		return NULL;
	gid_copy(slot->gid, gid);
	__builtin_memcpy(slot->mac, mac, NEIGHBOUR_MAC_BYTES);
	slot->kind = (uint8_t)kind;
	return slot;
}
