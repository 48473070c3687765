/*
 * Checks of printed device tables that do not depend on the kind of IOMMU.
 */
#include "printed_devices.h"

#include "unit.h"

#include "sample_devices.h"
#include "sample_model.h"

#define ADDRESS_BITS 0x000ffffffffff000ull

/* In an image, an address from the linker script. */
struct mullion_journal journal __attribute__((aligned(4096)));

struct plan printed_plan;

static int unit_kind;
static printed_entry *entry_of;
static unsigned entry_words;

void printed_devices_build(int kind, printed_entry *entry, unsigned words)
{
	struct model *model = sample_model();
	struct finding wrong;

	unit_kind = kind;
	entry_of = entry;
	entry_words = words;
	sample_devices(model, kind);
	assert_true(plan_build(model, false, &printed_plan, &wrong));
}

static const uint64_t *tree(unsigned requester)
{
	return (const uint64_t *)(uintptr_t)(entry_of(requester)[0] & ADDRESS_BITS);
}

static uint64_t read_table(const void *tables, const void *table, size_t index, const void **next)
{
	const uint64_t entry = ((const uint64_t *)table)[index];

	(void)tables;
	*next = (const void *)(uintptr_t)(entry & ADDRESS_BITS);
	return entry;
}

/* Does the requester's tree lead every address to the partition's memory, and nowhere else? */
static void assert_dma(unsigned requester, unsigned partition)
{
	const uint64_t *root = tree(requester);
	const struct range memory = printed_plan.layout.partitions[partition].memory;
	uint64_t address;

	for (address = 0; address < memory.bytes + (16 << 20); address += PAGING_4K) {
		const struct walk_dma found =
			walk_dma(unit_kind, 4, read_table, NULL, root, address);

		assert_int_equal(found.read && found.write, address < memory.bytes);
		if (found.read)
			assert_int_equal(found.address, memory.base + address);
	}
	assert_false(walk_dma(unit_kind, 4, read_table, NULL, root, 0xfee00000).write);
	assert_false(walk_dma(unit_kind, 4, read_table, NULL, root, MULLION_HOLE_END).read);
}

void they_reach_their_owners_memory(void **state)
{
	(void)state;
	assert_dma(0x20, 1);
	assert_ptr_equal(tree(0x28), tree(0x20));
	assert_dma(0x30, 2);
}

static const struct x86_function *printed(size_t f)
{
	return &mullion_system.arch->functions[f];
}

void a_functions_entry_is_the_one_that_lets_it_through(void **state)
{
	size_t f;

	(void)state;
	for (f = 0; f < mullion_system.arch->functions_count; f++)
		assert_ptr_equal(printed(f)->entry, entry_of(printed(f)->requester));
}

/* As it is at boot: what a restart writes back. Nobody lets a function without owner through. */
void what_lets_it_through_again_is_what_does_now(void **state)
{
	size_t f, w;

	(void)state;
	for (f = 0; f < mullion_system.arch->functions_count; f++) {
		const struct x86_function *function = printed(f);
		const bool passes = function->partition != X86_NO_PARTITION;

		for (w = 0; w < 4; w++)
			assert_true(function->pass[w] ==
				    (passes && w < entry_words ? function->entry[w] : 0));
	}
}

static void assert_owned(size_t f)
{
	const struct devices_function *planned = &printed_plan.devices.functions[f];
	const struct x86_function *function = printed(f);

	assert_memory_equal(function->registers, planned->registers, sizeof(planned->registers));
	assert_int_equal(function->messages != NULL, planned->messages != NULL);
	assert_int_equal(function->reset, f == PRINTED_NVME ? 0x88 : 0); /* it alone says it can */
	assert_int_equal(function->reset_af, 0);
	if (function->messages)
		assert_memory_equal(function->messages, planned->messages,
			function->messages_count * sizeof(*function->messages));
}

