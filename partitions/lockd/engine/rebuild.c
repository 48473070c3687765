/*
 * From a new epoch to service: what was held and waited for is learned from the clients again. Invariant:
 * nothing is granted before every member has reported all its slots, or can hold nothing any more; and no
 * report is taken afterwards, so that none can bring back what is over.
 */
#include "server.h"

static const struct lock_state unheld = { .valid = true };

static void alone(struct lock_server *const s, const uint32_t link)
{
	s->storage.links[link].next = link;
	s->storage.links[link].prev = link;
}

static void forget_slot(struct lock_server *const s, const uint32_t slot)
{
	const uint32_t member = slot_row(s, slot)->member - s->group->first_member;

	s->storage.places[slot] = (struct lock_place){
		.held = LOCK_NONE,
		.wanted = LOCK_NONE,
		.group = (uint16_t)s->number,
		.node = s->node,
		.index = s->group->first_slot + slot,
		.lock = slot_row(s, slot)->lock - s->group->first_lock,
		.member = member,
		.session = &s->storage.sessions[member],
	};
}

static void clear_slot(struct lock_server *const s, const uint32_t slot)
{
	forget_slot(s, slot);
	alone(s, wait_link(slot));
	alone(s, hold_link(slot));
	alone(s, place_out_link(slot));
}

static void clear_lock(struct lock_server *const s, const uint32_t lock)
{
	s->storage.locks[lock] = unheld;
	for (uint32_t i = 0; i < LOCK_ENDS; i++)
		alone(s, end_link(s, lock, i));
}

static void clear_member(struct lock_server *const s, const uint32_t member)
{
	s->storage.sessions[member] = (struct lock_session){
		.group = (uint16_t)s->number,
		.node = s->tables->participant[member_row(s, member)->participant].node,
	};
	alone(s, lease_link(s, member));
	alone(s, session_out_link(s, member));
}

bool lockd_rebuild_clear(struct lock_server *const s)
{
	const uint32_t i = s->cursor;

	if (!s->dirty)
		return false;
	if (i < s->group->slots)
		clear_slot(s, i);
	if (i < s->group->locks)
		clear_lock(s, i);
	if (i < s->group->members)
		clear_member(s, i);
	s->cursor++;
	s->dirty = s->cursor < s->group->slots || s->cursor < s->group->locks ||
		   s->cursor < s->group->members;
	alone(s, OUT_END);
	alone(s, LEASE_END);
	return true;
}

void lockd_rebuild_start(struct lock_server *const s, const uint64_t now_ns)
{
	s->phase = LOCK_COLLECTING;
	s->counter = 0;
	s->complete = 0;
	s->cursor = 0;
	s->watched = 0;
	s->ending = NOBODY;
	s->announce_ns = now_ns;
	s->silent_end_ns = now_ns + s->group->timing.survive_guard_ns;
}

/* The latest of the reported values stays; which it is, its version says. */
static void take_value(
	struct lock_server *const s, const uint32_t slot, const struct lock_message *const m)
{
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	if (!(m->flags & LOCK_FLAG_VALUE))
		return;
	s->storage.places[slot].marks |= MARK_KNOWN;
	if (m->stamp < l->version)
		return;
	lock_value_copy(l->value, m->value);
	l->version = m->stamp;
	l->valid = !(m->flags & LOCK_FLAG_INVALID);
}

static void take_state(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	p->sequence = m->sequence;
	p->token = m->token;
	p->marks = MARK_REPORTED;
	if (m->held != LOCK_NONE)
		lockd_grant_install(s, slot, m->held, now_ns);
	p->marks |= MARK_REPORTED;
	if (!(m->flags & LOCK_FLAG_WAITING))
		return;
	p->wanted = m->wanted;
	if (p->held == LOCK_NONE || p->held == LOCK_NL)
		p->since_ns = now_ns - m->span_ns;
	lockd_grant_queue_by_age(s, slot);
}

static bool is_reported(
	const struct lock_server *const s, const uint32_t member, const uint32_t number)
{
	const uint32_t slot = s->tables->member_slots[member_row(s, member)->first + number];

	return s->storage.places[slot - s->group->first_slot].marks & MARK_REPORTED;
}

