/*
 * Verbs between two partitions: messages of many lengths there and back, a word that is added to and a
 * block that is written and read, all through the pages of two channels, `there` and `back`.
 *
 * Arguments: n=N messages. The channels' pages are used raw: the sender's are its area, and their rings are
 * never opened.
 */
#include <stdio.h>
#include <string.h>

#include <ib/local.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "peer.h"

#define MESSAGE_MOST 9000u
#define MESSAGE_AT   64u    /* into the exported memory, behind a word that the other end adds to */
#define BLOCK_AT     16384u /* of MESSAGE_MOST bytes, which the other end writes and reads */
#define EXPORTED     32768u
#define DEPTH        16
#define PRINT_NS     20000000ull /* for the control partition */
#define PATIENCE_NS  2000000000ull

struct greeting {
	uint64_t address;
	uint32_t rkey;
};

IBV_POOLS(pools, 1, 2, 1, 2, DEPTH, 1, DEPTH, DEPTH);

static struct ibv_context context;
static struct ibv_local_link link;
static struct ibv_cq *send_cq, *recv_cq;
static struct ibv_qp *qp;
static struct ibv_mr *exported_mr, *own_mr;
static uint8_t *exported;
static uint8_t own[MESSAGE_MOST];
static struct greeting greeting;

static bool connect(void)
{
	struct ibv_qp_attr attr = { .path_mtu = IBV_MTU_4096,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		.max_rd_atomic = 1,
		.max_dest_rd_atomic = 1,
		.timeout = 18, /* a second */
		.retry_cnt = 1 };
	static const int masks[] = { [IBV_QPS_INIT] =
					     IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS,
		[IBV_QPS_RTR] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
		[IBV_QPS_RTS] = IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC };

	for (int state = IBV_QPS_INIT; state <= IBV_QPS_RTS; state++) {
		attr.qp_state = (enum ibv_qp_state)state;
		if (ibv_modify_qp(qp, &attr, IBV_QP_STATE | masks[state]) != 0)
			return false;
	}
	return true;
}

static bool create(void)
{
	struct ibv_qp_init_attr attr = { .qp_type = IBV_QPT_RC };
	struct ibv_pd *pd;

	if (ibv_open(&context, &pools, &time_rate) != 0)
		return false;
	pd = ibv_alloc_pd(&context);
	attr.send_cq = send_cq = ibv_create_cq(&context, DEPTH, NULL);
	attr.recv_cq = recv_cq = ibv_create_cq(&context, DEPTH, NULL);
	qp = ibv_create_qp(pd, &attr);
	exported_mr = ibv_reg_mr(pd, exported, EXPORTED,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC);
	own_mr = ibv_reg_mr(pd, own, sizeof(own), IBV_ACCESS_LOCAL_WRITE);
	return qp != NULL && exported_mr != NULL && own_mr != NULL;
}

static bool open(const char *const mine, const char *const theirs)
{
	const struct mullion_region *const m =
		info_region_named(MULLION_REGION_QUEUING, mine, MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const t =
		info_region_named(MULLION_REGION_QUEUING, theirs, MULLION_READ);
	uint8_t *area;

	if (m == NULL || t == NULL || m->bytes < sizeof(struct ibv_local_area) + EXPORTED)
		return false;
	area = region_address(m);
	exported = area + sizeof(struct ibv_local_area);
	return create() &&
	       ibv_local_open(&link, qp, area, m->bytes, region_address(t), t->bytes) == 0 &&
	       connect();
}

static void rest(void)
{
	if (time_is_framed(0))
		partition_yield();
}

/* The next completion of the queue is of a success. */
static bool await(struct ibv_cq *const cq)
{
	const uint64_t end = time_now_ns() + PATIENCE_NS;
	struct ibv_wc wc;

	while (time_now_ns() < end) {
		ibv_local_poll(&link, tsc_read());
		if (ibv_poll_cq(cq, 1, &wc) == 1) {
			if (wc.status != IBV_WC_SUCCESS)
				printf("# %s\n", ibv_wc_status_str(wc.status));
			return wc.status == IBV_WC_SUCCESS;
		}
		rest();
	}
	return false;
}

static bool receive_into(void *const to, const uint32_t bytes, const struct ibv_mr *const mr)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)to, bytes, mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	return ibv_post_recv(qp, &wr, &bad) == 0;
}

