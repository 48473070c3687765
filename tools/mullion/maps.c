/*
 * Builds the page-table trees. See maps.h for the invariant. Accessed and dirty bits are set from
 * the start: the tables lie in read-only memory, and the walker shall have nothing to write.
 */
#include "maps.h"

#include <stdlib.h>

#include "allocate.h"
#include "assignment.h"

#define APIC_PHYSICAL    0xfee00000ull
#define KERNEL_TABLE     (X86_PTE_PRESENT | X86_PTE_WRITE | X86_PTE_ACCESSED)
#define KERNEL_TEXT      (X86_PTE_PRESENT | X86_PTE_ACCESSED)
#define KERNEL_RODATA    (KERNEL_TEXT | X86_PTE_NX)
#define KERNEL_DATA      (KERNEL_RODATA | X86_PTE_WRITE | X86_PTE_DIRTY)
#define KERNEL_DEVICE    (KERNEL_DATA | X86_PTE_PCD | X86_PTE_PWT)
#define PEEK_TABLE       (X86_PTE_PRESENT | X86_PTE_ACCESSED)
#define GUEST_TABLE      (X86_PTE_PRESENT | X86_PTE_WRITE | X86_PTE_USER | X86_PTE_ACCESSED)
#define GUEST_MEMORY     (GUEST_TABLE | X86_PTE_DIRTY)
#define GUEST_READ_ONLY  (X86_PTE_PRESENT | X86_PTE_USER | X86_PTE_ACCESSED | X86_PTE_NX)
#define GUEST_READ_WRITE (GUEST_READ_ONLY | X86_PTE_WRITE | X86_PTE_DIRTY)
#define GUEST_DEVICE     (GUEST_READ_WRITE | X86_PTE_PCD | X86_PTE_PWT)

static bool map(
	struct paging *paging, uint64_t virtual, uint64_t physical, uint64_t bytes, uint64_t flags)
{
	const struct paging_mapping mapping = { virtual, physical, bytes, flags, NULL };

	return paging_map(paging, &mapping);
}

static bool map_kernel_data(const struct layout *layout, struct paging *kernel)
{
	const uint64_t stack = X86_STACK_PAGES * PAGING_4K;
	uint64_t address = layout->data_base;
	unsigned cpu;

	for (cpu = 0; cpu < layout->cpus_count; cpu++, address += stack)
		if (!map(kernel, address + PAGING_4K, address + PAGING_4K, stack - PAGING_4K,
			    KERNEL_DATA))
			return false;
	return map(kernel, address, address, layout->data_end - address, KERNEL_DATA);
}

