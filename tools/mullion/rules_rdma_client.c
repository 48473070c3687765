/*
 * Rules about the clients of RDMA services: who they are, and what they are granted.
 */
#include <inttypes.h>
#include <string.h>

#include <ib/lanes.h>
#include <rdma/table.h>

#include "check.h"
#include "model_rdma.h"

#define LONGEST_SUFFIX    5u /* of a name made of the client's: "-down" */
#define MOST_NAME         (RDMA_NAME_BYTES - 1 - LONGEST_SUFFIX)
#define MEMBERSHIP        0x8000u
#define MOST_P_KEY        0xffffu
#define MOST_PORT         0xffffu
#define PAGE_BYTES        4096u
#define MOST_MEMORY_BYTES (64u << 20)

static void each_client(struct check *check,
	void (*function)(struct check *check, const struct model_rdma *rdma, size_t number))
{
	for (size_t i = 0; i < check->model->rdma_count; i++)
		for (size_t k = 0; k < check->model->rdma[i].clients_count; k++)
			function(check, &check->model->rdma[i], k);
}

/* ---- Who they are ---- */

static const char *who(const struct check *check, const struct model_rdma_client *client)
{
	return client->partition < 0 ? client->name
				     : check->model->partitions[client->partition].name;
}

static void other(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	if (client->partition == (int)rdma->partition)
		fault(check, place(check, client->at, "partition"),
			say(check, "%s serves RDMA, and would be its own client",
				who(check, client)),
			"name another partition");
}

static void client_other(struct check *check)
{
	each_client(check, other);
}

/* The client that was described before this one and is the same partition; NULL: none. */
static const struct model_rdma_client *twin(
	const struct check *check, const struct model_rdma_client *client)
{
	for (size_t i = 0; i < check->model->rdma_count; i++)
		for (size_t k = 0; k < check->model->rdma[i].clients_count; k++) {
			const struct model_rdma_client *before = &check->model->rdma[i].clients[k];

			if (before == client)
				return NULL;
			if (before->partition == client->partition && before->partition >= 0)
				return before;
		}
	return NULL;
}

static void once(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];
	const struct model_rdma_client *before = twin(check, client);

	if (before != NULL)
		fault(check, client->at,
			say(check, "%s is an RDMA client in line %u already", who(check, client),
				before->at.line),
			"leave one of them: a partition is one client of one service");
}

static void client_twice(struct check *check)
{
	each_client(check, once);
}

static void clients(struct check *check)
{
	for (size_t i = 0; i < check->model->rdma_count; i++)
		if (check->model->rdma[i].clients_count > RDMA_CLIENTS)
			fault(check, check->model->rdma[i].clients[RDMA_CLIENTS].at,
				say(check, "%zu clients are described",
					check->model->rdma[i].clients_count),
				say(check,
					"describe at most %u, or give others a service with a card "
					"of its own",
					RDMA_CLIENTS));
}

static void named(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];
	const size_t length = strlen(who(check, client));

	if (client->partition >= 0 && length > MOST_NAME)
		fault(check, place(check, client->at, "partition"),
			say(check,
				"the name of %s, %zu characters, is too long for its channels, "
				"%s-tell and so on",
				who(check, client), length, who(check, client)),
			say(check, "give the partition a name of at most %u", MOST_NAME));
}

static void client_name(struct check *check)
{
	each_client(check, named);
}

/* ---- Lane and rate ---- */

static void lane_of(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];
	const uint32_t sl = client->service_level;

	if (sl >= VLARB_LANES)
		fault(check, place(check, client->at, "service-level"),
			say(check, "there is no service level %" PRIu32, sl),
			say(check, "choose 0 to %u", VLARB_LANES - 1));
	else if (!model_rdma_sends(&rdma->lanes, model_rdma_vl(&rdma->lanes, sl)))
		fault(check, place(check, client->at, "service-level"),
			say(check,
				"service level %" PRIu32 " of %s is on lane %" PRIu32
				", which never sends",
				sl, who(check, client), model_rdma_vl(&rdma->lanes, sl)),
			"give that lane weight in `high` or `low`, or choose another level");
}

static void lane(struct check *check)
{
	each_client(check, lane_of);
}

static void key_of(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	if (client->p_key > MOST_P_KEY || (client->p_key & ~MEMBERSHIP) == 0)
		fault(check, place(check, client->at, "p-key"),
			say(check, "%#" PRIx32 " cannot be the P_Key of %s", client->p_key,
				who(check, client)),
			say(check, "choose 0x1 to 0x7fff, and add %#x for a full member",
				MEMBERSHIP));
}

static void p_key(struct check *check)
{
	each_client(check, key_of);
}

static void rate_of(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	if (client->rate_bytes == 0 || client->rate_bytes > BUCKET_RATE_MOST)
		fault(check, place(check, client->at, "rate"),
			say(check, "%s may send %" PRIu64 " bytes a second", who(check, client),
				client->rate_bytes),
			say(check, "choose 1 to %llu, of whole frames", BUCKET_RATE_MOST));
}

static void rate(struct check *check)
{
	each_client(check, rate_of);
}

static void burst_of(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	if (client->burst_bytes < LANES_FRAME_BYTES || client->burst_bytes > BUCKET_BURST_MOST)
		fault(check, place(check, client->at, "burst"),
			say(check, "%s may send %" PRIu64 " bytes at once", who(check, client),
				client->burst_bytes),
			say(check, "choose %u, a frame, to %u", LANES_FRAME_BYTES,
				BUCKET_BURST_MOST));
}

static void burst(struct check *check)
{
	each_client(check, burst_of);
}

