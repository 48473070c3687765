/*
 * RoCEv2 frames. See port.h. Invariant: what is sent goes to the MAC that first spoke for the GID, or that the
 * program gave; what is received is for this port's GID.
 */
#include <ib/plain.h>
#include <ib/port.h>
#include <ib/straight.h>
#include <inet/ipv4.h>

#include <errno.h>

#define PCP_SHIFT   13u
#define VLAN_MASK   0xfffu
#define TRIES       5u
#define INTERVAL_NS 200000000u
#define PAUSE_NS    1000000000u

void roce_port_open(struct roce_port *const port, struct ibv_context *const context,
	struct neighbours *const neighbours, const struct endpoint *const at,
	const uint8_t mac[const ROCE_MAC_BYTES])
{
	*port = (struct roce_port){ .context = context, .neighbours = neighbours };
	station_open(&port->station, at, mac);
	station6_open(&port->station6, mac);
	gid_from_ipv4(context->gids[PORT_GID_IPV4].raw, at->address);
	gid_copy(context->gids[PORT_GID_IPV6].raw, port->station6.addresses[0]);
	port->asking.due = IBV_NEVER;
	roce_port_ask(port, TRIES, INTERVAL_NS, PAUSE_NS);
}

int roce_port_ipv6(struct roce_port *const port, const uint8_t address[const IB_GID_BYTES],
	const unsigned prefix_bits)
{
	const unsigned index = port->station6.count;

	if (index == STATION6_ADDRESSES)
		return ENOMEM;
	if (!station6_add(&port->station6, address, prefix_bits))
		return EINVAL;
	gid_copy(port->context->gids[PORT_GID_IPV6 + index].raw, address);
	return 0;
}

void roce_port_ask(struct roce_port *const port, const unsigned tries, const uint64_t interval_ns,
	const uint64_t pause_ns)
{
	port->asking.tries = tries;
	port->asking.interval_ticks = rate_ticks_up(&port->context->rate, interval_ns);
	port->asking.pause_ticks = rate_ticks_up(&port->context->rate, pause_ns);
}

/* Most frames are for, or from, who the last one was. */
static struct neighbour *find(struct roce_port *const port, const uint8_t gid[const IB_GID_BYTES])
{
	struct neighbour *const recent = port->recent, *found;

	if (neighbour_is_known(recent) && gid_same(recent->gid, gid))
		return recent;
	found = neighbour_find(port->neighbours, gid);
	if (neighbour_is_known(found))
		port->recent = found;
	return found;
}

static void copy_mac(uint8_t to[const ROCE_MAC_BYTES], const uint8_t from[const ROCE_MAC_BYTES])
{
	__builtin_memcpy(to, from, ROCE_MAC_BYTES);
}

int roce_port_neighbour(struct roce_port *const port, const uint8_t gid[const IB_GID_BYTES],
	const uint8_t mac[const ROCE_MAC_BYTES])
{
	const struct neighbour *const known = neighbour_find(port->neighbours, gid);
	struct neighbour *put;

	if (known != NULL && known->kind == NEIGHBOUR_STATIC)
		return EEXIST;
	put = neighbour_put(port->neighbours, gid, mac, NEIGHBOUR_STATIC);
	if (put == NULL)
		return ENOMEM;
	port->recent = put;
	if (port->context->waiting != 0)
		port->asking.due = 0; /* who waited for it goes on */
	return 0;
}

/* ---- Asking ---- */

/* What it said is believed if it was asked for, or is not known at all. */
static void told(struct roce_port *const port, const uint64_t now_ticks,
	struct neighbour *const neighbour, const uint8_t mac[const ROCE_MAC_BYTES])
{
	if (neighbour == NULL || neighbour_is_known(neighbour))
		return;
	neighbour->kind = NEIGHBOUR_TOLD;
	copy_mac(neighbour->mac, mac);
	port->asking.told++;
	port->asking.due = now_ticks; /* its place among those that are asked for is free */
	ibv_resume(port->context, now_ticks);
}

/* One that speaks first, as far as there is room. */
static void hear(
	struct roce_port *const port, const uint64_t now_ticks, const struct roce_path *const path)
{
	struct neighbour *const neighbour = find(port, path->source);

	if (neighbour == NULL)
		neighbour_put(port->neighbours, path->source, path->source_mac, NEIGHBOUR_HEARD);
	else
		told(port, now_ticks, neighbour, path->source_mac);
}

static bool is_on_link(const struct roce_port *const port, const uint8_t gid[const IB_GID_BYTES])
{
	if (gid_is_ipv4(gid))
		return station_on_link(&port->station, gid_to_ipv4(gid));
	return station6_on_link(&port->station6, gid) != STATION6_ADDRESSES;
}

