/*
 * Queue pairs of connections, from RESET to RTS and to ERR.
 *
 * Mind the packet numbers: a REQ's is that with which the receiver of the REQ begins to send, a REP's that with which
 * the receiver of the REP does. Here they are receive_psn, which this side told, and send_psn, which it was told.
 * Specification: IBTA volume 1, 12.9.7.1, 12.9.7.2, 10.3.1.
 */
#include <ib/connection_state.h>

#define HOPS             64u
#define RNR_TIMER        12u /* 640 us */
#define ACK_TIMEOUT      14u /* 67 ms */
#define ACK_TIMEOUT_MOST 31u

static uint8_t transport_of(const struct ibv_qp *const qp)
{
	return qp->qp_type == IBV_QPT_UC ? CM_TRANSPORT_UC : CM_TRANSPORT_RC;
}

bool qp_fits(const struct connections *const table, const struct ibv_qp *const qp,
	const uint8_t transport)
{
	return qp->context == table->context && qp->state == IBV_QPS_RESET &&
	       (qp->qp_type == IBV_QPT_RC || qp->qp_type == IBV_QPT_UC) &&
	       transport_of(qp) == transport;
}

enum connection_error qp_begin(struct connection *const connection, struct ibv_qp *const qp)
{
	const struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT,
		.pkey_index = connection->pkey_index,
		.qp_access_flags = connection->own.access };

	if (ibv_modify_qp(qp, &attr,
		    IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) != 0)
		return CONNECTION_ATTRIBUTE;
	connection->qp = qp;
	connection->qp_num = qp->qp_num;
	return CONNECTION_GOOD;
}

static uint8_t least(const uint8_t a, const uint8_t b)
{
	return a < b ? a : b;
}

/* This side's own word, or else the peer's: what it said of its path. */
static uint8_t ack_timeout(const struct connection *const connection)
{
	uint8_t timeout = connection->own.ack_timeout;

	if (timeout == 0)
		timeout = connection->peer_timeout;
	if (timeout == 0)
		timeout = ACK_TIMEOUT;
	return least(timeout, ACK_TIMEOUT_MOST);
}

/* What the two sides agreed on. 12.7. */
static struct ibv_qp_attr attributes(const struct connection *const connection)
{
	const struct connection_parameters *const own = &connection->own;
	struct ibv_qp_attr attr = { .path_mtu = connection->mtu,
		.dest_qp_num = connection->remote_qpn,
		.rq_psn = connection->receive_psn,
		.sq_psn = connection->send_psn,
		.ah_attr = connection->address,
		.max_rd_atomic = least(own->initiator_depth, connection->peer_resources),
		.max_dest_rd_atomic = connection->active ? own->responder_resources
							 : least(own->responder_resources,
								   connection->peer_depth),
		.min_rnr_timer = own->min_rnr_timer != 0 ? own->min_rnr_timer : RNR_TIMER,
		.timeout = ack_timeout(connection),
		.retry_cnt = connection->peer_retries,
		.rnr_retry = connection->peer_rnr_retries };

	attr.ah_attr.sl = own->sl;
	attr.ah_attr.grh.traffic_class = own->traffic_class;
	attr.ah_attr.grh.hop_limit = HOPS;
	return attr;
}

enum connection_error qp_connect(struct connection *const connection)
{
	struct ibv_qp_attr attr = attributes(connection);

	attr.qp_state = IBV_QPS_RTR;
	if (ibv_modify_qp(connection->qp, &attr,
		    IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			    IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) != 0)
		return CONNECTION_ATTRIBUTE;
	attr.qp_state = IBV_QPS_RTS;
	if (ibv_modify_qp(connection->qp, &attr,
		    IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			    IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC) != 0)
		return CONNECTION_ATTRIBUTE;
	return CONNECTION_GOOD;
}

void qp_undo(struct connection *const connection, struct ibv_qp *const qp)
{
	static const struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };

	ibv_modify_qp(qp, &attr, IBV_QP_STATE);
	connection->qp = NULL;
}

/* The program may have destroyed it before its time: then it is nobody's or another one by now. */
static bool is_there(const struct connection *const connection)
{
	return connection->qp != NULL && connection->qp->context == connection->table->context &&
	       connection->qp->qp_num == connection->qp_num;
}

void qp_end(struct connection *const connection)
{
	static const struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	if (is_there(connection))
		ibv_modify_qp(connection->qp, &attr, IBV_QP_STATE);
	connection->qp = NULL;
}

bool qp_heard(const struct connection *const connection)
{
	return is_there(connection) && connection->qp->responder.psn != connection->receive_psn;
}
