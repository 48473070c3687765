/*
 * Rules about an RDMA service: its card, its address, its neighbours, its lanes. Its clients are judged in
 * rules_rdma_client.c.
 */
#include <inttypes.h>

#include <rdma/table.h>

#include "check.h"
#include "model_rdma.h"

#define LEAST_PREFIX 8u
#define MOST_PREFIX  30u
#define MOST_WEIGHT  255u
#define MOST_VL      (VLARB_MANAGEMENT - 1)
#define MOST_PCP     7u
#define MOST_DSCP    63u
#define MOST_VLAN    4094u

static void each_service(
	struct check *check, void (*function)(struct check *check, const struct model_rdma *rdma))
{
	for (size_t i = 0; i < check->model->rdma_count; i++)
		function(check, &check->model->rdma[i]);
}

/* ---- The card and the address ---- */

static void card_of(struct check *check, const struct model_rdma *rdma)
{
	const struct model_partition *partition = &check->model->partitions[rdma->partition];
	size_t cards = 0;

	for (size_t i = 0; i < partition->functions_count; i++)
		cards += check->model->functions[partition->functions[i]].config[2] >> 24 ==
			 CLASS_NETWORK;
	if (cards != 1)
		fault(check, place(check, partition->at, "devices"),
			say(check, "%s serves RDMA and has %zu network cards", partition->name,
				cards),
			"grant it one: devices = <&net0>");
}

static void card(struct check *check)
{
	each_service(check, card_of);
}

static bool is_prefix(const struct model_rdma *rdma)
{
	return rdma->prefix_bits >= LEAST_PREFIX && rdma->prefix_bits <= MOST_PREFIX;
}

/* Neither the network's own address nor everybody's. Asked of a network of LEAST_PREFIX to MOST_PREFIX bits. */
static bool is_station(const struct model_rdma *rdma, uint32_t ipv4)
{
	const unsigned class = ipv4 >> 24;
	const uint32_t hosts = UINT32_MAX >> rdma->prefix_bits;

	return class != 0 && class != 127 && class < 224 && (ipv4 & hosts) != 0 &&
	       (ipv4 & hosts) != hosts;
}

static void network_of(struct check *check, const struct model_rdma *rdma)
{
	if (!is_prefix(rdma))
		fault(check, place(check, rdma->at, "prefix-bits"),
			say(check, "a network of %" PRIu32 " bits has no room for stations",
				rdma->prefix_bits),
			say(check, "choose %u to %u", LEAST_PREFIX, MOST_PREFIX));
}

static void network(struct check *check)
{
	each_service(check, network_of);
}

static void address_of(struct check *check, const struct model_rdma *rdma)
{
	if (is_prefix(rdma) && !is_station(rdma, rdma->ipv4))
		fault(check, place(check, rdma->at, "ipv4"),
			say(check,
				"`ipv4` is no address of a station in a network of %" PRIu32
				" bits",
				rdma->prefix_bits),
			"write four numbers as in \"10.9.0.1\", below 224 and not 127, and not the "
			"first or the last one of the network");
}

static void address(struct check *check)
{
	each_service(check, address_of);
}

/* ---- Neighbours ---- */

static void each_neighbour(struct check *check,
	void (*function)(struct check *check, const struct model_rdma *rdma, size_t number))
{
	for (size_t i = 0; i < check->model->rdma_count; i++)
		for (size_t k = 0; k < check->model->rdma[i].neighbours_count; k++)
			function(check, &check->model->rdma[i], k);
}

static void near(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_neighbour *neighbour = &rdma->neighbours[number];
	const uint32_t network_bits = ~(UINT32_MAX >> rdma->prefix_bits);

	if (!is_prefix(rdma) || !is_station(rdma, rdma->ipv4))
		return;
	if (!is_station(rdma, neighbour->ipv4) || neighbour->ipv4 == rdma->ipv4 ||
		((neighbour->ipv4 ^ rdma->ipv4) & network_bits) != 0)
		fault(check, place(check, neighbour->at, "ipv4"),
			say(check, "`ipv4` of %s is no other station of the service's network",
				neighbour->name),
			"give the address that it has there, as in \"10.9.0.2\"");
}

static void neighbour(struct check *check)
{
	each_neighbour(check, near);
}

static void known_by(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_neighbour *neighbour = &rdma->neighbours[number];
	unsigned bytes = 0;

	for (size_t i = 0; i < sizeof(neighbour->mac); i++)
		bytes |= neighbour->mac[i];
	if (bytes == 0 || neighbour->mac[0] & 1)
		fault(check, place(check, neighbour->at, "mac"),
			say(check, "`mac` of %s is no address of a station", neighbour->name),
			"write six bytes as in \"52:54:00:77:00:01\", the first of them even");
}

static void mac(struct check *check)
{
	each_neighbour(check, known_by);
}

static void once(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_neighbour *neighbour = &rdma->neighbours[number];

	for (size_t i = 0; i < number; i++)
		if (rdma->neighbours[i].ipv4 == neighbour->ipv4)
			fault(check, neighbour->at,
				say(check, "%s has the address of %s (line %u)", neighbour->name,
					rdma->neighbours[i].name, rdma->neighbours[i].at.line),
				"give each neighbour an address of its own");
}

static void neighbour_twice(struct check *check)
{
	each_neighbour(check, once);
}

static void room_for(struct check *check, const struct model_rdma *rdma)
{
	if (rdma->neighbours_count > RDMA_NEIGHBOURS)
		fault(check, rdma->neighbours[RDMA_NEIGHBOURS].at,
			say(check, "%zu neighbours are described", rdma->neighbours_count),
			say(check,
				"describe at most %u, those that do not speak first: the others "
				"are asked for",
				RDMA_NEIGHBOURS));
}

