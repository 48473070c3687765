/*
 * How the rdma service begins: from the constant table that the compiler made of the description, and the
 * channels and areas that it made with it. What is missing all the same ends the partition, with a line that
 * says what: it was started without its description.
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
	struct queuing_receiver asks[RDMA_CLIENTS];
	struct queuing_sender tells[RDMA_CLIENTS];
};

extern struct rdma_node node;

/* All of it, as the table says (docs/rdma.md). */
void opening(void);

#endif
