/*
 * What messages do to connections. Invariant: one that names a connection names both of its numbers, as far as both are
 * known, and comes from its peer; one that has no place in the connection's state changes nothing.
 * Specification: IBTA volume 1, 12.8, 12.9.5 to 12.9.8, 12.11.
 */
#include <ib/connection_state.h>

#define MRA_MOST        4u /* an MRA prolongs by 16 response times at most */
#define TIMEWAIT_SHIFT  2u /* four response times, for what is asked again */
#define SIDR_NO_SERVICE 1u
#define SIDR_NO_ROOM    3u

/* A message, on its way through. */
struct turn {
	struct connections *table;
	uint64_t now;
	const struct connection_arrival *arrival;
	const struct cm_message *message;
	struct connection_event *event;
};

void connection_over(struct connection *const connection, const uint64_t now_ticks)
{
	const struct connections *const table = connection->table;

	connection->state = CONNECTION_TIMEWAIT;
	pool_await(connection, now_ticks + connection_ticks(table,
						   table->setup.response_timeout + TIMEWAIT_SHIFT));
}

void connection_up(struct connection *const connection, struct connection_event *const event)
{
	connection->state = CONNECTION_ESTABLISHED;
	pool_await(connection, IBV_NEVER);
	connection_tell(event, CONNECTION_CONNECTED, connection);
}

/* The peer said so. */
static void end(const struct turn *const turn, struct connection *const connection,
	const enum connection_event_kind kind)
{
	connection_tell(turn->event, kind, connection);
	qp_end(connection);
	connection_over(connection, turn->now);
}

static enum connection_drop again(struct connection *const connection)
{
	message_say(connection);
	connection->table->repeated++;
	return CONNECTION_DROP_AGAIN;
}

/* ---- REQ ---- */

static enum connection_drop refuse_req(
	const struct turn *const turn, const enum cm_reject reason, const enum connection_drop drop)
{
	struct cm_message m = { .rej = { .remote_id = turn->message->req.local_id,
					.reason = (uint16_t)reason } };

	wire_answer(turn->table, turn->arrival, CM_REJ, &m);
	return drop;
}

/* The index of a P_Key; IBV_PKEYS: there is none such. */
static uint16_t pkey_index(const struct ibv_context *const context, const uint16_t pkey)
{
	for (uint16_t i = 0; i < IBV_PKEYS; i++)
		if (context->pkeys[i] != 0 &&
			((context->pkeys[i] ^ pkey) & (uint16_t)~IB_PKEY_FULL) == 0)
			return i;
	return IBV_PKEYS;
}

/* 0: it can be, as far as this side is concerned. Datagrams and data have to come from the same GID. */
static unsigned judge_req(const struct turn *const turn, const struct cm_req *const req)
{
	const struct ibv_ah_attr *const from = &turn->arrival->from;
	const struct ibv_context *const context = turn->table->context;

	if (req->transport != CM_TRANSPORT_RC && req->transport != CM_TRANSPORT_UC)
		return CM_REJECT_TRANSPORT;
	if (req->mtu < IBV_MTU_256 || req->mtu > (uint8_t)turn->table->setup.mtu)
		return CM_REJECT_MTU;
	if (from->is_global && (!gid_same(req->primary.local_gid, from->grh.dgid.raw) ||
				       !gid_same(req->primary.remote_gid,
					       context->gids[from->grh.sgid_index].raw)))
		return CM_REJECT_GID;
	return pkey_index(context, req->pkey) == IBV_PKEYS ? CM_REJECT_UNSUPPORTED : 0;
}

/* It came before. */
static enum connection_drop req_again(struct connection *const connection)
{
	if (connection->state == CONNECTION_REQ_RECEIVED) {
		message_plain(connection, CM_MRA);
		return again(connection);
	}
	return connection->said == CM_REP || connection->said == CM_REJ ? again(connection)
									: CONNECTION_DROP_STATE;
}

/* The peer has begun anew: its former connection is over. 12.9.8.3.1. */
static enum connection_drop take_stale(
	const struct turn *const turn, struct connection *const connection)
{
	end(turn, connection, CONNECTION_DISCONNECTED);
	turn->event->private_bytes = 0;
	return refuse_req(turn, CM_REJECT_STALE, CONNECTION_DROP_REFUSED);
}

