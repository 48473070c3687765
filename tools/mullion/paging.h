/*
 * A page-table tree as data, a processor's or an IOMMU's: what maps where, with the largest pages
 * that fit.
 *
 * The invariant: an address is mapped at most once, and only where paging_map() put it. Entries are
 * numbers, or refer to a table of the tree or to an object of system.c, whose address only the
 * linker knows. AMD APM 2, 5.3 (long mode); nested tables use the same format (15.25.5). Intel VT-d
 * 3.3, 9.8; AMD I/O virtualization 3.05, 2.2.3: tables of 512 entries for nine bits each, as well.
 */
#ifndef PAGING_H
#define PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGING_ENTRIES 512u
#define PAGING_4K      0x1000ull
#define PAGING_2M      0x200000ull
#define PAGING_1G      0x40000000ull

struct paging_entry {
	uint64_t value;     /* flags, and the frame unless `table` or `object` say where it is */
	const char *object; /* C lvalue of a page-aligned object: its address plus `value` */
	size_t table;       /* number of the next table in this tree; 0: none, as 0 is the root */
};

struct paging_table {
	struct paging_entry entries[PAGING_ENTRIES];
};

/* What the formats differ in. */
struct paging_format {
	unsigned levels;      /* of tables: 3 or 4 */
	uint64_t table_flags; /* of every entry that refers to a table of this tree */
	uint64_t level_flag;  /* added to it once for each level the table refers down */
	uint64_t large_flag;  /* of an entry that maps more than 4 KiB */
};

struct paging {
	struct paging_table **tables; /* tables[0] is the root: a processor's PML4 */
	size_t count;
	struct paging_format format;
	uint64_t largest_page; /* PAGING_1G, PAGING_2M or PAGING_4K */
};

struct paging_mapping {
	uint64_t virtual;  /* guest-physical in a nested tree */
	uint64_t physical; /* with `object`: offset into it, a multiple of 4 KiB */
	uint64_t bytes;
	uint64_t flags;
	const char *object;
};

/* A processor's tree: four levels. */
void paging_init(struct paging *paging, uint64_t table_flags, uint64_t largest_page);

/* An IOMMU's tree; kind: enum x86_iommu_kind. */
void paging_init_dma(struct paging *paging, int kind, unsigned levels);
void paging_free(struct paging *paging);

/*
 * False, with the tree half-changed, if anything is unaligned or beyond what the levels reach, or a
 * page is mapped already.
 */
bool paging_map(struct paging *paging, const struct paging_mapping *mapping);

/* Bytes of all tables. */
uint64_t paging_bytes(const struct paging *paging);

#endif
