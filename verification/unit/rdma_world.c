/*
 * See rdma_world.h.
 */
#include "rdma_world.h"

#define FAR_DEPTH 64u
#define US        (WORLD_TICKS / 1000000u)

IBV_POOLS(pools, 6, 12, 14, 6, 64, 6, 32, 32);
IBV_POOLS(far_pools, 1, 4, 12, 4, 256, 10, FAR_DEPTH, FAR_DEPTH);
CONNECTIONS(table, 64);
CONNECTIONS(far_table, 64);
NEIGHBOURS(known, 4);
NEIGHBOURS(far_known, 4);

struct world world;

static const struct time_rate rate = { WORLD_TICKS, 1 };
static const struct rdma_grant grants[WORLD_CLIENTS] = {
	{ .name = "c0",
		.sl = 2,
		.pkey = 0x8001,
		.rate_bytes = 2000000,
		.burst_bytes = 20000,
		.qps = 2,
		.cqs = 2,
		.mrs = 4,
		.ahs = 2,
		.depth = 16,
		.first_port = 7000,
		.last_port = 7009 },
	{ .name = "c1",
		.sl = 5,
		.pkey = 0x8002,
		.rate_bytes = 500000,
		.burst_bytes = 20000,
		.qps = 2,
		.cqs = 2,
		.mrs = 4,
		.ahs = 2,
		.depth = 16,
		.first_port = 7010,
		.last_port = 7019 },
};
static const uint8_t mac[ROCE_MAC_BYTES] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t far_mac[ROCE_MAC_BYTES] = { 2, 0, 0, 0, 0, 2 };

bool rdma_exchange(const struct rdma_ask *const ask, struct rdma_tell *const tell)
{
	if (world.silent)
		return false;
	service_ask(
		&world.service, world.current, world.now, (const uint8_t *)ask, sizeof(*ask), tell);
	return true;
}

int world_ask(const unsigned client, const struct rdma_ask *const ask, struct rdma_tell *const tell)
{
	service_ask(&world.service, client, world.now, (const uint8_t *)ask, sizeof(*ask), tell);
	return tell->error;
}

const struct rdma_grant *world_grant(const unsigned client)
{
	return &grants[client];
}

static struct vlarb_tables tables(void)
{
	struct vlarb_tables t = { .limit = VLARB_UNLIMITED };

	for (unsigned sl = 0; sl < VLARB_LANES; sl++)
		t.vl_of_sl[sl] = sl < VLARB_MANAGEMENT ? (uint8_t)sl : VLARB_MANAGEMENT;
	t.high.entries[t.high.count++] = (struct vlarb_entry){ 2, 32 };
	t.low.entries[t.low.count++] = (struct vlarb_entry){ 5, 32 };
	t.low.entries[t.low.count++] = (struct vlarb_entry){ 0, 8 };
	return t;
}

static void open_ports(void)
{
	const struct endpoint at = { .address = 0x0a090001, .netmask = 0xffffff00, .port = 1 };
	const struct endpoint far_at = { .address = 0x0a090002, .netmask = 0xffffff00, .port = 1 };
	const struct vlarb_tables t = tables();

	roce_port_open(&world.port, &world.context, &known, &at, mac);
	roce_port_open(&world.far_port, &world.far, &far_known, &far_at, far_mac);
	roce_port_neighbour(&world.port, world.far.gids[0].raw, far_mac);
	roce_port_neighbour(&world.far_port, world.context.gids[0].raw, mac);
	world.port.tagged = world.far_port.tagged = true;
	for (unsigned sl = 0; sl < IBV_LANES; sl++) {
		world.port.pcp_of_sl[sl] = (uint8_t)(sl & 7);
		world.port.dscp_of_sl[sl] = (uint8_t)(8 * (sl & 7));
	}
	assert_int_equal(lanes_open(&world.lanes, &world.port, &t, &rate, world.now, 10000,
				 LANES_FRAME_BYTES),
		0);
}

static void open_far(void)
{
	assert_int_equal(ibv_open(&world.far, &far_pools, &rate), 0);
	for (unsigned i = 0; i < WORLD_CLIENTS; i++)
		ibv_set_pkey(&world.far, 1 + i, world_grant(i)->pkey);
	world.far_pd = ibv_alloc_pd(&world.far);
	world.far_mr = ibv_reg_mr(world.far_pd, world.far_memory, WORLD_FAR,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC);
	world.far_cq = ibv_create_cq(&world.far, 256, NULL);
}

