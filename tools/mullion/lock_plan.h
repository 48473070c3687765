/*
 * The locks of a cluster, numbered as the lock service numbers them, with what is promised of each.
 *
 * The invariant: every list is ordered as mullion/lock_tables.h says, and the same description gives the same
 * plan on every node, but for the locals. Only a description whose parts are sound is planned; whether what it
 * promises is good enough is for the rules to say.
 */
#ifndef LOCK_PLAN_H
#define LOCK_PLAN_H

#include <mullion/lock_image.h>

#include "arena.h"
#include "lock_bound.h"
#include "model_locks.h"

/* What a lock partition needs beside its tables: text, stacks, rings of its card. */
#define LOCK_PLAN_PARTITION_BYTES (1u << 20)

struct lock_plan_slot {
	size_t lock, sharer; /* in the model */
	struct lock_wait wait;
};

struct lock_plan_group {
	struct lock_group_load own;  /* the group by itself */
	struct lock_group_load load; /* with all that its busier leader may have to do */
	uint64_t failover_ns;
	uint64_t messages, failover_messages; /* of one acquisition and release; of one failover */
	uint64_t memory_bytes;                /* of each leader */
};

struct lock_plan {
	const struct model_locks *model;
	uint32_t nodes, groups, locks, slots, members, participants, locals;
	struct lock_group *group;
	struct lock_lock *lock;
	struct lock_sharer *slot;
	struct lock_member *member;
	struct lock_participant *participant;
	uint32_t *member_slots, *own_slots, *participant_members;
	struct lock_image_node *node;
	struct lock_image_promise *promise;
	struct lock_image_local *local;
	struct lock_plan_group *group_plan; /* by group */
	struct lock_plan_slot *slot_plan;   /* by slot */
	size_t *lock_model;                 /* by lock: index into the model's locks */
	size_t *node_model;                 /* by node: index into the model's nodes */
	/* The block of mullion/lock_image.h for this node. */
	uint8_t *block;
	uint64_t block_bytes;
};

/* Everything, the block included. All of it lives in the arena. */
struct lock_plan *lock_plan_build(const struct model *model, struct arena *arena);

/* lock_block.c: plan->block from the rest. */
void lock_block_build(struct lock_plan *plan, struct arena *arena);

/* Bytes that a node's lock partition needs for the groups it may lead. Saturating. */
uint64_t lock_plan_memory_bytes(const struct lock_plan *plan, uint32_t node);

/* How long the leader lets a holder have a lock: its hold, and the messages around it. */
uint64_t lock_plan_budget_ns(const struct lock_plan_group *group, uint64_t hold_ns);

#endif
