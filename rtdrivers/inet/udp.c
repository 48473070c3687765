/*
 * Datagrams of UDP. Invariant: a datagram that is good is exactly the payload of its packet.
 * Specification: RFC 768.
 */
#include <inet/checksum.h>
#include <inet/octets.h>
#include <inet/udp.h>

#define AT_SOURCE      0u
#define AT_DESTINATION 2u
#define AT_LENGTH      4u
#define AT_CHECKSUM    6u

/* Over the datagram with its header, and what it repeats of the packet's. */
static uint16_t checksum(
	const struct ipv4_header *const packet, const uint8_t *const octets, const unsigned bytes)
{
	const uint64_t pseudo = (uint64_t)packet->source + packet->destination + IPV4_UDP + bytes;

	return checksum_end(checksum_add(pseudo, octets, bytes));
}

enum udp_verdict udp_decode(const struct ipv4_header *const packet, const uint8_t *const octets,
	struct udp_header *const header)
{
	const unsigned bytes = packet->payload_bytes;

	if (bytes < UDP_HEADER_BYTES || octets_read16(octets + AT_LENGTH) != bytes)
		return UDP_MALFORMED;
	header->source = octets_read16(octets + AT_SOURCE);
	header->destination = octets_read16(octets + AT_DESTINATION);
	header->payload_bytes = (uint16_t)(bytes - UDP_HEADER_BYTES);
	if (header->source == 0 || header->destination == 0)
		return UDP_MALFORMED;
	if (octets_read16(octets + AT_CHECKSUM) != 0 && checksum(packet, octets, bytes) != 0)
		return UDP_CHECKSUM;
	return UDP_GOOD;
}

void udp_encode(const struct ipv4_header *const packet, const struct udp_header *const header,
	uint8_t *const octets)
{
	const unsigned bytes = UDP_HEADER_BYTES + header->payload_bytes;
	uint16_t sum;

	octets_write16(octets + AT_SOURCE, header->source);
	octets_write16(octets + AT_DESTINATION, header->destination);
	octets_write16(octets + AT_LENGTH, (uint16_t)bytes);
	octets_write16(octets + AT_CHECKSUM, 0);
	sum = checksum(packet, octets, bytes);
	/* 0 would mean that there is none: its other form in one's complement says the same. */
	octets_write16(octets + AT_CHECKSUM, sum != 0 ? sum : 0xffff);
}
