/*
 * What verbs promise over a link that does nothing wrong: rules of posting, rights, counters by reason,
 * unreliable connections and datagrams, and that a bad packet changes nothing but the queue pair it names.
 */
#include <errno.h>

#include "verbs_pair.h"

#define TARGET 0x140000u

static struct pair pair;
static struct pair_end *const here = &pair.ends[0], *const there = &pair.ends[1];

static uint64_t target(const uint32_t offset)
{
	return (uint64_t)(uintptr_t)(there->memory + offset);
}

static void open_rc(void)
{
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_1024, 100);
}

/* The request ends with that status, at a receiver whose memory stays as it is. */
static void fails(const enum ibv_wr_opcode opcode, const uint32_t bytes, const uint64_t remote,
	const uint32_t rkey, const enum ibv_wc_status status)
{
	static uint8_t before[PAIR_MEMORY];
	struct ibv_wc wc;

	memcpy(before, there->memory, PAIR_MEMORY);
	assert_int_equal(pair_send(here, 1, opcode, 0, 0, bytes, remote, rkey), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 1000));
	assert_int_equal(wc.status, status);
	assert_int_equal(wc.wr_id, 1);
	assert_int_equal(here->qp->state, IBV_QPS_ERR);
	assert_int_equal(there->qp->state, IBV_QPS_ERR);
	assert_memory_equal(before, there->memory, PAIR_MEMORY);
	pair_close(&pair);
}

static void what_keys_do_not_allow_is_an_error_and_changes_nothing(void **state)
{
	struct ibv_mr *mr;
	struct ibv_pd *pd;

	(void)state;
	open_rc();
	fails(IBV_WR_RDMA_WRITE, 8, target(0), there->mr->rkey + 256, IBV_WC_REM_ACCESS_ERR);
	open_rc();
	fails(IBV_WR_RDMA_WRITE, 2000, target(PAIR_MEMORY - 1999), there->mr->rkey,
		IBV_WC_REM_ACCESS_ERR);
	open_rc();
	fails(IBV_WR_RDMA_READ, 8, target(0) - 1, there->mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_rc();
	fails(IBV_WR_RDMA_READ, 16, UINT64_MAX - 7, there->mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_rc();
	fails(IBV_WR_ATOMIC_FETCH_AND_ADD, 8, target(4), there->mr->rkey, IBV_WC_REM_INV_REQ_ERR);
	open_rc();
	mr = ibv_reg_mr(there->pd, there->memory, 4096, IBV_ACCESS_REMOTE_READ);
	fails(IBV_WR_RDMA_WRITE, 8, target(0), mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_rc();
	mr = ibv_reg_mr(there->pd, there->memory, 4096, IBV_ACCESS_LOCAL_WRITE);
	fails(IBV_WR_ATOMIC_CMP_AND_SWP, 8, target(0), mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_rc();
	there->qp->attr.qp_access_flags = IBV_ACCESS_REMOTE_READ;
	fails(IBV_WR_RDMA_WRITE, 8, target(0), there->mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_rc();
	there->qp->attr.qp_access_flags = IBV_ACCESS_REMOTE_WRITE;
	fails(IBV_WR_RDMA_READ, 8, target(0), there->mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_rc();
	there->qp->attr.max_dest_rd_atomic = 0;
	fails(IBV_WR_RDMA_READ, 8, target(0), there->mr->rkey, IBV_WC_REM_INV_REQ_ERR);
	open_rc();
	pd = ibv_alloc_pd(&there->context);
	mr = ibv_reg_mr(pd, there->memory, 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	fails(IBV_WR_RDMA_WRITE, 8, target(0), mr->rkey, IBV_WC_REM_ACCESS_ERR);
	assert_int_equal(there->context.dropped[IBV_DROP_ACCESS], 1);
}

static void a_key_that_ended_is_none(void **state)
{
	struct ibv_mr *mr, *next;
	uint32_t key;

	(void)state;
	open_rc();
	mr = ibv_reg_mr(there->pd, there->memory, 4096, IBV_ACCESS_REMOTE_READ);
	key = mr->rkey;
	assert_int_equal(ibv_dereg_mr(mr), 0);
	next = ibv_reg_mr(there->pd, there->memory, 4096, IBV_ACCESS_REMOTE_READ);
	assert_ptr_equal(mr, next);
	assert_int_not_equal(next->rkey, key);
	fails(IBV_WR_RDMA_READ, 8, target(0), key, IBV_WC_REM_ACCESS_ERR);
}

static void a_read_whose_memory_goes_away_ends_in_an_error(void **state)
{
	struct ibv_mr *mr;
	struct ibv_wc wc;

	(void)state;
	open_rc();
	mr = ibv_reg_mr(there->pd, there->memory, 0x100000, IBV_ACCESS_REMOTE_READ);
	assert_int_equal(
		pair_send(here, 1, IBV_WR_RDMA_READ, 0, 0, 0x100000, target(0), mr->rkey), 0);
	pair_run(&pair, 20);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 1000));
	assert_int_equal(wc.status, IBV_WC_REM_ACCESS_ERR);
	pair_close(&pair);
}

static void a_message_too_long_for_its_buffer_fails_at_both_ends(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_rc();
	assert_int_equal(pair_recv(there, 7, TARGET, 1999), 0);
	assert_int_equal(pair_recv(there, 8, TARGET, 1999), 0);
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, 0, 0, 2000, 0, 0), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 1000));
	assert_int_equal(wc.status, IBV_WC_REM_INV_REQ_ERR);
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_LOC_LEN_ERR);
	assert_int_equal(wc.wr_id, 7);
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
	pair_close(&pair);
}

static void own_memory_without_the_right_is_a_local_error(void **state)
{
	struct ibv_sge sge = { 0, 64, 0 };
	struct ibv_recv_wr *bad_recv, recv = { .sg_list = &sge, .num_sge = 1 };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };
	struct ibv_mr *mr;
	struct ibv_wc wc;

	(void)state;
	open_rc();
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 1000));
	assert_int_equal(wc.status, IBV_WC_LOC_PROT_ERR);
	pair_close(&pair);
	open_rc();
	mr = ibv_reg_mr(there->pd, there->memory, 64, 0);
	sge = (struct ibv_sge){ target(0), 64, mr->lkey };
	assert_int_equal(ibv_post_recv(there->qp, &recv, &bad_recv), 0);
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, 0, 0, 64, 0, 0), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 1000));
	assert_int_equal(wc.status, IBV_WC_REM_OP_ERR);
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_LOC_PROT_ERR);
	pair_close(&pair);
}

