/*
 * write_lat, write_bw, read_lat, atomic_lat, send_lat and send_bw: runs of ib_write_lat and the others of perftest,
 * in either role.
 *
 * What the two say over TCP, the client first each time: a version, the bytes that a test cycles through and of a
 * cache line, the path MTU; then who they are, as often as they want to wait for each other; the test; who they
 * are again; of write_bw its results and who they are once more; "done". Told from frames that two originals, 6.06 of
 * Debian 12, exchange. Invariant: what is read, fetched or counted is compared with what it has to be.
 */
#include <stdio.h>
#include <string.h>

#include <inet/octets.h>

#include "machine.h"
#include "talk.h"
#include "tools.h"

#define VERSION       "6.06"
#define VERSION_BYTES 16u
#define CACHE_LINE    64u
#define KEY_BYTES     108u
#define DONE          "done"
#define REPORTS       5u
#define READS         16u
#define BURST         (MACHINE_DEPTH / 2)

/* What lies around a test. */
struct frame {
	unsigned before; /* times that they wait for each other */
	bool after, reports;
};

static const struct frame frames[TOOLS] = {
	[TOOL_WRITE_LAT] = { 4, false, false },
	[TOOL_WRITE_BW] = { 3, true, true },
	[TOOL_READ_LAT] = { 4, true, false },
	[TOOL_ATOMIC_LAT] = { 4, true, false },
	[TOOL_SEND_LAT] = { 4, true, false },
	[TOOL_SEND_BW] = { 4, true, false },
};

static uint64_t begun_ns, least_ns = UINT64_MAX, most_ns, last_ns;
static double megabytes, millions;

/* ---- What they agree on ---- */

static void write_key(char text[const KEY_BYTES])
{
	const bool reads =
		machine.options.tool == TOOL_READ_LAT || machine.options.tool == TOOL_ATOMIC_LAT;
	int at = snprintf(text, KEY_BYTES, "%04x:%04x:%06x:%06x:%08x:%016llx:", 0u,
		reads ? READS : 1u, (unsigned)machine.qp->qp_num, (unsigned)machine.psn,
		(unsigned)machine.in_mr->rkey, (unsigned long long)(uintptr_t)machine_in);

	for (unsigned i = 0; i < IB_GID_BYTES; i++)
		at += snprintf(text + at, KEY_BYTES - (unsigned)at,
			"%02x:", machine.context.gids[0].raw[i]);
	snprintf(text + at, KEY_BYTES - (unsigned)at, "%08x:", 0u);
}

static bool read_key(const char text[const KEY_BYTES])
{
	unsigned lid, reads, qpn, psn, rkey, byte;
	unsigned long long address;
	int at = 0;

	if (sscanf(text, "%4x:%4x:%6x:%6x:%8x:%16llx:%n", &lid, &reads, &qpn, &psn, &rkey, &address,
		    &at) != 6 ||
		at != 50)
		return false;
	machine.peer.qpn = qpn;
	machine.peer.psn = psn;
	machine.peer.rkey = rkey;
	machine.peer.address = address;
	for (unsigned i = 0; i < IB_GID_BYTES; i++) {
		if (sscanf(text + at + 3 * i, "%2x:", &byte) != 1)
			return false;
		machine.peer.gid.raw[i] = (uint8_t)byte;
	}
	return true;
}

/* Both say who they are, and have waited for each other. */
static bool wait_for_each_other(void)
{
	char mine[KEY_BYTES], theirs[KEY_BYTES];

	write_key(mine);
	if (!talk_swap(mine, theirs, KEY_BYTES))
		return false;
	theirs[KEY_BYTES - 1] = '\0';
	return tools_claim(read_key(theirs), "the peer says who it is");
}

static bool agree_on_number(const uint32_t mine, const char *const what)
{
	uint8_t said[4], heard[4];

	octets_write32(said, mine);
	return talk_swap(said, heard, sizeof(said)) &&
	       tools_claim(octets_read32(heard) <= mine, what);
}

/* The smaller one counts. */
static bool agree_on_mtu(void)
{
	char mine[2] = { (char)('0' + machine.options.mtu), '\0' }, theirs[2];
	enum ibv_mtu other;

	if (!talk_swap(mine, theirs, sizeof(mine)) ||
		!tools_claim(theirs[0] >= '1' && theirs[0] <= '5' && theirs[1] == '\0',
			"the peer's path MTU is one"))
		return false;
	other = (enum ibv_mtu)(theirs[0] - '0');
	if (other < machine.options.mtu)
		machine.options.mtu = other;
	return true;
}

static bool agree(void)
{
	char mine[VERSION_BYTES] = VERSION, theirs[VERSION_BYTES];

	return talk_open() && talk_swap(mine, theirs, VERSION_BYTES) &&
	       agree_on_number(MACHINE_CYCLE, "the peer cycles through no more than a page") &&
	       agree_on_number(CACHE_LINE, "the peer's cache lines are no longer than here") &&
	       agree_on_mtu();
}

