/*
 * Rules about the PCI functions of partitions: who owns them, where their registers and messages
 * go, and what memory they reach.
 */
#include <inttypes.h>

#include "check.h"

#define INTERRUPT_ROW  4u /* cells: function, message, CPU, vector */
#define LOWEST_VECTOR  32u
#define HIGHEST_VECTOR 254u

static struct location property_at(
	const struct check *check, const struct model_partition *partition, const char *name)
{
	return place(check, partition->at, name);
}

static size_t times_granted(const struct model_partition *partition, int function)
{
	size_t times = 0;

	for (size_t i = 0; i < partition->functions_count; i++)
		times += partition->functions[i] == function;
	return times;
}

static void function_granted_twice(struct check *check)
{
	const struct model *model = check->model;

	for (size_t f = 0; f < model->functions_count; f++) {
		const struct model_partition *first = NULL;

		for (size_t i = 0; i < model->partitions_count; i++) {
			const struct model_partition *p = &model->partitions[i];

			if (times_granted(p, (int)f) == 0)
				continue;
			if (first != NULL)
				fault(check, property_at(check, p, "devices"),
					say(check, "%s is granted to %s (line %u) and to %s",
						model->functions[f].name, first->name,
						first->at.line, p->name),
					"a function has one owner: take it from one of the two, or "
					"give one of them a virtual function");
			else
				first = p;
		}
	}
}

static void function_listed_twice(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++)
		for (size_t f = 0; f < model->functions_count; f++)
			if (times_granted(&model->partitions[i], (int)f) > 1)
				fault(check, property_at(check, &model->partitions[i], "devices"),
					say(check, "%s is listed twice", model->functions[f].name),
					"remove one of the two");
}

static void function_physical(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->functions_count; i++) {
		const struct model_function *f = &model->functions[i];

		if (f->physical < 0 || model->functions[f->physical].physical < 0)
			continue;
		fault(check, place(check, f->at, "virtual-function-of"),
			say(check, "%s is said to be a virtual function of %s, which is %s",
				f->name, model->functions[f->physical].name,
				f->physical == (int)i ? "itself" : "a virtual one"),
			"refer to the physical function");
	}
}

/* Pages are what can be granted: the rest of one could be another's. */
static void bar_page(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->functions_count; i++) {
		const struct model_function *f = &model->functions[i];

		for (size_t k = 0; f->owner >= 0 && k < f->bars_count; k++) {
			if (f->bars[k].reg.bytes >= MULLION_PAGE_BYTES)
				continue;
			fault(check, place(check, f->at, "bars"),
				say(check,
					"BAR %u of %s, granted to %s, has 0x%" PRIx64
					" bytes: less than a page",
					f->bars[k].index, f->name, model->partitions[f->owner].name,
					f->bars[k].reg.bytes),
				"take the function out of `devices`: its page cannot be granted "
				"without what else is in it");
		}
	}
}

static uint64_t bars_bytes(const struct model_function *f)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < f->bars_count; i++)
		bytes = f->bars[i].reg.bytes > UINT64_MAX - bytes ? UINT64_MAX
								  : bytes + f->bars[i].reg.bytes;
	return bytes;
}

/* Sizes are powers of two and the window is aligned: what fits in sum fits one after another. */
static void bar_window(struct check *check)
{
	const uint64_t room = MULLION_BAR_END - MULLION_BAR_GPA;
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];
		uint64_t left = room;

		for (size_t k = 0; k < p->functions_count; k++) {
			const struct model_function *f = &model->functions[p->functions[k]];

			if (bars_bytes(f) > left) {
				fault(check, property_at(check, p, "devices"),
					say(check,
						"up to and with %s the BARs of %s take more than "
						"the %s where a partition finds them",
						f->name, p->name, say_bytes(check, room)),
					"grant it fewer functions");
				break;
			}
			left -= bars_bytes(f);
		}
	}
}

/* Where a partition's memory ends as it and its functions see it. */
static uint64_t memory_end(const struct model_partition *p)
{
	const uint64_t hole = MULLION_HOLE_END - MULLION_HOLE_BASE;

	if (p->memory_bytes <= MULLION_HOLE_BASE)
		return p->memory_bytes;
	return p->memory_bytes > UINT64_MAX - hole ? UINT64_MAX : p->memory_bytes + hole;
}

