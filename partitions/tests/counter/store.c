/*
 * Datagrams to the store and back. See store.h. Invariant: what is taken for an answer is as long as one and begins
 * like one.
 */
#include <net/card.h>

#include <inet/station.h>

#include "store.h"

static struct card card;
static struct station station;
static struct station_peer peer = { .mac = { 0x52, 0x54, 0x00, 0x4d, 0x00, 0xfe },
	.port = STORE_PORT };
static uint8_t in[CARD_FRAME_BYTES], out[ETHERNET_MOST_BYTES];

static void send(const unsigned bytes)
{
	if (bytes != 0)
		card_send(&card, out, bytes);
}

bool store_open(const char *const at, const char *const store)
{
	struct endpoint own, there;

	if (!endpoint_parse(at, &own) || !endpoint_parse(store, &there) ||
		!card_open(&card, 0, 0, 0))
		return false;
	peer.address = there.address;
	station_open(&station, &own, card.mac);
	send(station_announce(&station, out));
	return true;
}

void store_ask(const struct store_request *const request)
{
	send(station_write(&station, &peer, (const uint8_t *)request, sizeof(*request), out));
}

bool store_answered(struct store_answer *const answer)
{
	const unsigned bytes = card_receive(&card, in);
	struct station_datagram datagram;
	unsigned reply_bytes;

	if (bytes == 0)
		return false;
	if (station_take(&station, in, bytes, &datagram, out, &reply_bytes) != STATION_DATAGRAM) {
		send(reply_bytes);
		return false;
	}
	if (datagram.bytes != sizeof(*answer))
		return false;
	__builtin_memcpy(answer, datagram.payload, sizeof(*answer));
	return answer->magic == STORE_MAGIC;
}
