/*
 * Frames, packets and datagrams taken apart and put together: what specifications give as examples, what
 * one end writes and the other reads, and everything that is cut, altered or made up.
 */
#include "unit.h"

#include <inet/arp.h>
#include <inet/checksum.h>
#include <inet/icmp.h>
#include <inet/octets.h>
#include <inet/station.h>
#include <inet/udp.h>

#define ADDRESS(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define PACKET              ETHERNET_HEADER_BYTES
#define SEGMENT             (PACKET + IPV4_HEADER_BYTES)
#define PAYLOAD             (SEGMENT + UDP_HEADER_BYTES)

static const uint8_t node_mac[] = { 0x52, 0x54, 0, 0, 0, 1 };
static const uint8_t peer_mac[] = { 0x52, 0x55, 10, 0, 2, 2 };
static const uint8_t all_mac[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint32_t node_address = ADDRESS(10, 0, 2, 15), peer_address = ADDRESS(10, 0, 2, 2);

static struct station node, peer;
static struct station_datagram datagram;
static uint8_t frame[ETHERNET_MOST_BYTES], reply[ETHERNET_MOST_BYTES];
static unsigned frame_bytes, reply_bytes;

static int begin(void **state)
{
	struct endpoint at;

	(void)state;
	assert_true(endpoint_parse("10.0.2.15/24:7070", &at));
	station_open(&node, &at, node_mac);
	assert_true(endpoint_parse("10.0.2.2/24:40000", &at));
	station_open(&peer, &at, peer_mac);
	memset(reply, 0xa5, sizeof(reply));
	return 0;
}

/* The node takes a copy that ends where the frame does: the sanitizer sees a byte beyond. */
static enum station_verdict take(const uint8_t *const bytes, const unsigned count)
{
	uint8_t *const copy = malloc(count != 0 ? count : 1);
	enum station_verdict verdict;

	memcpy(copy, bytes, count);
	verdict = station_take(&node, copy, count, &datagram, reply, &reply_bytes);
	if (verdict == STATION_DATAGRAM)
		assert_true(datagram.payload >= copy &&
			    datagram.payload + datagram.bytes <= copy + count);
	free(copy);
	return verdict;
}

/* A datagram from the peer to the node, in `frame`. */
static void say(const char *const text)
{
	const struct station_peer to = {
		.mac = { 0x52, 0x54, 0, 0, 0, 1 }, .address = node_address, .port = 7070
	};

	frame_bytes =
		station_write(&peer, &to, (const uint8_t *)text, (unsigned)strlen(text), frame);
	assert_true(frame_bytes >= ETHERNET_LEAST_BYTES);
}

/* After a change of the packet's header: its checksum is right again. */
static void mend_header(void)
{
	octets_write16(&frame[PACKET + 10], 0);
	octets_write16(&frame[PACKET + 10],
		checksum_end(checksum_add(0, &frame[PACKET], IPV4_HEADER_BYTES)));
}

/* The same datagram from another address, right in every checksum. */
static void say_from(const uint32_t address)
{
	say("x");
	octets_write32(&frame[PACKET + 12], address);
	octets_write16(&frame[SEGMENT + 6], 0);
	mend_header();
}

static void ask_who_has(const uint32_t target, const uint32_t sender)
{
	struct arp_packet packet = { .operation = ARP_REQUEST, .sender = sender, .target = target };
	struct ethernet_header header = { .type = ETHERNET_ARP };

	memcpy(header.to, all_mac, sizeof(all_mac));
	memcpy(header.from, peer_mac, sizeof(peer_mac));
	memcpy(packet.sender_mac, peer_mac, sizeof(peer_mac));
	memset(frame, 0, sizeof(frame));
	ethernet_encode(&header, frame);
	arp_encode(&packet, &frame[PACKET]);
	frame_bytes = ETHERNET_LEAST_BYTES;
}

static void ask_for_echo(const unsigned bytes)
{
	struct ipv4_header packet = { .source = peer_address,
		.destination = node_address,
		.payload_bytes = (uint16_t)bytes,
		.ttl = 1,
		.protocol = IPV4_ICMP };

	say("");
	ipv4_encode(&packet, &frame[PACKET]);
	for (unsigned i = 0; i < bytes; i++)
		frame[SEGMENT + i] = (uint8_t)(i * 7);
	frame[SEGMENT] = 8;
	frame[SEGMENT + 1] = 0;
	octets_write16(&frame[SEGMENT + 2], 0);
	octets_write16(&frame[SEGMENT + 2], checksum_end(checksum_add(0, &frame[SEGMENT], bytes)));
	frame_bytes = SEGMENT + bytes;
}

/* ---- Checksums ---- */

static void the_sum_of_rfc_1071_comes_out(void **state)
{
	static const uint8_t octets[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(checksum_end(checksum_add(0, octets, sizeof(octets))), 0x220d);
	assert_int_equal(checksum_end(checksum_add(0, octets, 7)), 0x2304);
	assert_int_equal(
		checksum_end(checksum_add(checksum_add(0, octets, 6), octets + 6, 2)), 0x220d);
}

static void the_largest_sums_do_not_overflow(void **state)
{
	uint8_t ones[CHECKSUM_MOST_BYTES];
	uint64_t sum = 0;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < 1000; i++)
		sum = checksum_add(sum, ones, sizeof(ones));
	assert_int_equal(checksum_end(sum), 0);
	assert_int_equal(checksum_end(UINT64_MAX), 0);
	assert_int_equal(checksum_end(0x1ffff0000ull), (uint16_t)~1u);
}

static void every_length_has_the_plain_sum(void **state)
{
	uint8_t octets[CHECKSUM_MOST_BYTES];
	uint64_t random = 1;

	(void)state;
	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)unit_random(&random);
	for (unsigned bytes = 0; bytes <= sizeof(octets); bytes++) {
		uint32_t plain = 0;

		for (unsigned i = 0; i < bytes; i++)
			plain += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
		while (plain > 0xffff)
			plain = (plain >> 16) + (plain & 0xffff);
		assert_int_equal(checksum_end(checksum_add(0, octets, bytes)), (uint16_t)~plain);
	}
}

