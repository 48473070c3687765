/*
 * What a client says. Invariant: a message says what is true when it is sent, in the session's present epoch
 * and incarnation; an operation is repeated under its own number until it is answered.
 */
#include "client.h"

static inline void address(const struct lock_client *const c, const uint32_t membership,
	struct lock_envelope *const envelope)
{
	const struct lock_membership *const s = &c->storage.memberships[membership];

	envelope->node = s->node;
	envelope->message = (struct lock_message){
		.held = LOCK_NONE,
		.wanted = LOCK_NONE,
		.group = s->group,
		.node = c->node,
		.epoch = s->epoch,
		.incarnation = s->incarnation,
	};
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
	if (s->report >= s->report_end)
		s->out &= (uint8_t)~OUT_REPORT;
}

/* What is due leaves the outbox for those that wait for an answer. */
static inline bool send_operation(
	struct lock_client *const c, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	const uint32_t link = c->storage.links[OUT_END].next;
	struct lock_message *const m = &envelope->message;

	if (link == OUT_END)
		return false;
	struct lock_own *const o = &c->storage.owns[own_of_link(link)];

	const struct lock_membership *const s = &c->storage.memberships[o->membership];

	lock_links_remove(c->storage.links, link);
	lock_links_insert(c->storage.links, link, timer_end(c, o->membership));
	o->due = false;
	o->sent_ns = now_ns;
	envelope->node = s->node;
	__builtin_memcpy(m, o, LOCK_HEAD_BYTES);
	__builtin_memset(&m->stamp, 0, LOCK_MESSAGE_BYTES - LOCK_HEAD_BYTES);
	m->epoch = s->epoch;
	m->incarnation = s->incarnation;
	if (m->flags & LOCK_FLAG_VALUE)
		fill_value(o, m);
	return true;
}

static COLD bool send_membership(struct lock_client *const c, const uint32_t membership,
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

static COLD bool send_memberships(
	struct lock_client *const c, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	for (uint32_t i = 0; i < c->participant->members; i++) {
		if (send_membership(c, i, now_ns, envelope))
			return true;
	}
	c->speaks = false;
	return send_operation(c, now_ns, envelope);
}

bool lock_client_send(
	struct lock_client *const c, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	return c->speaks ? send_memberships(c, now_ns, envelope)
			 : send_operation(c, now_ns, envelope);
}
