/*
 * Connections of clients, through the one connection manager of the adapter (ib/connection.h).
 *
 * Invariant: a connection belongs to the client that asked for it, or whose port was asked for; it has that client's
 * SL and P_Key, and of what happens to it the client hears the latest that it has not heard.
 */
#include <errno.h>
#include <string.h>

#include "service.h"

static const int errors[CONNECTION_ERRORS] = {
	[CONNECTION_POOLS] = ENOMEM,
	[CONNECTION_OWNER] = EPERM,
	[CONNECTION_RANGE] = EPERM,
	[CONNECTION_TAKEN] = EADDRINUSE,
	[CONNECTION_FULL] = ENOMEM,
	[CONNECTION_STATE] = EINVAL,
	[CONNECTION_QUEUE_PAIR] = EINVAL,
	[CONNECTION_ATTRIBUTE] = EINVAL,
	[CONNECTION_PRIVATE] = EINVAL,
	[CONNECTION_ADDRESS] = EINVAL,
};

/* ---- A client's connections by number ---- */

static struct client_connection *free_slot(struct client *const client)
{
	for (unsigned i = 0; i < RDMA_CONNECTIONS; i++)
		if (!client->connections[i].taken)
			return &client->connections[i];
	return NULL;
}

static uint32_t number_of(
	const struct client *const client, const struct client_connection *const slot)
{
	return (uint32_t)(slot - client->connections);
}

/* One that is not over. */
static struct client_connection *slot_of(struct client *const client, const uint32_t number)
{
	struct client_connection *const slot = &client->connections[number % RDMA_CONNECTIONS];

	return number < RDMA_CONNECTIONS && slot->connection != NULL ? slot : NULL;
}

static void take_slot(const struct service *const service, const struct client *const client,
	struct client_connection *const slot, struct connection *const connection,
	const uint32_t qp)
{
	*slot = (struct client_connection){ .connection = connection,
		.qp = qp,
		.client = (uint8_t)(client - service->clients),
		.taken = true };
	connection->user = slot;
}

void client_leave(struct service *const service, struct client *const client, const uint32_t qp,
	const uint64_t now_ticks)
{
	const unsigned owner = (unsigned)(client - service->clients);

	for (unsigned i = 0; i < RDMA_CONNECTIONS; i++) {
		struct client_connection *const slot = &client->connections[i];

		if (!slot->taken || (qp != RDMA_QPS && slot->qp != qp))
			continue;
		if (slot->connection != NULL)
			connection_abandon(slot->connection, now_ticks);
		*slot = (struct client_connection){ 0 };
	}
	if (qp != RDMA_QPS)
		return;
	for (unsigned i = 0; i < CONNECTION_LISTENERS; i++)
		if (service->connections->listeners[i].owner == owner)
			service->connections->listeners[i].taken = false;
	client->listens = 0;
}

/* ---- What is asked ---- */

static int listen(struct asking *const a)
{
	const uint64_t id = CONNECTION_TCP((uint64_t)a->ask->connect.port);
	enum connection_error error;

	if (a->ask->connect.port > UINT16_MAX)
		return asking_refuse(a, RDMA_REFUSED_SERVICE, EPERM);
	if (a->client->listens == RDMA_LISTENS)
		return asking_refuse(a, RDMA_REFUSED_QUOTA, ENOMEM);
	error = connection_listen(
		a->service->connections, (unsigned)(a->client - a->service->clients), id, id);
	if (error == CONNECTION_RANGE)
		return asking_refuse(a, RDMA_REFUSED_SERVICE, EPERM);
	if (error == CONNECTION_GOOD)
		a->client->listens++;
	return errors[error];
}

static bool listens_there(const struct asking *const a, const uint64_t id)
{
	const unsigned owner = (unsigned)(a->client - a->service->clients);

	for (unsigned i = 0; i < CONNECTION_LISTENERS; i++) {
		const struct connection_listener *const l = &a->service->connections->listeners[i];

		if (l->taken && l->owner == owner && l->range.first == id)
			return true;
	}
	return false;
}

static int unlisten(struct asking *const a)
{
	const uint64_t id = CONNECTION_TCP((uint64_t)a->ask->connect.port);

	if (!listens_there(a, id))
		return asking_refuse(a, RDMA_REFUSED_SERVICE, EPERM);
	connection_unlisten(
		a->service->connections, (unsigned)(a->client - a->service->clients), id);
	a->client->listens--;
	return 0;
}

static struct connection_parameters parameters(const struct asking *const a)
{
	const struct rdma_parameters *const own = &a->ask->connect.own;

	return (struct connection_parameters){ .private_data = own->private_data,
		.private_bytes = own->private_bytes < RDMA_PRIVATE_BYTES ? own->private_bytes
									 : RDMA_PRIVATE_BYTES,
		.responder_resources = own->responder_resources,
		.initiator_depth = own->initiator_depth,
		.retry_count = own->retry_count,
		.rnr_retry_count = own->rnr_retry_count,
		.min_rnr_timer = own->min_rnr_timer,
		.ack_timeout = own->ack_timeout,
		.sl = a->client->grant->sl,
		.access = (int)own->access };
}

