/*
 * The short way of what real-time messages mostly are: a SEND of one packet with its data inline, the
 * acknowledgement that completes it, and frames from who spoke last; over IPv4, without a tag.
 *
 * Invariant: what goes this way leaves every byte, of the frame, the adapter and the port, as the long way does
 * (ib/port.c, ib/engine.h); what is in any way different is left to that one, untouched. Nothing is prepared or
 * kept, so nothing has to be found out of date. Specification: IBTA 1.4, 9.7.2, 9.7.5; annex A17.
 */
#ifndef RTDRIVERS_IB_STRAIGHT_H
#define RTDRIVERS_IB_STRAIGHT_H

#include <ib/plain.h>
#include <ib/port.h>

#define STRAIGHT_HOPS       64u
#define STRAIGHT_DSCP_SHIFT 2u

static inline uint16_t straight_source_port(const uint32_t source_qp)
{
	return (uint16_t)(ROCE_SOURCE_PORT | (source_qp & 0x3fff));
}

/* What stands in front of a packet in a plain frame to this MAC. */
static inline struct plain straight_headers(const struct roce_port *const port,
	const struct ibv_ah_attr *const to, const uint32_t source_qp, const uint8_t *const mac)
{
	const struct ibv_global_route *const route = &to->grh;

	return (struct plain){ .destination_mac = mac,
		.source_mac = port->station.mac,
		.source = port->context->gids[PORT_GID_IPV4].raw,
		.destination = route->dgid.raw,
		.service = (uint8_t)(port->dscp_of_sl[to->sl & (IBV_LANES - 1)]
				     << STRAIGHT_DSCP_SHIFT),
		.hop_limit = route->hop_limit != 0 ? route->hop_limit : STRAIGHT_HOPS,
		.source_port = straight_source_port(source_qp) };
}

/*
 * What a queue pair that may send has to send next goes this way, into a frame with so much room. At most 60
 * instructions.
 */
bool straight_goes(const struct roce_port *port, const struct ibv_qp *qp, unsigned room);

/* Then send it, to this neighbour: the frame's bytes. At most 20000 instructions. */
unsigned straight_send(const struct roce_port *port, uint64_t now_ticks, struct ibv_qp *qp,
	const struct neighbour *neighbour, uint8_t *frame);

/* A frame that came this way; `frame` is the caller's. */
struct straight {
	const uint8_t *frame;
	unsigned packet_bytes;
	struct ibv_arrival arrival;
	struct ib_packet packet;
	struct ibv_qp *
		acknowledged; /* its one request on its way is complete; `packet` is nothing then */
};

/* Whether it is one: all but its ICRC is known to be good. At most 400 instructions. */
bool straight_comes(const struct roce_port *port, const uint8_t *frame, unsigned bytes,
	struct straight *straight);

/* Then take it, or refuse its ICRC. At most 70000 instructions. */
void straight_take(struct roce_port *port, uint64_t now_ticks, const struct straight *straight);

#endif
