/*
 * RoCEv2 frames. See port.h. Invariant: what is sent goes to the MAC that first spoke for the GID, or that the
 * program gave; what is received is for this port's GID.
 */
#include <ib/port.h>
#include <inet/ipv4.h>

#include <errno.h>

#define HOPS       64u
#define PCP_SHIFT  13u
#define VLAN_MASK  0xfffu
#define DSCP_SHIFT 2u

void roce_port_open(struct roce_port *const port, struct ibv_context *const context,
	struct neighbours *const neighbours, const struct endpoint *const at,
	const uint8_t mac[const ROCE_MAC_BYTES])
{
	*port = (struct roce_port){ .context = context, .neighbours = neighbours };
	station_open(&port->station, at, mac);
	gid_from_ipv4(context->gids[0].raw, at->address);
}

static void copy_mac(uint8_t to[const ROCE_MAC_BYTES], const uint8_t from[const ROCE_MAC_BYTES])
{
	__builtin_memcpy(to, from, ROCE_MAC_BYTES);
}

int roce_port_neighbour(struct roce_port *const port, const uint8_t gid[const IB_GID_BYTES],
	const uint8_t mac[const ROCE_MAC_BYTES])
{
	const struct neighbour *const known = neighbour_find(port->neighbours, gid);

	if (known != NULL && known->kind == NEIGHBOUR_STATIC)
		return EEXIST;
	return neighbour_put(port->neighbours, gid, mac, NEIGHBOUR_STATIC) != NULL ? 0 : ENOMEM;
}

/* One that speaks first, as far as there is room. */
static void hear(struct roce_port *const port, const struct roce_path *const path)
{
	if (neighbour_find(port->neighbours, path->source) == NULL)
		neighbour_put(port->neighbours, path->source, path->source_mac, NEIGHBOUR_HEARD);
}

/* As a datagram's receiver sees it: an IPv4 header in the last twenty bytes. A17.4.5.2. */
static void write_grh(uint8_t grh[const IBV_GRH_BYTES], const struct roce_path *const path,
	const unsigned payload_bytes)
{
	const struct ipv4_header header = { .source = gid_to_ipv4(path->source),
		.destination = gid_to_ipv4(path->destination),
		.payload_bytes = (uint16_t)payload_bytes };

	__builtin_memset(grh, 0, IBV_GRH_BYTES - IPV4_HEADER_BYTES);
	ipv4_encode(&header, grh + IBV_GRH_BYTES - IPV4_HEADER_BYTES);
}

static void deliver(struct roce_port *const port, const uint64_t now_ticks,
	const struct roce_frame *const frame)
{
	uint8_t grh[IBV_GRH_BYTES];
	const bool datagram = (frame->packet.bth.opcode & IB_TRANSPORT_MASK) == IB_TRANSPORT_UD;
	struct ibv_arrival arrival = { .grh = datagram ? grh : NULL };

	if (!gid_same(frame->path.destination, port->context->gids[0].raw)) {
		port->elsewhere++;
		return;
	}
	hear(port, &frame->path);
	if (datagram)
		write_grh(grh, &frame->path, frame->packet.payload_bytes);
	gid_copy(arrival.source.raw, frame->path.source);
	ibv_receive(port->context, now_ticks, &arrival, &frame->packet);
}

unsigned roce_port_take(struct roce_port *const port, const uint64_t now_ticks,
	const uint8_t *const frame, const unsigned bytes, uint8_t *const reply)
{
	struct station_datagram datagram;
	struct roce_frame roce;
	const enum ib_refusal refusal = roce_decode(frame, bytes, &roce);
	unsigned reply_bytes = 0;

	port->refused[refusal]++;
	if (refusal == IB_ACCEPTED)
		deliver(port, now_ticks, &roce);
	else if (refusal == IB_REFUSED_NOT_ROCE)
		station_take(&port->station, frame, bytes, &datagram, reply, &reply_bytes);
	return reply_bytes;
}

/* What stands in front of the BTH. */
static void address(const struct roce_port *const port, struct roce_path *const path,
	const struct ibv_departure *const departure, const uint8_t mac[const ROCE_MAC_BYTES])
{
	const struct ibv_global_route *const route = &departure->to->grh;
	const unsigned sl = departure->to->sl & (IBV_LANES - 1);

	*path = (struct roce_path){ .hop_limit = route->hop_limit != 0 ? route->hop_limit : HOPS,
		.tagged = port->tagged,
		.tag = (uint16_t)(port->pcp_of_sl[sl] << PCP_SHIFT | (port->vlan & VLAN_MASK)),
		.traffic_class = (uint8_t)(port->dscp_of_sl[sl] << DSCP_SHIFT),
		.source_port = (uint16_t)(ROCE_SOURCE_PORT | (departure->source_qp & 0x3fff)) };
	copy_mac(path->destination_mac, mac);
	copy_mac(path->source_mac, port->station.mac);
	gid_copy(path->source, port->context->gids[0].raw);
	gid_copy(path->destination, route->dgid.raw);
}

unsigned roce_port_next(struct roce_port *const port, const uint64_t now_ticks,
	const uint16_t lanes, uint8_t *const frame, const unsigned room, bool *const more)
{
	const struct neighbour *neighbour;
	struct ibv_departure departure;
	struct roce_frame roce;
	unsigned offset;

	*more = ibv_next(port->context, now_ticks, lanes, &departure);
	if (!*more)
		return 0;
	neighbour = neighbour_find(port->neighbours, departure.to->grh.dgid.raw);
	if (neighbour == NULL) {
		port->unknown++;
		return 0;
	}
	address(port, &roce.path, &departure, neighbour->mac);
	roce.packet = departure.packet;
	offset = roce_payload_offset(&roce);
	if (offset + roce.packet.payload_bytes > room)
		return 0;
	roce.packet.payload = frame + offset;
	ibv_gather(&departure, frame + offset);
	return roce_encode(&roce, frame, room);
}
