/*
 * Management datagrams: every bit that is not reserved belongs to exactly one member, what is decoded encodes
 * to the same, and everything else is refused for the reason it has to be.
 */
#include "unit.h"

#include <ib/cm.h>

/* Reserved bits, from the specification's tables: byte, first bit (0: the most significant), bits. */
struct gap {
	unsigned byte, bit, bits;
};

union body {
	struct smp smp;
	struct sa sa;
	struct cm_message cm;
	uint8_t bytes[sizeof(struct cm_message) + sizeof(struct sa)];
};

struct kind {
	const char *name;
	uint8_t class, version;
	uint16_t attribute;
	size_t bytes; /* of the structure */
	struct gap gaps[16];
};

#define COMMON                                                                                     \
	{                                                                                          \
		18, 0, 16                                                                          \
	} /* of every header */
#define PATH(at)                                                                                   \
	{ (at) + 38, 4, 6 }, { (at) + 42, 5, 3 },                                                  \
	{                                                                                          \
		(at) + 43, 5, 3                                                                    \
	}

static const struct kind kinds[] = {
	{ "smp", MAD_CLASS_SUBN_LID, 1, SMP_NODE_INFO, sizeof(struct smp),
		{ COMMON, { 32, 0, 256 }, { 128, 0, 1024 } } },
	{ "directed smp", MAD_CLASS_SUBN_DIRECTED, 1, SMP_PORT_INFO, sizeof(struct smp),
		{ COMMON, { 36, 0, 224 } } },
	{ "sa", MAD_CLASS_SUBN_ADM, 2, SA_PATH_RECORD, sizeof(struct sa),
		{ COMMON, { 46, 0, 16 } } },
	{ "req", MAD_CLASS_CM, 2, CM_REQ, offsetof(struct cm_message, req) + sizeof(struct cm_req),
		{ COMMON, { 28, 0, 32 }, { 48, 0, 32 }, PATH(76), PATH(120) } },
	{ "mra", MAD_CLASS_CM, 2, CM_MRA, offsetof(struct cm_message, mra) + sizeof(struct cm_mra),
		{ COMMON, { 32, 2, 6 }, { 33, 5, 3 } } },
	{ "rej", MAD_CLASS_CM, 2, CM_REJ, offsetof(struct cm_message, rej) + sizeof(struct cm_rej),
		{ COMMON, { 32, 2, 6 }, { 33, 7, 1 } } },
	{ "rep", MAD_CLASS_CM, 2, CM_REP, offsetof(struct cm_message, rep) + sizeof(struct cm_rep),
		{ COMMON, { 39, 0, 8 }, { 43, 0, 8 }, { 47, 0, 8 }, { 51, 4, 4 } } },
	{ "rtu", MAD_CLASS_CM, 2, CM_RTU, offsetof(struct cm_message, rtu) + sizeof(struct cm_rtu),
		{ COMMON } },
	{ "dreq", MAD_CLASS_CM, 2, CM_DREQ,
		offsetof(struct cm_message, dreq) + sizeof(struct cm_dreq),
		{ COMMON, { 35, 0, 8 } } },
	{ "drep", MAD_CLASS_CM, 2, CM_DREP,
		offsetof(struct cm_message, drep) + sizeof(struct cm_drep), { COMMON } },
	{ "sidr req", MAD_CLASS_CM, 2, CM_SIDR_REQ,
		offsetof(struct cm_message, sidr_req) + sizeof(struct cm_sidr_req),
		{ COMMON, { 30, 0, 16 } } },
	{ "sidr rep", MAD_CLASS_CM, 2, CM_SIDR_REP,
		offsetof(struct cm_message, sidr_rep) + sizeof(struct cm_sidr_rep),
		{ COMMON, { 30, 0, 16 }, { 35, 0, 8 } } },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void encode(const struct kind *kind, const union body *body, uint8_t *data)
{
	if (kind->class == MAD_CLASS_CM)
		assert_true(cm_encode(&body->cm, data));
	else if (kind->class == MAD_CLASS_SUBN_ADM)
		sa_encode(&body->sa, data);
	else
		smp_encode(&body->smp, data);
}

static enum ib_refusal decode(
	const struct kind *kind, const uint8_t *data, unsigned bytes, union body *body)
{
	uint8_t *copy = malloc(bytes + 1);
	enum ib_refusal refusal;

	memcpy(copy + 1, data, bytes);
	if (kind->class == MAD_CLASS_CM)
		refusal = cm_decode(copy + 1, bytes, &body->cm);
	else if (kind->class == MAD_CLASS_SUBN_ADM)
		refusal = sa_decode(copy + 1, bytes, &body->sa);
	else
		refusal = smp_decode(copy + 1, bytes, &body->smp);
	free(copy);
	return refusal;
}

/* Which kind it is cannot be varied; nor a length beyond its array. */
static void keep(const struct kind *kind, union body *body)
{
	struct mad_header *header = &body->smp.header;

	header->base_version = MAD_BASE_VERSION;
	header->class = kind->class;
	header->class_version = kind->version;
	header->attribute = kind->attribute;
	if (kind->attribute == CM_REJ)
		body->cm.rej.additional_bytes &= 0x3f;
	if (kind->attribute == CM_SIDR_REP)
		body->cm.sidr_rep.additional_bytes &= 0x3f;
}

static void gaps_of(const struct kind *kind, uint8_t *mask)
{
	memset(mask, 0, MAD_BYTES);
	for (const struct gap *gap = kind->gaps; gap->bits != 0; gap++)
		for (unsigned i = 0; i < gap->bits; i++) {
			const unsigned bit = 8 * gap->byte + gap->bit + i;

			mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		}
}

/*
 * The bits of the datagram that one byte of the structure makes. That which says the kind is kept, and asserted
 * elsewhere: its bits are left out. Hop pointer and count of directed SMPs have members of their own.
 */
static void bits_of(const struct kind *kind, size_t byte, uint8_t *bits)
{
	union body none = { .bytes = { 0 } }, one = { .bytes = { 0 } };
	uint8_t without[MAD_BYTES];

	one.bytes[byte] = 0xff;
	keep(kind, &none);
	keep(kind, &one);
	encode(kind, &none, without);
	encode(kind, &one, bits);
	for (unsigned i = 0; i < MAD_BYTES; i++)
		bits[i] ^= without[i];
}

static void every_bit_that_is_not_reserved_belongs_to_one_member(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		uint8_t all[MAD_BYTES] = { 0 }, gaps[MAD_BYTES], bits[MAD_BYTES];

		gaps_of(&kinds[k], gaps);
		for (size_t byte = 0; byte < kinds[k].bytes; byte++) {
			bits_of(&kinds[k], byte, bits);
			for (unsigned i = 0; i < MAD_BYTES; i++) {
				if (all[i] & bits[i] || gaps[i] & bits[i])
					fail_msg("%s: byte %u is made twice, or reserved",
						kinds[k].name, i);
				all[i] |= bits[i];
			}
		}
		for (unsigned i = 0; i < MAD_BYTES; i++) {
			const bool kept = i < 3 || i == 16 || i == 17;
			uint8_t expected = kept ? 0 : (uint8_t)~gaps[i];

			/* Lengths that were kept within their arrays, 7 and 8 bits wide. */
			if (kinds[k].attribute == CM_REJ && i == 33)
				expected &= 0x7e;
			if (kinds[k].attribute == CM_SIDR_REP && i == 29)
				expected &= 0x3f;
			if (all[i] != expected)
				fail_msg("%s: byte %u: bits %02x of %02x", kinds[k].name, i, all[i],
					expected);
		}
	}
}

