/*
 * TCP over IPv4, small: one connection in one structure, opened either way, a buffer of two kilobytes in
 * each direction, and every wait bounded. What arrives out of order is not kept but asked for again; what is
 * lost is sent again from the oldest on, TCP_TRIES times; there is no congestion window beside the buffer,
 * which is two segments, and no option but the segment's size.
 *
 * Pure: whoever has a card moves the packets and tells the time. Total on any segment.
 * Specification: RFC 9293; RFC 6298, 5 for the timer; RFC 5961 for what a stranger cannot do.
 */
#ifndef RTDRIVERS_INET_TCP_H
#define RTDRIVERS_INET_TCP_H

#include <inet/ipv4.h>

#define TCP_HEADER_BYTES  20u
#define TCP_OPTION_BYTES  4u            /* the segment's size, in front of a SYN's payload */
#define TCP_PAYLOAD_BYTES 1460u         /* of a segment in one frame of Ethernet */
#define TCP_BUFFER_BYTES  2048u         /* that wait to be acknowledged, and as many to be read */
#define TCP_TRIES         8u            /* times that the same is sent again */
#define TCP_FIRST_NS      1000000000ull /* the first time after so long; then twice as long, */
#define TCP_DOUBLINGS     3u            /* as often */
#define TCP_LINGER_NS     8000000000ull /* TIME-WAIT: longer than three FINs take, not two MSL */
#define TCP_NEVER         UINT64_MAX

enum tcp_flags {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
};

struct tcp_segment {
	uint16_t source, destination; /* ports */
	uint32_t sequence, acknowledgment;
	uint16_t window;
	uint16_t most; /* that its sender receives in one segment; 0: not said */
	uint8_t flags; /* enum tcp_flags; others are not looked at */
	const uint8_t *payload;
	unsigned bytes; /* of the payload */
};

enum tcp_verdict {
	TCP_GOOD,
	TCP_MALFORMED, /* too short, a header or an option longer than there is, or port 0 */
	TCP_CHECKSUM
};

enum tcp_state {
	TCP_CLOSED,
	TCP_LISTEN,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT
};

/* Why a connection is TCP_CLOSED. */
enum tcp_end {
	TCP_END_NONE,  /* it was never open */
	TCP_END_DONE,  /* both ends have said all */
	TCP_END_RESET, /* the peer does not know it, or refused it */
	TCP_END_SILENT /* the peer did not answer TCP_TRIES times */
};

struct tcp {
	enum tcp_state state;
	enum tcp_end end;
	bool passive;  /* it listened: what fails before it is open listens again */
	bool answer;   /* an acknowledgment is to be sent */
	bool finished; /* nothing more will be written: a FIN stands behind what waits */
	uint32_t peer; /* its address */
	uint16_t port, peer_port;
	uint16_t most;                   /* bytes of a segment that the peer receives */
	uint32_t oldest, next, latest;   /* SND.UNA; to be sent; SND.NXT */
	uint32_t window;                 /* SND.WND: behind `oldest` */
	uint32_t window_seq, window_ack; /* SND.WL1, SND.WL2 */
	uint32_t expected;               /* RCV.NXT */
	uint32_t random;                 /* the next connection begins somewhere behind */
	unsigned tries;
	uint64_t deadline_ns;
	unsigned sent_bytes, received_bytes;
	uint8_t sent[TCP_BUFFER_BYTES]; /* from `oldest` on */
	uint8_t received[TCP_BUFFER_BYTES];
};

/* ---- Segments ---- */

/*
 * The payload of the packet that `packet` is the good header of; the segment's payload points there. Unless
 * it is good, *segment means nothing. At most 5000 instructions.
 */
enum tcp_verdict tcp_decode(
	const struct ipv4_header *packet, const uint8_t *octets, struct tcp_segment *segment);

/* Bytes of the segment with its header. At most 20 instructions. */
unsigned tcp_bytes(const struct tcp_segment *segment);

/*
 * Writes tcp_bytes(), whose payload is at most TCP_PAYLOAD_BYTES, with the checksum; packet->payload_bytes is
 * tcp_bytes(). At most 15000 instructions.
 */
void tcp_encode(
	const struct ipv4_header *packet, const struct tcp_segment *segment, uint8_t *octets);

/*
 * What is answered to a segment that is no connection's. False: nothing. At most 50 instructions.
 */
bool tcp_refuse(const struct tcp_segment *segment, struct tcp_segment *answer);

/* ---- A connection ---- */

/* Closed. `random`: a number that peers cannot guess. At most 60 instructions. */
void tcp_open(struct tcp *tcp, uint32_t random);

/* From closed: waits for one peer on this port. At most 40 instructions. */
void tcp_listen(struct tcp *tcp, uint16_t port);

/* From closed: to this peer. At most 60 instructions. */
void tcp_connect(struct tcp *tcp, uint16_t port, uint32_t peer, uint16_t peer_port);

/*
 * As many of the bytes as there is room for, their number; 0 once it is closed, by whomever, or before
 * tcp_connect or tcp_listen. At most 17000 instructions.
 */
unsigned tcp_write(struct tcp *tcp, const uint8_t *octets, unsigned bytes);

/* As many as there are and fit, their number. At most 33000 instructions. */
unsigned tcp_read(struct tcp *tcp, uint8_t *octets, unsigned bytes);

/* Nothing more to be read, ever: all was, and the peer has said its last. At most 20 instructions. */
bool tcp_ended(const struct tcp *tcp);

/* Nothing more will be written; what was is still sent. At most 20 instructions. */
void tcp_close(struct tcp *tcp);

/*
 * A segment from that address that came. False: it is not this connection's; tcp_refuse knows an answer.
 * At most 34000 instructions.
 */
bool tcp_take(struct tcp *tcp, uint64_t now_ns, uint32_t from, const struct tcp_segment *segment);

/*
 * The next segment to be sent to tcp->peer, whose payload points into *tcp and holds until the next call.
 * False: none now. To be asked again after a segment came, something was written, read or closed, and when
 * deadline_ns is over. At most 400 instructions.
 */
bool tcp_next(struct tcp *tcp, uint64_t now_ns, struct tcp_segment *segment);

#endif
