/*
 * Fuzzing of the verbs' receiver: bytes as they come from a link, decoded, and given to an adapter with four
 * queue pairs in the midst of their work: two reliable ones, an unreliable one, one of datagrams.
 *
 * Properties, beside the sanitizers': a packet changes nothing but the queue pair it names, that one's
 * completion queues, and memory that this one's keys let others write; exactly one counter counts it, that
 * of the reason returned; no completion queue overruns; what is sent thereupon can be encoded.
 *
 * An input is a row of records: what to repair, a length, a packet. The repairs make fuzzed packets
 * right in what they cannot know (numbers, keys, addresses), each on its own; the mutator writes packets of
 * every opcode.
 */
#include <string.h>

#include <ib/engine.h>

#include "fuzz.h"

#define QPS            4u
#define DEPTH          8u
#define REGION         1024u /* bytes of each memory region */
#define RECORD         4u    /* bytes in front of a packet */
#define TICKS_US       10u
#define MTU_BYTES      256u
#define FIRST_PSN      0xfffffcu
#define QPN_GENERATION 0x100u /* to another number of the same queue pair */
#define REPAIR_QP      0x03u
#define REPAIR_PSN     0x0cu
#define REPAIR_KEY     0x30u
#define REPAIR_NUM     0x40u
#define REPAIR_TO      0x80u

/* What a queue pair may have changed by its packets; the rest of it nobody may change. */
struct world {
	uint8_t open[REGION];     /* everything allowed */
	uint8_t readable[REGION]; /* remote READ alone */
	uint8_t own[REGION];      /* no remote right */
};

static const struct time_rate rate = { TICKS_US * 1000000ull, 1 };
static struct ibv_pd pds[QPS];
static struct ibv_mr mrs[3 * QPS];
static struct ibv_ah ahs[1];
static struct ibv_cq cqs[QPS];
static struct ibv_wc completions[QPS * 4 * DEPTH];
static struct ibv_qp qps[QPS], qps_before[QPS];
static struct ibv_send_entry sends[QPS * DEPTH], sends_before[QPS * DEPTH];
static struct ibv_recv_entry recvs[QPS * DEPTH], recvs_before[QPS * DEPTH];
static struct ibv_cq cqs_before[QPS];
static struct ibv_context context;
static struct world worlds[QPS] __attribute__((aligned(64))), worlds_before[QPS];
static struct ibv_mr *regions[QPS][3];
static struct ibv_qp *queue_pairs[QPS];
static const enum ibv_qp_type types[QPS] = { IBV_QPT_RC, IBV_QPT_RC, IBV_QPT_UC, IBV_QPT_UD };
static const union ibv_gid peer = { .raw = { 0xfe, 0x80, [15] = 7 } };
static uint64_t now, packets_received;

static void connect(const unsigned index)
{
	struct ibv_qp *const qp = queue_pairs[index];
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET,
		.path_mtu = IBV_MTU_256,
		.rq_psn = FIRST_PSN,
		.sq_psn = FIRST_PSN,
		.dest_qp_num = 0x777,
		.qkey = 0x11,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		.ah_attr = { .grh.dgid = peer, .is_global = 1 },
		.max_rd_atomic = 2,
		.max_dest_rd_atomic = 2,
		.min_rnr_timer = 1,
		.timeout = 4,
		.retry_cnt = 3,
		.rnr_retry = 3 };
	const int all = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS |
			IBV_QP_QKEY | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
			IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER |
			IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
			IBV_QP_MAX_QP_RD_ATOMIC;

	for (int state = IBV_QPS_RESET; state <= IBV_QPS_RTS; state++) {
		attr.qp_state = (enum ibv_qp_state)state;
		claim(ibv_modify_qp(qp, &attr, all) == 0, "a queue pair begins");
	}
}

static struct ibv_sge part(const unsigned index, const unsigned region, const uint32_t bytes)
{
	return (struct ibv_sge){ (uint64_t)(uintptr_t)regions[index][region]->addr, bytes,
		regions[index][region]->lkey };
}

