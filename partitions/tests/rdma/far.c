/*
 * The far end: an adapter of its own, on its own card, by the verbs themselves. It greets each client that greets it,
 * sends back what it is sent, and lets clients write and read its memory.
 */
#include <stdio.h>
#include <string.h>

#include <ib/connection.h>
#include <ib/crc.h>
#include <ib/port.h>
#include <net/card.h>

#include <mullion/args.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "wire.h"

#define DEPTH       16
#define PATIENCE_NS 20000000000ull
#define LINGER_NS   50000000ull
#define HEARD       64u /* bytes of a datagram's buffer */

IBV_POOLS(pools, 1, 4, 12, 4, 256, 10, 32, 32);
CONNECTIONS(table, 8);
NEIGHBOURS(known, 8);

struct peer {
	struct ibv_qp *greetings; /* datagrams of this client's P_Key */
	struct ibv_qp *qp;
	struct ibv_ah *ah;
	uint8_t heard[HEARD];
	uint8_t messages[DEPTH][WIRE_MESSAGE];
	uint32_t echoed, wrong, greeted;
	bool gone;
};

static struct card card;
static struct ibv_context context;
static struct roce_port port;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static struct {
	struct peer peers[WIRE_CLIENTS];
	uint8_t written[WIRE_CLIENTS][WIRE_FAR_MEMORY];
} memory;

static bool climb(struct ibv_qp *const qp, struct ibv_qp_attr *const attr)
{
	const bool connected = qp->qp_type == IBV_QPT_RC;
	static const int masks[] = { [IBV_QPS_INIT] = IBV_QP_PKEY_INDEX | IBV_QP_PORT |
						      IBV_QP_ACCESS_FLAGS | IBV_QP_QKEY,
		[IBV_QPS_RTR] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
		[IBV_QPS_RTS] = IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC };

	for (int state = IBV_QPS_INIT; state <= IBV_QPS_RTS; state++) {
		attr->qp_state = (enum ibv_qp_state)state;
		if (ibv_modify_qp(qp, attr,
			    IBV_QP_STATE |
				    (connected ? masks[state] : masks[state] & ~IBV_QP_AV)) != 0)
			return false;
	}
	return true;
}

static struct ibv_qp *create(const enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = type };

	return ibv_create_qp(pd, &init);
}

static void receive(
	struct ibv_qp *const qp, uint8_t *const at, const uint32_t bytes, const uint64_t id)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)at, bytes, mr->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = id, .sg_list = &sge, .num_sge = 1 };

	ibv_post_recv(qp, &wr, &bad);
}

static bool open_peer(const unsigned number)
{
	struct peer *const peer = &memory.peers[number];
	struct ibv_qp_attr attr = { .pkey_index = (uint16_t)(1 + number),
		.timeout = 1,
		.qkey = WIRE_QKEY,
		.path_mtu = IBV_MTU_1024 };

	peer->greetings = create(IBV_QPT_UD);
	if (peer->greetings == NULL || peer->greetings->qp_num != WIRE_FIRST_QPN + number ||
		!climb(peer->greetings, &attr))
		return false;
	receive(peer->greetings, peer->heard, HEARD, 0);
	return true;
}

static bool listen(void)
{
	static const struct connection_range range = { CONNECTION_TCP(WIRE_PORT),
		CONNECTION_TCP(WIRE_PORT) };
	static const struct connection_owner owner = { &range, 1 };
	const struct connections_setup setup = {
		.context = &context, .pd = pd, .owners = &owner, .owner_count = 1, .life = 1
	};

	return connections_open(&table, &setup) == CONNECTION_GOOD &&
	       connection_listen(&table, 0, range.first, range.last) == CONNECTION_GOOD;
}

