/*
 * Faults: crashes with loss of all memory, pauses longer than a lease, cuts in one or both directions, from all or
 * some nodes, and islands. Invariants: where the service promises to go on, there is one at a time, and time between two
 * of them for whoever forgot to learn again; where it may stop, there are two, but never has more than one of
 * a group's servers forgotten, or, where none is cut off, two, while the third knows all that they knew.
 */
#include "sim.h"

static uint64_t lease_ns(const struct sim *sim)
{
	return sim->options.timing.session_guard_ns;
}

static uint32_t leader(struct sim *sim)
{
	const uint32_t group = (uint32_t)draw_below(sim, sim->options.groups);
	uint32_t place = 0;

	while (place + 1 < LOCK_LEADERS &&
		sim->servers[group * LOCK_GROUP_NODES + place].phase != LOCK_SERVING)
		place++;
	return sim->options.participants + group * LOCK_GROUP_NODES + place;
}

/* A participant, one that holds if that is soon found. */
static uint32_t holder(struct sim *sim)
{
	uint32_t p = 0, i;

	for (i = 0; i < 8; i++) {
		p = (uint32_t)draw_below(sim, sim->options.participants);
		if (sim->programs[p].phase == USING)
			break;
	}
	return p;
}

static uint32_t victim(struct sim *sim)
{
	switch (draw_below(sim, 4)) {
	case 0:
		return holder(sim);
	case 1:
		return sim->options.participants +
		       (uint32_t)draw_below(sim, LOCK_GROUP_NODES * sim->options.groups);
	default:
		return leader(sim);
	}
}

static void note_leader(struct sim *sim, uint32_t node)
{
	const uint32_t server = node - sim->options.participants;

	if (!is_server(sim, node) ||
		!lock_server_serves(&sim->servers[server], clock_of(sim, node)))
		return;
	sim->leaderless_ns[server / LOCK_GROUP_NODES] = sim->now_ns;
	sim->results.failovers++;
}

/* Two at once have servers for victims, those of the first group rather: so they meet. */
static uint32_t server(struct sim *sim)
{
	const uint32_t groups = draw_below(sim, 4) ? 1 : sim->options.groups;

	return sim->options.participants + (uint32_t)draw_below(sim, LOCK_GROUP_NODES * groups);
}

static bool remembers(const struct sim *sim, uint32_t server)
{
	return !sim->nodes[sim->options.participants + server].down &&
	       sim->servers[server].voter.memory;
}

/* Whether it remembers as high an epoch as anybody of its group. */
static bool remembers_all(const struct sim *sim, uint32_t server)
{
	const uint32_t first = server - server % LOCK_GROUP_NODES;
	uint32_t other;

	for (other = first; other < first + LOCK_GROUP_NODES; other++) {
		if (sim->servers[other].voter.voted > sim->servers[server].voter.voted)
			return false;
	}
	return remembers(sim, server);
}

/* Whether the others of its group know what they ever knew, or one of them does: then it may forget. */
static bool may_forget(const struct sim *sim, uint32_t node)
{
	const uint32_t server = node - sim->options.participants;
	const uint32_t first = server - server % LOCK_GROUP_NODES;
	uint32_t other, remember = 0, all = 0;

	if (!two_at_once(sim) || !is_server(sim, node))
		return true;
	for (other = first; other < first + LOCK_GROUP_NODES; other++) {
		remember += other != server && remembers(sim, other);
		all += other != server && remembers_all(sim, other);
	}
	return sim->options.scenario == FORGETFUL ? all > 0 : remember == LOCK_GROUP_NODES - 1;
}

static bool in_trouble(const struct sim *sim, uint32_t node)
{
	uint32_t i;

	for (i = 0; i < FAULTS_AT_ONCE; i++) {
		if (sim->faults[i].node == node)
			return true;
	}
	return false;
}

static uint32_t sufferer(struct sim *sim)
{
	/* lives are short if few of them begin again and again */
	if (sim->options.scenario == ECHO)
		return (uint32_t)draw_below(sim, sim->options.sharers);
	return two_at_once(sim) ? server(sim) : victim(sim);
}

static void begin(struct sim *sim, struct fault *fault)
{
	const uint32_t node = sufferer(sim);
	const bool forgets = sim->options.scenario == FORGETFUL;

	if (in_trouble(sim, node) || (forgets && !may_forget(sim, node)))
		return;

	*fault = (struct fault){ .node = node,
		.kind = (uint32_t)draw_below(sim, FAULT_KINDS),
		.odd_only = draw_below(sim, 3) == 0,
		.end_ns = sim->now_ns + 1 + draw_below(sim, 3 * lease_ns(sim)) };
	sim->results.faults++;
	if (forgets || sim->options.scenario == ECHO ||
		(sim->options.scenario == TWICE && draw_below(sim, 3) == 0))
		fault->kind = CRASH;
	if (fault->kind == CRASH && !may_forget(sim, node))
		fault->kind = CUT_BOTH;
	if (fault->kind == PAUSE)
		sim->nodes[node].paused_until_ns = fault->end_ns;
	if (fault->kind != CRASH)
		return;
	note_leader(sim, node);
	sim->nodes[node].down = true;
	heap_put(&sim->heap, fault->end_ns, node, WHAT_REVIVE);
}

void fault_revive(struct sim *sim, uint32_t node)
{
	sim->nodes[node].down = false;
	if (is_server(sim, node)) {
		deploy_start_server(sim, node - sim->options.participants, false);
	} else {
		deploy_start_client(sim, node);
		program_lost(sim, node);
	}
	node_turn(sim, node);
}

static void turn(struct sim *sim, struct fault *fault)
{
	const uint64_t pause_ns = sim->options.scenario == FAULTS ? 9 * lease_ns(sim) / 4 : 0;

	if (fault->node != NOBODY && sim->now_ns > fault->end_ns) {
		fault->node = NOBODY;
		fault->next_ns = sim->now_ns + pause_ns + draw_below(sim, lease_ns(sim));
	}
	if (fault->node == NOBODY && sim->now_ns >= fault->next_ns && sim->now_ns < sim->calm_ns)
		begin(sim, fault);
}

void fault_turn(struct sim *sim)
{
	if (faulty(sim))
		turn(sim, &sim->faults[0]);
	if (two_at_once(sim))
		turn(sim, &sim->faults[1]);
}

/* An island: the victim, and every other participant with it. */
static bool on_island(const struct sim *sim, const struct fault *fault, uint32_t node)
{
	return node == fault->node || (!is_server(sim, node) && node % 2 == 0);
}

static bool cuts(const struct sim *sim, const struct fault *fault, uint32_t from, uint32_t to)
{
	const uint32_t peer = from == fault->node ? to : from;

	if (fault->node == NOBODY)
		return false;
	if (fault->kind == ISLAND)
		return on_island(sim, fault, from) != on_island(sim, fault, to);
	if ((from != fault->node && to != fault->node) || (fault->odd_only && peer % 2 == 0))
		return false;
	return fault->kind == CUT_BOTH || (fault->kind == CUT_OUT && from == fault->node) ||
	       (fault->kind == CUT_IN && to == fault->node);
}

bool fault_cuts(const struct sim *sim, uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = 0; faulty(sim) && i < FAULTS_AT_ONCE; i++) {
		if (cuts(sim, &sim->faults[i], from, to))
			return true;
	}
	return false;
}
