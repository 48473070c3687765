/*
 * The network: a virtio-net function that control owns, polled, and a station on it. Frames in, lines
 * out; what is no line is answered here. Nothing waits.
 */
#ifndef CONTROL_DATAGRAMS_H
#define CONTROL_DATAGRAMS_H

#include <inet/station.h>

struct datagrams {
	struct station station;
	uint64_t dropped; /* frames that were to be sent, and the card took none */
};

/* A datagram that came, until the next call. */
struct datagram_line {
	uint64_t peer; /* address << 16 | port */
	const char *text;
	uint32_t bytes;
};

enum datagrams_result { DATAGRAMS_NOTHING, DATAGRAMS_FRAME, DATAGRAMS_LINE };

/* The card that is assigned, on buses 0 to `last_bus`. NULL: there is none that can be used. */
const struct datagrams *datagrams_open(const struct endpoint *at, uint8_t last_bus);

/* Takes one frame, if there is one, and answers what is not for control to answer. */
enum datagrams_result datagrams_receive(struct datagram_line *line);

/* Room for bytes to be sent: of several lines, or none. Nobody is kept waiting for a broken card. */
uint32_t datagrams_room(void);

/* To who sent the last line; and to who sent the last one when datagrams_hold was called. */
void datagrams_answer(const char *text, uint32_t bytes);
void datagrams_notice(const char *text, uint32_t bytes);
void datagrams_hold(void);

/* True: the card has sent what it was given, or will not. */
bool datagrams_are_sent(void);

#endif
