/*
 * Printing of the plan. Each function prints one section of an output file and computes nothing.
 *
 * The invariant: the same plan prints the same bytes; no time, no host name, no path of the host.
 */
#ifndef EMIT_H
#define EMIT_H

#include <stdio.h>

#include "plan.h"

/* system.c: all of it, in the order of the sections below. */
void emit_system(FILE *out, const struct plan *plan);

void emit_node(FILE *out, const struct plan *plan);        /* the node page */
void emit_pages(FILE *out, const struct plan *plan);       /* info and start pages */
void emit_trees(FILE *out, const struct plan *plan);       /* page tables */
void emit_permissions(FILE *out, const struct plan *plan); /* I/O and MSR bitmaps, CPUID */
void emit_iommus(FILE *out, const struct plan *plan);
void emit_functions(FILE *out, const struct plan *plan); /* PCI functions */
void emit_schedules(FILE *out, const struct plan *plan);
void emit_partitions(
	FILE *out, const struct plan *plan); /* with what restarts need, and channels */
void emit_descriptors(FILE *out, const struct plan *plan); /* vcpus, CPUs, system */

/* Is there a partition with the control role? */
bool emit_has_control(const struct plan *plan);

/* A word of a table: a number, or an address plus one. */
void emit_word(FILE *out, const struct devices_word *word);

/* A C string literal with its quotes. */
void emit_string(FILE *out, const char *text);

/* images.S and system.ld: the partitions' segments at their final physical addresses. */
void emit_images(FILE *out, const struct plan *plan);
void emit_linker_script(FILE *out, const struct plan *plan);
/* locks.bin, LAYOUT_LOCKS_FILE: what the lock service is told. Empty where there is none. */
void emit_locks(FILE *out, const struct plan *plan);
/* LAYOUT_RDMA_FILE: what this service is told. */
struct model_rdma;
void emit_rdma(FILE *out, const struct plan *plan, const struct model_rdma *rdma);

/* The name of partition `p`'s image inside the build directory. */
char *emit_image_name(const struct plan *plan, size_t p);

/* system.json */
void emit_json(FILE *out, const struct plan *plan);

#endif
