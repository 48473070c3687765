/*
 * Orders PCI functions and places their registers. See assignment.h for the invariant.
 */
#include "assignment.h"

#include <stdlib.h>

#include "allocate.h"
#include "paging.h"
#include "placement.h"

#define MSIX_ENTRY_BYTES 16u
#define REGISTERS_BYTES  (64 * sizeof(struct x86_config_register))
/* Functions of a bus, and entries of its context table. */
#define BUS_FUNCTIONS 256u
#define AMDVI_ENTRY   32u

static uint64_t page_of(uint64_t address)
{
	return address & ~(PAGING_4K - 1);
}

/* The whole pages of a range. */
static struct range pages_of(uint64_t base, uint64_t bytes)
{
	return (struct range){ page_of(base),
		page_of(base + bytes + PAGING_4K - 1) - page_of(base) };
}

static const struct model_function *function_of(const struct layout *layout, size_t f)
{
	return &layout->model->functions[layout->functions[f].number];
}

struct range assignment_unit_registers(const struct model_iommu *iommu)
{
	return (struct range){ iommu->reg.base, iommu->kind == X86_IOMMU_AMDVI
							? ASSIGNMENT_AMDVI_REGISTERS
							: ASSIGNMENT_VTD_REGISTERS };
}

uint64_t assignment_config(const struct model *model, const struct model_function *function)
{
	return model->ecam.base + ((uint64_t)function->bdf << 12);
}

bool assignment_interrupts(const struct layout *layout, size_t f)
{
	const int number = layout->functions[f].number;
	const int owner = layout->model->functions[number].owner;
	const struct model_partition *partition;
	size_t i;

	if (owner < 0)
		return false;
	partition = &layout->model->partitions[owner];
	for (i = 0; i < partition->interrupts_count; i++)
		if (partition->interrupts[i].function == number)
			return true;
	return false;
}

/* ---- Order ---- */

static void add_functions_of(struct layout *layout, int owner)
{
	const struct model *model = layout->model;
	size_t f;

	for (f = 0; f < model->functions_count; f++)
		if (model->functions[f].owner == owner)
			layout->functions[layout->functions_count++] = (struct layout_function){
				.number = (int)f,
				.id = layout_identifier(model->functions[f].name),
			};
}

static void order(struct layout *layout)
{
	unsigned p;

	layout->functions = allocate(layout->model->functions_count, sizeof(*layout->functions));
	for (p = 0; p < layout->model->partitions_count; p++) {
		layout->partitions[p].first_function = (unsigned)layout->functions_count;
		add_functions_of(layout, (int)p);
		layout->partitions[p].functions =
			(unsigned)layout->functions_count - layout->partitions[p].first_function;
	}
	add_functions_of(layout, -1);
}

/* ---- Registers ---- */

struct request {
	struct layout_function *function;
	const struct model_bar *bar;
};

static const struct model_bar *find_bar(const struct model_function *function, unsigned index)
{
	size_t i;

	for (i = 0; i < function->bars_count; i++)
		if (function->bars[i].index == index)
			return &function->bars[i];
	return NULL;
}

/* Largest first, so that no room is lost; else by function and index. */
static int by_size(const void *a, const void *b)
{
	const struct request *x = a, *y = b;

	if (x->bar->reg.bytes != y->bar->reg.bytes)
		return x->bar->reg.bytes < y->bar->reg.bytes ? 1 : -1;
	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return (int)x->bar->index - (int)y->bar->index;
}

static size_t list_requests(
	struct layout *layout, const struct layout_partition *partition, struct request **requests)
{
	size_t used = 0, f, i;

	*requests = allocate(6 * (size_t)partition->functions, sizeof(**requests));
	for (f = partition->first_function; f < partition->first_function + partition->functions;
		f++) {
		const struct model_function *function = function_of(layout, f);

		for (i = 0; i < function->bars_count; i++)
			(*requests)[used++] =
				(struct request){ &layout->functions[f], &function->bars[i] };
	}
	qsort(*requests, used, sizeof(**requests), by_size);
	return used;
}

/* A BAR below a page keeps its place within the page, which is mapped whole. */
static bool place_bar(struct placement *room, const struct request *request)
{
	const struct range reg = request->bar->reg;
	const uint64_t bytes = reg.bytes < PAGING_4K ? PAGING_4K : reg.bytes;
	uint64_t gpa;

	if (!placement_find(room, bytes, bytes, &gpa))
		return false;
	request->function->gpas[request->bar->index] = (uint32_t)(gpa + reg.base % PAGING_4K);
	return true;
}

static bool refuse(struct finding *wrong, const struct model_partition *partition,
	const struct model_function *function, const struct model_bar *bar)
{
	*wrong = (struct finding){ partition->at, "bar-window",
		format("the BARs of partition %s do not fit between %#llx and %#llx: no room is "
		       "left "
		       "for BAR %u of %s, %llu KiB",
			partition->name, MULLION_BAR_GPA, MULLION_BAR_END, bar->index,
			function->name, (unsigned long long)bar->reg.bytes / 1024),
		"give it fewer functions" };
	return false;
}