static void fill_req(struct connection *const connection, const struct turn *const turn,
	const struct cm_req *const req)
{
	connection->active = false;
	connection->datagram = false;
	connection->address = turn->arrival->from;
	connection->transaction = turn->message->header.transaction;
	connection->service_id = req->service_id;
	connection->remote_id = req->local_id;
	connection->remote_qpn = req->local_qpn;
	connection->send_psn = req->starting_psn;
	connection->pkey_index = pkey_index(turn->table->context, req->pkey);
	connection->transport = req->transport;
	connection->mtu = (enum ibv_mtu)req->mtu;
	connection->peer_resources = req->responder_resources;
	connection->peer_depth = req->initiator_depth;
	connection->peer_retries = req->retry_count;
	connection->peer_rnr_retries = req->rnr_retry_count;
	connection->peer_timeout = req->primary.ack_timeout;
	connection->own = (struct connection_parameters){ 0 };
}

static enum connection_drop begin_req(const struct turn *const turn,
	const struct connection_listener *const listener, const struct cm_req *const req)
{
	struct connection *const connection = pool_take(turn->table);

	if (connection == NULL)
		return refuse_req(turn, CM_REJECT_NO_RESOURCES, CONNECTION_DROP_ROOM);
	fill_req(connection, turn, req);
	connection->owner = (uint8_t)listener->owner;
	connection->state = CONNECTION_REQ_RECEIVED;
	connection_tell(turn->event, CONNECTION_REQUEST, connection);
	message_private(turn->message, turn->event);
	return CONNECTION_DROP_NONE;
}

static enum connection_drop take_req(const struct turn *const turn)
{
	const struct cm_req *const req = &turn->message->req;
	const unsigned reason = judge_req(turn, req);
	struct connection *connection =
		pool_find_remote(turn->table, req->local_id, false, turn->arrival);
	const struct connection_listener *listener;

	if (connection != NULL)
		return req_again(connection);
	if (reason != 0)
		return refuse_req(turn, (enum cm_reject)reason, CONNECTION_DROP_REFUSED);
	listener = pool_listener(turn->table, req->service_id);
	if (listener == NULL)
		return refuse_req(turn, CM_REJECT_SERVICE_ID, CONNECTION_DROP_SERVICE);
	connection = pool_find_peer(turn->table, req->local_qpn, turn->arrival);
	return connection != NULL ? take_stale(turn, connection) : begin_req(turn, listener, req);
}

/* ---- REP, RTU, REJ, MRA ---- */

static void fill_rep(struct connection *const connection, const struct cm_rep *const rep)
{
	connection->remote_id = rep->local_id;
	connection->remote_qpn = rep->local_qpn;
	connection->send_psn = rep->starting_psn;
	connection->peer_resources = rep->responder_resources;
	connection->peer_depth = rep->initiator_depth;
	connection->peer_retries = connection->own.retry_count;
	connection->peer_rnr_retries = rep->rnr_retry_count;
}

/* What was agreed on cannot be after all. */
static enum connection_drop refuse_rep(
	const struct turn *const turn, struct connection *const connection)
{
	message_rej(connection, CM_REJECT_UNSUPPORTED, NULL, 0);
	message_say(connection);
	turn->event->reason = CM_REJECT_UNSUPPORTED;
	end(turn, connection, CONNECTION_REJECTED);
	return CONNECTION_DROP_REFUSED;
}

static enum connection_drop take_rep(const struct turn *const turn)
{
	const struct cm_rep *const rep = &turn->message->rep;
	struct connection *const connection = pool_find(turn->table, rep->remote_id, turn->arrival);

	if (connection == NULL || !connection->active)
		return CONNECTION_DROP_UNKNOWN;
	if (connection->state != CONNECTION_REQ_SENT)
		return connection->said == CM_RTU && connection->remote_id == rep->local_id
			       ? again(connection)
			       : CONNECTION_DROP_STATE;
	fill_rep(connection, rep);
	if (qp_connect(connection) != CONNECTION_GOOD)
		return refuse_rep(turn, connection);
	message_plain(connection, CM_RTU);
	message_say(connection);
	connection_up(connection, turn->event);
	message_private(turn->message, turn->event);
	return CONNECTION_DROP_NONE;
}

