/*
 * What an image tells its RDMA services: struct rdma_table of rdma/table.h, read once more by its own words.
 *
 * The invariant that is proved: it lies in constants that no partition can write and its service alone reads;
 * all that it says is in range, so that the service need not check it; grants can be used to the full at the
 * same time; and each client is joined with its service by two channels and two areas, of which each writes
 * its own alone, and nobody else has any.
 */
#include "audit_rdma.h"

#include <string.h>

#include "allocate.h"

#define BOTH        (MULLION_READ | MULLION_WRITE)
#define LEAST_BURST 1514u /* a frame of Ethernet, without its checksum */
#define MOST_BURST  0x1000000u
#define MOST_RATE   0x400000000ull
#define MOST_LANE   14u
#define OWN_RATE    300000u /* of the service, for management and connections */

_Static_assert(sizeof(struct rdma_table) <= AUDIT_PAGE, "a table is one page");

struct service {
	struct audit *audit;
	const struct rdma_table *table;
	unsigned p;
};

static const struct mullion_region *region_of(
	const struct audit_partition *partition, unsigned kind, const char *name)
{
	uint32_t i;

	for (i = 0; partition->info && i < partition->info->regions_count; i++) {
		const struct mullion_region *region = &partition->info->regions[i];

		if (region->kind == kind &&
			(!name || !strncmp(region->name, name, sizeof(region->name))))
			return region;
	}
	return NULL;
}

static const char *name_of(const struct service *s, unsigned p)
{
	return s->audit->partitions[p].name;
}

static void wrong(const struct service *s, const char *rule, const char *what)
{
	audit_find(s->audit, rule, "the RDMA table of %s %s", name_of(s, s->p), what);
}

/* ---- Its form ---- */

static uint64_t place_of(const struct audit *audit, unsigned p)
{
	const struct audit_partition *partition = &audit->partitions[p];
	const struct mullion_region *region = region_of(partition, MULLION_REGION_RDMA, NULL);

	return region ? audit_physical(&partition->stage2, region->gpa) : AUDIT_NONE;
}

const struct rdma_table *audit_rdma_table(const struct audit *audit, unsigned p)
{
	const uint64_t place = place_of(audit, p);

	return place == AUDIT_NONE ? NULL : audit_image_at(&audit->image, place, AUDIT_PAGE);
}

static bool has_form(const struct service *s)
{
	const struct rdma_table *t = s->table;

	if (t->magic != RDMA_TABLE_MAGIC || !t->clients || t->clients > RDMA_CLIENTS ||
		t->neighbours > RDMA_NEIGHBOURS || t->lanes.high.count > VLARB_ENTRIES ||
		t->lanes.low.count > VLARB_ENTRIES) {
		wrong(s, "rdma-table", "is none, or counts more than it holds");
		return false;
	}
	return true;
}

/* Nothing hides where nothing is meant to be. */
static void check_rest(const struct service *s)
{
	const struct rdma_table *t = s->table;
	const uint8_t *page = (const void *)t;
	const struct vlarb_tables *lanes = &t->lanes;
	bool clean = audit_is_zero(t->reserved, t->pcp_of_sl) && !t->reserved_too &&
		     audit_is_zero(lanes->high.entries + lanes->high.count, &lanes->high.count) &&
		     audit_is_zero(lanes->low.entries + lanes->low.count, &lanes->low.count) &&
		     audit_is_zero(lanes->vl_of_sl + VLARB_LANES, lanes + 1) &&
		     audit_is_zero(t->client + t->clients, t->client + RDMA_CLIENTS) &&
		     audit_is_zero(t->neighbour + t->neighbours, page + AUDIT_PAGE);
	uint32_t i;

	for (i = 0; i < t->clients; i++)
		clean &= audit_is_zero(t->client[i].reserved, &t->client[i] + 1);
	for (i = 0; i < t->neighbours; i++)
		clean &= !t->neighbour[i].reserved;
	if (!clean)
		wrong(s, "rdma-table", "has something where nothing is meant to be");
}

/* ---- The port ---- */

static bool is_station(const struct rdma_table *t, uint32_t ipv4)
{
	const unsigned class = ipv4 >> 24;
	const uint32_t host = ipv4 & ~t->netmask;

	return class && class != 127 && class < 224 && host && host != ~t->netmask;
}

/* Ones, then 2 to 24 zeros. */
static bool is_netmask(uint32_t netmask)
{
	const uint32_t hosts = ~netmask;

	return !(hosts & (hosts + 1)) && hosts >= 3 && hosts <= 0xffffff;
}

