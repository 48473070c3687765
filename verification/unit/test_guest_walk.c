/*
 * Reading a partition's code: the walk through its page tables, where its memory ends, and what
 * makes the kernel forget an instruction it had decoded.
 *
 * The partition's memory is unreadable but while its map is loaded, and read-only then: a read at
 * any other time, and any write, ends the test.
 */
#include "unit.h"

#include <sys/mman.h>

#include <arch_internal.h>

#define PAGE       4096ull
#define LOW_BYTES  0x400000ull
#define HIGH_BYTES (4 * PAGE)

/* Guest-physical addresses: four tables, two pages of code. */
#define PML4   0x1000ull
#define PDPT   0x2000ull
#define PD     0x3000ull
#define PT     0x4000ull
#define CODE   0x8000ull
#define BEYOND 0x6000ull /* may follow CODE in linear addresses; in memory it does not */

#define INDEX(level)          (3ull + (level)) /* of the walk's entry: another in each table */
#define LINEAR                (INDEX(0) << 39 | INDEX(1) << 30 | INDEX(2) << 21 | INDEX(3) << 12)
#define LINEAR_OF(gpa_offset) (LINEAR + (gpa_offset))

#define CS_LONG 0x200u
#define CS_BIG  0x400u

uint64_t fake_peek;
uint32_t node_state;

static const uint64_t kernel_map[1], peek_map[1];
static const uint64_t *loaded = kernel_map;
static unsigned loads;
static struct arch_vcpu_tables tables = { .peek = peek_map };
static const struct mullion_vcpu config = { .arch = &tables };
static const struct arch_system_tables arch_tables = { .pml4 = kernel_map };
const struct mullion_system mullion_system = { .arch = &arch_tables };
static struct vcpu vcpu;
static struct vmcb *const vmcb = &vcpu.arch.vmcb;

/* mov %eax, 0xb0(%rdi) and mov $0x11223344, 0x80(%rdi) */
static const uint8_t store[] = { 0x89, 0x87, 0xb0, 0, 0, 0 };
static const uint8_t store_immediate[] = { 0xc7, 0x87, 0x80, 0, 0, 0, 0x44, 0x33, 0x22, 0x11 };

static uint8_t *memory(uint64_t gpa)
{
	return (uint8_t *)fake_peek + gpa;
}

static void protect(int protection)
{
	assert_int_equal(mprotect(memory(0), LOW_BYTES, protection), 0);
	assert_int_equal(mprotect(memory(MULLION_HOLE_END), HIGH_BYTES, protection), 0);
}

void write_cr3(const uint64_t *pml4)
{
	assert_true(pml4 == (loaded == kernel_map ? peek_map : kernel_map));
	loaded = pml4;
	loads++;
	protect(loaded == peek_map ? PROT_READ : PROT_NONE);
}

/* What the partition does between two exits. */
static void put(uint64_t gpa, const void *bytes, size_t count)
{
	protect(PROT_READ | PROT_WRITE);
	memcpy(memory(gpa), bytes, count);
	protect(PROT_NONE);
}

static void put_entry(uint64_t table, uint64_t index, uint64_t value)
{
	put(table + index * 8, &value, sizeof(value));
}

static void map(uint64_t leaf)
{
	put_entry(PML4, INDEX(0), PDPT | X86_PTE_PRESENT);
	put_entry(PDPT, INDEX(1), PD | X86_PTE_PRESENT | X86_PTE_WRITE);
	put_entry(PD, INDEX(2), PT | X86_PTE_PRESENT | X86_PTE_USER);
	put_entry(PT, INDEX(3), leaf);
}

static void fill_with_pattern(void)
{
	protect(PROT_READ | PROT_WRITE);
	memset(memory(0), 0, LOW_BYTES);
	for (uint64_t i = CODE; i < LOW_BYTES; i++)
		*memory(i) = (uint8_t)(i * 7 + (i >> 8) * 31 + 1);
	for (uint64_t i = MULLION_HOLE_END; i < MULLION_HOLE_END + HIGH_BYTES; i++)
		*memory(i) = (uint8_t)(i * 5 + (i >> 8) * 3);
	protect(PROT_NONE);
}

