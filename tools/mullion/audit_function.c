/*
 * Opens the lists of PCI functions and IOMMUs, and proves what they say about each other.
 *
 * The invariant: after audit_devices_open has returned true, every index in them is in its range.
 * What is proved: each function is listed once, its owner's run of functions holds it, its pages of
 * configuration space are those of its bus, device and function, and faults are looked for.
 */
#include "audit_devices.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

#define MOST          1024u
#define MOST_BARS     6u
#define MOST_MESSAGES 2048u

const char *audit_bdf(unsigned bdf)
{
	return format("%02x:%02x.%u", bdf >> 8, bdf >> 3 & 31, bdf & 7);
}

const char *audit_function_name(const struct audit *audit, const struct audit_function *function)
{
	const struct x86_function *table = function->table;

	return format("%s (%s, %s%s)", function->name, audit_bdf(table->bdf),
		audit_is_owned(function) ? "of " : "of nobody",
		audit_is_owned(function) ? audit->partitions[table->partition].name : "");
}

const struct audit_function *audit_requester(
	const struct audit *audit, const struct audit_unit *unit, unsigned requester)
{
	const struct audit_devices *devices = audit->devices;
	size_t f;

	for (f = 0; f < devices->functions_count; f++)
		if (devices->functions[f].table->requester == requester &&
			devices->functions[f].table->iommu == unit->number)
			return &devices->functions[f];
	return NULL;
}

/* ---- Opening ---- */

static bool refuse(struct audit *audit, const char *what)
{
	audit_find(audit, "system-index", "%s", what);
	return false;
}

static bool open_unit(struct audit *audit, const struct x86_iommu *table, unsigned number)
{
	struct audit_unit *unit = &audit->devices->units[number];

	*unit = (struct audit_unit){ .table = table, .number = number };
	unit->name = audit_string(audit, table->name, format("the name of IOMMU %u", number));
	memcpy(&unit->interrupts, &table->interrupts, sizeof(unit->interrupts));
	unit->registers_bytes = table->kind == X86_IOMMU_VTD ? AUDIT_VTD_BYTES : AUDIT_AMDVI_BYTES;
	if (table->kind != X86_IOMMU_VTD && table->kind != X86_IOMMU_AMDVI)
		return refuse(audit, format("%s is of a kind that does not exist", unit->name));
	if (table->levels != 3 && table->levels != 4)
		return refuse(audit, format("%s has tables of %u levels, and there are 3 or 4",
					     unit->name, table->levels));
	return true;
}

static bool open_units(struct audit *audit)
{
	const size_t count = audit->arch->iommus_count;
	const struct x86_iommu *tables = NULL;
	bool good = count <= MOST;
	unsigned u;

	if (count && good)
		tables = audit_constant(audit, audit_address(audit->arch->iommus),
			count * sizeof(*tables), 8, "the IOMMUs");
	if (count && !tables)
		return good ? false : refuse(audit, "unbelievably many IOMMUs are counted");
	audit->devices->units = allocate(count, sizeof(*audit->devices->units));
	for (u = 0; u < count && good; u++)
		good = open_unit(audit, &tables[u], u);
	audit->devices->units_count = good ? count : 0;
	return good;
}

static const char *function_trouble(const struct audit *audit, const struct x86_function *table)
{
	if (table->partition != X86_NO_PARTITION &&
		table->partition >= audit->system->partitions_count)
		return "belongs to a partition that does not exist";
	if (table->iommu >= audit->devices->units_count)
		return "is confined by an IOMMU that does not exist";
	if (table->bars_count > MOST_BARS)
		return "has more BARs than a function can";
	if (table->messages_count > MOST_MESSAGES)
		return "has more messages than a function can";
	return NULL;
}

static const void *list_of(struct audit *audit, const void *address, size_t count, size_t bytes,
	const struct audit_function *function, const char *what)
{
	return address && count ? audit_constant(audit, audit_address(address), count * bytes, 4,
					  format("%s of %s", what, function->name))
				: NULL;
}

