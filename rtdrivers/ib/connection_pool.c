/*
 * The pool of connections. Invariant: the low bits of a number are the index of its connection, the others count
 * how many were given out, from where the program's life begins: a number of a former life or a former connection names
 * nobody. Specification: IBTA volume 1, 12.9.8.7 (TimeWait), 12.10.1 (communication IDs).
 */
#include <ib/connection_state.h>

#define INDEX_MASK      (CONNECTIONS_MOST - 1)
#define GENERATION_MASK (UINT32_MAX / CONNECTIONS_MOST)

static uint32_t next_number(struct connections *const table, const unsigned index)
{
	table->generation = (table->generation + 1) & GENERATION_MASK;
	if (table->generation == 0) /* 0 is nobody's number */
		table->generation = 1;
	return table->generation * CONNECTIONS_MOST | index;
}

/* A free one, or else the one that has been over for the longest. */
static struct connection *room(struct connections *const table)
{
	struct connection *oldest = NULL;

	for (unsigned i = 0; i < table->count; i++) {
		struct connection *const connection = &table->pool[i];

		if (connection->state == CONNECTION_FREE)
			return connection;
		if (connection->state == CONNECTION_TIMEWAIT &&
			(oldest == NULL || connection->due < oldest->due))
			oldest = connection;
	}
	return oldest;
}

struct connection *pool_take(struct connections *const table)
{
	struct connection *const connection = room(table);

	if (connection == NULL)
		return NULL;
	connection->state = CONNECTION_FREE;
	connection->local_id = next_number(table, (unsigned)(connection - table->pool));
	connection->table = table;
	connection->user = NULL;
	connection->qp = NULL;
	connection->said = 0;
	connection->remote_id = 0;
	connection->remote_qpn = 0;
	connection->due = IBV_NEVER;
	connection->retries = table->setup.retries;
	connection->patience = table->setup.retries;
	return connection;
}

static bool is_from(
	const struct connection *const connection, const struct connection_arrival *const arrival)
{
	if (!connection->address.is_global)
		return !arrival->from.is_global && arrival->from.dlid == connection->address.dlid;
	return arrival->from.is_global &&
	       gid_same(connection->address.grh.dgid.raw, arrival->from.grh.dgid.raw);
}

struct connection *pool_find(const struct connections *const table, const uint32_t local_id,
	const struct connection_arrival *const from)
{
	struct connection *const connection = &table->pool[local_id & INDEX_MASK];

	if ((local_id & INDEX_MASK) >= table->count || connection->state == CONNECTION_FREE ||
		connection->local_id != local_id)
		return NULL;
	return is_from(connection, from) ? connection : NULL;
}

struct connection *pool_find_remote(const struct connections *const table, const uint32_t remote_id,
	const bool datagram, const struct connection_arrival *const from)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct connection *const connection = &table->pool[i];

		if (connection->state != CONNECTION_FREE && !connection->active &&
			connection->datagram == datagram && connection->remote_id == remote_id &&
			is_from(connection, from))
			return connection;
	}
	return NULL;
}

static bool has_peer(const struct connection *const connection)
{
	return connection->state == CONNECTION_REP_SENT ||
	       connection->state == CONNECTION_ESTABLISHED ||
	       connection->state == CONNECTION_DREQ_SENT;
}

struct connection *pool_find_peer(const struct connections *const table, const uint32_t qpn,
	const struct connection_arrival *const from)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct connection *const connection = &table->pool[i];

		if (has_peer(connection) && connection->remote_qpn == qpn &&
			is_from(connection, from))
			return connection;
	}
	return NULL;
}

void pool_await(struct connection *const connection, const uint64_t when_ticks)
{
	connection->due = when_ticks;
	if (when_ticks < connection->table->earliest)
		connection->table->earliest = when_ticks;
}

/* The earliest of all is told again by the way: that of the one whose time is over included, until it is moved. */
struct connection *pool_due(struct connections *const table, const uint64_t now_ticks)
{
	struct connection *first = NULL;

	if (table->earliest > now_ticks)
		return NULL;
	table->earliest = IBV_NEVER;
	for (unsigned i = 0; i < table->count; i++) {
		struct connection *const connection = &table->pool[i];

		if (connection->state == CONNECTION_FREE)
			continue;
		if (first == NULL && connection->due <= now_ticks)
			first = connection;
		else if (connection->due < table->earliest)
			table->earliest = connection->due;
	}
	return first;
}

const struct connection_listener *pool_listener(
	const struct connections *const table, const uint64_t service_id)
{
	for (unsigned i = 0; i < CONNECTION_LISTENERS; i++) {
		const struct connection_listener *const listener = &table->listeners[i];

		if (listener->taken && service_id >= listener->range.first &&
			service_id <= listener->range.last)
			return listener;
	}
	return NULL;
}
