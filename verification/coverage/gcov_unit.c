/*
 * The unit that makes a kernel tell its coverage: at power-off it writes the records to QEMU's
 * debug console (-device isa-debugcon,iobase=0xe9), one REP OUTSB per piece.
 */
#include <mullion/core.h>

#include "gcov_emit.h"

#define DEBUG_CONSOLE_PORT 0xe9

__attribute__((no_profile_instrument_function)) void coverage_put(const void *data, size_t bytes)
{
	__asm__ volatile("rep outsb"
			 : "+S"(data), "+c"(bytes)
			 : "d"(DEBUG_CONSOLE_PORT)
			 : "memory");
}

/* At -Og gcc calls these for copies it does itself at -O2; a kernel that has its own keeps them. */
#define FALLBACK __attribute__((weak, no_profile_instrument_function))

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
FALLBACK void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
	return to;
}

void *memset(void *to, int byte, size_t bytes);
FALLBACK void *memset(void *to, int byte, size_t bytes)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(byte) : "memory");
	return to;
}

UNIT(coverage, .power_off = coverage_emit);
