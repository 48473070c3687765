/*
 * Our verbs against Linux: an rping server behind a socket, which stands for the card. It answers ARP and the
 * communication manager's REQ and DREQ, reads each ping from the client's memory, writes it back, and says
 * so by SENDs; the client compares. In between, frames may get lost, twice, late or damaged, both ways.
 *
 * usage: verbs_rping SOCKET PEER-SOCKET ADDRESS CONNECTIONS SECONDS [QUIET LOST DOUBLED DELAYED DAMAGED SEED]
 * Faults are in a million frames, after QUIET connections. Prints what it counted, also
 * when it is terminated. Exit 0: so many connections came and went, and no
 * frame of Linux's was refused but damaged ones.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <ib/cm.h>
#include <ib/port.h>

#define RPING_PORT   7174u
#define BUFFER       0x20000u
#define DEPTH        16
#define MTU          IBV_MTU_1024
#define FRAME_BYTES  2048u
#define DELAYED_MOST 64u
#define TICKS_PER_US 1000u
#define INFO_BYTES   16u
#define MAD_BUFFERS  8u
#define MILLION      1000000u
#define FIRST_PSN    0xfffffeu /* wraps at once */

IBV_POOLS(pools, 1, 4, 4, 4, 32, 3, DEPTH, DEPTH);

enum stage { STAGE_NONE, STAGE_SOURCE, STAGE_READING, STAGE_SINK, STAGE_WRITING };

struct delayed {
	uint64_t due;
	unsigned bytes;
	uint8_t frame[FRAME_BYTES];
};

static struct ibv_context context;
static struct roce_port port;
static struct ibv_pd *pd;
static struct ibv_mr *buffer_mr, *info_mr, *mad_mr;
static struct ibv_cq *gsi_cq, *cq;
static struct ibv_qp *gsi, *qp;
static uint8_t buffer[BUFFER], info[2][INFO_BYTES],
	mads[MAD_BUFFERS + 1][MAD_BYTES + IBV_GRH_BYTES];
static struct ibv_ah *client_ah;
static enum stage stage;
static uint32_t client_id, ended_id, ping_bytes;
static unsigned connections, pings, failures, quiet;
static int card;
static struct sockaddr_un peer;
static uint32_t lost, doubled, late, damaged;
static uint64_t random_state = 1, faults;
static struct delayed waiting[2][DELAYED_MOST];

static volatile sig_atomic_t stopped;

static void stop(const int number)
{
	(void)number;
	stopped = 1;
}

static void need(const bool good, const char *const what)
{
	if (good)
		return;
	fprintf(stderr, "error: %s\n", what);
	exit(2);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool chance(const uint32_t in_a_million)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1dull >> 33) % MILLION < in_a_million;
}

/* ---- The card, and what happens on the way ---- */

static void to_card(const uint8_t *const frame, const unsigned bytes)
{
	sendto(card, frame, bytes, 0, (const struct sockaddr *)&peer, sizeof(peer));
}

static void to_port(const uint8_t *const frame, const unsigned bytes)
{
	static uint8_t reply[FRAME_BYTES];
	const unsigned reply_bytes = roce_port_take(&port, now(), frame, bytes, reply);

	if (reply_bytes != 0)
		to_card(reply, reply_bytes);
}

static void hand_over(const unsigned inwards, const uint8_t *const frame, const unsigned bytes)
{
	if (inwards)
		to_port(frame, bytes);
	else
		to_card(frame, bytes);
}

static void put_aside(const unsigned inwards, const uint8_t *const frame, const unsigned bytes)
{
	for (unsigned i = 0; i < DELAYED_MOST; i++) {
		struct delayed *const free = &waiting[inwards][i];

		if (free->bytes == 0) {
			free->due = now() + 2000000;
			free->bytes = bytes;
			memcpy(free->frame, frame, bytes);
			return;
		}
	}
	hand_over(inwards, frame, bytes);
}

static void release(void)
{
	for (unsigned inwards = 0; inwards < 2; inwards++)
		for (unsigned i = 0; i < DELAYED_MOST; i++) {
			struct delayed *const d = &waiting[inwards][i];
			const unsigned bytes = d->bytes;

			if (bytes == 0 || d->due > now())
				continue;
			d->bytes = 0;
			hand_over(inwards, d->frame, bytes);
		}
}

