/*
 * What a program asks of its locks. Invariants: one operation per lock is under way at most; what is asked for
 * is above, in rank, all that is held or asked for, so that no circle of waiters can close.
 */
#include "client.h"

static bool writes(const uint8_t mode)
{
	return mode == LOCK_PW || mode == LOCK_EX;
}

static bool out_of_rank(const struct lock_client *const c, const uint32_t own)
{
	const uint32_t highest = c->storage.links[rank_end(c)].prev;

	return highest != rank_end(c) && highest > rank_link(c, own);
}

static void write_value(struct lock_own *const o, const uint8_t value[const LOCK_VALUE_BYTES])
{
	lock_value_copy(o->value, value);
	o->version = o->token;
	o->marks |= MARK_KNOWN | MARK_VALID | MARK_DIRTY;
}

static enum lock_status ready(
	struct lock_client *const c, const uint32_t own, const uint64_t now_ns)
{
	const struct lock_own *const o = &c->storage.owns[own];

	lockd_client_settle(c, o->membership, now_ns);
	if (c->storage.memberships[o->membership].state != LOCK_JOINED)
		return LOCK_LOST;
	return o->state == LOCK_WAITING || o->state == LOCK_RELEASING ? LOCK_BUSY : LOCK_DONE;
}

/* Nobody can mind: in force at once, here; the leader is told. */
static void weaken(struct lock_client *const c, const uint32_t own, const uint8_t mode)
{
	struct lock_own *const o = &c->storage.owns[own];

	o->held = mode;
	lockd_client_rank(c, own);
}

static enum lock_status ask(struct lock_client *const c, const uint32_t own, const uint8_t mode,
	const uint8_t flags, const uint64_t now_ns)
{
	struct lock_own *const o = &c->storage.owns[own];

	o->sequence++;
	o->state = LOCK_WAITING;
	o->status = LOCK_PENDING;
	o->wanted = mode;
	o->flags = flags;
	o->since_ns = now_ns;
	lockd_client_due(c, own, OUT_OPERATION);
	lockd_client_rank(c, own);
	return LOCK_PENDING;
}

static enum lock_status convert_down(struct lock_client *const c, const uint32_t own,
	const uint8_t mode, const uint8_t *const value, const uint64_t now_ns)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (value && writes(o->held))
		write_value(o, value);
	const uint8_t flags = lockd_client_publish(o);

	weaken(c, own, mode);
	return ask(c, own, mode, flags, now_ns);
}

static enum lock_status reuse(struct lock_client *const c, const uint32_t own)
{
	struct lock_own *const o = &c->storage.owns[own];

	o->marks |= MARK_USED;
	o->status = LOCK_DONE;
	lockd_client_rank(c, own);
	return LOCK_DONE;
}

enum lock_status lock_client_request(struct lock_client *const c, const uint32_t own,
	const enum lock_mode mode, const uint8_t flags, const uint8_t value[const LOCK_VALUE_BYTES],
	const uint64_t now_ns)
{
	if (own >= owns(c) || mode >= LOCK_NONE || (flags & ~(LOCK_FLAG_NOQUEUE | LOCK_FLAG_VALUE)))
		return LOCK_WRONG;
	const struct lock_own *const o = &c->storage.owns[own];
	const enum lock_status state = ready(c, own, now_ns);
	const bool used = o->marks & MARK_USED;
	const bool enough = o->held != LOCK_NONE && lock_mode_covers(o->held, (uint8_t)mode);

	if (state != LOCK_DONE)
		return state;
	if (used && enough)
		return convert_down(c, own, (uint8_t)mode,
			flags & LOCK_FLAG_VALUE ? value : (const uint8_t *)0, now_ns);
	if (mode != LOCK_NL && out_of_rank(c, own))
		return LOCK_DEADLOCK;
	if (enough && !(o->marks & MARK_TOLD))
		return reuse(c, own);
	return ask(c, own, (uint8_t)mode, flags & LOCK_FLAG_NOQUEUE, now_ns);
}

enum lock_status lock_client_release(struct lock_client *const c, const uint32_t own,
	const uint8_t value[const LOCK_VALUE_BYTES], const uint64_t now_ns)
{
	if (own >= owns(c))
		return LOCK_WRONG;
	struct lock_own *const o = &c->storage.owns[own];
	const enum lock_status state = ready(c, own, now_ns);

	if (state != LOCK_DONE)
		return state;
	if (o->state != LOCK_HOLDING || !(o->marks & MARK_USED))
		return LOCK_WRONG;
	if (value && writes(o->held))
		write_value(o, value);
	o->marks &= (uint8_t)~MARK_USED;
	lockd_client_rank(c, own);
	if ((lock_row(c, own)->options & LOCK_CACHED) && !(o->marks & MARK_TOLD))
		return LOCK_DONE;
	o->status = LOCK_PENDING;
	lockd_client_give_back(c, own, now_ns);
	return LOCK_PENDING;
}

/* A conversion down, and its value, that only the leader does not know yet. */
static bool is_in_force(const struct lock_own *const o)
{
	return o->held != LOCK_NONE && lock_mode_covers(o->held, o->wanted);
}

enum lock_status lock_client_cancel(
	struct lock_client *const c, const uint32_t own, const uint64_t now_ns)
{
	if (own >= owns(c))
		return LOCK_WRONG;
	struct lock_own *const o = &c->storage.owns[own];
	const enum lock_status state = ready(c, own, now_ns);

	if (state == LOCK_LOST)
		return LOCK_LOST;
	if (o->state != LOCK_WAITING || is_in_force(o))
		return LOCK_WRONG;
	o->marks |= MARK_CANCEL;
	lock_links_remove(c->storage.links, timer_link(c, own));
	lockd_client_due(c, own, OUT_CANCEL);
	return LOCK_PENDING;
}

/*
 * What is held may be used while a conversion waits; but between PR and CW, neither of which covers the
 * other, the leader may have made the change already: only what both cover is left then.
 */
static uint8_t rights(const struct lock_own *const o)
{
	if (o->state == LOCK_WAITING && !lock_mode_covers(o->wanted, o->held))
		return LOCK_CR;
	return o->held;
}

bool lock_client_holds(const struct lock_client *const c, const uint32_t own,
	const enum lock_mode mode, const uint64_t now_ns)
{
	if (own >= owns(c) || mode >= LOCK_NONE)
		return false;
	const struct lock_own *const o = &c->storage.owns[own];
	const struct lock_membership *const m = &c->storage.memberships[o->membership];

	return (o->marks & MARK_USED) && o->held != LOCK_NONE &&
	       lock_mode_covers(rights(o), (uint8_t)mode) && m->state == LOCK_JOINED &&
	       !lock_rule_session_over(now_ns, m->end_ns);
}

bool lock_client_value(const struct lock_client *const c, const uint32_t own,
	uint8_t value[const LOCK_VALUE_BYTES])
{
	if (own >= owns(c))
		return false;
	const struct lock_own *const o = &c->storage.owns[own];

	lock_value_copy(value, o->value);
	return (o->marks & MARK_KNOWN) && (o->marks & MARK_VALID);
}
