/*
 * Reliable connections over links that lose, double, delay and damage: every message exactly once and in
 * order, or a completion with an error. All operations, sizes from 0 to 1 MB, every MTU.
 */
#include "verbs_pair.h"

#define PATIENCE_US 4000000u
#define SOURCE      0u
#define TARGET      0x140000u
#define WORDS       0x130000u /* for atomics, of the second end */
#define MEGABYTE    0x100000u
#define NEAR_WRAP   0xfffff0u

static struct pair pair;

static void fill(uint8_t *const memory, const uint32_t bytes, uint64_t seed)
{
	seed = seed * 2 + 1;
	for (uint32_t i = 0; i < bytes; i++)
		memory[i] = (uint8_t)(unit_random(&seed) >> 32);
}

static uint64_t target(const unsigned end, const uint32_t offset)
{
	return (uint64_t)(uintptr_t)(pair.ends[end].memory + offset);
}

/* One message of that size; its data has to be there, and nothing behind it. */
static void transfer(const enum ibv_wr_opcode opcode, const uint32_t bytes, const uint64_t id)
{
	struct pair_end *const here = &pair.ends[0], *const there = &pair.ends[1];
	const bool reads = opcode == IBV_WR_RDMA_READ;
	const bool received = opcode == IBV_WR_SEND || opcode == IBV_WR_SEND_WITH_IMM ||
			      opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
	uint8_t *const from = reads ? there->memory + TARGET : here->memory + SOURCE;
	uint8_t *const to = reads ? here->memory + SOURCE : there->memory + TARGET;
	struct ibv_wc wc;

	fill(from, bytes, id);
	memset(to, 0x5a, bytes + 8);
	if (received)
		assert_int_equal(pair_recv(there, id, TARGET, bytes), 0);
	assert_int_equal(pair_send(here, id, opcode, IBV_SEND_SIGNALED, SOURCE, bytes,
				 target(1, TARGET), there->mr->rkey),
		0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, PATIENCE_US));
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.wr_id, id);
	assert_memory_equal(to, from, bytes);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(to[bytes + i], 0x5a);
	assert_int_equal(ibv_poll_cq(there->recv_cq, 1, &wc), received);
	if (received) {
		assert_int_equal(wc.byte_len, bytes);
		assert_int_equal(wc.wr_id, id);
		assert_int_equal(wc.imm_data, opcode == IBV_WR_SEND ? 0 : id);
	}
}

static void messages_of_every_size_arrive_at_every_mtu(void **state)
{
	static const enum ibv_wr_opcode opcodes[] = { IBV_WR_SEND, IBV_WR_SEND_WITH_IMM,
		IBV_WR_RDMA_WRITE, IBV_WR_RDMA_WRITE_WITH_IMM, IBV_WR_RDMA_READ };
	uint64_t id = 1;

	(void)state;
	for (enum ibv_mtu mtu = IBV_MTU_256; mtu <= IBV_MTU_4096; mtu++) {
		const uint32_t bytes = 128u << mtu;
		const uint32_t sizes[] = { 0, 1, 3, bytes - 1, bytes, bytes + 1, 2 * bytes,
			16 * bytes, 16 * bytes + 5, MEGABYTE };

		pair_open(&pair, IBV_QPT_RC, mtu, NEAR_WRAP);
		for (unsigned o = 0; o < 5; o++)
			for (unsigned s = 0; s < 10; s++)
				transfer(opcodes[o], sizes[s], id++);
		assert_int_equal(pair.ends[0].qp->retransmitted, 0);
		assert_in_range(pair.most_unasked, 1, 15);
		pair_close(&pair);
	}
}

/* ---- A stream of everything ---- */

#define STREAM_MESSAGES 240u
#define SLOT_BYTES      0x4000u
#define SLOTS           16u

struct stream {
	unsigned from;
	uint64_t random;
	unsigned posted, completed, received;
	uint64_t sum;                      /* of all that was added */
	unsigned expects[STREAM_MESSAGES]; /* what each message is */
	uint32_t bytes[STREAM_MESSAGES];
	unsigned receives; /* messages that use up what is posted to receive */
	unsigned ids[STREAM_MESSAGES];
};

static bool receives(const unsigned opcode)
{
	return opcode == IBV_WR_SEND || opcode == IBV_WR_SEND_WITH_IMM ||
	       opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
}

/* Each direction has its own half of the memories; a slot is used again when its message is over. */
static uint32_t slot(const struct stream *const s, const unsigned number, const bool at_target)
{
	return (s->from * 2 + at_target) * SLOTS * SLOT_BYTES + number % SLOTS * SLOT_BYTES;
}

