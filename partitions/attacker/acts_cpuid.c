/*
 * CPUID: what a partition has not is not shown, bit by bit and leaf by leaf.
 */
#include <inttypes.h>

#include "attacker.h"

enum cpuid_register { EAX, EBX, ECX, EDX };

static const struct {
	const char *name;
	uint32_t leaf;
	enum cpuid_register reg;
	unsigned bit;
} features[] = {
	{ "monitor", 1, ECX, 3 },
	{ "vmx", 1, ECX, 5 },
	{ "safer_mode", 1, ECX, 6 },
	{ "fused_multiplication", 1, ECX, 12 },
	{ "xsave", 1, ECX, 26 },
	{ "xsave_switched_on", 1, ECX, 27 },
	{ "avx", 1, ECX, 28 },
	{ "machine_checks", 1, EDX, 7 },
	{ "memory_types", 1, EDX, 12 },
	{ "machine_check_banks", 1, EDX, 14 },
	{ "page_attributes", 1, EDX, 16 },
	{ "tsc_adjust", 7, EBX, 1 },
	{ "avx2", 7, EBX, 5 },
	{ "bounds_registers", 7, EBX, 14 },
	{ "avx512", 7, EBX, 16 },
	{ "protection_keys", 7, ECX, 3 },
	{ "five_levels_of_tables", 7, ECX, 16 },
	{ "rdpid", 7, ECX, 22 },
	{ "svm", 0x80000001, ECX, 2 },
	{ "extended_apic_registers", 0x80000001, ECX, 3 },
	{ "instruction_sampling", 0x80000001, ECX, 10 },
	{ "skinit", 0x80000001, ECX, 12 },
	{ "watchdog", 0x80000001, ECX, 13 },
	{ "lightweight_profiling", 0x80000001, ECX, 15 },
	{ "translation_cache_extension", 0x80000001, ECX, 17 },
	{ "performance_counters", 0x80000001, ECX, 23 },
	{ "northbridge_counters", 0x80000001, ECX, 24 },
	{ "data_breakpoint_extension", 0x80000001, ECX, 26 },
	{ "monitorx", 0x80000001, ECX, 29 },
	{ "fast_fxsave", 0x80000001, EDX, 25 },
	{ "rdtscp", 0x80000001, EDX, 27 },
};

static const struct {
	const char *name;
	uint32_t leaf;
} leaves[] = {
	{ "monitor", 0x5 },
	{ "performance_counters", 0xa },
	{ "extended_state", 0xd },
	{ "cache_monitoring", 0xf },
	{ "cache_allocation", 0x10 },
	{ "enclaves", 0x12 },
	{ "tracing", 0x14 },
	{ "frequencies_beyond_the_last_leaf", 0x16 },
	{ "levels_beyond_the_last_leaf", 0x1f },
	{ "another_hypervisor", 0x40000100 },
	{ "svm", 0x8000000a },
	{ "instruction_sampling", 0x8000001b },
	{ "lightweight_profiling", 0x8000001c },
	{ "memory_encryption", 0x8000001f },
	{ "the_last_leaf_of_all", 0xffffffff },
};

static void read_bit(const struct act *const act)
{
	const struct cpuid id = cpuid_read((uint32_t)act->target, 0);
	const uint32_t values[] = { id.eax, id.ebx, id.ecx, id.edx };

	act_saw(values[act->operand >> 8] >> (act->operand & 31) & 1);
}

static void read_leaf(const struct act *const act)
{
	const struct cpuid id = cpuid_read((uint32_t)act->target, 0);

	act_saw((uint64_t)id.eax | id.ebx | id.ecx | id.edx);
}

void acts_cpuid(void)
{
	for (unsigned i = 0; i < COUNT_OF(features); i++) {
		const struct act act = { .name = act_name("cpuid_shows_no_%s", features[i].name),
			.attempt = read_bit,
			.target = features[i].leaf,
			.operand = (uint64_t)features[i].reg << 8 | features[i].bit,
			RETURNS(0) };

		act_perform(&act);
	}
	for (unsigned i = 0; i < COUNT_OF(leaves); i++) {
		const struct act act = { .name = act_name("cpuid_leaf_%#" PRIx32 "_of_%s_is_empty",
						 leaves[i].leaf, leaves[i].name),
			.attempt = read_leaf,
			.target = leaves[i].leaf,
			RETURNS(0) };

		act_perform(&act);
	}
}
