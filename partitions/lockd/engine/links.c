/*
 * Queues as rings of numbered links. Invariant: next is a permutation and prev its inverse; proved for every
 * function (verification/proofs).
 */
#include <mullion/lock_links.h>

void lock_links_init(struct lock_link *const links, const uint32_t count)
{
	/*@ loop invariant 0 <= i <= count;
	    loop invariant \forall integer k; 0 <= k < i ==> links[k].next == k && links[k].prev == k;
	    loop assigns i, links[0 .. count - 1];
	    loop variant count - i;
	*/
	for (uint32_t i = 0; i < count; i++) {
		links[i].next = i;
		links[i].prev = i;
	}
}
