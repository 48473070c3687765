/*
 * Ring 3 and 32-bit code: alignment checks reach the partition, and the kernel reads 32-bit
 * instructions that touch the local APIC's page as what they are.
 *
 * Descriptor tables of our own: flat ring-3 segments and two 32-bit code segments with other bases.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/tap.h>

#include "instructions.h"

#define PRESENT_USER 7ull
#define USER         4ull
#define PAGE_BYTES   4096u
#define USER_PAGE    0x100u /* page number of the user's code; the next one is its stack */
#define USER_CODE    0x33u
#define USER_DATA    0x3bu
#define KERNEL_CODE  0x08u
#define KERNEL_DATA  0x10u
#define TSS_SELECTOR 0x20u
#define BASED_CODE   0x40u /* and 0x48 */
#define RFLAGS_AC    (1ull << 18)
#define RFLAGS_FIXED 2ull
#define CR0_AM       (1ull << 18)
#define LDR          (*(volatile uint32_t *)(uintptr_t)(APIC_PAGE + 0xd0))

struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern volatile uint64_t boot_pt[];
extern const uint8_t user_code[], user_code_end[], user_resume[];
extern const uint8_t user_call[], user_call_itself[];
extern uint64_t user_stack_kept;
void user_run(uint64_t rip, uint64_t rsp, uint64_t rflags);
uint32_t compat_absolute(uint32_t value);
void compat_based(uint64_t selector);
extern const uint8_t compat_first[], compat_second[];

static uint64_t gdt[10];
static uint32_t tss[26];
static uint8_t pages[2][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint8_t kernel_stack[PAGE_BYTES] __attribute__((aligned(16)));
static volatile int vector;
static volatile uint64_t error, user_cs, user_rip;

static uint64_t based_code(const uint8_t *const base)
{
	const uint64_t address = (uintptr_t)base;

	return 0x00cf9a000000ffffull | (address & 0xffffff) << 16 | (address >> 24) << 56;
}

static void load_tables(void)
{
	const struct table gdtr = { sizeof(gdt) - 1, (uintptr_t)gdt };
	const uint64_t stack = (uintptr_t)&kernel_stack[PAGE_BYTES], base = (uintptr_t)tss;

	gdt[1] = 0x00af9a000000ffffull;
	gdt[2] = 0x00cf92000000ffffull;
	gdt[3] = 0x00cf9a000000ffffull;
	gdt[4] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24) << 56;
	gdt[6] = 0x00affa000000ffffull;
	gdt[7] = 0x00cff2000000ffffull;
	gdt[8] = based_code(compat_first);
	gdt[9] = based_code(compat_second);
	memcpy(&tss[1], &stack, sizeof(stack));
	__asm__ volatile("lgdt %0; ltr %w1" ::"m"(gdtr), "r"(TSS_SELECTOR) : "memory");
}

/* Ring 3 may use the two pages, and so the tables above them. */
static void map_user(void)
{
	uint64_t *table;

	__asm__ volatile("mov %%cr3, %0" : "=r"(table));
	for (unsigned level = 0; level < 3; level++) {
		table[0] |= USER;
		table = (uint64_t *)(uintptr_t)(table[0] & ~0xfffull);
	}
	memcpy(pages[0], user_code, (size_t)(user_code_end - user_code));
	boot_pt[USER_PAGE] = (uintptr_t)pages[0] | PRESENT_USER;
	boot_pt[USER_PAGE + 1] = (uintptr_t)pages[1] | PRESENT_USER;
	__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=&r"(table)::"memory");
}

static void on_leave(struct irq_frame *const frame)
{
	vector = (int)frame->vector;
	error = frame->error;
	user_cs = frame->cs;
	user_rip = frame->rip;
	frame->cs = KERNEL_CODE;
	frame->ss = KERNEL_DATA;
	frame->rflags = RFLAGS_FIXED;
	frame->rsp = user_stack_kept;
	frame->rip = (uintptr_t)user_resume;
}

/* Runs the user's code from there until an exception ends it; says which. */
static int run_user(const uint8_t *const from, const uint64_t rflags)
{
	const uint64_t entry = USER_PAGE * PAGE_BYTES + (uint64_t)(from - user_code);

	irq_set_handler(VECTOR_UD, on_leave);
	irq_set_handler(VECTOR_AC, on_leave);
	user_run(entry, (USER_PAGE + 2) * PAGE_BYTES, rflags | RFLAGS_FIXED);
	irq_set_handler(VECTOR_UD, NULL);
	irq_set_handler(VECTOR_AC, NULL);
	return vector;
}

/* The user's code reads four bytes at an odd address, then UD2. */
static int leave_user(const uint64_t rflags)
{
	return run_user(user_code, rflags);
}

static void check_user_call(void)
{
	const uint64_t where = USER_PAGE * PAGE_BYTES + (uint64_t)(user_call_itself - user_code);

	tap_check(run_user(user_call, 0) == VECTOR_UD && user_rip == where,
		"a_hypercall_from_ring_3_does_not_exist", "vector %d at %#" PRIx64, vector, user_rip);
}

static void set_alignment_mask(void)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0; or %1, %0; mov %0, %%cr0"
			 : "=&r"(cr0)
			 : "r"(CR0_AM)
			 : "memory");
}

static void check_alignment(void)
{
	tap_check(leave_user(0) == VECTOR_UD && user_cs == USER_CODE,
		"an_exception_of_ring_3_reaches_ring_0", "vector %d, cs %#" PRIx64, vector,
		user_cs);
	set_alignment_mask();
	tap_check(leave_user(0) == VECTOR_UD, "without_the_flag_nothing_is_checked", "vector %d",
		vector);
	leave_user(RFLAGS_AC);
	if (vector == VECTOR_UD) {
		tap_skip("an_alignment_check_reaches_the_partition",
			"this machine does not check alignment");
		return;
	}
	tap_check(vector == VECTOR_AC && error == 0, "an_alignment_check_reaches_the_partition",
		"vector %d, error %#" PRIx64, vector, error);
}

static void check_compatibility(void)
{
	LDR = 0x11223344;
	tap_check(compat_absolute(0x55667788) == 0x11223344,
		"32_bit_code_loads_from_an_absolute_address", "it read something else");
	tap_check(LDR == 0x55667788, "32_bit_code_stores_to_an_absolute_address", "%#" PRIx32, LDR);
}

/* Same offset, same attributes, another segment base: another instruction. */
static void check_bases(void)
{
	uint32_t first, second;

	compat_based(BASED_CODE);
	first = LDR;
	compat_based(BASED_CODE + 8);
	second = LDR;
	tap_check(first == 1 && second == 2, "the_base_of_the_code_segment_is_heeded",
		"%" PRIu32 ", %" PRIu32, first, second);
}

void check_modes(void)
{
	irq_disable();
	load_tables();
	map_user();
	check_user_call();
	check_alignment();
	check_compatibility();
	check_bases();
}