/* ---- Posting ---- */

static void requests_that_cannot_be_are_refused(void **state)
{
	struct ibv_sge sges[5] = { { 0, 4, 0 } };
	struct ibv_send_wr *bad, wr = { .sg_list = sges, .num_sge = 5, .opcode = IBV_WR_SEND };

	(void)state;
	open_rc();
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	assert_ptr_equal(bad, &wr);
	wr.num_sge = 1;
	wr.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD; /* of four bytes */
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	wr.opcode = IBV_WR_OPCODES;
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	wr.opcode = IBV_WR_SEND;
	wr.send_flags = IBV_SEND_INLINE;
	sges[0].length = IBV_INLINE_MOST + 1;
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	wr.send_flags = 0;
	sges[0].length = IBV_MESSAGE_BYTES + 1;
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	pair_close(&pair);
	pair_open(&pair, IBV_QPT_UC, IBV_MTU_256, 0);
	sges[0].length = 8;
	wr.opcode = IBV_WR_RDMA_READ;
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	pair_close(&pair);
}

static void a_list_is_posted_up_to_the_first_that_is_refused(void **state)
{
	struct ibv_send_wr *bad, wrs[3] = { { .opcode = IBV_WR_SEND, .next = &wrs[1] },
		{ .opcode = IBV_WR_OPCODES, .next = &wrs[2] }, { .opcode = IBV_WR_SEND } };

	(void)state;
	open_rc();
	assert_int_equal(ibv_post_send(here->qp, wrs, &bad), EINVAL);
	assert_ptr_equal(bad, &wrs[1]);
	assert_int_equal(here->qp->requester.tail, 1);
	pair_close(&pair);
}

