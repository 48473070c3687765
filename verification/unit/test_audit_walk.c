/* The audit's walk sees each mapping with its true rights, ends on any table, and sees odd bits. */
#include "unit.h"

#include <elf.h>

#include "audit.h"

#define BASE   0x400000ull
#define TABLES 8
#define TABLE  (X86_PTE_PRESENT | X86_PTE_WRITE | X86_PTE_USER | X86_PTE_ACCESSED)
#define MEMORY (TABLE | X86_PTE_DIRTY)
#define LARGE  (MEMORY | X86_PTE_LARGE)
#define RWX    (AUDIT_READ | AUDIT_WRITE | AUDIT_EXECUTE)

static _Alignas(4096) uint64_t tables[TABLES][512];
static struct audit_segment segment;
static struct audit audit;
static struct audit_map map;

static uint64_t at(unsigned table)
{
	return BASE + table * AUDIT_PAGE;
}

/* Four tables in a row: root, then one for each level. */
static int set_up(void **state)
{
	static const struct mullion_system system;
	static const struct arch_system_tables arch = { .data_base = 0x600000,
		.data_end = 0x800000 };

	(void)state;
	memset(tables, 0, sizeof(tables));
	segment = (struct audit_segment){ BASE, sizeof(tables), sizeof(tables),
		(const uint8_t *)tables, PF_R };
	audit = (struct audit){ .path = "image",
		.image = { .segments = &segment, .segments_count = 1 },
		.system = &system,
		.arch = &arch };
	audit.report.arena = &audit.arena;
	map = (struct audit_map){ .kind = AUDIT_STAGE2, .who = "partition a", .root = at(0) };
	tables[0][0] = at(1) | TABLE;
	tables[1][0] = at(2) | TABLE;
	tables[2][0] = at(3) | TABLE;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(map.items);
	free(audit.tables);
	arena_free(&audit.arena);
	return 0;
}

static size_t found(const char *rule)
{
	size_t count = 0, i;

	for (i = 0; i < audit.report.count; i++)
		count += !strcmp(audit.report.findings[i].rule, rule);
	return count;
}

static void assert_item(
	size_t i, uint64_t virtual, uint64_t physical, uint64_t bytes, unsigned rights)
{
	assert_true(i < map.count);
	assert_int_equal(map.items[i].virtual, virtual);
	assert_int_equal(map.items[i].physical, physical);
	assert_int_equal(map.items[i].bytes, bytes);
	assert_int_equal(map.items[i].rights, rights);
}

static void pages_of_every_size_are_found(void **state)
{
	(void)state;
	tables[1][3] = 0x140000000 | LARGE;
	tables[2][7] = 0x80200000 | LARGE;
	tables[3][9] = 0x12345000 | MEMORY;
	audit_walk(&audit, &map, NULL);
	assert_int_equal(map.count, 3);
	assert_item(0, 0x9000, 0x12345000, 0x1000, RWX);
	assert_item(1, 0xe00000, 0x80200000, 0x200000, RWX);
	assert_item(2, 0xc0000000, 0x140000000, 0x40000000, RWX);
	assert_int_equal(audit.tables_count, 4);
	assert_int_equal(audit.report.count, 0);
}

static void consecutive_pages_with_the_same_rights_are_one(void **state)
{
	(void)state;
	tables[3][510] = 0x7fe000 | MEMORY;
	tables[3][511] = 0x7ff000 | MEMORY;
	tables[2][1] = 0x800000 | LARGE;
	tables[2][2] = 0xa00000 | LARGE | X86_PTE_NX;
	audit_walk(&audit, &map, NULL);
	assert_int_equal(map.count, 2);
	assert_item(0, 0x1fe000, 0x7fe000, 0x202000, RWX);
	assert_item(1, 0x400000, 0xa00000, 0x200000, AUDIT_READ | AUDIT_WRITE);
}

static void a_right_is_what_all_levels_allow(void **state)
{
	(void)state;
	tables[3][0] = 0x5000 | MEMORY;
	tables[1][0] &= ~X86_PTE_WRITE;
	tables[2][0] |= X86_PTE_NX;
	audit_walk(&audit, &map, NULL);
	assert_item(0, 0, 0x5000, 0x1000, AUDIT_READ);
	assert_true(found("entry-rights"));
}

static void nothing_is_reached_without_the_user_bit(void **state)
{
	(void)state;
	tables[3][0] = 0x5000 | (MEMORY & ~X86_PTE_USER);
	tables[1][1] = at(4) | (TABLE & ~X86_PTE_USER);
	tables[4][0] = 0x40000000 | LARGE;
	audit_walk(&audit, &map, NULL);
	assert_int_equal(map.count, 0);
	assert_int_equal(found("entry-user"), 2);
}

static void kernel_addresses_are_canonical(void **state)
{
	(void)state;
	map.kind = AUDIT_KERNEL;
	tables[0][0] = 0;
	tables[0][511] = at(1) | (TABLE & ~X86_PTE_USER);
	tables[1][0] = 0;
	tables[1][511] = 0xc0000000 | (LARGE & ~X86_PTE_USER);
	audit_walk(&audit, &map, NULL);
	assert_item(0, 0xffffffffc0000000, 0xc0000000, 0x40000000, RWX);
	assert_int_equal(audit.report.count, 0);
}

static void a_table_that_contains_itself_ends_the_walk(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 512; i++)
		tables[2][i] = at(i % 4) | TABLE;
	audit_walk(&audit, &map, NULL);
	assert_int_equal(audit.tables_count, 4);
	assert_true(found("table-twice"));
}

