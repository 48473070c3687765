/*
 * The lock service's own engine, thousands of nodes of it, in discrete events from a seed. Invariant: a run is
 * a function of its options; whatever it draws comes from the seed, and time from the events.
 *
 * Participant p is node p; server `place` of group g is node participants + 3 g + place. Participants lie in
 * clusters of `sharers`; those of a cluster share `locks` locks, and have one session, with their cluster's
 * group.
 */
#ifndef LOCKSIM_SIM_H
#define LOCKSIM_SIM_H

#include <mullion/lock_client.h>
#include <mullion/lock_modes.h>
#include <mullion/lock_rules.h>
#include <mullion/lock_server.h>

#include "heap.h"
#include "lock_bound.h"

#define NOBODY UINT32_MAX

enum scenario {
	CALM,        /* no faults, random delays and holds: waits are judged */
	ADVERSARIAL, /* no faults, every delay and hold the longest, all at once: waits are judged */
	LOSSY, /* one message in some is lost, never more than `losses` in a row: waits are judged */
	FAULTS, /* whatever the service survives: crashes, pauses, cuts, losses, repetitions, drift */
	ECHO, /* participants crash again and again, and all they said comes once more, sessions later */
	TWICE, /* two faults at once, also in one group, and many messages late: it may stop, but not be wrong */
	FORGETFUL, /* two of a group's servers forget all at once, while the third one remembers */
};

struct options {
	uint64_t seed;
	enum scenario scenario;
	uint32_t participants, sharers, locks, groups;
	uint32_t operations; /* of each participant */
	uint32_t losses;     /* LOSSY */
	uint8_t discipline;  /* enum lock_discipline */
	uint8_t lock_options;
	uint32_t levels; /* of priority */
	uint32_t reader_percent;
	uint64_t delay_ns, service_ns, hold_ns;
	uint32_t drift_ppm;
	struct lock_timing timing;
};

/* A message on its way, or at a server's door. */
struct flight {
	struct lock_message message;
	uint32_t from, to;
	uint32_t next; /* in a server's queue, or free */
};

/* A node: its clock, its condition, and when it is to look at its timers. */
struct node {
	uint64_t offset_ns, wake_ns;
	int32_t drift_ppm;
	bool down;
	uint64_t paused_until_ns;
};

/* A server's door: one message at a time, each for service_ns. */
struct door {
	uint32_t first, last, length, most;
	bool busy, serving; /* busy also while it sends several */
};

enum phase { RESTING, ASKING, USING, GIVING, OVER };

/* What a participant's program does. */
struct program {
	enum phase phase;
	uint32_t lock; /* own */
	uint32_t left; /* operations */
	bool reader, converting;
	bool writer; /* what it uses it may write */
	bool zombie; /* it lost the lock while it used it, and does not know */
	uint64_t asked_ns, act_ns;
	uint64_t granted_token, bound_ns;
};

struct lock_ledger {
	uint32_t *holders; /* participants that were granted it and are not known to have left */
	uint32_t count;
	uint64_t top[LOCK_MODES]; /* the greatest tokens granted, and to whom */
	uint32_t owner[LOCK_MODES];
	uint64_t accepted; /* the greatest token the resource accepted */
	uint64_t written;  /* the last value somebody tried to leave */
	uint64_t wait_ns, bound_ns;
	uint32_t grants;
};

struct fault {
	uint32_t node; /* or NOBODY */
	enum { CRASH, PAUSE, CUT_BOTH, CUT_IN, CUT_OUT, ISLAND, FAULT_KINDS } kind;
	bool odd_only; /* a cut from nodes of odd numbers only */
	uint64_t end_ns;
	uint64_t next_ns; /* none before */
};

#define FAULTS_AT_ONCE 2u

struct results {
	uint64_t events, messages, slot_messages, operations, grants, faults, lost, failovers;
	uint64_t end_ns, worst_wait_ns, worst_recovery_ns, most_flying, flying;
	double worst_ratio;
};

