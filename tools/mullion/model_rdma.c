/*
 * The builder's part for RDMA services, and the channels between each and its clients.
 */
#include "model_rdma.h"

#include <stdio.h>
#include <string.h>

#include <rdma/table.h>

#include "model_build.h"

static const struct source_node *first_of(const struct source_node *parent)
{
	return parent == NULL ? NULL : parent->children;
}

/* The first partition, or the next one behind `node`, that has an `rdma` node. */
static const struct source_node *next_service(
	const struct builder *b, const struct source_node *node)
{
	node = node == NULL ? first_of(source_child(b->source->root, "partitions")) : node->next;
	while (node != NULL && source_child(node, "rdma") == NULL)
		node = node->next;
	return node;
}

size_t rdma_channels_most(const struct builder *b)
{
	size_t count = 0;

	for (const struct source_node *node = next_service(b, NULL); node != NULL;
		node = next_service(b, node))
		count += 2 * children_count(source_child(source_child(node, "rdma"), "clients"));
	return count;
}

/* ---- Lanes ---- */

static struct model_rdma_pairs pairs(
	struct builder *b, const struct source_node *node, const char *name)
{
	const struct source_property *property = source_property(node, name);
	struct model_rdma_pairs list = { .list = arena_array(b->arena, source_cells(property) / 2,
						 sizeof(*list.list)) };

	for (size_t i = 0; i + 2 <= source_cells(property); i += 2)
		list.list[list.count++] = (struct model_rdma_pair){ source_cell(property, i),
			source_cell(property, i + 1) };
	return list;
}

static void build_lanes(struct builder *b, struct model_rdma *rdma, const struct source_node *node)
{
	struct model_rdma_lanes *lanes = &rdma->lanes;

	*lanes = (struct model_rdma_lanes){
		.at = node != NULL ? node->at : rdma->at,
		.high = pairs(b, node, "high"),
		.low = pairs(b, node, "low"),
		.vl_of_sl = pairs(b, node, "vl-of-sl"),
		.pcp_of_sl = pairs(b, node, "pcp-of-sl"),
		.dscp_of_sl = pairs(b, node, "dscp-of-sl"),
		.limit = quantity32(node, "limit"),
		.vlan = quantity32(node, "vlan"),
	};
}

uint32_t model_rdma_vl(const struct model_rdma_lanes *lanes, uint32_t service_level)
{
	for (size_t i = 0; i < lanes->vl_of_sl.count; i++)
		if (lanes->vl_of_sl.list[i].first == service_level)
			return lanes->vl_of_sl.list[i].second;
	return service_level;
}

static bool has_weight(const struct model_rdma_pairs *table, uint32_t vl)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->list[i].first == vl && table->list[i].second != 0)
			return true;
	return false;
}

bool model_rdma_is_high(const struct model_rdma_lanes *lanes, uint32_t vl)
{
	return has_weight(&lanes->high, vl);
}

bool model_rdma_sends(const struct model_rdma_lanes *lanes, uint32_t vl)
{
	return has_weight(&lanes->high, vl) || has_weight(&lanes->low, vl);
}

/* ---- Neighbours ---- */

static void build_neighbours(
	struct builder *b, struct model_rdma *rdma, const struct source_node *parent)
{
	rdma->neighbours = arena_array(b->arena, children_count(parent), sizeof(*rdma->neighbours));
	for (const struct source_node *node = first_of(parent); node != NULL; node = node->next) {
		struct model_rdma_neighbour *neighbour =
			&rdma->neighbours[rdma->neighbours_count++];

		neighbour->at = node->at;
		neighbour->name = node->name;
		neighbour->ipv4 = read_ipv4(string(node, "ipv4"));
		read_mac(string(node, "mac"), neighbour->mac);
	}
}

/* ---- Clients ---- */

static const char *name_of(struct builder *b, const char *partition, const char *what)
{
	const size_t bytes = strlen(partition) + strlen(what) + 2;
	char *name = arena_alloc(b->arena, bytes);

	snprintf(name, bytes, "%s-%s", partition, what);
	return name;
}

static void build_client(struct builder *b, struct model_rdma *rdma, const struct source_node *node)
{
	const struct source_property *ports = source_property(node, "ports");
	const int partition = partition_index(b, target(b, node, "partition", 0));
	const int service = (int)rdma->partition;
	struct model_rdma_client *client = &rdma->clients[rdma->clients_count++];
	const char *who;

	*client = (struct model_rdma_client){
		.at = node->at,
		.name = node->name,
		.partition = partition,
		.service_level = quantity32(node, "service-level"),
		.p_key = quantity32(node, "p-key"),
		.rate_bytes = quantity(node, "rate"),
		.burst_bytes = quantity(node, "burst"),
		.queue_pairs = quantity32(node, "queue-pairs"),
		.completion_queues = quantity32(node, "completion-queues"),
		.memory_regions = quantity32(node, "memory-regions"),
		.address_handles = quantity32(node, "address-handles"),
		.depth = quantity32(node, "depth"),
		.first_port = source_cells(ports) == 2 ? source_cell(ports, 0) : 0,
		.last_port = source_cells(ports) == 2 ? source_cell(ports, 1) : 0,
		.up_bytes = quantity(node, "up-memory"),
		.down_bytes = quantity(node, "down-memory"),
	};
	if (partition < 0 || partition == service)
		return;
	who = b->model->partitions[partition].name;
	client->up = name_of(b, who, "up");
	client->down = name_of(b, who, "down");
	make_channel(b,
		(struct model_channel){ .at = node->at,
			.name = name_of(b, who, "ask"),
			.from = partition,
			.message_bytes = RDMA_CHANNEL_BYTES,
			.depth = RDMA_CHANNEL_DEPTH },
		service);
	make_channel(b,
		(struct model_channel){ .at = node->at,
			.name = name_of(b, who, "tell"),
			.from = service,
			.message_bytes = RDMA_CHANNEL_BYTES,
			.depth = RDMA_CHANNEL_DEPTH },
		partition);
}

static void build_clients(
	struct builder *b, struct model_rdma *rdma, const struct source_node *parent)
{
	rdma->clients = arena_array(b->arena, children_count(parent), sizeof(*rdma->clients));
	for (const struct source_node *node = first_of(parent); node != NULL; node = node->next)
		build_client(b, rdma, node);
}

static void build_service(struct builder *b, const struct source_node *partition)
{
	const struct source_node *node = source_child(partition, "rdma");
	struct model_rdma *rdma = &b->model->rdma[b->model->rdma_count++];

	rdma->at = node->at;
	rdma->partition = (size_t)partition_index(b, partition);
	rdma->ipv4 = read_ipv4(string(node, "ipv4"));
	rdma->prefix_bits = quantity32(node, "prefix-bits");
	rdma->link_bytes = quantity(node, "link-rate");
	build_lanes(b, rdma, source_child(node, "lanes"));
	build_neighbours(b, rdma, source_child(node, "neighbours"));
	build_clients(b, rdma, source_child(node, "clients"));
}

void build_rdma(struct builder *b)
{
	size_t count = 0;

	for (const struct source_node *node = next_service(b, NULL); node != NULL;
		node = next_service(b, node))
		count++;
	b->model->rdma = arena_array(b->arena, count, sizeof(*b->model->rdma));
	for (const struct source_node *node = next_service(b, NULL); node != NULL;
		node = next_service(b, node))
		build_service(b, node);
}
