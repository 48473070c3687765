/*
 * Compares what functions and IOMMUs have with what the description grants: owners, messages, BARs,
 * and what of the configuration space is shown.
 *
 * The invariant that is proved: no function more, no message more, and none less. What is wanted is
 * worked out here once more from the model and docs/devices.md.
 */
#include "audit_devices.h"

#include <string.h>

#include "allocate.h"

struct wanted {
	struct audit *audit;
	const struct model *model;
};

static const struct model_function *model_of(
	const struct model *model, const struct audit_function *function)
{
	size_t f;

	for (f = 0; f < model->functions_count; f++)
		if (model->functions[f].bdf == function->table->bdf)
			return &model->functions[f];
	return NULL;
}

static const struct audit_function *function_of(
	const struct audit *audit, const struct model_function *model)
{
	const struct audit_devices *devices = audit->devices;
	size_t f;

	for (f = 0; f < devices->functions_count; f++)
		if (devices->functions[f].table->bdf == model->bdf)
			return &devices->functions[f];
	return NULL;
}

static void complain(const struct wanted *wanted, const char *rule,
	const struct audit_function *function, const char *what)
{
	audit_find(
		wanted->audit, rule, "%s %s", audit_function_name(wanted->audit, function), what);
}

/* ---- Functions ---- */

static void compare_record(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model)
{
	const struct x86_function *table = function->table;
	const int owner = audit_is_owned(function) ? table->partition : -1;

	if (owner != model->owner)
		complain(wanted, "wanted-functions", function,
			format("is to belong to %s",
				model->owner < 0 ? "nobody"
						 : wanted->model->partitions[model->owner].name));
	if (strcmp(function->name, model->name) != 0 || table->identity != model->config[0])
		complain(wanted, "wanted-functions", function,
			format("is to be %s, %#x", model->name, model->config[0]));
	if (table->requester != model->requester || (int)table->iommu != model->iommu)
		complain(wanted, "wanted-functions", function,
			"is confined by another unit or under another requester id than "
			"described");
	if (table->config != wanted->model->ecam.base + ((uint64_t)model->bdf << 12))
		complain(wanted, "wanted-functions", function,
			"is reached at another place of configuration space than described");
	if (table->msi != model->msi || table->msix != model->msix ||
		table->messages_count != model->messages_count)
		complain(wanted, "wanted-functions", function,
			"has other messages than the board's configuration space says");
}

/* ---- BARs ---- */

static const struct x86_bar *bar_at(const struct audit_function *function, unsigned index)
{
	size_t b;

	for (b = 0; b < function->bars_count; b++)
		if (function->bars[b].index == index)
			return &function->bars[b];
	return NULL;
}

static void compare_bars(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model)
{
	size_t b;

	if (function->bars_count != model->bars_count)
		complain(wanted, "wanted-bars", function,
			format("has %zu BARs, and is to have %zu", function->bars_count,
				model->bars_count));
	for (b = 0; b < model->bars_count; b++) {
		const struct model_bar *wants = &model->bars[b];
		const struct x86_bar *has = bar_at(function, wants->index);

		if (!has || has->base != wants->reg.base || has->bytes != wants->reg.bytes ||
			has->wide != wants->wide || has->type != wants->type)
			complain(wanted, "wanted-bars", function,
				format("has another BAR %u than the board, %#llx, %#llx bytes",
					wants->index, (unsigned long long)wants->reg.base,
					(unsigned long long)wants->reg.bytes));
	}
}

static void compare_table(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model)
{
	const struct x86_bar *bar = bar_at(function, model->table_bar);

	if (model->msix && (!bar || function->table->table != bar->base + model->table_offset))
		complain(wanted, "wanted-bars", function,
			format("is to have its MSI-X table at %#x of BAR %u", model->table_offset,
				model->table_bar));
}

/* ---- Messages ---- */

static const struct model_interrupt *interrupt_of(
	const struct model *model, const struct model_function *function, unsigned message)
{
	const struct model_partition *owner;
	size_t i;

	if (function->owner < 0)
		return NULL;
	owner = &model->partitions[function->owner];
	for (i = 0; i < owner->interrupts_count; i++)
		if (&model->functions[owner->interrupts[i].function] == function &&
			owner->interrupts[i].message == message)
			return &owner->interrupts[i];
	return NULL;
}

/* What the units' tables send, not what the kernel is told of it. */
static const struct audit_vector *vector_of(
	const struct audit *audit, const struct audit_function *function, unsigned message)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->vectors_count; i++)
		if (devices->vectors[i].function == function &&
			devices->vectors[i].message == (int)message)
			return &devices->vectors[i];
	return NULL;
}

