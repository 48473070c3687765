/*
 * Fuzzing of InfiniBand's codecs: any bytes as a RoCEv2 frame, as a packet of a link, as a management datagram.
 *
 * Properties, beside the sanitizers': what is accepted lies in the bytes given; it encodes to the same bytes,
 * but for bits that are reserved, padding, checksums and "do not fragment"; that decodes again and encodes to
 * itself; what is refused has a reason with a name.
 *
 * The mutator makes whole frames, packets and datagrams, and mends lengths, checksums and ICRC of what it or
 * libFuzzer's own mutations damaged.
 */
#include <string.h>

#include <ib/cm.h>
#include <ib/crc.h>
#include <ib/native.h>
#include <ib/roce.h>
#include <inet/octets.h>

#include "fuzz.h"

#define ETHERNET 14u
#define TAG      4u
#define UDP      8u
#define KINDS    3u

enum { KIND_ROCE, KIND_NATIVE, KIND_DATAGRAM };

static uint8_t again[ROCE_FRAME_BYTES_MOST], twice[ROCE_FRAME_BYTES_MOST];

static void claim_reason(const enum ib_refusal refusal)
{
	claim(refusal > IB_ACCEPTED && refusal < IB_REFUSALS, "a refusal has a reason");
	claim(strcmp(ib_refusal_name(refusal), "unknown") != 0, "a reason has a name");
}

/* ---- Transport packets ---- */

/* Bits that a receiver ignores, from the BTH's first byte. */
static void ignore_packet(uint8_t *const mask, const struct ib_packet *const packet)
{
	const unsigned at = ib_packet_payload_offset(packet) + packet->payload_bytes;

	mask[4] |= 0x3f;
	mask[8] |= 0x7f;
	if (ib_opcode_layout(packet->bth.opcode) & IB_HAS_DETH)
		mask[IB_BTH_BYTES + 4] |= 0xff;
	memset(mask + at, 0xff, packet->bth.pad_bytes + IB_ICRC_BYTES);
}

static void claim_payload(
	const struct ib_packet *const packet, const uint8_t *const data, const size_t size)
{
	claim(packet->payload >= data && packet->payload_bytes <= IB_MTU_MOST &&
			packet->payload + packet->payload_bytes + IB_ICRC_BYTES <= data + size,
		"a payload lies in its frame");
	claim(packet->bth.psn <= IB_PSN_MASK && packet->bth.destination <= IB_QPN_MASK,
		"numbers have 24 bits");
}

static void claim_same(const uint8_t *const data, const uint8_t *const mask, const size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		claim(((data[i] ^ again[i]) & ~mask[i]) == 0,
			"what was decoded encodes to the same bytes");
}

/* ---- Frames and packets of links ---- */

static void try_roce(const uint8_t *const data, const size_t size)
{
	static uint8_t mask[ROCE_FRAME_BYTES_MOST];
	struct roce_frame frame, other;
	const enum ib_refusal refusal = roce_decode(data, (unsigned)size, &frame);
	unsigned bytes, ip;

	if (refusal != IB_ACCEPTED) {
		claim_reason(refusal);
		return;
	}
	claim_payload(&frame.packet, data, size);
	ib_crc_fold(true);
	claim(roce_decode(data, (unsigned)size, &frame) == IB_ACCEPTED,
		"multiplied, the ICRC is the same as by the tables");
	ib_crc_fold(false);
	bytes = roce_encode(&frame, again, sizeof(again));
	claim(bytes != 0 && bytes <= size, "what was decoded can be encoded");
	memset(mask, 0, bytes);
	ip = ETHERNET + (frame.path.tagged ? TAG : 0);
	if (!frame.path.ipv6) {
		mask[ip + 6] = 0x40;
		memset(mask + ip + 10, 0xff, 2);
	}
	memset(mask + ip + (frame.path.ipv6 ? 46 : 26), 0xff, 2);
	ignore_packet(mask + ip + (frame.path.ipv6 ? 48 : 28), &frame.packet);
	claim_same(data, mask, bytes);
	claim(roce_decode(again, bytes, &other) == IB_ACCEPTED, "what was encoded decodes");
	claim(roce_encode(&other, twice, sizeof(twice)) == bytes &&
			memcmp(again, twice, bytes) == 0,
		"what was encoded encodes to itself");
}

