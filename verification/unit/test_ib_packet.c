/*
 * InfiniBand's headers and packets: each field at its extremes and at its place, what is decoded encodes to
 * the same, and everything else is refused for the reason it has to be. Data lies at the very end of its
 * allocation: whoever reads behind it is caught.
 */
#include "unit.h"

#include <ib/crc.h>

#include "ib_sample.h"

/* ---- Headers ---- */

struct place {
	const char *name;
	size_t member, size;
	unsigned bit, bits; /* on the wire, from the first byte's most significant */
};

#define PLACE(type, name, bit, bits)                                                               \
	{                                                                                          \
#name, offsetof(struct type, name), sizeof(((struct type *)0)->name), bit, bits    \
	}

union header {
	struct ib_lrh lrh;
	struct ib_grh grh;
	struct ib_bth bth;
	struct ib_deth deth;
	struct ib_reth reth;
	struct ib_aeth aeth;
	struct ib_atomic atomic;
	uint8_t bytes[128];
};

typedef void (*decoder)(const uint8_t *, union header *);
typedef void (*encoder)(const union header *, uint8_t *);

#define CODEC(name)                                                                                \
	static void name##_in(const uint8_t *bytes, union header *header)                          \
	{                                                                                          \
		ib_##name##_decode(bytes, &header->name);                                          \
	}                                                                                          \
	static void name##_out(const union header *header, uint8_t *bytes)                         \
	{                                                                                          \
		ib_##name##_encode(&header->name, bytes);                                          \
	}
CODEC(lrh)
CODEC(grh)
CODEC(bth)
CODEC(deth)
CODEC(reth)
CODEC(aeth)
CODEC(atomic)

/* From the specification's figures, not from the code. */
static const struct place lrh_places[] = { PLACE(ib_lrh, vl, 0, 4), PLACE(ib_lrh, version, 4, 4),
	PLACE(ib_lrh, sl, 8, 4), PLACE(ib_lrh, next, 14, 2), PLACE(ib_lrh, destination, 16, 16),
	PLACE(ib_lrh, words, 37, 11), PLACE(ib_lrh, source, 48, 16) };
static const struct place grh_places[] = { PLACE(ib_grh, version, 0, 4),
	PLACE(ib_grh, traffic_class, 4, 8), PLACE(ib_grh, flow_label, 12, 20),
	PLACE(ib_grh, payload_bytes, 32, 16), PLACE(ib_grh, next, 48, 8),
	PLACE(ib_grh, hop_limit, 56, 8), PLACE(ib_grh, source, 64, 128),
	PLACE(ib_grh, destination, 192, 128) };
static const struct place bth_places[] = { PLACE(ib_bth, opcode, 0, 8),
	PLACE(ib_bth, solicited, 8, 1), PLACE(ib_bth, migrated, 9, 1),
	PLACE(ib_bth, pad_bytes, 10, 2), PLACE(ib_bth, version, 12, 4), PLACE(ib_bth, pkey, 16, 16),
	PLACE(ib_bth, forward_congested, 32, 1), PLACE(ib_bth, backward_congested, 33, 1),
	PLACE(ib_bth, destination, 40, 24), PLACE(ib_bth, acknowledge, 64, 1),
	PLACE(ib_bth, psn, 72, 24) };
static const struct place deth_places[] = { PLACE(ib_deth, qkey, 0, 32),
	PLACE(ib_deth, source, 40, 24) };
static const struct place reth_places[] = { PLACE(ib_reth, address, 0, 64),
	PLACE(ib_reth, rkey, 64, 32), PLACE(ib_reth, bytes, 96, 32) };
static const struct place aeth_places[] = { PLACE(ib_aeth, syndrome, 0, 8),
	PLACE(ib_aeth, msn, 8, 24) };
