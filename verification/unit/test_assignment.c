/* PCI functions are ordered, their registers placed and mapped, and MSI-X tables kept from all. */
#include "unit.h"

#include "assignment.h"
#include "maps.h"
#include "sample_devices.h"
#include "sample_model.h"
#include "walk.h"

#define MiB      (1ull << 20)
#define UNCACHED (X86_PTE_PCD | X86_PTE_PWT)

struct built {
	struct model *model;
	struct layout layout;
	struct maps maps;
};

static struct model *with_devices(int kind)
{
	struct model *model = sample_model();

	sample_devices(model, kind);
	return model;
}

static void build(struct built *built, struct model *model)
{
	struct finding wrong;

	*built = (struct built){ .model = model };
	assert_true(layout_build(model, NULL, &built->layout, &wrong));
	assert_true(maps_build(&built->layout, &built->maps));
}

static void release(struct built *built)
{
	maps_free(&built->maps);
	layout_free(&built->layout);
	sample_model_free(built->model);
}

static void functions_of_one_owner_are_neighbours_and_the_others_come_last(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	static const int order[] = { SAMPLE_NET0, SAMPLE_NVME, SAMPLE_EDU, SAMPLE_NET1 };
	struct built built;
	size_t f;

	(void)state;
	model->functions[SAMPLE_EDU].owner = 3;
	model->functions[SAMPLE_NET0].owner = 0;
	build(&built, model);
	assert_int_equal(built.layout.functions_count, SAMPLE_FUNCTIONS);
	for (f = 0; f < SAMPLE_FUNCTIONS; f++)
		assert_int_equal(built.layout.functions[f].number, order[f]);
	assert_int_equal(built.layout.partitions[1].first_function, 1);
	assert_int_equal(built.layout.partitions[1].functions, 1);
	assert_int_equal(built.layout.partitions[2].functions, 0);
	assert_int_equal(built.layout.partitions[3].first_function, 2);
	release(&built);
}

static void bars_lie_aligned_in_their_window_the_largest_first(void **state)
{
	struct built built;

	(void)state;
	build(&built, with_devices(X86_IOMMU_VTD));
	assert_int_equal(built.layout.functions[0].gpas[0], 0xf0000000); /* edu, 1 MiB */
	assert_int_equal(built.layout.functions[1].gpas[0], 0xf0100000); /* nvme, 16 KiB */
	assert_int_equal(built.layout.functions[2].gpas[4], 0xf0000000); /* another partition */
	assert_int_equal(built.layout.functions[2].gpas[1], 0xf0004000);
	assert_int_equal(built.layout.functions[2].gpas[0], 0);
	assert_int_equal(built.layout.functions[3].gpas[1], 0); /* nobody's */
	release(&built);
}

static void bars_that_do_not_fit_are_refused(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct model_bar bars[] = { { .index = 0, .reg = { 1ull << 32, 128 * MiB } },
		{ .index = 2, .reg = { 2ull << 32, 64 * MiB } } };
	struct finding wrong = { 0 };
	struct layout layout;

	(void)state;
	model->functions[SAMPLE_NVME].bars = bars;
	model->functions[SAMPLE_NVME].bars_count = 2;
	assert_false(layout_build(model, NULL, &layout, &wrong)); /* edu's 1 MiB is left over */
	assert_string_equal(wrong.rule, "bar-window");
	assert_non_null(strstr(wrong.sentence, "edu@20"));
	layout_free(&layout);
	model->functions[SAMPLE_EDU].bars_count = 0;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_int_equal(layout.functions[1].gpas[0], 0xf0000000);
	assert_int_equal(layout.functions[1].gpas[2], 0xf8000000);
	layout_free(&layout);
	sample_model_free(model);
}

