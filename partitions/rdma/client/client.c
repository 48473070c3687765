/*
 * Control of a client: requests to the service, and the client's own view of its objects. See rdma/verbs.h.
 *
 * Invariant: an object here has the number that the service gave it; a ring's counters begin where the
 * service has left off.
 */
#include "client.h"

#include <errno.h>

struct client_state rdma_client;
struct rdma_granted rdma_grant;

int client_exchange(struct rdma_ask *const ask, struct rdma_tell *const tell)
{
	ask->number = ++rdma_client.number;
	if (!rdma_exchange(ask, tell) || tell->number != ask->number)
		return ETIMEDOUT;
	return tell->error;
}

static int about(const enum rdma_kind kind, const uint32_t object)
{
	struct rdma_ask ask = { .kind = kind, .object = object };
	struct rdma_tell tell;

	return client_exchange(&ask, &tell);
}

struct ibv_context *rdma_open(const struct rdma_link *const link)
{
	struct rdma_ask ask = { .kind = RDMA_HELLO };
	struct rdma_tell tell;

	if (link->up_bytes <= sizeof(*link->up) || link->down_bytes <= sizeof(*link->down))
		return NULL;
	rdma_client = (struct client_state){ .link = *link, .number = rdma_client.number };
	for (unsigned i = 0; i < RDMA_QPS; i++) {
		ring_show(&link->up->sends[i], 0);
		ring_show(&link->up->recvs[i], 0);
	}
	for (unsigned i = 0; i < RDMA_CQS; i++)
		ring_show(&link->up->completions[i], 0);
	if (client_exchange(&ask, &tell) != 0)
		return NULL;
	rdma_grant = tell.granted;
	return &rdma_client.context;
}

uint8_t *rdma_up_memory(uint64_t *const bytes)
{
	*bytes = rdma_client.link.up_bytes - sizeof(struct rdma_up);
	return (uint8_t *)(rdma_client.link.up + 1);
}

const uint8_t *rdma_down_memory(uint64_t *const bytes)
{
	*bytes = rdma_client.link.down_bytes - sizeof(struct rdma_down);
	return (const uint8_t *)(rdma_client.link.down + 1);
}

bool rdma_counters(uint64_t refused[const RDMA_REFUSALS])
{
	struct rdma_ask ask = { .kind = RDMA_COUNTERS };
	struct rdma_tell tell;

	if (client_exchange(&ask, &tell) != 0)
		return false;
	for (unsigned i = 0; i < RDMA_REFUSALS; i++)
		refused[i] = tell.refused[i];
	return true;
}

/* ---- Objects ---- */

struct ibv_pd *rdma_alloc_pd(struct ibv_context *const context)
{
	struct rdma_ask ask = { .kind = RDMA_ALLOC_PD };
	struct rdma_tell tell;

	if (client_exchange(&ask, &tell) != 0 || tell.object >= RDMA_PDS)
		return NULL;
	rdma_client.pds[tell.object] = (struct ibv_pd){ .context = context };
	return &rdma_client.pds[tell.object];
}

static uint32_t number_of_pd(const struct ibv_pd *const pd)
{
	return (uint32_t)(pd - rdma_client.pds);
}

int rdma_dealloc_pd(struct ibv_pd *const pd)
{
	return about(RDMA_DEALLOC_PD, number_of_pd(pd));
}

/* What lies in no area is of the second one, far outside: the service says so, and counts it. */
struct ibv_mr *rdma_reg_mr(
	struct ibv_pd *const pd, const void *const addr, const size_t length, const int access)
{
	const struct rdma_link *const link = &rdma_client.link;
	const uint64_t from_up = (uint64_t)(uintptr_t)addr - (uint64_t)(uintptr_t)link->up;
	const uint64_t from_down = (uint64_t)(uintptr_t)addr - (uint64_t)(uintptr_t)link->down;
	const bool up = from_up < link->up_bytes;
	struct rdma_ask ask = { .kind = RDMA_REG_MR,
		.object = number_of_pd(pd),
		.mr = { .area = up ? RDMA_UP : RDMA_DOWN,
			.offset = up ? from_up : from_down,
			.length = length,
			.iova = (uint64_t)(uintptr_t)addr,
			.access = (uint32_t)access } };
	struct rdma_tell tell;

