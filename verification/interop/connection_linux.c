/*
 * Our connection manager and our port against Linux: connections both ways, rejected both ways, datagrams' services both
 * ways, over IPv4 and IPv6, with neighbours that nobody told us of.
 *
 * usage: connection_linux SOCKET PEER-SOCKET SECONDS JOBS: frames are datagrams from the one to the other. Does the first
 * JOBS of its jobs, and answers who asks; prints a line for each outcome. Ends after SECONDS, when it is terminated, or when
 * its only job is done. Exit 0: all jobs came out as they have to.
 *
 * We are 10.9.0.1 and fd09::1, Linux 10.9.0.2 and fd09::2. Whoever asks us at port 7180 is rejected, at 7174
 * accepted and sent away; the service of datagrams 7174 answers.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <ib/connection.h>
#include <ib/port.h>

#define FRAME_BYTES 2048u
#define QPS         8u
#define AGAIN_NS    300000000ull
#define FROM_PORT   40000u
#define QKEY        0x01234567u /* rdma_cm's, of datagrams */
#define REJECTS     7180u
#define ACCEPTS     7174u

/* What we ask for, and what has to come of it. */
struct job {
	const char *what;
	bool ipv6, datagram;
	uint8_t host; /* the last byte of the address */
	uint16_t port;
	enum connection_event_kind wanted;
	uint16_t reason;
};

static const struct job jobs[] = {
	{ "a connection", false, false, 2, 7190, CONNECTION_CONNECTED, 0 },
	{ "a connection by IPv6", true, false, 2, 7191, CONNECTION_CONNECTED, 0 },
	{ "a port where nobody listens", false, false, 2, 7199, CONNECTION_REJECTED,
		CM_REJECT_SERVICE_ID },
	{ "a host that is not there", false, false, 77, 7190, CONNECTION_UNREACHABLE, 0 },
	{ "a service of datagrams", false, true, 2, 7174, CONNECTION_DATAGRAM_ANSWER, 0 },
};

#define JOBS (sizeof(jobs) / sizeof(jobs[0]))

IBV_POOLS(pools, 1, 1, CONNECTION_SENDS, 2, 32, QPS, 16, 16);
NEIGHBOURS(known, 16);
CONNECTIONS(table, 8);

static struct ibv_context context;
static struct roce_port port;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_qp *asking, *datagrams;
static struct connection *asked;
static int card;
static struct sockaddr_un peer;
static unsigned done, bad;
static uint64_t not_before;

static volatile sig_atomic_t stopped;

static void stop(const int number)
{
	(void)number;
	stopped = 1;
}

static void needs(const bool good, const char *const what)
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

static struct ibv_qp *create(const enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = type };
	struct ibv_qp *const qp = ibv_create_qp(pd, &init);

	needs(qp != NULL, "a queue pair is created");
	return qp;
}

static void open_all(void)
{
	static const uint8_t mac[ROCE_MAC_BYTES] = { 0x52, 0x54, 0, 9, 0, 1 };
	static const uint8_t address[IB_GID_BYTES] = { 0xfd, 9, [15] = 1 };
	static const struct connection_range ranges[] = { { CONNECTION_TCP(7000),
								  CONNECTION_TCP(7999) },
		{ CONNECTION_UDP(7174), CONNECTION_UDP(7174) } };
	static const struct connection_owner owner = { ranges, 2 };
	struct connections_setup setup = { .context = &context,
		.owners = &owner,
		.owner_count = 1,
		.response_timeout = 15,
		.life = (uint32_t)now() };
	struct endpoint at;

	needs(endpoint_parse("10.9.0.1/24:1", &at), "an address");
	needs(ibv_open(&context, &pools, &rate_nanoseconds) == 0, "the adapter opens");
	roce_port_open(&port, &context, &known, &at, mac);
	needs(roce_port_ipv6(&port, address, 64) == 0, "it has an IPv6 address");
	setup.pd = pd = ibv_alloc_pd(&context);
	cq = ibv_create_cq(&context, 32, NULL);
	needs(connections_open(&table, &setup) == CONNECTION_GOOD, "a table opens");
	needs(connection_listen(&table, 0, CONNECTION_TCP(ACCEPTS), CONNECTION_TCP(ACCEPTS)) ==
				CONNECTION_GOOD &&
			connection_listen(&table, 0, CONNECTION_TCP(REJECTS),
				CONNECTION_TCP(REJECTS)) == CONNECTION_GOOD &&
			connection_listen(&table, 0, CONNECTION_UDP(ACCEPTS),
				CONNECTION_UDP(ACCEPTS)) == CONNECTION_GOOD,
		"and listens");
	datagrams = create(IBV_QPT_UD);
	datagrams->attr.qkey = QKEY;
}

