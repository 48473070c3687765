/*
 * What a client is told. Invariant: nothing is believed that is not of its own epoch and incarnation, and from
 * a node that may lead; no grant is taken but for the operation that waits for it, in a living session.
 */
#include <mullion/lock_server.h>

#include "client.h"

static bool for_client(const uint8_t kind)
{
	return kind >= LOCK_WELCOME && kind <= LOCK_NEW_EPOCH;
}

static bool for_slot(const uint8_t kind)
{
	return kind >= LOCK_GRANT && kind <= LOCK_BLOCKING;
}

static uint32_t leader_place(const struct lock_group *const group, const uint16_t node)
{
	uint32_t place = 0;

	while (place < LOCK_LEADERS && group->nodes[place] != node)
		place++;
	return place;
}

static enum lock_reason welcome(struct lock_client *const c, const uint32_t membership,
	const uint32_t place, const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const uint64_t end_ns = lock_rule_lease_end(m->stamp, now_ns, m->span_ns);

	if (s->state != LOCK_JOINING)
		return LOCK_REPEATED;
	if (!lock_rule_incarnation(s->incarnation, m->incarnation))
		return LOCK_OLD_INCARNATION;
	if (!lock_rule_epoch(s->epoch, m->epoch) && !lock_rule_new_epoch(s->epoch, m->epoch))
		return LOCK_OLD_EPOCH;
	if (lock_rule_session_over(now_ns, end_ns))
		return LOCK_TOO_LATE;
	s->state = LOCK_JOINED;
	s->epoch = m->epoch;
	lockd_client_follow(c, membership, place);
	s->end_ns = end_ns;
	s->answered = true;
	s->out = 0;
	return LOCK_TAKEN;
}

static enum lock_reason beat_ack(struct lock_client *const c, const uint32_t membership,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const uint64_t end_ns = lock_rule_lease_end(m->stamp, now_ns, m->span_ns);

	if (!lock_rule_epoch(s->epoch, m->epoch))
		return LOCK_OLD_EPOCH;
	if (s->state != LOCK_JOINED || !lock_rule_incarnation(s->incarnation, m->incarnation))
		return LOCK_OLD_INCARNATION;
	s->answered = true;
	if (s->end_ns < end_ns)
		s->end_ns = end_ns;
	return LOCK_TAKEN;
}

/*
 * From the slot that the leader was told to ask from, what was said since counts as asked for; from any other, it is said
 * again. A heartbeat follows the last report: its answer prolongs the session.
 */
static void report(struct lock_client *const c, const uint32_t membership, const uint32_t from,
	const uint32_t asked)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const uint32_t slots = member_row(c, membership)->slots;
	const bool follows = s->mark == from;

	if (!follows) {
		s->report = from;
		s->said = 0;
	}
	s->mark = UNMARKED;
	s->half = asked < slots - from ? lock_reports_half(asked) : UINT32_MAX;
	s->left = asked > s->said ? asked - s->said : 0;
	s->out &= (uint8_t)~OUT_REPORT;
	if (s->report == slots)
		lockd_client_speak(c, membership, OUT_BEAT);
	else if (s->left != 0)
		lockd_client_speak(c, membership, OUT_REPORT);
}

/* As many slots as the leader asks for are reported: more of them, or, if some were lost, the same again. */
static enum lock_reason new_epoch(struct lock_client *const c, const uint32_t membership,
	const uint32_t place, const struct lock_message *const m)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const uint32_t slots = member_row(c, membership)->slots;
	const bool again = s->leader == place && lock_rule_epoch(s->epoch, m->epoch);

	if (m->sequence > slots || m->token > slots - m->sequence)
		return LOCK_BAD_FIELD;
	if (!again && !lock_rule_new_epoch(s->epoch, m->epoch))
		return LOCK_OLD_EPOCH;
	s->epoch = m->epoch;
	lockd_client_follow(c, membership, place);
	if (!again) {
		s->out &= (uint8_t)~OUT_REPORT;
		s->mark = UNMARKED;
	}
	if (s->state == LOCK_JOINED)
		report(c, membership, m->sequence, (uint32_t)m->token);
	return again ? LOCK_REPEATED : LOCK_TAKEN;
}

static HOT void learn_value(struct lock_own *const o, const struct lock_message *const m)
{
	lock_value_copy(o->value, m->value);
	o->version = m->stamp;
	o->marks = (MARK_USED | MARK_KNOWN | MARK_VALID) ^
		   (m->flags & LOCK_FLAG_INVALID ? MARK_VALID : 0);
}

/* What this client wrote and told nobody is the last value still: it never ceased to hold for writing. */
static void learn(struct lock_own *const o, const struct lock_message *const m)
{
	const bool mine = (o->marks & MARK_DIRTY) && !(o->flags & LOCK_FLAG_VALUE);
	const uint8_t quiet = o->marks & MARK_QUIET;

	if (mine) {
		o->marks = (uint8_t)((o->marks & ~MARK_TOLD) | MARK_USED);
		return;
	}
	learn_value(o, m);
	o->marks |= quiet;
}

