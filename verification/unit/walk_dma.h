/*
 * Walks a translation table of an IOMMU as its hardware does, apart from how paging.c builds it.
 */
#ifndef WALK_DMA_H
#define WALK_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct walk_dma {
	bool read, write; /* all levels taken together */
	uint64_t address; /* physical, if either */
	uint64_t page;    /* size of the page it ended in */
};

/*
 * The entry `index` of a table; *next: the table it refers to, if it refers to any. root: of the
 * table the walk starts from.
 */
typedef uint64_t walk_dma_read(
	const void *tables, const void *table, size_t index, const void **next);

/* kind: enum x86_iommu_kind */
struct walk_dma walk_dma(int kind, unsigned levels, walk_dma_read *read, const void *tables,
	const void *root, uint64_t address);

/* Of a tree in the making: tables is a struct paging. */
struct paging;
struct walk_dma walk_dma_paging(const struct paging *paging, int kind, uint64_t address);

#endif