struct sim {
	struct options options;
	uint64_t random, now_ns;
	struct heap heap;
	struct lock_tables tables;
	struct lock_group *groups;
	struct lock_lock *locks;
	struct lock_sharer *slots;
	struct lock_member *members;
	struct lock_participant *participants;
	uint32_t *member_slots, *own_slots, *participant_members;
	struct lock_server *servers;
	struct lock_client *clients;
	struct node *nodes;
	struct door *doors;
	struct program *programs;
	struct lock_ledger *ledgers;
	uint8_t *streak[2]; /* losses in a row, by slot: to the server, to the client */
	struct flight *flights;
	uint32_t flight_room, flight_free;
	struct fault faults[FAULTS_AT_ONCE];
	uint64_t *leaderless_ns; /* by group: since when its leader is down; 0: it is not */
	uint32_t active, life, instant_events;
	uint64_t value, calm_ns, deadline_ns, patience_ns;
	struct results results;
	char violation[256];
};

static inline bool faulty(const struct sim *sim)
{
	return sim->options.scenario >= FAULTS;
}

static inline bool two_at_once(const struct sim *sim)
{
	return sim->options.scenario >= TWICE;
}

/* clock.c: chance */
uint64_t draw(struct sim *sim);
uint64_t draw_below(struct sim *sim, uint64_t limit); /* limit at least 1 */

/* shape.c: what a seed alone says; options then override it */
void options_from_seed(struct options *options, uint64_t seed);
void options_time(struct options *options); /* the timing that goes with the shape */
bool options_valid(const struct options *options);

/* deploy.c */
void deploy(struct sim *sim);
void deploy_start_server(struct sim *sim, uint32_t server, bool memory);
void deploy_start_client(struct sim *sim, uint32_t p);
void deploy_free(struct sim *sim);

/* clock.c: a node's clock of now, and the first true time at which it shows at least that much */
uint64_t clock_of(const struct sim *sim, uint32_t node);
uint64_t clock_reaches(const struct sim *sim, uint32_t node, uint64_t local_ns);

/* net.c */
void net_send(
	struct sim *sim, uint32_t from, const struct lock_envelope *envelope, uint64_t wait_ns);
void net_free(struct sim *sim, uint32_t flight);

/* nodes.c */
#define WHAT_WAKE    UINT32_MAX
#define WHAT_PROGRAM (UINT32_MAX - 1)
#define WHAT_SERVED  (UINT32_MAX - 2)
#define WHAT_REVIVE  (UINT32_MAX - 3)
void node_event(struct sim *sim, const struct event *event);
void node_turn(struct sim *sim, uint32_t node);
bool is_server(const struct sim *sim, uint32_t node);

/* program.c */
void program_wake(struct sim *sim, uint32_t p);
void program_event(struct sim *sim, uint32_t p, const struct lock_event *event);
void program_lost(struct sim *sim, uint32_t p); /* the participant starts anew */

/* fault.c */
void fault_turn(struct sim *sim);
bool fault_cuts(const struct sim *sim, uint32_t from, uint32_t to);
void fault_revive(struct sim *sim, uint32_t node);

/* judge.c: each notes the first violation */
void judge_grant(struct sim *sim, uint32_t p, uint32_t own);
void judge_write(struct sim *sim, uint32_t p, uint32_t own, uint64_t token);
void judge_wait(struct sim *sim, uint32_t p, uint32_t own);
void judge_server(struct sim *sim, uint32_t server, const struct lock_message *message);
void judge_end(struct sim *sim);
void judge_leader(struct sim *sim, uint32_t group);
uint64_t judge_bound_ns(const struct sim *sim, uint32_t p);
uint64_t judge_recovery_ns(const struct sim *sim, uint32_t group);
void violate(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* run.c: until all is done or something is violated */
void sim_run(struct sim *sim, const struct options *options);
void sim_free(struct sim *sim);

#endif
