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

UNIT(coverage, .power_off = coverage_emit);