static int by_base(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

/* All registers the kernel uses, ascending; MSI-X tables may share a page. */
static size_t list_registers(const struct layout *layout, struct range **list)
{
	const struct model *model = layout->model;
	size_t used = 0, i;

	*list = allocate(model->iommus_count + 2 * layout->functions_count, sizeof(**list));
	for (i = 0; i < model->iommus_count; i++)
		(*list)[used++] = assignment_unit_registers(&model->iommus[i]);
	for (i = 0; i < layout->functions_count; i++) {
		const struct layout_function *function = &layout->functions[i];

		(*list)[used++] = (struct range){
			assignment_config(model, &model->functions[function->number]), PAGING_4K
		};
		if (assignment_interrupts(layout, i))
			(*list)[used++] = function->table;
	}
	qsort(*list, used, sizeof(**list), by_base);
	return used;
}

static bool map_registers(const struct layout *layout, struct paging *kernel)
{
	struct range *list;
	const size_t count = list_registers(layout, &list);
	uint64_t mapped = 0; /* up to here */
	bool done = true;
	size_t i;

	for (i = 0; done && i < count; i++) {
		const uint64_t end = list[i].base + list[i].bytes;
		const uint64_t base = list[i].base > mapped ? list[i].base : mapped;

		if (base >= end)
			continue;
		done = map(kernel, base, base, end - base, KERNEL_DEVICE);
		mapped = end;
	}
	free(list);
	return done;
}

static bool map_kernel(const struct layout *layout, struct paging *kernel)
{
	paging_init(kernel, KERNEL_TABLE, PAGING_2M);
	if (!map(kernel, LAYOUT_TRAMPOLINE, LAYOUT_TRAMPOLINE, PAGING_4K, KERNEL_TEXT) ||
		!map(kernel, X86_KERNEL_TEXT, X86_KERNEL_TEXT, X86_KERNEL_RODATA - X86_KERNEL_TEXT,
			KERNEL_TEXT) ||
		!map(kernel, X86_KERNEL_RODATA, X86_KERNEL_RODATA,
			layout->data_base - X86_KERNEL_RODATA, KERNEL_RODATA))
		return false;
	kernel->largest_page = PAGING_4K; /* guard pages lie between */
	return map_kernel_data(layout, kernel) &&
	       map(kernel, layout->journal.base, layout->journal.base, layout->journal.bytes,
		       KERNEL_DATA) &&
	       map_registers(layout, kernel) &&
	       map(kernel, X86_APIC_VA, APIC_PHYSICAL, PAGING_4K, KERNEL_DEVICE);
}

static bool map_memory(struct paging *paging, struct range memory, uint64_t virtual, uint64_t flags)
{
	struct layout_piece pieces[2];
	const size_t count = layout_pieces(memory, pieces);
	size_t i;

	for (i = 0; i < count; i++)
		if (!map(paging, virtual + pieces[i].gpa, pieces[i].physical, pieces[i].bytes,
			    flags))
			return false;
	return true;
}

static bool map_object(
	struct paging *paging, uint64_t gpa, uint64_t bytes, uint64_t flags, const char *object)
{
	const struct paging_mapping mapping = { gpa, 0, bytes, flags, object };

	return paging_map(paging, &mapping);
}

static bool map_region(const struct layout *layout, struct paging *paging, uint64_t virtual,
	const struct layout_region *region, uint64_t flags)
{
	if (region->object)
		return map_object(paging, virtual, region->info.bytes, flags, region->object);
	return map(paging, virtual, layout->blocks[region->block].memory.base, region->info.bytes,
		flags);
}

static bool map_guest_region(
	const struct layout *layout, struct paging *paging, const struct layout_region *region)
{
	return map_region(layout, paging, region->info.gpa, region,
		region->info.access & MULLION_WRITE ? GUEST_READ_WRITE : GUEST_READ_ONLY);
}

static bool map_function(const struct layout *layout, size_t f, struct paging *paging)
{
	struct assignment_piece *pieces;
	const size_t count = assignment_pieces(layout, f, &pieces);
	bool done = true;
	size_t i;

	for (i = 0; done && i < count; i++)
		done = map(
			paging, pieces[i].gpa, pieces[i].physical, pieces[i].bytes, GUEST_DEVICE);
	free(pieces);
	return done;
}

static bool map_functions(const struct layout *layout, const struct layout_partition *partition,
	struct paging *paging)
{
	size_t f;

	for (f = 0; f < partition->functions; f++)
		if (!map_function(layout, partition->first_function + f, paging))
			return false;
	return true;
}

static bool map_stage2(
	const struct layout *layout, unsigned p, uint64_t largest_page, struct paging *paging)
{
	const struct layout_partition *partition = &layout->partitions[p];
	size_t i;

	paging_init(paging, GUEST_TABLE, largest_page);
	if (!map_memory(paging, partition->memory, 0, GUEST_MEMORY) ||
		!map_object(paging, MULLION_INFO_GPA, MULLION_INFO_BYTES, GUEST_READ_ONLY,
			format("info_pages[%u]", p)) ||
		!map_object(paging, MULLION_START_GPA, PAGING_4K, GUEST_READ_ONLY,
			format("start_pages[%u]", p)))
		return false;
	for (i = 0; i < partition->regions_count; i++)
		if (!map_guest_region(layout, paging, &partition->regions[i]))
			return false;
	return map_functions(layout, partition, paging);
}

/* The kernel's part of a peek root refers to the kernel's own tables: one truth. */
static void share_kernel(const struct paging *kernel, struct paging *peek)
{
	size_t i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		const struct paging_entry *entry = &kernel->tables[0]->entries[i];

		if (entry->table)
			peek->tables[0]->entries[i] = (struct paging_entry){ .value = entry->value,
				.object = format("kernel_map[%zu]", entry->table) };
	}
}

static bool map_peek(const struct layout *layout, unsigned p, const struct paging *kernel,
	uint64_t largest_page, struct paging *paging)
{
	paging_init(paging, PEEK_TABLE, largest_page);
	if (!map_memory(paging, layout->partitions[p].memory, X86_PEEK_VA, KERNEL_RODATA))
		return false;
	share_kernel(kernel, paging);
	return true;
}

