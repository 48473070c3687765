/*
 * RoCEv2 frames: Ethernet, tag, IP, UDP, packet, ICRC.
 *
 * Invariant: every length is checked against the one around it before anything behind it is read.
 * Specification: IBTA volume 1, annex A17 (A17.3.3: the ICRC); RFC 791, 768, 8200; IEEE 802.1Q.
 */
#include <ib/crc.h>
#include <ib/gid.h>
#include <ib/plain.h>
#include <ib/roce.h>
#include <inet/checksum.h>
#include <inet/ethernet.h>
#include <inet/ipv4.h>
#include <inet/udp.h>

#define ETHERNET_IPV6 0x86ddu
#define ETHERNET_TAG  0x8100u
#define AT_TYPE       12u
#define TAG_BYTES     4u
#define IPV6_BYTES    40u
#define LOW_20        0xfffffu

/* Ones in place of the eight bytes that an InfiniBand link's LRH has there. */
#define MASKED_LRH 0xdebb20e3u

/* Where the parts of a frame are. */
struct place {
	unsigned ip, udp, packet, end; /* end: behind the padding, where the ICRC begins */
};

/* ---- Sums ---- */

/*
 * One's complement sums are the same in any order of bytes: they are taken as the processor loads them, and
 * the checksum is turned round.
 */
static uint64_t words_sum(const uint8_t *const data, const unsigned words)
{
	uint64_t total = 0, word;

	for (unsigned i = 0; i < words; i++) {
		__builtin_memcpy(&word, data + 8 * i, sizeof(word));
		total += (word & 0xffffffff) + (word >> 32);
	}
	return total;
}

static uint64_t rest_sum(const uint8_t *const data, const unsigned bytes)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < bytes; i++)
		word |= (uint64_t)data[i] << 8 * i;
	return (word & 0xffffffff) + (word >> 32);
}

/* Of both addresses in a header. */
static uint64_t addresses_sum(const uint8_t *const data, const unsigned bytes)
{
	uint64_t total = 0;
	uint32_t word;

	for (unsigned i = 0; i < bytes / 4; i++) {
		__builtin_memcpy(&word, data + 4 * i, sizeof(word));
		total += word;
	}
	return total;
}

/* With its own field and the payload; addresses of both versions stand right before the UDP header. */
static uint16_t udp_checksum(const uint8_t *const udp, const unsigned bytes, const bool ipv6)
{
	const unsigned addresses = 2 * (ipv6 ? IB_GID_BYTES : 4);
	const unsigned whole = bytes / 8 * 8;
	const uint64_t pseudo = addresses_sum(udp - addresses, addresses) +
				__builtin_bswap16(IPV4_UDP) + __builtin_bswap16((uint16_t)bytes);
	const uint64_t total =
		pseudo + words_sum(udp, bytes / 8) + rest_sum(udp + whole, bytes - whole);

	return __builtin_bswap16(checksum_end(total));
}

/*
 * What routers may change counts as ones: type of service, time to live and header checksum, or traffic class,
 * flow label and hop limit; the UDP checksum; the first byte of the BTH's second word.
 */
#define AT(byte) (IB_CRC_LEAD + (byte))
#define START_BYTES                                                                                \
	{                                                                                          \
		[AT(0)] = 0xe3, 0x20, 0xbb, 0xde                                                   \
	} /* MASKED_LRH */

static const struct ib_crc_form form4 = { .start = START_BYTES,
	.ones = { [AT(1)] = 0xff,
		[AT(8)] = 0xff,
		[AT(10)] = 0xff,
		[AT(11)] = 0xff,
		[AT(26)] = 0xff,
		[AT(27)] = 0xff,
		[AT(32)] = 0xff },
	.blocks = 3 };
static const struct ib_crc_form form6 = { .start = START_BYTES,
	.ones = { [AT(0)] = 0x0f,
		[AT(1)] = 0xff,
		[AT(2)] = 0xff,
		[AT(3)] = 0xff,
		[AT(7)] = 0xff,
		[AT(46)] = 0xff,
		[AT(47)] = 0xff,
		[AT(52)] = 0xff },
	.blocks = 5 };

