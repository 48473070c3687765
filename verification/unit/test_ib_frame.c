/*
 * Frames of RoCEv2 and packets of InfiniBand links: of every kind, cut at every byte, with every bit flipped,
 * and with each thing wrong that can be.
 */
#include "unit.h"

#include <ib/crc.h>
#include <ib/native.h>
#include <ib/roce.h>

#include "ib_sample.h"

/* ---- Frames ---- */

static void path_fill(struct roce_path *path, bool ipv6, bool tagged, bool sum, uint64_t *seed)
{
	for (size_t i = 0; i < ROCE_MAC_BYTES; i++) {
		path->source_mac[i] = (uint8_t)unit_random(seed);
		path->destination_mac[i] = (uint8_t)unit_random(seed);
	}
	for (size_t i = 0; i < IB_GID_BYTES; i++) {
		path->source[i] = (uint8_t)unit_random(seed);
		path->destination[i] = (uint8_t)unit_random(seed);
	}
	path->traffic_class = (uint8_t)unit_random(seed);
	path->ipv6 = ipv6;
	path->tagged = tagged;
	path->tag = tagged ? (uint16_t)unit_random(seed) : 0;
	path->udp_checksum = sum;
	path->source_port = 0xc123;
	path->hop_limit = 64;
	path->identification = ipv6 ? 0 : (uint16_t)unit_random(seed);
	path->flow_label = ipv6 ? (uint32_t)unit_random(seed) & 0xfffff : 0;
	if (!ipv6) {
		memset(path->source, 0, IB_GID_BYTES);
		memset(path->source + 10, 0xff, 2);
		memcpy(path->destination, path->source, IB_GID_BYTES);
		memcpy(path->source + 12, "\x0a\x09\x00\x01", 4);
		memcpy(path->destination + 12, "\x0a\x09\x00\x02", 4);
	}
}

/* Of the eight kinds: IPv6 or not, tagged or not, with a checksum or not. */
static unsigned frame_make(
	struct roce_frame *frame, uint8_t *data, unsigned kind, uint8_t opcode, unsigned bytes)
{
	uint64_t seed = kind + 1;

	memset(frame, 0, sizeof(*frame));
	path_fill(&frame->path, kind & 1, kind & 2, kind & 4, &seed);
	packet_fill(&frame->packet, opcode, bytes, &seed);
	return roce_encode(frame, data, ROCE_FRAME_BYTES_MOST);
}

static enum ib_refusal decode_exact(const uint8_t *data, unsigned bytes, struct roce_frame *frame)
{
	uint8_t *copy = malloc(bytes + 1);
	enum ib_refusal refusal;

	memcpy(copy + 1, data, bytes);
	refusal = roce_decode(copy + 1, bytes, frame);
	free(copy);
	return refusal;
}

static void frames_of_every_kind_survive(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST], again[ROCE_FRAME_BYTES_MOST];
	static const unsigned sizes[] = { 0, 1, 64, 1023, 1024, 4096 };
	struct roce_frame was, is;

	(void)state;
	for (unsigned kind = 0; kind < 8; kind++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
			const unsigned bytes = frame_make(&was, data, kind, 0x64, sizes[s]);

			memset(&is, 0, sizeof(is));
			assert_int_equal(bytes, roce_bytes(&was));
			assert_int_equal(roce_decode(data, bytes, &is), IB_ACCEPTED);
			compare_packets(&is.packet, &was.packet);
			assert_memory_equal(&is.path, &was.path, sizeof(is.path));
			assert_int_equal(roce_encode(&is, again, sizeof(again)), bytes);
			assert_memory_equal(again, data, bytes);
			assert_int_equal(roce_encode(&was, data, bytes - 1), 0);
			assert_ptr_equal(is.packet.payload, data + roce_payload_offset(&was));
		}
}

static void the_longest_frame_is_as_long_as_said(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST];
	struct roce_frame frame;

	(void)state;
	assert_int_equal(frame_make(&frame, data, 7, IB_OP_WRITE_ONLY_IMMEDIATE, IB_MTU_MOST),
		ROCE_FRAME_BYTES_MOST - IB_EXTENDED_BYTES_MOST + 20);
	assert_int_equal(roce_decode(data, ROCE_FRAME_BYTES_MOST + 1, &frame), IB_REFUSED_LONG);
}