static bool meet(void)
{
	const bool receives =
		machine.options.tool == TOOL_SEND_LAT || machine.options.tool == TOOL_SEND_BW;
	bool good = agree() && machine_create() && wait_for_each_other() && machine_connect() &&
		    (!receives || machine_receive(MACHINE_DEPTH));

	for (unsigned i = 1; i < frames[machine.options.tool].before && good; i++)
		good = wait_for_each_other();
	return good;
}

/* ---- Tests ---- */

static void lap(void)
{
	const uint64_t now_ns = card_now_ns(), took_ns = now_ns - last_ns;

	if (took_ns < least_ns)
		least_ns = took_ns;
	if (took_ns > most_ns)
		most_ns = took_ns;
	last_ns = now_ns;
}

/* The last byte of a message says which one it is; the server's first is the first. */
static bool write_and_complete(const uint32_t number)
{
	const uint32_t bytes = machine.options.bytes;
	struct ibv_wc wc;

	machine_fill(machine_out, bytes - 1, number);
	machine_out[bytes - 1] = (uint8_t)number;
	return machine_post(IBV_WR_RDMA_WRITE, number, 0, bytes) && machine_complete(&wc) &&
	       tools_right(wc.wr_id == number, "it completes in its turn", number);
}

static bool is_written(const uint32_t number)
{
	const volatile uint8_t *const last = machine_in + machine.options.bytes - 1;

	while (*last != (uint8_t)number) {
		if (!tools_right(*last == (uint8_t)(number - 1), "it follows the last one", number))
			return false;
		if (!machine_step())
			return tools_claim(false, "the peer writes in time");
	}
	return true;
}

static bool write_lat(void)
{
	const bool server = machine.options.server;

	for (uint32_t i = 1; i <= machine.options.count; i++) {
		if (server ? !write_and_complete(i) || !is_written(i)
			   : !is_written(i) || !write_and_complete(i))
			return false;
		lap();
	}
	return true;
}

static bool is_next(const struct ibv_wc *const wc, uint32_t *const completed)
{
	(*completed)++;
	return tools_right(wc->wr_id == *completed, "it completes in its turn", *completed);
}

/* As many at once as the queue has room for. */
static bool send_many(const enum ibv_wr_opcode opcode)
{
	const uint32_t count = machine.options.count;
	uint32_t posted = 0, completed = 0;
	struct ibv_wc wc;

	machine_fill(machine_out, machine.options.bytes, 1);
	while (completed < count) {
		while (posted < count && posted - completed < BURST)
			if (!machine_post(opcode, ++posted, 0, machine.options.bytes))
				return false;
		if (!machine_complete(&wc) || !is_next(&wc, &completed))
			return false;
	}
	return true;
}

static bool take_message(const struct ibv_wc *const wc, const uint32_t number)
{
	return tools_right(wc->byte_len == machine.options.bytes + machine_grh_bytes(),
		       "it is as long as agreed", number) &&
	       machine_receive(1);
}

static bool receive_many(void)
{
	struct ibv_wc wc;

	for (uint32_t i = 1; i <= machine.options.count; i++)
		if (!machine_complete(&wc) || !take_message(&wc, i))
			return false;
	return true;
}

static bool send_lat(void)
{
	const uint32_t count = machine.options.count, first = machine.options.server ? 0 : 1;
	uint32_t sent = 0, completed = 0, received = 0;
	struct ibv_wc wc;

	machine_fill(machine_out, machine.options.bytes, 1);
	while (received < count || completed < count) {
		if (sent < count && sent == completed && sent < received + first &&
			!machine_post(IBV_WR_SEND, ++sent, 0, machine.options.bytes))
			return false;
		if (!machine_complete(&wc))
			return false;
		if (wc.wr_id == TOOLS_RECEIVE) {
			if (!take_message(&wc, ++received))
				return false;
			lap();
		} else if (!is_next(&wc, &completed)) {
			return false;
		}
	}
	return true;
}

static uint32_t sum_of(const uint8_t *const at, const uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes; i++)
		sum = sum * 31 + at[i];
	return sum;
}

/* The peer's memory stands still: each READ has to bring the same, over what was spoilt before. */
static bool read_lat(void)
{
	const uint32_t bytes = machine.options.bytes;
	uint32_t first = 0;
	struct ibv_wc wc;

	for (uint32_t i = 1; i <= machine.options.count; i++) {
		memset(machine_in, (int)i, bytes);
		if (!machine_post(IBV_WR_RDMA_READ, i, 0, bytes) || !machine_complete(&wc))
			return false;
		first = i == 1 ? sum_of(machine_in, bytes) : first;
		if (!tools_right(
			    sum_of(machine_in, bytes) == first, "it reads what stood there", i))
			return false;
		lap();
	}
	return true;
}

