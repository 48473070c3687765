/*
 * A client of the service that Linux's rping talks to: a server for connections=2 of its clients, one after the other, then
 * the client of a server of Linux's, for pings=20 of bytes=30000. Arguments besides: spoiled=N: so many more clients get other
 * data back than they sent; patience-ns=N of it all; linger-ns=N at the end, while others have their say.
 *
 * What comes lies in `down`, where this partition cannot write, and what is sent in `up`, so a ping is copied on its way
 * back. Invariant: one SEND is awaited at a time, and what is posted is not written to until it is done. Specification: the
 * manual page of rping; partitions/rdma-tools/rping.c.
 */
#include <stdio.h>
#include <string.h>

#include <inet/octets.h>

#include <mullion/args.h>
#include <mullion/cpu.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "client.h"

#define RPING_PORT  7174u
#define INFO_BYTES  16u
#define DATA_AT     64u /* into `up` and `down`, behind what is said */
#define DATA_BYTES  32768u
#define PATIENCE_NS 60000000000ull

static const struct rdma_parameters own = { .responder_resources = 4,
	.initiator_depth = 4,
	.retry_count = 7,
	.rnr_retry_count = 7,
	.ack_timeout =
		17, /* half a second: Linux may be stopped for long where the machine is busy */
	.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };

static uint64_t end_ns;
static bool asked, over; /* a client of Linux's waits; the connection was ended */
static bool spoils;
static unsigned asking, posted, done, waiting, pings, right;
static uint32_t peer_bytes;
static uint64_t first_tsc, last_tsc; /* when the first ping was over, and the last one */

/* ---- Connections ---- */

static bool await_event(const enum connection_event_kind kind)
{
	struct rdma_event event;

	while (time_now_ns() < end_ns) {
		client_rest();
		if (!rdma_event(&event))
			continue;
		if (event.kind == CONNECTION_REQUEST) {
			asked = true;
			asking = event.connection;
		}
		if (event.kind == kind)
			return true;
		if (event.kind == CONNECTION_REJECTED || event.kind == CONNECTION_UNREACHABLE)
			return false;
	}
	return false;
}

static bool receive_info(void)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)client.down, INFO_BYTES, client.down_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	return ibv_post_recv(client.qp, &wr, &bad) == 0;
}

static bool accept_next(void)
{
	if (!asked && !await_event(CONNECTION_REQUEST))
		return false;
	asked = false;
	return rdma_accept(asking, client.qp, &own) == 0 && receive_info();
}

static bool connect(unsigned *const connection)
{
	const struct ibv_ah_attr address = client_address();

	return rdma_connect(client.qp, &address.grh.dgid, RPING_PORT, &own, connection) == 0 &&
	       receive_info() && await_event(CONNECTION_CONNECTED);
}

/* Another queue pair, and nothing left of the one before. */
static bool renew(void)
{
	struct ibv_qp_init_attr init = {
		.send_cq = client.cq, .recv_cq = client.cq, .qp_type = IBV_QPT_RC
	};
	struct ibv_wc wc;

	if (ibv_destroy_qp(client.qp) != 0)
		return false;
	while (ibv_poll_cq(client.cq, 1, &wc) == 1)
		;
	posted = done = waiting = 0;
	over = false;
	client.qp = ibv_create_qp(client.pd, &init);
	return client.qp != NULL;
}

/* ---- Messages ---- */

/* The next completion; false: the connection is over, or none comes. */
static bool take(void)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(client.cq, 1, &wc) == 0) {
		if (time_now_ns() >= end_ns)
			return false;
		client_rest();
	}
	over = wc.status == IBV_WC_WR_FLUSH_ERR;
	if (wc.status != IBV_WC_SUCCESS && !over)
		printf("# failed: %s\n", ibv_wc_status_str(wc.status));
	if (wc.status != IBV_WC_SUCCESS)
		return false;
	if (wc.opcode == IBV_WC_RECV)
		waiting++;
	else
		done++;
	return true;
}

static bool finish(void)
{
	while (done != posted)
		if (!take())
			return false;
	return true;
}

static bool move(const enum ibv_wr_opcode opcode, const void *const at, const uint32_t bytes,
	const struct ibv_mr *const mr)
{
	posted++;
	return client_post(opcode, at, bytes, mr, 0) && finish();
}

/* The peer's next SEND, and where it says its data is. */
static bool hear(void)
{
	while (waiting == 0)
		if (!take())
			return false;
	waiting--;
	client.far.address = octets_read64(client.down);
	client.far.rkey = octets_read32(client.down + 8);
	peer_bytes = octets_read32(client.down + 12);
	return receive_info();
}

