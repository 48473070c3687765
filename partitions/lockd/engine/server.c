/*
 * The server's doors: messages are judged here before anything else sees them, and what is due is done.
 * Invariant: whatever is refused here changed nothing but its counter.
 */
#include "server.h"

void lock_server_init(struct lock_server *const s, const struct lock_tables *const tables,
	const uint32_t number, const uint32_t place, const struct lock_storage *const storage,
	const uint32_t epoch, const bool memory, const uint64_t now_ns)
{
	const struct lock_group *const group = &tables->group[number];
	const uint64_t quiet_end_ns = lock_rule_quiet_end(
		now_ns, group->timing.authority_guard_ns, group->timing.retransmit_ns);

	*s = (struct lock_server){
		.tables = tables,
		.group = group,
		.number = number,
		.place = (uint8_t)place,
		.node = group->nodes[place],
		.first_slot = group->first_slot,
		.slots = group->slots,
		.first_lease = FIRST_SLOT_LINK + SLOT_LINKS * group->slots,
		.first_end =
			FIRST_SLOT_LINK + SLOT_LINKS * group->slots + MEMBER_LINKS * group->members,
		.storage = *storage,
		.dirty = place < LOCK_LEADERS,
		.ending = NOBODY,
		.due = LOCK_NO_SLOT,
	};
	s->voter.voted = epoch;
	s->voter.heard = epoch;
	s->voter.memory = memory;
	s->voter.silent = true;
	s->voter.promised = (uint8_t)place;
	s->voter.promise_end_ns = quiet_end_ns;
	s->voter.campaign_ns = quiet_end_ns + place * group->timing.retransmit_ns;
}

static bool from_client(const uint8_t kind)
{
	return kind >= LOCK_HELLO && kind <= LOCK_REPORT;
}

static bool from_server(const uint8_t kind)
{
	return kind >= LOCK_CANDIDATE && kind <= LOCK_DENY;
}

static COLD enum lock_reason judge_peer(struct lock_server *const s, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	if (m->epoch > EPOCH_MOST)
		return lockd_count(s, LOCK_BAD_FIELD);
	if (s->voter.silent)
		return lockd_count(s, LOCK_QUIET);
	for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++) {
		if (place != s->place && s->group->nodes[place] == from)
			return lockd_count(s, lockd_election_receive(s, place, m, now_ns));
	}
	return lockd_count(s, LOCK_BAD_NODE);
}

static enum lock_reason member_says(struct lock_server *const s, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const uint32_t member = m->index - s->group->first_member;

	if (m->epoch > EPOCH_MOST)
		return LOCK_BAD_FIELD;
	if (member >= s->group->members)
		return LOCK_BAD_INDEX;
	if (s->storage.sessions[member].node != from)
		return LOCK_BAD_NODE;
	if (m->kind == LOCK_HELLO)
		return lockd_session_hello(s, member, m, now_ns);
	if (!lock_rule_epoch(s->epoch, m->epoch))
		return LOCK_OLD_EPOCH;
	return lockd_session_beat(s, member, m, now_ns);
}

static COLD enum lock_reason judge_member(struct lock_server *const s, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	return lockd_count(s, member_says(s, from, m, now_ns));
}

static COLD enum lock_reason judge_report(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	return lockd_count(s, lockd_rebuild_report(s, slot, m, now_ns));
}

/* The session is not what it is for most messages; its first operation makes it so. */
static COLD enum lock_reason judge_first(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_session *const session = &s->storage.sessions[member_of(s, slot)];
	enum lock_reason reason;

	if (session->state != LOCK_FRESH)
		return lockd_count(s, LOCK_OLD_INCARNATION);
	reason = lockd_operation_receive(s, slot, m, now_ns);
	if (reason == LOCK_TAKEN)
		session->state = LOCK_LIVE;
	return reason;
}

static enum lock_reason judge_slot(struct lock_server *const s, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const uint32_t slot = m->index - s->group->first_slot;

	if (slot >= s->group->slots)
		return lockd_count(s, LOCK_BAD_INDEX);
	const struct lock_session *const session = &s->storage.sessions[member_of(s, slot)];

	if (session->node != from)
		return lockd_count(s, LOCK_BAD_NODE);
	if (!lock_rule_epoch(s->epoch, m->epoch))
		return lockd_count(s, LOCK_OLD_EPOCH);
	if (m->kind == LOCK_REPORT)
		return judge_report(s, slot, m, now_ns);
	if (!lock_rule_incarnation(session->incarnation, m->incarnation))
		return lockd_count(s, LOCK_OLD_INCARNATION);
	if (m->sequence == 0)
		return lockd_count(s, LOCK_BAD_FIELD);
	if (session->state != LOCK_LIVE)
		return judge_first(s, slot, m, now_ns);
	return lockd_operation_receive(s, slot, m, now_ns);
}

