/*
 * Who holds a lock and who waits for it. Invariants: holders agree with each other; a conversion is never
 * overtaken by a later one; a waiter is overtaken by conversions of present holders, and by what its lock's
 * discipline says: nothing else.
 *
 * A conversion from NL waits among the new requests: whoever holds NL keeps nobody waiting, so that
 * letting it go first would only let it go first for ever.
 */
#include "server.h"

/* A batch, once begun, takes nobody in. */
/*@ requires whole(s, slot) && tabled(s, slot);
    assigns \nothing;
    ensures s->first_end + LOCK_ENDS * its_lock(s, slot) <= \result;
    ensures \result < s->first_end + LOCK_ENDS * (its_lock(s, slot) + 1);
*/
static uint32_t queue_end(const struct lock_server *const s, const uint32_t slot)
{
	const struct lock_place *const p = &s->storage.places[slot];
	const uint32_t lock = lock_of(s, slot);

	if (holds_back(p->held))
		return end_link(s, lock, END_CONVERT);
	if (lock_row(s, lock)->discipline == LOCK_PHASE_FAIR)
		return end_link(s, lock, reads(p->wanted) ? END_READERS : END_WRITERS);
	return end_link(s, lock,
		END_BATCHES + (1u - s->storage.locks[lock].batch) * LOCK_PRIORITIES +
			slot_row(s, slot)->priority);
}

/*@ requires whole(s, slot) && is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1];
    ensures whole(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
*/
static void count_waiter(struct lock_server *const s, const uint32_t slot, const uint32_t by)
{
	const struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	l->waiting += by;
	if (holds_back(p->held))
		l->converting[p->wanted] += by;
}

/* In a ring, or no link of a slot. */
/*@ predicate ringed(struct lock_server *s, integer link) =
      link >= FIRST_SLOT_LINK + SLOT_LINKS * lock_slots_count || !alone(s, link);
*/

/* Before `where`: as the last one if that is a queue's end. */
/*@ requires linked(s, slot) && owned(s, slot) && alone(s, its_wait(slot));
    requires where < lock_links_count && ringed(s, where);
    assigns s->storage.links[0 .. lock_links_count - 1];
    ensures linked(s, slot) && (\old(last_apart(s, slot)) ==> last_apart(s, slot));
    ensures \old(alone(s, its_hold(slot))) ==> alone(s, its_hold(slot));
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void enlist_waiter(
	struct lock_server *const s, const uint32_t slot, const uint32_t where)
{
	lock_links_insert(links(s), wait_link(slot), where);
}

void lockd_grant_queue(struct lock_server *const s, const uint32_t slot)
{
	const uint32_t end = queue_end(s, slot);

	count_waiter(s, slot, 1);
	enlist_waiter(s, slot, end);
}

/*@ requires linked(s, slot) && s->first_lease == FIRST_SLOT_LINK + SLOT_LINKS * lock_slots_count;
    assigns \nothing;
    ensures \result ==> FIRST_SLOT_LINK <= link < s->first_lease;
*/
static bool came_after(const struct lock_server *const s, const uint32_t link, const uint32_t slot)
{
	if (!is_of_slot(s, link))
		return false;
	return (int64_t)(s->storage.places[slot_of_link(link)].since_ns -
			 s->storage.places[slot].since_ns) > 0;
}

/* Behind all that wait for longer; times may wrap around, differences do not. Bounded by those who wait. */
void lockd_grant_queue_by_age(struct lock_server *const s, const uint32_t slot)
{
	uint32_t where = queue_end(s, slot);

	/*@ loop invariant where < lock_links_count && ringed(s, where);
	    loop assigns left, where;
	    loop variant left;
	*/
	for (uint32_t left = s->storage.locks[lock_of(s, slot)].waiting;
		left != 0 && came_after(s, links(s)[where].prev, slot); left--)
		where = links(s)[where].prev;
	count_waiter(s, slot, 1);
	enlist_waiter(s, slot, where);
}

/*@ requires linked(s, slot) && owned(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1];
    ensures linked(s, slot) && (\old(last_apart(s, slot)) ==> last_apart(s, slot));
    ensures alone(s, its_wait(slot));
    ensures \old(alone(s, its_hold(slot))) ==> alone(s, its_hold(slot));
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void unlist_waiter(struct lock_server *const s, const uint32_t slot)
{
	/*@ assert s->storage.links[its_wait(slot)].next < lock_links_count &&
	      s->storage.links[its_wait(slot)].prev < lock_links_count;
	*/
	lock_links_remove(links(s), wait_link(slot));
	/*@ assert its_lock{Here}(s, slot) == its_lock{Pre}(s, slot); */
}

void lockd_grant_unqueue(struct lock_server *const s, const uint32_t slot)
{
	count_waiter(s, slot, (uint32_t)-1);
	unlist_waiter(s, slot);
	s->storage.places[slot].wanted = LOCK_NONE;
}