static uint32_t word(const struct stream *const s)
{
	return WORDS + 64 * s->from;
}

static void post(struct stream *const s)
{
	struct pair_end *const here = &pair.ends[s->from], *const there = &pair.ends[1 - s->from];
	const unsigned n = s->posted;
	const unsigned opcode = (unsigned)(unit_random(&s->random) % IBV_WR_OPCODES);
	const bool atomic = opcode >= IBV_WR_ATOMIC_CMP_AND_SWP;
	const uint32_t bytes = atomic ? 8 : (uint32_t)(unit_random(&s->random) % SLOT_BYTES);
	struct ibv_sge sge = pair_sge(here, slot(s, n, false), bytes);
	struct ibv_send_wr *bad, wr = { .wr_id = n,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = (enum ibv_wr_opcode)opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.imm_data = n };

	wr.wr.rdma.remote_addr = target(1 - s->from, slot(s, n, true));
	wr.wr.rdma.rkey = there->mr->rkey;
	if (atomic) {
		wr.wr.atomic.remote_addr = target(1 - s->from, word(s));
		wr.wr.atomic.compare_add = opcode == IBV_WR_ATOMIC_FETCH_AND_ADD ? n + 1 : s->sum;
		wr.wr.atomic.swap = s->sum + n + 1;
		wr.wr.atomic.rkey = there->mr->rkey;
		s->sum += n + 1;
	}
	if (opcode == IBV_WR_RDMA_READ)
		fill(there->memory + slot(s, n, true), bytes, 2 * n + s->from);
	else
		fill(here->memory + slot(s, n, false), bytes, 2 * n + s->from);
	s->expects[n] = opcode;
	s->bytes[n] = bytes;
	if (receives(opcode)) {
		const uint32_t room = opcode == IBV_WR_RDMA_WRITE_WITH_IMM ? 0 : bytes;

		s->ids[s->receives++] = n;
		assert_int_equal(pair_recv(there, n, slot(s, n, true), room), 0);
	}
	assert_int_equal(ibv_post_send(here->qp, &wr, &bad), 0);
	s->posted++;
}

static void check_sent(struct stream *const s, const struct ibv_wc *const wc, uint64_t *const sum)
{
	struct pair_end *const here = &pair.ends[s->from], *const there = &pair.ends[1 - s->from];
	const unsigned n = s->completed++;
	const bool atomic = s->expects[n] >= IBV_WR_ATOMIC_CMP_AND_SWP;
	const uint8_t *const sent = here->memory + slot(s, n, false);

	assert_int_equal(wc->status, IBV_WC_SUCCESS);
	assert_int_equal(wc->wr_id, n);
	if (atomic) {
		assert_memory_equal(sent, sum, 8);
		*sum += n + 1;
	} else if (!receives(s->expects[n]) || s->expects[n] == IBV_WR_RDMA_WRITE_WITH_IMM) {
		assert_memory_equal(sent, there->memory + slot(s, n, true), s->bytes[n]);
	}
}

static void check_received(struct stream *const s, const struct ibv_wc *const wc)
{
	struct pair_end *const here = &pair.ends[s->from], *const there = &pair.ends[1 - s->from];
	const unsigned n = s->ids[s->received++];

	assert_int_equal(wc->status, IBV_WC_SUCCESS);
	assert_int_equal(wc->wr_id, n);
	assert_int_equal(wc->byte_len, s->bytes[n]);
	assert_memory_equal(
		here->memory + slot(s, n, false), there->memory + slot(s, n, true), s->bytes[n]);
}

static void stream_step(struct stream *const s, uint64_t *const sum)
{
	struct ibv_wc wc;

	while (s->posted < STREAM_MESSAGES && s->posted - s->completed < SLOTS)
		post(s);
	while (ibv_poll_cq(pair.ends[1 - s->from].recv_cq, 1, &wc) == 1)
		check_received(s, &wc);
	while (ibv_poll_cq(pair.ends[s->from].send_cq, 1, &wc) == 1)
		check_sent(s, &wc, sum);
}

/*
 * Both directions at once. Receives are looked at before sends: what a SEND's completion says has been
 * received already, and its slot is not filled anew before.
 */
