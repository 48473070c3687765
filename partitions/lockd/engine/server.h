/*
 * What the files of the server share. Slots, members and locks are counted from the group's first here.
 */
#ifndef LOCKD_SERVER_H
#define LOCKD_SERVER_H

#include <mullion/lock_modes.h>
#include <mullion/lock_rules.h>
#include <mullion/lock_server.h>

#include "invariants.h"

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

/*@ requires \valid_read(s) && s->first_lease + MEMBER_LINKS * member + 1 <= UINT32_MAX;
    assigns \nothing;
    ensures \result == s->first_lease + MEMBER_LINKS * member;
*/
static inline uint32_t lease_link(const struct lock_server *const s, const uint32_t member)
{
	return s->first_lease + MEMBER_LINKS * member;
}

/*@ requires \valid_read(s) && s->first_lease + MEMBER_LINKS * member + 1 <= UINT32_MAX;
    assigns \nothing;
    ensures \result == s->first_lease + MEMBER_LINKS * member + 1;
*/
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

/*@ requires \valid_read(s) && \valid_read(s->tables) && \valid_read(s->group);
    assigns \nothing;
    ensures \result == s->tables->member + (uint32_t)(s->group->first_member + member);
*/
static inline const struct lock_member *member_row(
	const struct lock_server *const s, const uint32_t member)
{
	return &s->tables->member[s->group->first_member + member];
}

/*@ requires readable(s, slot);
    assigns \nothing;
    ensures \result == its_lock(s, slot);
*/
static inline uint32_t lock_of(const struct lock_server *const s, const uint32_t slot)
{
	return s->storage.places[slot].lock;
}

/*@ requires \valid_read(s);
    assigns \result \from s->storage.links;
    ensures \result == s->storage.links;
*/
static inline struct lock_link *links(const struct lock_server *const s)
{
	return s->storage.links;
}

/*@ assigns \nothing;
    ensures \result <==> above_nl(mode);
*/
static inline bool holds_back(const uint8_t mode)
{
	return mode != LOCK_NONE && mode != LOCK_NL;
}

/*@ assigns \nothing; */
static inline bool reads(const uint8_t mode)
{
	return mode == LOCK_CR || mode == LOCK_PR;
}

/*@ requires in_line(s) && link < lock_links_count;
    assigns \nothing;
    ensures \result < lock_links_count;
*/
static inline uint32_t next_link(const struct lock_server *const s, const uint32_t link)
{
	return links(s)[link].next;
}

