/*
 * Registers of devices: each access is exactly one MOV of the width named, in program order, so that
 * a device sees what was written and Mullion, where it looks at an access, can decode it.
 *
 * The caller's address is mapped uncached (memory_uncached). Ordering against memory that a device
 * reads by DMA is the caller's: x86 keeps stores in order, the compiler does because of the clobber.
 */
#ifndef MULLION_MMIO_H
#define MULLION_MMIO_H

#include <stdint.h>

static inline uint8_t mmio_read8(const volatile void *const address)
{
	uint8_t value;

	__asm__ volatile("movb (%1), %0" : "=q"(value) : "r"(address) : "memory");
	return value;
}

static inline uint16_t mmio_read16(const volatile void *const address)
{
	uint16_t value;

	__asm__ volatile("movw (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline uint32_t mmio_read32(const volatile void *const address)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline uint64_t mmio_read64(const volatile void *const address)
{
	uint64_t value;

	__asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void mmio_write8(volatile void *const address, const uint8_t value)
{
	__asm__ volatile("movb %0, (%1)" ::"q"(value), "r"(address) : "memory");
}

static inline void mmio_write16(volatile void *const address, const uint16_t value)
{
	__asm__ volatile("movw %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

static inline void mmio_write32(volatile void *const address, const uint32_t value)
{
	__asm__ volatile("movl %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

static inline void mmio_write64(volatile void *const address, const uint64_t value)
{
	__asm__ volatile("movq %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

#endif
