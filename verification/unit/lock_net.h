/*
 * Nodes of a lock service in one process, as lockd makes them: a wire, a router, the servers, and the participants
 * behind queues. Frames are handed from card to card, lost and repeated as told.
 */
#ifndef LOCK_NET_H
#define LOCK_NET_H

#include "lock_world.h"

#include <mullion/lock_router.h>
#include <mullion/lock_wire.h>

#define NET_NODES        3u
#define NET_PARTICIPANTS 6u /* two per node */
#define NET_QUEUE        64u
#define NET_FRAME        2048u
#define NET_SL           3u
#define NET_Q_KEY        0x4d554c4cu

struct net_queue {
	struct lock_message messages[NET_QUEUE];
	uint32_t head, tail;
};

struct net_image {
	_Alignas(LOCK_IMAGE_ALIGNMENT) struct lock_image image;
	_Alignas(LOCK_IMAGE_ALIGNMENT) struct lock_image_node nodes[LOCK_WIRE_NODES + 1];
};

struct net_node {
	struct net_image block;
	struct lock_wire wire;
	struct lock_router router;
	struct lock_carrier carrier;
	struct lock_server servers[1];
	struct lock_server *server_of[1];
	bool paused;
};

struct net {
	struct world *world; /* its tables and clients */
	struct net_node node[NET_NODES];
	struct net_queue request[NET_PARTICIPANTS], answer[NET_PARTICIPANTS];
	uint64_t now_ns, random;
	uint32_t loss_percent, repeat_percent;
	uint64_t frames;
};

/* An image's beginning for node `node` of `nodes`. */
void net_image(struct net_image *block, uint16_t node, uint32_t nodes);

/* One group of three nodes, `locks` locks, all shared by all participants. */
struct net *net_new(uint32_t locks);
void net_free(struct net *net);

/* Let a little time pass: every node works, frames arrive. */
void net_step(struct net *net);

/* Until every client has its session. */
void net_join(struct net *net);

#endif
