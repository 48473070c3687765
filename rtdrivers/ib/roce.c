/*
 * RoCEv2 frames: Ethernet, tag, IP, UDP, packet, ICRC.
 *
 * Invariant: every length is checked against the one around it before anything behind it is read.
 * Specification: IBTA volume 1, annex A17 (A17.3.3: the ICRC); RFC 791, 768, 8200; IEEE 802.1Q.
 */
#include <ib/bytes.h>
#include <ib/crc.h>
#include <ib/roce.h>

#define PROTOCOL_UDP      17u
#define IPV4_FIRST        0x45u /* version 4, five words of header */
#define IPV4_MORE         0x1u  /* flag: more fragments */
#define IPV4_OFFSET       0x1fffu
#define LOW_20            0xfffffu
#define IPV6_PREFIX_BYTES 12u /* of a GID that holds an IPv4 address */

/* Ones in place of the eight bytes that an InfiniBand link's LRH has there. */
#define MASKED_LRH 0xdebb20e3u

/* Where the parts of a frame are. */
struct place {
	unsigned ip, udp, packet, end; /* end: behind the padding, where the ICRC begins */
};

static void mac_copy(uint8_t *const to, const uint8_t *const from)
{
	__builtin_memcpy(to, from, 4);
	__builtin_memcpy(to + 4, from + 4, 2);
}

/* ::ffff:a.b.c.d */
static void gid_from_ipv4(uint8_t *const gid, const uint8_t *const address)
{
	put64(gid, 0);
	put32(gid + 8, 0xffff);
	__builtin_memcpy(gid + IPV6_PREFIX_BYTES, address, 4);
}

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

/* An IPv4 header, or the addresses of a header: a multiple of four bytes. */
static uint64_t header_sum(const uint8_t *const data, const unsigned bytes)
{
	uint64_t total = 0;
	uint32_t word;

	for (unsigned i = 0; i < bytes / 4; i++) {
		__builtin_memcpy(&word, data + 4 * i, sizeof(word));
		total += word;
	}
	return total;
}

/* The Internet's checksum: one's complement of the one's complement sum, of 16 bits. */
static uint16_t checksum(uint64_t total)
{
	total = (total >> 32) + (total & 0xffffffff);
	total = (total >> 16) + (total & 0xffff);
	total = (total >> 16) + (total & 0xffff);
	total = (total >> 16) + (total & 0xffff);
	return __builtin_bswap16((uint16_t)~total);
}

/* With its own field and the payload; addresses of both versions stand right before the UDP header. */
static uint16_t udp_checksum(
	const uint8_t *const udp, const unsigned bytes, const unsigned address_bytes)
{
	const unsigned whole = bytes / 8 * 8;
	const uint64_t pseudo = header_sum(udp - 2 * address_bytes, 2 * address_bytes) +
				__builtin_bswap16(PROTOCOL_UDP) +
				__builtin_bswap16((uint16_t)bytes);

	return checksum(pseudo + words_sum(udp, bytes / 8) + rest_sum(udp + whole, bytes - whole));
}

/*
 * The masked headers go through a copy: what routers may change is taken as ones (type of service, time
 * to live and header checksum, or traffic class, flow label and hop limit; UDP checksum; the first byte
 * of the BTH's second word).
 */
uint32_t roce_icrc(const uint8_t *const ip, const unsigned bytes)
{
	uint8_t masked[ROCE_IPV6_BYTES + ROCE_UDP_BYTES + IB_BTH_BYTES];
	const bool ipv6 = ip[0] >> 4 == 6;
	const unsigned header = ipv6 ? ROCE_IPV6_BYTES : ROCE_IPV4_BYTES;
	const unsigned copied = header + ROCE_UDP_BYTES + IB_BTH_BYTES;

	for (unsigned i = 0; i < copied / 4; i++)
		__builtin_memcpy(masked + 4 * i, ip + 4 * i, 4);
	if (ipv6) {
		put32(masked, 0x6fffffff);
		masked[7] = 0xff;
	} else {
		masked[1] = 0xff;
		masked[8] = 0xff;
		put16(masked + 10, 0xffff);
	}
	put16(masked + header + 6, 0xffff);
	masked[header + ROCE_UDP_BYTES + 4] = 0xff;
	return ~ib_crc_update(
		ib_crc_update_short(MASKED_LRH, masked, copied), ip + copied, bytes - copied);
}

