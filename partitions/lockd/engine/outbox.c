/*
 * What the leader has yet to say, in the order in which it became due. Invariants: each slot and each member is in the
 * ring at most once, with a bit for each kind of message due; what is said is what is true when it is sent, so an
 * answer that is due twice is sent once. A slot that is to be told a grant or a release, and came last, is apart and
 * in no ring (`due`), so that the ring is not touched where one is told at a time.
 */
#include "server.h"

/* Whoever was due alone goes into the ring, so that whoever comes now goes behind it. */
/*@ requires in_line(s);
    assigns s->storage.links[0 .. lock_links_count - 1], s->due, s->speaks;
    ensures in_line(s) && s->due == LOCK_NO_SLOT;
    ensures \forall integer k; FIRST_SLOT_LINK <= k < lock_links_count &&
      k != its_out(\old(s->due)) && \old(alone(s, k)) ==> alone(s, k);
*/
static inline void line_up(struct lock_server *const s)
{
	s->speaks = true;
	if (s->due == LOCK_NO_SLOT)
		return;
	lock_links_insert(s->storage.links, place_out_link((uint32_t)s->due), OUT_END);
	s->due = LOCK_NO_SLOT;
}

/*@ requires linked(s, slot) && out != 0;
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out, s->due,
      s->speaks;
    ensures linked(s, slot) && as_queued{Pre, Post}(s, slot);
    ensures silent_elsewhere{Pre, Post}(s, slot);
*/
static APART void append(struct lock_server *const s, const uint32_t slot, const uint8_t out)
{
	struct lock_place *const p = &s->storage.places[slot];
	const uint8_t before = p->out;

	line_up(s);
	p->out = out;
	if (before == 0)
		lock_links_insert(s->storage.links, place_out_link(slot), OUT_END);
}

void lockd_outbox_blocking(struct lock_server *const s, const uint32_t slot)
{
	append(s, slot, s->storage.places[slot].out | OUT_BLOCKING);
}

void lockd_outbox_alone(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	s->storage.places[slot].out = what;
	s->due = (int32_t)slot;
}

/* Whatever was to be answered before is of no interest to anybody now. */
void lockd_outbox_answer(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (p->out != 0 || s->due != LOCK_NO_SLOT || what == OUT_REFUSE)
		append(s, slot, (uint8_t)((p->out & OUT_BLOCKING) | what));
	else
		lockd_outbox_alone(s, slot, what);
}

/*@ requires linked(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1], s->due;
    ensures linked(s, slot);
    ensures alone(s, its_out(slot)) && s->due != slot;
    ensures as_queued{Pre, Post}(s, slot);
    ensures silent_elsewhere{Pre, Post}(s, slot);
*/
static inline void take_out(struct lock_server *const s, const uint32_t slot)
{
	if (s->due == (int32_t)slot)
		s->due = LOCK_NO_SLOT;
	else
		lock_links_remove(s->storage.links, place_out_link(slot));
}

void lockd_outbox_forget(struct lock_server *const s, const uint32_t slot, const uint8_t what)
{
	struct lock_place *const p = &s->storage.places[slot];
	const uint8_t rest = p->out & (uint8_t)~what;

	if (rest == 0)
		take_out(s, slot);
	p->out = rest;
}

void lockd_outbox_session(struct lock_server *const s, const uint32_t member, const uint8_t what)
{
	struct lock_session *const session = &s->storage.sessions[member];
	const uint8_t before = session->out;

	line_up(s);
	session->out |= what;
	if (before == 0)
		lock_links_insert(s->storage.links, session_out_link(s, member), OUT_END);
}

/* The lowest of the first one's bits, which is taken away; the link leaves the ring with the last one. */
/*@ requires \valid(s) && \valid(s->storage.links + (0 .. lock_links_count - 1)) && \valid(out);
    requires \base_addr(s) != \base_addr(s->storage.links) && \base_addr(s) != \base_addr(out) &&
      \base_addr(out) != \base_addr(s->storage.links);
    requires well_formed(s->storage.links, lock_links_count);
    requires 0 < link < lock_links_count && s->storage.links[OUT_END].next == link;
    assigns *out, s->storage.links[0 .. lock_links_count - 1];
    ensures well_formed(s->storage.links, lock_links_count);
    ensures *out == (\old(*out) & ((\old(*out) - 1) & UINT8_MAX));
    ensures \result == (\old(*out) ^ *out);
    ensures *out == 0 ==> alone(s, link);
    ensures *out != 0 ==> s->storage.links[OUT_END].next == link;
    ensures \forall integer k; 0 <= k < lock_links_count && \old(alone(s, k)) ==> alone(s, k);
*/
static uint8_t take(struct lock_server *const s, uint8_t *const out, const uint32_t link)
{
	const uint8_t all = *out;
	const uint8_t rest = (uint8_t)(all & (all - 1u));

	*out = rest;
	if (rest == 0)
		lock_links_remove(s->storage.links, link);
	return all ^ rest;
}

/* What the first one in the ring is to be told first. */
/*@ requires linked(s, slot) && link == its_out(slot) && s->storage.links[OUT_END].next == link;
    requires s->storage.places[slot].out != 0;
    assigns s->storage.places[slot].out, s->storage.links[0 .. lock_links_count - 1];
    ensures linked(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
*/
static inline uint8_t take_next(
	struct lock_server *const s, const uint32_t slot, const uint32_t link)
{
	return take(s, &s->storage.places[slot].out, link);
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

static inline void fill_grant(const struct lock_place *const p, struct lock_message *const m)
{
	const struct lock_state *const l = p->state;

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

static HOT bool say(
	const struct lock_place *const p, const uint8_t what, struct lock_envelope *const envelope)
{
	begin_message(p, envelope);
	if (what == OUT_GRANT)
		fill_grant(p, &envelope->message);
	else
		end_message(&envelope->message, LOCK_RELEASED);
	return true;
}

static bool send_place(
	struct lock_server *const s, const uint32_t link, struct lock_envelope *const envelope)
{
	const uint32_t slot = slot_of_link(link);
	const struct lock_place *const p = &s->storage.places[slot];
	const uint8_t what = take_next(s, slot, link);

	if (what == OUT_GRANT || what == OUT_RELEASED)
		return say(p, what, envelope);
	begin_message(p, envelope);
	fill_other(p, what, &envelope->message);
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

static bool may_send(const struct lock_server *const s, const uint64_t now_ns)
{
	return leads(s) && lock_rule_authority(now_ns, s->authority_end_ns);
}

/* A grant, or that it is released: all that is ever due so. */
static HOT bool send_due(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	const int32_t slot = s->due;

	if (slot == LOCK_NO_SLOT || !may_send(s, now_ns))
		return false;
	struct lock_place *const p = &s->storage.places[(uint32_t)slot];
	const uint8_t what = p->out;

	p->out = 0;
	s->due = LOCK_NO_SLOT;
	return say(p, what, envelope);
}

/* The voter's first, then the ring's. */
static COLD bool send_queued(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	if (lockd_election_send(s, now_ns, envelope))
		return true;
	if (!may_send(s, now_ns))
		return false;
	const uint32_t link = s->storage.links[OUT_END].next;

	if (link == OUT_END) {
		s->speaks = false;
		return send_due(s, now_ns, envelope);
	}
	return link < s->first_lease ? send_place(s, link, envelope)
				     : send_session(s, link, now_ns, envelope);
}

bool lock_server_send(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	return s->speaks ? send_queued(s, now_ns, envelope) : send_due(s, now_ns, envelope);
}
