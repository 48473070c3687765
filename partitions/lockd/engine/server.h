/*
 * What the files of the server share: how its links are numbered, and its parts. Slots, members and locks are
 * counted from the group's first here.
 */
#ifndef LOCKD_SERVER_H
#define LOCKD_SERVER_H

#include <mullion/lock_modes.h>
#include <mullion/lock_rules.h>
#include <mullion/lock_server.h>

/* What is rarely done is kept out of the way of what is done for every lock. */
#define COLD __attribute__((noinline, cold))

/* What is done for each of them, and what is done often, but not there. */
#define HOT   inline __attribute__((always_inline))
#define APART __attribute__((noinline))

/* A door through which most messages go: all that is not apart is made a part of it. */
#define DOOR __attribute__((flatten))

/* Messages due: to a slot, and to a member. */
#define OUT_GRANT    0x1u
#define OUT_REFUSE   0x2u
#define OUT_RELEASED 0x4u
#define OUT_BLOCKING 0x8u
#define OUT_ANSWERS  (OUT_GRANT | OUT_REFUSE | OUT_RELEASED)
#define OUT_ALL      (OUT_ANSWERS | OUT_BLOCKING)

#define OUT_WELCOME 0x1u
#define OUT_ACK     0x2u
#define OUT_EPOCH   0x4u

/* Marks of a place. */
#define MARK_REPORTED 0x1u /* its report came */
#define MARK_KNOWN    0x2u /* and knew the value */
#define MARK_OVER     0x4u /* found over its budget */
#define MARK_TOLD     0x8u /* told that it blocks */
#define MARK_NOQUEUE  0x10u

/* Ends of a lock's queues: conversions, holders, and one per batch and priority. */
#define END_CONVERT 0u
#define END_HOLDERS 1u
#define END_BATCHES 2u

/* In a phase-fair lock, the first two of the first batch. */
#define END_READERS END_BATCHES
#define END_WRITERS (END_BATCHES + 1u)

#define NOBODY UINT32_MAX

/* Tokens have the epoch above their counter. */
#define TOKEN_COUNTER_BITS 40u
#define TOKEN_COUNTER_MOST ((1ull << TOKEN_COUNTER_BITS) - 1u)
#define EPOCH_MOST         ((1u << (64u - TOKEN_COUNTER_BITS)) - 1u)

/*
 * Links: the ends of the outbox and of the list of leases, three of each slot, two of each member, and the ends of
 * each lock's queues.
 */
#define OUT_END         0u
#define LEASE_END       1u
#define FIRST_SLOT_LINK 2u
#define SLOT_LINKS      3u
#define MEMBER_LINKS    2u

/*@ logic integer its_wait(integer slot) = FIRST_SLOT_LINK + SLOT_LINKS * slot;
    logic integer its_hold(integer slot) = FIRST_SLOT_LINK + SLOT_LINKS * slot + 1;
    logic integer its_out(integer slot) = FIRST_SLOT_LINK + SLOT_LINKS * slot + 2;
*/

/*@ requires its_out(slot) <= UINT32_MAX;
    assigns \nothing;
    ensures \result == its_wait(slot);
*/
static inline uint32_t wait_link(const uint32_t slot)
{
	return FIRST_SLOT_LINK + SLOT_LINKS * slot;
}

/*@ requires its_out(slot) <= UINT32_MAX;
    assigns \nothing;
    ensures \result == its_hold(slot);
*/
static inline uint32_t hold_link(const uint32_t slot)
{
	return FIRST_SLOT_LINK + SLOT_LINKS * slot + 1;
}

/*@ requires its_out(slot) <= UINT32_MAX;
    assigns \nothing;
    ensures \result == its_out(slot);
*/
static inline uint32_t place_out_link(const uint32_t slot)
{
	return FIRST_SLOT_LINK + SLOT_LINKS * slot + 2;
}

/*@ requires FIRST_SLOT_LINK <= link;
    assigns \nothing;
    ensures its_wait(\result) <= link <= its_out(\result);
*/
static inline uint32_t slot_of_link(const uint32_t link)
{
	return (link - FIRST_SLOT_LINK) / SLOT_LINKS;
}

