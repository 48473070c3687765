/*
 * What the rdma service's clients and the other side say to each other in tests: single requests, and what
 * became of them.
 */
#ifndef RDMA_TALK_H
#define RDMA_TALK_H

#include "rdma_world.h"

#define PATIENCE_US 200000u

extern struct ibv_wc talk_wc; /* the completion that talk_await took last */

/* Bytes that differ by seed and place. */
void talk_fill(uint8_t *to, uint32_t bytes, uint32_t seed);

/* A signaled request to the other side's memory; the error. */
int talk_post(struct world_client *client, enum ibv_wr_opcode opcode, unsigned flags,
	const void *at, uint32_t bytes, const struct ibv_mr *mr);

void talk_await(struct world_client *client, enum ibv_wc_status status);

/* The other side's: a buffer for what the client sends; and a request to the client's memory. */
void talk_far_recv(const struct world_client *client);
void talk_far_send(const struct world_client *client, enum ibv_wr_opcode opcode, uint32_t bytes);

/* How often the service refused that client something for that reason. */
uint64_t talk_refused(unsigned client, enum rdma_refusal why);

/* One message out, as it was. */
void talk_send_one(struct world_client *client, uint32_t bytes, uint32_t seed);

#endif