static void open_far_connections(void)
{
	static const struct connection_range range = { 0, UINT64_MAX };
	static const struct connection_owner owner = { &range, 1 };
	const struct connections_setup setup = { .context = &world.far,
		.pd = world.far_pd,
		.owners = &owner,
		.owner_count = 1,
		.life = 9 };

	world.far_connections = &far_table;
	assert_int_equal(connections_open(&far_table, &setup), CONNECTION_GOOD);
	assert_int_equal(
		connection_listen(&far_table, 0, CONNECTION_TCP(7174), CONNECTION_TCP(7174)),
		CONNECTION_GOOD);
}

static void far_manage(void)
{
	static const struct connection_parameters own = { .private_data = "far",
		.private_bytes = 4,
		.responder_resources = 4,
		.initiator_depth = 4,
		.retry_count = 7,
		.rnr_retry_count = 7,
		.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };
	struct connection_event event;

	if (!connections_poll(&far_table, world.now, &event))
		return;
	if (event.kind == CONNECTION_REQUEST && world.far_accepts != NULL)
		assert_int_equal(
			connection_accept(event.connection, world.now, world.far_accepts, &own),
			CONNECTION_GOOD);
	else if (event.kind == CONNECTION_REQUEST)
		connection_reject(event.connection, world.now, CM_REJECT_CONSUMER, "no", 3);
	else if (event.kind != CONNECTION_EVENT_NONE)
		world.far_event = event;
}

static void *pages(const size_t bytes)
{
	void *const memory = aligned_alloc(4096, bytes);

	assert_non_null(memory);
	memset(memory, 0, bytes);
	return memory;
}

static void add(const unsigned i)
{
	struct world_client *const client = &world.clients[i];
	struct shared shared;

	client->up = pages(WORLD_UP);
	client->down = pages(WORLD_DOWN);
	shared = (struct shared){ client->up, client->down, WORLD_UP, WORLD_DOWN };
	assert_null(service_add(&world.service, world_grant(i), &shared, world.now));
}

void world_open(void)
{
	memset(&world, 0, sizeof(world));
	world.now = 1000;
	assert_int_equal(ibv_open(&world.context, &pools, &rate), 0);
	open_far();
	open_ports();
	assert_null(
		service_open(&world.service, &world.context, &world.lanes, &table, 7, world.now));
	open_far_connections();
	for (unsigned i = 0; i < WORLD_CLIENTS; i++)
		add(i);
}

void world_close(void)
{
	for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
		free(world.clients[i].up);
		free(world.clients[i].down);
	}
}

struct world_client *world_be(const unsigned client)
{
	if (world.current != client) {
		world.clients[world.current].state = rdma_client;
		world.clients[world.current].granted = rdma_grant;
		rdma_client = world.clients[client].state;
		rdma_grant = world.clients[client].granted;
		world.current = client;
	}
	return &world.clients[client];
}

struct ibv_ah_attr world_address(const uint8_t sl)
{
	struct ibv_ah_attr address = { .sl = sl, .is_global = 1 };

	address.grh.dgid = world.far.gids[0];
	return address;
}

static int climb(struct ibv_qp *const qp, struct ibv_qp_attr *const attr, const int addressed,
	int (*const modify)(struct ibv_qp *, const struct ibv_qp_attr *, int))
{
	static const int masks[] = { [IBV_QPS_INIT] = IBV_QP_PKEY_INDEX | IBV_QP_PORT |
						      IBV_QP_ACCESS_FLAGS | IBV_QP_QKEY,
		[IBV_QPS_RTR] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
		[IBV_QPS_RTS] = IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC };
	int error = 0;

	for (int state = IBV_QPS_INIT; state <= IBV_QPS_RTS && error == 0; state++) {
		attr->qp_state = (enum ibv_qp_state)state;
		error = modify(qp, attr,
			IBV_QP_STATE | (addressed ? masks[state] : masks[state] & ~IBV_QP_AV));
	}
	return error;
}

static struct ibv_qp_attr attributes(const uint32_t number, const struct ibv_ah_attr *const address)
{
	return (struct ibv_qp_attr){ .path_mtu = IBV_MTU_1024,
		.dest_qp_num = number,
		.qkey = 0x1234,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		.ah_attr = *address,
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.timeout = 16,
		.retry_cnt = 3,
		.rnr_retry = 7 };
}

