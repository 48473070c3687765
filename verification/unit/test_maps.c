/* What the kernel and each partition can reach: every page walked, none too many. */
#include "unit.h"

#include "maps.h"
#include "sample_model.h"
#include "walk.h"

#define MiB (1ull << 20)
#define GiB (1ull << 30)

struct built {
	struct model *model;
	struct layout layout;
	struct maps maps;
};

/* Two pieces whose copies share no page with anything. */
static struct image_segment segments[] = {
	{ .address = 0x200000, .file_bytes = 0x12345, .memory_bytes = 0x12345 },
	{ .address = 0x214010, .file_bytes = 7, .memory_bytes = 0x4000 },
};

static void build(struct built *built, struct model *model)
{
	struct image images[4] = { { .segments = segments, .segments_count = 2 },
		{ .segments = segments, .segments_count = 1 },
		{ .segments = segments + 1, .segments_count = 1 } };
	struct finding wrong;

	assert_int_equal(model->partitions_count, 4);
	*built = (struct built){ .model = model };
	assert_true(layout_build(model, images, &built->layout, &wrong));
	assert_true(maps_build(&built->layout, &built->maps));
}

static void release(struct built *built)
{
	maps_free(&built->maps);
	layout_free(&built->layout);
	sample_model_free(built->model);
}

/* Leaves of the tree below the lower half's and the upper half's start, counted in 4 KiB pages. */
static uint64_t count_pages(const struct paging *paging, size_t table, unsigned shift)
{
	uint64_t pages = 0;
	size_t i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		const struct paging_entry *entry = &paging->tables[table]->entries[i];

		if (!(entry->value & X86_PTE_PRESENT))
			continue;
		if (entry->table)
			pages += count_pages(paging, entry->table, shift - 9);
		else if (shift == 12 || entry->value & X86_PTE_LARGE)
			pages += 1ull << (shift - 12);
	}
	return pages;
}

static void the_kernel_executes_its_text_alone(void **state)
{
	struct built built;
	uint64_t address;

	(void)state;
	build(&built, sample_model());
	for (address = 0; address < 16 * MiB; address += PAGING_4K) {
		const struct walk found = walk(&built.maps.kernel, address);
		const bool text = (address >= X86_KERNEL_TEXT && address < X86_KERNEL_RODATA) ||
				  address == LAYOUT_TRAMPOLINE;

		assert_int_equal(found.present && found.executable, text);
		assert_false(found.present && found.executable && found.writable);
		if (found.present)
			assert_int_equal(found.address, address);
		assert_false(found.present && found.user);
	}
	release(&built);
}

static void the_kernel_writes_its_data_and_the_journal_and_stacks_are_guarded(void **state)
{
	struct built built;
	uint64_t address;

	(void)state;
	build(&built, sample_model());
	for (address = 0; address < 16 * MiB; address += PAGING_4K) {
		const struct walk found = walk(&built.maps.kernel, address);
		const uint64_t page = (address - built.layout.data_base) / PAGING_4K;
		const bool data =
			address >= built.layout.data_base && address < built.layout.data_end;
		const bool guard = data && page < built.layout.cpus_count * X86_STACK_PAGES &&
				   page % X86_STACK_PAGES == 0;

		const bool journal = address == built.layout.journal.base;

		assert_int_equal(found.present && found.writable, (data && !guard) || journal);
		if (guard)
			assert_false(found.present);
	}
	release(&built);
}

static void the_kernel_maps_nothing_else_but_its_apic_and_the_journal(void **state)
{
	struct built built;
	struct walk apic;
	uint64_t pages;

	(void)state;
	build(&built, sample_model());
	apic = walk(&built.maps.kernel, X86_APIC_VA);
	assert_true(apic.present && apic.writable && !apic.executable);
	assert_int_equal(apic.address, 0xfee00000);
	assert_int_equal(apic.flags & (X86_PTE_PCD | X86_PTE_PWT), X86_PTE_PCD | X86_PTE_PWT);
	pages = 1 + 1 + 1 + (built.layout.data_end - X86_KERNEL_TEXT) / PAGING_4K -
		built.layout.cpus_count;
	assert_int_equal(count_pages(&built.maps.kernel, 0, 39), pages);
	release(&built);
}

