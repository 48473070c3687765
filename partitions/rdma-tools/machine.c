/*
 * The machine below the tools. See machine.h. Invariant: a frame is looked at by one protocol; a run's queue
 * pair is the only one that tools post to, beside the connection manager's.
 */
#include <stdio.h>
#include <string.h>

#include <inet/arp.h>
#include <inet/ipv4.h>

#include "machine.h"
#include "tools.h"

#define BURST     16u
#define ASK_NS    200000000ull
#define RETRIES   7u
#define RNR_TIMER 12u
#define READS     16u
#define PACKET    ETHERNET_HEADER_BYTES
#define SEGMENT   (PACKET + IPV4_HEADER_BYTES)

/* One queue pair, one more for the connection manager, and what that needs. */
IBV_POOLS(pools, 1, 4, 10, 2, 256, 2, MACHINE_DEPTH, MACHINE_DEPTH);
NEIGHBOURS(neighbours, 8);

struct machine machine;
uint8_t machine_out[MACHINE_SPAN_BYTES] __attribute__((aligned(4096)));
uint8_t machine_in[MACHINE_SPAN_BYTES] __attribute__((aligned(4096)));

static uint8_t frame[MACHINE_FRAME_BYTES], reply[MACHINE_FRAME_BYTES];
static uint64_t asked_ns;

