/*
 * The group before anything is known of it. Invariant: when all of it is cleared, it is sound, which is proved
 * (verification/proofs): nobody holds, waits or is to be told. A call clears a slot, a lock and a member, and none takes
 * longer. What the proof asks for is assigned by itself: to the prover, the fields of a literal may be anything.
 */
#include "server.h"

/*
 * sited: what is cleared is there, its parts objects of their own, and links are numbered as they should be. row_fits,
 * home_fits: the tables fit that, and are no part of it. cleared: so many of its slots, locks and members are.
 */
#define NOT_WRITTEN(rows)                                                                          \
	\base_addr(rows) != \base_addr(s) && \base_addr(rows) != \base_addr(s->storage.places) &&   \
		\base_addr(rows) != \base_addr(s->storage.links) &&                                \
		\base_addr(rows) != \base_addr(s->storage.locks) &&                                \
		\base_addr(rows) != \base_addr(s->storage.sessions)

/*@ predicate sited(struct lock_server *s) =
      laid_out(s) &&
      \valid(s->storage.sessions + (0 .. s->group->members - 1)) &&
      NOT_WRITTEN(s->tables) && NOT_WRITTEN(s->group) &&
      \base_addr(s->storage.sessions) != \base_addr(s) &&
      \base_addr(s->storage.sessions) != \base_addr(s->storage.places) &&
      \base_addr(s->storage.sessions) != \base_addr(s->storage.links) &&
      \base_addr(s->storage.sessions) != \base_addr(s->storage.locks) &&
      s->group->slots == lock_slots_count <= LOCK_SLOTS_MOST &&
      s->group->locks == lock_locks_count &&
      s->first_end == s->first_lease + MEMBER_LINKS * s->group->members &&
      lock_links_count == s->first_end + LOCK_ENDS * lock_locks_count;

    logic struct lock_member *member_of_tables(struct lock_server *s, integer member) =
      s->tables->member + (uint32_t)(s->group->first_member + member);

    predicate row_fits(struct lock_server *s, integer slot) =
      NOT_WRITTEN(row_of_slot(s, slot)) && \valid_read(row_of_slot(s, slot)) &&
      s->group->first_lock <= row_of_slot(s, slot)->lock <
        s->group->first_lock + lock_locks_count &&
      s->group->first_member <= row_of_slot(s, slot)->member <
        s->group->first_member + s->group->members;

    predicate home_fits(struct lock_server *s, integer member) =
      NOT_WRITTEN(member_of_tables(s, member)) && NOT_WRITTEN(s->tables->participant) &&
      \valid_read(member_of_tables(s, member)) &&
      \valid_read(s->tables->participant + member_of_tables(s, member)->participant);

    predicate slot_cleared(struct lock_server *s, integer k) =
      lock_slot_held[k] == LOCK_NONE && lock_slot_lock[k] == its_lock(s, k) &&
      0 <= its_lock(s, k) < lock_locks_count && s->storage.places[k].held == LOCK_NONE &&
      s->storage.places[k].wanted == LOCK_NONE && s->storage.places[k].out == 0;

    predicate lock_cleared(struct lock_server *s, integer k) =
      s->storage.locks[k].holder == LOCK_NO_SLOT && s->storage.locks[k].batch == 0 &&
      \forall integer a; is_mode(a) ==> s->storage.locks[k].held[a] == 0;

    predicate all_alone(struct lock_server *s, integer from, integer to) =
      \forall integer i; from <= i < to ==> alone(s, i);

    predicate places_cleared(struct lock_server *s, integer n) =
      \forall integer k; 0 <= k < n && k < lock_slots_count ==> slot_cleared(s, k);

    predicate locks_cleared(struct lock_server *s, integer n) =
      \forall integer k; 0 <= k < n && k < lock_locks_count ==> lock_cleared(s, k);

    predicate links_cleared(struct lock_server *s, integer slots, integer locks, integer members) =
      (\forall integer i; FIRST_SLOT_LINK <= i < FIRST_SLOT_LINK + SLOT_LINKS * slots &&
        i < s->first_lease ==> alone(s, i)) &&
      (\forall integer i; s->first_end <= i < s->first_end + LOCK_ENDS * locks &&
        i < lock_links_count ==> alone(s, i)) &&
      (\forall integer i; s->first_lease <= i < s->first_lease + MEMBER_LINKS * members &&
        i < s->first_end ==> alone(s, i));

    predicate cleared(struct lock_server *s, integer slots, integer locks, integer members) =
      places_cleared(s, slots) && locks_cleared(s, locks) &&
      links_cleared(s, slots, locks, members);
*/