static bool map_writable_regions(const struct layout *layout,
	const struct layout_partition *partition, struct paging *paging)
{
	size_t i;

	for (i = 0; i < partition->regions_count; i++) {
		const struct layout_region *region = &partition->regions[i];

		if (region->info.access & MULLION_WRITE &&
			!map_region(layout, paging, X86_PEEK_VA + region->info.gpa, region,
				KERNEL_DATA))
			return false;
	}
	return true;
}

static bool map_restore(const struct layout *layout, unsigned p, const struct paging *kernel,
	uint64_t largest_page, struct paging *paging)
{
	const struct layout_partition *partition = &layout->partitions[p];
	const struct range *pristine = &partition->pristine;

	paging_init(paging, KERNEL_TABLE, largest_page);
	if (!map_memory(paging, partition->memory, X86_PEEK_VA, KERNEL_DATA) ||
		!map_writable_regions(layout, partition, paging) ||
		!map(paging, X86_PRISTINE_VA + pristine->base, pristine->base, pristine->bytes,
			KERNEL_RODATA))
		return false;
	share_kernel(kernel, paging);
	return true;
}

/* All units of a board are of one kind and reach equally far: one tree per partition does. */
static bool map_dma(const struct layout *layout, unsigned p, struct paging *paging)
{
	const struct model_iommu *unit = layout->model->iommus;
	uint64_t flags = VTD_PTE_READ | VTD_PTE_WRITE;

	if (!layout->partitions[p].functions)
		return true;
	if (unit->kind == X86_IOMMU_AMDVI)
		flags = AMDVI_PTE_PRESENT | AMDVI_PTE_COHERENT | AMDVI_PTE_READ | AMDVI_PTE_WRITE;
	paging_init_dma(paging, unit->kind, layout_iommu_levels(unit));
	return map_memory(paging, layout->partitions[p].memory, 0, flags);
}

/* CPUID 8000_0001 EDX bit 26. */
static bool board_has_huge_pages(const struct model_board *board)
{
	size_t i;

	for (i = 0; i < board->cpuid_count; i++)
		if (board->cpuid[i].leaf == 0x80000001)
			return board->cpuid[i].edx >> 26 & 1;
	return false;
}

static bool uses_huge_pages(const struct layout *layout)
{
	size_t p;

	for (p = 0; p < layout->model->partitions_count; p++) {
		const struct range memory = layout->partitions[p].memory;

		if (memory.bytes >= PAGING_1G && memory.base % PAGING_1G == 0)
			return true;
	}
	return false;
}

bool maps_build(const struct layout *layout, struct maps *maps)
{
	const bool huge = board_has_huge_pages(&layout->model->board);
	const uint64_t largest_page = huge ? PAGING_1G : PAGING_2M;
	unsigned p;

	maps->count = layout->model->partitions_count;
	maps->stage2 = allocate(maps->count, sizeof(*maps->stage2));
	maps->peek = allocate(maps->count, sizeof(*maps->peek));
	maps->restore = allocate(maps->count, sizeof(*maps->restore));
	maps->dma = allocate(maps->count, sizeof(*maps->dma));
	maps->huge_pages = huge && uses_huge_pages(layout);
	if (!map_kernel(layout, &maps->kernel))
		return false;
	for (p = 0; p < maps->count; p++)
		if (!map_stage2(layout, p, largest_page, &maps->stage2[p]) ||
			!map_peek(layout, p, &maps->kernel, largest_page, &maps->peek[p]) ||
			!map_restore(layout, p, &maps->kernel, largest_page, &maps->restore[p]) ||
			!map_dma(layout, p, &maps->dma[p]))
			return false;
	return true;
}

void maps_free(struct maps *maps)
{
	size_t p;

	paging_free(&maps->kernel);
	for (p = 0; p < maps->count; p++) {
		paging_free(&maps->stage2[p]);
		paging_free(&maps->peek[p]);
		paging_free(&maps->restore[p]);
		paging_free(&maps->dma[p]);
	}
	free(maps->stage2);
	free(maps->peek);
	free(maps->restore);
	free(maps->dma);
	*maps = (struct maps){ 0 };
}
