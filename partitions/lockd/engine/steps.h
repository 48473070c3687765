/*
 * Steps: what an operation or a pass does to one slot. Each keeps the whole group sound (invariants.h), which is proved
 * here, so that whatever is made of them does. Cost: constant.
 */
#ifndef LOCKD_STEPS_H
#define LOCKD_STEPS_H

#include "server.h"

/* Each slot of a sound group is whole, and counted if it holds. */
/*@ ghost
    /@ requires sound(s) && agreeing_all && slot < lock_slots_count;
       assigns \nothing;
       ensures in_order(s, slot) && led(s, its_lock(s, slot)) && exact(s, its_lock(s, slot));
       ensures counted(s, slot) && whole(s, slot);
    @/
    void lockd_step_begins(struct lock_server *s, uint32_t slot);
*/

/* Only whoever holds the lock for writing gives it a value, and its token is the value's version. */
/*@ requires sound(s) && slot < lock_slots_count && \valid_read(m);
    assigns s->storage.locks[its_lock(s, slot)].value[0 .. LOCK_VALUE_BYTES - 1],
      s->storage.locks[its_lock(s, slot)].version, s->storage.locks[its_lock(s, slot)].valid;
    ensures sound(s);
    ensures \old(rowed(s, slot)) ==> rowed(s, slot);
*/
void lockd_step_write(
	struct lock_server *s, uint32_t slot, const struct lock_message *m);

/* What was held for writing may be half written: the value is void then, under a token of its own. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
void lockd_step_void(struct lock_server *s, uint32_t slot);

/* It waits no more, and holds no more. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns OPERATION_CHANGES(s);
    ensures s->storage.places[slot].held == LOCK_NONE;
    ensures s->storage.places[slot].wanted == LOCK_NONE;
    ensures sound(s) && agreeing_all;
*/
void lockd_step_drop(struct lock_server *s, uint32_t slot);

/* As if it had never asked for anything. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns s->storage.places[slot].marks, s->storage.places[slot].sequence,
      s->storage.places[slot].answer, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures sound(s);
*/
void lockd_step_forget(struct lock_server *s, uint32_t slot);

/* What was to be answered to the operation before is of no interest to anybody now. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns s->storage.places[slot].sequence, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures sound(s);
    ensures \old(rowed(s, slot)) ==> rowed(s, slot);
*/
void lockd_step_begin(struct lock_server *s, uint32_t slot, uint32_t sequence);

/* The operation that is done. */
/*@ requires sound(s) && slot < lock_slots_count;
    assigns s->storage.places[slot].sequence, s->storage.places[slot].answer;
    ensures sound(s);
*/
void lockd_step_done(struct lock_server *s, uint32_t slot, uint32_t sequence);

/* What it is to be told, instead of what it was to be told before. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && what != 0;
    assigns s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures sound(s) && agreeing_all;
*/
void lockd_step_answer(struct lock_server *s, uint32_t slot, uint8_t what);

/* The operation that is not done, and why. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns s->storage.places[slot].answer, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures sound(s);
*/
void lockd_step_refuse(struct lock_server *s, uint32_t slot, enum lock_status status);

/* It asks for a mode. */
/*@ requires sound(s) && slot < lock_slots_count && is_mode(wanted);
    requires s->storage.places[slot].wanted == LOCK_NONE;
    assigns s->storage.places[slot].wanted;
    ensures sound(s) && alone(s, its_wait(slot));
    ensures s->storage.places[slot].wanted == wanted;
    ensures \old(rowed(s, slot)) ==> rowed(s, slot);
*/
void lockd_step_want(struct lock_server *s, uint32_t slot, uint8_t wanted);

/* Whether it is granted what it asks for at once, for nobody waits and nobody minds. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns s->storage.locks[0 .. lock_locks_count - 1], GRANT_CHANGES(s, slot), lock_slot_held[slot];
    ensures sound(s) && agreeing_all;
    ensures its_lock(s, slot) == \old(its_lock(s, slot));
    ensures !\result ==> is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    ensures \old(rowed(s, slot)) ==> rowed(s, slot);
*/
bool lockd_step_alone(struct lock_server *s, uint32_t slot, uint64_t now_ns);

/* Whether it is refused rather than kept waiting. */
/*@ requires sound(s) && slot < lock_slots_count;
    assigns s->storage.places[slot].marks;
    ensures sound(s);
    ensures \old(rowed(s, slot)) ==> rowed(s, slot);
*/
void lockd_step_noqueue(struct lock_server *s, uint32_t slot, bool noqueue);

/* Behind those that wait for it. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot);
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
void lockd_step_queue(struct lock_server *s, uint32_t slot);

/* It waits no more. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    requires s->storage.places[slot].wanted != LOCK_NONE;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures s->storage.places[slot].wanted == LOCK_NONE && alone(s, its_wait(slot));
    ensures s->storage.places[slot].held == \old(s->storage.places[slot].held);
    ensures \old(rowed(s, slot)) ==> rowed(s, slot);
*/
void lockd_step_give_up(struct lock_server *s, uint32_t slot);

/* It is granted what it asks for, which nobody can mind. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns s->storage.locks[0 .. lock_locks_count - 1], GRANT_CHANGES(s, slot), lock_slot_held[slot];
    ensures sound(s) && agreeing_all;
    ensures its_lock(s, slot) == \old(its_lock(s, slot));
*/
void lockd_step_now(struct lock_server *s, uint32_t slot, uint64_t now_ns);

/* It holds no more. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    requires s->storage.places[slot].held != LOCK_NONE;
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].holder, s->storage.places[slot].held,
      s->storage.links[0 .. lock_links_count - 1], lock_slot_held[slot];
    ensures sound(s) && agreeing_all;
    ensures s->storage.places[slot].held == LOCK_NONE;
*/
void lockd_step_let_go(struct lock_server *s, uint32_t slot);

/* Whether one that waits is granted. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    requires is_mode(s->storage.places[slot].wanted);
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures its_lock(s, slot) == \old(its_lock(s, slot));
    ensures !\result ==> s->storage.places[slot].wanted == \old(s->storage.places[slot].wanted);
*/
bool lockd_step_grant(struct lock_server *s, uint32_t slot, uint64_t now_ns);

/* It holds what it says it was granted before, which the other holders do not mind. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && is_mode(mode);
    requires s->storage.places[slot].held == LOCK_NONE;
    requires admitted(&s->storage.locks[its_lock(s, slot)].held[0], mode);
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].holder, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[slot].held, s->storage.places[slot].marks,
      s->storage.places[slot].since_ns, lock_slot_held[slot];
    ensures sound(s) && agreeing_all;
    ensures s->storage.places[slot].wanted == \old(s->storage.places[slot].wanted);
*/
void lockd_step_install(struct lock_server *s, uint32_t slot, uint8_t mode, uint64_t now_ns);

/* Among those that wait for it, by how long. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot);
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
void lockd_step_queue_by_age(struct lock_server *s, uint32_t slot);

#endif