/* Tokens rise, and are of the epoch in which they are given. */
static HOT bool token_follows(const struct lock_own *const o, const struct lock_message *const m)
{
	return m->token > o->token && (uint32_t)(m->token >> TOKEN_COUNTER_BITS) == m->epoch;
}

static enum lock_reason grant(
	struct lock_client *const c, struct lock_own *const o, const struct lock_message *const m)
{
	if (!lock_rule_answer(o->state == LOCK_WAITING, o->sequence, m->sequence))
		return LOCK_OLD_SEQUENCE;
	if (m->held != o->wanted || !token_follows(o, m))
		return LOCK_IMPOSSIBLE;
	o->held = m->held;
	o->token = m->token;
	learn(o, m);
	lockd_client_finish(c, o, LOCK_HOLDING, LOCK_DONE);
	return LOCK_TAKEN;
}

static COLD enum lock_reason refuse(
	struct lock_client *const c, const uint32_t own, const struct lock_message *const m)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (!lock_rule_answer(o->state == LOCK_WAITING, o->sequence, m->sequence))
		return LOCK_OLD_SEQUENCE;
	if (m->token != LOCK_AGAIN && m->token != LOCK_DEADLOCK && m->token != LOCK_CANCELED)
		return LOCK_BAD_FIELD;
	lockd_client_finish(
		c, o, o->held == LOCK_NONE ? LOCK_IDLE : LOCK_HOLDING, (uint8_t)m->token);
	lockd_client_rank(c, own);
	if (o->state == LOCK_HOLDING && (o->marks & (MARK_USED | MARK_TOLD)) == MARK_TOLD) {
		o->marks |= MARK_QUIET;
		lockd_client_give_back(c, own);
	}
	return LOCK_TAKEN;
}

static enum lock_reason released(
	struct lock_client *const c, struct lock_own *const o, const struct lock_message *const m)
{
	if (!lock_rule_answer(o->state == LOCK_RELEASING, o->sequence, m->sequence))
		return LOCK_OLD_SEQUENCE;
	o->held = LOCK_NONE;
	o->marks &= (uint8_t) ~(MARK_TOLD | MARK_DIRTY);
	lockd_client_finish(c, o, LOCK_IDLE, LOCK_DONE);
	return LOCK_TAKEN;
}

/* Of the hold that it is about: a conversion may be under way since. */
static bool about_this_hold(const struct lock_own *const o, const uint32_t sequence)
{
	if (o->held == LOCK_NONE || o->state == LOCK_RELEASING)
		return false;
	return sequence == o->sequence || (o->state == LOCK_WAITING && sequence + 1 == o->sequence);
}

static COLD enum lock_reason blocking(
	struct lock_client *const c, const uint32_t own, const struct lock_message *const m)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (!about_this_hold(o, m->sequence))
		return LOCK_OLD_SEQUENCE;
	if (m->wanted == LOCK_NONE)
		return LOCK_BAD_FIELD;
	o->marks |= MARK_TOLD;
	o->blocked = m->wanted;
	if (o->marks & MARK_USED) {
		lockd_client_tell(c, o, LOCK_EVENT_BLOCKING);
	} else if (o->state == LOCK_HOLDING) {
		o->marks |= MARK_QUIET;
		lockd_client_give_back(c, own);
	}
	return LOCK_TAKEN;
}

static enum lock_reason session_says(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	uint32_t i = 0;

	while (i < c->participant->members && member_of(c, i) != m->index)
		i++;
	if (i == c->participant->members)
		return LOCK_BAD_INDEX;
	if (member_row(c, i)->group != m->group)
		return LOCK_BAD_GROUP;
	const uint32_t place = leader_place(group_row(c, i), from);

	if (place == LOCK_LEADERS)
		return LOCK_BAD_NODE;
	if (m->span_ns > group_row(c, i)->timing.session_ns)
		return LOCK_BAD_FIELD;
	lockd_client_settle(c, i, now_ns);
	if (m->kind == LOCK_WELCOME)
		return welcome(c, i, place, m, now_ns);
	if (m->kind == LOCK_NEW_EPOCH)
		return new_epoch(c, i, place, m);
	return beat_ack(c, i, m, now_ns);
}

/* Of a session that is over, perhaps since this moment only. */
static COLD enum lock_reason too_late(struct lock_client *const c, const uint32_t membership,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_membership *const s = &c->storage.memberships[membership];

	lockd_client_settle(c, membership, now_ns);
	return lock_rule_epoch(s->epoch, m->epoch) ? LOCK_OLD_INCARNATION : LOCK_OLD_EPOCH;
}

