/*
 * The connection manager: both sides, what is lost, what comes twice, what strangers say, and who may listen.
 */
#include "connection_pair.h"

#define PATIENCE 200000u /* us: longer than all repetitions together */

static uint16_t attribute_of(const struct ib_packet *const packet)
{
	if (packet->bth.destination != IB_QPN_GSI)
		return 0;
	return (uint16_t)(packet->payload[16] << 8 | packet->payload[17]);
}

static void listen(void)
{
	nodes_open();
	assert_int_equal(
		connection_listen(&nodes[LISTENS].table, 0, SERVICE, SERVICE), CONNECTION_GOOD);
}

static void both_are_over(void)
{
	for (unsigned end = 0; end < NODES; end++) {
		const struct node *const node = &nodes[end];

		assert_int_equal(node->events[node->event_count - 1].kind, CONNECTION_DISCONNECTED);
		assert_int_equal(node->qp->state, IBV_QPS_ERR);
	}
	nodes_run(PATIENCE / 10);
	for (unsigned end = 0; end < NODES; end++)
		for (unsigned i = 0; i < TABLE; i++)
			assert_int_equal(nodes[end].pool[i].state, CONNECTION_FREE);
}

/* A message each way, over the connection's own queue pairs. */
static void talk(void)
{
	struct ibv_wc wc;

	for (unsigned from = 0; from < NODES; from++) {
		assert_int_equal(pair_recv(&pair.ends[1 - from], 1, 0, 3000), 0);
		assert_int_equal(
			pair_send(&pair.ends[from], 2, IBV_WR_SEND, 0, 4096, 3000, 0, 0), 0);
		assert_true(pair_poll(&pair, pair.ends[1 - from].recv_cq, &wc, PATIENCE));
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
		assert_int_equal(wc.byte_len, 3000);
	}
}

static void hang_up(const unsigned end)
{
	assert_int_equal(connection_disconnect(nodes[end].connection, pair.now), CONNECTION_GOOD);
	nodes_run(PATIENCE / 10);
	both_are_over();
}

static void a_connection_comes_bears_data_both_ways_and_goes(void **state)
{
	(void)state;
	for (unsigned who = 0; who < NODES; who++) {
		listen();
		assert_true(nodes_connect(SERVICE, IBV_QPT_RC));
		talk();
		hang_up(who);
		nodes_close();
	}
}

static void unreliable_connections_too(void **state)
{
	(void)state;
	listen();
	assert_true(nodes_connect(SERVICE, IBV_QPT_UC));
	talk();
	hang_up(ASKS);
	nodes_close();
}

static void a_request_tells_who_asks_and_what_it_brings(void **state)
{
	const struct connection_event *event;

	(void)state;
	listen();
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	event = node_await(LISTENS, PATIENCE);
	assert_int_equal(event->kind, CONNECTION_REQUEST);
	assert_true(event->has_ip);
	assert_int_equal(event->ip.ip_version, 6);
	assert_int_equal(event->ip.source_port, 4711);
	assert_memory_equal(event->ip.source, pair.ends[ASKS].gid.raw, IB_GID_BYTES);
	assert_memory_equal(event->ip.destination, pair.ends[LISTENS].gid.raw, IB_GID_BYTES);
	assert_string_equal((const char *)event->private_data, "asked");
	assert_int_equal(event->private_bytes, CM_REQ_PRIVATE - CM_IP_BYTES);
	assert_int_equal(event->connection->service_id, SERVICE);
	assert_int_equal(event->connection->owner, 0);
	nodes_close();
}