/* What was cleared, as far as it is said to, is. */
#define PLACES_STAND(which)                                                                        \
	\forall integer k; 0 <= k < lock_slots_count && (which) && slot_cleared{Pre}(s, k) ==>     \
		slot_cleared(s, k)
#define LOCKS_STAND(which)                                                                         \
	\forall integer k; 0 <= k < lock_locks_count && (which) && lock_cleared{Pre}(s, k) ==>     \
		lock_cleared(s, k)
#define LINKS_STAND(which)                                                                         \
	\forall integer i; 0 <= i < lock_links_count && (which) && alone{Pre}(s, i) ==> alone(s, i)

/*@ requires \valid(s) && \valid(s->storage.links + link);
    requires \base_addr(s) != \base_addr(s->storage.links);
    assigns s->storage.links[link];
    ensures alone(s, link);
*/
static inline void set_alone(struct lock_server *const s, const uint32_t link)
{
	s->storage.links[link].next = link;
	s->storage.links[link].prev = link;
}

/*@ requires \valid(session);
    assigns *session;
*/
static void end_session(
	struct lock_session *const session, const uint16_t group, const uint16_t node)
{
	*session = (struct lock_session){ .group = group, .node = node };
}

/*@ requires sited(s) && member < s->group->members && home_fits(s, member);
    requires cleared(s, member, member, member);
    assigns s->storage.sessions[member];
    ensures sited(s) && cleared(s, member, member, member);
*/
static void clear_session(struct lock_server *const s, const uint32_t member)
{
	const uint16_t node = s->tables->participant[member_row(s, member)->participant].node;

	end_session(&s->storage.sessions[member], (uint16_t)s->number, node);
	/*@ assert sited(s); */
	/*@ assert PLACES_STAND(\true); */
	/*@ assert LOCKS_STAND(\true); */
	/*@ assert LINKS_STAND(\true); */
}

/*@ requires sited(s) && member < s->group->members;
    requires cleared(s, member, member, member);
    assigns s->storage.links[s->first_lease + MEMBER_LINKS * member ..
        s->first_lease + MEMBER_LINKS * member + 1];
    ensures sited(s) && cleared(s, member, member, member + 1);
*/
static void unlink_member(struct lock_server *const s, const uint32_t member)
{
	set_alone(s, lease_link(s, member));
	set_alone(s, session_out_link(s, member));
	/*@ assert sited(s); */
	/*@ assert PLACES_STAND(\true); */
	/*@ assert LOCKS_STAND(\true); */
	/*@ assert LINKS_STAND(i < s->first_lease + MEMBER_LINKS * member ||
	      i > s->first_lease + MEMBER_LINKS * member + 1); */
}

/*@ requires \valid(p) && \valid_read(s) && \valid_read(s->group) && p == s->storage.places + slot;
    assigns *p;
    ensures p->held == LOCK_NONE && p->wanted == LOCK_NONE && p->out == 0 && p->lock == lock;
*/
static void empty_place(const struct lock_server *const s, struct lock_place *const p,
	const uint32_t slot, const uint32_t lock, const uint32_t member)
{
	*p = (struct lock_place){
		.group = (uint16_t)s->number,
		.node = s->node,
		.index = s->group->first_slot + slot,
		.state = &s->storage.locks[lock],
		.session = &s->storage.sessions[member],
	};
	p->held = LOCK_NONE;
	p->wanted = LOCK_NONE;
	p->out = 0;
	p->lock = lock;
}

/*@ requires sited(s) && slot < lock_slots_count && row_fits(s, slot);
    requires cleared(s, slot, slot, slot + 1);
    assigns s->storage.places[slot], lock_slot_held[slot], lock_slot_lock[slot];
    ensures sited(s);
    ensures places_cleared(s, slot + 1) && locks_cleared(s, slot) &&
      links_cleared(s, slot, slot, slot + 1);
*/
static void clear_place(struct lock_server *const s, const uint32_t slot)
{
	const uint32_t member = slot_row(s, slot)->member - s->group->first_member;
	const uint32_t lock = slot_row(s, slot)->lock - s->group->first_lock;

	/*@ assert lock < lock_locks_count; */
	empty_place(s, &s->storage.places[slot], slot, lock, member);
	/*@ ghost lock_slot_held[slot] = LOCK_NONE; */
	/*@ ghost lock_slot_lock[slot] = lock; */
	/*@ assert slot_cleared(s, slot); */
	/*@ assert sited(s); */
	/*@ assert PLACES_STAND(k < slot); */
	/*@ assert LOCKS_STAND(\true); */
	/*@ assert LINKS_STAND(\true); */
}

