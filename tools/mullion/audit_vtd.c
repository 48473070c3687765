/*
 * Intel VT-d: root table, context tables, interrupt remapping table. Specification 3.3, 9.1, 9.3,
 * 9.10; the bits are written down here once more, on purpose.
 *
 * The invariant that is proved: every context entry is that of an owned function, translated by its
 * owner's tables, or blocked with its faults suppressed; every remapping entry that is present is
 * that of one granted message.
 */
#include "audit_devices.h"

#include <stdlib.h>

#include "allocate.h"

#define FRAME      0x000ffffffffff000ull
#define ENTRY      16u /* bytes, of all three tables */
#define ROOT_BYTES (AUDIT_BUSES * ENTRY)

/* Root entries, 9.1. */
#define ROOT_PRESENT 0x1ull

/* Context entries, 9.3. */
#define CONTEXT_PRESENT   0x1ull
#define CONTEXT_SILENT    0x2ull /* fault processing disable */
#define CONTEXT_TYPE      0xcull /* translation type: 0 is second-stage only */
#define CONTEXT_WIDTH     0x7ull
#define CONTEXT_DOMAIN(v) ((unsigned)((v) >> 8 & 0xffff))
#define CONTEXT_HIGH_USED 0xffff07ull

/* Remapping entries, 9.10. */
#define IRTE_PRESENT    0x1ull
#define IRTE_SILENT     0x2ull
#define IRTE_MODE       0x80fcull /* logical, redirected, level, delivery mode, posted */
#define IRTE_USED       0x0000ff0000ff0003ull
#define IRTE_VECTOR(v)  ((unsigned)((v) >> 16 & 0xff))
#define IRTE_APIC(v)    ((unsigned)((v) >> 40 & 0xff))
#define IRTE_SOURCE(v)  ((unsigned)((v)&0xffff))
#define IRTE_VERIFY     0xf0000ull /* source-id qualifier and validation type */
#define IRTE_VERIFY_ALL 0x40000ull /* all 16 bits are compared */
#define IRTE_HIGH_USED  0xfffffull

#define LEAST_REMAPPING 256u
#define MOST_REMAPPING  65536u

/* Two words, in all three tables. */
struct entry {
	uint64_t low, high;
};

struct context {
	struct audit *audit;
	const struct audit_unit *unit;
	unsigned bus;
	uint64_t address;
};

static void complain(const struct context *context, const char *rule, unsigned device,
	const struct entry *entry, const char *what)
{
	audit_find(context->audit, rule,
		"%s: the context entry of requester %s at %s, %#llx %#llx, %s", context->unit->name,
		audit_bdf(context->bus << 8 | device),
		audit_image_place(
			&context->audit->image, context->address + (uint64_t)device * ENTRY),
		(unsigned long long)entry->low, (unsigned long long)entry->high, what);
}

/* ---- Context entries ---- */

static void check_blocked(const struct context *context, unsigned device, const struct entry *entry)
{
	if (entry->low & CONTEXT_PRESENT)
		complain(context, "dma-entry", device, entry,
			"lets requests through that nobody owns");
	if (!(entry->low & CONTEXT_SILENT))
		complain(context, "dma-fault-log", device, entry,
			"blocks, and yet what it blocks could fill the fault log");
	if (!(entry->low & CONTEXT_PRESENT) && (entry->low & ~CONTEXT_SILENT || entry->high))
		complain(context, "dma-reserved", device, entry,
			"blocks, and yet has something else in it");
}

static void check_owned(const struct context *context, unsigned device, const struct entry *entry)
{
	if (!(entry->low & CONTEXT_PRESENT))
		complain(context, "dma-blocked", device, entry,
			"blocks a function that has an owner");
	if (entry->low & CONTEXT_SILENT)
		complain(context, "dma-fault-log", device, entry,
			"keeps the owner from being told of faults");
	if (entry->low & CONTEXT_TYPE)
		complain(context, "dma-translation", device, entry,
			"has a translation type that passes requests untranslated");
	if ((entry->high & CONTEXT_WIDTH) + 2 != context->unit->table->levels)
		complain(context, "dma-levels", device, entry,
			"has another address width than the tables have levels");
	if (entry->low & ~(FRAME | CONTEXT_PRESENT | CONTEXT_SILENT | CONTEXT_TYPE) ||
		entry->high & ~CONTEXT_HIGH_USED)
		complain(context, "dma-reserved", device, entry, "has reserved bits set");
}

static void take_pass(const struct context *context, unsigned device, const struct entry *entry)
{
	const uint16_t requester = (uint16_t)(context->bus << 8 | device);
	const bool translated = !(entry->low & CONTEXT_TYPE & 0x8ull);

	audit_take_pass(context->audit,
		(struct audit_pass){ .unit = context->unit,
			.requester = requester,
			.function = audit_requester(context->audit, context->unit, requester),
			.domain = CONTEXT_DOMAIN(entry->high),
			.at = context->address + (uint64_t)device * ENTRY },
		translated ? entry->low & FRAME : AUDIT_NONE,
		(unsigned)(entry->high & CONTEXT_WIDTH) + 2);
}

static void check_context(const struct context *context, const struct entry *table)
{
	unsigned device;

	for (device = 0; device < AUDIT_BUS; device++) {
		const struct audit_function *function =
			audit_requester(context->audit, context->unit, context->bus << 8 | device);

		if (audit_is_owned(function))
			check_owned(context, device, &table[device]);
		else
			check_blocked(context, device, &table[device]);
		if (table[device].low & CONTEXT_PRESENT)
			take_pass(context, device, &table[device]);
	}
}

/* ---- Buses ---- */

