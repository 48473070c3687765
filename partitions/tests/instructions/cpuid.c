/*
 * CPUID: a constant table. What a partition is not given is not shown; the places the table has no
 * answer for are zero. core's arch tables say how: x86_tables.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/abi.h>
#include <mullion/tap.h>

#include "instructions.h"

#define LEAF_1_ECX_HIDDEN     0x3c001068u /* MONITOR VMX SMX FMA XSAVE OSXSAVE AVX F16C */
#define LEAF_1_ECX_SHOWN      0x81200000u /* hypervisor, TSC deadline, x2APIC */
#define LEAF_1_EDX_HIDDEN     0x00015080u /* MCE MTRR MCA PAT */
#define LEAF_7_EBX_HIDDEN     0xdc234022u /* TSC_ADJUST AVX2 MPX AVX-512 */
#define LEAF_7_ECX_HIDDEN     0x80410018u /* protection keys, 5-level paging, RDPID */
#define EXTENDED_1_ECX_HIDDEN 0x3da3be0cu /* SVM and what concerns the node */
#define EXTENDED_1_EDX_HIDDEN 0x0a010000u /* RDTSCP FFXSR PAT */

static bool is_zero(const uint32_t leaf)
{
	const struct cpuid id = cpuid_read(leaf, 0);

	if ((id.eax | id.ebx | id.ecx | id.edx) != 0)
		printf("# leaf %#" PRIx32 " answers\n", leaf);
	return (id.eax | id.ebx | id.ecx | id.edx) == 0;
}

static bool same(const struct cpuid a, const struct cpuid b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

static void check_basic(void)
{
	const struct cpuid one = cpuid_read(1, 0), seven = cpuid_read(7, 0);

	tap_check((one.ecx & LEAF_1_ECX_HIDDEN) == 0 && (one.edx & LEAF_1_EDX_HIDDEN) == 0,
		"leaf_1_hides_what_a_partition_has_not", "ecx %#" PRIx32 ", edx %#" PRIx32, one.ecx,
		one.edx);
	tap_check((one.ecx & LEAF_1_ECX_SHOWN) == LEAF_1_ECX_SHOWN,
		"leaf_1_shows_x2apic_deadline_and_hypervisor", "ecx %#" PRIx32, one.ecx);
	tap_check((seven.ebx & LEAF_7_EBX_HIDDEN) == 0 && (seven.ecx & LEAF_7_ECX_HIDDEN) == 0,
		"leaf_7_hides_what_a_partition_has_not", "ebx %#" PRIx32 ", ecx %#" PRIx32,
		seven.ebx, seven.ecx);
}

static void check_extended(void)
{
	const struct cpuid id = cpuid_read(0x80000001u, 0);

	tap_check((id.ecx & EXTENDED_1_ECX_HIDDEN) == 0 && (id.edx & EXTENDED_1_EDX_HIDDEN) == 0,
		"extended_leaf_1_hides_what_a_partition_has_not", "ecx %#" PRIx32 ", edx %#" PRIx32,
		id.ecx, id.edx);
}

static void check_signature(void)
{
	const struct cpuid base = cpuid_read(MULLION_CPUID_BASE, 0),
			   version = cpuid_read(MULLION_CPUID_VERSION, 0);

	tap_check(base.eax == MULLION_CPUID_VERSION && base.ebx == MULLION_SIGNATURE_EBX &&
			  base.ecx == MULLION_SIGNATURE_ECX && base.edx == MULLION_SIGNATURE_EDX &&
			  version.eax == MULLION_ABI_VERSION,
		"leaf_40000000_is_signed", "ebx %#" PRIx32 ", version %" PRIu32, base.ebx,
		version.eax);
}

static void check_outside(void)
{
	const uint32_t last = cpuid_read(0, 0).eax, extended = cpuid_read(0x80000000u, 0).eax;
	const uint32_t leaves[] = { last + 1, 0x1f, 0x20, 0x3fffffff, 0x40000002, 0x4000001f,
		0x40000020, extended + 1, 0x8000001f, 0x80000020, 0xc0000000, 0xffffffff };
	bool good = true;

	for (unsigned i = 0; i < sizeof(leaves) / sizeof(*leaves); i++)
		good &= is_zero(leaves[i]);
	tap_check(good, "leaves_out_of_range_are_zero", "see above");
}

static void check_subleaves(void)
{
	const bool levels = same(cpuid_read(0xb, 2), cpuid_read(0xb, 3)) &&
			    same(cpuid_read(0xb, 2), cpuid_read(0xb, ~0u)) &&
			    !same(cpuid_read(0xb, 0), cpuid_read(0xb, 1));

	tap_check(levels && same(cpuid_read(1, 0), cpuid_read(1, 77)),
		"a_subleaf_beyond_the_last_answers_as_the_last", "it does not");
}

static void check_width(void)
{
	uint64_t rax = ~0ull << 32, rbx = ~0ull, rcx = ~0ull << 32, rdx = ~0ull;

	__asm__ volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx));
	tap_check((rax | rbx | rcx | rdx) >> 32 == 0, "upper_halves_are_ignored_and_cleared",
		"%#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64, rax, rbx, rcx, rdx);
}

void check_cpuid(void)
{
	check_basic();
	check_extended();
	check_signature();
	check_outside();
	check_subleaves();
	check_width();
}