static uint32_t icrc_stored(const uint8_t *const at)
{
	return __builtin_bswap32(get32(at));
}

/* ---- From bytes ---- */

static enum ib_refusal ethernet_decode(const uint8_t *const data, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	uint16_t type;

	if (bytes < ROCE_ETHERNET_BYTES + ROCE_TAG_BYTES)
		return IB_REFUSED_SHORT;
	mac_copy(path->destination_mac, data);
	mac_copy(path->source_mac, data + ROCE_MAC_BYTES);
	type = get16(data + 12);
	path->tagged = type == ROCE_ETHERTYPE_TAG;
	path->tag = path->tagged ? get16(data + 14) : 0;
	place->ip = ROCE_ETHERNET_BYTES;
	if (path->tagged) {
		place->ip += ROCE_TAG_BYTES;
		type = get16(data + 16);
	}
	path->ipv6 = type == ROCE_ETHERTYPE_IPV6;
	return path->ipv6 || type == ROCE_ETHERTYPE_IPV4 ? IB_ACCEPTED : IB_REFUSED_NOT_ROCE;
}

static enum ib_refusal ipv4_decode(const uint8_t *const ip, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	const uint16_t fragment = get16(ip + 6);
	const uint16_t total = get16(ip + 2);

	if (ip[0] != IPV4_FIRST)
		return IB_REFUSED_IP_HEADER;
	if (ip[9] != PROTOCOL_UDP)
		return IB_REFUSED_NOT_ROCE;
	if (fragment & IPV4_OFFSET || fragment >> 13 & IPV4_MORE)
		return IB_REFUSED_IP_FRAGMENT;
	if (total < ROCE_IPV4_BYTES + ROCE_UDP_BYTES || total > bytes)
		return IB_REFUSED_IP_LENGTH;
	if (checksum(header_sum(ip, ROCE_IPV4_BYTES)) != 0)
		return IB_REFUSED_IP_CHECKSUM;
	path->traffic_class = ip[1];
	path->identification = get16(ip + 4);
	path->flags = (uint8_t)(fragment >> 13);
	path->hop_limit = ip[8];
	path->flow_label = 0;
	gid_from_ipv4(path->source, ip + 12);
	gid_from_ipv4(path->destination, ip + 16);
	place->udp = place->ip + ROCE_IPV4_BYTES;
	place->end = place->ip + total;
	return IB_ACCEPTED;
}

static enum ib_refusal ipv6_decode(const uint8_t *const ip, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	const uint32_t first = get32(ip);
	const unsigned total = ROCE_IPV6_BYTES + get16(ip + 4);

	if (first >> 28 != 6)
		return IB_REFUSED_IP_HEADER;
	if (ip[6] != PROTOCOL_UDP)
		return IB_REFUSED_NOT_ROCE;
	if (total < ROCE_IPV6_BYTES + ROCE_UDP_BYTES || total > bytes)
		return IB_REFUSED_IP_LENGTH;
	path->traffic_class = (uint8_t)(first >> 20);
	path->flow_label = first & LOW_20;
	path->hop_limit = ip[7];
	path->identification = 0;
	path->flags = 0;
	gid_copy(path->source, ip + 8);
	gid_copy(path->destination, ip + 24);
	place->udp = place->ip + ROCE_IPV6_BYTES;
	place->end = place->ip + total;
	return IB_ACCEPTED;
}

static enum ib_refusal ip_decode(const uint8_t *const data, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	const unsigned header = path->ipv6 ? ROCE_IPV6_BYTES : ROCE_IPV4_BYTES;
	const unsigned rest = bytes - place->ip;

	if (rest < header + ROCE_UDP_BYTES)
		return IB_REFUSED_SHORT;
	return path->ipv6 ? ipv6_decode(data + place->ip, rest, path, place)
			  : ipv4_decode(data + place->ip, rest, path, place);
}

static enum ib_refusal udp_decode(
	const uint8_t *const data, struct roce_path *const path, struct place *const place)
{
	const uint8_t *const udp = data + place->udp;
	const unsigned bytes = place->end - place->udp;

	if (get16(udp + 2) != ROCE_PORT)
		return IB_REFUSED_NOT_ROCE;
	if (get16(udp + 4) != bytes)
		return IB_REFUSED_UDP_LENGTH;
	if (bytes < ROCE_UDP_BYTES + IB_BTH_BYTES + IB_ICRC_BYTES)
		return IB_REFUSED_SHORT;
	path->source_port = get16(udp);
	path->udp_checksum = get16(udp + 6) != 0;
	if (path->udp_checksum && udp_checksum(udp, bytes, path->ipv6 ? IB_GID_BYTES : 4) != 0)
		return IB_REFUSED_UDP_CHECKSUM;
	place->packet = place->udp + ROCE_UDP_BYTES;
	place->end -= IB_ICRC_BYTES;
	return IB_ACCEPTED;
}

