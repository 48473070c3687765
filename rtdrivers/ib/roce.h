/*
 * RoCEv2: an InfiniBand packet in UDP, port 4791, in IPv4 or IPv6, in Ethernet, with or without an
 * IEEE 802.1Q tag.
 *
 * Invariant: a frame is accepted only if its lengths agree, its checksums that are there are right, and
 * its ICRC is. The ICRC covers IP header to padding, with what routers may change taken as ones.
 * Specification: IBTA volume 1, annex A17; RFC 791, 768, 8200; IEEE 802.1Q.
 */
#ifndef RTDRIVERS_IB_ROCE_H
#define RTDRIVERS_IB_ROCE_H

#include <ib/packet.h>

#define ROCE_PORT               4791u
#define ROCE_SOURCE_PORT        0xc000u /* and above: chosen per QP, told nothing by */
#define ROCE_MAC_BYTES          6u
#define ROCE_HEADERS_BYTES_MOST (14u + 4u + 40u + 8u) /* Ethernet, tag, IPv6, UDP */
#define ROCE_FRAME_BYTES_MOST   (ROCE_HEADERS_BYTES_MOST + IB_PACKET_BYTES_MOST + IB_ICRC_BYTES)

/* Everything in front of the BTH. A sender keeps one per QP or address handle. */
struct roce_path {
	uint8_t destination_mac[ROCE_MAC_BYTES], source_mac[ROCE_MAC_BYTES];
	bool tagged;
	uint16_t tag; /* PCP in bits 15:13, DEI in 12, VLAN in 11:0 */
	bool ipv6;
	/* GIDs. IPv4 addresses are ::ffff:a.b.c.d. */
	uint8_t source[IB_GID_BYTES], destination[IB_GID_BYTES];
	uint8_t traffic_class;   /* DSCP in bits 7:2; the TOS byte of IPv4 */
	uint8_t hop_limit;       /* time to live */
	uint32_t flow_label;     /* IPv6: 20 bits */
	uint16_t identification; /* IPv4; "do not fragment" is always sent */
	uint16_t source_port;
	bool udp_checksum; /* false: sent as 0, as rdma_rxe does */
};

struct roce_frame {
	struct roce_path path;
	struct ib_packet packet;
};

/*
 * Decodes a frame as the card delivered it, without the FCS; what follows the IP packet is ignored. The
 * payload points into `data`. On refusal *frame is undefined. IB_REFUSED_NOT_ROCE: it is no UDP to
 * port 4791, and someone else's. At most 29000 instructions.
 */
enum ib_refusal roce_decode(const uint8_t *data, unsigned bytes, struct roce_frame *frame);

/* Bytes from the frame's first to the payload's; 0 for a refused opcode. At most 50 instructions. */
unsigned roce_payload_offset(const struct roce_frame *frame);

/* Bytes of the whole frame; 0: it cannot be sent. At most 60 instructions. */
unsigned roce_bytes(const struct roce_frame *frame);

/*
 * Writes the frame with its checksums and its ICRC; its length, or 0 where `room` is less or the packet
 * cannot be sent. A payload that stands already where it goes, roce_payload_offset() into `data`, is left
 * there; elsewhere it is copied and must not overlap. At most 37000 instructions.
 */
unsigned roce_encode(const struct roce_frame *frame, uint8_t *data, unsigned room);

/*
 * The ICRC, as a number whose least significant byte is sent first, of `bytes` from the IP header's first to
 * the padding's last, whose version is in the first four bits. The bytes are of a whole IP header, UDP and
 * BTH at least, and the Ethernet header stands in front of them. At most 23000 instructions.
 */
uint32_t roce_icrc(const uint8_t *ip, unsigned bytes);

/* Writes it behind them. At most 23000 instructions. */
void roce_seal(uint8_t *ip, unsigned bytes);

#endif
