/*
 * What only a partition can do: hypercalls, time, random numbers; and what the hash library asks of
 * its C library. Specification: Intel SDM 2B, RDRAND.
 */
#include <mullion/cpu.h>
#include <mullion/hypercall.h>

#include "calls.h"
#include "node.h"

#define CPUID_1_ECX_RDRAND (1u << 30)
#define RDRAND_TRIES       10u

int64_t node_call(const enum mullion_hypercall number, const uint64_t first, const uint64_t second)
{
	return hypercall2(number, first, second);
}

uint64_t node_now(void)
{
	return tsc_read();
}

/* 0 where there is no such instruction, or it has nothing to give. */
static uint64_t random_word(void)
{
	uint64_t value = 0;
	uint8_t good = 0;

	if (!(cpuid_read(1, 0).ecx & CPUID_1_ECX_RDRAND))
		return 0;
	for (uint32_t i = 0; i < RDRAND_TRIES && !good; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(good)::"cc");
	return good ? value : 0;
}

void calls_seed_nonce(struct control *const control)
{
	const uint64_t sources[] = { random_word(), random_word(), random_word(), random_word(),
		tsc_read(), control->node.page->epoch_tsc, control->node.page->boots };

	auth_set_nonce(&control->auth, sources, sizeof(sources) / sizeof(sources[0]));
}

/* Nettle's library was compiled against another C library: these two are what it ends by. */
void __assert_fail(const char *claim, const char *file, unsigned line, const char *function);
void __stack_chk_fail(void);

void __assert_fail(const char *const claim, const char *const file, const unsigned line,
	const char *const function)
{
	(void)claim;
	(void)file;
	(void)line;
	(void)function;
	__builtin_trap();
}

void __stack_chk_fail(void)
{
	__builtin_trap();
}
