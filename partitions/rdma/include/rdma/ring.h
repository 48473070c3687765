/*
 * The memory that a client of the rdma service shares with it: two areas, each written by one side and only
 * read by the other. `up` is the client's: what it posts, how far it has taken completions, and behind that
 * memory that the service sends from. `down` is the service's: completions, how far it has taken what was
 * posted, and behind that memory that is received and written into.
 *
 * All counters count on for ever; an index is one modulo the depth. What the other side writes is read once
 * and believed only as far as it can be.
 */
#ifndef RDMA_RING_H
#define RDMA_RING_H

#include <ib/verbs.h>

/* Of a client, at most; its grant (rdma/table.h) may say less. */
#define RDMA_PDS         2u
#define RDMA_MRS         16u
#define RDMA_AHS         8u
#define RDMA_CQS         8u
#define RDMA_QPS         8u
#define RDMA_CONNECTIONS 8u
#define RDMA_LISTENS     4u  /* ports at once */
#define RDMA_DEPTH       32u /* of a ring of requests */
#define RDMA_CQ_DEPTH    64u

struct rdma_send {
	uint64_t wr_id;
	uint64_t remote_addr;
	uint64_t compare_add, swap;
	uint32_t rkey;
	uint32_t imm_data;
	uint32_t ah; /* its number; datagrams */
	uint32_t remote_qpn, remote_qkey;
	uint16_t opcode; /* enum ibv_wr_opcode */
	uint8_t flags;   /* enum ibv_send_flags */
	uint8_t sges;    /* inline: bytes of data */
	union {
		struct ibv_sge sge[IBV_SGE_MOST];
		uint8_t data[IBV_INLINE_MOST];
	};
	uint64_t reserved;
};

struct rdma_recv {
	uint64_t wr_id;
	uint64_t sges;
	struct ibv_sge sge[IBV_SGE_MOST];
};

struct rdma_wc {
	uint64_t wr_id;
	uint32_t status, opcode; /* enum ibv_wc_status, ibv_wc_opcode */
	uint32_t byte_len, imm_data;
	uint32_t qp_num, src_qp;
	uint32_t wc_flags, sl;
};

struct rdma_up {
	uint32_t sends[RDMA_QPS], recvs[RDMA_QPS]; /* posted, ever */
	uint32_t completions[RDMA_CQS];            /* taken, ever */
	struct rdma_send send[RDMA_QPS][RDMA_DEPTH] __attribute__((aligned(64)));
	struct rdma_recv recv[RDMA_QPS][RDMA_DEPTH];
} __attribute__((aligned(4096)));

struct rdma_down {
	uint32_t sends[RDMA_QPS], recvs[RDMA_QPS]; /* taken, ever */
	uint32_t completions[RDMA_CQS];            /* there, ever */
	struct rdma_wc completion[RDMA_CQS][RDMA_CQ_DEPTH] __attribute__((aligned(64)));
} __attribute__((aligned(4096)));

_Static_assert(sizeof(struct rdma_send) == 128, "a slot is two lines");

/* What the other side writes, seen with all that it wrote before; and what it is to see. */
static inline uint32_t ring_seen(const uint32_t *const counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static inline void ring_show(uint32_t *const counter, const uint32_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

#endif