static const struct place atomic_places[] = { PLACE(ib_atomic, address, 0, 64),
	PLACE(ib_atomic, rkey, 64, 32), PLACE(ib_atomic, swap_add, 96, 64),
	PLACE(ib_atomic, compare, 160, 64) };

static const struct {
	const char *name;
	const struct place *places;
	size_t count;
	unsigned bytes;
	decoder decode;
	encoder encode;
} headers[] = {
#define HEADER(name, bytes)                                                                        \
	{                                                                                          \
#name, name##_places, sizeof(name##_places) / sizeof(*name##_places), bytes,       \
			name##_in, name##_out                                                      \
	}
	HEADER(lrh, IB_LRH_BYTES),
	HEADER(grh, IB_GRH_BYTES),
	HEADER(bth, IB_BTH_BYTES),
	HEADER(deth, IB_DETH_BYTES),
	HEADER(reth, IB_RETH_BYTES),
	HEADER(aeth, IB_AETH_BYTES),
	HEADER(atomic, IB_ATOMIC_BYTES),
};

#define HEADERS (sizeof(headers) / sizeof(*headers))

static bool bit_at(const uint8_t *bytes, unsigned bit)
{
	return bytes[bit / 8] >> (7 - bit % 8) & 1;
}

/* Members of one byte that hold one bit are flags: only 0 and 1 are values of theirs. */
static void member_set(union header *header, const struct place *place, uint8_t with)
{
	memset(header->bytes + place->member, place->bits == 1 ? with & 1 : with, place->size);
}

static void each_field_has_its_own_bits_and_no_others(void **state)
{
	(void)state;
	for (size_t h = 0; h < HEADERS; h++)
		for (size_t p = 0; p < headers[h].count; p++) {
			const struct place *place = &headers[h].places[p];
			union header header = { .bytes = { 0 } };
			uint8_t bytes[64] = { 0 };

			member_set(&header, place, 0xff);
			headers[h].encode(&header, bytes);
			for (unsigned bit = 0; bit < 8 * headers[h].bytes; bit++)
				if (bit_at(bytes, bit) !=
					(bit >= place->bit && bit < place->bit + place->bits))
					fail_msg(
						"%s.%s: bit %u", headers[h].name, place->name, bit);
		}
}

static void each_field_is_decoded_from_its_own_bits(void **state)
{
	(void)state;
	for (size_t h = 0; h < HEADERS; h++)
		for (size_t p = 0; p < headers[h].count; p++)
			for (unsigned bit = 0; bit < 8 * headers[h].bytes; bit++) {
				const struct place *place = &headers[h].places[p];
				const bool own =
					bit >= place->bit && bit < place->bit + place->bits;
				union header header = { .bytes = { 0 } };
				const uint8_t none[16] = { 0 };
				uint8_t *bytes = calloc(1, headers[h].bytes);

				bytes[bit / 8] = (uint8_t)(1 << (7 - bit % 8));
				headers[h].decode(bytes, &header);
				if ((memcmp(header.bytes + place->member, none, place->size) !=
					    0) != own)
					fail_msg(
						"%s.%s: bit %u", headers[h].name, place->name, bit);
				free(bytes);
			}
}

static void headers_survive_the_way_there_and_back(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned turn = 0; turn < 20000; turn++) {
		const size_t h = turn % HEADERS;
		union header header = { .bytes = { 0 } }, again = { .bytes = { 0 } };
		uint8_t bytes[64], out[64], more[64];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)unit_random(&seed);
		headers[h].decode(bytes, &header);
		headers[h].encode(&header, out);
		headers[h].decode(out, &again);
		headers[h].encode(&again, more);
		assert_memory_equal(header.bytes, again.bytes, sizeof(header.bytes));
		assert_memory_equal(out, more, headers[h].bytes);
	}
}

/* ---- CRC ---- */

static void the_crc_is_the_one_of_ieee_802_3(void **state)
{
	(void)state;
	assert_int_equal(~ib_crc_update(IB_CRC_START, (const uint8_t *)"123456789", 9), 0xcbf43926);
}

