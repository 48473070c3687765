/*
 * What a client is told. Invariant: nothing is believed that is not of its own epoch and incarnation, and from
 * a node that may lead; no grant is taken but for the operation that waits for it, in a living session.
 */
#include "client.h"

static bool for_session(const uint8_t kind)
{
	return kind == LOCK_WELCOME || kind == LOCK_BEAT_ACK || kind == LOCK_NEW_EPOCH;
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
	s->leader = (uint8_t)place;
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

/* Told again, it reports again: some reports were lost. */
static enum lock_reason new_epoch(struct lock_client *const c, const uint32_t membership,
	const uint32_t place, const struct lock_message *const m)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const bool again = s->leader == place && lock_rule_epoch(s->epoch, m->epoch);

	if (!again && !lock_rule_new_epoch(s->epoch, m->epoch))
		return LOCK_OLD_EPOCH;
	s->epoch = m->epoch;
	s->leader = (uint8_t)place;
	if (s->state == LOCK_JOINED) {
		s->report = 0;
		s->out |= OUT_REPORT | OUT_BEAT;
	}
	return again ? LOCK_REPEATED : LOCK_TAKEN;
}

/* What this client wrote and told nobody is the last value still: it never ceased to hold for writing. */
static void learn(struct lock_own *const o, const struct lock_message *const m)
{
	const bool mine = (o->marks & MARK_DIRTY) && !(o->flags & LOCK_FLAG_VALUE);

	o->marks &= (uint8_t)~MARK_TOLD;
	o->marks |= MARK_USED;
	if (mine)
		return;
	lock_value_copy(o->value, m->value);
	o->version = m->stamp;
	o->marks &= (uint8_t) ~(MARK_VALID | MARK_DIRTY);
	o->marks |= MARK_KNOWN;
	o->marks |= m->flags & LOCK_FLAG_INVALID ? 0 : MARK_VALID;
}

static enum lock_reason grant(
	struct lock_client *const c, const uint32_t own, const struct lock_message *const m)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (!lock_rule_answer(o->state == LOCK_WAITING, o->sequence, m->sequence))
		return LOCK_OLD_SEQUENCE;
	if (m->held != o->wanted || m->token <= o->token ||
		m->token >> TOKEN_COUNTER_BITS != m->epoch)
		return LOCK_IMPOSSIBLE;
	o->held = m->held;
	o->token = m->token;
	learn(o, m);
	lockd_client_finish(c, own, LOCK_HOLDING, LOCK_DONE);
	return LOCK_TAKEN;
}

static enum lock_reason refuse(struct lock_client *const c, const uint32_t own,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (!lock_rule_answer(o->state == LOCK_WAITING, o->sequence, m->sequence))
		return LOCK_OLD_SEQUENCE;
	if (m->token != LOCK_AGAIN && m->token != LOCK_DEADLOCK && m->token != LOCK_CANCELED)
		return LOCK_BAD_FIELD;
	lockd_client_finish(
		c, own, o->held == LOCK_NONE ? LOCK_IDLE : LOCK_HOLDING, (uint8_t)m->token);
	if (o->state == LOCK_HOLDING && (o->marks & (MARK_USED | MARK_TOLD)) == MARK_TOLD) {
		o->marks |= MARK_QUIET;
		lockd_client_give_back(c, own, now_ns);
	}
	return LOCK_TAKEN;
}

static enum lock_reason released(
	struct lock_client *const c, const uint32_t own, const struct lock_message *const m)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (!lock_rule_answer(o->state == LOCK_RELEASING, o->sequence, m->sequence))
		return LOCK_OLD_SEQUENCE;
	o->held = LOCK_NONE;
	o->marks &= (uint8_t) ~(MARK_TOLD | MARK_DIRTY);
	lockd_client_finish(c, own, LOCK_IDLE, LOCK_DONE);
	return LOCK_TAKEN;
}

/* Of the hold that it is about: a conversion may be under way since. */
static bool about_this_hold(const struct lock_own *const o, const uint32_t sequence)
{
	if (o->held == LOCK_NONE || o->state == LOCK_RELEASING)
		return false;
	return sequence == o->sequence || (o->state == LOCK_WAITING && sequence + 1 == o->sequence);
}

static enum lock_reason blocking(struct lock_client *const c, const uint32_t own,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (!about_this_hold(o, m->sequence))
		return LOCK_OLD_SEQUENCE;
	if (m->wanted == LOCK_NONE)
		return LOCK_BAD_FIELD;
	o->marks |= MARK_TOLD;
	o->blocked = m->wanted;
	if (o->marks & MARK_USED) {
		lockd_client_tell(c, own, LOCK_EVENT_BLOCKING);
	} else if (o->state == LOCK_HOLDING) {
		o->marks |= MARK_QUIET;
		lockd_client_give_back(c, own, now_ns);
	}
	return LOCK_TAKEN;
}

static enum lock_reason judge_session(struct lock_client *const c, const uint16_t from,
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

static enum lock_reason act(struct lock_client *const c, const uint32_t own,
	const struct lock_message *const m, const uint64_t now_ns)
{
	switch (m->kind) {
	case LOCK_GRANT:
		return grant(c, own, m);
	case LOCK_REFUSE:
		return refuse(c, own, m, now_ns);
	case LOCK_RELEASED:
		return released(c, own, m);
	default:
		return blocking(c, own, m, now_ns);
	}
}

static enum lock_reason judge_slot(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	if (m->index >= c->tables->slots)
		return LOCK_BAD_INDEX;
	const struct lock_sharer *const slot = &c->tables->slot[m->index];
	const struct lock_member *const member = &c->tables->member[slot->member];

	if (member->participant != c->number)
		return LOCK_BAD_INDEX;
	if (member->group != m->group)
		return LOCK_BAD_GROUP;
	const uint32_t i = c->storage.owns[slot->own].membership;
	const struct lock_membership *const s = &c->storage.memberships[i];

	if (group_row(c, i)->nodes[s->leader] != from)
		return LOCK_BAD_NODE;
	lockd_client_settle(c, i, now_ns);
	if (!lock_rule_epoch(s->epoch, m->epoch))
		return LOCK_OLD_EPOCH;
	if (s->state != LOCK_JOINED || !lock_rule_incarnation(s->incarnation, m->incarnation))
		return LOCK_OLD_INCARNATION;
	return act(c, slot->own, m, now_ns);
}

static enum lock_reason judge(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint32_t bytes, const uint64_t now_ns)
{
	if (bytes != LOCK_MESSAGE_BYTES)
		return LOCK_BAD_SIZE;
	if (!for_session(m->kind) && !for_slot(m->kind))
		return LOCK_BAD_KIND;
	if (m->node != from)
		return LOCK_BAD_NODE;
	if (m->held > LOCK_NONE || m->wanted > LOCK_NONE || (m->flags & ~LOCK_FLAGS))
		return LOCK_BAD_FIELD;
	return for_session(m->kind) ? judge_session(c, from, m, now_ns)
				    : judge_slot(c, from, m, now_ns);
}

enum lock_reason lock_client_receive(struct lock_client *const c, const uint16_t from,
	const struct lock_message *const m, const uint32_t bytes, const uint64_t now_ns)
{
	const enum lock_reason reason = judge(c, from, m, bytes, now_ns);

	c->counts[reason]++;
	return reason;
}