static bool request(const enum ibv_wr_opcode opcode, const unsigned flags, void *const at,
	const uint32_t bytes, const struct ibv_mr *const mr, const uint64_t offset)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)at, bytes, mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = flags | IBV_SEND_SIGNALED };

	wr.wr.rdma.remote_addr = greeting.address + offset;
	wr.wr.rdma.rkey = greeting.rkey;
	if (opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.compare_add = 1;
		wr.wr.atomic.rkey = greeting.rkey;
	}
	return ibv_post_send(qp, &wr, &bad) == 0 && await(send_cq);
}

static uint32_t bytes_of(const uint64_t n)
{
	return (uint32_t)(1 + n * 37 % MESSAGE_MOST);
}

static void fill(uint8_t *const to, const uint64_t n, const uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(n * 7 + i * 13 + (i >> 8));
}

static bool is_filled(const uint8_t *const from, const uint64_t n, const uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (from[i] != (uint8_t)(n * 7 + i * 13 + (i >> 8)))
			return false;
	return true;
}

/* There and back, and the word that the other end keeps. */
static bool ping_once(const uint64_t n)
{
	const uint32_t bytes = bytes_of(n);
	uint8_t *const message = exported + MESSAGE_AT;
	uint64_t before;

	fill(message, n, bytes);
	if (!receive_into(own, sizeof(own), own_mr) ||
		!request(IBV_WR_SEND, 0, message, bytes, exported_mr, 0) || !await(recv_cq) ||
		!is_filled(own, n, bytes))
		return false;
	if (!request(IBV_WR_ATOMIC_FETCH_AND_ADD, 0, own, sizeof(before), own_mr, 0))
		return false;
	memcpy(&before, own, sizeof(before));
	return before == n;
}

static bool write_and_read(const uint64_t n)
{
	const uint32_t bytes = bytes_of(n);
	uint8_t *const block = exported + BLOCK_AT;

	fill(block, n + 1, bytes);
	memset(own, 0, bytes);
	return request(IBV_WR_RDMA_WRITE, 0, block, bytes, exported_mr, BLOCK_AT) &&
	       request(IBV_WR_RDMA_READ, 0, own, bytes, own_mr, BLOCK_AT) &&
	       is_filled(own, n + 1, bytes);
}

static bool each(bool (*const once)(uint64_t))
{
	const uint64_t count = args_number("n", 100);

	for (uint64_t n = 0; n < count; n++)
		if (!once(n)) {
			printf("# message %u\n", (unsigned)n);
			return false;
		}
	return true;
}

static bool echo_once(const uint64_t n)
{
	uint8_t *const message = exported + MESSAGE_AT;

	return receive_into(message, MESSAGE_MOST, exported_mr) && await(recv_cq) &&
	       is_filled(message, n, bytes_of(n)) &&
	       request(IBV_WR_SEND, 0, message, bytes_of(n), exported_mr, 0);
}

static void let_it_be_printed(void)
{
	const uint64_t end = time_now_ns() + PRINT_NS;

	fflush(stdout);
	while (time_now_ns() < end)
		rest();
}

int peer_ping(void)
{
	bool good;

	tap_plan(4);
	good = open("there", "back");
	tap_check(good, "the_link_opens", "it does not");
	if (good && receive_into(own, sizeof(own), own_mr) && await(recv_cq))
		memcpy(&greeting, own, sizeof(greeting));
	tap_check(greeting.rkey != 0, "the_other_partition_tells_its_key", "it does not");
	tap_check(good && each(ping_once),
		"every_message_comes_back_as_it_was_and_is_counted_there", "one does not");
	tap_check(good && each(write_and_read), "what_is_written_there_is_read_there", "it is not");
	let_it_be_printed();
	return tap_status();
}

/* Serves until the other end has been silent for long. */
static void serve(void)
{
	uint64_t end = time_now_ns() + PATIENCE_NS;

	while (time_now_ns() < end) {
		if (ibv_local_poll(&link, tsc_read()))
			end = time_now_ns() + PATIENCE_NS;
		rest();
	}
}

int peer_echo(void)
{
	struct greeting mine;
	bool good;

	tap_plan(3);
	good = open("back", "there");
	tap_check(good, "the_link_opens", "it does not");
	if (good) {
		memset(exported, 0, MESSAGE_AT);
		mine = (struct greeting){ (uint64_t)(uintptr_t)exported, exported_mr->rkey };
		memcpy(own, &mine, sizeof(mine));
		good = request(IBV_WR_SEND, IBV_SEND_INLINE, own, sizeof(mine), own_mr, 0);
	}
	tap_check(good, "the_other_partition_is_there", "it is not");
	tap_check(good && each(echo_once), "every_message_is_whole", "one is not");
	if (good)
		serve();
	return tap_status();
}
