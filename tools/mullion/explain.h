/*
 * The sections of `mullion explain`, as text.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdio.h>

#include "plan.h"

/* A section's title, bold on a terminal. */
void explain_title(FILE *out, const char *title);

void explain_access(FILE *out, const struct plan *plan);  /* who may touch what */
void explain_health(FILE *out, const struct plan *plan);  /* what answers which event */
void explain_devices(FILE *out, const struct plan *plan); /* IOMMUs and PCI functions */
void explain_rdma(FILE *out, const struct plan *plan);    /* what RDMA clients are granted */
void explain_locks(FILE *out, const struct plan *plan);   /* what is promised of locks */

/* "8 MiB", "4 KiB", exact. */
char *explain_bytes(uint64_t bytes);

#endif
