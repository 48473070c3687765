/*
 * Both ends of the exchange. Ping sends numbered frames of changing length and pattern, a few at a
 * time, and compares what comes back; echo compares, too, and returns each frame to its sender.
 *
 * Invariant: a frame counts only if it is the next one and every byte is right, at both ends.
 */
#include <string.h>

#include <mullion/time.h>

#include "station.h"

#define ETHERTYPE     0xb588u /* 88b5h, IEEE 802: local experimental */
#define BYTES_LEAST   60u
#define SHORT_BYTES   192u /* a message of 64 bytes, or a lock's, with its headers */
#define BYTES_CHOICES (CARD_FRAME_BYTES - BYTES_LEAST + 1)
#define HELLO_NS      1000000ull
#define DRAIN_STEPS   10000000u

struct header {
	uint8_t to[CARD_MAC_BYTES], from[CARD_MAC_BYTES];
	uint16_t ethertype, kind;
	uint32_t number, bytes;
};

struct frame {
	struct header header;
	uint8_t payload[CARD_FRAME_BYTES - sizeof(struct header)];
	uint8_t pad[6];
};

static uint32_t bytes_of(const uint32_t number)
{
	return BYTES_LEAST + number * 37u % BYTES_CHOICES;
}

static uint8_t pattern(const uint32_t number, const uint32_t i)
{
	return (uint8_t)(number * 7u + (number >> 8) + i * 13u + (i >> 8));
}

static void fill(struct frame *const frame, const struct station *const station,
	const enum frame_kind kind, const uint32_t number)
{
	const uint32_t bytes = bytes_of(number);

	memset(frame->header.to, 0xff, CARD_MAC_BYTES);
	memcpy(frame->header.from, station->card->mac, CARD_MAC_BYTES);
	frame->header.ethertype = ETHERTYPE;
	frame->header.kind = (uint16_t)kind;
	frame->header.number = number;
	frame->header.bytes = bytes;
	for (uint32_t i = 0; i < bytes - sizeof(frame->header); i++)
		frame->payload[i] = pattern(number, i);
}

static bool intact(const struct frame *const frame, const uint32_t bytes)
{
	const uint32_t number = frame->header.number;

	if (bytes != bytes_of(number) || bytes != frame->header.bytes)
		return false;
	for (uint32_t i = 0; i < bytes - sizeof(frame->header); i++)
		if (frame->payload[i] != pattern(number, i))
			return false;
	return true;
}

/* ---- The card, metered ---- */

static bool send(struct station *const station, const struct frame *const frame)
{
	struct meter *const meter =
		frame->header.bytes <= SHORT_BYTES ? &station->send_short : &station->send;
	bool taken;

	meter_begin(meter);
	taken = card_send(station->card, frame, frame->header.bytes);
	meter_end(meter);
	return taken;
}

/* A card that takes everything hears what another one's echo sends to somebody else, and may hear it
 * before anything else; two echoes that answered each other would do so for ever. */
static bool is_to(const struct card *const card, const struct header *const header)
{
	static const uint8_t everybody[CARD_MAC_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return memcmp(header->to, card->mac, CARD_MAC_BYTES) == 0 ||
	       memcmp(header->to, everybody, CARD_MAC_BYTES) == 0;
}

/* The bytes of a frame to us, or 0: none, or a stranger's. */
static uint32_t receive(struct station *const station, struct frame *const frame)
{
	uint32_t bytes;

	meter_begin(&station->receive);
	bytes = card_receive(station->card, (uint8_t *)frame);
	if (bytes != 0 && bytes <= SHORT_BYTES) {
		station->receive_short.start = station->receive.start;
		meter_end(&station->receive_short);
	} else {
		meter_end(&station->receive);
	}
	if (bytes < sizeof(frame->header) || frame->header.ethertype != ETHERTYPE ||
		!is_to(station->card, &frame->header))
		return 0;
	station->progress_tsc = tsc_read();
	if (station->first_tsc == 0)
		station->first_tsc = station->progress_tsc;
	return bytes;
}

static void reclaim(struct station *const station)
{
	meter_begin(&station->reclaim);
	card_reclaim(station->card);
	meter_end(&station->reclaim);
}

void station_begin(struct station *const station, struct card *const card, const uint32_t frames)
{
	const bool virtio = card->kind == CARD_VIRTIO_NET;

	*station = (struct station){ .card = card,
		.frames = frames,
		.progress_tsc = tsc_read(),
		.send = { .name = virtio ? "virtio_net_send" : "e1000e_send" },
		.receive = { .name = virtio ? "virtio_net_receive" : "e1000e_receive" },
		.send_short = { .name = virtio ? "virtio_net_send short" : "e1000e_send short" },
		.receive_short = { .name = virtio ? "virtio_net_receive short"
						  : "e1000e_receive short" },
		.reclaim = { .name = virtio ? "virtio_net_reclaim" : "e1000e_reclaim" } };
}

void station_drain(struct station *const station)
{
	for (unsigned i = 0; i < DRAIN_STEPS && card_outstanding(station->card) != 0; i++) {
		reclaim(station);
		cpu_pause();
	}
}

/* A data frame that is the next one and right. */
static void judge(
	struct station *const station, const struct frame *const frame, const uint32_t bytes)
{
	if (frame->header.number == station->expected && intact(frame, bytes))
		station->expected++;
	else
		station->wrong++;
}

/* ---- Ping ---- */

/* Until it is answered, once a millisecond: the other end may not be there yet, or have gone. */
static void knock(struct station *const ping, const enum frame_kind kind)
{
	static struct frame frame;
	static uint64_t knocked_tsc;

	if (knocked_tsc != 0 && tsc_read() - knocked_tsc < time_ticks_from_ns(HELLO_NS))
		return;
	fill(&frame, ping, kind, 0);
	send(ping, &frame);
	knocked_tsc = tsc_read();
}

static void ping_send(struct station *const ping)
{
	static struct frame frame;

	if (!ping->met) {
		knock(ping, FRAME_HELLO);
	} else if (ping->next < ping->frames && ping->next - ping->expected < IN_FLIGHT) {
		fill(&frame, ping, FRAME_DATA, ping->next);
		ping->next += send(ping, &frame);
	} else if (ping->next == ping->frames && ping->expected == ping->frames && !ping->done) {
		knock(ping, FRAME_DONE);
	}
}

bool ping_step(struct station *const ping)
{
	static struct frame frame;
	uint32_t bytes;

	ping_send(ping);
	reclaim(ping);
	bytes = receive(ping, &frame);
	if (bytes == 0)
		return false;
	if (frame.header.kind == FRAME_HELLO)
		ping->met = true;
	else if (frame.header.kind == FRAME_DONE)
		ping->done = true;
	else
		judge(ping, &frame, bytes);
	return true;
}

/* ---- Echo ---- */

bool echo_step(struct station *const echo)
{
	static struct frame frame;
	const uint32_t bytes = receive(echo, &frame);

	reclaim(echo);
	if (bytes == 0)
		return false;
	if (frame.header.kind == FRAME_DATA)
		judge(echo, &frame, bytes);
	echo->done = frame.header.kind == FRAME_DONE;
	memcpy(frame.header.to, frame.header.from, CARD_MAC_BYTES);
	memcpy(frame.header.from, echo->card->mac, CARD_MAC_BYTES);
	if (!send(echo, &frame))
		echo->wrong++;
	return true;
}