static void an_owner_reaches_its_registers_uncached_and_never_an_msix_table(void **state)
{
	struct built built;
	uint64_t offset;
	struct walk found;

	(void)state;
	build(&built, with_devices(X86_IOMMU_VTD));
	for (offset = 0; offset < MiB; offset += PAGING_4K) {
		found = walk(&built.maps.stage2[1], 0xf0000000 + offset);
		assert_true(found.present && found.writable && found.user && !found.executable);
		assert_int_equal(found.address, 0xe0000000 + offset);
		assert_int_equal(found.flags & UNCACHED, UNCACHED);
	}
	for (offset = 0; offset < 0x4000; offset += PAGING_4K) {
		found = walk(&built.maps.stage2[1], 0xf0100000 + offset);
		assert_int_equal(found.present, offset != 0x2000);
		if (found.present)
			assert_int_equal(found.address, 0xe0100000 + offset);
	}
	assert_false(walk(&built.maps.stage2[1], 0xf0104000).present);
	assert_false(walk(&built.maps.stage2[2], 0xf0004000).present); /* no message granted */
	assert_int_equal(walk(&built.maps.stage2[2], 0xf0003fff).address, 0xe0207fff);
	assert_false(walk(&built.maps.stage2[0], 0xf0000000).present);
	assert_int_equal(built.layout.functions[1].table.base, 0xe0102000);
	assert_int_equal(built.layout.functions[1].table.bytes, 0x1000);
	assert_int_equal(built.layout.functions[1].table_gpa, 0xf0102000);
	assert_int_equal(assignment_table(&built.layout, 1), 0xe0102000);
	release(&built);
}

/* 2048 messages take eight pages, or nine where the table does not start a page. */
static void a_table_across_pages_keeps_them_all(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct model_bar bar = { .index = 0, .reg = { 0xe0400000, 0x10000 } };
	struct built built;
	uint64_t offset;

	(void)state;
	model->functions[SAMPLE_NVME].bars = &bar;
	model->functions[SAMPLE_NVME].messages_count = 2048;
	model->functions[SAMPLE_NVME].table_offset = 0x1100;
	build(&built, model);
	assert_int_equal(built.layout.functions[1].table.bytes, 0x9000);
	for (offset = 0; offset < 0x10000; offset += PAGING_4K) {
		const bool table = offset >= 0x1000 && offset < 0xa000;

		assert_int_equal(walk(&built.maps.stage2[1], 0xf0100000 + offset).present, !table);
		assert_int_equal(walk(&built.maps.kernel, 0xe0400000 + offset).present, table);
	}
	release(&built);
}

static void a_small_bar_keeps_its_place_within_its_page(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct model_bar bars[] = { { .index = 0, .reg = { 0xe0400100, 0x100 } },
		{ .index = 1, .reg = { 0xe0400800, 0x800 } } };
	struct built built;

	(void)state;
	model->functions[SAMPLE_EDU].bars = bars;
	model->functions[SAMPLE_EDU].bars_count = 2;
	build(&built, model);
	assert_int_equal(built.layout.functions[0].gpas[1], 0xf0004800);
	assert_int_equal(built.layout.functions[0].gpas[0], 0xf0005100);
	assert_int_equal(walk(&built.maps.stage2[1], 0xf0004800).address, 0xe0400800);
	assert_int_equal(walk(&built.maps.stage2[1], 0xf0005100).address, 0xe0400100);
	release(&built);
}

/* A small BAR in the page of an MSI-X table, even its own function's, would give the table away. */
static void a_page_with_a_table_is_mapped_by_no_bar(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct model_bar bars[] = { { .index = 0, .reg = { 0xe0400000, 0x400 } },
		{ .index = 2, .reg = { 0xe0400400, 0x400 } } };
	struct built built;

	(void)state;
	model->functions[SAMPLE_NVME].bars = bars;
	model->functions[SAMPLE_NVME].bars_count = 2;
	model->functions[SAMPLE_NVME].messages_count = 8;
	model->functions[SAMPLE_NVME].table_offset = 0;
	build(&built, model);
	assert_false(walk(&built.maps.stage2[1], built.layout.functions[1].gpas[0]).present);
	assert_false(walk(&built.maps.stage2[1], built.layout.functions[1].gpas[2]).present);
	release(&built);
}

static void assert_device_page(const struct built *built, uint64_t address, bool mapped)
{
	const struct walk found = walk(&built->maps.kernel, address);

	assert_int_equal(found.present, mapped);
	if (!mapped)
		return;
	assert_true(found.writable && !found.executable && !found.user);
	assert_int_equal(found.address, address);
	assert_int_equal(found.flags & UNCACHED, UNCACHED);
}

static void check_kernel(int kind, uint64_t unit, uint64_t bytes)
{
	struct built built;
	uint64_t address;

	build(&built, with_devices(kind));
	for (address = 0xb0000000; address < 0xb0100000; address += PAGING_4K)
		assert_device_page(&built, address,
			address == 0xb0020000 || address == 0xb0028000 || address == 0xb0030000 ||
				address == 0xb0038000);
	for (address = unit - 0x8000; address < unit + 0x10000; address += PAGING_4K)
		assert_device_page(&built, address, address >= unit && address < unit + bytes);
	/* nvme's table is granted; the network cards' are not */
	for (address = 0xe0000000; address < 0xe0400000; address += PAGING_4K)
		assert_device_page(&built, address, address == 0xe0102000);
	release(&built);
}