static void queues_that_are_full_say_so_and_completions_always_have_room(void **state)
{
	struct ibv_wc wcs[2 * PAIR_DEPTH + 1];
	unsigned posted = 0;

	(void)state;
	open_rc();
	for (unsigned i = 0; i < PAIR_DEPTH; i++)
		assert_int_equal(pair_send(here, i, IBV_WR_RDMA_WRITE, IBV_SEND_SIGNALED, 0, 8,
					 target(0), there->mr->rkey),
			0);
	assert_int_equal(pair_send(here, 0, IBV_WR_RDMA_WRITE, 0, 0, 8, target(0), 0), ENOMEM);
	for (posted = PAIR_DEPTH; posted < 2 * PAIR_DEPTH; posted++) {
		pair_run(&pair, 100);
		assert_int_equal(pair_send(here, posted, IBV_WR_RDMA_WRITE, IBV_SEND_SIGNALED, 0, 8,
					 target(0), there->mr->rkey),
			0);
	}
	pair_run(&pair, 100);
	assert_int_equal(pair_send(here, 0, IBV_WR_RDMA_WRITE, 0, 0, 8, target(0), 0), ENOMEM);
	assert_int_equal(ibv_poll_cq(here->send_cq, 2 * PAIR_DEPTH + 1, wcs), 2 * PAIR_DEPTH);
	for (unsigned i = 0; i < 2 * PAIR_DEPTH; i++)
		assert_int_equal(wcs[i].wr_id, i);
	assert_int_equal(pair_send(here, 0, IBV_WR_RDMA_WRITE, 0, 0, 8, target(0), 0), 0);
	pair_close(&pair);
}

static void requests_that_are_not_signalled_leave_nothing(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_rc();
	for (unsigned i = 0; i < 3 * PAIR_DEPTH; i++) {
		assert_int_equal(
			pair_send(here, i, IBV_WR_RDMA_WRITE, 0, 0, 8, target(0), there->mr->rkey),
			0);
		pair_run(&pair, 20);
	}
	assert_int_equal(ibv_poll_cq(here->send_cq, 1, &wc), 0);
	assert_int_equal(here->send_cq->room, 2 * PAIR_DEPTH);
	pair_close(&pair);
}

static void inline_data_is_taken_at_once_and_lists_are_put_together(void **state)
{
	uint8_t text[] = "in seven pieces of a whole";
	struct ibv_sge sges[4] = { { (uintptr_t)text, 3, 0 }, { (uintptr_t)(text + 3), 0, 0 },
		{ (uintptr_t)(text + 3), 7, 0 }, { (uintptr_t)(text + 10), 17, 0 } };
	struct ibv_send_wr *bad, wr = { .sg_list = sges,
		.num_sge = 4,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_INLINE | IBV_SEND_SIGNALED };
	struct ibv_sge to[3];
	struct ibv_recv_wr *bad_recv, recv = { .sg_list = to, .num_sge = 3 };
	struct ibv_wc wc;

	(void)state;
	open_rc();
	for (unsigned i = 0; i < 3; i++)
		to[i] = pair_sge(there, i == 0 ? 8 : 100 * i, i == 0 ? 5 : i == 1 ? 1 : 50);
	assert_int_equal(ibv_post_recv(there->qp, &recv, &bad_recv), 0);
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), 0);
	text[5] = '?';
	assert_true(pair_poll(&pair, there->recv_cq, &wc, 1000));
	assert_int_equal(wc.byte_len, 27);
	assert_memory_equal(there->memory + 8, "in se", 5);
	assert_memory_equal(there->memory + 100, "v", 2);
	assert_string_equal((char *)there->memory + 200, "en pieces of a whole");
	pair_close(&pair);
}

static void a_fence_waits_for_reads(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_rc();
	memset(there->memory + TARGET, 1, 100);
	assert_int_equal(
		pair_send(here, 1, IBV_WR_RDMA_READ, 0, 0, 8, target(TARGET), there->mr->rkey), 0);
	assert_int_equal(pair_send(here, 2, IBV_WR_RDMA_WRITE, IBV_SEND_FENCE | IBV_SEND_SIGNALED,
				 0, 8, target(0), there->mr->rkey),
		0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 1000));
	assert_int_equal(there->memory[0], 1); /* what was read, not what stood there before */
	pair_close(&pair);
}

