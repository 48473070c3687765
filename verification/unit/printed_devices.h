/*
 * What the tests of printed device tables share: they are linked with a generated system.c, and
 * walk its tables by their addresses, as the hardware will.
 */
#ifndef PRINTED_DEVICES_H
#define PRINTED_DEVICES_H

#include "plan.h"
#include "walk_dma.h"

/* Places in the printed functions. */
enum { PRINTED_EDU, PRINTED_NVME, PRINTED_NET0, PRINTED_NET1 };

extern struct plan printed_plan;

void printed_devices_build(int kind);

/* Does the table at `root` lead every address to the partition's memory, and nowhere else? */
void assert_dma(int kind, const uint64_t *root, unsigned partition);

/* Whatever the IOMMU: functions as the kernel gets them. */
void functions_are_printed_as_planned(void **state);
void partitions_know_their_functions(void **state);
void an_owner_reaches_its_bars(void **state);
void the_kernel_maps_what_the_tables_name(void **state);

#endif
