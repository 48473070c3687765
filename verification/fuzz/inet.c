/*
 * Fuzzing of a station on an IPv4 network: any bytes as a frame, through ARP, IPv4, ICMP and UDP to the
 * frame that is sent back.
 *
 * Properties, beside the sanitizers': each frame gets one verdict, and its counter alone moves; what is
 * handed out lies in the frame and came for this station, whole, in one piece and without options, as
 * told here a second time; what is sent back goes to who asked, is no longer than the question, and a
 * datagram written there is read at the other end as it was.
 *
 * The mutator makes whole questions and mends checksums; libFuzzer's own mutations damage them.
 */
#include <string.h>

#include <inet/arp.h>
#include <inet/checksum.h>
#include <inet/icmp.h>
#include <inet/octets.h>
#include <inet/station.h>
#include <inet/udp.h>

#include "fuzz.h"

#define PACKET  ETHERNET_HEADER_BYTES
#define SEGMENT (PACKET + IPV4_HEADER_BYTES)

static const uint8_t node_mac[] = { 0x52, 0x54, 0, 0, 0, 1 };
static const uint8_t peer_mac[] = { 0x52, 0x55, 10, 0, 2, 2 };
static const struct endpoint node_at = { 0x0a00020f, 0xffffff00, 7070 };
static struct station station;

static uint64_t total(void)
{
	uint64_t sum = 0;

	for (unsigned v = 0; v < STATION_VERDICTS; v++)
		sum += station.counts[v];
	return sum;
}

/* Who gets the answer, and whether it is one. */
static void judge_reply(const uint8_t *const frame, const size_t size, const uint8_t *const reply,
	const unsigned bytes)
{
	const size_t least = size < ETHERNET_LEAST_BYTES ? ETHERNET_LEAST_BYTES : size;

	claim(bytes >= ETHERNET_LEAST_BYTES && bytes <= least, "an answer is no longer");
	claim(memcmp(reply, frame + 6, 6) == 0 && (reply[0] & 1) == 0, "it goes to who asked");
	claim(memcmp(reply + 6, node_mac, 6) == 0, "it comes from the station");
	claim(memcmp(reply + 12, frame + 12, 2) == 0, "it is of the question's kind");
}

static unsigned plain_sum(const uint8_t *const octets, const size_t bytes, unsigned sum)
{
	for (size_t i = 0; i < bytes; i++)
		sum += i % 2 == 0 ? (unsigned)octets[i] << 8 : octets[i];
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

/* Read here a second time, as plainly as can be. */
static void judge_datagram(const uint8_t *const frame, const size_t size,
	const struct station_datagram *const datagram)
{
	const uint8_t *const packet = frame + PACKET, *const segment = frame + SEGMENT;
	const unsigned bytes = (unsigned)(packet[2] << 8 | packet[3]);
	unsigned pseudo = plain_sum(packet + 12, 8, IPV4_UDP + bytes - 20);

	claim(size >= SEGMENT + UDP_HEADER_BYTES && bytes + PACKET <= size, "a datagram is there");
	claim(memcmp(frame, node_mac, 6) == 0 && memcmp(packet + 16, "\x0a\x00\x02\x0f", 4) == 0,
		"it came to this station");
	claim(packet[0] == 0x45, "without options");
	claim((packet[6] & 0xbf) == 0 && packet[7] == 0, "in one piece");
	claim(plain_sum(packet, 20, 0) == 0xffff, "its header is whole");
	claim(packet[9] == 17 && segment[2] == 7070 >> 8 && segment[3] == (7070 & 255),
		"for its port");
	claim((unsigned)(segment[4] << 8 | segment[5]) == bytes - 20, "as long as it says");
	claim((segment[6] | segment[7]) == 0 || plain_sum(segment, bytes - 20, pseudo) == 0xffff,
		"with the right checksum");
	claim(datagram->payload == segment + 8 && datagram->bytes == bytes - 28, "all of it");
}

static void judge_answer(const struct station_datagram *const datagram)
{
	static uint8_t frame[ETHERNET_MOST_BYTES], none[ETHERNET_MOST_BYTES];
	struct endpoint at = { datagram->from.address, 0xffffff00, datagram->from.port };
	struct station_datagram back;
	struct station peer;
	unsigned none_bytes;
	const unsigned bytes =
		station_write(&station, &datagram->from, datagram->payload, datagram->bytes, frame);

	station_open(&peer, &at, datagram->from.mac);
	claim(station_take(&peer, frame, bytes, &back, none, &none_bytes) == STATION_DATAGRAM,
		"an answer is a datagram to who asked");
	claim(back.bytes == datagram->bytes &&
			memcmp(back.payload, datagram->payload, back.bytes) == 0,
		"with what was said");
}

int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t size)
{
	static uint8_t reply[ETHERNET_MOST_BYTES];
	struct station_datagram datagram;
	enum station_verdict verdict;
	unsigned reply_bytes;

	station_open(&station, &node_at, node_mac);
	verdict = station_take(&station, data, (unsigned)size, &datagram, reply, &reply_bytes);
	claim(verdict < STATION_VERDICTS && station.counts[verdict] == 1 && total() == 1,
		"each frame is counted once");
	claim((reply_bytes != 0) ==
			(verdict == STATION_ARP_ANSWERED || verdict == STATION_ECHO_ANSWERED),
		"what is answered is said to be");
	if (reply_bytes != 0)
		judge_reply(data, size, reply, reply_bytes);
	if (verdict != STATION_DATAGRAM)
		return 0;
	judge_datagram(data, size, &datagram);
	judge_answer(&datagram);
	return 0;
}