/* Only what belongs to a connection is disturbed: UDP, and not to or from queue pair 1. */
static void travel(const unsigned inwards, uint8_t *const frame, const unsigned bytes)
{
	const bool roce = connections >= quiet && bytes > 58 && frame[12] == 8 && frame[13] == 0 &&
			  frame[23] == 17 && (frame[47] | frame[48]) != 0;

	if (roce && chance(lost)) {
		faults++;
		return;
	}
	if (roce && chance(damaged)) {
		faults++;
		frame[42 + random_state % (bytes - 42)] ^= 1;
	}
	if (roce && chance(doubled)) {
		faults++;
		hand_over(inwards, frame, bytes);
	}
	if (roce && chance(late)) {
		faults++;
		put_aside(inwards, frame, bytes);
		return;
	}
	hand_over(inwards, frame, bytes);
}

/* ---- Verbs ---- */

static void receive_mad(const unsigned index)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)mads[index], sizeof(mads[0]), mad_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = index, .sg_list = &sge, .num_sge = 1 };

	need(ibv_post_recv(gsi, &wr, &bad) == 0, "a datagram's buffer is posted");
}

static void begin(void)
{
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_GSI };
	struct ibv_qp_attr attr = { .qkey = IB_QKEY_GSI };

	need(ibv_open(&context, &pools, TICKS_PER_US) == 0, "the adapter opens");
	pd = ibv_alloc_pd(&context);
	buffer_mr = ibv_reg_mr(pd, buffer, sizeof(buffer), IBV_ACCESS_LOCAL_WRITE);
	info_mr = ibv_reg_mr(pd, info, sizeof(info), IBV_ACCESS_LOCAL_WRITE);
	mad_mr = ibv_reg_mr(pd, mads, sizeof(mads), IBV_ACCESS_LOCAL_WRITE);
	init.send_cq = init.recv_cq = gsi_cq = ibv_create_cq(&context, 32, NULL);
	cq = ibv_create_cq(&context, 32, NULL);
	gsi = ibv_create_qp(pd, &init);
	need(gsi != NULL, "the general services' queue pair is created");
	for (attr.qp_state = IBV_QPS_INIT; attr.qp_state <= IBV_QPS_RTS; attr.qp_state++)
		need(ibv_modify_qp(gsi, &attr,
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

	need(ibv_post_recv(qp, &wr, &bad) == 0, "a buffer is posted");
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
	need(ibv_post_send(qp, &wr, &bad) == 0, "a request is posted");
}

/* ---- The communication manager, waiting ---- */

static void send_mad(const struct cm_message *const message)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)mads[MAD_BUFFERS], MAD_BYTES, mad_mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };

	need(cm_encode(message, mads[MAD_BUFFERS]), "a message is encoded");
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
		.timeout = 12,
		.retry_cnt = 7,
		.rnr_retry = 7 };

	memcpy(attr.ah_attr.grh.dgid.raw, req->primary.local_gid, IB_GID_BYTES);
	qp = ibv_create_qp(pd, &init);
	need(qp != NULL, "a queue pair is created");
	attr.qp_state = IBV_QPS_INIT;
	need(ibv_modify_qp(qp, &attr,
		     IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) == 0,
		"INIT");
	receive_info();
	attr.qp_state = IBV_QPS_RTR;
	need(ibv_modify_qp(qp, &attr,
		     IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			     IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) == 0,
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
		need(accept_from(&in->req), "RTS");
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
	printf("connection: %u pings, went back %llu times\n", pings,
		(unsigned long long)qp->retransmitted);
	ibv_destroy_qp(qp);
	qp = NULL;
	ended_id = client_id;
	connections++;
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
			failures++;
		}
	} else if (wc->opcode == IBV_WC_RECV && stage == STAGE_SOURCE) {
		ping_bytes = octets_read32(info[0] + 12);
		need(ping_bytes <= BUFFER, "a ping fits");
		request(IBV_WR_RDMA_READ, buffer, ping_bytes, buffer_mr);
		stage = STAGE_READING;
	} else if (wc->opcode == IBV_WC_RDMA_READ && stage == STAGE_READING) {
		go_ahead(STAGE_SINK);
	} else if (wc->opcode == IBV_WC_RECV && stage == STAGE_SINK) {
		request(IBV_WR_RDMA_WRITE, buffer, ping_bytes, buffer_mr);
		stage = STAGE_WRITING;
	} else if (wc->opcode == IBV_WC_RDMA_WRITE && stage == STAGE_WRITING) {
		pings++;
		go_ahead(STAGE_SOURCE);
	}
}

