/*
 * Addresses with high bits, accesses that begin at home and end abroad, page tables that lie abroad,
 * and every way an instruction reaches memory other than by MOV.
 *
 * AMD APM 2, 5.3.1 (canonical), 8.4.2 (reserved bits) and 15.25.6 (faults of the nested tables).
 */
#include <string.h>

#include <mullion/info.h>

#include "attacker.h"
#include "window.h"

#define HOLE            0xf8000000ull
#define GIB             (1ull << 30)
#define ERROR_PRESENT   1u
#define ERROR_RESERVED  0x9u        /* present, reserved bit */
#define STRADDLING_CODE 0x00b80000u /* what executing across the end leaves in its last 4 bytes */
#define OWN             0x1122334455667788ull

static void read_physical(const struct act *const act)
{
	act_saw(*(const volatile uint8_t *)window_open(act->target));
}

static void write_physical(const struct act *const act)
{
	*(volatile uint8_t *)window_open(act->target) = 0;
}

static void read_linear(const struct act *const act)
{
	act_saw(*(const volatile uint8_t *)(uintptr_t)act->target);
}

static void write_linear(const struct act *const act)
{
	*(volatile uint8_t *)(uintptr_t)act->target = 0;
}

static void jump_linear(const struct act *const act)
{
	__asm__ volatile("call *%0" ::"r"(act->target) : "memory");
}

static const struct {
	const char *name;
	uint64_t address;
} high[] = {
	{ "4_GiB", 4 * GIB },
	{ "4_GiB_and_the_kernels_address", 4 * GIB + 0x200000 },
	{ "8_GiB", 8 * GIB },
	{ "512_GiB_less_a_page", 512 * GIB - PAGE_BYTES },
	{ "512_GiB", 512 * GIB },
	{ "512_GiB_and_the_kernels_address", 512 * GIB + 0x200000 },
	{ "the_last_page_of_40_bits", 1024 * GIB - PAGE_BYTES },
};

static void try_high(void)
{
	for (unsigned i = 0; i < COUNT_OF(high); i++) {
		struct act act = { .name = act_name("reading_at_%s", high[i].name),
			.attempt = read_physical,
			.target = high[i].address,
			FAULTS(VECTOR_GP) };

		act_perform(&act);
		act.name = act_name("writing_at_%s", high[i].name);
		act.attempt = write_physical;
		act_perform(&act);
	}
}

/* Bits 40 to 51 of a page-table entry are reserved on this machine: its own page fault, no exit. QEMU's
 * TCG leaves the present bit out of the error code. */
static void try_reserved(void)
{
	const unsigned bits = cpuid_read(0x80000008u, 0).eax & 0xff;

	for (unsigned bit = bits; bit < 52; bit++) {
		const struct act act = { .name = act_name("reading_with_physical_bit_%u", bit),
			.attempt = read_physical,
			.target = 1ull << bit | 0x200000,
			FAULTS(VECTOR_PF),
			.error = ERROR_RESERVED,
			.ignored = ERROR_PRESENT };

		act_perform(&act);
	}
}

static const struct act linear[] = {
	{ "reading_the_first_address_that_is_not_canonical", read_linear, 1ull << 47, 0,
		FAULTS(VECTOR_GP) },
	{ "writing_the_last_address_that_is_not_canonical", write_linear, 0xffff7fffffffffff, 0,
		FAULTS(VECTOR_GP) },
	{ "jumping_to_an_address_that_is_not_canonical", jump_linear, 0x0123456789abcdef, 0,
		FAULTS(VECTOR_GP) },
	{ "reading_the_kernels_peek_window", read_linear, 0xffff800000200000, 0,
		FAULTS(VECTOR_PF) },
	{ "writing_the_kernels_peek_window", write_linear, 0xffff800000200000, 0, FAULTS(VECTOR_PF),
		.error = 2 },
	{ "reading_the_kernels_local_apic", read_linear, 0xfffffffffee00020, 0, FAULTS(VECTOR_PF) },
	{ "reading_a_null_pointer", read_linear, 0, 0, FAULTS(VECTOR_PF) },
};