static void the_crc_by_tables_is_the_crc_by_bits(void **state)
{
	uint64_t seed = 99;
	uint8_t data[IB_CRC_BYTES_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)unit_random(&seed);
	for (unsigned at = 0; at < 8; at++)
		for (unsigned bytes = 0; bytes < 300; bytes++)
			assert_int_equal(ib_crc_update((uint32_t)seed, data + at, bytes),
				crc_by_bits((uint32_t)seed, data + at, bytes));
	assert_int_equal(ib_crc_update(1, data, sizeof(data)), crc_by_bits(1, data, sizeof(data)));
	for (unsigned bytes = 0; bytes <= IB_CRC_SHORT_BYTES_MOST; bytes += 4)
		assert_int_equal(
			ib_crc_update_short(5, data + 3, bytes), crc_by_bits(5, data + 3, bytes));
}

/* Where the CPU cannot, the tables are asked twice. */
static void the_crc_by_multiplication_is_the_crc_by_tables(void **state)
{
	uint64_t seed = 98;
	uint8_t data[IB_CRC_BYTES_MOST];
	uint32_t expected[700];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)unit_random(&seed);
	for (unsigned bytes = 0; bytes < 700; bytes++)
		expected[bytes] = ib_crc_update((uint32_t)seed, data + bytes % 16, bytes);
	if (!ib_crc_fold(true))
		print_message("this CPU has no PCLMULQDQ\n");
	for (unsigned bytes = 0; bytes < 700; bytes++)
		assert_int_equal(
			ib_crc_update((uint32_t)seed, data + bytes % 16, bytes), expected[bytes]);
	assert_int_equal(ib_crc_update(1, data, sizeof(data)), crc_by_bits(1, data, sizeof(data)));
	assert_false(ib_crc_fold(false));
}

static void a_crc_of_too_many_bytes_is_of_those_that_are_allowed(void **state)
{
	uint8_t data[IB_CRC_BYTES_MOST] = { 1, 2, 3 };

	(void)state;
	assert_int_equal(ib_crc_update(0, data, ~0u), ib_crc_update(0, data, IB_CRC_BYTES_MOST));
	assert_int_equal(ib_crc_update_short(0, data, ~0u),
		ib_crc_update_short(0, data, IB_CRC_SHORT_BYTES_MOST));
}

/* ---- Opcodes ---- */

static void reserved_opcodes_have_no_layout_and_the_others_one(void **state)
{
	(void)state;
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		assert_int_equal(ib_opcode_layout((uint8_t)opcode) != 0, is_spoken(opcode));
		if (!is_spoken(opcode)) {
			assert_int_equal(ib_opcode_extended_bytes((uint8_t)opcode), 0);
			assert_string_equal(ib_opcode_name((uint8_t)opcode), "reserved");
		}
	}
}

static unsigned bytes_of(unsigned layout)
{
	return (layout & IB_HAS_DETH ? IB_DETH_BYTES : 0) +
	       (layout & IB_HAS_RETH ? IB_RETH_BYTES : 0) +
	       (layout & IB_HAS_AETH ? IB_AETH_BYTES : 0) +
	       (layout & IB_HAS_ATOMIC ? IB_ATOMIC_BYTES : 0) +
	       (layout & IB_HAS_ATOMIC_ACK ? IB_ATOMIC_ACK_BYTES : 0) +
	       (layout & IB_HAS_IMMEDIATE ? IB_IMMEDIATE_BYTES : 0) +
	       (layout & IB_HAS_IETH ? IB_IETH_BYTES : 0);
}

static void an_opcode_s_bytes_are_those_of_its_headers(void **state)
{
	(void)state;
	for (unsigned opcode = 0; opcode < 256; opcode++)
		assert_int_equal(ib_opcode_extended_bytes((uint8_t)opcode),
			bytes_of(ib_opcode_layout((uint8_t)opcode)));
}