/* Requests of every kind that the type has, of one packet and of several, and buffers. */
static void post(const unsigned index)
{
	const unsigned kinds = types[index] == IBV_QPT_RC   ? IBV_WR_OPCODES
			       : types[index] == IBV_QPT_UC ? IBV_WR_RDMA_READ
							    : 0;
	struct ibv_sge sge = part(index, 0, 700);
	struct ibv_recv_wr *bad_recv, recv = { .sg_list = &sge, .num_sge = 1 };

	for (unsigned i = 0; i < 3; i++)
		ibv_post_recv(queue_pairs[index], &recv, &bad_recv);
	for (unsigned opcode = 0; opcode < kinds; opcode++) {
		struct ibv_send_wr *bad, wr = { .sg_list = &sge,
			.num_sge = 1,
			.opcode = (enum ibv_wr_opcode)opcode,
			.send_flags = IBV_SEND_SIGNALED };

		sge.length = opcode < IBV_WR_ATOMIC_CMP_AND_SWP ? 600 : 8;
		ibv_post_send(queue_pairs[index], &wr, &bad);
	}
}

static void begin(const unsigned index)
{
	connect(index);
	post(index);
}

/* Inputs hold several packets each. */
static void tell(void)
{
	fprintf(stderr, "packets received: %llu\n", (unsigned long long)packets_received);
}

static void set_up(void)
{
	static const struct ibv_pools pools = { pds, mrs, ahs, cqs, completions, qps, sends, recvs,
		QPS, 3 * QPS, 1, QPS, QPS, 4 * DEPTH, DEPTH, DEPTH };
	static const int rights[3] = { IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
					       IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		IBV_ACCESS_REMOTE_READ, 0 };

	claim(ibv_open(&context, &pools, &rate) == 0, "an adapter opens");
	if (now == 0)
		atexit(tell);
	now = 1;
	for (unsigned i = 0; i < QPS; i++) {
		struct ibv_pd *const pd = ibv_alloc_pd(&context);
		struct ibv_cq *const cq = ibv_create_cq(&context, 2 * DEPTH, NULL);
		struct ibv_qp_init_attr attr = {
			.send_cq = cq, .recv_cq = cq, .qp_type = types[i]
		};
		uint8_t *const memories[3] = { worlds[i].open, worlds[i].readable, worlds[i].own };

		for (unsigned r = 0; r < 3; r++)
			regions[i][r] = ibv_reg_mr(pd, memories[r], REGION, rights[r]);
		queue_pairs[i] = ibv_create_qp(pd, &attr);
		begin(i);
	}
}

static void remember(void)
{
	memcpy(qps_before, qps, sizeof(qps));
	memcpy(sends_before, sends, sizeof(sends));
	memcpy(recvs_before, recvs, sizeof(recvs));
	memcpy(cqs_before, cqs, sizeof(cqs));
	memcpy(worlds_before, worlds, sizeof(worlds));
}

/* But for the queue pair `named` (QPS: none) everything is as it was. */
static void judge_others(const unsigned named)
{
	for (unsigned i = 0; i < QPS; i++) {
		claim(memcmp(worlds[i].readable, worlds_before[i].readable, 2 * REGION) == 0,
			"memory that nobody may write stays");
		if (i == named)
			continue;
		claim(memcmp(worlds[i].open, worlds_before[i].open, REGION) == 0,
			"others' memory stays");
		claim(memcmp(&qps[i], &qps_before[i], sizeof(qps[i])) == 0 &&
				memcmp(&cqs[i], &cqs_before[i], sizeof(cqs[i])) == 0 &&
				memcmp(&sends[i * DEPTH], &sends_before[i * DEPTH],
					DEPTH * sizeof(sends[0])) == 0 &&
				memcmp(&recvs[i * DEPTH], &recvs_before[i * DEPTH],
					DEPTH * sizeof(recvs[0])) == 0,
			"another queue pair stays");
	}
}

static void judge_queue(const unsigned index)
{
	const struct ibv_qp *const qp = queue_pairs[index];
	const struct ibv_requester *const sq = &qp->requester;
	const struct ibv_responder *const rq = &qp->responder;
	const struct ibv_cq *const cq = qp->send_cq;

	claim(sq->tail - sq->head <= DEPTH && sq->next - sq->head <= sq->tail - sq->head,
		"the send queue is in order");
	claim(rq->tail - rq->head <= DEPTH, "the receive queue is in order");
	claim(cq->room + (cq->tail - cq->head) + (sq->tail - sq->head) + (rq->tail - rq->head) ==
			4 * DEPTH,
		"every request has its completion's entry");
}