/* Reads outstanding: what one asks and the other grants. */
static void the_two_sides_agree_on_the_smaller_number(void **state)
{
	struct connection_parameters small = usual;

	(void)state;
	listen();
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_non_null(node_await(LISTENS, PATIENCE));
	small.responder_resources = 2;
	small.initiator_depth = 1;
	assert_int_equal(connection_accept(nodes[LISTENS].connection, pair.now,
				 node_qp(LISTENS, IBV_QPT_RC), &small),
		CONNECTION_GOOD);
	assert_non_null(node_await(LISTENS, PATIENCE));
	assert_int_equal(nodes[ASKS].qp->attr.max_rd_atomic, 2);
	assert_int_equal(nodes[LISTENS].qp->attr.max_rd_atomic, 1);
	assert_int_equal(nodes[LISTENS].qp->attr.max_dest_rd_atomic, 2);
	assert_int_equal(nodes[ASKS].qp->attr.path_mtu, nodes[LISTENS].qp->attr.path_mtu);
	assert_int_equal(nodes[ASKS].qp->attr.sq_psn, nodes[LISTENS].qp->attr.rq_psn);
	assert_int_equal(nodes[ASKS].qp->attr.rq_psn, nodes[LISTENS].qp->attr.sq_psn);
	assert_int_not_equal(nodes[ASKS].qp->attr.sq_psn, nodes[ASKS].qp->attr.rq_psn);
	nodes_close();
}

static void a_rejection_arrives_with_its_reason_and_its_words(void **state)
{
	const struct connection_event *event;

	(void)state;
	listen();
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_non_null(node_await(LISTENS, PATIENCE));
	assert_int_equal(connection_reject(nodes[LISTENS].connection, pair.now, CM_REJECT_CONSUMER,
				 "not today", 10),
		CONNECTION_GOOD);
	event = node_await(ASKS, PATIENCE);
	assert_int_equal(event->kind, CONNECTION_REJECTED);
	assert_int_equal(event->reason, CM_REJECT_CONSUMER);
	assert_string_equal((const char *)event->private_data, "not today");
	assert_int_equal(nodes[ASKS].qp->state, IBV_QPS_ERR);
	assert_int_equal(
		connection_reject(nodes[LISTENS].connection, pair.now, CM_REJECT_CONSUMER, NULL, 0),
		CONNECTION_STATE);
	nodes_close();
}

static void where_nobody_listens_the_service_is_said_to_be_unknown(void **state)
{
	const struct connection_event *event;

	(void)state;
	listen();
	node_connect(ASKS, SERVICE + 1, IBV_QPT_RC);
	event = node_await(ASKS, PATIENCE);
	assert_int_equal(event->kind, CONNECTION_REJECTED);
	assert_int_equal(event->reason, CM_REJECT_SERVICE_ID);
	assert_int_equal(nodes[LISTENS].event_count, 0);
	assert_int_equal(nodes[LISTENS].table.received[CONNECTION_DROP_SERVICE], 1);
	connection_unlisten(&nodes[LISTENS].table, 0, SERVICE);
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_int_equal(node_await(ASKS, PATIENCE)->reason, CM_REJECT_SERVICE_ID);
	nodes_close();
}

static void an_owner_listens_within_its_ranges_and_where_nobody_does(void **state)
{
	struct connections *const table = &nodes[LISTENS].table;

	(void)state;
	nodes_open();
	assert_int_equal(connection_listen(table, 0, SERVICE, SERVICE + 10), CONNECTION_GOOD);
	assert_int_equal(connection_listen(table, 0, SERVICE + 10, SERVICE + 20), CONNECTION_TAKEN);
	assert_int_equal(connection_listen(table, 0, 5, 5), CONNECTION_GOOD);
	assert_int_equal(connection_listen(table, 0, 5, 6), CONNECTION_RANGE);
	assert_int_equal(connection_listen(table, 0, CONNECTION_TCP(6999), CONNECTION_TCP(7000)),
		CONNECTION_RANGE);
	assert_int_equal(connection_listen(table, 0, SERVICE - 1, SERVICE - 2), CONNECTION_RANGE);
	assert_int_equal(connection_listen(table, 1, SERVICE, SERVICE), CONNECTION_RANGE);
	assert_int_equal(connection_listen(table, 1, 0x1000, 0x1fff), CONNECTION_GOOD);
	assert_int_equal(connection_listen(table, 2, 0, 0), CONNECTION_RANGE);
	assert_int_equal(connection_listen(table, 3, 5, 5), CONNECTION_OWNER);
	for (unsigned i = 0; i < CONNECTION_LISTENERS - 3; i++)
		assert_int_equal(connection_listen(table, 0, CONNECTION_TCP(7000 + i),
					 CONNECTION_TCP(7000 + i)),
			CONNECTION_GOOD);
	assert_int_equal(connection_listen(table, 0, CONNECTION_TCP(7999), CONNECTION_TCP(7999)),
		CONNECTION_FULL);
	nodes_close();
}

