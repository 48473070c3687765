/*
 * Ways of messages. See lock_router.h. Invariant: an index is used only after it was compared with the tables.
 */
#include <stddef.h>

#include <mullion/lock_router.h>

#define NOBODY UINT32_MAX

static bool serves(const struct lock_group *const group, const uint32_t places, const uint16_t node)
{
	for (uint32_t place = 0; place < places; place++)
		if (group->nodes[place] == node)
			return true;
	return false;
}

uint32_t lock_router_groups(const struct lock_tables *const tables, const uint16_t node)
{
	uint32_t groups = 0;

	for (uint32_t g = 0; g < tables->groups; g++)
		groups += serves(&tables->group[g], LOCK_GROUP_NODES, node);
	return groups;
}

static uint16_t home(const struct lock_tables *const t, const uint32_t member)
{
	return t->participant[t->member[member].participant].node;
}

/* Of a member and its slots: an operation and its cancellation, a heartbeat; or answers, notices, and a new epoch. */
static uint64_t inbox_of_member(
	const struct lock_tables *const t, const uint32_t member, const uint16_t node)
{
	const struct lock_member *const m = &t->member[member];

	if (home(t, member) == node)
		return 2u * m->slots + 2u;
	return serves(&t->group[m->group], LOCK_LEADERS, node) ? 2u * m->slots + 1u : 0;
}

uint64_t lock_router_inbox(const struct lock_tables *const tables, const uint16_t node)
{
	uint64_t messages = 0;

	for (uint32_t member = 0; member < tables->members; member++)
		messages += inbox_of_member(tables, member, node);
	for (uint32_t g = 0; g < tables->groups; g++)
		if (serves(&tables->group[g], LOCK_GROUP_NODES, node))
			messages += LOCK_GROUP_NODES - 1u;
	return messages;
}

uint64_t lock_router_quiet_ns(const struct lock_tables *const tables)
{
	uint64_t most_ns = 0;

	for (uint32_t g = 0; g < tables->groups; g++) {
		const struct lock_timing *const t = &tables->group[g].timing;
		const uint64_t ns = t->session_guard_ns + t->retransmit_ns;

		most_ns = ns > most_ns ? ns : most_ns;
	}
	return most_ns;
}

void lock_router_init(struct lock_router *const router, const struct lock_tables *const tables,
	const uint16_t node, const struct lock_carrier *const carrier,
	struct lock_server *const servers, const uint32_t count,
	struct lock_server **const server_of, const uint64_t quiet_end_ns)
{
	*router = (struct lock_router){ .tables = tables,
		.carrier = carrier,
		.server_of = server_of,
		.servers = servers,
		.count = count,
		.node = node,
		.quiet_end_ns = quiet_end_ns };
	for (uint32_t g = 0; g < tables->groups; g++)
		server_of[g] = NULL;
	for (uint32_t i = 0; i < count; i++)
		server_of[servers[i].number] = &servers[i];
}

static bool by_member(const uint8_t kind)
{
	return kind == LOCK_HELLO || kind == LOCK_BEAT || kind == LOCK_WELCOME ||
	       kind == LOCK_BEAT_ACK || kind == LOCK_NEW_EPOCH;
}

static bool from_client(const uint8_t kind)
{
	return kind >= LOCK_HELLO && kind <= LOCK_REPORT;
}

static bool to_client(const uint8_t kind)
{
	return kind >= LOCK_WELCOME && kind <= LOCK_NEW_EPOCH;
}

static bool between_servers(const uint8_t kind)
{
	return kind >= LOCK_CANDIDATE && kind <= LOCK_DENY;
}

/* Whose slot or member it is; NOBODY: it is not in the message's group. */
static uint32_t owner(const struct lock_tables *const t, const struct lock_message *const m)
{
	uint32_t member = m->index;

	if (!by_member(m->kind))
		member = m->index < t->slots ? t->slot[m->index].member : t->members;
	if (member >= t->members || t->member[member].group != m->group)
		return NOBODY;
	return t->member[member].participant;
}

static bool may_lead(const struct lock_group *const group, const uint16_t node)
{
	return serves(group, LOCK_LEADERS, node);
}

static enum lock_route to_server(struct lock_router *const r, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	struct lock_server *const server = r->server_of[m->group];

	if (server == NULL)
		return LOCK_ROUTE_BAD_GROUP;
	lock_server_receive(server, from, m, LOCK_MESSAGE_BYTES, now_ns);
	r->due_ns = 0;
	return LOCK_ROUTE_SERVER;
}

/* From whoever leads, here or there. */
static enum lock_route to_participant(
	struct lock_router *const r, const uint16_t from, const struct lock_message *const m)
{
	const uint32_t participant = owner(r->tables, m);

