/*
 * The rdma service and its clients: what goes through rings, what is refused and counted, and what a client
 * that lies does to itself and to nobody else.
 */
#include <errno.h>

#include "rdma_talk.h"

static void messages_go_both_ways_through_rings(void **state)
{
	uint64_t room;
	const uint8_t *down;
	struct world_client *client;
	struct ibv_recv_wr *bad, wr = { .wr_id = 77, .num_sge = 1 };
	struct ibv_sge sge;

	(void)state;
	world_open();
	client = world_connect(0);
	for (uint32_t i = 0; i < 100; i++)
		talk_send_one(client, 1 + i * 77, i);
	down = rdma_down_memory(&room);
	sge = (struct ibv_sge){ (uint64_t)(uintptr_t)down, 5000, client->down_mr->lkey };
	wr.sg_list = &sge;
	for (uint32_t i = 0; i < 50; i++) {
		assert_int_equal(rdma_post_recv(client->qp, &wr, &bad), 0);
		world_run(2);
		talk_fill(world.far_memory, 4000 + i, i);
		talk_far_send(client, IBV_WR_SEND, 4000 + i);
		talk_await(client, IBV_WC_SUCCESS);
		assert_int_equal(talk_wc.wr_id, 77);
		assert_int_equal(talk_wc.byte_len, 4000 + i);
		assert_memory_equal(down, world.far_memory, 4000 + i);
	}
	world_close();
}

static void memory_is_written_read_and_added_to(void **state)
{
	uint64_t room;
	const uint8_t *down;
	struct world_client *client;
	struct ibv_sge sge;
	struct ibv_send_wr *bad, wr = {
		.num_sge = 1, .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD, .send_flags = IBV_SEND_SIGNALED
	};

	(void)state;
	world_open();
	client = world_connect(0);
	down = rdma_down_memory(&room);
	talk_fill(world.far_memory, 6000, 1);
	talk_far_send(client, IBV_WR_RDMA_WRITE, 6000);
	world_run(50000);
	assert_memory_equal(down + 4096, world.far_memory, 6000);
	talk_fill(world.far_memory, 3000, 2);
	assert_int_equal(talk_post(client, IBV_WR_RDMA_READ, 0, down, 3000, client->down_mr), 0);
	talk_await(client, IBV_WC_SUCCESS);
	assert_memory_equal(down, world.far_memory, 3000);
	memset(world.far_memory, 0, 8);
	sge = (struct ibv_sge){ (uint64_t)(uintptr_t)down, 8, client->down_mr->lkey };
	wr.sg_list = &sge;
	wr.wr.atomic.remote_addr = (uint64_t)(uintptr_t)world.far_memory;
	wr.wr.atomic.rkey = world.far_mr->rkey;
	wr.wr.atomic.compare_add = 41;
	assert_int_equal(rdma_post_send(client->qp, &wr, &bad), 0);
	talk_await(client, IBV_WC_SUCCESS);
	assert_int_equal(world.far_memory[0], 41);
	assert_int_equal(
		talk_post(client, IBV_WR_SEND, IBV_SEND_INLINE, "inside", 7, client->up_mr), 0);
	world_close();
}

