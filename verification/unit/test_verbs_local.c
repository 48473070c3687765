/*
 * Verbs through shared memory: everything that is true of packets, and an other end that lies.
 */
#include <errno.h>

#include <ib/local.h>

#include "verbs_pair.h"

#define AREA     ((uint32_t)sizeof(struct ibv_local_area))
#define SOURCE   (AREA + 64u)
#define TARGET   0x140000u
#define MEGABYTE 0x100000u

static struct pair pair;
static struct ibv_local_link links[2];
static struct pair_end *const here = &pair.ends[0], *const there = &pair.ends[1];
static uint64_t now;

static void poll_both(const unsigned turns)
{
	for (unsigned i = 0; i < turns; i++) {
		now++;
		ibv_local_poll(&links[0], now);
		ibv_local_poll(&links[1], now);
	}
}

static void open_link(const unsigned end)
{
	struct ibv_qp_attr attr = pair_attributes(&pair, end, IBV_MTU_4096, 0);

	attr.qp_state = IBV_QPS_RESET;
	assert_int_equal(ibv_modify_qp(pair.ends[end].qp, &attr, IBV_QP_STATE), 0);
	assert_int_equal(ibv_local_open(&links[end], pair.ends[end].qp, pair.ends[end].memory,
				 PAIR_MEMORY, pair.ends[1 - end].memory, PAIR_MEMORY),
		0);
	assert_int_equal(pair_connect(pair.ends[end].qp, &attr), 0);
}

static void open_both(void)
{
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_4096, 0);
	open_link(0);
	open_link(1);
}

static uint64_t target(const uint32_t offset)
{
	return (uint64_t)(uintptr_t)(there->memory + offset);
}

static bool completes(struct ibv_cq *const cq, struct ibv_wc *const wc)
{
	for (unsigned i = 0; i < 1000; i++) {
		if (ibv_poll_cq(cq, 1, wc) == 1)
			return true;
		poll_both(1);
	}
	return false;
}

static void fill(uint8_t *const memory, const uint32_t bytes, uint64_t seed)
{
	seed = seed * 2 + 1;
	for (uint32_t i = 0; i < bytes; i++)
		memory[i] = (uint8_t)(unit_random(&seed) >> 32);
}

static void transfer(const enum ibv_wr_opcode opcode, const uint32_t bytes, const uint64_t id)
{
	const bool reads = opcode == IBV_WR_RDMA_READ;
	const bool received = opcode != IBV_WR_RDMA_WRITE && !reads;
	uint8_t *const from = reads ? there->memory + TARGET : here->memory + SOURCE;
	uint8_t *const to = reads ? here->memory + SOURCE : there->memory + TARGET;
	struct ibv_wc wc;

	fill(from, bytes, id);
	memset(to, 0x5a, bytes + 8);
	if (received)
		assert_int_equal(pair_recv(there, id, TARGET, bytes), 0);
	assert_int_equal(pair_send(here, id, opcode, IBV_SEND_SIGNALED, SOURCE, bytes,
				 target(TARGET), there->mr->rkey),
		0);
	assert_true(completes(here->send_cq, &wc));
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.wr_id, id);
	assert_int_equal(wc.byte_len, bytes);
	assert_memory_equal(to, from, bytes);
	assert_int_equal(to[bytes], 0x5a);
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), received);
	if (received) {
		assert_int_equal(wc.byte_len, bytes);
		assert_int_equal(wc.wr_id, id);
		assert_int_equal(wc.imm_data, opcode == IBV_WR_SEND ? 0 : id);
		assert_int_equal(wc.opcode, opcode == IBV_WR_RDMA_WRITE_WITH_IMM
						    ? IBV_WC_RECV_RDMA_WITH_IMM
						    : IBV_WC_RECV);
	}
}

static void messages_of_every_size_arrive(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 8, 63, 64, 65, 100, 4095, 4096, 4097, 65536,
		MEGABYTE };
	uint64_t id = 1;

	(void)state;
	open_both();
	for (enum ibv_wr_opcode opcode = IBV_WR_RDMA_WRITE; opcode <= IBV_WR_RDMA_READ; opcode++)
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			transfer(opcode, sizes[s], id++);
	pair_close(&pair);
}