static void states_are_entered_in_order_and_with_all_they_need(void **state)
{
	struct ibv_qp_attr attr;

	(void)state;
	open_rc();
	attr = pair_attributes(&pair, 0, IBV_MTU_1024, 0);
	attr.qp_state = IBV_QPS_RTR;
	assert_int_equal(ibv_modify_qp(here->qp, &attr, IBV_QP_STATE), EINVAL);
	attr.qp_state = IBV_QPS_RESET;
	assert_int_equal(ibv_modify_qp(here->qp, &attr, IBV_QP_STATE), 0);
	assert_int_equal(pair_recv(here, 1, 0, 8), EINVAL);
	attr.qp_state = IBV_QPS_INIT;
	assert_int_equal(ibv_modify_qp(here->qp, &attr, IBV_QP_STATE | IBV_QP_PORT), EINVAL);
	attr.qp_state = IBV_QPS_RESET;
	ibv_modify_qp(here->qp, &attr, IBV_QP_STATE);
	attr.timeout = 0;
	assert_int_equal(pair_connect(here->qp, &attr), EINVAL);
	assert_int_equal(here->qp->state, IBV_QPS_RTR);
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, 0, 0, 8, 0, 0), EINVAL);
	attr.qp_state = IBV_QPS_RESET;
	ibv_modify_qp(here->qp, &attr, IBV_QP_STATE);
	attr.timeout = 8;
	attr.max_rd_atomic = IBV_RD_ATOMIC + 1;
	assert_int_equal(pair_connect(here->qp, &attr), EINVAL);
	pair_close(&pair);
}

static void pools_that_are_empty_and_objects_in_use_say_so(void **state)
{
	struct ibv_qp_init_attr attr;

	(void)state;
	open_rc();
	attr = (struct ibv_qp_init_attr){
		.send_cq = here->send_cq, .recv_cq = here->recv_cq, .qp_type = IBV_QPT_RC
	};
	assert_int_equal(ibv_destroy_cq(here->send_cq), EBUSY);
	assert_int_equal(ibv_dealloc_pd(here->pd), EBUSY);
	for (unsigned i = 1; i < PAIR_QPS; i++)
		assert_non_null(ibv_create_qp(here->pd, &attr));
	assert_null(ibv_create_qp(here->pd, &attr));
	for (unsigned i = 0; i < PAIR_QPS; i++)
		assert_int_equal(ibv_destroy_qp(&here->qps[i]), 0);
	assert_int_equal(ibv_destroy_cq(here->send_cq), 0);
	assert_int_equal(ibv_dealloc_pd(here->pd), EBUSY);
	assert_int_equal(ibv_dereg_mr(here->mr), 0);
	assert_int_equal(ibv_dealloc_pd(here->pd), 0);
	assert_null(ibv_reg_mr(there->pd, there->memory, 0, 0));
	assert_null(ibv_reg_mr(there->pd, there->memory, 8, IBV_ACCESS_REMOTE_WRITE));
	assert_null(ibv_reg_mr(there->pd, there->memory, SIZE_MAX, 0));
	assert_null(ibv_reg_mr_iova(there->pd, there->memory, 64, 0x1004, 0));
	assert_non_null(ibv_reg_mr_iova(there->pd, there->memory, 64, 0x1008, 0));
	pair_close(&pair);
}

/* ---- Unreliable ---- */

static bool lose_a_middle(
	struct pair *const p, const unsigned to, const struct ib_packet *const packet)
{
	static unsigned middles;

	(void)p;
	(void)to;
	return (packet->bth.opcode & IB_OP_MASK) == IB_OP_SEND_MIDDLE && ++middles == 2;
}

static void an_unreliable_message_arrives_whole_or_not_at_all(void **state)
{
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_UC, IBV_MTU_256, 0xfffffe);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pair_recv(there, i, TARGET + 0x1000 * i, 2000), 0);
	pair.loses = lose_a_middle;
	memset(here->memory, 7, 2000);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(pair_send(here, i, IBV_WR_SEND_WITH_IMM, IBV_SEND_SIGNALED, 0,
					 1000 + i, 0, 0),
			0);
		assert_true(pair_poll(&pair, here->send_cq, &wc, 100));
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
	}
	pair_run(&pair, 100);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), 1);
		assert_int_equal(wc.wr_id, i - 1);
		assert_int_equal(wc.imm_data, i);
		assert_int_equal(wc.byte_len, 1000 + i);
		assert_memory_equal(
			there->memory + TARGET + 0x1000 * (i - 1), here->memory, 1000 + i);
	}
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), 0);
	assert_int_equal(
		pair_send(here, 9, IBV_WR_RDMA_WRITE, 0, 0, 777, target(0), there->mr->rkey), 0);
	pair_run(&pair, 100);
	assert_memory_equal(there->memory, here->memory, 777);
	pair_close(&pair);
}

static struct ibv_ah *address_of(struct pair_end *const end, const struct pair_end *const peer)
{
	const struct ibv_ah_attr attr = { .grh.dgid = peer->gid, .is_global = 1 };

