/*
 * A station on the test's network: one card, one role, stepped by main without ever waiting.
 */
#ifndef STATION_H
#define STATION_H

#include <mullion/meter.h>

#include <net/card.h>

#define IN_FLIGHT 16u /* frames that ping has sent and not seen again, at most */

enum frame_kind { FRAME_HELLO = 1, FRAME_DATA = 2, FRAME_DONE = 3 };

struct station {
	struct card *card;
	uint32_t frames;   /* to be sent, or expected */
	uint32_t next;     /* sequence number to send next */
	uint32_t expected; /* to come next */
	uint32_t wrong;    /* frames out of order, or with a wrong byte */
	bool met, done;    /* the other end has answered (ping); it has said good-bye */
	uint64_t first_tsc, progress_tsc; /* a frame came; before, when it began */
	struct meter send, receive, reclaim;
	struct meter send_short, receive_short; /* of frames up to SHORT_BYTES */
};

void station_begin(struct station *station, struct card *card, uint32_t frames);

/* Sends what there is to send, takes what has come: at most one frame each. False: nothing came. */
bool ping_step(struct station *ping);
bool echo_step(struct station *echo);

/* Until the card has sent all it was given; bounded. */
void station_drain(struct station *station);

#endif
