/*
 * A station that answers. Invariant: but for one announcement, what it sends goes to the unicast address a frame came from, at
 * most one frame for each that came, and never a longer one for what is not a datagram.
 * Specification: RFC 826; RFC 5227, 2.3; RFC 1122, 3.2.1, 3.2.2.6 and 3.3.6.
 */
#include <inet/arp.h>
#include <inet/icmp.h>
#include <inet/octets.h>
#include <inet/station.h>
#include <inet/udp.h>

#define PACKET_AT  ETHERNET_HEADER_BYTES
#define SEGMENT_AT (ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES)
#define PAYLOAD_AT (SEGMENT_AT + UDP_HEADER_BYTES)

/* One frame that is being looked at. */
struct look {
	struct station *station;
	const uint8_t *frame;
	unsigned bytes;
	struct ethernet_header ethernet;
	struct ipv4_header packet;
	uint8_t *reply;
	unsigned *reply_bytes;
};

void station_open(
	struct station *const station, const struct endpoint *const at, const uint8_t *const mac)
{
	station->at = *at;
	ethernet_copy(station->mac, mac);
	station->identification = 0;
	for (unsigned v = 0; v < STATION_VERDICTS; v++)
		station->counts[v] = 0;
}

static void copy_payload(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = from[i];
}

/* Shorter frames are filled up with zeros: a wire has none. */
static unsigned fill_up(uint8_t *const frame, unsigned bytes)
{
	while (bytes < ETHERNET_LEAST_BYTES)
		frame[bytes++] = 0;
	return bytes;
}

static void write_ethernet(const struct station *const station, const uint8_t *const to,
	const uint16_t type, uint8_t *const frame)
{
	struct ethernet_header header = { .type = type };

	ethernet_copy(header.to, to);
	ethernet_copy(header.from, station->mac);
	ethernet_encode(&header, frame);
}

static struct ipv4_header begin_packet(struct station *const station, const uint32_t to,
	const uint8_t protocol, const unsigned payload_bytes)
{
	return (struct ipv4_header){ .source = station->at.address,
		.destination = to,
		.identification = station->identification++,
		.payload_bytes = (uint16_t)payload_bytes,
		.ttl = IPV4_TTL,
		.protocol = protocol };
}

/* ---- ARP ---- */

static void answer_arp(const struct look *const l, const struct arp_packet *const asked)
{
	struct arp_packet answer = {
		.operation = ARP_REPLY, .sender = l->station->at.address, .target = asked->sender
	};

	ethernet_copy(answer.sender_mac, l->station->mac);
	ethernet_copy(answer.target_mac, asked->sender_mac);
	write_ethernet(l->station, asked->sender_mac, ETHERNET_ARP, l->reply);
	arp_encode(&answer, l->reply + PACKET_AT);
	*l->reply_bytes = fill_up(l->reply, PACKET_AT + ARP_BYTES);
}

unsigned station_announce(const struct station *const station, uint8_t *const frame)
{
	return station_ask(station, station->at.address, frame);
}

