/*
 * The Internet's checksum. Invariant: 2^32 words of 32 bits do not overflow a sum, so carries wait until
 * the end; and words of 32 bits are two of 16, because what is carried comes back. Specification: RFC 1071, 1 and 2.
 */
#include <inet/checksum.h>
#include <inet/octets.h>

uint64_t checksum_add(uint64_t sum, const uint8_t *const octets, const unsigned bytes)
{
	const unsigned count = bytes < CHECKSUM_MOST_BYTES ? bytes : CHECKSUM_MOST_BYTES;

	const unsigned whole = count / 4 * 4;

	for (unsigned i = 0; i < whole; i += 4)
		sum += octets_read32(octets + i);
	if (count & 2)
		sum += octets_read16(octets + whole);
	return sum + (count & 1 ? (uint64_t)octets[count - 1] << 8 : 0);
}

uint16_t checksum_end(uint64_t sum)
{
	for (unsigned i = 0; i < 5; i++)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}
