/*
 * A station on an IPv6 link that is asked and answers, and asks: its link-local address, which its MAC makes,
 * and static ones. It answers neighbour solicitations and echoes; it says who advertised itself, if that was
 * for this station. No routers, no address that others give out, no multicast listener reports: a switch that snoops
 * those has to be told.
 *
 * Pure: frames in, frames out. Each frame gets one verdict, which is counted; each gets at most one answer, no
 * longer than itself but for the padding. Specification: RFC 4861, 4443, 4291, 8200, 2464.
 */
#ifndef RTDRIVERS_INET_STATION6_H
#define RTDRIVERS_INET_STATION6_H

#include <inet/ethernet.h>

#define ETHERNET_IPV6      0x86ddu
#define STATION6_ADDRESSES 3u /* the link-local one is the first */
#define STATION6_BYTES     16u

enum station6_verdict {
	STATION6_SOLICITED,  /* a reply is to be sent */
	STATION6_ECHOED,     /* the same */
	STATION6_ADVERTISED, /* a neighbour said its MAC to this station */
	STATION6_FOREIGN,    /* another station's, another protocol, or nothing to be answered */
	STATION6_NO_FRAME,
	STATION6_SOURCE,    /* from an address that no station has, or this one's */
	STATION6_MALFORMED, /* header, lengths, options, or from beyond a router */
	STATION6_CHECKSUM,
	STATION6_VERDICTS
};

struct station6 {
	uint8_t mac[ETHERNET_ADDRESS_BYTES];
	uint8_t addresses[STATION6_ADDRESSES][STATION6_BYTES];
	uint8_t prefix_bits[STATION6_ADDRESSES]; /* of the link, 64 for link-local */
	unsigned count;
	uint64_t counts[STATION6_VERDICTS];
};

struct station6_neighbour {
	uint8_t address[STATION6_BYTES];
	uint8_t mac[ETHERNET_ADDRESS_BYTES];
};

/* With the address that its MAC makes: fe80::/64. At most 300 instructions. */
void station6_open(struct station6 *station, const uint8_t mac[ETHERNET_ADDRESS_BYTES]);

/*
 * One more address. False: it is none that a station may have, there is no room, or the prefix is not of 1 to
 * 128 bits. At most 100 instructions.
 */
bool station6_add(
	struct station6 *station, const uint8_t address[STATION6_BYTES], unsigned prefix_bits);

/* Which of its addresses is on the link with that one, the longest prefix first; STATION6_ADDRESSES: none. At most 300 instructions. */
unsigned station6_on_link(const struct station6 *station, const uint8_t address[STATION6_BYTES]);

/*
 * A frame that came. STATION6_ADVERTISED: *told has it. *reply_bytes: of a frame in `reply`, room for
 * ETHERNET_MOST_BYTES, to be sent back; 0: there is none. At most 21000 instructions.
 */
enum station6_verdict station6_take(struct station6 *station, const uint8_t *frame, unsigned bytes,
	struct station6_neighbour *told, uint8_t *reply, unsigned *reply_bytes);

/*
 * Writes a frame that asks, as from the address of that index, for the MAC of an address on the link; its bytes. At most
 * 6500 instructions.
 */
unsigned station6_ask(const struct station6 *station, unsigned index,
	const uint8_t address[STATION6_BYTES], uint8_t *frame);

#endif
