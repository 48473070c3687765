/*
 * Builds page-table trees. See paging.h for the invariant.
 */
#include "paging.h"

#include <stdlib.h>

#include <x86_tables.h>

#include "allocate.h"

/* Of the addresses that one entry of a table of `level` maps: 12 bits at the lowest. */
#define PAGING_SHIFT(level) (12 + 9 * ((level)-1))

static size_t new_table(struct paging *paging)
{
	paging->tables = allocate_more(paging->tables, paging->count + 1, sizeof(*paging->tables));
	paging->tables[paging->count] = allocate(1, sizeof(struct paging_table));
	return paging->count++;
}

static void init(struct paging *paging, struct paging_format format, uint64_t largest_page)
{
	*paging = (struct paging){ .format = format, .largest_page = largest_page };
	new_table(paging);
}

void paging_init(struct paging *paging, uint64_t table_flags, uint64_t largest_page)
{
	const struct paging_format format = { 4, table_flags, 0, X86_PTE_LARGE };

	init(paging, format, largest_page);
}

void paging_init_dma(struct paging *paging, int kind, unsigned levels)
{
	const struct paging_format vtd = { levels, VTD_PTE_READ | VTD_PTE_WRITE, 0, VTD_PTE_LARGE };
	/* No flag for large pages: the entry of a page names no next level. */
	const struct paging_format amdvi = { levels,
		AMDVI_PTE_PRESENT | AMDVI_PTE_READ | AMDVI_PTE_WRITE, AMDVI_PTE_LEVEL(1), 0 };

	init(paging, kind == X86_IOMMU_AMDVI ? amdvi : vtd, PAGING_1G);
}

void paging_free(struct paging *paging)
{
	while (paging->count)
		free(paging->tables[--paging->count]);
	free(paging->tables);
	paging->tables = NULL;
}

uint64_t paging_bytes(const struct paging *paging)
{
	return paging->count * PAGING_ENTRIES * sizeof(uint64_t);
}

static bool is_used(const struct paging_entry *entry)
{
	return entry->value || entry->object || entry->table;
}

/* An entry that refers to a table of `level`; 1: its entries map 4 KiB. */
static uint64_t table_value(const struct paging_format *format, unsigned level)
{
	return format->table_flags + level * format->level_flag;
}

/* The entry that maps `virtual` with a page of `page` bytes; NULL if a larger page is in its way.
 */
static struct paging_entry *descend(struct paging *paging, uint64_t virtual, uint64_t page)
{
	unsigned level = paging->format.levels, shift = PAGING_SHIFT(level);
	size_t table = 0;

	for (; 1ull << shift > page; shift -= 9) {
		const size_t index = (virtual >> shift) % PAGING_ENTRIES;
		size_t next = paging->tables[table]->entries[index].table;

		level--;
		if (!next) {
			if (is_used(&paging->tables[table]->entries[index]))
				return NULL;
			next = new_table(paging);
			paging->tables[table]->entries[index] =
				(struct paging_entry){ .value = table_value(&paging->format, level),
					.table = next };
		}
		table = next;
	}
	return &paging->tables[table]->entries[(virtual >> shift) % PAGING_ENTRIES];
}

static uint64_t page_that_fits(const struct paging *paging, const struct paging_mapping *rest)
{
	uint64_t page = rest->object ? PAGING_4K : paging->largest_page;

	while (page > PAGING_4K && (rest->bytes < page || (rest->virtual | rest->physical) % page))
		page >>= 9;
	return page;
}

static bool map_page(struct paging *paging, const struct paging_mapping *rest, uint64_t page)
{
	struct paging_entry *entry = descend(paging, rest->virtual, page);

	if (!entry || is_used(entry))
		return false;
	entry->object = rest->object;
	entry->value =
		rest->physical + rest->flags + (page > PAGING_4K ? paging->format.large_flag : 0);
	return true;
}

/* The addresses of three levels end; those of four continue, sign-extended, in the upper half. */
static bool is_reached(const struct paging *paging, const struct paging_mapping *mapping)
{
	const uint64_t end = 1ull << (PAGING_SHIFT(paging->format.levels) + 9);

	return paging->format.levels > 3 ||
	       (mapping->virtual < end && mapping->bytes <= end - mapping->virtual);
}

bool paging_map(struct paging *paging, const struct paging_mapping *mapping)
{
	struct paging_mapping rest = *mapping;

	if ((rest.virtual | rest.physical | rest.bytes) % PAGING_4K || !is_reached(paging, &rest))
		return false;
	while (rest.bytes) {
		const uint64_t page = page_that_fits(paging, &rest);

		if (!map_page(paging, &rest, page))
			return false;
		rest.virtual += page;
		rest.physical += page;
		rest.bytes -= page;
	}
	return true;
}