static enum connection_drop take_rtu(const struct turn *const turn)
{
	const struct cm_rtu *const rtu = &turn->message->rtu;
	struct connection *const connection = pool_find(turn->table, rtu->remote_id, turn->arrival);

	if (connection == NULL || connection->remote_id != rtu->local_id)
		return CONNECTION_DROP_UNKNOWN;
	if (connection->state != CONNECTION_REP_SENT)
		return CONNECTION_DROP_STATE;
	connection_up(connection, turn->event);
	message_private(turn->message, turn->event);
	return CONNECTION_DROP_NONE;
}

/* One that gave up knows only its own number. */
static struct connection *rejected(const struct turn *const turn, const struct cm_rej *const rej)
{
	struct connection *connection;

	if (rej->remote_id == 0)
		return pool_find_remote(turn->table, rej->local_id, false, turn->arrival);
	connection = pool_find(turn->table, rej->remote_id, turn->arrival);
	return connection != NULL && (connection->state == CONNECTION_REQ_SENT ||
					     connection->remote_id == rej->local_id)
		       ? connection
		       : NULL;
}

static enum connection_drop take_rej(const struct turn *const turn)
{
	const struct cm_rej *const rej = &turn->message->rej;
	struct connection *const connection = rejected(turn, rej);

	if (connection == NULL)
		return CONNECTION_DROP_UNKNOWN;
	if (connection->state == CONNECTION_ESTABLISHED) {
		end(turn, connection, CONNECTION_DISCONNECTED);
	} else if (connection->state == CONNECTION_REQ_SENT ||
		   connection->state == CONNECTION_REQ_RECEIVED ||
		   connection->state == CONNECTION_REP_SENT) {
		end(turn, connection, CONNECTION_REJECTED);
	} else {
		return CONNECTION_DROP_STATE;
	}
	turn->event->reason = rej->reason;
	message_private(turn->message, turn->event);
	return CONNECTION_DROP_NONE;
}

/* It takes its time, but not for ever. */
static enum connection_drop take_mra(const struct turn *const turn)
{
	const struct cm_mra *const mra = &turn->message->mra;
	struct connection *const connection = pool_find(turn->table, mra->remote_id, turn->arrival);
	const unsigned most = turn->table->setup.response_timeout + MRA_MOST;
	const unsigned asked = mra->service_timeout < most ? mra->service_timeout : most;

	if (connection == NULL)
		return CONNECTION_DROP_UNKNOWN;
	if ((connection->state != CONNECTION_REQ_SENT &&
		    connection->state != CONNECTION_REP_SENT) ||
		connection->patience == 0)
		return CONNECTION_DROP_STATE;
	connection->patience--;
	pool_await(connection,
		connection_patience(connection, turn->now) + connection_ticks(turn->table, asked));
	return CONNECTION_DROP_NONE;
}

/* ---- DREQ, DREP ---- */

/* Who asks again after all is forgotten here has to hear that it is over. */
static enum connection_drop answer_dreq(
	const struct turn *const turn, const enum connection_drop drop)
{
	const struct cm_dreq *const dreq = &turn->message->dreq;
	struct cm_message m = { .drep = { dreq->remote_id, dreq->local_id, { 0 } } };

	wire_answer(turn->table, turn->arrival, CM_DREP, &m);
	return drop;
}

static enum connection_drop take_dreq(const struct turn *const turn)
{
	const struct cm_dreq *const dreq = &turn->message->dreq;
	struct connection *const connection =
		pool_find(turn->table, dreq->remote_id, turn->arrival);

	if (connection == NULL || connection->remote_id != dreq->local_id)
		return answer_dreq(turn, CONNECTION_DROP_UNKNOWN);
	if (connection->qp_num != dreq->remote_qpn)
		return CONNECTION_DROP_STATE;
	if (connection->state == CONNECTION_TIMEWAIT)
		return answer_dreq(turn, CONNECTION_DROP_AGAIN);
	if (connection->state != CONNECTION_REP_SENT &&
		connection->state != CONNECTION_ESTABLISHED &&
		connection->state != CONNECTION_DREQ_SENT)
		return CONNECTION_DROP_STATE;
	end(turn, connection, CONNECTION_DISCONNECTED);
	message_private(turn->message, turn->event);
	return answer_dreq(turn, CONNECTION_DROP_NONE);
}

