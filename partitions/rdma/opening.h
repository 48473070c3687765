/*
 * How the rdma service begins: what its arguments say, and what of the description they need. Whatever does
 * not fit ends the partition, with a line that says what and how to mend it.
 */
#ifndef RDMA_OPENING_H
#define RDMA_OPENING_H

#include <mullion/queuing.h>
#include <net/card.h>

#include "core/service.h"

struct rdma_node {
	struct card card;
	struct ibv_context context;
	struct roce_port port;
	struct lanes lanes;
	struct service service;
	struct queuing_receiver asks[SERVICE_CLIENTS];
	struct queuing_sender tells[SERVICE_CLIENTS];
};

extern struct rdma_node node;

/* All of it, as the arguments say (docs/rdma.md). */
void opening(void);

#endif