static bool open(void)
{
	static const uint16_t pkeys[WIRE_CLIENTS] = WIRE_PKEYS;
	char text[ENDPOINT_TEXT_BYTES] = "10.9.0.2/24:1";
	struct endpoint at;

	args_text("at", text, sizeof(text));
	if (!endpoint_parse(text, &at) || !card_open(&card, 0, 0, 0) ||
		ibv_open(&context, &pools, &time_rate) != 0)
		return false;
	ib_crc_fold(true);
	roce_port_open(&port, &context, &known, &at, card.mac);
	for (unsigned i = 0; i < WIRE_CLIENTS; i++)
		ibv_set_pkey(&context, 1 + i, pkeys[i]);
	pd = ibv_alloc_pd(&context);
	cq = ibv_create_cq(&context, 256, NULL);
	mr = ibv_reg_mr(pd, &memory, sizeof(memory),
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC);
	return open_peer(0) && open_peer(1) && listen();
}

/* ---- Greetings ---- */

static void expect(struct peer *const peer)
{
	for (unsigned i = 0; i < DEPTH; i++)
		receive(peer->qp, peer->messages[i], WIRE_MESSAGE, i);
}

static bool connect(const unsigned number, const struct greeting *const greeting,
	const union ibv_gid *const gid)
{
	struct peer *const peer = &memory.peers[number];
	struct ibv_qp_attr attr = { .path_mtu = IBV_MTU_1024,
		.pkey_index = (uint16_t)(1 + number),
		.rq_psn = WIRE_PSN,
		.sq_psn = WIRE_PSN,
		.dest_qp_num = greeting->qpn,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
		.ah_attr = { .grh = { .dgid = *gid }, .is_global = 1 },
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 12,
		.timeout = 16,
		.retry_cnt = 7,
		.rnr_retry = 7 };

	if (peer->qp != NULL)
		ibv_destroy_qp(peer->qp);
	peer->qp = create(IBV_QPT_RC);
	if (peer->qp == NULL || !climb(peer->qp, &attr))
		return false;
	expect(peer);
	return true;
}

/* By its P_Key we know which client it is. */
static void accept(struct connection *const connection)
{
	static const struct connection_parameters own = { .responder_resources = 4,
		.initiator_depth = 4,
		.retry_count = 7,
		.rnr_retry_count = 7,
		.ack_timeout = 16,
		.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };
	struct peer *const peer = &memory.peers[(connection->pkey_index - 1u) % WIRE_CLIENTS];

	if (peer->qp != NULL)
		ibv_destroy_qp(peer->qp);
	peer->qp = create(IBV_QPT_RC);
	if (peer->qp != NULL &&
		connection_accept(connection, tsc_read(), peer->qp, &own) == CONNECTION_GOOD)
		expect(peer);
}

static void manage(void)
{
	struct connection_event event;

	if (connections_poll(&table, tsc_read(), &event) && event.kind == CONNECTION_REQUEST)
		accept(event.connection);
}

static void greet(const unsigned number)
{
	struct peer *const peer = &memory.peers[number];
	const struct greeting mine = { peer->qp->qp_num, mr->rkey,
		(uint64_t)(uintptr_t)memory.written[number] };
	struct ibv_sge sge = { (uint64_t)(uintptr_t)&mine, sizeof(mine), 0 };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_INLINE
	};

	wr.wr.ud.ah = peer->ah;
	wr.wr.ud.remote_qpn = peer->greeted;
	wr.wr.ud.remote_qkey = WIRE_QKEY;
	ibv_post_send(peer->greetings, &wr, &bad);
}

/* IPv4's source stands in the last eight bytes of the GRH, but four. */
static void take_greeting(const unsigned number, const struct ibv_wc *const wc)
{
	struct peer *const peer = &memory.peers[number];
	struct ibv_ah_attr address = { .is_global = 1 };
	struct greeting greeting;

	memcpy(&greeting, peer->heard + IBV_GRH_BYTES, sizeof(greeting));
	gid_from_ipv4(address.grh.dgid.raw, octets_read32(peer->heard + 32));
	if (peer->ah == NULL)
		peer->ah = ibv_create_ah(pd, &address);
	peer->greeted = wc->src_qp;
	if (greeting.qpn == 0)
		peer->gone = true;
	else if (connect(number, &greeting, &address.grh.dgid))
		greet(number);
	receive(peer->greetings, peer->heard, HEARD, 0);
}

