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

void lock_links_insert(struct lock_link *const links, const uint32_t link, const uint32_t where)
/*@ ghost(uint32_t count) */
{
	const uint32_t before = links[where].prev;

	links[link].next = where;
	links[link].prev = before;
	links[before].next = link;
	links[where].prev = link;
}

void lock_links_remove(struct lock_link *const links, const uint32_t link)
/*@ ghost(uint32_t count) */
{
	const uint32_t before = links[link].prev;
	const uint32_t after = links[link].next;

	links[before].next = after;
	links[after].prev = before;
	links[link].next = link;
	links[link].prev = link;
}