static bool open_function(struct audit *audit, const struct x86_function *table, unsigned number)
{
	struct audit_function *function = &audit->devices->functions[number];
	const char *wrong = function_trouble(audit, table);

	*function = (struct audit_function){ .table = table, .number = number };
	function->name =
		audit_string(audit, table->name, format("the name of function %u", number));
	if (wrong)
		return refuse(audit, format("function %s %s", function->name, wrong));
	function->registers = list_of(audit, table->registers, AUDIT_REGISTERS,
		sizeof(*table->registers), function, "the configuration registers");
	function->bars = list_of(
		audit, table->bars, table->bars_count, sizeof(*table->bars), function, "the BARs");
	function->bars_count = function->bars ? table->bars_count : 0;
	function->messages = list_of(audit, table->messages, table->messages_count,
		sizeof(*table->messages), function, "the messages");
	return true;
}

static bool open_functions(struct audit *audit)
{
	const size_t count = audit->arch->functions_count;
	const struct x86_function *tables = NULL;
	bool good = true;
	unsigned f;

	if (count > MOST)
		return refuse(audit, "unbelievably many PCI functions are counted");
	if (count)
		tables = audit_constant(audit, audit_address(audit->arch->functions),
			count * sizeof(*tables), 8, "the PCI functions");
	if (count && !tables)
		return false;
	audit->devices->functions = allocate(count, sizeof(*audit->devices->functions));
	for (f = 0; f < count && good; f++)
		good = open_function(audit, &tables[f], f);
	audit->devices->functions_count = good ? count : 0;
	return good;
}

bool audit_devices_open(struct audit *audit)
{
	audit->devices = allocate(1, sizeof(*audit->devices));
	if (!open_units(audit) || !open_functions(audit))
		return false;
	audit_ranges(audit);
	return true;
}

void audit_devices_close(struct audit *audit)
{
	struct audit_devices *devices = audit->devices;

	if (!devices)
		return;
	audit_pass_close(audit);
	free(devices->vectors);
	free(devices->ranges);
	free(devices->objects);
	free(devices->functions);
	free(devices->units);
	free(devices);
}

/* ---- Owners ---- */

static void check_run(struct audit *audit, unsigned p)
{
	const struct audit_devices *devices = audit->devices;
	const struct arch_vcpu_tables *arch = audit->partitions[p].arch;
	size_t owned = 0, f;

	for (f = 0; f < devices->functions_count; f++) {
		const bool in_run = f - arch->first_function < arch->functions_count;
		const bool owns = devices->functions[f].table->partition == p;

		owned += owns;
		if (in_run != owns)
			audit_find(audit, "function-owner",
				"partition %s %s %s: the functions it finds are %u, from number %u",
				audit->partitions[p].name,
				in_run ? "finds and does not own" : "owns and does not find",
				audit_function_name(audit, &devices->functions[f]),
				arch->functions_count, arch->first_function);
	}
	if (owned != arch->functions_count)
		audit_find(audit, "function-owner", "partition %s owns %zu functions and finds %u",
			audit->partitions[p].name, owned, arch->functions_count);
}

static void check_pair(
	struct audit *audit, const struct audit_function *a, const struct audit_function *b)
{
	if (a->table->bdf == b->table->bdf || a->table->config == b->table->config)
		audit_find(audit, "function-twice", "%s is listed twice: as %s and as %s",
			audit_bdf(a->table->bdf), audit_function_name(audit, a),
			audit_function_name(audit, b));
	if (a->table->iommu == b->table->iommu && a->table->requester == b->table->requester &&
		a->table->partition != b->table->partition)
		audit_find(audit, "requester-shared",
			"requests of %s and of %s bear the same id, %s: nothing keeps them apart",
			audit_function_name(audit, a), audit_function_name(audit, b),
			audit_bdf(a->table->requester));
}

/* ---- One function ---- */

static const char *place_trouble(const struct audit *audit, const struct x86_function *table)
{
	const struct x86_function *first = audit->devices->functions[0].table;
	const uint64_t base = first->config - ((uint64_t)first->bdf << 12);

	if (table->config - ((uint64_t)table->bdf << 12) != base || base % AUDIT_PAGE)
		return "is reached at another page of configuration space than its own";
	if (table->reserved[0] || table->reserved[1])
		return "has something in its reserved bytes";
	if (!(table->identity + 1) || !(table->identity & 0xffff))
		return "has no identity";
	if (table->msi % 4 || (table->msi && table->msi < 0x40) || table->msix % 4 ||
		(table->msix && table->msix < 0x40))
		return "has a capability where none can be";
	return NULL;
}