	if (participant == NOBODY || r->tables->participant[participant].node != r->node)
		return LOCK_ROUTE_BAD_INDEX;
	if (!may_lead(&r->tables->group[m->group], from))
		return LOCK_ROUTE_BAD_NODE;
	return r->carrier->to_participant(r->carrier->context, participant, m)
		       ? LOCK_ROUTE_PARTICIPANT
		       : LOCK_ROUTE_FULL;
}

static enum lock_route to_node(
	struct lock_router *const r, const uint16_t node, const struct lock_message *const m)
{
	return r->carrier->to_node(r->carrier->context, node, m) ? LOCK_ROUTE_NODE
								 : LOCK_ROUTE_FULL;
}

static enum lock_route count(struct lock_router *const r, const enum lock_route route)
{
	r->routes[route]++;
	return route;
}

static enum lock_route route_from_node(struct lock_router *const r, const uint16_t from,
	const struct lock_message *const m, const uint64_t now_ns)
{
	if (m->group >= r->tables->groups)
		return LOCK_ROUTE_BAD_GROUP;
	if (m->node != from || from == r->node)
		return LOCK_ROUTE_BAD_NODE;
	if (from_client(m->kind) || between_servers(m->kind))
		return to_server(r, from, m, now_ns);
	return to_client(m->kind) ? to_participant(r, from, m) : LOCK_ROUTE_BAD_KIND;
}

enum lock_route lock_router_from_node(struct lock_router *const router, const uint16_t from,
	const struct lock_message *const message, const uint64_t now_ns)
{
	return count(router, route_from_node(router, from, message, now_ns));
}

static enum lock_route route_from_participant(struct lock_router *const r,
	const uint32_t participant, struct lock_message *const m, const uint64_t bytes,
	const uint64_t now_ns)
{
	const uint16_t node = m->node;

	if (bytes != LOCK_MESSAGE_BYTES)
		return LOCK_ROUTE_BAD_SIZE;
	if (!from_client(m->kind))
		return LOCK_ROUTE_BAD_KIND;
	if (m->group >= r->tables->groups)
		return LOCK_ROUTE_BAD_GROUP;
	if (owner(r->tables, m) != participant)
		return LOCK_ROUTE_BAD_INDEX;
	if (!may_lead(&r->tables->group[m->group], node))
		return LOCK_ROUTE_BAD_NODE;
	if (now_ns < r->quiet_end_ns)
		return LOCK_ROUTE_QUIET;
	m->node = r->node;
	return node == r->node ? to_server(r, node, m, now_ns) : to_node(r, node, m);
}

enum lock_route lock_router_from_participant(struct lock_router *const router,
	const uint32_t participant, struct lock_message *const message, const uint64_t bytes,
	const uint64_t now_ns)
{
	return count(router, route_from_participant(router, participant, message, bytes, now_ns));
}

/* What a server says is for another node, or for a participant of this one. */
static bool send_one(
	struct lock_router *const r, struct lock_server *const server, const uint64_t now_ns)
{
	struct lock_envelope envelope;

	if (!r->carrier->has_room(r->carrier->context) ||
		!lock_server_send(server, now_ns, &envelope))
		return false;
	count(r, envelope.node == r->node ? to_participant(r, r->node, &envelope.message)
					  : to_node(r, envelope.node, &envelope.message));
	return true;
}

/* A leader looks at its locks' budgets all the time. */
static uint64_t rest(const struct lock_router *const r, const uint64_t now_ns)
{
	uint64_t due_ns = UINT64_MAX;

	if (!r->carrier->has_room(r->carrier->context))
		return now_ns;
	for (uint32_t i = 0; i < r->count; i++) {
		const struct lock_server *const s = &r->servers[i];
		const uint64_t its_ns =
			s->phase >= LOCK_COLLECTING ? now_ns : lock_server_due_ns(s, now_ns);

		due_ns = its_ns < due_ns ? its_ns : due_ns;
	}
	return due_ns;
}

/* A leader that rebuilds has thousands of things to do. */
static bool tick(struct lock_server *const server, const uint32_t most, const uint64_t now_ns)
{
	uint32_t ticks = 0;

	while (ticks < most && lock_server_tick(server, now_ns))
		ticks++;
	return ticks != 0;
}

bool lock_router_work(struct lock_router *const router, const uint32_t most, const uint64_t now_ns)
{
	uint32_t sent = 0;
	bool did = false;

	if (now_ns < router->due_ns)
		return false;
	for (uint32_t i = 0; i < router->count; i++) {
		did |= tick(&router->servers[i], most, now_ns);
		while (sent < most && send_one(router, &router->servers[i], now_ns))
			sent++;
	}
	did |= sent != 0;
	router->due_ns = did ? now_ns : rest(router, now_ns);
	return did;
}