static void datagrams_carry_the_lane_that_was_granted(void **state)
{
	struct ibv_ah_attr address;
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_UD };
	struct world_client *client;
	struct ibv_qp *far, *qp;
	struct ibv_ah *ah;
	struct ibv_sge sge;
	struct ibv_send_wr *bad,
		wr = { .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED };
	struct ibv_recv_wr *bad_recv, recv = { .num_sge = 1 };
	uint64_t room;

	(void)state;
	world_open();
	client = world_connect(1);
	init.send_cq = init.recv_cq = client->cq;
	qp = rdma_create_qp(client->pd, &init);
	assert_non_null(qp);
	far = world_far_qp(IBV_QPT_UD);
	address = world_address(5);
	assert_int_equal(world_ready(qp, 0, &address), 0);
	assert_int_equal(world_far_ready(far, 0), 0);
	address.sl = 2;
	assert_null(rdma_create_ah(client->pd, &address));
	assert_int_equal(talk_refused(1, RDMA_REFUSED_SL), 1);
	address.sl = 5;
	ah = rdma_create_ah(client->pd, &address);
	assert_non_null(ah);
	sge = (struct ibv_sge){ (uint64_t)(uintptr_t)world.far_memory, 2000, world.far_mr->lkey };
	recv.sg_list = &sge;
	assert_int_equal(ibv_post_recv(far, &recv, &bad_recv), 0);
	talk_fill(rdma_up_memory(&room), 500, 3);
	sge = (struct ibv_sge){ (uint64_t)(uintptr_t)rdma_up_memory(&room), 500,
		client->up_mr->lkey };
	wr.sg_list = &sge;
	wr.wr.ud.ah = ah;
	wr.wr.ud.remote_qpn = far->qp_num;
	wr.wr.ud.remote_qkey = 0x1234;
	assert_int_equal(rdma_post_send(qp, &wr, &bad), 0);
	talk_await(client, IBV_WC_SUCCESS);
	assert_memory_equal(world.far_memory + IBV_GRH_BYTES, rdma_up_memory(&room), 500);
	assert_int_equal(world.tags[0][5], 1);
	assert_int_equal(world.tags[1][5], 0);
	world_close();
}

static void another_lane_rate_or_partition_is_refused_and_counted(void **state)
{
	struct world_client *client;
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC };
	struct ibv_ah_attr address;
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .pkey_index = 1 };
	struct ibv_qp *qp;

	(void)state;
	world_open();
	client = world_connect(0);
	init.send_cq = init.recv_cq = client->cq;
	qp = rdma_create_qp(client->pd, &init);
	assert_int_equal(
		rdma_modify_qp(qp, &attr,
			IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS),
		EPERM);
	assert_int_equal(talk_refused(0, RDMA_REFUSED_PKEY), 1);
	address = world_address(5);
	assert_int_equal(world_ready(qp, client->far->qp_num, &address), EPERM);
	assert_int_equal(talk_refused(0, RDMA_REFUSED_SL), 1);
	address.sl = 2;
	address.static_rate = 3; /* 10 Gbit/s */
	assert_null(rdma_create_ah(client->pd, &address));
	assert_int_equal(talk_refused(0, RDMA_REFUSED_RATE), 1);
	init.qp_type = IBV_QPT_GSI;
	assert_null(rdma_create_qp(client->pd, &init));
	assert_int_equal(talk_refused(0, RDMA_REFUSED_GSI), 1);
	assert_int_equal(world.context.pkeys[client->far->attr.pkey_index], world_grant(0)->pkey);
	talk_send_one(client, 100, 9); /* and all that harmed nothing */
	world_close();
}

static void only_memory_that_is_shared_is_registered(void **state)
{
	static const struct {
		uint32_t area;
		uint64_t offset, length;
		uint32_t access;
	} bad[] = {
		{ RDMA_UP, 0, 64, 0 }, /* its rings */
		{ RDMA_UP, sizeof(struct rdma_up) - 1, 64, 0 },
		{ RDMA_UP, WORLD_UP - 63, 64, 0 },
		{ RDMA_UP, WORLD_UP + 4096, 64, 0 },
		{ RDMA_UP, sizeof(struct rdma_up), UINT64_MAX, 0 },
		{ RDMA_UP, UINT64_MAX - 7, 64, 0 },
		{ RDMA_UP, sizeof(struct rdma_up), 64, IBV_ACCESS_LOCAL_WRITE },
		{ RDMA_UP, sizeof(struct rdma_up), 64,
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE },
		{ RDMA_DOWN, 0, 4096, IBV_ACCESS_LOCAL_WRITE },
		{ RDMA_DOWN, sizeof(struct rdma_down) - 8, 64, IBV_ACCESS_LOCAL_WRITE },
		{ RDMA_DOWN, WORLD_DOWN, 1, IBV_ACCESS_LOCAL_WRITE },
		{ 0, sizeof(struct rdma_up), 64, 0 },
		{ 3, sizeof(struct rdma_up), 64, 0 },
	};
	const unsigned count = sizeof(bad) / sizeof(*bad);
	static uint8_t elsewhere[64];
	struct world_client *client;
	struct rdma_tell tell;

	(void)state;
	world_open();
	client = world_connect(0);
	for (unsigned i = 0; i < count; i++) {
		const struct rdma_ask ask = { .kind = RDMA_REG_MR,
			.mr = { .area = bad[i].area,
				.offset = bad[i].offset,
				.length = bad[i].length,
				.access = bad[i].access } };

		assert_int_equal(world_ask(0, &ask, &tell), EFAULT);
	}
	assert_null(rdma_reg_mr(client->pd, elsewhere, 64, 0));
	assert_null(rdma_reg_mr(client->pd, world.clients[1].up + 1, 64, 0));
	assert_int_equal(talk_refused(0, RDMA_REFUSED_MEMORY), count + 2);
	world_close();
}