/* Eight bytes across the end of memory: nothing of ours may have been written. */
static void straddle_write(const struct act *const act)
{
	uint8_t *const last = window_open(act->target - 4);

	__asm__ volatile("movq %1, (%0)" ::"r"(last), "r"(OWN) : "memory");
}

static void straddle_read(const struct act *const act)
{
	uint8_t *const last = window_open(act->target - 4);
	uint64_t value;

	__asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(last) : "memory");
	act_saw(value);
}

/* Code whose last byte is not ours: MOV EAX, imm32 with one byte of it at home. */
static void straddle_execute(const struct act *const act)
{
	uint8_t *const last = window_open(act->target - 2);

	last[0] = 0xb8;
	last[1] = 0;
	__asm__ volatile("call *%0" ::"r"(last) : "rax", "memory");
}

/* The first two of them are still zero: no part of the write was done. */
static void last_bytes(const struct act *const act)
{
	act_saw(*(const uint32_t *)window_open(act->target - 4));
}

static void try_straddles(void)
{
	const uint64_t end = info_get()->memory_bytes;
	const struct act acts[] = {
		{ "reading_across_the_end_of_memory", straddle_read, end, 0, FAULTS(VECTOR_GP) },
		{ "writing_across_the_end_of_memory", straddle_write, end, 0, FAULTS(VECTOR_GP) },
		{ "executing_across_the_end_of_memory", straddle_execute, end, 0,
			FAULTS(VECTOR_GP) },
		{ "a_write_across_the_end_of_memory_has_changed_nothing_of_it", last_bytes, end, 0,
			RETURNS(STRADDLING_CODE) },
		{ "reading_across_the_start_of_the_info_page", straddle_read, MULLION_INFO_GPA, 0,
			FAULTS(VECTOR_GP) },
		{ "writing_across_the_start_of_the_info_page", straddle_write, MULLION_INFO_GPA, 0,
			FAULTS(VECTOR_GP) },
	};

	act_perform_all(acts, COUNT_OF(acts));
}

static void read_by_table(const struct act *const act)
{
	act_saw(*(const volatile uint8_t *)window_open_table(act->target));
}

static void try_tables(void)
{
	const struct act acts[] = {
		{ "a_page_table_beyond_memory", read_by_table, info_get()->memory_bytes, 0,
			FAULTS(VECTOR_GP) },
		{ "a_page_table_in_the_hole", read_by_table, HOLE, 0, FAULTS(VECTOR_GP) },
		{ "a_page_table_in_the_local_apic", read_by_table, APIC_PAGE, 0,
			FAULTS(VECTOR_GP) },
		{ "a_page_table_at_4_GiB", read_by_table, 4 * GIB, 0, FAULTS(VECTOR_GP) },
	};

	act_perform_all(acts, COUNT_OF(acts));
}

/* What other instructions do with memory abroad, at RDI and RSI; RCX is 1. */
#define REACH(name, text)                                                                          \
	static void reach_##name(const struct act *const act)                                      \
	{                                                                                          \
		uint64_t to = (uintptr_t)window_open(act->target), from = to, count = 1;           \
                                                                                                   \
		__asm__ volatile(                                                                  \
			text                                                                       \
			: "+D"(to), "+S"(from), "+c"(count)::"rax", "rbx", "rdx", "memory", "cc"); \
	}
