/*
 * Rows of the table into clients, channels and areas into rings. See opening.h. Invariant: nothing is served
 * before everything that was described has been found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ib/crc.h>

#include <mullion/info.h>
#include <mullion/time.h>

#include "opening.h"

#define KEY_BYTES 40u

#define NEIGHBOURS_MOST 256u /* those that speak first are among them */

#define QPS (RDMA_CLIENTS * RDMA_QPS + 1)
#define CQS (RDMA_CLIENTS * RDMA_CQS + 1)
#define MRS (RDMA_CLIENTS * RDMA_MRS + 1)
#define AHS (RDMA_CLIENTS * RDMA_AHS + CONNECTION_SENDS)
#define PDS (RDMA_CLIENTS * RDMA_PDS + 1)

IBV_POOLS(pools, PDS, MRS, AHS, CQS, RDMA_CQ_DEPTH, QPS, RDMA_DEPTH, RDMA_DEPTH);
NEIGHBOURS(known, NEIGHBOURS_MOST);
CONNECTIONS(connections, 2 * RDMA_CLIENTS * RDMA_CONNECTIONS);

struct rdma_node node;

static void needs(const bool good, const char *const what, const char *const how)
{
	if (good)
		return;
	printf("rdma: %s: %s\n", what, how);
	fflush(stdout);
	exit(1);
}

static const struct rdma_table *find_table(void)
{
	const struct mullion_region *const region = info_region_nth(MULLION_REGION_RDMA, 0);
	const struct rdma_table *const table = region != NULL ? region_address(region) : NULL;

	needs(table != NULL && region->bytes >= sizeof(*table) && table->magic == RDMA_TABLE_MAGIC,
		"the table", "describe the service by a node `rdma` in its partition");
	return table;
}

/* ---- The port ---- */

static void introduce_neighbours(const struct rdma_table *const table)
{
	uint8_t gid[IB_GID_BYTES];

	for (uint32_t i = 0; i < table->neighbours; i++) {
		gid_from_ipv4(gid, table->neighbour[i].ipv4);
		needs(roce_port_neighbour(&node.port, gid, table->neighbour[i].mac) == 0,
			"neighbours", "an address stands there twice");
	}
}

static void mark_lanes(const struct rdma_table *const table)
{
	memcpy(node.port.pcp_of_sl, table->pcp_of_sl, sizeof(node.port.pcp_of_sl));
	memcpy(node.port.dscp_of_sl, table->dscp_of_sl, sizeof(node.port.dscp_of_sl));
	node.port.tagged = table->tagged != 0;
	node.port.vlan = table->vlan;
}

static void open_port(const struct rdma_table *const table)
{
	const struct endpoint at = { .address = table->ipv4, .netmask = table->netmask };

	needs(ibv_open(&node.context, &pools, &time_rate) == 0, "the adapter",
		"its clock is out of range");
	needs(card_open(&node.card, 0, table->bus, 0), "the card", "its driver does not open it");
	roce_port_open(&node.port, &node.context, &known, &at, node.card.mac);
	mark_lanes(table);
	introduce_neighbours(table);
	needs(lanes_open(&node.lanes, &node.port, &table->lanes, &time_rate, tsc_read(),
		      RDMA_MANAGEMENT_RATE, RDMA_MANAGEMENT_BURST) == 0,
		"lanes", "the port refuses them");
}

/* ---- Clients ---- */

/* A region "CLIENT-what". */
static const struct mullion_region *pages(const enum mullion_region_kind kind,
	const char *const client, const char *const what, const unsigned access)
{
	char name[KEY_BYTES];
	const struct mullion_region *region;

	snprintf(name, sizeof(name), "%s-%s", client, what);
	region = info_region_named(kind, name, access);
	needs(region != NULL, name, "the info page does not list it");
	return region;
}

static struct shared shared_of(const char *const client)
{
	const struct mullion_region *const up =
		pages(MULLION_REGION_AREA, client, "up", MULLION_READ);
	const struct mullion_region *const down =
		pages(MULLION_REGION_AREA, client, "down", MULLION_READ | MULLION_WRITE);

	return (struct shared){ region_address(up), region_address(down), up->bytes, down->bytes };
}

static bool open_ask(const char *const client, struct queuing_receiver *const ask)
{
	const struct mullion_region *const writer =
		pages(MULLION_REGION_QUEUING, client, "ask", MULLION_READ);
	const struct mullion_region *const reader =
		pages(MULLION_REGION_QUEUING_READER, client, "ask", MULLION_READ | MULLION_WRITE);

	return queuing_open_receiver(ask, region_address(writer), writer->bytes,
		region_address(reader), writer->message_bytes, writer->depth);
}

static bool open_tell(const char *const client, struct queuing_sender *const tell)
{
	const struct mullion_region *const writer =
		pages(MULLION_REGION_QUEUING, client, "tell", MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const reader =
		pages(MULLION_REGION_QUEUING_READER, client, "tell", MULLION_READ);

	return queuing_open_sender(tell, region_address(writer), writer->bytes,
		region_address(reader), writer->message_bytes, writer->depth);
}

static void add_client(const struct rdma_grant *const grant)
{
	const unsigned number = node.service.client_count;
	const struct shared shared = shared_of(grant->name);
	const char *problem;

	needs(open_ask(grant->name, &node.asks[number]) &&
			open_tell(grant->name, &node.tells[number]),
		grant->name, "its channels for asking and telling do not open");
	problem = service_add(&node.service, grant, &shared, tsc_read());
	needs(problem == NULL, grant->name, problem);
}

void opening(void)
{
	const struct rdma_table *const table = find_table();
	const char *problem;

	ib_crc_fold(true);
	open_port(table);
	problem = service_open(&node.service, &node.context, &node.lanes, &connections,
		(uint32_t)tsc_read(), tsc_read());
	needs(problem == NULL, "the connection manager", problem);
	for (uint32_t i = 0; i < table->clients; i++)
		add_client(&table->client[i]);
	printf("rdma: %u clients\n", node.service.client_count);
}
