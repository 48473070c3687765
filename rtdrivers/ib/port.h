/*
 * A RoCEv2 port: frames of Ethernet to an adapter's queue pairs, and theirs to frames, with one static IPv4
 * address, the link-local IPv6 address that its MAC makes, and static IPv6 ones. It answers ARP, neighbour
 * solicitations and echoes, so that peers find it; whom it sends to stands in a table of the program's, which
 * peers that speak first fill as far as there is room, and never change.
 *
 * Who is not known there, but on the link, is asked for its MAC: a bounded number of times, of a bounded number of
 * neighbours at once. Meanwhile the queue pairs that send there wait, and no time runs for them; when nobody
 * answers, what a connection posted fails, and datagrams are lost. Nobody is asked again before a pause is over.
 *
 * Pure: whoever has a card moves the frames, and tells the time. One frame a call. Specification: IBTA
 * volume 1, annex A17; RFC 826, 4861.
 */
#ifndef RTDRIVERS_IB_PORT_H
#define RTDRIVERS_IB_PORT_H

#include <ib/engine.h>
#include <ib/gid.h>
#include <ib/neighbour.h>
#include <ib/roce.h>
#include <inet/station.h>
#include <inet/station6.h>

#define PORT_GID_IPV4 0u /* their places among the context's */
#define PORT_GID_IPV6 1u

#define PORT_ASKING 4u /* neighbours that are asked for at once */

struct roce_port {
	struct ibv_context *context;
	struct station station;
	struct station6 station6;
	struct neighbours *neighbours;
	struct neighbour *recent; /* the last one looked for that is known; NULL: none */
	struct {
		struct neighbour *of[PORT_ASKING]; /* NULL: free */
		uint64_t due;                      /* the next question; IBV_NEVER: none */
		uint64_t interval_ticks, pause_ticks;
		unsigned tries;
		uint64_t asked, told,
			silent; /* questions; neighbours that answered, or never did */
	} asking;
	uint8_t pcp_of_sl[IBV_LANES];  /* a tag with this priority; with `vlan` 0: priority alone */
	uint8_t dscp_of_sl[IBV_LANES]; /* of the IP header */
	bool tagged;
	uint16_t vlan;
	uint64_t refused[IB_REFUSALS]; /* frames, by enum ib_refusal */
	uint64_t elsewhere;            /* frames for another address */
	uint64_t unknown; /* datagrams lost and connections failed: nobody knows the neighbour */
};

/*
 * At `at`, whose port means nothing, with this MAC: the context's first GID is that address, its second the link-local
 * one. The table, NEIGHBOURS(name, most), belongs to this port alone. Who is not in it is asked for 5 times, every 200
 * ms, and after that not for a second. At most 800 instructions.
 */
void roce_port_open(struct roce_port *port, struct ibv_context *context,
	struct neighbours *neighbours, const struct endpoint *at,
	const uint8_t mac[ROCE_MAC_BYTES]);

/*
 * One more static IPv6 address, the context's next GID. EINVAL: no station may have it; ENOMEM: there are
 * STATION6_ADDRESSES. At most 200 instructions.
 */
int roce_port_ipv6(
	struct roce_port *port, const uint8_t address[IB_GID_BYTES], unsigned prefix_bits);

/* Ask so often, 0: never, and so long apart; who is silent is left alone for the pause. At most 300 instructions. */
void roce_port_ask(struct roce_port *port, unsigned tries, uint64_t interval_ns, uint64_t pause_ns);

/*
 * What the program knows of a neighbour, instead of what was heard. EEXIST: it said so before; ENOMEM: there
 * is no room. At most 1100 instructions.
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
 * A question for a neighbour's MAC whose time has come; its bytes, at most ETHERNET_MOST_BYTES. roce_port_next sends
 * them by itself; for who sends packets by roce_port_packet. At most 8500 instructions.
 */
unsigned roce_port_question(struct roce_port *port, uint64_t now_ticks, uint8_t *frame);

/*
 * The next frame to be sent of queue pairs on the lanes (a bit for each SL), its bytes; 0: there is none
 * now, or it was for somebody unknown. *more: to be asked again at once. At most 150000 instructions.
 */
unsigned roce_port_packet(struct roce_port *port, uint64_t now_ticks, uint16_t lanes,
	uint8_t *frame, unsigned room, bool *more);

/* A question, or else a packet. At most 160000 instructions. */
unsigned roce_port_next(struct roce_port *port, uint64_t now_ticks, uint16_t lanes, uint8_t *frame,
	unsigned room, bool *more);

/* When roce_port_next has to be called again although nothing happens, as ibv_deadline. At most 20 instructions. */
uint64_t roce_port_deadline(const struct roce_port *port);

#endif