/* ---- Packets ---- */

/* A header known from textbooks: 192.168.0.1 to 192.168.0.199, UDP, 115 bytes in all. */
static const uint8_t known_header[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
	0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };

static void a_known_header_is_read_and_written(void **state)
{
	uint8_t octets[115] = { 0 };
	struct ipv4_header header;

	(void)state;
	memcpy(octets, known_header, sizeof(known_header));
	assert_int_equal(ipv4_decode(octets, sizeof(octets), &header), IPV4_GOOD);
	assert_int_equal(header.source, ADDRESS(192, 168, 0, 1));
	assert_int_equal(header.destination, ADDRESS(192, 168, 0, 199));
	assert_int_equal(header.payload_bytes, 95);
	assert_int_equal(header.protocol, IPV4_UDP);
	assert_int_equal(header.ttl, 64);
	memset(octets, 0xee, sizeof(octets));
	ipv4_encode(&header, octets);
	assert_memory_equal(octets, known_header, sizeof(known_header));
	assert_int_equal(octets[sizeof(known_header)], 0xee);
}

static void a_header_with_one_bit_changed_is_never_good(void **state)
{
	uint8_t octets[115] = { 0 };
	struct ipv4_header header;

	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof(known_header); bit++) {
		memcpy(octets, known_header, sizeof(known_header));
		octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(ipv4_decode(octets, sizeof(octets), &header), IPV4_GOOD);
	}
}

static void a_packet_longer_than_its_frame_is_malformed(void **state)
{
	uint8_t octets[115] = { 0 };
	struct ipv4_header header;

	(void)state;
	memcpy(octets, known_header, sizeof(known_header));
	for (unsigned bytes = 0; bytes < sizeof(octets); bytes++) {
		uint8_t *const cut = malloc(bytes + 1);

		memcpy(cut, octets, bytes);
		assert_int_equal(ipv4_decode(cut, bytes, &header), IPV4_MALFORMED);
		free(cut);
	}
}