static void neighbours(struct check *check)
{
	each_service(check, room_for);
}

/* ---- Lanes ---- */

static void weights_of(struct check *check, const struct model_rdma_lanes *lanes, const char *name,
	const struct model_rdma_pairs *table)
{
	bool good = table->count <= VLARB_ENTRIES;

	for (size_t i = 0; i < table->count; i++)
		good &= table->list[i].first <= MOST_VL && table->list[i].second != 0 &&
			table->list[i].second <= MOST_WEIGHT;
	if (!good)
		fault(check, place(check, lanes->at, name),
			say(check, "`%s` cannot be a table of lanes and weights", name),
			say(check, "write up to %u rows of a lane, 0 to %u, and a weight, 1 to %u",
				VLARB_ENTRIES, MOST_VL, MOST_WEIGHT));
}

static void tables_of(struct check *check, const struct model_rdma *rdma)
{
	weights_of(check, &rdma->lanes, "high", &rdma->lanes.high);
	weights_of(check, &rdma->lanes, "low", &rdma->lanes.low);
}

static void weights(struct check *check)
{
	each_service(check, tables_of);
}

static void limit_of(struct check *check, const struct model_rdma *rdma)
{
	if (rdma->lanes.limit > VLARB_UNLIMITED)
		fault(check, place(check, rdma->lanes.at, "limit"),
			say(check, "the limit of the high table is %" PRIu32, rdma->lanes.limit),
			say(check, "choose 0 to %u: in %u bytes, 0 for one packet, %u for none",
				VLARB_UNLIMITED, VLARB_LIMIT_BYTES, VLARB_UNLIMITED));
}

static void limit(struct check *check)
{
	each_service(check, limit_of);
}

static bool is_map(const struct model_rdma_pairs *map, uint32_t most)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct model_rdma_pair *row = &map->list[i];

		if (row->first >= VLARB_LANES || row->second > most || seen & 1u << row->first)
			return false;
		seen |= 1u << row->first;
	}
	return true;
}

static void map_of(struct check *check, const struct model_rdma_lanes *lanes, const char *name,
	const struct model_rdma_pairs *map, uint32_t most)
{
	if (!is_map(map, most))
		fault(check, place(check, lanes->at, name),
			say(check, "`%s` cannot be a map of service levels", name),
			say(check,
				"write rows of a service level, 0 to %u, each once, and 0 to "
				"%" PRIu32,
				VLARB_LANES - 1, most));
}

static void maps_of(struct check *check, const struct model_rdma *rdma)
{
	map_of(check, &rdma->lanes, "vl-of-sl", &rdma->lanes.vl_of_sl, MOST_VL);
	map_of(check, &rdma->lanes, "pcp-of-sl", &rdma->lanes.pcp_of_sl, MOST_PCP);
	map_of(check, &rdma->lanes, "dscp-of-sl", &rdma->lanes.dscp_of_sl, MOST_DSCP);
}

static void maps(struct check *check)
{
	each_service(check, maps_of);
}

static void vlan_of(struct check *check, const struct model_rdma *rdma)
{
	if (written(check, rdma->lanes.at, "vlan") &&
		(rdma->lanes.vlan == 0 || rdma->lanes.vlan > MOST_VLAN))
		fault(check, place(check, rdma->lanes.at, "vlan"),
			say(check, "there is no VLAN %" PRIu32, rdma->lanes.vlan),
			say(check, "choose 1 to %u, or remove it", MOST_VLAN));
}

static void vlan(struct check *check)
{
	each_service(check, vlan_of);
}

static void manager_of(struct check *check, const struct model_rdma *rdma)
{
	const uint32_t vl = model_rdma_vl(&rdma->lanes, 0);

	if (!model_rdma_sends(&rdma->lanes, vl))
		fault(check, rdma->lanes.at,
			say(check,
				"connections are made on service level 0, and its lane, %" PRIu32
				", has no weight",
				vl),
			say(check, "give it some: low = <%" PRIu32 " 4>", vl));
}

static void manager(struct check *check)
{
	each_service(check, manager_of);
}

const struct rule rules_rdma[] = {
	{ "rdma-card", "An RDMA service has one network card.", TIER_MEANING, card },
	{ "rdma-network", "The network of an RDMA service has 8 to 30 bits.", TIER_MEANING,
		network },
	{ "rdma-address", "An RDMA service has the address of a station.", TIER_MEANING, address },
	{ "rdma-neighbour", "A neighbour is another station of the service's network.",
		TIER_MEANING, neighbour },
	{ "rdma-mac", "A neighbour has the MAC of a station.", TIER_MEANING, mac },
	{ "rdma-neighbour-twice", "No two neighbours have one address.", TIER_MEANING,
		neighbour_twice },
	{ "rdma-neighbours", "At most 64 neighbours are described.", TIER_MEANING, neighbours },
	{ "rdma-weights",
		"A table of lanes has up to 64 rows of lanes 0 to 14, with weights from 1 to 255.",
		TIER_MEANING, weights },
	{ "rdma-limit", "The limit of the high table is from 0 to 255.", TIER_MEANING, limit },
	{ "rdma-map", "A map of service levels names each once, with what there is.", TIER_MEANING,
		maps },
	{ "rdma-vlan", "A VLAN has a number from 1 to 4094.", TIER_MEANING, vlan },
	{ "rdma-manager",
		"Service level 0, on which connections are made, is on a lane that sends.",
		TIER_MEANING, manager },
	{ NULL, NULL, TIER_COUNT, NULL },
};