static void assert_region(const struct built *built, unsigned p, const struct layout_region *region)
{
	uint64_t offset;

	for (offset = 0; offset < region->info.bytes; offset += PAGING_4K) {
		const struct walk found = walk(&built->maps.stage2[p], region->info.gpa + offset);

		assert_true(found.present && found.user && !found.executable);
		assert_int_equal(found.writable, (region->info.access & MULLION_WRITE) != 0);
		if (region->block >= 0)
			assert_int_equal(found.address,
				built->layout.blocks[region->block].memory.base + offset);
		else
			assert_true(
				!strcmp(found.object, region->object) && found.address == offset);
	}
}

static void a_partition_reaches_its_memory_and_its_regions_only(void **state)
{
	struct built built;
	uint64_t pages, offset;
	unsigned p;
	size_t i;

	(void)state;
	build(&built, sample_model());
	for (p = 0; p < built.model->partitions_count; p++) {
		const struct layout_partition *partition = &built.layout.partitions[p];

		pages = 3 + partition->memory.bytes / PAGING_4K; /* of info and start */
		for (offset = 0; offset < partition->memory.bytes; offset += PAGING_4K)
			assert_int_equal(walk(&built.maps.stage2[p], offset).address,
				partition->memory.base + offset);
		for (i = 0; i < partition->regions_count; i++) {
			assert_region(&built, p, &partition->regions[i]);
			pages += partition->regions[i].info.bytes / PAGING_4K;
		}
		assert_false(walk(&built.maps.stage2[p], MULLION_INFO_GPA).writable);
		assert_false(walk(&built.maps.stage2[p], MULLION_START_GPA).writable);
		assert_false(walk(&built.maps.stage2[p], 0xfee00000).present);
		assert_int_equal(count_pages(&built.maps.stage2[p], 0, 39), pages);
	}
	release(&built);
}

static void no_partition_reaches_another_or_the_kernel(void **state)
{
	struct built built;
	unsigned p, q;
	uint64_t offset;

	(void)state;
	build(&built, sample_model());
	for (p = 0; p < built.model->partitions_count; p++)
		for (offset = 0; offset < built.layout.partitions[p].memory.bytes;
			offset += PAGING_4K) {
			const uint64_t frame = walk(&built.maps.stage2[p], offset).address;

			assert_true(frame >= built.layout.data_end);
			for (q = 0; q < built.model->partitions_count; q++)
				assert_true(
					q == p || frame < built.layout.partitions[q].memory.base ||
					frame >= built.layout.partitions[q].memory.base +
							 built.layout.partitions[q].memory.bytes);
		}
	release(&built);
}

static void memory_continues_behind_the_pc_hole(void **state)
{
	static struct range ram[] = { { 0, 0xa0000 }, { MiB, 12 * GiB } };
	struct model *model = sample_model();
	struct built built;
	uint64_t base;

	(void)state;
	memcpy(model->board.ram, ram, sizeof(ram));
	model->partitions[2].memory_bytes = 5 * GiB;
	build(&built, model);
	base = built.layout.partitions[2].memory.base;
	assert_int_equal(walk(&built.maps.stage2[2], 0).page, PAGING_1G);
	assert_int_equal(walk(&built.maps.stage2[2], MULLION_HOLE_BASE - 1).address,
		base + MULLION_HOLE_BASE - 1);
	assert_false(walk(&built.maps.stage2[2], MULLION_HOLE_BASE).present);
	assert_int_equal(
		walk(&built.maps.stage2[2], MULLION_HOLE_END).address, base + MULLION_HOLE_BASE);
	assert_true(walk(&built.maps.stage2[2], 5 * GiB + 255 * MiB).present);
	assert_false(walk(&built.maps.stage2[2], 5 * GiB + 256 * MiB).present);
	assert_int_equal(walk(&built.maps.peek[2], X86_PEEK_VA + MULLION_HOLE_END).address,
		base + MULLION_HOLE_BASE);
	assert_true(built.maps.huge_pages);
	release(&built);
}

