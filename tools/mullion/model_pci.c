/*
 * The model's builder for IOMMUs and PCI: units, bridges, functions, and who is granted them.
 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "model_build.h"
#include "pci_config.h"

#define BAR_ROW       5u /* cells: index, base, bytes */
#define INTERRUPT_ROW 4u /* cells: function, message, CPU, vector */

static int iommu_kind(const struct source_node *node)
{
	if (is_string(node, "compatible", "intel,vt-d"))
		return X86_IOMMU_VTD;
	return is_string(node, "compatible", "amd,iommu") ? X86_IOMMU_AMDVI : 0;
}

static struct range range(const struct source_node *node, const char *name)
{
	const struct source_property *property = source_property(node, name);

	if (source_cells(property) != 4)
		return (struct range){ 0, 0 };
	return (struct range){ wide(property, 0), wide(property, 1) };
}

void build_iommus(struct builder *b)
{
	const struct source_node *parent = source_child(b->source->root, "iommus");
	struct model *model = b->model;

	model->iommus = arena_array(b->arena, children_count(parent), sizeof(*model->iommus));
	for (const struct source_node *node = parent == NULL ? NULL : parent->children;
		node != NULL; node = node->next)
		model->iommus[model->iommus_count++] = (struct model_iommu){
			.at = node->at,
			.name = node->name,
			.kind = iommu_kind(node),
			.reg = range(node, "reg"),
			.address_bits = quantity32(node, "address-bits"),
		};
}

static int iommu_index(const struct builder *b, const struct source_node *node)
{
	for (size_t i = 0; node != NULL && i < b->model->iommus_count; i++)
		if (same_place(b->model->iommus[i].at, node->at))
			return (int)i;
	return -1;
}

static int function_index(const struct builder *b, const struct source_node *node)
{
	for (size_t i = 0; node != NULL && i < b->model->functions_count; i++)
		if (same_place(b->model->functions[i].at, node->at))
			return (int)i;
	return -1;
}

static int bridge_type(const struct source_node *node)
{
	if (is_string(node, "type", "root-port"))
		return BRIDGE_ROOT_PORT;
	if (is_string(node, "type", "switch-port"))
		return BRIDGE_SWITCH_PORT;
	return is_string(node, "type", "pci") ? BRIDGE_PCI : 0;
}

static void build_config(struct model_function *function, const struct source_node *node)
{
	const struct source_property *config = source_property(node, "config");
	struct pci_msix msix;

	for (size_t i = 0; i < source_cells(config) && i < PCI_CONFIG_WORDS; i++)
		function->config[i] = source_cell(config, i);
	function->msi = pci_find(function->config, PCI_CAPABILITY_MSI);
	function->msix = pci_find(function->config, PCI_CAPABILITY_MSIX);
	if (function->msix == 0) {
		function->messages_count = function->msi != 0;
		return;
	}
	pci_msix_read(function->config, function->msix, &msix);
	function->messages_count = msix.entries;
	function->table_bar = msix.table_bar;
	function->table_offset = msix.table_offset;
	function->pba_bar = msix.pba_bar;
	function->pba_offset = msix.pba_offset;
}

static uint64_t wide_at(const struct source_property *property, size_t cell)
{
	return (uint64_t)source_cell(property, cell) << 32 | source_cell(property, cell + 1);
}

static void build_bars(
	struct builder *b, struct model_function *function, const struct source_node *node)
{
	const struct source_property *rows = source_property(node, "bars");
	const size_t cells = source_cells(rows);

	function->bars = arena_array(b->arena, cells / BAR_ROW, sizeof(*function->bars));
	for (size_t i = 0; i + BAR_ROW <= cells; i += BAR_ROW) {
		struct model_bar *bar = &function->bars[function->bars_count++];

		bar->index = source_cell(rows, i);
		bar->reg = (struct range){ wide_at(rows, i + 1), wide_at(rows, i + 3) };
		bar->type = bar->index < 6 ? pci_bar_type(function->config, bar->index) : 0;
		bar->wide = pci_bar_is_wide(bar->type);
	}
}

static void build_function(struct builder *b, const struct source_node *node, int bridge)
{
	struct model_function *function = &b->model->functions[b->model->functions_count++];

	function->at = node->at;
	function->name = node->name;
	function->label = node->label != NULL ? node->label : "";
	function->bdf = (uint16_t)quantity32(node, "reg");
	function->requester = function->bdf;
	if (source_property(node, "requester") != NULL)
		function->requester = (uint16_t)quantity32(node, "requester");
	function->iommu = iommu_index(b, target(b, node, "iommu", 0));
	function->bridge = bridge;
	function->physical = function->owner = -1;
	function->acs = source_property(node, "acs") != NULL;
	build_config(function, node);
	build_bars(b, function, node);
}

