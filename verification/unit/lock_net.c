/*
 * Nodes of a lock service in one process. See lock_net.h.
 */
#include "lock_net.h"

#define STEP_NS 5000u

void net_image(struct net_image *block, uint16_t node, uint32_t nodes)
{
	*block = (struct net_image){ .image = { .magic = LOCK_IMAGE_MAGIC,
					     .bytes = sizeof(*block),
					     .node = node,
					     .q_key = NET_Q_KEY,
					     .prefix_bits = 16 } };
	block->image.part[LOCK_IMAGE_NODES] =
		(struct lock_image_part){ .offset = offsetof(struct net_image, nodes),
			.count = nodes,
			.bytes = sizeof(struct lock_image_node) };
	for (uint32_t i = 0; i < LOCK_WIRE_NODES + 1; i++)
		block->nodes[i] = (struct lock_image_node){ .ipv4 = 0x0a4d0001 + i,
			.qpn = LOCK_WIRE_QPN,
			.mac = { 2, 0, 0, 0, (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1) } };
}

static bool push(struct net_queue *queue, const struct lock_message *message)
{
	if (queue->tail - queue->head >= NET_QUEUE)
		return false;
	queue->messages[queue->tail++ % NET_QUEUE] = *message;
	return true;
}

static bool to_node(void *context, uint16_t node, const struct lock_message *message)
{
	return lock_wire_send(&((struct net_node *)context)->wire, node, message);
}

static struct net *the_net;

static bool to_participant(void *context, uint32_t participant, const struct lock_message *message)
{
	(void)context;
	return push(&the_net->answer[participant], message);
}

static bool has_room(void *context)
{
	return lock_wire_has_room(&((struct net_node *)context)->wire);
}

static void start_node(struct net *net, uint16_t node)
{
	struct net_node *n = &net->node[node];
	const struct lock_group *g = &net->world->group[0];
	const struct lock_storage storage = {
		calloc(LOCK_SERVER_LINKS(g->slots, g->members, g->locks), sizeof(struct lock_link)),
		calloc(g->slots, sizeof(struct lock_place)),
		calloc(g->locks, sizeof(struct lock_state)),
		calloc(g->members, sizeof(struct lock_session))
	};

	net_image(&n->block, node, NET_NODES);
	n->carrier = (struct lock_carrier){ n, to_node, to_participant, has_room };
	lock_server_init(n->servers, &net->world->tables, 0, node, &storage, 0, false, net->now_ns);
	if (lock_wire_open(
		    &n->wire, &n->block.image, n->block.nodes[node].mac, NET_SL, &rate_nanoseconds))
		abort();
	lock_router_init(
		&n->router, &net->world->tables, node, &n->carrier, n->servers, 1, n->server_of, 0);
}

struct net *net_new(uint32_t locks)
{
	struct net *net = calloc(1, sizeof(*net));

	the_net = net;
	net->world = world_new(1, locks, NET_PARTICIPANTS);
	net->random = 88172645463325252ull;
	net->now_ns = 1000000;
	for (uint32_t p = 0; p < NET_PARTICIPANTS; p++)
		net->world->participant[p].node = (uint16_t)(p % NET_NODES);
	world_start(net->world); /* for the clients' memory */
	for (uint32_t p = 0; p < NET_PARTICIPANTS; p++) {
		const struct lock_client_storage storage = net->world->client[p].storage;

		lock_client_init(
			&net->world->client[p], &net->world->tables, p, &storage, 1, net->now_ns);
	}
	for (uint16_t node = 0; node < NET_NODES; node++)
		start_node(net, node);
	return net;
}

void net_free(struct net *net)
{
	for (uint32_t i = 0; i < NET_NODES; i++) {
		const struct lock_storage *s = &net->node[i].servers[0].storage;

		free(s->links);
		free(s->places);
		free(s->locks);
		free(s->sessions);
	}
	world_free(net->world);
	free(net);
}

static bool chance(struct net *net, uint32_t percent)
{
	return unit_random(&net->random) % 100 < percent;
}

static void arrive(struct net *net, const uint8_t *frame, unsigned bytes)
{
	uint8_t reply[NET_FRAME];
	struct net_node *n = &net->node[(frame[5] - 1) % NET_NODES];
	const struct lock_message *m;
	uint16_t from;

	net->frames++;
	if (n->paused)
		return;
	lock_wire_take(&n->wire, net->now_ns, frame, bytes, reply);
	while ((m = lock_wire_receive(&n->wire, &from)) != NULL)
		lock_router_from_node(&n->router, from, m, net->now_ns);
}

static void emit(struct net *net, struct net_node *n)
{
	const uint8_t *frame;

	while ((frame = lock_wire_next(&n->wire)) != NULL) {
		if (chance(net, net->loss_percent))
			continue;
		arrive(net, frame, LOCK_WIRE_FRAME_BYTES);
		if (chance(net, net->repeat_percent))
			arrive(net, frame, LOCK_WIRE_FRAME_BYTES);
	}
}

static void drive_client(struct net *net, uint32_t p)
{
	struct lock_client *client = &net->world->client[p];
	struct net_queue *in = &net->answer[p];
	struct lock_envelope e;

	for (; in->head != in->tail; in->head++) {
		const struct lock_message *m = &in->messages[in->head % NET_QUEUE];

		lock_client_receive(client, m->node, m, LOCK_MESSAGE_BYTES, net->now_ns);
	}
	while (lock_client_tick(client, net->now_ns))
		;
	while (lock_client_send(client, net->now_ns, &e)) {
		e.message.node = e.node;
		push(&net->request[p], &e.message);
	}
}

static void drive_node(struct net *net, uint16_t node)
{
	struct net_node *n = &net->node[node];

	for (uint32_t p = node; p < NET_PARTICIPANTS; p += NET_NODES) {
		struct net_queue *out = &net->request[p];

		drive_client(net, p);
		for (; out->head != out->tail; out->head++)
			lock_router_from_participant(&n->router, p,
				&out->messages[out->head % NET_QUEUE], LOCK_MESSAGE_BYTES,
				net->now_ns);
	}
	while (lock_router_work(&n->router, 16, net->now_ns))
		emit(net, n);
	emit(net, n);
}

void net_step(struct net *net)
{
	net->now_ns += STEP_NS;
	for (uint16_t node = 0; node < NET_NODES; node++)
		if (!net->node[node].paused)
			drive_node(net, node);
}

static bool joined(struct net *net)
{
	for (uint32_t p = 0; p < NET_PARTICIPANTS; p++)
		if (net->world->client[p].storage.memberships[0].state != LOCK_JOINED)
			return false;
	return true;
}

void net_join(struct net *net)
{
	for (uint32_t i = 0; i < 20000 && !joined(net); i++)
		net_step(net);
	assert_true(joined(net));
}