static void run_streams(
	const struct pair_faults faults, const uint64_t seed, const enum ibv_mtu mtu)
{
	static struct stream streams[2];
	uint64_t sums[2] = { 0, 0 };
	const uint64_t patience = 100000000;

	pair_open(&pair, IBV_QPT_RC, mtu, NEAR_WRAP);
	pair.faults = faults;
	pair.random = seed;
	memset(streams, 0, sizeof(streams));
	for (unsigned i = 0; i < 2; i++)
		streams[i] = (struct stream){ .from = i, .random = seed + i };
	while (streams[0].completed < STREAM_MESSAGES || streams[1].completed < STREAM_MESSAGES) {
		stream_step(&streams[0], &sums[0]);
		stream_step(&streams[1], &sums[1]);
		pair_run(&pair, 1);
		assert_in_range(pair.now, 0, patience);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(streams[i].received, streams[i].receives);
		assert_memory_equal(
			pair.ends[1 - i].memory + word(&streams[i]), &streams[i].sum, 8);
	}
	pair_close(&pair);
}

static void a_stream_of_everything_arrives_once_and_in_order(void **state)
{
	(void)state;
	run_streams((struct pair_faults){ 0 }, 1, IBV_MTU_1024);
	assert_int_equal(pair.ends[0].qp->retransmitted, 0);
}

static void so_it_does_where_packets_are_lost(void **state)
{
	static const uint32_t rates[] = { 1000, 10000, 50000 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		run_streams((struct pair_faults){ .lost = rates[i] }, 7 + i, IBV_MTU_1024);
		assert_in_range(pair.ends[0].qp->retransmitted, 1, UINT64_MAX);
	}
}

static void so_it_does_where_packets_are_doubled_and_pass_each_other(void **state)
{
	(void)state;
	run_streams((struct pair_faults){ .doubled = 50000 }, 11, IBV_MTU_1024);
	run_streams((struct pair_faults){ .delayed = 20000 }, 12, IBV_MTU_512);
	run_streams((struct pair_faults){ .doubled = 20000, .delayed = 20000 }, 13, IBV_MTU_4096);
}

static void so_it_does_where_packets_are_damaged(void **state)
{
	(void)state;
	run_streams((struct pair_faults){ .damaged = 50000 }, 17, IBV_MTU_2048);
	assert_in_range(pair.damaged, 1, UINT64_MAX);
}

static void so_it_does_where_all_of_that_happens(void **state)
{
	static const uint32_t rates[] = { 1000, 10000, 50000 };

	(void)state;
	for (enum ibv_mtu mtu = IBV_MTU_256; mtu <= IBV_MTU_4096; mtu++)
		for (unsigned i = 0; i < 3; i++)
			run_streams((struct pair_faults){ rates[i], rates[i], rates[i], rates[i] },
				100 * mtu + i, mtu);
}

/* ---- What is lost on purpose ---- */

static unsigned to_lose, operation_to_lose, lost_so_far;

static bool lose_some(struct pair *const p, const unsigned to, const struct ib_packet *const packet)
{
	(void)p;
	(void)to;
	if ((packet->bth.opcode & IB_OP_MASK) != operation_to_lose || to_lose == 0)
		return false;
	to_lose--;
	lost_so_far++;
	return true;
}

static void lose(const unsigned operation, const unsigned count)
{
	pair.loses = lose_some;
	operation_to_lose = operation;
	to_lose = count;
	lost_so_far = 0;
}

static void an_atomic_whose_answer_is_lost_is_done_once(void **state)
{
	struct pair_end *const here = &pair.ends[0], *const there = &pair.ends[1];
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_1024, 5);
	*(uint64_t *)(void *)there->memory = 40;
	lose(IB_OP_ATOMIC_ACKNOWLEDGE, 3);
	for (unsigned i = 0; i < 2; i++) {
		struct ibv_sge sge = pair_sge(here, 8 * i, 8);
		struct ibv_send_wr *bad, wr = { .sg_list = &sge,
			.num_sge = 1,
			.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD,
			.send_flags = IBV_SEND_SIGNALED };

		wr.wr.atomic.remote_addr = target(1, 0);
		wr.wr.atomic.compare_add = 2;
		wr.wr.atomic.rkey = there->mr->rkey;
		assert_int_equal(ibv_post_send(here->qp, &wr, &bad), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_true(pair_poll(&pair, here->send_cq, &wc, PATIENCE_US));
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
		assert_int_equal(wc.opcode, IBV_WC_FETCH_ADD);
		assert_int_equal(((uint64_t *)(void *)here->memory)[i], 40 + 2 * i);
	}
	assert_int_equal(lost_so_far, 3);
	assert_int_equal(*(uint64_t *)(void *)there->memory, 44);
	assert_in_range(there->context.dropped[IBV_DROP_DUPLICATE], 1, 100);
	pair_close(&pair);
}

