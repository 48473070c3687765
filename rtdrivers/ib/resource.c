/*
 * READs and atomics at the responder: done once, answered as often as they come.
 *
 * Invariant: the ring holds the last max_dest_rd_atomic of them in the order of their packet numbers, and
 * is answered in that order; an atomic is done when it comes first and never again, its result is kept.
 * Specification: IBTA 1.4, 9.4.4, 9.4.5, 9.7.5.1.
 */
#include <ib/state.h>

static struct ibv_resource *resource_at(struct ibv_qp *const qp, const uint32_t counter)
{
	return &qp->responder.resources[counter % IBV_RD_ATOMIC];
}

/*
 * The oldest goes. Who keeps to the number agreed has its data by then, even if a late duplicate has it
 * answered again; who does not loses the answer.
 */
static bool make_room(struct ibv_qp *const qp)
{
	struct ibv_responder *const r = &qp->responder;

	if (r->newest - r->oldest >= qp->attr.max_dest_rd_atomic)
		r->oldest += r->newest != r->oldest;
	return qp->attr.max_dest_rd_atomic != 0;
}

static enum verdict judge_read(const struct ibv_qp *const qp, const struct ib_reth *const reth)
{
	if (!(qp->attr.qp_access_flags & IBV_ACCESS_REMOTE_READ))
		return VERDICT_ACCESS;
	if (reth->bytes > IBV_MESSAGE_BYTES)
		return VERDICT_LENGTH;
	return reth->bytes == 0 || mr_reach(qp->pd, reth->rkey, reth->address, reth->bytes,
					   IBV_ACCESS_REMOTE_READ) != NULL
		       ? VERDICT_GOOD
		       : VERDICT_ACCESS;
}

static enum verdict judge_atomic(
	const struct ibv_qp *const qp, const struct ib_atomic *const atomic)
{
	if (!(qp->attr.qp_access_flags & IBV_ACCESS_REMOTE_ATOMIC))
		return VERDICT_ACCESS;
	if (atomic->address % ATOMIC_BYTES != 0)
		return VERDICT_OPCODE;
	return mr_reach(qp->pd, atomic->rkey, atomic->address, ATOMIC_BYTES,
		       IBV_ACCESS_REMOTE_ATOMIC) != NULL
		       ? VERDICT_GOOD
		       : VERDICT_ACCESS;
}

