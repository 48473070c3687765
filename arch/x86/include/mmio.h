/*
 * Registers of a device in memory, and memory that a device reads without asking the caches.
 *
 * Every access is one instruction of exactly its width, and none is moved across another.
 */
#ifndef MULLION_MMIO_H
#define MULLION_MMIO_H

#include <stdint.h>

static inline uint32_t mmio_read32(uint64_t address)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline uint64_t mmio_read64(uint64_t address)
{
	uint64_t value;

	__asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void mmio_write32(uint64_t address, uint32_t value)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

static inline void mmio_write64(uint64_t address, uint64_t value)
{
	__asm__ volatile("movq %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

/* Let memory have what the caches hold, for devices that do not snoop: one line, or all of it. */
static inline void write_back_line(const void *address)
{
	__asm__ volatile("clflush (%0)\n\tmfence" : : "r"(address) : "memory");
}

static inline void write_back_all(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}

#endif
