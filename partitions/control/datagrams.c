/*
 * Datagrams through a card. Invariant: a call touches a bounded number of descriptors; a line is sent
 * only to a peer that a line came from. Specification: rtdrivers/virtio-net, rtdrivers/inet.
 */
#include <stddef.h>

#include <virtio-net/virtio_net.h>

#include "datagrams.h"
#include "writer.h"

#define FREE_LEAST                                                                                 \
	4u /* of the card's buffers: an answer's line, a notice, and what the station answers */

static struct virtio_net card;
static struct datagrams datagrams;
static struct station_peer asker, holder;
static uint8_t in[VIRTIO_NET_FRAME_BYTES], out[VIRTIO_NET_FRAME_BYTES];
static bool is_open;

static void send(const unsigned bytes)
{
	if (bytes != 0 && !virtio_net_send(&card, out, bytes))
		datagrams.dropped++;
}

const struct datagrams *datagrams_open(const struct endpoint *const at, const uint8_t last_bus)
{
	is_open = virtio_net_open(&card, 0, last_bus, 0);
	if (!is_open)
		return NULL;
	station_open(&datagrams.station, at, card.mac);
	send(station_announce(&datagrams.station, out));
	return &datagrams;
}

enum datagrams_result datagrams_receive(struct datagram_line *const line)
{
	struct station_datagram datagram;
	unsigned bytes, reply_bytes;

	if (!is_open)
		return DATAGRAMS_NOTHING;
	bytes = virtio_net_receive(&card, in);
	if (bytes == 0)
		return DATAGRAMS_NOTHING;
	if (station_take(&datagrams.station, in, bytes, &datagram, out, &reply_bytes) !=
		STATION_DATAGRAM) {
		send(reply_bytes);
		return DATAGRAMS_FRAME;
	}
	asker = datagram.from;
	line->peer = (uint64_t)asker.address << 16 | asker.port;
	line->text = (const char *)datagram.payload;
	line->bytes = datagram.bytes;
	return DATAGRAMS_LINE;
}

uint32_t datagrams_room(void)
{
	if (!is_open)
		return 0;
	virtio_net_reclaim(&card);
	return card.broken || card.free_count >= FREE_LEAST ? 2u * LINE_BYTES : 0;
}

static void send_to(
	const struct station_peer *const peer, const char *const text, const uint32_t bytes)
{
	if (is_open)
		send(station_write(&datagrams.station, peer, (const uint8_t *)text, bytes, out));
}

void datagrams_answer(const char *const text, const uint32_t bytes)
{
	send_to(&asker, text, bytes);
}

void datagrams_notice(const char *const text, const uint32_t bytes)
{
	send_to(&holder, text, bytes);
}

void datagrams_hold(void)
{
	holder = asker;
}

bool datagrams_are_sent(void)
{
	if (!is_open || card.broken)
		return true;
	for (unsigned i = 0; i < VIRTIO_NET_DEPTH && virtio_net_reclaim(&card); i++)
		;
	return card.transmit.outstanding == 0;
}
