/*
 * How nodes are driven: messages, timers, and the time a server needs for each message. Invariant: an engine
 * is called as its header says, and never while its node is down or paused.
 */
#include "sim.h"

bool is_server(const struct sim *sim, uint32_t node)
{
	return node >= sim->options.participants;
}

static uint32_t server_of(const struct sim *sim, uint32_t node)
{
	return node - sim->options.participants;
}

#define ENDLESS 1000000u /* calls of one tick function that all found work */

static void wake_at(struct sim *sim, uint32_t node, uint64_t due_ns)
{
	struct node *n = &sim->nodes[node];
	uint64_t at_ns;

	if (due_ns == UINT64_MAX)
		return;
	at_ns = clock_reaches(sim, node, due_ns);
	if (at_ns >= n->wake_ns)
		return;
	n->wake_ns = at_ns;
	heap_put(&sim->heap, at_ns, node, WHAT_WAKE);
}

/* Returns how many messages it sent; each but the first leaves a service later than the one before. */
static uint32_t server_turn(struct sim *sim, uint32_t node)
{
	struct lock_server *s = &sim->servers[server_of(sim, node)];
	const uint64_t now_ns = clock_of(sim, node);
	struct lock_envelope envelope;
	uint32_t sent = 0, ticks = 0;

	while (lock_server_tick(s, now_ns) && ticks < ENDLESS)
		ticks++;
	if (ticks == ENDLESS)
		violate(sim, "node %u: its server's work has no end", node);
	while (lock_server_send(s, now_ns, &envelope))
		net_send(sim, node, &envelope, sent++ * sim->options.service_ns);
	judge_leader(sim, server_of(sim, node) / LOCK_GROUP_NODES);
	wake_at(sim, node, lock_server_due_ns(s, now_ns));
	return sent;
}

static void client_turn(struct sim *sim, uint32_t p)
{
	struct lock_client *c = &sim->clients[p];
	const uint64_t now_ns = clock_of(sim, p);
	struct lock_envelope envelope;
	struct lock_event event;
	uint32_t ticks = 0;

	while (lock_client_tick(c, now_ns) && ticks < ENDLESS)
		ticks++;
	if (ticks == ENDLESS)
		violate(sim, "node %u: its client's work has no end", p);
	while (lock_client_send(c, now_ns, &envelope))
		net_send(sim, p, &envelope, 0);
	while (lock_client_event(c, &event))
		program_event(sim, p, &event);
	while (lock_client_send(c, now_ns, &envelope))
		net_send(sim, p, &envelope, 0);
	wake_at(sim, p, lock_client_due_ns(c, now_ns));
}

void node_turn(struct sim *sim, uint32_t node)
{
	if (is_server(sim, node))
		server_turn(sim, node);
	else
		client_turn(sim, node);
}

static void door_go_on(struct sim *sim, uint32_t node)
{
	struct door *door = &sim->doors[server_of(sim, node)];

	door->serving = door->first != NOBODY;
	door->busy = door->serving;
	if (door->serving)
		heap_put(&sim->heap, sim->now_ns + sim->options.service_ns, node, WHAT_SERVED);
}

static void enter(struct sim *sim, uint32_t node, uint32_t flight)
{
	struct door *door = &sim->doors[server_of(sim, node)];

	sim->flights[flight].next = NOBODY;
	if (door->first == NOBODY)
		door->first = flight;
	else
		sim->flights[door->last].next = flight;
	door->last = flight;
	if (++door->length > door->most)
		door->most = door->length;
	if (!door->busy)
		door_go_on(sim, node);
}

/* The message at the head has had its time. */
static void served(struct sim *sim, uint32_t node)
{
	struct door *door = &sim->doors[server_of(sim, node)];
	const uint32_t flight = door->first;
	uint32_t sent = 0;

	if (door->serving) {
		const struct flight f = sim->flights[flight];

		door->first = f.next;
		door->length--;
		net_free(sim, flight);
		if (!sim->nodes[node].down) {
			lock_server_receive(&sim->servers[server_of(sim, node)], (uint16_t)f.from,
				&f.message, LOCK_MESSAGE_BYTES, clock_of(sim, node));
			sent = server_turn(sim, node);
			judge_server(sim, server_of(sim, node), &f.message);
		}
		door->serving = false;
	}
	if (sent > 1)
		heap_put(&sim->heap, sim->now_ns + (sent - 1) * sim->options.service_ns, node,
			WHAT_SERVED);
	else
		door_go_on(sim, node);
}

static void arrive(struct sim *sim, uint32_t node, uint32_t flight)
{
	const struct flight f = sim->flights[flight];

	if (sim->nodes[node].down) {
		net_free(sim, flight);
		return;
	}
	if (is_server(sim, node)) {
		enter(sim, node, flight);
		return;
	}
	net_free(sim, flight);
	lock_client_receive(&sim->clients[node], (uint16_t)f.from, &f.message, LOCK_MESSAGE_BYTES,
		clock_of(sim, node));
	client_turn(sim, node);
}

static void wake(struct sim *sim, const struct event *event)
{
	struct node *n = &sim->nodes[event->node];

	if (event->at_ns != n->wake_ns)
		return;
	n->wake_ns = UINT64_MAX;
	if (!n->down)
		node_turn(sim, event->node);
}

void node_event(struct sim *sim, const struct event *event)
{
	struct node *n = &sim->nodes[event->node];

	if (n->paused_until_ns > sim->now_ns && event->what != WHAT_REVIVE) {
		/* all that comes meanwhile waits, in its order */
		if (event->what == WHAT_WAKE && event->at_ns == n->wake_ns)
			n->wake_ns = n->paused_until_ns;
		heap_put(&sim->heap, n->paused_until_ns, event->node, event->what);
		return;
	}
	switch (event->what) {
	case WHAT_WAKE:
		wake(sim, event);
		break;
	case WHAT_PROGRAM:
		program_wake(sim, event->node);
		break;
	case WHAT_SERVED:
		served(sim, event->node);
		break;
	case WHAT_REVIVE:
		fault_revive(sim, event->node);
		break;
	default:
		arrive(sim, event->node, event->what);
		break;
	}
}
