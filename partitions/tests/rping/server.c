/*
 * The rping server. See server.h. Invariant: what is answered is what the client sent last.
 */
#include <stdio.h>
#include <string.h>

#include <ib/connection.h>

#include "server.h"

#define RPING_PORT 7174u
#define BUFFER     0x20000u
#define DEPTH      16
#define INFO_BYTES 16u
#define FIRST_PSN  0xfffffeu /* wraps at once */

IBV_POOLS(pools, 1, 3, CONNECTION_SENDS, 2, 32, 2, DEPTH, DEPTH);
CONNECTIONS(table, 8);
NEIGHBOURS(known, 4);

enum stage { STAGE_NONE, STAGE_SOURCE, STAGE_READING, STAGE_SINK, STAGE_WRITING };

struct server server;

static struct ibv_pd *pd;
static struct ibv_mr *buffer_mr, *info_mr;
static struct ibv_cq *cq;
static struct ibv_qp *qp; /* NULL: no client */
static uint8_t buffer[BUFFER], info[2][INFO_BYTES];
static enum stage stage;
static uint32_t ping_bytes;

/* ---- Verbs ---- */

static void begin(const uint32_t life)
{
	static const struct connection_range range = { CONNECTION_TCP(RPING_PORT),
		CONNECTION_TCP(RPING_PORT) };
	static const struct connection_owner owner = { &range, 1 };
	struct connections_setup setup = { .context = &server.context,
		.owners = &owner,
		.owner_count = 1,
		.life = life,
		.first_psn = FIRST_PSN };

	setup.pd = pd = ibv_alloc_pd(&server.context);
	buffer_mr = ibv_reg_mr(pd, buffer, sizeof(buffer), IBV_ACCESS_LOCAL_WRITE);
	info_mr = ibv_reg_mr(pd, info, sizeof(info), IBV_ACCESS_LOCAL_WRITE);
	cq = ibv_create_cq(&server.context, 32, NULL);
	server_needs(connections_open(&table, &setup) == CONNECTION_GOOD,
		"the communication manager opens");
	server_needs(connection_listen(&table, 0, range.first, range.last) == CONNECTION_GOOD,
		"and listens");
}

static void receive_info(void)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)info[0], INFO_BYTES, info_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	server_needs(ibv_post_recv(qp, &wr, &bad) == 0, "a buffer is posted");
}

static void request(const enum ibv_wr_opcode opcode, void *const at, const uint32_t bytes,
	const struct ibv_mr *const mr)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)at, bytes, mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = opcode == IBV_WR_SEND ? 0 : IBV_SEND_SIGNALED };

	wr.wr.rdma.remote_addr = octets_read64(info[0]);
	wr.wr.rdma.rkey = octets_read32(info[0] + 8);
	server_needs(ibv_post_send(qp, &wr, &bad) == 0, "a request is posted");
}

/* ---- Connections ---- */

static const struct connection_parameters parameters = { .responder_resources = 4,
	.initiator_depth = 4,
	.retry_count = 7,
	.rnr_retry_count = 7,
	.ack_timeout =
		17 }; /* half a second: Linux may be stopped for long where the machine is busy */

/* One client at a time; nobody else is answered until it has gone. */
static void accept_client(const struct connection_event *const event, const uint64_t now_ticks)
{
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC };

	if (qp != NULL) {
		connection_reject(event->connection, now_ticks, CM_REJECT_NO_RESOURCES, NULL, 0);
		return;
	}
	qp = ibv_create_qp(pd, &init);
	server_needs(qp != NULL, "a queue pair is created");
	server_needs(
		connection_accept(event->connection, now_ticks, qp, &parameters) == CONNECTION_GOOD,
		"and accepted with");
	receive_info();
	stage = STAGE_SOURCE;
}

static void end_client(void)
{
	printf("connection: %u pings, went back %llu times\n", server.pings,
		(unsigned long long)qp->retransmitted);
	ibv_destroy_qp(qp);
	qp = NULL;
	server.connections++;
}

static void take_event(const struct connection_event *const event, const uint64_t now_ticks)
{
	if (event->kind == CONNECTION_REQUEST)
		accept_client(event, now_ticks);
	else if (event->kind == CONNECTION_DISCONNECTED)
		end_client();
	else
		server_needs(
			event->kind == CONNECTION_EVENT_NONE || event->kind == CONNECTION_CONNECTED,
			"clients that connect stay");
}

/* ---- rping ---- */

static void go_ahead(const enum stage next)
{
	receive_info();
	request(IBV_WR_SEND, info[1], INFO_BYTES, info_mr);
	stage = next;
}

static void take_completion(const struct ibv_wc *const wc)
{
	if (wc->status != IBV_WC_SUCCESS) {
		if (wc->status != IBV_WC_WR_FLUSH_ERR) {
			printf("failed: %s, opcode %d\n", ibv_wc_status_str(wc->status),
				wc->opcode);
			server.failures++;
		}
	} else if (wc->opcode == IBV_WC_RECV && stage == STAGE_SOURCE) {
		ping_bytes = octets_read32(info[0] + 12);
		server_needs(ping_bytes <= BUFFER, "a ping fits");
		request(IBV_WR_RDMA_READ, buffer, ping_bytes, buffer_mr);
		stage = STAGE_READING;
	} else if (wc->opcode == IBV_WC_RDMA_READ && stage == STAGE_READING) {
		go_ahead(STAGE_SINK);
	} else if (wc->opcode == IBV_WC_RECV && stage == STAGE_SINK) {
		request(IBV_WR_RDMA_WRITE, buffer, ping_bytes, buffer_mr);
		stage = STAGE_WRITING;
	} else if (wc->opcode == IBV_WC_RDMA_WRITE && stage == STAGE_WRITING) {
		server.pings++;
		go_ahead(STAGE_SOURCE);
	}
}

void server_open(const struct endpoint *const at, const uint8_t mac[const ROCE_MAC_BYTES],
	const struct time_rate *const rate, const uint32_t life)
{
	server_needs(ibv_open(&server.context, &pools, rate) == 0, "the adapter opens");
	roce_port_open(&server.port, &server.context, &known, at, mac);
	begin(life);
}

void server_work(const uint64_t now_ticks)
{
	struct connection_event event;
	struct ibv_wc wc;

	while (connections_poll(&table, now_ticks, &event))
		take_event(&event, now_ticks);
	while (ibv_poll_cq(cq, 1, &wc) == 1)
		take_completion(&wc);
}
