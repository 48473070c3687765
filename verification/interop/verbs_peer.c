/*
 * What none of Debian's tools sends: immediates and invalidations of RC, and UC's short forms. One end listens, the other
 * sends each kind of request in one packet and in several; the listening end checks length, content, immediate and
 * invalidated key of each. Runs in the Linux peer, over libibverbs.
 *
 * usage: verbs_peer DEVICE GID-INDEX [ADDRESS]. Without an address it listens, on TCP port 18600. Exit 1: something did
 * not come as it was sent, and what is said; 2: usage.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#define TCP_PORT    18600
#define BUFFER      65536u
#define DEPTH       8u
#define SHORT_BYTES 101u  /* one packet, with padding */
#define LONG_BYTES  3002u /* three of the MTU of 1024, the last with padding */
#define ATTEMPTS    2000000000u

static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static uint8_t *buffer;
static int gid_index, tcp;

/* What the ends tell each other, by TCP. */
struct end {
	uint32_t qpn, psn, rkey, window_rkey;
	uint64_t address;
	union ibv_gid gid;
};

static const struct request {
	const char *name;
	enum ibv_qp_type type;
	enum ibv_wr_opcode opcode;
} requests[] = {
	{ "rc send with immediate", IBV_QPT_RC, IBV_WR_SEND_WITH_IMM },
	{ "rc write with immediate", IBV_QPT_RC, IBV_WR_RDMA_WRITE_WITH_IMM },
	{ "rc send with invalidate", IBV_QPT_RC, IBV_WR_SEND_WITH_INV },
	{ "uc send", IBV_QPT_UC, IBV_WR_SEND },
	{ "uc send with immediate", IBV_QPT_UC, IBV_WR_SEND_WITH_IMM },
	{ "uc write with immediate", IBV_QPT_UC, IBV_WR_RDMA_WRITE_WITH_IMM },
};

static void need(const int good, const char *const format, ...)
{
	va_list words;

	if (good)
		return;
	va_start(words, format);
	vfprintf(stderr, format, words);
	va_end(words);
	fputc('\n', stderr);
	exit(1);
}

/* ---- The two ends ---- */

static void meet(const char *const address)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(TCP_PORT) };
	const int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);

	if (address != NULL) {
		inet_pton(AF_INET, address, &at.sin_addr);
		need(connect(listening, (struct sockaddr *)&at, sizeof(at)) == 0, "connect");
		tcp = listening;
		return;
	}
	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	need(bind(listening, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listening, 1) == 0,
		"listen");
	tcp = accept(listening, NULL, NULL);
	need(tcp >= 0, "accept");
}

static void exchange(const void *const mine, void *const other, const size_t bytes)
{
	need(write(tcp, mine, bytes) == (ssize_t)bytes, "the other end went away");
	need(recv(tcp, other, bytes, MSG_WAITALL) == (ssize_t)bytes, "the other end went away");
}

static void barrier(void)
{
	uint8_t mine = 1, other;

	exchange(&mine, &other, 1);
}

/* ---- Verbs ---- */

static void begin(const char *const device)
{
	struct ibv_device **const list = ibv_get_device_list(NULL);
	struct ibv_device **found = list;

	while (found != NULL && *found != NULL && strcmp(ibv_get_device_name(*found), device) != 0)
		found++;
	need(found != NULL && *found != NULL, "there is no device %s", device);
	context = ibv_open_device(*found);
	pd = ibv_alloc_pd(context);
	cq = ibv_create_cq(context, 2 * DEPTH, NULL, NULL, 0);
	buffer = aligned_alloc(4096, BUFFER);
	mr = ibv_reg_mr(pd, buffer, BUFFER,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_MW_BIND);
	need(pd != NULL && cq != NULL && mr != NULL, "resources");
}

static struct ibv_qp *create(const enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq, .recv_cq = cq, .qp_type = type, .cap = { DEPTH, DEPTH, 1, 1, 0 }
	};
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT, .port_num = 1, .qp_access_flags = IBV_ACCESS_REMOTE_WRITE
	};
	struct ibv_qp *const qp = ibv_create_qp(pd, &init);

	need(qp != NULL && ibv_modify_qp(qp, &attr,
				   IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
					   IBV_QP_ACCESS_FLAGS) == 0,
		"queue pair");
	return qp;
}

static void ready(
	struct ibv_qp *const qp, const struct end *const mine, const struct end *const other)
{
	const int rc = qp->qp_type == IBV_QPT_RC;
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = other->qpn,
		.rq_psn = other->psn,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = { .is_global = 1,
			.port_num = 1,
			.grh = { .dgid = other->gid,
				.sgid_index = (uint8_t)gid_index,
				.hop_limit = 64 } } };

	need(ibv_modify_qp(qp, &attr,
		     IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			     (rc ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER : 0)) == 0,
		"ready to receive");
	attr = (struct ibv_qp_attr){ .qp_state = IBV_QPS_RTS,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.sq_psn = mine->psn,
		.max_rd_atomic = 1 };
	need(ibv_modify_qp(qp, &attr,
		     IBV_QP_STATE | IBV_QP_SQ_PSN |
			     (rc ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
						     IBV_QP_MAX_QP_RD_ATOMIC
				 : 0)) == 0,
		"ready to send");
}