static void no_shortened_frame_is_accepted(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST];
	struct roce_frame frame;

	(void)state;
	for (unsigned kind = 0; kind < 8; kind++) {
		const unsigned bytes = frame_make(&frame, data, kind, 0x0b, 33);

		for (unsigned less = 0; less < bytes; less++)
			assert_int_not_equal(decode_exact(data, less, &frame), IB_ACCEPTED);
		assert_int_equal(decode_exact(data, bytes, &frame), IB_ACCEPTED);
	}
}

/* What routers may change, by byte from the IP header; and what nothing covers: the Ethernet header. */
static bool may_change(bool ipv6, bool sum, unsigned byte, unsigned bit)
{
	if (ipv6 && (byte == 7 || (byte >= 1 && byte < 4) || (byte == 0 && bit < 4)))
		return true;
	return byte == (ipv6 ? 40u : 20u) + 8 + 4 && !sum;
}

static void every_flipped_bit_is_noticed_but_those_that_routers_flip(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST];
	struct roce_frame frame;

	(void)state;
	for (unsigned kind = 0; kind < 8; kind++) {
		const unsigned bytes = frame_make(&frame, data, kind, 0x04, 40);
		const unsigned ip = kind & 2 ? 18 : 14;

		for (unsigned i = 8 * ip; i < 8 * bytes; i++) {
			const bool allowed = may_change(kind & 1, kind & 4, i / 8 - ip, i % 8);
			enum ib_refusal refusal;

			data[i / 8] ^= (uint8_t)(1 << i % 8);
			refusal = roce_decode(data, bytes, &frame);
			data[i / 8] ^= (uint8_t)(1 << i % 8);
			if ((refusal == IB_ACCEPTED) != allowed)
				fail_msg("kind %u, byte %u of IP, bit %u: %s", kind, i / 8 - ip,
					i % 8, ib_refusal_name(refusal));
		}
	}
}

/* The ICRC as the specification has it: over a copy with ones, a bit at a time. */
static void the_icrc_is_that_of_the_annex(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST];
	uint8_t copy[8 + 200];
	struct roce_frame frame;

	(void)state;
	for (unsigned kind = 0; kind < 2; kind++) {
		const unsigned bytes = frame_make(&frame, data, kind, 0x04, 64) - 14 - 4;
		const unsigned udp = 8 + (kind ? 40 : 20);
		uint32_t icrc;

		memset(copy, 0xff, 8);
		memcpy(copy + 8, data + 14, bytes);
		if (kind) {
			copy[8] |= 0x0f;
			memset(copy + 9, 0xff, 3);
			copy[15] = 0xff;
		} else {
			copy[9] = copy[16] = copy[18] = copy[19] = 0xff;
		}
		copy[udp + 6] = copy[udp + 7] = copy[udp + 8 + 4] = 0xff;
		icrc = ~crc_by_bits(0xffffffff, copy, 8 + bytes);
		assert_int_equal(roce_icrc(data + 14, bytes), icrc);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(data[14 + bytes + i], icrc >> 8 * i & 0xff);
	}
}

/* Where the CPU cannot, the tables are asked twice. */
static void the_icrc_by_multiplication_is_the_icrc_by_tables(void **state)
{
	static uint8_t data[14 + IB_CRC_BYTES_MOST];
	uint64_t seed = 21;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)unit_random(&seed);
	for (unsigned version = 4; version <= 6; version += 2)
		for (unsigned bytes = version == 4 ? 40 : 60; bytes <= IB_CRC_BYTES_MOST;
			bytes += bytes < 300 ? 4 : 676) {
			uint32_t icrc;

			data[14] = (uint8_t)(version << 4 | (data[14] & 15));
			icrc = roce_icrc(data + 14, bytes);
			ib_crc_fold(true);
			assert_int_equal(roce_icrc(data + 14, bytes), icrc);
			ib_crc_fold(false);
		}
}

static void store16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The IPv4 header's checksum anew, so that what is behind it is looked at. */
static void sum_again(uint8_t *ip)
{
	uint32_t total = 0;

	store16(ip + 10, 0);
	for (unsigned i = 0; i < 20; i += 2)
		total += (uint32_t)ip[i] << 8 | ip[i + 1];
	total = (total >> 16) + (total & 0xffff);
	store16(ip + 10, ~((total >> 16) + total) & 0xffff);
}