static enum lock_reason slot_says(
	struct lock_client *const c, const uint32_t own, const struct lock_message *const m)
{
	struct lock_own *const o = &c->storage.owns[own];

	switch (m->kind) {
	case LOCK_GRANT:
		return grant(c, o, m);
	case LOCK_RELEASED:
		return released(c, o, m);
	case LOCK_REFUSE:
		return refuse(c, own, m);
	default:
		return blocking(c, own, m);
	}
}

static enum lock_reason judge_slot(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	if (m->index >= c->tables->slots)
		return LOCK_BAD_INDEX;
	const uint32_t own = c->tables->slot[m->index].own;

	if (own >= c->owns || c->storage.owns[own].slot != m->index)
		return LOCK_BAD_INDEX;
	const uint32_t i = c->storage.owns[own].membership;
	const struct lock_membership *const s = &c->storage.memberships[i];

	if (s->group != m->group)
		return LOCK_BAD_GROUP;
	if (s->node != from)
		return LOCK_BAD_NODE;
	if (!lockd_client_lives(c, i, now_ns))
		return too_late(c, i, m, now_ns);
	if (!lock_rule_epoch(s->epoch, m->epoch))
		return LOCK_OLD_EPOCH;
	if (!lock_rule_incarnation(s->incarnation, m->incarnation))
		return LOCK_OLD_INCARNATION;
	return slot_says(c, own, m);
}

static enum lock_reason judge(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint32_t bytes, const uint64_t now_ns)
{
	if (bytes != LOCK_MESSAGE_BYTES)
		return LOCK_BAD_SIZE;
	if (!for_client(m->kind))
		return LOCK_BAD_KIND;
	if (m->node != from)
		return LOCK_BAD_NODE;
	if (m->held > LOCK_NONE || m->wanted > LOCK_NONE || (m->flags & ~LOCK_FLAGS))
		return LOCK_BAD_FIELD;
	return for_slot(m->kind) ? judge_slot(c, from, m, now_ns)
				 : session_says(c, from, m, now_ns);
}

static COLD enum lock_reason receive_any(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint32_t bytes, const uint64_t now_ns)
{
	const enum lock_reason reason = judge(c, from, m, bytes, now_ns);

	c->counts[reason]++;
	return reason;
}

/*
 * Whether this is the answer to the one operation that waits for one in its session, as it comes if nothing happened
 * in between: all of its head is what it must be, and so it need not be found by its fields, nor judged by each of
 * them. The operation was said in its session's present epoch and incarnation to its present leader, or it would
 * not be awaited.
 */
static HOT bool is_awaited(
	const struct lock_own *const o, const struct lock_message *const m, const uint64_t now_ns)
{
	return (lock_word32(&m->kind) & ~ANSWER_FLAGS) == o->answer &&
	       lock_word32(&m->group) == lock_word32(&o->session->group) &&
	       lock_rule_expected(lock_word64(&o->slot), lock_word64(&m->index),
		       lock_word64(&o->incarnation), lock_word64(&m->incarnation)) &&
	       !lock_rule_session_over(now_ns, o->session->end_ns);
}

/* The operation awaited is over, and nobody was told of another since. */
static HOT enum lock_reason end_awaited(
	struct lock_client *const c, struct lock_own *const o, const uint8_t state)
{
	o->state = state;
	o->status = LOCK_DONE;
	c->awaited = &lockd_client_nobody;
	o->session->waiting.first = NULL;
	o->events = LOCK_EVENT_DONE;
	c->events.first = o;
	c->counts[LOCK_TAKEN]++;
	return LOCK_TAKEN;
}

static HOT enum lock_reason take_grant(
	struct lock_client *const c, struct lock_own *const o, const struct lock_message *const m)
{
	o->held = m->held;
	o->wanted = LOCK_NONE;
	o->token = m->token;
	learn_value(o, m);
	return end_awaited(c, o, LOCK_HOLDING);
}

static HOT enum lock_reason receive_awaited(
	struct lock_client *const c, const struct lock_message *const m, const uint64_t now_ns)
{
	if (!is_awaited(c->awaited, m, now_ns) || c->events.first)
		return receive_any(c, m->node, m, LOCK_MESSAGE_BYTES, now_ns);
	struct lock_own *const o = c->awaited->session->waiting.first;

	if (o->state == LOCK_WAITING)
		return token_follows(o, m) ? take_grant(c, o, m)
					   : receive_any(c, m->node, m, LOCK_MESSAGE_BYTES, now_ns);
	o->held = LOCK_NONE;
	return end_awaited(c, o, LOCK_IDLE);
}

enum lock_reason lock_client_receive(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint32_t bytes, const uint64_t now_ns)
{
	if (bytes != LOCK_MESSAGE_BYTES || m->node != from)
		return receive_any(c, from, m, bytes, now_ns);
	return receive_awaited(c, m, now_ns);
}