static void compare_message(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model, unsigned m)
{
	const struct model_interrupt *wants = interrupt_of(wanted->model, model, m);
	const struct audit_vector *has = vector_of(wanted->audit, function, m);

	if (wants && !has)
		complain(wanted, "wanted-interrupts", function,
			format("lacks message %u, vector %#x at CPU %u", m, wants->vector,
				wanted->model->cpus[wants->cpu].number));
	else if (!wants && has)
		complain(wanted, "wanted-interrupts", function,
			format("gains message %u, vector %#x at APIC id %u", m, has->vector,
				has->apic));
	else if (wants && (has->vector != wants->vector ||
				  has->apic != wanted->model->cpus[wants->cpu].apic_id))
		complain(wanted, "wanted-interrupts", function,
			format("raises vector %#x at APIC id %u by message %u, and is to raise "
			       "%#x at APIC id %u",
				has->vector, has->apic, m, wants->vector,
				wanted->model->cpus[wants->cpu].apic_id));
}

/* ---- Configuration space ---- */

enum { CLASS = 2, HEADER = 3, SUBSYSTEM = 11, LATENCY = 15, CHAIN = 0x34 };

static unsigned byte_at(const uint32_t *config, unsigned at)
{
	return config[at / 4 % 64] >> at % 4 * 8 & 0xff;
}

/* On the chain of the board, with this kind? */
static bool has_capability(const uint32_t *config, unsigned offset, unsigned id)
{
	unsigned at = config[1] >> 20 & 1 ? byte_at(config, CHAIN) & 0xfc : 0, steps;

	for (steps = 0; at >= 0x40 && steps < 48; steps++) {
		if (at == offset)
			return byte_at(config, at) == id;
		at = byte_at(config, at + 1) & 0xfc;
	}
	return false;
}

static bool is_shown(const struct audit_function *function, unsigned offset)
{
	unsigned at = function->registers[CHAIN / 4].value & 0xff, steps;

	for (steps = 0; at >= 0x40 && steps < 48; steps++) {
		if (at == offset)
			return true;
		at = function->registers[at / 4].value >> 8 & 0xff;
	}
	return false;
}

/* Messages that are granted, PCI Express, and what vendors add. */
static bool is_to_be_shown(const struct audit_function *function,
	const struct model_function *model, unsigned offset, unsigned id)
{
	if (id == 0x10 || id == 0x09)
		return true;
	if (!function->messages)
		return false;
	return (id == 0x11 && offset == model->msix) ||
	       (id == 0x05 && offset == model->msi && !model->msix);
}

/* Where a capability ends by what it says of itself: PCI Express, 7.5.3; PCI 3.0, appendix H. */
static unsigned own_end(const uint32_t *config, unsigned offset)
{
	const unsigned flags = byte_at(config, offset + 2);

	if (byte_at(config, offset) == 0x09)
		return offset + flags;
	if ((flags & 0xf) > 1)
		return offset + 0x3c;
	return offset + (flags >> 4 == 9 ? 0x0c : 0x14);
}

/* And at the latest where another begins. */
static unsigned end_of(const uint32_t *config, unsigned offset)
{
	unsigned end = own_end(config, offset), at;

	for (at = offset + 4; at < 0x100 && at < end; at += 4)
		if (has_capability(config, at, byte_at(config, at)))
			end = at;
	return end < 0x100 ? end : 0x100;
}

/* All of it is shown as the hardware has it, and nothing behind it. */
static void compare_plain(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model, unsigned offset)
{
	const unsigned end = end_of(model->config, offset);
	unsigned at;

	for (at = offset + 4; at < end; at += 4) {
		const uint32_t live = end - at < 4 ? (1u << 8 * (end - at)) - 1 : UINT32_MAX;

		if (function->registers[at / 4].live != live)
			complain(wanted, "wanted-config", function,
				format("shows %#x of what the hardware has at %#x, and is to show "
				       "%#x",
					function->registers[at / 4].live, at, live));
	}
	at = (end + 3) & ~3u;
	if (at < 0x100 && !has_capability(model->config, at, byte_at(model->config, at)) &&
		function->registers[at / 4].live)
		complain(wanted, "wanted-config", function,
			format("shows what lies behind the capability at %#x", offset));
}

static void compare_shown(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model)
{
	unsigned offset;

	for (offset = 0x40; offset < 0x100; offset += 4) {
		const unsigned id = byte_at(model->config, offset);
		const bool wants = has_capability(model->config, offset, id) &&
				   is_to_be_shown(function, model, offset, id);
		const bool has = is_shown(function, offset);

		if (wants != has)
			complain(wanted, "wanted-config", function,
				format("%s the capability at %#x, kind %#04x",
					has ? "shows" : "does not show", offset, id));
		else if (has && (function->registers[offset / 4].value & 0xff) != id)
			complain(wanted, "wanted-config", function,
				format("shows another kind of capability at %#x than it has",
					offset));
		else if (has && (id == 0x10 || id == 0x09))
			compare_plain(wanted, function, model, offset);
	}
}