static void a_lost_packet_is_asked_for_before_any_timer_ends(void **state)
{
	struct pair_end *const here = &pair.ends[0];
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_256, 5);
	lose(IB_OP_SEND_MIDDLE, 1);
	fill(here->memory, 4096, 3);
	assert_int_equal(pair_recv(&pair.ends[1], 1, TARGET, 4096), 0);
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, IBV_SEND_SIGNALED, 0, 4096, 0, 0), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 100));
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(here->qp->retransmitted, 1);
	assert_memory_equal(here->memory, pair.ends[1].memory + TARGET, 4096);
	pair_close(&pair);
}

static void a_dead_link_ends_in_an_error_after_the_agreed_retries(void **state)
{
	struct pair_end *const here = &pair.ends[0];
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_1024, 5);
	pair.faults.lost = 1000000;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pair_send(here, i, IBV_WR_SEND, 0, 0, 100, 0, 0), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 9 * 1100));
	assert_int_equal(wc.status, IBV_WC_RETRY_EXC_ERR);
	assert_int_equal(wc.wr_id, 0);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(ibv_poll_cq(here->send_cq, 1, &wc), 1);
		assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
		assert_int_equal(wc.wr_id, i);
	}
	assert_int_equal(pair.sent[0], 3 * 8);
	assert_int_equal(here->qp->state, IBV_QPS_ERR);
	pair_run(&pair, 10000);
	assert_int_equal(pair.sent[0], 3 * 8);
	assert_int_equal(ibv_deadline(&here->context), IBV_NEVER);
	pair_close(&pair);
}

static void a_receiver_that_is_not_ready_is_waited_for(void **state)
{
	struct pair_end *const here = &pair.ends[0];
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_1024, 5);
	fill(here->memory, 5000, 9);
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, IBV_SEND_SIGNALED, 0, 5000, 0, 0), 0);
	assert_false(pair_poll(&pair, here->send_cq, &wc, 5000));
	assert_int_equal(pair_recv(&pair.ends[1], 2, TARGET, 5000), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 100));
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_memory_equal(here->memory, pair.ends[1].memory + TARGET, 5000);
	pair_close(&pair);
}

static void but_not_longer_than_agreed(void **state)
{
	struct pair_end *const here = &pair.ends[0];
	struct ibv_qp_attr attr;
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_1024, 5);
	attr = pair_attributes(&pair, 0, IBV_MTU_1024, 5);
	attr.rnr_retry = 3;
	attr.qp_state = IBV_QPS_RESET;
	assert_int_equal(ibv_modify_qp(here->qp, &attr, IBV_QP_STATE), 0);
	assert_int_equal(pair_connect(here->qp, &attr), 0);
	assert_int_equal(pair_send(here, 1, IBV_WR_SEND, 0, 0, 10, 0, 0), 0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, 1000));
	assert_int_equal(wc.status, IBV_WC_RNR_RETRY_EXC_ERR);
	assert_int_equal(pair.sent[0], 4);
	pair_close(&pair);
}

static void acknowledgements_are_few(void **state)
{
	struct pair_end *const here = &pair.ends[0];
	struct ibv_wc wc;

	(void)state;
	pair_open(&pair, IBV_QPT_RC, IBV_MTU_256, 5);
	assert_int_equal(pair_send(here, 1, IBV_WR_RDMA_WRITE, IBV_SEND_SIGNALED, 0, MEGABYTE,
				 target(1, TARGET), pair.ends[1].mr->rkey),
		0);
	assert_true(pair_poll(&pair, here->send_cq, &wc, PATIENCE_US));
	assert_int_equal(pair.sent[0], 4096);
	assert_in_range(pair.acknowledgements, 1, 4096 / 16 + 1);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_every_size_arrive_at_every_mtu),
		cmocka_unit_test(a_stream_of_everything_arrives_once_and_in_order),
		cmocka_unit_test(so_it_does_where_packets_are_lost),
		cmocka_unit_test(so_it_does_where_packets_are_doubled_and_pass_each_other),
		cmocka_unit_test(so_it_does_where_packets_are_damaged),
		cmocka_unit_test(so_it_does_where_all_of_that_happens),
		cmocka_unit_test(an_atomic_whose_answer_is_lost_is_done_once),
		cmocka_unit_test(a_lost_packet_is_asked_for_before_any_timer_ends),
		cmocka_unit_test(a_dead_link_ends_in_an_error_after_the_agreed_retries),
		cmocka_unit_test(a_receiver_that_is_not_ready_is_waited_for),
		cmocka_unit_test(but_not_longer_than_agreed),
		cmocka_unit_test(acknowledgements_are_few),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("verbs_link", tests, NULL, NULL);
}
