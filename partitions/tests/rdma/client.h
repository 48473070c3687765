/*
 * A client of the rdma service that talks to the far end: memory, queue pairs, and one message at a time.
 */
#ifndef RDMA_TEST_CLIENT_H
#define RDMA_TEST_CLIENT_H

#include <rdma/link.h>

#include "wire.h"

struct test_client {
	struct rdma_link link;
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp, *greetings;
	struct ibv_mr *up_mr, *down_mr;
	struct ibv_ah *ah; /* to the far end */
	uint8_t *up;
	const uint8_t *down;
	struct greeting far;
};

extern struct test_client client;

/* Its memory, a queue pair for datagrams and one for a connection, both in RESET; false: not all of it. */
bool client_begin(void);

/* The same, and the far end has been met: one is connected. */
bool client_open(void);

/* The attributes for the connected queue pair's next state, and what they are. */
struct ibv_ah_attr client_address(void);
bool client_climb(struct ibv_qp *qp, uint32_t far_number);

/* Post one request of the connected queue pair. `offset`: into the far end's memory. */
bool client_post(enum ibv_wr_opcode opcode, const void *at, uint32_t bytes, const struct ibv_mr *mr,
	uint32_t offset);

/* The next completion, within a second or two; false: none. */
bool client_await(struct ibv_wc *wc);

/* One message there and back, the same to the byte. */
bool client_echo(uint32_t n);

/* The same with a queue pair that the communication managers connect. */
bool client_reconnect(void);

/* The far end need not wait for this client any more. */
bool client_good_bye(void);

/* What is left of a window goes back, on a framed CPU. */
void client_rest(void);

#endif