/* A rate that was refused is no part of the sum: it has been spoken about. */
static void link_of(struct check *check, const struct model_rdma *rdma)
{
	uint64_t sum = RDMA_MANAGEMENT_RATE + RDMA_MANAGER_RATE;

	for (size_t i = 0; i < rdma->clients_count; i++)
		if (rdma->clients[i].rate_bytes <= BUCKET_RATE_MOST)
			sum += rdma->clients[i].rate_bytes;
	if (written(check, rdma->at, "link-rate") && sum > rdma->link_bytes)
		fault(check, place(check, rdma->at, "link-rate"),
			say(check,
				"all clients and the service's own %u bytes a second are %" PRIu64
				", and the link carries %" PRIu64,
				RDMA_MANAGEMENT_RATE + RDMA_MANAGER_RATE, sum, rdma->link_bytes),
			"grant less by `rate`, or say what the link carries");
}

static void link_rate(struct check *check)
{
	for (size_t i = 0; i < check->model->rdma_count; i++)
		link_of(check, &check->model->rdma[i]);
}

/* ---- Quotas and memory ---- */

static void within(struct check *check, const struct model_rdma_client *client, const char *name,
	uint32_t value, uint32_t least, uint32_t most)
{
	if (value < least || value > most)
		fault(check, place(check, client->at, name),
			say(check, "`%s` of %s is %" PRIu32, name, who(check, client), value),
			say(check, "choose %" PRIu32 " to %" PRIu32, least, most));
}

static void quotas_of(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	within(check, client, "queue-pairs", client->queue_pairs, 1, RDMA_QPS);
	within(check, client, "completion-queues", client->completion_queues, 1, RDMA_CQS);
	within(check, client, "memory-regions", client->memory_regions, 1, RDMA_MRS);
	within(check, client, "address-handles", client->address_handles, 0, RDMA_AHS);
	within(check, client, "depth", client->depth, 1, RDMA_DEPTH);
}

static void quota(struct check *check)
{
	each_client(check, quotas_of);
}

static void memory_of(struct check *check, const struct model_rdma_client *client, const char *name,
	uint64_t bytes)
{
	if (bytes == 0 || bytes % PAGE_BYTES != 0 || bytes > MOST_MEMORY_BYTES)
		fault(check, place(check, client->at, name),
			say(check, "`%s` of %s has %" PRIu64 " bytes", name, who(check, client),
				bytes),
			say(check, "choose whole pages of %u bytes, up to %s", PAGE_BYTES,
				say_bytes(check, MOST_MEMORY_BYTES)));
}

static void memories_of(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	memory_of(check, client, "up-memory", client->up_bytes);
	memory_of(check, client, "down-memory", client->down_bytes);
}

static void memory(struct check *check)
{
	each_client(check, memories_of);
}

/* ---- Ports ---- */

static bool has_ports(const struct check *check, const struct model_rdma_client *client)
{
	return written(check, client->at, "ports");
}

static void ports_of(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	if (has_ports(check, client) &&
		(client->first_port == 0 || client->first_port > client->last_port ||
			client->last_port > MOST_PORT))
		fault(check, place(check, client->at, "ports"),
			say(check, "%s cannot listen on the ports %" PRIu32 " to %" PRIu32,
				who(check, client), client->first_port, client->last_port),
			say(check, "write the first and the last one, of 1 to %u", MOST_PORT));
}

static void ports(struct check *check)
{
	each_client(check, ports_of);
}

static void disjoint(struct check *check, const struct model_rdma *rdma, size_t number)
{
	const struct model_rdma_client *client = &rdma->clients[number];

	for (size_t i = 0; i < number && has_ports(check, client); i++) {
		const struct model_rdma_client *before = &rdma->clients[i];

		if (has_ports(check, before) && client->first_port <= before->last_port &&
			before->first_port <= client->last_port)
			fault(check, place(check, client->at, "ports"),
				say(check,
					"%s may listen on %" PRIu32 " to %" PRIu32
					", and %s on %" PRIu32 " to %" PRIu32,
					who(check, client), client->first_port, client->last_port,
					who(check, before), before->first_port, before->last_port),
				"grant each port to one client");
	}
}

static void ports_shared(struct check *check)
{
	each_client(check, disjoint);
}

const struct rule rules_rdma_client[] = {
	{ "rdma-client", "A client of an RDMA service is another partition.", TIER_MEANING,
		client_other },
	{ "rdma-client-twice", "A partition is one client of one RDMA service.", TIER_MEANING,
		client_twice },
	{ "rdma-clients", "An RDMA service has at most 4 clients.", TIER_MEANING, clients },
	{ "rdma-client-name", "A client's name leaves room for those of its channels.",
		TIER_MEANING, client_name },
	{ "rdma-lane", "A client's service level is from 0 to 15, on a lane that sends.",
		TIER_MEANING, lane },
	{ "rdma-p-key", "A P_Key has 16 bits, and more than that of membership.", TIER_MEANING,
		p_key },
	{ "rdma-rate", "A client may send something, and at most 16 GiB a second.", TIER_MEANING,
		rate },
	{ "rdma-burst", "A client may send a frame at once, and at most 16 MiB.", TIER_MEANING,
		burst },
	{ "rdma-link", "A link carries what all clients may send.", TIER_MEANING, link_rate },
	{ "rdma-quota", "A client's quotas are within what the service has for each.", TIER_MEANING,
		quota },
	{ "rdma-memory", "Memory for messages is whole pages, up to 64 MiB each way.", TIER_MEANING,
		memory },
	{ "rdma-ports", "Ports to listen on are from 1 to 65535, the first not above the last.",
		TIER_MEANING, ports },
	{ "rdma-ports-shared", "No two clients of a service may listen on one port.", TIER_MEANING,
		ports_shared },
	{ NULL, NULL, TIER_COUNT, NULL },
};