/* Through the tables the headers go in a copy with the ones in it. Apart: the other way needs no room for it. */
__attribute__((noinline)) static uint32_t icrc_by_tables(
	const struct ib_crc_form *const form, const uint8_t *const ip, const unsigned bytes)
{
	uint8_t masked[IPV6_BYTES + UDP_HEADER_BYTES + IB_BTH_BYTES];
	const unsigned header = form == &form6 ? IPV6_BYTES : IPV4_HEADER_BYTES;
	const unsigned copied = header + UDP_HEADER_BYTES + IB_BTH_BYTES;

	for (unsigned i = 0; i < copied; i += 4)
		octets_write32(
			masked + i, octets_read32(ip + i) | octets_read32(form->ones + AT(i)));
	return ~ib_crc_update(
		ib_crc_update_short(MASKED_LRH, masked, copied), ip + copied, bytes - copied);
}

static inline uint32_t icrc(
	const struct ib_crc_form *const form, const uint8_t *const ip, const unsigned bytes)
{
	if (ib_crc_folds() && bytes % 4 == 0)
		return ~ib_crc_whole(form, ip, bytes);
	return icrc_by_tables(form, ip, bytes);
}

static const struct ib_crc_form *form_of(const uint8_t *const ip)
{
	return ip[0] >> 4 == IB_GRH_VERSION ? &form6 : &form4;
}

uint32_t roce_icrc(const uint8_t *const ip, const unsigned bytes)
{
	return icrc(form_of(ip), ip, bytes);
}

static uint32_t icrc_stored(const uint8_t *const at)
{
	return __builtin_bswap32(octets_read32(at));
}

/* ---- From bytes ---- */

static enum ib_refusal link_decode(const uint8_t *const data, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	uint16_t type;

	if (bytes < ETHERNET_HEADER_BYTES + TAG_BYTES)
		return IB_REFUSED_SHORT;
	ethernet_copy(path->destination_mac, data);
	ethernet_copy(path->source_mac, data + ETHERNET_ADDRESS_BYTES);
	type = octets_read16(data + AT_TYPE);
	path->tagged = type == ETHERNET_TAG;
	path->tag = path->tagged ? octets_read16(data + AT_TYPE + 2) : 0;
	place->ip = ETHERNET_HEADER_BYTES + (path->tagged ? TAG_BYTES : 0);
	if (path->tagged)
		type = octets_read16(data + AT_TYPE + TAG_BYTES);
	path->ipv6 = type == ETHERNET_IPV6;
	return path->ipv6 || type == ETHERNET_IPV4 ? IB_ACCEPTED : IB_REFUSED_NOT_ROCE;
}

static enum ib_refusal ipv4_refusal(const enum ipv4_verdict verdict)
{
	if (verdict == IPV4_CHECKSUM)
		return IB_REFUSED_IP_CHECKSUM;
	if (verdict == IPV4_FRAGMENT)
		return IB_REFUSED_IP_FRAGMENT;
	return IB_REFUSED_IP_HEADER;
}

static enum ib_refusal packet_decode4(const uint8_t *const ip, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	struct ipv4_header header;
	const enum ipv4_verdict verdict = ipv4_decode(ip, bytes, &header);

	if (verdict != IPV4_GOOD)
		return ipv4_refusal(verdict);
	if (header.protocol != IPV4_UDP)
		return IB_REFUSED_NOT_ROCE;
	path->traffic_class = header.service;
	path->hop_limit = header.ttl;
	path->identification = header.identification;
	path->flow_label = 0;
	gid_from_ipv4(path->source, header.source);
	gid_from_ipv4(path->destination, header.destination);
	place->udp = place->ip + IPV4_HEADER_BYTES;
	place->end = place->udp + header.payload_bytes;
	return IB_ACCEPTED;
}

static enum ib_refusal packet_decode6(const uint8_t *const ip, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	struct ib_grh header; /* the same */

	if (bytes < IPV6_BYTES)
		return IB_REFUSED_SHORT;
	ib_grh_decode(ip, &header);
	if (header.version != IB_GRH_VERSION || header.payload_bytes > bytes - IPV6_BYTES)
		return IB_REFUSED_IP_HEADER;
	if (header.next != IPV4_UDP)
		return IB_REFUSED_NOT_ROCE;
	path->traffic_class = header.traffic_class;
	path->hop_limit = header.hop_limit;
	path->identification = 0;
	path->flow_label = header.flow_label;
	gid_copy(path->source, header.source);
	gid_copy(path->destination, header.destination);
	place->udp = place->ip + IPV6_BYTES;
	place->end = place->udp + header.payload_bytes;
	return IB_ACCEPTED;
}

