/*
 * What a client says. Invariant: a message says what is true when it is sent, in the session's present epoch
 * and incarnation; an operation is repeated under its own number until it is answered.
 */
#include "client.h"

static const struct lock_message nothing;

static void address(const struct lock_client *const c, const uint32_t membership,
	struct lock_envelope *const envelope)
{
	const struct lock_membership *const s = &c->storage.memberships[membership];
	struct lock_message *const m = &envelope->message;

	*m = nothing;
	m->group = (uint16_t)member_row(c, membership)->group;
	m->node = c->participant->node;
	m->held = LOCK_NONE;
	m->wanted = LOCK_NONE;
	m->epoch = s->epoch;
	m->incarnation = s->incarnation;
	envelope->node = group_row(c, membership)->nodes[s->leader];
}

static void fill_value(const struct lock_own *const o, struct lock_message *const m)
{
	m->flags |= LOCK_FLAG_VALUE;
	m->flags |= o->marks & MARK_VALID ? 0 : LOCK_FLAG_INVALID;
	lock_value_copy(m->value, o->value);
}

static void send_session(struct lock_client *const c, const uint32_t membership, const uint8_t what,
	const uint64_t now_ns, struct lock_envelope *const envelope)
{
	struct lock_membership *const s = &c->storage.memberships[membership];

	address(c, membership, envelope);
	envelope->message.kind = what == OUT_HELLO ? LOCK_HELLO : LOCK_BEAT;
	envelope->message.index = member_of(c, membership);
	envelope->message.stamp = now_ns;
	s->out &= (uint8_t)~what;
	s->sent_ns = now_ns;
	s->answered = false;
}

/* A value that may be written again under the same token is not told: two would have the same version. */
static bool unfinished(const struct lock_own *const o)
{
	return (o->marks & MARK_DIRTY) && o->state != LOCK_RELEASING &&
	       (o->held == LOCK_PW || o->held == LOCK_EX);
}

/*
 * A request that need not wait, or weakens what is held, is not reported: it comes again by itself, as new.
 * A release is reported as done: so it is, for this client.
 */
static void fill_report(
	const struct lock_own *const o, const uint64_t now_ns, struct lock_message *const m)
{
	const bool waits = o->state == LOCK_WAITING && !(o->flags & LOCK_FLAG_NOQUEUE) &&
			   !(o->held != LOCK_NONE && lock_mode_covers(o->held, o->wanted));

	m->kind = LOCK_REPORT;
	m->held = o->state == LOCK_RELEASING ? LOCK_NONE : o->held;
	m->sequence = o->state == LOCK_WAITING && !waits ? o->sequence - 1 : o->sequence;
	m->token = o->token;
	if (waits) {
		m->flags |= LOCK_FLAG_WAITING;
		m->wanted = o->wanted;
		m->span_ns = now_ns - o->since_ns;
	}
	if (!(o->marks & MARK_KNOWN) || unfinished(o))
		return;
	m->stamp = o->version;
	fill_value(o, m);
}

static void send_report(struct lock_client *const c, const uint32_t membership,
	const uint64_t now_ns, struct lock_envelope *const envelope)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const struct lock_member *const row = member_row(c, membership);
	const uint32_t slot = c->tables->member_slots[row->first + s->report];

	address(c, membership, envelope);
	envelope->message.index = slot;
	fill_report(&c->storage.owns[c->tables->slot[slot].own], now_ns, &envelope->message);
	s->report++;
	if (s->report >= row->slots)
		s->out &= (uint8_t)~OUT_REPORT;
}

static void fill_operation(
	const struct lock_own *const o, const uint8_t what, struct lock_message *const m)
{
	m->sequence = o->sequence;
	m->held = o->held;
	m->flags = o->flags & LOCK_FLAG_NOQUEUE;
	if (what == OUT_CANCEL) {
		m->kind = LOCK_CANCEL;
		return;
	}
	m->kind = o->state == LOCK_RELEASING ? LOCK_RELEASE : LOCK_REQUEST;
	m->wanted = o->wanted;
	m->token = o->token;
	if (o->flags & LOCK_FLAG_VALUE)
		fill_value(o, m);
}

static void send_operation(struct lock_client *const c, const uint32_t own, const uint64_t now_ns,
	struct lock_envelope *const envelope)
{
	struct lock_own *const o = &c->storage.owns[own];

	address(c, o->membership, envelope);
	envelope->message.index = slot_of(c, own);
	fill_operation(o, o->out, &envelope->message);
	o->out = 0;
	o->sent_ns = now_ns;
	lock_links_remove(c->storage.links, out_link(own));
	lock_links_remove(c->storage.links, timer_link(c, own));
	lock_links_insert(c->storage.links, timer_link(c, own), timer_end(c, o->membership));
}

static bool send_membership(struct lock_client *const c, const uint32_t membership,
	const uint64_t now_ns, struct lock_envelope *const envelope)
{
	const uint8_t out = c->storage.memberships[membership].out;

	if (out == 0)
		return false;
	if (out & OUT_HELLO)
		send_session(c, membership, OUT_HELLO, now_ns, envelope);
	else if (out & OUT_REPORT)
		send_report(c, membership, now_ns, envelope);
	else
		send_session(c, membership, OUT_BEAT, now_ns, envelope);
	return true;
}

bool lock_client_send(
	struct lock_client *const c, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	const uint32_t link = c->storage.links[out_end(c)].next;

	for (uint32_t i = 0; i < c->participant->members; i++) {
		if (send_membership(c, i, now_ns, envelope))
			return true;
	}
	if (link == out_end(c))
		return false;
	send_operation(c, link, now_ns, envelope);
	return true;
}
