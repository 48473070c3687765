/*
 * What the files of the client share: how its links are numbered, and its parts. Own locks and members are
 * counted from the participant's first here.
 */
#ifndef LOCKD_CLIENT_H
#define LOCKD_CLIENT_H

#include <mullion/lock_client.h>
#include <mullion/lock_modes.h>
#include <mullion/lock_rules.h>

/* What is rarely done is kept out of the way of what is done for every lock, which calls as little as can be. */
#define COLD __attribute__((noinline, cold))
#define HOT  inline __attribute__((always_inline))

/* Messages due of a membership. */
#define OUT_HELLO  0x1u
#define OUT_REPORT 0x2u
#define OUT_BEAT   0x4u

/* Marks of an own lock. */
#define MARK_USED  0x1u  /* the program has it; else it is only cached */
#define MARK_TOLD  0x2u  /* another wants it */
#define MARK_KNOWN 0x4u  /* the value was learned or written in this life */
#define MARK_VALID 0x8u  /* and is valid */
#define MARK_DIRTY 0x10u /* and was written, which the leader does not know */
#define MARK_QUIET 0x20u /* the release under way is not the program's */

#define TOKEN_COUNTER_BITS 40u

/*
 * Links: the ends of the outbox, of the events and of the ranks; four of each own lock, of which
 * one is spare, so that a link tells its lock by a shift; the ends of the rings of operations that wait for an
 * answer, one of each membership. An operation is either due to be sent, in the outbox, or waits: its turn.
 */
#define OUT_END        0u
#define EVENT_END      1u
#define RANK_END       2u
#define FIRST_OWN_LINK 3u
#define OWN_LINKS      4u

static inline uint32_t turn_link(const uint32_t own)
{
	return FIRST_OWN_LINK + OWN_LINKS * own;
}

static inline uint32_t event_link(const uint32_t own)
{
	return FIRST_OWN_LINK + OWN_LINKS * own + 1;
}

static inline uint32_t rank_link(const uint32_t own)
{
	return FIRST_OWN_LINK + OWN_LINKS * own + 2;
}

static inline uint32_t own_of_link(const uint32_t link)
{
	return (link - FIRST_OWN_LINK) / OWN_LINKS;
}

static inline uint32_t timer_end(const struct lock_client *const c, const uint32_t membership)
{
	return FIRST_OWN_LINK + OWN_LINKS * c->owns + membership;
}

static inline uint32_t member_of(const struct lock_client *const c, const uint32_t membership)
{
	return c->tables->participant_members[c->participant->first_member + membership];
}

static inline const struct lock_member *member_row(
	const struct lock_client *const c, const uint32_t membership)
{
	return &c->tables->member[member_of(c, membership)];
}

static inline const struct lock_group *group_row(
	const struct lock_client *const c, const uint32_t membership)
{
	return &c->tables->group[member_row(c, membership)->group];
}

/* An operation that has just begun is due. */
static inline void lockd_client_begin(struct lock_client *const c, const uint32_t own)
{
	c->storage.owns[own].due = true;
	lock_links_insert(c->storage.links, turn_link(own), OUT_END);
}

/* Every way out of receiving counts why, once. */
static inline enum lock_reason lockd_client_count(
	struct lock_client *const c, const enum lock_reason reason)
{
	c->counts[reason]++;
	return reason;
}

/* Whether its session lives; if not, nobody may have noticed yet. */
static inline bool lockd_client_lives(
	const struct lock_client *const c, const uint32_t membership, const uint64_t now_ns)
{
	const struct lock_membership *const m = &c->storage.memberships[membership];

	return m->state == LOCK_JOINED && !lock_rule_session_over(now_ns, m->end_ns);
}

static HOT void lockd_client_tell(
	struct lock_client *const c, const uint32_t own, const uint8_t events)
{
	struct lock_own *const o = &c->storage.owns[own];
	const bool due = o->events != 0;

	o->events |= events;
	if (!due)
		lock_links_insert(c->storage.links, event_link(own), EVENT_END);
}

/* The operation under way is over. Where it ends without what it wanted, its rank is for the caller to settle. */
static HOT void lockd_client_finish(
	struct lock_client *const c, const uint32_t own, const uint8_t state, const uint8_t status)
{
	struct lock_own *const o = &c->storage.owns[own];

	o->state = state;
	o->status = status;
	o->wanted = LOCK_NONE;
	o->due = false;
	lock_links_remove(c->storage.links, turn_link(own));
	if (o->marks & MARK_QUIET)
		o->marks ^= MARK_QUIET;
	else
		lockd_client_tell(c, own, LOCK_EVENT_DONE);
}

/* client.c */
bool lockd_client_settle(struct lock_client *c, uint32_t membership, uint64_t now_ns);
void lockd_client_due(struct lock_client *c, uint32_t own);
void lockd_client_speak(struct lock_client *c, uint32_t membership, uint8_t what);
void lockd_client_follow(struct lock_client *c, uint32_t membership, uint32_t place);
void lockd_client_rank(struct lock_client *c, uint32_t own);
uint8_t lockd_client_publish(struct lock_own *o);
void lockd_client_give_back(struct lock_client *c, uint32_t own, uint64_t now_ns);

#endif
