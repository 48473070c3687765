/*
 * What the leader has yet to say. Invariant: each slot and each member is in the ring at most once, with a bit
 * for each kind of message due; what is said is what is true when it is sent, so an answer that is due
 * twice is sent once.
 */
#include "server.h"

/*@ requires linked(s, slot) && out != 0;
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out;
    ensures linked(s, slot) && as_queued{Pre, Post}(s, slot);
*/
static inline void due(struct lock_server *const s, const uint32_t slot, const uint8_t out)
{
	struct lock_place *const p = &s->storage.places[slot];
	const uint8_t before = p->out;

	p->out = out;
	if (before == 0)
		lock_links_insert(s->storage.links, place_out_link(slot), OUT_END);
}

void lockd_outbox_blocking(struct lock_server *const s, const uint32_t slot)
{
	due(s, slot, s->storage.places[slot].out | OUT_BLOCKING);
}

/* Whatever was to be answered before is of no interest to anybody now. */
void lockd_outbox_answer(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	const uint8_t out = s->storage.places[slot].out;

	if (out == 0)
		due(s, slot, what);
	else
		due(s, slot, (uint8_t)((out & OUT_BLOCKING) | what));
}

void lockd_outbox_forget(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	struct lock_place *const p = &s->storage.places[slot];

	p->out &= (uint8_t)~what;
	if (p->out == 0)
		lock_links_remove(s->storage.links, place_out_link(slot));
}

void lockd_outbox_session(struct lock_server *const s, const uint32_t member, const uint8_t what)
{
	struct lock_session *const session = &s->storage.sessions[member];
	const bool due = session->out != 0;

	session->out |= what;
	if (!due)
		lock_links_insert(s->storage.links, session_out_link(s, member), OUT_END);
}

/* As lock_links_remove does, of the first in the ring: what is before it is known. */
/*@ requires \valid(s) && \valid(s->storage.links + (0 .. lock_links_count - 1));
    requires \base_addr(s) != \base_addr(s->storage.links);
    requires well_formed(s->storage.links, lock_links_count);
    requires 0 < link < lock_links_count && s->storage.links[OUT_END].next == link;
    assigns s->storage.links[0 .. lock_links_count - 1];
    ensures well_formed(s->storage.links, lock_links_count);
    ensures alone(s, link);
    ensures s->storage.links[OUT_END].next == \old(s->storage.links[link].next);
    ensures \forall integer k; 0 <= k < lock_links_count && \old(alone(s, k)) ==> alone(s, k);
*/
static HOT void leave(struct lock_server *const s, const uint32_t link)
{
	struct lock_link *const links = s->storage.links;
	const uint32_t after = links[link].next;

	/*@ assert links[link].prev == OUT_END && after != link && after < lock_links_count; */
	links[link].next = link;
	links[link].prev = link;
	links[OUT_END].next = after;
	links[after].prev = OUT_END;
}

/* The lowest of the first one's bits, which is taken away; the link leaves the ring with the last one. */
static HOT uint8_t take(struct lock_server *const s, uint8_t *const out, const uint32_t link)
{
	const uint8_t all = *out;
	const uint8_t rest = (uint8_t)(all & (all - 1u));

	*out = rest;
	if (rest == 0)
		leave(s, link);
	return all ^ rest;
}

static inline void address(const struct lock_server *const s,
	const struct lock_session *const session, struct lock_envelope *const envelope)
{
	envelope->node = session->node;
	envelope->message = (struct lock_message){
		.held = LOCK_NONE,
		.wanted = LOCK_NONE,
		.group = (uint16_t)s->number,
		.node = s->node,
		.epoch = s->epoch,
		.incarnation = session->incarnation,
	};
}

static inline void fill_grant(const struct lock_server *const s, const struct lock_place *const p,
	struct lock_message *const m)
{
	const struct lock_state *const l = &s->storage.locks[p->lock];

	m->kind = LOCK_GRANT;
	m->stamp = l->version;
	m->span_ns = 0;
	m->flags = l->valid ? 0 : LOCK_FLAG_INVALID;
	lock_value_copy(m->value, l->value);
}