static void try_native(const uint8_t *const data, const size_t size)
{
	static uint8_t mask[NATIVE_BYTES_MOST];
	struct native_packet native, other;
	const enum ib_refusal refusal = native_decode(data, (unsigned)size, &native);
	unsigned bytes;

	if (refusal != IB_ACCEPTED) {
		claim_reason(refusal);
		return;
	}
	claim_payload(&native.packet, data, size);
	bytes = native_encode(&native, again, sizeof(again));
	claim(bytes == size, "what was decoded can be encoded");
	memset(mask, 0, bytes);
	mask[1] = 0x0c;
	mask[4] = 0xf8;
	ignore_packet(mask + IB_LRH_BYTES + (native.global ? IB_GRH_BYTES : 0), &native.packet);
	claim_same(data, mask, bytes);
	claim(native_decode(again, bytes, &other) == IB_ACCEPTED, "what was encoded decodes");
	claim(native_encode(&other, twice, sizeof(twice)) == bytes &&
			memcmp(again, twice, bytes) == 0,
		"what was encoded encodes to itself");
}

/* ---- Management datagrams ---- */

union body {
	struct smp smp;
	struct sa sa;
	struct cm_message cm;
};

static enum ib_refusal datagram_decode(
	const uint8_t *const data, const size_t size, const uint8_t class, union body *const body)
{
	switch (class) {
	case MAD_CLASS_CM:
		return cm_decode(data, (unsigned)size, &body->cm);
	case MAD_CLASS_SUBN_ADM:
		return sa_decode(data, (unsigned)size, &body->sa);
	default:
		return smp_decode(data, (unsigned)size, &body->smp);
	}
}

static void datagram_encode(const uint8_t class, const union body *const body, uint8_t *const to)
{
	switch (class) {
	case MAD_CLASS_CM:
		claim(cm_encode(&body->cm, to), "what was decoded can be encoded");
		break;
	case MAD_CLASS_SUBN_ADM:
		sa_encode(&body->sa, to);
		break;
	default:
		smp_encode(&body->smp, to);
	}
}

static void claim_lengths(const union body *const body)
{
	const struct mad_header *const header = &body->cm.header;
	const bool cm = header->class == MAD_CLASS_CM;

	if (header->class == MAD_CLASS_SUBN_DIRECTED)
		claim(body->smp.hop_count <= SMP_HOPS_MOST &&
				body->smp.hop_pointer <= body->smp.hop_count + 1,
			"hops stay within their path");
	if (cm && header->attribute == CM_REJ)
		claim(body->cm.rej.additional_bytes <= CM_ADDITIONAL_BYTES,
			"additional information stays within its array");
	if (cm && header->attribute == CM_SIDR_REP)
		claim(body->cm.sidr_rep.additional_bytes <= CM_ADDITIONAL_BYTES,
			"additional information stays within its array");
}

static void try_datagram(const uint8_t *const data, const size_t size)
{
	const uint8_t class = size > 1 ? data[1] : 0;
	static union body body, other;
	enum ib_refusal refusal;

	memset(&body, 0, sizeof(body));
	memset(&other, 0, sizeof(other));
	refusal = datagram_decode(data, size, class, &body);
	if (refusal != IB_ACCEPTED) {
		claim_reason(refusal);
		return;
	}
	claim(size == MAD_BYTES, "a datagram has its length");
	claim_lengths(&body);
	datagram_encode(class, &body, again);
	for (unsigned i = 0; i < MAD_BYTES; i++)
		claim((again[i] & ~data[i]) == 0, "encoding adds no bit");
	claim(datagram_decode(again, MAD_BYTES, class, &other) == IB_ACCEPTED,
		"what was encoded decodes");
	datagram_encode(class, &other, twice);
	claim(memcmp(again, twice, MAD_BYTES) == 0, "what was encoded encodes to itself");
}

