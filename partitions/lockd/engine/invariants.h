/*
 * How the links of a server are numbered, and what every transition keeps, as the proofs say it: of the slot that it is
 * about, and of the whole group. Slots, members and locks are counted from the group's first here.
 */
#ifndef LOCKD_INVARIANTS_H
#define LOCKD_INVARIANTS_H

#include <mullion/lock_modes.h>
#include <mullion/lock_server.h>

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

/*@ predicate readable(struct lock_server *s, integer slot) =
      \valid_read(s) && \valid_read(s->storage.places + slot);

    logic integer its_lock(struct lock_server *s, integer slot) = s->storage.places[slot].lock;
*/

/* How many slots and locks there are is known to the proofs only. */
/*@ ghost extern uint32_t lock_slots_count; */
/*@ ghost extern uint32_t lock_locks_count; */

/*
 * What is kept of a slot whatever it is to be told. in_line: places and links are objects of their own, the rings are
 * well formed, and the slot that is due is in no ring of those that are to be told. linked: nor is one that is not.
 * silent_elsewhere: none but the slot and the one that was due is in a ring now that was in none.
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

    predicate due_or{A, B}(struct lock_server *s, integer slot) =
      \at(s->due, B) == \at(s->due, A) || \at(s->due, B) == slot ||
      \at(s->due, B) == LOCK_NO_SLOT;

    predicate stays_alone{A, B}(struct lock_server *s, integer link) =
      alone{A}(s, link) ==> alone{B}(s, link);

    predicate silent_elsewhere{A, B}(struct lock_server *s, integer slot) =
      due_or{A, B}(s, slot) &&
      \forall integer k; 0 <= k < \at(lock_slots_count, A) && k != slot ==>
        stays_alone{A, B}(s, its_wait(k)) && stays_alone{A, B}(s, its_hold(k)) &&
        (k != \at(s->due, A) ==> stays_alone{A, B}(s, its_out(k)));

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
 * what a count of all slots would find. same_lock: it is the same lock, with as many holders. elsewhere: besides the
 * slot, the one that was due and the lock's last holder, none is in a ring now that was in none; and none
 * but the slot has become one of these.
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

    predicate elsewhere{A, B}(struct lock_server *s, integer slot) =
      due_or{A, B}(s, slot) &&
      (its_holder{B}(s, slot) == its_holder{A}(s, slot) || its_holder{B}(s, slot) == slot ||
        its_holder{B}(s, slot) == LOCK_NO_SLOT) &&
      \forall integer k; 0 <= k < \at(lock_slots_count, A) && k != slot ==>
        stays_alone{A, B}(s, its_wait(k)) &&
        (k != its_holder{A}(s, slot) ==> stays_alone{A, B}(s, its_hold(k))) &&
        (k != \at(s->due, A) ==> stays_alone{A, B}(s, its_out(k)));

    predicate shifted{A, B}(struct lock_server *s, integer slot, integer from, integer to) =
      \forall integer a; is_mode(a) ==>
        holders{B}(s, slot, a) - (a == to ? 1 : 0) == holders{A}(s, slot, a) - (a == from ? 1 : 0);

    predicate moved{A, B}(struct lock_server *s, integer slot) =
      shifted{A, B}(s, slot, \at(s->storage.places[slot].held, A),
        \at(s->storage.places[slot].held, B));
*/

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

/*
 * What each slot holds, and of which lock, is written down for the proofs once more, in arrays of their own, so that
 * nothing written elsewhere changes a count of them. lock_model_hold follows what changes; lock_model_counted says that
 * whoever holds is counted, lock_model_none that nobody else is: lock_counts.c in verification/proofs, which alone sees
 * how it is counted.
 */
#define LOCK_SLOTS_MOST 0x55555555
/*@ ghost extern uint8_t lock_slot_held[LOCK_SLOTS_MOST]; */
/*@ ghost extern uint32_t lock_slot_lock[LOCK_SLOTS_MOST]; */