static void check_address(const struct service *s)
{
	if (!is_netmask(s->table->netmask) || !is_station(s->table, s->table->ipv4))
		wrong(s, "rdma-address", "has no address of a station in its network");
	if (s->table->tagged > 1 || s->table->vlan > 4094 || (s->table->vlan && !s->table->tagged))
		wrong(s, "rdma-address", "tags frames with a VLAN that does not exist");
}

static void check_neighbour(const struct service *s, uint32_t n)
{
	const struct rdma_table *t = s->table;
	const struct rdma_neighbour *neighbour = &t->neighbour[n];
	uint32_t i;

	if (!is_station(t, neighbour->ipv4) || neighbour->ipv4 == t->ipv4 ||
		(neighbour->ipv4 & t->netmask) != (t->ipv4 & t->netmask) || neighbour->mac[0] & 1 ||
		audit_is_zero(neighbour->mac, neighbour->mac + 6))
		wrong(s, "rdma-neighbour", format("has a neighbour, %u, that is none", n));
	for (i = 0; i < n; i++)
		if (t->neighbour[i].ipv4 == neighbour->ipv4)
			wrong(s, "rdma-neighbour",
				format("gives neighbours %u and %u one address", i, n));
}

static bool has_weight(const struct vlarb_table *table, unsigned vl)
{
	unsigned i;

	for (i = 0; i < table->count; i++)
		if (table->entries[i].vl == vl && table->entries[i].weight)
			return true;
	return false;
}

static bool sends(const struct rdma_table *t, unsigned sl)
{
	const unsigned vl = t->lanes.vl_of_sl[sl];

	return has_weight(&t->lanes.high, vl) || has_weight(&t->lanes.low, vl);
}

static bool is_table(const struct vlarb_table *table)
{
	unsigned i;

	for (i = 0; i < table->count; i++)
		if (table->entries[i].vl > MOST_LANE || !table->entries[i].weight)
			return false;
	return true;
}

static void check_lanes(const struct service *s)
{
	const struct rdma_table *t = s->table;
	bool good = is_table(&t->lanes.high) && is_table(&t->lanes.low) && sends(t, 0);
	unsigned sl;

	for (sl = 0; sl < VLARB_LANES; sl++)
		good &= t->lanes.vl_of_sl[sl] <= VLARB_MANAGEMENT && t->pcp_of_sl[sl] <= 7 &&
			t->dscp_of_sl[sl] <= 63;
	if (!good)
		wrong(s, "rdma-lanes",
			"has lanes, weights or marks that do not exist, or none for connections");
}

/* ---- Grants ---- */

static const char *grant_trouble(const struct service *s, const struct rdma_grant *g)
{
	if (g->sl >= VLARB_LANES || !sends(s->table, g->sl))
		return "is on no lane that sends";
	if (!(g->pkey & 0x7fff))
		return "has no P_Key";
	if (!g->rate_bytes || g->rate_bytes > MOST_RATE || g->burst_bytes < LEAST_BURST ||
		g->burst_bytes > MOST_BURST)
		return "has a rate or burst that cannot be";
	if (!g->qps || g->qps > RDMA_QPS || !g->cqs || g->cqs > RDMA_CQS || !g->mrs ||
		g->mrs > RDMA_MRS || g->ahs > RDMA_AHS || !g->depth || g->depth > RDMA_DEPTH)
		return "has quotas that the service does not have";
	if (!g->up_bytes || g->up_bytes % AUDIT_PAGE || !g->down_bytes ||
		g->down_bytes % AUDIT_PAGE)
		return "has memory that is not made of whole pages";
	if (g->first_port > g->last_port || (!g->first_port && g->last_port))
		return "has ports that do not exist";
	return NULL;
}

static bool overlap(const struct rdma_grant *a, const struct rdma_grant *b)
{
	return a->last_port && b->last_port && a->first_port <= b->last_port &&
	       b->first_port <= a->last_port;
}

static void check_grant(const struct service *s, uint32_t c)
{
	const struct rdma_grant *grant = &s->table->client[c];
	const char *trouble = grant_trouble(s, grant);
	uint32_t i;

	if (trouble)
		wrong(s, "rdma-grant", format("has a client, %u, that %s", c, trouble));
	for (i = 0; i < c; i++)
		if (overlap(&s->table->client[i], grant))
			wrong(s, "rdma-grant",
				format("lets clients %u and %u listen on one port", i, c));
}

static void check_rates(const struct service *s)
{
	uint64_t sum = OWN_RATE;
	uint32_t i;

	for (i = 0; i < s->table->clients; i++)
		sum += s->table->client[i].rate_bytes;
	if (s->table->link_bytes && sum > s->table->link_bytes)
		wrong(s, "rdma-grant", "grants more than the link carries");
}

/* ---- Clients, their channels and their areas, by their info pages ---- */

