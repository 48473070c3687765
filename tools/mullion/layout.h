/*
 * Where everything lies: vcpu numbers, physical memory, and each partition's guest-physical map.
 *
 * The invariant: every physical page has one owner (the kernel, one partition) or is a declared
 * shared page, and nothing is placed outside the board's RAM or below 1 MiB. The same model always
 * gives the same layout. Guest-physical addresses follow abi.h.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mullion/abi.h>
#include <x86_tables.h>

#include "image.h"
#include "model.h"
#include "report.h"

/* The file of the build with what the lock service is told. */
#define LAYOUT_LOCKS_FILE "locks.bin"
/* With what an RDMA service is told, by the id of its partition. */
#define LAYOUT_RDMA_FILE "rdma-%s.bin"

/* The page from which secondary CPUs start in real mode: part of the kernel image. */
#define LAYOUT_TRAMPOLINE 0x8000ull
#define LAYOUT_LOWEST     0x100000ull

/* What the kernel's own sections may take beyond what system.c defines; the linker checks it. */
#define LAYOUT_RODATA_BYTES 0x40000ull
#define LAYOUT_DATA_BYTES   0x80000ull
#define LAYOUT_CPU_BYTES    0x4000ull
#define LAYOUT_VCPU_BYTES   0x4000ull
/* A partition's status and watchdog pages, and what the kernel keeps of it. */
#define LAYOUT_PARTITION_BYTES 0x3000ull

struct layout_vcpu {
	unsigned partition;
	unsigned index; /* within the partition */
	unsigned cpu;   /* index into layout.cpus */
};

/* Memory shared by partitions, outside the kernel's map: zeroed, or what a file of the build says. */
struct layout_block {
	const char *name; /* a C identifier: "console_nav", "channel_pose", "reader_pose" */
	struct range memory;
	struct location at; /* of the partition or channel it is for */
	const char *file;   /* of whole pages, that nobody may write; NULL: zeroed */
};

struct layout_region {
	struct mullion_region info; /* as the partition's info page tells it */
	const char *object;         /* lvalue in system.c, where the kernel uses the pages too */
	int block;                  /* index into layout.blocks, or -1 */
};

/* A PCI function, in the order of arch_system_tables.functions. */
struct layout_function {
	int number;     /* index into model.functions */
	const char *id; /* its name as a C identifier */
	/* Where its owner finds its BARs, by index; 0: no BAR there, or no owner. */
	uint32_t gpas[6];
	/* The pages that hold its MSI-X table; 0 bytes where it has none. */
	struct range table;
	uint32_t table_gpa; /* where its owner would find them */
};

/* A piece of a partition's image in its pristine copy. */
struct layout_copy {
	struct mullion_copy piece; /* as the kernel reads it */
	size_t segment;            /* of the image */
};

struct layout_partition {
	const char *id; /* its name as a C identifier */
	struct range memory;
	unsigned first_vcpu, vcpus;
	unsigned first_function, functions; /* of layout.functions */
	struct layout_region *regions;
	size_t regions_count;
	struct image image; /* empty where images are not looked at */
	/* All it may write, first what is its alone; and its image, as a restart copies it from
	 * `pristine`: pages that nobody else sees. */
	struct range pristine;
	struct mullion_span *spans;
	size_t spans_count, own_spans;
	struct layout_copy *copies;
	size_t copies_count;
};

struct layout {
	const struct model *model;
	unsigned *cpus; /* the image's CPUs: indexes into model.cpus */
	unsigned cpus_count;
	struct layout_vcpu *vcpus;
	unsigned vcpus_count;
	struct layout_partition *partitions; /* as in the model */
	struct layout_block *blocks;
	size_t blocks_count;
	unsigned areas; /* of RDMA clients */
	struct layout_function *functions; /* by owner, then bdf; those without owner last */
	size_t functions_count;
	uint64_t data_base, data_end; /* the kernel's read-write data */
	struct range journal;         /* of health events: no part of the image, never cleared */
	struct range *ram;            /* all that must be RAM, ascending, merged */
	size_t ram_count;
};

/*
 * images: what the partitions' images say, as in the model; NULL where they are not looked at. False
 * if something does not fit; then *wrong says what, in the user's words.
 */
bool layout_build(const struct model *model, const struct image *images, struct layout *layout,
	struct finding *wrong);
void layout_free(struct layout *layout);

/* The vcpu of `partition` on the image's CPU `cpu`; -1 if it has none there. */
int layout_vcpu_on(const struct layout *layout, unsigned partition, unsigned cpu);

/* The first framed CPU of the image, which tells the others about the node; -1: all are owned. */
int layout_timekeeper(const struct layout *layout);

/* The watchdog pages of the partitions before this one. */
unsigned layout_watchdogs(const struct layout *layout, size_t partitions);

/* A partition's memory in guest-physical order: at most two pieces, around the PC hole. */
struct layout_piece {
	uint64_t gpa, physical, bytes;
};
size_t layout_pieces(struct range memory, struct layout_piece pieces[2]);

/* Levels of the unit's translation tables. */
unsigned layout_iommu_levels(const struct model_iommu *iommu);

/* `name` with every character that C does not allow in an identifier replaced; never to be freed. */
const char *layout_identifier(const char *name);

#endif
