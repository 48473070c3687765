/*
 * The step from the counts of a lock's holders to the slots that hold it. Each transition of the engine is proved to
 * change the counts of its lock by what its slot holds before and after (`moved`), taking for granted that
 * the slot is counted (`counted`). Proved here, by induction over the slots: counts that are what a count of the slots
 * finds stay so, as they are where nobody holds; whoever holds is counted then; and where the counts agree, any two
 * slots that hold the lock agree. Nothing of it runs.
 */
#include <mullion/lock_modes.h>
#include <mullion/lock_server.h>

/*@ logic integer holding(struct lock_place *places, integer lock, integer mode, integer slots) =
      slots <= 0 ? 0 : holding(places, lock, mode, slots - 1) +
        (places[slots - 1].lock == lock && places[slots - 1].held == mode ? 1 : 0);

    predicate exact(uint32_t *held, struct lock_place *places, integer lock, integer slots) =
      \forall integer a; is_mode(a) ==> held[a] == holding(places, lock, a, slots);
*/

void lock_counts_none(const struct lock_place *places, uint32_t slots, uint32_t lock);
void lock_counts_counted(const struct lock_place *places, uint32_t slots, uint32_t slot);
void lock_counts_agree(const uint32_t *held, const struct lock_place *places, uint32_t slots,
	uint32_t one, uint32_t other);
void lock_counts_moved(const uint32_t *held, const uint32_t *then, const struct lock_place *places,
	const struct lock_place *after, uint32_t slots, uint32_t slot);

/* Where nobody holds, there is nothing to count. */
/*@ requires \forall integer k; 0 <= k < slots ==> places[k].held == LOCK_NONE;
    assigns \nothing;
    ensures \forall integer a; is_mode(a) ==> holding(places, lock, a, slots) == 0;
*/
void lock_counts_none(
	const struct lock_place *const places, const uint32_t slots, const uint32_t lock)
{
	/*@ loop invariant 0 <= i <= slots;
	    loop invariant \forall integer a; is_mode(a) ==> holding(places, lock, a, i) == 0;
	    loop assigns i;
	    loop variant slots - i;
	*/
	for (uint32_t i = 0; i < slots; i++)
		;
}

/* Whoever holds is counted, and nobody more often than there are slots. */
/*@ requires slot < slots;
    assigns \nothing;
    ensures \forall integer a; 0 <= holding(places, places[slot].lock, a, slots) <= slots;
    ensures holding(places, places[slot].lock, places[slot].held, slots) > 0;
*/
void lock_counts_counted(
	const struct lock_place *const places, const uint32_t slots, const uint32_t slot)
{
	/*@ loop invariant 0 <= i <= slots;
	    loop invariant \forall integer a; 0 <= holding(places, places[slot].lock, a, i) <= i;
	    loop invariant slot < i ==>
	      holding(places, places[slot].lock, places[slot].held, i) > 0;
	    loop assigns i;
	    loop variant slots - i;
	*/
	for (uint32_t i = 0; i < slots; i++)
		;
}

/* Two slots that hold one lock agree, if its counts do. */
/*@ requires one < slots && other < slots && one != other;
    requires places[one].lock == places[other].lock;
    requires is_mode(places[one].held) && is_mode(places[other].held);
    requires exact(held, places, places[one].lock, slots) && all_agree(held);
    assigns \nothing;
    ensures agree(places[one].held, places[other].held);
*/
void lock_counts_agree(const uint32_t *const held, const struct lock_place *const places,
	const uint32_t slots, const uint32_t one, const uint32_t other)
{
	/*@ loop invariant 0 <= i <= slots;
	    loop invariant \forall integer a; 0 <= holding(places, places[one].lock, a, i);
	    loop invariant one < i ==> holding(places, places[one].lock, places[one].held, i) > 0;
	    loop invariant other < i ==>
	      holding(places, places[one].lock, places[other].held, i) > 0;
	    loop invariant one < i && other < i && places[one].held == places[other].held ==>
	      holding(places, places[one].lock, places[one].held, i) > 1;
	    loop assigns i;
	    loop variant slots - i;
	*/
	for (uint32_t i = 0; i < slots; i++)
		;
	/*@ assert held[places[one].held] > 0 && held[places[other].held] > 0; */
}

/* Counts that moved as the one slot did are exact as before; those of other locks did not move. */
/*@ requires slot < slots;
    requires \forall integer k; 0 <= k < slots ==> after[k].lock == places[k].lock;
    requires \forall integer k; 0 <= k < slots && k != slot ==> after[k].held == places[k].held;
    requires exact(held, places, places[slot].lock, slots);
    requires \forall integer a; is_mode(a) ==>
      then[a] - (a == after[slot].held ? 1 : 0) == held[a] - (a == places[slot].held ? 1 : 0);
    assigns \nothing;
    ensures exact(then, after, places[slot].lock, slots);
    ensures \forall integer lock, a; lock != places[slot].lock ==>
      holding(after, lock, a, slots) == holding(places, lock, a, slots);
*/
void lock_counts_moved(const uint32_t *const held, const uint32_t *const then,
	const struct lock_place *const places, const struct lock_place *const after,
	const uint32_t slots, const uint32_t slot)
{
	/*@ loop invariant 0 <= i <= slots;
	    loop invariant \forall integer lock, a; lock != places[slot].lock || i <= slot ==>
	      holding(after, lock, a, i) == holding(places, lock, a, i);
	    loop invariant slot < i ==> (\forall integer a;
	      holding(after, places[slot].lock, a, i) - (a == after[slot].held ? 1 : 0) ==
	      holding(places, places[slot].lock, a, i) - (a == places[slot].held ? 1 : 0));
	    loop assigns i;
	    loop variant slots - i;
	*/
	for (uint32_t i = 0; i < slots; i++)
		;
}
