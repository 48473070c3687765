/*
 * Who leads: two of three give a candidate their votes, and a leader its time. Invariants: a voter votes once
 * in an epoch, and for no other leader before its promise to the last one is over; a leader's time ends
 * before that, whatever the clocks do within their drift; so one leads at a time, and each epoch is one
 * leader's.
 *
 * A node that lost its memory does not know what it promised: it keeps silent until any promise is over,
 * and its vote counts only where all three agree, until a leader has told it the epoch.
 */
#include "server.h"

static const struct lock_message nothing;

static uint32_t bits(const uint8_t places)
{
	return (places & 1u) + (places >> 1 & 1u) + (places >> 2 & 1u);
}

static uint8_t bit(const uint32_t place)
{
	return (uint8_t)(1u << place);
}

static void say(
	struct lock_server *const s, const uint32_t place, const uint8_t kind, const uint64_t stamp)
{
	s->speaks = true;
	s->voter.out[place] = kind;
	s->voter.out_stamp[place] = stamp;
}

static void hear(struct lock_server *const s, const uint32_t epoch)
{
	if (s->voter.heard < epoch)
		s->voter.heard = epoch;
}

/* What a leader promises to itself lasts as its lease: from the sending on. */
static void promise(struct lock_server *const s, const uint32_t place, const uint64_t now_ns)
{
	const struct lock_timing *const t = &s->group->timing;

	s->voter.promised = (uint8_t)place;
	s->voter.promise_end_ns =
		lock_rule_guard_end(now_ns, t->authority_ns, t->authority_guard_ns);
}

/* The second leader waits a little longer than the first, so that both do not try at once. */
static uint64_t turn(const struct lock_server *const s, const uint64_t from_ns)
{
	return from_ns + s->place * s->group->timing.retransmit_ns;
}

static void follow(struct lock_server *const s)
{
	if (leads(s)) {
		s->dirty = true;
		s->cursor = 0;
	}
	s->phase = LOCK_FOLLOWING;
	s->voter.campaign_ns = turn(s, s->voter.promise_end_ns);
}

/*
 * A candidate gives up: only it could have led in that epoch, and never will, so that its vote counts for
 * nothing and is free again.
 */
static void withdraw(struct lock_server *const s, const uint64_t now_ns)
{
	s->voter.voted = s->voter.before;
	s->voter.promise_end_ns = now_ns;
	follow(s);
}

static bool may_support(const struct lock_server *const s, const uint32_t place,
	const uint32_t epoch, const uint64_t now_ns)
{
	const struct lock_voter *const v = &s->voter;

	if (epoch == v->voted && place == v->promised)
		return lock_rule_again(now_ns, v->promise_end_ns);
	return lock_rule_vote(v->voted, epoch) && lock_rule_promise(now_ns, v->promise_end_ns);
}

static enum lock_reason candidate(struct lock_server *const s, const uint32_t place,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_voter *const v = &s->voter;

	hear(s, m->epoch);
	if (s->phase == LOCK_CAMPAIGNING && (m->flags & LOCK_FLAG_LEADS))
		withdraw(s, now_ns);
	if (!may_support(s, place, m->epoch, now_ns)) {
		say(s, place, LOCK_DENY, 0);
		return LOCK_REPEATED;
	}
	v->voted = m->epoch;
	v->memory = v->memory || (m->flags & LOCK_FLAG_LEADS);
	promise(s, place, now_ns);
	follow(s);
	say(s, place, LOCK_VOTE, m->stamp);
	return LOCK_TAKEN;
}

static void extend_authority(struct lock_server *const s, const uint64_t end_ns)
{
	if (s->authority_end_ns < end_ns)
		s->authority_end_ns = end_ns;
}

static void elected(struct lock_server *const s, const uint64_t now_ns)
{
	s->epoch = s->voter.voted;
	s->voter.memory = true;
	s->voter.campaign_ns = now_ns;
	lockd_rebuild_start(s, now_ns);
}

static enum lock_reason vote(struct lock_server *const s, const uint32_t place,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_voter *const v = &s->voter;

	if (s->phase == LOCK_FOLLOWING || m->epoch != v->voted)
		return LOCK_OLD_EPOCH;
	if (m->stamp > now_ns)
		return LOCK_IMPOSSIBLE;
	v->votes |= bit(place);
	v->memories |= m->flags & LOCK_FLAG_MEMORY ? bit(place) : 0;
	extend_authority(s, lock_rule_lease_end(m->stamp, now_ns, s->group->timing.authority_ns));
	if (s->phase == LOCK_CAMPAIGNING && lock_rule_quorum(bits(v->votes), bits(v->memories)))
		elected(s, now_ns);
	return LOCK_TAKEN;
}

