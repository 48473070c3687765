/*
 * A RoCEv2 port: frames of Ethernet to an adapter's queue pairs, and theirs to frames, with one static IPv4
 * address. It answers ARP and ICMP echo, so that peers find it; whom it sends to stands in a table of the
 * program's, which peers that speak first fill as far as there is room, and never change.
 *
 * Pure: whoever has a card moves the frames, and tells the time. One frame a call. Specification: IBTA
 * volume 1, annex A17; RFC 826.
 */
#ifndef RTDRIVERS_IB_PORT_H
#define RTDRIVERS_IB_PORT_H

#include <ib/engine.h>
#include <ib/gid.h>
#include <ib/neighbour.h>
#include <ib/roce.h>
#include <inet/station.h>

struct roce_port {
	struct ibv_context *context;
	struct station station;
	struct neighbours *neighbours;
	uint8_t pcp_of_sl[IBV_LANES];  /* a tag with this priority; with `vlan` 0: priority alone */
	uint8_t dscp_of_sl[IBV_LANES]; /* of the IP header */
	bool tagged;
	uint16_t vlan;
	uint64_t refused[IB_REFUSALS]; /* frames, by enum ib_refusal */
	uint64_t elsewhere;            /* frames for another address */
	uint64_t unknown;              /* packets not sent: nobody knows the neighbour */
};

/*
 * At `at`, whose port means nothing, with this MAC: the context's first GID. The table, NEIGHBOURS(name, most),
 * belongs to this port alone. At most 350 instructions.
 */
void roce_port_open(struct roce_port *port, struct ibv_context *context,
	struct neighbours *neighbours, const struct endpoint *at,
	const uint8_t mac[ROCE_MAC_BYTES]);

/*
 * What the program knows of a neighbour, instead of what was heard. EEXIST: it said so before; ENOMEM: there
 * is no room. At most 1000 instructions.
 */
int roce_port_neighbour(
	struct roce_port *port, const uint8_t gid[IB_GID_BYTES], const uint8_t mac[ROCE_MAC_BYTES]);

/*
 * A frame that came. The bytes of a frame in `reply`, with room for ETHERNET_MOST_BYTES, to be sent
 * back; 0: there is none. At most 75000 instructions.
 */
unsigned roce_port_take(struct roce_port *port, uint64_t now_ticks, const uint8_t *frame,
	unsigned bytes, uint8_t *reply);

/*
 * The next frame to be sent of queue pairs on the lanes (a bit for each SL), its bytes; 0: there is none
 * now, or it was for somebody unknown. *more: to be asked again at once. At most 130000 instructions.
 */
unsigned roce_port_next(struct roce_port *port, uint64_t now_ticks, uint16_t lanes, uint8_t *frame,
	unsigned room, bool *more);

#endif
