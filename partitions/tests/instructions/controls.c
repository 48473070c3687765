/*
 * CR4 and EFER: what CPUID shows can be switched on, what it hides cannot.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/catch.h>
#include <mullion/tap.h>

#include "instructions.h"

#define EFER_SCE   (1ull << 0)
#define EFER_LME   (1ull << 8)
#define EFER_LMA   (1ull << 10)
#define EFER_NXE   (1ull << 11)
#define EFER_SVME  (1ull << 12)
#define EFER_LMSLE (1ull << 13)
#define EFER_FFXSR (1ull << 14)
#define CR4_PAE    (1ull << 5)

static uint64_t cr4_read(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static void cr4_write(void *const value)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(*(const uint64_t *)value) : "memory");
}

static void efer_write(void *const value)
{
	msr_write(MSR_EFER, *(const uint64_t *)value);
}

/* Which of these bits cannot be switched on, each by itself. */
static uint64_t refused(const uint64_t bits)
{
	const uint64_t before = cr4_read();
	uint64_t set = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t value = before | 1ull << bit;

		if (!(bits >> bit & 1))
			continue;
		if (catch_call(cr4_write, &value).vector == VECTOR_GP && cr4_read() == before)
			set |= 1ull << bit;
		else
			__asm__ volatile("mov %0, %%cr4" ::"r"(before) : "memory");
	}
	return set;
}

static void check_cr4_bits(void)
{
	/* VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT UMIP FSGSBASE PCIDE SMEP SMAP */
	const uint64_t allowed = 0x330fffull, all = ~0ull;
	const uint64_t refusals = refused(all);

	tap_check((refusals & allowed) == 0, "what_cpuid_shows_can_be_switched_on_in_cr4",
		"refused %#" PRIx64, refusals & allowed);
	tap_check(refusals == ~allowed, "what_cpuid_hides_cannot_be_switched_on_in_cr4",
		"accepted %#" PRIx64, ~refusals & ~allowed);
}

static void check_cr4_long_mode(void)
{
	uint64_t value = cr4_read() & ~CR4_PAE;

	tap_check(catch_call(cr4_write, &value).vector == VECTOR_GP && cr4_read() & CR4_PAE,
		"in_long_mode_physical_address_extension_stays", "it went");
}

#define FROM(name, reg)                                                                            \
	static void cr4_from_##name(const uint64_t value)                                          \
	{                                                                                          \
		__asm__ volatile("mov %0, %%" reg "; mov %%" reg ", %%cr4" ::"r"(value)            \
				 : reg, "memory");                                                 \
	}
FROM(rax, "rax")
FROM(rcx, "rcx")
FROM(rbx, "rbx")
FROM(rdi, "rdi")
FROM(r8, "r8")
FROM(r12, "r12")
FROM(r15, "r15")

static void check_cr4_registers(void)
{
	static void (*const writes[])(uint64_t) = { cr4_from_rax, cr4_from_rcx, cr4_from_rbx,
		cr4_from_rdi, cr4_from_r8, cr4_from_r12, cr4_from_r15 };
	const uint64_t before = cr4_read();
	unsigned wrong = 0;

	for (unsigned i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		const uint64_t value = before ^ (i & 1 ? 0x80u : 0x10080u);

		writes[i](value);
		wrong += cr4_read() != value;
	}
	cr4_from_rax(before);
	tap_check(wrong == 0, "cr4_is_written_from_any_register", "%u wrong", wrong);
}

static void cr4_with_segment_prefix(void *const value)
{
	__asm__ volatile(".byte 0x3e; mov %0, %%cr4" ::"r"(*(const uint64_t *)value) : "memory");
}

static void cr8_beyond(void *const unused)
{
	(void)unused;
	__asm__ volatile("mov %0, %%cr8" ::"r"(16ull) : "memory");
}

/* Meaningless prefixes are not looked through. CR8: on an owned CPU the machine's own business. */
static void check_cr_oddities(void)
{
	uint64_t value = cr4_read();

	tap_check(catch_call(cr4_with_segment_prefix, &value).vector == VECTOR_GP,
		"a_cr4_write_behind_a_segment_prefix_is_refused", "it was not");
	if (catch_call(cr8_beyond, NULL).vector == CATCH_NONE)
		tap_skip("cr8_has_four_bits", "this machine does not check it");
	else
		tap_check(catch_call(cr8_beyond, NULL).vector == VECTOR_GP, "cr8_has_four_bits",
			"it has more");
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ull) : "memory");
}

static unsigned efer_refused(const uint64_t *const values, const unsigned count)
{
	const uint64_t before = msr_read(MSR_EFER);
	unsigned times = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = values[i];

		times += catch_call(efer_write, &value).vector == VECTOR_GP &&
			 msr_read(MSR_EFER) == before;
	}
	return times;
}

static void check_efer(void)
{
	const uint64_t before = msr_read(MSR_EFER);
	const uint64_t hidden[] = { before | EFER_SVME, before | EFER_LMSLE, before | EFER_FFXSR,
		before | 1ull << 20, before | 1ull << 63 };
	const uint64_t paging[] = { before & ~EFER_LME };

	tap_check(before == (EFER_LME | EFER_LMA), "efer_shows_long_mode_and_no_virtualization",
		"%#" PRIx64, before);
	msr_write(MSR_EFER, before | EFER_SCE | EFER_NXE);
	tap_check(msr_read(MSR_EFER) == (before | EFER_SCE | EFER_NXE),
		"syscall_and_no_execute_can_be_switched_on", "%#" PRIx64, msr_read(MSR_EFER));
	msr_write(MSR_EFER, before);
	tap_check(efer_refused(hidden, 5) == 5, "what_cpuid_hides_cannot_be_switched_on_in_efer",
		"%u of 5 refused", efer_refused(hidden, 5));
	tap_check(efer_refused(paging, 1) == 1, "long_mode_cannot_be_switched_off_while_paging",
		"it was");
}

void check_controls(void)
{
	check_cr4_bits();
	check_cr4_long_mode();
	check_cr4_registers();
	check_cr_oddities();
	check_efer();
}