/*@ requires sited(s) && slot < lock_slots_count;
    requires places_cleared(s, slot + 1) && locks_cleared(s, slot) &&
      links_cleared(s, slot, slot, slot + 1);
    assigns s->storage.links[its_wait(slot) .. its_out(slot)];
    ensures sited(s) && cleared(s, slot + 1, slot, slot + 1);
*/
static void unlink_slot(struct lock_server *const s, const uint32_t slot)
{
	set_alone(s, wait_link(slot));
	set_alone(s, hold_link(slot));
	set_alone(s, place_out_link(slot));
	/*@ assert sited(s); */
	/*@ assert PLACES_STAND(\true); */
	/*@ assert LOCKS_STAND(\true); */
	/*@ assert LINKS_STAND(i < its_wait(slot) || i > its_out(slot)); */
	/*@ assert all_alone(s, its_wait(slot), its_out(slot) + 1); */
}

/*@ requires \valid(l);
    assigns *l;
    ensures l->holder == LOCK_NO_SLOT && l->batch == 0;
    ensures \forall integer a; is_mode(a) ==> l->held[a] == 0;
*/
static void free_lock(struct lock_state *const l)
{
	*l = (struct lock_state){ .valid = true };
	l->holder = LOCK_NO_SLOT;
	l->batch = 0;
	/*@ loop invariant 0 <= a <= LOCK_MODES;
	    loop invariant \forall integer b; 0 <= b < a ==> l->held[b] == 0;
	    loop assigns a, l->held[0 .. LOCK_MODES - 1];
	    loop variant LOCK_MODES - a;
	*/
	for (uint32_t a = 0; a < LOCK_MODES; a++)
		l->held[a] = 0;
}

/*@ requires sited(s) && lock < lock_locks_count && cleared(s, lock + 1, lock, lock + 1);
    assigns s->storage.locks[lock];
    ensures sited(s);
    ensures places_cleared(s, lock + 1) && locks_cleared(s, lock + 1) &&
      links_cleared(s, lock + 1, lock, lock + 1);
*/
static void clear_holders(struct lock_server *const s, const uint32_t lock)
{
	free_lock(&s->storage.locks[lock]);
	/*@ assert lock_cleared(s, lock); */
	/*@ assert sited(s); */
	/*@ assert PLACES_STAND(\true); */
	/*@ assert LOCKS_STAND(k < lock); */
	/*@ assert LINKS_STAND(\true); */
}

/*@ requires sited(s) && lock < lock_locks_count;
    requires places_cleared(s, lock + 1) && locks_cleared(s, lock + 1) &&
      links_cleared(s, lock + 1, lock, lock + 1);
    assigns s->storage.links[s->first_end + LOCK_ENDS * lock ..
      s->first_end + LOCK_ENDS * lock + LOCK_ENDS - 1];
    ensures sited(s) && cleared(s, lock + 1, lock + 1, lock + 1);
*/
static void clear_queues(struct lock_server *const s, const uint32_t lock)
{
	/*@ loop invariant 0 <= i <= LOCK_ENDS;
	    loop invariant sited(s);
	    loop invariant PLACES_STAND(\true);
	    loop invariant LOCKS_STAND(\true);
	    loop invariant LINKS_STAND(i < s->first_end + LOCK_ENDS * lock ||
	      i >= s->first_end + LOCK_ENDS * (lock + 1));
	    loop invariant all_alone(s, s->first_end + LOCK_ENDS * lock,
	      s->first_end + LOCK_ENDS * lock + i);
	    loop assigns i, s->storage.links[s->first_end + LOCK_ENDS * lock ..
	      s->first_end + LOCK_ENDS * lock + LOCK_ENDS - 1];
	    loop variant LOCK_ENDS - i;
	*/
	for (uint32_t i = 0; i < LOCK_ENDS; i++)
		set_alone(s, end_link(s, lock, i));
}