REACH(load_byte, "movb (%%rdi), %%al")
REACH(load_quad, "movq (%%rdi), %%rax")
REACH(load_vector, "movups (%%rdi), %%xmm15")
REACH(store_byte, "movb $0, (%%rdi)")
REACH(store_vector, "movups %%xmm15, (%%rdi)")
REACH(store_past_cache, "movnti %%eax, (%%rdi)")
REACH(add, "lock addl $1, (%%rdi)")
REACH(exchange, "xchg %%rax, (%%rdi)")
REACH(compare, "lock cmpxchgq %%rax, (%%rdi)")
REACH(compare_16, "lock cmpxchg16b (%%rdi)")
REACH(set_bit, "lock btsl $0, (%%rdi)")
REACH(string_from, "cld; rep lodsb")
REACH(string_to, "cld; rep stosb")
REACH(string_move, "cld; rep movsb")
REACH(push, "pushq (%%rdi); popq %%rax")
REACH(save_fpu, "fxsave64 (%%rdi)")
REACH(load_fpu, "fxrstor64 (%%rdi)")
REACH(store_x87, "fstpl (%%rdi)")
REACH(load_status, "ldmxcsr (%%rdi)")
REACH(store_gdt, "sgdt (%%rdi)")
REACH(store_idt, "sidt (%%rdi)")
REACH(load_gdt, "lgdt (%%rdi)")
REACH(load_idt, "lidt (%%rdi)")
REACH(load_task, "ltr (%%rdi)")
REACH(load_local, "lldt (%%rdi)")
REACH(jump_through, "jmp *(%%rdi)")
REACH(far_jump_through, "ljmp *(%%rdi)")
REACH(port_in, "cld; movw $0x3fd, %%dx; insb")
REACH(port_out, "cld; movw $0x80, %%dx; outsb")
REACH(prefetch, "prefetcht0 (%%rdi)")
REACH(flush_page, "invlpg (%%rdi)")

#define ABROAD(what, function)                                                                     \
	{                                                                                          \
		what, function, HOLE, 0, FAULTS(VECTOR_GP)                                         \
	}
static const struct act reaches[] = {
	ABROAD("a_byte_is_loaded_from_abroad", reach_load_byte),
	ABROAD("8_bytes_are_loaded_from_abroad", reach_load_quad),
	ABROAD("16_bytes_are_loaded_from_abroad", reach_load_vector),
	ABROAD("a_byte_is_stored_abroad", reach_store_byte),
	ABROAD("16_bytes_are_stored_abroad", reach_store_vector),
	ABROAD("a_store_past_the_cache_goes_abroad", reach_store_past_cache),
	ABROAD("a_locked_addition_abroad", reach_add),
	ABROAD("an_exchange_abroad", reach_exchange),
	ABROAD("a_compare_and_exchange_abroad", reach_compare),
	ABROAD("a_16_byte_compare_and_exchange_abroad", reach_compare_16),
	ABROAD("a_bit_is_set_abroad", reach_set_bit),
	ABROAD("a_string_is_loaded_from_abroad", reach_string_from),
	ABROAD("a_string_is_stored_abroad", reach_string_to),
	ABROAD("a_string_is_moved_abroad", reach_string_move),
	ABROAD("a_push_from_abroad", reach_push),
	ABROAD("the_fpu_is_saved_abroad", reach_save_fpu),
	ABROAD("the_fpu_is_loaded_from_abroad", reach_load_fpu),
	ABROAD("an_x87_register_is_stored_abroad", reach_store_x87),
	ABROAD("the_sse_status_is_loaded_from_abroad", reach_load_status),
	ABROAD("the_gdt_register_is_stored_abroad", reach_store_gdt),
	ABROAD("the_idt_register_is_stored_abroad", reach_store_idt),
	ABROAD("the_gdt_register_is_loaded_from_abroad", reach_load_gdt),
	ABROAD("the_idt_register_is_loaded_from_abroad", reach_load_idt),
	ABROAD("the_task_register_is_loaded_from_abroad", reach_load_task),
	ABROAD("the_ldt_register_is_loaded_from_abroad", reach_load_local),
	ABROAD("a_jump_through_a_pointer_abroad", reach_jump_through),
	ABROAD("a_far_jump_through_a_pointer_abroad", reach_far_jump_through),
	ABROAD("a_granted_port_is_read_into_memory_abroad", reach_port_in),
	{ "an_ungranted_port_is_written_from_memory_abroad", reach_port_out, HOLE, 0, RETURNS(0) },
	{ "a_prefetch_from_abroad_loads_nothing", reach_prefetch, HOLE, 0, RETURNS(0) },
	{ "an_address_abroad_is_flushed_from_ones_own_tlb", reach_flush_page, HOLE, 0, RETURNS(0) },
};

void acts_addresses(void)
{
	try_high();
	try_reserved();
	act_perform_all(linear, COUNT_OF(linear));
	try_straddles();
	try_tables();
	act_perform_all(reaches, COUNT_OF(reaches));
}