/* ---- Messages ---- */

static void echo(struct peer *const peer, const struct ibv_wc *const wc)
{
	uint8_t *const message = peer->messages[wc->wr_id];
	struct ibv_sge sge = { (uint64_t)(uintptr_t)message, wc->byte_len, mr->lkey };
	struct ibv_send_wr *bad, wr = { .wr_id = wc->wr_id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED };
	uint32_t n;

	memcpy(&n, message, sizeof(n));
	if (wire_is_filled(message, n, wc->byte_len))
		peer->echoed++;
	else
		peer->wrong++;
	ibv_post_send(peer->qp, &wr, &bad);
}

static void take_completion(const struct ibv_wc *const wc)
{
	for (unsigned i = 0; i < WIRE_CLIENTS; i++) {
		struct peer *const peer = &memory.peers[i];

		if (wc->status != IBV_WC_SUCCESS)
			return;
		if (wc->qp_num == peer->greetings->qp_num && wc->opcode == IBV_WC_RECV)
			take_greeting(i, wc);
		else if (peer->qp == NULL || wc->qp_num != peer->qp->qp_num)
			continue;
		else if (wc->opcode == IBV_WC_RECV)
			echo(peer, wc);
		else if (wc->opcode == IBV_WC_SEND) /* its buffer is free again */
			receive(peer->qp, peer->messages[wc->wr_id], WIRE_MESSAGE, wc->wr_id);
		return;
	}
}

static void step(void)
{
	static uint8_t frame[CARD_FRAME_BYTES], reply[CARD_FRAME_BYTES];
	const unsigned bytes = card_receive(&card, frame);
	struct ibv_wc wc;
	bool more = true;

	if (bytes != 0) {
		const unsigned reply_bytes = roce_port_take(&port, tsc_read(), frame, bytes, reply);

		if (reply_bytes != 0)
			card_send(&card, reply, reply_bytes);
	}
	manage();
	while (ibv_poll_cq(cq, 1, &wc) == 1)
		take_completion(&wc);
	for (unsigned i = 0; i < 8 && more; i++) {
		const unsigned ready =
			roce_port_next(&port, tsc_read(), 0xffff, frame, sizeof(frame), &more);

		if (ready != 0)
			card_send(&card, frame, ready);
	}
}

static void serve_until(const uint64_t end, const bool for_clients)
{
	while (time_now_ns() < end &&
		!(for_clients && memory.peers[0].gone && memory.peers[1].gone))
		step();
}

int far_end(void)
{
	const struct peer *const peers = memory.peers;
	uint64_t refused = 0;

	tap_plan(3);
	tap_check(open(), "the_far_end_opens_its_card", "it does not");
	serve_until(time_now_ns() + args_number("patience-ns", PATIENCE_NS), true);
	serve_until(time_now_ns() + LINGER_NS,
		false); /* good byes are acknowledged, consoles printed */
	for (unsigned i = 0; i < IB_REFUSALS; i++)
		refused += i != IB_ACCEPTED && i != IB_REFUSED_NOT_ROCE ? port.refused[i] : 0;
	printf("# echoed: %u and %u\n", (unsigned)peers[0].echoed, (unsigned)peers[1].echoed);
	tap_check(peers[0].echoed != 0 && peers[1].echoed != 0 &&
			  peers[0].wrong + peers[1].wrong == 0,
		"every_message_of_both_clients_is_whole", "%u and %u are not",
		(unsigned)peers[0].wrong, (unsigned)peers[1].wrong);
	tap_check(refused == 0 && port.unknown == 0, "and_every_frame_is_one", "%u are not",
		(unsigned)refused);
	fflush(stdout);
	serve_until(
		time_now_ns() + LINGER_NS, false); /* all is acknowledged, and consoles printed */
	return tap_status();
}