static void atomics_are_atomic(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_both();
	for (unsigned i = 0; i < 100; i++) {
		const bool swap = i % 3 == 0;
		struct ibv_sge sge = pair_sge(here, SOURCE, 8);
		struct ibv_send_wr *bad, wr = { .wr_id = i,
			.sg_list = &sge,
			.num_sge = 1,
			.opcode = swap ? IBV_WR_ATOMIC_CMP_AND_SWP : IBV_WR_ATOMIC_FETCH_AND_ADD,
			.send_flags = IBV_SEND_SIGNALED };

		wr.wr.atomic.remote_addr = target(TARGET);
		wr.wr.atomic.rkey = there->mr->rkey;
		wr.wr.atomic.compare_add = swap ? i : 1;
		wr.wr.atomic.swap = i + 1;
		assert_int_equal(ibv_post_send(here->qp, &wr, &bad), 0);
		assert_true(completes(here->send_cq, &wc));
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
		assert_int_equal(*(uint64_t *)(void *)(here->memory + SOURCE), i);
	}
	assert_int_equal(*(uint64_t *)(void *)(there->memory + TARGET), 100);
	pair_close(&pair);
}

static void small_messages_travel_from_anywhere_and_large_ones_from_what_is_exported(void **state)
{
	static uint8_t private_bytes[256];
	struct ibv_mr *const mr = (open_both(), ibv_reg_mr(here->pd, private_bytes, 256, 0));
	struct ibv_sge sges[] = { { (uint64_t)(uintptr_t)private_bytes, 30, mr->lkey },
		{ (uint64_t)(uintptr_t)(private_bytes + 100), 34, mr->lkey } };
	struct ibv_send_wr *bad, wr = { .sg_list = sges,
		.num_sge = 2,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED };
	struct ibv_wc wc;

	(void)state;
	fill(private_bytes, 256, 3);
	assert_int_equal(pair_recv(there, 1, TARGET, 64), 0);
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), 0);
	memset(private_bytes + 100, 0, 10); /* it has been taken already */
	assert_true(completes(here->send_cq, &wc));
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_memory_equal(there->memory + TARGET, private_bytes, 30);
	fill(private_bytes, 256, 3);
	assert_memory_equal(there->memory + TARGET + 30, private_bytes + 100, 34);
	sges[1].length = 35;
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	sges[1].length = 1;
	sges[1].lkey ^= 256;
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), EINVAL);
	wr.send_flags = IBV_SEND_INLINE | IBV_SEND_SIGNALED;
	assert_int_equal(pair_recv(there, 1, TARGET, 64), 0);
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), 0);
	assert_true(completes(here->send_cq, &wc));
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	pair_close(&pair);
}

static void fails(const enum ibv_wr_opcode opcode, const uint32_t bytes, const uint64_t remote,
	const uint32_t rkey, const enum ibv_wc_status status)
{
	static uint8_t before[PAIR_MEMORY];
	struct ibv_wc wc;

	memcpy(before, there->memory + TARGET, PAIR_MEMORY - TARGET);
	assert_int_equal(pair_send(here, 1, opcode, 0, SOURCE, bytes, remote, rkey), 0);
	assert_true(completes(here->send_cq, &wc));
	assert_int_equal(wc.status, status);
	assert_int_equal(here->qp->state, IBV_QPS_ERR);
	assert_int_equal(there->qp->state, IBV_QPS_ERR);
	assert_memory_equal(before, there->memory + TARGET, PAIR_MEMORY - TARGET);
	pair_close(&pair);
}