static int begin(void **state)
{
	(void)state;
	fill_with_pattern();
	tables.memory_bytes = LOW_BYTES;
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.config = &config;
	vmcb->efer = EFER_LMA | EFER_LME | EFER_SVME;
	vmcb->cr0 = CR0_PE | CR0_PG;
	vmcb->cr3 = PML4;
	vmcb->cs.attributes = CS_LONG;
	vmcb->rip = LINEAR;
	map(CODE | X86_PTE_PRESENT);
	loads = 0;
	return 0;
}

static unsigned fetch(uint64_t offset, uint8_t code[FETCH_BYTES])
{
	unsigned bytes;

	memset(code, 0xee, FETCH_BYTES);
	bytes = guest_fetch(&vcpu, offset, code);
	assert_ptr_equal(loaded, kernel_map);
	return bytes;
}

/* The code at `offset` is what lies at `gpa`. */
static void check_at(uint64_t offset, uint64_t gpa)
{
	uint8_t code[FETCH_BYTES];

	assert_int_equal(fetch(offset, code), FETCH_BYTES);
	protect(PROT_READ);
	assert_memory_equal(code, memory(gpa), FETCH_BYTES);
	protect(PROT_NONE);
}

static void check_nothing_at(uint64_t offset)
{
	static const uint8_t zeros[FETCH_BYTES];
	uint8_t code[FETCH_BYTES];

	assert_int_equal(fetch(offset, code), 0);
	assert_memory_equal(code, zeros, FETCH_BYTES);
}

static void an_address_is_found_through_four_levels_of_tables(void **state)
{
	(void)state;
	check_at(LINEAR, CODE);
	check_at(LINEAR_OF(0x123), CODE + 0x123);
	check_at(LINEAR_OF(PAGE - FETCH_BYTES), CODE + PAGE - FETCH_BYTES);
}

static void bits_that_are_not_an_address_do_not_lead_elsewhere(void **state)
{
	(void)state;
	vmcb->cr3 = PML4 | X86_PTE_PCD | X86_PTE_PWT;
	map(CODE | 0xfff0000000000fffull);
	put_entry(PML4, INDEX(0), PDPT | 0xfff0000000000f7full);
	check_at(LINEAR, CODE);
}

static void a_page_of_2_mib_is_found(void **state)
{
	(void)state;
	put_entry(PD, INDEX(2), 0x200000 | X86_PTE_PRESENT | X86_PTE_LARGE);
	check_at(LINEAR, 0x200000 + (INDEX(3) << 12));
	check_at(LINEAR_OF(0xff0), 0x200000 + (INDEX(3) << 12) + 0xff0);
}

/* Its entry's bit 12 is an attribute, not part of the address. */
static void the_attribute_bit_of_a_large_page_is_no_address(void **state)
{
	(void)state;
	put_entry(PD, INDEX(2), 0x201000 | X86_PTE_PRESENT | X86_PTE_LARGE);
	check_at(LINEAR, 0x200000 + (INDEX(3) << 12));
}

static void a_page_of_1_gib_is_found_and_ends_where_memory_does(void **state)
{
	uint64_t base = LINEAR & ~((1ull << 30) - 1);

	(void)state;
	put_entry(PDPT, INDEX(1), X86_PTE_PRESENT | X86_PTE_LARGE);
	check_at(base + 0x9876, 0x9876);
	check_at(base + LOW_BYTES - PAGE, LOW_BYTES - PAGE);
	check_nothing_at(base + LOW_BYTES);
	check_nothing_at(base + (1ull << 30) - PAGE);
}

static void a_missing_entry_at_any_level_is_no_memory(void **state)
{
	static const uint64_t at[] = { PML4, PDPT, PD, PT };
	static const uint64_t next[] = { PDPT, PD, PT, CODE };

	(void)state;
	for (unsigned level = 0; level < 4; level++) {
		begin(NULL);
		put_entry(at[level], INDEX(level), next[level]);
		check_nothing_at(LINEAR);
	}
}

static void a_table_or_page_outside_memory_is_never_read(void **state)
{
	static const uint64_t at[] = { PML4, PDPT, PD, PT };
	static const uint64_t outside[] = { LOW_BYTES, MULLION_HOLE_BASE, MULLION_HOLE_END - PAGE,
		MULLION_HOLE_END, 0xffffffffff000ull };

	(void)state;
	for (unsigned o = 0; o < sizeof(outside) / sizeof(*outside); o++) {
		for (unsigned level = 0; level < 4; level++) {
			begin(NULL);
			put_entry(at[level], INDEX(level), outside[o] | X86_PTE_PRESENT);
			check_nothing_at(LINEAR);
		}
		begin(NULL);
		vmcb->cr3 = outside[o];
		check_nothing_at(LINEAR);
	}
}