/* ---- Asking ---- */

static struct connection_target target_of(const struct job *const job)
{
	static const uint8_t prefix[IB_GID_BYTES] = { 0xfd, 9 };
	const uint64_t service =
		job->datagram ? CONNECTION_UDP(job->port) : CONNECTION_TCP(job->port);
	struct connection_target target = { .service_id = service, .source_port = FROM_PORT };

	if (job->ipv6) {
		gid_copy(target.gid.raw, prefix);
		target.gid.raw[15] = job->host;
		target.sgid_index = 2;
	} else {
		gid_from_ipv4(target.gid.raw, 0x0a090000u + job->host);
	}
	return target;
}

static void begin(const struct job *const job)
{
	static const struct connection_parameters own = { .responder_resources = 1,
		.initiator_depth = 1,
		.retry_count = 7,
		.rnr_retry_count = 7 };
	const struct connection_target target = target_of(job);
	enum connection_error error;

	if (job->datagram) {
		asked = connection_ask(&table, now(), &target, NULL, 0, &error);
	} else {
		asking = create(IBV_QPT_RC);
		asked = connection_connect(&table, now(), asking, &target, &own, &error);
	}
	needs(asked != NULL, connection_error_text(error));
}

static void forget(void)
{
	if (asking != NULL)
		ibv_destroy_qp(asking);
	asking = NULL;
	asked = NULL;
}

/* Linux's programs begin when they begin: what comes of too early a question is no outcome. */
static bool is_early(const struct job *const job, const struct connection_event *const event)
{
	return event->kind != job->wanted && job->host == 2 &&
	       (event->kind == CONNECTION_UNREACHABLE ||
		       (event->kind == CONNECTION_REJECTED &&
			       event->reason == CM_REJECT_SERVICE_ID) ||
		       event->kind == CONNECTION_DATAGRAM_ANSWER);
}

static void judge(const struct job *const job, const struct connection_event *const event)
{
	const bool good = event->kind == job->wanted && event->reason == job->reason &&
			  event->status == 0 && (!job->datagram || event->qkey == QKEY);

	printf("%s: %s: event %d, reason %u\n", good ? "good" : "bad", job->what, (int)event->kind,
		event->reason);
	bad += !good;
	done++;
}

static void take_outcome(const struct connection_event *const event)
{
	const struct job *const job = &jobs[done];

	not_before = now() + AGAIN_NS;
	if (event->kind == CONNECTION_DISCONNECTED) {
		forget();
	} else if (event->kind == CONNECTION_CONNECTED) {
		judge(job, event);
		needs(connection_disconnect(asked, now()) == CONNECTION_GOOD, "it can be left");
	} else {
		if (!is_early(job, event) && !(job->datagram && event->status != 0))
			judge(job, event);
		forget();
	}
}

/* ---- Being asked ---- */