/* A word of the peer's that goes up by one each time: what was there before says how often it was done. */
static bool atomic_lat(void)
{
	uint64_t before, expected = 0;
	struct ibv_wc wc;

	for (uint32_t i = 1; i <= machine.options.count; i++) {
		if (!machine_post(machine.options.atomic, expected, 0, sizeof(before)) ||
			!machine_complete(&wc))
			return false;
		memcpy(&before, machine_in, sizeof(before));
		if (!tools_right(i == 1 || before == expected, "it was done once before", i))
			return false;
		expected = machine.options.atomic == IBV_WR_ATOMIC_CMP_AND_SWP && i == 1
				   ? before
				   : before + 1;
		lap();
	}
	return true;
}

/* A word of ours that the peer's atomics change: all of them, once each. */
static bool judge_word(const uint64_t before)
{
	uint64_t after;

	memcpy(&after, machine_in, sizeof(after));
	return machine.options.tool != TOOL_ATOMIC_LAT || !machine.options.server ||
	       machine.options.atomic != IBV_WR_ATOMIC_FETCH_AND_ADD ||
	       tools_right(after - before == machine.options.count,
		       "the peer's atomics were done as often as they were asked for",
		       machine.options.count);
}

static bool test(void)
{
	const bool server = machine.options.server;

	switch (machine.options.tool) {
	case TOOL_WRITE_LAT:
		return write_lat();
	case TOOL_WRITE_BW:
		return server || send_many(IBV_WR_RDMA_WRITE);
	case TOOL_READ_LAT:
		return server || read_lat();
	case TOOL_ATOMIC_LAT:
		return server || atomic_lat();
	case TOOL_SEND_LAT:
		return send_lat();
	default:
		return server ? receive_many() : send_many(IBV_WR_SEND);
	}
}

/* ---- Results ---- */

static void say_results(void)
{
	const double seconds = (double)(last_ns - begun_ns) / 1e9;
	const double bytes = (double)machine.options.bytes * machine.options.count;

	megabytes = seconds > 0 ? bytes / seconds / 0x100000 : 0;
	millions = seconds > 0 ? machine.options.count / seconds / 1e6 : 0;
	if (least_ns == UINT64_MAX)
		printf("#bytes #iterations BW average[MB/sec] MsgRate[Mpps]\n"
		       "%u %u %.2f %.6f\n",
			(unsigned)machine.options.bytes, (unsigned)machine.options.count, megabytes,
			millions);
	else
		printf("#bytes #iterations t_min[usec] t_max[usec] t_avg[usec]\n"
		       "%u %u %.2f %.2f %.2f\n",
			(unsigned)machine.options.bytes, (unsigned)machine.options.count,
			(double)least_ns / 1e3, (double)most_ns / 1e3,
			seconds * 1e6 / machine.options.count);
}

static uint64_t bits_of(const double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static bool swap_reports(void)
{
	const uint64_t reports[REPORTS] = { machine.options.bytes, machine.options.count,
		bits_of(megabytes), bits_of(megabytes), bits_of(millions) };
	uint8_t mine[8], theirs[8];
	bool good = true;

	for (unsigned i = 0; i < REPORTS && good; i++) {
		octets_write64(mine, reports[i]);
		good = talk_swap(mine, theirs, sizeof(mine));
	}
	return good && wait_for_each_other();
}

/* Nothing hangs on "done": who is first to say it ends the connection, in whatever state the other is. */
static bool part(void)
{
	const struct frame *const frame = &frames[machine.options.tool];

	if (frame->after && !wait_for_each_other())
		return false;
	if (frame->reports && !swap_reports())
		return false;
	if (frame->after)
		tcp_write(&machine.tcp, (const uint8_t *)DONE, sizeof(DONE));
	talk_close();
	return true;
}

/* Nothing came twice. */
static bool nothing_is_left(void)
{
	struct ibv_wc wc;
	bool got;

	return machine_poll(&wc, &got) &&
	       tools_right(!got, "nothing more comes", machine.options.count + 1);
}

bool perftest_run(void)
{
	const bool measures = !machine.options.server || machine.options.tool == TOOL_WRITE_LAT ||
			      machine.options.tool == TOOL_SEND_LAT ||
			      machine.options.tool == TOOL_SEND_BW;
	uint64_t before;

	machine_fill(machine_in, machine.options.bytes, 0);
	machine_in[machine.options.bytes - 1] = 0;
	memcpy(&before, machine_in, sizeof(before));
	if (!meet())
		return false;
	begun_ns = last_ns = card_now_ns();
	if (!test())
		return false;
	last_ns = machine.now_ns;
	if (measures)
		say_results();
	return part() && nothing_is_left() && judge_word(before);
}