static enum ib_refusal packet_decode(const uint8_t *const data, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	const uint8_t *const ip = data + place->ip;
	const unsigned rest = bytes - place->ip;

	return path->ipv6 ? packet_decode6(ip, rest, path, place)
			  : packet_decode4(ip, rest, path, place);
}

static enum ib_refusal datagram_decode(
	const uint8_t *const data, struct roce_path *const path, struct place *const place)
{
	const uint8_t *const udp = data + place->udp;
	const unsigned bytes = place->end - place->udp;

	if (bytes < UDP_HEADER_BYTES)
		return IB_REFUSED_SHORT;
	if (octets_read16(udp + 2) != ROCE_PORT)
		return IB_REFUSED_NOT_ROCE;
	if (octets_read16(udp + 4) != bytes)
		return IB_REFUSED_UDP_LENGTH;
	if (bytes < UDP_HEADER_BYTES + IB_BTH_BYTES + IB_ICRC_BYTES)
		return IB_REFUSED_SHORT;
	path->source_port = octets_read16(udp);
	path->udp_checksum = octets_read16(udp + 6) != 0;
	if (path->udp_checksum && udp_checksum(udp, bytes, path->ipv6) != 0)
		return IB_REFUSED_UDP_CHECKSUM;
	place->packet = place->udp + UDP_HEADER_BYTES;
	place->end -= IB_ICRC_BYTES;
	return IB_ACCEPTED;
}

static enum ib_refusal path_decode(const uint8_t *const data, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	enum ib_refusal refusal = link_decode(data, bytes, path, place);

	if (refusal == IB_ACCEPTED)
		refusal = packet_decode(data, bytes, path, place);
	if (refusal == IB_ACCEPTED)
		refusal = datagram_decode(data, path, place);
	return refusal;
}

/* As path_decode would; 0: it has to say why not, or how. */
static bool path_read(const uint8_t *const data, const unsigned bytes, struct roce_path *const path,
	struct place *const place)
{
	const unsigned datagram = plain_judge(data, bytes);

	if (datagram == 0)
		return false;
	ethernet_copy(path->destination_mac, data);
	ethernet_copy(path->source_mac, data + ETHERNET_ADDRESS_BYTES);
	path->tagged = path->ipv6 = path->udp_checksum = false;
	path->tag = 0;
	path->flow_label = 0;
	path->traffic_class = data[PLAIN_IP + 1];
	path->hop_limit = data[PLAIN_IP + 8];
	path->identification = octets_read16(data + PLAIN_IP + 4);
	path->source_port = octets_read16(data + PLAIN_UDP);
	plain_gid(path->source, data + PLAIN_IP + 12);
	plain_gid(path->destination, data + PLAIN_IP + 16);
	*place = (struct place){ PLAIN_IP, PLAIN_UDP, PLAIN_PACKET,
		PLAIN_UDP + datagram - IB_ICRC_BYTES };
	return true;
}

enum ib_refusal roce_decode(
	const uint8_t *const data, const unsigned bytes, struct roce_frame *const frame)
{
	struct place place;
	enum ib_refusal refusal = IB_ACCEPTED;

	if (bytes > ROCE_FRAME_BYTES_MOST)
		return IB_REFUSED_LONG;
	if (!path_read(data, bytes, &frame->path, &place))
		refusal = path_decode(data, bytes, &frame->path, &place);
	if (refusal == IB_ACCEPTED)
		refusal = ib_packet_decode(
			data + place.packet, place.end - place.packet, &frame->packet);
	if (refusal == IB_ACCEPTED &&
		icrc(frame->path.ipv6 ? &form6 : &form4, data + place.ip, place.end - place.ip) !=
			icrc_stored(data + place.end))
		refusal = IB_REFUSED_ICRC;
	return refusal;
}

/* ---- To bytes ---- */

static unsigned headers_bytes(const struct roce_path *const path)
{
	return ETHERNET_HEADER_BYTES + (path->tagged ? TAG_BYTES : 0) + UDP_HEADER_BYTES +
	       (path->ipv6 ? IPV6_BYTES : IPV4_HEADER_BYTES);
}

unsigned roce_payload_offset(const struct roce_frame *const frame)
{
	const unsigned offset = ib_packet_payload_offset(&frame->packet);

	return offset != 0 ? headers_bytes(&frame->path) + offset : 0;
}

unsigned roce_bytes(const struct roce_frame *const frame)
{
	const unsigned bytes = ib_packet_bytes(&frame->packet);

	return bytes != 0 ? headers_bytes(&frame->path) + bytes + IB_ICRC_BYTES : 0;
}

