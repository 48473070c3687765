/*
 * The requester's way out: which packet is sent next.
 *
 * Invariant: what packet has which number is fixed when its request is posted, so going back is nothing
 * but setting the numbers back (go-back-N), and what is sent again is cut as it was. Of the packets sent,
 * at most WINDOW_PACKETS are not acknowledged, and READs and atomics at most max_rd_atomic.
 * Specification: IBTA 1.4, 9.4, 9.7.2, 9.7.3, 9.8.2, 9.8.3.
 */
#include <ib/state.h>

#define FIRST  0u
#define MIDDLE 1u
#define LAST   2u
#define ONLY   4u

/* Of SEND and WRITE, the immediate data has the operation after the last's or the only one's. */
static uint8_t message_opcode(const struct ibv_send_entry *const entry, const uint32_t index)
{
	static const uint8_t firsts[] = { IB_OP_WRITE_FIRST, IB_OP_WRITE_FIRST, IB_OP_SEND_FIRST,
		IB_OP_SEND_FIRST };
	const uint8_t first = firsts[entry->opcode];
	const unsigned immediate = entry->opcode == IBV_WR_SEND_WITH_IMM ||
				   entry->opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
	const bool last = index + 1 == entry->packets;

	if (index == 0)
		return (uint8_t)(first + (last ? ONLY + immediate : FIRST));
	return (uint8_t)(first + (last ? LAST + immediate : MIDDLE));
}

static uint8_t read_opcode(const struct ibv_send_entry *const entry)
{
	if (entry->opcode == IBV_WR_RDMA_READ)
		return IB_OP_READ_REQUEST;
	return entry->opcode == IBV_WR_ATOMIC_CMP_AND_SWP ? IB_OP_COMPARE_SWAP : IB_OP_FETCH_ADD;
}

/* Packet numbers that the next packet takes: a READ's those of its portion's responses. */
static uint32_t numbers(const struct ibv_send_entry *const entry, const uint32_t index)
{
	const uint32_t portion = PORTION_PACKETS - index % PORTION_PACKETS;
	const uint32_t left = entry->packets - index;

	if (!is_read(entry))
		return 1;
	return left < portion ? left : portion;
}

static void fill_atomic(struct ib_packet *const packet, const struct ibv_send_entry *const entry)
{
	const bool swap = entry->opcode == IBV_WR_ATOMIC_CMP_AND_SWP;

	packet->atomic = (struct ib_atomic){ .address = entry->remote_addr,
		.rkey = entry->rkey,
		.swap_add = swap ? entry->swap : entry->compare_add,
		.compare = swap ? entry->compare_add : 0 };
}

static void fill_read(const struct ibv_qp *const qp, struct ib_packet *const packet,
	const struct ibv_send_entry *const entry, const uint32_t index)
{
	const uint32_t offset = index << qp->mtu_shift;
	const uint32_t left = entry->bytes - offset;
	const uint32_t portion = numbers(entry, index) << qp->mtu_shift;

	packet->reth = (struct ib_reth){ .address = entry->remote_addr + offset,
		.rkey = entry->rkey,
		.bytes = left < portion ? left : portion };
}

/* False: the memory may not be read. */
static bool fill_payload(const struct ibv_qp *const qp, struct ibv_departure *const departure,
	const struct ibv_send_entry *const entry, const uint32_t offset)
{
	const uint32_t left = entry->bytes - offset;
	const uint32_t bytes = left < qp->mtu_bytes ? left : qp->mtu_bytes;

	departure->packet.payload_bytes = bytes;
	if (entry->flags & IBV_SEND_INLINE) {
		departure->pieces = bytes != 0;
		departure->piece[0].from = entry->data + offset;
		departure->piece[0].bytes = bytes;
		return true;
	}
	return sges_gather(qp->pd, entry->sge, entry->sges, offset, bytes, departure);
}

static bool fill_message(const struct ibv_qp *const qp, struct ibv_departure *const departure,
	const struct ibv_send_entry *const entry, const uint32_t index)
{
	struct ib_packet *const packet = &departure->packet;

	packet->bth.opcode = message_opcode(entry, index);
	packet->bth.solicited =
		(entry->flags & IBV_SEND_SOLICITED) != 0 && index + 1 == entry->packets;
	packet->reth = (struct ib_reth){ entry->remote_addr, entry->rkey, entry->bytes };
	packet->immediate = __builtin_bswap32(entry->imm_data);
	return fill_payload(qp, departure, entry, index << qp->mtu_shift);
}

