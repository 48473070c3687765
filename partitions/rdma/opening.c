/*
 * Arguments into grants, channels into rings. See opening.h. Invariant: nothing is served before everything
 * that was described has been found and judged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ib/crc.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/time.h>

#include "core/pairs.h"
#include "opening.h"

#define TEXT_BYTES       256u
#define KEY_BYTES        40u
#define MANAGEMENT_RATE  100000u
#define MANAGEMENT_BURST 6000u
#define PCP_MOST         7u
#define DSCP_MOST        63u
#define VLAN_MOST        4094u

#define QPS             (SERVICE_CLIENTS * RDMA_QPS + 1)
#define CQS             (SERVICE_CLIENTS * RDMA_CQS + 1)
#define MRS             (SERVICE_CLIENTS * RDMA_MRS + 1)
#define AHS             (SERVICE_CLIENTS * RDMA_AHS + CONNECTION_SENDS)
#define PDS             (SERVICE_CLIENTS * RDMA_PDS + 1)
#define NEIGHBOURS_MOST 256u

IBV_POOLS(pools, PDS, MRS, AHS, CQS, RDMA_CQ_DEPTH, QPS, RDMA_DEPTH, RDMA_DEPTH);
NEIGHBOURS(known, NEIGHBOURS_MOST);
CONNECTIONS(table, 2 * SERVICE_CLIENTS * RDMA_CONNECTIONS);

struct rdma_node node;

static void needs(const bool good, const char *const what, const char *const how)
{
	if (good)
		return;
	printf("rdma: %s: %s\n", what, how);
	fflush(stdout);
	exit(1);
}

/* ---- The port ---- */

static void text_of(const char *const key, char text[const TEXT_BYTES])
{
	text[0] = '\0';
	args_text(key, text, TEXT_BYTES);
}

static struct vlarb_tables tables_of_arguments(void)
{
	struct vlarb_tables tables = { .limit = (uint8_t)args_number("limit", VLARB_UNLIMITED) };
	char text[TEXT_BYTES];

	for (unsigned sl = 0; sl < VLARB_LANES; sl++)
		tables.vl_of_sl[sl] = (uint8_t)sl;
	text_of("vl", text);
	needs(pairs_of_sl(text, VLARB_MANAGEMENT, tables.vl_of_sl), "vl",
		"SL:VL pairs, as vl=3:1,5:4");
	text_of("high", text);
	needs(pairs_table(text, &tables.high), "high",
		"VL:WEIGHT pairs, weights in 64 bytes, as high=3:32,5:16");
	text_of("low", text);
	needs(pairs_table(text, &tables.low), "low", "VL:WEIGHT pairs, as low=0:16");
	needs(args_number("limit", VLARB_UNLIMITED) <= VLARB_UNLIMITED, "limit",
		"0 to 255, in 4096 bytes");
	return tables;
}

static void mark_lanes(void)
{
	char text[TEXT_BYTES];
	const uint64_t vlan = args_number("vlan", 0);

	text_of("pcp", text);
	needs(pairs_of_sl(text, PCP_MOST, node.port.pcp_of_sl), "pcp", "SL:PCP pairs, as pcp=3:5");
	node.port.tagged = text[0] != '\0' || vlan != 0;
	text_of("dscp", text);
	needs(pairs_of_sl(text, DSCP_MOST, node.port.dscp_of_sl), "dscp",
		"SL:DSCP pairs, as dscp=3:46");
	needs(vlan <= VLAN_MOST, "vlan", "0 to 4094");
	node.port.vlan = (uint16_t)vlan;
}

static void introduce_neighbours(void)
{
	char text[TEXT_BYTES];
	uint8_t gid[IB_GID_BYTES], mac[ROCE_MAC_BYTES];
	const char *at = text;
	uint32_t address;

	text_of("neighbours", text);
	while (*at != '\0') {
		needs(pairs_neighbour(&at, &address, mac), "neighbours",
			"ADDRESS=MAC pairs, as neighbours=10.9.0.2=52:54:00:00:00:02");
		gid_from_ipv4(gid, address);
		needs(roce_port_neighbour(&node.port, gid, mac) == 0, "neighbours",
			"an address stands there twice");
	}
}

static void open_port(void)
{
	const struct vlarb_tables tables = tables_of_arguments();
	char text[TEXT_BYTES];
	struct endpoint at;

	text_of("at", text);
	needs(endpoint_parse(text, &at), "at", "an address, as at=10.9.0.1/24:1");
	needs(ibv_open(&node.context, &pools, &time_rate) == 0, "the adapter",
		"its clock is out of range");
	needs(card_open(&node.card, 0, (uint8_t)args_number("last-bus", 0), 0), "the card",
		"grant the partition a network card: devices = <&net0>");
	roce_port_open(&node.port, &node.context, &known, &at, node.card.mac);
	mark_lanes();
	introduce_neighbours();
	needs(lanes_open(&node.lanes, &node.port, &tables, &time_rate, tsc_read(), MANAGEMENT_RATE,
		      MANAGEMENT_BURST) == 0,
		"high, low", "lanes are 0 to 14");
}

