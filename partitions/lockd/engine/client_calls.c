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
	return c->top > own + 1;
}

static COLD void write_value(struct lock_own *const o, const uint8_t value[const LOCK_VALUE_BYTES])
{
	lock_value_copy(o->value, value);
	o->version = o->token;
	o->marks |= MARK_KNOWN | MARK_VALID | MARK_DIRTY;
}

static inline enum lock_status ready(
	const struct lock_client *const c, const uint32_t own, const uint64_t now_ns)
{
	const struct lock_own *const o = &c->storage.owns[own];

	if (!lockd_client_lives(c, o->membership, now_ns))
		return LOCK_LOST;
	return under_way(o) ? LOCK_BUSY : LOCK_DONE;
}

/* Nobody can mind: in force at once, here; the leader is told. */
static void weaken(struct lock_client *const c, const uint32_t own, const uint8_t mode)
{
	struct lock_own *const o = &c->storage.owns[own];

	o->held = mode;
	lockd_client_rank(c, own);
}

static HOT enum lock_status ask(struct lock_client *const c, struct lock_own *const o,
	const uint8_t mode, const uint8_t flags, const uint32_t answer, const uint64_t now_ns)
{
	o->sequence++;
	o->state = LOCK_WAITING;
	o->status = LOCK_PENDING;
	o->wanted = mode;
	o->kind = LOCK_REQUEST;
	o->flags = flags;
	o->answer = answer;
	o->since_ns = now_ns;
	return lockd_client_begin(c, o);
}

/* Of what is held. */
static enum lock_status ask_again(struct lock_client *const c, const uint32_t own,
	const uint8_t mode, const uint8_t flags, const uint64_t now_ns)
{
	ask(c, &c->storage.owns[own], mode, flags, NO_ANSWER, now_ns);
	lockd_client_rank(c, own);
	return LOCK_PENDING;
}

static COLD enum lock_status convert_down(struct lock_client *const c, const uint32_t own,
	const uint8_t mode, const uint8_t *const value, const uint64_t now_ns)
{
	struct lock_own *const o = &c->storage.owns[own];

	if (value && writes(o->held))
		write_value(o, value);
	const uint8_t flags = lockd_client_publish(o);

	weaken(c, own, mode);
	return ask_again(c, own, mode, flags, now_ns);
}

static COLD enum lock_status reuse(struct lock_client *const c, const uint32_t own)
{
	struct lock_own *const o = &c->storage.owns[own];

	o->marks |= MARK_USED;
	o->status = LOCK_DONE;
	lockd_client_rank(c, own);
	return LOCK_DONE;
}

/* What is held suffices: it is lowered, or, if only cached, used again unless another wants it. */
static COLD enum lock_status lower(struct lock_client *const c, const uint32_t own,
	const uint8_t mode, const uint8_t flags, const uint8_t *const value, const uint64_t now_ns)
{
	const struct lock_own *const o = &c->storage.owns[own];

	if (o->marks & MARK_USED)
		return convert_down(
			c, own, mode, flags & LOCK_FLAG_VALUE ? value : (const uint8_t *)0, now_ns);
	if (mode != LOCK_NL && out_of_rank(c, own))
		return LOCK_DEADLOCK;
	if (!(o->marks & MARK_TOLD))
		return reuse(c, own);
	return ask_again(c, own, mode, flags & LOCK_FLAG_NOQUEUE, now_ns);
}

/* No session: if that is so since this moment, its locks are lost now. */
static COLD enum lock_status lost(
	struct lock_client *const c, const uint32_t own, const uint64_t now_ns)
{
	lockd_client_settle(c, c->storage.owns[own].membership, now_ns);
	return LOCK_LOST;
}

/* Of a lock that is held, or while another one is; in a mode that keeps nobody waiting; without a session. */
static COLD enum lock_status request_rarely(struct lock_client *const c, const uint32_t own,
	const uint8_t mode, const uint8_t flags, const uint8_t *const value, const uint64_t now_ns)
{
	const struct lock_own *const o = &c->storage.owns[own];
	const enum lock_status state = ready(c, own, now_ns);

	if (state != LOCK_DONE)
		return state == LOCK_LOST ? lost(c, own, now_ns) : state;
	if (o->held != LOCK_NONE && lock_mode_covers(o->held, mode))
		return lower(c, own, mode, flags, value, now_ns);
	if (mode != LOCK_NL && out_of_rank(c, own))
		return LOCK_DEADLOCK;
	return ask_again(c, own, mode, flags & LOCK_FLAG_NOQUEUE, now_ns);
}

