/*
 * What a client knows of itself. For the files of the client's library.
 */
#ifndef RDMA_CLIENT_H
#define RDMA_CLIENT_H

#define RDMA_WITHOUT_NAMES
#include <rdma/verbs.h>

struct client_state {
	struct ibv_context context; /* the service has the real one: this has an address */
	struct rdma_link link;
	uint32_t number; /* of the latest request */
	struct ibv_pd pds[RDMA_PDS];
	struct ibv_mr mrs[RDMA_MRS];
	struct ibv_ah ahs[RDMA_AHS];
	struct ibv_cq cqs[RDMA_CQS];
	struct ibv_qp qps[RDMA_QPS];
	struct ibv_qp *connected[RDMA_CONNECTIONS];
};

extern struct client_state rdma_client;

/* One request and its answer: 0 or why not; ETIMEDOUT: there is none. */
int client_exchange(struct rdma_ask *ask, struct rdma_tell *tell);

#endif
