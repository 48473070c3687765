/*
 * The provider's side of the verbs: packets that arrived go in, packets that are to be sent come out, and
 * the provider tells the time. A provider puts its own headers around them (RoCEv2, a link, a test).
 *
 * Invariant: a packet changes nothing but the queue pair it addresses, that one's completion queues, the
 * memory its keys allow, and one counter; ibv_next alone decides what is sent, one packet a call, so an
 * arbiter can stand between (ib/vlarb.h). Specification: IBTA 1.4, 9.6 to 9.9.
 */
#ifndef RTDRIVERS_IB_ENGINE_H
#define RTDRIVERS_IB_ENGINE_H

#include <ib/packet.h>
#include <ib/verbs.h>

/* Where a packet came from. */
struct ibv_arrival {
	const uint8_t *grh; /* IBV_GRH_BYTES for a datagram's receiver; NULL: there was none */
	union ibv_gid source;
	uint16_t slid;
	uint8_t sl;
};

#define IBV_PIECES_MOST IBV_SGE_MOST

/* A packet to be sent: its payload lies in pieces, which ibv_gather puts together. */
struct ibv_departure {
	struct ib_packet packet; /* payload NULL; payload_bytes of the pieces together */
	const struct ibv_ah_attr *to;
	uint32_t source_qp;
	unsigned pieces;
	struct {
		const uint8_t *from;
		uint32_t bytes;
	} piece[IBV_PIECES_MOST];
};

/*
 * A packet arrived, decoded by ib_packet_decode, meant for this adapter; IBV_DROP_NONE: it did what it
 * says. What else is counted. At most 50000 instructions.
 */
enum ibv_drop ibv_receive(struct ibv_context *context, uint64_t now_ticks,
	const struct ibv_arrival *arrival, const struct ib_packet *packet);

/*
 * The next packet to be sent of the queue pairs on the lanes (a bit for each SL), one of each in turn.
 * False: there is none now. The memory of the pieces is the program's: gather at once. Timers that have
 * ended are served here. At most 92000 instructions.
 */
bool ibv_next(struct ibv_context *context, uint64_t now_ticks, uint16_t lanes,
	struct ibv_departure *departure);

/*
 * The same in steps, for a provider that has to know first where a packet goes. Queue pairs on the lanes that may
 * have something to send: a bit each. Timers are served here. At most 30000 instructions.
 */
uint64_t ibv_candidates(struct ibv_context *context, uint64_t now_ticks, uint16_t lanes);

/* Whose turn it is, of `candidates`, which are not 0. At most 40 instructions. */
struct ibv_qp *ibv_choose(struct ibv_context *context, uint64_t candidates);

/* Where its next packet goes; NULL: it has none. At most 30 instructions. */
const struct ibv_ah_attr *ibv_destination(const struct ibv_qp *qp);

/* Its next packet, as of ibv_next. False: it has none. At most 1100 instructions. */
bool ibv_take(struct ibv_qp *qp, uint64_t now_ticks, struct ibv_departure *departure);

/*
 * A queue pair whose peer cannot be sent to, and will not: what is posted fails with
 * IBV_WC_RETRY_EXC_ERR. False: nothing is. For connections; of datagrams, take what goes there, and drop it. At most 40 instructions.
 */
bool ibv_unreachable(struct ibv_qp *qp);

/* It sends nothing, and no time runs for it, until ibv_resume. At most 20 instructions. */
void ibv_wait(struct ibv_qp *qp);

/* All that wait go on, with all of their time. At most 1500 instructions. */
void ibv_resume(struct ibv_context *context, uint64_t now_ticks);

/* Copy the payload to where it is sent from: packet.payload_bytes. At most 5400 instructions. */
void ibv_gather(const struct ibv_departure *departure, uint8_t *payload);

/*
 * SLs whose queue pairs may have something to send, and are not held: a bit each. At most 210
 * instructions.
 */
uint16_t ibv_backlog(const struct ibv_context *context);

/*
 * When ibv_next has to be called again although nothing arrives and nothing is posted; IBV_NEVER: not at
 * all. Never too late; perhaps too early. At most 10 instructions.
 */
uint64_t ibv_deadline(const struct ibv_context *context);

/* "none", "qp", "state", ...: for counters and their readers. At most 10 instructions. */
const char *ibv_drop_name(enum ibv_drop drop);

#endif