static const char *owner_trouble(const struct audit_function *function)
{
	const struct x86_function *table = function->table;
	const bool owned = audit_is_owned(function);

	if (owned && !table->registers)
		return "has an owner, who finds no configuration space";
	if (!owned && (table->registers || table->messages || table->bars || table->bars_count ||
			      table->table || table->table_page || table->table_gpa ||
			      table->table_bytes))
		return "has no owner, and yet something is shown of it";
	return NULL;
}

static void check_function(struct audit *audit, const struct audit_function *function)
{
	const char *wrong = place_trouble(audit, function->table);

	if (!wrong)
		wrong = owner_trouble(function);
	if (wrong)
		audit_find(audit, "function-record", "%s %s: see %s",
			audit_function_name(audit, function), wrong,
			audit_image_place(&audit->image,
				audit_address(audit->arch->functions) +
					function->number * sizeof(*function->table)));
}

/* ---- Who looks for faults ---- */

static bool has_windows(const struct audit *audit, unsigned cpu)
{
	const unsigned count = audit->system->schedules_count;
	const struct mullion_schedule *schedules = audit_image_at(
		&audit->image, audit_address(audit->system->schedules), count * sizeof(*schedules));
	const size_t bytes = audit->system->cpus_count * sizeof(struct mullion_cpu_schedule);
	unsigned s;

	for (s = 0; schedules && s < count; s++) {
		const struct mullion_cpu_schedule *cpus =
			audit_image_at(&audit->image, audit_address(schedules[s].cpus), bytes);

		if (!cpus || !cpus[cpu].count)
			return false;
	}
	return schedules && count;
}

static bool any_framed(const struct audit *audit)
{
	unsigned c;

	for (c = 0; c < audit->system->cpus_count; c++)
		if (audit->cpus[c].mode == MULLION_CPU_FRAMED)
			return true;
	return false;
}

/* What nobody owns is blocked in silence: without owners there is no fault to tell of. */
static bool any_owned(const struct audit *audit)
{
	size_t f;

	for (f = 0; f < audit->devices->functions_count; f++)
		if (audit->devices->functions[f].table->partition != X86_NO_PARTITION)
			return true;
	return false;
}

static const char *owned_keeper_trouble(unsigned interrupts, unsigned owners)
{
	if (interrupts == owners)
		return NULL;
	return owners ? "an owned CPU, and would not interrupt it"
		      : "an owned CPU, and would interrupt it though no partition has a device";
}

static const char *keeper_trouble(const struct audit *audit, const struct audit_unit *unit)
{
	const struct x86_iommu *table = unit->table;
	const bool framed = any_framed(audit);

	if (table->keeper >= audit->system->cpus_count)
		return "a CPU that does not exist";
	if (framed != (audit->cpus[table->keeper].mode == MULLION_CPU_FRAMED))
		return framed ? "an owned CPU, and there are framed ones"
			      : "no owned CPU, and there are no others";
	if (framed && !has_windows(audit, table->keeper))
		return "a CPU that has no windows in some schedule, and looks only there";
	if (!framed)
		return owned_keeper_trouble(unit->interrupts, any_owned(audit));
	return unit->interrupts ? "a framed CPU, and yet it would interrupt it" : NULL;
}

static void check_keeper(struct audit *audit, const struct audit_unit *unit)
{
	const char *wrong = keeper_trouble(audit, unit);

	if (wrong)
		audit_find(audit, "keeper", "faults of %s are looked for by CPU %u, which is %s",
			unit->name, unit->table->keeper, wrong);
	if (unit->table->kind != audit->devices->units[0].table->kind ||
		unit->table->levels != audit->devices->units[0].table->levels)
		audit_find(audit, "unit-kinds", "%s and %s are of different kinds or levels",
			unit->name, audit->devices->units[0].name);
}

void audit_functions(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t f, g;
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++)
		check_run(audit, p);
	for (f = 0; f < devices->functions_count; f++) {
		check_function(audit, &devices->functions[f]);
		for (g = 0; g < f; g++)
			check_pair(audit, &devices->functions[g], &devices->functions[f]);
	}
	for (f = 0; f < devices->units_count; f++)
		check_keeper(audit, &devices->units[f]);
}
