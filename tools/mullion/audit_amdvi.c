/*
 * AMD-Vi: the device table, and the interrupt remapping table of each function. AMD I/O
 * virtualization specification 3.05, 2.2.2.1 and 2.2.5.1; the bits are written down here once
 * more, on purpose.
 *
 * The invariant that is proved: every entry is valid (one that is not lets everything through) and
 * that of an owned function, translated by its owner's tables, or blocked in silence; messages are
 * remapped or refused, never passed on, and neither are INIT, NMI or the legacy lines.
 */
#include "audit_devices.h"

#include <stdlib.h>

#include "allocate.h"

#define FRAME      0x000ffffffffff000ull
#define ENTRY      32u
#define MOST_BYTES (65536u * ENTRY)

/* Words of an entry, in the specification's order of bits. */
#define DTE0_VALID     0x1ull
#define DTE0_TRANSLATE 0x2ull
#define DTE0_MODE(v)   ((unsigned)((v) >> 9 & 7))
#define DTE0_MODE_BITS 0xe00ull
#define DTE0_RIGHTS    (3ull << 61)
#define DTE1_DOMAIN    0xffffull
#define DTE1_SILENT    (3ull << 33) /* SE and SA: page faults are not logged */
#define DTE2_VALID     0x1ull
#define DTE2_LENGTH(v) ((unsigned)((v) >> 1 & 15))
#define DTE2_TABLE     0x000fffffffffffc0ull
#define DTE2_LEGACY    (7ull << 56 | 3ull << 62) /* INIT, ExtInt, NMI, LINT0, LINT1 pass */
#define DTE2_CONTROL   (3ull << 60)              /* 0: refused, 1: passed on, 2: remapped */
#define DTE2_REMAP     (2ull << 60)
#define DTE2_USED      (0x1full | DTE2_TABLE | DTE2_LEGACY | DTE2_CONTROL)
#define TABLE_ALIGNED  128u
#define LEAST_LENGTH   9u /* what a forged message can select, it finds absent */
#define MOST_LENGTH    11u

/* Remapping entries. */
#define IRTE_PRESENT   0x1u
#define IRTE_SILENT    0x2u
#define IRTE_MODE      0xfcu /* delivery mode, end of interrupt, logical, guest */
#define IRTE_USED      0x00ffffffu
#define IRTE_APIC(v)   ((v) >> 8 & 0xff)
#define IRTE_VECTOR(v) ((v) >> 16 & 0xff)

struct device {
	struct audit *audit;
	const struct audit_unit *unit;
	unsigned requester;
	uint64_t at;
	const uint64_t *entry; /* four words */
};

static void complain(const struct device *device, const char *rule, unsigned word, const char *what)
{
	audit_find(device->audit, rule, "%s: word %u of the entry of requester %s at %s, %#llx, %s",
		device->unit->name, word, audit_bdf(device->requester),
		audit_image_place(&device->audit->image, device->at),
		(unsigned long long)device->entry[word], what);
}

/* ---- Requests ---- */

static void check_blocked(const struct device *device)
{
	const uint64_t *entry = device->entry;

	if ((entry[0] & (DTE0_VALID | DTE0_TRANSLATE)) != (DTE0_VALID | DTE0_TRANSLATE))
		complain(device, "dma-entry", 0, "is not valid, which lets every request through");
	if (entry[0] & (DTE0_RIGHTS | DTE0_MODE_BITS))
		complain(device, "dma-entry", 0, "lets requests through that nobody owns");
	if (entry[0] & ~(DTE0_VALID | DTE0_TRANSLATE | DTE0_RIGHTS | DTE0_MODE_BITS) ||
		entry[1] & ~DTE1_SILENT || entry[3])
		complain(device, "dma-reserved", 0, "blocks, and yet has something else in it");
	if ((entry[1] & DTE1_SILENT) != DTE1_SILENT)
		complain(device, "dma-fault-log", 1,
			"blocks, and yet what it blocks could fill the event log");
}

static void check_owned(const struct device *device)
{
	const uint64_t *entry = device->entry;

	if ((entry[0] & (DTE0_VALID | DTE0_TRANSLATE)) != (DTE0_VALID | DTE0_TRANSLATE))
		complain(device, "dma-entry", 0, "is not valid, which lets every request through");
	if (DTE0_MODE(entry[0]) != device->unit->table->levels)
		complain(device, "dma-levels", 0,
			DTE0_MODE(entry[0]) ? "has another number of levels than the tables"
					    : "has no levels: requests pass untranslated");
	if ((entry[0] & DTE0_RIGHTS) != DTE0_RIGHTS)
		complain(device, "dma-blocked", 0, "takes rights away from a function's owner");
	if (entry[1] & DTE1_SILENT)
		complain(device, "dma-fault-log", 1, "keeps the owner from being told of faults");
	if (entry[0] & ~(FRAME | DTE0_VALID | DTE0_TRANSLATE | DTE0_RIGHTS | DTE0_MODE_BITS) ||
		entry[1] & ~(DTE1_DOMAIN | DTE1_SILENT) || entry[3])
		complain(device, "dma-reserved", 0, "has reserved or unused bits set");
}

