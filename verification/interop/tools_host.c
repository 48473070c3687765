/*
 * The tools of partitions/rdma-tools as a program, under sanitizers: a socket stands for the card.
 *
 * usage: tools_host SOCKET PEER-SOCKET ADDRESS TOOL WORDS...: frames are datagrams from the one to the other. Its MAC
 * ends as the address does. Exit: enum tools_status.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "tools.h"

#define REST_MS 1

static int card;
static struct sockaddr_un peer;

unsigned card_take(uint8_t frame[const MACHINE_FRAME_BYTES])
{
	const ssize_t bytes = recv(card, frame, MACHINE_FRAME_BYTES, MSG_DONTWAIT);

	return bytes > 0 ? (unsigned)bytes : 0;
}

void card_give(const uint8_t *const frame, const unsigned bytes)
{
	(void)sendto(card, frame, bytes, 0, (const struct sockaddr *)&peer, sizeof(peer));
}

void card_rest(void)
{
	struct pollfd one = { card, POLLIN, 0 };

	poll(&one, 1, REST_MS);
}

uint64_t card_now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool open_card(const char *const path, const char *const peer_path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	peer.sun_family = AF_UNIX;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	snprintf(peer.sun_path, sizeof(peer.sun_path), "%s", peer_path);
	unlink(path);
	card = socket(AF_UNIX, SOCK_DGRAM, 0);
	return card >= 0 && bind(card, (struct sockaddr *)&at, sizeof(at)) == 0;
}

int main(const int count, char **const words)
{
	uint8_t mac[ROCE_MAC_BYTES] = { 0x52, 0x54, 0, 9, 0, 0 };
	struct endpoint at;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count < 5 || !endpoint_parse(words[3], &at)) {
		fprintf(stderr,
			"usage: tools_host SOCKET PEER-SOCKET 10.9.0.1/24:1 TOOL WORDS...\n");
		return TOOLS_USAGE;
	}
	mac[ROCE_MAC_BYTES - 1] = (uint8_t)at.address;
	if (!tools_parse(words + 4, (unsigned)count - 4))
		return TOOLS_USAGE;
	if (!open_card(words[1], words[2])) {
		perror(words[1]);
		return TOOLS_USAGE;
	}
	if (!machine_open(&at, mac, (uint32_t)card_now_ns()))
		return TOOLS_ERROR;
	return (int)tools_run();
}