static void a_request_comes_to_whoever_listens_there(void **state)
{
	(void)state;
	listen();
	assert_int_equal(
		connection_listen(&nodes[LISTENS].table, 1, 0x1000, 0x1fff), CONNECTION_GOOD);
	node_connect(ASKS, 0x1fff, IBV_QPT_RC);
	assert_int_equal(node_await(LISTENS, PATIENCE)->connection->owner, 1);
	assert_false(nodes[LISTENS].events[0].has_ip);
	nodes_close();
}

static void what_cannot_be_asked_is_refused_and_changes_nothing(void **state)
{
	struct connection_target target;
	struct connection_parameters own = usual;
	enum connection_error error;
	struct ibv_qp *qp;

	(void)state;
	listen();
	target = node_target(ASKS, SERVICE);
	qp = node_qp(ASKS, IBV_QPT_UD);
	assert_null(connection_connect(&nodes[ASKS].table, pair.now, qp, &target, &own, &error));
	assert_int_equal(error, CONNECTION_QUEUE_PAIR);
	qp = node_qp(ASKS, IBV_QPT_RC);
	own.private_bytes = CM_REQ_PRIVATE - CM_IP_BYTES + 1;
	own.private_data = pair.ends[0].memory;
	assert_null(connection_connect(&nodes[ASKS].table, pair.now, qp, &target, &own, &error));
	assert_int_equal(error, CONNECTION_PRIVATE);
	own = usual;
	own.initiator_depth = IBV_RD_ATOMIC + 1;
	assert_null(connection_connect(&nodes[ASKS].table, pair.now, qp, &target, &own, &error));
	assert_int_equal(error, CONNECTION_ATTRIBUTE);
	own = usual;
	target.sgid_index = 2;
	assert_null(connection_connect(&nodes[ASKS].table, pair.now, qp, &target, &own, &error));
	assert_int_equal(error, CONNECTION_ADDRESS);
	target.sgid_index = 0;
	target.pkey_index = 3;
	assert_null(connection_connect(&nodes[ASKS].table, pair.now, qp, &target, &own, &error));
	assert_int_equal(error, CONNECTION_ATTRIBUTE);
	target.pkey_index = 0;
	assert_int_equal(qp->state, IBV_QPS_RESET);
	assert_int_equal(nodes[ASKS].table.sent, 0);
	for (unsigned i = 0; i < TABLE; i++) {
		assert_non_null(connection_connect(
			&nodes[ASKS].table, pair.now, qp, &target, &own, &error));
		ibv_modify_qp(qp, &(struct ibv_qp_attr){ .qp_state = IBV_QPS_RESET }, IBV_QP_STATE);
	}
	assert_null(connection_connect(&nodes[ASKS].table, pair.now, qp, &target, &own, &error));
	assert_int_equal(error, CONNECTION_FULL);
	nodes_close();
}

