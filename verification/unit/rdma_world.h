/*
 * The rdma service with two clients on one side of a wire, an adapter on the other. Clients are the library's,
 * one at a time: world_be says whose calls the next ones are.
 */
#ifndef RDMA_WORLD_H
#define RDMA_WORLD_H

#include "../../partitions/rdma/client/client.h"
#include "../../partitions/rdma/core/service.h"

#include "unit.h"

#define WORLD_CLIENTS 2u
#define WORLD_UP      (sizeof(struct rdma_up) + 0x10000u)
#define WORLD_DOWN    (sizeof(struct rdma_down) + 0x10000u)
#define WORLD_FAR     0x10000u
#define WORLD_TICKS   1000000u /* a second */

/* An area between pages that nobody may touch is the sanitizer's: these are allocated. */
struct world_client {
	struct client_state state;
	struct rdma_granted granted;
	struct rdma_up *up;
	struct rdma_down *down;
	/* Connected to the other side, once world_connect was called. */
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_mr *up_mr, *down_mr;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_qp *far; /* its peer */
};

struct world {
	uint64_t now;
	struct service service;
	struct ibv_context context, far;
	struct lanes lanes;
	struct connections *far_connections;
	struct connection_event far_event; /* the latest of the other side, but requests */
	struct ibv_qp *far_accepts;        /* with which a request is accepted; NULL: rejected */
	struct roce_port port, far_port;
	struct world_client clients[WORLD_CLIENTS];
	unsigned current;
	bool silent; /* the service does not answer */
	struct ibv_pd *far_pd;
	struct ibv_mr *far_mr;
	struct ibv_cq *far_cq;
	uint8_t far_memory[WORLD_FAR];
	uint8_t tags
		[2]
		[8]; /* frames seen from the service with this PCP, modulo 256, and DSCP's class */
	uint64_t sent_bytes[8]; /* by PCP */
};

extern struct world world;

/* Both clients granted: ports 7000 to 7009, and 7010 to 7019; SL 2 and 5, PCP as SL, 2 QPs, 2 CQs, 4 MRs, 2 AHs, a depth of 16. */
const struct rdma_grant *world_grant(unsigned client);
void world_open(void);
void world_close(void);

/* The library's calls are this client's from now on. */
struct world_client *world_be(unsigned client);

/* The client opens, registers all its memory, and has an RC queue pair to the other side. */
struct world_client *world_connect(unsigned client);

/* RC or UD to the other side, moved to RTS; 0 or the error. */
int world_ready(struct ibv_qp *qp, uint32_t far_number, const struct ibv_ah_attr *address);
struct ibv_ah_attr world_address(uint8_t sl);
struct ibv_qp *world_far_qp(enum ibv_qp_type type);
int world_far_ready(struct ibv_qp *far, uint32_t number);

/* Time goes on by so many microseconds; everything moves. */
void world_run(unsigned us);

/* A completion of the client's queue within `us`. */
bool world_poll(struct world_client *client, struct ibv_wc *wc, unsigned us);

/* One request as bytes; its error. */
int world_ask(unsigned client, const struct rdma_ask *ask, struct rdma_tell *tell);

#endif