#ifdef LOCK_COUNTS
/*@ logic integer holding{L}(integer lock, integer mode, integer slots) =
      slots <= 0 ? 0 : holding(lock, mode, slots - 1) +
        (lock_slot_lock[slots - 1] == lock && lock_slot_held[slots - 1] == mode ? 1 : 0);

    logic integer all_holding{L}(integer lock, integer mode) =
      holding(lock, mode, lock_slots_count);
*/
#else
/*@ axiomatic counts {
      logic integer all_holding{L}(integer lock, integer mode)
        reads lock_slot_lock[0 .. lock_slots_count - 1], lock_slot_held[0 .. lock_slots_count - 1],
          lock_slots_count;
    }
*/
#endif

/*@ predicate recounted{A, B}(integer slot) =
      (\forall integer lock, a; lock != \at(lock_slot_lock[slot], A) ==>
        all_holding{B}(lock, a) == all_holding{A}(lock, a)) &&
      \forall integer a;
        all_holding{B}(\at(lock_slot_lock[slot], A), a) -
          (a == \at(lock_slot_held[slot], B) ? 1 : 0) ==
        all_holding{A}(\at(lock_slot_lock[slot], A), a) -
          (a == \at(lock_slot_held[slot], A) ? 1 : 0);
*/

/*@ ghost
    /@ requires slot < lock_slots_count <= LOCK_SLOTS_MOST;
       assigns lock_slot_held[slot];
       ensures lock_slot_held[slot] == mode;
       ensures recounted{Pre, Post}(slot);
    @/
    void lock_model_hold(uint32_t slot, uint8_t mode);

    /@ requires slot < lock_slots_count <= LOCK_SLOTS_MOST;
       assigns \nothing;
       ensures \forall integer a;
         0 <= all_holding(lock_slot_lock[slot], a) <= lock_slots_count;
       ensures all_holding(lock_slot_lock[slot], lock_slot_held[slot]) > 0;
    @/
    void lock_model_counted(uint32_t slot);

    /@ requires \forall integer k; 0 <= k < lock_slots_count ==> lock_slot_held[k] == LOCK_NONE;
       requires lock_slots_count <= LOCK_SLOTS_MOST;
       assigns \nothing;
       ensures \forall integer lock, a; is_mode(a) ==> all_holding(lock, a) == 0;
    @/
    void lock_model_none(void);
*/

/*
 * What every transition keeps of the whole group. laid_out: its parts are objects of their own. in_order: a slot is as
 * the proofs wrote it down, and in no ring in which it has no business. led: the last holder of a lock is one of its
 * slots, and apart. exact: the counts of a lock are those of the slots that hold it. agreeing: these agree.
 */