/* ---- Clients ---- */

/* "NAME.what" of the arguments. */
static uint64_t number_of(const char *const name, const char *const what, const uint64_t otherwise)
{
	char key[KEY_BYTES];

	snprintf(key, sizeof(key), "%s.%s", name, what);
	return args_number(key, otherwise);
}

static void grant_ports(const char *const name, struct grant *const grant)
{
	const uint64_t first = number_of(name, "port", 0);
	const uint64_t last = number_of(name, "last-port", first);

	needs(first <= UINT16_MAX && last <= UINT16_MAX, name, "ports: to 65535");
	grant->first_port = (uint16_t)first;
	grant->last_port = (uint16_t)last;
}

static struct grant grant_of_arguments(const char *const name)
{
	struct grant grant = { .sl = (uint8_t)number_of(name, "sl", IBV_LANES),
		.pkey = (uint16_t)number_of(name, "pkey", 0xffff),
		.rate_bytes = number_of(name, "rate", 0),
		.burst_bytes = (uint32_t)number_of(name, "burst", 0),
		.qps = (uint32_t)number_of(name, "qps", 1),
		.cqs = (uint32_t)number_of(name, "cqs", 2),
		.mrs = (uint32_t)number_of(name, "mrs", 2),
		.ahs = (uint32_t)number_of(name, "ahs", 0),
		.depth = (uint32_t)number_of(name, "depth", RDMA_DEPTH) };

	grant_ports(name, &grant);
	snprintf(grant.name, sizeof(grant.name), "%s", name);
	return grant;
}

static const struct mullion_region *pages(
	const char *const client, const char *const what, const enum mullion_region_access access)
{
	char name[KEY_BYTES];
	const struct mullion_region *region;

	snprintf(name, sizeof(name), "%s-%s", client, what);
	region = info_region_named(MULLION_REGION_QUEUING, name, access);
	needs(region != NULL, name,
		"no such queuing channel between the client and this partition");
	return region;
}

static struct shared shared_of(const char *const client)
{
	const struct mullion_region *const up = pages(client, "up", MULLION_READ);
	const struct mullion_region *const down =
		pages(client, "down", MULLION_READ | MULLION_WRITE);

	return (struct shared){ region_address(up), region_address(down), up->bytes, down->bytes };
}

static const void *reader_of(const struct mullion_region *const region, const unsigned access)
{
	const struct mullion_region *const reader =
		info_region(MULLION_REGION_QUEUING_READER, region->index, access);

	return reader != NULL ? region_address(reader) : NULL;
}

static void open_ports(const char *const client, const unsigned number)
{
	const struct mullion_region *const ask = pages(client, "ask", MULLION_READ);
	const struct mullion_region *const tell =
		pages(client, "tell", MULLION_READ | MULLION_WRITE);

	needs(ask->message_bytes == sizeof(struct rdma_ask) &&
			tell->message_bytes == sizeof(struct rdma_tell),
		client, "its channels for asking and telling have messages of 128 bytes");
	needs(queuing_open_receiver(&node.asks[number], region_address(ask), ask->bytes,
		      (void *)(uintptr_t)reader_of(ask, MULLION_READ | MULLION_WRITE),
		      ask->message_bytes, ask->depth) &&
			queuing_open_sender(&node.tells[number], region_address(tell), tell->bytes,
				reader_of(tell, MULLION_READ), tell->message_bytes, tell->depth),
		client, "its channels for asking and telling do not open");
}

static void add_client(const char *const name)
{
	const struct grant grant = grant_of_arguments(name);
	const struct shared shared = shared_of(name);
	const char *problem;

	open_ports(name, node.service.client_count);
	problem = service_add(&node.service, &grant, &shared, tsc_read());
	needs(problem == NULL, name, problem);
}

void opening(void)
{
	char names[TEXT_BYTES];
	const char *problem;

	ib_crc_fold(true);
	open_port();
	problem = service_open(&node.service, &node.context, &node.lanes, &table,
		(uint32_t)tsc_read(), tsc_read());
	needs(problem == NULL, "the connection manager", problem);
	needs(args_text("clients", names, sizeof(names)), "clients",
		"name some, as clients=nav,probe");
	for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
		needs(strlen(name) < SERVICE_NAME_BYTES, name, "the name is too long");
		add_client(name);
	}
	printf("rdma: %u clients\n", node.service.client_count);
}
