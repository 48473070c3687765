/*
 * The queues of a client's own locks where there is more than one in them. Invariants: an operation under way is
 * in one of two, those to be sent and its session's that wait for an answer, all others in none; a lock is in that of
 * events while it has any; the first is in no ring (struct lock_turns), so where one alone is, the rings are not touched.
 */
#include "client.h"

/* Whose answer is awaited if nobody's is. */
const struct lock_own lockd_client_nobody = { .answer = NO_ANSWER };

static void append(struct lock_client *const c, struct lock_turns *const turns, const uint32_t link,
	const uint32_t end)
{
	lock_links_insert(c->storage.links, link, end);
	turns->more++;
}

/* The first has left. */
static void next(struct lock_client *const c, struct lock_turns *const turns, const uint32_t end)
{
	const uint32_t link = c->storage.links[end].next;

	turns->first = NULL;
	if (turns->more == 0)
		return;
	lock_links_remove(c->storage.links, link);
	turns->more--;
	turns->first = &c->storage.owns[own_of_link(link)];
}

enum lock_status lockd_client_begin_behind(struct lock_client *const c, struct lock_own *const o)
{
	o->due = true;
	append(c, &c->due, turn_link(o->number), OUT_END);
	c->speaks = true;
	return LOCK_PENDING;
}

void lockd_client_next_due(struct lock_client *const c)
{
	next(c, &c->due, OUT_END);
	if (c->due.first)
		c->due.first->due = false;
}

bool lockd_client_wait_behind(struct lock_client *const c, struct lock_own *const o)
{
	c->awaited = &lockd_client_nobody;
	append(c, &o->session->waiting, turn_link(o->number), timer_end(c, o->membership));
	return true;
}

void lockd_client_tell_behind(
	struct lock_client *const c, struct lock_own *const o, const uint8_t events)
{
	if (o->events == 0)
		append(c, &c->events, event_link(o->number), EVENT_END);
	o->events |= events;
	c->events.first->events |= c->events.more ? EVENT_MORE : 0;
}

void lockd_client_next_event(struct lock_client *const c)
{
	next(c, &c->events, EVENT_END);
	if (c->events.more)
		c->events.first->events |= EVENT_MORE;
}

/* If it is in one. */
static void leave_ring(struct lock_client *const c, struct lock_own *const o)
{
	struct lock_turns *const turns = o->due ? &c->due : &o->session->waiting;

	if (lock_links_empty(c->storage.links, turn_link(o->number)))
		return;
	lock_links_remove(c->storage.links, turn_link(o->number));
	turns->more--;
	o->due = false;
}

void lockd_client_unqueue_one(struct lock_client *const c, struct lock_own *const o)
{
	if (o->session->waiting.first == o)
		next(c, &o->session->waiting, timer_end(c, o->membership));
	else if (c->due.first == o)
		lockd_client_next_due(c);
	else
		leave_ring(c, o);
}

/* The highest in rank is in no ring; the others rise in theirs. */
void lockd_client_climb_above(struct lock_client *const c, const uint32_t own)
{
	lock_links_insert(c->storage.links, rank_link(c->top - 1), RANK_END);
	c->top = own + 1;
}

void lockd_client_step_down(struct lock_client *const c, const uint32_t own)
{
	const uint32_t below = c->storage.links[RANK_END].prev;

	if (c->top != own + 1) {
		lock_links_remove(c->storage.links, rank_link(own));
		return;
	}
	lock_links_remove(c->storage.links, below);
	c->top = below == RANK_END ? 0 : own_of_link(below) + 1;
}
