/*
 * The partition's own map: one to one below 4 GiB, in pages of 2 MiB, cached but for the local APIC's.
 */
#ifndef MULLION_MEMORY_H
#define MULLION_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Map these addresses uncached, with all of each 2 MiB page they touch; for registers of devices.
 * False, and nothing done: they hold memory or Mullion's pages, or are not mapped. On the boot vcpu,
 * before another one has touched them.
 */
bool memory_uncached(uint64_t address, uint64_t bytes);

#endif
