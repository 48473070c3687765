/*
 * Hypercalls, by the instruction of the processor's vendor. Only under Mullion: elsewhere the
 * instruction is undefined, so callers check platform.kind.
 */
#ifndef MULLION_HYPERCALL_H
#define MULLION_HYPERCALL_H

#include <stdbool.h>

#include <mullion/abi.h>
#include <mullion/platform.h>

static inline int64_t hypercall(const uint64_t number, const uint64_t argument)
{
	int64_t result;

	if (platform.intel)
		__asm__ volatile("vmcall" : "=a"(result) : "a"(number), "D"(argument) : "memory");
	else
		__asm__ volatile("vmmcall" : "=a"(result) : "a"(number), "D"(argument) : "memory");
	return result;
}

/* One with two arguments. */
static inline int64_t hypercall2(const uint64_t number, const uint64_t first, const uint64_t second)
{
	int64_t result;

	if (platform.intel)
		__asm__ volatile("vmcall"
				 : "=a"(result)
				 : "a"(number), "D"(first), "S"(second)
				 : "memory");
	else
		__asm__ volatile("vmmcall"
				 : "=a"(result)
				 : "a"(number), "D"(first), "S"(second)
				 : "memory");
	return result;
}

/* Interrupt the receivers of a channel this partition writes. False: it has no doorbell. */
static inline bool doorbell_ring(const unsigned channel)
{
	return platform.kind == PLATFORM_MULLION &&
	       hypercall(MULLION_HC_DOORBELL, channel) == MULLION_OK;
}

/* Give up the rest of this window; returns at the start of the next one. */
static inline void partition_yield(void)
{
	hypercall(MULLION_HC_YIELD, 0);
}

/* Raise the partition-raised health event with this code. Elsewhere than under Mullion: nothing. */
static inline void health_raise(const uint64_t code)
{
	if (platform.kind == PLATFORM_MULLION)
		hypercall(MULLION_HC_RAISE, code);
}

#endif
