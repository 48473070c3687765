/*
 * What the compiler tells an RDMA service, and what it promises its clients: struct rdma_table, and waits in
 * front of the port.
 */
#ifndef RDMA_BLOCK_H
#define RDMA_BLOCK_H

#include <rdma/table.h>

#include "model_rdma.h"

/* The table of a service of a description without errors. */
void rdma_block(struct rdma_table *table, const struct model *model, const struct model_rdma *rdma);

/* No bound: its lane is not in the high table. */
#define RDMA_WAIT_NEVER VLARB_NEVER

/*
 * The longest that a frame at the head of a client's lane waits in front of the port, until its last byte is sent:
 * in bytes that the port sends meanwhile, and in nanoseconds, where the link's rate is said. Lane 15 is in it
 * with its burst, and in the latter with its rate, too.
 */
struct rdma_wait {
	uint64_t bytes; /* RDMA_WAIT_NEVER: none */
	uint64_t ns;    /* 0: not known */
};
struct rdma_wait rdma_wait(const struct rdma_table *table, const struct rdma_grant *grant);

#endif
