/*
 * Computes what IOMMUs and owners of PCI functions are given. See devices.h for the invariant.
 */
#include "devices.h"

#include <stdlib.h>

#include "allocate.h"
#include "assignment.h"

#define VTD_LEAST_ENTRIES 256u
#define BUS_FUNCTIONS     256u
#define GUEST_MESSAGE     0xfee00000u

static const struct model_function *function_of(const struct layout *layout, size_t f)
{
	return &layout->model->functions[layout->functions[f].number];
}

static bool is_amdvi(const struct layout *layout, int unit)
{
	return layout->model->iommus[unit].kind == X86_IOMMU_AMDVI;
}

static unsigned power_of_two(unsigned count)
{
	unsigned power = 1;

	while (power < count)
		power *= 2;
	return power;
}

static unsigned log2_of(size_t power)
{
	unsigned log = 0;

	while (power >> log > 1)
		log++;
	return log;
}

const struct model_interrupt *devices_interrupt(
	const struct layout *layout, size_t f, unsigned message)
{
	const int number = layout->functions[f].number;
	const int owner = layout->model->functions[number].owner;
	size_t i;

	for (i = 0; owner >= 0 && i < layout->model->partitions[owner].interrupts_count; i++) {
		const struct model_interrupt *interrupt =
			&layout->model->partitions[owner].interrupts[i];

		if (interrupt->function == number && interrupt->message == message)
			return interrupt;
	}
	return NULL;
}

/* ---- Messages ---- */

/* Entries that function `f` takes of its table, from its first one on. */
static unsigned entries_of(const struct layout *layout, size_t f)
{
	const struct model_function *function = function_of(layout, f);
	const bool amdvi = is_amdvi(layout, function->iommu);
	const struct model_partition *partition;
	unsigned count = 0;
	size_t i;

	if (function->owner < 0)
		return 0;
	partition = &layout->model->partitions[function->owner];
	for (i = 0; i < partition->interrupts_count; i++)
		if (partition->interrupts[i].function == layout->functions[f].number)
			count = amdvi ? partition->interrupts[i].message + 1 : count + 1;
	return count;
}

/* VT-d: the granted messages of a unit are counted. AMD-Vi: an entry's number is its message's. */
static unsigned first_entry(const struct layout *layout, size_t f)
{
	const int unit = function_of(layout, f)->iommu;
	unsigned first = 0;
	size_t earlier;

	if (is_amdvi(layout, unit))
		return 0;
	for (earlier = 0; earlier < f; earlier++)
		if (function_of(layout, earlier)->iommu == unit)
			first += entries_of(layout, earlier);
	return first;
}

static struct x86_message message_of(const struct layout *layout, size_t f,
	const struct model_interrupt *interrupt, unsigned handle)
{
	const struct model_function *function = function_of(layout, f);
	const int cpu = layout->model->cpus[interrupt->cpu].index;
	const int vcpu = layout_vcpu_on(layout, (unsigned)function->owner, (unsigned)cpu);
	const bool amdvi = is_amdvi(layout, function->iommu);

	return (struct x86_message){
		.address = amdvi ? AMDVI_MESSAGE_ADDRESS : VTD_MESSAGE_ADDRESS(handle),
		.data = amdvi ? handle : 0,
		.granted = 1,
		.guest_address = GUEST_MESSAGE | layout->vcpus[vcpu].index << 12,
		.guest_data = interrupt->vector,
	};
}

static void build_messages(const struct layout *layout, size_t f, struct devices_function *planned)
{
	const struct model_function *function = function_of(layout, f);
	const bool amdvi = is_amdvi(layout, function->iommu);
	unsigned handle = first_entry(layout, f), message;

	planned->messages = allocate(function->messages_count, sizeof(*planned->messages));
	planned->handles = allocate(function->messages_count, sizeof(*planned->handles));
	for (message = 0; message < function->messages_count; message++) {
		const struct model_interrupt *interrupt = devices_interrupt(layout, f, message);

		if (interrupt) {
			planned->handles[message] = handle;
			planned->messages[message] = message_of(layout, f, interrupt, handle);
		}
		handle += amdvi || interrupt;
	}
}

/* ---- Interrupt remapping ---- */

static void set_remapping(const struct layout *layout, size_t f,
	const struct model_interrupt *interrupt, uint64_t words[2])
{
	const struct model_function *function = function_of(layout, f);
	const uint32_t apic_id = layout->model->cpus[interrupt->cpu].apic_id;

	if (is_amdvi(layout, function->iommu)) {
		words[0] = AMDVI_IRTE_PRESENT | AMDVI_IRTE_APIC(apic_id) |
			   AMDVI_IRTE_VECTOR(interrupt->vector);
		return;
	}
	words[0] = VTD_IRTE_PRESENT | VTD_IRTE_APIC(apic_id) | VTD_IRTE_VECTOR(interrupt->vector);
	words[1] = VTD_IRTE_SOURCE(function->requester);
}

