/*
 * Address handles: where a datagram goes. Specification: IBTA 1.4, 10.2.2.
 */
#include <ib/state.h>

#include <errno.h>

struct ibv_ah *ibv_create_ah(struct ibv_pd *const pd, const struct ibv_ah_attr *const attr)
{
	const struct ibv_pools *const pools = &pd->context->pools;

	if (attr->sl >= IBV_LANES)
		return NULL;
	for (unsigned i = 0; i < pools->ah_count; i++) {
		struct ibv_ah *const ah = &pools->ahs[i];

		if (ah->pd == NULL) {
			*ah = (struct ibv_ah){ .context = pd->context, .pd = pd, .attr = *attr };
			pd->users++;
			return ah;
		}
	}
	return NULL;
}

int ibv_destroy_ah(struct ibv_ah *const ah)
{
	if (ah->pending != 0)
		return EBUSY;
	ah->pd->users--;
	ah->pd = NULL;
	return 0;
}
