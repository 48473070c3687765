/*
 * The page-table trees of an image: the kernel's own, and for each partition its nested tree, the
 * peek tree through which the kernel reads the partition's memory, the restore tree through which it
 * restores it, and the tree through which its devices reach it.
 *
 * The invariant: the kernel maps itself, its local APIC, and of devices the IOMMUs, one page of
 * configuration space each, and the MSI-X tables it fills; text alone is executable, stacks are
 * guarded. A peek tree adds one partition's memory, read-only and never executable; a restore tree all
 * that the partition may write but devices' registers, and its pristine image, read-only. A device
 * reaches its owner's memory at guest-physical addresses, and nothing else.
 */
#ifndef MAPS_H
#define MAPS_H

#include "layout.h"
#include "paging.h"

struct maps {
	struct paging kernel;
	struct paging *stage2;  /* by partition */
	struct paging *peek;    /* by partition; the root's kernel part refers to kernel_map */
	struct paging *restore; /* by partition; its kernel part likewise */
	struct paging *dma;     /* by partition; no tables where it owns no function */
	size_t count;
	bool huge_pages; /* some tree uses 1 GiB pages */
};

/* False only if the layout overlaps itself. */
bool maps_build(const struct layout *layout, struct maps *maps);
void maps_free(struct maps *maps);

#endif