static void fill_remapping(const struct layout *layout, const struct devices *devices, size_t f,
	struct devices_remapping *table)
{
	const struct devices_function *planned = &devices->functions[f];
	unsigned message;

	for (message = 0; planned->messages && message < function_of(layout, f)->messages_count;
		message++)
		if (planned->messages[message].granted) {
			const unsigned handle = planned->handles[message];

			set_remapping(layout, f, devices_interrupt(layout, f, message),
				table->words[handle]);
			if (handle >= table->used)
				table->used = handle + 1;
		}
}

static struct devices_remapping *add_remapping(
	struct devices_unit *unit, const char *name, unsigned count)
{
	struct devices_remapping *table;

	unit->tables = allocate_more(unit->tables, unit->tables_count + 1, sizeof(*unit->tables));
	table = &unit->tables[unit->tables_count++];
	*table = (struct devices_remapping){
		.name = name, .count = count, .words = allocate(count, sizeof(*table->words))
	};
	return table;
}

/* All functions of a VT-d unit share one table, which verifies who sent a message. */
static void build_vtd_remapping(
	const struct layout *layout, const struct devices *devices, unsigned u)
{
	struct devices_remapping *table;
	unsigned count = 0;
	size_t f;

	for (f = 0; f < layout->functions_count; f++)
		if (function_of(layout, f)->iommu == (int)u)
			count += entries_of(layout, f);
	table = add_remapping(&devices->units[u], format("vtd_remap_%u", u),
		power_of_two(count < VTD_LEAST_ENTRIES ? VTD_LEAST_ENTRIES : count));
	for (f = 0; f < layout->functions_count; f++)
		if (function_of(layout, f)->iommu == (int)u)
			fill_remapping(layout, devices, f, table);
}

/* ---- Who passes ---- */

static struct devices_entry vtd_entry(const struct layout *layout, size_t f)
{
	const struct model_function *function = function_of(layout, f);
	const unsigned levels = layout_iommu_levels(&layout->model->iommus[function->iommu]);
	const unsigned owner = (unsigned)function->owner;

	return (struct devices_entry){ function->requester,
		{ { VTD_PRESENT, format("dma_%s[0]", layout->partitions[owner].id) },
			{ VTD_CONTEXT_LEVELS(levels) | VTD_CONTEXT_DOMAIN(X86_DOMAIN(owner)),
				NULL } } };
}

/* Does function `f` send its requests as `requester` to unit `u`? */
static bool requests_as(const struct layout *layout, size_t f, int u, unsigned requester)
{
	const struct model_function *function = function_of(layout, f);

	return function->owner >= 0 && function->iommu == u && function->requester == requester;
}

/*
 * As many as a fixed message can select, so that what a function forges is looked up here, absent, and
 * not in what lies behind: QEMU's unit does not look at the length.
 */
#define AMDVI_ENTRIES 512u

/* The interrupts of a requester: of those that share the id, behind a bridge, one has messages. */
static struct devices_word amdvi_interrupts(
	const struct layout *layout, const struct devices *devices, int u, unsigned requester)
{
	struct devices_remapping *table;
	unsigned entries;
	size_t f;

	for (f = 0; f < layout->functions_count; f++)
		if (requests_as(layout, f, u, requester) && devices->functions[f].messages)
			break;
	if (f == layout->functions_count)
		return (struct devices_word){ AMDVI_DTE2_BLOCKED, NULL };
	entries = entries_of(layout, f);
	table = add_remapping(&devices->units[u], format("amdvi_remap_%s", layout->functions[f].id),
		power_of_two(entries > AMDVI_ENTRIES ? entries : AMDVI_ENTRIES));
	fill_remapping(layout, devices, f, table);
	return (struct devices_word){ AMDVI_DTE2_VALID | AMDVI_DTE2_REMAP |
					      AMDVI_DTE2_LENGTH(log2_of(table->count)),
		format("%s[0]", table->name) };
}

static struct devices_entry amdvi_entry(
	const struct layout *layout, const struct devices *devices, size_t f)
{
	const struct model_function *function = function_of(layout, f);
	const unsigned owner = (unsigned)function->owner;

	return (struct devices_entry){ function->requester,
		{ { AMDVI_DTE_VALID | AMDVI_DTE_TRANSLATE | AMDVI_DTE_MODE(4) | AMDVI_DTE_READ |
				  AMDVI_DTE_WRITE,
			  format("dma_%s[0]", layout->partitions[owner].id) },
			{ AMDVI_DTE1_DOMAIN(X86_DOMAIN(owner)), NULL },
			amdvi_interrupts(layout, devices, function->iommu, function->requester) } };
}

static int by_requester(const void *a, const void *b)
{
	const struct devices_entry *x = a, *y = b;

	return (x->requester > y->requester) - (x->requester < y->requester);
}

static bool is_first_of_requester(const struct layout *layout, size_t f)
{
	const struct model_function *function = function_of(layout, f);
	size_t earlier;

	for (earlier = 0; earlier < f; earlier++)
		if (requests_as(layout, earlier, function->iommu, function->requester))
			return false;
	return true;
}