/* Some of what has to be sent; a time out or two passes now and then. */
static void send_some(const unsigned packets)
{
	static uint8_t payload[IB_MTU_MOST], data[IB_PACKET_BYTES_MOST];
	struct ibv_departure departure;

	for (unsigned i = 0; i < packets; i++) {
		memset(&departure, 0xa5, sizeof(departure));
		if (!ibv_next(&context, now, 0xffff, &departure))
			return;
		ibv_gather(&departure, payload);
		departure.packet.payload = payload;
		claim(ib_packet_encode(&departure.packet, data, sizeof(data)) != 0,
			"what is to be sent can be");
	}
}

static unsigned named_by(const struct ib_packet *const packet)
{
	for (unsigned i = 0; i < QPS; i++)
		if (queue_pairs[i]->qp_num == packet->bth.destination)
			return i;
	return QPS;
}

static uint64_t counted(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < IBV_DROPS; i++)
		sum += context.dropped[i];
	return sum;
}

static void drain(const unsigned index)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(queue_pairs[index]->send_cq, 1, &wc) == 1)
		claim(wc.qp_num == queue_pairs[index]->qp_num, "a completion is of its queue pair");
	if (queue_pairs[index]->state == IBV_QPS_ERR)
		begin(index);
}

static void receive(const struct ib_packet *const packet, const bool from_peer)
{
	const struct ibv_arrival arrival = { NULL,
		from_peer ? peer : (union ibv_gid){ .raw = { 1 } }, 0, 0 };
	const unsigned named = named_by(packet);
	const uint64_t before = counted();
	uint64_t reason;
	enum ibv_drop drop;

	remember();
	drop = ibv_receive(&context, now, &arrival, packet);
	claim((unsigned)drop < IBV_DROPS, "the reason is one");
	packets_received++;
	claim(counted() == before + 1, "a packet is counted once");
	reason = context.dropped[drop];
	claim(reason != 0, "the reason returned is counted");
	claim(named != QPS || drop == IBV_DROP_QP || drop == IBV_DROP_CONGESTION,
		"a packet that names nobody is nobody's");
	claim(from_peer || named == 3 || drop != IBV_DROP_NONE, "only the peer is listened to");
	judge_others(named);
	if (named != QPS)
		judge_queue(named);
}

/* What the packet could not know. */
static void repair(struct ib_packet *const packet, const uint8_t what, const uint8_t how)
{
	const unsigned index = what & REPAIR_QP;
	const struct ibv_qp *const qp = queue_pairs[index];
	const unsigned layout = ib_opcode_layout(packet->bth.opcode);
	const unsigned region = (what & REPAIR_KEY) >> 4;
	const uint32_t base = layout & IB_IS_RESPONSE ? qp->requester.una_psn : qp->responder.psn;

	if (what & REPAIR_NUM)
		packet->bth.destination = qp->qp_num + (how & 64 ? QPN_GENERATION : 0);
	if ((what & REPAIR_PSN) != 0)
		packet->bth.psn =
			(base + ((what & REPAIR_PSN) >> 2) - 1 - (how & 7) % 3) & IB_PSN_MASK;
	if (how & 8)
		packet->bth.pkey = IB_PKEY_DEFAULT;
	if (how & 16)
		packet->deth.qkey = qp->attr.qkey;
	if (region < 3)
		packet->reth.rkey = packet->atomic.rkey = regions[index][region]->rkey;
	if ((what & REPAIR_TO) && region < 3) {
		packet->reth.address = (uint64_t)(uintptr_t)regions[index][region]->addr +
				       packet->reth.address % (REGION + 64);
		packet->atomic.address = (uint64_t)(uintptr_t)regions[index][region]->addr +
					 packet->atomic.address % (REGION + 64);
		packet->reth.bytes %= 2 * REGION;
	}
	if ((how & 32) && !(layout & IB_IS_LAST) && packet->payload_bytes > MTU_BYTES)
		packet->payload_bytes = MTU_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t size)
{
	size_t at = 0;

	set_up();
	send_some(16);
	while (at + RECORD <= size) {
		const uint8_t *const record = data + at;
		const size_t left = size - at - RECORD;
		const size_t wanted = record[2] | (size_t)(record[3] & 3) << 8;
		const unsigned bytes = (unsigned)(wanted < left ? wanted : left);
		uint8_t *const exact = malloc(bytes + 1);
		struct ib_packet packet;

		memset(&packet, 0, sizeof(packet));
		memcpy(exact, record + RECORD, bytes);
		if (ib_packet_decode(exact, bytes, &packet) == IB_ACCEPTED) {
			repair(&packet, record[0], record[1]);
			receive(&packet, (record[3] & 4) == 0);
		}
		free(exact);
		now += (record[3] & 8) ? 1000 * TICKS_US : 1;
		send_some((record[3] >> 4) & 7);
		for (unsigned i = 0; i < QPS; i++)
			drain(i);
		at += RECORD + bytes;
	}
	for (unsigned i = 0; i < QPS; i++)
		judge_queue(i);
	return 0;
}