/* Without levels the address is not translated, and the rights alone decide. */
static void take_pass(const struct device *device, const struct audit_function *function)
{
	const uint64_t word = device->entry[0];
	const bool open = !(word & DTE0_VALID) || !(word & DTE0_TRANSLATE);
	const bool translated = !open && DTE0_MODE(word);

	if (!open && !(word & DTE0_RIGHTS))
		return;
	audit_take_pass(device->audit,
		(struct audit_pass){ .unit = device->unit,
			.requester = (uint16_t)device->requester,
			.function = function,
			.domain = (unsigned)(device->entry[1] & DTE1_DOMAIN),
			.at = device->at },
		translated ? word & FRAME : AUDIT_NONE, DTE0_MODE(word));
}

/* ---- Messages ---- */

static const char *irte_trouble(uint32_t entry)
{
	if (entry & IRTE_MODE)
		return "is not a fixed interrupt to one physical APIC id";
	return entry & ~IRTE_USED ? "has reserved bits set" : NULL;
}

static void check_entry(const struct device *device, unsigned index, uint64_t at, uint32_t entry,
	const struct audit_slot *slot)
{
	audit_judge(device->audit, slot,
		&(struct audit_remap){ .unit = device->unit,
			.index = index,
			.requester = (int)device->requester,
			.present = entry & IRTE_PRESENT,
			.silent = entry & IRTE_SILENT,
			.apic = IRTE_APIC(entry),
			.vector = IRTE_VECTOR(entry),
			.wrong = irte_trouble(entry & ~(IRTE_PRESENT | IRTE_SILENT)),
			.at = at,
			.value = entry });
}

static void check_table(const struct device *device, unsigned entries)
{
	const uint64_t address = device->entry[2] & DTE2_TABLE;
	const char *what =
		format("the remapping table of requester %s", audit_bdf(device->requester));
	const uint32_t *table = entries ? audit_constant(device->audit, address,
						  entries * sizeof(*table), TABLE_ALIGNED, what)
					: NULL;
	struct audit_slot *slots =
		audit_slots(device->audit, device->unit, (int)device->requester, entries);
	unsigned i;

	for (i = 0; table && i < entries; i++)
		check_entry(device, i, address + i * sizeof(*table), table[i], &slots[i]);
	free(slots);
}

/* QEMU's unit does not look at the length: what lies behind a short table would be used, too. */
static void check_length(const struct device *device)
{
	const uint64_t word = device->entry[2];
	const unsigned length = DTE2_LENGTH(word);
	const uint64_t room = audit_image_room(&device->audit->image, word & DTE2_TABLE);

	if (length < LEAST_LENGTH || length > MOST_LENGTH)
		complain(device, "interrupt-length", 2,
			"has a table with fewer than 512 or more than 2048 entries");
	else if (room < sizeof(uint32_t) << length)
		complain(device, "interrupt-length", 2,
			"has a table longer than the object that it lies in");
}

static void check_interrupts(const struct device *device)
{
	const uint64_t word = device->entry[2];
	const bool remapped = (word & DTE2_CONTROL) == DTE2_REMAP;

	if (!(word & DTE2_VALID))
		complain(device, "interrupt-entry", 2,
			"is not valid, which lets every interrupt through");
	if (word & DTE2_CONTROL && !remapped)
		complain(device, "interrupt-entry", 2, "passes interrupts on as they come");
	if (word & DTE2_LEGACY)
		complain(device, "interrupt-pass", 2,
			"passes INIT, NMI, external or legacy interrupts on");
	if (word & ~DTE2_USED || (!remapped && word & (DTE2_TABLE | 0x1eull)))
		complain(device, "interrupt-reserved", 2, "has reserved or unused bits set");
	if (remapped)
		check_length(device);
	if (!remapped || DTE2_LENGTH(word) <= MOST_LENGTH)
		check_table(device, remapped ? 1u << DTE2_LENGTH(word) : 0);
}

/* ---- The device table ---- */

static void check_device(const struct device *device)
{
	const struct audit_function *function =
		audit_requester(device->audit, device->unit, device->requester);

	if (audit_is_owned(function))
		check_owned(device);
	else
		check_blocked(device);
	take_pass(device, function);
	check_interrupts(device);
}

uint64_t audit_amdvi_place(const struct audit_unit *unit, unsigned requester)
{
	return (uint64_t)requester * ENTRY < unit->table->root_bytes
		       ? audit_address(unit->table->root) + (uint64_t)requester * ENTRY
		       : AUDIT_NONE;
}

void audit_amdvi(struct audit *audit, const struct audit_unit *unit)
{
	const uint64_t root = audit_address(unit->table->root), bytes = unit->table->root_bytes;
	const uint64_t *words = root % 8 ? NULL : audit_image_at(&audit->image, root, bytes);
	const char *what = format("the device table of %s", unit->name);
	unsigned requester;

	if (!bytes || bytes % AUDIT_PAGE || bytes > MOST_BYTES || unit->table->remapping ||
		unit->table->remapping_entries || unit->table->levels != 4)
		audit_find(audit, "unit-record",
			"%s is told of a device table of %llu bytes, %u levels and %u remapping "
			"entries",
			unit->name, (unsigned long long)bytes, unit->table->levels,
			unit->table->remapping_entries);
	audit_written(audit, root, bytes, AUDIT_PAGE, what);
	if (!words)
		audit_find(audit, "constant-data",
			"%s should lie at %#llx, and that is not what the file holds", what,
			(unsigned long long)root);
	for (requester = 0; words && requester < bytes / ENTRY; requester++)
		check_device(&(struct device){ audit, unit, requester, root + requester * ENTRY,
			words + 4ull * requester });
}
