/* The audit's walk of IOMMU tables sees what devices reach, in both formats, and ends on any table. */
#include "unit.h"

#include <elf.h>

#include "audit.h"

#define BASE   0x400000ull
#define TABLES 8
#define RW     (AUDIT_READ | AUDIT_WRITE)

/* VT-d 3.3, 9.8; AMD I/O virtualization 3.05, 2.2.3. */
#define VTD         3ull
#define VTD_LARGE   0x83ull
#define AMDVI(next) (1ull | (uint64_t)(next) << 9 | 3ull << 61)
#define AMDVI_LEAF  (AMDVI(0) | 1ull << 60)

static _Alignas(4096) uint64_t tables[TABLES][512];
static struct audit_segment segment;
static struct audit audit;
static struct audit_map map;

static uint64_t at(unsigned table)
{
	return BASE + table * AUDIT_PAGE;
}

static void begin(unsigned kind, unsigned levels)
{
	static const struct mullion_system system;
	static const struct arch_system_tables arch = { .data_base = 0x600000,
		.data_end = 0x800000 };

	memset(tables, 0, sizeof(tables));
	segment = (struct audit_segment){ BASE, sizeof(tables), sizeof(tables),
		(const uint8_t *)tables, PF_R };
	audit = (struct audit){ .path = "image",
		.image = { .segments = &segment, .segments_count = 1 },
		.system = &system,
		.arch = &arch };
	audit.report.arena = &audit.arena;
	map = (struct audit_map){ .kind = AUDIT_DMA,
		.who = "devices of partition a",
		.root = at(0),
		.iommu_kind = kind,
		.levels = levels };
}

static void end(void)
{
	free(map.items);
	free(audit.tables);
	arena_free(&audit.arena);
	map.items = NULL;
	audit.tables = NULL;
}

static int tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

/* Tables in a row: root, then one for each level. */
static int vtd(void **state)
{
	(void)state;
	begin(X86_IOMMU_VTD, 4);
	tables[0][0] = at(1) | VTD;
	tables[1][0] = at(2) | VTD;
	tables[2][0] = at(3) | VTD;
	return 0;
}

static int amdvi(void **state)
{
	(void)state;
	begin(X86_IOMMU_AMDVI, 4);
	tables[0][0] = at(1) | AMDVI(3);
	tables[1][0] = at(2) | AMDVI(2);
	tables[2][0] = at(3) | AMDVI(1);
	return 0;
}

static size_t found(const char *rule)
{
	size_t count = 0, i;

	for (i = 0; i < audit.report.count; i++)
		count += !strcmp(audit.report.findings[i].rule, rule);
	return count;
}

static void assert_item(size_t i, uint64_t virtual, uint64_t physical, uint64_t bytes)
{
	assert_true(i < map.count);
	assert_int_equal(map.items[i].virtual, virtual);
	assert_int_equal(map.items[i].physical, physical);
	assert_int_equal(map.items[i].bytes, bytes);
	assert_int_equal(map.items[i].rights, RW);
}

static void assert_three_sizes(void)
{
	audit_dma_walk(&audit, &map);
	assert_int_equal(map.count, 3);
	assert_item(0, 0x9000, 0x12345000, 0x1000);
	assert_item(1, 0xe00000, 0x80200000, 0x200000);
	assert_item(2, 0xc0000000, 0x140000000, 0x40000000);
	assert_int_equal(audit.report.count, 0);
}

static void vtd_pages_of_every_size_are_found(void **state)
{
	(void)state;
	tables[1][3] = 0x140000000 | VTD_LARGE;
	tables[2][7] = 0x80200000 | VTD_LARGE;
	tables[3][9] = 0x12345000 | VTD;
	assert_three_sizes();
}

static void amdvi_pages_of_every_size_are_found(void **state)
{
	(void)state;
	tables[1][3] = 0x140000000 | AMDVI_LEAF;
	tables[2][7] = 0x80200000 | AMDVI_LEAF;
	tables[3][9] = 0x12345000 | AMDVI_LEAF;
	assert_three_sizes();
}

static void three_levels_begin_one_lower(void **state)
{
	(void)state;
	begin(X86_IOMMU_VTD, 3);
	tables[0][0] = at(1) | VTD;
	tables[1][0] = at(2) | VTD;
	tables[0][4] = 0x140000000 | VTD_LARGE;
	tables[2][9] = 0x12345000 | VTD;
	audit_dma_walk(&audit, &map);
	assert_int_equal(map.count, 2);
	assert_item(0, 0x9000, 0x12345000, 0x1000);
	assert_item(1, 0x100000000, 0x140000000, 0x40000000);
}

static void a_vtd_right_is_what_all_levels_allow(void **state)
{
	(void)state;
	tables[3][0] = 0x5000 | VTD;
	tables[1][0] &= ~2ull;
	audit_dma_walk(&audit, &map);
	assert_int_equal(map.items[0].rights, AUDIT_READ);
	assert_int_equal(found("entry-rights"), 1);
}