static bool has_functions(const struct audit *audit, const struct audit_unit *unit, unsigned bus)
{
	const struct audit_devices *devices = audit->devices;
	size_t f;

	for (f = 0; f < devices->functions_count; f++)
		if (devices->functions[f].table->iommu == unit->number &&
			devices->functions[f].table->requester >> 8 == (int)bus)
			return true;
	return false;
}

/* Quarantine writes the entries of functions; where there are none, one table may serve all. */
static void check_bus(
	struct audit *audit, const struct audit_unit *unit, unsigned bus, uint64_t address)
{
	const struct context context = { audit, unit, bus, address };
	const char *what = format("the context table of %s for bus %u", unit->name, bus);
	const void *table;

	if (has_functions(audit, unit, bus)) {
		audit_written(audit, address, AUDIT_PAGE, AUDIT_PAGE, what);
		table = address % 8 ? NULL : audit_image_at(&audit->image, address, AUDIT_PAGE);
		if (!table)
			audit_find(audit, "constant-data",
				"%s should lie at %#llx, and that is not what the file holds", what,
				(unsigned long long)address);
	} else {
		table = audit_constant(audit, address, AUDIT_PAGE, AUDIT_PAGE, what);
	}
	if (table)
		check_context(&context, table);
}

static void check_root(struct audit *audit, const struct audit_unit *unit, const struct entry *root)
{
	unsigned bus;

	for (bus = 0; bus < AUDIT_BUSES; bus++) {
		const char *place = audit_image_place(
			&audit->image, audit_address(unit->table->root) + bus * ENTRY);

		if (root[bus].high || root[bus].low & ~(FRAME | ROOT_PRESENT))
			audit_find(audit, "dma-reserved",
				"%s: the root entry of bus %u at %s has reserved bits set",
				unit->name, bus, place);
		if (root[bus].low & ROOT_PRESENT)
			check_bus(audit, unit, bus, root[bus].low & FRAME);
		else
			audit_find(audit, "dma-fault-log",
				"%s: bus %u has no context table (%s), so what is refused there "
				"could fill the fault log",
				unit->name, bus, place);
	}
}

static const struct entry *root_of(const struct audit *audit, const struct audit_unit *unit)
{
	const uint64_t root = audit_address(unit->table->root);

	return root % 8 ? NULL : audit_image_at(&audit->image, root, ROOT_BYTES);
}

uint64_t audit_vtd_place(
	const struct audit *audit, const struct audit_unit *unit, unsigned requester)
{
	const struct entry *root = root_of(audit, unit);

	if (!root || !(root[requester >> 8].low & ROOT_PRESENT))
		return AUDIT_NONE;
	return (root[requester >> 8].low & FRAME) + (uint64_t)(requester & 0xff) * ENTRY;
}

/* ---- Interrupt remapping ---- */

static const char *irte_trouble(const struct entry *entry)
{
	if (entry->low & IRTE_MODE)
		return "is not a fixed interrupt to one physical APIC id";
	if (entry->low & ~(IRTE_USED | IRTE_MODE) || entry->high & ~IRTE_HIGH_USED)
		return "has reserved or unused bits set";
	return NULL;
}

static void check_entry(struct audit *audit, const struct audit_unit *unit, unsigned index,
	const struct entry *entry, const struct audit_slot *slot)
{
	const bool verified = (entry->high & IRTE_VERIFY) == IRTE_VERIFY_ALL;

	audit_judge(audit, slot,
		&(struct audit_remap){ .unit = unit,
			.index = index,
			.requester = verified ? (int)IRTE_SOURCE(entry->high) : -1,
			.present = entry->low & IRTE_PRESENT,
			.silent = entry->low & IRTE_SILENT,
			.apic = IRTE_APIC(entry->low),
			.vector = IRTE_VECTOR(entry->low),
			.wrong = irte_trouble(entry),
			.at = audit_address(unit->table->remapping) + (uint64_t)index * ENTRY,
			.value = entry->low | entry->high });
}

static void check_remapping(struct audit *audit, const struct audit_unit *unit)
{
	const unsigned count = unit->table->remapping_entries;
	const struct entry *table = NULL;
	struct audit_slot *slots;
	unsigned i;

	if (count < LEAST_REMAPPING || count > MOST_REMAPPING || count & (count - 1))
		audit_find(audit, "unit-record",
			"%s is told of %u remapping entries, which is no power of two from 256 to "
			"65536",
			unit->name, count);
	else
		table = audit_constant(audit, audit_address(unit->table->remapping),
			(uint64_t)count * ENTRY, AUDIT_PAGE,
			format("the remapping table of %s", unit->name));
	if (!table)
		return;
	if (audit_image_room(&audit->image, audit_address(unit->table->remapping)) <
		(uint64_t)count * ENTRY)
		audit_find(audit, "unit-record",
			"%s is told of %u remapping entries, and the object that they lie in has "
			"fewer",
			unit->name, count);
	slots = audit_slots(audit, unit, -1, count);
	for (i = 0; i < count; i++)
		check_entry(audit, unit, i, &table[i], &slots[i]);
	free(slots);
}

void audit_vtd(struct audit *audit, const struct audit_unit *unit)
{
	const void *root = audit_constant(audit, audit_address(unit->table->root), ROOT_BYTES,
		AUDIT_PAGE, format("the root table of %s", unit->name));

	if (unit->table->root_bytes != ROOT_BYTES)
		audit_find(audit, "unit-record", "%s is told of a root table of %u bytes",
			unit->name, unit->table->root_bytes);
	if (root)
		check_root(audit, unit, root);
	check_remapping(audit, unit);
}
