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

/*
 * entry: that of the unit's table which lets a requester through; as many of its words are written back
 * at a restart.
 */
typedef const uint64_t *printed_entry(unsigned requester);
void printed_devices_build(int kind, printed_entry *entry, unsigned words);

/* Whatever the IOMMU: functions as the kernel gets them. */
void functions_are_printed_as_planned(void **state);
void partitions_know_their_functions(void **state);
void an_owner_reaches_its_bars(void **state);
void the_kernel_maps_what_the_tables_name(void **state);
void they_reach_their_owners_memory(void **state);
void a_functions_entry_is_the_one_that_lets_it_through(void **state);
void what_lets_it_through_again_is_what_does_now(void **state);

#endif
