/*
 * The header of a frame on Ethernet II. Pure: bytes in, a structure out, and back.
 * Specification: IEEE 802.3, 3.2; RFC 894.
 */
#ifndef RTDRIVERS_INET_ETHERNET_H
#define RTDRIVERS_INET_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

#define ETHERNET_ADDRESS_BYTES 6u
#define ETHERNET_HEADER_BYTES  14u
#define ETHERNET_LEAST_BYTES   60u /* of a frame on the wire, its check sequence not counted */
#define ETHERNET_MOST_BYTES    1514u
#define ETHERNET_PAYLOAD_BYTES (ETHERNET_MOST_BYTES - ETHERNET_HEADER_BYTES)

#define ETHERNET_IPV4 0x0800u
#define ETHERNET_ARP  0x0806u

struct ethernet_header {
	uint8_t to[ETHERNET_ADDRESS_BYTES], from[ETHERNET_ADDRESS_BYTES];
	uint16_t type;
};

/* False: so few bytes are no frame. At most 100 instructions. */
bool ethernet_decode(const uint8_t *frame, unsigned bytes, struct ethernet_header *header);

/* Writes ETHERNET_HEADER_BYTES. At most 100 instructions. */
void ethernet_encode(const struct ethernet_header *header, uint8_t *frame);

static inline void ethernet_copy(uint8_t *const to, const uint8_t *const from)
{
	__builtin_memcpy(to, from, ETHERNET_ADDRESS_BYTES);
}

/* At most 50 instructions. */
bool ethernet_same(const uint8_t *a, const uint8_t *b);

/* All ones: for everybody. At most 50 instructions. */
bool ethernet_is_broadcast(const uint8_t *address);

/* An address of several stations, broadcast among them: nobody sends from it. At most 10 instructions. */
bool ethernet_is_group(const uint8_t *address);

#endif
