/*
 * lockd's lines. See report.h. Invariant: a turn in which nothing changed and nothing is due costs a comparison per
 * server.
 */
#include <inttypes.h>
#include <stdio.h>

#include "report.h"

#define SERVERS_MOST 64u /* whose changes are told */

static const char *const phase_names[] = {
	[LOCK_FOLLOWING] = "following",
	[LOCK_CAMPAIGNING] = "campaigning",
	[LOCK_COLLECTING] = "collecting",
	[LOCK_SWEEPING] = "sweeping",
	[LOCK_BUILDING] = "building",
	[LOCK_SERVING] = "serving",
};

static const char *const reason_names[LOCK_REASONS] = {
	[LOCK_BAD_SIZE] = "bad_size",
	[LOCK_BAD_KIND] = "bad_kind",
	[LOCK_BAD_GROUP] = "bad_group",
	[LOCK_BAD_INDEX] = "bad_index",
	[LOCK_BAD_NODE] = "bad_node",
	[LOCK_BAD_FIELD] = "bad_field",
	[LOCK_NO_AUTHORITY] = "no_authority",
	[LOCK_OLD_EPOCH] = "old_epoch",
	[LOCK_OLD_INCARNATION] = "old_incarnation",
	[LOCK_OLD_SEQUENCE] = "old_sequence",
	[LOCK_TOO_EARLY] = "too_early",
	[LOCK_TOO_LATE] = "too_late",
	[LOCK_REVOKED] = "revoked",
	[LOCK_QUIET] = "quiet",
	[LOCK_IMPOSSIBLE] = "impossible",
};

static const char *const route_names[LOCK_ROUTES] = {
	[LOCK_ROUTE_BAD_SIZE] = "route_size",
	[LOCK_ROUTE_BAD_KIND] = "route_kind",
	[LOCK_ROUTE_BAD_GROUP] = "route_group",
	[LOCK_ROUTE_BAD_INDEX] = "route_index",
	[LOCK_ROUTE_BAD_NODE] = "route_node",
	[LOCK_ROUTE_QUIET] = "route_quiet",
};

static const char *const wire_names[LOCK_WIRE_REASONS] = {
	[LOCK_WIRE_BAD_SIZE] = "wire_size",
	[LOCK_WIRE_BAD_NODE] = "wire_node",
	[LOCK_WIRE_BAD_SOURCE] = "wire_source",
};

static struct told {
	uint8_t phase;
	uint32_t epoch;
	uint64_t heard_ns; /* when the last leader asked for the promise that it has; 0: never */
} told[SERVERS_MOST];
static const struct lock_image_promise *promises;
static uint64_t due_ns;

void report_start(const struct lock_image *const image, const struct lock_tables *const tables,
	const uint64_t bytes)
{
	promises = lock_image_promises(image);
	printf("lockd: node %u of %" PRIu32 ", %" PRIu32 " groups served, %" PRIu32
	       " participants, %" PRIu64 " bytes, %" PRIu64 " messages on their way at most\n",
		image->node, image->part[LOCK_IMAGE_NODES].count,
		lock_router_groups(tables, image->node), image->part[LOCK_IMAGE_LOCALS].count,
		bytes, lock_router_inbox(tables, image->node));
	fflush(stdout);
}

static uint32_t epoch_of(const struct lock_server *const server)
{
	return server->phase >= LOCK_COLLECTING ? server->epoch : server->voter.voted;
}

/* The last sign of another one that leads is the promise it got. */
static void listen(struct told *const t, const struct lock_server *const s)
{
	if (s->phase == LOCK_FOLLOWING && s->voter.promised != s->place)
		t->heard_ns = s->voter.promise_end_ns - s->group->timing.authority_guard_ns;
}

/* How long the group had no leader: at most the bound, and the heartbeat that the dead one did not send. */
static void tell_recovery(
	const struct told *const t, const struct lock_server *const s, const uint64_t now_ns)
{
	if (t->phase == LOCK_SERVING && t->heard_ns != 0)
		printf(", %" PRIu64 " ns after the last leader was heard, bound %" PRIu64,
			now_ns - t->heard_ns,
			promises[s->number].failover_ns + s->group->timing.heartbeat_ns);
}

