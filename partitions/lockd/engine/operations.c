/*
 * What clients ask of a slot: requests, conversions, releases, cancellations. Invariant: each operation,
 * known by its number, changes a slot once, however often it comes.
 */
#include "server.h"

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

/*@ assigns \nothing; */
static bool writes(const uint8_t mode)
{
	return mode == LOCK_PW || mode == LOCK_EX;
}

/* Only whoever holds the lock for writing gives it a value, and its token is the value's version. */
/*@ requires whole(s, slot) && \valid_read(m);
    assigns s->storage.locks[its_lock(s, slot)].value[0 .. LOCK_VALUE_BYTES - 1],
      s->storage.locks[its_lock(s, slot)].version, s->storage.locks[its_lock(s, slot)].valid;
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
static void write_value(
	struct lock_server *const s, const uint32_t slot, const struct lock_message *const m)
{
	const struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	if (!(m->flags & LOCK_FLAG_VALUE) || !writes(p->held))
		return;
	lock_value_copy(l->value, m->value);
	l->version = p->token;
	l->valid = !(m->flags & LOCK_FLAG_INVALID);
}

/* As if it had never asked for anything. */
/*@ requires whole(s, slot);
    assigns s->storage.places[slot].marks, s->storage.places[slot].sequence,
      s->storage.places[slot].answer, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
static inline void forget(struct lock_server *const s, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];

	p->marks = 0;
	p->sequence = 0;
	p->answer = LOCK_DONE;
	lockd_outbox_forget(s, slot, OUT_ALL);
}

/* The slot's participant is gone: what it held for writing may be half written. */
void lockd_operation_abandon(struct lock_server *const s, const uint32_t slot)
{
	const struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	if (writes(p->held)) {
		l->valid = false;
		l->version = lockd_operation_token(s);
	}
	lockd_grant_drop(s, slot);
	forget(s, slot);
}

/* What was to be answered to the operation before is of no interest to anybody now. */
/*@ requires whole(s, slot);
    assigns s->storage.places[slot].sequence, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
static void begin(struct lock_server *const s, const uint32_t slot, const uint32_t sequence)
{
	s->storage.places[slot].sequence = sequence;
	lockd_outbox_forget(s, slot, OUT_ANSWERS);
}

/*@ requires whole(s, slot);
    assigns s->storage.places[slot].answer, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
static enum lock_reason refuse(
	struct lock_server *const s, const uint32_t slot, const enum lock_status status)
{
	s->storage.places[slot].answer = (uint8_t)status;
	lockd_outbox_answer(s, slot, OUT_REFUSE);
	return LOCK_TAKEN;
}

/*
 * A conversion queued before this one would wait for what this one holds, and this one behind it, for ever.
 */
/*@ requires whole(s, slot) && is_mode(s->storage.places[slot].held);
    assigns \nothing;
    ensures \result <==> (\exists integer a; is_mode(a) &&
      s->storage.locks[its_lock(s, slot)].converting[a] != 0 &&
      !agree(a, s->storage.places[slot].held));
*/
static bool conversions_meet(const struct lock_server *const s, const uint32_t slot)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const uint32_t *const converting = s->storage.locks[lock_of(s, slot)].converting;

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

static enum lock_reason wait_or_refuse(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];
	const uint32_t lock = lock_of(s, slot);

	p->wanted = m->wanted;
	if (lockd_grant_alone(s, slot, now_ns))
		return LOCK_TAKEN;
	p->marks &= (uint8_t)~MARK_NOQUEUE;
	p->marks |= m->flags & LOCK_FLAG_NOQUEUE ? MARK_NOQUEUE : 0;
	lockd_grant_queue(s, slot);
	lockd_grant_pass(s, lock, now_ns);
	if (p->wanted == LOCK_NONE || !(m->flags & LOCK_FLAG_NOQUEUE))
		return LOCK_TAKEN;
	lockd_grant_unqueue(s, slot);
	lockd_grant_pass(s, lock, now_ns);
	return refuse(s, slot, LOCK_AGAIN);
}

/* To a mode that nobody can mind. */
/*@ requires whole(s, slot) && counted(s, slot) && is_mode(mode);
    requires s->storage.places[slot].wanted == LOCK_NONE;
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1],
      s->storage.locks[its_lock(s, slot)].told,
      s->storage.locks[its_lock(s, slot)].holder, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[slot].held, s->storage.places[slot].wanted,
      s->storage.places[slot].token, s->storage.places[slot].answer,
      s->storage.places[slot].out, s->due, s->speaks, s->storage.places[slot].marks,
      s->storage.places[slot].since_ns, s->token, s->authority_end_ns;
    ensures whole(s, slot) && agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].wanted == LOCK_NONE;
*/
static void step_down(
	struct lock_server *const s, const uint32_t slot, const uint8_t mode, const uint64_t now_ns)
{
	s->storage.places[slot].wanted = mode;
	lockd_grant_now(s, slot, now_ns);
}

