/*
 * What programs ask of connections, and what time brings. See connection.h.
 *
 * Invariant: a call that is refused has changed nothing; what was said and asks for an answer has its time, in `due`, and
 * is said again at most `retries` times. Specification: IBTA volume 1, 12.9.8, 12.9.5.
 */
#include <ib/connection_state.h>

#define RESPONSE_TIMEOUT      16u
#define RESPONSE_TIMEOUT_MOST 24u
#define SIDR_REFUSED          2u

static const char *const texts[CONNECTION_ERRORS] = {
	[CONNECTION_GOOD] = "good",
	[CONNECTION_POOLS] =
		"the adapter lacks what the connection manager needs: give IBV_POOLS one MR, one "
		"CQ, one QP "
		"and 8 AHs more, queues of at least 4 and completion queues of at least 8",
	[CONNECTION_OWNER] = "there is no such owner: the setup's owners are counted from 0",
	[CONNECTION_RANGE] = "service IDs outside of this owner's ranges: listen within them, or "
			     "give its owner a wider "
			     "range in the setup",
	[CONNECTION_TAKEN] = "somebody listens on one of these service IDs: choose others, or stop "
			     "that one first",
	[CONNECTION_FULL] = "no connection or listener is free: declare more with CONNECTIONS, or "
			    "end some first",
	[CONNECTION_STATE] = "not in this state of the connection: accept, reject and answer what "
			     "was asked, disconnect "
			     "what is connected",
	[CONNECTION_QUEUE_PAIR] = "the queue pair is of another adapter, not in RESET, or not of "
				  "the transport asked for: "
				  "create one of type RC or UC in this adapter",
	[CONNECTION_ATTRIBUTE] = "the queue pair refuses an attribute: at most 16 READs each way, "
				 "retries to 7, timeouts "
				 "to 31, a P_Key that is set",
	[CONNECTION_PRIVATE] = "more private data than the message has room for: a REQ 92 bytes, "
			       "56 with rdma_cm's "
			       "addresses, a REP 196, a REJ 148",
	[CONNECTION_ADDRESS] =
		"no GID of that index, or of another kind than the peer's: see ibv_query_gid",
};

const char *connection_error_text(const enum connection_error error)
{
	return (unsigned)error < CONNECTION_ERRORS ? texts[error] : "unknown";
}

/* ---- The table ---- */

static uint32_t first_psn(struct connections *const table)
{
	if (table->setup.first_psn != 0)
		return table->setup.first_psn & IB_PSN_MASK;
	table->random ^= table->random >> 12;
	table->random ^= table->random << 25;
	table->random ^= table->random >> 27;
	return (uint32_t)(table->random * 0x2545f4914f6cdd1dull >> 40) & IB_PSN_MASK;
}

static void take_setup(struct connections *const table, const struct connections_setup *const setup)
{
	table->setup = *setup;
	if (table->setup.mtu == 0)
		table->setup.mtu = IBV_MTU_1024;
	if (table->setup.response_timeout == 0)
		table->setup.response_timeout = RESPONSE_TIMEOUT;
	if (table->setup.response_timeout > RESPONSE_TIMEOUT_MOST)
		table->setup.response_timeout = RESPONSE_TIMEOUT_MOST;
	if (table->setup.retries == 0 || table->setup.retries > CONNECTION_RETRIES)
		table->setup.retries = CONNECTION_RETRIES;
	table->generation = setup->life;
	table->random = ((uint64_t)setup->life << 1 | 1) * 0x9e3779b97f4a7c15ull;
	table->guid = octets_read64(setup->context->gids[0].raw + 8);
}

enum connection_error connections_open(
	struct connections *const table, const struct connections_setup *const setup)
{
	if (table->count > CONNECTIONS_MOST)
		table->count = CONNECTIONS_MOST;
	table->context = setup->context;
	table->pd = setup->pd;
	table->earliest = IBV_NEVER;
	table->turn = 0;
	table->sent = table->repeated = table->lost = 0;
	for (unsigned i = 0; i < CONNECTION_DROPS; i++)
		table->received[i] = 0;
	for (unsigned i = 0; i < CONNECTION_LISTENERS; i++)
		table->listeners[i].taken = false;
	for (unsigned i = 0; i < table->count; i++)
		table->pool[i].state = CONNECTION_FREE;
	take_setup(table, setup);
	return wire_open(table);
}

