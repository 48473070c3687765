/*
 * Steps of one slot. That each leaves all else as it was is shown bit by bit: provers find that easier.
 */
#include "steps.h"

/*@ ghost
    /@ requires sound(s) && agreeing_all && slot < lock_slots_count;
       assigns \nothing;
       ensures in_order(s, slot) && led(s, its_lock(s, slot)) && exact(s, its_lock(s, slot));
       ensures counted(s, slot) && whole(s, slot);
    @/
    void lockd_step_begins(struct lock_server *s, uint32_t slot)
    {
	    lock_model_counted(slot);
	    /@ assert in_order(s, slot) && led(s, its_lock(s, slot)) && exact(s, its_lock(s, slot)); @/
	    /@ assert agreeing(its_lock(s, slot)); @/
    }
*/

/*@ assigns \nothing; */
static bool writes(const uint8_t mode)
{
	return mode == LOCK_PW || mode == LOCK_EX;
}

void lockd_step_write(
	struct lock_server *const s, const uint32_t slot, const struct lock_message *const m)
{
	const struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	if (!(m->flags & LOCK_FLAG_VALUE) || !writes(p->held))
		return;
	lock_value_copy(l->value, m->value);
	l->version = p->token;
	l->valid = !(m->flags & LOCK_FLAG_INVALID);
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

void lockd_step_void(struct lock_server *const s, const uint32_t slot)
{
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	if (!writes(s->storage.places[slot].held))
		return;
	l->valid = false;
	l->version = lockd_operation_token(s);
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

void lockd_step_drop(struct lock_server *const s, const uint32_t slot)
{
	/*@ ghost lockd_step_begins(s, slot); */
	lockd_grant_drop(s, slot);
	/*@ ghost lock_model_hold(slot, s->storage.places[slot].held); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_forget(struct lock_server *const s, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];

	/*@ ghost lockd_step_begins(s, slot); */
	p->marks = 0;
	p->sequence = 0;
	p->answer = LOCK_DONE;
	lockd_outbox_forget(s, slot, OUT_ALL);
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert same_lock{Pre, Here}(s, slot); */
	/*@ assert moved{Pre, Here}(s, slot); */
	/*@ assert agreed(s, slot); */
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_begin(struct lock_server *const s, const uint32_t slot, const uint32_t sequence)
{
	/*@ ghost lockd_step_begins(s, slot); */
	s->storage.places[slot].sequence = sequence;
	lockd_outbox_forget(s, slot, OUT_ANSWERS);
	/*@ assert STANDS(s->group->first_slot); */
	/*@ assert STANDS(row_of_slot(s, slot)); */
	/*@ assert rowed{Pre}(s, slot) ==> rowed(s, slot); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert same_lock{Pre, Here}(s, slot); */
	/*@ assert moved{Pre, Here}(s, slot); */
	/*@ assert agreed(s, slot); */
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_done(struct lock_server *const s, const uint32_t slot, const uint32_t sequence)
{
	struct lock_place *const p = &s->storage.places[slot];

	p->sequence = sequence;
	p->answer = LOCK_DONE;
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

void lockd_step_answer(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	/*@ ghost lockd_step_begins(s, slot); */
	lockd_outbox_answer(s, slot, what);
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_refuse(
	struct lock_server *const s, const uint32_t slot, const enum lock_status status)
{
	/*@ ghost lockd_step_begins(s, slot); */
	s->storage.places[slot].answer = (uint8_t)status;
	lockd_outbox_answer(s, slot, OUT_REFUSE);
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert same_lock{Pre, Here}(s, slot); */
	/*@ assert moved{Pre, Here}(s, slot); */
	/*@ assert agreed(s, slot); */
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_want(struct lock_server *const s, const uint32_t slot, const uint8_t wanted)
{
	/*@ assert in_order(s, slot); */
	s->storage.places[slot].wanted = wanted;
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

bool lockd_step_alone(struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	/*@ ghost lockd_step_begins(s, slot); */
	const bool granted = lockd_grant_alone(s, slot, now_ns);

	/*@ assert STANDS(s->group->first_slot); */
	/*@ assert STANDS(row_of_slot(s, slot)); */
	/*@ assert rowed{Pre}(s, slot) ==> rowed(s, slot); */
	/*@ ghost lock_model_hold(slot, s->storage.places[slot].held); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
	return granted;
}

void lockd_step_noqueue(struct lock_server *const s, const uint32_t slot, const bool noqueue)
{
	struct lock_place *const p = &s->storage.places[slot];

	p->marks = (uint8_t)((p->marks & ~MARK_NOQUEUE) | (noqueue ? MARK_NOQUEUE : 0));
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

void lockd_step_queue(struct lock_server *const s, const uint32_t slot)
{
	/*@ ghost lockd_step_begins(s, slot); */
	/*@ assert batched(s, its_lock(s, slot)); */
	/*@ assert tabled(s, slot); */
	lockd_grant_queue(s, slot);
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert same_lock{Pre, Here}(s, slot); */
	/*@ assert moved{Pre, Here}(s, slot); */
	/*@ assert agreed(s, slot); */
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_give_up(struct lock_server *const s, const uint32_t slot)
{
	/*@ ghost lockd_step_begins(s, slot); */
	lockd_grant_unqueue(s, slot);
	/*@ assert STANDS(s->group->first_slot); */
	/*@ assert STANDS(row_of_slot(s, slot)); */
	/*@ assert rowed{Pre}(s, slot) ==> rowed(s, slot); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert same_lock{Pre, Here}(s, slot); */
	/*@ assert moved{Pre, Here}(s, slot); */
	/*@ assert agreed(s, slot); */
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_now(struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	/*@ ghost lockd_step_begins(s, slot); */
	lockd_grant_now(s, slot, now_ns);
	/*@ ghost lock_model_hold(slot, s->storage.places[slot].held); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_let_go(struct lock_server *const s, const uint32_t slot)
{
	/*@ ghost lockd_step_begins(s, slot); */
	lockd_grant_drop_hold(s, &s->storage.locks[lock_of(s, slot)], slot);
	/*@ ghost lock_model_hold(slot, s->storage.places[slot].held); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

bool lockd_step_grant(struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	/*@ ghost lockd_step_begins(s, slot); */
	const bool granted = lockd_grant_waiter(s, slot, now_ns);

	/*@ ghost lock_model_hold(slot, s->storage.places[slot].held); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s); */
	/*@ assert same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
	return granted;
}

void lockd_step_install(
	struct lock_server *const s, const uint32_t slot, const uint8_t mode, const uint64_t now_ns)
{
	/*@ ghost lockd_step_begins(s, slot); */
	lockd_grant_install(s, slot, mode, now_ns);
	/*@ ghost lock_model_hold(slot, s->storage.places[slot].held); */
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}

void lockd_step_queue_by_age(struct lock_server *const s, const uint32_t slot)
{
	/*@ ghost lockd_step_begins(s, slot); */
	/*@ assert batched(s, its_lock(s, slot)); */
	/*@ assert tabled(s, slot); */
	lockd_grant_queue_by_age(s, slot);
	/*@ assert STANDS(s->first_lease); */
	/*@ assert STANDS(s->first_end); */
	/*@ assert STANDS(s->group->first_lock); */
	/*@ assert same_base{Pre, Here}(s); */
	/*@ assert STANDS_FOR(s->storage.places[k].lock); */
	/*@ assert STANDS_FOR(s->storage.places[k].held); */
	/*@ assert STANDS_FOR(s->storage.places[k].wanted); */
	/*@ assert STANDS_FOR(s->storage.places[k].out); */
	/*@ assert same_rows{Pre, Here}(s) && same_slots{Pre, Here}(s, slot); */
	/*@ assert same_lasts{Pre, Here}(s, slot); */
	/*@ assert same_held{Pre, Here}(s, slot); */
	/*@ assert same_batches{Pre, Here}(s); */
	/*@ assert laid_out(s); */
	/*@ assert whole(s, slot); */
	/*@ assert in_order(s, slot); */
	/*@ assert same_lock{Pre, Here}(s, slot); */
	/*@ assert moved{Pre, Here}(s, slot); */
	/*@ assert agreed(s, slot); */
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
}
