/*
 * The constant tables of a simulated deployment, and its engines. Invariant: engines get storage full of
 * rubbish, at the first start and at each one after a crash.
 */
#include "sim.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static void *room(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		err(2, "memory of the simulated nodes");
	return memory;
}

static uint32_t clusters(const struct options *o)
{
	return o->participants / o->sharers;
}

static void group_row(struct sim *sim, uint32_t g)
{
	const struct options *o = &sim->options;
	const uint32_t first = (uint32_t)((uint64_t)g * clusters(o) / o->groups);
	const uint32_t end = (uint32_t)((uint64_t)(g + 1) * clusters(o) / o->groups);
	struct lock_group *row = &sim->groups[g];
	uint32_t place;

	for (place = 0; place < LOCK_GROUP_NODES; place++)
		row->nodes[place] = (uint16_t)(o->participants + LOCK_GROUP_NODES * g + place);
	row->first_lock = first * o->locks;
	row->locks = (end - first) * o->locks;
	row->first_slot = row->first_lock * o->sharers;
	row->slots = row->locks * o->sharers;
	row->first_member = first * o->sharers;
	row->members = (end - first) * o->sharers;
	row->timing = o->timing;
}

static uint32_t group_of(const struct sim *sim, uint32_t lock)
{
	uint32_t g = 0;

	while (lock >= sim->groups[g].first_lock + sim->groups[g].locks)
		g++;
	return g;
}

static void lock_rows(struct sim *sim)
{
	const struct options *o = &sim->options;
	uint32_t l, i;

	for (l = 0; l < clusters(o) * o->locks; l++) {
		sim->locks[l] = (struct lock_lock){ .group = group_of(sim, l),
			.rank = l,
			.first_slot = l * o->sharers,
			.slots = o->sharers,
			.hold_budget_ns = 1000000000000,
			.discipline = o->discipline,
			.options = o->lock_options };
		for (i = 0; i < o->sharers; i++)
			sim->slots[l * o->sharers + i] = (struct lock_sharer){ .lock = l,
				.member = l / o->locks * o->sharers + i,
				.own = l % o->locks,
				.priority = (uint8_t)(i % o->levels) };
	}
}

static void participant_rows(struct sim *sim)
{
	const struct options *o = &sim->options;
	uint32_t p, j;

	for (p = 0; p < o->participants; p++) {
		const uint32_t cluster = p / o->sharers;

		for (j = 0; j < o->locks; j++)
			sim->own_slots[p * o->locks + j] =
				(cluster * o->locks + j) * o->sharers + p % o->sharers;
		sim->participant_members[p] = p;
		sim->members[p] = (struct lock_member){ p, group_of(sim, cluster * o->locks),
			p * o->locks, o->locks };
		sim->participants[p] =
			(struct lock_participant){ (uint16_t)p, p * o->locks, o->locks, p, 1 };
	}
	memcpy(sim->member_slots, sim->own_slots,
		o->participants * o->locks * sizeof(*sim->own_slots));
}

static void tables(struct sim *sim)
{
	const struct options *o = &sim->options;
	const uint32_t locks = clusters(o) * o->locks, slots = locks * o->sharers;
	uint32_t g;

	sim->groups = room(o->groups, sizeof(*sim->groups));
	sim->locks = room(locks, sizeof(*sim->locks));
	sim->slots = room(slots, sizeof(*sim->slots));
	sim->members = room(o->participants, sizeof(*sim->members));
	sim->participants = room(o->participants, sizeof(*sim->participants));
	sim->member_slots = room(slots, sizeof(uint32_t));
	sim->own_slots = room(slots, sizeof(uint32_t));
	sim->participant_members = room(o->participants, sizeof(uint32_t));
	for (g = 0; g < o->groups; g++)
		group_row(sim, g);
	lock_rows(sim);
	participant_rows(sim);
	sim->tables = (struct lock_tables){ o->participants + LOCK_GROUP_NODES * o->groups,
		o->groups, locks, slots, o->participants, o->participants, sim->groups, sim->locks,
		sim->slots, sim->members, sim->participants, sim->member_slots, sim->own_slots,
		sim->participant_members };
}

/* Full of nonsense: engines must not count on anything in it. */
static void *rubbish(void *memory, size_t count, size_t size)
{
	if (!memory)
		memory = room(count, size);
	memset(memory, 0xa5, count * size);
	return memory;
}

