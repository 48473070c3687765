/*
 * rc_pingpong, uc_pingpong and ud_pingpong: messages to and fro, with ibv_rc_pingpong of libibverbs' examples and
 * its brothers.
 *
 * The original sends back what it received, so that each message comes home and can be compared: a client's
 * message k is filled with k; a server's with k + 1, since the client's next one is then what k + 1 is filled
 * with. Invariant: at most one message is on its way each way. Specification: the text that the originals
 * exchange over TCP, LID:QPN:PSN:GID in hexadecimal digits, then "done" from the client.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "talk.h"
#include "tools.h"

#define TEXT_BYTES 52u /* 0000:000000:000000:32 digits, and its NUL */
#define DONE       "done"
#define RECEIVES   8u

static uint32_t sent, completed, received, ahead;

static void write_text(char text[const TEXT_BYTES])
{
	int at = snprintf(text, TEXT_BYTES, "%04x:%06x:%06x:", 0u, (unsigned)machine.qp->qp_num,
		(unsigned)machine.psn);

	for (unsigned i = 0; i < IB_GID_BYTES; i++)
		at += snprintf(text + at, TEXT_BYTES - (unsigned)at, "%02x",
			machine.context.gids[0].raw[i]);
}

static bool read_text(const char text[const TEXT_BYTES])
{
	unsigned lid, qpn, psn, byte;
	int at = 0;

	if (sscanf(text, "%4x:%6x:%6x:%n", &lid, &qpn, &psn, &at) != 3 || at != 19)
		return false;
	machine.peer.qpn = qpn;
	machine.peer.psn = psn;
	for (unsigned i = 0; i < IB_GID_BYTES; i++) {
		if (sscanf(text + at + 2 * i, "%2x", &byte) != 1)
			return false;
		machine.peer.gid.raw[i] = (uint8_t)byte;
	}
	return true;
}

static bool hear_text(void)
{
	char text[TEXT_BYTES];

	if (!talk_hear(text, TEXT_BYTES))
		return false;
	text[TEXT_BYTES - 1] = '\0';
	return tools_claim(read_text(text), "the peer's address is one");
}

/* A server has its queue pair ready before it says where it is. */
static bool meet(void)
{
	char mine[TEXT_BYTES], done[sizeof(DONE)];
	const bool server = machine.options.server;

	if (!talk_open() || !machine_create())
		return false;
	write_text(mine);
	if (server)
		return hear_text() && machine_connect() && machine_receive(RECEIVES) &&
		       talk_say(mine, TEXT_BYTES) && talk_hear(done, sizeof(done));
	return talk_say(mine, TEXT_BYTES) && hear_text() && machine_connect() &&
	       machine_receive(RECEIVES) && talk_say(DONE, sizeof(DONE));
}

static bool send_next(void)
{
	sent++;
	machine_fill(machine_out, machine.options.bytes, sent + (machine.options.server ? 1u : 0u));
	return machine_post(IBV_WR_SEND, sent, 0, machine.options.bytes);
}

/* Both ends of ours: a server is one ahead; Linux's sends back the same. A server's first is anything. */
static bool judge(const struct ibv_wc *const wc)
{
	const uint8_t *const at = machine_in + machine_grh_bytes();
	const uint32_t bytes = machine.options.bytes;

	received++;
	if (!tools_right(wc->byte_len == bytes + machine_grh_bytes(), "it is as long as agreed",
		    received))
		return false;
	if (received == 1 && machine.options.server)
		return true;
	if (received == 1 && !machine_is_filled(at, bytes, 1))
		ahead = 1;
	return tools_right(machine_is_filled(at, bytes, received + ahead),
		"it comes home as it was sent, once and in order", received);
}

static bool take(const struct ibv_wc *const wc)
{
	if (wc->wr_id == TOOLS_RECEIVE)
		return judge(wc) && machine_receive(1);
	completed++;
	return tools_right(wc->wr_id == completed, "it completes in its turn", completed);
}

static bool exchange(void)
{
	const uint32_t count = machine.options.count, first = machine.options.server ? 0 : 1;
	struct ibv_wc wc;

	while (received < count || completed < count) {
		if (sent < count && sent == completed && sent < received + first && !send_next())
			return false;
		if (!machine_complete(&wc) || !take(&wc))
			return false;
	}
	return true;
}

bool pingpong_run(void)
{
	uint64_t begun_ns;
	double seconds;

	if (!meet())
		return false;
	talk_close();
	begun_ns = machine.now_ns;
	if (!exchange())
		return false;
	seconds = (double)(machine.now_ns - begun_ns) / 1e9;
	printf("%llu bytes in %.2f seconds\n%u iters in %.2f seconds = %.2f usec/iter\n",
		2ull * machine.options.bytes * machine.options.count, seconds,
		(unsigned)machine.options.count, seconds, seconds * 1e6 / machine.options.count);
	return true;
}