static void datagrams_survive_the_way_there_and_back(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (unsigned turn = 0; turn < 4000; turn++) {
		const struct kind *kind = &kinds[turn % KINDS];
		union body was = { .bytes = { 0 } }, is = { .bytes = { 0 } };
		uint8_t data[MAD_BYTES], again[MAD_BYTES], gaps[MAD_BYTES];

		for (size_t i = 0; i < kind->bytes; i++)
			was.bytes[i] = (uint8_t)unit_random(&seed);
		keep(kind, &was);
		if (kind->class == MAD_CLASS_SUBN_DIRECTED) {
			was.smp.hop_count &= SMP_HOPS_MOST;
			was.smp.hop_pointer %= was.smp.hop_count + 2;
		}
		encode(kind, &was, data);
		assert_int_equal(decode(kind, data, MAD_BYTES, &is), IB_ACCEPTED);
		encode(kind, &is, again);
		assert_memory_equal(data, again, MAD_BYTES);
		/* Reserved bits are zero, and nobody minds if they are not. */
		gaps_of(kind, gaps);
		for (unsigned i = 0; i < MAD_BYTES; i++) {
			assert_int_equal(data[i] & gaps[i], 0);
			data[i] |= gaps[i];
		}
		assert_int_equal(decode(kind, data, MAD_BYTES, &is), IB_ACCEPTED);
		encode(kind, &is, data);
		assert_memory_equal(data, again, MAD_BYTES);
	}
}