static void tell(struct told *const t, const struct lock_server *const s, const uint64_t now_ns)
{
	t->phase = s->phase;
	t->epoch = epoch_of(s);
	printf("lockd: at %" PRIu64 " group %" PRIu32 " %s epoch %" PRIu32, now_ns, s->number,
		phase_names[t->phase], t->epoch);
	tell_recovery(t, s, now_ns);
	printf("\n");
	fflush(stdout);
}

void report_changes(
	const struct lock_server *const servers, const uint32_t count, const uint64_t now_ns)
{
	for (uint32_t i = 0; i < count && i < SERVERS_MOST; i++) {
		if (told[i].phase != servers[i].phase || told[i].epoch != epoch_of(&servers[i]))
			tell(&told[i], &servers[i], now_ns);
		listen(&told[i], &servers[i]);
	}
}

/* Those of `counts` that have a name and are not 0. */
static void name(const char *const names[], const uint64_t counts[], const uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (names[i] != NULL && counts[i] != 0)
			printf(" %s %" PRIu64, names[i], counts[i]);
}

static uint64_t named(const char *const names[], const uint64_t counts[], const uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += names[i] != NULL ? counts[i] : 0;
	return sum;
}

/* What the servers counted, together. */
static void add(const struct lock_server *const servers, const uint32_t count,
	uint64_t reasons[const LOCK_REASONS], uint64_t *const overruns)
{
	for (uint32_t i = 0; i < count; i++) {
		*overruns += servers[i].overruns;
		for (uint32_t reason = 0; reason < LOCK_REASONS; reason++)
			reasons[reason] += servers[i].counts[reason];
	}
}

/* Frames that were none of RoCEv2's, as they should be, and datagrams that the verbs dropped. */
static uint64_t strange(const struct lock_wire *const wire, const bool tell)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < IB_REFUSALS; i++) {
		if (i == IB_ACCEPTED || i == IB_REFUSED_NOT_ROCE || wire->port.refused[i] == 0)
			continue;
		sum += wire->port.refused[i];
		if (tell)
			printf(" frame_%s %" PRIu64, ib_refusal_name((enum ib_refusal)i),
				wire->port.refused[i]);
	}
	for (uint32_t i = IBV_DROP_NONE + 1; i < IBV_DROPS; i++) {
		sum += wire->context.dropped[i];
		if (tell && wire->context.dropped[i] != 0)
			printf(" verbs_%s %" PRIu64, ibv_drop_name((enum ibv_drop)i),
				wire->context.dropped[i]);
	}
	return sum;
}

void report_counters(const struct lock_wire *const wire, const struct lock_router *const router,
	const struct lock_server *const servers, const uint32_t count, const uint64_t period_ns,
	const uint64_t now_ns)
{
	uint64_t reasons[LOCK_REASONS] = { 0 }, overruns = 0;

	if (period_ns == 0 || now_ns < due_ns)
		return;
	due_ns = now_ns + period_ns;
	add(servers, count, reasons, &overruns);
	printf("lockd: at %" PRIu64 " sent %" PRIu64 " taken %" PRIu64 " here %" PRIu64
	       " full %" PRIu64 " overruns %" PRIu64 " refused %" PRIu64 ":",
		now_ns, wire->gone, wire->counts[LOCK_WIRE_TAKEN],
		router->routes[LOCK_ROUTE_SERVER], wire->full + router->routes[LOCK_ROUTE_FULL],
		overruns,
		named(reason_names, reasons, LOCK_REASONS) +
			named(route_names, router->routes, LOCK_ROUTES) +
			named(wire_names, wire->counts, LOCK_WIRE_REASONS) + strange(wire, false));
	name(reason_names, reasons, LOCK_REASONS);
	name(route_names, router->routes, LOCK_ROUTES);
	name(wire_names, wire->counts, LOCK_WIRE_REASONS);
	strange(wire, true);
	printf("\n");
	fflush(stdout);
}
