/*
 * Requests of clients, one at a time. See rdma/ask.h.
 *
 * Invariant: a number names only what stands in the asking client's own tables, and SL, P_Key, rate and
 * memory are judged before the verbs see anything.
 */
#include <errno.h>
#include <string.h>

#include "service.h"

#define NONE UINT32_MAX

int asking_refuse(struct asking *const a, const enum rdma_refusal why, const int error)
{
	a->client->refused[why]++;
	return error;
}

/* ---- Objects by number ---- */

static struct ibv_pd *pd_of(const struct client *const client, const uint32_t number)
{
	return number < RDMA_PDS ? client->pds[number] : NULL;
}

static struct ibv_cq *cq_of(const struct client *const client, const uint32_t number)
{
	return number < RDMA_CQS ? client->cqs[number].cq : NULL;
}

struct client_qp *asking_qp(struct client *const client, const uint32_t number)
{
	return number < RDMA_QPS && client->qps[number].qp != NULL ? &client->qps[number] : NULL;
}

/* A free number of `most`; NONE: `quota` are used. */
static uint32_t free_number(
	const void *const *const objects, const unsigned most, const unsigned quota)
{
	uint32_t found = NONE;
	unsigned used = 0;

	for (unsigned i = 0; i < most; i++) {
		if (objects[i] != NULL)
			used++;
		else if (found == NONE)
			found = i;
	}
	return used < quota ? found : NONE;
}

static uint32_t free_cq(const struct client *const client)
{
	const void *used[RDMA_CQS];

	for (unsigned i = 0; i < RDMA_CQS; i++)
		used[i] = client->cqs[i].cq;
	return free_number(used, RDMA_CQS, client->grant->cqs);
}

static uint32_t free_qp(const struct client *const client)
{
	const void *used[RDMA_QPS];

	for (unsigned i = 0; i < RDMA_QPS; i++)
		used[i] = client->qps[i].qp;
	return free_number(used, RDMA_QPS, client->grant->qps);
}

/* ---- What can be asked ---- */

static int hello(struct asking *const a)
{
	const struct rdma_grant *const grant = a->client->grant;

	client_reset(a->service, a->client, a->now_ticks);
	a->client->greeted = true;
	a->tell->granted = (struct rdma_granted){ .sl = grant->sl,
		.pkey = grant->pkey,
		.rate_bytes = grant->rate_bytes,
		.burst_bytes = grant->burst_bytes,
		.qps = grant->qps,
		.cqs = grant->cqs,
		.mrs = grant->mrs,
		.ahs = grant->ahs,
		.depth = grant->depth,
		.first_port = grant->first_port,
		.last_port = grant->last_port };
	return ibv_query_gid(a->service->context, 1, 0, &a->tell->granted.gid);
}

static int counters(struct asking *const a)
{
	memcpy(a->tell->refused, a->client->refused, sizeof(a->tell->refused));
	return 0;
}

static int alloc_pd(struct asking *const a)
{
	const uint32_t number =
		free_number((const void *const *)a->client->pds, RDMA_PDS, RDMA_PDS);

	if (number == NONE)
		return asking_refuse(a, RDMA_REFUSED_QUOTA, ENOMEM);
	a->client->pds[number] = ibv_alloc_pd(a->service->context);
	a->tell->object = number;
	return a->client->pds[number] != NULL ? 0 : ENOMEM;
}