/* The first byte says what the others are. They end where their memory does. */
int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % KINDS == KIND_ROCE)
		try_roce(data + 1, size - 1);
	else if (data[0] % KINDS == KIND_NATIVE)
		try_native(data + 1, size - 1);
	else
		try_datagram(data + 1, size - 1);
	return 0;
}

/* ---- The mutator ---- */

static void fill(void *const to, const size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = (uint8_t)(pick(4) == 0 ? 0xff * pick(2) : pick(256));
}

static bool flag(void)
{
	return pick(2) != 0;
}

/* An opcode that is known, and a payload that it may have. */
static void make_packet(struct ib_packet *const packet)
{
	static const unsigned sizes[] = { 0, 1, 2, 3, 4, 7, 16, 64, 255, 256, 1024 };
	static uint8_t payload[1024];
	unsigned layout;

	fill(&packet->deth, sizeof(packet->deth));
	fill(&packet->reth, sizeof(packet->reth));
	fill(&packet->atomic, sizeof(packet->atomic));
	fill(&packet->atomic_ack, sizeof(packet->atomic_ack));
	fill(&packet->aeth.syndrome, 1);
	packet->aeth.msn = pick(IB_PSN_MASK);
	packet->immediate = random_state;
	packet->invalidate = random_state;
	do {
		packet->bth.opcode = (uint8_t)pick(256);
		layout = ib_opcode_layout(packet->bth.opcode);
	} while (layout == 0);
	packet->bth.solicited = flag();
	packet->bth.migrated = flag();
	packet->bth.pkey = (uint16_t)pick(0x10000);
	packet->bth.forward_congested = flag();
	packet->bth.backward_congested = flag();
	packet->bth.destination = pick(4) == 0 ? IB_QPN_MASK : pick(64);
	packet->bth.acknowledge = flag();
	packet->bth.psn = pick(4) == 0 ? IB_PSN_MASK : pick(256);
	packet->payload = payload;
	packet->payload_bytes = layout & IB_IS_CONGESTION ? IB_CNP_PAYLOAD_BYTES
				: layout & IB_HAS_PAYLOAD ? sizes[pick(11)]
							  : 0;
	fill(payload, packet->payload_bytes);
}

static size_t make_roce(uint8_t *const data, const size_t most)
{
	struct roce_frame frame = { .path = { .tagged = flag(),
					    .tag = (uint16_t)pick(0x10000),
					    .ipv6 = flag(),
					    .traffic_class = (uint8_t)pick(256),
					    .hop_limit = (uint8_t)pick(256),
					    .flow_label = pick(0x100000),
					    .identification = (uint16_t)pick(0x10000),
					    .source_port = (uint16_t)(pick(0x10000) | 1),
					    .udp_checksum = flag() } };

	fill(frame.path.source, IB_GID_BYTES);
	fill(frame.path.destination, IB_GID_BYTES);
	make_packet(&frame.packet);
	return roce_encode(&frame, data, (unsigned)most);
}

static size_t make_native(uint8_t *const data, const size_t most)
{
	struct native_packet native = { .global = flag() };

	fill(&native.lrh, sizeof(native.lrh));
	fill(&native.grh, sizeof(native.grh));
	make_packet(&native.packet);
	return native_encode(&native, data, (unsigned)most);
}

static size_t make_datagram(uint8_t *const data, const size_t most)
{
	static const uint8_t classes[][2] = { { MAD_CLASS_CM, 2 }, { MAD_CLASS_SUBN_ADM, 2 },
		{ MAD_CLASS_SUBN_LID, 1 }, { MAD_CLASS_SUBN_DIRECTED, 1 } };
	const uint32_t kind = pick(4);

	if (most < MAD_BYTES)
		return 0;
	fill(data, MAD_BYTES);
	data[0] = MAD_BASE_VERSION;
	memcpy(data + 1, classes[kind], 2);
	data[16] = 0;
	data[17] = (uint8_t)(CM_REQ + pick(9));
	if (kind == 3) {
		data[7] &= SMP_HOPS_MOST;
		data[6] = (uint8_t)pick(data[7] + 2u);
	}
	return MAD_BYTES;
}