static inline uint32_t lease_link(const struct lock_server *const s, const uint32_t member)
{
	return s->first_lease + MEMBER_LINKS * member;
}

static inline uint32_t session_out_link(const struct lock_server *const s, const uint32_t member)
{
	return s->first_lease + MEMBER_LINKS * member + 1;
}

static inline uint32_t member_of_link(const struct lock_server *const s, const uint32_t link)
{
	return (link - s->first_lease) / MEMBER_LINKS;
}

/*@ requires \valid_read(s);
    requires s->first_end + LOCK_ENDS * lock + which <= UINT32_MAX;
    assigns \nothing;
    ensures \result == s->first_end + LOCK_ENDS * lock + which;
*/
static inline uint32_t end_link(
	const struct lock_server *const s, const uint32_t lock, const uint32_t which)
{
	return s->first_end + LOCK_ENDS * lock + which;
}

/*@ requires \valid_read(s) && \valid_read(s->tables) && \valid_read(s->group);
    assigns \nothing;
    ensures \result == s->tables->lock + (uint32_t)(s->group->first_lock + lock);
*/
static inline const struct lock_lock *lock_row(
	const struct lock_server *const s, const uint32_t lock)
{
	return &s->tables->lock[s->group->first_lock + lock];
}

/*@ requires \valid_read(s) && \valid_read(s->tables) && \valid_read(s->group);
    assigns \nothing;
    ensures \result == s->tables->slot + (uint32_t)(s->group->first_slot + slot);
*/
static inline const struct lock_sharer *slot_row(
	const struct lock_server *const s, const uint32_t slot)
{
	return &s->tables->slot[s->group->first_slot + slot];
}

static inline const struct lock_member *member_row(
	const struct lock_server *const s, const uint32_t member)
{
	return &s->tables->member[s->group->first_member + member];
}

/*@ predicate readable(struct lock_server *s, integer slot) =
      \valid_read(s) && \valid_read(s->storage.places + slot);

    logic integer its_lock(struct lock_server *s, integer slot) = s->storage.places[slot].lock;
*/

/* How many slots there are is known to the proofs only. */
/*@ ghost extern uint32_t lock_slots_count; */

/*
 * What is kept of a slot whatever it is to be told. in_line: places and links are objects of their own, the rings are
 * well formed, and the slot that is due is in no ring of those that are to be told. linked: nor is one that is not.
 * telling: that is so of all slots. silent_elsewhere: none but the slot and the one that was due is in a ring now that was in none.
 * as_queued: where it waits or holds, or its lock's last holder does, nothing that was in no queue is in one now.
 */
