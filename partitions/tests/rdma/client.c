/*
 * See client.h. Invariant: what is compared lies where this partition cannot write.
 */
#include <string.h>

#include <ib/gid.h>

#include <mullion/hypercall.h>
#include <mullion/time.h>

#include "client.h"

#define FAR_ADDRESS  0x0a090002u
#define PATIENCE_NS  3000000000ull
#define MESSAGE_AT   4096u /* into `down`: the far end's messages; below: its greeting */
#define GREETING_MAX 128u

struct test_client client;

void client_rest(void)
{
	if (time_is_framed(0))
		partition_yield();
}

struct ibv_ah_attr client_address(void)
{
	struct ibv_ah_attr address = { .is_global = 1, .sl = (uint8_t)rdma_grant.sl };

	gid_from_ipv4(address.grh.dgid.raw, FAR_ADDRESS);
	return address;
}

bool client_climb(struct ibv_qp *const qp, const uint32_t far_number)
{
	const bool connected = qp->qp_type == IBV_QPT_RC;
	struct ibv_qp_attr attr = { .path_mtu = IBV_MTU_1024,
		.qkey = WIRE_QKEY,
		.rq_psn = WIRE_PSN,
		.sq_psn = WIRE_PSN,
		.dest_qp_num = far_number,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ,
		.ah_attr = client_address(),
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 12,
		.timeout = 16,
		.retry_cnt = 7,
		.rnr_retry = 7 };
	static const int masks[] = { [IBV_QPS_INIT] = IBV_QP_PKEY_INDEX | IBV_QP_PORT |
						      IBV_QP_ACCESS_FLAGS | IBV_QP_QKEY,
		[IBV_QPS_RTR] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
		[IBV_QPS_RTS] = IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC };

	for (int state = IBV_QPS_INIT; state <= IBV_QPS_RTS; state++) {
		attr.qp_state = (enum ibv_qp_state)state;
		if (ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE |
				    (connected ? masks[state] : masks[state] & ~IBV_QP_AV)) != 0)
			return false;
	}
	return true;
}

bool client_await(struct ibv_wc *const wc)
{
	const uint64_t end = time_now_ns() + PATIENCE_NS;

	while (time_now_ns() < end) {
		if (ibv_poll_cq(client.cq, 1, wc) == 1)
			return true;
		client_rest();
	}
	return false;
}

static bool await_opcode(const enum ibv_wc_opcode opcode)
{
	struct ibv_wc wc;

	while (client_await(&wc)) {
		if (wc.status != IBV_WC_SUCCESS)
			return false;
		if (wc.opcode == opcode)
			return true;
	}
	return false;
}

static bool receive(struct ibv_qp *const qp, const uint32_t at, const uint32_t bytes)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)(client.down + at), bytes,
		client.down_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	return ibv_post_recv(qp, &wr, &bad) == 0;
}

bool client_post(const enum ibv_wr_opcode opcode, const void *const at, const uint32_t bytes,
	const struct ibv_mr *const mr, const uint32_t offset)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)at, bytes, mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = opcode, .send_flags = IBV_SEND_SIGNALED
	};

	wr.wr.rdma.remote_addr = client.far.address + offset;
	wr.wr.rdma.rkey = client.far.rkey;
	return ibv_post_send(client.qp, &wr, &bad) == 0;
}

static bool datagram(const struct greeting *const greeting)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)greeting, sizeof(*greeting), 0 };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE };

	wr.wr.ud.ah = client.ah;
	wr.wr.ud.remote_qpn = WIRE_FIRST_QPN + (rdma_grant.pkey & 0xff) - 1;
	wr.wr.ud.remote_qkey = WIRE_QKEY;
	return ibv_post_send(client.greetings, &wr, &bad) == 0 && await_opcode(IBV_WC_SEND);
}

static struct ibv_qp *create(const enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = {
		.send_cq = client.cq, .recv_cq = client.cq, .qp_type = type
	};

	return ibv_create_qp(client.pd, &init);
}

static bool open_objects(void)
{
	const struct ibv_ah_attr address = client_address();
	uint64_t up_bytes, down_bytes;

	client.pd = ibv_alloc_pd(client.context);
	client.cq = ibv_create_cq(client.context, 64, NULL);
	if (client.pd == NULL || client.cq == NULL)
		return false;
	client.up = rdma_up_memory(&up_bytes);
	client.down = rdma_down_memory(&down_bytes);
	client.up_mr = ibv_reg_mr(client.pd, client.up, up_bytes, IBV_ACCESS_REMOTE_READ);
	client.down_mr = ibv_reg_mr(client.pd, client.down, down_bytes,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	client.greetings = create(IBV_QPT_UD);
	client.qp = create(IBV_QPT_RC);
	client.ah = ibv_create_ah(client.pd, &address);
	return client.up_mr != NULL && client.down_mr != NULL && client.greetings != NULL &&
	       client.qp != NULL && client.ah != NULL;
}

/* Tell it of the connected queue pair, and hear of its own. */
static bool meet(void)
{
	const struct greeting mine = { client.qp->qp_num, client.down_mr->rkey,
		(uint64_t)(uintptr_t)client.down };

	if (!client_climb(client.greetings, 0) || !receive(client.greetings, 0, GREETING_MAX) ||
		!datagram(&mine) || !await_opcode(IBV_WC_RECV))
		return false;
	memcpy(&client.far, client.down + IBV_GRH_BYTES, sizeof(client.far));
	return client_climb(client.qp, client.far.qpn);
}

bool client_begin(void)
{
	if (!rdma_link_find(&client.link))
		return false;
	client.context = rdma_open(&client.link);
	return client.context != NULL && open_objects();
}

bool client_open(void)
{
	return client_begin() && meet();
}

bool client_echo(const uint32_t n)
{
	const uint32_t bytes = wire_bytes(n);

	wire_fill(client.up, n, bytes);
	return receive(client.qp, MESSAGE_AT, WIRE_MESSAGE) &&
	       client_post(IBV_WR_SEND, client.up, bytes, client.up_mr, 0) &&
	       await_opcode(IBV_WC_RECV) && wire_is_filled(client.down + MESSAGE_AT, n, bytes);
}

bool client_reconnect(void)
{
	static const struct rdma_parameters own = { .responder_resources = 4,
		.initiator_depth = 4,
		.retry_count = 7,
		.rnr_retry_count = 7,
		.ack_timeout = 16,
		.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };
	const uint64_t end = time_now_ns() + PATIENCE_NS;
	const struct ibv_ah_attr address = client_address();
	struct rdma_event event = { .kind = CONNECTION_EVENT_NONE };
	unsigned connection;

	if (ibv_destroy_qp(client.qp) != 0)
		return false;
	client.qp = create(IBV_QPT_RC);
	if (client.qp == NULL ||
		rdma_connect(client.qp, &address.grh.dgid, WIRE_PORT, &own, &connection) != 0)
		return false;
	while (!rdma_event(&event) && time_now_ns() < end)
		client_rest();
	return event.kind == CONNECTION_CONNECTED;
}

bool client_good_bye(void)
{
	const struct greeting none = { 0 };

	return datagram(&none);
}