/* Half of what may be under way came: as many again may be. */
static void ask_on(struct lock_server *const s, const uint32_t member)
{
	const struct lock_session *const session = &s->storage.sessions[member];
	const uint32_t window = lock_reports_window(s->group->members);

	if (session->asked < member_row(s, member)->slots &&
		session->asked <= session->reported + window / 2)
		lockd_outbox_session(s, member, OUT_EPOCH);
}

/* A member that has reported all it has lives: no session lasts longer than from now on. */
static void count_report(struct lock_server *const s, const uint32_t member, const uint64_t now_ns)
{
	struct lock_session *const session = &s->storage.sessions[member];
	const uint32_t slots = member_row(s, member)->slots;

	for (uint32_t i = 0; i <= LOCK_REPORTS_UNDER_WAY && session->reported < slots &&
			     is_reported(s, member, session->reported);
		i++)
		session->reported++;
	ask_on(s, member);
	if (session->reported < slots || session->state != LOCK_REPORTING)
		return;
	session->state = LOCK_LIVE;
	lockd_session_renew(s, member, now_ns);
	s->complete++;
}

static bool report_is_possible(
	struct lock_server *const s, const uint32_t slot, const struct lock_message *const m)
{
	const uint32_t *const held = s->storage.locks[lock_of(s, slot)].held;
	const bool waits = m->flags & LOCK_FLAG_WAITING;

	if (waits != (m->wanted != LOCK_NONE) || m->token >> TOKEN_COUNTER_BITS >= s->epoch ||
		m->stamp >> TOKEN_COUNTER_BITS >= s->epoch)
		return false;
	return m->held == LOCK_NONE || lock_holders_admit(held, m->held);
}

static enum lock_reason take_report(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const uint32_t member = member_of(s, slot);
	struct lock_session *const session = &s->storage.sessions[member];

	if (!lock_rule_collecting(s->phase == LOCK_COLLECTING))
		return LOCK_TOO_LATE;
	if (session->state != LOCK_ABSENT &&
		!lock_rule_incarnation(session->incarnation, m->incarnation))
		return LOCK_OLD_INCARNATION;
	if (s->storage.places[slot].marks & MARK_REPORTED) {
		count_report(s, member, now_ns);
		return LOCK_REPEATED;
	}
	if (!report_is_possible(s, slot, m))
		return LOCK_IMPOSSIBLE;
	if (session->state == LOCK_ABSENT)
		session->state = LOCK_REPORTING;
	session->epoch = s->epoch;
	session->incarnation = m->incarnation;
	take_state(s, slot, m, now_ns);
	take_value(s, slot, m);
	count_report(s, member, now_ns);
	return LOCK_TAKEN;
}

/* Slots of the same member, in modes that there are. */
static bool others_are_good(const struct lock_server *const s, const uint32_t slot,
	const struct lock_report_others *const others)
{
	const uint8_t all =
		LOCK_REPORT_HELD | LOCK_REPORT_THERE | LOCK_REPORT_VALUE | LOCK_REPORT_INVALID;

	for (uint32_t i = 0; i < LOCK_REPORT_OTHERS; i++) {
		const uint32_t other = slot + others->slot[i].ahead;
		const uint8_t state = others->slot[i].state;

		if ((state & ~all) || (state & LOCK_REPORT_HELD) > LOCK_NONE ||
			other >= s->group->slots || member_of(s, other) != member_of(s, slot))
			return false;
	}
	return true;
}

/* As it would be reported by itself. */
static void single_out(struct lock_message *const m, const struct lock_report_others *const others,
	const uint32_t i)
{
	const uint8_t state = others->slot[i].state;

	m->held = state & LOCK_REPORT_HELD;
	m->flags = (uint8_t)((state & LOCK_REPORT_VALUE ? LOCK_FLAG_VALUE : 0) |
			     (state & LOCK_REPORT_INVALID ? LOCK_FLAG_INVALID : 0));
	m->sequence = others->slot[i].sequence;
	m->token = others->token[i];
	m->stamp = others->version[i];
}

/* Each as a report of its own, the first one's reason being the message's. */
static enum lock_reason take_reports(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_report_others others;
	struct lock_message one = { 0 };
	enum lock_reason reason;

	__builtin_memcpy(&one, m, LOCK_REPORT_OTHERS_AT);
	__builtin_memcpy(&others, (const uint8_t *)m + LOCK_REPORT_OTHERS_AT, sizeof(others));
	one.flags &= (uint8_t)~LOCK_FLAG_OTHERS;
	if ((one.flags & ~(LOCK_FLAG_VALUE | LOCK_FLAG_INVALID)) ||
		!others_are_good(s, slot, &others))
		return LOCK_BAD_FIELD;
	reason = take_report(s, slot, &one, now_ns);
	for (uint32_t i = 0; i < LOCK_REPORT_OTHERS && reason <= LOCK_REPEATED; i++) {
		if (!(others.slot[i].state & LOCK_REPORT_THERE))
			continue;
		single_out(&one, &others, i);
		lockd_count(s, take_report(s, slot + others.slot[i].ahead, &one, now_ns));
	}
	return reason;
}

