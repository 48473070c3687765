/*
 * Headers of IPv4. Invariant: a header that is good describes a payload that lies in the bytes given.
 * Specification: RFC 791, 3.1; RFC 1122, 3.2.1.
 */
#include <inet/ipv4.h>
#include <inet/octets.h>

#define AT_VERSION        0u /* and the header's length in words */
#define AT_SERVICE        1u
#define AT_TOTAL          2u
#define AT_IDENTIFICATION 4u
#define AT_FRAGMENT       6u
#define AT_TTL            8u
#define AT_PROTOCOL       9u
#define AT_CHECKSUM       10u
#define AT_SOURCE         12u
#define AT_DESTINATION    16u

#define VERSION_4        4u
#define WORDS_NO_OPTIONS 5u
#define FLAG_RESERVED    0x8000u
#define FLAG_DONT        0x4000u
#define MORE_AND_OFFSET  0x3fffu

/*
 * Over a header, and without a loop: it is asked for on every packet. The sum of words as the processor loads
 * them is the sum of those in the frame, with its octets in the other order. RFC 1071, 2 (B).
 */
static uint16_t checksum(const uint8_t *const octets)
{
	uint64_t two[2], sum;
	uint32_t last;

	__builtin_memcpy(two, octets, sizeof(two));
	__builtin_memcpy(&last, octets + sizeof(two), sizeof(last));
	sum = (two[0] & 0xffffffff) + (two[0] >> 32) + (two[1] & 0xffffffff) + (two[1] >> 32) +
	      last;
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return __builtin_bswap16((uint16_t) ~(sum + (sum >> 16)));
}

static enum ipv4_verdict judge(const uint8_t *const octets, const unsigned bytes)
{
	const unsigned total = bytes < IPV4_HEADER_BYTES ? 0 : octets_read16(octets + AT_TOTAL);
	unsigned words;

	if (total < IPV4_HEADER_BYTES || total > bytes || octets[AT_VERSION] >> 4 != VERSION_4)
		return IPV4_MALFORMED;
	words = octets[AT_VERSION] & 15u;
	if (words != WORDS_NO_OPTIONS)
		return words < WORDS_NO_OPTIONS || 4 * words > total ? IPV4_MALFORMED
								     : IPV4_OPTIONS;
	if (checksum(octets) != 0)
		return IPV4_CHECKSUM;
	if (octets_read16(octets + AT_FRAGMENT) & FLAG_RESERVED)
		return IPV4_MALFORMED;
	return octets_read16(octets + AT_FRAGMENT) & MORE_AND_OFFSET ? IPV4_FRAGMENT : IPV4_GOOD;
}

enum ipv4_verdict ipv4_decode(
	const uint8_t *const octets, const unsigned bytes, struct ipv4_header *const header)
{
	const enum ipv4_verdict verdict = judge(octets, bytes);

	if (verdict != IPV4_GOOD)
		return verdict;
	header->source = octets_read32(octets + AT_SOURCE);
	header->destination = octets_read32(octets + AT_DESTINATION);
	header->identification = octets_read16(octets + AT_IDENTIFICATION);
	header->payload_bytes = (uint16_t)(octets_read16(octets + AT_TOTAL) - IPV4_HEADER_BYTES);
	header->service = octets[AT_SERVICE];
	header->ttl = octets[AT_TTL];
	header->protocol = octets[AT_PROTOCOL];
	return IPV4_GOOD;
}

void ipv4_encode(const struct ipv4_header *const header, uint8_t *const octets)
{
	octets[AT_VERSION] = VERSION_4 << 4 | WORDS_NO_OPTIONS;
	octets[AT_SERVICE] = header->service;
	octets_write16(octets + AT_TOTAL, (uint16_t)(IPV4_HEADER_BYTES + header->payload_bytes));
	octets_write16(octets + AT_IDENTIFICATION, header->identification);
	octets_write16(octets + AT_FRAGMENT, FLAG_DONT);
	octets[AT_TTL] = header->ttl;
	octets[AT_PROTOCOL] = header->protocol;
	octets_write16(octets + AT_CHECKSUM, 0);
	octets_write32(octets + AT_SOURCE, header->source);
	octets_write32(octets + AT_DESTINATION, header->destination);
	octets_write16(octets + AT_CHECKSUM, checksum(octets));
}

bool ipv4_is_station(const uint32_t address)
{
	const uint32_t first = address >> 24;

	return first != 0 && first != 127 && first < 224;
}

bool ipv4_is_host(const uint32_t address, const uint32_t netmask)
{
	const uint32_t host = address & ~netmask;

	return ipv4_is_station(address) && host != 0 && host != ~netmask;
}
