/*
 * Prints IOMMUs and PCI functions into system.json, in the order of the image's tables.
 */
#include "emit_json.h"

#include "assignment.h"
#include "pci_config.h"

static const struct model_function *function_of(const struct plan *plan, size_t f)
{
	return &plan->model->functions[plan->layout.functions[f].number];
}

json_t *ecam_json(const struct plan *plan)
{
	return plan->model->ecam.bytes ? range_json(plan->model->ecam) : json_null();
}

json_t *iommus_json(const struct plan *plan)
{
	json_t *list = json_array();
	size_t u;

	for (u = 0; u < plan->model->iommus_count; u++) {
		const struct model_iommu *iommu = &plan->model->iommus[u];
		const struct range registers = assignment_unit_registers(iommu);

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:i, s:o, s:o, s:i, s:s}", "name", iommu->name,
				      "kind", iommu->kind == X86_IOMMU_AMDVI ? "amd-vi" : "vt-d",
				      "levels", (int)layout_iommu_levels(iommu), "base",
				      number(registers.base), "bytes", number(registers.bytes),
				      "keeper_cpu", (int)plan->devices.keeper, "keeper",
				      plan->devices.interrupts ? "interrupted" : "polled"));
	}
	return list;
}

static json_t *bars_json(const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < function->bars_count; i++) {
		const struct model_bar *bar = &function->bars[i];
		const uint32_t gpa = plan->layout.functions[f].gpas[bar->index];
		json_t *item = json_pack("{s:i}", "index", (int)bar->index);

		set(item, "base", number(bar->reg.base));
		set(item, "bytes", number(bar->reg.bytes));
		set(item, "gpa", gpa ? number(gpa) : json_null());
		set(item, "wide", json_boolean(bar->wide));
		set(item, "prefetchable", json_boolean(bar->type & PCI_BAR_PREFETCHABLE));
		json_array_append_new(list, item);
	}
	return list;
}

/* The pages that are kept from the owner, whether or not messages are granted. */
static json_t *table_json(const struct plan *plan, size_t f)
{
	const struct layout_function *placed = &plan->layout.functions[f];
	json_t *item;

	if (function_of(plan, f)->owner < 0 || !placed->table.bytes)
		return json_null();
	item = range_json(placed->table);
	set(item, "gpa", number(placed->table_gpa));
	return item;
}

static json_t *interrupts_json(const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	const struct devices_function *planned = &plan->devices.functions[f];
	json_t *list = json_array();
	unsigned m;

	for (m = 0; planned->messages && m < function->messages_count; m++) {
		const struct model_interrupt *interrupt = devices_interrupt(&plan->layout, f, m);
		int cpu;

		if (!interrupt)
			continue;
		cpu = plan->model->cpus[interrupt->cpu].index;
		json_array_append_new(
			list, json_pack("{s:i, s:i, s:i, s:i, s:i}", "message", (int)m, "cpu", cpu,
				      "vcpu",
				      layout_vcpu_on(&plan->layout, (unsigned)function->owner,
					      (unsigned)cpu),
				      "vector", (int)interrupt->vector, "handle",
				      (int)planned->handles[m]));
	}
	return list;
}

static json_t *function_json(const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	json_t *item = json_object();

	set(item, "name", text(function->name));
	set(item, "bdf", number(function->bdf));
	set(item, "requester", number(function->requester));
	set(item, "identity", number(function->config[0]));
	set(item, "partition",
		function->owner >= 0 ? text(plan->model->partitions[function->owner].name)
				     : json_null());
	set(item, "iommu", json_integer(function->iommu));
	set(item, "config", number(assignment_config(plan->model, function)));
	set(item, "bars", bars_json(plan, f));
	set(item, "table", table_json(plan, f));
	set(item, "messages", number(function->messages_count));
	set(item, "interrupts", interrupts_json(plan, f));
	set(item, "resets",
		json_boolean(pci_express_reset(function->config) ||
			     pci_advanced_reset(function->config)));
	return item;
}

json_t *functions_json(const struct plan *plan)
{
	json_t *list = json_array();
	size_t f;

	for (f = 0; f < plan->layout.functions_count; f++)
		json_array_append_new(list, function_json(plan, f));
	return list;
}

json_t *functions_of_json(const struct plan *plan, size_t p)
{
	const struct layout_partition *partition = &plan->layout.partitions[p];
	json_t *list = json_array();
	unsigned f;

	for (f = 0; f < partition->functions; f++)
		json_array_append_new(
			list, text(function_of(plan, partition->first_function + f)->name));
	return list;
}
