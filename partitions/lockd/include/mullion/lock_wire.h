/*
 * Messages of the lock service between nodes: datagrams of one size over the verbs (ib/verbs.h), between queue
 * pairs whose numbers, addresses and Q_Key the tables say, in the lanes of one service level. Loss, repetition
 * and order are the engine's to deal with; what is checked here is who sent it.
 *
 * All datagrams for a node are alike up to the message, but for the packet number. So the verbs make one for each
 * node at the start, and its headers are kept: a message is sent behind a copy of them; a frame whose headers are
 * those of its sender, and whose ICRC is right, is taken at once. Every other frame goes through the verbs. So one
 * address handle is enough for any number of nodes.
 *
 * Invariant: a message is handed on only if it is LOCK_MESSAGE_BYTES long, came to the right queue pair with the
 * right Q_Key, and from the address of the node that it names; all else is counted, by the wire, the port or the
 * verbs. Nothing is allocated. Each received frame is taken out before the next, so the inbox cannot overflow.
 *
 * Specification: IBTA 1.4, 9.8.3 (unreliable datagrams); annex A17 (RoCEv2).
 */
#ifndef MULLION_LOCK_WIRE_H
#define MULLION_LOCK_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <ib/port.h>

#include <mullion/lock_image.h>
#include <mullion/lock_message.h>

#define LOCK_WIRE_NODES LOCK_IMAGE_MOST_NODES /* of a cluster at most */
#define LOCK_WIRE_QPN   LOCK_IMAGE_QPN        /* of the first queue pair of an adapter */
#define LOCK_WIRE_SENDS 64u                   /* messages waiting for the card */
#define LOCK_WIRE_INBOX 4u

/* A frame: Ethernet, a tag, IPv4, UDP, BTH, DETH, the message, the ICRC. */
#define LOCK_WIRE_IP_AT       18u
#define LOCK_WIRE_HEAD_BYTES  66u
#define LOCK_WIRE_FRAME_BYTES (LOCK_WIRE_HEAD_BYTES + LOCK_MESSAGE_BYTES + IB_ICRC_BYTES)

/* What became of what came. */
enum lock_wire_reason {
	LOCK_WIRE_TAKEN,
	LOCK_WIRE_BAD_SIZE,   /* shorter than a message; longer ones the verbs drop */
	LOCK_WIRE_BAD_NODE,   /* the message names no other node of the cluster */
	LOCK_WIRE_BAD_SOURCE, /* it names one, but comes from elsewhere, or from another queue pair */
	LOCK_WIRE_REASONS
};

struct lock_wire_in {
	uint8_t grh[IBV_GRH_BYTES];
	struct lock_message message;
	uint8_t rest[8]; /* aligns the next */
};

struct lock_wire {
	uint16_t node; /* this one */
	uint32_t nodes;
	uint32_t q_key;
	const struct lock_image_node *node_rows;
	struct ibv_context context;
	struct roce_port port;
	struct neighbours neighbours;
	struct neighbour neighbour_slots[NEIGHBOURS_SLOTS(1)]; /* the one that is met */
	struct ibv_qp *qp;
	struct ibv_cq *cq;
	struct ibv_mr *in_mr, *out_mr;
	bool fresh; /* `arrived` is to be handed out */
	uint16_t arrived_from;
	struct lock_message arrived; /* by its headers */
	uint32_t shown;              /* the inbox entry that was handed out, or LOCK_WIRE_INBOX */
	uint64_t posted, gone;       /* messages given and passed to the card */
	uint64_t full;               /* not sent, for the outbox was full */
	uint64_t counts[LOCK_WIRE_REASONS];
	struct lock_wire_in in[LOCK_WIRE_INBOX];
	struct lock_message
		blank; /* what the first datagram to each node carries, which is not sent */
	uint8_t to[LOCK_WIRE_NODES][LOCK_WIRE_HEAD_BYTES];
	uint8_t from[LOCK_WIRE_NODES][LOCK_WIRE_HEAD_BYTES];
	uint8_t out[LOCK_WIRE_SENDS][LOCK_WIRE_FRAME_BYTES];
	struct { /* of the adapter */
		struct ibv_pd pds[1];
		struct ibv_mr mrs[2];
		struct ibv_ah ahs[1];
		struct ibv_cq cqs[1];
		struct ibv_wc completions[2 * LOCK_WIRE_INBOX];
		struct ibv_qp qps[1];
		struct ibv_send_entry sends[LOCK_WIRE_INBOX];
		struct ibv_recv_entry recvs[LOCK_WIRE_INBOX];
	} pools;
};

/*
 * Start the wire of node `image->node`: the lane is `service_level`, shown as the priority of a tag and as the class of IP.
 * NULL, or what is wrong in words: more than LOCK_WIRE_NODES nodes, a queue pair number other than
 * LOCK_WIRE_QPN, a service level above 7, a MAC that is not the card's. `rate`: of the clock told
 * to lock_wire_take. Cost: 5000 instructions a node.
 */
const char *lock_wire_open(struct lock_wire *wire, const struct lock_image *image,
	const uint8_t mac[ROCE_MAC_BYTES], uint8_t service_level, const struct time_rate *rate);

/* A message for another node, copied. False: no room, or no such other node. Constant cost. */
bool lock_wire_send(struct lock_wire *wire, uint16_t node, const struct lock_message *message);

/* Whether lock_wire_send has room. */
static inline bool lock_wire_has_room(const struct lock_wire *const wire)
{
	return wire->posted - wire->gone < LOCK_WIRE_SENDS;
}

/*
 * A frame that came. Returns the bytes of a frame in `reply`, with room for ETHERNET_MOST_BYTES, to be sent back
 * (ARP, ICMP echo), or 0. Then ask lock_wire_receive, before the next frame.
 */
unsigned lock_wire_take(struct lock_wire *wire, uint64_t now_ticks, const uint8_t *frame,
	unsigned bytes, uint8_t *reply);

/* The message that came with it, good until the next call, and its sender; NULL: none. */
const struct lock_message *lock_wire_receive(struct lock_wire *wire, uint16_t *from);

/* The next frame to be sent, of LOCK_WIRE_FRAME_BYTES, good until the next lock_wire_send; NULL: none. */
static inline const uint8_t *lock_wire_next(struct lock_wire *const wire)
{
	if (wire->gone == wire->posted)
		return NULL;
	return wire->out[wire->gone++ % LOCK_WIRE_SENDS];
}

#endif
