/*
 * Compares the tables of an image's RDMA services with their description: every address, lane, mark and grant
 * as described, and no more.
 */
#include "audit_rdma.h"

#include <string.h>

#include "allocate.h"
#include "model_rdma.h"

struct wanted {
	struct audit *audit;
	const struct model *model;
	const struct model_rdma *rdma;
	const struct rdma_table *has;
};

static void complain(const struct wanted *wanted, const char *what)
{
	audit_find(wanted->audit, "wanted-rdma", "the RDMA table of %s has %s",
		wanted->model->partitions[wanted->rdma->partition].name, what);
}

/* ---- The port ---- */

static uint8_t bus_of(const struct wanted *wanted)
{
	const struct model_partition *partition =
		&wanted->model->partitions[wanted->rdma->partition];
	size_t i;

	for (i = 0; i < partition->functions_count; i++) {
		const struct model_function *function =
			&wanted->model->functions[partition->functions[i]];

		if (function->config[2] >> 24 == 2)
			return (uint8_t)(function->bdf >> 8);
	}
	return 0;
}

static void compare_address(const struct wanted *wanted)
{
	const uint32_t hosts = (uint32_t)((1ull << (32 - wanted->rdma->prefix_bits)) - 1);

	if (wanted->has->ipv4 != wanted->rdma->ipv4 || ~wanted->has->netmask != hosts ||
		wanted->has->bus != bus_of(wanted) ||
		wanted->has->link_bytes != wanted->rdma->link_bytes)
		complain(wanted, "another address, card or link");
}

static void compare_table(const struct wanted *wanted, const struct vlarb_table *has,
	const struct model_rdma_pairs *pairs)
{
	size_t i;
	bool same = has->count == pairs->count;

	for (i = 0; same && i < pairs->count; i++)
		same = has->entries[i].vl == pairs->list[i].first &&
		       has->entries[i].weight == pairs->list[i].second;
	if (!same)
		complain(wanted, "other lanes or weights");
}

/* What a map says of a level, else what it is without. */
static uint32_t mapped(const struct model_rdma_pairs *pairs, uint32_t level, uint32_t otherwise)
{
	size_t i;

	for (i = 0; i < pairs->count; i++)
		if (pairs->list[i].first == level)
			return pairs->list[i].second;
	return otherwise;
}

static void compare_lanes(const struct wanted *wanted)
{
	const struct model_rdma_lanes *lanes = &wanted->rdma->lanes;
	const struct rdma_table *has = wanted->has;
	bool same = has->lanes.limit == lanes->limit && has->vlan == lanes->vlan &&
		    has->tagged == (lanes->vlan || lanes->pcp_of_sl.count);
	uint32_t sl;

	compare_table(wanted, &has->lanes.high, &lanes->high);
	compare_table(wanted, &has->lanes.low, &lanes->low);
	for (sl = 0; sl < VLARB_LANES; sl++)
		same &= has->lanes.vl_of_sl[sl] == mapped(&lanes->vl_of_sl, sl, sl) &&
			has->pcp_of_sl[sl] == mapped(&lanes->pcp_of_sl, sl, 0) &&
			has->dscp_of_sl[sl] == mapped(&lanes->dscp_of_sl, sl, 0);
	if (!same)
		complain(wanted, "another limit, map of service levels, mark or VLAN");
}

static void compare_neighbours(const struct wanted *wanted)
{
	bool same = wanted->has->neighbours == wanted->rdma->neighbours_count;
	size_t i;

	for (i = 0; same && i < wanted->rdma->neighbours_count; i++)
		same = wanted->has->neighbour[i].ipv4 == wanted->rdma->neighbours[i].ipv4 &&
		       !memcmp(wanted->has->neighbour[i].mac, wanted->rdma->neighbours[i].mac, 6);
	if (!same)
		complain(wanted, "other neighbours");
}

/* ---- Grants ---- */

static bool is_granted(const struct rdma_grant *has, const struct model_rdma_client *client)
{
	return has->partition == client->partition && has->sl == client->service_level &&
	       has->pkey == client->p_key && has->rate_bytes == client->rate_bytes &&
	       has->burst_bytes == client->burst_bytes && has->qps == client->queue_pairs &&
	       has->cqs == client->completion_queues && has->mrs == client->memory_regions &&
	       has->ahs == client->address_handles && has->depth == client->depth &&
	       has->first_port == client->first_port && has->last_port == client->last_port &&
	       has->up_bytes == client->up_bytes && has->down_bytes == client->down_bytes;
}

static void compare_clients(const struct wanted *wanted)
{
	size_t i;

	if (wanted->has->clients != wanted->rdma->clients_count) {
		complain(wanted, "more clients, or fewer");
		return;
	}
	for (i = 0; i < wanted->rdma->clients_count; i++)
		if (!is_granted(&wanted->has->client[i], &wanted->rdma->clients[i]))
			complain(wanted,
				format("another grant for %s", wanted->rdma->clients[i].name));
}

void audit_wanted_rdma(struct audit *audit, const struct model *model)
{
	size_t i;

	/* Only what is sound is compared; what is not was said. */
	for (i = 0; i < model->rdma_count && !audit->report.count; i++) {
		const struct wanted wanted = { audit, model, &model->rdma[i],
			audit_rdma_table(audit, (unsigned)model->rdma[i].partition) };

		if (!wanted.has)
			continue; /* its region was missed already */
		compare_address(&wanted);
		compare_lanes(&wanted);
		compare_neighbours(&wanted);
		compare_clients(&wanted);
	}
}