/*@ predicate laid_out(struct lock_server *s) =
      \valid(s) && \valid(s->storage.places + (0 .. lock_slots_count - 1)) &&
      \valid(s->storage.links + (0 .. lock_links_count - 1)) &&
      \valid(s->storage.locks + (0 .. lock_locks_count - 1)) &&
      \base_addr(s) != \base_addr(s->storage.places) &&
      \base_addr(s) != \base_addr(s->storage.links) &&
      \base_addr(s) != \base_addr(s->storage.locks) &&
      \base_addr(s->storage.places) != \base_addr(s->storage.links) &&
      \base_addr(s->storage.places) != \base_addr(s->storage.locks) &&
      \base_addr(s->storage.links) != \base_addr(s->storage.locks) &&
      \base_addr(s->tables) != \base_addr(s) &&
      \base_addr(s->tables) != \base_addr(s->storage.places) &&
      \base_addr(s->tables) != \base_addr(s->storage.links) &&
      \base_addr(s->tables) != \base_addr(s->storage.locks) &&
      \base_addr(s->group) != \base_addr(s) &&
      \base_addr(s->group) != \base_addr(s->storage.places) &&
      \base_addr(s->group) != \base_addr(s->storage.links) &&
      \base_addr(s->group) != \base_addr(s->storage.locks) &&
      s->first_lease == FIRST_SLOT_LINK + SLOT_LINKS * lock_slots_count &&
      s->first_lease <= s->first_end &&
      s->first_end + LOCK_ENDS * lock_locks_count <= lock_links_count &&
      \valid_read(s->tables) && \valid_read(s->group) &&
      s->group->first_lock + lock_locks_count <= UINT32_MAX &&
      \valid_read(s->tables->lock +
        (s->group->first_lock .. s->group->first_lock + lock_locks_count - 1));

    predicate in_order(struct lock_server *s, integer slot) =
      lock_slot_lock[slot] == its_lock(s, slot) && 0 <= its_lock(s, slot) < lock_locks_count &&
      lock_slot_held[slot] == s->storage.places[slot].held &&
      s->storage.places[slot].held <= LOCK_NONE && s->storage.places[slot].wanted <= LOCK_NONE &&
      (s->storage.places[slot].out == 0 ==> alone(s, its_out(slot))) &&
      waits_or_alone(s, slot) && holds_or_alone(s, slot);

    logic integer last_of(struct lock_server *s, integer lock) = s->storage.locks[lock].holder;

    predicate led(struct lock_server *s, integer lock) =
      last_of(s, lock) != LOCK_NO_SLOT ==>
        0 <= last_of(s, lock) < lock_slots_count && its_lock(s, last_of(s, lock)) == lock &&
        alone(s, its_hold(last_of(s, lock)));

    predicate exact(struct lock_server *s, integer lock) =
      \forall integer a; is_mode(a) ==> s->storage.locks[lock].held[a] == all_holding(lock, a);

    predicate agreeing(integer lock) =
      (\forall integer a, b; is_mode(a) && is_mode(b) && a != b && all_holding(lock, a) > 0 &&
        all_holding(lock, b) > 0 ==> agree(a, b)) &&
      (\forall integer a; is_mode(a) && all_holding(lock, a) > 1 ==> agree(a, a));

    predicate batched(struct lock_server *s, integer lock) = s->storage.locks[lock].batch <= 1;

    predicate sound(struct lock_server *s) =
      laid_out(s) && in_line(s) &&
      (\forall integer k; 0 <= k < lock_slots_count ==> in_order(s, k)) &&
      (\forall integer k; 0 <= k < lock_locks_count ==>
        led(s, k) && exact(s, k) && batched(s, k));

    predicate agreeing_all = \forall integer k; 0 <= k < lock_locks_count ==> agreeing(k);
*/

/*
 * From one slot to the group: a step of a slot that leaves all else as it was (stepped) keeps the group sound (settled,
 * all_agreeing), if it keeps the slot whole and the holders of its lock agreed.
 */