/* PORT_ASKING: all of them are in use. */
static unsigned free_question(const struct roce_port *const port)
{
	for (unsigned i = 0; i < PORT_ASKING; i++)
		if (port->asking.of[i] == NULL)
			return i;
	return PORT_ASKING;
}

/* The first question goes out at once. False: it is not asked for. */
static bool begin_asking(struct roce_port *const port, const uint64_t now_ticks,
	const uint8_t gid[const IB_GID_BYTES])
{
	static const uint8_t nobody[ROCE_MAC_BYTES];
	const unsigned index = free_question(port);
	struct neighbour *neighbour;

	if (port->asking.tries == 0 || !is_on_link(port, gid))
		return false;
	if (index == PORT_ASKING) /* until another one has answered, or not */
		return true;
	neighbour = neighbour_put(port->neighbours, gid, nobody, NEIGHBOUR_ASKED);
	if (neighbour == NULL)
		return false;
	neighbour->tries = (uint8_t)port->asking.tries;
	neighbour->due = now_ticks;
	port->asking.of[index] = neighbour;
	port->asking.due = now_ticks;
	return true;
}

/* Somebody whose MAC is not known: whether it is worth while to wait. */
static bool will_be_known(struct roce_port *const port, const uint64_t now_ticks,
	const struct neighbour *const neighbour, const uint8_t gid[const IB_GID_BYTES])
{
	if (neighbour != NULL && neighbour->kind == NEIGHBOUR_ASKED)
		return true;
	if (neighbour != NULL && now_ticks < neighbour->due)
		return false;
	return begin_asking(port, now_ticks, gid);
}

static unsigned write_question(
	struct roce_port *const port, const uint8_t gid[const IB_GID_BYTES], uint8_t *const frame)
{
	port->asking.asked++;
	if (gid_is_ipv4(gid))
		return station_ask(&port->station, gid_to_ipv4(gid), frame);
	return station6_ask(&port->station6, station6_on_link(&port->station6, gid), gid, frame);
}

/* Nobody answered, often enough. */
static void fall_silent(
	struct roce_port *const port, const uint64_t now_ticks, struct neighbour *const neighbour)
{
	neighbour->kind = NEIGHBOUR_SILENT;
	neighbour->due = now_ticks + port->asking.pause_ticks;
	port->asking.silent++;
}

/* Those that need no question any more leave their places; the time of the next question is told anew. */
static struct neighbour *next_question(struct roce_port *const port, const uint64_t now_ticks)
{
	struct neighbour *first = NULL;
	bool over = false;

	port->asking.due = IBV_NEVER;
	for (unsigned i = 0; i < PORT_ASKING; i++) {
		struct neighbour *const n = port->asking.of[i];

		if (n == NULL)
			continue;
		if (n->kind == NEIGHBOUR_ASKED && n->due <= now_ticks && n->tries == 0)
			fall_silent(port, now_ticks, n);
		if (n->kind != NEIGHBOUR_ASKED) {
			port->asking.of[i] = NULL;
			over = true;
			continue;
		}
		if (n->due < port->asking.due)
			port->asking.due = n->due;
		if (n->due <= now_ticks)
			first = n;
	}
	if (over)
		ibv_resume(port->context, now_ticks);
	return first;
}

unsigned roce_port_question(
	struct roce_port *const port, const uint64_t now_ticks, uint8_t *const frame)
{
	struct neighbour *neighbour;

	if (port->asking.due > now_ticks)
		return 0;
	neighbour = next_question(port, now_ticks);
	if (neighbour == NULL)
		return 0;
	neighbour->tries--;
	neighbour->due = now_ticks + port->asking.interval_ticks;
	return write_question(port, neighbour->gid, frame);
}

uint64_t roce_port_deadline(const struct roce_port *const port)
{
	const uint64_t deadline = ibv_deadline(port->context);

	return port->asking.due < deadline ? port->asking.due : deadline;
}

/* ---- Frames that come ---- */

/* As a datagram's receiver sees it: a header of IPv6, or one of IPv4 in the last twenty bytes. A17.4.5.2. */
static void write_grh(uint8_t grh[const IBV_GRH_BYTES], const struct roce_path *const path,
	const unsigned payload_bytes)
{
	const struct ipv4_header header = { .source = gid_to_ipv4(path->source),
		.destination = gid_to_ipv4(path->destination),
		.payload_bytes = (uint16_t)payload_bytes };
	struct ib_grh header6 = { .version = IB_GRH_VERSION,
		.traffic_class = path->traffic_class,
		.flow_label = path->flow_label,
		.payload_bytes = (uint16_t)payload_bytes,
		.next = IPV4_UDP,
		.hop_limit = path->hop_limit };

	__builtin_memset(grh, 0, IBV_GRH_BYTES - IPV4_HEADER_BYTES);
	if (path->ipv6) {
		gid_copy(header6.source, path->source);
		gid_copy(header6.destination, path->destination);
		ib_grh_encode(&header6, grh);
	} else {
		ipv4_encode(&header, grh + IBV_GRH_BYTES - IPV4_HEADER_BYTES);
	}
}