static void what_keys_do_not_allow_is_an_error_and_changes_nothing(void **state)
{
	struct ibv_mr *mr;

	(void)state;
	open_both();
	fails(IBV_WR_RDMA_WRITE, 8, target(TARGET), there->mr->rkey + 256, IBV_WC_REM_ACCESS_ERR);
	open_both();
	fails(IBV_WR_RDMA_WRITE, 8, target(PAIR_MEMORY - 7), there->mr->rkey,
		IBV_WC_REM_ACCESS_ERR);
	open_both();
	fails(IBV_WR_RDMA_READ, 8, target(0) - 1, there->mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_both();
	fails(IBV_WR_ATOMIC_FETCH_AND_ADD, 8, target(TARGET + 4), there->mr->rkey,
		IBV_WC_REM_INV_REQ_ERR);
	open_both();
	mr = ibv_reg_mr(there->pd, there->memory + TARGET, 4096, IBV_ACCESS_REMOTE_READ);
	fails(IBV_WR_RDMA_WRITE, 8, target(TARGET), mr->rkey, IBV_WC_REM_ACCESS_ERR);
	open_both();
	there->qp->attr.qp_access_flags = 0;
	fails(IBV_WR_RDMA_READ, 8, target(TARGET), there->mr->rkey, IBV_WC_REM_ACCESS_ERR);
}

static void a_message_too_long_for_its_buffer_fails_at_both_ends(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_both();
	assert_int_equal(pair_recv(there, 7, TARGET, 99), 0);
	fails(IBV_WR_SEND, 100, 0, 0, IBV_WC_REM_INV_REQ_ERR);
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_LOC_LEN_ERR);
	assert_int_equal(wc.wr_id, 7);
}

static void a_receiver_without_a_buffer_is_waited_for(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_both();
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, IBV_SEND_SIGNALED, SOURCE, 9000, 0, 0), 0);
	assert_int_equal(pair_send(here, 2, IBV_WR_SEND, IBV_SEND_SIGNALED, SOURCE, 9, 0, 0), 0);
	poll_both(1000);
	assert_int_equal(ibv_poll_cq(here->send_cq, 1, &wc), 0);
	assert_int_equal(pair_recv(there, 3, TARGET, 9000), 0);
	assert_true(completes(here->send_cq, &wc));
	assert_int_equal(wc.wr_id, 1);
	assert_int_equal(pair_recv(there, 4, TARGET, 9000), 0);
	assert_true(completes(here->send_cq, &wc));
	assert_int_equal(wc.wr_id, 2);
	pair_close(&pair);
}

static void slots_are_reused_and_a_full_link_says_so(void **state)
{
	struct ibv_wc wc;
	uint64_t sent = 0, done = 0;

	(void)state;
	open_both();
	while (done < 1000) {
		while (pair_send(here, sent, IBV_WR_RDMA_WRITE, IBV_SEND_SIGNALED, SOURCE, 8,
			       target(TARGET), there->mr->rkey) == 0)
			sent++;
		assert_in_range(sent - done, 1, IBV_LOCAL_SLOTS);
		poll_both(1 + sent % 5);
		while (ibv_poll_cq(here->send_cq, 1, &wc) == 1)
			assert_int_equal(wc.wr_id, done++);
	}
	pair_close(&pair);
}

