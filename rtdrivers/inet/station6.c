/*
 * A station on an IPv6 link. See station6.h. Invariant: what it answers goes to the unicast address a frame came from,
 * and only what came over no router (hop limit 255) is believed about neighbours.
 * Specification: RFC 4861, 4.3, 4.4, 7.1, 7.2; RFC 4443, 4; RFC 8200, 8.1; RFC 2464, 5 and 7.
 */
#include <inet/checksum.h>
#include <inet/octets.h>
#include <inet/station6.h>

#define HEADER_BYTES     40u
#define PACKET_AT        ETHERNET_HEADER_BYTES
#define MESSAGE_AT       (PACKET_AT + HEADER_BYTES)
#define PROTOCOL_ICMP6   58u
#define VERSION_6        6u
#define HOPS             255u
#define AT_LENGTH        4u
#define AT_NEXT          6u
#define AT_HOPS          7u
#define AT_SOURCE        8u
#define AT_DESTINATION   24u
#define AT_TARGET        8u /* of solicitations and advertisements */
#define AT_OPTIONS       24u
#define AT_FLAGS         4u
#define FLAG_SOLICITED   0x40u
#define FLAG_OVERRIDE    0x20u
#define OPTION_SOURCE    1u
#define OPTION_TARGET    2u
#define OPTION_BYTES     8u
#define ECHO_REQUEST     128u
#define ECHO_REPLY       129u
#define SOLICITATION     135u
#define ADVERTISEMENT    136u
#define LEAST_BYTES      8u
#define INTERFACE_AT     8u
#define LINK_PREFIX_BITS 64u
#define ADDRESS_BITS     128u

/* One frame that is being looked at. */
struct look {
	struct station6 *station;
	const uint8_t *frame;
	const uint8_t *packet, *message;
	unsigned bytes, message_bytes;
	uint8_t *reply;
	unsigned *reply_bytes;
};

static void copy_address(uint8_t *const to, const uint8_t *const from)
{
	__builtin_memcpy(to, from, STATION6_BYTES);
}

static bool same(const uint8_t *const a, const uint8_t *const b)
{
	return octets_read64(a) == octets_read64(b) && octets_read64(a + 8) == octets_read64(b + 8);
}

static bool is_zero(const uint8_t *const address)
{
	return (octets_read64(address) | octets_read64(address + 8)) == 0;
}

static bool is_multicast(const uint8_t *const address)
{
	return address[0] == 0xff;
}

/* Neither nobody's, nor everybody's, nor ::1, nor an address of IPv4: those begin with zeros. */
static bool is_station(const uint8_t *const address)
{
	return !is_multicast(address) && octets_read64(address) != 0;
}

void station6_open(struct station6 *const station, const uint8_t mac[const ETHERNET_ADDRESS_BYTES])
{
	uint8_t *const address = station->addresses[0];

	ethernet_copy(station->mac, mac);
	octets_write64(address, 0xfe80000000000000ull);
	octets_write32(address + INTERFACE_AT, (uint32_t)(mac[0] ^ 2) << 24 |
						       (uint32_t)mac[1] << 16 |
						       (uint32_t)mac[2] << 8 | 0xff);
	octets_write32(address + INTERFACE_AT + 4,
		0xfe000000u | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5]);
	station->prefix_bits[0] = LINK_PREFIX_BITS;
	station->count = 1;
	for (unsigned v = 0; v < STATION6_VERDICTS; v++)
		station->counts[v] = 0;
}

bool station6_add(struct station6 *const station, const uint8_t address[const STATION6_BYTES],
	const unsigned prefix_bits)
{
	if (station->count == STATION6_ADDRESSES || !is_station(address) || prefix_bits == 0 ||
		prefix_bits > ADDRESS_BITS)
		return false;
	copy_address(station->addresses[station->count], address);
	station->prefix_bits[station->count++] = (uint8_t)prefix_bits;
	return true;
}

/* The first bits of both are the same. */
static bool agree(const uint8_t *const a, const uint8_t *const b, const unsigned bits)
{
	const uint64_t high = octets_read64(a) ^ octets_read64(b);
	const uint64_t low = octets_read64(a + 8) ^ octets_read64(b + 8);

	if (bits <= 64)
		return high >> (64 - bits) == 0;
	return high == 0 && low >> (ADDRESS_BITS - bits) == 0;
}

unsigned station6_on_link(
	const struct station6 *const station, const uint8_t address[const STATION6_BYTES])
{
	unsigned best = STATION6_ADDRESSES;

	if (!is_station(address))
		return best;
	for (unsigned i = 0; i < station->count; i++)
		if (agree(station->addresses[i], address, station->prefix_bits[i]) &&
			!same(station->addresses[i], address) &&
			(best == STATION6_ADDRESSES ||
				station->prefix_bits[i] > station->prefix_bits[best]))
			best = i;
	return best;
}

