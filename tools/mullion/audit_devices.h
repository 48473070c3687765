/*
 * The audit's view of devices: PCI functions, the units that confine them, and what they let pass.
 *
 * The invariant: what is listed as found was read from the hardware's tables (root, context and
 * device tables, translation trees, remapping entries), never from what the kernel was told about
 * them; the proofs compare the two.
 */
#ifndef AUDIT_DEVICES_H
#define AUDIT_DEVICES_H

#include "audit.h"

#define AUDIT_REGISTERS 64u /* doublewords of configuration space */
#define AUDIT_BUSES     256u
#define AUDIT_BUS       256u /* requesters of one */

/* Bytes of a unit's registers: VT-d 3.3, 11.4; AMD I/O virtualization 3.05, 3.4. */
#define AUDIT_VTD_BYTES   0x1000ull
#define AUDIT_AMDVI_BYTES 0x4000ull

struct audit_unit {
	const char *name;
	const struct x86_iommu *table;
	unsigned number;
	uint64_t registers_bytes;
	uint8_t interrupts; /* the keeper, as the byte lies there: a bool of C has two values */
};

struct audit_function {
	const char *name;
	const struct x86_function *table;
	unsigned number;
	const struct x86_config_register *registers; /* NULL: no owner, or not readable */
	const struct x86_bar *bars;
	size_t bars_count;
	const struct x86_message *messages; /* NULL: none is granted, or not readable */
};

/* A translation tree that some requester uses. */
struct audit_tree {
	struct audit_map map;
	int partition; /* the owner of what uses it, or -1 */
};

/* An entry that lets requests of one requester pass. */
struct audit_pass {
	const struct audit_unit *unit;
	uint16_t requester;
	const struct audit_function *function; /* NULL: the image lists none */
	struct audit_tree *tree;               /* NULL: untranslated, everything */
	unsigned domain;
	uint64_t at;
};

/* A remapping entry that is present. */
struct audit_vector {
	const struct audit_unit *unit;
	unsigned index;
	int requester; /* whose messages it takes; -1: anybody's */
	const struct audit_function *function;
	int message; /* of the function, -1: none leads there */
	unsigned apic, vector;
	uint64_t at;
};

/* A stretch of physical addresses where device registers answer. */
struct audit_range {
	uint64_t base, bytes;
	const char *rule; /* broken by who reaches it and may not */
	const char *what;
	int partition; /* who may reach it, or -1 */
	bool table;    /* the messages in a BAR, which are part of it */
};

/* Something that the kernel or an IOMMU writes. */
struct audit_storage {
	uint64_t base, bytes;
	const char *what;
};

/* A remapping entry, whoever's format it has. */
struct audit_remap {
	const struct audit_unit *unit;
	unsigned index;
	int requester;        /* whose messages it takes; -1: anybody's */
	bool present, silent; /* silent: what it refuses is not reported */
	unsigned apic, vector;
	const char *wrong; /* NULL, or what no entry of Mullion has */
	uint64_t at, value;
};

/* The message that leads to an entry, and how many do. */
struct audit_slot {
	const struct audit_function *function;
	int message;
	unsigned count;
};

struct audit_devices {
	struct audit_unit *units;
	size_t units_count;
	struct audit_function *functions;
	size_t functions_count;
	struct audit_tree **trees;
	size_t trees_count, trees_room;
	struct audit_pass *passes;
	size_t passes_count, passes_room;
	struct audit_vector *vectors;
	size_t vectors_count, vectors_room;
	struct audit_range *ranges;
	size_t ranges_count, ranges_room;
	struct audit_storage *objects;
	size_t objects_count, objects_room;
};

/* "00:05.0" */
const char *audit_bdf(unsigned bdf);
/* "nvme@28 (00:05.0, of store)" */
const char *audit_function_name(const struct audit *audit, const struct audit_function *function);
/* The first function whose requests bear this id at this unit, or NULL. */
const struct audit_function *audit_requester(
	const struct audit *audit, const struct audit_unit *unit, unsigned requester);
/* Does the entry let requests of this function through? NULL: of none that is listed? */
static inline bool audit_lets(const struct audit_pass *pass, const struct audit_function *function)
{
	if (!function || !pass->function)
		return !function && !pass->function;
	return pass->requester == function->table->requester &&
	       pass->unit->number == function->table->iommu;
}
static inline bool audit_is_owned(const struct audit_function *function)
{
	return function && function->table->partition != X86_NO_PARTITION;
}
/*
 * Something that is written while the image runs: findings unless it is aligned, in the kernel's
 * data and in no stack, lies apart from all others of its sort, and no partition reaches it.
 */
void audit_written(struct audit *audit, uint64_t address, uint64_t bytes, uint64_t alignment,
	const char *what);

/* audit_function.c: false if the lists cannot be followed. */
bool audit_devices_open(struct audit *audit);
void audit_devices_close(struct audit *audit);
void audit_functions(struct audit *audit);

/* audit_bar.c: what stage 2 and the kernel's map hold beside memory. */
void audit_ranges(struct audit *audit);
size_t audit_bars_count(const struct audit *audit, unsigned p);
size_t audit_bars_expect(const struct audit *audit, unsigned p, struct audit_expected *list);
size_t audit_devices_map(struct audit *audit, struct audit_expected *list);
const char *audit_range_name(const struct audit *audit, uint64_t physical);
void audit_bars(struct audit *audit);

/* audit_vtd.c, audit_amdvi.c: what a unit lets pass; findings where it is no owner's. */
void audit_vtd(struct audit *audit, const struct audit_unit *unit);
void audit_amdvi(struct audit *audit, const struct audit_unit *unit);
/* Where the entry lies that lets a requester through; AUDIT_NONE: nowhere. */
uint64_t audit_vtd_place(
	const struct audit *audit, const struct audit_unit *unit, unsigned requester);
uint64_t audit_amdvi_place(const struct audit_unit *unit, unsigned requester);

/* audit_pass.c: notes what lets requests through, and judges it by who owns the function. */
void audit_take_pass(struct audit *audit, struct audit_pass pass, uint64_t root, unsigned levels);
void audit_pass_close(struct audit *audit);
void audit_passes(struct audit *audit);

/* audit_message.c */
void audit_messages(struct audit *audit);
/* Which messages lead to a table's entries; requester -1: of the whole unit. Free it. */
struct audit_slot *audit_slots(
	struct audit *audit, const struct audit_unit *unit, int requester, unsigned entries);
void audit_judge(
	struct audit *audit, const struct audit_slot *slot, const struct audit_remap *remap);

void audit_config(struct audit *audit, const struct audit_function *function);
void audit_devices_description(struct audit *audit, const struct model *model);
void audit_devices_frame(
	struct audit *audit, const struct audit_claim *claim, const struct model *model);

void audit_print_row(FILE *out, const char *what, const struct audit_mapping *at, const char *name);
void audit_print_functions(FILE *out, const struct audit *audit, int partition);
void audit_print_units(FILE *out, const struct audit *audit);
struct json_t;
struct json_t *audit_json_mapping(const struct audit_mapping *at, const char *address_name);
struct json_t *audit_json_functions(const struct audit *audit, int partition);
struct json_t *audit_json_units(const struct audit *audit);

#endif