static void a_peek_tree_reads_one_partition_and_shares_the_kernels_tables(void **state)
{
	struct built built;
	unsigned p;
	size_t i;

	(void)state;
	build(&built, sample_model());
	for (p = 0; p < built.model->partitions_count; p++) {
		const struct paging_table *root = built.maps.peek[p].tables[0];
		const struct layout_partition *partition = &built.layout.partitions[p];
		const struct walk found = walk(&built.maps.peek[p], X86_PEEK_VA + 5 * PAGING_4K);

		assert_true(found.present && !found.writable && !found.user && !found.executable);
		assert_int_equal(found.address, partition->memory.base + 5 * PAGING_4K);
		assert_int_equal(count_pages(&built.maps.peek[p], 0, 39),
			partition->memory.bytes / PAGING_4K);
		for (i = 0; i < PAGING_ENTRIES; i++) {
			const struct paging_entry *kernel =
				&built.maps.kernel.tables[0]->entries[i];
			char name[32];

			if (i == X86_PEEK_PML4)
				continue;
			assert_int_equal(root->entries[i].value, kernel->value);
			snprintf(name, sizeof(name), "kernel_map[%zu]", kernel->table);
			if (kernel->table)
				assert_string_equal(root->entries[i].object, name);
		}
	}
	release(&built);
}

/* The kernel's own part of a restore tree is the kernel's own tables. */
static void assert_kernels_entries(const struct built *built, const struct paging *tree)
{
	size_t i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		const struct paging_entry *kernel = &built->maps.kernel.tables[0]->entries[i];
		const struct paging_entry *entry = &tree->tables[0]->entries[i];
		char name[32];

		if (i == X86_PEEK_PML4 || i == X86_PRISTINE_PML4)
			continue;
		assert_int_equal(entry->value, kernel->value);
		snprintf(name, sizeof(name), "kernel_map[%zu]", kernel->table);
		if (kernel->table)
			assert_string_equal(entry->object, name);
	}
}

/* What stage 2 lets a partition write is what its restore tree writes, page by page, and no more. */
static uint64_t assert_writable_span(
	const struct built *built, unsigned p, const struct mullion_span *span)
{
	uint64_t offset;

	for (offset = 0; offset < span->bytes; offset += PAGING_4K) {
		const struct walk stage2 = walk(&built->maps.stage2[p], span->gpa + offset);
		const struct walk found =
			walk(&built->maps.restore[p], X86_PEEK_VA + span->gpa + offset);

		assert_true(stage2.present && stage2.writable);
		assert_true(found.present && found.writable && !found.user && !found.executable);
		assert_int_equal(found.address, stage2.address);
		assert_int_equal(found.object != NULL, stage2.object != NULL);
		if (found.object)
			assert_string_equal(found.object, stage2.object);
	}
	return span->bytes / PAGING_4K;
}

static uint64_t assert_pristine_pages(const struct built *built, unsigned p)
{
	const struct range *pristine = &built->layout.partitions[p].pristine;
	uint64_t offset;

	for (offset = 0; offset < pristine->bytes; offset += PAGING_4K) {
		const uint64_t address = pristine->base + offset;
		const struct walk found = walk(&built->maps.restore[p], X86_PRISTINE_VA + address);

		assert_true(found.present && !found.writable && !found.user && !found.executable);
		assert_int_equal(found.address, address);
		assert_false(walk(&built->maps.kernel, address).present);
	}
	return pristine->bytes / PAGING_4K;
}

static void a_restore_tree_writes_what_its_partition_may_and_reads_its_pristine_image(void **state)
{
	struct built built;
	unsigned p;
	size_t i;

	(void)state;
	build(&built, sample_model());
	for (p = 0; p < built.model->partitions_count; p++) {
		const struct layout_partition *partition = &built.layout.partitions[p];
		uint64_t pages = assert_pristine_pages(&built, p);

		for (i = 0; i < partition->spans_count; i++)
			pages += assert_writable_span(&built, p, &partition->spans[i]);
		assert_int_equal(count_pages(&built.maps.restore[p], 0, 39), pages);
		assert_kernels_entries(&built, &built.maps.restore[p]);
	}
	release(&built);
}