static void work(void)
{
	static uint8_t frame[FRAME_BYTES];
	struct ibv_wc wc;
	ssize_t bytes;
	bool more = true;

	bytes = recv(card, frame, sizeof(frame), MSG_DONTWAIT);
	if (bytes > 0)
		travel(1, frame, (unsigned)bytes);
	release();
	for (unsigned i = 0; i < 16 && more; i++) {
		const unsigned ready =
			roce_port_next(&port, now(), 0xffff, frame, sizeof(frame), &more);

		if (ready != 0)
			travel(0, frame, ready);
	}
	while (ibv_poll_cq(gsi_cq, 1, &wc) == 1)
		if (wc.opcode == IBV_WC_RECV)
			take_mad(&wc);
	while (ibv_poll_cq(cq, 1, &wc) == 1)
		take_completion(&wc);
	if (bytes <= 0)
		usleep(50);
}

static void open_card(const char *const path, const char *const peer_path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	peer.sun_family = AF_UNIX;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	snprintf(peer.sun_path, sizeof(peer.sun_path), "%s", peer_path);
	unlink(path);
	card = socket(AF_UNIX, SOCK_DGRAM, 0);
	need(card >= 0 && bind(card, (struct sockaddr *)&at, sizeof(at)) == 0, "the socket opens");
}

int main(const int count, char **const words)
{
	static const uint8_t mac[ROCE_MAC_BYTES] = { 0x52, 0x54, 0, 9, 0, 1 };
	struct endpoint at;
	uint64_t end, bad = 0;
	unsigned wanted;

	need(count == 6 || count == 12,
		"usage: verbs_rping SOCKET PEER-SOCKET ADDRESS CONNECTIONS SECONDS "
		"[QUIET LOST DOUBLED DELAYED DAMAGED SEED]");
	need(endpoint_parse(words[3], &at), "the address is one, as 10.9.0.1/24:1");
	wanted = (unsigned)atoi(words[4]);
	if (count == 12) {
		quiet = (unsigned)atoi(words[6]);
		lost = (uint32_t)atoi(words[7]);
		doubled = (uint32_t)atoi(words[8]);
		late = (uint32_t)atoi(words[9]);
		damaged = (uint32_t)atoi(words[10]);
		random_state = (uint64_t)atoi(words[11]);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, stop);
	open_card(words[1], words[2]);
	begin();
	roce_port_open(&port, &context, &at, mac);
	end = now() + (uint64_t)atoi(words[5]) * 1000000000u;
	while (connections < wanted && now() < end && !stopped)
		work();
	for (unsigned i = 0; i < 2000; i++) /* the last DREP may have to be said again */
		work();
	for (unsigned i = 0; i < IB_REFUSALS; i++)
		if (i != IB_ACCEPTED && i != IB_REFUSED_NOT_ROCE)
			bad += port.refused[i];
	printf("%u connections, %u pings, %llu frames, %llu refused, %llu faults, %u failures\n",
		connections, pings, (unsigned long long)port.refused[IB_ACCEPTED],
		(unsigned long long)bad, (unsigned long long)faults, failures);
	for (unsigned i = 1; i < IBV_DROPS; i++)
		if (context.dropped[i] != 0)
			printf("dropped: %s %llu\n", ibv_drop_name((enum ibv_drop)i),
				(unsigned long long)context.dropped[i]);
	return connections == wanted && failures == 0 && (bad == 0 || damaged != 0) ? 0 : 1;
}