static void take_request(const struct connection_event *const event)
{
	static const struct connection_parameters own = { .responder_resources = 1,
		.initiator_depth = 1,
		.retry_count = 7,
		.rnr_retry_count = 7 };
	struct connection *const c = event->connection;
	struct ibv_qp *qp;

	printf("asked: IPv%u, port %u\n", event->ip.ip_version, (unsigned)(c->service_id & 0xffff));
	if (c->service_id == CONNECTION_TCP(REJECTS)) {
		connection_reject(c, now(), CM_REJECT_CONSUMER, "not here", 9);
		return;
	}
	qp = create(IBV_QPT_RC);
	c->user = qp;
	needs(connection_accept(c, now(), qp, &own) == CONNECTION_GOOD, "it is accepted");
}

static void take_event(const struct connection_event *const event)
{
	struct connection *const c = event->connection;

	if (event->kind == CONNECTION_EVENT_NONE)
		return;
	if (c == asked && c->active)
		take_outcome(event);
	else if (event->kind == CONNECTION_REQUEST)
		take_request(event);
	else if (event->kind == CONNECTION_DATAGRAM_REQUEST)
		connection_answer(c, now(), 0, datagrams, NULL, 0);
	else if (event->kind == CONNECTION_CONNECTED)
		connection_disconnect(c, now());
	else if (c->user != NULL)
		ibv_destroy_qp(c->user);
}

/* ---- The card ---- */

static void work(const unsigned wanted)
{
	static uint8_t frame[FRAME_BYTES], reply[FRAME_BYTES];
	struct connection_event event;
	const ssize_t bytes = recv(card, frame, sizeof(frame), MSG_DONTWAIT);
	bool more = true;

	if (bytes > 0) {
		const unsigned answer = roce_port_take(&port, now(), frame, (unsigned)bytes, reply);

		if (answer != 0)
			sendto(card, reply, answer, 0, (struct sockaddr *)&peer, sizeof(peer));
	}
	for (unsigned i = 0; i < 16 && more; i++) {
		const unsigned ready =
			roce_port_next(&port, now(), 0xffff, frame, sizeof(frame), &more);

		if (ready != 0)
			sendto(card, frame, ready, 0, (struct sockaddr *)&peer, sizeof(peer));
	}
	while (connections_poll(&table, now(), &event))
		take_event(&event);
	if (asked == NULL && done < wanted && now() >= not_before)
		begin(&jobs[done]);
	if (bytes <= 0)
		usleep(100);
}

static void open_card(const char *const path, const char *const peer_path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	peer.sun_family = AF_UNIX;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	snprintf(peer.sun_path, sizeof(peer.sun_path), "%s", peer_path);
	unlink(path);
	card = socket(AF_UNIX, SOCK_DGRAM, 0);
	needs(card >= 0 && bind(card, (struct sockaddr *)&at, sizeof(at)) == 0, "the socket opens");
}

int main(const int count, char **const words)
{
	unsigned wanted;
	uint64_t end;

	needs(count == 5, "usage: connection_linux SOCKET PEER-SOCKET SECONDS JOBS");
	wanted = (unsigned)atoi(words[4]);
	needs(wanted <= JOBS, "there are not so many jobs");
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, stop);
	open_card(words[1], words[2]);
	open_all();
	end = now() + (uint64_t)atoi(words[3]) * 1000000000u;
	while (now() < end && !stopped && !(wanted == 1 && done == 1 && asked == NULL))
		work(wanted);
	printf("%u jobs, %u bad; asked for %llu MACs, told %llu, %llu silent\n", done, bad,
		(unsigned long long)port.asking.asked, (unsigned long long)port.asking.told,
		(unsigned long long)port.asking.silent);
	for (unsigned i = 0; i < CONNECTION_DROPS; i++)
		printf("%s%llu", i == 0 ? "received: " : " ",
			(unsigned long long)table.received[i]);
	printf("; sent %llu, %llu of them again\n", (unsigned long long)table.sent,
		(unsigned long long)table.repeated);
	return done == wanted && bad == 0 ? 0 : 1;
}