	if (client_exchange(&ask, &tell) != 0 || tell.object >= RDMA_MRS)
		return NULL;
	rdma_client.mrs[tell.object] = (struct ibv_mr){ .context = pd->context,
		.pd = pd,
		.addr = (void *)(uintptr_t)addr,
		.length = length,
		.iova = ask.mr.iova,
		.lkey = tell.mr.lkey,
		.rkey = tell.mr.rkey,
		.access = access };
	return &rdma_client.mrs[tell.object];
}

int rdma_dereg_mr(struct ibv_mr *const mr)
{
	return about(RDMA_DEREG_MR, (uint32_t)(mr - rdma_client.mrs));
}

struct ibv_ah *rdma_create_ah(struct ibv_pd *const pd, const struct ibv_ah_attr *const attr)
{
	struct rdma_ask ask = { .kind = RDMA_CREATE_AH, .object = number_of_pd(pd), .ah = *attr };
	struct rdma_tell tell;

	if (client_exchange(&ask, &tell) != 0 || tell.object >= RDMA_AHS)
		return NULL;
	rdma_client.ahs[tell.object] =
		(struct ibv_ah){ .context = pd->context, .pd = pd, .attr = *attr };
	return &rdma_client.ahs[tell.object];
}

int rdma_destroy_ah(struct ibv_ah *const ah)
{
	return about(RDMA_DESTROY_AH, (uint32_t)(ah - rdma_client.ahs));
}

struct ibv_cq *rdma_create_cq(
	struct ibv_context *const context, const int cqe, void *const cq_context)
{
	struct rdma_ask ask = { .kind = RDMA_CREATE_CQ, .cq = { .cqe = (uint32_t)cqe } };
	struct rdma_tell tell;
	uint32_t there;

	if (client_exchange(&ask, &tell) != 0 || tell.object >= RDMA_CQS)
		return NULL;
	there = ring_seen(&rdma_client.link.down->completions[tell.object]);
	ring_show(&rdma_client.link.up->completions[tell.object], there);
	rdma_client.cqs[tell.object] = (struct ibv_cq){
		.context = context, .cq_context = cq_context, .cqe = RDMA_CQ_DEPTH, .head = there
	};
	return &rdma_client.cqs[tell.object];
}

static uint32_t number_of_cq(const struct ibv_cq *const cq)
{
	return (uint32_t)(cq - rdma_client.cqs);
}

int rdma_destroy_cq(struct ibv_cq *const cq)
{
	return about(RDMA_DESTROY_CQ, number_of_cq(cq));
}

static void begin_rings(struct ibv_qp *const qp, const uint32_t number)
{
	const struct rdma_link *const link = &rdma_client.link;

	qp->requester.tail = ring_seen(&link->down->sends[number]);
	qp->responder.tail = ring_seen(&link->down->recvs[number]);
	ring_show(&link->up->sends[number], qp->requester.tail);
	ring_show(&link->up->recvs[number], qp->responder.tail);
}

struct ibv_qp *rdma_create_qp(struct ibv_pd *const pd, struct ibv_qp_init_attr *const attr)
{
	struct rdma_ask ask = { .kind = RDMA_CREATE_QP,
		.object = number_of_pd(pd),
		.qp = { .type = (uint32_t)attr->qp_type,
			.send_cq = number_of_cq(attr->send_cq),
			.recv_cq = number_of_cq(attr->recv_cq),
			.sq_sig_all = attr->sq_sig_all != 0,
			.cap = attr->cap } };
	struct rdma_tell tell;
	struct ibv_qp *qp;

	if (client_exchange(&ask, &tell) != 0 || tell.object >= RDMA_QPS)
		return NULL;
	qp = &rdma_client.qps[tell.object];
	*qp = (struct ibv_qp){ .context = pd->context,
		.qp_context = attr->qp_context,
		.pd = pd,
		.send_cq = attr->send_cq,
		.recv_cq = attr->recv_cq,
		.qp_num = tell.qp.qp_num,
		.qp_type = attr->qp_type,
		.index = (uint8_t)tell.object };
	attr->cap = tell.qp.cap;
	begin_rings(qp, tell.object);
	return qp;
}

int rdma_destroy_qp(struct ibv_qp *const qp)
{
	return about(RDMA_DESTROY_QP, qp->index);
}

int rdma_modify_qp(
	struct ibv_qp *const qp, const struct ibv_qp_attr *const attr, const int attr_mask)
{
	struct rdma_ask ask = { .kind = RDMA_MODIFY_QP,
		.object = qp->index,
		.modify = { .mask = attr_mask, .attr = *attr } };
	struct rdma_tell tell;
	const int error = client_exchange(&ask, &tell);

	if (error == 0)
		qp->state = attr->qp_state;
	return error;
}