/*@ predicate alone(struct lock_server *s, integer link) =
      s->storage.links[link].next == link && s->storage.links[link].prev == link;

    predicate in_line(struct lock_server *s) =
      \valid(s) && \valid(s->storage.places + (0 .. lock_slots_count - 1)) &&
      \valid(s->storage.links + (0 .. lock_links_count - 1)) &&
      \base_addr(s) != \base_addr(s->storage.places) &&
      \base_addr(s) != \base_addr(s->storage.links) &&
      \base_addr(s->storage.places) != \base_addr(s->storage.links) &&
      FIRST_SLOT_LINK + SLOT_LINKS * lock_slots_count <= lock_links_count &&
      well_formed(s->storage.links, lock_links_count) &&
      (s->due != LOCK_NO_SLOT ==> 0 <= s->due < lock_slots_count &&
        s->storage.places[s->due].out != 0 && alone(s, its_out(s->due)));

    predicate linked(struct lock_server *s, integer slot) =
      in_line(s) && slot < lock_slots_count &&
      (s->storage.places[slot].out == 0 ==> alone(s, its_out(slot)));

    predicate same_links{A, B}(struct lock_server *s) =
      \at(s->storage.links, A) == \at(s->storage.links, B) &&
      \forall integer i; 0 <= i < \at(lock_links_count, A) ==>
        \at(s->storage.links[i].next, A) == \at(s->storage.links[i].next, B) &&
        \at(s->storage.links[i].prev, A) == \at(s->storage.links[i].prev, B);

    logic integer its_holder(struct lock_server *s, integer slot) =
      s->storage.locks[s->storage.places[slot].lock].holder;

    predicate silent_elsewhere{A, B}(struct lock_server *s, integer slot) =
      \forall integer i;
        FIRST_SLOT_LINK <= i < FIRST_SLOT_LINK + SLOT_LINKS * \at(lock_slots_count, A) &&
        !(its_wait(slot) <= i <= its_out(slot)) && i != its_out(\at(s->due, A)) &&
        alone{A}(s, i) ==> alone{B}(s, i);

    predicate telling(struct lock_server *s) =
      in_line(s) && \forall integer k; 0 <= k < lock_slots_count ==>
        s->storage.places[k].held <= LOCK_NONE &&
        (s->storage.places[k].out == 0 ==> alone(s, its_out(k)));

    predicate kept_apart{A, B}(struct lock_server *s, integer holder) =
      0 <= holder < \at(lock_slots_count, A) && alone{A}(s, its_hold(holder)) ==>
        alone{B}(s, its_hold(holder));

    predicate as_queued{A, B}(struct lock_server *s, integer slot) =
      (alone{A}(s, its_wait(slot)) ==> alone{B}(s, its_wait(slot))) &&
      (alone{A}(s, its_hold(slot)) ==> alone{B}(s, its_hold(slot))) &&
      kept_apart{A, B}(s, its_holder{A}(s, slot));
*/

/*
 * What every transition of a slot keeps. whole: it is linked, its lock is an object of its own, and where it does
 * not wait, or hold above NL, it is in no such queue. counted: the holders of its lock agree, and it is one
 * of them if it holds. moved: the counts of its lock changed by just what the slot holds, so that they stay
 * what a count of all slots would find. same_lock: it is the same lock, with as many holders.
 */
/*@ predicate owned(struct lock_server *s, integer slot) =
      \valid(s->storage.locks + its_lock(s, slot)) &&
      \base_addr(s) != \base_addr(s->storage.locks) &&
      \base_addr(s->storage.places) != \base_addr(s->storage.locks) &&
      \base_addr(s->storage.links) != \base_addr(s->storage.locks);

    predicate numbered(struct lock_server *s, integer slot) =
      FIRST_SLOT_LINK + SLOT_LINKS * lock_slots_count <= s->first_end &&
      s->first_end + LOCK_ENDS * (its_lock(s, slot) + 1) <= lock_links_count;

    predicate above_nl(integer mode) = mode != LOCK_NONE && mode != LOCK_NL;

    predicate waits_or_alone(struct lock_server *s, integer slot) =
      s->storage.places[slot].wanted == LOCK_NONE ==> alone(s, its_wait(slot));

    predicate unlisted(struct lock_server *s, integer slot) =
      alone(s, its_hold(slot)) && its_holder(s, slot) != slot;

    predicate holds_or_alone(struct lock_server *s, integer slot) =
      !above_nl(s->storage.places[slot].held) ==> unlisted(s, slot);

    predicate last_apart(struct lock_server *s, integer slot) =
      its_holder(s, slot) != LOCK_NO_SLOT ==>
        0 <= its_holder(s, slot) < lock_slots_count && alone(s, its_hold(its_holder(s, slot)));

    predicate whole(struct lock_server *s, integer slot) =
      linked(s, slot) && owned(s, slot) && numbered(s, slot) && waits_or_alone(s, slot) &&
      holds_or_alone(s, slot) && last_apart(s, slot);

    logic integer holders(struct lock_server *s, integer slot, integer mode) =
      s->storage.locks[its_lock(s, slot)].held[mode];

    predicate same_lock{A, B}(struct lock_server *s, integer slot) =
      its_lock{A}(s, slot) == its_lock{B}(s, slot) &&
      \at(s->first_end, A) == \at(s->first_end, B) &&
      \forall integer a; is_mode(a) ==> holders{A}(s, slot, a) == holders{B}(s, slot, a);

    predicate agreed(struct lock_server *s, integer slot) =
      all_agree(&s->storage.locks[its_lock(s, slot)].held[0]);

    predicate counted(struct lock_server *s, integer slot) =
      agreed(s, slot) && s->storage.places[slot].held <= LOCK_NONE &&
      (\forall integer a; is_mode(a) ==> holders(s, slot, a) < UINT32_MAX) &&
      (s->storage.places[slot].held != LOCK_NONE ==>
        holders(s, slot, s->storage.places[slot].held) > 0);

    predicate shifted{A, B}(struct lock_server *s, integer slot, integer from, integer to) =
      \forall integer a; is_mode(a) ==>
        holders{B}(s, slot, a) - (a == to ? 1 : 0) == holders{A}(s, slot, a) - (a == from ? 1 : 0);

    predicate moved{A, B}(struct lock_server *s, integer slot) =
      shifted{A, B}(s, slot, \at(s->storage.places[slot].held, A),
        \at(s->storage.places[slot].held, B));
*/

