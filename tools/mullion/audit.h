/*
 * An audit reads a finished image and nothing else, and says what its tables allow.
 *
 * The invariant: nothing here knows how the image was made. What it shares with the compiler are
 * the formats (abi.h, tables.h, x86_tables.h, ELF) and the printing of findings. A table counts
 * only where it lies in constant data of the image: what cannot be read is a finding, not a guess.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mullion/abi.h>
#include <mullion/tables.h>
#include <x86_tables.h>

#include "model.h"
#include "report.h"

#define AUDIT_PAGE 0x1000ull
#define AUDIT_NONE UINT64_MAX

/* Where the kernel's own map differs from "identity, from KERNEL_TEXT to data_end". */
#define AUDIT_TRAMPOLINE    0x8000ull /* page on which secondary CPUs start in real mode */
#define AUDIT_APIC_PHYSICAL 0xfee00000ull

/* ---- The file (audit_image.c) ---- */

struct audit_segment {
	uint64_t base, bytes, file_bytes;
	const uint8_t *data; /* file_bytes of it; the loader zeroes the rest */
	uint32_t flags;      /* PF_R, PF_W, PF_X */
};

struct audit_symbol {
	uint64_t address, bytes;
	const char *name;
};

struct audit_image {
	uint8_t *file;
	size_t file_bytes;
	uint64_t entry;
	struct audit_segment *segments; /* ascending */
	size_t segments_count;
	struct audit_symbol *symbols; /* ascending */
	size_t symbols_count;
};

/* NULL, or what is wrong with the file. The image keeps what was read until audit_image_free. */
const char *audit_image_read(struct audit_image *image, const char *path);
const char *audit_image_parse(struct audit_image *image); /* file and file_bytes are filled in */
void audit_image_free(struct audit_image *image);

/* Bytes that come from the file, in one segment; NULL if they do not. */
const void *audit_image_at(const struct audit_image *image, uint64_t address, uint64_t bytes);
const struct audit_segment *audit_image_segment(const struct audit_image *image, uint64_t address);
uint64_t audit_image_symbol(const struct audit_image *image, const char *name);
/* Bytes from here to the end of the object, by its symbol; 0: in none. */
uint64_t audit_image_room(const struct audit_image *image, uint64_t address);

/* Text from an image as it may be printed: at most `most` characters, odd ones as `?`. */
const char *audit_image_text(const char *text, size_t most);

/* "stage2_nav+0x1060 (0x41e060)", or the number alone. */
const char *audit_image_place(const struct audit_image *image, uint64_t address);

/* ---- Maps (audit_walk.c, audit_match.c) ---- */

enum audit_right {
	AUDIT_READ = 1,
	AUDIT_WRITE = 2,
	AUDIT_EXECUTE = 4,
	AUDIT_UNCACHED = 8, /* PCD and PWT: a device */
};

/* Consecutive pages with the same rights: what the walk of all levels allows. */
struct audit_mapping {
	uint64_t virtual, physical, bytes;
	unsigned rights;
};

enum audit_map_kind { AUDIT_STAGE2, AUDIT_KERNEL, AUDIT_PEEK, AUDIT_DMA, AUDIT_RESTORE };

struct audit_map {
	enum audit_map_kind kind;
	const char *who; /* "partition nav", "the kernel" */
	uint64_t root;
	unsigned iommu_kind, levels; /* of AUDIT_DMA: enum x86_iommu_kind; 3 or 4 */
	struct audit_mapping *items; /* ascending by `virtual` */
	size_t count, room;
};

/* What a map is meant to hold. rights 0: nothing may be mapped here. */
struct audit_expected {
	uint64_t virtual, bytes;
	uint64_t physical; /* AUDIT_NONE: unknown, because it is not mapped */
	unsigned rights;
	unsigned kind; /* enum audit_object, or a region's kind */
	unsigned key;  /* which one of its kind */
	const char *what;
};

enum audit_object {
	AUDIT_MEMORY = 0x100,
	AUDIT_INFO,
	AUDIT_START,
	AUDIT_BAR,       /* registers of one of its functions */
	AUDIT_BAR_TABLE, /* a page with its messages, kept from it */
	AUDIT_SURPLUS
};