	return ibv_create_ah(end->pd, &attr);
}

static int send_datagram(const uint32_t bytes, struct ibv_ah *const ah, const uint32_t qkey)
{
	struct ibv_sge sge = pair_sge(here, 0, bytes);
	struct ibv_send_wr *bad, wr = { .wr_id = 3,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND_WITH_IMM,
		.send_flags = IBV_SEND_SIGNALED,
		.imm_data = 5 };

	wr.wr.ud.ah = ah;
	wr.wr.ud.remote_qpn = there->qp->qp_num;
	wr.wr.ud.remote_qkey = qkey;
	return ibv_post_send(here->qp, &wr, &bad);
}

static void a_datagram_arrives_behind_its_route_header(void **state)
{
	struct ibv_ah *ah;
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_UD, IBV_MTU_1024, 0);
	ah = address_of(here, there);
	memset(here->memory, 9, 1025);
	assert_int_equal(pair_recv(there, 1, TARGET, 1064), 0);
	assert_int_equal(send_datagram(1025, ah, 0x1234), EINVAL);
	assert_int_equal(send_datagram(1024, NULL, 0x1234), EINVAL);
	assert_int_equal(send_datagram(1024, ah, 0x1234), 0);
	assert_int_equal(ibv_destroy_ah(ah), EBUSY);
	assert_true(pair_poll(&pair, there->recv_cq, &wc, 100));
	assert_int_equal(wc.byte_len, 1064);
	assert_int_equal(wc.src_qp, here->qp->qp_num);
	assert_int_equal(wc.imm_data, 5);
	assert_int_equal(wc.wc_flags, IBV_WC_GRH | IBV_WC_WITH_IMM);
	assert_int_equal(there->memory[TARGET], 0x60);
	assert_memory_equal(there->memory + TARGET + 40, here->memory, 1024);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 100));
	assert_int_equal(ibv_destroy_ah(ah), 0);
	pair_close(&pair);
}

static void a_datagram_with_another_qkey_or_no_buffer_is_counted_and_gone(void **state)
{
	struct ibv_ah *ah;
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_UD, IBV_MTU_1024, 0);
	ah = address_of(here, there);
	assert_int_equal(send_datagram(10, ah, 0x1234), 0);
	pair_run(&pair, 10);
	assert_int_equal(there->context.dropped[IBV_DROP_RECEIVE], 1);
	assert_int_equal(pair_recv(there, 1, TARGET, 60), 0);
	assert_int_equal(send_datagram(10, ah, 0x1235), 0);
	assert_int_equal(send_datagram(21, ah, 0x1234), 0);
	pair_run(&pair, 10);
	assert_int_equal(there->context.dropped[IBV_DROP_QKEY], 1);
	assert_int_equal(there->context.dropped[IBV_DROP_TOO_LONG], 1);
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), 0);
	assert_int_equal(send_datagram(20, ah, 0x80000000), 0); /* the sender's own */
	assert_true(pair_poll(&pair, there->recv_cq, &wc, 100));
	pair_close(&pair);
}

static void the_general_services_are_queue_pair_1_at_both_ends(void **state)
{
	struct ibv_ah *ah;
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_GSI, IBV_MTU_1024, 0);
	ah = address_of(here, there);
	assert_int_equal(here->qp->qp_num, 1);
	assert_int_equal(pair_recv(there, 1, TARGET, 300), 0);
	assert_int_equal(send_datagram(256, ah, IB_QKEY_GSI), 0);
	assert_true(pair_poll(&pair, there->recv_cq, &wc, 100));
	assert_int_equal(wc.src_qp, 1);
	assert_null(ibv_create_qp(there->pd, &(struct ibv_qp_init_attr){ .send_cq = there->send_cq,
						     .recv_cq = there->recv_cq,
						     .qp_type = IBV_QPT_GSI }));
	pair_close(&pair);
}

static void a_sender_chooses_no_other_sl_than_its_own(void **state)
{
	const struct ibv_ah_attr attr = { .sl = 3, .is_global = 1 };

	(void)state;
	pair_open(&pair, IBV_QPT_UD, IBV_MTU_1024, 0);
	assert_int_equal(send_datagram(10, ibv_create_ah(here->pd, &attr), 0x1234), EPERM);
	pair_close(&pair);
}