/* STATION6_ADDRESSES: it is not this station's. */
static unsigned own(const struct station6 *const station, const uint8_t *const address)
{
	for (unsigned i = 0; i < station->count; i++)
		if (same(station->addresses[i], address))
			return i;
	return STATION6_ADDRESSES;
}

/* Over the header's addresses, a length and a protocol, and the message. RFC 8200, 8.1. */
static uint16_t checksum(const uint8_t *const packet, const unsigned message_bytes)
{
	const uint64_t sum = (uint64_t)message_bytes + PROTOCOL_ICMP6;

	return checksum_end(checksum_add(checksum_add(sum, packet + AT_SOURCE, 2 * STATION6_BYTES),
		packet + HEADER_BYTES, message_bytes));
}

/* ---- Writing ---- */

static void write_headers(const struct station6 *const station, const uint8_t *const to_mac,
	const uint8_t *const source, const uint8_t *const destination, const unsigned message_bytes,
	uint8_t *const frame)
{
	struct ethernet_header header = { .type = ETHERNET_IPV6 };
	uint8_t *const packet = frame + PACKET_AT;

	ethernet_copy(header.to, to_mac);
	ethernet_copy(header.from, station->mac);
	ethernet_encode(&header, frame);
	octets_write32(packet, VERSION_6 << 28);
	octets_write16(packet + AT_LENGTH, (uint16_t)message_bytes);
	packet[AT_NEXT] = PROTOCOL_ICMP6;
	packet[AT_HOPS] = HOPS;
	copy_address(packet + AT_SOURCE, source);
	copy_address(packet + AT_DESTINATION, destination);
}

static unsigned finish(uint8_t *const frame, const unsigned message_bytes)
{
	uint8_t *const message = frame + MESSAGE_AT;

	octets_write16(message + 2, 0);
	octets_write16(message + 2, checksum(frame + PACKET_AT, message_bytes));
	return MESSAGE_AT + message_bytes;
}

/* A solicitation or an advertisement about `target`, with the MAC of this station. */
static unsigned write_discovery(const struct station6 *const station, const uint8_t type,
	const uint8_t flags, const uint8_t *const target, uint8_t *const frame)
{
	uint8_t *const message = frame + MESSAGE_AT;
	uint8_t *const option = message + AT_OPTIONS;

	octets_write32(message, (uint32_t)type << 24);
	octets_write32(message + AT_FLAGS, (uint32_t)flags << 24);
	copy_address(message + AT_TARGET, target);
	option[0] = type == SOLICITATION ? OPTION_SOURCE : OPTION_TARGET;
	option[1] = 1;
	ethernet_copy(option + 2, station->mac);
	return finish(frame, AT_OPTIONS + OPTION_BYTES);
}

/* The solicited-node group of an address, and its MAC. RFC 4291, 2.7.1; RFC 2464, 7. */
static void write_group(uint8_t *const group, uint8_t *const mac, const uint8_t *const address)
{
	octets_write64(group, 0xff02000000000000ull);
	octets_write64(group + 8, 0x00000001ff000000ull);
	__builtin_memcpy(group + 13, address + 13, 3);
	octets_write16(mac, 0x3333);
	octets_write32(mac + 2, octets_read32(group + 12));
}

unsigned station6_ask(const struct station6 *const station, const unsigned index,
	const uint8_t address[const STATION6_BYTES], uint8_t *const frame)
{
	uint8_t group[STATION6_BYTES], mac[ETHERNET_ADDRESS_BYTES];

	write_group(group, mac, address);
	write_headers(
		station, mac, station->addresses[index], group, AT_OPTIONS + OPTION_BYTES, frame);
	return write_discovery(station, SOLICITATION, 0, address, frame);
}

/* ---- Reading ---- */

/* Each as long as it says, and none of nothing. RFC 4861, 4.6. */
static bool are_options(const uint8_t *const options, const unsigned bytes)
{
	unsigned at = 0;

	while (at + OPTION_BYTES <= bytes && options[at + 1] != 0)
		at += options[at + 1] * OPTION_BYTES;
	return at == bytes;
}

static bool is_discovery(const struct look *const l)
{
	return l->packet[AT_HOPS] == HOPS && l->message[1] == 0 && l->message_bytes >= AT_OPTIONS &&
	       !is_multicast(l->message + AT_TARGET) &&
	       are_options(l->message + AT_OPTIONS, l->message_bytes - AT_OPTIONS);
}

/* One who asks whether an address is free has none: it is told together with everybody. RFC 4861, 7.2.4. */
static enum station6_verdict take_solicitation(const struct look *const l)
{
	static const uint8_t everybody[STATION6_BYTES] = { 0xff, 2, [15] = 1 };
	static const uint8_t everybodys_mac[] = { 0x33, 0x33, 0, 0, 0, 1 };
	const uint8_t *const target = l->message + AT_TARGET;
	const bool known = !is_zero(l->packet + AT_SOURCE);

