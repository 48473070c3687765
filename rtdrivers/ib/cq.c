/*
 * Completion queues. Invariant: room + completions waiting + requests posted = length, so a completion
 * always finds its entry free. Specification: IBTA 1.4, 10.2.6, 11.6.
 */
#include <ib/state.h>

#include <errno.h>

static const uint8_t completed[IBV_WR_OPCODES] = {
	[IBV_WR_RDMA_WRITE] = IBV_WC_RDMA_WRITE,
	[IBV_WR_RDMA_WRITE_WITH_IMM] = IBV_WC_RDMA_WRITE,
	[IBV_WR_SEND] = IBV_WC_SEND,
	[IBV_WR_SEND_WITH_IMM] = IBV_WC_SEND,
	[IBV_WR_RDMA_READ] = IBV_WC_RDMA_READ,
	[IBV_WR_ATOMIC_CMP_AND_SWP] = IBV_WC_COMP_SWAP,
	[IBV_WR_ATOMIC_FETCH_AND_ADD] = IBV_WC_FETCH_ADD,
};

struct ibv_cq *ibv_create_cq(
	struct ibv_context *const context, const int cqe, void *const cq_context)
{
	const unsigned depth = context->pools.cq_depth;

	if (cqe < 1 || (unsigned)cqe > depth)
		return NULL;
	for (unsigned i = 0; i < context->pools.cq_count; i++) {
		struct ibv_cq *const cq = &context->pools.cqs[i];

		if (cq->context == NULL) {
			*cq = (struct ibv_cq){ .context = context,
				.cq_context = cq_context,
				.cqe = (int)depth,
				.entries = &context->pools.completions[i * depth],
				.room = depth };
			return cq;
		}
	}
	return NULL;
}

int ibv_destroy_cq(struct ibv_cq *const cq)
{
	if (cq->users != 0)
		return EBUSY;
	cq->context = NULL;
	return 0;
}

int ibv_poll_cq(struct ibv_cq *const cq, const int num_entries, struct ibv_wc *const wc)
{
	int taken = 0;

	while (taken < num_entries && cq->head != cq->tail) {
		wc[taken++] = cq->entries[cq->head++ & (uint32_t)(cq->cqe - 1)];
		cq->room++;
	}
	return taken;
}

void send_complete(struct ibv_qp *const qp, const enum ibv_wc_status status)
{
	struct ibv_send_entry *const entry = send_entry(qp, qp->requester.head++);
	struct ibv_wc *wc;

	if (entry->ah != NULL)
		entry->ah->pending--;
	if (status == IBV_WC_SUCCESS && !(entry->flags & IBV_SEND_SIGNALED)) {
		qp->send_cq->room++;
		return;
	}
	wc = cq_push(qp->send_cq);
	wc->wr_id = entry->wr_id;
	wc->status = status;
	wc->opcode = (enum ibv_wc_opcode)completed[entry->opcode];
	wc->byte_len = entry->bytes;
	wc->qp_num = qp->qp_num;
}

struct ibv_wc *recv_complete(
	struct ibv_qp *const qp, const enum ibv_wc_status status, const uint32_t bytes)
{
	const struct ibv_recv_entry *const entry = recv_entry(qp, qp->responder.head++);
	struct ibv_wc *const wc = cq_push(qp->recv_cq);

	wc->wr_id = entry->wr_id;
	wc->status = status;
	wc->opcode = IBV_WC_RECV;
	wc->byte_len = bytes;
	wc->qp_num = qp->qp_num;
	wc->src_qp = qp->attr.dest_qp_num;
	wc->sl = qp->attr.ah_attr.sl;
	wc->pkey_index = qp->attr.pkey_index;
	return wc;
}
