/*
 * What the files of the engine share: packet numbers, memory by key, completions, and how a queue pair
 * ends. Not for programs. Specification: IBTA 1.4, 9.7, 10.2, 10.6.
 */
#ifndef RTDRIVERS_IB_STATE_H
#define RTDRIVERS_IB_STATE_H

#include <ib/copy.h>
#include <ib/engine.h>

#define KEY_INDEX_MASK (IBV_OBJECTS_MOST - 1) /* of an lkey; above it, how often it was given out */
#define QPN_INDEX_MASK (IBV_OBJECTS_MOST - 1) /* of a QP number, likewise */
#define ATOMIC_BYTES   8u

/*
 * A requester has at most so many packets on their way, responses included, so that a receiver with so
 * many buffers loses none; it asks for an ACK, and for the data of a long READ, in smaller portions.
 */
#define WINDOW_PACKETS  64u
#define PORTION_PACKETS 16u

/* How far `a` is ahead of `b`, in the circle of 2^24 numbers. 9.7.1. */
static inline int32_t psn_ahead(const uint32_t a, const uint32_t b)
{
	return (int32_t)((a - b) << 8) >> 8;
}

static inline uint32_t psn_add(const uint32_t psn, const uint32_t packets)
{
	return (psn + packets) & IB_PSN_MASK;
}

/* Packets of a message: an empty one has one. */
static inline uint32_t packets_of(const struct ibv_qp *const qp, const uint32_t bytes)
{
	return bytes == 0 ? 1 : (bytes + qp->mtu_bytes - 1) >> qp->mtu_shift;
}

/* `bytes` of the memory of that key, for a use with all these rights; NULL: there is none such. */
static inline uint8_t *mr_reach(const struct ibv_pd *const pd, const uint32_t key,
	const uint64_t iova, const uint64_t bytes, const int access)
{
	const struct ibv_pools *const pools = &pd->context->pools;
	const struct ibv_mr *const mr = &pools->mrs[key & KEY_INDEX_MASK];

	if ((key & KEY_INDEX_MASK) >= pools->mr_count || mr->pd != pd || mr->lkey != key)
		return NULL;
	if ((mr->access & access) != access || bytes > mr->length ||
		iova - mr->iova > mr->length - bytes)
		return NULL;
	return (uint8_t *)mr->addr + (iova - mr->iova);
}

static inline void copy_sges(
	struct ibv_sge to[const IBV_SGE_MOST], const struct ibv_sge *const from, const int count)
{
	for (int i = 0; i < count; i++)
		to[i] = from[i];
}

static inline struct ibv_send_entry *send_entry(
	const struct ibv_qp *const qp, const uint32_t counter)
{
	return &qp->requester.entries[counter & (qp->context->pools.send_depth - 1)];
}

static inline struct ibv_recv_entry *recv_entry(
	const struct ibv_qp *const qp, const uint32_t counter)
{
	return &qp->responder.entries[counter & (qp->context->pools.recv_depth - 1)];
}

static inline bool is_read(const struct ibv_send_entry *const entry)
{
	return entry->opcode >= IBV_WR_RDMA_READ;
}

static inline bool is_datagram(const struct ibv_qp *const qp)
{
	return qp->qp_type == IBV_QPT_UD || qp->qp_type == IBV_QPT_GSI;
}

static inline bool is_from_peer(
	const struct ibv_qp *const qp, const struct ibv_arrival *const arrival)
{
	const struct ibv_ah_attr *const peer = &qp->attr.ah_attr;

	if (is_datagram(qp))
		return true;
	if (!peer->is_global)
		return arrival->slid == peer->dlid;
	return arrival->source.words[0] == peer->grh.dgid.words[0] &&
	       arrival->source.words[1] == peer->grh.dgid.words[1];
}

static inline void qp_wake(const struct ibv_qp *const qp)
{
	qp->context->ready |= 1ull << qp->index;
}

/* The next free entry, which its request has reserved, cleared but for the status. */
static inline struct ibv_wc *cq_push(struct ibv_cq *const cq)
{
	struct ibv_wc *const wc = &cq->entries[cq->tail++ & (uint32_t)(cq->cqe - 1)];

	*wc = (struct ibv_wc){ .status = IBV_WC_SUCCESS };
	return wc;
}

/*
 * The oldest request of the send queue is over. Successes that were not to be signalled leave nothing
 * but room. At most 50 instructions.
 */
void send_complete(struct ibv_qp *qp, enum ibv_wc_status status);

/*
 * The oldest entry of the receive queue is over; the completion, to be filled in. At most 50
 * instructions.
 */
struct ibv_wc *recv_complete(struct ibv_qp *qp, enum ibv_wc_status status, uint32_t bytes);

/* All that is posted completes as flushed. At most 26000 instructions. */
void qp_flush(struct ibv_qp *qp);

/* To ERR, everything posted flushed. At most 26000 instructions. */
void qp_fail(struct ibv_qp *qp);