static bool fill(struct ibv_qp *const qp, struct ibv_departure *const departure,
	const struct ibv_send_entry *const entry, const uint32_t index)
{
	struct ib_packet *const packet = &departure->packet;

	packet->bth.psn = qp->requester.send_psn;
	if (!is_read(entry))
		return fill_message(qp, departure, entry, index);
	packet->bth.opcode = read_opcode(entry);
	packet->bth.acknowledge = true;
	if (entry->opcode == IBV_WR_RDMA_READ)
		fill_read(qp, packet, entry, index);
	else
		fill_atomic(packet, entry);
	return true;
}

/* Agreed numbers, the fence, and the window. */
static bool may_send(const struct ibv_qp *const qp, const struct ibv_send_entry *const entry,
	const uint32_t index)
{
	const struct ibv_requester *const r = &qp->requester;
	const uint32_t out = (uint32_t)psn_ahead(r->send_psn, r->una_psn);

	if (index == 0 && (entry->flags & IBV_SEND_FENCE) && r->reads != 0)
		return false;
	if (is_read(entry) && r->reads >= qp->attr.max_rd_atomic)
		return false;
	return out + numbers(entry, index) <= WINDOW_PACKETS;
}

static void ask(struct ibv_requester *const r, struct ib_bth *const bth, const bool last)
{
	bth->acknowledge = last || ++r->silent >= PORTION_PACKETS;
	if (bth->acknowledge)
		r->silent = 0;
}

static void sent(struct ibv_requester *const r, const struct ibv_send_entry *const entry,
	const uint32_t index)
{
	const uint32_t count = numbers(entry, index);

	r->send_psn = psn_add(r->send_psn, count);
	if (psn_ahead(r->send_psn, r->most_psn) > 0)
		r->most_psn = r->send_psn;
	if (is_read(entry))
		r->reads++;
	if (index + count == entry->packets)
		r->next++;
}

static bool rc_next(
	struct ibv_qp *const qp, const uint64_t now_ticks, struct ibv_departure *const departure)
{
	struct ibv_requester *const r = &qp->requester;
	const struct ibv_send_entry *const entry = send_entry(qp, r->next);
	const uint32_t index = (uint32_t)psn_ahead(r->send_psn, entry->first_psn);

	if (r->resume != IBV_NEVER || !may_send(qp, entry, index))
		return false;
	if (!fill(qp, departure, entry, index)) {
		/* Its turn to fail comes when those before it are over. */
		if (r->next == r->head)
			qp_doom(qp, IBV_WC_LOC_PROT_ERR);
		return false;
	}
	if (!is_read(entry))
		ask(r, &departure->packet.bth,
			index + 1 == entry->packets ||
				psn_ahead(r->send_psn, r->una_psn) + 1 == (int32_t)WINDOW_PACKETS);
	sent(r, entry, index);
	await_answer(qp, now_ticks);
	return true;
}

/* Nothing comes back: sent is over. */
static bool unreliable_next(struct ibv_qp *const qp, struct ibv_departure *const departure)
{
	struct ibv_requester *const r = &qp->requester;
	const struct ibv_send_entry *const entry = send_entry(qp, r->next);
	const uint32_t index = (uint32_t)psn_ahead(r->send_psn, entry->first_psn);

	if (!fill(qp, departure, entry, index)) {
		qp_doom(qp, IBV_WC_LOC_PROT_ERR);
		return false;
	}
	departure->packet.bth.acknowledge = false;
	sent(r, entry, index);
	r->una_psn = r->send_psn;
	if (r->next != r->head)
		send_complete(qp, IBV_WC_SUCCESS);
	return true;
}

/* With the high bit, the Q_Key is the sender's own. 10.2.5. */
static bool datagram_next(struct ibv_qp *const qp, struct ibv_departure *const departure)
{
	const struct ibv_send_entry *const entry = send_entry(qp, qp->requester.next);
	struct ib_packet *const packet = &departure->packet;
	const bool own = entry->remote_qkey >> 31 != 0;

	packet->bth.destination = entry->remote_qpn;
	packet->deth =
		(struct ib_deth){ own ? qp->attr.qkey : entry->remote_qkey, departure->source_qp };
	departure->to = &entry->ah->attr;
	return unreliable_next(qp, departure);
}

bool requester_next(
	struct ibv_qp *const qp, const uint64_t now_ticks, struct ibv_departure *const departure)
{
	if (qp->state != IBV_QPS_RTS || qp->requester.next == qp->requester.tail)
		return false;
	if (qp->qp_type == IBV_QPT_RC)
		return rc_next(qp, now_ticks, departure);
	return qp->qp_type == IBV_QPT_UC ? unreliable_next(qp, departure)
					 : datagram_next(qp, departure);
}