static void quotas_hold_and_leave_the_others_theirs(void **state)
{
	struct world_client *client;
	struct ibv_ah_attr address;
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC };
	uint64_t room, counters[RDMA_REFUSALS];

	(void)state;
	world_open();
	client = world_connect(0);
	init.send_cq = init.recv_cq = client->cq;
	init.cap.max_send_wr = 17;
	assert_null(rdma_create_qp(client->pd, &init));
	init.cap.max_send_wr = 16;
	assert_non_null(rdma_create_qp(client->pd, &init));
	assert_int_equal(init.cap.max_send_wr, 16);
	assert_null(rdma_create_qp(client->pd, &init));
	assert_null(rdma_create_cq(client->context, 65, NULL));
	assert_non_null(rdma_create_cq(client->context, 64, NULL));
	assert_null(rdma_create_cq(client->context, 64, NULL));
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(rdma_reg_mr(client->pd, rdma_up_memory(&room), 64, 0));
	assert_null(rdma_reg_mr(client->pd, rdma_up_memory(&room), 64, 0));
	address = world_address(2);
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(rdma_create_ah(client->pd, &address));
	assert_null(rdma_create_ah(client->pd, &address));
	assert_non_null(rdma_alloc_pd(client->context));
	assert_null(rdma_alloc_pd(client->context));
	assert_true(rdma_counters(counters));
	assert_int_equal(counters[RDMA_REFUSED_QUOTA], 7);
	talk_send_one(world_connect(1), 1000, 1);
	world_close();
}

static void objects_are_the_clients_own_and_can_be_given_back(void **state)
{
	struct world_client *client;
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC };
	struct ibv_ah_attr address;
	struct ibv_ah *ah;
	uint64_t before;

	(void)state;
	world_open();
	client = world_connect(0);
	assert_int_equal(rdma_destroy_cq(client->cq), EBUSY);
	assert_int_equal(rdma_dealloc_pd(client->pd), EBUSY);
	address = world_address(2);
	ah = rdma_create_ah(client->pd, &address);
	assert_int_equal(rdma_destroy_ah(ah), 0);
	assert_int_equal(rdma_destroy_ah(ah), EINVAL);
	for (unsigned i = 0; i < 20; i++) {
		init.send_cq = init.recv_cq = client->cq;
		assert_int_equal(rdma_destroy_qp(client->qp), 0);
		client->qp = rdma_create_qp(client->pd, &init);
		assert_non_null(client->qp);
		ibv_destroy_qp(client->far);
		client->far = world_far_qp(IBV_QPT_RC);
		assert_int_equal(world_far_ready(client->far, client->qp->qp_num), 0);
		assert_int_equal(world_ready(client->qp, client->far->qp_num, &address), 0);
		talk_send_one(client, 3000, i);
	}
	assert_int_equal(rdma_destroy_qp(client->qp), 0);
	assert_int_equal(rdma_destroy_cq(client->cq), 0);
	assert_int_equal(rdma_dereg_mr(client->up_mr), 0);
	assert_int_equal(rdma_dereg_mr(client->down_mr), 0);
	assert_int_equal(rdma_dealloc_pd(client->pd), 0);
	before = talk_refused(0, RDMA_REFUSED_OBJECT);
	assert_int_equal(rdma_dereg_mr(client->up_mr), EINVAL);
	assert_int_equal(rdma_destroy_qp(client->qp), EINVAL);
	assert_int_equal(rdma_destroy_cq(client->cq), EINVAL);
	assert_int_equal(rdma_dealloc_pd(client->pd), EINVAL);
	assert_null(rdma_reg_mr(client->pd, client->up + 1, 64, 0));
	assert_null(rdma_create_qp(client->pd, &init));
	assert_null(rdma_create_ah(client->pd, &address));
	assert_int_equal(talk_refused(0, RDMA_REFUSED_OBJECT), before + 7);
	world_close();
}

