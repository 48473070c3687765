/*
 * A station on an IPv4 network that is asked and answers: one static address, one UDP port. It answers
 * ARP and ICMP echo, hands out datagrams with where they came from, and writes frames back there; it asks
 * for nobody's address unless it is told to (station_ask).
 *
 * Pure: frames in, frames out; whoever has a card moves them. Each frame gets one verdict, which is
 * counted. Specification: RFC 826, 791, 768, 792, 1122, 5227.
 */
#ifndef RTDRIVERS_INET_STATION_H
#define RTDRIVERS_INET_STATION_H

#include <inet/endpoint.h>
#include <inet/ethernet.h>

/* What became of a frame. */
enum station_verdict {
	STATION_DATAGRAM,      /* for this port */
	STATION_ARP_ANSWERED,  /* a reply is to be sent */
	STATION_ECHO_ANSWERED, /* the same */
	STATION_FOREIGN,       /* another station's, another protocol, or nothing to be answered */
	STATION_OTHER_PORT,    /* nobody listens there */
	STATION_NO_FRAME,      /* too short, or too long */
	STATION_SOURCE,        /* from an address that no station has, or this one's */
	STATION_ARP_MALFORMED,
	STATION_IPV4_MALFORMED,
	STATION_IPV4_OPTIONS,
	STATION_IPV4_CHECKSUM,
	STATION_IPV4_FRAGMENT,
	STATION_UDP_MALFORMED,
	STATION_UDP_CHECKSUM,
	STATION_ICMP_MALFORMED,
	STATION_VERDICTS
};

struct station {
	struct endpoint at;
	uint8_t mac[ETHERNET_ADDRESS_BYTES];
	uint16_t identification; /* of the next packet */
	uint64_t counts[STATION_VERDICTS];
};

/* Another station, as a datagram showed it: the MAC may be a router's. */
struct station_peer {
	uint8_t mac[ETHERNET_ADDRESS_BYTES];
	uint16_t port;
	uint32_t address;
};

struct station_datagram {
	struct station_peer from;
	const uint8_t *payload; /* in the frame */
	unsigned bytes;
};

/* A word for each verdict, as "udp-checksum". At most 20 instructions. */
const char *station_word(unsigned verdict);

/* With nothing counted. At most 250 instructions. */
void station_open(struct station *station, const struct endpoint *at, const uint8_t *mac);

/*
 * Writes a frame that tells everybody this address and MAC, and returns its bytes: once, when the card has
 * been opened. At most 600 instructions.
 */
unsigned station_announce(const struct station *station, uint8_t *frame);

/*
 * Writes a frame that asks everybody for the MAC of an address, and returns its bytes. At most 600
 * instructions.
 */
unsigned station_ask(const struct station *station, uint32_t address, uint8_t *frame);

/*
 * Whether a frame is ARP of a neighbour's, for this station, and so says its MAC: address and MAC in *who. At
 * most 600 instructions.
 */
bool station_hears(const struct station *station, const uint8_t *frame, unsigned bytes,
	struct station_peer *who);

/* Whether a station of that address would be on this network, and is another one. At most 60 instructions. */
bool station_on_link(const struct station *station, uint32_t address);

/*
 * A frame that came. STATION_DATAGRAM: *datagram has it. *reply_bytes: of a frame in `reply`, room for
 * ETHERNET_MOST_BYTES, to be sent back; 0: there is none. At most 16000 instructions.
 */
enum station_verdict station_take(struct station *station, const uint8_t *frame, unsigned bytes,
	struct station_datagram *datagram, uint8_t *reply, unsigned *reply_bytes);

/*
 * Writes a frame with a datagram to `to`, and returns its bytes; 0: it has more than UDP_PAYLOAD_BYTES.
 * `frame` has room for ETHERNET_MOST_BYTES. At most 14000 instructions.
 */
unsigned station_write(struct station *station, const struct station_peer *to,
	const uint8_t *payload, unsigned bytes, uint8_t *frame);

#endif