static bool may_listen(
	const struct connection_owner *const owner, const uint64_t first, const uint64_t last)
{
	for (unsigned i = 0; i < owner->count && i < CONNECTION_RANGES; i++)
		if (first >= owner->ranges[i].first && last <= owner->ranges[i].last)
			return true;
	return false;
}

static bool is_taken(
	const struct connections *const table, const uint64_t first, const uint64_t last)
{
	for (unsigned i = 0; i < CONNECTION_LISTENERS; i++)
		if (table->listeners[i].taken && table->listeners[i].range.first <= last &&
			table->listeners[i].range.last >= first)
			return true;
	return false;
}

enum connection_error connection_listen(struct connections *const table, const unsigned owner,
	const uint64_t first, const uint64_t last)
{
	if (owner >= table->setup.owner_count)
		return CONNECTION_OWNER;
	if (first > last || !may_listen(&table->setup.owners[owner], first, last))
		return CONNECTION_RANGE;
	if (is_taken(table, first, last))
		return CONNECTION_TAKEN;
	for (unsigned i = 0; i < CONNECTION_LISTENERS; i++) {
		struct connection_listener *const listener = &table->listeners[i];

		if (!listener->taken) {
			*listener = (struct connection_listener){ { first, last }, owner, true };
			return CONNECTION_GOOD;
		}
	}
	return CONNECTION_FULL;
}

void connection_unlisten(
	struct connections *const table, const unsigned owner, const uint64_t first)
{
	for (unsigned i = 0; i < CONNECTION_LISTENERS; i++)
		if (table->listeners[i].owner == owner && table->listeners[i].range.first == first)
			table->listeners[i].taken = false;
}

/* ---- Asking ---- */

static enum connection_error judge_target(
	const struct connections *const table, const struct connection_target *const target)
{
	union ibv_gid own;

	if (ibv_query_gid(table->context, 1, target->sgid_index, &own) != 0 ||
		gid_is_ipv4(own.raw) != gid_is_ipv4(target->gid.raw))
		return CONNECTION_ADDRESS;
	if (target->pkey_index >= IBV_PKEYS || table->context->pkeys[target->pkey_index] == 0)
		return CONNECTION_ATTRIBUTE;
	return CONNECTION_GOOD;
}

static enum connection_error judge_own(const struct connection_parameters *const own)
{
	return own->responder_resources <= IBV_RD_ATOMIC && own->initiator_depth <= IBV_RD_ATOMIC &&
			       own->retry_count <= 7 && own->rnr_retry_count <= 7 &&
			       own->sl < IBV_LANES
		       ? CONNECTION_GOOD
		       : CONNECTION_ATTRIBUTE;
}

static void aim(struct connection *const connection, const struct connection_target *const target)
{
	struct connections *const table = connection->table;

	connection->active = true;
	connection->service_id = target->service_id;
	connection->transaction = connection->local_id;
	connection->address = (struct ibv_ah_attr){ .is_global = 1, .port_num = 1 };
	connection->address.grh.dgid = target->gid;
	connection->address.grh.sgid_index = target->sgid_index;
	connection->pkey_index = target->pkey_index;
	connection->mtu =
		target->mtu != 0 && target->mtu < table->setup.mtu ? target->mtu : table->setup.mtu;
	connection->receive_psn = first_psn(table);
	connection->peer_timeout = 0;
	connection->own = (struct connection_parameters){ 0 };
}

static void keep_own(
	struct connection *const connection, const struct connection_parameters *const own)
{
	connection->own = *own;
	connection->own.private_data = NULL;
	connection->own.private_bytes = 0;
}

static void ask(struct connection *const connection, const enum connection_state state,
	const uint64_t now_ticks)
{
	connection->state = (uint8_t)state;
	message_say(connection);
	pool_await(connection, connection_patience(connection, now_ticks));
}

/* A connection that nobody has seen yet; NULL, and *error: why. */
static struct connection *target_take(struct connections *const table,
	const struct connection_target *const target, enum connection_error *const error)
{
	struct connection *connection;

	*error = judge_target(table, target);
	if (*error != CONNECTION_GOOD)
		return NULL;
	connection = pool_take(table);
	if (connection == NULL)
		*error = CONNECTION_FULL;
	else
		aim(connection, target);
	return connection;
}