static const struct {
	const char *what;
	unsigned byte; /* in the frame */
	uint8_t with;
	enum ib_refusal refusal;
} wrongs4[] = {
	{ "another ethertype", 12, 0x09, IB_REFUSED_NOT_ROCE },
	{ "an IP version", 14, 0x65, IB_REFUSED_IP_HEADER },
	{ "options", 14, 0x46, IB_REFUSED_IP_HEADER },
	{ "a header of four words", 14, 0x44, IB_REFUSED_IP_HEADER },
	{ "a long total", 16, 0xff, IB_REFUSED_IP_HEADER },
	{ "more fragments", 20, 0x20, IB_REFUSED_IP_FRAGMENT },
	{ "a fragment's offset", 21, 0x01, IB_REFUSED_IP_FRAGMENT },
	{ "another protocol", 23, 6, IB_REFUSED_NOT_ROCE },
	{ "another port", 36, 0x13, IB_REFUSED_NOT_ROCE },
	{ "a UDP length", 39, 0, IB_REFUSED_UDP_LENGTH },
	{ "a UDP checksum", 41, 1, IB_REFUSED_UDP_CHECKSUM },
	{ "a BTH version", 43, 0x41, IB_REFUSED_BTH_VERSION },
	{ "a reserved opcode", 42, 0x1f, IB_REFUSED_OPCODE },
	{ "another psn", 53, 0xaa, IB_REFUSED_ICRC },
};

static void frames_that_cannot_be_are_refused_with_their_reason(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST];
	struct roce_frame frame;

	(void)state;
	for (size_t w = 0; w < sizeof(wrongs4) / sizeof(*wrongs4); w++) {
		const unsigned bytes = frame_make(&frame, data, 0, 0x04, 64);
		enum ib_refusal refusal;

		data[wrongs4[w].byte] = wrongs4[w].with;
		if (wrongs4[w].byte >= 16)
			sum_again(data + 14);
		refusal = decode_exact(data, bytes, &frame);
		if (refusal != wrongs4[w].refusal)
			fail_msg("%s: %s", wrongs4[w].what, ib_refusal_name(refusal));
	}
	frame_make(&frame, data, 0, 0x04, 64);
	data[24] ^= 1;
	assert_int_equal(decode_exact(data, 200, &frame), IB_REFUSED_IP_CHECKSUM);
}

static void datagrams_too_short_for_a_packet_are_refused(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST];
	struct roce_frame frame;

	(void)state;
	for (unsigned kind = 0; kind < 2; kind++)
		for (unsigned bytes = 0; bytes < 8 + 12 + 4; bytes++) {
			frame_make(&frame, data, kind, 0x04, 64);
			store16(data + 14 + (kind ? 40 : 20) + 4, bytes);
			store16(data + 14 + (kind ? 4 : 2), bytes + (kind ? 0 : 20));
			if (!kind)
				sum_again(data + 14);
			assert_int_equal(decode_exact(data, 120, &frame), IB_REFUSED_SHORT);
		}
}

static void what_follows_the_ip_packet_is_ignored(void **state)
{
	static uint8_t data[ROCE_FRAME_BYTES_MOST];
	struct roce_frame frame;

	(void)state;
	for (unsigned kind = 0; kind < 8; kind++) {
		const unsigned bytes = frame_make(&frame, data, kind, 0x11, 0);

		memset(data + bytes, 0x77, 16);
		assert_int_equal(decode_exact(data, bytes + 16, &frame), IB_ACCEPTED);
		assert_int_equal(frame.packet.payload_bytes, 0);
	}
}

/* ---- Packets of links ---- */

static unsigned native_make(
	struct native_packet *native, uint8_t *data, bool global, unsigned bytes)
{
	uint64_t seed = 8;

	memset(native, 0, sizeof(*native));
	native->lrh = (struct ib_lrh){ .vl = 3, .sl = 5, .destination = 7, .source = 9 };
	native->global = global;
	native->grh.flow_label = 0x12345;
	native->grh.hop_limit = 9;
	memset(native->grh.source, 0xa5, IB_GID_BYTES);
	packet_fill(&native->packet, 0x0a, bytes, &seed);
	return native_encode(native, data, NATIVE_BYTES_MOST);
}

