/*
 * Writes the block of rdma/table.h. The structures are the partition's own, which has the build host's layout;
 * what means nothing is 0.
 */
#include "rdma_block.h"

#include <string.h>

#include <ib/lanes.h>

/* The shortest frame: Ethernet, IPv4, UDP, BTH and ICRC. */
#define SHORTEST_FRAME_BYTES 58u
#define NS_PER_S             1000000000ull

__extension__ typedef unsigned __int128 wide;

static void fill_table(struct vlarb_table *table, const struct model_rdma_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		table->entries[table->count++] =
			(struct vlarb_entry){ (uint8_t)pairs->list[i].first,
				(uint8_t)pairs->list[i].second };
}

static void fill_marks(uint8_t marks[VLARB_LANES], const struct model_rdma_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		marks[pairs->list[i].first] = (uint8_t)pairs->list[i].second;
}

static void fill_lanes(struct rdma_table *table, const struct model_rdma_lanes *lanes)
{
	fill_table(&table->lanes.high, &lanes->high);
	fill_table(&table->lanes.low, &lanes->low);
	table->lanes.limit = (uint8_t)lanes->limit;
	for (uint8_t sl = 0; sl < VLARB_LANES; sl++)
		table->lanes.vl_of_sl[sl] = (uint8_t)model_rdma_vl(lanes, sl);
	fill_marks(table->pcp_of_sl, &lanes->pcp_of_sl);
	fill_marks(table->dscp_of_sl, &lanes->dscp_of_sl);
	table->vlan = (uint16_t)lanes->vlan;
	table->tagged = lanes->vlan != 0 || lanes->pcp_of_sl.count != 0;
}

/* A name of rules that were kept fits. */
static void fill_grant(
	struct rdma_grant *grant, const struct model *model, const struct model_rdma_client *client)
{
	strncpy(grant->name, model->partitions[client->partition].name, RDMA_NAME_BYTES - 1);
	grant->rate_bytes = client->rate_bytes;
	grant->burst_bytes = (uint32_t)client->burst_bytes;
	grant->up_bytes = client->up_bytes;
	grant->down_bytes = client->down_bytes;
	grant->qps = client->queue_pairs;
	grant->cqs = client->completion_queues;
	grant->mrs = client->memory_regions;
	grant->ahs = client->address_handles;
	grant->depth = client->depth;
	grant->pkey = (uint16_t)client->p_key;
	grant->first_port = (uint16_t)client->first_port;
	grant->last_port = (uint16_t)client->last_port;
	grant->partition = (uint16_t)client->partition;
	grant->sl = (uint8_t)client->service_level;
}

/* Of its only network card. */
static uint8_t bus_of(const struct model *model, const struct model_partition *partition)
{
	for (size_t i = 0; i < partition->functions_count; i++)
		if (model->functions[partition->functions[i]].config[2] >> 24 == CLASS_NETWORK)
			return (uint8_t)(model->functions[partition->functions[i]].bdf >> 8);
	return 0;
}

void rdma_block(struct rdma_table *table, const struct model *model, const struct model_rdma *rdma)
{
	memset(table, 0, sizeof(*table));
	table->magic = RDMA_TABLE_MAGIC;
	table->link_bytes = rdma->link_bytes;
	table->ipv4 = rdma->ipv4;
	table->netmask = ~0u << (32 - rdma->prefix_bits);
	table->bus = bus_of(model, &model->partitions[rdma->partition]);
	fill_lanes(table, &rdma->lanes);
	for (size_t i = 0; i < rdma->clients_count; i++)
		fill_grant(&table->client[table->clients++], model, &rdma->clients[i]);
	for (size_t i = 0; i < rdma->neighbours_count; i++) {
		struct rdma_neighbour *neighbour = &table->neighbour[table->neighbours++];

		neighbour->ipv4 = rdma->neighbours[i].ipv4;
		memcpy(neighbour->mac, rdma->neighbours[i].mac, sizeof(neighbour->mac));
	}
}

/*
 * While `bytes` and what lane 15 sends beside them go over the link: w = (bytes + rate * w) / link. The link has
 * more than lane 15's rate: a rule.
 */
static uint64_t wait_ns(uint64_t bytes, uint64_t link_bytes)
{
	const uint64_t rest = link_bytes - RDMA_MANAGEMENT_RATE;

	return (uint64_t)(((wide)bytes * NS_PER_S + rest - 1) / rest);
}

struct rdma_wait rdma_wait(const struct rdma_table *table, const struct rdma_grant *grant)
{
	const struct vlarb_packets packets = { .most = LANES_FRAME_BYTES,
		.least_high = SHORTEST_FRAME_BYTES,
		.own = LANES_FRAME_BYTES,
		.management = RDMA_MANAGEMENT_BURST };
	struct rdma_wait wait = { .bytes = vlarb_wait_bytes(&table->lanes,
					  table->lanes.vl_of_sl[grant->sl], &packets) };

	if (wait.bytes != RDMA_WAIT_NEVER && table->link_bytes > RDMA_MANAGEMENT_RATE)
		wait.ns = wait_ns(wait.bytes, table->link_bytes);
	return wait;
}
