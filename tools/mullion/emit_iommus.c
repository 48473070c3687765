/*
 * Prints the tables of the IOMMUs: who passes, with which translation, and which interrupts arrive.
 *
 * Only the entry that lets a function through can be written, to block it: it lies in the kernel's
 * data. All else is constant. VT-d: on a bus without functions of the unit, one table blocks all.
 */
#include "emit.h"

#define BUSES         256u
#define BUS_FUNCTIONS 256u

static bool is_amdvi(const struct plan *plan, size_t u)
{
	return plan->model->iommus[u].kind == X86_IOMMU_AMDVI;
}

void emit_word(FILE *out, const struct devices_word *word)
{
	if (word->object)
		fprintf(out, "ADDRESS(%s) + ", word->object);
	fprintf(out, "%#llxull", (unsigned long long)word->value);
}

/* ---- Interrupt remapping ---- */

static void emit_vtd_remapping(FILE *out, const struct devices_remapping *table)
{
	size_t i;

	fprintf(out, "PAGES static const uint64_t %s[%zu][2] = {\n", table->name, table->count);
	for (i = 0; i < table->used; i++)
		fprintf(out, "\t[%zu] = { %#llxull, %#llxull },\n", i,
			(unsigned long long)table->words[i][0],
			(unsigned long long)table->words[i][1]);
	fputs("};\n", out);
}

static void emit_amdvi_remapping(FILE *out, const struct devices_remapping *table)
{
	size_t i;

	fprintf(out, "REMAPPING static const uint32_t %s[%zu] = {\n", table->name, table->count);
	for (i = 0; i < table->used; i++)
		if (table->words[i][0])
			fprintf(out, "\t[%zu] = %#x,\n", i, (unsigned)table->words[i][0]);
	fputs("};\n", out);
}

static void emit_remapping(FILE *out, const struct plan *plan, size_t u)
{
	const struct devices_unit *unit = &plan->devices.units[u];
	size_t t;

	for (t = 0; t < unit->tables_count; t++)
		if (is_amdvi(plan, u))
			emit_amdvi_remapping(out, &unit->tables[t]);
		else
			emit_vtd_remapping(out, &unit->tables[t]);
}

/* ---- Who passes ---- */

static void emit_blocked(FILE *out, unsigned first, unsigned end, const char *entry)
{
	if (first + 1 == end)
		fprintf(out, "\t[%u] = %s,\n", first, entry);
	else if (first < end)
		fprintf(out, "\t[%u ... %u] = %s,\n", first, end - 1, entry);
}

/* The entries of requesters first..end-1: numbered from 0, `words` long, blocked but for those let
 * through. */
static void emit_entries(FILE *out, const struct devices_unit *unit, unsigned first, unsigned end,
	unsigned words, const char *blocked)
{
	unsigned next = first, w;
	size_t i;

	for (i = 0; i < unit->entries_count; i++) {
		const struct devices_entry *entry = &unit->entries[i];

		if (entry->requester < first || entry->requester >= end)
			continue;
		emit_blocked(out, next - first, entry->requester - first, blocked);
		fprintf(out, "\t[%u] = {", entry->requester - first);
		for (w = 0; w < words; w++) {
			fputs(w ? ", " : " ", out);
			emit_word(out, &entry->words[w]);
		}
		fputs(" },\n", out);
		next = entry->requester + 1;
	}
	emit_blocked(out, next - first, end - first, blocked);
	fputs("};\n", out);
}