static enum ib_refusal path_decode(const uint8_t *const data, const unsigned bytes,
	struct roce_path *const path, struct place *const place)
{
	enum ib_refusal refusal = ethernet_decode(data, bytes, path, place);

	if (refusal == IB_ACCEPTED)
		refusal = ip_decode(data, bytes, path, place);
	if (refusal == IB_ACCEPTED)
		refusal = udp_decode(data, path, place);
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
	place->ip = ROCE_ETHERNET_BYTES + (path->tagged ? ROCE_TAG_BYTES : 0);
	place->udp = place->ip + (path->ipv6 ? ROCE_IPV6_BYTES : ROCE_IPV4_BYTES);
	place->packet = place->udp + ROCE_UDP_BYTES;
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

static void ethernet_encode(const struct roce_path *const path, uint8_t *const data)
{
	const uint16_t type = path->ipv6 ? ROCE_ETHERTYPE_IPV6 : ROCE_ETHERTYPE_IPV4;

	mac_copy(data, path->destination_mac);
	mac_copy(data + ROCE_MAC_BYTES, path->source_mac);
	put16(data + 12, path->tagged ? ROCE_ETHERTYPE_TAG : type);
	if (path->tagged) {
		put16(data + 14, path->tag);
		put16(data + 16, type);
	}
}

static void ipv4_encode(const struct roce_path *const path, uint8_t *const ip, const unsigned bytes)
{
	ip[0] = IPV4_FIRST;
	ip[1] = path->traffic_class;
	put16(ip + 2, (uint16_t)bytes);
	put16(ip + 4, path->identification);
	put16(ip + 6, (uint16_t)((path->flags & ~IPV4_MORE & 0x7) << 13));
	ip[8] = path->hop_limit;
	ip[9] = PROTOCOL_UDP;
	put16(ip + 10, 0);
	__builtin_memcpy(ip + 12, path->source + IPV6_PREFIX_BYTES, 4);
	__builtin_memcpy(ip + 16, path->destination + IPV6_PREFIX_BYTES, 4);
	put16(ip + 10, checksum(header_sum(ip, ROCE_IPV4_BYTES)));
}

static void ipv6_encode(const struct roce_path *const path, uint8_t *const ip, const unsigned bytes)
{
	put32(ip, 6u << 28 | (uint32_t)path->traffic_class << 20 | (path->flow_label & LOW_20));
	put16(ip + 4, (uint16_t)(bytes - ROCE_IPV6_BYTES));
	ip[6] = PROTOCOL_UDP;
	ip[7] = path->hop_limit;
	gid_copy(ip + 8, path->source);
	gid_copy(ip + 24, path->destination);
}

/* All but its checksum, which is 0. */
static void udp_encode(const struct roce_path *const path, uint8_t *const udp, const unsigned bytes)
{
	put16(udp, path->source_port);
	put16(udp + 2, ROCE_PORT);
	put16(udp + 4, (uint16_t)bytes);
	put16(udp + 6, 0);
}

static void path_encode(const struct roce_path *const path, uint8_t *const data,
	const struct place *const place, const unsigned end)
{
	ethernet_encode(path, data);
	if (path->ipv6)
		ipv6_encode(path, data + place->ip, end - place->ip);
	else
		ipv4_encode(path, data + place->ip, end - place->ip);
	udp_encode(path, data + place->udp, end - place->udp);
}

/* Last of all: it covers the ICRC, and the ICRC takes it as ones. 0 is sent as ones, its equal. */
static void udp_checksum_put(
	const struct roce_path *const path, uint8_t *const udp, const unsigned bytes)
{
	const uint16_t found = udp_checksum(udp, bytes, path->ipv6 ? IB_GID_BYTES : 4);

	put16(udp + 6, found != 0 ? found : 0xffff);
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
	put32(data + icrc, __builtin_bswap32(roce_icrc(data + place.ip, icrc - place.ip)));
	if (frame->path.udp_checksum)
		udp_checksum_put(&frame->path, data + place.udp, end - place.udp);
	return end;
}
