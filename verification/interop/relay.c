/*
 * A bad link between two peers: of the RoCEv2 frames that pass, some are lost, doubled, overtaken by the next one, or
 * have a bit changed that their ICRC covers. Everything else passes as it is, so that addresses are found and programs
 * agree to begin.
 *
 * usage: relay DIRECTORY A B SEED LOST DOUBLED OVERTAKEN CHANGED, the last four of 10,000 frames. Peer A sends to
 * the socket DIRECTORY/A-B, B to DIRECTORY/B-A; frames arrive at DIRECTORY/B and DIRECTORY/A. The same seed decides the
 * same for the same frames. Ended by SIGTERM, it prints `NUMBER WHAT` lines. Exit 2: usage, or a socket.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_MOST 9216u
#define WAIT_MOST  8192u /* frames that wait for a reader, each way */
#define OF         10000u
#define HELD_MS    20
#define ROCE_PORT  4791u

struct side {
	int socket;
	struct sockaddr_un to;
	uint64_t random;
	uint8_t held[FRAME_MOST]; /* to be overtaken */
	size_t held_bytes;        /* 0: none */
	unsigned first, count;    /* of those that wait */
	size_t waiting_bytes[WAIT_MOST];
	uint8_t waiting[WAIT_MOST][FRAME_MOST];
};

static struct side sides[2];
static unsigned parts[4];
static struct {
	unsigned frames, lost, doubled, overtaken, changed;
} seen;
static volatile sig_atomic_t ending;

static void end(const int signal)
{
	(void)signal;
	ending = 1;
}

static uint64_t draw(struct side *const side)
{
	side->random ^= side->random >> 12;
	side->random ^= side->random << 25;
	side->random ^= side->random >> 27;
	return side->random * 0x2545f4914f6cdd1dull >> 16;
}

static bool happens(struct side *const side, const unsigned part)
{
	return draw(side) % OF < part;
}

/* Where the BTH begins; 0: it is another protocol's frame. */
static size_t bth_of(const uint8_t *const frame, const size_t bytes)
{
	const size_t ip = bytes > 18 && frame[12] == 0x81 && frame[13] == 0 ? 18 : 14;
	const size_t udp = ip + (bytes > ip && frame[ip] >> 4 == 6 ? 40 : 20);
	const size_t protocol = ip + (udp == ip + 40 ? 6 : 9);

	if (bytes < udp + 8 + 12 + 4 || frame[protocol] != 17 ||
		(unsigned)(frame[udp + 2] << 8 | frame[udp + 3]) != ROCE_PORT)
		return 0;
	return udp + 8;
}

/* False: the reader has no room now. One that is not there yet, or no more, loses it: as on a wire. */
static bool sent(const struct side *const side, const uint8_t *const frame, const size_t bytes)
{
	return sendto(side->socket, frame, bytes, MSG_DONTWAIT, (const struct sockaddr *)&side->to,
		       sizeof(side->to)) >= 0 ||
	       (errno != EAGAIN && errno != ENOBUFS);
}

/* Nobody is waited for: two that wait for each other's reading would wait for ever. */
static void drain(struct side *const side)
{
	while (side->count != 0 &&
		sent(side, side->waiting[side->first], side->waiting_bytes[side->first])) {
		side->first = (side->first + 1) % WAIT_MOST;
		side->count--;
	}
}

static void put(struct side *const side, const uint8_t *const frame, const size_t bytes)
{
	const unsigned last = (side->first + side->count) % WAIT_MOST;

	drain(side);
	if ((side->count == 0 && sent(side, frame, bytes)) || side->count == WAIT_MOST)
		return;
	memcpy(side->waiting[last], frame, bytes);
	side->waiting_bytes[last] = bytes;
	side->count++;
}

static void release(struct side *const side)
{
	if (side->held_bytes != 0)
		put(side, side->held, side->held_bytes);
	side->held_bytes = 0;
}

static void pass(struct side *const side, uint8_t *const frame, const size_t bytes)
{
	const size_t bth = bth_of(frame, bytes);
	bool doubled, overtaken;

	if (bth == 0) {
		put(side, frame, bytes);
		return;
	}
	seen.frames++;
	if (happens(side, parts[0])) {
		seen.lost++;
		return;
	}
	doubled = happens(side, parts[1]);
	overtaken = happens(side, parts[2]) && side->held_bytes == 0;
	if (happens(side, parts[3])) {
		/* From the acknowledge bit's word on: what is before may be a router's to change. */
		frame[bth + 9 + draw(side) % (bytes - bth - 9)] ^= (uint8_t)(1u << draw(side) % 8);
		seen.changed += doubled ? 2 : 1; /* as many arrive */
	}
	seen.doubled += doubled;
	seen.overtaken += overtaken;
	if (doubled)
		put(side, frame, bytes);
	if (overtaken) {
		memcpy(side->held, frame, bytes);
		side->held_bytes = bytes;
		return;
	}
	put(side, frame, bytes);
	release(side);
}

static bool open_side(struct side *const side, const char *const directory, const char *const from,
	const char *const to, const uint64_t seed)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };

	side->to.sun_family = AF_UNIX;
	side->random = seed * 2 + 1;
	if (snprintf(own.sun_path, sizeof(own.sun_path), "%s/%s-%s", directory, from, to) >=
			(int)sizeof(own.sun_path) ||
		snprintf(side->to.sun_path, sizeof(side->to.sun_path), "%s/%s", directory, to) >=
			(int)sizeof(side->to.sun_path))
		return false;
	unlink(own.sun_path);
	side->socket = socket(AF_UNIX, SOCK_DGRAM, 0);
	return side->socket >= 0 &&
	       bind(side->socket, (const struct sockaddr *)&own, sizeof(own)) == 0;
}

static void run(void)
{
	static uint8_t frame[FRAME_MOST];
	struct pollfd polls[2] = { { sides[0].socket, POLLIN, 0 }, { sides[1].socket, POLLIN, 0 } };

	while (!ending) {
		const bool waits = sides[0].count != 0 || sides[1].count != 0;
		const int ready = poll(polls, 2, waits ? 1 : HELD_MS);

		for (int i = 0; i < 2; i++) {
			ssize_t bytes;

			drain(&sides[i]);
			if (ready <= 0 || (polls[i].revents & POLLIN) == 0) {
				release(&sides[i]);
				continue;
			}
			bytes = recv(sides[i].socket, frame, sizeof(frame), MSG_DONTWAIT);
			if (bytes > 0)
				pass(&sides[i], frame, (size_t)bytes);
		}
	}
}

int main(const int argc, char **const argv)
{
	const struct sigaction action = { .sa_handler = end };
	const uint64_t seed = argc == 9 ? strtoull(argv[4], NULL, 0) : 0;

	if (argc != 9) {
		fprintf(stderr, "usage: relay DIRECTORY A B SEED LOST DOUBLED OVERTAKEN CHANGED\n");
		return 2;
	}
	for (int i = 0; i < 4; i++)
		parts[i] = (unsigned)strtoul(argv[5 + i], NULL, 0);
	if (!open_side(&sides[0], argv[1], argv[2], argv[3], 2 * seed) ||
		!open_side(&sides[1], argv[1], argv[3], argv[2], 2 * seed + 1)) {
		perror("relay: socket");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	run();
	printf("%u frames\n%u lost\n%u doubled\n%u overtaken\n%u changed\n", seen.frames, seen.lost,
		seen.doubled, seen.overtaken, seen.changed);
	return 0;
}