/* ---- The mutator ---- */

static void begin_frame(uint8_t *const frame, const uint16_t type)
{
	memcpy(frame, node_mac, 6);
	memcpy(frame + 6, peer_mac, 6);
	octets_write16(frame + 12, type);
}

static size_t make_arp(uint8_t *const frame)
{
	struct arp_packet packet = {
		.operation = ARP_REQUEST, .sender = 0x0a000202, .target = node_at.address
	};

	memset(frame, 0, ETHERNET_LEAST_BYTES);
	begin_frame(frame, ETHERNET_ARP);
	if (pick(2) == 0)
		memset(frame, 0xff, 6);
	memcpy(packet.sender_mac, peer_mac, 6);
	arp_encode(&packet, frame + PACKET);
	return ETHERNET_LEAST_BYTES;
}

static size_t make_packet(uint8_t *const frame, const uint8_t protocol)
{
	const unsigned bytes = 8 + pick(pick(4) == 0 ? 1473 : 60);
	const struct ipv4_header packet = { .source = pick(4) == 0 ? pick(UINT32_MAX) : 0x0a000202,
		.destination = node_at.address,
		.payload_bytes = (uint16_t)bytes,
		.ttl = IPV4_TTL,
		.protocol = protocol };
	const struct udp_header udp = { 40000, 7070, (uint16_t)(bytes - UDP_HEADER_BYTES) };

	begin_frame(frame, ETHERNET_IPV4);
	ipv4_encode(&packet, frame + PACKET);
	for (unsigned i = 0; i < bytes; i++)
		frame[SEGMENT + i] = (uint8_t)pick(256);
	if (protocol == IPV4_UDP)
		udp_encode(&packet, &udp, frame + SEGMENT);
	frame[SEGMENT] = protocol == IPV4_ICMP ? 8 : frame[SEGMENT];
	frame[SEGMENT + 1] = protocol == IPV4_ICMP ? 0 : frame[SEGMENT + 1];
	return SEGMENT + bytes;
}

/* Checksums that are right again, or left out, so that what lies behind them is reached. */
static void mend(uint8_t *const frame, const size_t size)
{
	const size_t bytes = size - SEGMENT;

	octets_write16(frame + PACKET + 10, 0);
	octets_write16(frame + PACKET + 10, checksum_end(checksum_add(0, frame + PACKET, 20)));
	if (frame[PACKET + 9] == IPV4_UDP) {
		octets_write16(frame + SEGMENT + 6, 0);
	} else {
		octets_write16(frame + SEGMENT + 2, 0);
		octets_write16(frame + SEGMENT + 2,
			checksum_end(checksum_add(0, frame + SEGMENT, (unsigned)bytes)));
	}
}

/* One number of a header becomes another near it, or at an edge. */
static void change_header(uint8_t *const frame)
{
	static const uint8_t fields[] = { 0, 5, 6, 12, 13, 14, 15, 16, 17, 20, 21, 23, 26, 29, 30,
		33, 34, 35, 36, 37, 38, 39 };
	uint8_t *const at = &frame[fields[pick(sizeof(fields))]];

	if (pick(2) == 0)
		*at = (uint8_t)(*at + (pick(2) == 0 ? 1 : 255));
	else
		*at = (uint8_t)(pick(2) == 0 ? pick(256) : pick(2) * 255);
}

size_t LLVMFuzzerCustomMutator(
	uint8_t *const data, size_t size, const size_t most, const unsigned seed)
{
	random_begin(seed);
	if (most < ETHERNET_MOST_BYTES)
		return size;
	if (size < SEGMENT + UDP_HEADER_BYTES || pick(4) == 0) {
		const uint32_t kind = pick(4);

		size = kind == 0 ? make_arp(data)
				 : make_packet(data, kind == 1 ? IPV4_ICMP : IPV4_UDP);
	}
	for (uint32_t n = pick(3); n != 0; n--)
		change_header(data);
	if (pick(4) == 0)
		size = LLVMFuzzerMutate(data, size, most);
	if (pick(4) == 0 && size > SEGMENT)
		size -= pick((uint32_t)(size - SEGMENT));
	if (size >= SEGMENT + UDP_HEADER_BYTES && pick(4) != 0)
		mend(data, size);
	return size;
}