int world_ready(
	struct ibv_qp *const qp, const uint32_t far_number, const struct ibv_ah_attr *const address)
{
	struct ibv_qp_attr attr = attributes(far_number, address);

	return climb(qp, &attr, qp->qp_type != IBV_QPT_UD, rdma_modify_qp);
}

struct ibv_qp *world_far_qp(const enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = {
		.send_cq = world.far_cq, .recv_cq = world.far_cq, .qp_type = type
	};

	return ibv_create_qp(world.far_pd, &init);
}

int world_far_ready(struct ibv_qp *const far, const uint32_t number)
{
	struct ibv_ah_attr address = { .is_global = 1 };
	struct ibv_qp_attr attr;

	address.grh.dgid = world.context.gids[0];
	attr = attributes(number, &address);
	attr.pkey_index = (uint16_t)(1 + world.current);
	return climb(far, &attr, far->qp_type != IBV_QPT_UD, ibv_modify_qp);
}

static void open_objects(struct world_client *const client)
{
	const struct rdma_link link = { client->up, client->down, WORLD_UP, WORLD_DOWN };
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC };
	uint64_t bytes;
	const uint8_t *memory;

	client->context = rdma_open(&link);
	assert_non_null(client->context);
	client->pd = rdma_alloc_pd(client->context);
	memory = rdma_up_memory(&bytes);
	client->up_mr = rdma_reg_mr(client->pd, memory, bytes, IBV_ACCESS_REMOTE_READ);
	memory = rdma_down_memory(&bytes);
	client->down_mr = rdma_reg_mr(client->pd, memory, bytes,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC);
	client->cq = rdma_create_cq(client->context, 64, NULL);
	init.send_cq = init.recv_cq = client->cq;
	client->qp = rdma_create_qp(client->pd, &init);
	assert_true(client->up_mr != NULL && client->down_mr != NULL && client->qp != NULL);
}

struct world_client *world_connect(const unsigned number)
{
	struct world_client *const client = world_be(number);
	struct ibv_ah_attr address;

	open_objects(client);
	address = world_address((uint8_t)rdma_grant.sl);
	client->far = world_far_qp(IBV_QPT_RC);
	assert_int_equal(world_far_ready(client->far, client->qp->qp_num), 0);
	assert_int_equal(world_ready(client->qp, client->far->qp_num, &address), 0);
	return client;
}

/* ---- The wire ---- */

static void note(const uint8_t *const frame, const unsigned bytes)
{
	const unsigned pcp = frame[14] >> 5;

	if (frame[12] != 0x81 || frame[19] >> 5 != pcp || frame[19] >> 2 != 8 * pcp)
		world.tags[1][pcp]++; /* the marks differ */
	world.tags[0][pcp]++;
	world.sent_bytes[pcp] += bytes;
}

static void from_service(void)
{
	static uint8_t frame[LANES_FRAME_BYTES], reply[LANES_FRAME_BYTES];
	bool more = true;

	for (unsigned i = 0; i < 16 && more; i++) {
		const unsigned bytes = lanes_next(&world.lanes, world.now, frame, &more);

		if (bytes == 0)
			continue;
		note(frame, bytes);
		roce_port_take(&world.far_port, world.now, frame, bytes, reply);
	}
}

static void from_far(void)
{
	static uint8_t frame[LANES_FRAME_BYTES], reply[LANES_FRAME_BYTES];
	bool more = true;

	for (unsigned i = 0; i < 16 && more; i++) {
		const unsigned bytes = roce_port_next(
			&world.far_port, world.now, 0xffff, frame, sizeof(frame), &more);

		if (bytes != 0)
			roce_port_take(&world.port, world.now, frame, bytes, reply);
	}
}

void world_run(const unsigned us)
{
	for (unsigned i = 0; i < us; i++) {
		world.now += US;
		for (unsigned c = 0; c < WORLD_CLIENTS; c++)
			service_rings(&world.service, c);
		service_connections(&world.service, world.now);
		far_manage();
		from_service();
		from_far();
	}
}

bool world_poll(struct world_client *const client, struct ibv_wc *const wc, const unsigned us)
{
	for (unsigned i = 0; i <= us; i++) {
		if (rdma_poll_cq(client->cq, 1, wc) == 1)
			return true;
		world_run(1);
	}
	return false;
}
