/*
 * Clients and what they were granted. See service.h.
 *
 * Invariant: a client's row of the table is only read; what is added, is added whole.
 */
#include "service.h"

#define PKEY_OWN 0u

static const char *const refusals[RDMA_REFUSALS] = {
	[RDMA_REFUSED_MALFORMED] = "malformed",
	[RDMA_REFUSED_ORDER] = "order",
	[RDMA_REFUSED_OBJECT] = "object",
	[RDMA_REFUSED_QUOTA] = "quota",
	[RDMA_REFUSED_MEMORY] = "memory",
	[RDMA_REFUSED_SL] = "sl",
	[RDMA_REFUSED_PKEY] = "pkey",
	[RDMA_REFUSED_RATE] = "rate",
	[RDMA_REFUSED_GSI] = "gsi",
	[RDMA_REFUSED_SERVICE] = "service",
	[RDMA_BROKEN] = "broken",
};

const char *rdma_refusal_name(const enum rdma_refusal refusal)
{
	return (unsigned)refusal < RDMA_REFUSALS ? refusals[refusal] : "unknown";
}

const char *service_open(struct service *const service, struct ibv_context *const context,
	struct lanes *const lanes, struct connections *const connections, const uint32_t life,
	const uint64_t now_ticks)
{
	const unsigned owner = lanes->owner_count;
	struct connections_setup setup = { .context = context,
		.pd = ibv_alloc_pd(context),
		.owners = service->owners,
		.owner_count = RDMA_CLIENTS,
		.life = life };

	*service =
		(struct service){ .context = context, .lanes = lanes, .connections = connections };
	if (lanes_owner(lanes, 0, RDMA_MANAGER_RATE, RDMA_MANAGER_BURST, now_ticks) != 0)
		return "the port refuses SL 0 to the connection manager";
	if (connections_open(connections, &setup) != CONNECTION_GOOD)
		return "the adapter has no room for the connection manager";
	lanes_give(lanes, owner, connections->gsi);
	return NULL;
}

static const char *join_port(
	struct service *const service, struct client *const client, const uint64_t now_ticks)
{
	const struct rdma_grant *const grant = client->grant;

	client->owner = service->lanes->owner_count;
	client->pkey_index = (uint16_t)(PKEY_OWN + 1 + service->client_count);
	if (lanes_owner(service->lanes, grant->sl, grant->rate_bytes, grant->burst_bytes,
		    now_ticks) != 0)
		return "the port refuses its service level, rate or burst";
	if (ibv_set_pkey(service->context, client->pkey_index, grant->pkey) != 0)
		return "the adapter has no room for its P_Key";
	return NULL;
}

static void give_ports(struct service *const service, const struct rdma_grant *const grant)
{
	const unsigned number = service->client_count++;

	service->ranges[number] = (struct connection_range){ CONNECTION_TCP(grant->first_port),
		CONNECTION_TCP(grant->last_port) };
	service->owners[number] =
		(struct connection_owner){ &service->ranges[number], grant->last_port != 0 };
}

const char *service_add(struct service *const service, const struct rdma_grant *const grant,
	const struct shared *const shared, const uint64_t now_ticks)
{
	struct client *const client = &service->clients[service->client_count];
	const char *problem;

	*client = (struct client){ .grant = grant, .shared = *shared };
	problem = join_port(service, client, now_ticks);
	if (problem == NULL)
		give_ports(service, grant);
	return problem;
}

static void destroy_queue_pairs(struct service *const service, struct client *const client)
{
	for (unsigned i = 0; i < RDMA_QPS; i++)
		if (client->qps[i].qp != NULL) {
			lanes_take_back(service->lanes, client->qps[i].qp);
			ibv_destroy_qp(client->qps[i].qp);
		}
	for (unsigned i = 0; i < RDMA_CQS; i++)
		if (client->cqs[i].cq != NULL)
			ibv_destroy_cq(client->cqs[i].cq);
}

static void destroy_others(struct client *const client)
{
	for (unsigned i = 0; i < RDMA_MRS; i++)
		if (client->mrs[i] != NULL)
			ibv_dereg_mr(client->mrs[i]);
	for (unsigned i = 0; i < RDMA_AHS; i++)
		if (client->ahs[i] != NULL)
			ibv_destroy_ah(client->ahs[i]);
	for (unsigned i = 0; i < RDMA_PDS; i++)
		if (client->pds[i] != NULL)
			ibv_dealloc_pd(client->pds[i]);
}

static void forget_objects(struct client *const client)
{
	__builtin_memset(client->pds, 0, sizeof(client->pds));
	__builtin_memset(client->mrs, 0, sizeof(client->mrs));
	__builtin_memset(client->ahs, 0, sizeof(client->ahs));
	__builtin_memset(client->cqs, 0, sizeof(client->cqs));
	__builtin_memset(client->qps, 0, sizeof(client->qps));
}

void client_reset(
	struct service *const service, struct client *const client, const uint64_t now_ticks)
{
	struct rdma_down *const down = client->shared.down;

	client_leave(service, client, RDMA_QPS, now_ticks);
	destroy_queue_pairs(service, client);
	destroy_others(client);
	forget_objects(client);
	for (unsigned i = 0; i < RDMA_QPS; i++) {
		ring_show(&down->sends[i], 0);
		ring_show(&down->recvs[i], 0);
	}
	for (unsigned i = 0; i < RDMA_CQS; i++)
		ring_show(&down->completions[i], 0);
}
