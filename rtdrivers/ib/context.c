/*
 * An adapter and its protection domains: pools, P_Keys. Invariant: no pool is larger than IBV_*_MOST, so
 * every loop over one has its bound. Specification: IBTA 1.4, 10.2, 10.9.
 */
#include <ib/state.h>

#include <errno.h>

#define PKEY_NUMBER 0x7fffu

static bool is_depth(const unsigned depth)
{
	return depth >= 1 && depth <= IBV_DEPTH_MOST && (depth & (depth - 1)) == 0;
}

static bool are_pools(const struct ibv_pools *const pools)
{
	return pools->pd_count <= IBV_OBJECTS_MOST && pools->mr_count <= IBV_OBJECTS_MOST &&
	       pools->ah_count <= IBV_OBJECTS_MOST && pools->cq_count <= IBV_OBJECTS_MOST &&
	       pools->qp_count <= IBV_QPS_MOST && is_depth(pools->cq_depth) &&
	       is_depth(pools->send_depth) && is_depth(pools->recv_depth);
}

static void clear_domains(const struct ibv_pools *const pools)
{
	for (unsigned i = 0; i < pools->pd_count; i++)
		pools->pds[i] = (struct ibv_pd){ 0 };
	for (unsigned i = 0; i < pools->ah_count; i++)
		pools->ahs[i].pd = NULL;
	for (unsigned i = 0; i < pools->cq_count; i++)
		pools->cqs[i].context = NULL;
}

static void clear_keys(const struct ibv_pools *const pools)
{
	for (unsigned i = 0; i < pools->mr_count; i++) {
		pools->mrs[i].pd = NULL;
		pools->mrs[i].lkey = i;
	}
	for (unsigned i = 0; i < pools->qp_count; i++) {
		pools->qps[i].context = NULL;
		pools->qps[i].index = (uint8_t)i;
		pools->qps[i].number = i;
	}
}

int ibv_open(struct ibv_context *const context, const struct ibv_pools *const pools,
	const struct time_rate *const rate)
{
	if (!are_pools(pools) || !rate_is_good(rate))
		return EINVAL;
	clear_domains(pools);
	clear_keys(pools);
	*context = (struct ibv_context){
		.pools = *pools,
		.rate = *rate,
		.pkeys = { IB_PKEY_DEFAULT },
		.earliest = IBV_NEVER,
	};
	return 0;
}

int ibv_set_pkey(struct ibv_context *const context, const unsigned index, const uint16_t pkey)
{
	if (index >= IBV_PKEYS || (pkey & PKEY_NUMBER) == 0)
		return EINVAL;
	context->pkeys[index] = pkey;
	return 0;
}

int ibv_query_gid(const struct ibv_context *const context, const uint8_t port_num, const int index,
	union ibv_gid *const gid)
{
	(void)port_num;
	if (index < 0 || index >= (int)IBV_GIDS ||
		(context->gids[index].words[0] | context->gids[index].words[1]) == 0)
		return EINVAL;
	*gid = context->gids[index];
	return 0;
}

struct ibv_pd *ibv_alloc_pd(struct ibv_context *const context)
{
	for (unsigned i = 0; i < context->pools.pd_count; i++) {
		struct ibv_pd *const pd = &context->pools.pds[i];

		if (pd->context == NULL) {
			*pd = (struct ibv_pd){ .context = context };
			return pd;
		}
	}
	return NULL;
}

int ibv_dealloc_pd(struct ibv_pd *const pd)
{
	if (pd->users != 0)
		return EBUSY;
	pd->context = NULL;
	return 0;
}

uint16_t ibv_backlog(const struct ibv_context *const context)
{
	const uint64_t ready = context->ready & ~context->held & ~context->waiting;
	uint16_t lanes = 0;

	for (unsigned sl = 0; sl < IBV_LANES; sl++)
		if ((ready & context->lanes[sl]) != 0)
			lanes = (uint16_t)(lanes | 1u << sl);
	return lanes;
}

uint64_t ibv_deadline(const struct ibv_context *const context)
{
	return context->doomed != 0 ? 0 : context->earliest;
}