/*@ predicate same_slots{A, B}(struct lock_server *s, integer slot) =
      \forall integer k; 0 <= k < \at(lock_slots_count, A) && k != slot ==>
        \at(s->storage.places[k].held, A) == \at(s->storage.places[k].held, B) &&
        \at(s->storage.places[k].wanted, A) == \at(s->storage.places[k].wanted, B) &&
        \at(s->storage.places[k].out, A) == \at(s->storage.places[k].out, B);

    predicate same_rows{A, B}(struct lock_server *s) =
      \forall integer k; 0 <= k < \at(lock_slots_count, A) ==>
        \at(s->storage.places[k].lock, A) == \at(s->storage.places[k].lock, B);

    predicate same_lasts{A, B}(struct lock_server *s, integer slot) =
      \forall integer k; 0 <= k < \at(lock_locks_count, A) && k != its_lock{A}(s, slot) ==>
        \at(s->storage.locks[k].holder, A) == \at(s->storage.locks[k].holder, B);

    predicate same_held{A, B}(struct lock_server *s, integer slot) =
      \forall integer k, a; 0 <= k < \at(lock_locks_count, A) && k != its_lock{A}(s, slot) &&
        is_mode(a) ==>
        \at(s->storage.locks[k].held[a], A) == \at(s->storage.locks[k].held[a], B);

    predicate same_batches{A, B}(struct lock_server *s) =
      \forall integer k; 0 <= k < \at(lock_locks_count, A) ==>
        \at(s->storage.locks[k].batch, A) == \at(s->storage.locks[k].batch, B);

    predicate same_base{A, B}(struct lock_server *s) =
      \at(s->first_lease, A) == \at(s->first_lease, B) &&
      \at(s->first_end, A) == \at(s->first_end, B) &&
      \at(s->group->first_lock, A) == \at(s->group->first_lock, B) &&
      \at(s->storage.places, A) == \at(s->storage.places, B) &&
      \at(s->storage.links, A) == \at(s->storage.links, B) &&
      \at(s->storage.locks, A) == \at(s->storage.locks, B);

    predicate noted{A, B}(integer slot) =
      \forall integer k; 0 <= k < \at(lock_slots_count, A) && k != slot ==>
        \at(lock_slot_held[k], A) == \at(lock_slot_held[k], B) &&
        \at(lock_slot_lock[k], A) == \at(lock_slot_lock[k], B);

    predicate stepped{A, B}(struct lock_server *s, integer slot) =
      same_base{A, B}(s) && same_rows{A, B}(s) && same_slots{A, B}(s, slot) &&
      same_lasts{A, B}(s, slot) && same_held{A, B}(s, slot) && same_batches{A, B}(s) &&
      noted{A, B}(slot) && recounted{A, B}(slot) &&
      elsewhere{A, B}(s, slot) && moved{A, B}(s, slot) &&
      whole{B}(s, slot) && agreed{B}(s, slot) && in_order{B}(s, slot) &&
      0 <= slot < \at(lock_slots_count, A) &&
      \at(lock_slots_count, A) == \at(lock_slots_count, B) &&
      \at(lock_locks_count, A) == \at(lock_locks_count, B);

    lemma order_kept{A, B}: \forall struct lock_server *s, integer slot, k;
      0 <= k < \at(lock_slots_count, A) && in_line{A}(s) && in_order{A}(s, k) &&
      in_order{A}(s, slot) && led{A}(s, its_lock{A}(s, slot)) && stepped{A, B}(s, slot) ==> in_order{B}(s, k);

    lemma led_kept{A, B}: \forall struct lock_server *s, integer slot, k;
      0 <= k < \at(lock_locks_count, A) && in_line{A}(s) && led{A}(s, k) && in_order{A}(s, slot) &&
      led{A}(s, its_lock{A}(s, slot)) && stepped{A, B}(s, slot) ==> led{B}(s, k);

    lemma exact_kept{A, B}: \forall struct lock_server *s, integer slot, k;
      0 <= k < \at(lock_locks_count, A) && exact{A}(s, k) && in_order{A}(s, slot) &&
      stepped{A, B}(s, slot) ==> exact{B}(s, k);

    lemma agreeing_kept{A, B}: \forall struct lock_server *s, integer slot, k;
      0 <= k < \at(lock_locks_count, A) && agreeing{A}(k) && in_order{A}(s, slot) &&
      exact{A}(s, its_lock{A}(s, slot)) && stepped{A, B}(s, slot) ==> agreeing{B}(k);

    lemma begun{A}: \forall struct lock_server *s, integer slot;
      sound{A}(s) && 0 <= slot < \at(lock_slots_count, A) ==>
      in_line{A}(s) && in_order{A}(s, slot) && led{A}(s, its_lock{A}(s, slot)) &&
      exact{A}(s, its_lock{A}(s, slot));

    lemma all_in_order{A, B}: \forall struct lock_server *s, integer slot;
      sound{A}(s) && stepped{A, B}(s, slot) ==>
      \forall integer k; 0 <= k < \at(lock_slots_count, B) ==> in_order{B}(s, k);

    lemma all_led{A, B}: \forall struct lock_server *s, integer slot;
      sound{A}(s) && stepped{A, B}(s, slot) ==>
      \forall integer k; 0 <= k < \at(lock_locks_count, B) ==> led{B}(s, k);

    lemma all_exact{A, B}: \forall struct lock_server *s, integer slot;
      sound{A}(s) && stepped{A, B}(s, slot) ==>
      \forall integer k; 0 <= k < \at(lock_locks_count, B) ==> exact{B}(s, k);

    lemma all_batched{A, B}: \forall struct lock_server *s, integer slot;
      sound{A}(s) && stepped{A, B}(s, slot) ==>
      \forall integer k; 0 <= k < \at(lock_locks_count, B) ==> batched{B}(s, k);

    lemma all_agreeing{A, B}: \forall struct lock_server *s, integer slot;
      sound{A}(s) && agreeing_all{A} && stepped{A, B}(s, slot) ==> agreeing_all{B};

    lemma settled{A, B}: \forall struct lock_server *s, integer slot;
      sound{A}(s) && stepped{A, B}(s, slot) && laid_out{B}(s) ==> sound{B}(s);
*/

