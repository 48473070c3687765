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

/* And what is done often, but not where nobody contends. */
#define APART __attribute__((noinline))

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

#define UNMARKED UINT32_MAX /* no slot: the leader was not told to ask on */

/*
 * Links: the ends of the outbox, of the events and of the ranks; four of each own lock, of which
 * one is spare, so that a link tells its lock by a shift; the ends of the rings of operations that wait for an
 * answer, one of each membership. An operation is either due to be sent, in the outbox, or waits: its turn.
 * The first of the outbox, of the events and of those that wait (struct lock_turns), and the highest of the ranks,
 * are in no ring.
 */
#define OUT_END        0u
#define EVENT_END      1u
#define RANK_END       2u
#define FIRST_OWN_LINK 3u
#define OWN_LINKS      4u

/* client.c */
bool lockd_client_settle(struct lock_client *c, uint32_t membership, uint64_t now_ns);
void lockd_client_due(struct lock_client *c, uint32_t own);
void lockd_client_speak(struct lock_client *c, uint32_t membership, uint8_t what);
void lockd_client_follow(struct lock_client *c, uint32_t membership, uint32_t place);
void lockd_client_rank(struct lock_client *c, uint32_t own);
uint8_t lockd_client_publish(struct lock_own *o);
void lockd_client_give_back(struct lock_client *c, uint32_t own);

/* client_turns.c: where more than one waits for its turn. */
APART enum lock_status lockd_client_begin_behind(struct lock_client *c, struct lock_own *o);
APART bool lockd_client_wait_behind(struct lock_client *c, struct lock_own *o);
APART void lockd_client_tell_behind(struct lock_client *c, struct lock_own *o, uint8_t events);
APART void lockd_client_unqueue_one(struct lock_client *c, struct lock_own *o);
APART void lockd_client_next_due(struct lock_client *c);
APART void lockd_client_next_event(struct lock_client *c);
APART void lockd_client_climb_above(struct lock_client *c, uint32_t own);
APART void lockd_client_step_down(struct lock_client *c, uint32_t own);
extern const struct lock_own lockd_client_nobody;

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

/* With an event of the first lock that has some: others have, too. */
#define EVENT_MORE 0x80u

/* States in which an operation is under way are odd. */
_Static_assert((LOCK_WAITING & LOCK_RELEASING & 1) && !((LOCK_IDLE | LOCK_HOLDING) & 1), "odd");

static inline bool under_way(const struct lock_own *const o)
{
	return o->state & 1u;
}

/*
 * How an answer begins: its kind, and the modes held and wanted; flags are to be taken out. No message begins as
 * NO_ANSWER: none is awaited, or it is to be judged like any message.
 */
#define NO_ANSWER    UINT32_MAX
#define ANSWER_FLAGS ((uint32_t)LOCK_FLAG_INVALID << 24)

static inline uint32_t answer_of(const uint8_t kind, const uint32_t held)
{
	return kind | held << 8 | (uint32_t)LOCK_NONE << 16;
}

/* An operation that has just begun is due: it is pending. */
static HOT enum lock_status lockd_client_begin(
	struct lock_client *const c, struct lock_own *const o)
{
	if (c->due.first)
		return lockd_client_begin_behind(c, o);
	c->due.first = o;
	return LOCK_PENDING;
}

/* It is released, its value told with `flags`. `answer`: how the leader's begins, if it may be taken at once. */
static HOT enum lock_status lockd_client_give(struct lock_client *const c, struct lock_own *const o,
	const uint8_t flags, const uint32_t answer)
{
	o->sequence++;
	o->state = LOCK_RELEASING;
	o->kind = LOCK_RELEASE;
	o->flags = flags;
	o->answer = answer;
	return lockd_client_begin(c, o);
}

/* From where it waits for its turn or its answer. */
static inline void lockd_client_unqueue(struct lock_client *const c, struct lock_own *const o)
{
	struct lock_turns *const waiting = &o->session->waiting;

	if (waiting->first == o && waiting->more == 0)
		waiting->first = NULL;
	else
		lockd_client_unqueue_one(c, o);
}

/* Whether its session lives; if not, nobody may have noticed yet. */
static inline bool lockd_client_lives(
	const struct lock_client *const c, const uint32_t membership, const uint64_t now_ns)
{
	const struct lock_membership *const m = &c->storage.memberships[membership];

	return m->state == LOCK_JOINED && !lock_rule_session_over(now_ns, m->end_ns);
}

/* What is held or asked for is listed by rank; a new one is above all others. */
static inline void lockd_client_climb(struct lock_client *const c, const uint32_t own)
{
	if (c->top == 0)
		c->top = own + 1;
	else
		lockd_client_climb_above(c, own);
}

static inline void lockd_client_tell(
	struct lock_client *const c, struct lock_own *const o, const uint8_t events)
{
	if (c->events.first) {
		lockd_client_tell_behind(c, o, events);
		return;
	}
	c->events.first = o;
	o->events = events;
}

/* The operation under way is over. Where it ends without what it wanted, its rank is for the caller to settle. */
static inline void lockd_client_finish(struct lock_client *const c, struct lock_own *const o,
	const uint8_t state, const uint8_t status)
{
	o->state = state;
	o->status = status;
	o->wanted = LOCK_NONE;
	c->awaited = &lockd_client_nobody;
	lockd_client_unqueue(c, o);
	if (o->marks & MARK_QUIET)
		o->marks ^= MARK_QUIET;
	else
		lockd_client_tell(c, o, LOCK_EVENT_DONE);
}

#endif