static int build_bridge(struct builder *b, const struct source_node *node, int parent)
{
	struct model_bridge *bridge = &b->model->bridges[b->model->bridges_count];

	bridge->at = node->at;
	bridge->name = node->name;
	bridge->bdf = (uint16_t)quantity32(node, "reg");
	bridge->type = bridge_type(node);
	bridge->acs = source_property(node, "acs") != NULL;
	bridge->bus = quantity32(node, "bus");
	bridge->parent = parent;
	return (int)b->model->bridges_count++;
}

static void build_bus(struct builder *b, const struct source_node *parent, int bridge)
{
	for (const struct source_node *node = parent->children; node != NULL; node = node->next)
		if (binding_is_bridge(node))
			build_bus(b, node, build_bridge(b, node, bridge));
		else
			build_function(b, node, bridge);
}

static size_t count_below(const struct source_node *node)
{
	size_t count = 0;

	for (const struct source_node *child = node->children; child != NULL; child = child->next)
		count += 1 + count_below(child);
	return count;
}

static int compare_functions(const void *left, const void *right)
{
	const struct model_function *a = left, *b = right;

	return (a->bdf > b->bdf) - (a->bdf < b->bdf);
}

/* Once all functions are known and in their final order. */
static void build_physical(struct builder *b, const struct source_node *parent)
{
	for (const struct source_node *node = parent->children; node != NULL; node = node->next) {
		const int function = function_index(b, node);

		build_physical(b, node);
		if (function >= 0)
			b->model->functions[function].physical =
				function_index(b, target(b, node, "virtual-function-of", 0));
	}
}

void build_pci(struct builder *b)
{
	const struct source_node *pci = source_child(b->source->root, "pci");
	struct model *model = b->model;
	size_t count;

	model->ecam_at = model->at;
	if (pci == NULL)
		return;
	count = count_below(pci);
	model->ecam = range(pci, "ecam");
	model->ecam_at =
		source_property(pci, "ecam") != NULL ? source_property(pci, "ecam")->at : pci->at;
	model->functions = arena_array(b->arena, count, sizeof(*model->functions));
	model->bridges = arena_array(b->arena, count, sizeof(*model->bridges));
	build_bus(b, pci, -1);
	if (model->functions_count != 0)
		qsort(model->functions, model->functions_count, sizeof(*model->functions),
			compare_functions);
	build_physical(b, pci);
}

static int compare_indexes(const void *left, const void *right)
{
	const int *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

void build_function_grants(
	struct builder *b, struct model_partition *partition, const struct source_node *node)
{
	const size_t count = source_cells(source_property(node, "devices"));

	partition->functions = arena_array(b->arena, count, sizeof(*partition->functions));
	for (size_t i = 0; i < count; i++) {
		const int function = function_index(b, target(b, node, "devices", i));

		if (function < 0)
			continue;
		partition->functions[partition->functions_count++] = function;
		if (b->model->functions[function].owner < 0)
			b->model->functions[function].owner =
				(int)(partition - b->model->partitions);
	}
	if (partition->functions_count != 0)
		qsort(partition->functions, partition->functions_count,
			sizeof(*partition->functions), compare_indexes);
}

static int compare_interrupts(const void *left, const void *right)
{
	const struct model_interrupt *a = left, *b = right;

	if (a->function != b->function)
		return (a->function > b->function) - (a->function < b->function);
	return (a->message > b->message) - (a->message < b->message);
}

void build_interrupts(
	struct builder *b, struct model_partition *partition, const struct source_node *node)
{
	const struct source_property *rows = source_property(node, "interrupts");
	const size_t cells = source_cells(rows);

	partition->interrupts =
		arena_array(b->arena, cells / INTERRUPT_ROW, sizeof(*partition->interrupts));
	for (size_t i = 0; i + INTERRUPT_ROW <= cells; i += INTERRUPT_ROW) {
		const struct model_interrupt row = {
			.at = rows->at,
			.function = function_index(b, target(b, node, "interrupts", i)),
			.message = source_cell(rows, i + 1),
			.cpu = cpu_index(b, source_cell(rows, i + 2)),
			.vector = (uint8_t)source_cell(rows, i + 3),
		};

		if (row.function >= 0 && row.cpu >= 0)
			partition->interrupts[partition->interrupts_count++] = row;
	}
	if (partition->interrupts_count != 0)
		qsort(partition->interrupts, partition->interrupts_count,
			sizeof(*partition->interrupts), compare_interrupts);
}
