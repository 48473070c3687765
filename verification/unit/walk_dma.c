/*
 * Intel VT-d 3.3, 3.7 and 9.8; AMD I/O virtualization 3.05, 2.2.3.
 */
#include "walk_dma.h"

#include "paging.h"

#define ADDRESS 0x000ffffffffff000ull

#define VTD_READ          (1ull << 0)
#define VTD_WRITE         (1ull << 1)
#define VTD_LARGE         (1ull << 7)
#define AMDVI_PR          (1ull << 0)
#define AMDVI_NEXT(entry) ((entry) >> 9 & 7)
#define AMDVI_IR          (1ull << 61)
#define AMDVI_IW          (1ull << 62)

enum { VTD = 1, AMDVI = 2 };

static bool is_leaf(int kind, uint64_t entry, unsigned level)
{
	if (kind == AMDVI)
		return AMDVI_NEXT(entry) == 0;
	return level == 1 || entry & VTD_LARGE;
}

/* What the entry lets pass. A next level that is not one below would skip levels: not ours. */
static void restrict_to(struct walk_dma *result, int kind, uint64_t entry, unsigned level)
{
	const bool present =
		kind != AMDVI ||
		(entry & AMDVI_PR && (AMDVI_NEXT(entry) == 0 || AMDVI_NEXT(entry) == level - 1));

	result->read &= present && entry & (kind == AMDVI ? AMDVI_IR : VTD_READ);
	result->write &= present && entry & (kind == AMDVI ? AMDVI_IW : VTD_WRITE);
}

struct walk_dma walk_dma(int kind, unsigned levels, walk_dma_read *read, const void *tables,
	const void *root, uint64_t address)
{
	struct walk_dma result = { .read = true, .write = true };
	const void *table = root;
	unsigned level;

	if (address >> (12 + 9 * levels))
		return (struct walk_dma){ 0 };
	for (level = levels; level > 0; level--) {
		const unsigned shift = 12 + 9 * (level - 1);
		const uint64_t entry = read(tables, table, address >> shift & 511, &table);

		restrict_to(&result, kind, entry, level);
		if (!result.read && !result.write)
			return (struct walk_dma){ 0 };
		if (!is_leaf(kind, entry, level))
			continue;
		result.page = 1ull << shift;
		result.address =
			(entry & ADDRESS & ~(result.page - 1)) | (address & (result.page - 1));
		return result;
	}
	return (struct walk_dma){ 0 };
}

static uint64_t read_paging(const void *tables, const void *table, size_t index, const void **next)
{
	const struct paging *paging = tables;
	const struct paging_entry *entry = &((const struct paging_table *)table)->entries[index];

	*next = paging->tables[entry->table];
	return entry->value;
}

struct walk_dma walk_dma_paging(const struct paging *paging, int kind, uint64_t address)
{
	return walk_dma(
		kind, paging->format.levels, read_paging, paging, paging->tables[0], address);
}