/*@ requires \valid_read(s);
    assigns \nothing;
    ensures \result <==> FIRST_SLOT_LINK <= link < s->first_lease;
*/
static inline bool is_of_slot(const struct lock_server *const s, const uint32_t link)
{
	return link >= FIRST_SLOT_LINK && link < s->first_lease;
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
/*@ requires \valid(s) && 0 <= reason < LOCK_REASONS;
    assigns s->counts[reason];
    ensures \result == reason;
*/
static inline enum lock_reason lockd_count(
	struct lock_server *const s, const enum lock_reason reason)
{
	s->counts[reason]++;
	return reason;
}

/* grant.c: who holds and who waits. */
/*@ requires whole(s, slot) && tabled(s, slot);
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
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
    ensures elsewhere{Pre, Post}(s, slot);
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
    ensures elsewhere{Pre, Post}(s, slot);
*/
void lockd_grant_unqueue(struct lock_server *s, uint32_t slot);
/*@ requires whole(s, slot) && counted(s, slot);
    requires alone(s, its_wait(slot)) && is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)], GRANT_CHANGES(s, slot);
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures \result ==> s->storage.places[slot].held == \old(s->storage.places[slot].wanted) &&
      s->storage.places[slot].wanted == LOCK_NONE;
    ensures !\result ==> s->storage.places[slot].held == \old(s->storage.places[slot].held) &&
      s->storage.places[slot].wanted == \old(s->storage.places[slot].wanted);
    ensures elsewhere{Pre, Post}(s, slot);
    ensures alone(s, its_wait(slot));
    ensures s->storage.locks[its_lock(s, slot)].batch ==
      \old(s->storage.locks[its_lock(s, slot)].batch);
*/
bool lockd_grant_alone(struct lock_server *s, uint32_t slot, uint64_t now_ns);
/*@ requires whole(s, slot) && counted(s, slot);
    requires alone(s, its_wait(slot)) && is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)], GRANT_CHANGES(s, slot);
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].wanted == LOCK_NONE;
    ensures elsewhere{Pre, Post}(s, slot);
    ensures alone(s, its_wait(slot));
    ensures s->storage.places[slot].held <= LOCK_NONE;
    ensures s->storage.locks[its_lock(s, slot)].batch ==
      \old(s->storage.locks[its_lock(s, slot)].batch);
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
    ensures elsewhere{Pre, Post}(s, slot);
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
    ensures elsewhere{Pre, Post}(s, slot);
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
    ensures elsewhere{Pre, Post}(s, slot);
*/
void lockd_grant_drop_hold(struct lock_server *s, struct lock_state *l, uint32_t slot);
/*@ requires whole(s, slot) && counted(s, slot);
    requires is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)], GRANT_CHANGES(s, slot);
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures \result ==> s->storage.places[slot].held == \old(s->storage.places[slot].wanted) &&
      s->storage.places[slot].wanted == LOCK_NONE;
    ensures !\result ==> s->storage.places[slot].held == \old(s->storage.places[slot].held) &&
      s->storage.places[slot].wanted == \old(s->storage.places[slot].wanted);
    ensures elsewhere{Pre, Post}(s, slot);
    ensures s->storage.locks[its_lock(s, slot)].batch ==
      \old(s->storage.locks[its_lock(s, slot)].batch);
*/
bool lockd_grant_waiter(struct lock_server *s, uint32_t slot, uint64_t now_ns);

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
    ensures elsewhere{Pre, Post}(s, slot);
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
    ensures elsewhere{Pre, Post}(s, slot);
*/
void lockd_grant_leave(struct lock_server *s, struct lock_state *l, uint32_t slot);
int32_t lockd_grant_oldest(const struct lock_server *s, uint32_t lock);
void lockd_grant_hold_last(struct lock_server *s, uint32_t slot);

/* pass.c: who is granted when somebody goes. */
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
void lockd_grant_pass(struct lock_server *s, uint32_t lock, uint64_t now_ns);
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
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
    ensures silent_elsewhere{Pre, Post}(s, slot);
*/
void lockd_outbox_alone(struct lock_server *s, uint32_t slot, uint8_t what);
/*@ requires linked(s, slot) && what != 0;
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out, s->due,
      s->speaks;
    ensures linked(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
    ensures silent_elsewhere{Pre, Post}(s, slot);
*/
void lockd_outbox_answer(struct lock_server *s, uint32_t slot, uint8_t what);
/*@ requires linked(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out, s->due,
      s->speaks;
    ensures linked(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
    ensures silent_elsewhere{Pre, Post}(s, slot);
*/
void lockd_outbox_forget(struct lock_server *s, uint32_t slot, uint8_t what);
void lockd_outbox_session(struct lock_server *s, uint32_t member, uint8_t what);

/*
 * operations.c: what clients ask of a slot. Whether nobody contends, and so it is done: what is asked for in
 * lockd_asks_anew, on an idle slot, and lockd_gives_back; and whatever it is, counted.
 */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && \valid_read(m);
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
      s->authority_end_ns, lock_slot_held[slot];
    ensures \result ==> s->storage.places[slot].held == \old(m->wanted);
    ensures !\result ==> s->storage.places[slot].held == LOCK_NONE;
    ensures sound(s) && agreeing_all;
*/
bool lockd_operation_request(
	struct lock_server *s, uint32_t slot, const struct lock_message *m, uint64_t now_ns);
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && \valid_read(m);
    requires s->storage.places[slot].state == s->storage.locks + its_lock(s, slot);
    requires s->storage.places[slot].held != LOCK_NONE;
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].holder, s->storage.places[slot].sequence,
      s->storage.places[slot].answer, s->storage.places[slot].held,
      s->storage.places[slot].out, s->due, lock_slot_held[slot];
    ensures s->storage.places[slot].held ==
      (\result ? LOCK_NONE : \old(s->storage.places[slot].held));
    ensures sound(s) && agreeing_all;
*/
bool lockd_operation_release(struct lock_server *s, uint32_t slot, const struct lock_message *m);
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && said(s, m) && rowed(s, slot);
    requires m->wanted <= LOCK_NONE;
    assigns OPERATION_CHANGES(s), s->counts[0 .. LOCK_REASONS - 1];
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
enum lock_reason lockd_operation_receive(
	struct lock_server *s, uint32_t slot, const struct lock_message *m, uint64_t now_ns);
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns OPERATION_CHANGES(s);
    ensures s->storage.places[slot].held == LOCK_NONE;
    ensures s->storage.places[slot].wanted == LOCK_NONE;
    ensures sound(s) && agreeing_all;
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
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot);
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
void lockd_operation_untangle(struct lock_server *s, uint32_t slot);

/* session.c: who is there. */
enum lock_reason lockd_session_hello(
	struct lock_server *s, uint32_t member, const struct lock_message *m, uint64_t now_ns);
enum lock_reason lockd_session_beat(
	struct lock_server *s, uint32_t member, const struct lock_message *m, uint64_t now_ns);
void lockd_session_renew(struct lock_server *s, uint32_t member, uint64_t now_ns);
bool lockd_session_tick(struct lock_server *s, uint64_t now_ns);

/* clear.c: the group before anything is known of it. False: nothing was left to clear. */
bool lockd_clear(struct lock_server *s);

/* rebuild.c: from a new epoch to service. */
enum lock_reason lockd_rebuild_report(
	struct lock_server *s, uint32_t slot, const struct lock_message *m, uint64_t now_ns);
bool lockd_rebuild_tick(struct lock_server *s, uint64_t now_ns);
void lockd_rebuild_start(struct lock_server *s, uint64_t now_ns);

/* election.c: who leads. */
enum lock_reason lockd_election_receive(
	struct lock_server *s, uint32_t place, const struct lock_message *m, uint64_t now_ns);
bool lockd_election_tick(struct lock_server *s, uint64_t now_ns);
bool lockd_election_send(struct lock_server *s, uint64_t now_ns, struct lock_envelope *envelope);

#endif
