/*
 * Our verbs against Linux: the rping server of partitions/tests/rping behind a socket, which stands for the
 * card. In between, frames may get lost, twice, late or damaged, both ways.
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

#include "../../partitions/tests/rping/server.h"

#define FRAME_BYTES  2048u
#define DELAYED_MOST 64u
#define MILLION      1000000u

struct delayed {
	uint64_t due;
	unsigned bytes;
	uint8_t frame[FRAME_BYTES];
};

static unsigned quiet;
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

void server_needs(const bool good, const char *const what)
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
	const unsigned reply_bytes = roce_port_take(&server.port, now(), frame, bytes, reply);

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
	const bool roce = server.connections >= quiet && bytes > 58 && frame[12] == 8 &&
			  frame[13] == 0 && frame[23] == 17 &&
			  (frame[47] << 16 | frame[48] << 8 | frame[49]) != IB_QPN_GSI;

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

static void work(void)
{
	static uint8_t frame[FRAME_BYTES];
	ssize_t bytes;
	bool more = true;

	bytes = recv(card, frame, sizeof(frame), MSG_DONTWAIT);
	if (bytes > 0)
		travel(1, frame, (unsigned)bytes);
	release();
	for (unsigned i = 0; i < 16 && more; i++) {
		const unsigned ready =
			roce_port_next(&server.port, now(), 0xffff, frame, sizeof(frame), &more);

		if (ready != 0)
			travel(0, frame, ready);
	}
	server_work(now());
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
	server_needs(card >= 0 && bind(card, (struct sockaddr *)&at, sizeof(at)) == 0,
		"the socket opens");
}

int main(const int count, char **const words)
{
	static const uint8_t mac[ROCE_MAC_BYTES] = { 0x52, 0x54, 0, 9, 0, 1 };
	struct endpoint at;
	uint64_t end, bad = 0;
	unsigned wanted;

	server_needs(count == 6 || count == 12,
		"usage: verbs_rping SOCKET PEER-SOCKET ADDRESS CONNECTIONS SECONDS "
		"[QUIET LOST DOUBLED DELAYED DAMAGED SEED]");
	server_needs(endpoint_parse(words[3], &at), "the address is one, as 10.9.0.1/24:1");
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
	server_open(&at, mac, &rate_nanoseconds, (uint32_t)now());
	end = now() + (uint64_t)atoi(words[5]) * 1000000000u;
	while (server.connections < wanted && now() < end && !stopped)
		work();
	for (unsigned i = 0; i < 2000; i++) /* the last DREP may have to be said again */
		work();
	for (unsigned i = 0; i < IB_REFUSALS; i++)
		if (i != IB_ACCEPTED && i != IB_REFUSED_NOT_ROCE)
			bad += server.port.refused[i];
	printf("%u connections, %u pings, %llu frames, %llu refused, %llu faults, %u failures\n",
		server.connections, server.pings,
		(unsigned long long)server.port.refused[IB_ACCEPTED], (unsigned long long)bad,
		(unsigned long long)faults, server.failures);
	for (unsigned i = 1; i < IBV_DROPS; i++)
		if (server.context.dropped[i] != 0)
			printf("dropped: %s %llu\n", ibv_drop_name((enum ibv_drop)i),
				(unsigned long long)server.context.dropped[i]);
	return server.connections == wanted && server.failures == 0 && (bad == 0 || damaged != 0)
		       ? 0
		       : 1;
}