bool machine_open(const struct endpoint *const at, const uint8_t mac[const ROCE_MAC_BYTES],
	const uint32_t seed)
{
	const int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;

	if (ibv_open(&machine.context, &pools, &rate_nanoseconds) != 0)
		return false;
	roce_port_open(&machine.port, &machine.context, &neighbours, at, mac);
	tcp_open(&machine.tcp, seed);
	machine.pd = ibv_alloc_pd(&machine.context);
	machine.cq = ibv_create_cq(&machine.context, 2 * (int)MACHINE_DEPTH, NULL);
	machine.out_mr = ibv_reg_mr(machine.pd, machine_out, sizeof(machine_out),
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	machine.in_mr = ibv_reg_mr(machine.pd, machine_in, sizeof(machine_in), access);
	machine.psn = (seed * 2654435761u) >> 8;
	machine.now_ns = card_now_ns();
	machine.end_ns = machine.now_ns + machine.options.patience_s * 1000000000ull;
	return machine.cq != NULL && machine.in_mr != NULL && machine.out_mr != NULL;
}

/* ---- Frames ---- */

static void begin_frame(const uint8_t to[const ROCE_MAC_BYTES], const uint16_t type)
{
	struct ethernet_header header = { .type = type };

	memset(frame, 0, ETHERNET_LEAST_BYTES);
	ethernet_copy(header.to, to);
	ethernet_copy(header.from, machine.port.station.mac);
	ethernet_encode(&header, frame);
}

static void end_frame(const unsigned bytes)
{
	card_give(frame, bytes < ETHERNET_LEAST_BYTES ? ETHERNET_LEAST_BYTES : bytes);
}

/* Who has the peer's address? Again now and then, until somebody says. */
static void ask(void)
{
	static const uint8_t all[ROCE_MAC_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct arp_packet packet = { .operation = ARP_REQUEST,
		.sender = machine.port.station.at.address,
		.target = machine.options.peer };

	if (machine.peer_found || machine.options.peer == 0 || machine.now_ns < asked_ns)
		return;
	asked_ns = machine.now_ns + ASK_NS;
	ethernet_copy(packet.sender_mac, machine.port.station.mac);
	begin_frame(all, ETHERNET_ARP);
	arp_encode(&packet, frame + PACKET);
	end_frame(PACKET + ARP_BYTES);
}

static void find_peer(const uint32_t address, const uint8_t mac[const ROCE_MAC_BYTES])
{
	uint8_t gid[IB_GID_BYTES];

	ethernet_copy(machine.peer_mac, mac);
	machine.peer_found = true;
	gid_from_ipv4(gid, address);
	roce_port_neighbour(&machine.port, gid, mac);
}

static void hear_answer(const unsigned bytes)
{
	struct arp_packet packet;

	if (!machine.peer_found && arp_decode(frame + PACKET, bytes - PACKET, &packet) &&
		packet.operation == ARP_REPLY && packet.sender == machine.options.peer)
		find_peer(packet.sender, packet.sender_mac);
}

static void send_segment(const struct tcp_segment *const segment, const uint32_t to,
	const uint8_t mac[const ROCE_MAC_BYTES])
{
	const struct ipv4_header packet = { .source = machine.port.station.at.address,
		.destination = to,
		.identification = machine.port.station.identification++,
		.payload_bytes = (uint16_t)tcp_bytes(segment),
		.ttl = IPV4_TTL,
		.protocol = IPV4_TCP };

	begin_frame(mac, ETHERNET_IPV4);
	ipv4_encode(&packet, frame + PACKET);
	tcp_encode(&packet, segment, frame + SEGMENT);
	end_frame(SEGMENT + packet.payload_bytes);
}

static void take_segment(
	const struct ethernet_header *const ethernet, const struct ipv4_header *const packet)
{
	struct tcp_segment segment, answer;
	uint8_t from[ROCE_MAC_BYTES];

	ethernet_copy(from, ethernet->from);
	if (tcp_decode(packet, frame + SEGMENT, &segment) != TCP_GOOD)
		return;
	if (tcp_take(&machine.tcp, machine.now_ns, packet->source, &segment)) {
		if (!machine.peer_found)
			find_peer(packet->source, from);
	} else if (tcp_refuse(&segment, &answer)) {
		send_segment(&answer, packet->source, from);
	}
}

/* TCP for this address. */
static bool is_segment(const struct ethernet_header *const ethernet, const unsigned bytes,
	struct ipv4_header *const packet)
{
	return ethernet->type == ETHERNET_IPV4 &&
	       ethernet_same(ethernet->to, machine.port.station.mac) &&
	       ipv4_decode(frame + PACKET, bytes - PACKET, packet) == IPV4_GOOD &&
	       packet->protocol == IPV4_TCP &&
	       packet->destination == machine.port.station.at.address &&
	       ipv4_is_station(packet->source);
}

static bool take_frame(void)
{
	const unsigned bytes = card_take(frame);
	struct ethernet_header ethernet;
	struct ipv4_header packet;
	unsigned reply_bytes;

	if (!ethernet_decode(frame, bytes, &ethernet))
		return bytes != 0;
	if (is_segment(&ethernet, bytes, &packet)) {
		take_segment(&ethernet, &packet);
	} else {
		if (ethernet.type == ETHERNET_ARP)
			hear_answer(bytes);
		reply_bytes = roce_port_take(&machine.port, machine.now_ns, frame, bytes, reply);
		if (reply_bytes != 0)
			card_give(reply, reply_bytes);
		else
			machine.heard_ns = machine.now_ns;
	}
	return true;
}

static bool send_frames(void)
{
	struct tcp_segment segment;
	bool more = true, sent = false;

	for (unsigned i = 0; i < BURST && more; i++) {
		const unsigned bytes = roce_port_next(
			&machine.port, machine.now_ns, 0xffff, frame, sizeof(frame), &more);

		if (bytes != 0)
			card_give(frame, bytes);
		sent |= bytes != 0;
	}
	if (machine.peer_found && tcp_next(&machine.tcp, machine.now_ns, &segment)) {
		send_segment(&segment, machine.tcp.peer, machine.peer_mac);
		sent = true;
	}
	return sent;
}

bool machine_step(void)
{
	bool moved = false;

	machine.now_ns = card_now_ns();
	for (unsigned i = 0; i < BURST && take_frame(); i++)
		moved = true;
	ask();
	moved |= send_frames();
	if (!moved)
		card_rest();
	return machine.now_ns < machine.end_ns;
}

void machine_linger(const uint64_t quiet_ns)
{
	machine.heard_ns = machine.now_ns;
	while (machine.now_ns - machine.heard_ns < quiet_ns)
		if (!machine_step())
			return;
}

/* ---- The queue pair ---- */

bool machine_create(void)
{
	struct ibv_qp_init_attr init = {
		.send_cq = machine.cq, .recv_cq = machine.cq, .qp_type = machine.options.type
	};

	machine.qp = ibv_create_qp(machine.pd, &init);
	return tools_claim(machine.qp != NULL, "a queue pair is created");
}

static bool move_to(struct ibv_qp_attr *const attr, const enum ibv_qp_state state, const int mask)
{
	attr->qp_state = state;
	return tools_claim(ibv_modify_qp(machine.qp, attr, IBV_QP_STATE | mask) == 0,
		"the queue pair's state changes");
}

static bool connect_datagrams(struct ibv_qp_attr *const attr)
{
	machine.ah = ibv_create_ah(machine.pd, &attr->ah_attr);
	return tools_claim(machine.ah != NULL, "the peer's address is taken") &&
	       move_to(attr, IBV_QPS_INIT, IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY) &&
	       move_to(attr, IBV_QPS_RTR, 0) && move_to(attr, IBV_QPS_RTS, IBV_QP_SQ_PSN);
}

bool machine_connect(void)
{
	const bool reliable = machine.options.type == IBV_QPT_RC;
	struct ibv_qp_attr attr = { .path_mtu = machine.options.mtu,
		.dest_qp_num = machine.peer.qpn,
		.rq_psn = machine.peer.psn,
		.sq_psn = machine.psn,
		.qkey = MACHINE_QKEY,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		.ah_attr = { .is_global = 1 },
		.max_rd_atomic = READS,
		.max_dest_rd_atomic = READS,
		.min_rnr_timer = RNR_TIMER,
		.timeout = machine.options.timeout,
		.retry_cnt = RETRIES,
		.rnr_retry = RETRIES };

	attr.ah_attr.grh.dgid = machine.peer.gid;
	if (machine.options.type == IBV_QPT_UD)
		return connect_datagrams(&attr);
	if (!reliable)
		attr.qp_access_flags = IBV_ACCESS_REMOTE_WRITE;
	return move_to(&attr, IBV_QPS_INIT,
		       IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) &&
	       move_to(&attr, IBV_QPS_RTR,
		       IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			       (reliable ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER : 0)) &&
	       move_to(&attr, IBV_QPS_RTS,
		       IBV_QP_SQ_PSN |
			       (reliable ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
						       IBV_QP_MAX_QP_RD_ATOMIC
					 : 0));
}

unsigned machine_grh_bytes(void)
{
	return machine.options.type == IBV_QPT_UD ? IBV_GRH_BYTES : 0;
}

bool machine_receive(const unsigned count)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)machine_in,
		machine.options.bytes + machine_grh_bytes(), machine.in_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = TOOLS_RECEIVE, .sg_list = &sge, .num_sge = 1 };
	bool good = true;

	for (unsigned i = 0; i < count && good; i++)
		good = ibv_post_recv(machine.qp, &wr, &bad) == 0;
	return tools_claim(good, "a receive is posted");
}

