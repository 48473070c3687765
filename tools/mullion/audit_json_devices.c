/*
 * The devices' part of the access matrix as JSON, from what the units' tables say.
 */
#include "audit_devices.h"

#include <jansson.h>

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *address(uint64_t value)
{
	return json_sprintf("%#llx", (unsigned long long)value);
}

static void append_pass(json_t *list, const struct audit *audit, const struct audit_pass *pass)
{
	size_t i;

	if (!pass->tree)
		json_array_append_new(list, json_pack("{s:s}", "what", "everything"));
	for (i = 0; pass->tree && i < pass->tree->map.count; i++) {
		const struct audit_mapping *at = &pass->tree->map.items[i];
		json_t *item = audit_json_mapping(at, "gpa");

		json_object_set_new(
			item, "what", json_string(audit_physical_name(audit, at->physical)));
		json_array_append_new(list, item);
	}
}

static json_t *dma_json(const struct audit *audit, const struct audit_function *function)
{
	const struct audit_devices *devices = audit->devices;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < devices->passes_count; i++)
		if (audit_lets(&devices->passes[i], function))
			append_pass(list, audit, &devices->passes[i]);
	return list;
}

static json_t *bars_json(const struct audit_function *function)
{
	json_t *list = json_array();
	size_t b;

	for (b = 0; b < function->bars_count; b++) {
		const struct x86_bar *bar = &function->bars[b];

		json_array_append_new(
			list, json_pack("{s:i, s:o, s:o, s:o}", "index", (int)bar->index, "gpa",
				      address(bar->gpa), "physical", address(bar->base), "bytes",
				      number(bar->bytes)));
	}
	return list;
}

/* The CPU with this APIC id, or null: then no CPU of the image is interrupted. */
static json_t *cpu_json(const struct audit *audit, unsigned apic)
{
	unsigned c;

	for (c = 0; c < audit->system->cpus_count; c++)
		if (audit->cpus[c].hardware_id == apic)
			return number(c);
	return json_null();
}

static json_t *vectors_json(const struct audit *audit, const struct audit_function *function)
{
	const struct audit_devices *devices = audit->devices;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < devices->vectors_count; i++) {
		const struct audit_vector *vector = &devices->vectors[i];

		if (vector->function == function)
			json_array_append_new(list,
				json_pack("{s:i, s:i, s:i, s:o, s:i}", "message", vector->message,
					"entry", (int)vector->index, "apic_id", (int)vector->apic,
					"cpu", cpu_json(audit, vector->apic), "vector",
					(int)vector->vector));
	}
	return list;
}

static json_t *function_json(const struct audit *audit, const struct audit_function *function)
{
	const struct x86_function *table = function->table;

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name", function->name, "bdf",
		audit_bdf(table->bdf), "requester", audit_bdf(table->requester), "iommu",
		audit->devices->units[table->iommu].name, "identity", address(table->identity),
		"bars", bars_json(function), "dma", dma_json(audit, function), "vectors",
		vectors_json(audit, function));
}

/* What passes or interrupts and is no function that the image lists. */
static json_t *stray_json(const struct audit *audit)
{
	return json_pack("{s:n, s:o, s:o}", "name", "dma", dma_json(audit, NULL), "vectors",
		vectors_json(audit, NULL));
}

json_t *audit_json_functions(const struct audit *audit, int partition)
{
	const struct audit_devices *devices = audit->devices;
	const unsigned owner = partition < 0 ? X86_NO_PARTITION : (unsigned)partition;
	json_t *list = json_array();
	size_t f;

	for (f = 0; f < devices->functions_count; f++)
		if (devices->functions[f].table->partition == owner)
			json_array_append_new(list, function_json(audit, &devices->functions[f]));
	if (partition < 0 && devices->functions_count)
		json_array_append_new(list, stray_json(audit));
	return list;
}

json_t *audit_json_units(const struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	json_t *list = json_array();
	size_t u;

	for (u = 0; u < devices->units_count; u++) {
		const struct audit_unit *unit = &devices->units[u];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:i, s:o, s:o, s:i, s:s}", "name", unit->name, "kind",
				unit->table->kind == X86_IOMMU_VTD ? "vt-d" : "amd-vi", "levels",
				(int)unit->table->levels, "base", address(unit->table->registers),
				"bytes", number(unit->registers_bytes), "keeper_cpu",
				(int)unit->table->keeper, "keeper",
				unit->interrupts ? "interrupted" : "polled"));
	}
	return list;
}