static void padding_behind_a_packet_is_not_its_own(void **state)
{
	(void)state;
	say("hi");
	assert_int_equal(frame_bytes, ETHERNET_LEAST_BYTES);
	assert_int_equal(take(frame, frame_bytes), STATION_DATAGRAM);
	assert_int_equal(datagram.bytes, 2);
}

static void headers_that_cannot_be_are_refused_by_their_reason(void **state)
{
	(void)state;
	say("hello");
	frame[PACKET] = 0x46;
	assert_int_equal(take(frame, frame_bytes), STATION_IPV4_OPTIONS);
	frame[PACKET] = 0x44;
	assert_int_equal(take(frame, frame_bytes), STATION_IPV4_MALFORMED);
	frame[PACKET] = 0x4f; /* 60 bytes, of 33 */
	assert_int_equal(take(frame, frame_bytes), STATION_IPV4_MALFORMED);
	frame[PACKET] = 0x65;
	assert_int_equal(take(frame, frame_bytes), STATION_IPV4_MALFORMED);
	frame[PACKET] = 0x45;
	frame[PACKET + 8] ^= 1;
	assert_int_equal(take(frame, frame_bytes), STATION_IPV4_CHECKSUM);
	assert_true(node.counts[STATION_IPV4_MALFORMED] == 3);
	assert_true(node.counts[STATION_IPV4_OPTIONS] == 1);
	assert_true(node.counts[STATION_IPV4_CHECKSUM] == 1);
}

static void fragments_are_refused(void **state)
{
	static const uint16_t words[] = { 0x2000, 0x0001, 0x2001, 0x1fff, 0x6000 };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		say("hello");
		octets_write16(&frame[PACKET + 6], words[i]);
		mend_header();
		assert_int_equal(take(frame, frame_bytes), STATION_IPV4_FRAGMENT);
	}
	octets_write16(&frame[PACKET + 6], 0x8000);
	mend_header();
	assert_int_equal(take(frame, frame_bytes), STATION_IPV4_MALFORMED);
	octets_write16(&frame[PACKET + 6], 0); /* may be taken apart, and was not */
	mend_header();
	assert_int_equal(take(frame, frame_bytes), STATION_DATAGRAM);
}

/* ---- Datagrams ---- */

static void every_length_arrives_as_it_was_sent(void **state)
{
	const struct station_peer to = {
		.mac = { 0x52, 0x54, 0, 0, 0, 1 }, .address = node_address, .port = 7070
	};
	uint8_t text[UDP_PAYLOAD_BYTES + 1];
	uint64_t random = 7;

	(void)state;
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)unit_random(&random);
	for (unsigned bytes = 0; bytes <= UDP_PAYLOAD_BYTES; bytes++) {
		frame_bytes = station_write(&peer, &to, text, bytes, frame);
		assert_true(frame_bytes <= ETHERNET_MOST_BYTES);
		assert_int_equal(
			station_take(&node, frame, frame_bytes, &datagram, reply, &reply_bytes),
			STATION_DATAGRAM);
		assert_int_equal(datagram.bytes, bytes);
		assert_memory_equal(datagram.payload, text, bytes);
	}
	assert_int_equal(station_write(&peer, &to, text, UDP_PAYLOAD_BYTES + 1, frame), 0);
	assert_int_equal(datagram.from.address, peer_address);
	assert_int_equal(datagram.from.port, 40000);
	assert_memory_equal(datagram.from.mac, peer_mac, sizeof(peer_mac));
}

static void an_answer_finds_its_way_back(void **state)
{
	(void)state;
	say("question");
	assert_int_equal(station_take(&node, frame, frame_bytes, &datagram, reply, &reply_bytes),
		STATION_DATAGRAM);
	frame_bytes = station_write(&node, &datagram.from, (const uint8_t *)"answer", 6, reply);
	assert_int_equal(station_take(&peer, reply, frame_bytes, &datagram, frame, &reply_bytes),
		STATION_DATAGRAM);
	assert_memory_equal(datagram.payload, "answer", 6);
	assert_int_equal(datagram.from.port, 7070);
}

