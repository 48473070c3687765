/*
 * Echoes. Invariant: an answer is the request's bytes but for type and checksum.
 * Specification: RFC 792, Echo or Echo Reply Message.
 */
#include <inet/checksum.h>
#include <inet/icmp.h>
#include <inet/octets.h>

#define AT_TYPE      0u
#define AT_CODE      1u
#define AT_CHECKSUM  2u
#define ECHO_REPLY   0u
#define ECHO_REQUEST 8u

enum icmp_verdict icmp_decode(const uint8_t *const octets, const unsigned bytes)
{
	if (bytes < ICMP_HEADER_BYTES || bytes > CHECKSUM_MOST_BYTES ||
		checksum_end(checksum_add(0, octets, bytes)) != 0)
		return ICMP_MALFORMED;
	return octets[AT_TYPE] == ECHO_REQUEST && octets[AT_CODE] == 0 ? ICMP_ECHO_REQUEST
								       : ICMP_OTHER;
}

void icmp_make_reply(uint8_t *const octets, const unsigned bytes)
{
	octets[AT_TYPE] = ECHO_REPLY;
	octets_write16(octets + AT_CHECKSUM, 0);
	octets_write16(octets + AT_CHECKSUM, checksum_end(checksum_add(0, octets, bytes)));
}