static void compare_config(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model)
{
	static const struct {
		unsigned at;
		uint32_t mask;
	} same[] = { { CLASS, UINT32_MAX }, { HEADER, UINT32_MAX }, { SUBSYSTEM, UINT32_MAX },
		{ LATENCY, 0xffff0000u } };
	size_t i;

	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (function->registers[same[i].at].value !=
			(model->config[same[i].at] & same[i].mask))
			complain(wanted, "wanted-config", function,
				format("shows %#x at %#x of its configuration space, and is to "
				       "show %#x",
					function->registers[same[i].at].value, 4 * same[i].at,
					model->config[same[i].at] & same[i].mask));
	for (i = 0; model->msix && function->messages && i < 2; i++)
		if (function->registers[model->msix / 4 + 1 + i].value !=
			model->config[model->msix / 4 + 1 + i])
			complain(wanted, "wanted-config", function,
				"shows another place of its messages or pending bits");
	compare_shown(wanted, function, model);
}

/* ---- Resets: PCI Express 7.5.3.3, bit 28; PCI 3.0, advanced features, 3.2 ---- */

static void compare_resets(const struct wanted *wanted, const struct audit_function *function,
	const struct model_function *model)
{
	const uint32_t *config = model->config;
	unsigned express = 0, advanced = 0, at;

	for (at = 0x40; model->owner >= 0 && at < 0x100; at += 4) {
		if (has_capability(config, at, 0x10) && byte_at(config, at + 7) & 0x10)
			express = at + 8;
		if (has_capability(config, at, 0x13) && byte_at(config, at + 3) & 2)
			advanced = at + 4;
	}
	if (function->table->reset != express || function->table->reset_af != advanced)
		complain(wanted, "wanted-functions", function,
			format("is reset by the registers at %#x and %#x, and is to be reset at "
			       "%#x and %#x",
				function->table->reset, function->table->reset_af, express,
				advanced));
}

/* ---- All ---- */

static void compare_function(const struct wanted *wanted, const struct audit_function *function)
{
	const struct model_function *model = model_of(wanted->model, function);
	unsigned m;

	if (!model) {
		complain(wanted, "wanted-functions", function, "is not on the board");
		return;
	}
	compare_record(wanted, function, model);
	compare_resets(wanted, function, model);
	for (m = 0; m < model->messages_count; m++)
		compare_message(wanted, function, model, m);
	if (model->owner < 0 || !audit_is_owned(function))
		return;
	compare_bars(wanted, function, model);
	compare_table(wanted, function, model);
	if (function->registers)
		compare_config(wanted, function, model);
}

static void compare_unit(const struct wanted *wanted, const struct model_iommu *model, size_t u)
{
	const struct audit_unit *unit = &wanted->audit->devices->units[u];

	if (strcmp(unit->name, model->name) != 0 || (int)unit->table->kind != model->kind ||
		unit->table->registers != model->reg.base ||
		unit->table->levels != (model->address_bits - 12) / 9)
		audit_find(wanted->audit, "wanted-iommus",
			"%s is to be %s, at %#llx, with %u address bits", unit->name, model->name,
			(unsigned long long)model->reg.base, model->address_bits);
}

void audit_devices_description(struct audit *audit, const struct model *model)
{
	const struct wanted wanted = { audit, model };
	const struct audit_devices *devices = audit->devices;
	size_t i;

	if (devices->units_count != model->iommus_count)
		audit_find(audit, "wanted-iommus", "it has %zu IOMMUs, and is to have %zu",
			devices->units_count, model->iommus_count);
	for (i = 0; i < model->iommus_count && i < devices->units_count; i++)
		compare_unit(&wanted, &model->iommus[i], i);
	for (i = 0; i < devices->functions_count; i++)
		compare_function(&wanted, &devices->functions[i]);
	for (i = 0; i < model->functions_count; i++)
		if (!function_of(audit, &model->functions[i]))
			audit_find(audit, "wanted-functions",
				"%s is on the board, and the image does not silence it",
				model->functions[i].name);
}

static bool meets(const struct audit_mapping *at, const struct range *range)
{
	return at->physical < range->base + range->bytes && at->physical + at->bytes > range->base;
}

/* Registers of functions that nobody owns are known from the description alone. */
void audit_devices_frame(
	struct audit *audit, const struct audit_claim *claim, const struct model *model)
{
	const char *name = audit->partitions[claim->partition].name;
	size_t f, b;

	if (meets(&claim->at, &model->ecam))
		audit_find(audit, "wanted-devices",
			"partition %s reaches configuration space at %#llx", name,
			(unsigned long long)claim->at.virtual);
	for (f = 0; f < model->iommus_count; f++)
		if (meets(&claim->at, &model->iommus[f].reg))
			audit_find(audit, "wanted-devices",
				"partition %s reaches the registers of %s at %#llx", name,
				model->iommus[f].name, (unsigned long long)claim->at.virtual);
	for (f = 0; f < model->functions_count; f++)
		for (b = 0; b < model->functions[f].bars_count; b++)
			if (model->functions[f].owner != (int)claim->partition &&
				meets(&claim->at, &model->functions[f].bars[b].reg))
				audit_find(audit, "wanted-devices",
					"partition %s reaches BAR %u of %s at %#llx", name,
					model->functions[f].bars[b].index, model->functions[f].name,
					(unsigned long long)claim->at.virtual);
}
