/*
 * The device of an attacker that owns one: `edu`, which reads and writes memory as it is told. Without it
 * the groups config, registers, dma and messages have no acts.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>

#include <edu/edu.h>

#define CONFIG_ADDRESS 0xcf8u
#define CONFIG_DATA    0xcfcu
#define CONFIG_ENABLE  (1u << 31)
#define CONFIG_DWORDS  64u

/* The device, opened at the first call; NULL: the partition has none. */
struct edu *device(void);

/* The BAR as configuration space shows it. */
uint64_t device_bar(void);

/*
 * A transfer, waited for asleep. It ends where an IOMMU stops it, too. False: it was not started or does not
 * end.
 */
bool device_transfer(enum edu_direction direction, uint64_t gpa, uint32_t bytes);

/* Asleep for about a millisecond, interrupts on. */
void device_wait(void);

#endif