static void map_high(uint64_t gpa)
{
	map(gpa | X86_PTE_PRESENT);
}

static void memory_goes_on_beyond_the_hole_by_what_did_not_fit_below(void **state)
{
	(void)state;
	tables.memory_bytes = MULLION_HOLE_BASE + 2 * PAGE;
	map_high(MULLION_HOLE_END);
	check_at(LINEAR, MULLION_HOLE_END);
	map_high(MULLION_HOLE_END + PAGE);
	check_at(LINEAR_OF(8), MULLION_HOLE_END + PAGE + 8);
	map_high(MULLION_HOLE_END + 2 * PAGE);
	check_nothing_at(LINEAR);
	map_high(MULLION_HOLE_BASE);
	check_nothing_at(LINEAR);
	map_high(MULLION_HOLE_END - PAGE);
	check_nothing_at(LINEAR);
}

static void memory_that_ends_at_the_hole_has_nothing_beyond_it(void **state)
{
	(void)state;
	tables.memory_bytes = MULLION_HOLE_BASE;
	map_high(MULLION_HOLE_END);
	check_nothing_at(LINEAR);
	tables.memory_bytes = MULLION_HOLE_BASE - PAGE;
	check_nothing_at(LINEAR);
}

static void code_that_goes_on_in_another_page_is_found_there(void **state)
{
	uint8_t code[FETCH_BYTES];

	(void)state;
	put_entry(PT, INDEX(3) + 1, BEYOND | X86_PTE_PRESENT);
	put(BEYOND, "behind the page's end", 16);
	for (unsigned first = 1; first < FETCH_BYTES; first++) {
		assert_int_equal(fetch(LINEAR_OF(PAGE - first), code), FETCH_BYTES);
		protect(PROT_READ);
		assert_memory_equal(code, memory(CODE + PAGE - first), first);
		assert_memory_equal(code + first, memory(BEYOND), FETCH_BYTES - first);
		protect(PROT_NONE);
	}
}

static void code_whose_next_page_is_missing_ends_with_its_own(void **state)
{
	static const uint8_t zeros[FETCH_BYTES];
	uint8_t code[FETCH_BYTES];

	(void)state;
	for (unsigned first = 1; first < FETCH_BYTES; first++) {
		assert_int_equal(fetch(LINEAR_OF(PAGE - first), code), first);
		assert_memory_equal(code + first, zeros, FETCH_BYTES - first);
	}
}

static void leave_long_mode(uint16_t attributes)
{
	vmcb->efer = EFER_SVME;
	vmcb->cr0 = CR0_PE;
	vmcb->cs.attributes = attributes;
}

static void only_64_bit_code_ignores_its_segments_base(void **state)
{
	(void)state;
	vmcb->cs.base = 0x100;
	check_at(LINEAR, CODE);
	vmcb->cs.attributes = CS_BIG;
	check_at(LINEAR, CODE + 0x100);
	leave_long_mode(CS_BIG);
	check_at(0x9000, 0x9100);
	leave_long_mode(CS_LONG | CS_BIG); /* outside long mode the bit means nothing */
	check_at(0x9000, 0x9100);
}

static void without_paging_an_address_is_physical_and_ends_with_memory(void **state)
{
	(void)state;
	leave_long_mode(CS_BIG);
	check_at(LOW_BYTES - PAGE, LOW_BYTES - PAGE);
	check_nothing_at(LOW_BYTES);
	check_nothing_at(UINT32_MAX);
}

static void paging_outside_long_mode_is_not_looked_into(void **state)
{
	(void)state;
	leave_long_mode(CS_BIG);
	vmcb->cr0 |= CR0_PG;
	check_nothing_at(0x9000);
}