/*@ requires readable(s, slot);
    assigns \nothing;
    ensures \result == its_lock(s, slot);
*/
static inline uint32_t lock_of(const struct lock_server *const s, const uint32_t slot)
{
	return s->storage.places[slot].lock;
}

static inline uint32_t member_of(const struct lock_server *const s, const uint32_t slot)
{
	return (uint32_t)(s->storage.places[slot].session - s->storage.sessions);
}

static inline bool leads(const struct lock_server *const s)
{
	return s->phase >= LOCK_COLLECTING;
}

/* How a message begins: kind, modes held and wanted, flags. */
#define HEAD(kind, held, wanted, flags)                                                            \
	((uint32_t)(kind) | (uint32_t)(held) << 8 | (uint32_t)(wanted) << 16 |                     \
		(uint32_t)(flags) << 24)

/* Nothing is held, and nothing asked for. */
static HOT bool lockd_is_idle(const struct lock_place *const p)
{
	return lock_word32(&p->kind) == HEAD(0, LOCK_NONE, LOCK_NONE, 0);
}

/* A request, where nothing is held, for what keeps others waiting. */
static HOT bool lockd_asks_anew(const struct lock_message *const m)
{
	return (lock_word32(&m->kind) & HEAD(0xff, 0xff, 0, (uint8_t)~LOCK_FLAG_NOQUEUE)) ==
		       HEAD(LOCK_REQUEST, LOCK_NONE, 0, 0) &&
	       m->wanted - (LOCK_NL + 1u) < LOCK_NONE - (LOCK_NL + 1u);
}

/* The release of just what is held, under its token; without a value. */
static HOT bool lockd_gives_back(
	const struct lock_place *const p, const struct lock_message *const m)
{
	return (lock_word32(&m->kind) ^ lock_word32(&p->kind)) == HEAD(LOCK_RELEASE, 0, 0, 0) &&
	       p->wanted == LOCK_NONE && lock_rule_token(p->token, m->token);
}

/* Every way out of receiving counts why, once. */
static inline enum lock_reason lockd_count(
	struct lock_server *const s, const enum lock_reason reason)
{
	s->counts[reason]++;
	return reason;
}

/* tabled: its rows are there, apart from what changes, and the batch that is served is one of the two. */
/*@ logic struct lock_lock *row_of_lock(struct lock_server *s, integer slot) =
      s->tables->lock + (uint32_t)(s->group->first_lock + its_lock(s, slot));

    logic struct lock_sharer *row_of_slot(struct lock_server *s, integer slot) =
      s->tables->slot + (uint32_t)(s->group->first_slot + slot);

    predicate tabled(struct lock_server *s, integer slot) =
      \valid_read(s->tables) && \valid_read(s->group) &&
      \valid_read(row_of_lock(s, slot)) && \valid_read(row_of_slot(s, slot)) &&
      row_of_slot(s, slot)->priority < LOCK_PRIORITIES &&
      s->storage.locks[its_lock(s, slot)].batch <= 1 &&
      \base_addr(s->tables) != \base_addr(s) &&
      \base_addr(s->tables) != \base_addr(s->storage.places) &&
      \base_addr(s->tables) != \base_addr(s->storage.locks) &&
      \base_addr(s->tables) != \base_addr(s->storage.links) &&
      \base_addr(s->group) != \base_addr(s) &&
      \base_addr(s->group) != \base_addr(s->storage.places) &&
      \base_addr(s->group) != \base_addr(s->storage.locks) &&
      \base_addr(s->group) != \base_addr(s->storage.links) &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s) &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s->storage.places) &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s->storage.locks) &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s->storage.links);
*/

