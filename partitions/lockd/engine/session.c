/*
 * Who is there: the sessions of a group's members. Invariant: the leader thinks a session over only when the
 * client certainly knows that it is (the guard), and lets a new life of the client in only then; or before, if
 * nothing was asked for, so that a late HELLO of a life that is over does not keep the next one out.
 *
 * All sessions last as long as each other, so that the list of leases, to whose end each renewed one goes, is
 * in the order in which they end.
 */
#include "server.h"

void lockd_session_renew(struct lock_server *const s, const uint32_t member, const uint64_t now_ns)
{
	const struct lock_timing *const t = &s->group->timing;

	s->storage.sessions[member].end_ns =
		lock_rule_guard_end(now_ns, t->session_ns, t->session_guard_ns);
	lock_links_remove(s->storage.links, lease_link(s, member));
	lock_links_insert(s->storage.links, lease_link(s, member), LEASE_END);
}

/* The later one, if messages overtook each other: the client counts from it. */
static void note_clock(struct lock_session *const session, const uint64_t stamp)
{
	if (session->stamp < stamp)
		session->stamp = stamp;
}

static bool lives(const struct lock_session *const session, const uint32_t incarnation)
{
	return (session->state == LOCK_FRESH || session->state == LOCK_LIVE) &&
	       lock_rule_incarnation(session->incarnation, incarnation);
}

/* To a later life only, or a late HELLO would push out who is there. Numbers of lives go round. */
static bool gives_way(const struct lock_session *const session, const uint32_t incarnation)
{
	return session->state == LOCK_FRESH &&
	       incarnation - session->incarnation - 1u < UINT32_MAX / 2;
}

enum lock_reason lockd_session_hello(struct lock_server *const s, const uint32_t member,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_session *const session = &s->storage.sessions[member];
	const bool known = lives(session, m->incarnation);

	if (s->phase != LOCK_SERVING)
		return LOCK_TOO_EARLY;
	if (!known && session->state != LOCK_ABSENT && !gives_way(session, m->incarnation))
		return LOCK_OLD_INCARNATION;
	if (known && session->revoked)
		return LOCK_REVOKED;
	if (!known) {
		session->stamp = 0;
		session->state = LOCK_FRESH;
	}
	session->epoch = s->epoch;
	session->incarnation = m->incarnation;
	session->revoked = false;
	note_clock(session, m->stamp);
	lockd_session_renew(s, member, now_ns);
	lockd_outbox_session(s, member, OUT_WELCOME);
	return known ? LOCK_REPEATED : LOCK_TAKEN;
}

enum lock_reason lockd_session_beat(struct lock_server *const s, const uint32_t member,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_session *const session = &s->storage.sessions[member];

	if (session->state == LOCK_REPORTING)
		return LOCK_TOO_EARLY;
	if (!lives(session, m->incarnation))
		return LOCK_OLD_INCARNATION;
	if (session->revoked)
		return LOCK_REVOKED;
	note_clock(session, m->stamp);
	lockd_session_renew(s, member, now_ns);
	lockd_outbox_session(s, member, OUT_ACK);
	return LOCK_TAKEN;
}

/* One of the ended member's slots. */
static void give_up_slot(struct lock_server *const s, const uint64_t now_ns)
{
	const struct lock_member *const row = member_row(s, s->ending);
	const uint32_t slot =
		s->tables->member_slots[row->first + s->ending_cursor] - s->group->first_slot;

	lockd_operation_abandon(s, slot);
	lockd_grant_pass(s, lock_of(s, slot), now_ns);
	s->ending_cursor++;
	if (s->ending_cursor < row->slots)
		return;
	s->storage.sessions[s->ending].state = LOCK_ABSENT;
	s->ending = NOBODY;
}

static bool begin_end(struct lock_server *const s, const uint64_t now_ns)
{
	const uint32_t link = s->storage.links[LEASE_END].next;

	if (link == LEASE_END || s->storage.sessions[member_of_link(s, link)].end_ns > now_ns)
		return false;
	lock_links_remove(s->storage.links, link);
	s->ending = member_of_link(s, link);
	s->ending_cursor = 0;
	s->storage.sessions[s->ending].state = LOCK_ENDING;
	return true;
}

/* Whoever is over its budget goes to the list's end, so that the next one is looked at. */
static void overrun(struct lock_server *const s, const uint32_t lock, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];
	struct lock_session *const session = &s->storage.sessions[member_of(s, slot)];

	lockd_grant_hold_last(s, slot);
	if (p->marks & MARK_OVER)
		return;
	p->marks |= MARK_OVER;
	s->overruns++;
	if (!(lock_row(s, lock)->options & LOCK_REVOKE) || session->revoked)
		return;
	session->revoked = true;
	s->revocations++;
}

/* The oldest hold of one lock: a budget's end is noticed within as many calls as there are locks. */
static void watch_budget(struct lock_server *const s, const uint64_t now_ns)
{
	const uint32_t lock = s->watched;
	const int32_t oldest = lockd_grant_oldest(s, lock);
	const struct lock_lock *const row = lock_row(s, lock);

	s->watched = lock + 1 < s->group->locks ? lock + 1 : 0;
	if (oldest == LOCK_NO_SLOT)
		return;
	const uint32_t slot = (uint32_t)oldest;
	const struct lock_place *const p = &s->storage.places[slot];

	if ((row->options & LOCK_CACHED) && !(p->marks & MARK_TOLD))
		return;
	if (now_ns - p->since_ns > row->hold_budget_ns)
		overrun(s, lock, slot);
}

bool lockd_session_tick(struct lock_server *const s, const uint64_t now_ns)
{
	watch_budget(s, now_ns);
	if (s->ending != NOBODY) {
		give_up_slot(s, now_ns);
		return true;
	}
	return begin_end(s, now_ns);
}
