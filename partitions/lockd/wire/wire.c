/*
 * Lock messages as datagrams. See lock_wire.h. Invariant: entry i of the inbox is posted, or handed out, never
 * both; entry i of the outbox is written again only after its frame was passed on.
 */
#include <stddef.h>

#include <mullion/lock_wire.h>

#include <inet/octets.h>

#define SOURCE_AT        32u /* in a datagram's GRH, where RoCEv2 over IPv4 shows the IP header's source */
#define ADDRESS_BITS     32u
#define IP_SOURCE_AT     (LOCK_WIRE_IP_AT + 12u)
#define IP_ADDRESS_BYTES 4u
#define PSN_AT           55u /* the last three bytes of the BTH */
#define ALL_LANES        0xffffu
#define PRIORITIES       8u /* of Ethernet */
#define CLASS_SELECTOR   3u

/* ---- Opening ---- */

static struct ibv_pools pools_of(struct lock_wire *const w)
{
	return (struct ibv_pools){ w->pools.pds, w->pools.mrs, w->pools.ahs, w->pools.cqs,
		w->pools.completions, w->pools.qps, w->pools.sends, w->pools.recvs, 1, 2, 1, 1, 1,
		2 * LOCK_WIRE_INBOX, LOCK_WIRE_INBOX, LOCK_WIRE_INBOX };
}

static void post_receive(struct lock_wire *const w, const uint32_t entry)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)&w->in[entry],
		IBV_GRH_BYTES + LOCK_MESSAGE_BYTES, w->in_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = entry, .sg_list = &sge, .num_sge = 1 };

	ibv_post_recv(w->qp, &wr, &bad);
}

static bool start_queue_pair(struct lock_wire *const w, struct ibv_pd *const pd, const uint8_t sl)
{
	struct ibv_qp_init_attr init = {
		.send_cq = w->cq, .recv_cq = w->cq, .qp_type = IBV_QPT_UD
	};
	struct ibv_qp_attr attr = { .qkey = w->q_key, .ah_attr = { .sl = sl } };
	bool good;

	w->qp = ibv_create_qp(pd, &init);
	good = w->qp != NULL;
	for (attr.qp_state = IBV_QPS_INIT; good && attr.qp_state <= IBV_QPS_RTS; attr.qp_state++)
		good = ibv_modify_qp(w->qp, &attr,
			       IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY |
				       IBV_QP_SQ_PSN | IBV_QP_AV) == 0;
	return good && w->qp->qp_num == LOCK_WIRE_QPN;
}

static bool start_adapter(
	struct lock_wire *const w, const uint8_t sl, const struct time_rate *const rate)
{
	const struct ibv_pools pools = pools_of(w);
	struct ibv_pd *pd;

	if (ibv_open(&w->context, &pools, rate) != 0)
		return false;
	pd = ibv_alloc_pd(&w->context);
	w->in_mr = ibv_reg_mr(pd, w->in, sizeof(w->in), IBV_ACCESS_LOCAL_WRITE);
	w->out_mr = ibv_reg_mr(pd, &w->blank, sizeof(w->blank), 0);
	w->cq = ibv_create_cq(&w->context, 2 * LOCK_WIRE_INBOX, NULL);
	if (!start_queue_pair(w, pd, sl))
		return false;
	for (uint32_t i = 0; i < LOCK_WIRE_INBOX; i++)
		post_receive(w, i);
	return true;
}

/* The frame that the verbs make of `blank` for this address; its bytes. */
static unsigned make_frame(struct lock_wire *const w, const struct ibv_ah_attr *const attr,
	uint8_t *const frame, const unsigned room)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)&w->blank, LOCK_MESSAGE_BYTES,
		w->out_mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };
	unsigned bytes = 0;
	bool more;

	wr.wr.ud.ah = ibv_create_ah(w->qp->pd, attr);
	wr.wr.ud.remote_qpn = LOCK_WIRE_QPN;
	wr.wr.ud.remote_qkey = w->q_key;
	if (wr.wr.ud.ah == NULL)
		return 0;
	if (ibv_post_send(w->qp, &wr, &bad) == 0)
		bytes = roce_port_next(&w->port, 0, ALL_LANES, frame, room, &more);
	return ibv_destroy_ah(wr.wr.ud.ah) == 0 ? bytes : 0;
}

/* The port's table holds the node that is met, and no other. */
static void introduce(struct lock_wire *const w, const uint8_t gid[const IB_GID_BYTES],
	const uint8_t mac[const ROCE_MAC_BYTES])
{
	__builtin_memset(w->neighbour_slots, 0, sizeof(w->neighbour_slots));
	w->neighbours.count = 0;
	roce_port_neighbour(&w->port, gid, mac);
}

static void swap(uint8_t *const a, uint8_t *const b, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		const uint8_t was = a[i];

		a[i] = b[i];
		b[i] = was;
	}
}

