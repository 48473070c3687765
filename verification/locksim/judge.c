/*
 * What must hold, judged where it could first be broken. Invariant: nothing here is asked of the rules that
 * are judged; modes, tokens and values are compared with what this file says of them, and with the ledger of what
 * truly happened.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* VAXcluster Principles, chapter 6: NL CR CW PR PW EX. */
static const bool agree[LOCK_MODES][LOCK_MODES] = {
	{ 1, 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1, 0 },
	{ 1, 1, 1, 0, 0, 0 },
	{ 1, 1, 0, 1, 0, 0 },
	{ 1, 1, 0, 0, 0, 0 },
	{ 1, 0, 0, 0, 0, 0 },
};

void violate(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (sim->violation[0])
		return;
	va_start(arguments, format);
	vsnprintf(sim->violation, sizeof(sim->violation), format, arguments);
	va_end(arguments);
}

static uint32_t lock_of(const struct sim *sim, uint32_t p, uint32_t own)
{
	return p / sim->options.sharers * sim->options.locks + own;
}

static bool exclusive(uint8_t mode)
{
	return mode == LOCK_PW || mode == LOCK_EX;
}

static bool holds(const struct sim *sim, uint32_t p, uint32_t own)
{
	const uint8_t mode = sim->clients[p].storage.owns[own].held;

	return mode < LOCK_MODES &&
	       lock_client_holds(&sim->clients[p], own, mode, clock_of(sim, p));
}

/* All that were granted the lock and hold it still, by their own clocks; who does not is struck off. */
static void judge_holders(struct sim *sim, uint32_t p, uint32_t own)
{
	struct lock_ledger *ledger = &sim->ledgers[lock_of(sim, p, own)];
	const uint8_t mine = sim->clients[p].storage.owns[own].held;
	uint32_t i, kept = 0;

	for (i = 0; i < ledger->count; i++) {
		const uint32_t q = ledger->holders[i];
		const uint8_t mode = sim->clients[q].storage.owns[own].held;

		if (q == p || !holds(sim, q, own))
			continue;
		ledger->holders[kept++] = q;
		if (!agree[mode][mine])
			violate(sim, "lock %u: participants %u and %u hold modes %u and %u",
				lock_of(sim, p, own), q, p, mode, mine);
	}
	ledger->holders[kept++] = p;
	ledger->count = kept;
}

/* A token is greater than that of every earlier hold of others that its own excludes. */
static void judge_token(struct sim *sim, uint32_t p, uint32_t own)
{
	struct lock_ledger *ledger = &sim->ledgers[lock_of(sim, p, own)];
	const struct lock_own *o = &sim->clients[p].storage.owns[own];
	uint32_t mode;

	for (mode = 0; mode < LOCK_MODES; mode++) {
		if (!agree[mode][o->held] &&
			(o->token < ledger->top[mode] ||
				(o->token == ledger->top[mode] && ledger->owner[mode] != p)))
			violate(sim, "lock %u: participant %u is granted token %llx after %llx",
				lock_of(sim, p, own), p, (unsigned long long)o->token,
				(unsigned long long)ledger->top[mode]);
	}
	if (o->token <= ledger->top[o->held])
		return;
	ledger->top[o->held] = o->token;
	ledger->owner[o->held] = p;
}

/* A valid value is the last that anybody tried to leave. */
static void judge_value(struct sim *sim, uint32_t p, uint32_t own)
{
	const struct lock_ledger *ledger = &sim->ledgers[lock_of(sim, p, own)];
	const uint8_t mode = sim->clients[p].storage.owns[own].held;
	uint8_t value[LOCK_VALUE_BYTES];
	uint64_t seen;

	if (mode != LOCK_PR && !exclusive(mode))
		return;
	if (!lock_client_value(&sim->clients[p], own, value))
		return;
	memcpy(&seen, value, sizeof(seen));
	if (seen != ledger->written)
		violate(sim, "lock %u: participant %u reads value %llu, %llu was written last",
			lock_of(sim, p, own), p, (unsigned long long)seen,
			(unsigned long long)ledger->written);
}