/* ---- Mending ---- */

static unsigned sum(const uint8_t *const data, const size_t bytes, unsigned total)
{
	for (size_t i = 0; i < bytes; i++)
		total += i % 2 == 0 ? (unsigned)data[i] << 8 : data[i];
	while (total > 0xffff)
		total = (total >> 16) + (total & 0xffff);
	return total;
}

static void mend_ip(uint8_t *const ip, const size_t rest, const bool ipv6)
{
	if (ipv6) {
		octets_write16(ip + 4, (uint16_t)(rest - 40));
		return;
	}
	octets_write16(ip + 2, (uint16_t)rest);
	octets_write16(ip + 10, 0);
	octets_write16(ip + 10, (uint16_t)~sum(ip, 20, 0));
}

/*
 * Lengths, sums and ICRC of what is still a frame by its types; the BTH's padding sometimes. Or its headers agree with each
 * other on more than there is.
 */
static void mend_roce(uint8_t *const data, const size_t size)
{
	const size_t ip = ETHERNET + (size >= 18 && octets_read16(data + 12) == 0x8100 ? TAG : 0);
	const bool ipv6 = size > ip && data[ip] >> 4 == 6;
	const size_t header = ipv6 ? 40 : 20, udp = ip + header;
	const size_t said = size + (pick(16) == 0 ? 4 * pick(16) : 0);
	uint32_t icrc;

	if (size < udp + UDP + IB_BTH_BYTES + IB_ICRC_BYTES)
		return;
	if (pick(8) != 0)
		mend_ip(data + ip, said - ip, ipv6);
	if (pick(8) != 0)
		octets_write16(data + udp + 4, (uint16_t)(said - udp));
	if (pick(4) != 0)
		octets_write16(data + udp + 6, 0);
	if (pick(16) == 0)
		return;
	icrc = roce_icrc(data + ip, (unsigned)(size - IB_ICRC_BYTES - ip));
	octets_write32(data + size - IB_ICRC_BYTES, __builtin_bswap32(icrc));
}

static size_t cut(const size_t size, const size_t most)
{
	const size_t other = pick(2) == 0 ? size - pick((uint32_t)size + 1) : size + 4 * pick(8);

	return other < most ? other : most;
}

static size_t mutate(const unsigned kind, uint8_t *const data, size_t size, const size_t most)
{
	if (size == 0 || pick(6) == 0)
		size = kind == KIND_ROCE     ? make_roce(data, most)
		       : kind == KIND_NATIVE ? make_native(data, most)
					     : make_datagram(data, most);
	if (size != 0 && pick(2) == 0)
		data[pick((uint32_t)(size < 90 ? size : 90))] ^= (uint8_t)(1 << pick(8));
	if (pick(4) == 0)
		size = LLVMFuzzerMutate(data, size, most);
	if (size != 0 && pick(6) == 0) {
		const size_t before = size;

		size = cut(size, most);
		if (size > before)
			fill(data + before, size - before);
	}
	if (kind == KIND_ROCE)
		mend_roce(data, size);
	return size;
}

size_t LLVMFuzzerCustomMutator(
	uint8_t *const data, const size_t size, const size_t most, const unsigned seed)
{
	random_begin(seed);
	for (unsigned i = 0; i < 4; i++)
		pick(2);
	if (most < 2)
		return size;
	if (size == 0 || pick(16) == 0)
		data[0] = (uint8_t)pick(KINDS);
	return 1 + mutate(data[0] % KINDS, data + 1, size > 0 ? size - 1 : 0, most - 1);
}