enum lock_status lock_client_request(struct lock_client *const c, const uint32_t own,
	const enum lock_mode mode, const uint8_t flags, const uint8_t value[const LOCK_VALUE_BYTES],
	const uint64_t now_ns)
{
	if (own >= c->owns || mode >= LOCK_NONE || (flags & ~(LOCK_FLAG_NOQUEUE | LOCK_FLAG_VALUE)))
		return LOCK_WRONG;
	struct lock_own *const o = &c->storage.owns[own];

	if (o->state != LOCK_IDLE || mode == LOCK_NL || c->top != 0 ||
		lock_rule_session_over(now_ns, o->session->end_ns))
		return request_rarely(c, own, (uint8_t)mode, flags, value, now_ns);
	c->top = own + 1;
	return ask(c, o, (uint8_t)mode, flags & LOCK_FLAG_NOQUEUE, answer_of(LOCK_GRANT, mode),
		now_ns);
}

static COLD enum lock_status release_rarely(struct lock_client *const c, const uint32_t own,
	const uint8_t *const value, const uint64_t now_ns)
{
	struct lock_own *const o = &c->storage.owns[own];
	const enum lock_status state = ready(c, own, now_ns);

	if (state != LOCK_DONE)
		return state == LOCK_LOST ? lost(c, own, now_ns) : state;
	if (o->state != LOCK_HOLDING || !(o->marks & MARK_USED))
		return LOCK_WRONG;
	if (value && writes(o->held))
		write_value(o, value);
	o->marks &= (uint8_t)~MARK_USED;
	lockd_client_rank(c, own);
	if ((o->options & LOCK_CACHED) && !(o->marks & MARK_TOLD))
		return LOCK_DONE;
	o->status = LOCK_PENDING;
	lockd_client_give_back(c, own);
	return LOCK_PENDING;
}

/* Mostly the one lock that the program has, to which it wrote nothing. */
enum lock_status lock_client_release(struct lock_client *const c, const uint32_t own,
	const uint8_t value[const LOCK_VALUE_BYTES], const uint64_t now_ns)
{
	if (own >= c->owns)
		return LOCK_WRONG;
	struct lock_own *const o = &c->storage.owns[own];

	if (value || o->state != LOCK_HOLDING ||
		(o->marks & (MARK_USED | MARK_DIRTY)) != MARK_USED || (o->options & LOCK_CACHED) ||
		c->top != own + 1 || !lock_links_empty(c->storage.links, RANK_END) ||
		lock_rule_session_over(now_ns, o->session->end_ns))
		return release_rarely(c, own, value, now_ns);
	o->marks &= (uint8_t) ~(MARK_USED | MARK_TOLD);
	o->status = LOCK_PENDING;
	c->top = 0;
	return lockd_client_give(c, o, 0, answer_of(LOCK_RELEASED, LOCK_NONE));
}

/* A conversion down, and its value, that only the leader does not know yet. */
static bool is_in_force(const struct lock_own *const o)
{
	return o->held != LOCK_NONE && lock_mode_covers(o->held, o->wanted);
}

enum lock_status lock_client_cancel(
	struct lock_client *const c, const uint32_t own, const uint64_t now_ns)
{
	if (own >= c->owns)
		return LOCK_WRONG;
	struct lock_own *const o = &c->storage.owns[own];
	const enum lock_status state = ready(c, own, now_ns);

	if (state == LOCK_LOST)
		return lost(c, own, now_ns);
	if (o->state != LOCK_WAITING || is_in_force(o))
		return LOCK_WRONG;
	o->kind = LOCK_CANCEL;
	lockd_client_due(c, own);
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
	if (own >= c->owns || mode >= LOCK_NONE)
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
	if (own >= c->owns)
		return false;
	const struct lock_own *const o = &c->storage.owns[own];

	lock_value_copy(value, o->value);
	return (o->marks & MARK_KNOWN) && (o->marks & MARK_VALID);
}
