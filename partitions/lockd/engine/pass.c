/*
 * Passes through the queues of a lock: whoever may hold it is granted, and those who keep the others waiting are told.
 * Invariant: the group stays sound, whatever is granted to whom.
 */
#include "steps.h"

/* A cached holder's budget begins when it is told. */
/*@ requires linked(s, holder);
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[holder].blocking,
      s->storage.places[holder].since_ns, s->storage.places[holder].marks,
      s->storage.places[holder].out, s->due, s->speaks;
    ensures linked(s, holder) && as_queued{Pre, Post}(s, holder);
    ensures silent_elsewhere{Pre, Post}(s, holder);
*/
static void tell(struct lock_server *const s, const uint32_t holder, const uint8_t mode,
	const bool cached, const uint64_t now_ns)
{
	struct lock_place *const p = &s->storage.places[holder];

	p->blocking = mode;
	if (cached && !(p->marks & MARK_TOLD))
		p->since_ns = now_ns;
	p->marks |= MARK_TOLD;
	lockd_outbox_blocking(s, holder);
}

/* If it keeps `slot` waiting. Whoever holds NL keeps nobody waiting. */
/*@ requires sound(s) && holder < lock_slots_count && slot < lock_slots_count;
    requires is_mode(s->storage.places[slot].wanted);
    assigns s->storage.links[0 .. lock_links_count - 1], s->storage.places[holder].blocking,
      s->storage.places[holder].since_ns, s->storage.places[holder].marks,
      s->storage.places[holder].out, s->due, s->speaks;
    ensures sound(s);
*/
static void tell_holder(struct lock_server *const s, const uint32_t holder, const uint32_t slot,
	const bool cached, const uint64_t now_ns)
{
	const uint8_t held = s->storage.places[holder].held;
	const uint8_t wanted = s->storage.places[slot].wanted;

	/*@ assert in_order(s, holder) && linked(s, holder); */
	if (holder == slot || !holds_back(held) || lock_modes_agree(held, wanted))
		return;
	tell(s, holder, wanted, cached, now_ns);
	/*@ assert in_order(s, holder); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count && k != holder && in_order{Pre}(s, k) ==>
	      in_order(s, k);
	*/
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

/*@ predicate awaits(struct lock_server *s, integer slot, integer lock) =
      slot < lock_slots_count && its_lock(s, slot) == lock &&
      is_mode(s->storage.places[slot].wanted);
*/

/* Bounded by the slots of the lock. */
/*@ requires sound(s) && lock < lock_locks_count && awaits(s, slot, lock);
    assigns s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[0 .. lock_slots_count - 1].blocking,
      s->storage.places[0 .. lock_slots_count - 1].since_ns,
      s->storage.places[0 .. lock_slots_count - 1].marks,
      s->storage.places[0 .. lock_slots_count - 1].out, s->due, s->speaks;
    ensures sound(s);
*/
static void tell_each(struct lock_server *const s, const uint32_t lock, const uint32_t slot,
	const bool cached, const uint64_t now_ns)
{
	const int32_t last = s->storage.locks[lock].holder;
	uint32_t link = next_link(s, end_link(s, lock, END_HOLDERS));

	/*@ assert led(s, lock); */
	/*@ loop invariant sound(s) && awaits(s, slot, lock);
	    loop invariant link < lock_links_count;
	    loop assigns left, link, s->storage.links[0 .. lock_links_count - 1],
	      s->storage.places[0 .. lock_slots_count - 1].blocking,
	      s->storage.places[0 .. lock_slots_count - 1].since_ns,
	      s->storage.places[0 .. lock_slots_count - 1].marks,
	      s->storage.places[0 .. lock_slots_count - 1].out, s->due, s->speaks;
	    loop variant left;
	*/
	for (uint32_t left = lock_row(s, lock)->slots; left != 0 && is_of_slot(s, link); left--) {
		tell_holder(s, slot_of_link(link), slot, cached, now_ns);
		link = next_link(s, link);
	}
	if (last != LOCK_NO_SLOT)
		tell_holder(s, (uint32_t)last, slot, cached, now_ns);
}

/*@ requires sound(s) && lock < lock_locks_count;
    assigns s->storage.locks[lock].told;
    ensures sound(s);
*/
static inline void set_told(struct lock_server *const s, const uint32_t lock, const uint8_t told)
{
	s->storage.locks[lock].told = told;
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

/*@ requires sound(s) && lock < lock_locks_count;
    assigns s->storage.locks[lock].recent;
    ensures sound(s);
*/
static inline void set_recent(struct lock_server *const s, const uint32_t lock, const uint8_t mode)
{
	s->storage.locks[lock].recent = mode;
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

/*@ requires sound(s) && lock < lock_locks_count && batch <= 1;
    assigns s->storage.locks[lock].batch;
    ensures sound(s);
*/
static inline void set_batch(struct lock_server *const s, const uint32_t lock, const uint8_t batch)
{
	s->storage.locks[lock].batch = batch;
	/*@ assert ORDER_STANDS; */
	/*@ assert LED_STANDS; */
	/*@ assert EXACT_STANDS; */
	/*@ assert BATCHED_STANDS; */
	/*@ assert laid_out(s); */
}

/* Tell those who keep `slot` waiting, once for each mode until the next grant. */
/*@ requires sound(s) && lock < lock_locks_count && awaits(s, slot, lock);
    assigns s->storage.locks[lock].told, s->storage.links[0 .. lock_links_count - 1],
      s->storage.places[0 .. lock_slots_count - 1].blocking,
      s->storage.places[0 .. lock_slots_count - 1].since_ns,
      s->storage.places[0 .. lock_slots_count - 1].marks,
      s->storage.places[0 .. lock_slots_count - 1].out, s->due, s->speaks;
    ensures sound(s);
*/
static void tell_holders(struct lock_server *const s, const uint32_t lock, const uint32_t slot,
	const uint64_t now_ns)
{
	const uint8_t options = lock_row(s, lock)->options;
	const struct lock_place *const p = &s->storage.places[slot];
	const uint8_t told = s->storage.locks[lock].told;
	const uint8_t bit = (uint8_t)(1u << p->wanted);

	if (!(options & (LOCK_CACHED | LOCK_NOTIFY)) || (told & bit) || (p->marks & MARK_NOQUEUE))
		return;
	set_told(s, lock, told | bit);
	tell_each(s, lock, slot, options & LOCK_CACHED, now_ns);
}

/*@ requires sound(s) && slot < lock_slots_count;
    assigns \nothing;
    ensures \result <==> awaits(s, slot, lock);
*/
static bool waits_for(const struct lock_server *const s, const uint32_t slot, const uint32_t lock)
{
	const struct lock_place *const p = &s->storage.places[slot];

	/*@ assert in_order(s, slot); */
	return p->lock == lock && p->wanted != LOCK_NONE;
}

/* The slot that waits first in a queue of the lock, or NOBODY. */
/*@ requires sound(s) && lock < lock_locks_count && which < LOCK_ENDS;
    assigns \nothing;
    ensures \result != NOBODY ==> awaits(s, \result, lock);
*/
static uint32_t first(const struct lock_server *const s, const uint32_t lock, const uint32_t which)
{
	const uint32_t link = next_link(s, end_link(s, lock, which));

	return is_of_slot(s, link) && waits_for(s, slot_of_link(link), lock) ? slot_of_link(link)
									     : NOBODY;
}

/* Granted, or those who keep it waiting are told. */
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count && awaits(s, slot, lock);
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static bool grant_or_tell(struct lock_server *const s, const uint32_t lock, const uint32_t slot,
	const uint64_t now_ns)
{
	const bool granted = lockd_step_grant(s, slot, now_ns);

	if (!granted)
		tell_holders(s, lock, slot, now_ns);
	return granted;
}

/*
 * From the head of a queue on, as long as the holders agree: whether the queue is empty then. Bounded by those who
 * wait.
 */
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count && which < LOCK_ENDS;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static bool grant_from(struct lock_server *const s, const uint32_t lock, const uint32_t which,
	const uint64_t now_ns)
{
	/*@ loop invariant sound(s) && agreeing_all;
	    loop assigns left, PASS_CHANGES(s);
	    loop variant left;
	*/
	for (uint32_t left = s->storage.locks[lock].waiting; left != 0; left--) {
		const uint32_t slot = first(s, lock, which);

		if (slot == NOBODY)
			return true;
		if (!grant_or_tell(s, lock, slot, now_ns))
			return false;
	}
	return true;
}

/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static bool grant_batch(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	/*@ assert batched(s, lock); */
	const uint32_t batch = END_BATCHES + s->storage.locks[lock].batch * LOCK_PRIORITIES;

	/*@ loop invariant sound(s) && agreeing_all && 0 <= i <= LOCK_PRIORITIES;
	    loop assigns i, PASS_CHANGES(s);
	    loop variant LOCK_PRIORITIES - i;
	*/
	for (uint32_t i = 0; i < LOCK_PRIORITIES; i++) {
		if (!grant_from(s, lock, batch + i, now_ns))
			return false;
	}
	return true;
}

/* The batch that is served, and if nothing is left of it, the one that gathered meanwhile. */
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static void grant_batches(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	const struct lock_state *const l = &s->storage.locks[lock];

	if (!grant_batch(s, lock, now_ns) || l->waiting == 0)
		return;
	set_batch(s, lock, l->batch == 0);
	grant_batch(s, lock, now_ns);
}

/* One writer, unless readers go first. */
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count && awaits(s, slot, lock);
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static bool grant_writer(struct lock_server *const s, const uint32_t lock, const uint32_t slot,
	const uint64_t now_ns)
{
	if (!grant_or_tell(s, lock, slot, now_ns))
		return false;
	set_recent(s, lock, LOCK_EX);
	return true;
}

/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static bool grant_readers(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	if (!grant_from(s, lock, END_READERS, now_ns))
		return false;
	set_recent(s, lock, LOCK_PR);
	return true;
}

/* All readers that wait, or one writer: whether somebody was granted, and nobody kept waiting. */
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static bool grant_phase(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	const uint32_t writer = first(s, lock, END_WRITERS);

	if (first(s, lock, END_READERS) != NOBODY &&
		!(reads(s->storage.locks[lock].recent) && writer != NOBODY))
		return grant_readers(s, lock, now_ns);
	return writer != NOBODY && grant_writer(s, lock, writer, now_ns);
}

/* One after the other. Each round grants one at least, or is the last: bounded by those who wait. */
/*@ requires sound(s) && agreeing_all && lock < lock_locks_count;
    assigns PASS_CHANGES(s);
    ensures sound(s) && agreeing_all;
*/
static void grant_phases(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	const struct lock_state *const l = &s->storage.locks[lock];

	/*@ loop invariant sound(s) && agreeing_all;
	    loop assigns left, PASS_CHANGES(s);
	    loop variant left;
	*/
	for (uint32_t left = l->waiting; left != 0 && l->waiting != 0; left--) {
		if (!grant_phase(s, lock, now_ns))
			return;
	}
}

void lockd_grant_pass(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	if (s->storage.locks[lock].waiting == 0 || !grant_from(s, lock, END_CONVERT, now_ns))
		return;
	if (lock_row(s, lock)->discipline == LOCK_PHASE_FAIR)
		grant_phases(s, lock, now_ns);
	else
		grant_batches(s, lock, now_ns);
}

void lockd_grant_tell_again(struct lock_server *const s, const uint32_t lock, const uint64_t now_ns)
{
	set_told(s, lock, 0);
	lockd_grant_pass(s, lock, now_ns);
}
