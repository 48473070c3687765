/*
 * The locks of a cluster as the compiler sees them: the same in every node's description, but for which node
 * this one is. See model.h for what a model keeps to; lists are in the order of the source.
 */
#ifndef MODEL_LOCKS_H
#define MODEL_LOCKS_H

#include "model.h"

enum model_lock_discipline { MODEL_LOCK_FIFO = 1, MODEL_LOCK_BATCHED, MODEL_LOCK_PHASED };

struct model_lock_node {
	struct location at;
	const char *name; /* "node@3" */
	uint64_t number;  /* after the @; UINT64_MAX: none */
	uint32_t ipv4;    /* 10.0.2.15 is 0x0a00020f; 0: not an address */
	uint8_t mac[6];   /* all 0: not an address */
	uint32_t qpn;
	const char *domain;
	const char *lockd; /* a partition of that node */
};

struct model_lock_participant {
	struct location at;
	const char *name;
	const char *partition; /* on its node */
	uint32_t operations;   /* that it has under way at once, at most; 0: one per lock */
	size_t node;           /* index into nodes */
	int index;             /* of its partition in this description; -1: another node's */
	int request, answer;   /* channels to and from the lock partition; -1: another node's */
};

struct model_lock_group {
	struct location at;
	const char *name;
	uint32_t nodes[3];  /* primary, standby, witness */
	size_t nodes_count; /* as written */
	uint64_t session_ns, authority_ns, survive_ns, heartbeat_ns, retransmit_ns;
	uint64_t delay_ns, service_ns, poll_ns;
	uint32_t losses, crashes, failovers, service_level;
};

struct model_lock_sharer {
	size_t participant; /* index into participants */
	uint32_t priority;
	uint64_t deadline_ns; /* 0: none but the lock's */
	bool reader;
};

struct model_lock {
	struct location at;
	const char *name;
	int group; /* -1: none */
	uint32_t rank;
	uint64_t hold_ns, deadline_ns; /* 0: no deadline */
	int discipline;                /* 0: not a word */
	bool cached, revoke, notify;
	struct model_lock_sharer *sharers; /* writers first */
	size_t sharers_count;
};

struct lock_plan; /* lock_plan.h */

struct model_locks {
	struct location at;
	uint32_t this_node, q_key, prefix_bits, drift_ppm;
	int lockd; /* this node's lock partition; -1: none */
	struct model_lock_node *nodes;
	size_t nodes_count;
	struct model_lock_participant *participants;
	size_t participants_count;
	struct model_lock_group *groups;
	size_t groups_count;
	struct model_lock *locks;
	size_t locks_count;
	struct lock_plan *plan; /* of a description without errors */
};

/* How a sharer's deadline reads: its own, else the lock's; 0: none. */
static inline uint64_t model_lock_deadline_ns(
	const struct model_lock *lock, const struct model_lock_sharer *sharer)
{
	return sharer->deadline_ns ? sharer->deadline_ns : lock->deadline_ns;
}

#endif
