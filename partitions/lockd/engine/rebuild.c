/*
 * From a new epoch to service: what was held and waited for is learned from the clients again. Invariant:
 * nothing is granted before every member has reported all its slots, or can hold nothing any more; and no
 * report is taken afterwards, so that none can bring back what is over.
 */
#include <mullion/lock_report.h>

#include "steps.h"

#define AT_ONCE 4u /* slots or locks that a tick sweeps or builds */

void lockd_rebuild_start(struct lock_server *const s, const uint64_t now_ns)
{
	s->phase = LOCK_COLLECTING;
	s->token = (uint64_t)s->epoch << TOKEN_COUNTER_BITS;
	s->last_token = s->token | TOKEN_COUNTER_MOST;
	s->complete = 0;
	s->cursor = 0;
	s->watched = 0;
	s->ending = NOBODY;
	s->announce_ns = now_ns;
	s->silent_end_ns = now_ns + s->group->timing.survive_guard_ns;
}

static const uint8_t zeros[LOCK_VALUE_BYTES];

/* What is told of a slot, in a place of its own. */
/*@ predicate reported(struct lock_server *s, struct lock_report_slot *told) =
      \valid_read(told) && told->held <= LOCK_NONE &&
      \base_addr(told) != \base_addr(s) &&
      \base_addr(told) != \base_addr(s->storage.places) &&
      \base_addr(told) != \base_addr(s->storage.links) &&
      \base_addr(told) != \base_addr(s->storage.locks);
*/

/*@ requires sound(s) && slot < lock_slots_count && reported(s, told);
    assigns s->storage.places[slot].sequence, s->storage.places[slot].token,
      s->storage.places[slot].marks;
    ensures sound(s);
*/
static void recall(
	struct lock_server *const s, const uint32_t slot, const struct lock_report_slot *const told)
{
	struct lock_place *const p = &s->storage.places[slot];