/*
 * Who is where is known beforehand, and never changes: so are the headers, there and, with both ends' addresses
 * exchanged, back. IP's checksum is the same.
 */
static bool meet(struct lock_wire *const w, const uint32_t node, const uint8_t sl)
{
	const struct lock_image_node *const row = &w->node_rows[node];
	struct ibv_ah_attr attr = { .is_global = 1, .sl = sl };
	uint8_t frame[ROCE_HEADERS_BYTES_MOST + 2 * LOCK_MESSAGE_BYTES];

	gid_from_ipv4(attr.grh.dgid.raw, row->ipv4);
	introduce(w, attr.grh.dgid.raw, row->mac);
	if (make_frame(w, &attr, frame, sizeof(frame)) != LOCK_WIRE_FRAME_BYTES)
		return false;
	__builtin_memcpy(w->to[node], frame, LOCK_WIRE_HEAD_BYTES);
	swap(frame, frame + ROCE_MAC_BYTES, ROCE_MAC_BYTES);
	swap(frame + IP_SOURCE_AT, frame + IP_SOURCE_AT + IP_ADDRESS_BYTES, IP_ADDRESS_BYTES);
	__builtin_memcpy(w->from[node], frame, LOCK_WIRE_HEAD_BYTES);
	return true;
}

static bool open_port(struct lock_wire *const w, const struct lock_image *const image,
	const uint8_t mac[const ROCE_MAC_BYTES], const uint8_t sl)
{
	const struct endpoint at = { .address = w->node_rows[w->node].ipv4,
		.netmask = UINT32_MAX << (ADDRESS_BITS - image->prefix_bits),
		.port = 1 };

	w->neighbours = (struct neighbours){ .slots = w->neighbour_slots,
		.buckets = NEIGHBOURS_SLOTS(1) / NEIGHBOUR_WAYS };
	roce_port_open(&w->port, &w->context, &w->neighbours, &at, mac);
	w->port.tagged = true;
	w->port.pcp_of_sl[sl] = sl;
	w->port.dscp_of_sl[sl] = (uint8_t)(sl << CLASS_SELECTOR);
	for (uint32_t node = 0; node < w->nodes; node++)
		if (node != w->node && !meet(w, node, sl))
			return false;
	return true;
}

static bool same_mac(const uint8_t a[const ROCE_MAC_BYTES], const uint8_t b[const ROCE_MAC_BYTES])
{
	return __builtin_memcmp(a, b, ROCE_MAC_BYTES) == 0;
}

/* What cannot work, in words. */
static const char *judge_tables(const struct lock_wire *const w,
	const uint8_t mac[const ROCE_MAC_BYTES], const uint8_t service_level)
{
	if (w->nodes > LOCK_WIRE_NODES)
		return "more nodes than the wire has room for";
	if (service_level >= PRIORITIES)
		return "a service level above 7 has no priority of its own in frames";
	if (!same_mac(mac, w->node_rows[w->node].mac))
		return "the card's MAC is not the one that the description says";
	for (uint32_t node = 0; node < w->nodes; node++)
		if (w->node_rows[node].qpn != LOCK_WIRE_QPN)
			return "a node's qpn is not 256, which the adapter's first queue pair has";
	return NULL;
}

const char *lock_wire_open(struct lock_wire *const wire, const struct lock_image *const image,
	const uint8_t mac[const ROCE_MAC_BYTES], const uint8_t service_level,
	const struct time_rate *const rate)
{
	const char *wrong;

	__builtin_memset(wire, 0, sizeof(*wire));
	wire->node = image->node;
	wire->nodes = image->part[LOCK_IMAGE_NODES].count;
	wire->q_key = image->q_key;
	wire->node_rows = lock_image_nodes(image);
	wire->shown = LOCK_WIRE_INBOX;
	wrong = judge_tables(wire, mac, service_level);
	if (wrong != NULL)
		return wrong;
	if (!start_adapter(wire, service_level, rate))
		return "the adapter does not start";
	return open_port(wire, image, mac, service_level) ? NULL
							  : "the adapter makes no frame for a node";
}

/* ---- Sending ---- */

static void write_icrc(uint8_t *const frame)
{
	const uint32_t icrc = roce_icrc(frame + LOCK_WIRE_IP_AT,
		LOCK_WIRE_HEAD_BYTES + LOCK_MESSAGE_BYTES - LOCK_WIRE_IP_AT);

	__builtin_memcpy(frame + LOCK_WIRE_HEAD_BYTES + LOCK_MESSAGE_BYTES, &icrc, sizeof(icrc));
}

bool lock_wire_send(
	struct lock_wire *const wire, const uint16_t node, const struct lock_message *const message)
{
	uint8_t *const frame = wire->out[wire->posted % LOCK_WIRE_SENDS];

