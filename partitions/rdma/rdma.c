/*
 * rdma: owns a network card and serves verbs to the partitions that the description names, each with its SL,
 * its P_Key, its rate and its quotas (docs/rdma.md).
 *
 * Invariant: one turn does a bounded piece for each client and the card, whatever any of them writes: one
 * request, SERVICE_BATCH entries of each ring, FRAMES frames in and as many out; what does not fit waits. What is
 * refused for the first time is told on the console.
 */
#include <stdio.h>

#include <mullion/hypercall.h>
#include <mullion/time.h>

#include "opening.h"

#define FRAMES  8u
#define WAITING 32u /* frames that the card has and may not have sent */

static uint64_t refused[RDMA_CLIENTS];
static uint8_t frame[CARD_FRAME_BYTES], reply[CARD_FRAME_BYTES];

/* An answer that finds no room is lost: a client has one request under way. */
static bool answer_one(const unsigned client)
{
	uint8_t ask[MULLION_CHANNEL_MESSAGE_MOST];
	struct rdma_tell tell;
	uint64_t length;
	bool overflowed;

	switch (queuing_receive(&node.asks[client], ask, &length, &overflowed)) {
	case QUEUING_MESSAGE:
		break;
	case QUEUING_BROKEN:
		queuing_clear(&node.asks[client]);
		return true;
	default:
		return false;
	}
	service_ask(&node.service, client, tsc_read(), ask, length, &tell);
	queuing_send(&node.tells[client], (const uint8_t *)&tell, sizeof(tell));
	return true;
}

static bool take_frames(void)
{
	unsigned taken = 0;

	for (; taken < FRAMES; taken++) {
		const unsigned bytes = card_receive(&node.card, frame);
		unsigned reply_bytes;

		if (bytes == 0)
			break;
		reply_bytes = roce_port_take(&node.port, tsc_read(), frame, bytes, reply);
		if (reply_bytes != 0)
			lanes_manage(&node.lanes, reply, reply_bytes);
	}
	return taken != 0;
}

/* While the card has room: what it would not take would be lost though somebody paid for it. */
static bool send_frames(void)
{
	bool more = true, worked = false;

	for (unsigned i = 0; i < FRAMES && more; i++) {
		unsigned bytes;

		card_reclaim(&node.card);
		if (card_outstanding(&node.card) >= WAITING)
			break;
		bytes = lanes_next(&node.lanes, tsc_read(), frame, &more);
		worked |= bytes != 0;
		if (bytes != 0)
			card_send(&node.card, frame, bytes);
	}
	return worked;
}

static void tell_refusals(const unsigned number)
{
	const struct client *const client = &node.service.clients[number];

	for (unsigned why = 0; why < RDMA_REFUSALS; why++)
		if (client->refused[why] != 0 && !(refused[number] & 1ull << why)) {
			refused[number] |= 1ull << why;
			printf("rdma: %s: refused: %s\n", client->grant->name,
				rdma_refusal_name((enum rdma_refusal)why));
			fflush(stdout);
		}
}

static bool turn(void)
{
	bool worked = take_frames();

	worked |= service_connections(&node.service, tsc_read());
	for (unsigned i = 0; i < node.service.client_count; i++) {
		if (answer_one(i)) {
			tell_refusals(i);
			worked = true;
		}
		if (service_rings(&node.service, i)) {
			tell_refusals(i);
			worked = true;
		}
	}
	return send_frames() || worked;
}

int main(void)
{
	opening();
	for (;;)
		if (!turn() && time_is_framed(0))
			partition_yield();
}