/*
 * What fails while packets are sent is ended by the next ibv_next, one queue pair a call, so that many
 * failing at once do not make one call long.
 */
static inline void qp_doom(struct ibv_qp *const qp, const enum ibv_wc_status status)
{
	qp->doom = status;
	qp->context->doomed |= 1ull << qp->index;
}

/* The oldest request fails with `status`, then the queue pair. At most 27000 instructions. */
void send_fail(struct ibv_qp *qp, enum ibv_wc_status status);

/* A timer ends at `when`. */
static inline void note_timer(struct ibv_context *const context, const uint64_t when)
{
	if (when < context->earliest)
		context->earliest = when;
}

/* The time of the next acknowledgement runs from the first packet that waits for one. */
static inline void await_answer(struct ibv_qp *const qp, const uint64_t now_ticks)
{
	if (qp->requester.deadline != IBV_NEVER)
		return;
	qp->requester.deadline = now_ticks + qp->timeout_ticks;
	note_timer(qp->context, qp->requester.deadline);
}

/* NULL: there is none of that number, or not any more. At most 20 instructions. */
struct ibv_qp *qp_find(const struct ibv_context *context, uint32_t number);

/* The same partition, and not limited members both. 10.9.3. At most 20 instructions. */
bool has_pkey(const struct ibv_qp *qp, uint16_t pkey);

/*
 * Copy into a list of SGEs, `offset` bytes behind its beginning. False: memory that may not be
 * written. At most 5700 instructions.
 */
bool sges_scatter(const struct ibv_pd *pd, const struct ibv_sge *sges, unsigned count,
	uint32_t offset, const uint8_t *from, uint32_t bytes);

/*
 * Where `bytes` of a list of SGEs lie, `offset` behind its beginning, as pieces of a departure. False:
 * memory that may not be read. At most 310 instructions.
 */
bool sges_gather(const struct ibv_pd *pd, const struct ibv_sge *sges, unsigned count,
	uint32_t offset, uint32_t bytes, struct ibv_departure *departure);

/* Of a receive entry in the course of being filled. 9.7.4.1, 9.8.2. */
enum verdict {
	VERDICT_GOOD,
	VERDICT_OPCODE, /* not what may follow */
	VERDICT_LENGTH,
	VERDICT_ACCESS,
	VERDICT_RECEIVE,  /* nothing posted */
	VERDICT_TOO_LONG, /* for what was posted */
	VERDICT_LOCAL,    /* the receiver's own SGEs */
	VERDICT_RESOURCE,
};

/* One packet of a SEND or WRITE: judged, then done. At most 5900 instructions. */
enum verdict message_packet(struct ibv_qp *qp, const struct ib_packet *packet, unsigned layout);

/* A READ or atomic that came for the first time. At most 150 instructions. */
enum verdict resource_begin(struct ibv_qp *qp, const struct ib_packet *packet, unsigned layout);

/* Again: answered again from there. False: not known (any more). At most 320 instructions. */
bool resource_again(struct ibv_qp *qp, const struct ib_packet *packet, unsigned layout);

enum response {
	RESPONSE_NONE,
	RESPONSE_SENT,
	RESPONSE_FAILS, /* its key has ended */
};

/* The next response of a READ or atomic that is to be sent. At most 320 instructions. */
enum response resource_next(struct ibv_qp *qp, struct ibv_departure *departure);

/* A request of a reliable connection, an unreliable one, a datagram. At most 32000 instructions. */
enum ibv_drop rc_request(struct ibv_qp *qp, const struct ib_packet *packet, unsigned layout);
/* At most 32000 instructions. */
enum ibv_drop uc_request(struct ibv_qp *qp, const struct ib_packet *packet, unsigned layout);
/* At most 42000 instructions. */
enum ibv_drop ud_request(
	struct ibv_qp *qp, const struct ib_packet *packet, const struct ibv_arrival *arrival);

/* A response's memory is gone: to ERR, with a NAK. At most 26000 instructions. */
void responder_end(struct ibv_qp *qp);

/* What the responder has to send, or the requester. At most 350 instructions. */
bool responder_next(struct ibv_qp *qp, struct ibv_departure *departure);
/* At most 600 instructions. */
bool requester_next(struct ibv_qp *qp, uint64_t now_ticks, struct ibv_departure *departure);

/* One request, or one buffer, as ibv_post_send and ibv_post_recv say. At most 1100 instructions. */
int send_post(struct ibv_qp *qp, const struct ibv_send_wr *wr);
/* At most 300 instructions. */
int recv_post(struct ibv_qp *qp, const struct ibv_recv_wr *wr);

/* An ACK, NAK or response. At most 60000 instructions. */
enum ibv_drop requester_response(
	struct ibv_qp *qp, uint64_t now_ticks, const struct ib_packet *packet, unsigned layout);

/* A timer of the requester may have ended. At most 60 instructions. */
void requester_timer(struct ibv_qp *qp, uint64_t now_ticks);

#endif
