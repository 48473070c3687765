/*
 * The Internet's checksum: the complement of the sum, with the carry brought back, of 16-bit words.
 * Specification: RFC 1071.
 */
#ifndef RTDRIVERS_INET_CHECKSUM_H
#define RTDRIVERS_INET_CHECKSUM_H

#include <stdint.h>

#define CHECKSUM_MOST_BYTES 1500u /* of one call; what lies beyond is not looked at */

/*
 * A sum, 0 at first, with these bytes added; an odd count only in the last call. Sums of different
 * parts may be added, too. At most 3500 instructions.
 */
uint64_t checksum_add(uint64_t sum, const uint8_t *octets, unsigned bytes);

/*
 * The checksum, as it is written by octets_write16. Over bytes with the right one in them: 0. At most
 * 60 instructions.
 */
uint16_t checksum_end(uint64_t sum);

#endif