static void the_codes_width_is_what_mode_and_segment_say(void **state)
{
	(void)state;
	assert_int_equal(guest_code_size(vmcb), CODE_64);
	vmcb->cs.attributes = CS_BIG;
	assert_int_equal(guest_code_size(vmcb), CODE_32);
	vmcb->cs.attributes = 0;
	assert_int_equal(guest_code_size(vmcb), CODE_16);
	leave_long_mode(CS_LONG | CS_BIG);
	assert_int_equal(guest_code_size(vmcb), CODE_32);
	leave_long_mode(CS_LONG);
	assert_int_equal(guest_code_size(vmcb), CODE_16);
}

static const struct decoded_mov *mov(void)
{
	const struct decoded_mov *found = guest_mov(&vcpu);

	assert_ptr_equal(loaded, kernel_map);
	return found;
}

/* Whether the next look at RIP finds what is remembered: a mark in the memory then survives. */
static bool is_remembered(void)
{
	struct decoded_mov *remembered = &vcpu.arch.sites[code_site_index(vmcb->rip)].mov;

	remembered->value = 0xdead;
	return mov()->value == 0xdead;
}

static void a_mov_is_found_and_decoded(void **state)
{
	(void)state;
	put(CODE, store, sizeof(store));
	assert_int_equal(mov()->length, sizeof(store));
	assert_true(mov()->write);
	assert_false(mov()->immediate);
	assert_int_equal(mov()->reg, RAX);
	put(CODE, store_immediate, sizeof(store_immediate));
	assert_int_equal(mov()->length, sizeof(store_immediate));
	assert_int_equal(mov()->value, 0x11223344);
}

static void an_instruction_that_stays_is_decoded_once(void **state)
{
	(void)state;
	put(CODE, store, sizeof(store));
	mov();
	for (unsigned i = 0; i < 3; i++)
		assert_true(is_remembered());
	assert_int_equal(loads, 8);
}

static void any_changed_byte_of_the_code_is_noticed(void **state)
{
	(void)state;
	put(CODE, store, sizeof(store));
	for (unsigned i = 0; i < FETCH_BYTES; i++) {
		mov();
		put(CODE + i, &(uint8_t){ (uint8_t)(0x55 + i) }, 1);
		assert_false(is_remembered());
		assert_true(is_remembered());
	}
	assert_int_equal(mov()->length, 0);
}

static void a_changed_table_entry_at_any_level_is_noticed(void **state)
{
	static const uint64_t at[] = { PML4, PDPT, PD, PT };
	static const uint64_t next[] = { PDPT, PD, PT, CODE };

	(void)state;
	put(CODE, store, sizeof(store));
	for (unsigned level = 0; level < 4; level++) {
		mov();
		put_entry(at[level], INDEX(level), next[level] | X86_PTE_PRESENT | X86_PTE_DIRTY);
		assert_false(is_remembered());
		assert_true(is_remembered());
	}
}

static void code_that_moves_to_another_page_is_found_there(void **state)
{
	(void)state;
	put(CODE, store, sizeof(store));
	assert_int_equal(mov()->length, sizeof(store));
	put(CODE + PAGE, store_immediate, sizeof(store_immediate));
	put_entry(PT, INDEX(3), (CODE + PAGE) | X86_PTE_PRESENT);
	assert_int_equal(mov()->length, sizeof(store_immediate));
	put_entry(PT, INDEX(3), 0);
	assert_int_equal(mov()->length, 0);
}

/* Everything else the finding depended on, one at a time. */
static void a_changed_mode_map_or_segment_is_noticed(void **state)
{
	uint64_t *const words[] = { &vmcb->cr3, &vmcb->efer, &vmcb->cs.base };
	static const uint64_t changes[] = { X86_PTE_PCD, EFER_SCE, 0x1000 };

	(void)state;
	put(CODE, store, sizeof(store));
	mov();
	for (unsigned w = 0; w < 3; w++) {
		*words[w] ^= changes[w];
		assert_false(is_remembered());
		assert_true(is_remembered());
	}
	vmcb->cs.attributes ^= CS_BIG;
	assert_false(is_remembered());
	assert_true(is_remembered());
	vmcb->cr0 ^= CR0_PG;
	assert_false(is_remembered());
}

static void a_bit_of_cr0_that_moves_no_code_changes_nothing(void **state)
{
	(void)state;
	put(CODE, store, sizeof(store));
	mov();
	vmcb->cr0 ^= CR0_MP;
	assert_true(is_remembered());
}

