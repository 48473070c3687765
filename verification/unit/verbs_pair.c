/*
 * The link and its two ends. See verbs_pair.h.
 */
#include "verbs_pair.h"

#define MILLION  1000000u
#define DELAY_US 3u

const struct time_rate pair_rate = { PAIR_TICKS_US * 1000000ull, 1 };

static uint64_t sum_of(const uint8_t *const data, const unsigned bytes)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < bytes; i++)
		sum = (sum ^ data[i]) * 0x100000001b3ull;
	return sum;
}

static bool chance(struct pair *const pair, const uint32_t in_a_million)
{
	return in_a_million != 0 && unit_random(&pair->random) % MILLION < in_a_million;
}

static void open_end(struct pair_end *const end, const unsigned number)
{
	const struct ibv_pools pools = { end->pds, end->mrs, end->ahs, end->cqs, end->completions,
		end->qps, end->sends, end->recvs, 2, 8, PAIR_AHS, 4, PAIR_QPS, 2 * PAIR_DEPTH,
		PAIR_DEPTH, PAIR_DEPTH };

	assert_int_equal(ibv_open(&end->context, &pools, &pair_rate), 0);
	end->memory = aligned_alloc(4096, PAIR_MEMORY);
	memset(end->memory, 0, PAIR_MEMORY);
	end->gid.raw[0] = 0xfd;
	end->gid.raw[15] = (uint8_t)(number + 1);
	end->context.gids[0] = end->gid;
	end->pd = ibv_alloc_pd(&end->context);
	end->mr = ibv_reg_mr(end->pd, end->memory, PAIR_MEMORY,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC);
	end->send_cq = ibv_create_cq(&end->context, 2 * PAIR_DEPTH, NULL);
	end->recv_cq = ibv_create_cq(&end->context, 2 * PAIR_DEPTH, NULL);
	assert_true(end->pd != NULL && end->mr != NULL && end->send_cq != NULL);
}

static void create(struct pair_end *const end, const enum ibv_qp_type type)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = end->send_cq, .recv_cq = end->recv_cq, .qp_type = type
	};

	end->qp = ibv_create_qp(end->pd, &attr);
	assert_non_null(end->qp);
}

struct ibv_qp_attr pair_attributes(const struct pair *const pair, const unsigned end,
	const enum ibv_mtu mtu, const uint32_t psn)
{
	const struct pair_end *const other = &pair->ends[1 - end];
	struct ibv_qp_attr attr = { .path_mtu = mtu,
		.rq_psn = psn + 1 - end,
		.sq_psn = psn + end,
		.dest_qp_num = other->qp->qp_num,
		.qkey = 0x1234,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		.ah_attr = { .grh.dgid = other->gid, .is_global = 1 },
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.timeout = 8, /* about 1 ms */
		.retry_cnt = 7,
		.rnr_retry = 7 };

	return attr;
}

