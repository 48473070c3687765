/*
 * A lock service in one process: three servers per group and their clients over a network that delays, loses,
 * repeats and divides as told, with each node's own clock. After every step it judges what must hold
 * always; a violation ends the test with what it was.
 *
 * Nodes 0, 1 and 2 are the servers of group 0, nodes 1, 2 and 3 those of group 1, if there is one; participant i is
 * node 10 + i and shares all locks. Lock i belongs to group i % groups.
 */
#ifndef LOCK_WORLD_H
#define LOCK_WORLD_H

#include "unit.h"

#include <mullion/lock_client.h>
#include <mullion/lock_modes.h>
#include <mullion/lock_rules.h>
#include <mullion/lock_server.h>

#define WORLD_NODES   64u
#define WORLD_GROUPS  2u
#define WORLD_FLIGHTS 4096u
#define WORLD_STEP_NS 5000u

#define FIRST_CLIENT_NODE 10u

struct flight {
	uint64_t at_ns;
	uint16_t from, to;
	struct lock_message message;
};

struct world {
	uint32_t groups, locks, participants;
	struct lock_tables tables;
	struct lock_group group[WORLD_GROUPS];
	struct lock_lock *lock;
	struct lock_sharer *slot;
	struct lock_member *member;
	struct lock_participant *participant;
	uint32_t *member_slots, *own_slots, *participant_members;

	struct lock_server server[WORLD_GROUPS][LOCK_GROUP_NODES];
	struct lock_client *client;

	uint64_t now_ns; /* true time */
	int64_t drift_ppm[WORLD_NODES];
	bool down[WORLD_NODES];
	bool cut[WORLD_NODES][WORLD_NODES]; /* from, to */
	uint32_t loss_percent, repeat_percent;
	uint64_t delay_least_ns, delay_most_ns;
	uint64_t
		straggle_ns; /* one message in a hundred between clients and servers is late by up to so much */
	uint64_t random;

	struct flight flights[WORLD_FLIGHTS];
	uint32_t flying, most_flying;
	uint64_t sent[LOCK_KINDS];
	bool apart[WORLD_NODES]; /* by client: somebody else drives it, and takes these */
	struct flight inbox[WORLD_NODES][64];
	uint32_t inbox_count[WORLD_NODES];
	uint64_t *fence; /* by lock: the greatest token of a writer */
	uint32_t events;
	struct lock_event *event; /* by client and lock: the last one */
	uint32_t life;
};

struct world *world_new(uint32_t groups, uint32_t locks, uint32_t participants);
void world_start(struct world *w); /* after the tables were changed to taste */
struct world *world_begun(
	struct world *w); /* started, every group serving, everybody joined: itself */
void world_free(struct world *w);

uint64_t world_clock(const struct world *w, uint32_t node);
uint16_t world_node_of(uint32_t client);
uint64_t world_clock_of(const struct world *w, uint32_t client);
void world_step(struct world *w);
void world_run(struct world *w, uint64_t duration_ns);

/* What a client that is driven from outside does: send, and receive the oldest that came. */
void world_post(struct world *w, uint16_t from, const struct lock_envelope *e);
bool world_fetch(struct world *w, uint32_t client, struct flight *f);

/* Run until it is so, for 100 ms at most. */
void world_until_serving(struct world *w, uint32_t group);
void world_until_joined(struct world *w);
void world_until(struct world *w, uint32_t client, uint32_t lock, enum lock_own_state state);

struct lock_server *world_leader(struct world *w, uint32_t group); /* that serves, or null */
void world_crash(struct world *w, uint32_t node);
void world_revive(struct world *w, uint32_t node, bool memory);

struct lock_own *world_own(struct world *w, uint32_t client, uint32_t lock);
enum lock_status world_ask(struct world *w, uint32_t client, uint32_t lock, enum lock_mode mode);
enum lock_status world_release(struct world *w, uint32_t client, uint32_t lock);
bool world_holds(struct world *w, uint32_t client, uint32_t lock, enum lock_mode mode);

/* Whether the client sees a value of just this byte. */
bool world_sees(struct world *w, uint32_t client, uint32_t lock, uint8_t byte);

/* Ask and wait until it is granted. */
void world_take(struct world *w, uint32_t client, uint32_t lock, enum lock_mode mode);
void world_give(struct world *w, uint32_t client, uint32_t lock);

/* Ask, and let the request arrive: it waits. */
void world_queue_up(struct world *w, uint32_t client, uint32_t lock, enum lock_mode mode);

/* As the client might have said: it holds the lock for writing, by token 1. */
struct lock_message world_report_of(const struct world *w, uint32_t client, uint32_t lock);

/* Cut a node off from all others, or join it to them again. */
void world_isolate(struct world *w, uint32_t node, bool cut);

#endif