void judge_grant(struct sim *sim, uint32_t p, uint32_t own)
{
	sim->ledgers[lock_of(sim, p, own)].grants++;
	judge_holders(sim, p, own);
	judge_token(sim, p, own);
	judge_value(sim, p, own);
}

void judge_write(struct sim *sim, uint32_t p, uint32_t own, uint64_t token)
{
	struct lock_ledger *ledger = &sim->ledgers[lock_of(sim, p, own)];

	if (!lock_rule_fence(ledger->accepted, token)) {
		if (holds(sim, p, own))
			violate(sim, "lock %u: the resource refuses its holder %u",
				lock_of(sim, p, own), p);
		return;
	}
	if (token < ledger->accepted)
		violate(sim, "lock %u: the resource accepts token %llx after %llx",
			lock_of(sim, p, own), (unsigned long long)token,
			(unsigned long long)ledger->accepted);
	ledger->accepted = token;
}

static struct lock_group_load load_of(const struct sim *sim, const struct lock_group *group)
{
	const struct options *o = &sim->options;

	return (struct lock_group_load){ .delay_ns = o->delay_ns,
		.service_ns = o->service_ns,
		.retransmit_ns = o->timing.retransmit_ns,
		.heartbeat_ns = o->timing.heartbeat_ns,
		.session_ns = o->timing.session_ns,
		.authority_ns = o->timing.authority_ns,
		.survive_ns = o->timing.survive_ns,
		.drift_ppm = o->drift_ppm,
		.nodes = group->members,
		.slots = group->slots,
		.asks = lock_reports_asked(group->members, group->slots),
		.outstanding = group->members,
		.losses = o->scenario == LOSSY ? o->losses : 0 };
}

static uint32_t readers(const struct sim *sim)
{
	uint32_t i, count = 0;

	for (i = 0; i < sim->options.sharers; i++)
		count += sim->programs[i].reader;
	return count;
}

static uint32_t not_below(const struct options *o, uint32_t p)
{
	uint32_t i, count = 0;

	for (i = 0; i < o->sharers; i++)
		count += i % o->levels <= p % o->sharers % o->levels;
	return count;
}

uint64_t judge_bound_ns(const struct sim *sim, uint32_t p)
{
	const struct options *o = &sim->options;
	const struct lock_group_load group = load_of(sim, &sim->groups[sim->members[p].group]);
	struct lock_load load = {
		.participants = o->sharers, .hold_ns = o->hold_ns, .read_hold_ns = o->hold_ns
	};

	if (o->discipline == LOCK_PHASE_FAIR) {
		load.order = LOCK_ORDER_PHASED;
		load.writers = o->sharers - readers(sim);
		load.reader = sim->programs[p].reader;
	} else if (o->levels > 1) {
		load.order = LOCK_ORDER_BATCHED;
		load.not_below = not_below(o, p);
	}
	return lock_wait_bound(&group, &load).total_ns;
}

void judge_wait(struct sim *sim, uint32_t p, uint32_t own)
{
	struct lock_ledger *ledger = &sim->ledgers[lock_of(sim, p, own)];
	const uint64_t wait_ns = sim->now_ns - sim->programs[p].asked_ns;
	const uint64_t bound_ns = sim->programs[p].bound_ns;
	const double ratio = (double)wait_ns / (double)bound_ns;

	if (sim->results.worst_wait_ns < wait_ns)
		sim->results.worst_wait_ns = wait_ns;
	if (faulty(sim))
		return;
	if (ratio > sim->results.worst_ratio)
		sim->results.worst_ratio = ratio;
	if (!ledger->bound_ns || (double)wait_ns * (double)ledger->bound_ns >
					 (double)ledger->wait_ns * (double)bound_ns) {
		ledger->wait_ns = wait_ns;
		ledger->bound_ns = bound_ns;
	}
	if (wait_ns > bound_ns)
		violate(sim, "lock %u: participant %u waited %llu ns, the bound is %llu ns",
			lock_of(sim, p, own), p, (unsigned long long)wait_ns,
			(unsigned long long)bound_ns);
}