static enum connection_error begin(struct connection *const connection, struct ibv_qp *const qp,
	const struct connection_target *const target, const struct connection_parameters *const own)
{
	enum connection_error error;

	connection->datagram = false;
	connection->transport = qp->qp_type == IBV_QPT_UC ? CM_TRANSPORT_UC : CM_TRANSPORT_RC;
	keep_own(connection, own);
	connection->qp_num = qp->qp_num;
	error = message_req(connection, target, own);
	return error == CONNECTION_GOOD ? qp_begin(connection, qp) : error;
}

struct connection *connection_connect(struct connections *const table, const uint64_t now_ticks,
	struct ibv_qp *const qp, const struct connection_target *const target,
	const struct connection_parameters *const own, enum connection_error *const error)
{
	struct connection *connection;

	*error = judge_own(own);
	if (*error == CONNECTION_GOOD && !qp_fits(table, qp, CM_TRANSPORT_RC) &&
		!qp_fits(table, qp, CM_TRANSPORT_UC))
		*error = CONNECTION_QUEUE_PAIR;
	if (*error != CONNECTION_GOOD)
		return NULL;
	connection = target_take(table, target, error);
	if (connection == NULL)
		return NULL;
	*error = begin(connection, qp, target, own);
	if (*error != CONNECTION_GOOD) /* it is still FREE */
		return NULL;
	ask(connection, CONNECTION_REQ_SENT, now_ticks);
	return connection;
}

struct connection *connection_ask(struct connections *const table, const uint64_t now_ticks,
	const struct connection_target *const target, const void *const private_data,
	const unsigned private_bytes, enum connection_error *const error)
{
	struct connection *const connection = target_take(table, target, error);

	if (connection == NULL)
		return NULL;
	connection->datagram = true;
	*error = message_sidr_req(connection, target, private_data, private_bytes);
	if (*error != CONNECTION_GOOD)
		return NULL;
	ask(connection, CONNECTION_SIDR_SENT, now_ticks);
	return connection;
}

/* ---- Answering ---- */

enum connection_error connection_accept(struct connection *const connection,
	const uint64_t now_ticks, struct ibv_qp *const qp,
	const struct connection_parameters *const own)
{
	enum connection_error error = judge_own(own);

	if (connection->state != CONNECTION_REQ_RECEIVED)
		return CONNECTION_STATE;
	if (!qp_fits(connection->table, qp, connection->transport))
		return CONNECTION_QUEUE_PAIR;
	if (error != CONNECTION_GOOD)
		return error;
	keep_own(connection, own);
	connection->receive_psn = first_psn(connection->table);
	connection->qp_num = qp->qp_num;
	error = message_rep(connection, own);
	if (error == CONNECTION_GOOD)
		error = qp_begin(connection, qp);
	if (error == CONNECTION_GOOD)
		error = qp_connect(connection);
	if (error != CONNECTION_GOOD) {
		qp_undo(connection, qp);
		return error;
	}
	ask(connection, CONNECTION_REP_SENT, now_ticks);
	return CONNECTION_GOOD;
}

enum connection_error connection_reject(struct connection *const connection,
	const uint64_t now_ticks, const enum cm_reject reason, const void *const private_data,
	const unsigned private_bytes)
{
	enum connection_error error;

	if (connection->state != CONNECTION_REQ_RECEIVED)
		return CONNECTION_STATE;
	error = message_rej(connection, reason, private_data, private_bytes);
	if (error != CONNECTION_GOOD)
		return error;
	message_say(connection);
	connection_over(connection, now_ticks);
	return CONNECTION_GOOD;
}

enum connection_error connection_answer(struct connection *const connection,
	const uint64_t now_ticks, const uint8_t status, const struct ibv_qp *const qp,
	const void *const private_data, const unsigned private_bytes)
{
	enum connection_error error;

	if (connection->state != CONNECTION_SIDR_RECEIVED)
		return CONNECTION_STATE;
	if (status == 0 && (qp == NULL || qp->context != connection->table->context ||
				   qp->qp_type != IBV_QPT_UD))
		return CONNECTION_QUEUE_PAIR;
	error = message_sidr_rep(connection, status, qp, private_data, private_bytes);
	if (error != CONNECTION_GOOD)
		return error;
	message_say(connection);
	connection_over(connection, now_ticks);
	return CONNECTION_GOOD;
}