/* So much of it, one more of each kind. */
/*@ requires sited(s) && i < UINT32_MAX && cleared(s, i, i, i);
    requires i < lock_slots_count ==> row_fits(s, i);
    requires i < s->group->members ==> home_fits(s, i);
    assigns s->storage.places[0 .. lock_slots_count - 1],
      s->storage.locks[0 .. lock_locks_count - 1],
      s->storage.links[0 .. lock_links_count - 1],
      s->storage.sessions[0 .. s->group->members - 1],
      lock_slot_held[0 .. lock_slots_count - 1], lock_slot_lock[0 .. lock_slots_count - 1];
    ensures sited(s) && cleared(s, i + 1, i + 1, i + 1);
*/
static void clear_next(struct lock_server *const s, const uint32_t i)
{
	if (i < s->group->members) {
		clear_session(s, i);
		unlink_member(s, i);
	}
	/*@ assert cleared(s, i, i, i + 1); */
	if (i < s->group->slots) {
		clear_place(s, i);
		unlink_slot(s, i);
	}
	/*@ assert cleared(s, i + 1, i, i + 1); */
	if (i < s->group->locks) {
		clear_holders(s, i);
		clear_queues(s, i);
	}
}

/* All links are alone then, so that the rings are well formed. */
/*@ requires sited(s) && cleared(s, lock_slots_count, lock_locks_count, s->group->members);
    assigns s->due, s->storage.links[0 .. lock_links_count - 1];
    ensures sound(s) && agreeing_all;
*/
static void begin(struct lock_server *const s)
{
	s->due = LOCK_NO_SLOT;
	set_alone(s, OUT_END);
	set_alone(s, LEASE_END);
	/*@ assert sited(s); */
	/*@ assert PLACES_STAND(\true); */
	/*@ assert LOCKS_STAND(\true); */
	/*@ assert LINKS_STAND(\true); */
	/*@ assert all_alone(s, 0, lock_links_count); */
	/*@ assert well_formed(s->storage.links, lock_links_count); */
	/*@ assert in_line(s); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count ==> slot_cleared(s, k); */
	/*@ assert \forall integer k; 0 <= k < lock_locks_count ==> lock_cleared(s, k); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count ==> alone(s, its_wait(k)); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count ==> alone(s, its_hold(k)); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count ==> alone(s, its_out(k)); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count && slot_cleared(s, k) ==>
	      lock_cleared(s, its_lock(s, k)); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count && slot_cleared(s, k) &&
	      lock_cleared(s, its_lock(s, k)) ==> its_holder(s, k) == LOCK_NO_SLOT; */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count && slot_cleared(s, k) ==>
	      in_order(s, k); */
	/*@ assert \forall integer k; 0 <= k < lock_locks_count && lock_cleared(s, k) ==> led(s, k); */
	/*@ assert \forall integer k; 0 <= k < lock_slots_count && slot_cleared(s, k) ==>
	      lock_slot_held[k] == LOCK_NONE; */
	/*@ ghost lock_model_none(); */
	/*@ assert \forall integer k; 0 <= k < lock_locks_count && lock_cleared(s, k) ==> exact(s, k); */
	/*@ assert \forall integer k; 0 <= k < lock_locks_count && lock_cleared(s, k) ==>
	      batched(s, k); */
}

/*@ requires sited(s) && lock_links_count < UINT32_MAX;
    requires s->dirty ==> s->cursor < lock_links_count && cleared(s, s->cursor, s->cursor, s->cursor);
    requires s->cursor < lock_slots_count ==> row_fits(s, s->cursor);
    requires s->cursor < s->group->members ==> home_fits(s, s->cursor);
    assigns s->storage.places[0 .. lock_slots_count - 1],
      s->storage.locks[0 .. lock_locks_count - 1],
      s->storage.links[0 .. lock_links_count - 1],
      s->storage.sessions[0 .. s->group->members - 1], s->cursor, s->dirty, s->due,
      lock_slot_held[0 .. lock_slots_count - 1], lock_slot_lock[0 .. lock_slots_count - 1];
    ensures s->dirty ==> s->cursor < lock_links_count && cleared(s, s->cursor, s->cursor, s->cursor);
    ensures \result && !s->dirty ==> sound(s) && agreeing_all;
*/
bool lockd_clear(struct lock_server *const s)
{
	const uint32_t i = s->cursor;

	if (!s->dirty)
		return false;
	s->cursor = i + 1;
	s->dirty = s->cursor < s->group->slots || s->cursor < s->group->locks ||
		   s->cursor < s->group->members;
	/*@ assert sited(s); */
	/*@ assert PLACES_STAND(\true); */
	/*@ assert LOCKS_STAND(\true); */
	/*@ assert LINKS_STAND(\true); */
	/*@ assert row_fits{Pre}(s, i) ==> row_fits(s, i); */
	/*@ assert home_fits{Pre}(s, i) ==> home_fits(s, i); */
	clear_next(s, i);
	if (!s->dirty)
		begin(s);
	return true;
}