static void build_entries(const struct layout *layout, const struct devices *devices, unsigned u)
{
	struct devices_unit *unit = &devices->units[u];
	const bool amdvi = is_amdvi(layout, (int)u);
	size_t f;

	unit->entries = allocate(layout->functions_count, sizeof(*unit->entries));
	for (f = 0; f < layout->functions_count; f++) {
		const struct model_function *function = function_of(layout, f);

		if (function->iommu == (int)u && function->owner >= 0 &&
			is_first_of_requester(layout, f))
			unit->entries[unit->entries_count++] =
				amdvi ? amdvi_entry(layout, devices, f) : vtd_entry(layout, f);
	}
	if (unit->entries_count)
		qsort(unit->entries, unit->entries_count, sizeof(*unit->entries), by_requester);
}

const struct devices_word *devices_pass(
	const struct devices *devices, const struct model_function *function)
{
	const struct devices_unit *unit = &devices->units[function->iommu];
	size_t i = 0;

	while (unit->entries[i].requester != function->requester)
		i++;
	return unit->entries[i].words;
}

/* The highest bus of the board, with those below bridges: AMD-Vi refuses what lies behind its table. */
static unsigned buses_of(const struct model *model)
{
	unsigned highest = 0;
	size_t i;

	for (i = 0; i < model->functions_count; i++) {
		const unsigned requester = model->functions[i].requester / BUS_FUNCTIONS;
		const unsigned bus = model->functions[i].bdf / BUS_FUNCTIONS;

		highest = requester > highest ? requester : highest;
		highest = bus > highest ? bus : highest;
	}
	for (i = 0; i < model->bridges_count; i++)
		highest = model->bridges[i].bus > highest ? model->bridges[i].bus : highest;
	return highest + 1;
}

static void build_unit(const struct layout *layout, const struct devices *devices, unsigned u)
{
	struct devices_unit *unit = &devices->units[u];
	size_t f;

	unit->requesters = buses_of(layout->model) * BUS_FUNCTIONS;
	for (f = 0; f < layout->functions_count; f++)
		if (function_of(layout, f)->iommu == (int)u)
			unit->buses[function_of(layout, f)->requester / BUS_FUNCTIONS] = true;
	if (!is_amdvi(layout, (int)u))
		build_vtd_remapping(layout, devices, u);
	build_entries(layout, devices, u);
}

/* ---- Functions ---- */

static void build_function(const struct layout *layout, size_t f, struct devices_function *planned)
{
	const struct model_function *function = function_of(layout, f);

	if (is_amdvi(layout, function->iommu))
		planned->entry =
			format("amdvi_devices_%d[%u]", function->iommu, function->requester);
	else
		planned->entry = format("vtd_context_%d_%u[%u]", function->iommu,
			function->requester / BUS_FUNCTIONS, function->requester % BUS_FUNCTIONS);
	if (function->owner < 0)
		return;
	if (assignment_interrupts(layout, f))
		build_messages(layout, f, planned);
	config_space_show(
		function, layout->functions[f].gpas, planned->messages, planned->registers);
}

static bool owns_functions(const struct layout *layout, unsigned cpu)
{
	const int owner = layout->model->cpus[layout->cpus[cpu]].owner;

	return owner >= 0 && layout->partitions[owner].functions != 0;
}

/* A framed CPU looks for faults between windows; where there is none, a device's owner is told. */
static void choose_keeper(const struct layout *layout, struct devices *devices)
{
	unsigned cpu;

	for (cpu = 0; cpu < layout->cpus_count; cpu++)
		if (layout->model->cpus[layout->cpus[cpu]].mode == MULLION_CPU_FRAMED) {
			devices->keeper = cpu;
			return;
		}
	for (cpu = 0; cpu < layout->cpus_count; cpu++)
		if (owns_functions(layout, cpu)) {
			devices->keeper = cpu;
			devices->interrupts = true;
			return;
		}
}

void devices_build(const struct layout *layout, struct devices *devices)
{
	unsigned u;
	size_t f;

	devices->functions_count = layout->functions_count;
	devices->functions = allocate(devices->functions_count, sizeof(*devices->functions));
	for (f = 0; f < devices->functions_count; f++)
		build_function(layout, f, &devices->functions[f]);
	devices->units_count = layout->model->iommus_count;
	devices->units = allocate(devices->units_count, sizeof(*devices->units));
	for (u = 0; u < devices->units_count; u++)
		build_unit(layout, devices, u);
	choose_keeper(layout, devices);
}

void devices_free(struct devices *devices)
{
	size_t i;

	for (i = 0; i < devices->functions_count; i++) {
		free(devices->functions[i].messages);
		free(devices->functions[i].handles);
	}
	for (i = 0; i < devices->units_count; i++) {
		struct devices_unit *unit = &devices->units[i];

		while (unit->tables_count)
			free(unit->tables[--unit->tables_count].words);
		free(unit->tables);
		free(unit->entries);
	}
	free(devices->functions);
	free(devices->units);
	*devices = (struct devices){ 0 };
}