/* grant.c: who holds and who waits. */
/*@ requires whole(s, slot) && tabled(s, slot);
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
void lockd_grant_queue(struct lock_server *s, uint32_t slot);
/*@ requires whole(s, slot) && tabled(s, slot);
    requires s->first_lease == FIRST_SLOT_LINK + SLOT_LINKS * lock_slots_count;
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
void lockd_grant_queue_by_age(struct lock_server *s, uint32_t slot);
/*@ requires whole(s, slot) && is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.places[slot].wanted, s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures s->storage.places[slot].wanted == LOCK_NONE;
    ensures alone(s, its_wait(slot));
    ensures same_lock{Pre, Post}(s, slot);
*/
void lockd_grant_unqueue(struct lock_server *s, uint32_t slot);
/*@ requires whole(s, slot) && counted(s, slot);
    requires alone(s, its_wait(slot)) && is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].told,
      s->storage.locks[its_lock(s, slot)].holder,
      s->storage.locks[its_lock(s, slot)].recent, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[slot].held, s->storage.places[slot].wanted,
      s->storage.places[slot].token, s->storage.places[slot].answer,
      s->storage.places[slot].out, s->due, s->speaks, s->storage.places[slot].marks,
      s->storage.places[slot].since_ns, s->token, s->authority_end_ns;
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures \result ==> s->storage.places[slot].held == \old(s->storage.places[slot].wanted) &&
      s->storage.places[slot].wanted == LOCK_NONE;
    ensures !\result ==> s->storage.places[slot].held == \old(s->storage.places[slot].held) &&
      s->storage.places[slot].wanted == \old(s->storage.places[slot].wanted);
*/
bool lockd_grant_alone(struct lock_server *s, uint32_t slot, uint64_t now_ns);
/*@ requires whole(s, slot) && counted(s, slot);
    requires alone(s, its_wait(slot)) && is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].told,
      s->storage.locks[its_lock(s, slot)].holder, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[slot].held, s->storage.places[slot].wanted,
      s->storage.places[slot].token, s->storage.places[slot].answer,
      s->storage.places[slot].out, s->due, s->speaks, s->storage.places[slot].marks,
      s->storage.places[slot].since_ns, s->token, s->authority_end_ns;
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].wanted == LOCK_NONE;
*/
void lockd_grant_now(struct lock_server *s, uint32_t slot, uint64_t now_ns);
/*@ requires whole(s, slot) && counted(s, slot) && is_mode(mode);
    requires s->storage.places[slot].held == LOCK_NONE;
    requires admitted(&s->storage.locks[its_lock(s, slot)].held[0], mode);
    assigns s->storage.locks[its_lock(s, slot)].held[mode],
      s->storage.locks[its_lock(s, slot)].holder, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[slot].held,
      s->storage.places[slot].marks, s->storage.places[slot].since_ns;
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held == mode;
*/
void lockd_grant_install(struct lock_server *s, uint32_t slot, uint8_t mode, uint64_t now_ns);
/*@ requires whole(s, slot) && counted(s, slot);
    requires s->storage.places[slot].wanted <= LOCK_NONE;
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].holder, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[slot].held, s->storage.places[slot].wanted;
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held == LOCK_NONE;
    ensures s->storage.places[slot].wanted == LOCK_NONE;
*/
void lockd_grant_drop(struct lock_server *s, uint32_t slot);
/*@ requires whole(s, slot) && counted(s, slot);
    requires s->storage.places[slot].held != LOCK_NONE;
    requires l == s->storage.locks + its_lock(s, slot);
    assigns l->held[0 .. LOCK_MODES - 1], l->holder,
      s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].held;
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held == LOCK_NONE;
*/
void lockd_grant_drop_hold(struct lock_server *s, struct lock_state *l, uint32_t slot);

