/*
 * Posting and polling. Invariant: a slot is written before the counter that shows it, and is written again
 * only when the service has taken it.
 */
#include <errno.h>
#include <string.h>

#include "client.h"

static bool may_send(const struct ibv_qp *const qp, const struct ibv_send_wr *const wr)
{
	if ((qp->state != IBV_QPS_RTS && qp->state != IBV_QPS_ERR) ||
		(unsigned)wr->opcode >= IBV_WR_OPCODES)
		return false;
	if (wr->num_sge < 0 || (unsigned)wr->num_sge > IBV_SGE_MOST)
		return false;
	return qp->qp_type != IBV_QPT_UD || (wr->wr.ud.ah != NULL && wr->wr.ud.ah->pd == qp->pd);
}

/* False: it does not go in. */
static bool put_inside(struct rdma_send *const slot, const struct ibv_send_wr *const wr)
{
	unsigned bytes = 0;

	for (int i = 0; i < wr->num_sge; i++) {
		const struct ibv_sge *const sge = &wr->sg_list[i];

		if (sge->length > IBV_INLINE_MOST - bytes)
			return false;
		memcpy(slot->data + bytes, (const void *)(uintptr_t)sge->addr, sge->length);
		bytes += sge->length;
	}
	slot->sges = (uint8_t)bytes;
	return true;
}

static bool put_data(struct rdma_send *const slot, const struct ibv_send_wr *const wr)
{
	if (wr->send_flags & IBV_SEND_INLINE)
		return put_inside(slot, wr);
	for (int i = 0; i < wr->num_sge; i++)
		slot->sge[i] = wr->sg_list[i];
	slot->sges = (uint8_t)wr->num_sge;
	return true;
}

static void put_target(struct rdma_send *const slot, const struct ibv_qp *const qp,
	const struct ibv_send_wr *const wr)
{
	if (qp->qp_type == IBV_QPT_UD) {
		slot->ah = (uint32_t)(wr->wr.ud.ah - rdma_client.ahs);
		slot->remote_qpn = wr->wr.ud.remote_qpn;
		slot->remote_qkey = wr->wr.ud.remote_qkey;
	} else if (wr->opcode >= IBV_WR_ATOMIC_CMP_AND_SWP) {
		slot->remote_addr = wr->wr.atomic.remote_addr;
		slot->compare_add = wr->wr.atomic.compare_add;
		slot->swap = wr->wr.atomic.swap;
		slot->rkey = wr->wr.atomic.rkey;
	} else {
		slot->remote_addr = wr->wr.rdma.remote_addr;
		slot->rkey = wr->wr.rdma.rkey;
	}
}

static int post_send(struct ibv_qp *const qp, const struct ibv_send_wr *const wr)
{
	struct rdma_up *const up = rdma_client.link.up;
	const uint32_t tail = qp->requester.tail;
	struct rdma_send *const slot = &up->send[qp->index][tail % RDMA_DEPTH];

	if (!may_send(qp, wr))
		return EINVAL;
	if (tail - ring_seen(&rdma_client.link.down->sends[qp->index]) >= RDMA_DEPTH)
		return ENOMEM;
	if (!put_data(slot, wr))
		return EINVAL;
	slot->wr_id = wr->wr_id;
	slot->imm_data = wr->imm_data;
	slot->opcode = (uint16_t)wr->opcode;
	slot->flags = (uint8_t)wr->send_flags;
	put_target(slot, qp, wr);
	qp->requester.tail = tail + 1;
	ring_show(&up->sends[qp->index], tail + 1);
	return 0;
}

int rdma_post_send(
	struct ibv_qp *const qp, struct ibv_send_wr *wr, struct ibv_send_wr **const bad_wr)
{
	int refused = 0;

	for (; wr != NULL && refused == 0; wr = wr->next) {
		*bad_wr = wr;
		refused = post_send(qp, wr);
	}
	return refused;
}

static int post_recv(struct ibv_qp *const qp, const struct ibv_recv_wr *const wr)
{
	struct rdma_up *const up = rdma_client.link.up;
	const uint32_t tail = qp->responder.tail;
	struct rdma_recv *const slot = &up->recv[qp->index][tail % RDMA_DEPTH];

	if (qp->state == IBV_QPS_RESET || wr->num_sge < 0 || (unsigned)wr->num_sge > IBV_SGE_MOST)
		return EINVAL;
	if (tail - ring_seen(&rdma_client.link.down->recvs[qp->index]) >= RDMA_DEPTH)
		return ENOMEM;
	slot->wr_id = wr->wr_id;
	slot->sges = (uint64_t)wr->num_sge;
	for (int i = 0; i < wr->num_sge; i++)
		slot->sge[i] = wr->sg_list[i];
	qp->responder.tail = tail + 1;
	ring_show(&up->recvs[qp->index], tail + 1);
	return 0;
}

int rdma_post_recv(
	struct ibv_qp *const qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **const bad_wr)
{
	int refused = 0;

	for (; wr != NULL && refused == 0; wr = wr->next) {
		*bad_wr = wr;
		refused = post_recv(qp, wr);
	}
	return refused;
}

int rdma_poll_cq(struct ibv_cq *const cq, const int num_entries, struct ibv_wc *const wc)
{
	const uint32_t number = (uint32_t)(cq - rdma_client.cqs);
	const struct rdma_down *const down = rdma_client.link.down;
	const uint32_t there = ring_seen(&down->completions[number]);
	int taken = 0;

	while (taken < num_entries && cq->head != there) {
		const struct rdma_wc *const from =
			&down->completion[number][cq->head++ % RDMA_CQ_DEPTH];

		wc[taken++] = (struct ibv_wc){ .wr_id = from->wr_id,
			.status = (enum ibv_wc_status)from->status,
			.opcode = (enum ibv_wc_opcode)from->opcode,
			.byte_len = from->byte_len,
			.imm_data = from->imm_data,
			.qp_num = from->qp_num,
			.src_qp = from->src_qp,
			.wc_flags = from->wc_flags,
			.sl = (uint8_t)from->sl };
	}
	if (taken != 0)
		ring_show(&rdma_client.link.up->completions[number], cq->head);
	return taken;
}