/* ---- Ending ---- */

enum connection_error connection_disconnect(
	struct connection *const connection, const uint64_t now_ticks)
{
	if (connection->state != CONNECTION_ESTABLISHED && connection->state != CONNECTION_REP_SENT)
		return CONNECTION_STATE;
	qp_end(connection);
	message_plain(connection, CM_DREQ);
	connection->retries = connection->table->setup.retries;
	ask(connection, CONNECTION_DREQ_SENT, now_ticks);
	return CONNECTION_GOOD;
}

/* What its peer is told about a connection that nobody here wants any more. */
static void take_leave(struct connection *const connection)
{
	switch (connection->state) {
	case CONNECTION_REQ_SENT:
	case CONNECTION_REQ_RECEIVED:
		message_rej(connection, CM_REJECT_CONSUMER, NULL, 0);
		break;
	case CONNECTION_SIDR_RECEIVED:
		message_sidr_rep(connection, SIDR_REFUSED, NULL, NULL, 0);
		break;
	case CONNECTION_REP_SENT:
	case CONNECTION_ESTABLISHED:
		message_plain(connection, CM_DREQ);
		break;
	default:
		return;
	}
	message_say(connection);
}

void connection_abandon(struct connection *const connection, const uint64_t now_ticks)
{
	if (connection->state == CONNECTION_FREE || connection->state == CONNECTION_TIMEWAIT)
		return;
	take_leave(connection);
	qp_end(connection);
	connection_over(connection, now_ticks);
}

/* ---- Time ---- */

/* Nobody answered, often enough. */
static void give_up(struct connection *const connection, const uint64_t now_ticks,
	struct connection_event *const event)
{
	const bool leaving = connection->state == CONNECTION_DREQ_SENT;

	if (!leaving && !connection->datagram) {
		message_rej(connection, CM_REJECT_TIMEOUT, NULL, 0);
		message_say(connection);
	}
	connection_tell(
		event, leaving ? CONNECTION_DISCONNECTED : CONNECTION_UNREACHABLE, connection);
	qp_end(connection);
	connection_over(connection, now_ticks);
}

static void expire(struct connection *const connection, const uint64_t now_ticks,
	struct connection_event *const event)
{
	if (connection->state == CONNECTION_TIMEWAIT) {
		connection->state = CONNECTION_FREE;
	} else if (connection->state == CONNECTION_REP_SENT && qp_heard(connection)) {
		connection_up(connection, event);
	} else if (connection->retries == 0) {
		give_up(connection, now_ticks, event);
	} else {
		connection->retries--;
		connection->table->repeated++;
		message_say(connection);
		pool_await(connection, connection_patience(connection, now_ticks));
	}
}

/* Data may come although the RTU was lost: one connection a turn. 12.9.7.2. */
static bool listen_for_data(struct connections *const table, struct connection_event *const event)
{
	struct connection *const connection = &table->pool[table->turn];

	table->turn = table->turn + 1 < table->count ? table->turn + 1 : 0;
	if (connection->state != CONNECTION_REP_SENT || !qp_heard(connection))
		return false;
	connection_up(connection, event);
	return true;
}

static bool take_datagram(struct connections *const table, const uint64_t now_ticks,
	struct connection_event *const event)
{
	struct connection_arrival arrival;
	enum connection_drop drop = CONNECTION_DROP_DECODE;
	const enum connection_wire wire = wire_take(table, &arrival);

	if (wire == CONNECTION_WIRE_NOTHING)
		return false;
	if (wire == CONNECTION_WIRE_MESSAGE)
		drop = connection_take(table, now_ticks, &arrival, event);
	table->received[drop]++;
	return true;
}

bool connections_poll(struct connections *const table, const uint64_t now_ticks,
	struct connection_event *const event)
{
	struct connection *late;

	event->kind = CONNECTION_EVENT_NONE;
	event->connection = NULL;
	event->reason = 0;
	event->status = 0;
	event->qpn = event->qkey = 0;
	event->has_ip = false;
	event->private_bytes = 0;
	if (take_datagram(table, now_ticks, event))
		return true;
	late = pool_due(table, now_ticks);
	if (late != NULL) {
		expire(late, now_ticks, event);
		return true;
	}
	return listen_for_data(table, event);
}

uint64_t connections_deadline(const struct connections *const table)
{
	return table->earliest;
}
