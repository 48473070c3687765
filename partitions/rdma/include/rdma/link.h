/*
 * A client's channels to the rdma service, by name: NAME-ask and NAME-tell, NAME-up and NAME-down, where NAME is
 * the partition's own.
 */
#ifndef RDMA_LINK_H
#define RDMA_LINK_H

#include <rdma/verbs.h>

/* False: a channel is missing, or has other ends. Before anything else; then rdma_open. */
bool rdma_link_find(struct rdma_link *link);

#endif