static void dma_reach(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];

		for (size_t k = 0; k < p->functions_count; k++) {
			const struct model_function *f = &model->functions[p->functions[k]];
			const struct model_iommu *unit =
				f->iommu < 0 ? NULL : &model->iommus[f->iommu];

			if (unit == NULL || unit->address_bits >= 64 ||
				memory_end(p) <= 1ull << unit->address_bits)
				continue;
			fault(check, property_at(check, p, "memory"),
				say(check,
					"the memory of %s ends at 0x%" PRIx64
					", beyond the %u bits that %s translates for %s",
					p->name, memory_end(p), unit->address_bits, unit->name,
					f->name),
				"ask for less, or take the function out of `devices`");
			break;
		}
	}
}

/* ---- Interrupts ---- */

/* A row as it is written. */
struct row {
	const struct model_partition *partition;
	const struct model_function *function;
	uint32_t message, cpu, vector;
	struct location at;
};

static size_t rows_count(const struct check *check, const struct model_partition *partition)
{
	return source_cells(source_property(node_at(check, partition->at), "interrupts")) /
	       INTERRUPT_ROW;
}

static struct row row_of(
	const struct check *check, const struct model_partition *partition, size_t index)
{
	const struct source_property *rows =
		source_property(node_at(check, partition->at), "interrupts");
	const size_t cell = INTERRUPT_ROW * index;
	const struct source_node *node = source_by_phandle(check->source, source_cell(rows, cell));
	struct row row = { .partition = partition,
		.message = source_cell(rows, cell + 1),
		.cpu = source_cell(rows, cell + 2),
		.vector = source_cell(rows, cell + 3),
		.at = rows->at };

	for (size_t i = 0; i < check->model->functions_count; i++)
		if (node_at(check, check->model->functions[i].at) == node)
			row.function = &check->model->functions[i];
	return row;
}

/* Calls `function` for every row of every partition; those before it have lower indexes. */
static void each_row(struct check *check,
	void (*function)(struct check *check, const struct row *row, size_t index))
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++)
		for (size_t k = 0; k < rows_count(check, &model->partitions[i]); k++) {
			const struct row row = row_of(check, &model->partitions[i], k);

			if (row.function != NULL)
				function(check, &row, k);
		}
}

static bool is_owner(const struct row *row, const struct model *model)
{
	return times_granted(row->partition, (int)(row->function - model->functions)) != 0;
}

static void function_of(struct check *check, const struct row *row, size_t index)
{
	(void)index;
	if (!is_owner(row, check->model))
		fault(check, row->at,
			say(check, "%s asks for message %" PRIu32 " of %s, which it is not granted",
				row->partition->name, row->message, row->function->name),
			"add the function to its `devices`, or remove the row");
}

static void interrupt_function(struct check *check)
{
	each_row(check, function_of);
}

static void message_of(struct check *check, const struct row *row, size_t index)
{
	const struct model_function *f = row->function;

	(void)index;
	if (row->message < f->messages_count)
		return;
	fault(check, row->at, say(check, "%s has no message %" PRIu32, f->name, row->message),
		f->messages_count == 0 ? "poll it: `config` shows neither MSI nor MSI-X"
				       : say(check, "choose one from 0 to %u, as `config` shows",
						 f->messages_count - 1));
}

static void interrupt_message(struct check *check)
{
	each_row(check, message_of);
}

static void same_message(struct check *check, const struct row *row, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		const struct row other = row_of(check, row->partition, i);

		if (other.function == row->function && other.message == row->message)
			fault(check, row->at,
				say(check, "message %" PRIu32 " of %s has two rows", row->message,
					row->function->name),
				"let a message interrupt one CPU at one vector: remove a row");
	}
}

static void interrupt_twice(struct check *check)
{
	each_row(check, same_message);
}

static const struct model_cpu *cpu_numbered(const struct model *model, uint32_t number)
{
	for (size_t i = 0; i < model->cpus_count; i++)
		if (model->cpus[i].number == number)
			return &model->cpus[i];
	return NULL;
}

static bool owns(const struct model *model, const struct model_partition *p, uint32_t number)
{
	for (size_t i = 0; i < p->owned_cpus_count; i++)
		if (model->cpus[p->owned_cpus[i]].number == number)
			return true;
	return false;
}