static void a_datagram_with_one_bit_changed_is_never_good(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 8 * (UDP_HEADER_BYTES + 5); bit++) {
		say("hello");
		frame[SEGMENT + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(take(frame, frame_bytes), STATION_DATAGRAM);
	}
}

static void a_checksum_may_be_left_out(void **state)
{
	(void)state;
	say("hello");
	octets_write16(&frame[SEGMENT + 6], 0);
	frame[PAYLOAD] = 'H';
	assert_int_equal(take(frame, frame_bytes), STATION_DATAGRAM);
	octets_write16(&frame[SEGMENT + 6], 0x1234);
	assert_int_equal(take(frame, frame_bytes), STATION_UDP_CHECKSUM);
}

static void a_sum_of_nothing_is_not_written_as_left_out(void **state)
{
	const struct station_peer to = {
		.mac = { 0x52, 0x54, 0, 0, 0, 1 }, .address = node_address, .port = 7070
	};
	uint8_t text[2] = { 0, 0 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		frame_bytes = station_write(&peer, &to, text, sizeof(text), frame);
		/* The sum so far, added again: with it the whole is all ones, and its complement 0. */
		memcpy(text, &frame[SEGMENT + 6], 2);
	}
	assert_int_equal(octets_read16(&frame[SEGMENT + 6]), 0xffff);
	assert_int_equal(take(frame, frame_bytes), STATION_DATAGRAM);
}

static void lengths_and_ports_that_cannot_be_are_malformed(void **state)
{
	static const uint16_t lengths[] = { 0, 7, 12, 14, 0xffff };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		say("hello");
		octets_write16(&frame[SEGMENT + 4], lengths[i]);
		octets_write16(&frame[SEGMENT + 6], 0);
		assert_int_equal(take(frame, frame_bytes), STATION_UDP_MALFORMED);
	}
	for (unsigned at = 0; at < 4; at += 2) {
		say("hello");
		octets_write16(&frame[SEGMENT + at], 0);
		octets_write16(&frame[SEGMENT + 6], 0);
		assert_int_equal(take(frame, frame_bytes), STATION_UDP_MALFORMED);
	}
	say("hello"); /* a packet with a part of a header */
	octets_write16(&frame[PACKET + 2], IPV4_HEADER_BYTES + 7);
	mend_header();
	assert_int_equal(take(frame, frame_bytes), STATION_UDP_MALFORMED);
}

static void another_port_or_protocol_is_not_answered(void **state)
{
	(void)state;
	say("hello");
	octets_write16(&frame[SEGMENT + 2], 7071);
	octets_write16(&frame[SEGMENT + 6], 0);
	assert_int_equal(take(frame, frame_bytes), STATION_OTHER_PORT);
	assert_int_equal(reply_bytes, 0);
	frame[PACKET + 9] = 6;
	mend_header();
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	assert_int_equal(reply_bytes, 0);
}

/* ---- Who speaks, and to whom ---- */

static void frames_and_packets_of_others_are_left_alone(void **state)
{
	(void)state;
	say("hello");
	frame[5] ^= 1;
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	memcpy(frame, all_mac, sizeof(all_mac));
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	say("hello");
	octets_write32(&frame[PACKET + 16], node_address + 1);
	mend_header();
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	octets_write32(&frame[PACKET + 16], ADDRESS(10, 0, 2, 255));
	mend_header();
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	say("hello");
	octets_write16(&frame[12], 0x86dd);
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
}

