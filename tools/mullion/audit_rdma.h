/*
 * The table of an RDMA service in an image, as the audit reads it.
 */
#ifndef AUDIT_RDMA_H
#define AUDIT_RDMA_H

#include <rdma/table.h>

#include "audit.h"

/* Of partition p, in constants of the file; NULL: it has none, or it cannot be read, which audit_rdma says. */
const struct rdma_table *audit_rdma_table(const struct audit *audit, unsigned p);

#endif
