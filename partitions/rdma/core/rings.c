/*
 * Rings: what clients posted into the adapter, and completions back. See rdma/ring.h.
 *
 * Invariant: a slot is copied once and only the copy is looked at; a counter that cannot be, or a request that
 * the verbs refuse, ends the queue pairs of that ring and nothing else. A queue pair of the adapter has at
 * most the granted depth posted.
 */
#include <errno.h>

#include <ib/state.h>

#include "service.h"

/* The queue pair ends: what it had posted completes as flushed, its rings are left alone. */
static void end(struct client *const client, struct client_qp *const own)
{
	const struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	if (own->qp == NULL || own->broken)
		return;
	ibv_modify_qp(own->qp, &attr, IBV_QP_STATE);
	own->broken = true;
	client->refused[RDMA_BROKEN]++;
}

/* ---- Posting ---- */

static bool is_inline(const struct rdma_send *const send)
{
	return (send->flags & IBV_SEND_INLINE) != 0;
}

/* The verbs judge the rest. */
static bool send_is_possible(const struct client *const client, const struct client_qp *const own,
	const struct rdma_send *const send)
{
	if (send->opcode >= IBV_WR_OPCODES ||
		send->sges > (is_inline(send) ? IBV_INLINE_MOST : IBV_SGE_MOST))
		return false;
	return !is_datagram(own->qp) || (send->ah < RDMA_AHS && client->ahs[send->ah] != NULL);
}

static void aim(const struct client *const client, const struct client_qp *const own,
	const struct rdma_send *const send, struct ibv_send_wr *const wr)
{
	if (is_datagram(own->qp)) {
		wr->wr.ud.ah = client->ahs[send->ah];
		wr->wr.ud.remote_qpn = send->remote_qpn;
		wr->wr.ud.remote_qkey = send->remote_qkey;
	} else if (send->opcode >= IBV_WR_ATOMIC_CMP_AND_SWP) {
		wr->wr.atomic.remote_addr = send->remote_addr;
		wr->wr.atomic.compare_add = send->compare_add;
		wr->wr.atomic.swap = send->swap;
		wr->wr.atomic.rkey = send->rkey;
	} else {
		wr->wr.rdma.remote_addr = send->remote_addr;
		wr->wr.rdma.rkey = send->rkey;
	}
}

static int post_send(const struct client *const client, const struct client_qp *const own,
	struct rdma_send *const send)
{
	struct ibv_sge whole = { (uint64_t)(uintptr_t)send->data, send->sges, 0 };
	struct ibv_send_wr *bad, wr = { .wr_id = send->wr_id,
		.sg_list = is_inline(send) ? &whole : send->sge,
		.num_sge = is_inline(send) ? 1 : send->sges,
		.opcode = (enum ibv_wr_opcode)send->opcode,
		.send_flags = send->flags,
		.imm_data = send->imm_data };

	if (!send_is_possible(client, own, send))
		return EINVAL;
	aim(client, own, send, &wr);
	return ibv_post_send(own->qp, &wr, &bad);
}

/* One more is posted; false: there is none, or no room, or the ring has ended. */
static bool take_send(struct client *const client, const unsigned number, const uint32_t waiting)
{
	struct client_qp *const own = &client->qps[number];
	const struct ibv_requester *const r = &own->qp->requester;
	struct rdma_send copy;
	int error;

	if (waiting == 0 || r->tail - r->head >= client->grant->depth)
		return false;
	copy = client->shared.up->send[number][own->sends % RDMA_DEPTH];
	error = post_send(client, own, &copy);
	if (error == ENOMEM)
		return false;
	if (error != 0) {
		end(client, own);
		return false;
	}
	ring_show(&client->shared.down->sends[number], ++own->sends);
	return true;
}

static bool take_recv(struct client *const client, const unsigned number, const uint32_t waiting)
{
	struct client_qp *const own = &client->qps[number];
	const struct ibv_responder *const r = &own->qp->responder;
	struct ibv_recv_wr *bad, wr;
	struct rdma_recv copy;
	int error;

	if (waiting == 0 || r->tail - r->head >= client->grant->depth)
		return false;
	copy = client->shared.up->recv[number][own->recvs % RDMA_DEPTH];
	wr = (struct ibv_recv_wr){ .wr_id = copy.wr_id,
		.sg_list = copy.sge,
		.num_sge = copy.sges <= IBV_SGE_MOST ? (int)copy.sges : -1 };
	error = ibv_post_recv(own->qp, &wr, &bad);
	if (error == ENOMEM)
		return false;
	if (error != 0) {
		end(client, own);
		return false;
	}
	ring_show(&client->shared.down->recvs[number], ++own->recvs);
	return true;
}

static bool serve_qp(struct client *const client, const unsigned number)
{
	struct client_qp *const own = &client->qps[number];
	const struct rdma_up *const up = client->shared.up;
	bool worked = false;

	for (unsigned i = 0; i < SERVICE_BATCH && own->qp != NULL && !own->broken; i++) {
		const uint32_t recvs = ring_seen(&up->recvs[number]) - own->recvs;
		const uint32_t sends = ring_seen(&up->sends[number]) - own->sends;
		bool more;

		if (recvs > RDMA_DEPTH || sends > RDMA_DEPTH) {
			end(client, own);
			return true;
		}
		more = take_recv(client, number, recvs);
		more = (!own->broken && take_send(client, number, sends)) || more;
		if (!more)
			return worked;
		worked = true;
	}
	return worked;
}

/* ---- Completions ---- */

static void show(struct client *const client, const unsigned number, const struct ibv_wc *const wc)
{
	struct client_cq *const own = &client->cqs[number];
	struct rdma_down *const down = client->shared.down;

	down->completion[number][own->shown % RDMA_CQ_DEPTH] = (struct rdma_wc){ .wr_id = wc->wr_id,
		.status = (uint32_t)wc->status,
		.opcode = (uint32_t)wc->opcode,
		.byte_len = wc->byte_len,
		.imm_data = wc->imm_data,
		.qp_num = wc->qp_num,
		.src_qp = wc->src_qp,
		.wc_flags = wc->wc_flags,
		.sl = wc->sl };
	ring_show(&down->completions[number], ++own->shown);
}

/* A counter that cannot be: all queue pairs that complete here end. */
static void end_cq(struct client *const client, const unsigned number)
{
	client->cqs[number].broken = true;
	for (unsigned i = 0; i < RDMA_QPS; i++)
		if (client->qps[i].send_cq == number || client->qps[i].recv_cq == number)
			end(client, &client->qps[i]);
}

static bool serve_cq(struct client *const client, const unsigned number)
{
	struct client_cq *const own = &client->cqs[number];
	struct ibv_wc wc;
	unsigned done = 0;

	for (; own->cq != NULL && done < SERVICE_TAKEN; done++) {
		const uint32_t held =
			own->shown - ring_seen(&client->shared.up->completions[number]);

		if (held > RDMA_CQ_DEPTH && !own->broken)
			end_cq(client, number);
		if ((held == RDMA_CQ_DEPTH && !own->broken) || ibv_poll_cq(own->cq, 1, &wc) == 0)
			break;
		if (!own->broken)
			show(client, number, &wc);
	}
	return done != 0;
}

bool service_rings(struct service *const service, const unsigned number)
{
	struct client *const client = &service->clients[number];
	bool worked = false;

	if (!client->greeted)
		return false;
	for (unsigned i = 0; i < RDMA_QPS; i++)
		worked |= serve_qp(client, i);
	for (unsigned i = 0; i < RDMA_CQS; i++)
		worked |= serve_cq(client, i);
	return worked;
}