/*@ requires linked(s, slot) && owned(s, slot) && last_apart(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1],
      s->storage.locks[its_lock(s, slot)].holder;
    ensures linked(s, slot) && last_apart(s, slot);
    ensures unlisted(s, slot);
    ensures \old(alone(s, its_wait(slot))) ==> alone(s, its_wait(slot));
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void unlist_holder(struct lock_server *const s, const uint32_t slot)
{
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	/*@ assert s->storage.links[its_hold(slot)].next < lock_links_count &&
	      s->storage.links[its_hold(slot)].prev < lock_links_count;
	*/
	if (l->holder == (int32_t)slot)
		l->holder = LOCK_NO_SLOT;
	else
		lock_links_remove(links(s), hold_link(slot));
	/*@ assert its_lock{Here}(s, slot) == its_lock{Pre}(s, slot); */
}

/*@ requires linked(s, slot) && owned(s, slot) && numbered(s, slot) && last_apart(s, slot);
    requires unlisted(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1],
      s->storage.locks[its_lock(s, slot)].holder;
    ensures linked(s, slot) && last_apart(s, slot);
    ensures \old(alone(s, its_wait(slot))) ==> alone(s, its_wait(slot));
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void enlist_holder(struct lock_server *const s, const uint32_t slot)
{
	struct lock_state *const l = &s->storage.locks[lock_of(s, slot)];

	if (l->holder != LOCK_NO_SLOT)
		lock_links_insert(links(s), hold_link((uint32_t)l->holder),
			end_link(s, lock_of(s, slot), END_HOLDERS));
	l->holder = (int32_t)slot;
}

/* The holder above NL that came first, or LOCK_NO_SLOT. */
int32_t lockd_grant_oldest(const struct lock_server *const s, const uint32_t lock)
{
	const uint32_t link = next_link(s, end_link(s, lock, END_HOLDERS));

	return is_of_slot(s, link) ? (int32_t)slot_of_link(link) : s->storage.locks[lock].holder;
}

/* As if it had come last of those that hold. */
void lockd_grant_hold_last(struct lock_server *const s, const uint32_t slot)
{
	unlist_holder(s, slot);
	enlist_holder(s, slot);
}

/* The holders' list is by time of the first grant above NL, the oldest first. */
/*@ requires linked(s, slot) && owned(s, slot) && numbered(s, slot) && last_apart(s, slot);
    requires !above_nl(before) ==> unlisted(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1],
      s->storage.locks[its_lock(s, slot)].holder, s->storage.places[slot].marks,
      s->storage.places[slot].since_ns;
    ensures linked(s, slot) && last_apart(s, slot);
    ensures holds_or_alone(s, slot);
    ensures \old(alone(s, its_wait(slot))) ==> alone(s, its_wait(slot));
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void list_holder(struct lock_server *const s, const uint32_t slot,
	const uint8_t before, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (holds_back(p->held) == holds_back(before))
		return;
	if (holds_back(before)) {
		unlist_holder(s, slot);
		return;
	}
	p->since_ns = now_ns;
	p->marks &= (uint8_t) ~(MARK_OVER | MARK_TOLD);
	enlist_holder(s, slot);
}

void lockd_grant_install(
	struct lock_server *const s, const uint32_t slot, const uint8_t mode, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	lock_holders_enter(s->storage.locks[lock_of(s, slot)].held, mode);
	p->held = mode;
	list_holder(s, slot, LOCK_NONE, now_ns);
}

/* Whether the other holders agree with what the slot wants: if so, it is counted as a holder of it. */
/*@ requires whole(s, slot) && counted(s, slot);
    requires is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1];
    ensures agreed(s, slot);
    ensures same_links{Pre, Post}(s);
    ensures its_lock(s, slot) == \old(its_lock(s, slot));
    ensures s->first_end == \old(s->first_end);
    ensures !\result ==> shifted{Pre, Post}(s, slot, LOCK_NONE, LOCK_NONE);
    ensures \result ==> shifted{Pre, Post}(s, slot, \at(s->storage.places[slot].held, Pre),
      \at(s->storage.places[slot].wanted, Pre));
*/
static bool count_in(struct lock_server *const s, const uint32_t slot)
{
	const struct lock_place *const p = &s->storage.places[slot];
	uint32_t *const held = s->storage.locks[lock_of(s, slot)].held;

	if (p->held != LOCK_NONE)
		return lock_holders_convert(held, p->held, p->wanted);
	if (!lock_holders_admit(held, p->wanted))
		return false;
	lock_holders_enter(held, p->wanted);
	return true;
}