bool machine_post(const enum ibv_wr_opcode opcode, const uint64_t id, const uint64_t peer_offset,
	const uint32_t bytes)
{
	const bool atomic =
		opcode == IBV_WR_ATOMIC_CMP_AND_SWP || opcode == IBV_WR_ATOMIC_FETCH_AND_ADD;
	const bool asks = atomic || opcode == IBV_WR_RDMA_READ;
	struct ibv_sge sge = { (uint64_t)(uintptr_t)(asks ? machine_in : machine_out), bytes,
		(asks ? machine.in_mr : machine.out_mr)->lkey };
	struct ibv_send_wr *bad, wr = { .wr_id = id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED };

	if (machine.options.type == IBV_QPT_UD) {
		wr.wr.ud.ah = machine.ah;
		wr.wr.ud.remote_qpn = machine.peer.qpn;
		wr.wr.ud.remote_qkey = MACHINE_QKEY;
	} else if (atomic) {
		wr.wr.atomic.remote_addr = machine.peer.address + peer_offset;
		wr.wr.atomic.rkey = machine.peer.rkey;
		wr.wr.atomic.compare_add = opcode == IBV_WR_ATOMIC_FETCH_AND_ADD ? 1 : id;
		wr.wr.atomic.swap = id + 1;
	} else {
		wr.wr.rdma.remote_addr = machine.peer.address + peer_offset;
		wr.wr.rdma.rkey = machine.peer.rkey;
	}
	return tools_claim(ibv_post_send(machine.qp, &wr, &bad) == 0, "a request is posted");
}

bool machine_poll(struct ibv_wc *const wc, bool *const got)
{
	*got = ibv_poll_cq(machine.cq, 1, wc) == 1;
	if (!*got || wc->status == IBV_WC_SUCCESS)
		return true;
	printf("%s: a request ended with an error: %s\n", options_tool_name(machine.options.tool),
		ibv_wc_status_str(wc->status));
	tools_status = TOOLS_ERROR;
	return false;
}

bool machine_complete(struct ibv_wc *const wc)
{
	bool got;

	while (machine_poll(wc, &got)) {
		if (got)
			return true;
		if (!machine_step())
			return tools_claim(false, "a completion comes in time");
	}
	return false;
}

/* ---- What messages are made of ---- */

static uint8_t byte_of(const uint32_t at, const uint32_t number)
{
	return (uint8_t)((at + number * 40503u) * 2654435761u >> 19);
}

void machine_fill(uint8_t *const at, const uint32_t bytes, const uint32_t number)
{
	for (uint32_t i = 0; i < bytes; i++)
		at[i] = byte_of(i, number);
}

bool machine_is_filled(const uint8_t *const at, const uint32_t bytes, const uint32_t number)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (at[i] != byte_of(i, number))
			return false;
	return true;
}
