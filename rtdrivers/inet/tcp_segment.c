/*
 * Segments of TCP. Invariant: a segment that is good has its header and its payload in the packet, and a
 * checksum that says so. Specification: RFC 9293, 3.1 and 3.2.
 */
#include <inet/checksum.h>
#include <inet/octets.h>
#include <inet/tcp.h>

#define AT_SOURCE         0u
#define AT_DESTINATION    2u
#define AT_SEQUENCE       4u
#define AT_ACKNOWLEDGMENT 8u
#define AT_OFFSET         12u
#define AT_FLAGS          13u
#define AT_WINDOW         14u
#define AT_CHECKSUM       16u
#define AT_URGENT         18u

#define OPTION_END      0u
#define OPTION_NOTHING  1u
#define OPTION_MOST     2u
#define OPTIONS_MOST    40u /* bytes: of a header whose length is 15 words */
#define FLAGS_LOOKED_AT (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK)

static uint16_t checksum(
	const struct ipv4_header *const packet, const uint8_t *const octets, const unsigned bytes)
{
	const uint64_t pseudo = (uint64_t)packet->source + packet->destination + IPV4_TCP + bytes;

	return checksum_end(checksum_add(pseudo, octets, bytes));
}

/* False: an option that ends behind the header. Those that are not known are passed over. 3.1. */
static bool take_options(
	const uint8_t *const octets, const unsigned end, struct tcp_segment *const segment)
{
	unsigned at = TCP_HEADER_BYTES;

	for (unsigned i = 0; i < OPTIONS_MOST && at < end; i++) {
		unsigned bytes = 1;

		if (octets[at] == OPTION_END)
			return true;
		if (octets[at] != OPTION_NOTHING) {
			if (end - at < 2 || octets[at + 1] < 2 || octets[at + 1] > end - at)
				return false;
			bytes = octets[at + 1];
		}
		if (octets[at] == OPTION_MOST && bytes == TCP_OPTION_BYTES)
			segment->most = octets_read16(octets + at + 2);
		at += bytes;
	}
	return true;
}

enum tcp_verdict tcp_decode(const struct ipv4_header *const packet, const uint8_t *const octets,
	struct tcp_segment *const segment)
{
	const unsigned bytes = packet->payload_bytes;
	const unsigned header = bytes < TCP_HEADER_BYTES ? 0 : 4u * (octets[AT_OFFSET] >> 4);

	if (header < TCP_HEADER_BYTES || header > bytes || bytes > CHECKSUM_MOST_BYTES)
		return TCP_MALFORMED;
	if (checksum(packet, octets, bytes) != 0)
		return TCP_CHECKSUM;
	segment->source = octets_read16(octets + AT_SOURCE);
	segment->destination = octets_read16(octets + AT_DESTINATION);
	segment->sequence = octets_read32(octets + AT_SEQUENCE);
	segment->acknowledgment = octets_read32(octets + AT_ACKNOWLEDGMENT);
	segment->flags = octets[AT_FLAGS] & FLAGS_LOOKED_AT;
	segment->window = octets_read16(octets + AT_WINDOW);
	segment->most = 0;
	segment->payload = octets + header;
	segment->bytes = bytes - header;
	if (segment->source == 0 || segment->destination == 0)
		return TCP_MALFORMED;
	return take_options(octets, header, segment) ? TCP_GOOD : TCP_MALFORMED;
}

static unsigned header_bytes(const struct tcp_segment *const segment)
{
	return TCP_HEADER_BYTES + (segment->most != 0 ? TCP_OPTION_BYTES : 0);
}

unsigned tcp_bytes(const struct tcp_segment *const segment)
{
	return header_bytes(segment) + segment->bytes;
}

static void copy_payload(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes && i < TCP_PAYLOAD_BYTES; i++)
		to[i] = from[i];
}

void tcp_encode(const struct ipv4_header *const packet, const struct tcp_segment *const segment,
	uint8_t *const octets)
{
	const unsigned header = header_bytes(segment);

	octets_write16(octets + AT_SOURCE, segment->source);
	octets_write16(octets + AT_DESTINATION, segment->destination);
	octets_write32(octets + AT_SEQUENCE, segment->sequence);
	octets_write32(octets + AT_ACKNOWLEDGMENT, segment->acknowledgment);
	octets[AT_OFFSET] = (uint8_t)(header / 4 << 4);
	octets[AT_FLAGS] = segment->flags;
	octets_write16(octets + AT_WINDOW, segment->window);
	octets_write16(octets + AT_CHECKSUM, 0);
	octets_write16(octets + AT_URGENT, 0);
	if (segment->most != 0) {
		octets[TCP_HEADER_BYTES] = OPTION_MOST;
		octets[TCP_HEADER_BYTES + 1] = TCP_OPTION_BYTES;
		octets_write16(octets + TCP_HEADER_BYTES + 2, segment->most);
	}
	copy_payload(octets + header, segment->payload, segment->bytes);
	octets_write16(octets + AT_CHECKSUM, checksum(packet, octets, header + segment->bytes));
}

bool tcp_refuse(const struct tcp_segment *const segment, struct tcp_segment *const answer)
{
	const bool acknowledges = (segment->flags & TCP_ACK) != 0;

	if (segment->flags & TCP_RST)
		return false;
	*answer = (struct tcp_segment){ .source = segment->destination,
		.destination = segment->source,
		.flags = acknowledges ? TCP_RST : TCP_RST | TCP_ACK };
	if (acknowledges)
		answer->sequence = segment->acknowledgment;
	else
		answer->acknowledgment = segment->sequence + segment->bytes +
					 ((segment->flags & TCP_SYN) != 0) +
					 ((segment->flags & TCP_FIN) != 0);
	return true;
}