static void what_comes_from_nobody_is_not_answered(void **state)
{
	static const uint32_t nobody[] = { 0, ADDRESS(0, 1, 2, 3), ADDRESS(127, 0, 0, 1),
		ADDRESS(224, 0, 0, 1), ADDRESS(255, 255, 255, 255), ADDRESS(10, 0, 2, 255),
		ADDRESS(10, 0, 2, 0), ADDRESS(10, 0, 2, 15) };
	static const uint32_t somebody[] = { ADDRESS(10, 0, 2, 254), ADDRESS(192, 0, 2, 255) };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		say_from(nobody[i]);
		assert_int_equal(take(frame, frame_bytes), STATION_SOURCE);
		assert_int_equal(reply_bytes, 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		say_from(somebody[i]);
		assert_int_equal(take(frame, frame_bytes), STATION_DATAGRAM);
	}
	frame[ETHERNET_ADDRESS_BYTES] |= 1;
	assert_int_equal(take(frame, frame_bytes), STATION_SOURCE);
}

static void who_asks_for_the_address_is_told(void **state)
{
	struct ethernet_header header;
	struct arp_packet packet;

	(void)state;
	ask_who_has(node_address, peer_address);
	assert_int_equal(take(frame, frame_bytes), STATION_ARP_ANSWERED);
	assert_int_equal(reply_bytes, ETHERNET_LEAST_BYTES);
	assert_true(ethernet_decode(reply, reply_bytes, &header));
	assert_memory_equal(header.to, peer_mac, sizeof(peer_mac));
	assert_memory_equal(header.from, node_mac, sizeof(node_mac));
	assert_true(arp_decode(&reply[PACKET], reply_bytes - PACKET, &packet));
	assert_int_equal(packet.operation, ARP_REPLY);
	assert_int_equal(packet.sender, node_address);
	assert_int_equal(packet.target, peer_address);
	assert_memory_equal(packet.sender_mac, node_mac, sizeof(node_mac));
	assert_memory_equal(packet.target_mac, peer_mac, sizeof(peer_mac));
	for (unsigned i = PACKET + ARP_BYTES; i < reply_bytes; i++)
		assert_int_equal(reply[i], 0);
	ask_who_has(node_address, 0); /* is it free? */
	assert_int_equal(take(frame, frame_bytes), STATION_ARP_ANSWERED);
}

static void other_questions_of_arp_are_not_answered(void **state)
{
	(void)state;
	ask_who_has(node_address + 1, peer_address);
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	ask_who_has(node_address, ADDRESS(192, 168, 0, 1));
	assert_int_equal(take(frame, frame_bytes), STATION_SOURCE);
	ask_who_has(node_address, node_address);
	assert_int_equal(take(frame, frame_bytes), STATION_SOURCE);
	ask_who_has(node_address, peer_address);
	frame[PACKET + 13] ^= 1; /* a MAC that the frame did not come from */
	assert_int_equal(take(frame, frame_bytes), STATION_SOURCE);
	ask_who_has(node_address, peer_address);
	frame[PACKET + 7] = ARP_REPLY;
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	assert_int_equal(reply_bytes, 0);
}

static void a_station_tells_everybody_where_it_is(void **state)
{
	struct ethernet_header header;
	struct arp_packet packet;

	(void)state;
	frame_bytes = station_announce(&node, frame);
	assert_int_equal(frame_bytes, ETHERNET_LEAST_BYTES);
	assert_true(ethernet_decode(frame, frame_bytes, &header));
	assert_memory_equal(header.to, all_mac, sizeof(all_mac));
	assert_memory_equal(header.from, node_mac, sizeof(node_mac));
	assert_true(arp_decode(&frame[PACKET], frame_bytes - PACKET, &packet));
	assert_int_equal(packet.operation, ARP_REQUEST);
	assert_int_equal(packet.sender, node_address);
	assert_int_equal(packet.target, node_address);
	assert_memory_equal(packet.sender_mac, node_mac, sizeof(node_mac));
}

static void damaged_arp_is_malformed(void **state)
{
	static const unsigned fixed[] = { 0, 1, 2, 3, 4, 5, 6 };

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		ask_who_has(node_address, peer_address);
		frame[PACKET + fixed[i]] ^= 0x40;
		assert_int_equal(take(frame, frame_bytes), STATION_ARP_MALFORMED);
	}
	ask_who_has(node_address, peer_address);
	for (unsigned bytes = PACKET; bytes < PACKET + ARP_BYTES; bytes++)
		assert_int_equal(take(frame, bytes), STATION_ARP_MALFORMED);
}