/* A field, or that of every other slot, is as it was. */
#define STANDS(field) (field) == \at(field, Pre)
#define STANDS_FOR(field)                                                                          \
	\forall integer k; 0 <= k < lock_slots_count && k != slot ==> STANDS(field)

/* Each slot is in order, and so on, that was: for steps that touch nothing of this. */
#define ORDER_STANDS                                                                               \
	\forall integer k; 0 <= k < lock_slots_count && in_order{Pre}(s, k) ==> in_order(s, k)
#define LED_STANDS                                                                                 \
	\forall integer k; 0 <= k < lock_locks_count && led{Pre}(s, k) ==> led(s, k)
#define EXACT_STANDS                                                                               \
	\forall integer k; 0 <= k < lock_locks_count && exact{Pre}(s, k) ==> exact(s, k)
#define BATCHED_STANDS                                                                             \
	\forall integer k; 0 <= k < lock_locks_count && batched{Pre}(s, k) ==> batched(s, k)

/* What a grant may change, besides its lock. */
#define GRANT_CHANGES(s, slot)                                                                     \
	s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].held,                 \
		s->storage.places[slot].wanted, s->storage.places[slot].token,                     \
		s->storage.places[slot].answer, s->storage.places[slot].out, s->due, s->speaks,    \
		s->storage.places[slot].marks, s->storage.places[slot].since_ns, s->token,         \
		s->authority_end_ns

/* What a pass through the queues of a lock may change. */
#define PASS_CHANGES(s)                                                                            \
	s->storage.locks[0 .. lock_locks_count - 1], s->storage.links[0 .. lock_links_count - 1],  \
		s->storage.places[0 .. lock_slots_count - 1].held,                                 \
		s->storage.places[0 .. lock_slots_count - 1].wanted,                               \
		s->storage.places[0 .. lock_slots_count - 1].token,                                \
		s->storage.places[0 .. lock_slots_count - 1].answer,                               \
		s->storage.places[0 .. lock_slots_count - 1].out,                                  \
		s->storage.places[0 .. lock_slots_count - 1].marks,                                \
		s->storage.places[0 .. lock_slots_count - 1].blocking,                             \
		s->storage.places[0 .. lock_slots_count - 1].since_ns, s->due, s->speaks,          \
		s->token, s->authority_end_ns, lock_slot_held[0 .. lock_slots_count - 1]

/* What an operation on a slot may change. */
#define OPERATION_CHANGES(s)                                                                       \
	PASS_CHANGES(s), s->storage.places[0 .. lock_slots_count - 1].sequence

/*
 * What an operation relies on, and answers. rowed: the slot's row in the tables is no part of what changes. said: nor
 * is the message.
 */
/*@ predicate rowed(struct lock_server *s, integer slot) =
      \valid_read(row_of_slot(s, slot)) && row_of_slot(s, slot)->priority < LOCK_PRIORITIES &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s) &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s->storage.places) &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s->storage.links) &&
      \base_addr(row_of_slot(s, slot)) != \base_addr(s->storage.locks);

    predicate is_reason(integer reason) = 0 <= reason < LOCK_REASONS;

    predicate said(struct lock_server *s, struct lock_message *m) =
      \valid_read(m) &&
      \base_addr(m) != \base_addr(s) &&
      \base_addr(m) != \base_addr(s->storage.places) &&
      \base_addr(m) != \base_addr(s->storage.links) &&
      \base_addr(m) != \base_addr(s->storage.locks);
*/

#endif
