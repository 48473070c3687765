/*
 * An rping server: it accepts connections, reads each ping out of the client's
 * memory, writes it back, and says so by SENDs; the client compares. One client at a time. Without a card and
 * without a clock: whoever has them moves the frames.
 */
#ifndef RPING_SERVER_H
#define RPING_SERVER_H

#include <ib/port.h>

struct server {
	struct ibv_context context;
	struct roce_port port;
	unsigned connections, pings, failures; /* connections that have ended */
};

extern struct server server;

/* At this address, with a clock of this rate; `life`: another number each time. */
void server_open(const struct endpoint *at, const uint8_t mac[ROCE_MAC_BYTES],
	const struct time_rate *rate, uint32_t life);

/* What messages and completions ask for, after frames were taken. */
void server_work(uint64_t now_ticks);

/* The server's: print, and end. */
void server_needs(bool good, const char *what);

#endif