/* Values that stand where the specification's tables have them: a REQ, by hand. */
static void a_req_has_its_members_where_the_table_has_them(void **state)
{
	static const struct {
		unsigned byte;
		uint8_t is;
	} expected[] = { { 24, 1 }, { 27, 4 }, { 32, 0x10 }, { 39, 0x17 }, { 52, 0x80 }, { 53, 1 },
		{ 55, 0 }, { 56, 0xab }, { 58, 0xef }, { 59, 7 }, { 63, 9 },
		{ 67, 17 << 3 | 1 << 1 | 1 }, { 68, 0xfe }, { 70, 0xba }, { 71, 18 << 3 | 5 },
		{ 72, 0xff }, { 73, 0xfe }, { 74, 3 << 4 | 6 }, { 75, 15 << 4 | 1 << 3 },
		{ 76, 0x11 }, { 79, 0x44 }, { 80, 0xaa }, { 96, 0xbb }, { 112, 0x12 },
		{ 114, 0x50 }, { 115, 0x2a }, { 116, 0x66 }, { 117, 64 }, { 118, 5 << 4 | 1 << 3 },
		{ 119, 19 << 3 }, { 120, 0x77 }, { 164, 0x99 }, { 255, 0x98 } };
	struct cm_message message;
	uint8_t data[MAD_BYTES];

	(void)state;
	memset(&message, 0, sizeof(message));
	cm_header(&message.header, CM_REQ, 77);
	message.req = (struct cm_req){ .local_id = 0x01020304,
		.service_id = 0x1011121314151617,
		.local_qkey = 0x80010000,
		.local_qpn = 0xabcdef,
		.responder_resources = 7,
		.initiator_depth = 9,
		.remote_timeout = 17,
		.transport = CM_TRANSPORT_UC,
		.flow_control = 1,
		.starting_psn = 0xfedcba,
		.local_timeout = 18,
		.retry_count = 5,
		.pkey = 0xfffe,
		.mtu = 3,
		.rnr_retry_count = 6,
		.cm_retries = 15,
		.srq = 1,
		.primary = { .local_lid = 0x1122,
			.remote_lid = 0x3344,
			.local_gid = { 0xaa },
			.remote_gid = { 0xbb },
			.flow_label = 0x12345,
			.packet_rate = 0x2a,
			.traffic_class = 0x66,
			.hop_limit = 64,
			.sl = 5,
			.subnet_local = 1,
			.ack_timeout = 19 },
		.alternate = { .local_lid = 0x7700 },
		.private_data = { [0] = 0x99, [CM_REQ_PRIVATE - 1] = 0x98 } };
	assert_true(cm_encode(&message, data));
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		if (data[expected[i].byte] != expected[i].is)
			fail_msg("byte %u is %02x", expected[i].byte, data[expected[i].byte]);
	assert_memory_equal(data, "\x01\x07\x02\x03\0\0\0\0\0\0\0\0\0\0\0\x4d\0\x10", 18);
}

static void datagrams_of_another_length_are_refused(void **state)
{
	uint8_t data[2 * MAD_BYTES];
	union body body = { .bytes = { 0 } };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		memset(&body, 0, sizeof(body));
		keep(&kinds[k], &body);
		encode(&kinds[k], &body, data);
		for (unsigned bytes = 0; bytes < 2 * MAD_BYTES; bytes++)
			assert_int_equal(decode(&kinds[k], data, bytes, &body),
				bytes < MAD_BYTES   ? IB_REFUSED_SHORT
				: bytes > MAD_BYTES ? IB_REFUSED_LONG
						    : IB_ACCEPTED);
	}
}

static void datagrams_of_another_kind_are_refused_with_their_reason(void **state)
{
	uint8_t data[MAD_BYTES];
	union body body;

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		memset(&body, 0, sizeof(body));
		keep(&kinds[k], &body);
		encode(&kinds[k], &body, data);
		data[0] ^= 2;
		assert_int_equal(decode(&kinds[k], data, MAD_BYTES, &body), IB_REFUSED_MAD_VERSION);
		data[0] ^= 2;
		data[1] ^= 0x20;
		assert_int_equal(decode(&kinds[k], data, MAD_BYTES, &body), IB_REFUSED_MAD_CLASS);
		data[1] ^= 0x20;
		data[2] ^= 4;
		assert_int_equal(decode(&kinds[k], data, MAD_BYTES, &body), IB_REFUSED_MAD_VERSION);
	}
}