static void an_echo_is_the_same_bytes(void **state)
{
	(void)state;
	for (unsigned bytes = ICMP_HEADER_BYTES; bytes <= 1480; bytes += 32) {
		struct ipv4_header packet;

		ask_for_echo(bytes);
		assert_int_equal(take(frame, frame_bytes), STATION_ECHO_ANSWERED);
		assert_int_equal(
			ipv4_decode(&reply[PACKET], reply_bytes - PACKET, &packet), IPV4_GOOD);
		assert_int_equal(packet.destination, peer_address);
		assert_int_equal(packet.payload_bytes, bytes);
		assert_int_equal(reply[SEGMENT], 0);
		assert_int_equal(checksum_end(checksum_add(0, &reply[SEGMENT], bytes)), 0);
		assert_memory_equal(&reply[SEGMENT + 4], &frame[SEGMENT + 4], bytes - 4);
	}
}

static void other_messages_of_icmp_are_not_answered(void **state)
{
	(void)state;
	ask_for_echo(40);
	frame[SEGMENT + 9] ^= 1;
	assert_int_equal(take(frame, frame_bytes), STATION_ICMP_MALFORMED);
	ask_for_echo(40);
	frame[SEGMENT] = 0; /* a reply, its checksum right */
	octets_write16(&frame[SEGMENT + 2], 0);
	octets_write16(&frame[SEGMENT + 2], checksum_end(checksum_add(0, &frame[SEGMENT], 40)));
	assert_int_equal(take(frame, frame_bytes), STATION_FOREIGN);
	ask_for_echo(7);
	assert_int_equal(take(frame, frame_bytes), STATION_ICMP_MALFORMED);
	assert_int_equal(reply_bytes, 0);
}

/* ---- Anything ---- */

static void every_cut_of_a_frame_has_a_verdict(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		if (kind == 0)
			say("a datagram that is longer than the least frame, so every cut cuts it");
		else if (kind == 1)
			ask_for_echo(64);
		else
			ask_who_has(node_address, peer_address);
		for (unsigned bytes = 0; bytes < (kind < 2 ? frame_bytes : PACKET + ARP_BYTES);
			bytes++)
			assert_true(take(frame, bytes) > STATION_ECHO_ANSWERED);
		assert_true(take(frame, frame_bytes) <= STATION_ECHO_ANSWERED);
	}
	assert_int_equal(take(frame, ETHERNET_HEADER_BYTES - 1), STATION_NO_FRAME);
}

static void a_frame_too_long_is_none(void **state)
{
	uint8_t longer[ETHERNET_MOST_BYTES + 1] = { 0 };

	(void)state;
	say("hello");
	memcpy(longer, frame, frame_bytes);
	assert_int_equal(take(longer, ETHERNET_MOST_BYTES), STATION_DATAGRAM);
	assert_int_equal(take(longer, ETHERNET_MOST_BYTES + 1), STATION_NO_FRAME);
}

static void each_frame_is_counted_once_and_answered_with_no_more_bytes(void **state)
{
	uint64_t random = 4711, total = 0;

	(void)state;
	for (unsigned n = 0; n < 100000; n++) {
		if (n % 3 == 0)
			say("{\"v\":1,\"cmd\":\"hello\"}");
		else if (n % 3 == 1)
			ask_for_echo(8 + n % 100);
		else
			ask_who_has(node_address, peer_address);
		for (uint64_t changes = unit_random(&random) % 3; changes != 0; changes--)
			frame[unit_random(&random) % frame_bytes] = (uint8_t)unit_random(&random);
		if (unit_random(&random) % 2 != 0)
			mend_header();
		take(frame, frame_bytes);
		assert_true(
			reply_bytes <=
			(frame_bytes < ETHERNET_LEAST_BYTES ? ETHERNET_LEAST_BYTES : frame_bytes));
	}
	for (unsigned v = 0; v < STATION_VERDICTS; v++)
		total += node.counts[v];
	assert_true(total == 100000);
}