static void cpu_of(struct check *check, const struct row *row, size_t index)
{
	const struct model_cpu *cpu = cpu_numbered(check->model, row->cpu);

	(void)index;
	if (owns(check->model, row->partition, row->cpu))
		return;
	if (cpu != NULL && cpu->mode == MULLION_CPU_FRAMED)
		fault(check, row->at,
			say(check,
				"message %" PRIu32 " of %s would interrupt CPU %" PRIu32
				" in any window",
				row->message, row->function->name, row->cpu),
			"remove the row and let the partition poll, or give it an owned CPU");
	else
		fault(check, row->at,
			say(check,
				"message %" PRIu32 " of %s would interrupt CPU %" PRIu32
				", which %s does not own",
				row->message, row->function->name, row->cpu, row->partition->name),
			"name a CPU from its `cpus`");
}

static void interrupt_cpu(struct check *check)
{
	each_row(check, cpu_of);
}

static void vector_of(struct check *check, const struct row *row, size_t index)
{
	(void)index;
	if (row->vector < LOWEST_VECTOR || row->vector > HIGHEST_VECTOR)
		fault(check, row->at,
			say(check, "message %" PRIu32 " of %s has the vector %" PRIu32,
				row->message, row->function->name, row->vector),
			say(check,
				"choose one from %u to %u: those below are exceptions, %u is "
				"the spurious one",
				LOWEST_VECTOR, HIGHEST_VECTOR, HIGHEST_VECTOR + 1));
}

static void interrupt_vector(struct check *check)
{
	each_row(check, vector_of);
}

static void same_vector(struct check *check, const struct row *row, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		const struct row other = row_of(check, row->partition, i);

		if (other.cpu != row->cpu || other.vector != row->vector ||
			(other.function == row->function && other.message == row->message))
			continue;
		fault(check, row->at,
			say(check,
				"message %" PRIu32 " of %s and message %" PRIu32
				" of %s both have vector 0x%" PRIx32 " on CPU %" PRIu32,
				row->message, row->function->name, other.message,
				other.function == NULL ? "nothing" : other.function->name,
				row->vector, row->cpu),
			"give each message on a CPU a vector of its own");
	}
}

static void interrupt_shared(struct check *check)
{
	each_row(check, same_vector);
}

/* AMD-Vi finds the table of messages by the requester id: there is one for all who share it. */
static void ambiguous(struct check *check, const struct row *row, size_t index)
{
	const struct model *model = check->model;
	const struct model_function *f = row->function;

	if (f->iommu < 0 || model->iommus[f->iommu].kind != X86_IOMMU_AMDVI)
		return;
	for (size_t i = 0; i < index; i++) {
		const struct row other = row_of(check, row->partition, i);

		if (other.function == NULL || other.function == f ||
			other.function->requester != f->requester)
			continue;
		fault(check, row->at,
			say(check,
				"%s and %s both interrupt as %s, and %s has one table for that "
				"id",
				other.function->name, f->name, say_bdf(check, f->requester),
				model->iommus[f->iommu].name),
			"let only one of them interrupt, and poll the other");
		return;
	}
}

static void interrupt_requester(struct check *check)
{
	each_row(check, ambiguous);
}

const struct rule rules_function[] = {
	{ "function-granted-twice", "A PCI function has one owner.", TIER_MEANING,
		function_granted_twice },
	{ "function-listed-twice", "A partition lists a PCI function once.", TIER_MEANING,
		function_listed_twice },
	{ "function-physical", "A virtual function is one of a physical function.", TIER_MEANING,
		function_physical },
	{ "bar-page", "The BARs of a granted function are whole pages.", TIER_MEANING, bar_page },
	{ "bar-window", "The BARs of a partition's functions fit where it finds them.",
		TIER_MEANING, bar_window },
	{ "dma-reach",
		"A partition with PCI functions has no memory that their IOMMU cannot reach.",
		TIER_MEANING, dma_reach },
	{ "interrupt-function", "A partition has interrupts of its own functions only.",
		TIER_MEANING, interrupt_function },
	{ "interrupt-message", "An interrupt is a message that the function has.", TIER_MEANING,
		interrupt_message },
	{ "interrupt-twice", "A message interrupts one CPU at one vector.", TIER_MEANING,
		interrupt_twice },
	{ "interrupt-cpu", "A message interrupts a CPU that the partition owns.", TIER_MEANING,
		interrupt_cpu },
	{ "interrupt-vector", "A message's vector is from 32 to 254.", TIER_MEANING,
		interrupt_vector },
	{ "interrupt-shared", "Two messages never have the same vector on the same CPU.",
		TIER_MEANING, interrupt_shared },
	{ "interrupt-requester", "With AMD-Vi, one function per requester id interrupts.",
		TIER_MEANING, interrupt_requester },
	{ NULL, NULL, TIER_COUNT, NULL },
};