/* One stretch of physical memory that a partition reaches. */
struct audit_claim {
	unsigned partition;
	struct audit_mapping at;
	unsigned kind, key; /* of the expected object; AUDIT_SURPLUS */
	uint64_t offset;    /* into the object */
	const char *what;
};

/* ---- The whole ---- */

struct audit_partition {
	const char *name;
	const struct mullion_partition *table;
	const struct arch_vcpu_tables
		*arch; /* of its first vcpu; the others are compared with it */
	struct audit_map stage2, peek, restore;
	uint64_t memory_base;
	const struct mullion_info *info; /* NULL: it could not be read */
	struct audit_expected *expected; /* ascending by `virtual` */
	size_t expected_count;
	const uint8_t *io_bitmap, *msr_bitmap; /* NULL: could not be read */
	const struct mullion_span *writable;   /* NULL: could not be read */
	const struct mullion_copy *image;      /* NULL: it has none, or it could not be read */
	struct range pristine; /* whole pages around the pieces of its image; 0 bytes: none */
};

struct audit_table {
	uint64_t address;
	const struct audit_map *map;
};

struct audit {
	const char *path;
	struct audit_image image;
	struct arena arena;
	struct report report;
	size_t rule_counts[64];
	const char *rule_names[64];

	const struct mullion_system *system;
	const char *name, *board;
	const struct mullion_cpu *cpus;
	const struct mullion_vcpu *vcpus;
	const struct mullion_channel *channels;    /* NULL: there are none */
	const struct arch_vcpu_tables **vcpu_arch; /* by vcpu */
	const struct mullion_ram *ram;
	const struct arch_system_tables *arch;
	struct audit_partition *partitions;

	struct audit_map kernel;
	struct audit_table *tables; /* all tables of all maps, ascending */
	size_t tables_count, tables_room;
	struct audit_claim *claims; /* ascending by physical address, of audit_memory */
	size_t claims_count;
	struct audit_devices *devices; /* audit_devices.h */
};

/* A finding about the image: sentence by printf; the repair follows after a semicolon. */
void audit_find(struct audit *audit, const char *rule, const char *pattern, ...)
	__attribute__((format(printf, 3, 4)));

/* Constant data: aligned, of the file, in a segment that is not writable. NULL after a finding. */
const void *audit_constant(struct audit *audit, uint64_t address, uint64_t bytes,
	uint64_t alignment, const char *what);
const char *audit_string(struct audit *audit, const char *address, const char *what);
/* Every byte from `data` up to `end` is: what the ABI leaves unused has to be. */
bool audit_is_zero(const void *data, const void *end);
static inline uint64_t audit_address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer; /* a pointer in a table is an address in the image */
}

/* Walks every level. `kernel` of a peek or restore map: entries equal to its root's are the kernel's. */
void audit_walk(struct audit *audit, struct audit_map *map, const struct audit_map *kernel);
/* The table pages are remembered. False after a finding: this one was reached before. */
bool audit_take_table(
	struct audit *audit, const struct audit_map *map, uint64_t address, uint64_t from);
void audit_map_append(struct audit_map *map, struct audit_mapping item);
/* True if `page` is a table that was walked. */
bool audit_is_table(const struct audit *audit, uint64_t page);
/* AUDIT_NONE: not mapped. */
uint64_t audit_physical(const struct audit_map *map, uint64_t address);
/* Where the entry lies that decides about `address`; root: physical address of the tree. */
uint64_t audit_entry(const struct audit *audit, uint64_t root, uint64_t address);
/* The same for the tables of an IOMMU. */
void audit_dma_walk(struct audit *audit, struct audit_map *map);
uint64_t audit_dma_entry(const struct audit *audit, const struct audit_map *map, uint64_t address);
const char *audit_rights(unsigned rights);

/*
 * Compares a map with what it is meant to hold (ascending, disjoint), and appends to *claims, where
 * asked for, every stretch that is mapped.
 */