static void the_kernel_maps_of_devices_what_it_programs(void **state)
{
	(void)state;
	check_kernel(X86_IOMMU_VTD, 0xfed90000, 0x1000);
	check_kernel(X86_IOMMU_AMDVI, 0xfed80000, 0x4000);
}

static void tables_that_share_a_page_are_mapped_once(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct model_bar low = { .index = 0, .reg = { 0xe0400000, 0x800 } };
	struct model_bar high = { .index = 1, .reg = { 0xe0400800, 0x800 } };
	struct model_interrupt *interrupts =
		calloc(model->partitions[1].interrupts_count + 1, sizeof(*interrupts));
	struct built built;

	(void)state;
	memcpy(interrupts, model->partitions[1].interrupts, 3 * sizeof(*interrupts));
	interrupts[3] = (struct model_interrupt){
		.function = SAMPLE_NET0, .message = 1, .cpu = 1, .vector = 0x70
	};
	free(model->partitions[1].interrupts);
	model->partitions[1].interrupts = interrupts;
	model->partitions[1].interrupts_count = 4;
	model->functions[SAMPLE_NET0].owner = 1;
	model->functions[SAMPLE_NET0].bars = &high;
	model->functions[SAMPLE_NET0].bars_count = 1;
	model->functions[SAMPLE_NVME].bars = &low;
	model->functions[SAMPLE_NVME].messages_count = 4;
	model->functions[SAMPLE_NVME].table_offset = 0;
	build(&built, model);
	assert_device_page(&built, 0xe0400000, true);
	assert_device_page(&built, 0xe0401000, false);
	release(&built);
}

/* Configuration space or registers high up: the kernel's part of a peek tree follows. */
static void peek_trees_share_what_the_kernel_maps_of_devices(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct built built;
	unsigned p;
	size_t i;

	(void)state;
	model->ecam.base = 0x7f0000000000; /* a PML4 entry of its own */
	build(&built, model);
	assert_device_page(&built, 0x7f0000028000, true);
	for (p = 0; p < model->partitions_count; p++)
		for (i = 0; i < PAGING_ENTRIES; i++) {
			const struct paging_entry *kernel =
				&built.maps.kernel.tables[0]->entries[i];
			const struct paging_entry *peek = &built.maps.peek[p].tables[0]->entries[i];
			char name[32];

			if (i == X86_PEEK_PML4)
				continue;
			assert_int_equal(peek->value, kernel->value);
			snprintf(name, sizeof(name), "kernel_map[%zu]", kernel->table);
			if (kernel->table)
				assert_string_equal(peek->object, name);
		}
	assert_non_null(built.maps.peek[0].tables[0]->entries[0x7f0000000000 >> 39].object);
	release(&built);
}

static void a_board_without_functions_costs_nothing(void **state)
{
	struct built built;

	(void)state;
	build(&built, sample_model());
	assert_int_equal(built.layout.functions_count, 0);
	assert_int_equal(assignment_tables_bytes(&built.layout), 0);
	assert_int_equal(assignment_data_bytes(&built.layout), 0);
	assert_int_equal(built.maps.dma[1].count, 0);
	release(&built);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_one_owner_are_neighbours_and_the_others_come_last),
		cmocka_unit_test(bars_lie_aligned_in_their_window_the_largest_first),
		cmocka_unit_test(bars_that_do_not_fit_are_refused),
		cmocka_unit_test(an_owner_reaches_its_registers_uncached_and_never_an_msix_table),
		cmocka_unit_test(a_table_across_pages_keeps_them_all),
		cmocka_unit_test(a_small_bar_keeps_its_place_within_its_page),
		cmocka_unit_test(a_page_with_a_table_is_mapped_by_no_bar),
		cmocka_unit_test(the_kernel_maps_of_devices_what_it_programs),
		cmocka_unit_test(tables_that_share_a_page_are_mapped_once),
		cmocka_unit_test(peek_trees_share_what_the_kernel_maps_of_devices),
		cmocka_unit_test(a_board_without_functions_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