enum lock_reason lockd_rebuild_report(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	return m->flags & LOCK_FLAG_OTHERS ? take_reports(s, slot, m, now_ns)
					   : take_report(s, slot, m, now_ns);
}

/* Its reports come, and there are more to be asked for. */
static bool goes_on(const struct lock_server *const s, const uint32_t member)
{
	const struct lock_session *const session = &s->storage.sessions[member];

	return session->reported != session->noticed &&
	       session->asked < member_row(s, member)->slots;
}

/*
 * One member is told of the epoch, unless it reported all or is about to; when all were, they are told again later.
 * What it was asked for and did not report, it is asked for again.
 */
static bool announce(struct lock_server *const s, const uint64_t now_ns)
{
	if (now_ns < s->announce_ns)
		return false;
	struct lock_session *const session = &s->storage.sessions[s->cursor];

	if (session->state < LOCK_LIVE && !goes_on(s, s->cursor)) {
		session->asked = session->reported;
		lockd_outbox_session(s, s->cursor, OUT_EPOCH);
	}
	session->noticed = session->reported;
	s->cursor++;
	if (s->cursor < s->group->members)
		return true;
	s->cursor = 0;
	s->announce_ns = now_ns + s->group->timing.retransmit_ns;
	return true;
}

static bool collect(struct lock_server *const s, const uint64_t now_ns)
{
	const bool all = s->complete == s->group->members;

	if (!lock_rule_served(all, now_ns, s->silent_end_ns))
		return announce(s, now_ns);
	s->phase = LOCK_SWEEPING;
	s->cursor = 0;
	return true;
}

/* Whoever holds in one of these modes has seen the last value: nobody could write it since. */
static bool vouches(const struct lock_place *const p)
{
	return (p->marks & MARK_KNOWN) &&
	       (p->held == LOCK_PR || p->held == LOCK_PW || p->held == LOCK_EX);
}

static void forget(struct lock_server *const s, const uint32_t slot)
{
	lockd_grant_drop(s, slot);
	forget_slot(s, slot);
}

static void sweep_slot(struct lock_server *const s, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];
	struct lock_session *const session = &s->storage.sessions[member_of(s, slot)];

	if (session->state != LOCK_LIVE) {
		forget(s, slot);
		session->state = LOCK_ABSENT;
		return;
	}
	lockd_operation_untangle(s, slot);
	l->known += p->marks & MARK_KNOWN ? 1 : 0;
	l->vouched |= vouches(p);
	p->marks &= (uint8_t) ~(MARK_REPORTED | MARK_KNOWN);
}

static bool sweep(struct lock_server *const s)
{
	if (s->cursor < s->group->slots) {
		sweep_slot(s, s->cursor);
		s->cursor++;
		return true;
	}
	s->phase = LOCK_BUILDING;
	s->cursor = 0;
	return true;
}

/* The value may be an old one, if somebody who might have written a newer one does not say so. */
static bool build(struct lock_server *const s, const uint64_t now_ns)
{
	struct lock_state *const l = &s->storage.locks[s->cursor];

	if (s->cursor == s->group->locks) {
		s->phase = LOCK_SERVING;
		return true;
	}
	l->valid = l->valid && (l->vouched || l->known == lock_row(s, s->cursor)->slots);
	/* a version of its own: no older value that was valid once may come back at the next failover */
	if (!l->valid)
		l->version = lockd_operation_token(s);
	lockd_grant_pass(s, s->cursor, now_ns);
	s->cursor++;
	return true;
}

bool lockd_rebuild_tick(struct lock_server *const s, const uint64_t now_ns)
{
	switch (s->phase) {
	case LOCK_COLLECTING:
		return collect(s, now_ns);
	case LOCK_SWEEPING:
		return sweep(s);
	case LOCK_BUILDING:
		return build(s, now_ns);
	default:
		return false;
	}
}