static void an_end_that_is_gone_is_noticed(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_both();
	poll_both(3);
	assert_int_equal(pair_send(here, 5, IBV_WR_SEND, 0, SOURCE, 8, 0, 0), 0);
	for (unsigned i = 0; i < 3; i++)
		ibv_local_poll(&links[0], now);
	assert_int_equal(ibv_poll_cq(here->send_cq, 1, &wc), 0);
	now += 8 * here->qp->timeout_ticks + 1;
	ibv_local_poll(&links[0], now);
	assert_int_equal(ibv_poll_cq(here->send_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_RETRY_EXC_ERR);
	pair_close(&pair);
}

static void an_end_that_begins_a_new_life_is_met_again(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_both();
	transfer(IBV_WR_SEND, 5000, 1);
	assert_int_equal(pair_send(here, 2, IBV_WR_SEND, 0, SOURCE, 8, 0, 0), 0);
	open_link(1);
	assert_true(completes(here->send_cq, &wc));
	assert_int_equal(wc.status, IBV_WC_RETRY_EXC_ERR);
	poll_both(10);
	open_link(0);
	transfer(IBV_WR_SEND, 5000, 3);
	assert_int_equal(links[1].taken, 1);
	pair_close(&pair);
}

/* ---- An other end that lies ---- */

/* Whatever stands in its area: what it may not write stays as it was, and nobody else's memory is read. */
static void an_end_that_lies_harms_only_its_link(void **state)
{
	static uint8_t guarded[4096], guarded_before[4096];
	uint64_t random = 9;

	(void)state;
	fill(guarded, sizeof(guarded), 5);
	memcpy(guarded_before, guarded, sizeof(guarded));
	open_both();
	for (unsigned life = 0; life < 4000; life++) {
		struct ibv_local_area *const lies = (struct ibv_local_area *)(void *)there->memory;
		struct ibv_mr *private_mr;
		struct ibv_wc wc;

		open_link(0);
		open_link(1);
		private_mr = ibv_reg_mr(here->pd, guarded, sizeof(guarded), 0);
		pair_recv(here, 1, SOURCE, 4096);
		pair_send(
			here, 1, IBV_WR_RDMA_READ, 0, SOURCE, 512, target(TARGET), there->mr->rkey);
		poll_both(2);
		for (unsigned i = 0; i < 20; i++) {
			uint8_t *const slot = (uint8_t *)&lies->slots[unit_random(&random) % 4];
			const uint32_t keys[] = { here->mr->rkey, private_mr->rkey, 0 };

			for (unsigned b = 0; b < sizeof(struct ibv_local_slot); b++)
				if (unit_random(&random) % 4 == 0)
					slot[b] = (uint8_t)(unit_random(&random) >> 40);
			((struct ibv_local_slot *)(void *)slot)->rkey =
				keys[unit_random(&random) % 3];
			((struct ibv_local_slot *)(void *)slot)->opcode = unit_random(&random) % 8;
			if (unit_random(&random) % 2)
				((struct ibv_local_slot *)(void *)slot)->remote_addr =
					(uint64_t)(uintptr_t)guarded + unit_random(&random) % 5000;
			if (unit_random(&random) % 2)
				((struct ibv_local_slot *)(void *)slot)->bytes &= 0x1fff;
			lies->posted += unit_random(&random) % 2;
			lies->taken += unit_random(&random) % 16 == 0;
			lies->answers[0].result =
				unit_random(&random) >> (unit_random(&random) % 64);
			if (unit_random(&random) % 64 == 0)
				lies->posted = unit_random(&random);
			ibv_local_poll(&links[0], ++now);
		}
		while (ibv_poll_cq(here->send_cq, 1, &wc) + ibv_poll_cq(here->recv_cq, 1, &wc) != 0)
			;
		ibv_dereg_mr(private_mr);
	}
	assert_memory_equal(guarded, guarded_before, sizeof(guarded));
	pair_close(&pair);
}

static void areas_that_cannot_be_are_refused(void **state)
{
	struct ibv_local_link link;
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	uint8_t *const memory = (pair_open(&pair, IBV_QPT_RC, IBV_MTU_256, 0), here->memory);

	(void)state;
	assert_int_equal(
		ibv_local_open(&link, here->qp, memory, AREA, there->memory, AREA), EINVAL);
	assert_int_equal(ibv_modify_qp(here->qp, &attr, IBV_QP_STATE), 0);
	assert_int_equal(
		ibv_local_open(&link, here->qp, memory, AREA - 1, there->memory, AREA), EINVAL);
	assert_int_equal(
		ibv_local_open(&link, here->qp, memory, AREA, there->memory, AREA - 1), EINVAL);
	assert_int_equal(
		ibv_local_open(&link, here->qp, memory + 64, AREA, there->memory, AREA), EINVAL);
	assert_int_equal(ibv_local_open(&link, here->qp, memory, AREA, there->memory, AREA), 0);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_every_size_arrive),
		cmocka_unit_test(atomics_are_atomic),
		cmocka_unit_test(
			small_messages_travel_from_anywhere_and_large_ones_from_what_is_exported),
		cmocka_unit_test(what_keys_do_not_allow_is_an_error_and_changes_nothing),
		cmocka_unit_test(a_message_too_long_for_its_buffer_fails_at_both_ends),
		cmocka_unit_test(a_receiver_without_a_buffer_is_waited_for),
		cmocka_unit_test(slots_are_reused_and_a_full_link_says_so),
		cmocka_unit_test(an_end_that_is_gone_is_noticed),
		cmocka_unit_test(an_end_that_begins_a_new_life_is_met_again),
		cmocka_unit_test(an_end_that_lies_harms_only_its_link),
		cmocka_unit_test(areas_that_cannot_be_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("verbs_local", tests, NULL, NULL);
}