static struct ibv_wc poll_one(const char *const what)
{
	struct ibv_wc wc;
	int found = 0;

	for (unsigned i = 0; i < ATTEMPTS && found == 0; i++)
		found = ibv_poll_cq(cq, 1, &wc);
	need(found == 1 && wc.status == IBV_WC_SUCCESS, "%s: %s", what,
		found == 1 ? ibv_wc_status_str(wc.status) : "no completion");
	return wc;
}

/* A window on the buffer, for the other end to invalidate; 0 where none is wanted. */
static uint32_t open_window(struct ibv_qp *const qp, const enum ibv_wr_opcode opcode)
{
	struct ibv_send_wr *bad, wr = { .opcode = IBV_WR_BIND_MW, .send_flags = IBV_SEND_SIGNALED };
	struct ibv_mw *mw;

	if (opcode != IBV_WR_SEND_WITH_INV)
		return 0;
	mw = ibv_alloc_mw(pd, IBV_MW_TYPE_2);
	need(mw != NULL, "memory window");
	wr.bind_mw.mw = mw;
	wr.bind_mw.rkey = ibv_inc_rkey(mw->rkey);
	wr.bind_mw.bind_info = (struct ibv_mw_bind_info){ .mr = mr,
		.addr = (uintptr_t)buffer,
		.length = BUFFER,
		.mw_access_flags = IBV_ACCESS_REMOTE_WRITE };
	need(ibv_post_send(qp, &wr, &bad) == 0, "binding a window");
	poll_one("binding a window");
	return wr.bind_mw.rkey;
}

/* ---- One request ---- */

static void fill(const unsigned bytes, const unsigned seed)
{
	for (unsigned i = 0; i < bytes; i++)
		buffer[i] = (uint8_t)(seed + 7 * i);
}

static void send_one(struct ibv_qp *const qp, const struct request *const request,
	const struct end *const other, const unsigned bytes)
{
	struct ibv_sge sge = { (uintptr_t)buffer, bytes, mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge,
		.num_sge = 1,
		.opcode = request->opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.imm_data = htonl(0x12340000 + bytes) };

	if (request->opcode == IBV_WR_SEND_WITH_INV)
		wr.invalidate_rkey = other->window_rkey;
	wr.wr.rdma.remote_addr = other->address;
	wr.wr.rdma.rkey = other->rkey;
	fill(bytes, bytes);
	need(ibv_post_send(qp, &wr, &bad) == 0, "%s: post", request->name);
	poll_one(request->name);
}

static void judge(const struct request *const request, const struct ibv_wc *const wc,
	const struct end *const mine, const unsigned bytes)
{
	const int immediate = request->opcode == IBV_WR_SEND_WITH_IMM ||
			      request->opcode == IBV_WR_RDMA_WRITE_WITH_IMM;

	need(wc->byte_len == bytes, "%s: %u bytes of %u", request->name, wc->byte_len, bytes);
	for (unsigned i = 0; i < bytes; i++)
		need(buffer[i] == (uint8_t)(bytes + 7 * i), "%s: byte %u", request->name, i);
	need(!immediate || (wc->wc_flags & IBV_WC_WITH_IMM &&
				   ntohl(wc->imm_data) == 0x12340000 + bytes),
		"%s: the immediate", request->name);
	/* Without its flag: rdma_rxe sets the kernel's, which means something else in libibverbs. */
	need(request->opcode != IBV_WR_SEND_WITH_INV || wc->invalidated_rkey == mine->window_rkey,
		"%s: key %#x of %#x", request->name, wc->invalidated_rkey, mine->window_rkey);
}

static void run(const struct request *const request, const int listens, const unsigned bytes)
{
	struct ibv_qp *const qp = create(request->type);
	struct ibv_sge sge = { (uintptr_t)buffer, BUFFER, mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };
	struct end mine = { .qpn = qp->qp_num, .psn = 0xfffffe, .rkey = mr->rkey }, other;
	struct ibv_wc wc;

	mine.address = (uintptr_t)buffer;
	need(ibv_query_gid(context, 1, gid_index, &mine.gid) == 0, "gid");
	exchange(&mine, &other, sizeof(mine));
	ready(qp, &mine, &other);
	memset(buffer, 0, BUFFER);
	if (listens)
		need(ibv_post_recv(qp, &wr, &bad) == 0, "post receive");
	mine.window_rkey = listens ? open_window(qp, request->opcode) : 0;
	exchange(&mine, &other, sizeof(mine));
	if (listens) {
		wc = poll_one(request->name);
		judge(request, &wc, &mine, bytes);
	} else {
		send_one(qp, request, &other, bytes);
	}
	barrier();
	printf("%s of %u bytes: good\n", request->name, bytes);
	ibv_destroy_qp(qp);
}

int main(const int argc, char **const argv)
{
	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: verbs_peer DEVICE GID-INDEX [ADDRESS]\n");
		return 2;
	}
	gid_index = atoi(argv[2]);
	begin(argv[1]);
	meet(argc == 4 ? argv[3] : NULL);
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		run(&requests[i], argc == 3, SHORT_BYTES);
		run(&requests[i], argc == 3, LONG_BYTES);
	}
	return 0;
}