/* The memory's word is atomic against the program's own CPUs, too. What was there before. */
static uint64_t execute(const struct ibv_qp *const qp, const struct ib_packet *const packet)
{
	const struct ib_atomic *const atomic = &packet->atomic;
	uint64_t *const word = (uint64_t *)(void *)mr_reach(
		qp->pd, atomic->rkey, atomic->address, ATOMIC_BYTES, IBV_ACCESS_REMOTE_ATOMIC);
	uint64_t before = atomic->compare;

	if ((packet->bth.opcode & IB_OP_MASK) == IB_OP_FETCH_ADD)
		return __atomic_fetch_add(word, atomic->swap_add, __ATOMIC_SEQ_CST);
	__atomic_compare_exchange_n(
		word, &before, atomic->swap_add, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return before;
}

static void note_read(const struct ibv_qp *const qp, struct ibv_resource *const resource,
	const struct ib_reth *const reth)
{
	resource->address = reth->address;
	resource->rkey = reth->rkey;
	resource->bytes = reth->bytes;
	resource->packets = packets_of(qp, reth->bytes);
}

enum verdict resource_begin(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	struct ibv_responder *const r = &qp->responder;
	struct ibv_resource *resource;
	enum verdict verdict;

	if (r->message != IBV_MESSAGE_NONE)
		return VERDICT_OPCODE;
	verdict = layout & IB_HAS_ATOMIC ? judge_atomic(qp, &packet->atomic)
					 : judge_read(qp, &packet->reth);
	if (verdict != VERDICT_GOOD)
		return verdict;
	if (!make_room(qp))
		return VERDICT_RESOURCE;
	resource = resource_at(qp, r->newest++);
	*resource = (struct ibv_resource){ .first_psn = packet->bth.psn, .packets = 1 };
	resource->atomic = (layout & IB_HAS_ATOMIC) != 0;
	if (resource->atomic)
		resource->result = execute(qp, packet);
	else
		note_read(qp, resource, &packet->reth);
	resource->end = resource->packets;
	r->psn = psn_add(r->psn, resource->packets);
	r->msn = (r->msn + 1) & IB_PSN_MASK;
	resource->msn = r->msn;
	return VERDICT_GOOD;
}

/* The same READ, or the rest of it from a later packet on. */
static bool again_read(const struct ibv_qp *const qp, struct ibv_resource *const resource,
	const struct ib_packet *const packet)
{
	const uint32_t skipped = (uint32_t)psn_ahead(packet->bth.psn, resource->first_psn);
	const uint64_t offset = (uint64_t)skipped << qp->mtu_shift;

	if (packet->reth.rkey != resource->rkey ||
		packet->reth.address != resource->address + offset)
		return false;
	if (offset > resource->bytes || packet->reth.bytes > resource->bytes - offset)
		return false;
	if (packet->reth.bytes == 0 && resource->bytes != 0)
		return false;
	resource->begin = skipped;
	resource->next = skipped;
	resource->end = skipped + packets_of(qp, packet->reth.bytes);
	return true;
}

bool resource_again(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	struct ibv_responder *const r = &qp->responder;

	for (uint32_t i = r->oldest; i != r->newest; i++) {
		struct ibv_resource *const resource = resource_at(qp, i);
		const int32_t ahead = psn_ahead(packet->bth.psn, resource->first_psn);

		if (ahead < 0 || ahead >= (int32_t)resource->packets)
			continue;
		if (resource->atomic != ((layout & IB_HAS_ATOMIC) != 0))
			return false;
		if (!resource->atomic)
			return again_read(qp, resource, packet);
		resource->next = 0;
		return true;
	}
	return false;
}

static uint8_t response_opcode(const struct ibv_resource *const resource)
{
	const bool first = resource->next == resource->begin;
	const bool last = resource->next + 1 == resource->end;

	if (resource->atomic)
		return IB_OP_ATOMIC_ACKNOWLEDGE;
	if (first)
		return last ? IB_OP_READ_RESPONSE_ONLY : IB_OP_READ_RESPONSE_FIRST;
	return last ? IB_OP_READ_RESPONSE_LAST : IB_OP_READ_RESPONSE_MIDDLE;
}

/* False: the key has ended meanwhile. */
static bool respond_read(const struct ibv_qp *const qp, const struct ibv_resource *const resource,
	struct ibv_departure *const departure)
{
	const uint32_t offset = resource->next << qp->mtu_shift;
	const uint32_t left = resource->bytes - offset;
	const uint32_t bytes = left < qp->mtu_bytes ? left : qp->mtu_bytes;

	departure->packet.payload_bytes = bytes;
	departure->pieces = bytes != 0;
	departure->piece[0].bytes = bytes;
	departure->piece[0].from = mr_reach(
		qp->pd, resource->rkey, resource->address + offset, bytes, IBV_ACCESS_REMOTE_READ);
	return bytes == 0 || departure->piece[0].from != NULL;
}

static enum response respond(const struct ibv_qp *const qp, struct ibv_resource *const resource,
	struct ibv_departure *const departure)
{
	struct ib_packet *const packet = &departure->packet;

	packet->bth.opcode = response_opcode(resource);
	packet->bth.psn = psn_add(resource->first_psn, resource->next);
	packet->aeth = (struct ib_aeth){ IB_AETH_ACK | IB_AETH_UNLIMITED, resource->msn };
	packet->atomic_ack.original = resource->result;
	if (!resource->atomic && !respond_read(qp, resource, departure))
		return RESPONSE_FAILS;
	resource->next++;
	return RESPONSE_SENT;
}

enum response resource_next(struct ibv_qp *const qp, struct ibv_departure *const departure)
{
	const struct ibv_responder *const r = &qp->responder;

	for (uint32_t i = r->oldest; i != r->newest; i++) {
		struct ibv_resource *const resource = resource_at(qp, i);

		if (resource->next != resource->end)
			return respond(qp, resource, departure);
	}
	return RESPONSE_NONE;
}