/* Where nobody contends: a lock that nobody has above NL is granted, and what is alone held above it given back. */
/*@ requires whole(s, slot) && counted(s, slot);
    requires is_mode(mode) && above_nl(mode);
    requires s->storage.places[slot].held == LOCK_NONE;
    requires l == s->storage.locks + its_lock(s, slot);
    requires admitted(&l->held[0], mode) && l->holder == LOCK_NO_SLOT;
    requires s->due == LOCK_NO_SLOT && s->storage.places[slot].out == 0;
    assigns l->held[mode], l->told, l->holder, l->recent, s->storage.places[slot].held,
      s->storage.places[slot].token, s->storage.places[slot].answer,
      s->storage.places[slot].out, s->due, s->storage.places[slot].marks,
      s->storage.places[slot].since_ns, s->token, s->authority_end_ns;
    ensures whole(s, slot) && agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held == mode;
*/
void lockd_grant_free(
	struct lock_server *s, struct lock_state *l, uint32_t slot, uint8_t mode, uint64_t now_ns);
/*@ requires whole(s, slot) && counted(s, slot);
    requires s->storage.places[slot].held != LOCK_NONE;
    requires l == s->storage.locks + its_lock(s, slot) && l->holder == slot;
    requires s->due == LOCK_NO_SLOT && s->storage.places[slot].out == 0;
    assigns l->held[0 .. LOCK_MODES - 1], l->holder, s->storage.places[slot].held,
      s->storage.places[slot].out, s->due;
    ensures whole(s, slot) && agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held == LOCK_NONE;
*/
void lockd_grant_leave(struct lock_server *s, struct lock_state *l, uint32_t slot);
int32_t lockd_grant_oldest(const struct lock_server *s, uint32_t lock);
void lockd_grant_hold_last(struct lock_server *s, uint32_t slot);
void lockd_grant_pass(struct lock_server *s, uint32_t lock, uint64_t now_ns);
void lockd_grant_tell_again(struct lock_server *s, uint32_t lock, uint64_t now_ns);

/* outbox.c */
/*@ requires linked(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out, s->due,
      s->speaks;
    ensures linked(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
    ensures silent_elsewhere{Pre, Post}(s, slot);
*/
void lockd_outbox_blocking(struct lock_server *s, uint32_t slot);
/*@ requires linked(s, slot) && what != 0;
    requires s->due == LOCK_NO_SLOT && s->storage.places[slot].out == 0;
    assigns s->storage.places[slot].out, s->due;
    ensures linked(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
*/
void lockd_outbox_alone(struct lock_server *s, uint32_t slot, uint8_t what);
/*@ requires linked(s, slot) && what != 0;
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out, s->due,
      s->speaks;
    ensures linked(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
*/
void lockd_outbox_answer(struct lock_server *s, uint32_t slot, uint8_t what);
/*@ requires linked(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out, s->due,
      s->speaks;
    ensures linked(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
*/
void lockd_outbox_forget(struct lock_server *s, uint32_t slot, uint8_t what);
void lockd_outbox_session(struct lock_server *s, uint32_t member, uint8_t what);

/*
 * operations.c: what clients ask of a slot. Whether nobody contends, and so it is done: what is asked for in
 * lockd_asks_anew, on an idle slot, and lockd_gives_back; and whatever it is, counted.
 */