/* Whoever is denied for an epoch that is not above another gives up, and tries a higher one later. */
static enum lock_reason deny(
	struct lock_server *const s, const struct lock_message *const m, const uint64_t now_ns)
{
	hear(s, m->epoch);
	if (s->phase != LOCK_CAMPAIGNING || m->epoch < s->voter.voted)
		return LOCK_REPEATED;
	withdraw(s, now_ns);
	s->voter.campaign_ns = turn(s, now_ns + s->group->timing.retransmit_ns);
	return LOCK_TAKEN;
}

enum lock_reason lockd_election_receive(struct lock_server *const s, const uint32_t place,
	const struct lock_message *const m, const uint64_t now_ns)
{
	switch (m->kind) {
	case LOCK_CANDIDATE:
		return place < LOCK_LEADERS ? candidate(s, place, m, now_ns) : LOCK_BAD_NODE;
	case LOCK_VOTE:
		return vote(s, place, m, now_ns);
	default:
		return deny(s, m, now_ns);
	}
}

static void ask_others(struct lock_server *const s)
{
	for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++) {
		if (place != s->place)
			say(s, place, LOCK_CANDIDATE, 0);
	}
}

static bool campaign(struct lock_server *const s, const uint64_t now_ns)
{
	struct lock_voter *const v = &s->voter;

	if (s->place >= LOCK_LEADERS || s->dirty || now_ns < v->campaign_ns ||
		v->heard >= EPOCH_MOST || !lock_rule_promise(now_ns, v->promise_end_ns))
		return false;
	v->before = v->voted;
	v->voted = v->heard + 1;
	hear(s, v->voted);
	v->votes = bit(s->place);
	v->memories = v->memory ? bit(s->place) : 0;
	s->authority_end_ns = 0;
	s->phase = LOCK_CAMPAIGNING;
	promise(s, s->place, now_ns);
	ask_others(s);
	v->campaign_ns = now_ns + s->group->timing.retransmit_ns;
	return true;
}

/* A candidate asks again, and a leader has its time extended. */
static bool renew(struct lock_server *const s, const uint64_t now_ns)
{
	const struct lock_timing *const t = &s->group->timing;

	if (now_ns < s->voter.campaign_ns)
		return false;
	promise(s, s->place, now_ns);
	ask_others(s);
	s->voter.campaign_ns = now_ns + (leads(s) ? t->heartbeat_ns : t->retransmit_ns);
	return true;
}

static bool speak(struct lock_server *const s, const uint64_t now_ns)
{
	if (!lock_rule_promise(now_ns, s->voter.promise_end_ns))
		return false;
	s->voter.silent = false;
	return true;
}

bool lockd_election_tick(struct lock_server *const s, const uint64_t now_ns)
{
	if (s->voter.silent)
		return speak(s, now_ns);
	if (s->phase == LOCK_FOLLOWING)
		return campaign(s, now_ns);
	if (leads(s) && !lock_rule_authority(now_ns, s->authority_end_ns)) {
		follow(s);
		return true;
	}
	return renew(s, now_ns);
}

static void fill(const struct lock_server *const s, const uint32_t place, const uint64_t now_ns,
	struct lock_message *const m)
{
	const struct lock_voter *const v = &s->voter;

	*m = nothing;
	m->kind = v->out[place];
	m->held = LOCK_NONE;
	m->wanted = LOCK_NONE;
	m->group = (uint16_t)s->number;
	m->node = s->node;
	m->epoch = v->voted;
	m->flags = (uint8_t)((v->memory ? LOCK_FLAG_MEMORY : 0) |
			     (m->kind == LOCK_CANDIDATE && leads(s) ? LOCK_FLAG_LEADS : 0));
	m->stamp = m->kind == LOCK_CANDIDATE ? now_ns : v->out_stamp[place];
}

bool lockd_election_send(
	struct lock_server *const s, const uint64_t now_ns, struct lock_envelope *const envelope)
{
	struct lock_voter *const v = &s->voter;

	for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++) {
		if (v->out[place] == 0)
			continue;
		if (v->out[place] == LOCK_CANDIDATE)
			promise(s, s->place, now_ns);
		fill(s, place, now_ns, &envelope->message);
		envelope->node = s->group->nodes[place];
		v->out[place] = 0;
		return true;
	}
	return false;
}