static bool place_bars(struct layout *layout, unsigned p, struct finding *wrong)
{
	const struct range window = { MULLION_BAR_GPA, MULLION_BAR_END - MULLION_BAR_GPA };
	struct request *requests;
	const size_t count = list_requests(layout, &layout->partitions[p], &requests);
	struct placement room;
	bool placed = true;
	size_t i;

	placement_init(&room, &window, 1);
	for (i = 0; placed && i < count; i++)
		placed = place_bar(&room, &requests[i]) ||
			 refuse(wrong, &layout->model->partitions[p],
				 &layout->model->functions[requests[i].function->number],
				 requests[i].bar);
	placement_free(&room);
	free(requests);
	return placed;
}

uint64_t assignment_table(const struct layout *layout, size_t f)
{
	const struct model_function *function = function_of(layout, f);

	return find_bar(function, function->table_bar)->reg.base + function->table_offset;
}

static void find_table(struct layout *layout, size_t f)
{
	const struct model_function *function = function_of(layout, f);
	const struct model_bar *bar = find_bar(function, function->table_bar);
	struct layout_function *placed = &layout->functions[f];

	if (!function->msix || !bar)
		return;
	placed->table = pages_of(bar->reg.base + function->table_offset,
		(uint64_t)function->messages_count * MSIX_ENTRY_BYTES);
	if (function->owner >= 0)
		placed->table_gpa = (uint32_t)page_of(
			placed->gpas[function->table_bar] + (uint64_t)function->table_offset);
}

bool assignment_build(struct layout *layout, struct finding *wrong)
{
	unsigned p;
	size_t f;

	order(layout);
	for (p = 0; p < layout->model->partitions_count; p++)
		if (!place_bars(layout, p, wrong))
			return false;
	for (f = 0; f < layout->functions_count; f++)
		find_table(layout, f);
	return true;
}

void assignment_free(struct layout *layout)
{
	free(layout->functions);
}

/* ---- What the owner reaches ---- */

static size_t add_pieces(const struct layout *layout, const struct model_bar *bar, uint64_t gpa,
	struct assignment_piece **pieces, size_t used)
{
	const struct range pages = pages_of(bar->reg.base, bar->reg.bytes);
	struct placement reached;
	size_t i;

	placement_init(&reached, &pages, 1);
	for (i = 0; i < layout->functions_count; i++)
		placement_exclude(&reached, layout->functions[i].table);
	*pieces = allocate_more(*pieces, used + reached.count, sizeof(**pieces));
	for (i = 0; i < reached.count; i++)
		(*pieces)[used++] =
			(struct assignment_piece){ page_of(gpa) + reached.free[i].base - pages.base,
				reached.free[i].base, reached.free[i].bytes };
	placement_free(&reached);
	return used;
}

size_t assignment_pieces(const struct layout *layout, size_t f, struct assignment_piece **pieces)
{
	const struct model_function *function = function_of(layout, f);
	size_t used = 0, i;

	*pieces = NULL;
	for (i = 0; function->owner >= 0 && i < function->bars_count; i++)
		used = add_pieces(layout, &function->bars[i],
			layout->functions[f].gpas[function->bars[i].index], pieces, used);
	return used;
}

/* ---- Bounds ---- */

static uint64_t function_tables_bytes(const struct model_function *function)
{
	/* The way to its configuration space and to its MSI-X table in the kernel's map. */
	uint64_t bytes = sizeof(struct x86_function) + REGISTERS_BYTES + 8 * PAGING_4K;
	size_t i;

	/* A message: what is shown of it, and its entry, in a table whose size is a power of two. */
	bytes += function->messages_count * (sizeof(struct x86_message) + 2 * 16ull) + PAGING_4K;
	for (i = 0; i < function->bars_count; i++)
		bytes += sizeof(struct x86_bar) +
			 (function->bars[i].reg.bytes / PAGING_2M + 3) * PAGING_4K;
	return bytes;
}

uint64_t assignment_tables_bytes(const struct layout *layout)
{
	const struct model *model = layout->model;
	uint64_t bytes = 0;
	size_t i;

	/* Root and remapping tables, the way to the registers; one context table that lets nothing
	 * pass. */
	for (i = 0; i < model->iommus_count; i++)
		bytes += sizeof(struct x86_iommu) + 8 * PAGING_4K;
	for (i = 0; i < model->functions_count; i++)
		bytes += function_tables_bytes(&model->functions[i]);
	return model->functions_count ? bytes + PAGING_4K : bytes;
}

static uint64_t unit_data_bytes(const struct model *model, const struct model_iommu *iommu)
{
	uint64_t highest = 0, bytes = sizeof(struct x86_iommu_storage);
	size_t i;

	for (i = 0; i < model->functions_count; i++) {
		const struct model_function *function = &model->functions[i];

		highest = function->requester > highest ? function->requester : highest;
		highest = function->bdf > highest ? function->bdf : highest;
	}
	for (i = 0; i < model->bridges_count; i++)
		highest = model->bridges[i].bus * BUS_FUNCTIONS > highest
				  ? model->bridges[i].bus * BUS_FUNCTIONS
				  : highest;
	if (iommu->kind == X86_IOMMU_AMDVI)
		return bytes + (highest / BUS_FUNCTIONS + 1) * BUS_FUNCTIONS * AMDVI_ENTRY;
	return bytes + (highest / BUS_FUNCTIONS + 1) * PAGING_4K;
}

uint64_t assignment_data_bytes(const struct layout *layout)
{
	const struct model *model = layout->model;
	uint64_t bytes = model->functions_count * sizeof(struct x86_function_state);
	size_t i;

	for (i = 0; i < model->iommus_count; i++)
		bytes += unit_data_bytes(model, &model->iommus[i]);
	return bytes;
}
