/*
 * Registers that a test answers for, in place of those the processor reaches.
 */
#ifndef FAKE_MMIO_H
#define FAKE_MMIO_H

#include <stdint.h>

uint32_t mmio_read32(uint64_t address);
uint64_t mmio_read64(uint64_t address);
void mmio_write32(uint64_t address, uint32_t value);
void mmio_write64(uint64_t address, uint64_t value);
void write_back_line(const void *address);
void write_back_all(void);

#endif