/* ---- The mutator ---- */

/* A packet of any opcode, with lengths and addresses as they may be. */
static unsigned make_packet(uint8_t *const data, const unsigned room)
{
	static const uint8_t transports[] = { IB_TRANSPORT_RC, IB_TRANSPORT_RC, IB_TRANSPORT_UC,
		IB_TRANSPORT_UD };
	static const uint8_t zeros[IB_MTU_MOST];
	static const unsigned lengths[] = { 0, 1, 8, 255, MTU_BYTES, MTU_BYTES, MTU_BYTES, 700 };
	struct ib_packet packet = { .payload = zeros };
	unsigned layout;

	packet.bth.opcode = (uint8_t)(transports[pick(4)] | pick(0x15));
	layout = ib_opcode_layout(packet.bth.opcode);
	packet.bth.acknowledge = pick(2);
	packet.reth = (struct ib_reth){ pick(REGION), 0, lengths[pick(8)] };
	packet.atomic = (struct ib_atomic){ pick(REGION / 8) * 8, 0, pick(3), pick(3) };
	packet.aeth.syndrome = (uint8_t)(pick(4) == 0   ? pick(256)
					 : pick(2) == 0 ? 0x1f
							: 0x60 + pick(6));
	if (layout & IB_HAS_PAYLOAD)
		packet.payload_bytes = lengths[pick(8)];
	return ib_packet_encode(&packet, data, room);
}

static size_t append(uint8_t *const data, const size_t size, const size_t most)
{
	const unsigned room = most > size + RECORD ? (unsigned)(most - size - RECORD) : 0;
	const unsigned bytes = make_packet(data + size + RECORD, room < 1000 ? room : 1000);
	const unsigned index = pick(QPS);

	if (bytes == 0)
		return size;
	data[size] =
		(uint8_t)(index | (1 + pick(3)) << 2 | pick(4) << 4 | REPAIR_NUM | pick(2) << 7);
	data[size + 1] = (uint8_t)(pick(8) | 8 | 16 | 32 | (pick(32) == 0) << 6);
	data[size + 2] = (uint8_t)bytes;
	data[size + 3] = (uint8_t)((bytes >> 8 & 3) | (pick(16) == 0) << 2 | (pick(8) == 0) << 3 |
				   pick(8) << 4);
	if (pick(2) == 0)
		data[size + 1] &= (uint8_t)~7u;
	return size + RECORD + bytes;
}

size_t LLVMFuzzerCustomMutator(
	uint8_t *const data, size_t size, const size_t most, const unsigned seed)
{
	random_begin(seed);
	if (pick(4) == 0)
		return LLVMFuzzerMutate(data, size, most);
	for (unsigned i = 1 + pick(4); i != 0; i--)
		size = append(data, size, most);
	if (size > RECORD && pick(3) == 0)
		data[pick((unsigned)size)] ^= (uint8_t)(1u << pick(8));
	return size == 0 ? LLVMFuzzerMutate(data, size, most) : size;
}