	if (!is_discovery(l))
		return STATION6_MALFORMED;
	if (own(l->station, target) == STATION6_ADDRESSES)
		return STATION6_FOREIGN;
	write_headers(l->station, known ? l->frame + ETHERNET_ADDRESS_BYTES : everybodys_mac,
		target, known ? l->packet + AT_SOURCE : everybody, AT_OPTIONS + OPTION_BYTES,
		l->reply);
	*l->reply_bytes = write_discovery(l->station, ADVERTISEMENT,
		FLAG_OVERRIDE | (known ? FLAG_SOLICITED : 0), target, l->reply);
	return STATION6_SOLICITED;
}

static enum station6_verdict take_advertisement(
	const struct look *const l, struct station6_neighbour *const told)
{
	const uint8_t *const target = l->message + AT_TARGET;

	if (!is_discovery(l))
		return STATION6_MALFORMED;
	if (own(l->station, l->packet + AT_DESTINATION) == STATION6_ADDRESSES)
		return STATION6_FOREIGN;
	if (!is_station(target) || own(l->station, target) != STATION6_ADDRESSES)
		return STATION6_SOURCE;
	copy_address(told->address, target);
	ethernet_copy(told->mac, l->frame + ETHERNET_ADDRESS_BYTES);
	return STATION6_ADVERTISED;
}

static enum station6_verdict take_echo(const struct look *const l)
{
	const unsigned index = own(l->station, l->packet + AT_DESTINATION);
	uint8_t *const message = l->reply + MESSAGE_AT;

	if (index == STATION6_ADDRESSES || l->message[1] != 0)
		return STATION6_FOREIGN;
	if (!is_station(l->packet + AT_SOURCE))
		return STATION6_SOURCE;
	write_headers(l->station, l->frame + ETHERNET_ADDRESS_BYTES, l->station->addresses[index],
		l->packet + AT_SOURCE, l->message_bytes, l->reply);
	for (unsigned i = 0; i < l->message_bytes; i++)
		message[i] = l->message[i];
	message[0] = ECHO_REPLY;
	*l->reply_bytes = finish(l->reply, l->message_bytes);
	return STATION6_ECHOED;
}

/* STATION6_ADVERTISED: it is a message of ICMPv6, and whole. */
static enum station6_verdict judge(struct look *const l)
{
	const unsigned payload = l->bytes < MESSAGE_AT ? 0 : octets_read16(l->packet + AT_LENGTH);

	if (l->bytes < MESSAGE_AT || l->packet[0] >> 4 != VERSION_6)
		return STATION6_MALFORMED;
	if (l->packet[AT_NEXT] != PROTOCOL_ICMP6)
		return STATION6_FOREIGN;
	if (payload < LEAST_BYTES || payload > l->bytes - MESSAGE_AT)
		return STATION6_MALFORMED;
	if (is_multicast(l->packet + AT_SOURCE) ||
		own(l->station, l->packet + AT_SOURCE) != STATION6_ADDRESSES)
		return STATION6_SOURCE;
	l->message_bytes = payload;
	return checksum(l->packet, payload) == 0 ? STATION6_ADVERTISED : STATION6_CHECKSUM;
}

/* To this station's MAC, or to a group of IPv6. */
static bool is_for(const struct station6 *const station, const uint8_t *const frame)
{
	return ethernet_same(frame, station->mac) || octets_read16(frame) == 0x3333;
}

static enum station6_verdict take(struct look *const l, struct station6_neighbour *const told)
{
	enum station6_verdict verdict;

	if (l->bytes < ETHERNET_HEADER_BYTES || l->bytes > ETHERNET_MOST_BYTES)
		return STATION6_NO_FRAME;
	if (octets_read16(l->frame + 2 * ETHERNET_ADDRESS_BYTES) != ETHERNET_IPV6 ||
		!is_for(l->station, l->frame))
		return STATION6_FOREIGN;
	if (ethernet_is_group(l->frame + ETHERNET_ADDRESS_BYTES))
		return STATION6_SOURCE;
	l->packet = l->frame + PACKET_AT;
	l->message = l->frame + MESSAGE_AT;
	verdict = judge(l);
	if (verdict != STATION6_ADVERTISED)
		return verdict;
	if (l->message[0] == SOLICITATION)
		return take_solicitation(l);
	if (l->message[0] == ADVERTISEMENT)
		return take_advertisement(l, told);
	return l->message[0] == ECHO_REQUEST ? take_echo(l) : STATION6_FOREIGN;
}

enum station6_verdict station6_take(struct station6 *const station, const uint8_t *const frame,
	const unsigned bytes, struct station6_neighbour *const told, uint8_t *const reply,
	unsigned *const reply_bytes)
{
	struct look look = { .station = station,
		.frame = frame,
		.bytes = bytes,
		.reply = reply,
		.reply_bytes = reply_bytes };
	enum station6_verdict verdict;

	*reply_bytes = 0;
	verdict = take(&look, told);
	station->counts[verdict]++;
	return verdict;
}
