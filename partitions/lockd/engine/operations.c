/*
 * What clients ask of a slot: requests, conversions, releases, cancellations. Invariant: each operation,
 * known by its number, changes a slot once, however often it comes.
 */
#include "steps.h"

/*
 * The next fencing token: greater than any before it, in this epoch and in others. When an epoch has no
 * more of them, its leader's authority ends with the last, and a new epoch follows.
 */
uint64_t lockd_operation_token(struct lock_server *const s)
{
	const uint64_t token = s->token + 1;

	s->token = token;
	if (token >= s->last_token)
		s->authority_end_ns = 0;
	return token;
}

/* The slot's participant is gone: what it held for writing may be half written. */
void lockd_operation_abandon(struct lock_server *const s, const uint32_t slot)
{
	lockd_step_void(s, slot);
	lockd_step_drop(s, slot);
	lockd_step_forget(s, slot);
}

/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason refuse(
	struct lock_server *const s, const uint32_t slot, const enum lock_status status)
{
	lockd_step_refuse(s, slot, status);
	return LOCK_TAKEN;
}

/*
 * A conversion queued before this one would wait for what this one holds, and this one behind it, for ever.
 */
/*@ requires sound(s) && slot < lock_slots_count && is_mode(s->storage.places[slot].held);
    assigns \nothing;
    ensures \result <==> (\exists integer a; is_mode(a) &&
      s->storage.locks[its_lock(s, slot)].converting[a] != 0 &&
      !agree(a, s->storage.places[slot].held));
*/
static bool conversions_meet(const struct lock_server *const s, const uint32_t slot)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const uint32_t *const converting = s->storage.locks[lock_of(s, slot)].converting;

	/*@ assert in_order(s, slot); */
	/*@ loop invariant 0 <= mode <= LOCK_MODES;
	    loop invariant \forall integer a; 0 <= a < mode && converting[a] != 0 ==>
	      agree(a, s->storage.places[slot].held);
	    loop assigns mode;
	    loop variant LOCK_MODES - mode;
	*/
	for (uint8_t mode = 0; mode < LOCK_MODES; mode++) {
		if (converting[mode] != 0 && !lock_modes_agree(mode, p->held))
			return true;
	}
	return false;
}

/* Behind those that wait, or not at all. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot);
    requires is_mode(s->storage.places[slot].wanted) && alone(s, its_wait(slot));
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason wait_or_refuse(
	struct lock_server *const s, const uint32_t slot, const bool noqueue, const uint64_t now_ns)
{
	const uint32_t lock = lock_of(s, slot);

	/*@ assert in_order(s, slot); */
	lockd_step_noqueue(s, slot, noqueue);
	lockd_step_queue(s, slot);
	lockd_grant_pass(s, lock, now_ns);
	if (s->storage.places[slot].wanted == LOCK_NONE || !noqueue)
		return LOCK_TAKEN;
	lockd_step_give_up(s, slot);
	lockd_grant_pass(s, lock, now_ns);
	return refuse(s, slot, LOCK_AGAIN);
}

/* At once, if nobody minds. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot);
    requires s->storage.places[slot].wanted == LOCK_NONE && is_mode(wanted);
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason seek(struct lock_server *const s, const uint32_t slot, const uint8_t wanted,
	const bool noqueue, const uint64_t now_ns)
{
	/*@ assert in_order(s, slot); */
	lockd_step_want(s, slot, wanted);
	return lockd_step_alone(s, slot, now_ns) ? LOCK_TAKEN
						 : wait_or_refuse(s, slot, noqueue, now_ns);
}

/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot);
    requires is_mode(s->storage.places[slot].held) && is_mode(wanted);
    requires s->storage.places[slot].wanted == LOCK_NONE;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason convert(struct lock_server *const s, const uint32_t slot,
	const uint8_t wanted, const bool noqueue, const uint64_t now_ns)
{
	const uint8_t held = s->storage.places[slot].held;
	const uint32_t lock = lock_of(s, slot);

	/*@ assert in_order(s, slot); */
	if (lock_mode_covers(held, wanted)) {
		lockd_step_want(s, slot, wanted);
		lockd_step_now(s, slot, now_ns);
		lockd_grant_pass(s, lock, now_ns);
		return LOCK_TAKEN;
	}
	if (held != LOCK_NL && conversions_meet(s, slot))
		return refuse(s, slot, LOCK_DEADLOCK);
	return seek(s, slot, wanted, noqueue, now_ns);
}

void lockd_operation_untangle(struct lock_server *const s, const uint32_t slot)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const uint8_t wanted = p->wanted;

	/*@ assert in_order(s, slot); */
	if (wanted == LOCK_NONE || p->held == LOCK_NONE || p->held == LOCK_NL)
		return;
	lockd_step_give_up(s, slot);
	if (conversions_meet(s, slot)) {
		refuse(s, slot, LOCK_DEADLOCK);
		return;
	}
	lockd_step_want(s, slot, wanted);
	lockd_step_queue(s, slot);
}