static int dealloc_pd(struct asking *const a)
{
	struct ibv_pd *const pd = pd_of(a->client, a->ask->object);
	int error;

	if (pd == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	error = ibv_dealloc_pd(pd);
	if (error == 0)
		a->client->pds[a->ask->object] = NULL;
	return error;
}

/* Within the messages' part of an area: where; NULL: it is not. */
static uint8_t *memory_of(const struct client *const client, const struct rdma_ask *const ask)
{
	const struct shared *const shared = &client->shared;
	const bool up = ask->mr.area == RDMA_UP;
	const uint64_t bytes = up ? shared->up_bytes : shared->down_bytes;
	const uint64_t begin = up ? sizeof(struct rdma_up) : sizeof(struct rdma_down);

	if (!up && ask->mr.area != RDMA_DOWN)
		return NULL;
	if (ask->mr.offset < begin || ask->mr.offset > bytes ||
		ask->mr.length > bytes - ask->mr.offset)
		return NULL;
	/* Memory to be read alone: nothing below writes it without an access flag that says so. */
	return (up ? (uint8_t *)(uintptr_t)shared->up : (uint8_t *)shared->down) + ask->mr.offset;
}

static int reg_mr(struct asking *const a)
{
	const uint32_t access = a->ask->mr.access;
	struct ibv_pd *const pd = pd_of(a->client, a->ask->object);
	uint8_t *const memory = memory_of(a->client, a->ask);
	const uint32_t number =
		free_number((const void *const *)a->client->mrs, RDMA_MRS, a->client->grant->mrs);
	struct ibv_mr *mr;

	if (pd == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	if (memory == NULL ||
		(a->ask->mr.area == RDMA_UP && (access & ~(uint32_t)IBV_ACCESS_REMOTE_READ) != 0))
		return asking_refuse(a, RDMA_REFUSED_MEMORY, EFAULT);
	if (number == NONE)
		return asking_refuse(a, RDMA_REFUSED_QUOTA, ENOMEM);
	mr = ibv_reg_mr_iova(pd, memory, a->ask->mr.length, a->ask->mr.iova, (int)access);
	if (mr == NULL)
		return EINVAL;
	a->client->mrs[number] = mr;
	a->tell->object = number;
	a->tell->mr.lkey = mr->lkey;
	a->tell->mr.rkey = mr->rkey;
	return 0;
}

static int dereg_mr(struct asking *const a)
{
	const uint32_t number = a->ask->object;

	if (number >= RDMA_MRS || a->client->mrs[number] == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	ibv_dereg_mr(a->client->mrs[number]);
	a->client->mrs[number] = NULL;
	return 0;
}

/* Where packets go: of the SL that was granted, and as fast as was granted. */
static int judge_address(struct asking *const a, const struct ibv_ah_attr *const attr)
{
	if (attr->sl != a->client->grant->sl)
		return asking_refuse(a, RDMA_REFUSED_SL, EPERM);
	if (attr->static_rate != 0)
		return asking_refuse(a, RDMA_REFUSED_RATE, EPERM);
	return attr->is_global != 0 ? 0 : EINVAL;
}

static int create_ah(struct asking *const a)
{
	struct ibv_pd *const pd = pd_of(a->client, a->ask->object);
	const uint32_t number =
		free_number((const void *const *)a->client->ahs, RDMA_AHS, a->client->grant->ahs);
	const int judged = pd != NULL ? judge_address(a, &a->ask->ah)
				      : asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);

	if (judged != 0)
		return judged;
	if (number == NONE)
		return asking_refuse(a, RDMA_REFUSED_QUOTA, ENOMEM);
	a->client->ahs[number] = ibv_create_ah(pd, &a->ask->ah);
	a->tell->object = number;
	return a->client->ahs[number] != NULL ? 0 : ENOMEM;
}

static int destroy_ah(struct asking *const a)
{
	const uint32_t number = a->ask->object;
	int error;

	if (number >= RDMA_AHS || a->client->ahs[number] == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	error = ibv_destroy_ah(a->client->ahs[number]);
	if (error == 0)
		a->client->ahs[number] = NULL;
	return error;
}

static int create_cq(struct asking *const a)
{
	const uint32_t number = free_cq(a->client);
	struct ibv_cq *cq;

	if (number == NONE || a->ask->cq.cqe > RDMA_CQ_DEPTH)
		return asking_refuse(a, RDMA_REFUSED_QUOTA, ENOMEM);
	cq = ibv_create_cq(a->service->context, (int)a->ask->cq.cqe, NULL);
	if (cq == NULL)
		return EINVAL;
	a->client->cqs[number] = (struct client_cq){ .cq = cq,
		.shown = a->client->shared.down->completions[number] };
	a->tell->object = number;
	return 0;
}

static int destroy_cq(struct asking *const a)
{
	struct ibv_cq *const cq = cq_of(a->client, a->ask->object);
	int error;

	if (cq == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	error = ibv_destroy_cq(cq);
	if (error == 0)
		a->client->cqs[a->ask->object].cq = NULL;
	return error;
}

static int judge_qp(struct asking *const a, const uint32_t number)
{
	const struct ibv_qp_cap *const cap = &a->ask->qp.cap;
	const uint32_t depth = a->client->grant->depth;

	if (a->ask->qp.type == IBV_QPT_GSI)
		return asking_refuse(a, RDMA_REFUSED_GSI, EPERM);
	if (pd_of(a->client, a->ask->object) == NULL ||
		cq_of(a->client, a->ask->qp.send_cq) == NULL ||
		cq_of(a->client, a->ask->qp.recv_cq) == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	if (number == NONE || cap->max_send_wr > depth || cap->max_recv_wr > depth)
		return asking_refuse(a, RDMA_REFUSED_QUOTA, ENOMEM);
	return 0;
}

/* The rings go on where they stood when the number was used before. */
static void take_qp(struct asking *const a, const uint32_t number, struct ibv_qp *const qp)
{
	a->client->qps[number] = (struct client_qp){ .qp = qp,
		.sends = a->client->shared.down->sends[number],
		.recvs = a->client->shared.down->recvs[number],
		.send_cq = a->ask->qp.send_cq,
		.recv_cq = a->ask->qp.recv_cq };
	/* Its lane from the first on, whether it will have a peer or not. */
	qp->attr.ah_attr.sl = a->client->grant->sl;
	lanes_give(a->service->lanes, a->client->owner, qp);
	a->tell->object = number;
	a->tell->qp.qp_num = qp->qp_num;
	a->tell->qp.cap = (struct ibv_qp_cap){ a->client->grant->depth, a->client->grant->depth,
		IBV_SGE_MOST, IBV_SGE_MOST, IBV_INLINE_MOST };
}

static int create_qp(struct asking *const a)
{
	const uint32_t number = free_qp(a->client);
	const int judged = judge_qp(a, number);
	struct ibv_qp_init_attr init = { .qp_type = (enum ibv_qp_type)a->ask->qp.type,
		.cap = a->ask->qp.cap,
		.sq_sig_all = a->ask->qp.sq_sig_all != 0 };
	struct ibv_qp *qp;

	if (judged != 0)
		return judged;
	init.send_cq = cq_of(a->client, a->ask->qp.send_cq);
	init.recv_cq = cq_of(a->client, a->ask->qp.recv_cq);
	qp = ibv_create_qp(pd_of(a->client, a->ask->object), &init);
	if (qp == NULL)
		return EINVAL;
	take_qp(a, number, qp);
	return 0;
}

static int destroy_qp(struct asking *const a)
{
	struct client_qp *const own = asking_qp(a->client, a->ask->object);

	if (own == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	client_leave(a->service, a->client, a->ask->object, a->now_ticks);
	lanes_take_back(a->service->lanes, own->qp);
	ibv_destroy_qp(own->qp);
	own->qp = NULL;
	return 0;
}

static int modify_qp(struct asking *const a)
{
	struct client_qp *const own = asking_qp(a->client, a->ask->object);
	struct ibv_qp_attr attr = a->ask->modify.attr;
	const int mask = a->ask->modify.mask;
	int judged;

	if (own == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	judged = mask & IBV_QP_AV ? judge_address(a, &attr.ah_attr) : 0;
	if (judged != 0)
		return judged;
	if (mask & IBV_QP_PKEY_INDEX && attr.pkey_index != 0)
		return asking_refuse(a, RDMA_REFUSED_PKEY, EPERM);
	attr.pkey_index = a->client->pkey_index;
	return ibv_modify_qp(own->qp, &attr, mask);
}

static int obey(struct asking *const a)
{
	switch (a->ask->kind) {
	case RDMA_COUNTERS:
		return counters(a);
	case RDMA_ALLOC_PD:
		return alloc_pd(a);
	case RDMA_DEALLOC_PD:
		return dealloc_pd(a);
	case RDMA_REG_MR:
		return reg_mr(a);
	case RDMA_DEREG_MR:
		return dereg_mr(a);
	case RDMA_CREATE_AH:
		return create_ah(a);
	case RDMA_DESTROY_AH:
		return destroy_ah(a);
	case RDMA_CREATE_CQ:
		return create_cq(a);
	case RDMA_DESTROY_CQ:
		return destroy_cq(a);
	case RDMA_CREATE_QP:
		return create_qp(a);
	case RDMA_DESTROY_QP:
		return destroy_qp(a);
	case RDMA_MODIFY_QP:
		return modify_qp(a);
	default:
		return asking_connection(a);
	}
}

void service_ask(struct service *const service, const unsigned client, const uint64_t now_ticks,
	const uint8_t *const bytes, const uint64_t length, struct rdma_tell *const tell)
{
	struct rdma_ask ask = { 0 };
	struct asking a = { service, &service->clients[client], now_ticks, &ask, tell };

	*tell = (struct rdma_tell){ 0 };
	if (length != sizeof(ask)) {
		tell->error = asking_refuse(&a, RDMA_REFUSED_MALFORMED, EINVAL);
		return;
	}
	memcpy(&ask, bytes, sizeof(ask));
	tell->number = ask.number;
	if (ask.kind == RDMA_HELLO)
		tell->error = hello(&a);
	else if (!a.client->greeted)
		tell->error = asking_refuse(&a, RDMA_REFUSED_ORDER, EPERM);
	else
		tell->error = obey(&a);
}
