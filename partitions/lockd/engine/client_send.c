/*
 * What a client says. Invariant: a message says what is true when it is sent, in the session's present epoch
 * and incarnation; an operation is repeated under its own number until it is answered.
 */
#include <mullion/lock_report.h>
#include <mullion/lock_server.h>

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

static bool waits(const struct lock_own *const o)
{
	return o->state == LOCK_WAITING && !(o->flags & LOCK_FLAG_NOQUEUE) &&
	       !(o->held != LOCK_NONE && lock_mode_covers(o->held, o->wanted));
}

static bool tells_value(const struct lock_own *const o)
{
	return (o->marks & MARK_KNOWN) && !unfinished(o);
}

static uint8_t reported_mode(const struct lock_own *const o)
{
	return o->state == LOCK_RELEASING ? LOCK_NONE : o->held;
}

static uint32_t reported_sequence(const struct lock_own *const o)
{
	return o->state == LOCK_WAITING && !waits(o) ? o->sequence - 1 : o->sequence;
}

/*
 * A request that need not wait, or weakens what is held, is not reported: it comes again by itself, as new.
 * A release is reported as done: so it is, for this client.
 */
static void fill_report(
	const struct lock_own *const o, const uint64_t now_ns, struct lock_message *const m)
{
	m->kind = LOCK_REPORT;
	m->held = reported_mode(o);
	m->sequence = reported_sequence(o);
	m->token = o->token;
	if (waits(o)) {
		m->flags |= LOCK_FLAG_WAITING;
		m->wanted = o->wanted;
		m->span_ns = now_ns - o->since_ns;
	}
	if (!tells_value(o))
		return;
	m->stamp = o->version;
	fill_value(o, m);
}

static bool is_zero(const uint8_t value[const LOCK_VALUE_BYTES])
{
	uint64_t words[LOCK_VALUE_BYTES / sizeof(uint64_t)];

	__builtin_memcpy(words, value, sizeof(words));
	return (words[0] | words[1] | words[2] | words[3]) == 0;
}

/* All that a report says of it fits beside others. */
static bool is_plain(const struct lock_own *const o)
{
	return !waits(o) && (!tells_value(o) || is_zero(o->value));
}

static uint32_t next_report(const struct lock_client *const c, const uint32_t membership)
{
	const struct lock_membership *const s = &c->storage.memberships[membership];

	return c->tables->member_slots[member_row(c, membership)->first + s->report];
}

static struct lock_report_slot told_of(const struct lock_own *const o)
{
	struct lock_report_slot slot = {
		.token = o->token, .sequence = reported_sequence(o), .held = reported_mode(o)
	};

	if (!tells_value(o))
		return slot;
	slot.version = o->version;
	slot.flags = LOCK_FLAG_VALUE | (o->marks & MARK_VALID ? 0 : LOCK_FLAG_INVALID);
	return slot;
}

/* Those that follow, as many as fit. */
static void add_others(
	struct lock_client *const c, const uint32_t membership, struct lock_message *const m)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const uint32_t slots = member_row(c, membership)->slots;
	struct lock_report_others others = { .last = lock_report_own(m) };

	while (s->report < slots) {
		const struct lock_own *const o =
			&c->storage.owns[c->tables->slot[next_report(c, membership)].own];
		const struct lock_report_slot slot = told_of(o);

		if (!is_plain(o) || !lock_report_add(&others, &slot))
			break;
		s->report++;
	}
	lock_report_put(&others, m);
}

/* A message more, of so many slots: with half of what was asked for, the leader is told so; behind the last, a heartbeat is due. */
static void count_report(struct lock_client *const c, const uint32_t membership,
	const uint32_t slots, struct lock_message *const m)
{
	const uint32_t counts = slots < LOCK_REPORT_COUNTS ? slots : LOCK_REPORT_COUNTS;
	struct lock_membership *const s = &c->storage.memberships[membership];
	const bool all = s->report == member_row(c, membership)->slots;

	s->left -= counts < s->left ? counts : s->left;
	s->said += counts;
	if (!all && s->mark == UNMARKED && s->said >= s->half) {
		m->flags |= LOCK_FLAG_ASK_ON;
		s->mark = s->report;
		s->said = 0;
	}
	if (all || s->left == 0)
		s->out &= (uint8_t)~OUT_REPORT;
	if (all)
		s->out |= OUT_BEAT;
}

static void send_report(struct lock_client *const c, const uint32_t membership,
	const uint64_t now_ns, struct lock_envelope *const envelope)
{
	struct lock_membership *const s = &c->storage.memberships[membership];
	const uint32_t first = s->report, slot = next_report(c, membership);
	const struct lock_own *const o = &c->storage.owns[c->tables->slot[slot].own];

	address(c, membership, envelope);
	envelope->message.index = slot;
	fill_report(o, now_ns, &envelope->message);
	s->report++;
	if (is_plain(o))
		add_others(c, membership, &envelope->message);
	count_report(c, membership, s->report - first, &envelope->message);
}

/* What is due leaves the outbox for those that wait for an answer. */
static inline bool send_operation(
	struct lock_client *const c, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	struct lock_own *const o = c->due.first;
	struct lock_message *const m = &envelope->message;

	if (!o)
		return false;
	struct lock_membership *const s = o->session;
	const uint32_t epoch = s->epoch, incarnation = s->incarnation;

	c->due.first = NULL;
	o->sent_ns = now_ns;
	o->epoch = epoch;
	o->incarnation = incarnation;
	envelope->node = s->node;
	__builtin_memcpy(m, o, LOCK_HEAD_BYTES);
	__builtin_memset(&m->stamp, 0, LOCK_MESSAGE_BYTES - LOCK_HEAD_BYTES);
	if (o->flags & LOCK_FLAG_VALUE)
		fill_value(o, m);
	if (s->waiting.first)
		return lockd_client_wait_behind(c, o);
	s->waiting.first = o;
	c->awaited = o;
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
	const bool any = send_operation(c, now_ns, envelope);

	if (any)
		lockd_client_next_due(c);
	c->speaks = c->due.more != 0;
	return any;
}

bool lock_client_send(
	struct lock_client *const c, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	return c->speaks ? send_memberships(c, now_ns, envelope)
			 : send_operation(c, now_ns, envelope);
}