static void requests_that_are_none_are_refused(void **state)
{
	struct rdma_ask ask = { .kind = RDMA_ALLOC_PD, .number = 4 };
	struct rdma_tell tell;
	uint8_t bytes[256] = { 0 };

	(void)state;
	world_open();
	assert_int_equal(world_ask(0, &ask, &tell), EPERM);
	assert_int_equal(tell.number, 4);
	assert_int_equal(talk_refused(0, RDMA_REFUSED_ORDER), 1);
	world_connect(0);
	for (unsigned length = 0; length < sizeof(bytes); length++) {
		service_ask(&world.service, 0, world.now, bytes, length, &tell);
		assert_int_equal(tell.error, EINVAL);
	}
	assert_int_equal(talk_refused(0, RDMA_REFUSED_MALFORMED), 256);
	ask.kind = RDMA_KINDS;
	assert_int_equal(world_ask(0, &ask, &tell), EINVAL);
	ask.kind = UINT32_MAX;
	assert_int_equal(world_ask(0, &ask, &tell), EINVAL);
	assert_int_equal(talk_refused(0, RDMA_REFUSED_MALFORMED), 258);
	world_close();
}

/* What is done to the rings of client 0, which is busy. */
enum scribble {
	RING_SENDS,
	RING_RECVS,
	RING_COMPLETIONS,
	RING_OPCODE,
	RING_SGES,
	RING_INLINE,
	RING_RECV_SGES,
	SCRIBBLES
};

static void scribble(struct rdma_up *const up, const enum scribble what)
{
	struct rdma_send *const next = &up->send[0][up->sends[0] % RDMA_DEPTH];

	*next = (struct rdma_send){ .opcode = IBV_WR_SEND };
	up->recv[0][up->recvs[0] % RDMA_DEPTH] = (struct rdma_recv){ .sges = 99 };
	next->opcode = what == RING_OPCODE ? 0xffff : IBV_WR_SEND;
	next->sges = what == RING_SGES ? 5 : what == RING_INLINE ? 65 : 0;
	next->flags = what == RING_INLINE ? IBV_SEND_INLINE : 0;
	if (what == RING_COMPLETIONS)
		up->completions[0] += 70;
	else if (what == RING_RECV_SGES)
		up->recvs[0]++;
	else if (what == RING_RECVS)
		up->recvs[0] += 1000;
	else
		up->sends[0] += what == RING_SENDS ? 1000 : 1;
}

static void who_scribbles_over_its_rings_ends_its_own_queue_pairs_alone(void **state)
{
	(void)state;
	for (enum scribble what = 0; what < SCRIBBLES; what++) {
		struct world_client *bad, *good;

		world_open();
		good = world_connect(1);
		bad = world_connect(0);
		talk_send_one(bad, 4000, 1);
		scribble(bad->up, what);
		world_run(100);
		assert_int_equal(talk_refused(0, RDMA_BROKEN), 1);
		assert_int_equal(world.service.clients[0].qps[0].qp->state, IBV_QPS_ERR);
		world_be(1);
		for (uint32_t i = 0; i < 20; i++)
			talk_send_one(good, 3000, i);
		assert_int_equal(talk_refused(1, RDMA_BROKEN), 0);
		world_be(0);
		world_connect(0); /* it begins anew */
		talk_send_one(&world.clients[0], 4000, 2);
		world_close();
	}
}

