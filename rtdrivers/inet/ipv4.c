/*
 * Headers of IPv4. Invariant: a header that is good describes a payload that lies in the bytes given.
 * Specification: RFC 791, 3.1; RFC 1122, 3.2.1.
 */
#include <inet/checksum.h>
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

/* Over a header: a loop of its own, whose bound is a header's. */
static uint16_t checksum(const uint8_t *const octets)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < IPV4_HEADER_BYTES; i += 4)
		sum += octets_read32(octets + i);
	return checksum_end(sum);
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
