/*
 * Two adapters in one partition, each with a reliable connection to the other: by RoCEv2 frames that are
 * handed over in memory, or by a local link.
 */
#ifndef VERBS_ENDS_H
#define VERBS_ENDS_H

#include <ib/engine.h>
#include <ib/local.h>
#include <ib/port.h>

#define END_MEMORY   0x10000u /* bytes each end has for messages, all of it exported */
#define FRAME_BYTES  1600u

struct end {
	struct ibv_context context;
	struct ibv_pd *pd;
	struct ibv_cq *send_cq, *recv_cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	uint8_t *memory;
	union ibv_gid gid;
	struct roce_port port;
	struct ibv_local_link link;
};

struct frame {
	uint8_t bytes[FRAME_BYTES];
	unsigned length;
};

extern struct end ends[2];

/* Both, connected; with a local link, or to exchange frames. */
bool ends_open(bool local);

/* The next frame an end has to send; false: none. What a provider does for each, down to the card. */
bool end_transmit(struct end *end, uint64_t now_ticks, struct frame *frame);

/* A frame from the card. False: refused. */
bool end_receive(struct end *end, uint64_t now_ticks, const struct frame *frame);

/* Post a message of `bytes` from the end's memory; or a buffer for one. */
bool end_send(struct end *end, enum ibv_wr_opcode opcode, unsigned flags, uint32_t bytes);
bool end_recv(struct end *end, uint32_t bytes);

/* One successful completion. */
bool end_completed(struct ibv_cq *cq);

#endif