/* Nobody waits for its lock, or is to be told anything; `holder` came last of those that have it, or it is none. */
/*@ requires \valid_read(s) && \valid_read(p) && \valid_read(p->state);
    assigns \nothing;
    ensures \result <==> p->state->holder == holder && p->state->waiting == 0 && p->out == 0 &&
      s->due == LOCK_NO_SLOT;
*/
static bool nobody_contends(
	const struct lock_server *const s, const struct lock_place *const p, const int32_t holder)
{
	return p->state->holder == holder && p->state->waiting == 0 && p->out == 0 &&
	       s->due == LOCK_NO_SLOT;
}

bool lockd_operation_request(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (!nobody_contends(s, p, LOCK_NO_SLOT) || !lock_holders_none(p->state->held))
		return false;
	/*@ ghost lockd_step_begins(s, slot); */
	p->sequence = m->sequence;
	lockd_grant_free(s, p->state, slot, m->wanted, now_ns);
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
	/*@ assert moved{Pre, Here}(s, slot) && agreed(s, slot); */
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	/*@ assert stepped{Pre, Here}(s, slot); */
	return true;
}

bool lockd_operation_release(
	struct lock_server *const s, const uint32_t slot, const struct lock_message *const m)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (!nobody_contends(s, p, (int32_t)slot))
		return false;
	/*@ ghost lockd_step_begins(s, slot); */
	p->sequence = m->sequence;
	p->answer = LOCK_DONE;
	lockd_grant_leave(s, p->state, slot);
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
	return true;
}

/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot) && said(s, m);
    requires m->wanted <= LOCK_NONE;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason request(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const bool held = p->held != LOCK_NONE, noqueue = m->flags & LOCK_FLAG_NOQUEUE;
	const uint8_t wanted = m->wanted;

	/*@ assert in_order(s, slot); */
	if (wanted == LOCK_NONE || p->wanted != LOCK_NONE || held != (m->held != LOCK_NONE) ||
		(held && !lock_rule_token(p->token, m->token)))
		return LOCK_IMPOSSIBLE;
	lockd_step_begin(s, slot, m->sequence);
	lockd_step_write(s, slot, m);
	return held ? convert(s, slot, wanted, noqueue, now_ns)
		    : seek(s, slot, wanted, noqueue, now_ns);
}

/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot) && said(s, m);
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason release(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const uint32_t lock = lock_of(s, slot);

	/*@ assert in_order(s, slot); */
	if (p->held == LOCK_NONE || p->wanted != LOCK_NONE || !lock_rule_token(p->token, m->token))
		return LOCK_IMPOSSIBLE;
	lockd_step_done(s, slot, m->sequence);
	lockd_step_write(s, slot, m);
	lockd_step_let_go(s, slot);
	lockd_step_answer(s, slot, OUT_RELEASED);
	lockd_grant_pass(s, lock, now_ns);
	return LOCK_TAKEN;
}

/* Also of a request that has not come: when it comes, it is over already. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot) && said(s, m);
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason cancel(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const uint32_t lock = lock_of(s, slot);

	/*@ assert in_order(s, slot); */
	if (p->wanted != LOCK_NONE) {
		if (p->sequence != m->sequence)
			return LOCK_IMPOSSIBLE;
		lockd_step_give_up(s, slot);
		lockd_grant_pass(s, lock, now_ns);
	}
	lockd_step_begin(s, slot, m->sequence);
	return refuse(s, slot, LOCK_CANCELED);
}

/* What was answered once is answered again; who waits at the head has the others told again. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason repeat(
	struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];

	if (p->wanted != LOCK_NONE)
		lockd_grant_tell_again(s, lock_of(s, slot), now_ns);
	else if (p->answer != LOCK_DONE)
		lockd_step_answer(s, slot, OUT_REFUSE);
	else
		lockd_step_answer(s, slot, p->held == LOCK_NONE ? OUT_RELEASED : OUT_GRANT);
	return LOCK_REPEATED;
}

/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot) && said(s, m);
    requires m->wanted <= LOCK_NONE;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures is_reason(\result);
*/
static enum lock_reason decide(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const bool known = m->sequence == p->sequence;

	if (s->phase != LOCK_SERVING)
		return LOCK_TOO_EARLY;
	if (known && !(m->kind == LOCK_CANCEL && p->wanted != LOCK_NONE))
		return repeat(s, slot, now_ns);
	if (!known && !lock_rule_sequence(p->sequence, m->sequence))
		return LOCK_OLD_SEQUENCE;
	if (m->kind == LOCK_REQUEST)
		return request(s, slot, m, now_ns);
	return m->kind == LOCK_RELEASE ? release(s, slot, m, now_ns) : cancel(s, slot, m, now_ns);
}

enum lock_reason lockd_operation_receive(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	return lockd_count(s, decide(s, slot, m, now_ns));
}