static enum lock_reason convert(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];

	write_value(s, slot, m);
	if (lock_mode_covers(p->held, m->wanted)) {
		step_down(s, slot, m->wanted, now_ns);
		lockd_grant_pass(s, lock_of(s, slot), now_ns);
		return LOCK_TAKEN;
	}
	if (p->held != LOCK_NL && conversions_meet(s, slot))
		return refuse(s, slot, LOCK_DEADLOCK);
	return wait_or_refuse(s, slot, m, now_ns);
}

/*@ requires whole(s, slot) && tabled(s, slot) && is_mode(wanted) && alone(s, its_wait(slot));
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.places[slot].wanted, s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
static inline void want_again(
	struct lock_server *const s, const uint32_t slot, const uint8_t wanted)
{
	s->storage.places[slot].wanted = wanted;
	lockd_grant_queue(s, slot);
}

void lockd_operation_untangle(struct lock_server *const s, const uint32_t slot)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const uint8_t wanted = p->wanted;

	if (wanted == LOCK_NONE || p->held == LOCK_NONE || p->held == LOCK_NL)
		return;
	lockd_grant_unqueue(s, slot);
	/*@ assert s->group->first_lock == \at(s->group->first_lock, Pre) &&
	      s->group->first_slot == \at(s->group->first_slot, Pre);
	*/
	/*@ assert row_of_lock(s, slot) == row_of_lock{Pre}(s, slot); */
	/*@ assert row_of_slot(s, slot) == row_of_slot{Pre}(s, slot); */
	/*@ assert row_of_slot(s, slot)->priority < LOCK_PRIORITIES; */
	/*@ assert s->storage.locks[its_lock(s, slot)].batch <= 1; */
	/*@ assert tabled(s, slot); */
	if (conversions_meet(s, slot)) {
		refuse(s, slot, LOCK_DEADLOCK);
		return;
	}
	want_again(s, slot, wanted);
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
	p->sequence = m->sequence;
	lockd_grant_free(s, p->state, slot, m->wanted, now_ns);
	return true;
}

bool lockd_operation_release(
	struct lock_server *const s, const uint32_t slot, const struct lock_message *const m)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (!nobody_contends(s, p, (int32_t)slot))
		return false;
	p->sequence = m->sequence;
	p->answer = LOCK_DONE;
	lockd_grant_leave(s, p->state, slot);
	return true;
}

/*@ requires whole(s, slot);
    assigns s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
static inline void tell_released(struct lock_server *const s, const uint32_t slot)
{
	lockd_outbox_answer(s, slot, OUT_RELEASED);
}

/*@ requires whole(s, slot) && counted(s, slot) && \valid_read(m);
    requires s->storage.places[slot].held != LOCK_NONE;
    requires s->storage.places[slot].wanted == LOCK_NONE;
    requires l == s->storage.locks + its_lock(s, slot);
    assigns *l, s->storage.places[slot].held, s->storage.places[slot].out, s->due, s->speaks,
      s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures moved{Pre, Post}(s, slot);
    ensures s->storage.places[slot].held == LOCK_NONE;
*/
static inline void let_go(struct lock_server *const s, struct lock_state *const l,
	const uint32_t slot, const struct lock_message *const m)
{
	write_value(s, slot, m);
	lockd_grant_drop_hold(s, l, slot);
	tell_released(s, slot);
}

static enum lock_reason request(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const bool held = p->held != LOCK_NONE;

	if (m->wanted == LOCK_NONE || p->wanted != LOCK_NONE || held != (m->held != LOCK_NONE) ||
		(held && !lock_rule_token(p->token, m->token)))
		return LOCK_IMPOSSIBLE;
	begin(s, slot, m->sequence);
	return held ? convert(s, slot, m, now_ns) : wait_or_refuse(s, slot, m, now_ns);
}

static enum lock_reason release(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (p->held == LOCK_NONE || p->wanted != LOCK_NONE || !lock_rule_token(p->token, m->token))
		return LOCK_IMPOSSIBLE;
	p->sequence = m->sequence;
	p->answer = LOCK_DONE;
	let_go(s, &s->storage.locks[p->lock], slot, m);
	lockd_grant_pass(s, p->lock, now_ns);
	return LOCK_TAKEN;
}

/* Also of a request that has not come: when it comes, it is over already. */
static enum lock_reason cancel(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (p->wanted != LOCK_NONE) {
		if (p->sequence != m->sequence)
			return LOCK_IMPOSSIBLE;
		lockd_grant_unqueue(s, slot);
		lockd_grant_pass(s, lock_of(s, slot), now_ns);
	}
	begin(s, slot, m->sequence);
	return refuse(s, slot, LOCK_CANCELED);
}

/* What was answered once is answered again; who waits at the head has the others told again. */
static enum lock_reason repeat(
	struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (p->wanted != LOCK_NONE)
		lockd_grant_tell_again(s, lock_of(s, slot), now_ns);
	else if (p->answer != LOCK_DONE)
		lockd_outbox_answer(s, slot, OUT_REFUSE);
	else
		lockd_outbox_answer(s, slot, p->held == LOCK_NONE ? OUT_RELEASED : OUT_GRANT);
	return LOCK_REPEATED;
}

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