static enum connection_drop take_drep(const struct turn *const turn)
{
	const struct cm_drep *const drep = &turn->message->drep;
	struct connection *const connection =
		pool_find(turn->table, drep->remote_id, turn->arrival);

	if (connection == NULL || connection->remote_id != drep->local_id)
		return CONNECTION_DROP_UNKNOWN;
	if (connection->state != CONNECTION_DREQ_SENT)
		return CONNECTION_DROP_STATE;
	end(turn, connection, CONNECTION_DISCONNECTED);
	return CONNECTION_DROP_NONE;
}

/* ---- SIDR ---- */

static enum connection_drop refuse_sidr(
	const struct turn *const turn, const uint8_t status, const enum connection_drop drop)
{
	const struct cm_sidr_req *const req = &turn->message->sidr_req;
	struct cm_message m = { .sidr_rep = { .request_id = req->request_id,
					.status = status,
					.service_id = req->service_id } };

	wire_answer(turn->table, turn->arrival, CM_SIDR_REP, &m);
	return drop;
}

static enum connection_drop begin_sidr(const struct turn *const turn,
	const struct connection_listener *const listener, const struct cm_sidr_req *const req)
{
	struct connection *const connection = pool_take(turn->table);

	if (connection == NULL)
		return refuse_sidr(turn, SIDR_NO_ROOM, CONNECTION_DROP_ROOM);
	connection->active = false;
	connection->datagram = true;
	connection->address = turn->arrival->from;
	connection->transaction = turn->message->header.transaction;
	connection->service_id = req->service_id;
	connection->remote_id = req->request_id;
	connection->own = (struct connection_parameters){ 0 };
	connection->peer_timeout = 0;
	connection->owner = (uint8_t)listener->owner;
	connection->state = CONNECTION_SIDR_RECEIVED;
	connection_tell(turn->event, CONNECTION_DATAGRAM_REQUEST, connection);
	message_private(turn->message, turn->event);
	return CONNECTION_DROP_NONE;
}

static enum connection_drop take_sidr_req(const struct turn *const turn)
{
	const struct cm_sidr_req *const req = &turn->message->sidr_req;
	struct connection *const connection =
		pool_find_remote(turn->table, req->request_id, true, turn->arrival);
	const struct connection_listener *listener;

	if (connection != NULL)
		return connection->said == CM_SIDR_REP ? again(connection) : CONNECTION_DROP_STATE;
	listener = pool_listener(turn->table, req->service_id);
	return listener == NULL ? refuse_sidr(turn, SIDR_NO_SERVICE, CONNECTION_DROP_SERVICE)
				: begin_sidr(turn, listener, req);
}

static enum connection_drop take_sidr_rep(const struct turn *const turn)
{
	const struct cm_sidr_rep *const rep = &turn->message->sidr_rep;
	struct connection *const connection =
		pool_find(turn->table, rep->request_id, turn->arrival);

	if (connection == NULL)
		return CONNECTION_DROP_UNKNOWN;
	if (connection->state != CONNECTION_SIDR_SENT)
		return CONNECTION_DROP_STATE;
	turn->event->status = rep->status;
	turn->event->qpn = rep->qpn;
	turn->event->qkey = rep->qkey;
	end(turn, connection, CONNECTION_DATAGRAM_ANSWER);
	message_private(turn->message, turn->event);
	return CONNECTION_DROP_NONE;
}

enum connection_drop connection_take(struct connections *const table, const uint64_t now_ticks,
	const struct connection_arrival *const arrival, struct connection_event *const event)
{
	const struct turn turn = { table, now_ticks, arrival, &arrival->message, event };

	switch (arrival->message.header.attribute) {
	case CM_REQ:
		return take_req(&turn);
	case CM_REP:
		return take_rep(&turn);
	case CM_RTU:
		return take_rtu(&turn);
	case CM_REJ:
		return take_rej(&turn);
	case CM_MRA:
		return take_mra(&turn);
	case CM_DREQ:
		return take_dreq(&turn);
	case CM_DREP:
		return take_drep(&turn);
	case CM_SIDR_REQ:
		return take_sidr_req(&turn);
	default:
		return take_sidr_rep(&turn);
	}
}