static void an_amdvi_right_is_what_all_levels_allow(void **state)
{
	(void)state;
	tables[3][0] = 0x5000 | AMDVI_LEAF;
	tables[1][0] &= ~(1ull << 61);
	audit_dma_walk(&audit, &map);
	assert_int_equal(map.items[0].rights, AUDIT_WRITE);
	assert_int_equal(found("entry-rights"), 1);
}

/* Whatever bit of a good leaf is flipped, somebody says so, or the mapping is another. */
static void assert_no_bit_unseen(int (*set_up)(void **), uint64_t leaf)
{
	unsigned bit;

	for (bit = 0; bit < 64; bit++) {
		end();
		set_up(NULL);
		tables[3][5] = leaf ^ 1ull << bit;
		audit_dma_walk(&audit, &map);
		if (!audit.report.count && map.count == 1 && map.items[0].physical == 0x7000 &&
			map.items[0].rights == RW)
			fail_msg("bit %u", bit);
	}
}

static void no_bit_of_a_leaf_can_change_unseen(void **state)
{
	(void)state;
	assert_no_bit_unseen(vtd, 0x7000 | VTD);
	assert_no_bit_unseen(amdvi, 0x7000 | AMDVI_LEAF);
}

static void assert_ends(uint64_t (*entry)(unsigned))
{
	unsigned i;

	for (i = 0; i < 512; i++)
		tables[2][i] = entry(i % 4);
	audit_dma_walk(&audit, &map);
	assert_int_equal(audit.tables_count, 4);
	assert_true(found("table-twice"));
}

static uint64_t vtd_loop(unsigned table)
{
	return at(table) | VTD;
}

static uint64_t amdvi_loop(unsigned table)
{
	return at(table) | AMDVI(1);
}

static void a_vtd_table_that_contains_itself_ends_the_walk(void **state)
{
	(void)state;
	assert_ends(vtd_loop);
}

static void an_amdvi_table_that_contains_itself_ends_the_walk(void **state)
{
	(void)state;
	assert_ends(amdvi_loop);
}

static void a_skipped_level_is_not_followed(void **state)
{
	(void)state;
	tables[1][0] = at(2) | AMDVI(1);
	tables[3][0] = 0x5000 | AMDVI_LEAF;
	audit_dma_walk(&audit, &map);
	assert_int_equal(map.count, 0);
	assert_int_equal(found("entry-reserved"), 1);
}

static void what_is_not_present_is_zero(void **state)
{
	(void)state;
	tables[3][0] = 0x5000;
	audit_dma_walk(&audit, &map);
	assert_int_equal(map.count, 0);
	assert_int_equal(found("entry-absent"), 1);
}

static void a_table_outside_constant_data_is_not_read(void **state)
{
	(void)state;
	tables[1][0] = 0x800000 | VTD;
	audit_dma_walk(&audit, &map);
	assert_int_equal(found("constant-data"), 1);
	assert_int_equal(map.count, 0);
}

static void questions_are_answered_by_the_tables(void **state)
{
	(void)state;
	tables[3][9] = 0x12345000 | AMDVI_LEAF;
	tables[2][7] = 0x80200000 | AMDVI_LEAF;
	audit_dma_walk(&audit, &map);
	assert_int_equal(audit_dma_entry(&audit, &map, 0x9123), at(3) + 8 * 9);
	assert_int_equal(audit_dma_entry(&audit, &map, 0xe12345), at(2) + 8 * 7);
	assert_int_equal(audit_dma_entry(&audit, &map, 0x8000000000), at(0) + 8);
}

static void any_tables_end_the_walk(void **state)
{
	uint64_t random = 7;
	unsigned round, i;

	(void)state;
	for (round = 0; round < 400; round++) {
		end();
		begin(round % 2 ? X86_IOMMU_VTD : X86_IOMMU_AMDVI, 3 + round / 2 % 2);
		for (i = 0; i < 300; i++)
			tables[unit_random(&random) % TABLES][unit_random(&random) % 512] =
				unit_random(&random) % 4 ? at(unit_random(&random) % (TABLES + 1)) |
								   unit_random(&random) % 0x1000
							 : unit_random(&random);
		audit_dma_walk(&audit, &map);
		assert_true(audit.tables_count <= TABLES + 300);
	}
}

#define TEST(kind, name) cmocka_unit_test_setup_teardown(name, kind, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vtd, vtd_pages_of_every_size_are_found),
		TEST(amdvi, amdvi_pages_of_every_size_are_found),
		TEST(vtd, three_levels_begin_one_lower),
		TEST(vtd, a_vtd_right_is_what_all_levels_allow),
		TEST(amdvi, an_amdvi_right_is_what_all_levels_allow),
		TEST(vtd, no_bit_of_a_leaf_can_change_unseen),
		TEST(vtd, a_vtd_table_that_contains_itself_ends_the_walk),
		TEST(amdvi, an_amdvi_table_that_contains_itself_ends_the_walk),
		TEST(amdvi, a_skipped_level_is_not_followed),
		TEST(vtd, what_is_not_present_is_zero),
		TEST(vtd, a_table_outside_constant_data_is_not_read),
		TEST(amdvi, questions_are_answered_by_the_tables),
		TEST(vtd, any_tables_end_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
