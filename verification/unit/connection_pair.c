/*
 * The two nodes. See connection_pair.h.
 */
#include <ib/gid.h>

#include "connection_pair.h"

#define RESPONSE_TIMEOUT 8u /* 1 ms */

struct pair pair;
struct node nodes[NODES];
const struct connection_parameters usual = { .responder_resources = 4,
	.initiator_depth = 4,
	.retry_count = 7,
	.rnr_retry_count = 7,
	.min_rnr_timer = 1,
	.ack_timeout = 8,
	.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };

static const struct connection_range ranges[] = { { CONNECTION_TCP(7000), CONNECTION_TCP(7999) },
	{ CONNECTION_UDP(7000), CONNECTION_UDP(7999) }, { 5, 5 } };
static const struct connection_range others[] = { { 0x1000, 0x1fff } };
static const struct connection_owner owners[] = { { ranges, 3 }, { others, 1 }, { NULL, 0 } };

static void open_node(struct node *const node, struct pair_end *const end)
{
	static uint32_t life;
	const struct connections_setup setup = { .context = &end->context,
		.pd = end->pd,
		.owners = owners,
		.owner_count = 3,
		.response_timeout = RESPONSE_TIMEOUT,
		.life = ++life };

	memset(node, 0, sizeof(*node));
	node->table.pool = node->pool;
	node->table.mads = node->mads;
	node->table.count = TABLE;
	assert_int_equal(connections_open(&node->table, &setup), CONNECTION_GOOD);
}

void nodes_open(void)
{
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_1024, 0);
	for (unsigned i = 0; i < NODES; i++)
		open_node(&nodes[i], &pair.ends[i]);
}

void nodes_close(void)
{
	pair_close(&pair);
}

struct ibv_qp *node_qp(const unsigned end, const enum ibv_qp_type type)
{
	struct pair_end *const e = &pair.ends[end];
	struct ibv_qp_init_attr attr = {
		.send_cq = e->send_cq, .recv_cq = e->recv_cq, .qp_type = type
	};
	struct ibv_qp *const qp = ibv_create_qp(e->pd, &attr);

	assert_non_null(qp);
	e->qp = qp; /* pair_send and pair_recv are its */
	nodes[end].qp = qp;
	return qp;
}

struct connection_target node_target(const unsigned end, const uint64_t service_id)
{
	return (struct connection_target){
		.gid = pair.ends[1 - end].gid, .service_id = service_id, .source_port = 4711
	};
}

struct connection *node_connect(
	const unsigned end, const uint64_t service_id, const enum ibv_qp_type type)
{
	const struct connection_target target = node_target(end, service_id);
	struct connection_parameters own = usual;
	enum connection_error error;

	own.private_data = "asked";
	own.private_bytes = 6;
	nodes[end].connection = connection_connect(
		&nodes[end].table, pair.now, node_qp(end, type), &target, &own, &error);
	assert_int_equal(error, CONNECTION_GOOD);
	return nodes[end].connection;
}

static void work(const unsigned end)
{
	struct node *const node = &nodes[end];
	struct connection_event event;

	while (connections_poll(&node->table, pair.now, &event)) {
		if (event.kind == CONNECTION_EVENT_NONE)
			continue;
		assert_in_range(node->event_count, 0, EVENTS - 1);
		node->events[node->event_count++] = event;
		node->connection = event.connection;
	}
}

void nodes_run(const uint64_t us)
{
	const uint64_t end = pair.now + us * PAIR_TICKS_US;

	while (pair.now < end) {
		pair_run(&pair, 2);
		work(0);
		work(1);
	}
}

const struct connection_event *node_await(const unsigned end, const uint64_t us)
{
	const uint64_t until = pair.now + us * PAIR_TICKS_US;
	const unsigned before = nodes[end].event_count;

	while (nodes[end].event_count == before && pair.now < until)
		nodes_run(2);
	return nodes[end].event_count == before ? NULL
						: &nodes[end].events[nodes[end].event_count - 1];
}

static bool is(const struct connection_event *const event, const enum connection_event_kind kind)
{
	return event != NULL && event->kind == kind;
}

bool nodes_connect(const uint64_t service_id, const enum ibv_qp_type type)
{
	unsigned before;

	node_connect(ASKS, service_id, type);
	before = nodes[ASKS].event_count;
	if (!is(node_await(LISTENS, 100000), CONNECTION_REQUEST))
		return false;
	if (connection_accept(nodes[LISTENS].connection, pair.now, node_qp(LISTENS, type),
		    &usual) != CONNECTION_GOOD)
		return false;
	if (!is(node_await(LISTENS, 100000), CONNECTION_CONNECTED))
		return false;
	return nodes[ASKS].event_count != before &&
	       nodes[ASKS].events[nodes[ASKS].event_count - 1].kind == CONNECTION_CONNECTED;
}

void node_hear(
	const unsigned end, const struct cm_message *const message, const union ibv_gid *const from)
{
	uint8_t grh[IBV_GRH_BYTES] = { 0x60 }, data[MAD_BYTES];
	struct ibv_arrival arrival = { .grh = grh, .source = *from };
	struct ib_packet packet = {
		.bth = { .opcode = IB_TRANSPORT_UD | IB_OP_SEND_ONLY,
			.pkey = IB_PKEY_DEFAULT,
			.destination = IB_QPN_GSI },
		.deth = { IB_QKEY_GSI, IB_QPN_GSI },
		.payload = data,
		.payload_bytes = MAD_BYTES,
	};

	assert_true(cm_encode(message, data));
	gid_copy(grh + 8, from->raw);
	gid_copy(grh + 24, pair.ends[end].gid.raw);
	ibv_receive(&pair.ends[end].context, pair.now, &arrival, &packet);
	work(end);
}