int pair_connect(struct ibv_qp *const qp, const struct ibv_qp_attr *const attr)
{
	struct ibv_qp_attr wanted = *attr;
	int error;

	wanted.qp_state = IBV_QPS_INIT;
	error = ibv_modify_qp(qp, &wanted,
		IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS | IBV_QP_QKEY);
	wanted.qp_state = IBV_QPS_RTR;
	if (error == 0)
		error = ibv_modify_qp(qp, &wanted,
			IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	wanted.qp_state = IBV_QPS_RTS;
	if (error == 0)
		error = ibv_modify_qp(qp, &wanted,
			IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
	return error;
}

void pair_open(struct pair *const pair, const enum ibv_qp_type type, const enum ibv_mtu mtu,
	const uint32_t psn)
{
	struct ibv_qp_attr attr;

	memset(pair, 0, sizeof(*pair));
	pair->random = 1;
	pair->now = 1;
	open_end(&pair->ends[0], 0);
	open_end(&pair->ends[1], 1);
	create(&pair->ends[0], type);
	create(&pair->ends[1], type);
	for (unsigned i = 0; i < 2; i++) {
		attr = pair_attributes(pair, i, mtu, psn);
		assert_int_equal(pair_connect(pair->ends[i].qp, &attr), 0);
	}
}

void pair_close(struct pair *const pair)
{
	for (unsigned i = 0; i < 2; i++) {
		free(pair->ends[i].memory);
		pair->ends[i].memory = NULL;
	}
}

static struct pair_flying *room(struct pair *const pair)
{
	for (unsigned i = 0; i < PAIR_FLYING; i++)
		if (pair->flying[i].due == 0) {
			if (i >= pair->flying_count)
				pair->flying_count = i + 1;
			return &pair->flying[i];
		}
	return NULL;
}

static void launch(
	struct pair *const pair, const unsigned to, const uint8_t *const data, const unsigned bytes)
{
	struct pair_flying *const flying = room(pair);

	assert_non_null(flying);
	flying->due = pair->now + PAIR_TICKS_US;
	if (chance(pair, pair->faults.delayed)) {
		flying->due += PAIR_TICKS_US * (1 + unit_random(&pair->random) % (16 * DELAY_US));
		pair->delayed++;
	}
	flying->to = to;
	flying->bytes = bytes;
	flying->sum = sum_of(data, bytes);
	memcpy(flying->data, data, bytes);
	if (chance(pair, pair->faults.damaged)) {
		flying->data[unit_random(&pair->random) % bytes] ^= 4;
		pair->damaged++;
	}
}

static void observe(
	struct pair *const pair, const unsigned from, const struct ib_packet *const packet)
{
	const unsigned operation = packet->bth.opcode & IB_OP_MASK;

	pair->sent[from]++;
	if (from == 1 && operation == IB_OP_ACKNOWLEDGE)
		pair->acknowledgements++;
	if (from == 0 && operation <= IB_OP_WRITE_ONLY_IMMEDIATE) {
		pair->unasked = packet->bth.acknowledge ? 0 : pair->unasked + 1;
		if (pair->unasked > pair->most_unasked)
			pair->most_unasked = pair->unasked;
	}
}

static bool send_next(struct pair *const pair, const unsigned from)
{
	static uint8_t data[IB_PACKET_BYTES_MOST];
	static uint8_t payload[IB_MTU_MOST];
	struct ibv_departure departure;
	unsigned bytes;

	memset(&departure, 0xa5, sizeof(departure));
	if (!ibv_next(&pair->ends[from].context, pair->now, 0xffff, &departure))
		return false;
	if (departure.packet.bth.destination != IB_QPN_GSI) /* strangers are answered, too */
		assert_memory_equal(
			&departure.to->grh.dgid, &pair->ends[1 - from].gid, sizeof(union ibv_gid));
	ibv_gather(&departure, payload);
	departure.packet.payload = payload;
	bytes = ib_packet_encode(&departure.packet, data, sizeof(data));
	assert_true(bytes != 0);
	observe(pair, from, &departure.packet);
	if (chance(pair, pair->faults.lost) ||
		(pair->loses != NULL && pair->loses(pair, 1 - from, &departure.packet))) {
		pair->lost++;
		return true;
	}
	launch(pair, 1 - from, data, bytes);
	if (chance(pair, pair->faults.doubled)) {
		launch(pair, 1 - from, data, bytes);
		pair->doubled++;
	}
	return true;
}

static void land(struct pair *const pair, struct pair_flying *const flying)
{
	uint8_t grh[IBV_GRH_BYTES] = { 0x60 };
	struct pair_end *const end = &pair->ends[flying->to];
	const struct ibv_arrival arrival = { grh, pair->ends[1 - flying->to].gid, 0, 0 };
	struct ib_packet packet;

	memcpy(grh + 8, pair->ends[1 - flying->to].gid.raw, 16);
	memcpy(grh + 24, end->gid.raw, 16);
	flying->due = 0;
	if (sum_of(flying->data, flying->bytes) != flying->sum)
		return;
	assert_int_equal(ib_packet_decode(flying->data, flying->bytes, &packet), IB_ACCEPTED);
	ibv_receive(&end->context, pair->now, &arrival, &packet);
}

/* The oldest first: packets pass each other only when one is delayed. */
static struct pair_flying *due(struct pair *const pair)
{
	struct pair_flying *first = NULL;

	for (unsigned i = 0; i < pair->flying_count; i++) {
		struct pair_flying *const flying = &pair->flying[i];

		if (flying->due != 0 && flying->due <= pair->now &&
			(first == NULL || flying->due < first->due))
			first = flying;
	}
	return first;
}

static void step(struct pair *const pair)
{
	struct pair_flying *flying;

	pair->now += PAIR_TICKS_US;
	while ((flying = due(pair)) != NULL)
		land(pair, flying);
	while (pair->flying_count != 0 && pair->flying[pair->flying_count - 1].due == 0)
		pair->flying_count--;
	for (unsigned i = 0; i < 8; i++) {
		pair->now++;
		send_next(pair, 0);
		send_next(pair, 1);
	}
}

void pair_run(struct pair *const pair, const uint64_t us)
{
	const uint64_t end = pair->now + us * PAIR_TICKS_US;

	while (pair->now < end)
		step(pair);
}

bool pair_poll(struct pair *const pair, struct ibv_cq *const cq, struct ibv_wc *const wc,
	const uint64_t us)
{
	const uint64_t end = pair->now + us * PAIR_TICKS_US;

	while (ibv_poll_cq(cq, 1, wc) == 0) {
		if (pair->now >= end)
			return false;
		step(pair);
	}
	return true;
}

struct ibv_sge pair_sge(
	const struct pair_end *const end, const uint32_t offset, const uint32_t bytes)
{
	return (struct ibv_sge){ (uint64_t)(uintptr_t)(end->memory + offset), bytes,
		end->mr->lkey };
}

int pair_send(struct pair_end *const end, const uint64_t id, const enum ibv_wr_opcode opcode,
	const unsigned flags, const uint32_t offset, const uint32_t bytes, const uint64_t remote,
	const uint32_t rkey)
{
	struct ibv_sge sge = pair_sge(end, offset, bytes);
	struct ibv_send_wr *bad, wr = { .wr_id = id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = flags,
		.imm_data = (uint32_t)id,
		.wr.rdma = { remote, rkey } };

	if (opcode >= IBV_WR_ATOMIC_CMP_AND_SWP) {
		wr.wr.atomic.remote_addr = remote;
		wr.wr.atomic.compare_add = id;
		wr.wr.atomic.rkey = rkey;
	}
	return ibv_post_send(end->qp, &wr, &bad);
}

int pair_recv(
	struct pair_end *const end, const uint64_t id, const uint32_t offset, const uint32_t bytes)
{
	struct ibv_sge sge = pair_sge(end, offset, bytes);
	struct ibv_recv_wr *bad, wr = { .wr_id = id, .sg_list = &sge, .num_sge = 1 };

	return ibv_post_recv(end->qp, &wr, &bad);
}