static int connect(struct asking *const a)
{
	const struct connection_parameters own = parameters(a);
	const struct connection_target target = { .gid = a->ask->connect.gid,
		.service_id = CONNECTION_TCP((uint64_t)(uint16_t)a->ask->connect.port),
		.pkey_index = a->client->pkey_index };
	struct client_qp *const qp = asking_qp(a->client, a->ask->object);
	struct client_connection *const slot = free_slot(a->client);
	enum connection_error error;
	struct connection *connection;

	if (qp == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	if (slot == NULL)
		return asking_refuse(a, RDMA_REFUSED_QUOTA, ENOMEM);
	connection = connection_connect(
		a->service->connections, a->now_ticks, qp->qp, &target, &own, &error);
	if (connection == NULL)
		return errors[error];
	take_slot(a->service, a->client, slot, connection, a->ask->object);
	a->tell->object = number_of(a->client, slot);
	return 0;
}

static int accept(struct asking *const a)
{
	const struct connection_parameters own = parameters(a);
	struct client_connection *const slot = slot_of(a->client, a->ask->object);
	struct client_qp *const qp = asking_qp(a->client, a->ask->connect.qp);
	enum connection_error error;

	if (slot == NULL || qp == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	error = connection_accept(slot->connection, a->now_ticks, qp->qp, &own);
	if (error == CONNECTION_GOOD)
		slot->qp = a->ask->connect.qp;
	return errors[error];
}

static int reject(struct asking *const a)
{
	struct client_connection *const slot = slot_of(a->client, a->ask->object);
	const struct connection_parameters own = parameters(a);
	enum connection_error error;

	if (slot == NULL)
		return asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
	error = connection_reject(slot->connection, a->now_ticks, CM_REJECT_CONSUMER,
		own.private_data, own.private_bytes);
	if (error == CONNECTION_GOOD)
		*slot = (struct client_connection){ 0 };
	return errors[error];
}

static int disconnect(struct asking *const a)
{
	struct client_connection *const slot = slot_of(a->client, a->ask->object);

	return slot != NULL ? errors[connection_disconnect(slot->connection, a->now_ticks)]
			    : asking_refuse(a, RDMA_REFUSED_OBJECT, EINVAL);
}

/* The first that there is; a connection that is over and was told of is nobody's. */
static int event(struct asking *const a)
{
	for (unsigned i = 0; i < RDMA_CONNECTIONS; i++) {
		struct client_connection *const slot = &a->client->connections[i];

		if (slot->event.kind == CONNECTION_EVENT_NONE)
			continue;
		a->tell->object = i;
		a->tell->event.kind = slot->event.kind;
		a->tell->event.reason = slot->event.reason;
		memcpy(a->tell->event.private_data, slot->event.private_data, RDMA_PRIVATE_BYTES);
		slot->event.kind = CONNECTION_EVENT_NONE;
		slot->taken = slot->connection != NULL;
		return 0;
	}
	return EAGAIN;
}

int asking_connection(struct asking *const a)
{
	switch (a->ask->kind) {
	case RDMA_LISTEN:
		return listen(a);
	case RDMA_UNLISTEN:
		return unlisten(a);
	case RDMA_CONNECT:
		return connect(a);
	case RDMA_ACCEPT:
		return accept(a);
	case RDMA_REJECT:
		return reject(a);
	case RDMA_DISCONNECT:
		return disconnect(a);
	case RDMA_EVENT:
		return event(a);
	default:
		return asking_refuse(a, RDMA_REFUSED_MALFORMED, EINVAL);
	}
}

/* ---- What happens ---- */

/* The same partition of the fabric, whichever of several equal P_Keys the request was found to have. */
static bool same_pkey(const struct service *const service, const uint16_t a, const uint16_t b)
{
	const uint16_t *const pkeys = service->context->pkeys;

	return ((pkeys[a] ^ pkeys[b]) & (uint16_t)~IB_PKEY_FULL) == 0;
}

/* Somebody asks for a client's port: with its P_Key, and while it has room. */
static struct client_connection *take_request(struct service *const service,
	struct connection *const connection, const uint64_t now_ticks)
{
	struct client *const client = &service->clients[connection->owner];
	struct client_connection *const slot = free_slot(client);
	const bool same = same_pkey(service, connection->pkey_index, client->pkey_index);

	if (slot == NULL || !same || !client->greeted) {
		connection_reject(connection, now_ticks,
			same ? CM_REJECT_NO_RESOURCES : CM_REJECT_CONSUMER, NULL, 0);
		return NULL;
	}
	connection->pkey_index = client->pkey_index;
	take_slot(service, client, slot, connection, RDMA_QPS);
	return slot;
}

static bool is_over(const enum connection_event_kind kind)
{
	return kind == CONNECTION_REJECTED || kind == CONNECTION_UNREACHABLE ||
	       kind == CONNECTION_DISCONNECTED;
}

bool service_connections(struct service *const service, const uint64_t now_ticks)
{
	struct connection_event event;
	struct client_connection *slot;

	if (!connections_poll(service->connections, now_ticks, &event))
		return false;
	if (event.kind == CONNECTION_DATAGRAM_REQUEST)
		connection_abandon(event.connection, now_ticks); /* refused: not served here */
	if (event.kind == CONNECTION_EVENT_NONE || event.kind == CONNECTION_DATAGRAM_REQUEST)
		return true;
	slot = event.kind == CONNECTION_REQUEST ? take_request(service, event.connection, now_ticks)
						: event.connection->user;
	if (slot == NULL)
		return true;
	slot->event.kind = event.kind;
	slot->event.reason = event.reason;
	memset(slot->event.private_data, 0, RDMA_PRIVATE_BYTES);
	memcpy(slot->event.private_data, event.private_data,
		event.private_bytes < RDMA_PRIVATE_BYTES ? event.private_bytes
							 : RDMA_PRIVATE_BYTES);
	if (is_over(event.kind))
		slot->connection = NULL;
	return true;
}
