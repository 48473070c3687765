/*
 * Linux rdma_rxe's instructions for a message of 64 bytes: RC SENDs, one at a time. The sender posts, sleeps, and polls for
 * the completion until it is there, so that no polling in vain is counted; what sleeping costs is measured first, by
 * itself. The receiver has posted all its receives, is blocked until the sender says by TCP that it is done, and then
 * takes the completions. One queue pair over libibverbs, as ibv_rc_pingpong makes it.
 *
 * usage: rxe_cost DEVICE GID-INDEX [ADDRESS]. Without an address it receives. Prints `busy` lines (marks.h).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#include "marks.h"

#define TCP_PORT       18601
#define MESSAGES       500u
#define BYTES          64u
#define SLEEP_NS       1000000
#define SLEEPS_AT_MOST 20000u

enum { MARK_SLEEPS = 10, MARK_SENDS = 20, MARK_RECEIVES = 30, MARK_NOTHING = 40 };

static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static struct ibv_qp *qp;
static uint8_t *buffer;
static int tcp;

struct end {
	uint32_t qpn, psn;
	union ibv_gid gid;
};

static void need(const int good, const char *const what)
{
	if (good)
		return;
	fprintf(stderr, "rxe_cost: %s\n", what);
	exit(1);
}

static void meet(const char *const address)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(TCP_PORT) };
	const int one = 1;
	int listening;

	if (address != NULL) {
		inet_pton(AF_INET, address, &at.sin_addr);
		for (int tries = 0; tries < 300; tries++) {
			tcp = socket(AF_INET, SOCK_STREAM, 0);
			if (connect(tcp, (struct sockaddr *)&at, sizeof(at)) == 0)
				return;
			close(tcp);
			usleep(100000);
		}
		need(0, "nobody listens");
	}
	listening = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	need(bind(listening, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listening, 1) == 0,
		"listen");
	tcp = accept(listening, NULL, NULL);
	need(tcp >= 0, "accept");
}

static void say(const void *const mine, const size_t bytes)
{
	need(write(tcp, mine, bytes) == (ssize_t)bytes, "the other end went away");
}

static void hear(void *const other, const size_t bytes)
{
	need(recv(tcp, other, bytes, MSG_WAITALL) == (ssize_t)bytes, "the other end went away");
}

static void create(const char *const device)
{
	struct ibv_device **const list = ibv_get_device_list(NULL);
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC, .cap = { 8, MESSAGES, 1, 1, 0 } };
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1 };

	need(list != NULL && *list != NULL && strcmp(ibv_get_device_name(*list), device) == 0,
		"no such device");
	context = ibv_open_device(*list);
	pd = ibv_alloc_pd(context);
	cq = ibv_create_cq(context, MESSAGES + 8, NULL, NULL, 0);
	buffer = aligned_alloc(4096, 4096);
	mr = ibv_reg_mr(pd, buffer, 4096, IBV_ACCESS_LOCAL_WRITE);
	need(pd != NULL && cq != NULL && mr != NULL, "resources");
	init.send_cq = init.recv_cq = cq;
	qp = ibv_create_qp(pd, &init);
	need(qp != NULL && ibv_modify_qp(qp, &attr,
				   IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
					   IBV_QP_ACCESS_FLAGS) == 0,
		"queue pair");
}

static void ready(const struct end *const mine, const struct end *const other, const int gid_index)
{
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
			     IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) == 0,
		"ready to receive");
	attr = (struct ibv_qp_attr){ .qp_state = IBV_QPS_RTS,
		.timeout = 17,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.sq_psn = mine->psn,
		.max_rd_atomic = 1 };
	need(ibv_modify_qp(qp, &attr,
		     IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			     IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC) == 0,
		"ready to send");
}

static int polled(void)
{
	struct ibv_wc wc;
	const int found = ibv_poll_cq(cq, 1, &wc);

	need(found >= 0 && (found == 0 || wc.status == IBV_WC_SUCCESS),
		"a completion with an error");
	return found;
}

static void nap(void)
{
	const struct timespec span = { .tv_nsec = SLEEP_NS };

	nanosleep(&span, NULL);
}

static void receives(void)
{
	struct ibv_sge sge = { (uintptr_t)buffer, BYTES, mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	for (unsigned i = 0; i < MESSAGES; i++)
		need(ibv_post_recv(qp, &wr, &bad) == 0, "post receive");
}

/* Posting anew is part of it, as it is where messages do not end. */
static void receive(void)
{
	struct marked at;
	uint8_t word = 0;

	receives();
	say(&word, 1);
	hear(&word, 1);
	MARK_BEGIN(MARK_NOTHING, &at);
	say(&word, 1);
	hear(&word, 1);
	MARK_END(MARK_NOTHING, &at, "blocked", 1);
	MARK_BEGIN(MARK_RECEIVES, &at);
	say(&word, 1);
	hear(&word, 1);
	for (unsigned i = 0; i < MESSAGES; i++)
		need(polled() == 1, "a message is missing");
	receives();
	MARK_END(MARK_RECEIVES, &at, "receive", MESSAGES);
}

static void sends(void)
{
	struct ibv_sge sge = { (uintptr_t)buffer, BYTES, mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED };
	struct marked at;
	unsigned naps = 0;

	MARK_BEGIN(MARK_SENDS, &at);
	for (unsigned i = 0; i < MESSAGES; i++) {
		need(ibv_post_send(qp, &wr, &bad) == 0, "post");
		do {
			nap();
			need(++naps < SLEEPS_AT_MOST, "no completion");
		} while (polled() == 0);
	}
	MARK_END(MARK_SENDS, &at, "send", MESSAGES);
	printf("naps %u\n", naps);
}

static void sleeps(void)
{
	struct marked at;

	MARK_BEGIN(MARK_SLEEPS, &at);
	for (unsigned i = 0; i < MESSAGES; i++) {
		nap();
		need(polled() == 0, "a completion of nothing");
	}
	MARK_END(MARK_SLEEPS, &at, "sleep", MESSAGES);
}

static void send_all(void)
{
	uint8_t word = 0;

	hear(&word, 1);
	say(&word, 1);
	hear(&word, 1);
	sleeps();
	say(&word, 1);
	hear(&word, 1);
	sends();
	say(&word, 1);
}

int main(const int argc, char **const argv)
{
	struct end mine = { .psn = 0x123 }, other;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: rxe_cost DEVICE GID-INDEX [ADDRESS]\n");
		return 2;
	}
	create(argv[1]);
	mine.qpn = qp->qp_num;
	need(ibv_query_gid(context, 1, atoi(argv[2]), &mine.gid) == 0, "gid");
	meet(argc == 4 ? argv[3] : NULL);
	say(&mine, sizeof(mine));
	hear(&other, sizeof(other));
	ready(&mine, &other, atoi(argv[2]));
	if (argc == 4)
		send_all();
	else
		receive();
	return 0;
}