static void unknown_messages_are_refused_and_not_encoded(void **state)
{
	struct cm_message message;
	uint8_t data[MAD_BYTES];

	(void)state;
	for (unsigned attribute = 0; attribute < 0x10000; attribute++) {
		const bool known = attribute >= CM_REQ && attribute <= CM_SIDR_REP;

		memset(&message, 0, sizeof(message));
		cm_header(&message.header, CM_REQ, 1);
		assert_true(cm_encode(&message, data));
		data[16] = (uint8_t)(attribute >> 8);
		data[17] = (uint8_t)attribute;
		assert_int_equal(cm_decode(data, MAD_BYTES, &message),
			known ? IB_ACCEPTED : IB_REFUSED_MAD_ATTRIBUTE);
		assert_int_equal(strcmp(cm_name((uint16_t)attribute), "unknown") != 0, known);
		message.header.attribute = (uint16_t)attribute;
		assert_int_equal(cm_encode(&message, data), known);
	}
}

static void lengths_and_hops_beyond_their_arrays_are_refused(void **state)
{
	struct cm_message message;
	struct smp smp;
	uint8_t data[MAD_BYTES] = { MAD_BASE_VERSION, MAD_CLASS_SUBN_DIRECTED, 1 };

	(void)state;
	for (unsigned count = 0; count < 256; count++)
		for (unsigned pointer = 0; pointer < 256; pointer++) {
			data[6] = (uint8_t)pointer;
			data[7] = (uint8_t)count;
			assert_int_equal(smp_decode(data, MAD_BYTES, &smp),
				count > SMP_HOPS_MOST || pointer > count + 1 ? IB_REFUSED_MAD_FIELD
									     : IB_ACCEPTED);
		}
	memset(&message, 0, sizeof(message));
	for (unsigned bytes = 0; bytes < 128; bytes++) {
		cm_header(&message.header, CM_REJ, 1);
		message.rej.additional_bytes = (uint8_t)bytes;
		assert_int_equal(cm_encode(&message, data), bytes <= CM_ADDITIONAL_BYTES);
		cm_header(&message.header, CM_SIDR_REP, 1);
		message.sidr_rep.additional_bytes = (uint8_t)bytes;
		assert_int_equal(cm_encode(&message, data), bytes <= CM_ADDITIONAL_BYTES);
	}
	cm_header(&message.header, CM_REJ, 1);
	message.rej.additional_bytes = CM_ADDITIONAL_BYTES;
	assert_true(cm_encode(&message, data));
	data[33] = (CM_ADDITIONAL_BYTES + 1) << 1;
	assert_int_equal(cm_decode(data, MAD_BYTES, &message), IB_REFUSED_MAD_FIELD);
}

static void addresses_in_private_data_survive(void **state)
{
	const struct cm_ip was = { .version = 0,
		.ip_version = 4,
		.source_port = 0x1234,
		.source = { [12] = 10, 9, 0, 1 },
		.destination = { [12] = 10, 9, 0, 2 } };
	struct cm_ip is;
	uint8_t data[CM_IP_BYTES];

	(void)state;
	cm_ip_encode(&was, data);
	assert_memory_equal(data, "\0\x40\x12\x34", 4);
	assert_memory_equal(data + 16, "\x0a\x09\0\x01", 4);
	assert_memory_equal(data + 32, "\x0a\x09\0\x02", 4);
	cm_ip_decode(data, &is);
	assert_int_equal(is.ip_version, 4);
	assert_int_equal(is.source_port, 0x1234);
	assert_memory_equal(is.source, was.source, IB_GID_BYTES);
	assert_memory_equal(is.destination, was.destination, IB_GID_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_that_is_not_reserved_belongs_to_one_member),
		cmocka_unit_test(datagrams_survive_the_way_there_and_back),
		cmocka_unit_test(a_req_has_its_members_where_the_table_has_them),
		cmocka_unit_test(datagrams_of_another_length_are_refused),
		cmocka_unit_test(datagrams_of_another_kind_are_refused_with_their_reason),
		cmocka_unit_test(unknown_messages_are_refused_and_not_encoded),
		cmocka_unit_test(lengths_and_hops_beyond_their_arrays_are_refused),
		cmocka_unit_test(addresses_in_private_data_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
