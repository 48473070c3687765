/*
 * A client's channels to the rdma service, NAME-ask and NAME-tell, and the areas that they share, NAME-up and
 * NAME-down, where NAME is the partition's own: the compiler makes them for each client that is described.
 */
#ifndef RDMA_LINK_H
#define RDMA_LINK_H

#include <rdma/verbs.h>

/* False: this partition is no client of any service. Before anything else; then rdma_open. */
bool rdma_link_find(struct rdma_link *link);

#endif