static void only_lanes_that_may_send_do(void **state)
{
	struct ibv_departure departure;

	(void)state;
	open_rc();
	assert_int_equal(ibv_backlog(&here->context), 0);
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, 0, 0, 8, 0, 0), 0);
	assert_int_equal(ibv_backlog(&here->context), 1u << 0);
	assert_false(ibv_next(&here->context, pair.now, 0xfffe, &departure));
	assert_int_equal(ibv_backlog(&here->context), 1u << 0);
	assert_true(ibv_next(&here->context, pair.now, 0x0001, &departure));
	assert_int_equal(departure.packet.bth.destination, there->qp->qp_num);
	pair_close(&pair);
}

/* ---- Packets that are wrong ---- */

/* All of an end but its counters and one queue pair. */
static uint64_t sum_of_others(struct pair_end *const end, const struct ibv_qp *const qp)
{
	static struct pair_end copy;
	uint64_t sum = 1;

	memcpy(&copy, end, sizeof(copy));
	memset(copy.context.dropped, 0, sizeof(copy.context.dropped));
	if (qp != NULL)
		memset(&copy.qps[qp->index], 0, sizeof(*qp));
	for (size_t i = 0; i < sizeof(copy); i++)
		sum = (sum ^ ((const uint8_t *)&copy)[i]) * 0x100000001b3ull;
	for (size_t i = 0; i < PAIR_MEMORY; i += 8)
		sum = (sum ^ *(const uint64_t *)(const void *)(end->memory + i)) * 0x100000001b3ull;
	return sum;
}

static void expect_drop(const enum ibv_drop drop, const struct ib_packet *const packet,
	const struct ibv_arrival *const arrival, const bool alone)
{
	const uint64_t before = sum_of_others(there, alone ? NULL : there->qp);
	const uint64_t counted = there->context.dropped[drop];

	assert_int_equal(ibv_receive(&there->context, pair.now, arrival, packet), drop);
	assert_int_equal(there->context.dropped[drop], counted + 1);
	if (alone)
		assert_true(sum_of_others(there, NULL) == before);
}

static void packets_for_others_change_nothing_and_are_counted_by_reason(void **state)
{
	struct ibv_arrival arrival;
	struct ib_packet good, packet;

	(void)state;
	open_rc();
	arrival = (struct ibv_arrival){ NULL, here->gid, 0, 0 };
	assert_int_equal(pair_recv(there, 1, TARGET, 64), 0);
	good = (struct ib_packet){ .bth = { .opcode = IB_OP_SEND_ONLY,
					   .pkey = 0xffff,
					   .destination = there->qp->qp_num,
					   .psn = 100 },
		.payload = here->memory,
		.payload_bytes = 8 };
	packet = good;
	packet.bth.destination ^= 1;
	expect_drop(IBV_DROP_QP, &packet, &arrival, true);
	packet.bth.destination = 1;
	expect_drop(IBV_DROP_QP, &packet, &arrival, true);
	packet.bth.destination = there->qp->qp_num + 256;
	expect_drop(IBV_DROP_QP, &packet, &arrival, true);
	packet = good;
	packet.bth.opcode |= IB_TRANSPORT_UC;
	expect_drop(IBV_DROP_TRANSPORT, &packet, &arrival, true);
	packet = good;
	packet.bth.pkey = 0xfffe;
	expect_drop(IBV_DROP_PKEY, &packet, &arrival, true);
	packet = good;
	arrival.source.raw[15]++;
	expect_drop(IBV_DROP_SOURCE, &packet, &arrival, true);
	arrival.source = here->gid;
	packet.bth.opcode = IB_OPCODE_CNP;
	expect_drop(IBV_DROP_CONGESTION, &packet, &arrival, true);
	packet.bth.opcode = IB_OP_ACKNOWLEDGE;
	expect_drop(IBV_DROP_RESPONSE, &packet, &arrival, true);
	packet = good;
	packet.bth.psn = 102;
	expect_drop(IBV_DROP_PSN, &packet, &arrival, false);
	packet.bth.psn = 99;
	expect_drop(IBV_DROP_DUPLICATE, &packet, &arrival, false);
	expect_drop(IBV_DROP_NONE, &good, &arrival, false);
	packet = good;
	packet.bth.psn = 101;
	packet.bth.opcode = IB_OP_SEND_LAST;
	expect_drop(IBV_DROP_OPCODE, &packet, &arrival, false);
	expect_drop(IBV_DROP_STATE, &packet, &arrival, false);
	pair_close(&pair);
}