static COLD enum lock_reason receive_any(struct lock_server *const s, const uint16_t from,
	const struct lock_message *const m, const uint32_t bytes, const uint64_t now_ns)
{
	if (bytes != LOCK_MESSAGE_BYTES)
		return lockd_count(s, LOCK_BAD_SIZE);
	if (!from_client(m->kind) && !from_server(m->kind))
		return lockd_count(s, LOCK_BAD_KIND);
	if (m->group != s->number)
		return lockd_count(s, LOCK_BAD_GROUP);
	if (m->node != from)
		return lockd_count(s, LOCK_BAD_NODE);
	if (m->held > LOCK_NONE || m->wanted > LOCK_NONE || (m->flags & ~LOCK_FLAGS))
		return lockd_count(s, LOCK_BAD_FIELD);
	if (from_server(m->kind))
		return judge_peer(s, from, m, now_ns);
	if (!leads(s) || !lock_rule_authority(now_ns, s->authority_end_ns))
		return lockd_count(s, s->voter.silent ? LOCK_QUIET : LOCK_NO_AUTHORITY);
	return m->kind <= LOCK_BEAT ? judge_member(s, from, m, now_ns)
				    : judge_slot(s, from, m, now_ns);
}

/*
 * What is mostly received is the next operation on a slot, of a session that asked for something before: here is asked
 * what that must be in any case. If it is something else, or what it asks for is not what is mostly asked, all is
 * looked at, to say what it is.
 */
static HOT bool is_next(const struct lock_place *const p, const struct lock_message *const m)
{
	const struct lock_session *const session = p->session;

	return lock_word32(&m->group) == lock_word32(&session->group) &&
	       lock_rule_life(lock_word64(&session->epoch), lock_word64(&m->epoch)) &&
	       session->state == LOCK_LIVE && m->sequence != p->sequence &&
	       lock_rule_sequence(p->sequence, m->sequence);
}

/* Whether it is asked for, or given back, where nobody contends; then it is done. */
static HOT bool nobody_minds(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const struct lock_place *const p = &s->storage.places[slot];

	if (lockd_is_idle(p))
		return lockd_asks_anew(m) && lockd_operation_request(s, slot, m, now_ns);
	return lockd_gives_back(p, m) && lockd_operation_release(s, slot, m);
}

static HOT enum lock_reason receive_next(
	struct lock_server *const s, const struct lock_message *const m, const uint64_t now_ns)
{
	const uint32_t slot = m->index - s->first_slot;

	if (s->phase == LOCK_SERVING && lock_rule_authority(now_ns, s->authority_end_ns) &&
		slot < s->slots && is_next(&s->storage.places[slot], m) &&
		nobody_minds(s, slot, m, now_ns))
		return lockd_count(s, LOCK_TAKEN);
	return receive_any(s, m->node, m, LOCK_MESSAGE_BYTES, now_ns);
}

DOOR enum lock_reason lock_server_receive(struct lock_server *const s, const uint16_t from,
	const struct lock_message *const m, const uint32_t bytes, const uint64_t now_ns)
{
	if (bytes != LOCK_MESSAGE_BYTES || m->node != from)
		return receive_any(s, from, m, bytes, now_ns);
	return receive_next(s, m, now_ns);
}

bool lock_server_tick(struct lock_server *const s, const uint64_t now_ns)
{
	if (lockd_election_tick(s, now_ns))
		return true;
	if (!leads(s))
		return lockd_clear(s);
	if (s->phase != LOCK_SERVING)
		return lockd_rebuild_tick(s, now_ns);
	return lockd_session_tick(s, now_ns);
}

static uint64_t earlier(const uint64_t a, const uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t leader_due_ns(const struct lock_server *const s, const uint64_t now_ns)
{
	const uint32_t head = s->storage.links[LEASE_END].next;
	const uint64_t next = earlier(s->voter.campaign_ns, s->authority_end_ns);

	if (s->phase == LOCK_COLLECTING)
		return earlier(next, earlier(s->announce_ns, s->silent_end_ns));
	if (s->phase != LOCK_SERVING || s->ending != NOBODY)
		return now_ns;
	if (head == LEASE_END)
		return next;
	return earlier(next, s->storage.sessions[member_of_link(s, head)].end_ns);
}

uint64_t lock_server_due_ns(const struct lock_server *const s, const uint64_t now_ns)
{
	uint64_t due_ns;

	if (s->dirty)
		due_ns = now_ns;
	else if (s->voter.silent)
		due_ns = s->voter.promise_end_ns;
	else if (s->phase == LOCK_FOLLOWING && s->place >= LOCK_LEADERS)
		due_ns = UINT64_MAX;
	else if (leads(s))
		due_ns = leader_due_ns(s, now_ns);
	else
		due_ns = s->voter.campaign_ns;
	return due_ns > now_ns ? due_ns : now_ns;
}

bool lock_server_serves(const struct lock_server *const s, const uint64_t now_ns)
{
	return s->phase == LOCK_SERVING && lock_rule_authority(now_ns, s->authority_end_ns);
}
