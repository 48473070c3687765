/*
 * ICMP, as much as being asked whether one is there: echo. Pure. Specification: RFC 792; RFC 1122, 3.2.2.6.
 */
#ifndef RTDRIVERS_INET_ICMP_H
#define RTDRIVERS_INET_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#define ICMP_HEADER_BYTES 8u

enum icmp_verdict {
	ICMP_ECHO_REQUEST,
	ICMP_OTHER,    /* good, and nothing that is answered here */
	ICMP_MALFORMED /* too short, or its checksum is wrong */
};

/* `bytes` is at most that of a frame. At most 4000 instructions. */
enum icmp_verdict icmp_decode(const uint8_t *octets, unsigned bytes);

/* Makes a request for an echo, which is good, its answer, in place. At most 4000 instructions. */
void icmp_make_reply(uint8_t *octets, unsigned bytes);

#endif
