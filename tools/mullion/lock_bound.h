/*
 * What the lock service promises, computed from what a deployment declares: the longest wait for a
 * lock, the time of a failover, messages and memory.
 *
 * The invariant: every figure is rounded up, and one that has no bound or does not fit into 64 bits
 * is LOCK_UNBOUNDED, never less. Pure functions of constant cost; the compiler judges deadlines with
 * them, the simulator every wait.
 */
#ifndef LOCK_BOUND_H
#define LOCK_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#define LOCK_UNBOUNDED UINT64_MAX

/* Who is granted next. */
enum lock_order {
	LOCK_ORDER_FIFO, /* as requests reached the master */
	LOCK_ORDER_BATCHED, /* batch after batch, by priority within one, a batch closed when it is begun */
	LOCK_ORDER_PHASED, /* writers in their order, all waiting readers between any two of them */
};

/* A lock group: its lane, its clocks, its masters, and the faults that the bound shall cover. */
struct lock_group_load {
	uint64_t delay_ns;      /* longest way of a message, one way, until its receiver looked */
	uint64_t service_ns;    /* longest work on a message, or on sending one more of them */
	uint64_t retransmit_ns; /* a client repeats what was not answered for so long */
	uint64_t heartbeat_ns;  /* one message of every node; 0: none passes through the master */
	uint64_t session_ns;    /* lease of a node */
	uint64_t authority_ns;  /* lease of a leader */
	uint64_t survive_ns;  /* a session outlives the authority that gave it by so much at most */
	uint64_t poll_ns;     /* longest time until a master or voter acts on a timer */
	uint32_t drift_ppm;   /* any clock's rate against true time, at most; below one million */
	uint32_t nodes;       /* with a session at this group */
	uint32_t slots;       /* participants of all its locks: what is reported to a new leader */
	uint32_t asks;        /* how often a new leader asks for more of those reports, at most */
	uint32_t turns;       /* of these, how many for one node's, one after the other */
	uint32_t outstanding; /* operations of all its participants at all its locks, at most */
	uint32_t losses; /* how often a message of an operation may be lost, repetitions included */
	uint32_t crashes;   /* how many of those served before may die holding */
	uint32_t failovers; /* how many masters may die during the wait: 0 or 1 */
};

/* One participant at one lock of that group. */
struct lock_load {
	enum lock_order order;
	uint32_t participants; /* at least 1 */
	uint32_t writers;      /* LOCK_ORDER_PHASED: those that exclude others; may be all */
	uint32_t
		not_below; /* LOCK_ORDER_BATCHED: participants of this one's priority or a higher one, with it */
	bool reader;           /* LOCK_ORDER_PHASED: this one shares */
	uint64_t hold_ns;      /* longest time from grant to release, by the holder's clock */
	uint64_t read_hold_ns; /* LOCK_ORDER_PHASED: that of readers */
};

/* What a wait is made of. A deadline that is missed is explained by the largest. */
enum lock_term {
	LOCK_TERM_PATH,     /* own request and grant */
	LOCK_TERM_QUEUE,    /* messages before the request at the master */
	LOCK_TERM_HOLDS,    /* those served before, holding */
	LOCK_TERM_HANDOFFS, /* from their releases to the grants that follow */
	LOCK_TERM_LOSSES,   /* messages sent again because one was lost */
	LOCK_TERM_CRASHES,  /* leases of dead holders running out */
	LOCK_TERM_FAILOVER, /* a standby taking over */
	LOCK_TERM_TRAFFIC,  /* heartbeats, and messages repeated although none was lost */
	LOCK_TERMS
};

struct lock_wait {
	uint64_t term_ns[LOCK_TERMS];
	uint64_t total_ns; /* from the request of a participant to its grant */
};

/* False if the load contradicts itself: no participant, writers that leave no room for it, drift of one or more. */
bool lock_load_valid(const struct lock_group_load *group, const struct lock_load *load);

/* The longest wait for a valid load; total_ns is LOCK_UNBOUNDED where there is none. */
struct lock_wait lock_wait_bound(const struct lock_group_load *group, const struct lock_load *load);

/* The largest term, the first of equals; which one to change when total_ns is too long. */
enum lock_term lock_wait_longest(const struct lock_wait *wait);

/* A term in the words of a teaching error, as "the holds of those served before". */
const char *lock_term_name(enum lock_term term);

/* From a leader's death until another serves every lock of the group again. */
uint64_t lock_failover_bound_ns(const struct lock_group_load *group);

/*
 * How long a session has to last, and to outlive its leader's authority, at least, by any clock, so that who lives keeps
 * through a failover what it holds: until the next leader has its last report, and it the answer.
 */
uint64_t lock_session_least_ns(const struct lock_group_load *group);
uint64_t lock_survive_least_ns(const struct lock_group_load *group);

/* Messages of one acquire and release, both directions, all losses included. */
uint64_t lock_messages_bound(const struct lock_group_load *group);

/* Messages of one failover, votes included, without losses. */
uint64_t lock_failover_messages_bound(const struct lock_group_load *group);

/* What a group's tables take: so many bytes for each lock, each participant of each lock, each node. */
struct lock_sizes {
	uint64_t lock_bytes, slot_bytes, node_bytes, message_bytes;
};

/* Bytes of a master: its tables, and a receive ring that outstanding operations and heartbeats cannot overflow. */
uint64_t lock_memory_bound_bytes(const struct lock_group_load *group, uint32_t locks,
	uint64_t slots, const struct lock_sizes *sizes);

#endif