/* The two share a place in the memory: the later takes it. */
static void two_instructions_in_one_place_are_never_confused(void **state)
{
	uint64_t other = LINEAR + FETCH_BYTES;

	(void)state;
	while (code_site_index(other) != code_site_index(LINEAR))
		other += FETCH_BYTES;
	assert_true(other < LINEAR_OF(PAGE - FETCH_BYTES));
	put(CODE, store, sizeof(store));
	put(CODE + (other - LINEAR), store_immediate, sizeof(store_immediate));
	for (unsigned i = 0; i < 3; i++) {
		vmcb->rip = LINEAR;
		assert_int_equal(mov()->length, sizeof(store));
		vmcb->rip = other;
		assert_int_equal(mov()->length, sizeof(store_immediate));
	}
}

/* Its second half moves while the first, and all that lies behind that in memory, stays. */
static void an_instruction_that_may_cross_a_page_is_decoded_every_time(void **state)
{
	(void)state;
	put_entry(PT, INDEX(3) + 1, (CODE + PAGE) | X86_PTE_PRESENT);
	put(CODE + PAGE - 4, store, sizeof(store));
	vmcb->rip = LINEAR_OF(PAGE - 4);
	assert_int_equal(mov()->length, sizeof(store));
	assert_false(is_remembered());
	put_entry(PT, INDEX(3) + 1, 0);
	assert_int_equal(mov()->length, 0);
	put_entry(PT, INDEX(3) + 1, BEYOND | X86_PTE_PRESENT);
	put(BEYOND, store + 4, sizeof(store) - 4);
	assert_int_equal(mov()->length, sizeof(store));
}

static void the_last_instruction_that_cannot_cross_is_remembered(void **state)
{
	(void)state;
	vmcb->rip = LINEAR_OF(PAGE - FETCH_BYTES);
	mov();
	assert_true(is_remembered());
	vmcb->rip++;
	mov();
	assert_false(is_remembered());
}

static void code_that_is_not_there_is_nothing_and_looked_for_again(void **state)
{
	(void)state;
	put_entry(PT, INDEX(3), 0);
	assert_int_equal(mov()->length, 0);
	assert_false(is_remembered());
	map(CODE | X86_PTE_PRESENT);
	put(CODE, store, sizeof(store));
	assert_int_equal(mov()->length, sizeof(store));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_is_found_through_four_levels_of_tables),
		TEST(bits_that_are_not_an_address_do_not_lead_elsewhere),
		TEST(a_page_of_2_mib_is_found),
		TEST(the_attribute_bit_of_a_large_page_is_no_address),
		TEST(a_page_of_1_gib_is_found_and_ends_where_memory_does),
		TEST(a_missing_entry_at_any_level_is_no_memory),
		TEST(a_table_or_page_outside_memory_is_never_read),
		TEST(memory_goes_on_beyond_the_hole_by_what_did_not_fit_below),
		TEST(memory_that_ends_at_the_hole_has_nothing_beyond_it),
		TEST(code_that_goes_on_in_another_page_is_found_there),
		TEST(code_whose_next_page_is_missing_ends_with_its_own),
		TEST(only_64_bit_code_ignores_its_segments_base),
		TEST(without_paging_an_address_is_physical_and_ends_with_memory),
		TEST(paging_outside_long_mode_is_not_looked_into),
		TEST(the_codes_width_is_what_mode_and_segment_say),
		TEST(a_mov_is_found_and_decoded),
		TEST(an_instruction_that_stays_is_decoded_once),
		TEST(any_changed_byte_of_the_code_is_noticed),
		TEST(a_changed_table_entry_at_any_level_is_noticed),
		TEST(code_that_moves_to_another_page_is_found_there),
		TEST(a_changed_mode_map_or_segment_is_noticed),
		TEST(a_bit_of_cr0_that_moves_no_code_changes_nothing),
		TEST(two_instructions_in_one_place_are_never_confused),
		TEST(an_instruction_that_may_cross_a_page_is_decoded_every_time),
		TEST(the_last_instruction_that_cannot_cross_is_remembered),
		TEST(code_that_is_not_there_is_nothing_and_looked_for_again),
	};
	void *window = mmap(NULL, MULLION_HOLE_END + HIGH_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (window == MAP_FAILED)
		return 1;
	fake_peek = (uint64_t)(uintptr_t)window;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("guest walk", tests, NULL, NULL);
}