void functions_are_printed_as_planned(void **state)
{
	const struct x86_function *nvme = printed(PRINTED_NVME), *none = printed(PRINTED_NET1);
	size_t f;

	(void)state;
	assert_int_equal(mullion_system.arch->functions_count, 4);
	for (f = 0; f < PRINTED_NET1; f++)
		assert_owned(f);
	assert_string_equal(nvme->name, "nvme@28");
	assert_int_equal(nvme->identity, 0x00101b36);
	assert_int_equal(nvme->config, 0xb0028000);
	assert_int_equal(nvme->partition, 1);
	assert_int_equal(nvme->bars_count, 1);
	assert_int_equal(nvme->bars[0].gpa, 0xf0100000);
	assert_int_equal(nvme->bars[0].bytes, 0x4000);
	assert_int_equal(nvme->msix, 0x40);
	assert_int_equal(nvme->table, 0xe0102000);
	assert_int_equal(nvme->table_page, 0xe0102000);
	assert_int_equal(nvme->table_gpa, 0xf0102000);
	assert_int_equal(nvme->table_bytes, 0x1000);
	assert_int_equal(printed(PRINTED_NET0)->table_bytes, 0);
	assert_int_equal(none->partition, X86_NO_PARTITION);
	assert_int_equal(none->identity, 0x10411af4);
	assert_int_equal(none->messages_count, 4);
	assert_null(none->registers);
	assert_null(none->messages);
	assert_int_equal(none->bars_count, 0);
}

void partitions_know_their_functions(void **state)
{
	static const unsigned first[] = { 0, 0, 2, 3 }, counts[] = { 0, 2, 1, 0 };
	unsigned v, f;

	(void)state;
	for (v = 0; v < mullion_system.vcpus_count; v++) {
		const unsigned p = mullion_system.vcpus[v].partition;
		const struct arch_vcpu_tables *arch = mullion_system.vcpus[v].arch;

		assert_int_equal(arch->first_function, first[p]);
		assert_int_equal(arch->functions_count, counts[p]);
		for (f = 0; f < arch->functions_count; f++)
			assert_int_equal(printed(arch->first_function + f)->partition, p);
	}
}

/* The printed entry that maps `virtual` with a page of 4 KiB; 0: none does. */
static uint64_t find_page(const uint64_t *table, uint64_t virtual)
{
	unsigned shift;

	for (shift = 39; shift > 12; shift -= 9) {
		const uint64_t entry = table[virtual >> shift & 511];

		if (!(entry & X86_PTE_PRESENT) || entry & X86_PTE_LARGE)
			return 0;
		table = (const uint64_t *)(uintptr_t)(entry & ADDRESS_BITS);
	}
	return table[virtual >> shift & 511];
}

void an_owner_reaches_its_bars(void **state)
{
	const int v = layout_vcpu_on(&printed_plan.layout, 1, 1);
	const uint64_t *stage2 = mullion_system.vcpus[v].arch->stage2;

	(void)state;
	assert_int_equal(find_page(stage2, 0xf0000000) & ADDRESS_BITS, 0xe0000000);
	assert_int_equal(find_page(stage2, 0xf0103000) & ADDRESS_BITS, 0xe0103000);
	assert_int_equal(find_page(stage2, 0xf0102000), 0);
	assert_int_equal(find_page(stage2, 0xf0104000), 0);
}

void the_kernel_maps_what_the_tables_name(void **state)
{
	const struct arch_system_tables *tables = mullion_system.arch;
	size_t f;

	(void)state;
	for (f = 0; f < tables->functions_count; f++) {
		const struct x86_function *function = printed(f);
		uint64_t page;

		assert_int_equal(
			find_page(tables->pml4, function->config) & ADDRESS_BITS, function->config);
		for (page = 0; page < function->table_bytes; page += PAGING_4K)
			assert_int_equal(
				find_page(tables->pml4, function->table_page + page) & ADDRESS_BITS,
				function->table_page + page);
	}
	assert_int_equal(find_page(tables->pml4, tables->iommus[0].registers) & ADDRESS_BITS,
		tables->iommus[0].registers);
	assert_int_equal((uintptr_t)tables->iommus[0].storage % PAGING_4K, 0);
}
