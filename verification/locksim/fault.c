/*
 * Faults, one at a time, as many as the service promises to survive: crashes with loss of all memory, pauses
 * longer than a lease, cuts in one or both directions, from all or some nodes, and islands. Invariant: between two of
 * them there is time for whoever forgot to learn again.
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

static void begin(struct sim *sim)
{
	struct fault *fault = &sim->fault;
	const uint32_t node = victim(sim);

	*fault = (struct fault){ .node = node,
		.kind = (uint32_t)draw_below(sim, FAULT_KINDS),
		.odd_only = draw_below(sim, 3) == 0,
		.end_ns = sim->now_ns + 1 + draw_below(sim, 3 * lease_ns(sim)) };
	sim->results.faults++;
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

void fault_turn(struct sim *sim)
{
	struct fault *fault = &sim->fault;

	if (sim->options.scenario != FAULTS)
		return;
	if (fault->node != NOBODY && sim->now_ns > fault->end_ns) {
		fault->node = NOBODY;
		fault->next_ns =
			sim->now_ns + 9 * lease_ns(sim) / 4 + draw_below(sim, lease_ns(sim));
	}
	if (fault->node == NOBODY && sim->now_ns >= fault->next_ns && sim->now_ns < sim->calm_ns)
		begin(sim);
}

/* An island: the victim, and every other participant with it. */
static bool on_island(const struct sim *sim, uint32_t node)
{
	return node == sim->fault.node || (!is_server(sim, node) && node % 2 == 0);
}

bool fault_cuts(const struct sim *sim, uint32_t from, uint32_t to)
{
	const struct fault *fault = &sim->fault;
	const uint32_t peer = from == fault->node ? to : from;

	if (sim->options.scenario != FAULTS || fault->node == NOBODY)
		return false;
	if (fault->kind == ISLAND)
		return on_island(sim, from) != on_island(sim, to);
	if ((from != fault->node && to != fault->node) || (fault->odd_only && peer % 2 == 0))
		return false;
	return fault->kind == CUT_BOTH || (fault->kind == CUT_OUT && from == fault->node) ||
	       (fault->kind == CUT_IN && to == fault->node);
}
