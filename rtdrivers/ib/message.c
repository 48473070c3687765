/*
 * SEND and WRITE, as they arrive: packet by packet into posted buffers or into the memory of an rkey.
 *
 * Invariant: a packet is judged as a whole before anything of it is done, and a message's bytes go nowhere
 * but into what its first packet was granted. Specification: IBTA 1.4, 9.4, 9.7.4.1, 9.8.2.
 */
#include <ib/state.h>

static unsigned kind_of(const unsigned layout)
{
	return layout & IB_IS_SEND ? IBV_MESSAGE_SEND : IBV_MESSAGE_WRITE;
}

static bool may_follow(const struct ibv_responder *const r, const unsigned layout)
{
	if (layout & IB_HAS_IETH)
		return false;
	if (layout & IB_IS_FIRST)
		return r->message == IBV_MESSAGE_NONE;
	return r->message == kind_of(layout);
}

/* All but the last are full, and the last is not empty unless it is the only one. */
static bool is_length(const struct ibv_qp *const qp, const unsigned layout, const uint32_t bytes)
{
	if (!(layout & IB_IS_LAST))
		return bytes == qp->mtu_bytes;
	return bytes <= qp->mtu_bytes && (bytes != 0 || (layout & IB_IS_FIRST));
}

static bool takes_entry(const unsigned layout)
{
	return (layout & IB_IS_SEND) ? (layout & IB_IS_FIRST) != 0
				     : (layout & IB_HAS_IMMEDIATE) != 0;
}

/* What the RETH asks for as a whole. */
static bool is_granted(const struct ibv_qp *const qp, const struct ib_reth *const reth)
{
	if (!(qp->attr.qp_access_flags & IBV_ACCESS_REMOTE_WRITE))
		return false;
	return reth->bytes == 0 || mr_reach(qp->pd, reth->rkey, reth->address, reth->bytes,
					   IBV_ACCESS_REMOTE_WRITE) != NULL;
}

static enum verdict judge_write(
	const struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	const struct ibv_responder *const r = &qp->responder;
	const bool first = (layout & IB_IS_FIRST) != 0;
	const uint32_t bytes = first ? packet->reth.bytes : r->write_bytes;
	const uint64_t done = (first ? 0 : (uint64_t)r->received) + packet->payload_bytes;

	if (first && !is_granted(qp, &packet->reth))
		return VERDICT_ACCESS;
	return (layout & IB_IS_LAST ? done == bytes : done < bytes) ? VERDICT_GOOD : VERDICT_LENGTH;
}

static enum verdict judge_send(
	const struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	const struct ibv_responder *const r = &qp->responder;
	const uint64_t before = layout & IB_IS_FIRST ? 0 : r->received;

	return before + packet->payload_bytes <= recv_entry(qp, r->head)->bytes ? VERDICT_GOOD
										: VERDICT_TOO_LONG;
}

static enum verdict judge(
	const struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	const struct ibv_responder *const r = &qp->responder;

	if (!may_follow(r, layout))
		return VERDICT_OPCODE;
	if (!is_length(qp, layout, packet->payload_bytes))
		return VERDICT_LENGTH;
	if (takes_entry(layout) && r->head == r->tail)
		return VERDICT_RECEIVE;
	return layout & IB_IS_SEND ? judge_send(qp, packet, layout)
				   : judge_write(qp, packet, layout);
}

static bool store_send(const struct ibv_qp *const qp, const struct ib_packet *const packet)
{
	const struct ibv_recv_entry *const entry = recv_entry(qp, qp->responder.head);

	return sges_scatter(qp->pd, entry->sge, entry->sges, qp->responder.received,
		packet->payload, packet->payload_bytes);
}

/* Asked for again: the key may have ended since the first packet. */
static bool store_write(const struct ibv_qp *const qp, const struct ib_packet *const packet)
{
	const struct ibv_responder *const r = &qp->responder;
	uint8_t *const to = mr_reach(qp->pd, r->write_rkey, r->write_address + r->received,
		packet->payload_bytes, IBV_ACCESS_REMOTE_WRITE);

	if (packet->payload_bytes == 0)
		return true;
	if (to == NULL)
		return false;
	copy_bytes(to, packet->payload, packet->payload_bytes);
	return true;
}

static void begin(
	struct ibv_responder *const r, const struct ib_packet *const packet, const unsigned layout)
{
	r->message = (uint8_t)kind_of(layout);
	r->received = 0;
	if (layout & IB_HAS_RETH) {
		r->write_address = packet->reth.address;
		r->write_rkey = packet->reth.rkey;
		r->write_bytes = packet->reth.bytes;
	}
}

static void finish(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	struct ibv_responder *const r = &qp->responder;
	struct ibv_wc *wc;

	r->message = IBV_MESSAGE_NONE;
	if (!(layout & (IB_IS_SEND | IB_HAS_IMMEDIATE)))
		return;
	wc = recv_complete(qp, IBV_WC_SUCCESS, r->received);
	if (layout & IB_IS_WRITE)
		wc->opcode = IBV_WC_RECV_RDMA_WITH_IMM;
	if (layout & IB_HAS_IMMEDIATE) {
		wc->imm_data = __builtin_bswap32(packet->immediate);
		wc->wc_flags = IBV_WC_WITH_IMM;
	}
}

enum verdict message_packet(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	struct ibv_responder *const r = &qp->responder;
	const enum verdict verdict = judge(qp, packet, layout);

	if (verdict != VERDICT_GOOD)
		return verdict;
	if (layout & IB_IS_FIRST)
		begin(r, packet, layout);
	if (layout & IB_IS_SEND ? !store_send(qp, packet) : !store_write(qp, packet))
		return layout & IB_IS_SEND ? VERDICT_LOCAL : VERDICT_ACCESS;
	r->received += packet->payload_bytes;
	if (layout & IB_IS_LAST)
		finish(qp, packet, layout);
	return VERDICT_GOOD;
}