/* Does any leaf of the tree reach into the range? */
static bool reaches(const struct paging *paging, size_t table, unsigned shift, struct range range)
{
	size_t i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		const struct paging_entry *entry = &paging->tables[table]->entries[i];
		const uint64_t base = entry->value & 0x000ffffffffff000ull;

		if (!(entry->value & X86_PTE_PRESENT) || entry->object)
			continue;
		if (entry->table) {
			if (reaches(paging, entry->table, shift - 9, range))
				return true;
		} else if (base < range.base + range.bytes && range.base < base + (1ull << shift))
			return true;
	}
	return false;
}

static void pristine_images_and_the_journal_are_out_of_every_partitions_reach(void **state)
{
	struct built built;
	unsigned p, q;

	(void)state;
	build(&built, sample_model());
	for (p = 0; p < built.model->partitions_count; p++) {
		assert_false(reaches(&built.maps.stage2[p], 0, 39, built.layout.journal));
		for (q = 0; q < built.model->partitions_count; q++) {
			const struct range pristine = built.layout.partitions[q].pristine;

			if (!pristine.bytes)
				continue;
			assert_false(reaches(&built.maps.stage2[p], 0, 39, pristine));
			assert_false(reaches(&built.maps.peek[p], 0, 39, pristine));
			assert_int_equal(reaches(&built.maps.restore[p], 0, 39, pristine), p == q);
		}
	}
	release(&built);
}

static void huge_pages_are_used_only_where_the_board_has_them(void **state)
{
	static struct range ram[] = { { 0, 0xa0000 }, { MiB, 12 * GiB } };
	struct model *model = sample_model();
	struct built built;
	size_t i;

	(void)state;
	memcpy(model->board.ram, ram, sizeof(ram));
	model->partitions[2].memory_bytes = 2 * GiB;
	for (i = 0; i < model->board.cpuid_count; i++)
		if (model->board.cpuid[i].leaf == 0x80000001)
			model->board.cpuid[i].edx &= ~(1u << 26);
	build(&built, model);
	assert_int_equal(walk(&built.maps.stage2[2], 0).page, PAGING_2M);
	assert_false(built.maps.huge_pages);
	release(&built);
}

static void random_layouts_walk_to_their_memory(void **state)
{
	uint64_t random = 5, offset;
	unsigned round, p;

	(void)state;
	for (round = 0; round < 40; round++) {
		struct model *model = sample_model();
		struct built built;

		for (p = 0; p < model->partitions_count; p++)
			model->partitions[p].memory_bytes =
				(unit_random(&random) % 20000 + 1) * PAGING_4K;
		build(&built, model);
		for (p = 0; p < model->partitions_count; p++)
			for (offset = 0; offset < model->partitions[p].memory_bytes;
				offset += 37 * PAGING_4K)
				assert_int_equal(walk(&built.maps.stage2[p], offset).address,
					built.layout.partitions[p].memory.base + offset);
		release(&built);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_executes_its_text_alone),
		cmocka_unit_test(the_kernel_writes_its_data_and_the_journal_and_stacks_are_guarded),
		cmocka_unit_test(the_kernel_maps_nothing_else_but_its_apic_and_the_journal),
		cmocka_unit_test(a_partition_reaches_its_memory_and_its_regions_only),
		cmocka_unit_test(no_partition_reaches_another_or_the_kernel),
		cmocka_unit_test(memory_continues_behind_the_pc_hole),
		cmocka_unit_test(a_peek_tree_reads_one_partition_and_shares_the_kernels_tables),
		cmocka_unit_test(
			a_restore_tree_writes_what_its_partition_may_and_reads_its_pristine_image),
		cmocka_unit_test(pristine_images_and_the_journal_are_out_of_every_partitions_reach),
		cmocka_unit_test(huge_pages_are_used_only_where_the_board_has_them),
		cmocka_unit_test(random_layouts_walk_to_their_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