static bool is_name(const struct service *s, const struct rdma_grant *grant)
{
	const size_t length = strnlen(grant->name, sizeof(grant->name));

	return length + sizeof("-down") <= sizeof(grant->name) &&
	       audit_is_zero(grant->name + length, grant->name + sizeof(grant->name)) &&
	       !strcmp(grant->name, name_of(s, grant->partition));
}

/* One side of a thing, called after the client. */
static const struct mullion_region *end_of(const struct service *s, const struct rdma_grant *grant,
	unsigned kind, const char *what, bool of_client, unsigned access)
{
	const unsigned p = of_client ? grant->partition : s->p;
	const unsigned peer = of_client ? s->p : grant->partition;
	const struct mullion_region *region =
		region_of(&s->audit->partitions[p], kind, format("%s-%s", grant->name, what));

	return region && region->peer == peer && region->access == access ? region : NULL;
}

static bool has_channel(const struct service *s, const struct rdma_grant *grant, const char *what,
	bool client_writes)
{
	const struct mullion_region *sender =
		end_of(s, grant, MULLION_REGION_QUEUING, what, client_writes, BOTH);
	const struct mullion_region *receiver =
		end_of(s, grant, MULLION_REGION_QUEUING, what, !client_writes, MULLION_READ);

	return sender && receiver && sender->index == receiver->index &&
	       sender->message_bytes == 128 && sender->depth == 2;
}

static bool has_area(const struct service *s, const struct rdma_grant *grant, const char *what,
	bool client_writes, uint64_t bytes)
{
	const struct mullion_region *writer =
		end_of(s, grant, MULLION_REGION_AREA, what, client_writes, BOTH);
	const struct mullion_region *reader =
		end_of(s, grant, MULLION_REGION_AREA, what, !client_writes, MULLION_READ);

	return writer && reader && writer->index == reader->index && writer->bytes == bytes;
}

static void check_client(const struct service *s, uint32_t c)
{
	const struct rdma_grant *grant = &s->table->client[c];

	if (grant->partition >= s->audit->system->partitions_count || grant->partition == s->p ||
		!is_name(s, grant)) {
		wrong(s, "rdma-table", format("has a client, %u, that is none", c));
		return;
	}
	if (!has_channel(s, grant, "ask", true) || !has_channel(s, grant, "tell", false))
		wrong(s, "rdma-channels",
			format("names %s, and two channels do not join them", grant->name));
	if (!has_area(s, grant, "up", true, sizeof(struct rdma_up) + grant->up_bytes) ||
		!has_area(s, grant, "down", false, sizeof(struct rdma_down) + grant->down_bytes))
		wrong(s, "rdma-areas",
			format("names %s, and the two areas of the sizes granted are not "
			       "theirs",
				grant->name));
}

static void check_service(const struct service *s)
{
	uint32_t i;

	if (!has_form(s))
		return;
	check_rest(s);
	check_address(s);
	check_lanes(s);
	for (i = 0; i < s->table->neighbours; i++)
		check_neighbour(s, i);
	for (i = 0; i < s->table->clients; i++) {
		check_grant(s, i);
		check_client(s, i);
	}
	check_rates(s);
}

/* ---- Who has areas, and of whom ---- */

/* Rows of p's table that name q. */
static unsigned rows_of(const struct audit *audit, unsigned p, unsigned q)
{
	const struct rdma_table *table = audit_rdma_table(audit, p);
	unsigned rows = 0;
	uint32_t i;

	for (i = 0; table && i < table->clients && i < RDMA_CLIENTS; i++)
		rows += table->client[i].partition == q;
	return rows;
}

static void check_areas(struct audit *audit, unsigned p)
{
	const struct audit_partition *partition = &audit->partitions[p];
	unsigned q, rows = 0, served = 0, areas = 0;
	uint32_t i;

	for (q = 0; q < audit->system->partitions_count; q++) {
		rows += rows_of(audit, p, q);
		served += rows_of(audit, q, p);
	}
	for (i = 0; partition->info && i < partition->info->regions_count; i++)
		areas += partition->info->regions[i].kind == MULLION_REGION_AREA;
	if (served > 1)
		audit_find(audit, "rdma-table", "%s is an RDMA client %u times", partition->name,
			served);
	if (areas != 2 * (rows + served))
		audit_find(audit, "rdma-areas",
			"%s has %u areas of RDMA clients, and the tables say %u", partition->name,
			areas, 2 * (rows + served));
}

void audit_rdma(struct audit *audit)
{
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const uint64_t place = place_of(audit, p);
		const struct service service = { audit,
			place == AUDIT_NONE ? NULL
					    : audit_constant(audit, place, AUDIT_PAGE, AUDIT_PAGE,
						      format("the RDMA table of %s",
							      audit->partitions[p].name)),
			p };

		if (service.table)
			check_service(&service);
		check_areas(audit, p);
	}
}
