/*
 * rping: an rping server on a network card, for a client that Linux runs.
 *
 * Arguments: at=10.9.0.1/24:1, the port means nothing; connections=1: so many come and go; patience-ns=N;
 * linger-ns=N: wait so long at the end, for others to have their say.
 */
#include <stdio.h>
#include <stdlib.h>

#include <ib/crc.h>

#include <mullion/args.h>
#include <mullion/cpu.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include <net/card.h>

#include "server.h"

#define PATIENCE_NS 60000000000ull
#define BURST       16u

static struct card card;
static uint8_t frame[CARD_FRAME_BYTES], reply[CARD_FRAME_BYTES];
static uint64_t first_tsc, last_tsc; /* when the first ping was over, and the last one */

void server_needs(const bool good, const char *const what)
{
	if (good)
		return;
	printf("# not so: %s\n", what);
	exit(1);
}

static void take(void)
{
	const unsigned bytes = card_receive(&card, frame);
	unsigned reply_bytes;

	if (bytes == 0)
		return;
	reply_bytes = roce_port_take(&server.port, tsc_read(), frame, bytes, reply);
	if (reply_bytes != 0)
		card_send(&card, reply, reply_bytes);
}

/* What the card has no room for is lost, and sent again. */
static void send(void)
{
	bool more = true;

	for (unsigned i = 0; i < BURST && more; i++) {
		const unsigned bytes = roce_port_next(
			&server.port, tsc_read(), 0xffff, frame, sizeof(frame), &more);

		if (bytes != 0)
			card_send(&card, frame, bytes);
	}
}

static void work(void)
{
	const unsigned before = server.pings;

	take();
	server_work(tsc_read());
	send();
	if (server.pings == before)
		return;
	last_tsc = tsc_read();
	if (first_tsc == 0)
		first_tsc = last_tsc;
}

static void serve(const unsigned connections, const uint64_t patience_ns)
{
	const uint64_t end = time_now_ns() + patience_ns;

	while (server.connections < connections && time_now_ns() < end)
		work();
	for (unsigned i = 0; i < 100000; i++) /* the last DREP may have to be said again */
		work();
}

static void linger(const uint64_t ns)
{
	const uint64_t end = time_now_ns() + ns;

	while (time_now_ns() < end)
		work();
}

int main(void)
{
	const unsigned connections = (unsigned)args_number("connections", 1);
	char text[ENDPOINT_TEXT_BYTES] = "10.9.0.1/24:1";
	struct endpoint at;

	tap_plan(3);
	args_text("at", text, sizeof(text));
	if (!endpoint_parse(text, &at))
		return 1;
	tap_check(card_open(&card, 0, 0, 0), "the_card_is_found_and_started", "it is not");
	ib_crc_fold(true);
	server_open(&at, card.mac, &time_rate, (uint32_t)tsc_read());
	serve(connections, args_number("patience-ns", PATIENCE_NS));
	printf("# %u connections, %u pings, %u failures\n", server.connections, server.pings,
		server.failures);
	tap_check(server.connections == connections, "every_connection_comes_and_goes", "%u did",
		server.connections);
	tap_check(server.failures == 0, "no_request_fails", "%u did", server.failures);
	printf("# pings came from tick %llu to %llu\n", (unsigned long long)first_tsc,
		(unsigned long long)last_tsc);
	fflush(stdout);
	linger(args_number("linger-ns", 0));
	return tap_status();
}