static void names_of_opcodes_and_of_refusals_are_told_apart(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < a; b++)
			if (is_spoken(a) || is_spoken(b))
				assert_string_not_equal(
					ib_opcode_name((uint8_t)a), ib_opcode_name((uint8_t)b));
	for (unsigned a = 0; a < IB_REFUSALS; a++)
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(ib_refusal_name(a), ib_refusal_name(b));
	assert_string_equal(ib_refusal_name(IB_REFUSALS), "unknown");
	assert_string_equal(ib_refusal_name((enum ib_refusal) - 1), "unknown");
}

/* ---- Packets ---- */

static void every_opcode_survives_with_every_length_of_padding(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, 3, 4, 5, 8, 15, 16, 255, 256, 1023, 4095, 4096 };
	uint64_t seed = 3;

	(void)state;
	for (unsigned opcode = 0; opcode < 256; opcode++)
		for (size_t s = 0; is_spoken(opcode) && s < sizeof(sizes) / sizeof(*sizes); s++) {
			struct ib_packet was, is;
			uint8_t *data;
			unsigned bytes;

			if (sizes[s] > payload_most((uint8_t)opcode) ||
				(opcode == IB_OPCODE_CNP && sizes[s] != IB_CNP_PAYLOAD_BYTES))
				continue;
			packet_fill(&was, (uint8_t)opcode, sizes[s], &seed);
			bytes = ib_packet_bytes(&was);
			data = malloc(bytes);
			assert_int_equal(ib_packet_encode(&was, data, bytes), bytes);
			assert_int_equal(ib_packet_decode(data, bytes, &is), IB_ACCEPTED);
			compare_packets(&is, &was);
			assert_int_equal(ib_packet_encode(&was, data, bytes - 1), 0);
			free(data);
		}
}

static void what_an_opcode_cannot_carry_is_not_encoded(void **state)
{
	static uint8_t data[IB_PACKET_BYTES_MOST + 64];
	uint64_t seed = 4;
	struct ib_packet packet;

	(void)state;
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		packet_fill(&packet, (uint8_t)opcode, payload_most((uint8_t)opcode) + 1, &seed);
		assert_int_equal(ib_packet_bytes(&packet), 0);
		assert_int_equal(ib_packet_encode(&packet, data, sizeof(data)), 0);
		packet.payload_bytes = ~0u;
		assert_int_equal(ib_packet_encode(&packet, data, sizeof(data)), 0);
		if (!is_spoken(opcode)) {
			packet.payload_bytes = 0;
			assert_int_equal(ib_packet_encode(&packet, data, sizeof(data)), 0);
			assert_int_equal(ib_packet_payload_offset(&packet), 0);
		}
	}
}

static void a_payload_in_its_place_is_left_there(void **state)
{
	uint8_t data[128];
	uint64_t seed = 5;
	struct ib_packet packet;
	unsigned offset;

	(void)state;
	packet_fill(&packet, IB_OP_WRITE_ONLY_IMMEDIATE, 30, &seed);
	offset = ib_packet_payload_offset(&packet);
	assert_int_equal(offset, IB_BTH_BYTES + 20);
	memset(data, 0xee, sizeof(data));
	memcpy(data + offset, payload, 30);
	packet.payload = data + offset;
	assert_int_equal(ib_packet_encode(&packet, data, sizeof(data)), offset + 32);
	assert_memory_equal(data + offset, payload, 30);
	assert_int_equal(data[offset + 30] | data[offset + 31], 0);
}

static enum ib_refusal refusal_of(
	uint8_t opcode, uint8_t second, unsigned rest, struct ib_packet *packet)
{
	const unsigned bytes = IB_BTH_BYTES + rest;
	uint8_t *data = calloc(1, bytes);
	enum ib_refusal refusal;

	data[0] = opcode;
	data[1] = second;
	refusal = ib_packet_decode(data, bytes, packet);
	free(data);
	return refusal;
}

