/*
 * Headers of the Internet Protocol, version 4: without options, without fragments. Pure.
 * Specification: RFC 791; RFC 1122, 3.2.1; RFC 2474 and 3168 for the second octet.
 */
#ifndef RTDRIVERS_INET_IPV4_H
#define RTDRIVERS_INET_IPV4_H

#include <stdbool.h>
#include <stdint.h>

#define IPV4_HEADER_BYTES 20u
#define IPV4_TTL          64u
#define IPV4_ICMP         1u
#define IPV4_TCP          6u
#define IPV4_UDP          17u

struct ipv4_header {
	uint32_t source, destination;
	uint16_t identification;
	uint16_t payload_bytes; /* behind the header */
	uint8_t service;        /* DSCP << 2 | ECN */
	uint8_t ttl, protocol;
};

enum ipv4_verdict {
	IPV4_GOOD,
	IPV4_MALFORMED, /* too short, of another version, or of a length it cannot have */
	IPV4_OPTIONS,   /* its header has some, and nobody here follows them */
	IPV4_CHECKSUM,  /* of the header: wrong */
	IPV4_FRAGMENT   /* a part of a packet: nothing is put together here */
};

/*
 * What stands behind the header of a frame, whatever padding follows. Unless it is good, *header means
 * nothing. At most 350 instructions.
 */
enum ipv4_verdict ipv4_decode(const uint8_t *octets, unsigned bytes, struct ipv4_header *header);

/* Writes IPV4_HEADER_BYTES, their checksum included; "don't fragment" is set. At most 300 instructions. */
void ipv4_encode(const struct ipv4_header *header, uint8_t *octets);

/*
 * An address that one station may have: not of "this network" (0), loopback (127), multicast, reserved
 * or broadcast. At most 20 instructions.
 */
bool ipv4_is_station(uint32_t address);

/* With this netmask, the first and the last address of a network are nobody's. At most 20 instructions. */
bool ipv4_is_host(uint32_t address, uint32_t netmask);

#endif