/*@ requires whole(s, slot) && counted(s, slot) && \valid_read(m);
    requires s->storage.places[slot].state == s->storage.locks + its_lock(s, slot);
    requires \base_addr(m) != \base_addr(s->storage.places);
    requires s->storage.places[slot].held == LOCK_NONE;
    requires is_mode(m->wanted) && above_nl(m->wanted);
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].told, s->storage.locks[its_lock(s, slot)].holder,
      s->storage.locks[its_lock(s, slot)].recent, s->storage.places[slot].sequence,
      s->storage.places[slot].held, s->storage.places[slot].token,
      s->storage.places[slot].answer, s->storage.places[slot].out, s->due,
      s->storage.places[slot].marks, s->storage.places[slot].since_ns, s->token,
      s->authority_end_ns;
    ensures whole(s, slot) && agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures \result ==> s->storage.places[slot].held == \old(m->wanted);
    ensures !\result ==> s->storage.places[slot].held == LOCK_NONE;
*/
bool lockd_operation_request(
	struct lock_server *s, uint32_t slot, const struct lock_message *m, uint64_t now_ns);
/*@ requires whole(s, slot) && counted(s, slot) && \valid_read(m);
    requires s->storage.places[slot].state == s->storage.locks + its_lock(s, slot);
    requires s->storage.places[slot].held != LOCK_NONE;
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].holder, s->storage.places[slot].sequence,
      s->storage.places[slot].answer, s->storage.places[slot].held,
      s->storage.places[slot].out, s->due;
    ensures whole(s, slot) && agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held ==
      (\result ? LOCK_NONE : \old(s->storage.places[slot].held));
*/
bool lockd_operation_release(struct lock_server *s, uint32_t slot, const struct lock_message *m);
enum lock_reason lockd_operation_receive(
	struct lock_server *s, uint32_t slot, const struct lock_message *m, uint64_t now_ns);
/*@ requires whole(s, slot) && counted(s, slot);
    requires s->storage.places[slot].wanted <= LOCK_NONE;
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].waiting, s->storage.locks[its_lock(s, slot)].valid,
      s->storage.locks[its_lock(s, slot)].holder,
      s->storage.locks[its_lock(s, slot)].version, s->storage.places[slot].held,
      s->storage.places[slot].wanted, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.places[slot].marks, s->storage.places[slot].sequence,
      s->storage.places[slot].answer, s->token, s->authority_end_ns,
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot) && agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held == LOCK_NONE;
    ensures s->storage.places[slot].wanted == LOCK_NONE;
*/
void lockd_operation_abandon(struct lock_server *s, uint32_t slot);
/*@ requires \valid(s);
    assigns s->token, s->authority_end_ns;
*/
uint64_t lockd_operation_token(struct lock_server *s);

/*
 * A conversion as it was reported to a new leader, after all were: refused if another one waits for what this
 * slot holds. Each of them may have been sent when nobody could know of the other.
 */
/*@ requires whole(s, slot) && counted(s, slot) && tabled(s, slot);
    requires s->storage.places[slot].wanted <= LOCK_NONE;
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.places[slot].wanted, s->storage.places[slot].answer,
      s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
void lockd_operation_untangle(struct lock_server *s, uint32_t slot);

/* session.c: who is there. */
enum lock_reason lockd_session_hello(
	struct lock_server *s, uint32_t member, const struct lock_message *m, uint64_t now_ns);
enum lock_reason lockd_session_beat(
	struct lock_server *s, uint32_t member, const struct lock_message *m, uint64_t now_ns);
void lockd_session_renew(struct lock_server *s, uint32_t member, uint64_t now_ns);
bool lockd_session_tick(struct lock_server *s, uint64_t now_ns);

/* rebuild.c: from a new epoch to service. */
enum lock_reason lockd_rebuild_report(
	struct lock_server *s, uint32_t slot, const struct lock_message *m, uint64_t now_ns);
bool lockd_rebuild_tick(struct lock_server *s, uint64_t now_ns);
bool lockd_rebuild_clear(struct lock_server *s);
void lockd_rebuild_start(struct lock_server *s, uint64_t now_ns);

/* election.c: who leads. */
enum lock_reason lockd_election_receive(
	struct lock_server *s, uint32_t place, const struct lock_message *m, uint64_t now_ns);
bool lockd_election_tick(struct lock_server *s, uint64_t now_ns);
bool lockd_election_send(struct lock_server *s, uint64_t now_ns, struct lock_envelope *envelope);

#endif
