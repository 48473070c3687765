/*
 * MSR and I/O permission maps: a set bit intercepts. Everything is intercepted but what a listed
 * reason opens. AMD APM 2, 15.10 (I/O) and 15.11 (MSR).
 */
#ifndef BITMAP_H
#define BITMAP_H

#include <stddef.h>
#include <stdint.h>

#include <x86_tables.h>

struct bitmap_msr {
	uint32_t msr;
	uint32_t access; /* MULLION_READ, or MULLION_READ | MULLION_WRITE: without an exit */
	const char *name;
	const char *why;
};

/* The MSRs every partition uses without an exit. */
extern const struct bitmap_msr bitmap_msrs[];
extern const size_t bitmap_msrs_count;

struct bitmap_ports {
	uint32_t first, count;
};

void bitmap_fill_msr(uint8_t bitmap[X86_MSR_BITMAP_BYTES]);

/*
 * An access of several bytes is checked port by port, so it passes only where each of its ports is
 * granted; the bits beyond port 0xffff stay set for accesses that would wrap.
 */
void bitmap_fill_io(
	uint8_t bitmap[X86_IO_BITMAP_BYTES], const struct bitmap_ports *granted, size_t count);

#endif