unsigned station_ask(
	const struct station *const station, const uint32_t address, uint8_t *const frame)
{
	static const uint8_t all[ETHERNET_ADDRESS_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct arp_packet packet = {
		.operation = ARP_REQUEST, .sender = station->at.address, .target = address
	};

	ethernet_copy(packet.sender_mac, station->mac);
	write_ethernet(station, all, ETHERNET_ARP, frame);
	arp_encode(&packet, frame + PACKET_AT);
	return fill_up(frame, PACKET_AT + ARP_BYTES);
}

/* 0 asks whether the address is free: RFC 5227, 2.1.1. */
static bool is_neighbour(const struct endpoint *const at, const uint32_t address)
{
	return address == 0 ||
	       (((address ^ at->address) & at->netmask) == 0 && address != at->address &&
		       ipv4_is_host(address, at->netmask));
}

bool station_on_link(const struct station *const station, const uint32_t address)
{
	return address != 0 && is_neighbour(&station->at, address);
}

bool station_hears(const struct station *const station, const uint8_t *const frame,
	const unsigned bytes, struct station_peer *const who)
{
	struct ethernet_header header;
	struct arp_packet packet;

	if (!ethernet_decode(frame, bytes, &header) || header.type != ETHERNET_ARP ||
		!arp_decode(frame + PACKET_AT, bytes - PACKET_AT, &packet))
		return false;
	if (packet.target != station->at.address || !station_on_link(station, packet.sender) ||
		ethernet_is_group(header.from) || !ethernet_same(packet.sender_mac, header.from))
		return false;
	ethernet_copy(who->mac, header.from);
	who->address = packet.sender;
	return true;
}

static enum station_verdict take_arp(const struct look *const l)
{
	struct arp_packet packet;

	if (!arp_decode(l->frame + PACKET_AT, l->bytes - PACKET_AT, &packet))
		return STATION_ARP_MALFORMED;
	if (packet.operation != ARP_REQUEST || packet.target != l->station->at.address)
		return STATION_FOREIGN;
	if (!ethernet_same(packet.sender_mac, l->ethernet.from) ||
		!is_neighbour(&l->station->at, packet.sender))
		return STATION_SOURCE;
	answer_arp(l, &packet);
	return STATION_ARP_ANSWERED;
}

/* ---- IPv4 ---- */

static enum station_verdict take_echo(const struct look *const l)
{
	const unsigned bytes = l->packet.payload_bytes;
	const uint8_t *const asked = l->frame + SEGMENT_AT;
	struct ipv4_header header;

	switch (icmp_decode(asked, bytes)) {
	case ICMP_MALFORMED:
		return STATION_ICMP_MALFORMED;
	case ICMP_OTHER:
		return STATION_FOREIGN;
	default:
		break;
	}
	header = begin_packet(l->station, l->packet.source, IPV4_ICMP, bytes);
	write_ethernet(l->station, l->ethernet.from, ETHERNET_IPV4, l->reply);
	ipv4_encode(&header, l->reply + PACKET_AT);
	copy_payload(l->reply + SEGMENT_AT, asked, bytes);
	icmp_make_reply(l->reply + SEGMENT_AT, bytes);
	*l->reply_bytes = fill_up(l->reply, SEGMENT_AT + bytes);
	return STATION_ECHO_ANSWERED;
}

static enum station_verdict take_udp(
	const struct look *const l, struct station_datagram *const datagram)
{
	struct udp_header header;

	switch (udp_decode(&l->packet, l->frame + SEGMENT_AT, &header)) {
	case UDP_MALFORMED:
		return STATION_UDP_MALFORMED;
	case UDP_CHECKSUM:
		return STATION_UDP_CHECKSUM;
	default:
		break;
	}
	if (header.destination != l->station->at.port)
		return STATION_OTHER_PORT;
	ethernet_copy(datagram->from.mac, l->ethernet.from);
	datagram->from.address = l->packet.source;
	datagram->from.port = header.source;
	datagram->payload = l->frame + PAYLOAD_AT;
	datagram->bytes = header.payload_bytes;
	return STATION_DATAGRAM;
}

/* Good as far as it can be told without what it bears: STATION_DATAGRAM. */
static enum station_verdict judge_packet(struct look *const l)
{
	static const uint8_t verdicts[] = { [IPV4_GOOD] = STATION_DATAGRAM,
		[IPV4_MALFORMED] = STATION_IPV4_MALFORMED,
		[IPV4_OPTIONS] = STATION_IPV4_OPTIONS,
		[IPV4_CHECKSUM] = STATION_IPV4_CHECKSUM,
		[IPV4_FRAGMENT] = STATION_IPV4_FRAGMENT };
	const struct endpoint *const at = &l->station->at;
	const enum ipv4_verdict verdict =
		ipv4_decode(l->frame + PACKET_AT, l->bytes - PACKET_AT, &l->packet);

	if (verdict != IPV4_GOOD)
		return (enum station_verdict)verdicts[verdict];
	if (l->packet.destination != at->address)
		return STATION_FOREIGN;
	if (!ipv4_is_station(l->packet.source) || l->packet.source == at->address)
		return STATION_SOURCE;
	/* The last address of this network is everybody's, its first nobody's. */
	if (((l->packet.source ^ at->address) & at->netmask) == 0 &&
		!ipv4_is_host(l->packet.source, at->netmask))
		return STATION_SOURCE;
	return STATION_DATAGRAM;
}

static enum station_verdict take_packet(
	struct look *const l, struct station_datagram *const datagram)
{
	const enum station_verdict verdict = judge_packet(l);

	if (verdict != STATION_DATAGRAM)
		return verdict;
	if (l->packet.protocol == IPV4_ICMP)
		return take_echo(l);
	return l->packet.protocol == IPV4_UDP ? take_udp(l, datagram) : STATION_FOREIGN;
}

static enum station_verdict take(struct look *const l, struct station_datagram *const datagram)
{
	const bool ours = ethernet_decode(l->frame, l->bytes, &l->ethernet) &&
			  ethernet_same(l->ethernet.to, l->station->mac);

	if (l->bytes < ETHERNET_HEADER_BYTES || l->bytes > ETHERNET_MOST_BYTES)
		return STATION_NO_FRAME;
	if (ethernet_is_group(l->ethernet.from))
		return STATION_SOURCE;
	if (l->ethernet.type == ETHERNET_ARP && (ours || ethernet_is_broadcast(l->ethernet.to)))
		return take_arp(l);
	/* A packet for one station in a frame for all is nobody's: RFC 1122, 3.3.6. */
	return l->ethernet.type == ETHERNET_IPV4 && ours ? take_packet(l, datagram)
							 : STATION_FOREIGN;
}

enum station_verdict station_take(struct station *const station, const uint8_t *const frame,
	const unsigned bytes, struct station_datagram *const datagram, uint8_t *const reply,
	unsigned *const reply_bytes)
{
	struct look look = { .station = station,
		.frame = frame,
		.bytes = bytes,
		.reply = reply,
		.reply_bytes = reply_bytes };
	enum station_verdict verdict;

	*reply_bytes = 0;
	verdict = take(&look, datagram);
	station->counts[verdict]++;
	return verdict;
}

unsigned station_write(struct station *const station, const struct station_peer *const to,
	const uint8_t *const payload, const unsigned bytes, uint8_t *const frame)
{
	const struct udp_header header = { .source = station->at.port,
		.destination = to->port,
		.payload_bytes = (uint16_t)bytes };
	struct ipv4_header packet;

	if (bytes > UDP_PAYLOAD_BYTES)
		return 0;
	packet = begin_packet(station, to->address, IPV4_UDP, UDP_HEADER_BYTES + bytes);
	write_ethernet(station, to->mac, ETHERNET_IPV4, frame);
	ipv4_encode(&packet, frame + PACKET_AT);
	copy_payload(frame + PAYLOAD_AT, payload, bytes);
	udp_encode(&packet, &header, frame + SEGMENT_AT);
	return fill_up(frame, PAYLOAD_AT + bytes);
}
