/*
 * What the files of the client share: how its links are numbered, and its parts. Own locks and members are
 * counted from the participant's first here.
 */
#ifndef LOCKD_CLIENT_H
#define LOCKD_CLIENT_H

#include <mullion/lock_client.h>
#include <mullion/lock_modes.h>
#include <mullion/lock_rules.h>

/* Messages due: of an own lock, and of a membership. */
#define OUT_OPERATION 0x1u
#define OUT_CANCEL    0x2u

#define OUT_HELLO  0x1u
#define OUT_REPORT 0x2u
#define OUT_BEAT   0x4u

/* Marks of an own lock. */
#define MARK_USED   0x1u  /* the program has it; else it is only cached */
#define MARK_TOLD   0x2u  /* another wants it */
#define MARK_KNOWN  0x4u  /* the value was learned or written in this life */
#define MARK_VALID  0x8u  /* and is valid */
#define MARK_DIRTY  0x10u /* and was written, which the leader does not know */
#define MARK_CANCEL 0x20u /* the request under way is given up */
#define MARK_QUIET  0x40u /* the release under way is not the program's */

#define TOKEN_COUNTER_BITS 40u

static inline uint32_t owns(const struct lock_client *const c)
{
	return c->participant->owns;
}

static inline uint32_t out_link(const uint32_t own)
{
	return own;
}

static inline uint32_t timer_link(const struct lock_client *const c, const uint32_t own)
{
	return owns(c) + own;
}

static inline uint32_t event_link(const struct lock_client *const c, const uint32_t own)
{
	return 2 * owns(c) + own;
}

static inline uint32_t rank_link(const struct lock_client *const c, const uint32_t own)
{
	return 3 * owns(c) + own;
}

static inline uint32_t out_end(const struct lock_client *const c)
{
	return 4 * owns(c);
}

static inline uint32_t event_end(const struct lock_client *const c)
{
	return 4 * owns(c) + 1;
}

static inline uint32_t rank_end(const struct lock_client *const c)
{
	return 4 * owns(c) + 2;
}

static inline uint32_t timer_end(const struct lock_client *const c, const uint32_t membership)
{
	return 4 * owns(c) + 3 + membership;
}

static inline uint32_t slot_of(const struct lock_client *const c, const uint32_t own)
{
	return c->tables->own_slots[c->participant->first_own + own];
}

static inline const struct lock_lock *lock_row(
	const struct lock_client *const c, const uint32_t own)
{
	return &c->tables->lock[c->tables->slot[slot_of(c, own)].lock];
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

/* client.c */
bool lockd_client_settle(struct lock_client *c, uint32_t membership, uint64_t now_ns);
void lockd_client_due(struct lock_client *c, uint32_t own, uint8_t what);
void lockd_client_tell(struct lock_client *c, uint32_t own, uint8_t events);
void lockd_client_finish(struct lock_client *c, uint32_t own, uint8_t state, uint8_t status);
void lockd_client_rank(struct lock_client *c, uint32_t own);
uint8_t lockd_client_publish(struct lock_own *o);
void lockd_client_give_back(struct lock_client *c, uint32_t own, uint64_t now_ns);

#endif