	p->sequence = told->sequence;
	p->token = told->token;
	p->marks = MARK_REPORTED;
	/*@ assert in_line(s); */
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

/* The latest of the reported values stays; which it is, its version says. */
/*@ requires sound(s) && slot < lock_slots_count && reported(s, told);
    requires \valid_read(value + (0 .. LOCK_VALUE_BYTES - 1));
    assigns s->storage.locks[its_lock(s, slot)].value[0 .. LOCK_VALUE_BYTES - 1],
      s->storage.locks[its_lock(s, slot)].version, s->storage.locks[its_lock(s, slot)].valid,
      s->storage.places[slot].marks;
    ensures sound(s);
*/
static void take_value(struct lock_server *const s, const uint32_t slot,
	const struct lock_report_slot *const told, const uint8_t value[const LOCK_VALUE_BYTES])
{
	struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[p->lock];

	if (!(told->flags & LOCK_FLAG_VALUE))
		return;
	p->marks |= MARK_KNOWN;
	if (told->version >= l->version) {
		lock_value_copy(l->value, value);
		l->version = told->version;
		l->valid = !(told->flags & LOCK_FLAG_INVALID);
	}
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

/* Only of a slot of which nothing was known, and what was granted in an epoch before. */
/*@ requires sound(s) && slot < lock_slots_count && reported(s, told);
    assigns \nothing;
    ensures \result ==> s->storage.places[slot].held == LOCK_NONE &&
      s->storage.places[slot].wanted == LOCK_NONE;
    ensures \result && told->held != LOCK_NONE ==>
      admitted(&s->storage.locks[its_lock(s, slot)].held[0], told->held);
*/
static bool is_possible(const struct lock_server *const s, const uint32_t slot,
	const struct lock_report_slot *const told)
{
	const struct lock_place *const p = &s->storage.places[slot];
	/*@ assert in_order(s, slot); */
	const uint32_t *const held = s->storage.locks[p->lock].held;

	if (told->token >> TOKEN_COUNTER_BITS >= s->epoch ||
		told->version >> TOKEN_COUNTER_BITS >= s->epoch || p->held != LOCK_NONE ||
		p->wanted != LOCK_NONE)
		return false;
	return told->held == LOCK_NONE || lock_holders_admit(held, told->held);
}

/* What a report tells of one slot, but for its wait. */
/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && reported(s, told);
    requires \valid_read(value + (0 .. LOCK_VALUE_BYTES - 1));
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
    ensures \result ==> s->storage.places[slot].wanted == LOCK_NONE;
*/
static bool take_place(struct lock_server *const s, const uint32_t slot,
	const struct lock_report_slot *const told, const uint8_t value[const LOCK_VALUE_BYTES],
	const uint64_t now_ns)
{
	if (!is_possible(s, slot, told))
		return false;
	recall(s, slot, told);
	if (told->held != LOCK_NONE)
		lockd_step_install(s, slot, told->held, now_ns);
	take_value(s, slot, told, value);
	return true;
}

/*@ requires sound(s) && agreeing_all && slot < lock_slots_count && rowed(s, slot) && said(s, m);
    requires m->wanted <= LOCK_NONE && s->storage.places[slot].wanted == LOCK_NONE;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static void take_wait(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (m->wanted == LOCK_NONE)
		return;
	lockd_step_want(s, slot, m->wanted);
	if (!holds_back(p->held))
		p->since_ns = now_ns - m->span_ns;
	lockd_step_queue_by_age(s, slot);
}

/* Of the member's slots, which are in rising order, the first that is not before this one. */
static uint32_t number_of(
	const struct lock_server *const s, const struct lock_member *const row, const uint32_t slot)
{
	const uint32_t *const slots = s->tables->member_slots + row->first;
	uint32_t from = 0, end = row->slots;

	while (from < end) {
		const uint32_t middle = from + (end - from) / 2;

		if (slots[middle] < slot + s->group->first_slot)
			from = middle + 1;
		else
			end = middle;
	}
	return from;
}

static uint32_t slot_of(const struct lock_server *const s, const struct lock_member *const row,
	const uint32_t number)
{
	return s->tables->member_slots[row->first + number] - s->group->first_slot;
}

static bool is_reported(const struct lock_server *const s, const uint32_t slot)
{
	return s->storage.places[slot].marks & MARK_REPORTED;
}

/* As many are looked at as came, and one more: all that came, in the end, but for those after one that is missing. */
static void find_missing(struct lock_server *const s, const uint32_t member, const uint32_t came)
{
	struct lock_session *const session = &s->storage.sessions[member];
	const struct lock_member *const row = member_row(s, member);

	for (uint32_t i = 0; i <= came && session->first < row->slots &&
			     is_reported(s, slot_of(s, row, session->first));
		i++)
		session->first++;
}

/* Half of what may be under way came: as many again may be, from the slot after the message's last. */
static void ask_on(struct lock_server *const s, const uint32_t member,
	const struct lock_message *const m, const uint32_t next)
{
	struct lock_session *const session = &s->storage.sessions[member];

	if (!(m->flags & LOCK_FLAG_ASK_ON) || session->state != LOCK_REPORTING ||
		next <= session->asked)
		return;
	session->asked = next;
	lockd_outbox_session(s, member, OUT_EPOCH);
}

/* A member that has reported all it has lives: no session lasts longer than from now on. */
static void count_member(struct lock_server *const s, const uint32_t member, const uint64_t now_ns)
{
	struct lock_session *const session = &s->storage.sessions[member];

	if (session->reported < member_row(s, member)->slots || session->state != LOCK_REPORTING)
		return;
	session->state = LOCK_LIVE;
	lockd_session_renew(s, member, now_ns);
	s->complete++;
}

/* Each slot once, and counted for its member. */
static enum lock_reason take_slot(struct lock_server *const s, const uint32_t slot,
	const struct lock_report_slot *const told, const uint8_t value[const LOCK_VALUE_BYTES],
	const uint64_t now_ns)
{
	if (is_reported(s, slot))
		return LOCK_REPEATED;
	if (!take_place(s, slot, told, value, now_ns))
		return LOCK_IMPOSSIBLE;
	s->storage.sessions[member_of(s, slot)].reported++;
	return LOCK_TAKEN;
}

/* Those of the member's slots that follow the one of this number. */
static void take_others(struct lock_server *const s, const uint32_t member, const uint32_t number,
	const struct lock_report_slot others[const], const uint32_t count, const uint64_t now_ns)
{
	const struct lock_member *const row = member_row(s, member);

	for (uint32_t i = 0; i < count; i++)
		lockd_count(s,
			take_slot(s, slot_of(s, row, number + 1 + i), &others[i], zeros, now_ns));
}

/* What stands where others are told of, they leave no room for. */
static bool is_plain(const uint8_t flags)
{
	return !(flags &
		 ~(LOCK_FLAG_VALUE | LOCK_FLAG_INVALID | LOCK_FLAG_ASK_ON | LOCK_FLAG_OTHERS));
}

static bool waits_well(const struct lock_message *const m)
{
	return !(m->flags & LOCK_FLAG_WAITING) == (m->wanted == LOCK_NONE);
}

/* Whether the session may report, in the life that the message is of. */
static enum lock_reason judge_life(const struct lock_server *const s,
	const struct lock_session *const session, const struct lock_message *const m)
{
	if (!lock_rule_collecting(s->phase == LOCK_COLLECTING))
		return LOCK_TOO_LATE;
	if (session->state != LOCK_ABSENT &&
		!lock_rule_incarnation(session->incarnation, m->incarnation))
		return LOCK_OLD_INCARNATION;
	return LOCK_TAKEN;
}

/* The message's own slot. */
static enum lock_reason take_own(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_session *const session = &s->storage.sessions[member_of(s, slot)];
	const struct lock_report_slot own = lock_report_own(m);
	const uint8_t *const value = m->flags & LOCK_FLAG_OTHERS ? zeros : m->value;
	enum lock_reason reason;

	if (!is_reported(s, slot) && !waits_well(m))
		return LOCK_IMPOSSIBLE;
	reason = take_slot(s, slot, &own, value, now_ns);
	if (reason != LOCK_TAKEN)
		return reason;
	if (session->state == LOCK_ABSENT)
		session->state = LOCK_REPORTING;
	session->epoch = s->epoch;
	session->incarnation = m->incarnation;
	take_wait(s, slot, m, now_ns);
	return LOCK_TAKEN;
}

/* Each slot as if by a report of its own, the first one's reason being the message's. */
enum lock_reason lockd_rebuild_report(struct lock_server *const s, const uint32_t slot,
	const struct lock_message *const m, const uint64_t now_ns)
{
	const uint32_t member = member_of(s, slot);
	const uint32_t number = number_of(s, member_row(s, member), slot);
	struct lock_report_slot others[LOCK_REPORT_OTHERS];
	enum lock_reason reason = judge_life(s, &s->storage.sessions[member], m);
	uint32_t count = 0;

	if (reason != LOCK_TAKEN)
		return reason;
	if (m->flags & LOCK_FLAG_OTHERS)
		count = is_plain(m->flags) ? lock_report_read(m, others) : LOCK_REPORT_BAD;
	if (count >= member_row(s, member)->slots - number)
		return LOCK_BAD_FIELD;
	reason = take_own(s, slot, m, now_ns);
	if (reason > LOCK_REPEATED)
		return reason;
	take_others(s, member, number, others, count, now_ns);
	find_missing(s, member, 1 + count);
	ask_on(s, member, m, number + 1 + count);
	count_member(s, member, now_ns);
	return reason;
}

/* Its reports come, and there are more to be asked for. */
static bool goes_on(const struct lock_server *const s, const uint32_t member)
{
	const struct lock_session *const session = &s->storage.sessions[member];

	return session->reported != session->noticed &&
	       member_row(s, member)->slots - session->asked >
		       lock_reports_window(s->group->members);
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
		session->asked = session->first;
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
/*@ requires \valid_read(p);
    assigns \nothing;
*/
static bool vouches(const struct lock_place *const p)
{
	return (p->marks & MARK_KNOWN) &&
	       (p->held == LOCK_PR || p->held == LOCK_PW || p->held == LOCK_EX);
}

/*@ requires sound(s) && agreeing_all && slot < lock_slots_count;
    assigns OPERATION_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static void forget(struct lock_server *const s, const uint32_t slot)
{
	lockd_step_drop(s, slot);
	lockd_step_forget(s, slot);
}

/*@ requires sound(s) && slot < lock_slots_count;
    assigns s->storage.locks[its_lock(s, slot)].known,
      s->storage.locks[its_lock(s, slot)].vouched, s->storage.places[slot].marks;
    ensures sound(s);
*/
static void count_known(struct lock_server *const s, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	l->known += p->marks & MARK_KNOWN ? 1 : 0;
	l->vouched |= vouches(p);
	/*@ assert in_line(s); */
	/*@ assert ORDER_STANDS; */
	p->marks &= (uint8_t) ~(MARK_REPORTED | MARK_KNOWN);
	/*@ assert in_line(s); */
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

static void sweep_slot(struct lock_server *const s, const uint32_t slot)
{
	struct lock_session *const session = &s->storage.sessions[member_of(s, slot)];

	if (session->state != LOCK_LIVE) {
		forget(s, slot);
		session->state = LOCK_ABSENT;
		return;
	}
	lockd_operation_untangle(s, slot);
	count_known(s, slot);
}

static bool sweep(struct lock_server *const s)
{
	for (uint32_t i = 0; i < AT_ONCE && s->cursor < s->group->slots; i++, s->cursor++)
		sweep_slot(s, s->cursor);
	if (s->cursor < s->group->slots)
		return true;
	s->phase = LOCK_BUILDING;
	s->cursor = 0;
	return true;
}

/* The value may be an old one, if somebody who might have written a newer one does not say so. */
/*@ requires sound(s) && lock < lock_locks_count;
    assigns s->storage.locks[lock].valid, s->storage.locks[lock].version, s->token,
      s->authority_end_ns;
    ensures sound(s);
*/
static void judge_value(struct lock_server *const s, const uint32_t lock)
{
	struct lock_state *const l = &s->storage.locks[lock];

	l->valid = l->valid && (l->vouched || l->known == lock_row(s, lock)->slots);
	/* a version of its own: no older value that was valid once may come back at the next failover */
	if (!l->valid)
		l->version = lockd_operation_token(s);
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static void build_lock(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	judge_value(s, lock);
	lockd_grant_pass(s, lock, now_ns);
}

static bool build(struct lock_server *const s, const uint64_t now_ns)
{
	for (uint32_t i = 0; i < AT_ONCE && s->cursor < s->group->locks; i++, s->cursor++)
		build_lock(s, s->cursor, now_ns);
	if (s->cursor == s->group->locks)
		s->phase = LOCK_SERVING;
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