static void judge_state(struct sim *sim, uint32_t lock, const struct lock_state *l)
{
	uint32_t a, b;

	for (a = 0; a < LOCK_MODES; a++) {
		for (b = a; b < LOCK_MODES; b++) {
			if (l->held[a] && l->held[b] && !agree[a][b] && (a != b || l->held[a] > 1))
				violate(sim, "lock %u: its leader has holders of modes %u and %u",
					lock, a, b);
		}
	}
	if (l->waiting > sim->options.sharers)
		violate(sim, "lock %u: %u wait, and %u share it", lock, l->waiting,
			sim->options.sharers);
}

void judge_server(struct sim *sim, uint32_t server, const struct lock_message *message)
{
	const struct lock_server *s = &sim->servers[server];
	const uint32_t most = 2 * s->group->members + LOCK_GROUP_NODES;
	uint32_t lock;

	if (sim->options.scenario <= ADVERSARIAL && sim->doors[server].most > most)
		violate(sim, "server %u: %u messages at its door, at most %u are declared", server,
			sim->doors[server].most, most);
	if (s->phase != LOCK_SERVING || s->dirty || message->kind < LOCK_REQUEST ||
		message->kind > LOCK_REPORT || message->index >= sim->tables.slots)
		return;
	lock = sim->slots[message->index].lock;
	if (sim->locks[lock].group == s->number)
		judge_state(sim, lock, &s->storage.locks[lock - s->group->first_lock]);
}

uint64_t judge_recovery_ns(const struct sim *sim, uint32_t group)
{
	const struct lock_group_load load = load_of(sim, &sim->groups[group]);

	return lock_failover_bound_ns(&load);
}

static void judge_recovery(struct sim *sim, uint32_t group)
{
	const uint64_t took_ns = sim->now_ns - sim->leaderless_ns[group];

	sim->leaderless_ns[group] = 0;
	if (sim->results.worst_recovery_ns < took_ns)
		sim->results.worst_recovery_ns = took_ns;
	/* with one fault at a time, and without losses: they would have to be counted */
	if (sim->options.scenario == FAULTS && sim->options.losses == 0 &&
		took_ns > judge_recovery_ns(sim, group))
		violate(sim, "group %u: leaderless for %llu ns, the bound is %llu ns", group,
			(unsigned long long)took_ns,
			(unsigned long long)judge_recovery_ns(sim, group));
}

void judge_leader(struct sim *sim, uint32_t group)
{
	uint32_t place, leaders = 0;

	for (place = 0; place < LOCK_LEADERS; place++) {
		const uint32_t server = group * LOCK_GROUP_NODES + place;
		const uint32_t node = sim->options.participants + server;

		leaders += !sim->nodes[node].down &&
			   lock_server_serves(&sim->servers[server], clock_of(sim, node));
	}
	if (leaders > 1)
		violate(sim, "group %u: two servers lead at once", group);
	if (leaders && sim->leaderless_ns[group])
		judge_recovery(sim, group);
}

void judge_end(struct sim *sim)
{
	const uint64_t operations = (uint64_t)sim->options.operations * sim->options.participants;

	if (sim->options.scenario > ADVERSARIAL)
		return;
	if (sim->results.operations != operations)
		violate(sim, "%llu operations ended, of %llu",
			(unsigned long long)sim->results.operations,
			(unsigned long long)operations);
	if (sim->results.slot_messages != 4 * operations)
		violate(sim, "%llu messages for %llu operations, which is not 4 for each",
			(unsigned long long)sim->results.slot_messages,
			(unsigned long long)operations);
}