static void emit_contexts(FILE *out, const struct plan *plan, size_t u)
{
	const struct devices_unit *unit = &plan->devices.units[u];
	unsigned bus;

	for (bus = 0; bus < BUSES; bus++)
		if (unit->buses[bus]) {
			fprintf(out, "ENTRIES static uint64_t vtd_context_%zu_%u[%u][2] = {\n", u,
				bus, BUS_FUNCTIONS);
			emit_entries(out, unit, bus * BUS_FUNCTIONS, (bus + 1) * BUS_FUNCTIONS, 2,
				"{ VTD_FAULT_DISABLE, 0 }");
		}
	fprintf(out, "PAGES static const uint64_t vtd_root_%zu[%u][2] = {\n", u, BUSES);
	for (bus = 0; bus < BUSES; bus++)
		if (unit->buses[bus])
			fprintf(out, "\t[%u] = { ADDRESS(vtd_context_%zu_%u[0]) + VTD_PRESENT },\n",
				bus, u, bus);
		else
			fprintf(out, "\t[%u] = { ADDRESS(vtd_blocked[0]) + VTD_PRESENT },\n", bus);
	fputs("};\n", out);
}

static void emit_device_table(FILE *out, const struct plan *plan, size_t u)
{
	const struct devices_unit *unit = &plan->devices.units[u];

	fprintf(out, "ENTRIES static uint64_t amdvi_devices_%zu[%u][4] = {\n", u, unit->requesters);
	emit_entries(out, unit, 0, unit->requesters, 4,
		"{ AMDVI_DTE_BLOCKED, AMDVI_DTE1_BLOCKED, AMDVI_DTE2_BLOCKED, 0 }");
}

static void emit_unit_tables(FILE *out, const struct plan *plan, size_t u)
{
	fprintf(out, "\n/* %s: interrupts, and who passes. */\n", plan->model->iommus[u].name);
	emit_remapping(out, plan, u);
	if (is_amdvi(plan, u))
		emit_device_table(out, plan, u);
	else
		emit_contexts(out, plan, u);
}

static void emit_unit(FILE *out, const struct plan *plan, size_t u)
{
	const struct model_iommu *iommu = &plan->model->iommus[u];
	const bool amdvi = is_amdvi(plan, u);

	fputs("\t{ .name = ", out);
	emit_string(out, iommu->name);
	fprintf(out, ", .kind = %s, .levels = %u, .registers = %#llx,\n",
		amdvi ? "X86_IOMMU_AMDVI" : "X86_IOMMU_VTD", layout_iommu_levels(iommu),
		(unsigned long long)iommu->reg.base);
	if (amdvi)
		fprintf(out,
			"\t  .root = amdvi_devices_%zu[0], .root_bytes = "
			"sizeof(amdvi_devices_%zu),\n",
			u, u);
	else
		fprintf(out,
			"\t  .root = vtd_root_%zu[0], .root_bytes = sizeof(vtd_root_%zu),\n"
			"\t  .remapping = vtd_remap_%zu[0], .remapping_entries = %zu,\n",
			u, u, u, plan->devices.units[u].tables[0].count);
	fprintf(out, "\t  .storage = &iommu_storage[%zu], .keeper = %u, .interrupts = %d },\n", u,
		plan->devices.keeper, plan->devices.interrupts);
}

void emit_iommus(FILE *out, const struct plan *plan)
{
	size_t u;

	if (!plan->devices.units_count)
		return;
	fputs("\n#define ENTRIES __attribute__((aligned(4096)))\n"
	      "#define REMAPPING __attribute__((section(\".tables\"), aligned(128)))\n",
		out);
	if (!is_amdvi(plan, 0))
		fputs("\n/* Nothing passes, and nothing is reported. */\n"
		      "PAGES static const uint64_t vtd_blocked[256][2] = {\n"
		      "\t[0 ... 255] = { VTD_FAULT_DISABLE, 0 },\n};\n",
			out);
	for (u = 0; u < plan->devices.units_count; u++)
		emit_unit_tables(out, plan, u);
	fprintf(out,
		"\nENTRIES static struct x86_iommu_storage iommu_storage[%zu];\n"
		"static const struct x86_iommu iommus[] = {\n",
		plan->devices.units_count);
	for (u = 0; u < plan->devices.units_count; u++)
		emit_unit(out, plan, u);
	fputs("};\n", out);
}