/* The part that all messages about a place have. */
static HOT void begin_message(
	const struct lock_place *const p, struct lock_envelope *const envelope)
{
	const struct lock_session *const session = p->session;
	const uint32_t epoch = session->epoch, incarnation = session->incarnation;

	envelope->node = session->node;
	__builtin_memcpy(&envelope->message, p, LOCK_PLACE_HEAD_BYTES);
	envelope->message.epoch = epoch;
	envelope->message.incarnation = incarnation;
}

/* No value comes with it. */
static HOT void end_message(struct lock_message *const m, const uint8_t kind)
{
	m->kind = kind;
	__builtin_memset(&m->stamp, 0, LOCK_MESSAGE_BYTES - LOCK_PLACE_HEAD_BYTES);
}

static COLD void fill_other(
	const struct lock_place *const p, const uint8_t what, struct lock_message *const m)
{
	end_message(m, what == OUT_REFUSE ? LOCK_REFUSE : LOCK_BLOCKING);
	m->wanted = what == OUT_REFUSE ? LOCK_NONE : p->blocking;
	m->token = what == OUT_REFUSE ? p->answer : 0;
}

/* One of several, or what is rarely said. */
static APART bool send_other(struct lock_server *const s, const uint32_t link,
	struct lock_place *const p, struct lock_envelope *const envelope)
{
	struct lock_message *const m = &envelope->message;
	const uint8_t what = take(s, &p->out, link);

	begin_message(p, envelope);
	if (what == OUT_GRANT)
		fill_grant(s, p, m);
	else if (what == OUT_RELEASED)
		end_message(m, LOCK_RELEASED);
	else
		fill_other(p, what, m);
	return true;
}

/* Of the answers, one at most is due. */
static HOT bool send_place(
	struct lock_server *const s, const uint32_t link, struct lock_envelope *const envelope)
{
	struct lock_place *const p = &s->storage.places[slot_of_link(link)];
	const uint8_t out = p->out;

	if (__builtin_expect((out & ~(OUT_GRANT | OUT_RELEASED)) != 0, false))
		return send_other(s, link, p, envelope);
	p->out = 0;
	leave(s, link);
	begin_message(p, envelope);
	if (out == OUT_GRANT)
		fill_grant(s, p, &envelope->message);
	else
		end_message(&envelope->message, LOCK_RELEASED);
	return true;
}

/* From where it stopped or something is missing, as many slots as may be under way. */
static COLD void ask_reports(
	struct lock_server *const s, const uint32_t member, struct lock_message *const m)
{
	const struct lock_session *const session = &s->storage.sessions[member];
	const uint32_t left = member_row(s, member)->slots - session->asked;
	const uint32_t window = lock_reports_window(s->group->members);

	m->kind = LOCK_NEW_EPOCH;
	m->sequence = session->asked;
	m->token = left < window ? left : window;
}

static COLD bool send_session(struct lock_server *const s, const uint32_t link,
	const uint64_t now_ns, struct lock_envelope *const envelope)
{
	const struct lock_timing *const t = &s->group->timing;
	const uint32_t member = member_of_link(s, link);
	struct lock_session *const session = &s->storage.sessions[member];
	struct lock_message *const m = &envelope->message;
	const uint8_t what = take(s, &session->out, link);

	address(s, session, envelope);
	m->index = s->group->first_member + member;
	if (what == OUT_EPOCH) {
		ask_reports(s, member, m);
		return true;
	}
	m->kind = what == OUT_WELCOME ? LOCK_WELCOME : LOCK_BEAT_ACK;
	m->stamp = session->stamp;
	m->span_ns = lock_rule_cap(now_ns, t->session_ns, s->authority_end_ns, t->survive_ns);
	return true;
}

static HOT bool send_due(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	if (!leads(s) || !lock_rule_authority(now_ns, s->authority_end_ns))
		return false;
	const uint32_t link = s->storage.links[OUT_END].next;

	if (link == OUT_END)
		return false;
	if (__builtin_expect(link < s->first_lease, true))
		return send_place(s, link, envelope);
	return send_session(s, link, now_ns, envelope);
}

static COLD bool send_election(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	return lockd_election_send(s, now_ns, envelope) || send_due(s, now_ns, envelope);
}

bool lock_server_send(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	return s->voter.speaks ? send_election(s, now_ns, envelope) : send_due(s, now_ns, envelope);
}
