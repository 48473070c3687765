/*
 * Posting of requests. Invariant: what is accepted has its packet numbers, its entry in its queue and its
 * entry in the completion queue. Specification: IBTA 1.4, 10.8, 11.4.
 */
#include <ib/local.h>
#include <ib/state.h>

#include <errno.h>

#define PSNS_MOST                                                                                  \
	0x400000u /* numbers of packets posted and not acknowledged: half of what 9.7.1 allows */

static bool may_send(const struct ibv_qp *const qp, const struct ibv_send_wr *const wr)
{
	const unsigned opcode = (unsigned)wr->opcode;

	if ((qp->state != IBV_QPS_RTS && qp->state != IBV_QPS_ERR) || opcode >= IBV_WR_OPCODES)
		return false;
	if (wr->num_sge < 0 || (unsigned)wr->num_sge > IBV_SGE_MOST)
		return false;
	if (is_datagram(qp))
		return opcode == IBV_WR_SEND || opcode == IBV_WR_SEND_WITH_IMM;
	return qp->qp_type == IBV_QPT_RC || opcode < IBV_WR_RDMA_READ;
}

/* More than IBV_MESSAGE_BYTES: as much as that says it. */
static uint64_t bytes_of(const struct ibv_sge *const sges, const int count)
{
	uint64_t bytes = 0;

	for (int i = 0; i < count; i++)
		bytes += sges[i].length;
	return bytes;
}

static uint64_t bytes_most(const struct ibv_qp *const qp, const struct ibv_send_wr *const wr)
{
	if (wr->send_flags & IBV_SEND_INLINE)
		return wr->opcode < IBV_WR_RDMA_READ ? IBV_INLINE_MOST : 0;
	return is_datagram(qp) ? qp->mtu_bytes : IBV_MESSAGE_BYTES;
}

static bool is_length(
	const struct ibv_qp *const qp, const struct ibv_send_wr *const wr, const uint64_t bytes)
{
	if (wr->opcode >= IBV_WR_ATOMIC_CMP_AND_SWP)
		return bytes == ATOMIC_BYTES && !(wr->send_flags & IBV_SEND_INLINE);
	return bytes <= bytes_most(qp, wr);
}

static void copy_inline(struct ibv_send_entry *const entry, const struct ibv_send_wr *const wr)
{
	uint8_t *to = entry->data;

	for (int i = 0; i < wr->num_sge; i++) {
		copy_few(
			to, (const uint8_t *)(uintptr_t)wr->sg_list[i].addr, wr->sg_list[i].length);
		to += wr->sg_list[i].length;
	}
}

/* Those members of the union that the opcode has. */
static void copy_target(
	struct ibv_send_entry *const entry, const struct ibv_send_wr *const wr, const bool datagram)
{
	entry->ah = NULL;
	if (datagram) {
		entry->ah = wr->wr.ud.ah;
		entry->ah->pending++;
		entry->remote_qpn = wr->wr.ud.remote_qpn & IB_QPN_MASK;
		entry->remote_qkey = wr->wr.ud.remote_qkey;
	} else if (wr->opcode >= IBV_WR_ATOMIC_CMP_AND_SWP) {
		entry->remote_addr = wr->wr.atomic.remote_addr;
		entry->rkey = wr->wr.atomic.rkey;
		entry->compare_add = wr->wr.atomic.compare_add;
		entry->swap = wr->wr.atomic.swap;
	} else {
		entry->remote_addr = wr->wr.rdma.remote_addr;
		entry->rkey = wr->wr.rdma.rkey;
	}
}

