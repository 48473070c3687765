/*
 * Queues as rings of numbered links in one array, some of which are the queues' own ends. Invariant: `next`
 * is a permutation of the numbers and `prev` its inverse, so that each link is in one ring at most, none is
 * lost, and every operation is the same few assignments without a branch. A link in no queue is a ring of
 * one. Every operation takes constant time.
 */
#ifndef MULLION_LOCK_LINKS_H
#define MULLION_LOCK_LINKS_H

#include <stdbool.h>
#include <stdint.h>

struct lock_link {
	uint32_t next;
	uint32_t prev;
};

/*@ predicate in_range(struct lock_link *links, integer count) =
      \forall integer i; 0 <= i < count ==> links[i].next < count && links[i].prev < count;

    predicate inverse(struct lock_link *links, integer count) =
      \forall integer i; 0 <= i < count ==>
        links[links[i].next].prev == i && links[links[i].prev].next == i;

    predicate well_formed(struct lock_link *links, integer count) =
      in_range(links, count) && inverse(links, count);
*/

/* Make every link a ring of one. Cost: count. */
/*@ requires \valid(links + (0 .. count - 1));
    assigns links[0 .. count - 1];
    ensures well_formed(links, count);
    ensures \forall integer i; 0 <= i < count ==> links[i].next == i && links[i].prev == i;
*/
void lock_links_init(struct lock_link *links, uint32_t count);

/* How many there are is known to the proofs only. */
/*@ ghost extern uint32_t lock_links_count; */

/* Put `link`, which is in no queue, before `where`: as the last one if that is a queue's end. */
/*@ requires \valid(links + (0 .. lock_links_count - 1));
    requires link < lock_links_count && where < lock_links_count && link != where;
    requires well_formed(links, lock_links_count);
    requires links[link].next == link && links[link].prev == link;
    assigns links[link], links[where].prev, links[links[where].prev].next;
    ensures well_formed(links, lock_links_count);
    ensures links[where].prev == link && links[link].next == where;
    ensures links[link].prev == \old(links[where].prev);
    ensures links[\old(links[where].prev)].next == link;
    ensures \forall integer k; 0 <= k < lock_links_count && k != link && k != where &&
      \old(links[k].next) == k && \old(links[k].prev) == k ==>
      links[k].next == k && links[k].prev == k;
*/
static inline void lock_links_insert(
	struct lock_link *const links, const uint32_t link, const uint32_t where)
{
	const uint32_t before = links[where].prev;

	links[link].next = where;
	links[link].prev = before;
	links[before].next = link;
	links[where].prev = link;
}

/* Take `link` out of whatever queue it is in. */
/*@ requires \valid(links + (0 .. lock_links_count - 1)) && link < lock_links_count;
    requires well_formed(links, lock_links_count);
    assigns links[link], links[links[link].prev].next, links[links[link].next].prev;
    ensures well_formed(links, lock_links_count);
    ensures links[link].next == link && links[link].prev == link;
    ensures \old(links[link].next) != link ==>
      links[\old(links[link].prev)].next == \old(links[link].next) &&
      links[\old(links[link].next)].prev == \old(links[link].prev);
    ensures \forall integer k; 0 <= k < lock_links_count && \old(links[k].next) == k &&
      \old(links[k].prev) == k ==> links[k].next == k && links[k].prev == k;
*/
static inline void lock_links_remove(struct lock_link *const links, const uint32_t link)
{
	const uint32_t before = links[link].prev;
	const uint32_t after = links[link].next;

	links[before].next = after;
	links[after].prev = before;
	links[link].next = link;
	links[link].prev = link;
}

/*@ requires \valid_read(links + end);
    assigns \nothing;
    ensures \result <==> links[end].next == end;
*/
static inline bool lock_links_empty(const struct lock_link *const links, const uint32_t end)
{
	return links[end].next == end;
}

#endif