static void accepting_wants_a_fitting_queue_pair_and_may_be_tried_again(void **state)
{
	struct connection_parameters own = usual;

	(void)state;
	listen();
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_non_null(node_await(LISTENS, PATIENCE));
	assert_int_equal(connection_accept(nodes[LISTENS].connection, pair.now,
				 node_qp(LISTENS, IBV_QPT_UC), &own),
		CONNECTION_QUEUE_PAIR);
	own.min_rnr_timer = 32;
	assert_int_equal(connection_accept(nodes[LISTENS].connection, pair.now,
				 node_qp(LISTENS, IBV_QPT_RC), &own),
		CONNECTION_ATTRIBUTE);
	assert_int_equal(nodes[LISTENS].qp->state, IBV_QPS_RESET);
	assert_int_equal(
		connection_disconnect(nodes[LISTENS].connection, pair.now), CONNECTION_STATE);
	assert_int_equal(
		connection_accept(nodes[LISTENS].connection, pair.now, nodes[LISTENS].qp, &usual),
		CONNECTION_GOOD);
	assert_int_equal(
		connection_accept(nodes[LISTENS].connection, pair.now, nodes[LISTENS].qp, &usual),
		CONNECTION_STATE);
	assert_int_equal(node_await(LISTENS, PATIENCE)->kind, CONNECTION_CONNECTED);
	nodes_close();
}

/* ---- What is lost ---- */

static uint16_t lost_kind;
static unsigned lost_left;

static bool lose(struct pair *const p, const unsigned to, const struct ib_packet *const packet)
{
	(void)p;
	(void)to;
	if (attribute_of(packet) != lost_kind || lost_left == 0)
		return false;
	lost_left--;
	return true;
}

static void whatever_is_lost_is_said_again(void **state)
{
	static const uint16_t kinds[] = { CM_REQ, CM_REP, CM_RTU, CM_DREQ, CM_DREP };

	(void)state;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		listen();
		pair.loses = lose;
		lost_kind = kinds[i];
		lost_left = 3;
		assert_true(nodes_connect(SERVICE, IBV_QPT_RC));
		talk();
		hang_up(ASKS);
		assert_int_equal(lost_left, 0);
		assert_int_equal(nodes[LISTENS].event_count, 3);
		nodes_close();
	}
}

static void where_nobody_is_the_asking_ends(void **state)
{
	const struct connection_event *event;

	(void)state;
	listen();
	pair.loses = lose;
	lost_kind = CM_REQ;
	lost_left = 1000;
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	event = node_await(ASKS, PATIENCE);
	assert_non_null(event);
	assert_int_equal(event->kind, CONNECTION_UNREACHABLE);
	assert_int_equal(lost_left, 1000 - 1 - CONNECTION_RETRIES);
	assert_int_equal(nodes[ASKS].qp->state, IBV_QPS_ERR);
	nodes_run(PATIENCE);
	assert_int_equal(nodes[ASKS].event_count, 1);
	assert_int_equal(nodes[ASKS].pool[0].state, CONNECTION_FREE);
	nodes_close();
}

static void an_accepted_peer_that_is_never_heard_again_is_given_up(void **state)
{
	(void)state;
	listen();
	pair.loses = lose;
	lost_kind = CM_REP;
	lost_left = 1000;
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_non_null(node_await(LISTENS, PATIENCE));
	assert_int_equal(connection_accept(nodes[LISTENS].connection, pair.now,
				 node_qp(LISTENS, IBV_QPT_RC), &usual),
		CONNECTION_GOOD);
	assert_non_null(node_await(LISTENS, PATIENCE));
	assert_true(nodes[LISTENS].events[1].kind == CONNECTION_UNREACHABLE ||
		    nodes[LISTENS].events[1].kind == CONNECTION_REJECTED);
	nodes_run(PATIENCE);
	assert_int_equal(nodes[LISTENS].event_count, 2);
	assert_int_equal(nodes[ASKS].event_count, 1);
	assert_true(nodes[ASKS].events[0].kind == CONNECTION_REJECTED ||
		    nodes[ASKS].events[0].kind == CONNECTION_UNREACHABLE);
	nodes_close();
}

