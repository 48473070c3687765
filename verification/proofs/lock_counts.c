/*
 * The counts of a lock's holders are those of its slots: what invariants.h says of a slot that changes, of one that
 * holds, and where none does, by induction over the slots. And what that is good for: any two slots that hold one lock agree. Nothing
 * of it runs.
 */
#define LOCK_COUNTS
#include "invariants.h"

/*@ ghost
    /@ requires slot < lock_slots_count <= LOCK_SLOTS_MOST;
       assigns lock_slot_held[slot];
       ensures lock_slot_held[slot] == mode;
       ensures recounted{Pre, Post}(slot);
    @/
    void lock_model_hold(uint32_t slot, uint8_t mode)
    {
	    lock_slot_held[slot] = mode;
	    /@ loop invariant 0 <= i <= lock_slots_count;
	       loop invariant \forall integer lock, a; lock != lock_slot_lock[slot] || i <= slot ==>
	         holding(lock, a, i) == holding{Pre}(lock, a, i);
	       loop invariant slot < i ==> (\forall integer a;
	         holding(lock_slot_lock[slot], a, i) - (a == mode ? 1 : 0) ==
	         holding{Pre}(lock_slot_lock[slot], a, i) -
	           (a == \at(lock_slot_held[slot], Pre) ? 1 : 0));
	       loop assigns i;
	       loop variant lock_slots_count - i;
	    @/
	    for (uint32_t i = 0; i < lock_slots_count; i++)
		    ;
    }

    /@ requires slot < lock_slots_count <= LOCK_SLOTS_MOST;
       assigns \nothing;
       ensures \forall integer a;
         0 <= all_holding(lock_slot_lock[slot], a) <= lock_slots_count;
       ensures all_holding(lock_slot_lock[slot], lock_slot_held[slot]) > 0;
    @/
    void lock_model_counted(uint32_t slot)
    {
	    /@ loop invariant 0 <= i <= lock_slots_count;
	       loop invariant \forall integer a; 0 <= holding(lock_slot_lock[slot], a, i) <= i;
	       loop invariant slot < i ==> holding(lock_slot_lock[slot], lock_slot_held[slot], i) > 0;
	       loop assigns i;
	       loop variant lock_slots_count - i;
	    @/
	    for (uint32_t i = 0; i < lock_slots_count; i++)
		    ;
    }

    /@ requires \forall integer k; 0 <= k < lock_slots_count ==> lock_slot_held[k] == LOCK_NONE;
       requires lock_slots_count <= LOCK_SLOTS_MOST;
       assigns \nothing;
       ensures \forall integer lock, a; is_mode(a) ==> all_holding(lock, a) == 0;
    @/
    void lock_model_none(void)
    {
	    /@ loop invariant 0 <= i <= lock_slots_count;
	       loop invariant \forall integer lock, a; is_mode(a) ==> holding(lock, a, i) == 0;
	       loop assigns i;
	       loop variant lock_slots_count - i;
	    @/
	    for (uint32_t i = 0; i < lock_slots_count; i++)
		    ;
    }
*/

void lock_counts_agree(uint32_t one, uint32_t other);

/* Two slots that hold one lock agree, if its counts do. */
/*@ requires one < lock_slots_count && other < lock_slots_count && one != other;
    requires lock_slots_count <= LOCK_SLOTS_MOST;
    requires lock_slot_lock[one] == lock_slot_lock[other];
    requires is_mode(lock_slot_held[one]) && is_mode(lock_slot_held[other]);
    requires agreeing(lock_slot_lock[one]);
    assigns \nothing;
    ensures agree(lock_slot_held[one], lock_slot_held[other]);
*/
void lock_counts_agree(const uint32_t one, const uint32_t other)
{
	/*@ ghost
	    /@ loop invariant 0 <= i <= lock_slots_count;
	       loop invariant \forall integer a; 0 <= holding(lock_slot_lock[one], a, i);
	       loop invariant one < i ==> holding(lock_slot_lock[one], lock_slot_held[one], i) > 0;
	       loop invariant other < i ==>
	         holding(lock_slot_lock[one], lock_slot_held[other], i) > 0;
	       loop invariant one < i && other < i && lock_slot_held[one] == lock_slot_held[other] ==>
	         holding(lock_slot_lock[one], lock_slot_held[one], i) > 1;
	       loop assigns i;
	       loop variant lock_slots_count - i;
	    @/
	    for (uint32_t i = 0; i < lock_slots_count; i++)
		    ;
	*/
}
