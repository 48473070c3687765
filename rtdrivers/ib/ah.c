/*
 * Address handles: where a datagram goes. Specification: IBTA 1.4, 10.2.2.
 */
#include <ib/gid.h>
#include <ib/state.h>

#include <errno.h>

#define VERSION_6       6u
#define GRH_SOURCE      8u
#define GRH_DESTINATION 24u
#define GRH_SOURCE4     32u

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

/* The IPv4 header is in the last twenty bytes, and the first ones are not one of IPv6. A17.4.5.2. */
static void read_gids(
	const uint8_t *const grh, union ibv_gid *const source, union ibv_gid *const to)
{
	if (grh[0] >> 4 == VERSION_6) {
		gid_copy(source->raw, grh + GRH_SOURCE);
		gid_copy(to->raw, grh + GRH_DESTINATION);
	} else {
		gid_from_ipv4(source->raw, octets_read32(grh + GRH_SOURCE4));
		gid_from_ipv4(to->raw, octets_read32(grh + GRH_SOURCE4 + 4));
	}
}

/* IBV_GIDS: none. */
static unsigned find_gid(const struct ibv_context *const context, const union ibv_gid *const gid)
{
	for (unsigned i = 0; i < IBV_GIDS; i++)
		if (gid_same(context->gids[i].raw, gid->raw))
			return i;
	return IBV_GIDS;
}

int ibv_init_ah_from_wc(const struct ibv_context *const context, const uint8_t port_num,
	const struct ibv_wc *const wc, const uint8_t *const grh, struct ibv_ah_attr *const attr)
{
	union ibv_gid to;
	unsigned index;

	*attr = (struct ibv_ah_attr){ .dlid = wc->slid, .sl = wc->sl, .port_num = port_num };
	if (!(wc->wc_flags & IBV_WC_GRH))
		return 0;
	read_gids(grh, &attr->grh.dgid, &to);
	index = find_gid(context, &to);
	if (index == IBV_GIDS)
		return EINVAL;
	attr->is_global = 1;
	attr->grh.sgid_index = (uint8_t)index;
	return 0;
}