static bool is_own(const struct roce_port *const port, const uint8_t gid[const IB_GID_BYTES])
{
	for (unsigned i = 0; i <= port->station6.count; i++)
		if (gid_same(port->context->gids[i].raw, gid))
			return true;
	return false;
}

static void deliver(struct roce_port *const port, const uint64_t now_ticks,
	const struct roce_frame *const frame)
{
	uint8_t grh[IBV_GRH_BYTES];
	const bool datagram = (frame->packet.bth.opcode & IB_TRANSPORT_MASK) == IB_TRANSPORT_UD;
	struct ibv_arrival arrival = { .grh = datagram ? grh : NULL };

	if (!is_own(port, frame->path.destination)) {
		port->elsewhere++;
		return;
	}
	hear(port, now_ticks, &frame->path);
	if (datagram)
		write_grh(grh, &frame->path, frame->packet.payload_bytes);
	gid_copy(arrival.source.raw, frame->path.source);
	ibv_receive(port->context, now_ticks, &arrival, &frame->packet);
}

/* What is not RoCE: questions, answers, echoes. */
static unsigned take_other(struct roce_port *const port, const uint64_t now_ticks,
	const uint8_t *const frame, const unsigned bytes, uint8_t *const reply)
{
	struct station6_neighbour neighbour6;
	struct station_datagram datagram;
	struct station_peer peer;
	uint8_t gid[IB_GID_BYTES];
	unsigned reply_bytes;

	if (station6_take(&port->station6, frame, bytes, &neighbour6, reply, &reply_bytes) ==
		STATION6_ADVERTISED)
		told(port, now_ticks, neighbour_find(port->neighbours, neighbour6.address),
			neighbour6.mac);
	if (reply_bytes != 0)
		return reply_bytes;
	if (station_hears(&port->station, frame, bytes, &peer)) {
		gid_from_ipv4(gid, peer.address);
		told(port, now_ticks, neighbour_find(port->neighbours, gid), peer.mac);
	}
	station_take(&port->station, frame, bytes, &datagram, reply, &reply_bytes);
	return reply_bytes;
}

static unsigned take_long(struct roce_port *const port, const uint64_t now_ticks,
	const uint8_t *const frame, const unsigned bytes, uint8_t *const reply)
{
	struct roce_frame roce;
	const enum ib_refusal refusal = roce_decode(frame, bytes, &roce);

	port->refused[refusal]++;
	if (refusal == IB_ACCEPTED)
		deliver(port, now_ticks, &roce);
	return refusal == IB_REFUSED_NOT_ROCE ? take_other(port, now_ticks, frame, bytes, reply)
					      : 0;
}

unsigned roce_port_take(struct roce_port *const port, const uint64_t now_ticks,
	const uint8_t *const frame, const unsigned bytes, uint8_t *const reply)
{
	struct straight straight;

	if (!straight_comes(port, frame, bytes, &straight))
		return take_long(port, now_ticks, frame, bytes, reply);
	straight_take(port, now_ticks, &straight);
	return 0;
}

/* ---- Frames that go ---- */

/*
 * The GID that is said to be the sender's: the one that the address names, if it is of the destination's kind, or else
 * the first on the same link; NULL: there is none.
 */
static const uint8_t *source_of(
	const struct roce_port *const port, const struct ibv_global_route *const route)
{
	const struct ibv_context *const context = port->context;
	const uint8_t *const to = route->dgid.raw;
	unsigned index;

	if (gid_is_ipv4(to))
		return context->gids[PORT_GID_IPV4].raw;
	if (route->sgid_index >= PORT_GID_IPV6 && route->sgid_index <= port->station6.count)
		return context->gids[route->sgid_index].raw;
	index = station6_on_link(&port->station6, to);
	return context->gids[PORT_GID_IPV6 + (index != STATION6_ADDRESSES ? index : 0)].raw;
}

/* What stands in front of the BTH. */
static void address(const struct roce_port *const port, struct roce_path *const path,
	const struct ibv_departure *const departure, const uint8_t mac[const ROCE_MAC_BYTES])
{
	const struct ibv_global_route *const route = &departure->to->grh;
	const unsigned sl = departure->to->sl & (IBV_LANES - 1);

	*path = (struct roce_path){ .hop_limit = route->hop_limit != 0 ? route->hop_limit
								       : STRAIGHT_HOPS,
		.tagged = port->tagged,
		.tag = (uint16_t)(port->pcp_of_sl[sl] << PCP_SHIFT | (port->vlan & VLAN_MASK)),
		.ipv6 = !gid_is_ipv4(route->dgid.raw),
		.traffic_class = (uint8_t)(port->dscp_of_sl[sl] << STRAIGHT_DSCP_SHIFT),
		.flow_label = route->flow_label,
		.source_port = straight_source_port(departure->source_qp) };
	path->udp_checksum = path->ipv6;
	copy_mac(path->destination_mac, mac);
	copy_mac(path->source_mac, port->station.mac);
	gid_copy(path->source, source_of(port, route));
	gid_copy(path->destination, route->dgid.raw);
}

