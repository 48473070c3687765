/*
 * Two adapters and a link between them that loses, doubles, delays and damages packets, the same way for
 * the same seed. Packets cross it encoded, behind a check sum that stands for the ICRC.
 */
#ifndef VERBS_PAIR_H
#define VERBS_PAIR_H

#include <ib/engine.h>

#include "unit.h"

#define PAIR_MEMORY   0x280000u /* bytes of each end */
#define PAIR_FLYING   4096u     /* packets on their way, both directions */
#define PAIR_QPS      8u
#define PAIR_AHS      12u
#define PAIR_DEPTH    64u
#define PAIR_TICKS_US 10u /* ticks of a microsecond */

extern const struct time_rate pair_rate;

struct pair_end {
	struct ibv_context context;
	struct ibv_pd pds[2];
	struct ibv_mr mrs[8];
	struct ibv_ah ahs[PAIR_AHS];
	struct ibv_cq cqs[4];
	struct ibv_wc completions[4 * 2 * PAIR_DEPTH];
	struct ibv_qp qps[PAIR_QPS];
	struct ibv_send_entry sends[PAIR_QPS * PAIR_DEPTH];
	struct ibv_recv_entry recvs[PAIR_QPS * PAIR_DEPTH];
	struct ibv_pd *pd;
	struct ibv_mr *mr; /* all of memory, with all rights */
	struct ibv_cq *send_cq, *recv_cq;
	struct ibv_qp *qp;
	uint8_t *memory;
	union ibv_gid gid;
};

struct pair_flying {
	uint64_t due; /* 0: free */
	unsigned to;
	unsigned bytes;
	uint64_t sum;
	uint8_t data[IB_PACKET_BYTES_MOST];
};

/* What happens to packets: chances in a million. */
struct pair_faults {
	uint32_t lost, doubled, delayed, damaged;
};

struct pair {
	struct pair_end ends[2];
	struct pair_faults faults;
	uint64_t now, random;
	uint64_t sent[2], lost, doubled, delayed, damaged; /* packets */
	uint64_t unasked, most_unasked; /* of the first end's requests, in a row */
	uint64_t acknowledgements;      /* of the second end */
	bool (*loses)(struct pair *pair, unsigned to, const struct ib_packet *packet);
	struct pair_flying flying[PAIR_FLYING];
	unsigned flying_count;
};

/* Both ends, empty; QPs of the type, connected at the MTU, which begin to count at the PSN. */
void pair_open(struct pair *pair, enum ibv_qp_type type, enum ibv_mtu mtu, uint32_t psn);
void pair_close(struct pair *pair);

/* The attributes with which pair_open connects `end`. */
struct ibv_qp_attr pair_attributes(
	const struct pair *pair, unsigned end, enum ibv_mtu mtu, uint32_t psn);
/* From RESET to RTS. */
int pair_connect(struct ibv_qp *qp, const struct ibv_qp_attr *attr);

/* Time goes on by `us`; everything that is due happens. */
void pair_run(struct pair *pair, uint64_t us);

/* Until a completion lies in the queue, or `us` are over: whether it does. */
bool pair_poll(struct pair *pair, struct ibv_cq *cq, struct ibv_wc *wc, uint64_t us);

/* A work request over `bytes` of the end's memory at `offset`; post it. */
struct ibv_sge pair_sge(const struct pair_end *end, uint32_t offset, uint32_t bytes);
int pair_send(struct pair_end *end, uint64_t id, enum ibv_wr_opcode opcode, unsigned flags,
	uint32_t offset, uint32_t bytes, uint64_t remote, uint32_t rkey);
int pair_recv(struct pair_end *end, uint64_t id, uint32_t offset, uint32_t bytes);

#endif
