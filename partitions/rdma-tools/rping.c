/*
 * rping: pings of librdmacm's rping, in either role, over a connection of rdma_cm's.
 *
 * A ping is four messages of SEND and two of data: the client says where its data is, the server READs it and
 * says so; the client says where it wants it, the server WRITEs it there and says so; the client compares. An
 * address is told as 16 bytes: address, rkey, length, the highest octet first; what is only said is 16 bytes that
 * mean nothing. Invariant: one SEND is awaited at a time. Specification: the manual page of rping.
 */
#include <stdio.h>
#include <string.h>

#include <ib/connection.h>
#include <inet/octets.h>

#include "machine.h"
#include "tools.h"

#define INFO_BYTES 16u
#define READS      4u
#define RETRIES    7u
#define AGAIN_NS   100000000ull
#define FROM_PORT  40000u

CONNECTIONS(table, 4);

static const struct connection_range all = { CONNECTION_TCP(0), CONNECTION_TCP(65535) };
static const struct connection_owner owner = { &all, 1 };
static struct connection_parameters own = { .responder_resources = READS,
	.initiator_depth = READS,
	.retry_count = RETRIES,
	.rnr_retry_count = RETRIES,
	.access = IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE };

static struct connection *connection;
static bool connected, rejected, over;
static struct ibv_mr *info_mr;
static uint8_t said[INFO_BYTES], heard[INFO_BYTES];
static uint64_t posted, completed, pings;
static unsigned waiting; /* SENDs that came and were not looked at */

/* ---- The connection ---- */

static bool receive_info(void)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)heard, INFO_BYTES, info_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = TOOLS_RECEIVE, .sg_list = &sge, .num_sge = 1 };

	return tools_claim(ibv_post_recv(machine.qp, &wr, &bad) == 0, "a receive is posted");
}

/* One client; others find nobody. */
static bool take_request(struct connection *const from)
{
	enum connection_error error;

	if (!machine.options.server || connection != NULL || over) {
		connection_reject(from, machine.now_ns, CM_REJECT_CONSUMER, NULL, 0);
		return true;
	}
	error = connection_accept(from, machine.now_ns, machine.qp, &own);
	if (!tools_claim(error == CONNECTION_GOOD, connection_error_text(error)))
		return false;
	connection = from;
	connected = true;
	return receive_info();
}

static bool take_event(const struct connection_event *const event)
{
	switch (event->kind) {
	case CONNECTION_REQUEST:
		return take_request(event->connection);
	case CONNECTION_CONNECTED:
		connected = true;
		break;
	case CONNECTION_REJECTED:
	case CONNECTION_UNREACHABLE:
		rejected = true;
		connection = NULL;
		break;
	case CONNECTION_DISCONNECTED:
		over = true;
		connection = NULL;
		break;
	default:
		break;
	}
	return true;
}

/* Frames, then what they mean to connections. */
static bool step(void)
{
	struct connection_event event;

	if (!machine_step())
		return tools_claim(false, "the peer does its part in time");
	while (connections_poll(&table, machine.now_ns, &event))
		if (!take_event(&event))
			return false;
	return true;
}

static bool pause(const uint64_t ns)
{
	const uint64_t end = machine.now_ns + ns;

	while (machine.now_ns < end)
		if (!step())
			return false;
	return true;
}

static bool open_table(void)
{
	const struct connections_setup setup = { .context = &machine.context,
		.pd = machine.pd,
		.owners = &owner,
		.owner_count = 1,
		.mtu = machine.options.mtu,
		.life = machine.psn };
	const enum connection_error error = connections_open(&table, &setup);

	info_mr = ibv_reg_mr(machine.pd, heard, INFO_BYTES, IBV_ACCESS_LOCAL_WRITE);
	return tools_claim(error == CONNECTION_GOOD, connection_error_text(error)) &&
	       tools_claim(info_mr != NULL, "there is room for a memory region") &&
	       machine_create();
}

static bool listen(void)
{
	const uint64_t service = CONNECTION_TCP(machine.options.port);
	const enum connection_error error = connection_listen(&table, 0, service, service);

	if (!tools_claim(error == CONNECTION_GOOD, connection_error_text(error)))
		return false;
	while (!connected)
		if (!step())
			return false;
	return true;
}

/* One REQ, and what comes of it. */
static bool ask(const struct connection_target *const target)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	enum connection_error error;

	rejected = false;
	ibv_modify_qp(machine.qp, &attr, IBV_QP_STATE);
	connection = connection_connect(&table, machine.now_ns, machine.qp, target, &own, &error);
	if (!tools_claim(connection != NULL, connection_error_text(error)) || !receive_info())
		return false;
	while (!connected && !rejected)
		if (!step())
			return false;
	return true;
}

