/*
 * Proves what devices can do, one thing after the other; and where lies what changes meanwhile.
 *
 * The invariant: an image without functions and IOMMUs is judged as one without them; with them,
 * the units' tables are read first, and all that the kernel is told is compared with what they say.
 */
#include "audit_devices.h"

#include "allocate.h"

/* ---- What the kernel and the units write ---- */

static bool meets(uint64_t base, uint64_t bytes, uint64_t other, uint64_t other_bytes)
{
	return base < other + other_bytes && base + bytes > other;
}

static const char *stack_trouble(const struct audit *audit, uint64_t base, uint64_t bytes)
{
	const uint64_t stack = X86_STACK_PAGES * AUDIT_PAGE;
	unsigned c;

	for (c = 0; c < audit->system->cpus_count; c++)
		if (meets(base, bytes, audit_address(audit->cpus[c].stack_top) - stack, stack))
			return format("lies in the stack of CPU %u", c);
	return NULL;
}

static const char *reach_trouble(const struct audit *audit, uint64_t base, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < audit->claims_count; i++)
		if (meets(base, bytes, audit->claims[i].at.physical, audit->claims[i].at.bytes))
			return format("is reached by partition %s as %s",
				audit->partitions[audit->claims[i].partition].name,
				audit->claims[i].what);
	for (i = 0; i < audit->devices->objects_count; i++)
		if (meets(base, bytes, audit->devices->objects[i].base,
			    audit->devices->objects[i].bytes))
			return format("lies in %s", audit->devices->objects[i].what);
	return NULL;
}

static const char *written_trouble(
	const struct audit *audit, uint64_t base, uint64_t bytes, uint64_t alignment)
{
	const struct audit_segment *segment = audit_image_segment(&audit->image, base);
	const char *wrong;

	if (base % alignment)
		return "is not aligned";
	if (base < audit->arch->data_base ||
		bytes > audit->arch->data_end - audit->arch->data_base ||
		base > audit->arch->data_end - bytes)
		return "lies outside the kernel's data";
	if (!segment || bytes > segment->bytes - (base - segment->base))
		return "is not in the file";
	wrong = stack_trouble(audit, base, bytes);
	return wrong ? wrong : reach_trouble(audit, base, bytes);
}

void audit_written(
	struct audit *audit, uint64_t address, uint64_t bytes, uint64_t alignment, const char *what)
{
	struct audit_devices *devices = audit->devices;
	const char *wrong = written_trouble(audit, address, bytes, alignment);

	if (wrong)
		audit_find(audit, "kernel-written", "%s, %s, %s", what,
			audit_image_place(&audit->image, address), wrong);
	if (devices->objects_count == devices->objects_room) {
		devices->objects_room = devices->objects_room ? 2 * devices->objects_room : 32;
		devices->objects = allocate_more(
			devices->objects, devices->objects_room, sizeof(*devices->objects));
	}
	devices->objects[devices->objects_count++] = (struct audit_storage){ address, bytes, what };
}

static void check_state(struct audit *audit)
{
	const size_t count = audit->devices->functions_count;
	const uint64_t address = audit_image_symbol(&audit->image, "system_functions");

	if (count && address == AUDIT_NONE)
		audit_find(audit, "kernel-written", "there is no symbol system_functions");
	else if (count)
		audit_written(audit, address, count * sizeof(struct x86_function_state), 4,
			"what the kernel keeps of functions");
}

/* ---- The units ---- */

/* Anywhere else it would be the kernel's own state that the unit writes over. */
static void check_storage(struct audit *audit, const struct audit_unit *unit)
{
	const uint64_t bytes = sizeof(*unit->table->storage);
	const uint64_t all = audit_image_symbol(&audit->image, "iommu_storage");
	const uint64_t storage = audit_address(unit->table->storage);

	audit_written(audit, storage, bytes, AUDIT_PAGE, format("the storage of %s", unit->name));
	if (all == AUDIT_NONE || storage != all + unit->number * bytes)
		audit_find(audit, "kernel-written",
			"the storage of %s, %s, is not what the image sets aside for it",
			unit->name, audit_image_place(&audit->image, storage));
}

static void check_unit(struct audit *audit, const struct audit_unit *unit)
{
	check_storage(audit, unit);
	if (unit->table->kind == X86_IOMMU_VTD)
		audit_vtd(audit, unit);
	else
		audit_amdvi(audit, unit);
}

/* Quarantine blocks the entry that the function's record names. */
static void check_entry(struct audit *audit, const struct audit_function *function)
{
	const struct audit_unit *unit = &audit->devices->units[function->table->iommu];
	const unsigned requester = function->table->requester;
	const uint64_t place = unit->table->kind == X86_IOMMU_VTD
				       ? audit_vtd_place(audit, unit, requester)
				       : audit_amdvi_place(unit, requester);
	const uint64_t entry = audit_address(function->table->entry);

	if (entry == place || (!entry && !audit_is_owned(function)))
		return;
	audit_find(audit, "function-entry",
		"quarantine of %s would alter %s, and what lets it through is %s",
		audit_function_name(audit, function), audit_image_place(&audit->image, entry),
		place == AUDIT_NONE ? "nowhere" : audit_image_place(&audit->image, place));
}

/* What a restart writes back is what the entry holds in the file, and of a function with an owner alone. */
static void check_pass(struct audit *audit, const struct audit_function *function)
{
	const struct audit_unit *unit = &audit->devices->units[function->table->iommu];
	const size_t words = unit->table->kind == X86_IOMMU_VTD ? 2 : 4;
	const uint64_t entry = audit_address(function->table->entry);
	const uint64_t *initial = audit_is_owned(function) && entry % 8 == 0
					  ? audit_image_at(&audit->image, entry, 8 * words)
					  : NULL;
	size_t w;

	for (w = 0; w < 4; w++) {
		const uint64_t meant = initial && w < words ? initial[w] : 0;

		if (function->table->pass[w] != meant)
			audit_find(audit, "function-pass",
				"a restart of %s would put %#llx into word %zu of the entry that "
				"lets it through, %s, which holds %#llx",
				audit_function_name(audit, function),
				(unsigned long long)function->table->pass[w], w,
				audit_image_place(&audit->image, entry), (unsigned long long)meant);
	}
	if (!audit_is_owned(function) && (function->table->reset || function->table->reset_af))
		audit_find(audit, "function-pass", "%s would be reset, and is nobody's to restart",
			audit_function_name(audit, function));
}

void audit_devices(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	audit_functions(audit);
	check_state(audit);
	for (i = 0; i < devices->units_count; i++)
		check_unit(audit, &devices->units[i]);
	audit_passes(audit);
	audit_messages(audit);
	for (i = 0; i < devices->functions_count; i++) {
		check_entry(audit, &devices->functions[i]);
		check_pass(audit, &devices->functions[i]);
		if (devices->functions[i].registers && audit_is_owned(&devices->functions[i]))
			audit_config(audit, &devices->functions[i]);
	}
	audit_bars(audit);
}