static void a_table_outside_constant_data_is_not_read(void **state)
{
	(void)state;
	tables[1][0] = 0x800000 | TABLE;
	audit_walk(&audit, &map, NULL);
	assert_int_equal(found("constant-data"), 1);
	assert_int_equal(map.count, 0);
}

static void a_writable_table_is_not_believed(void **state)
{
	(void)state;
	segment.flags |= PF_W;
	tables[3][0] = 0x5000 | MEMORY;
	audit_walk(&audit, &map, NULL);
	assert_int_equal(found("constant-data"), 1);
	assert_int_equal(map.count, 0);
}

/* Whatever bit of a good leaf is flipped, somebody says so, or the mapping is another. */
static void no_bit_of_a_leaf_can_change_unseen(void **state)
{
	unsigned bit;

	for (bit = 0; bit < 64; bit++) {
		tear_down(state);
		set_up(state);
		tables[3][5] = (0x7000 | MEMORY) ^ 1ull << bit;
		audit_walk(&audit, &map, NULL);
		if (!audit.report.count && map.count == 1 && map.items[0].physical == 0x7000 &&
			map.items[0].rights == RWX)
			fail_msg("bit %u", bit);
	}
}

static void the_kernels_part_of_a_peek_map_is_its_own(void **state)
{
	const struct audit_map kernel = { .kind = AUDIT_KERNEL, .root = at(5) };

	(void)state;
	map.kind = AUDIT_PEEK;
	memset(tables, 0, sizeof(tables));
	tables[5][0] = tables[0][0] = at(6) | X86_PTE_PRESENT | X86_PTE_ACCESSED;
	audit_walk(&audit, &map, &kernel);
	assert_int_equal(audit.report.count, 0);
	assert_int_equal(audit.tables_count, 1);
	tables[0][0] |= X86_PTE_WRITE;
	audit.tables_count = 0;
	audit_walk(&audit, &map, &kernel);
	assert_int_equal(found("peek-kernel"), 1);
}

static void questions_are_answered_by_the_tables(void **state)
{
	(void)state;
	tables[3][9] = 0x12345000 | MEMORY;
	tables[2][7] = 0x80200000 | LARGE;
	audit_walk(&audit, &map, NULL);
	assert_int_equal(audit_physical(&map, 0x9123), 0x12345123);
	assert_int_equal(audit_physical(&map, 0xa000), AUDIT_NONE);
	assert_int_equal(audit_entry(&audit, at(0), 0x9123), at(3) + 8 * 9);
	assert_int_equal(audit_entry(&audit, at(0), 0xe12345), at(2) + 8 * 7);
	assert_int_equal(audit_entry(&audit, at(0), 0x8000000000), at(0) + 8);
	assert_true(audit_is_table(&audit, at(2)));
	assert_false(audit_is_table(&audit, at(7)));
}

/* ---- Comparing ---- */

static const struct audit_expected expected[] = {
	{ 0x1000, 0x3000, 0x11000, RWX, AUDIT_MEMORY, 0, "memory" },
	{ 0x5000, 0x1000, 0x15000, 0, 0, 0, "a guard" },
};

static void map_pages(unsigned first, unsigned count, uint64_t physical)
{
	unsigned i;

	for (i = 0; i < count; i++)
		tables[3][first + i] = (physical + i * AUDIT_PAGE) | MEMORY;
}

static size_t compare(void)
{
	audit_walk(&audit, &map, NULL);
	audit_match(&audit, &map, expected, 2, NULL);
	return audit.report.count;
}

static void what_is_expected_is_no_finding(void **state)
{
	(void)state;
	map_pages(1, 3, 0x11000);
	assert_int_equal(compare(), 0);
}

static void more_than_expected_is_found_at_either_side(void **state)
{
	(void)state;
	map_pages(0, 5, 0x10000);
	assert_int_equal(compare(), 2);
	assert_int_equal(found("stage2-surplus"), 2);
}

static void a_hole_in_the_middle_is_found(void **state)
{
	(void)state;
	map_pages(1, 3, 0x11000);
	tables[3][2] = 0;
	assert_int_equal(compare(), 1);
	assert_int_equal(found("stage2-missing"), 1);
}

static void nothing_mapped_at_all_is_found(void **state)
{
	(void)state;
	assert_int_equal(compare(), 1);
	assert_int_equal(found("stage2-missing"), 1);
}

static void another_frame_is_found(void **state)
{
	(void)state;
	map_pages(1, 3, 0x11000);
	map_pages(2, 1, 0x99000);
	assert_int_equal(compare(), 1);
	assert_int_equal(found("stage2-frame"), 1);
}

static void a_guard_that_is_present_is_found(void **state)
{
	(void)state;
	map_pages(1, 3, 0x11000);
	map_pages(5, 1, 0x15000);
	assert_int_equal(compare(), 1);
	assert_int_equal(found("guard-page"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_of_every_size_are_found),
		TEST(consecutive_pages_with_the_same_rights_are_one),
		TEST(a_right_is_what_all_levels_allow),
		TEST(nothing_is_reached_without_the_user_bit),
		TEST(kernel_addresses_are_canonical),
		TEST(a_table_that_contains_itself_ends_the_walk),
		TEST(a_table_outside_constant_data_is_not_read),
		TEST(a_writable_table_is_not_believed),
		TEST(no_bit_of_a_leaf_can_change_unseen),
		TEST(the_kernels_part_of_a_peek_map_is_its_own),
		TEST(questions_are_answered_by_the_tables),
		TEST(what_is_expected_is_no_finding),
		TEST(more_than_expected_is_found_at_either_side),
		TEST(a_hole_in_the_middle_is_found),
		TEST(nothing_mapped_at_all_is_found),
		TEST(another_frame_is_found),
		TEST(a_guard_that_is_present_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
