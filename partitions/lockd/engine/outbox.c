/*
 * What the leader has yet to say. Invariant: each slot and each member is in the ring at most once, with a bit
 * for each kind of message due; what is said is what is true when it is sent, so an answer that is due
 * twice is sent once.
 */
#include "server.h"

static const struct lock_message nothing;

static void due(struct lock_server *const s, const uint32_t link)
{
	if (lock_links_empty(s->storage.links, link))
		lock_links_insert(s->storage.links, link, out_end(s));
}

void lockd_outbox_place(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	s->storage.places[slot].out |= what;
	due(s, place_out_link(s, slot));
}

void lockd_outbox_forget(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	struct lock_place *const p = &s->storage.places[slot];

	p->out &= (uint8_t)~what;
	if (p->out == 0)
		lock_links_remove(s->storage.links, place_out_link(s, slot));
}

void lockd_outbox_session(struct lock_server *const s, const uint32_t member, const uint8_t what)
{
	s->storage.sessions[member].out |= what;
	due(s, session_out_link(s, member));
}

/* The lowest of the bits, which is taken away; the link leaves the ring with the last one. */
static uint8_t take(struct lock_server *const s, uint8_t *const out, const uint32_t link)
{
	const uint8_t lowest = (uint8_t)(*out & (0u - *out));

	*out &= (uint8_t)~lowest;
	if (*out == 0)
		lock_links_remove(s->storage.links, link);
	return lowest;
}

static void address(
	struct lock_server *const s, const uint32_t member, struct lock_envelope *const envelope)
{
	struct lock_message *const m = &envelope->message;

	*m = nothing;
	m->group = (uint16_t)s->number;
	m->node = s->node;
	m->epoch = s->epoch;
	m->incarnation = s->storage.sessions[member].incarnation;
	m->held = LOCK_NONE;
	m->wanted = LOCK_NONE;
	envelope->node = s->tables->participant[member_row(s, member)->participant].node;
}

static void fill_grant(
	const struct lock_server *const s, const uint32_t slot, struct lock_message *const m)
{
	const struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	m->kind = LOCK_GRANT;
	m->token = s->storage.places[slot].token;
	m->stamp = l->version;
	m->flags = l->valid ? 0 : LOCK_FLAG_INVALID;
	lock_value_copy(m->value, l->value);
}

static void fill_place(struct lock_server *const s, const uint32_t slot, const uint8_t what,
	struct lock_message *const m)
{
	const struct lock_place *const p = &s->storage.places[slot];

	m->index = s->group->first_slot + slot;
	m->sequence = p->sequence;
	m->held = p->held;
	if (what == OUT_GRANT) {
		fill_grant(s, slot, m);
	} else if (what == OUT_REFUSE) {
		m->kind = LOCK_REFUSE;
		m->token = p->answer;
	} else if (what == OUT_RELEASED) {
		m->kind = LOCK_RELEASED;
	} else {
		m->kind = LOCK_BLOCKING;
		m->wanted = p->blocking;
	}
}

static void fill_session(struct lock_server *const s, const uint32_t member, const uint8_t what,
	const uint64_t now_ns, struct lock_message *const m)
{
	const struct lock_timing *const t = &s->group->timing;

	m->index = s->group->first_member + member;
	if (what == OUT_EPOCH) {
		m->kind = LOCK_NEW_EPOCH;
		return;
	}
	m->kind = what == OUT_WELCOME ? LOCK_WELCOME : LOCK_BEAT_ACK;
	m->stamp = s->storage.sessions[member].stamp;
	m->span_ns = lock_rule_cap(now_ns, t->session_ns, s->authority_end_ns, t->survive_ns);
}

static void send_place(
	struct lock_server *const s, const uint32_t slot, struct lock_envelope *const envelope)
{
	const uint8_t what = take(s, &s->storage.places[slot].out, place_out_link(s, slot));

	address(s, member_of(s, slot), envelope);
	fill_place(s, slot, what, &envelope->message);
}

static void send_session(struct lock_server *const s, const uint32_t member, const uint64_t now_ns,
	struct lock_envelope *const envelope)
{
	const uint8_t what = take(s, &s->storage.sessions[member].out, session_out_link(s, member));

	address(s, member, envelope);
	fill_session(s, member, what, now_ns, &envelope->message);
}

bool lock_server_send(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	uint32_t link;

	if (s->voter.speaks && lockd_election_send(s, now_ns, envelope))
		return true;
	if (!leads(s) || !lock_rule_authority(now_ns, s->authority_end_ns) ||
		lock_links_empty(s->storage.links, out_end(s)))
		return false;
	link = s->storage.links[out_end(s)].next;
	if (link < place_out_link(s, s->group->slots))
		send_place(s, link - place_out_link(s, 0), envelope);
	else
		send_session(s, link - session_out_link(s, 0), now_ns, envelope);
	return true;
}