	if (node >= wire->nodes || node == wire->node)
		return false;
	if (!lock_wire_has_room(wire)) {
		wire->full++;
		return false;
	}
	__builtin_memcpy(frame, wire->to[node], LOCK_WIRE_HEAD_BYTES);
	frame[PSN_AT] = (uint8_t)(wire->posted >> 16);
	frame[PSN_AT + 1] = (uint8_t)(wire->posted >> 8);
	frame[PSN_AT + 2] = (uint8_t)wire->posted;
	__builtin_memcpy(frame + LOCK_WIRE_HEAD_BYTES, message, LOCK_MESSAGE_BYTES);
	write_icrc(frame);
	wire->posted++;
	return true;
}

/* ---- Receiving ---- */

static uint64_t word(const uint8_t *const at)
{
	uint64_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

/* All but the packet number is the same. */
static bool is_head(const uint8_t *const frame, const uint8_t *const head)
{
	uint64_t differs = (word(frame + PSN_AT - 8) ^ word(head + PSN_AT - 8)) |
			   (word(frame + PSN_AT + 3) ^ word(head + PSN_AT + 3));

	for (unsigned at = 0; at + 8 <= PSN_AT; at += 8)
		differs |= word(frame + at) ^ word(head + at);
	return differs == 0;
}

static bool is_icrc(const uint8_t *const frame)
{
	const uint32_t icrc = roce_icrc(frame + LOCK_WIRE_IP_AT,
		LOCK_WIRE_HEAD_BYTES + LOCK_MESSAGE_BYTES - LOCK_WIRE_IP_AT);

	return __builtin_memcmp(
		       frame + LOCK_WIRE_HEAD_BYTES + LOCK_MESSAGE_BYTES, &icrc, sizeof(icrc)) == 0;
}

/* A frame with the very headers of the node that its message names. */
static bool take_by_head(
	struct lock_wire *const w, const uint8_t *const frame, const unsigned bytes)
{
	const uint8_t *const message = frame + LOCK_WIRE_HEAD_BYTES;
	uint16_t node;

	if (bytes != LOCK_WIRE_FRAME_BYTES)
		return false;
	__builtin_memcpy(&node, message + offsetof(struct lock_message, node), sizeof(node));
	if (node >= w->nodes || node == w->node || !is_head(frame, w->from[node]) ||
		!is_icrc(frame))
		return false;
	__builtin_memcpy(&w->arrived, message, LOCK_MESSAGE_BYTES);
	w->arrived_from = node;
	w->fresh = true;
	w->counts[LOCK_WIRE_TAKEN]++;
	return true;
}

unsigned lock_wire_take(struct lock_wire *const wire, const uint64_t now_ticks,
	const uint8_t *const frame, const unsigned bytes, uint8_t *const reply)
{
	if (take_by_head(wire, frame, bytes))
		return 0;
	return roce_port_take(&wire->port, now_ticks, frame, bytes, reply);
}

static enum lock_wire_reason judge(const struct lock_wire *const w, const struct ibv_wc *const wc)
{
	const struct lock_wire_in *const in = &w->in[wc->wr_id];
	const uint16_t node = in->message.node;

	if (wc->byte_len != IBV_GRH_BYTES + LOCK_MESSAGE_BYTES)
		return LOCK_WIRE_BAD_SIZE;
	if (node >= w->nodes || node == w->node)
		return LOCK_WIRE_BAD_NODE;
	if (octets_read32(in->grh + SOURCE_AT) != w->node_rows[node].ipv4 ||
		wc->src_qp != LOCK_WIRE_QPN)
		return LOCK_WIRE_BAD_SOURCE;
	return LOCK_WIRE_TAKEN;
}

/* One that went through the verbs. */
static const struct lock_message *poll(struct lock_wire *const wire, uint16_t *const from)
{
	enum lock_wire_reason reason;
	struct ibv_wc wc;

	if (wire->shown != LOCK_WIRE_INBOX) {
		post_receive(wire, wire->shown);
		wire->shown = LOCK_WIRE_INBOX;
	}
	if (ibv_poll_cq(wire->cq, 1, &wc) == 0)
		return NULL;
	reason = judge(wire, &wc);
	wire->counts[reason]++;
	if (reason != LOCK_WIRE_TAKEN) {
		post_receive(wire, (uint32_t)wc.wr_id);
		return NULL;
	}
	wire->shown = (uint32_t)wc.wr_id;
	*from = wire->in[wc.wr_id].message.node;
	return &wire->in[wc.wr_id].message;
}

const struct lock_message *lock_wire_receive(struct lock_wire *const wire, uint16_t *const from)
{
	if (!wire->fresh)
		return poll(wire, from);
	wire->fresh = false;
	*from = wire->arrived_from;
	return &wire->arrived;
}
