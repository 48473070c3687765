/*
 * The rping server. See server.h. Invariant: what is answered is what the client sent last; a REQ or a DREQ that
 * comes again is answered again.
 */
#include <stdio.h>
#include <string.h>

#include <ib/cm.h>

#include "server.h"

#define RPING_PORT  7174u
#define BUFFER      0x20000u
#define DEPTH       16
#define MTU         IBV_MTU_1024
#define INFO_BYTES  16u
#define MAD_BUFFERS 8u
#define FIRST_PSN   0xfffffeu /* wraps at once */

IBV_POOLS(pools, 1, 4, 4, 4, 32, 3, DEPTH, DEPTH);
NEIGHBOURS(known, 4);

enum stage { STAGE_NONE, STAGE_SOURCE, STAGE_READING, STAGE_SINK, STAGE_WRITING };

struct server server;

static struct ibv_pd *pd;
static struct ibv_mr *buffer_mr, *info_mr, *mad_mr;
static struct ibv_cq *gsi_cq, *cq;
static struct ibv_qp *gsi, *qp;
static uint8_t buffer[BUFFER], info[2][INFO_BYTES],
	mads[MAD_BUFFERS + 1][MAD_BYTES + IBV_GRH_BYTES];
static struct ibv_ah *client_ah;
static enum stage stage;
static uint32_t client_id, ended_id, ping_bytes;

/* ---- Verbs ---- */

static void receive_mad(const unsigned index)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)mads[index], sizeof(mads[0]), mad_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = index, .sg_list = &sge, .num_sge = 1 };

	server_needs(ibv_post_recv(gsi, &wr, &bad) == 0, "a datagram's buffer is posted");
}

static void begin(const uint64_t ticks_per_us)
{
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_GSI };
	struct ibv_qp_attr attr = { .qkey = IB_QKEY_GSI };

	server_needs(ibv_open(&server.context, &pools, ticks_per_us) == 0, "the adapter opens");
	pd = ibv_alloc_pd(&server.context);
	buffer_mr = ibv_reg_mr(pd, buffer, sizeof(buffer), IBV_ACCESS_LOCAL_WRITE);
	info_mr = ibv_reg_mr(pd, info, sizeof(info), IBV_ACCESS_LOCAL_WRITE);
	mad_mr = ibv_reg_mr(pd, mads, sizeof(mads), IBV_ACCESS_LOCAL_WRITE);
	init.send_cq = init.recv_cq = gsi_cq = ibv_create_cq(&server.context, 32, NULL);
	cq = ibv_create_cq(&server.context, 32, NULL);
	gsi = ibv_create_qp(pd, &init);
	server_needs(gsi != NULL, "the general services' queue pair is created");
	for (attr.qp_state = IBV_QPS_INIT; attr.qp_state <= IBV_QPS_RTS; attr.qp_state++)
		server_needs(ibv_modify_qp(gsi, &attr,
				     IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY |
					     IBV_QP_SQ_PSN) == 0,
			"and works");
	for (unsigned i = 0; i < MAD_BUFFERS; i++)
		receive_mad(i);
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

/* ---- The communication manager, waiting ---- */

static void send_mad(const struct cm_message *const message)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)mads[MAD_BUFFERS], MAD_BYTES, mad_mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };

	server_needs(cm_encode(message, mads[MAD_BUFFERS]), "a message is encoded");
	wr.wr.ud.ah = client_ah;
	wr.wr.ud.remote_qpn = IB_QPN_GSI;
	wr.wr.ud.remote_qkey = IB_QKEY_GSI;
	ibv_post_send(gsi, &wr, &bad);
}

static bool accept_from(const struct cm_req *const req)
{
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC };
	struct ibv_qp_attr attr = { .path_mtu = req->mtu < MTU ? (enum ibv_mtu)req->mtu : MTU,
		.dest_qp_num = req->local_qpn,
		.rq_psn = FIRST_PSN,
		.sq_psn = req->starting_psn,
		.ah_attr = { .is_global = 1 },
		.max_rd_atomic = req->responder_resources < 4 ? req->responder_resources : 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 12,
		.timeout =
			17, /* half a second: Linux may be stopped for long where the machine is busy */
		.retry_cnt = 7,
		.rnr_retry = 7 };

	memcpy(attr.ah_attr.grh.dgid.raw, req->primary.local_gid, IB_GID_BYTES);
	qp = ibv_create_qp(pd, &init);
	server_needs(qp != NULL, "a queue pair is created");
	attr.qp_state = IBV_QPS_INIT;
	server_needs(
		ibv_modify_qp(qp, &attr,
			IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) == 0,
		"INIT");
	receive_info();
	attr.qp_state = IBV_QPS_RTR;
	server_needs(ibv_modify_qp(qp, &attr,
			     IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				     IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				     IBV_QP_MIN_RNR_TIMER) == 0,
		"RTR");
	attr.qp_state = IBV_QPS_RTS;
	return ibv_modify_qp(qp, &attr,
		       IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			       IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC) == 0;
}

/* A REQ that comes again is answered again. */
static void take_req(const struct cm_message *const in)
{
	struct cm_message out = { .rep = { .local_id = 0x4d55,
					  .remote_id = in->req.local_id,
					  .starting_psn = FIRST_PSN,
					  .responder_resources = 4,
					  .initiator_depth = 4,
					  .rnr_retry_count = 7,
					  .local_ca_guid = 1 } };

	if (in->req.service_id != (CM_IP_SERVICE | CM_IP_TCP << 16 | RPING_PORT) ||
		(qp != NULL && in->req.local_id != client_id) || in->req.local_id == ended_id)
		return;
	if (qp == NULL) {
		server_needs(accept_from(&in->req), "RTS");
		client_id = in->req.local_id;
		stage = STAGE_SOURCE;
	}
	out.rep.local_qpn = qp->qp_num;
	cm_header(&out.header, CM_REP, in->header.transaction);
	send_mad(&out);
}

static void take_dreq(const struct cm_message *const in)
{
	struct cm_message out = { .drep = { .local_id = 0x4d55, .remote_id = in->dreq.local_id } };

	cm_header(&out.header, CM_DREP, in->header.transaction);
	send_mad(&out);
	if (qp == NULL || in->dreq.local_id != client_id)
		return;
	printf("connection: %u pings, went back %llu times\n", server.pings,
		(unsigned long long)qp->retransmitted);
	ibv_destroy_qp(qp);
	qp = NULL;
	ended_id = client_id;
	server.connections++;
}

static void take_mad(const struct ibv_wc *const wc)
{
	const uint8_t *const bytes = mads[wc->wr_id];
	struct ibv_ah_attr attr = { .is_global = 1 };
	struct cm_message message;

	if (cm_decode(bytes + IBV_GRH_BYTES, MAD_BYTES, &message) == IB_ACCEPTED) {
		gid_from_ipv4(attr.grh.dgid.raw, octets_read32(bytes + 32));
		if (client_ah == NULL)
			client_ah = ibv_create_ah(pd, &attr);
		if (message.header.attribute == CM_REQ)
			take_req(&message);
		else if (message.header.attribute == CM_DREQ)
			take_dreq(&message);
	}
	receive_mad((unsigned)wc->wr_id);
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
	const uint64_t ticks_per_us)
{
	begin(ticks_per_us);
	roce_port_open(&server.port, &server.context, &known, at, mac);
}

void server_work(void)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(gsi_cq, 1, &wc) == 1)
		if (wc.opcode == IBV_WC_RECV)
			take_mad(&wc);
	while (ibv_poll_cq(cq, 1, &wc) == 1)
		take_completion(&wc);
}