struct audit_claims {
	struct audit_claim *items;
	size_t count, room;
	unsigned partition;
};
void audit_match(struct audit *audit, const struct audit_map *map,
	const struct audit_expected *expected, size_t count, struct audit_claims *claims);

/* "the memory of partition nav", "kernel text at trap (0x200d40)", "no RAM of this image". */
const char *audit_physical_name(const struct audit *audit, uint64_t physical);

/* The proofs, in this order. audit_open: false if there is nothing to go on with. */
bool audit_open(struct audit *audit, const char *path);
void audit_expect(struct audit *audit); /* walks all maps; says what they are meant to hold */
void audit_kernel(struct audit *audit);
void audit_memory(struct audit *audit);
void audit_permissions(struct audit *audit);
void audit_cpuid(struct audit *audit);
void audit_time(struct audit *audit);
void audit_devices(struct audit *audit);
void audit_restore(struct audit *audit);
void audit_lifecycle(struct audit *audit);
void audit_locks(struct audit *audit);
void audit_rdma(struct audit *audit);
void audit_description(struct audit *audit, const struct model *model);
void audit_wanted_lifecycle(struct audit *audit, const struct model *model);
void audit_wanted_locks(struct audit *audit, const struct model *model);
void audit_wanted_rdma(struct audit *audit, const struct model *model);
void audit_close(struct audit *audit);

/* audit_restore.c: the lists of a partition's record, before anything is walked. */
void audit_restore_open(struct audit *audit, struct audit_partition *partition);
/* What the node page says of the node is what the tables say. */
void audit_node(struct audit *audit);
/* Every map that holds some of [base, base + bytes): a finding, but for `mine` at `address`. */
void audit_unreached(struct audit *audit, struct range range, const char *what,
	const struct audit_map *mine, uint64_t address);

/* Where the part of a partition that has this kind and key is meant to lie; NULL: nowhere. */
const struct audit_expected *audit_find_expected(
	const struct audit_partition *partition, unsigned kind, unsigned key);
/* Pages that only the kernel writes. */
static inline bool audit_is_kernels(unsigned kind)
{
	return kind == MULLION_REGION_TIME || kind == MULLION_REGION_LOG ||
	       kind == MULLION_REGION_TRACE || kind == MULLION_REGION_STATUS ||
	       kind == MULLION_REGION_NODE || kind == MULLION_REGION_JOURNAL;
}
/* Constants of services, that nobody writes. */
static inline bool audit_is_told(unsigned kind)
{
	return kind == MULLION_REGION_LOCKS || kind == MULLION_REGION_RDMA;
}
/* Pages of channels between others, which control looks at. */
static inline bool audit_is_sight(unsigned kind)
{
	return kind == MULLION_REGION_CHANNEL || kind == MULLION_REGION_CHANNEL_READER;
}
/* At least so long, and not a tick longer. */
bool audit_is_at_least(struct fraction hz, uint64_t ticks, uint64_t ns);

/* A partition's memory in guest-physical order, around the hole: one piece or two. */
size_t audit_pieces(uint64_t memory_bytes, struct range pieces[2]);
/* The command line in a partition's start page, within the page; NULL if there is none. */
const char *audit_command_line(const struct audit *audit, const struct audit_partition *partition);
/* What a region is, in words: "the console of nav". */
const char *audit_region_name(const struct audit *audit, const struct mullion_region *region);

/* Permission maps: a clear bit grants. */
bool audit_port_open(const uint8_t *bitmap, uint32_t port);
enum { AUDIT_MSRS = 3 * 0x2000 };
uint32_t audit_msr(uint32_t number); /* of 0 .. AUDIT_MSRS - 1 */
bool audit_msr_open(const uint8_t *bitmap, uint32_t number, bool write);

/* Nobody has so much zeroed memory in one segment; hashing it would take for ever. */
#define AUDIT_LARGEST_SEGMENT (1ull << 30)
/* "aa55...": SHA-256 of what the loader leaves in memory; bytes beyond the file count as zeros. */
const char *audit_hash(const struct audit_segment *segment);

void audit_print(FILE *out, const struct audit *audit);
void audit_print_json(FILE *out, struct audit *audit);

#endif