/* The same, and its queues stay as they are. */
/*@ requires whole(s, slot) && counted(s, slot);
    requires is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)].held[0 .. LOCK_MODES - 1];
    ensures whole(s, slot);
    ensures agreed(s, slot);
    ensures as_queued{Pre, Post}(s, slot);
    ensures its_lock(s, slot) == \old(its_lock(s, slot));
    ensures !\result ==> shifted{Pre, Post}(s, slot, LOCK_NONE, LOCK_NONE);
    ensures \result ==> shifted{Pre, Post}(s, slot, \at(s->storage.places[slot].held, Pre),
      \at(s->storage.places[slot].wanted, Pre));
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline bool admit(struct lock_server *const s, const uint32_t slot)
{
	return count_in(s, slot);
}

/*@ requires linked(s, slot) && owned(s, slot);
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[slot].out, s->due,
      s->speaks;
    ensures linked(s, slot) && as_queued{Pre, Post}(s, slot);
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void tell_granted(struct lock_server *const s, const uint32_t slot)
{
	lockd_outbox_answer(s, slot, OUT_GRANT);
}

/* Counted as a holder already: everything else that a grant changes. */
/*@ requires whole(s, slot);
    requires l == s->storage.locks + its_lock(s, slot);
    requires alone(s, its_wait(slot));
    assigns l->told, l->holder, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[slot].held,
      s->storage.places[slot].token, s->storage.places[slot].answer,
      s->storage.places[slot].out, s->due, s->speaks, s->storage.places[slot].marks,
      s->storage.places[slot].since_ns, s->token, s->authority_end_ns;
    ensures whole(s, slot);
    ensures s->storage.places[slot].held == mode;
    ensures alone(s, its_wait(slot));
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void confirm(struct lock_server *const s, struct lock_state *const l,
	const uint32_t slot, const uint8_t mode, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];
	const uint8_t before = p->held;

	p->held = mode;
	p->token = lockd_operation_token(s);
	p->answer = LOCK_DONE;
	l->told = 0;
	list_holder(s, slot, before, now_ns);
	tell_granted(s, slot);
}

void lockd_grant_now(struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	const uint8_t mode = s->storage.places[slot].wanted;

	if (admit(s, slot))
		confirm(s, &s->storage.locks[lock_of(s, slot)], slot, mode, now_ns);
	/*@ assert whole(s, slot) && alone(s, its_wait(slot)); */
	s->storage.places[slot].wanted = LOCK_NONE;
}

/*@ requires whole(s, slot) && agreed(s, slot) && is_mode(s->storage.places[slot].wanted);
    assigns s->storage.locks[its_lock(s, slot)].waiting,
      s->storage.locks[its_lock(s, slot)].converting[0 .. LOCK_MODES - 1],
      s->storage.places[slot].wanted, s->storage.links[0 .. lock_links_count - 1];
    ensures whole(s, slot) && agreed(s, slot);
    ensures s->storage.places[slot].wanted == LOCK_NONE;
    ensures same_lock{Pre, Post}(s, slot);
    ensures elsewhere{Pre, Post}(s, slot);
*/
static inline void stop_waiting(struct lock_server *const s, const uint32_t slot)
{
	lockd_grant_unqueue(s, slot);
}

bool lockd_grant_waiter(struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	const uint8_t mode = s->storage.places[slot].wanted;

	if (!admit(s, slot))
		return false;
	stop_waiting(s, slot);
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	confirm(s, &s->storage.locks[lock_of(s, slot)], slot, mode, now_ns);
	return true;
}

/* Where nobody waits, there is no queue to go through. */
bool lockd_grant_alone(struct lock_server *const s, const uint32_t slot, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];
	struct lock_state *const l = &s->storage.locks[p->lock];
	const uint8_t mode = p->wanted;

	if (l->waiting != 0 || !admit(s, slot))
		return false;
	p->wanted = LOCK_NONE;
	l->recent = mode;
	/*@ assert elsewhere{Pre, Here}(s, slot); */
	confirm(s, l, slot, mode, now_ns);
	return true;
}

void lockd_grant_free(struct lock_server *const s, struct lock_state *const l, const uint32_t slot,
	const uint8_t mode, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[slot];

	lock_holders_enter(l->held, mode);
	l->holder = (int32_t)slot;
	l->told = 0;
	l->recent = mode;
	p->held = mode;
	p->token = lockd_operation_token(s);
	p->answer = LOCK_DONE;
	p->since_ns = now_ns;
	p->marks &= (uint8_t) ~(MARK_OVER | MARK_TOLD);
	lockd_outbox_alone(s, slot, OUT_GRANT);
}

void lockd_grant_leave(struct lock_server *const s, struct lock_state *const l, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];

	lock_holders_leave(l->held, p->held);
	l->holder = LOCK_NO_SLOT;
	p->held = LOCK_NONE;
	lockd_outbox_alone(s, slot, OUT_RELEASED);
}

void lockd_grant_drop_hold(
	struct lock_server *const s, struct lock_state *const l, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];

	lock_holders_leave(l->held, p->held);
	unlist_holder(s, slot);
	p->held = LOCK_NONE;
}

void lockd_grant_drop(struct lock_server *const s, const uint32_t slot)
{
	struct lock_place *const p = &s->storage.places[slot];

	if (p->wanted != LOCK_NONE)
		lockd_grant_unqueue(s, slot);
	/*@ assert agreed(s, slot); */
	if (p->held == LOCK_NONE)
		return;
	lockd_grant_drop_hold(s, &s->storage.locks[p->lock], slot);
}