static void another_ones_keys_reach_nothing(void **state)
{
	struct world_client *client, *other;

	(void)state;
	world_open();
	other = world_connect(1);
	memset(other->down + 1, 0x55, 100);
	client = world_connect(0);
	assert_int_equal(
		talk_post(client, IBV_WR_SEND, 0, other->up + 1, 100, &other->state.mrs[0]), 0);
	talk_await(client, IBV_WC_LOC_PROT_ERR);
	client = world_connect(0);
	assert_int_equal(
		talk_post(client, IBV_WR_RDMA_READ, 0, other->down + 1, 100, &other->state.mrs[1]),
		0);
	talk_await(client, IBV_WC_LOC_PROT_ERR);
	assert_int_equal(((uint8_t *)(other->down + 1))[0], 0x55);
	world_be(1);
	talk_send_one(other, 3000, 5);
	world_close();
}

static void nothing_is_lost_when_completions_are_taken_late(void **state)
{
	struct world_client *client;
	unsigned posted = 0, taken = 0;
	uint64_t room;

	(void)state;
	world_open();
	client = world_connect(0);
	for (unsigned turn = 0; turn < 4000 && taken < 300; turn++) {
		uint8_t *const up = rdma_up_memory(&room);

		if (posted < 300 &&
			talk_post(client, IBV_WR_RDMA_WRITE, 0, up, 16, client->up_mr) == 0)
			posted++;
		world_run(20);
		if (turn % 300 < 150)
			continue; /* for long, nobody looks */
		while (rdma_poll_cq(client->cq, 1, &talk_wc) == 1) {
			assert_int_equal(talk_wc.status, IBV_WC_SUCCESS);
			taken++;
		}
	}
	assert_int_equal(taken, 300);
	assert_int_equal(talk_refused(0, RDMA_BROKEN), 0);
	world_close();
}

static void who_posts_all_it_can_sends_what_it_was_granted(void **state)
{
	struct world_client *client;
	uint64_t room, begin;

	(void)state;
	world_open();
	client = world_connect(1);
	begin = world.now;
	memset(world.sent_bytes, 0, sizeof(world.sent_bytes));
	for (unsigned turn = 0; turn < 20000; turn++) {
		talk_post(client, IBV_WR_RDMA_WRITE, 0, rdma_up_memory(&room), 4000, client->up_mr);
		world_run(10);
		while (rdma_poll_cq(client->cq, 1, &talk_wc) == 1)
			assert_int_equal(talk_wc.status, IBV_WC_SUCCESS);
		assert_true(world.sent_bytes[5] <=
			    20000 + 500000ull * (world.now - begin) / WORLD_TICKS);
	}
	assert_true(world.sent_bytes[5] > 450000ull * (world.now - begin) / WORLD_TICKS);
	world_close();
}

static void grants_that_the_port_cannot_hold_are_refused(void **state)
{
	const struct shared none = { NULL, NULL, 0, 0 }; /* not looked at */
	struct rdma_grant grant = *world_grant(0);

	(void)state;
	world_open();
	grant.sl = 7; /* on no lane */
	assert_string_equal(service_add(&world.service, &grant, &none, 0),
		"the port refuses its service level, rate or burst");
	grant.sl = 2;
	grant.burst_bytes = LANES_FRAME_BYTES - 1;
	assert_non_null(service_add(&world.service, &grant, &none, 0));
	grant.burst_bytes = LANES_FRAME_BYTES;
	grant.rate_bytes = 0;
	assert_non_null(service_add(&world.service, &grant, &none, 0));
	assert_int_equal(world.service.client_count, WORLD_CLIENTS);
	assert_string_equal(rdma_refusal_name(RDMA_REFUSED_SL), "sl");
	assert_string_equal(rdma_refusal_name(RDMA_REFUSALS), "unknown");
	world_close();
}