static void data_says_as_much_as_an_rtu(void **state)
{
	struct ibv_wc wc;

	(void)state;
	listen();
	pair.loses = lose;
	lost_kind = CM_RTU;
	lost_left = 1000;
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_non_null(node_await(LISTENS, PATIENCE));
	assert_int_equal(connection_accept(nodes[LISTENS].connection, pair.now,
				 node_qp(LISTENS, IBV_QPT_RC), &usual),
		CONNECTION_GOOD);
	assert_int_equal(pair_recv(&pair.ends[LISTENS], 1, 0, 64), 0);
	assert_int_equal(node_await(ASKS, PATIENCE)->kind, CONNECTION_CONNECTED);
	assert_int_equal(pair_send(&pair.ends[ASKS], 2, IBV_WR_SEND, 0, 0, 64, 0, 0), 0);
	assert_int_equal(node_await(LISTENS, PATIENCE)->kind, CONNECTION_CONNECTED);
	assert_int_equal(ibv_poll_cq(pair.ends[LISTENS].recv_cq, 1, &wc), 1);
	assert_int_equal(wc.byte_len, 64);
	talk();
	hang_up(LISTENS);
	nodes_close();
}

static void who_takes_its_time_is_waited_for_but_not_for_ever(void **state)
{
	(void)state;
	listen();
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_non_null(node_await(LISTENS, PATIENCE));
	nodes_run(40000); /* 40 response times, of which without MRA there would be 16 */
	assert_int_equal(nodes[ASKS].event_count, 0);
	assert_int_equal(connection_accept(nodes[LISTENS].connection, pair.now,
				 node_qp(LISTENS, IBV_QPT_RC), &usual),
		CONNECTION_GOOD);
	assert_int_equal(node_await(LISTENS, PATIENCE)->kind, CONNECTION_CONNECTED);
	hang_up(ASKS);
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_non_null(node_await(LISTENS, PATIENCE));
	nodes_run(400000);
	assert_int_equal(
		nodes[ASKS].events[nodes[ASKS].event_count - 1].kind, CONNECTION_UNREACHABLE);
	assert_int_equal(
		nodes[LISTENS].events[nodes[LISTENS].event_count - 1].kind, CONNECTION_REJECTED);
	assert_int_equal(
		nodes[LISTENS].events[nodes[LISTENS].event_count - 1].reason, CM_REJECT_TIMEOUT);
	nodes_close();
}

static void who_asks_for_patience_again_and_again_gets_it_so_often(void **state)
{
	struct cm_message m = { .mra = { .service_timeout = 31 } };

	(void)state;
	listen();
	pair.loses = lose;
	lost_kind = CM_REQ;
	lost_left = 1000;
	m.mra.remote_id = node_connect(ASKS, SERVICE, IBV_QPT_RC)->local_id;
	cm_header(&m.header, CM_MRA, 1);
	for (unsigned i = 0; i < 50; i++, nodes_run(10000))
		node_hear(ASKS, &m, &pair.ends[LISTENS].gid);
	assert_int_equal(nodes[ASKS].event_count, 1);
	assert_int_equal(nodes[ASKS].events[0].kind, CONNECTION_UNREACHABLE);
	nodes_close();
}

