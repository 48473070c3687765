/*
 * RoCEv2 frames: Ethernet, tag, IP, UDP, packet, ICRC.
 *
 * Invariant: every length is checked against the one around it before anything behind it is read.
 * Specification: IBTA volume 1, annex A17 (A17.3.3: the ICRC); RFC 791, 768, 8200; IEEE 802.1Q.
 */
#include <ib/crc.h>
#include <ib/gid.h>
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
 * The masked headers go through a copy: what routers may change is taken as ones (type of service, time
 * to live and header checksum, or traffic class, flow label and hop limit; UDP checksum; the first byte
 * of the BTH's second word).
 */
uint32_t roce_icrc(const uint8_t *const ip, const unsigned bytes)
{
	uint8_t masked[IPV6_BYTES + UDP_HEADER_BYTES + IB_BTH_BYTES];
	const bool ipv6 = ip[0] >> 4 == 6;
	const unsigned header = ipv6 ? IPV6_BYTES : IPV4_HEADER_BYTES;
	const unsigned copied = header + UDP_HEADER_BYTES + IB_BTH_BYTES;

	for (unsigned i = 0; i < copied / 4; i++)
		__builtin_memcpy(masked + 4 * i, ip + 4 * i, 4);
	if (ipv6) {
		octets_write32(masked, 0x6fffffff);
		masked[7] = 0xff;
	} else {
		masked[1] = 0xff;
		masked[8] = 0xff;
		octets_write16(masked + 10, 0xffff);
	}
	octets_write16(masked + header + 6, 0xffff);
	masked[header + UDP_HEADER_BYTES + 4] = 0xff;
	return ~ib_crc_update(
		ib_crc_update_short(MASKED_LRH, masked, copied), ip + copied, bytes - copied);
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

enum ib_refusal roce_decode(
	const uint8_t *const data, const unsigned bytes, struct roce_frame *const frame)
{
	struct place place;
	enum ib_refusal refusal;

	if (bytes > ROCE_FRAME_BYTES_MOST)
		return IB_REFUSED_LONG;
	refusal = path_decode(data, bytes, &frame->path, &place);
	if (refusal == IB_ACCEPTED)
		refusal = ib_packet_decode(
			data + place.packet, place.end - place.packet, &frame->packet);
	if (refusal == IB_ACCEPTED &&
		roce_icrc(data + place.ip, place.end - place.ip) != icrc_stored(data + place.end))
		refusal = IB_REFUSED_ICRC;
	return refusal;
}

/* ---- To bytes ---- */

static void place_parts(const struct roce_path *const path, struct place *const place)
{
	place->ip = ETHERNET_HEADER_BYTES + (path->tagged ? TAG_BYTES : 0);
	place->udp = place->ip + (path->ipv6 ? IPV6_BYTES : IPV4_HEADER_BYTES);
	place->packet = place->udp + UDP_HEADER_BYTES;
}

unsigned roce_payload_offset(const struct roce_frame *const frame)
{
	const unsigned offset = ib_packet_payload_offset(&frame->packet);
	struct place place;

	place_parts(&frame->path, &place);
	return offset != 0 ? place.packet + offset : 0;
}

unsigned roce_bytes(const struct roce_frame *const frame)
{
	const unsigned bytes = ib_packet_bytes(&frame->packet);
	struct place place;

	place_parts(&frame->path, &place);
	return bytes != 0 ? place.packet + bytes + IB_ICRC_BYTES : 0;
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

static void path_encode(const struct roce_path *const path, uint8_t *const data,
	const struct place *const place, const unsigned end)
{
	link_encode(path, data);
	if (path->ipv6)
		packet_encode6(path, data + place->ip, end - place->udp);
	else
		packet_encode4(path, data + place->ip, end - place->udp);
	datagram_encode(path, data + place->udp, end - place->udp);
}

/* Last of all: it covers the ICRC, and the ICRC takes it as ones. 0 is sent as ones, its equal. */
static void udp_checksum_put(
	const struct roce_path *const path, uint8_t *const udp, const unsigned bytes)
{
	const uint16_t found = udp_checksum(udp, bytes, path->ipv6);

	octets_write16(udp + 6, found != 0 ? found : 0xffff);
}

unsigned roce_encode(const struct roce_frame *const frame, uint8_t *const data, const unsigned room)
{
	const unsigned end = roce_bytes(frame);
	const unsigned icrc = end - IB_ICRC_BYTES;
	struct place place;

	if (end == 0 || end > room)
		return 0;
	place_parts(&frame->path, &place);
	path_encode(&frame->path, data, &place, end);
	if (ib_packet_encode(&frame->packet, data + place.packet, icrc - place.packet) == 0)
		return 0;
	octets_write32(data + icrc, __builtin_bswap32(roce_icrc(data + place.ip, icrc - place.ip)));
	if (frame->path.udp_checksum)
		udp_checksum_put(&frame->path, data + place.udp, end - place.udp);
	return end;
}