void deploy_start_server(struct sim *sim, uint32_t server, bool memory)
{
	const struct lock_group *row = &sim->groups[server / LOCK_GROUP_NODES];
	const uint32_t place = server % LOCK_GROUP_NODES;
	struct lock_server *s = &sim->servers[server];
	const uint32_t voted = memory ? s->voter.voted : 0;
	struct lock_storage storage = s->storage;

	if (place < LOCK_LEADERS) {
		storage.links = rubbish(storage.links,
			LOCK_SERVER_LINKS(row->slots, row->members, row->locks),
			sizeof(struct lock_link));
		storage.places = rubbish(storage.places, row->slots, sizeof(struct lock_place));
		storage.locks = rubbish(storage.locks, row->locks, sizeof(struct lock_state));
		storage.sessions =
			rubbish(storage.sessions, row->members, sizeof(struct lock_session));
	}
	lock_server_init(s, &sim->tables, server / LOCK_GROUP_NODES, place, &storage, voted, memory,
		clock_of(sim, sim->options.participants + server));
}

void deploy_start_client(struct sim *sim, uint32_t p)
{
	const uint32_t owns = sim->options.locks;
	struct lock_client_storage storage = sim->clients[p].storage;

	storage.links =
		rubbish(storage.links, LOCK_CLIENT_LINKS(owns, 1), sizeof(struct lock_link));
	storage.owns = rubbish(storage.owns, owns, sizeof(struct lock_own));
	storage.memberships = rubbish(storage.memberships, 1, sizeof(struct lock_membership));
	sim->life += 1000;
	lock_client_init(&sim->clients[p], &sim->tables, p, &storage, sim->life, clock_of(sim, p));
}

static void clocks(struct sim *sim)
{
	const int64_t most = sim->options.drift_ppm;
	uint32_t n;

	for (n = 0; n < sim->tables.nodes; n++) {
		sim->nodes[n].offset_ns = 1000000 + draw_below(sim, 1000000000);
		sim->nodes[n].drift_ppm =
			(int32_t)((int64_t)draw_below(sim, 2 * (uint64_t)most + 1) - most);
		sim->nodes[n].wake_ns = UINT64_MAX;
	}
}

void deploy(struct sim *sim)
{
	const struct options *o = &sim->options;
	uint32_t i;

	tables(sim);
	sim->servers = room(LOCK_GROUP_NODES * o->groups, sizeof(*sim->servers));
	sim->clients = room(o->participants, sizeof(*sim->clients));
	sim->nodes = room(sim->tables.nodes, sizeof(*sim->nodes));
	sim->doors = room(LOCK_GROUP_NODES * o->groups, sizeof(*sim->doors));
	sim->programs = room(o->participants, sizeof(*sim->programs));
	sim->ledgers = room(sim->tables.locks, sizeof(*sim->ledgers));
	sim->streak[0] = room(sim->tables.slots, 1);
	sim->streak[1] = room(sim->tables.slots, 1);
	sim->leaderless_ns = room(o->groups, sizeof(uint64_t));
	clocks(sim);
	for (i = 0; i < sim->tables.locks; i++)
		sim->ledgers[i].holders = room(o->sharers, sizeof(uint32_t));
	for (i = 0; i < LOCK_GROUP_NODES * o->groups; i++) {
		sim->doors[i].first = NOBODY;
		deploy_start_server(sim, i, false);
	}
	for (i = 0; i < o->participants; i++)
		deploy_start_client(sim, i);
}

static void free_engines(struct sim *sim)
{
	uint32_t i;

	for (i = 0; i < LOCK_GROUP_NODES * sim->options.groups; i++) {
		free(sim->servers[i].storage.links);
		free(sim->servers[i].storage.places);
		free(sim->servers[i].storage.locks);
		free(sim->servers[i].storage.sessions);
	}
	for (i = 0; i < sim->options.participants; i++) {
		free(sim->clients[i].storage.links);
		free(sim->clients[i].storage.owns);
		free(sim->clients[i].storage.memberships);
	}
	for (i = 0; i < sim->tables.locks; i++)
		free(sim->ledgers[i].holders);
}

void deploy_free(struct sim *sim)
{
	void *const tables[] = { sim->groups, sim->locks, sim->slots, sim->members,
		sim->participants, sim->member_slots, sim->own_slots, sim->participant_members,
		sim->servers, sim->clients, sim->nodes, sim->doors, sim->programs, sim->ledgers,
		sim->streak[0], sim->streak[1], sim->leaderless_ns, sim->flights };
	size_t i;

	free_engines(sim);
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		free(tables[i]);
}