static void every_verdict_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (unsigned a = 0; a < STATION_VERDICTS; a++) {
		assert_true(station_word(a)[0] != '\0');
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(station_word(a), station_word(b));
	}
	assert_string_equal(station_word(STATION_VERDICTS), "?");
}

/* ---- Endpoints ---- */

static void an_endpoint_is_read_as_it_is_written(void **state)
{
	struct endpoint at;

	(void)state;
	assert_true(endpoint_parse("10.0.2.15/24:7070", &at));
	assert_int_equal(at.address, node_address);
	assert_int_equal(at.netmask, 0xffffff00);
	assert_int_equal(at.port, 7070);
	assert_false(endpoint_parse("192.168.100.252/30:65535", &at));
	assert_true(endpoint_parse("192.168.100.253/30:65535", &at));
	assert_int_equal(at.netmask, 0xfffffffc);
	assert_true(endpoint_parse("10.255.255.254/8:1", &at));
}

static void other_texts_are_no_endpoint(void **state)
{
	static const char *const bad[] = { "", "10.0.2.15", "10.0.2.15/24", "10.0.2.15:7070",
		"10.0.2.15/24:", "10.0.2.15/24:0", "10.0.2.15/24:65536", "10.0.2.15/24:7070 ",
		"10.0.2.15/24:07070", "10.0.2/24:7070", "10.0.2.15.1/24:7070", "10.0.2.256/24:7070",
		"10.0.2.015/24:7070", "10.0.2.-1/24:7070", "10.0.2.0/24:7070", "10.0.2.255/24:7070",
		"10.0.2.15/7:7070", "10.0.2.15/31:7070", "10.0.2.15/32:7070", "10.0.2.15/0:7070",
		"127.0.0.1/8:7070", "0.0.0.1/8:7070", "224.0.0.1/24:7070", "a.b.c.d/24:7070",
		"10.0.2.15/24:7070x", "10.0.2.15/24:100000", "100000.0.2.15/24:7070",
		"..../:", " 10.0.2.15/24:7070" };
	struct endpoint at;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (endpoint_parse(bad[i], &at))
			fail_msg("\"%s\" is taken", bad[i]);
}

#define T(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(the_sum_of_rfc_1071_comes_out),
		T(the_largest_sums_do_not_overflow),
		T(every_length_has_the_plain_sum),
		T(a_known_header_is_read_and_written),
		T(a_header_with_one_bit_changed_is_never_good),
		T(a_packet_longer_than_its_frame_is_malformed),
		T(padding_behind_a_packet_is_not_its_own),
		T(headers_that_cannot_be_are_refused_by_their_reason),
		T(fragments_are_refused),
		T(every_length_arrives_as_it_was_sent),
		T(an_answer_finds_its_way_back),
		T(a_datagram_with_one_bit_changed_is_never_good),
		T(a_checksum_may_be_left_out),
		T(a_sum_of_nothing_is_not_written_as_left_out),
		T(lengths_and_ports_that_cannot_be_are_malformed),
		T(another_port_or_protocol_is_not_answered),
		T(frames_and_packets_of_others_are_left_alone),
		T(what_comes_from_nobody_is_not_answered),
		T(who_asks_for_the_address_is_told),
		T(other_questions_of_arp_are_not_answered),
		T(a_station_tells_everybody_where_it_is),
		T(damaged_arp_is_malformed),
		T(an_echo_is_the_same_bytes),
		T(other_messages_of_icmp_are_not_answered),
		T(every_cut_of_a_frame_has_a_verdict),
		T(a_frame_too_long_is_none),
		T(each_frame_is_counted_once_and_answered_with_no_more_bytes),
		T(every_verdict_has_a_word_of_its_own),
		T(an_endpoint_is_read_as_it_is_written),
		T(other_texts_are_no_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