static void link_encode(const struct roce_path *const path, uint8_t *const data)
{
	const uint16_t type = path->ipv6 ? ETHERNET_IPV6 : ETHERNET_IPV4;

	ethernet_copy(data, path->destination_mac);
	ethernet_copy(data + ETHERNET_ADDRESS_BYTES, path->source_mac);
	octets_write16(data + AT_TYPE, path->tagged ? ETHERNET_TAG : type);
	if (path->tagged) {
		octets_write16(data + AT_TYPE + 2, path->tag);
		octets_write16(data + AT_TYPE + TAG_BYTES, type);
	}
}

static void plain_encode(
	const struct roce_path *const path, uint8_t *const data, const unsigned bytes)
{
	const struct plain plain = { .destination_mac = path->destination_mac,
		.source_mac = path->source_mac,
		.source = path->source,
		.destination = path->destination,
		.service = path->traffic_class,
		.hop_limit = path->hop_limit,
		.identification = path->identification,
		.source_port = path->source_port };

	plain_write(&plain, bytes, data);
}

static void packet_encode4(
	const struct roce_path *const path, uint8_t *const ip, const unsigned bytes)
{
	const struct ipv4_header header = { .source = gid_to_ipv4(path->source),
		.destination = gid_to_ipv4(path->destination),
		.identification = path->identification,
		.payload_bytes = (uint16_t)bytes,
		.service = path->traffic_class,
		.ttl = path->hop_limit,
		.protocol = IPV4_UDP };

	ipv4_encode(&header, ip);
}

static void packet_encode6(
	const struct roce_path *const path, uint8_t *const ip, const unsigned bytes)
{
	struct ib_grh header = { .version = IB_GRH_VERSION,
		.traffic_class = path->traffic_class,
		.flow_label = path->flow_label,
		.payload_bytes = (uint16_t)bytes,
		.next = IPV4_UDP,
		.hop_limit = path->hop_limit };

	gid_copy(header.source, path->source);
	gid_copy(header.destination, path->destination);
	ib_grh_encode(&header, ip);
}

/* All but its checksum, which is 0. */
static void datagram_encode(
	const struct roce_path *const path, uint8_t *const udp, const unsigned bytes)
{
	octets_write16(udp, path->source_port);
	octets_write16(udp + 2, ROCE_PORT);
	octets_write16(udp + 4, (uint16_t)bytes);
	octets_write16(udp + 6, 0);
}

static void path_encode(const struct roce_path *const path, uint8_t *const data, const unsigned ip,
	const unsigned packet, const unsigned end)
{
	const unsigned udp = packet - UDP_HEADER_BYTES;

	if (!path->tagged && !path->ipv6) {
		plain_encode(path, data, end - udp);
		return;
	}
	link_encode(path, data);
	if (path->ipv6)
		packet_encode6(path, data + ip, end - udp);
	else
		packet_encode4(path, data + ip, end - udp);
	datagram_encode(path, data + udp, end - udp);
}

/* Last of all: it covers the ICRC, and the ICRC takes it as ones. 0 is sent as ones, its equal. */
static void udp_checksum_put(
	const struct roce_path *const path, uint8_t *const udp, const unsigned bytes)
{
	const uint16_t found = udp_checksum(udp, bytes, path->ipv6);

	octets_write16(udp + 6, found != 0 ? found : 0xffff);
}

void roce_seal(uint8_t *const ip, const unsigned bytes)
{
	const uint32_t found = icrc(form_of(ip), ip, bytes);

	__builtin_memcpy(ip + bytes, &found, sizeof(found));
}

unsigned roce_encode(const struct roce_frame *const frame, uint8_t *const data, const unsigned room)
{
	const struct roce_path *const path = &frame->path;
	const unsigned packet = headers_bytes(path), bytes = ib_packet_bytes(&frame->packet);
	const unsigned ip = ETHERNET_HEADER_BYTES + (path->tagged ? TAG_BYTES : 0);
	const unsigned icrc = packet + bytes, end = icrc + IB_ICRC_BYTES;

	if (bytes == 0 || end > room)
		return 0;
	path_encode(path, data, ip, packet, end);
	ib_packet_write(&frame->packet, data + packet);
	roce_seal(data + ip, icrc - ip);
	if (path->udp_checksum)
		udp_checksum_put(
			path, data + packet - UDP_HEADER_BYTES, end - packet + UDP_HEADER_BYTES);
	return end;
}