/* Connections under faults: each ends, on both sides, and leaves nothing. */
static void on_a_bad_link_connections_still_come_and_go(void **state)
{
	uint32_t ids[60];
	unsigned connected = 0;

	(void)state;
	listen();
	pair.faults = (struct pair_faults){ 50000, 50000, 50000, 50000 };
	for (unsigned i = 0; i < 60; i++) {
		nodes[0].event_count = nodes[1].event_count = 0;
		connected += nodes_connect(SERVICE, IBV_QPT_RC);
		ids[i] = nodes[ASKS].connection->local_id;
		talk();
		connection_disconnect(nodes[i % 2].connection, pair.now);
		nodes_run(PATIENCE / 5);
		both_are_over();
		for (unsigned end = 0; end < NODES; end++)
			ibv_destroy_qp(nodes[end].qp);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	assert_in_range(connected, 50, 60); /* the other ones were seen first by one end */
	assert_int_not_equal(nodes[0].table.repeated + nodes[1].table.repeated, 0);
	nodes_close();
}

/* ---- What others say ---- */

static struct cm_message dreq_of(const struct connection *const connection)
{
	struct cm_message m = { .dreq = { .local_id = connection->remote_id,
					.remote_id = connection->local_id,
					.remote_qpn = connection->qp_num } };

	cm_header(&m.header, CM_DREQ, 1);
	return m;
}

static void strangers_end_nothing(void **state)
{
	const union ibv_gid stranger = { .raw = { 0xfd, [15] = 99 } };
	struct connection *connection;
	struct cm_message m;
	unsigned events;

	(void)state;
	listen();
	assert_true(nodes_connect(SERVICE, IBV_QPT_RC));
	connection = nodes[LISTENS].connection;
	events = nodes[LISTENS].event_count;
	m = dreq_of(connection);
	node_hear(LISTENS, &m, &stranger);
	m.dreq.local_id++;
	node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
	m = dreq_of(connection);
	m.dreq.remote_id += CONNECTIONS_MOST;
	node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
	m = dreq_of(connection);
	m.dreq.remote_qpn++;
	node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
	m = (struct cm_message){ .rej = { .local_id = connection->remote_id + 1,
					 .remote_id = connection->local_id } };
	cm_header(&m.header, CM_REJ, 1);
	node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
	assert_int_equal(nodes[LISTENS].event_count, events);
	assert_int_equal(connection->state, CONNECTION_ESTABLISHED);
	talk();
	m = dreq_of(connection);
	node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
	assert_int_equal(nodes[LISTENS].event_count, events + 1);
	nodes_close();
}

static struct cm_message req_of(const uint32_t qpn)
{
	struct cm_message m = { .req = { .local_id = 0x77,
					.service_id = SERVICE,
					.local_qpn = qpn,
					.retry_count = 7,
					.pkey = IB_PKEY_DEFAULT,
					.mtu = IBV_MTU_1024 } };

	memcpy(m.req.primary.local_gid, pair.ends[ASKS].gid.raw, IB_GID_BYTES);
	memcpy(m.req.primary.remote_gid, pair.ends[LISTENS].gid.raw, IB_GID_BYTES);
	cm_header(&m.header, CM_REQ, 1);
	return m;
}

static void a_peer_that_begins_anew_ends_its_former_connection(void **state)
{
	struct cm_message m;

	(void)state;
	listen();
	assert_true(nodes_connect(SERVICE, IBV_QPT_RC));
	m = req_of(nodes[ASKS].qp->qp_num);
	node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
	assert_int_equal(nodes[LISTENS].events[nodes[LISTENS].event_count - 1].kind,
		CONNECTION_DISCONNECTED);
	m.req.local_id++;
	node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
	assert_int_equal(
		nodes[LISTENS].events[nodes[LISTENS].event_count - 1].kind, CONNECTION_REQUEST);
	nodes_close();
}

static void refuse(const struct cm_message *const m)
{
	const uint64_t sent = nodes[LISTENS].table.sent;

	node_hear(LISTENS, m, &pair.ends[ASKS].gid);
	assert_int_equal(nodes[LISTENS].event_count, 0);
	assert_int_equal(nodes[LISTENS].table.sent, sent + 1);
	nodes_run(100);
}

static void a_request_for_what_cannot_be_is_rejected_by_itself(void **state)
{
	struct cm_message m;

	(void)state;
	listen();
	m = req_of(2);
	m.req.mtu = IBV_MTU_2048;
	refuse(&m);
	m = req_of(2);
	m.req.mtu = 0;
	refuse(&m);
	m = req_of(2);
	m.req.transport = CM_TRANSPORT_RD;
	refuse(&m);
	m = req_of(2);
	m.req.pkey = 0x1234;
	refuse(&m);
	m = req_of(2);
	m.req.primary.local_gid[15]++;
	refuse(&m);
	m = req_of(2);
	m.req.primary.remote_gid[15]++;
	refuse(&m);
	assert_int_equal(nodes[LISTENS].table.received[CONNECTION_DROP_REFUSED], 6);
	for (unsigned i = 0; i < TABLE + 2; i++) {
		m = req_of(2 + i);
		m.req.local_id += i;
		node_hear(LISTENS, &m, &pair.ends[ASKS].gid);
		nodes_run(100);
	}
	assert_int_equal(nodes[LISTENS].event_count, TABLE);
	assert_int_equal(nodes[LISTENS].table.received[CONNECTION_DROP_ROOM], 2);
	nodes_close();
}

static void what_is_given_up_is_told_to_the_peer_once(void **state)
{
	(void)state;
	listen();
	assert_true(nodes_connect(SERVICE, IBV_QPT_RC));
	connection_abandon(nodes[LISTENS].connection, pair.now);
	assert_int_equal(nodes[LISTENS].qp->state, IBV_QPS_ERR);
	assert_int_equal(node_await(ASKS, PATIENCE)->kind, CONNECTION_DISCONNECTED);
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	assert_int_equal(node_await(LISTENS, PATIENCE)->kind, CONNECTION_REQUEST);
	connection_abandon(nodes[LISTENS].connection, pair.now);
	assert_int_equal(node_await(ASKS, PATIENCE)->kind, CONNECTION_REJECTED);
	nodes_close();
}

/* ---- Datagrams ---- */

static struct connection *ask_for(const uint64_t service_id)
{
	const struct connection_target target = node_target(ASKS, service_id);
	enum connection_error error;
	struct connection *const connection =
		connection_ask(&nodes[ASKS].table, pair.now, &target, "who", 4, &error);

	assert_non_null(connection);
	return connection;
}

static void a_datagram_service_says_its_queue_pair(void **state)
{
	const struct connection_event *event;
	struct ibv_qp *qp;

	(void)state;
	nodes_open();
	assert_int_equal(connection_listen(&nodes[LISTENS].table, 0, CONNECTION_UDP(7001),
				 CONNECTION_UDP(7009)),
		CONNECTION_GOOD);
	pair.loses = lose;
	lost_kind = CM_SIDR_REP;
	lost_left = 2;
	ask_for(CONNECTION_UDP(7009));
	event = node_await(LISTENS, PATIENCE);
	assert_int_equal(event->kind, CONNECTION_DATAGRAM_REQUEST);
	assert_string_equal((const char *)event->private_data, "who");
	assert_int_equal(connection_answer(event->connection, pair.now, 0, NULL, NULL, 0),
		CONNECTION_QUEUE_PAIR);
	qp = node_qp(LISTENS, IBV_QPT_UD);
	qp->attr.qkey = 0x777;
	assert_int_equal(
		connection_answer(event->connection, pair.now, 0, qp, "me", 3), CONNECTION_GOOD);
	event = node_await(ASKS, PATIENCE);
	assert_int_equal(event->kind, CONNECTION_DATAGRAM_ANSWER);
	assert_int_equal(event->status, 0);
	assert_int_equal(event->qpn, qp->qp_num);
	assert_int_equal(event->qkey, 0x777);
	assert_string_equal((const char *)event->private_data, "me");
	assert_int_equal(nodes[LISTENS].event_count, 1);
	assert_int_equal(lost_left, 0);
	nodes_close();
}

static void or_that_there_is_none(void **state)
{
	(void)state;
	nodes_open();
	assert_int_equal(connection_listen(&nodes[LISTENS].table, 0, 5, 5), CONNECTION_GOOD);
	ask_for(5);
	assert_int_equal(node_await(LISTENS, PATIENCE)->kind, CONNECTION_DATAGRAM_REQUEST);
	assert_int_equal(connection_answer(nodes[LISTENS].connection, pair.now, 2, NULL, NULL, 0),
		CONNECTION_GOOD);
	assert_int_equal(node_await(ASKS, PATIENCE)->status, 2);
	ask_for(6);
	assert_int_equal(node_await(ASKS, PATIENCE)->status, 1);
	lost_kind = CM_SIDR_REQ;
	lost_left = 1000;
	pair.loses = lose;
	ask_for(5);
	assert_int_equal(node_await(ASKS, PATIENCE)->kind, CONNECTION_UNREACHABLE);
	nodes_close();
}

/* ---- Opening ---- */

static void an_adapter_without_what_is_needed_is_refused_with_advice(void **state)
{
	struct connections_setup setup;

	(void)state;
	nodes_open();
	setup = nodes[0].table.setup;
	assert_int_equal(connections_open(&nodes[0].table, &setup), CONNECTION_POOLS);
	for (unsigned i = 0; i < CONNECTION_ERRORS; i++)
		assert_true(strlen(connection_error_text((enum connection_error)i)) >= 4);
	assert_non_null(strstr(connection_error_text(CONNECTION_RANGE), "listen within"));
	assert_string_equal(connection_error_text(CONNECTION_ERRORS), "unknown");
	nodes_close();
}

static void the_next_time_is_told(void **state)
{
	uint64_t deadline;

	(void)state;
	listen();
	assert_int_equal(connections_deadline(&nodes[ASKS].table), IBV_NEVER);
	node_connect(ASKS, SERVICE, IBV_QPT_RC);
	deadline = connections_deadline(&nodes[ASKS].table);
	assert_in_range(deadline, pair.now + 1, pair.now + 2000 * PAIR_TICKS_US);
	nodes_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_comes_bears_data_both_ways_and_goes),
		cmocka_unit_test(unreliable_connections_too),
		cmocka_unit_test(a_request_tells_who_asks_and_what_it_brings),
		cmocka_unit_test(the_two_sides_agree_on_the_smaller_number),
		cmocka_unit_test(a_rejection_arrives_with_its_reason_and_its_words),
		cmocka_unit_test(where_nobody_listens_the_service_is_said_to_be_unknown),
		cmocka_unit_test(an_owner_listens_within_its_ranges_and_where_nobody_does),
		cmocka_unit_test(a_request_comes_to_whoever_listens_there),
		cmocka_unit_test(what_cannot_be_asked_is_refused_and_changes_nothing),
		cmocka_unit_test(accepting_wants_a_fitting_queue_pair_and_may_be_tried_again),
		cmocka_unit_test(whatever_is_lost_is_said_again),
		cmocka_unit_test(where_nobody_is_the_asking_ends),
		cmocka_unit_test(an_accepted_peer_that_is_never_heard_again_is_given_up),
		cmocka_unit_test(data_says_as_much_as_an_rtu),
		cmocka_unit_test(who_takes_its_time_is_waited_for_but_not_for_ever),
		cmocka_unit_test(who_asks_for_patience_again_and_again_gets_it_so_often),
		cmocka_unit_test(on_a_bad_link_connections_still_come_and_go),
		cmocka_unit_test(strangers_end_nothing),
		cmocka_unit_test(a_peer_that_begins_anew_ends_its_former_connection),
		cmocka_unit_test(a_request_for_what_cannot_be_is_rejected_by_itself),
		cmocka_unit_test(what_is_given_up_is_told_to_the_peer_once),
		cmocka_unit_test(a_datagram_service_says_its_queue_pair),
		cmocka_unit_test(or_that_there_is_none),
		cmocka_unit_test(an_adapter_without_what_is_needed_is_refused_with_advice),
		cmocka_unit_test(the_next_time_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