static void limited_members_do_not_speak_with_each_other(void **state)
{
	struct ibv_arrival arrival;
	struct ib_packet packet;

	(void)state;
	open_rc();
	arrival = (struct ibv_arrival){ NULL, here->gid, 0, 0 };
	assert_int_equal(ibv_set_pkey(&there->context, 0, 0x7001), 0);
	packet = (struct ib_packet){ .bth = { .opcode = IB_OP_WRITE_ONLY,
					     .pkey = 0x7001,
					     .destination = there->qp->qp_num,
					     .psn = 100 } };
	expect_drop(IBV_DROP_PKEY, &packet, &arrival, true);
	packet.bth.pkey = 0xf001;
	expect_drop(IBV_DROP_NONE, &packet, &arrival, false);
	assert_int_equal(ibv_set_pkey(&there->context, 0, 0x8000), EINVAL);
	pair_close(&pair);
}

static void one_gap_is_complained_about_once(void **state)
{
	struct ibv_arrival arrival;
	struct ib_packet packet;
	struct ibv_departure departure;

	(void)state;
	open_rc();
	arrival = (struct ibv_arrival){ NULL, here->gid, 0, 0 };
	packet = (struct ib_packet){ .bth = { .opcode = IB_OP_WRITE_ONLY,
					     .pkey = 0xffff,
					     .destination = there->qp->qp_num,
					     .psn = 105 } };
	for (unsigned i = 0; i < 3; i++, packet.bth.psn++)
		expect_drop(IBV_DROP_PSN, &packet, &arrival, false);
	assert_true(ibv_next(&there->context, pair.now, 0xffff, &departure));
	assert_int_equal(departure.packet.bth.opcode, IB_OP_ACKNOWLEDGE);
	assert_int_equal(departure.packet.aeth.syndrome, IB_AETH_NAK | IB_NAK_SEQUENCE);
	assert_int_equal(departure.packet.bth.psn, 100);
	expect_drop(IBV_DROP_PSN, &packet, &arrival, false);
	assert_false(ibv_next(&there->context, pair.now, 0xffff, &departure));
	pair_close(&pair);
}

static void every_status_and_reason_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= IBV_WC_GENERAL_ERR; i++)
		assert_string_not_equal(ibv_wc_status_str((enum ibv_wc_status)i), "unknown");
	assert_string_equal(ibv_wc_status_str((enum ibv_wc_status)99), "unknown");
	assert_string_equal(ibv_drop_name(IBV_DROP_PKEY), "pkey");
	assert_string_equal(ibv_drop_name(IBV_DROPS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_keys_do_not_allow_is_an_error_and_changes_nothing),
		cmocka_unit_test(a_key_that_ended_is_none),
		cmocka_unit_test(a_read_whose_memory_goes_away_ends_in_an_error),
		cmocka_unit_test(a_message_too_long_for_its_buffer_fails_at_both_ends),
		cmocka_unit_test(own_memory_without_the_right_is_a_local_error),
		cmocka_unit_test(requests_that_cannot_be_are_refused),
		cmocka_unit_test(a_list_is_posted_up_to_the_first_that_is_refused),
		cmocka_unit_test(queues_that_are_full_say_so_and_completions_always_have_room),
		cmocka_unit_test(requests_that_are_not_signalled_leave_nothing),
		cmocka_unit_test(inline_data_is_taken_at_once_and_lists_are_put_together),
		cmocka_unit_test(a_fence_waits_for_reads),
		cmocka_unit_test(states_are_entered_in_order_and_with_all_they_need),
		cmocka_unit_test(pools_that_are_empty_and_objects_in_use_say_so),
		cmocka_unit_test(an_unreliable_message_arrives_whole_or_not_at_all),
		cmocka_unit_test(a_datagram_arrives_behind_its_route_header),
		cmocka_unit_test(a_datagram_with_another_qkey_or_no_buffer_is_counted_and_gone),
		cmocka_unit_test(the_general_services_are_queue_pair_1_at_both_ends),
		cmocka_unit_test(a_sender_chooses_no_other_sl_than_its_own),
		cmocka_unit_test(only_lanes_that_may_send_do),
		cmocka_unit_test(packets_for_others_change_nothing_and_are_counted_by_reason),
		cmocka_unit_test(limited_members_do_not_speak_with_each_other),
		cmocka_unit_test(one_gap_is_complained_about_once),
		cmocka_unit_test(every_status_and_reason_has_a_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