/* Until a server listens. */
static bool connect(void)
{
	struct connection_target target = { .service_id = CONNECTION_TCP(machine.options.port),
		.source_port = FROM_PORT,
		.mtu = machine.options.mtu };

	while (!machine.peer_found)
		if (!step())
			return false;
	gid_from_ipv4(target.gid.raw, machine.options.peer);
	while (ask(&target)) {
		if (connected)
			return true;
		if (!pause(AGAIN_NS))
			return false;
	}
	return false;
}

/* ---- Messages ---- */

static bool post(const enum ibv_wr_opcode opcode, const void *const at, const uint32_t bytes,
	const struct ibv_mr *const mr)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)at, bytes, mr != NULL ? mr->lkey : 0 };
	struct ibv_send_wr *bad, wr = { .wr_id = ++posted,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED | (mr != NULL ? 0u : IBV_SEND_INLINE) };

	wr.wr.rdma.remote_addr = machine.peer.address;
	wr.wr.rdma.rkey = machine.peer.rkey;
	return tools_claim(ibv_post_send(machine.qp, &wr, &bad) == 0, "a request is posted");
}

/* False: an error. The end of the connection flushes what is posted, which is none. */
static bool take_completions(void)
{
	struct ibv_wc wc;
	bool got = true;

	while (!over && got) {
		if (!machine_poll(&wc, &got))
			return false;
		if (got && wc.wr_id == TOOLS_RECEIVE)
			waiting++;
		else if (got)
			completed = wc.wr_id;
	}
	return true;
}

/* Until all that was posted is done. */
static bool finish(void)
{
	while (completed != posted && !over)
		if (!step() || !take_completions())
			return false;
	return true;
}

/* The peer's next SEND. False: an error, or the connection is over. */
static bool hear(void)
{
	while (waiting == 0 && !over)
		if (!step() || !take_completions())
			return false;
	if (waiting == 0)
		return false;
	waiting--;
	machine.peer.address = octets_read64(heard);
	machine.peer.rkey = octets_read32(heard + 8);
	return receive_info();
}

static bool say(const void *const at, const uint32_t rkey)
{
	octets_write64(said, (uint64_t)(uintptr_t)at);
	octets_write32(said + 8, rkey);
	octets_write32(said + 12, machine.options.bytes);
	return post(IBV_WR_SEND, said, INFO_BYTES, NULL);
}

/* ---- Pings ---- */

/* `rdma-ping-7: ABC...`, as the original's, and its NUL. */
static void write_ping(void)
{
	const uint32_t bytes = machine.options.bytes;
	char head[32];
	uint32_t at = (uint32_t)snprintf(head, sizeof(head), "rdma-ping-%u: ", (unsigned)pings);

	memcpy(machine_out, head, at < bytes ? at : bytes);
	for (; at < bytes; at++)
		machine_out[at] = (uint8_t)('A' + (at + pings) % 58);
	machine_out[bytes - 1] = 0;
	memset(machine_in, 0, bytes);
}

static bool ask_for_ping(void)
{
	write_ping();
	if (!say(machine_out, machine.out_mr->rkey) || !hear() ||
		!say(machine_in, machine.in_mr->rkey) || !hear())
		return false;
	if (machine.options.verify && pings < 2)
		printf("ping data: %.40s\n", (const char *)machine_in);
	return tools_right(memcmp(machine_in, machine_out, machine.options.bytes) == 0,
		"a ping comes back as it was", (uint32_t)pings);
}

static bool answer_ping(void)
{
	const uint32_t bytes = octets_read32(heard + 12);

	if (!tools_claim(bytes != 0 && bytes <= sizeof(machine_in), "a ping fits"))
		return false;
	return post(IBV_WR_RDMA_READ, machine_in, bytes, machine.in_mr) && finish() &&
	       say(NULL, 0) && hear() &&
	       post(IBV_WR_RDMA_WRITE, machine_in, bytes, machine.in_mr) && finish() &&
	       say(NULL, 0);
}

static bool serve(void)
{
	while (hear()) {
		if (!answer_ping())
			return false;
		pings++;
	}
	return over;
}

static bool ask_for_pings(void)
{
	for (pings = 0; pings < machine.options.count; pings++)
		if (!ask_for_ping())
			return false;
	if (!finish())
		return false;
	if (connection != NULL)
		connection_disconnect(connection, machine.now_ns);
	while (!over)
		if (!step())
			return false;
	return true;
}

bool rping_run(void)
{
	const bool server = machine.options.server;

	own.ack_timeout = machine.options.timeout;
	if (!open_table() || !(server ? listen() : connect()))
		return false;
	if (!(server ? serve() : ask_for_pings()))
		return false;
	printf("%llu pings of %u bytes\n", (unsigned long long)pings,
		(unsigned)machine.options.bytes);
	return true;
}