static void native_packets_survive_with_and_without_a_global_header(void **state)
{
	static uint8_t data[NATIVE_BYTES_MOST], again[NATIVE_BYTES_MOST];
	struct native_packet was, is;

	(void)state;
	for (unsigned global = 0; global < 2; global++)
		for (unsigned size = 0; size < 9; size++) {
			const unsigned bytes = native_make(&was, data, global, size);
			uint8_t *copy = malloc(bytes);

			memcpy(copy, data, bytes);
			assert_int_equal(native_decode(copy, bytes, &is), IB_ACCEPTED);
			assert_int_equal(is.global, global);
			assert_int_equal(is.lrh.words * 4, bytes);
			compare_packets(&is.packet, &was.packet);
			assert_int_equal(native_encode(&is, again, sizeof(again)), bytes);
			assert_memory_equal(again, data, bytes);
			assert_int_equal(native_encode(&was, again, bytes - 1), 0);
			free(copy);
			for (unsigned less = 0; less < bytes; less++) {
				copy = malloc(less + 1);
				memcpy(copy + 1, data, less);
				assert_int_not_equal(
					native_decode(copy + 1, less, &is), IB_ACCEPTED);
				free(copy);
			}
		}
}

/* 7.8.1: the lane; with a global header all of the LRH, traffic class, flow label, hop limit; BTH byte 4. */
static void native_icrcs_cover_what_switches_leave_alone(void **state)
{
	static uint8_t data[NATIVE_BYTES_MOST];
	struct native_packet native;

	(void)state;
	for (unsigned global = 0; global < 2; global++) {
		const unsigned bytes = native_make(&native, data, global, 20);
		const unsigned bth = global ? 48 : 8;

		for (unsigned i = 0; i < 8 * bytes; i++) {
			const unsigned byte = i / 8;
			const bool lane = byte == 0 && i % 8 >= 4;
			/* Reserved bits, SL, LIDs: nothing else looks at them. */
			const bool lrh = byte == 1 ? i % 8 >= 2
					 : byte == 4
						 ? i % 8 >= 3
						 : byte == 2 || byte == 3 || byte == 6 || byte == 7;
			const bool grh = global && ((byte == 8 && i % 8 < 4) ||
							   (byte > 8 && byte < 12) || byte == 15);
			const bool allowed = lane || (global && lrh) || grh || byte == bth + 4;
			enum ib_refusal refusal;

			data[byte] ^= (uint8_t)(1 << i % 8);
			refusal = native_decode(data, bytes, &native);
			data[byte] ^= (uint8_t)(1 << i % 8);
			if ((refusal == IB_ACCEPTED) != allowed)
				fail_msg("global %u byte %u bit %u: %s", global, byte, i % 8,
					ib_refusal_name(refusal));
		}
	}
}

static void native_packets_that_cannot_be_are_refused_with_their_reason(void **state)
{
	static uint8_t data[NATIVE_BYTES_MOST + 4];
	struct native_packet native;
	unsigned bytes = native_make(&native, data, true, 20);

	(void)state;
	data[0] |= 1;
	assert_int_equal(native_decode(data, bytes, &native), IB_REFUSED_LRH);
	bytes = native_make(&native, data, true, 20);
	data[1] &= 0xfc;
	assert_int_equal(native_decode(data, bytes, &native), IB_REFUSED_LRH);
	bytes = native_make(&native, data, true, 20);
	data[5] ^= 1;
	assert_int_equal(native_decode(data, bytes, &native), IB_REFUSED_LRH_LENGTH);
	for (unsigned byte = 8; byte < 15; byte += byte == 8 ? 4 : 1) {
		bytes = native_make(&native, data, true, 20);
		data[byte] ^= 0x10;
		assert_int_equal(native_decode(data, bytes, &native), IB_REFUSED_GRH);
	}
	assert_int_equal(native_decode(data, NATIVE_BYTES_MOST + 1, &native), IB_REFUSED_LONG);
	memset(data, 0, sizeof(data));
	data[1] = IB_NEXT_GRH;
	data[5] = 7;
	assert_int_equal(native_decode(data, 28, &native), IB_REFUSED_SHORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_every_kind_survive),
		cmocka_unit_test(the_longest_frame_is_as_long_as_said),
		cmocka_unit_test(no_shortened_frame_is_accepted),
		cmocka_unit_test(every_flipped_bit_is_noticed_but_those_that_routers_flip),
		cmocka_unit_test(the_icrc_is_that_of_the_annex),
		cmocka_unit_test(the_icrc_by_multiplication_is_the_icrc_by_tables),
		cmocka_unit_test(frames_that_cannot_be_are_refused_with_their_reason),
		cmocka_unit_test(datagrams_too_short_for_a_packet_are_refused),
		cmocka_unit_test(what_follows_the_ip_packet_is_ignored),
		cmocka_unit_test(native_packets_survive_with_and_without_a_global_header),
		cmocka_unit_test(native_icrcs_cover_what_switches_leave_alone),
		cmocka_unit_test(native_packets_that_cannot_be_are_refused_with_their_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
