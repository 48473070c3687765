/*
 * What a node's lock service is told: one constant block that the compiler places, the same for the lock
 * partition of the node and for its participants, read-only and at whatever address. It holds the tables
 * of the whole cluster (lock_tables.h), where each node is, and who of this node takes part.
 *
 * Invariant: nothing in it is an address, all offsets are aligned for what lies there, and bytes that mean
 * nothing are 0; two images of one description differ in `node`, `lockd` and the locals alone. Little-endian.
 */
#ifndef MULLION_LOCK_IMAGE_H
#define MULLION_LOCK_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/lock_tables.h>

#define LOCK_IMAGE_MAGIC         0x314b434f4c4c554dull /* "MULLOCK1" */
#define LOCK_IMAGE_NAME_BYTES    32u
#define LOCK_IMAGE_CHANNEL_BYTES 24u /* as in struct mullion_region */
#define LOCK_IMAGE_ALIGNMENT     64u /* of every array */

/* What the lock partition can do with a cluster; the compiler refuses more. */
#define LOCK_IMAGE_MOST_NODES 2048u
#define LOCK_IMAGE_MOST_LEVEL 7u   /* service levels are priorities of IEEE 802.1Q */
#define LOCK_IMAGE_QPN        256u /* of every node: the first queue pair of an adapter */

/* The arrays of the block: first those of struct lock_tables, in its order. */
enum lock_image_array {
	LOCK_IMAGE_GROUPS,
	LOCK_IMAGE_LOCKS,
	LOCK_IMAGE_SLOTS,
	LOCK_IMAGE_MEMBERS,
	LOCK_IMAGE_PARTICIPANTS,
	LOCK_IMAGE_MEMBER_SLOTS,
	LOCK_IMAGE_OWN_SLOTS,
	LOCK_IMAGE_PARTICIPANT_MEMBERS,
	LOCK_IMAGE_NODES,    /* struct lock_image_node, by node */
	LOCK_IMAGE_PROMISES, /* struct lock_image_promise, by group */
	LOCK_IMAGE_LOCALS,   /* struct lock_image_local, by rising participant */
	LOCK_IMAGE_ARRAYS
};

struct lock_image_part {
	uint64_t offset; /* from the block's start */
	uint32_t count;
	uint32_t bytes; /* of one */
};

/* Where a node's lock partition is reached. */
struct lock_image_node {
	uint32_t ipv4; /* 10.0.2.15 is 0x0a00020f */
	uint32_t qpn;  /* of its queue pair for locks, 24 bits */
	uint8_t mac[6];
	uint16_t failure_domain; /* a number for each */
	char name[LOCK_IMAGE_NAME_BYTES];
};

/* What was promised of a group, for those who measure it, and its lane. */
struct lock_image_promise {
	uint64_t failover_ns; /* from a leader's death until another serves */
	uint64_t delay_ns;    /* longest way of a message, one way */
	uint64_t service_ns;  /* longest work on one */
	uint64_t poll_ns;     /* longest time until a server acts on a timer */
	uint32_t losses, crashes, failovers;
	uint8_t service_level;
	uint8_t reserved[3];
};

/*
 * A participant whose partition is on this node. Two queuing channels of LOCK_MESSAGE_BYTES join it with
 * the lock partition.
 */
struct lock_image_local {
	uint32_t participant;
	uint16_t partition;                     /* as in the info page */
	uint16_t depth;                         /* messages each of the channels holds */
	char name[LOCK_IMAGE_NAME_BYTES];       /* of the partition */
	char request[LOCK_IMAGE_CHANNEL_BYTES]; /* the channel to the lock partition */
	char answer[LOCK_IMAGE_CHANNEL_BYTES];  /* the channel from it */
};

struct lock_image {
	uint64_t magic;
	uint64_t bytes; /* of all */
	/* The same on every node of one description, and hardly ever in another: FNV-1a of q_key,
	 * drift_ppm, prefix_bits and all arrays but the locals. */
	uint64_t cluster;
	uint16_t node;  /* this one */
	uint16_t lockd; /* the partition that serves and carries for this node */
	uint32_t q_key;
	uint32_t drift_ppm;
	uint32_t prefix_bits; /* of the nodes' IPv4 network */
	uint64_t reserved[3];
	struct lock_image_part part[LOCK_IMAGE_ARRAYS];
};

_Static_assert(sizeof(struct lock_image) == 64 + 16 * LOCK_IMAGE_ARRAYS, "no padding");

/*
 * The block at `at`, of which `bytes` can be read: sets *tables and returns it, or returns NULL if it is not
 * one, was made for other structures, or an array does not lie within it. Constant cost. What is in the tables
 * is taken as it is: the compiler wrote it, `mullion audit` proved it, and nobody can write there.
 */
const struct lock_image *lock_image_open(
	const void *at, uint64_t bytes, struct lock_tables *tables);

/* Of a block that was opened. */
const struct lock_image_node *lock_image_nodes(const struct lock_image *image);
const struct lock_image_promise *lock_image_promises(const struct lock_image *image);
const struct lock_image_local *lock_image_locals(const struct lock_image *image);

/* The participant that partition `number` is; NULL: it is none. Cost: the locals. */
const struct lock_image_local *lock_image_local(const struct lock_image *image, uint32_t number);

/*
 * In a partition: the block that the node gives it, opened; NULL: it has none (it is neither the lock partition
 * nor a participant), or it does not fit. Cost: the regions of the info page.
 */
const struct lock_image *lock_image_find(struct lock_tables *tables);

#endif