static void fill(struct ibv_qp *const qp, const struct ibv_send_wr *const wr, const uint32_t bytes,
	const uint32_t packets)
{
	struct ibv_requester *const r = &qp->requester;
	struct ibv_send_entry *const entry = send_entry(qp, r->tail++);

	entry->wr_id = wr->wr_id;
	entry->imm_data = wr->imm_data;
	entry->bytes = bytes;
	entry->first_psn = r->post_psn;
	entry->packets = packets;
	entry->opcode = (uint8_t)wr->opcode;
	entry->flags = (uint8_t)(wr->send_flags | (qp->signal_all ? IBV_SEND_SIGNALED : 0));
	copy_target(entry, wr, is_datagram(qp));
	if (wr->send_flags & IBV_SEND_INLINE) {
		entry->sges = 0;
		copy_inline(entry, wr);
	} else {
		entry->sges = (uint8_t)wr->num_sge;
		copy_sges(entry->sge, wr->sg_list, wr->num_sge);
	}
	r->post_psn = psn_add(r->post_psn, packets);
	qp->send_cq->room--;
}

static int address_refused(const struct ibv_qp *const qp, const struct ibv_send_wr *const wr)
{
	const struct ibv_ah *const ah = wr->wr.ud.ah;

	if (ah == NULL || ah->pd != qp->pd)
		return EINVAL;
	return ah->attr.sl == qp->attr.ah_attr.sl ? 0 : EPERM;
}

int send_post(struct ibv_qp *const qp, const struct ibv_send_wr *const wr)
{
	const struct ibv_requester *const r = &qp->requester;
	uint64_t bytes;
	uint32_t packets;
	int refused;

	if (!may_send(qp, wr))
		return EINVAL;
	bytes = bytes_of(wr->sg_list, wr->num_sge);
	if (!is_length(qp, wr, bytes))
		return EINVAL;
	if (qp->link != NULL && qp->state == IBV_QPS_RTS)
		return local_post(qp, wr, (uint32_t)bytes);
	refused = is_datagram(qp) ? address_refused(qp, wr) : 0;
	if (refused != 0)
		return refused;
	packets = packets_of(qp, (uint32_t)bytes);
	if (r->tail - r->head >= qp->context->pools.send_depth || qp->send_cq->room == 0 ||
		(uint32_t)psn_ahead(r->post_psn, r->una_psn) + packets > PSNS_MOST)
		return ENOMEM;
	fill(qp, wr, (uint32_t)bytes, packets);
	return 0;
}

int ibv_post_send(
	struct ibv_qp *const qp, struct ibv_send_wr *wr, struct ibv_send_wr **const bad_wr)
{
	int refused = 0;

	for (; wr != NULL && refused == 0; wr = wr->next) {
		*bad_wr = wr;
		refused = send_post(qp, wr);
	}
	if (qp->link == NULL)
		qp_wake(qp);
	if (qp->state == IBV_QPS_ERR)
		qp_flush(qp);
	return refused;
}

int recv_post(struct ibv_qp *const qp, const struct ibv_recv_wr *const wr)
{
	struct ibv_responder *const r = &qp->responder;
	struct ibv_recv_entry *entry;
	uint64_t bytes;

	if (qp->state == IBV_QPS_RESET || wr->num_sge < 0 || (unsigned)wr->num_sge > IBV_SGE_MOST)
		return EINVAL;
	bytes = bytes_of(wr->sg_list, wr->num_sge);
	if (r->tail - r->head >= qp->context->pools.recv_depth || qp->recv_cq->room == 0)
		return ENOMEM;
	entry = recv_entry(qp, r->tail++);
	entry->wr_id = wr->wr_id;
	entry->bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
	entry->sges = (uint32_t)wr->num_sge;
	copy_sges(entry->sge, wr->sg_list, wr->num_sge);
	qp->recv_cq->room--;
	return 0;
}

int ibv_post_recv(
	struct ibv_qp *const qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **const bad_wr)
{
	int refused = 0;

	for (; wr != NULL && refused == 0; wr = wr->next) {
		*bad_wr = wr;
		refused = recv_post(qp, wr);
	}
	if (qp->state == IBV_QPS_ERR)
		qp_flush(qp);
	return refused;
}
