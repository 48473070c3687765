/*
 * Writes the block of mullion/lock_image.h: what the plan has, array after array. The structures are the
 * partition's own, which has the build host's layout; what lies between fields is 0, as arenas are.
 */
#include <string.h>

#include "lock_plan.h"

struct array {
	const void *data;
	uint32_t count, bytes;
};

static uint64_t aligned(uint64_t offset)
{
	return (offset + LOCK_IMAGE_ALIGNMENT - 1) / LOCK_IMAGE_ALIGNMENT * LOCK_IMAGE_ALIGNMENT;
}

static void list_arrays(const struct lock_plan *plan, struct array arrays[LOCK_IMAGE_ARRAYS])
{
#define ARRAY(number, member, count)                                                               \
	arrays[number] = (struct array){ plan->member, plan->count, sizeof(*plan->member) }

	ARRAY(LOCK_IMAGE_GROUPS, group, groups);
	ARRAY(LOCK_IMAGE_LOCKS, lock, locks);
	ARRAY(LOCK_IMAGE_SLOTS, slot, slots);
	ARRAY(LOCK_IMAGE_MEMBERS, member, members);
	ARRAY(LOCK_IMAGE_PARTICIPANTS, participant, participants);
	ARRAY(LOCK_IMAGE_MEMBER_SLOTS, member_slots, slots);
	ARRAY(LOCK_IMAGE_OWN_SLOTS, own_slots, slots);
	ARRAY(LOCK_IMAGE_PARTICIPANT_MEMBERS, participant_members, members);
	ARRAY(LOCK_IMAGE_NODES, node, nodes);
	ARRAY(LOCK_IMAGE_PROMISES, promise, groups);
	ARRAY(LOCK_IMAGE_LOCALS, local, locals);
#undef ARRAY
}

/* FNV-1a of 64 bits. */
static uint64_t digest(uint64_t hash, const void *data, uint64_t bytes)
{
	const uint8_t *at = data;

	for (uint64_t i = 0; i < bytes; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ull;
	return hash;
}

/* Of what all nodes of a cluster have in common. */
static uint64_t cluster_of(const struct model_locks *model, const struct array *arrays)
{
	const uint32_t common[] = { model->q_key, model->drift_ppm, model->prefix_bits };
	uint64_t hash = digest(0xcbf29ce484222325ull, common, sizeof(common));

	for (unsigned i = 0; i < LOCK_IMAGE_LOCALS; i++)
		hash = digest(hash, arrays[i].data, (uint64_t)arrays[i].count * arrays[i].bytes);
	return hash;
}

void lock_block_build(struct lock_plan *plan, struct arena *arena)
{
	const struct model_locks *model = plan->model;
	struct array arrays[LOCK_IMAGE_ARRAYS];
	struct lock_image head = {
		.magic = LOCK_IMAGE_MAGIC,
		.node = (uint16_t)model->this_node,
		.lockd = (uint16_t)model->lockd,
		.q_key = model->q_key,
		.drift_ppm = model->drift_ppm,
		.prefix_bits = model->prefix_bits,
	};
	uint64_t end = sizeof(head);

	list_arrays(plan, arrays);
	for (unsigned i = 0; i < LOCK_IMAGE_ARRAYS; i++) {
		head.part[i] =
			(struct lock_image_part){ aligned(end), arrays[i].count, arrays[i].bytes };
		end = aligned(end) + (uint64_t)arrays[i].count * arrays[i].bytes;
	}
	head.bytes = plan->block_bytes = aligned(end);
	head.cluster = cluster_of(model, arrays);
	plan->block = arena_alloc(arena, plan->block_bytes);
	memcpy(plan->block, &head, sizeof(head));
	for (unsigned i = 0; i < LOCK_IMAGE_ARRAYS; i++)
		if (arrays[i].count != 0)
			memcpy(plan->block + head.part[i].offset, arrays[i].data,
				(size_t)arrays[i].count * arrays[i].bytes);
}
