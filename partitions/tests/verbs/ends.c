/*
 * The two ends. Invariant: an end touches the other one's objects only to learn numbers and keys.
 */
#include <errno.h>
#include <string.h>

#include <ib/crc.h>

#include "ends.h"

#define DEPTH     16
#define MTU       IBV_MTU_1024
#define FIRST_PSN 0xfffff0u

struct area {
	struct ibv_local_area area;
	uint8_t memory[END_MEMORY];
} __attribute__((aligned(4096)));

IBV_POOLS(first_pools, 1, 2, 1, 2, DEPTH, 1, DEPTH, DEPTH);
IBV_POOLS(second_pools, 1, 2, 1, 2, DEPTH, 1, DEPTH, DEPTH);
NEIGHBOURS(first_known, 1);
NEIGHBOURS(second_known, 1);

struct end ends[2];
static struct area areas[2];

static struct end *other(const struct end *const end)
{
	return end == &ends[0] ? &ends[1] : &ends[0];
}

/* The ends are opened twice, and introduced each time. */
static struct neighbours *forgotten(struct neighbours *const known)
{
	memset(known->slots, 0, known->buckets * NEIGHBOUR_WAYS * sizeof(*known->slots));
	known->count = 0;
	return known;
}

static void open_port(struct end *const end, const unsigned number)
{
	const struct endpoint at = {
		.address = 0x0a090001 + number, .netmask = 0xffffff00, .port = 1
	};
	const uint8_t mac[ROCE_MAC_BYTES] = { 2, 0, 0, 0, 0, (uint8_t)(number + 1) };

	roce_port_open(&end->port, &end->context,
		forgotten(number == 0 ? &first_known : &second_known), &at, mac);
	end->gid = end->context.gids[0];
}

static bool open_end(
	struct end *const end, const struct ibv_pools *const pools, const unsigned number)
{
	struct ibv_qp_init_attr attr = { .qp_type = IBV_QPT_RC };

	memset(end, 0, sizeof(*end));
	if (ibv_open(&end->context, pools, &rate_nanoseconds) != 0)
		return false;
	end->memory = areas[number].memory;
	open_port(end, number);
	end->pd = ibv_alloc_pd(&end->context);
	end->mr = ibv_reg_mr(end->pd, end->memory, END_MEMORY,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC);
	attr.send_cq = end->send_cq = ibv_create_cq(&end->context, DEPTH, NULL);
	attr.recv_cq = end->recv_cq = ibv_create_cq(&end->context, DEPTH, NULL);
	end->qp = ibv_create_qp(end->pd, &attr);
	return end->qp != NULL;
}

static bool move(struct end *const end, struct ibv_qp_attr *const attr,
	const enum ibv_qp_state state, const int mask)
{
	attr->qp_state = state;
	return ibv_modify_qp(end->qp, attr, IBV_QP_STATE | mask) == 0;
}

static bool connect(struct end *const end)
{
	struct ibv_qp_attr attr = { .path_mtu = MTU,
		.rq_psn = FIRST_PSN,
		.sq_psn = FIRST_PSN,
		.dest_qp_num = other(end)->qp->qp_num,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		.ah_attr = { .grh = { .dgid = other(end)->gid, .hop_limit = 64 }, .is_global = 1 },
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7 };

	return move(end, &attr, IBV_QPS_INIT,
		       IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) &&
	       move(end, &attr, IBV_QPS_RTR,
		       IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			       IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) &&
	       move(end, &attr, IBV_QPS_RTS,
		       IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
			       IBV_QP_MAX_QP_RD_ATOMIC);
}

static bool link_end(const unsigned number)
{
	return ibv_local_open(&ends[number].link, ends[number].qp, &areas[number],
		       sizeof(areas[number]), &areas[1 - number], sizeof(areas[0])) == 0;
}

static bool introduce(struct end *const end)
{
	const int answer =
		roce_port_neighbour(&end->port, other(end)->gid.raw, other(end)->port.station.mac);

	return answer == 0 ||
	       answer == EEXIST; /* the table was filled when the ends were opened before */
}

bool ends_open(const bool local)
{
	ib_crc_fold(true);
	return open_end(&ends[0], &first_pools, 0) && open_end(&ends[1], &second_pools, 1) &&
	       introduce(&ends[0]) && introduce(&ends[1]) &&
	       (!local || (link_end(0) && link_end(1))) && connect(&ends[0]) && connect(&ends[1]);
}

bool end_transmit(struct end *const end, const uint64_t now_ticks, struct frame *const frame)
{
	bool more;

	frame->length = roce_port_next(
		&end->port, now_ticks, 0xffff, frame->bytes, sizeof(frame->bytes), &more);
	return frame->length != 0;
}

bool end_receive(struct end *const end, const uint64_t now_ticks, const struct frame *const frame)
{
	static uint8_t reply[FRAME_BYTES];
	const uint64_t before = end->context.dropped[IBV_DROP_NONE];

	roce_port_take(&end->port, now_ticks, frame->bytes, frame->length, reply);
	return end->context.dropped[IBV_DROP_NONE] != before;
}

bool end_send(struct end *const end, const enum ibv_wr_opcode opcode, const unsigned flags,
	const uint32_t bytes)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)end->memory, bytes, end->mr->lkey };
	struct ibv_send_wr *bad, wr;

	wr.wr_id = bytes;
	wr.next = NULL;
	wr.sg_list = &sge;
	wr.num_sge = 1;
	wr.opcode = opcode;
	wr.send_flags = flags;
	wr.wr.rdma.remote_addr = (uint64_t)(uintptr_t)other(end)->memory;
	wr.wr.rdma.rkey = other(end)->mr->rkey;
	return ibv_post_send(end->qp, &wr, &bad) == 0;
}

bool end_recv(struct end *const end, const uint32_t bytes)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)end->memory, bytes, end->mr->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = bytes, .sg_list = &sge, .num_sge = 1 };

	return ibv_post_recv(end->qp, &wr, &bad) == 0;
}

bool end_completed(struct ibv_cq *const cq)
{
	static struct ibv_wc wc;

	return ibv_poll_cq(cq, 1, &wc) == 1 && wc.status == IBV_WC_SUCCESS;
}