/* What most frames are: IPv4 without a tag. The same bytes, with fewer steps in between. */
static unsigned write_plain(const struct roce_port *const port,
	struct ibv_departure *const departure, const uint8_t mac[const ROCE_MAC_BYTES],
	uint8_t *const frame, const unsigned room)
{
	const struct plain plain = straight_headers(port, departure->to, departure->source_qp, mac);
	unsigned offset;
	const unsigned bytes = ib_packet_measure(&departure->packet, &offset);
	uint8_t *const packet = frame + PLAIN_PACKET;

	if (bytes == 0 || PLAIN_PACKET + bytes + IB_ICRC_BYTES > room)
		return 0;
	departure->packet.payload = packet + offset;
	ibv_gather(departure, packet + offset);
	plain_write(&plain, PLAIN_PACKET - PLAIN_UDP + bytes + IB_ICRC_BYTES, frame);
	ib_packet_write(&departure->packet, packet);
	roce_seal(frame + PLAIN_IP, PLAIN_PACKET - PLAIN_IP + bytes);
	return PLAIN_PACKET + bytes + IB_ICRC_BYTES;
}

static unsigned write_frame(const struct roce_port *const port,
	struct ibv_departure *const departure, const uint8_t mac[const ROCE_MAC_BYTES],
	uint8_t *const frame, const unsigned room)
{
	struct roce_frame roce;
	unsigned offset;

	if (!port->tagged && gid_is_ipv4(departure->to->grh.dgid.raw))
		return write_plain(port, departure, mac, frame, room);
	address(port, &roce.path, departure, mac);
	roce.packet = departure->packet;
	offset = roce_payload_offset(&roce);
	if (offset + roce.packet.payload_bytes > room)
		return 0;
	roce.packet.payload = frame + offset;
	ibv_gather(departure, frame + offset);
	return roce_encode(&roce, frame, room);
}

/* It will never be known: a connection ends, a datagram is lost. */
static void give_up(struct roce_port *const port, const uint64_t now_ticks, struct ibv_qp *const qp)
{
	struct ibv_departure departure;

	port->unknown += qp->qp_type == IBV_QPT_RC ? ibv_unreachable(qp)
						   : ibv_take(qp, now_ticks, &departure);
}

/* False: this queue pair's peer is not known, and it waits, or has been given up. */
static bool is_reachable(struct roce_port *const port, const uint64_t now_ticks,
	struct ibv_qp *const qp, const struct neighbour *const neighbour,
	const uint8_t gid[const IB_GID_BYTES])
{
	if (neighbour_is_known(neighbour))
		return true;
	if (will_be_known(port, now_ticks, neighbour, gid))
		ibv_wait(qp);
	else
		give_up(port, now_ticks, qp);
	return false;
}

unsigned roce_port_packet(struct roce_port *const port, const uint64_t now_ticks,
	const uint16_t lanes, uint8_t *const frame, const unsigned room, bool *const more)
{
	uint64_t candidates = ibv_candidates(port->context, now_ticks, lanes);
	struct ibv_departure departure;

	*more = true;
	while (candidates != 0) {
		struct ibv_qp *const qp = ibv_choose(port->context, candidates);
		const struct ibv_ah_attr *const to = ibv_destination(qp);
		const struct neighbour *const neighbour =
			to != NULL ? find(port, to->grh.dgid.raw) : NULL;

		if (to != NULL && !is_reachable(port, now_ticks, qp, neighbour, to->grh.dgid.raw))
			return 0;
		if (straight_goes(port, qp, room))
			return straight_send(port, now_ticks, qp, neighbour, frame);
		if (ibv_take(qp, now_ticks, &departure))
			return write_frame(port, &departure, neighbour->mac, frame, room);
		candidates &= ~(1ull << qp->index);
	}
	*more = false;
	return 0;
}

unsigned roce_port_next(struct roce_port *const port, const uint64_t now_ticks,
	const uint16_t lanes, uint8_t *const frame, const unsigned room, bool *const more)
{
	unsigned bytes;

	if (port->asking.due <= now_ticks) {
		bytes = roce_port_question(port, now_ticks, frame);
		if (bytes != 0) {
			*more = true;
			return bytes;
		}
	}
	return roce_port_packet(port, now_ticks, lanes, frame, room, more);
}
