/*
 * Connections of a client. Invariant: a queue pair's state here is the one that the service's answers and events have
 * told. See rdma/verbs.h.
 */
#include <errno.h>
#include <string.h>

#include "client.h"

static int about_port(const enum rdma_kind kind, const uint16_t port)
{
	struct rdma_ask ask = { .kind = kind, .connect = { .port = port } };
	struct rdma_tell tell;

	return client_exchange(&ask, &tell);
}

int rdma_listen(const uint16_t port)
{
	return about_port(RDMA_LISTEN, port);
}

int rdma_unlisten(const uint16_t port)
{
	return about_port(RDMA_UNLISTEN, port);
}

int rdma_connect(struct ibv_qp *const qp, const union ibv_gid *const gid, const uint16_t port,
	const struct rdma_parameters *const own, unsigned *const connection)
{
	struct rdma_ask ask = { .kind = RDMA_CONNECT,
		.object = qp->index,
		.connect = { .gid = *gid, .port = port, .own = *own } };
	struct rdma_tell tell;
	const int error = client_exchange(&ask, &tell);

	if (error != 0)
		return error;
	*connection = tell.object % RDMA_CONNECTIONS;
	rdma_client.connected[*connection] = qp;
	qp->state = IBV_QPS_INIT;
	return 0;
}

int rdma_accept(
	const unsigned connection, struct ibv_qp *const qp, const struct rdma_parameters *const own)
{
	struct rdma_ask ask = { .kind = RDMA_ACCEPT,
		.object = connection,
		.connect = { .qp = qp->index, .own = *own } };
	struct rdma_tell tell;
	const int error = client_exchange(&ask, &tell);

	if (error != 0)
		return error;
	rdma_client.connected[connection % RDMA_CONNECTIONS] = qp;
	qp->state = IBV_QPS_RTS;
	return 0;
}

int rdma_reject(const unsigned connection, const struct rdma_parameters *const own)
{
	struct rdma_ask ask = {
		.kind = RDMA_REJECT, .object = connection, .connect = { .own = *own }
	};
	struct rdma_tell tell;

	return client_exchange(&ask, &tell);
}

static void note_state(const unsigned connection, const enum ibv_qp_state state)
{
	if (rdma_client.connected[connection] != NULL)
		rdma_client.connected[connection]->state = state;
}

int rdma_disconnect(const unsigned connection)
{
	struct rdma_ask ask = { .kind = RDMA_DISCONNECT, .object = connection };
	struct rdma_tell tell;
	const int error = client_exchange(&ask, &tell);

	if (error == 0)
		note_state(connection % RDMA_CONNECTIONS, IBV_QPS_ERR);
	return error;
}

bool rdma_event(struct rdma_event *const event)
{
	struct rdma_ask ask = { .kind = RDMA_EVENT };
	struct rdma_tell tell;

	if (client_exchange(&ask, &tell) != 0)
		return false;
	*event = (struct rdma_event){ .connection = tell.object % RDMA_CONNECTIONS,
		.kind = (enum connection_event_kind)tell.event.kind,
		.reason = (uint16_t)tell.event.reason };
	memcpy(event->private_data, tell.event.private_data, RDMA_PRIVATE_BYTES);
	if (event->kind == CONNECTION_CONNECTED)
		note_state(event->connection, IBV_QPS_RTS);
	else if (event->kind != CONNECTION_REQUEST)
		note_state(event->connection, IBV_QPS_ERR);
	if (event->kind == CONNECTION_REQUEST)
		rdma_client.connected[event->connection] = NULL;
	return true;
}
