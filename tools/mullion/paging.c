/*
 * Builds page-table trees. See paging.h for the invariant.
 */
#include "paging.h"

#include <stdlib.h>

#include <x86_tables.h>

#include "allocate.h"

static size_t new_table(struct paging *paging)
{
	paging->tables = allocate_more(paging->tables, paging->count + 1, sizeof(*paging->tables));
	paging->tables[paging->count] = allocate(1, sizeof(struct paging_table));
	return paging->count++;
}

void paging_init(struct paging *paging, uint64_t table_flags, uint64_t largest_page)
{
	*paging = (struct paging){ .table_flags = table_flags, .largest_page = largest_page };
	new_table(paging);
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

/* The entry that maps `virtual` with a page of `page` bytes; NULL if a larger page is in its way.
 */
static struct paging_entry *descend(struct paging *paging, uint64_t virtual, uint64_t page)
{
	size_t table = 0;
	unsigned shift = 39;

	for (; 1ull << shift > page; shift -= 9) {
		const size_t index = (virtual >> shift) % PAGING_ENTRIES;
		size_t next = paging->tables[table]->entries[index].table;

		if (!next) {
			if (is_used(&paging->tables[table]->entries[index]))
				return NULL;
			next = new_table(paging);
			paging->tables[table]->entries[index] =
				(struct paging_entry){ .value = paging->table_flags,
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
	entry->value = rest->physical + rest->flags + (page > PAGING_4K ? X86_PTE_LARGE : 0);
	return true;
}

bool paging_map(struct paging *paging, const struct paging_mapping *mapping)
{
	struct paging_mapping rest = *mapping;

	if ((rest.virtual | rest.physical | rest.bytes) % PAGING_4K)
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