static void packets_that_cannot_be_are_refused_with_their_reason(void **state)
{
	struct ib_packet packet;

	(void)state;
	for (unsigned bytes = 0; bytes < IB_BTH_BYTES; bytes++) {
		uint8_t *data = calloc(1, bytes + 1);

		assert_int_equal(ib_packet_decode(data + 1, bytes, &packet), IB_REFUSED_SHORT);
		free(data);
	}
	assert_int_equal(refusal_of(IB_OP_SEND_ONLY, 0x01, 0, &packet), IB_REFUSED_BTH_VERSION);
	assert_int_equal(refusal_of(IB_OP_SEND_ONLY, 0x0f, 0, &packet), IB_REFUSED_BTH_VERSION);
	assert_int_equal(refusal_of(0x15, 0, 64, &packet), IB_REFUSED_OPCODE);
	assert_int_equal(refusal_of(0x44, 0, 64, &packet), IB_REFUSED_OPCODE);
	assert_int_equal(refusal_of(0xa4, 0, 64, &packet), IB_REFUSED_OPCODE);
	assert_int_equal(refusal_of(0x80, 0, 16, &packet), IB_REFUSED_OPCODE);
	assert_int_equal(refusal_of(IB_OP_COMPARE_SWAP, 0, 24, &packet), IB_REFUSED_SHORT);
	assert_int_equal(refusal_of(IB_OP_SEND_ONLY, 0, 1, &packet), IB_REFUSED_PADDING);
	assert_int_equal(refusal_of(IB_OP_SEND_ONLY, 0x10, 0, &packet), IB_REFUSED_PADDING);
	assert_int_equal(refusal_of(IB_OP_SEND_ONLY, 0x30, 4, &packet), IB_ACCEPTED);
	assert_int_equal(packet.payload_bytes, 1);
	assert_int_equal(refusal_of(IB_OP_ACKNOWLEDGE, 0, 8, &packet), IB_REFUSED_PAYLOAD);
	assert_int_equal(refusal_of(IB_OP_READ_REQUEST, 0, 20, &packet), IB_REFUSED_PAYLOAD);
	assert_int_equal(refusal_of(IB_OP_SEND_ONLY, 0, 4100, &packet), IB_REFUSED_PAYLOAD);
	assert_int_equal(refusal_of(IB_OP_SEND_ONLY, 0x30, 4100, &packet), IB_REFUSED_PAYLOAD);
	assert_int_equal(refusal_of(IB_OPCODE_CNP, 0, 12, &packet), IB_REFUSED_PAYLOAD);
	assert_int_equal(refusal_of(IB_OPCODE_CNP, 0, 16, &packet), IB_ACCEPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_has_its_own_bits_and_no_others),
		cmocka_unit_test(each_field_is_decoded_from_its_own_bits),
		cmocka_unit_test(headers_survive_the_way_there_and_back),
		cmocka_unit_test(the_crc_is_the_one_of_ieee_802_3),
		cmocka_unit_test(the_crc_by_tables_is_the_crc_by_bits),
		cmocka_unit_test(the_crc_by_multiplication_is_the_crc_by_tables),
		cmocka_unit_test(a_crc_of_too_many_bytes_is_of_those_that_are_allowed),
		cmocka_unit_test(reserved_opcodes_have_no_layout_and_the_others_one),
		cmocka_unit_test(an_opcode_s_bytes_are_those_of_its_headers),
		cmocka_unit_test(names_of_opcodes_and_of_refusals_are_told_apart),
		cmocka_unit_test(every_opcode_survives_with_every_length_of_padding),
		cmocka_unit_test(what_an_opcode_cannot_carry_is_not_encoded),
		cmocka_unit_test(a_payload_in_its_place_is_left_there),
		cmocka_unit_test(packets_that_cannot_be_are_refused_with_their_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
