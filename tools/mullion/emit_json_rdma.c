/*
 * The RDMA services' part of system.json: what their clients are granted, and what is promised of waits.
 */
#include "emit_json.h"

#include "rdma_block.h"

/* null where there is no bound, or where no link is said. */
static json_t *bound(uint64_t value, uint64_t none)
{
	return value == none ? json_null() : number(value);
}

static json_t *client_json(const struct rdma_table *table, const struct rdma_grant *grant)
{
	const struct rdma_wait wait = rdma_wait(table, grant);

	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:i, s:i}",
		"partition", grant->name, "service_level", (int)grant->sl, "lane",
		(int)table->lanes.vl_of_sl[grant->sl], "pcp", (int)table->pcp_of_sl[grant->sl],
		"dscp", (int)table->dscp_of_sl[grant->sl], "p_key", (int)grant->pkey, "rate_bytes",
		number(grant->rate_bytes), "burst_bytes", number(grant->burst_bytes), "wait_bytes",
		bound(wait.bytes, RDMA_WAIT_NEVER), "wait_ns", bound(wait.ns, 0), "queue_pairs",
		number(grant->qps), "completion_queues", number(grant->cqs), "memory_regions",
		number(grant->mrs), "address_handles", number(grant->ahs), "first_port",
		(int)grant->first_port, "last_port", (int)grant->last_port);
}

static json_t *service_json(const struct plan *plan, const struct model_rdma *rdma)
{
	json_t *clients = json_array();
	struct rdma_table table;
	uint32_t i;

	rdma_block(&table, plan->model, rdma);
	for (i = 0; i < table.clients; i++)
		json_array_append_new(clients, client_json(&table, &table.client[i]));
	return json_pack("{s:s, s:o, s:o}", "partition",
		plan->model->partitions[rdma->partition].name, "link_bytes",
		bound(table.link_bytes, 0), "clients", clients);
}

json_t *rdma_json(const struct plan *plan)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < plan->model->rdma_count; i++)
		json_array_append_new(list, service_json(plan, &plan->model->rdma[i]));
	return list;
}