static void a_service_that_is_silent_is_noticed(void **state)
{
	struct world_client *client;
	struct rdma_link link;
	uint64_t counters[RDMA_REFUSALS];

	(void)state;
	world_open();
	client = world_connect(0);
	world.silent = true;
	link = (struct rdma_link){ client->up, client->down, WORLD_UP, WORLD_DOWN };
	assert_null(rdma_create_cq(client->context, 1, NULL));
	assert_false(rdma_counters(counters));
	assert_null(rdma_open(&link));
	world.silent = false;
	link.up_bytes = sizeof(struct rdma_up);
	assert_null(rdma_open(&link));
	world_close();
}

static void what_cannot_be_posted_is_said_at_once(void **state)
{
	struct world_client *client;
	struct ibv_sge sge[2] = { { 0 }, { 0 } };
	struct ibv_send_wr *bad, wr = {
		.sg_list = sge, .num_sge = 2, .send_flags = IBV_SEND_INLINE, .opcode = IBV_WR_SEND
	};
	struct ibv_recv_wr *bad_recv, recv = { .num_sge = 5 };
	static uint8_t data[100];
	unsigned posted = 0;

	(void)state;
	world_open();
	client = world_connect(0);
	sge[0] = (struct ibv_sge){ (uint64_t)(uintptr_t)data, 40, 0 };
	sge[1] = (struct ibv_sge){ (uint64_t)(uintptr_t)data, 25, 0 };
	assert_int_equal(rdma_post_send(client->qp, &wr, &bad), EINVAL);
	wr.num_sge = 5;
	assert_int_equal(rdma_post_send(client->qp, &wr, &bad), EINVAL);
	wr.num_sge = 1;
	wr.opcode = IBV_WR_OPCODES;
	assert_int_equal(rdma_post_send(client->qp, &wr, &bad), EINVAL);
	assert_int_equal(rdma_post_recv(client->qp, &recv, &bad_recv), EINVAL);
	recv.num_sge = 0;
	while (rdma_post_recv(client->qp, &recv, &bad_recv) == 0)
		posted++;
	assert_int_equal(posted, RDMA_DEPTH);
	wr.opcode = IBV_WR_SEND;
	while (rdma_post_send(client->qp, &wr, &bad) == 0)
		posted++;
	assert_int_equal(posted, 2 * RDMA_DEPTH);
	assert_ptr_equal(bad, &wr);
	client->qp->state = IBV_QPS_RTR;
	assert_int_equal(rdma_post_send(client->qp, &wr, &bad), EINVAL);
	client->qp->state = IBV_QPS_RESET;
	assert_int_equal(rdma_post_recv(client->qp, &recv, &bad_recv), EINVAL);
	world_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_both_ways_through_rings),
		cmocka_unit_test(memory_is_written_read_and_added_to),
		cmocka_unit_test(datagrams_carry_the_lane_that_was_granted),
		cmocka_unit_test(another_lane_rate_or_partition_is_refused_and_counted),
		cmocka_unit_test(only_memory_that_is_shared_is_registered),
		cmocka_unit_test(quotas_hold_and_leave_the_others_theirs),
		cmocka_unit_test(objects_are_the_clients_own_and_can_be_given_back),
		cmocka_unit_test(requests_that_are_none_are_refused),
		cmocka_unit_test(who_scribbles_over_its_rings_ends_its_own_queue_pairs_alone),
		cmocka_unit_test(another_ones_keys_reach_nothing),
		cmocka_unit_test(nothing_is_lost_when_completions_are_taken_late),
		cmocka_unit_test(who_posts_all_it_can_sends_what_it_was_granted),
		cmocka_unit_test(grants_that_the_port_cannot_hold_are_refused),
		cmocka_unit_test(a_service_that_is_silent_is_noticed),
		cmocka_unit_test(what_cannot_be_posted_is_said_at_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rdma_service", tests, NULL, NULL);
}