static bool say(const void *const at, const uint32_t rkey, const uint32_t bytes)
{
	if (!finish())
		return false;
	octets_write64(client.up, (uint64_t)(uintptr_t)at);
	octets_write32(client.up + 8, rkey);
	octets_write32(client.up + 12, bytes);
	posted++;
	return client_post(IBV_WR_SEND, client.up, INFO_BYTES, client.up_mr, 0);
}

static void note_ping(void)
{
	pings++;
	last_tsc = tsc_read();
	if (first_tsc == 0)
		first_tsc = last_tsc;
}

/* ---- As a server ---- */

static bool answer_ping(void)
{
	const uint32_t bytes = peer_bytes;

	if (bytes == 0 || bytes > DATA_BYTES ||
		!move(IBV_WR_RDMA_READ, client.down + DATA_AT, bytes, client.down_mr) ||
		!say(NULL, 0, 0) || !hear())
		return false;
	memcpy(client.up + DATA_AT, client.down + DATA_AT, bytes);
	client.up[DATA_AT + bytes / 2] ^= spoils;
	return move(IBV_WR_RDMA_WRITE, client.up + DATA_AT, bytes, client.up_mr) && say(NULL, 0, 0);
}

static bool serve(void)
{
	if (!accept_next())
		return false;
	while (hear()) {
		if (!answer_ping())
			return false;
		note_ping();
	}
	return over && await_event(CONNECTION_DISCONNECTED) && renew();
}

/* ---- As a client ---- */

/* `rdma-ping-7: ABC...`, as the original's, and its NUL. */
static void write_ping(const unsigned number, const uint32_t bytes)
{
	char *const text = (char *)client.up + DATA_AT;
	uint32_t at = (uint32_t)snprintf(text, bytes, "rdma-ping-%u: ", number);

	for (; at < bytes - 1; at++)
		text[at] = (char)('A' + (at + number) % 58);
	text[bytes - 1] = 0;
}

static bool ask_for_ping(const unsigned number, const uint32_t bytes)
{
	if (!finish())
		return false;
	write_ping(number, bytes);
	if (!say(client.up + DATA_AT, client.up_mr->rkey, bytes) || !hear() ||
		!say(client.down + DATA_AT, client.down_mr->rkey, bytes) || !hear())
		return false;
	note_ping();
	return memcmp(client.up + DATA_AT, client.down + DATA_AT, bytes) == 0;
}

static bool ask_for_pings(void)
{
	const unsigned count = (unsigned)args_number("pings", 20);
	const uint32_t bytes = (uint32_t)args_number("bytes", 30000);
	unsigned connection;

	if (bytes < INFO_BYTES * 2 || bytes > DATA_BYTES || !connect(&connection))
		return false;
	while (right < count && ask_for_ping(right, bytes))
		right++;
	return right == count && finish() && rdma_disconnect(connection) == 0 &&
	       await_event(CONNECTION_DISCONNECTED);
}

/* ---- All of it ---- */

static bool room(void)
{
	uint64_t up, down;

	rdma_up_memory(&up);
	rdma_down_memory(&down);
	return up >= DATA_AT + DATA_BYTES && down >= DATA_AT + DATA_BYTES;
}

static bool honest(void)
{
	uint64_t refused[RDMA_REFUSALS] = { 0 }, sum = 0;

	if (!rdma_counters(refused))
		return false;
	for (unsigned i = 0; i < RDMA_REFUSALS; i++)
		sum += refused[i];
	return sum == 0;
}

static unsigned serve_all(const unsigned connections)
{
	unsigned served = 0;

	while (served < connections && serve())
		served++;
	return served;
}

static void report(void)
{
	printf("# %u pings, from tick %llu to %llu\n", pings, (unsigned long long)first_tsc,
		(unsigned long long)last_tsc);
	fflush(stdout);
	time_delay_ns(args_number("linger-ns", 0));
}

int linux_client(void)
{
	const unsigned connections = (unsigned)args_number("connections", 2);
	const unsigned spoiled = (unsigned)args_number("spoiled", 0);

	end_ns = time_now_ns() + args_number("patience-ns", PATIENCE_NS);
	tap_plan(5);
	tap_check(client_begin() && room() && rdma_listen(RPING_PORT) == 0,
		"a_client_of_the_service_listens_for_linux", "it does not");
	tap_check(serve_all(connections) == connections, "clients_of_linuxs_come_and_go",
		"not all, after %u pings", pings);
	tap_check(ask_for_pings() && renew(), "a_server_of_linuxs_sends_back_what_it_reads",
		"%u pings", right);
	tap_check(honest(), "nothing_is_refused_to_it", "something is");
	spoils = true;
	tap_check(serve_all(spoiled) == spoiled, "who_gets_other_data_back_ends_the_connection",
		"not all");
	report();
	return tap_status();
}
