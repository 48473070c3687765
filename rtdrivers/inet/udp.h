/*
 * Datagrams of UDP over IPv4. Pure. Specification: RFC 768; RFC 1122, 4.1.3.
 */
#ifndef RTDRIVERS_INET_UDP_H
#define RTDRIVERS_INET_UDP_H

#include <inet/ipv4.h>

#define UDP_HEADER_BYTES  8u
#define UDP_PAYLOAD_BYTES 1472u /* of a datagram in one frame of Ethernet */

struct udp_header {
	uint16_t source, destination; /* ports */
	uint16_t payload_bytes;
};

enum udp_verdict {
	UDP_GOOD,
	UDP_MALFORMED, /* too short, not as long as it says, or from or to port 0 */
	UDP_CHECKSUM   /* wrong; a sender may leave it out, as 0 */
};

/*
 * The payload of the packet that `packet` is the good header of. Unless it is good, *header means
 * nothing. At most 4000 instructions.
 */
enum udp_verdict udp_decode(
	const struct ipv4_header *packet, const uint8_t *octets, struct udp_header *header);

/*
 * Writes UDP_HEADER_BYTES before header->payload_bytes, at most UDP_PAYLOAD_BYTES, which stand there
 * already: the checksum is of both. At most 4000 instructions.
 */
void udp_encode(const struct ipv4_header *packet, const struct udp_header *header, uint8_t *octets);

#endif
