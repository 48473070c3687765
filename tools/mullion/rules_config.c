/*
 * Rules about a function's configuration space as the board describes it, and about its base
 * address registers: PCI 3.0, chapter 6.
 */
#include <inttypes.h>

#include "check.h"
#include "pci_config.h"

#define VENDOR_OFFSET 0x00u
#define HEADER_OFFSET 0x0eu
#define BARS_COUNT    6u
#define SMALLEST_BAR  16u
#define BELOW_4_GIB   0x100000000ull
#define MSIX_BYTES    12u
#define MSIX_ENTRY    16u
#define PBA_ENTRY     8u /* for 64 messages */
#define MSI_WIDE      0x80u
#define MSI_MASKS     0x100u

/* Writes to these addresses are interrupts: no memory of a function is there. */
static const struct range messages = { 0xfee00000, 0x100000 };

static struct location config_at(const struct check *check, const struct model_function *function)
{
	return place(check, function->at, "config");
}

static struct location bars_at(const struct check *check, const struct model_function *function)
{
	return place(check, function->at, "bars");
}

static void each_function(
	struct check *check, void (*function)(struct check *check, const struct model_function *f))
{
	for (size_t i = 0; i < check->model->functions_count; i++)
		function(check, &check->model->functions[i]);
}

/* A virtual function answers with all ones, PCIe SR-IOV 3.4.1.1. */
static void identity_of(struct check *check, const struct model_function *f)
{
	const uint16_t vendor = pci_word(f->config, VENDOR_OFFSET);

	if (vendor == 0 || (vendor == 0xffff && f->physical < 0))
		fault(check, config_at(check, f),
			say(check,
				"the configuration space of %s begins with 0x%08" PRIx32
				", which no function answers",
				f->name, f->config[0]),
			"write what the machine shows: device id << 16 | vendor id comes first");
}

static void config_identity(struct check *check)
{
	each_function(check, identity_of);
}

static void header_of(struct check *check, const struct model_function *f)
{
	const uint8_t type = pci_byte(f->config, HEADER_OFFSET) & 0x7f;

	if (type != 0)
		fault(check, config_at(check, f),
			say(check, "%s has a header of type %u", f->name, type),
			type == 1 ? "describe a bridge as `bridge@...`, with `type` and `bus`"
				  : "leave it out: partitions own functions with type 0 only");
}

static void config_header(struct check *check)
{
	each_function(check, header_of);
}

/* The bytes of a capability that are read, or shown to the owner. */
static unsigned capability_bytes(const struct model_function *f, struct pci_capability capability)
{
	const uint16_t control = pci_word(f->config, capability.offset + 2u);

	if (capability.id == PCI_CAPABILITY_MSIX)
		return MSIX_BYTES;
	if (capability.id != PCI_CAPABILITY_MSI)
		return 2;
	return 10u + ((control & MSI_WIDE) != 0 ? 4 : 0) + ((control & MSI_MASKS) != 0 ? 10 : 0);
}

static void chain_of(struct check *check, const struct model_function *f)
{
	const size_t stated = 4 * source_cells(source_property(node_at(check, f->at), "config"));
	struct pci_chain_read chain;

	pci_chain_read(f->config, &chain);
	if (chain.end != PCI_CHAIN_ENDS)
		fault(check, config_at(check, f),
			say(check, "the capabilities of %s %s 0x%02x", f->name,
				chain.end == PCI_CHAIN_LOOPS ? "come back to"
							     : "lead into the header, to",
				chain.stray),
			"write what the machine shows: each ends with the offset of the next, the "
			"last with 0");
	for (size_t i = 0; i < chain.count; i++) {
		const unsigned end = chain.list[i].offset + capability_bytes(f, chain.list[i]);

		if (end <= stated && end <= 4 * PCI_CONFIG_WORDS)
			continue;
		fault(check, config_at(check, f),
			say(check,
				"the capability of %s at 0x%02x is not in `config`, which ends "
				"at 0x%02zx",
				f->name, chain.list[i].offset, stated),
			"write more of what the machine shows, up to 64 doublewords");
		return;
	}
}

static void config_chain(struct check *check)
{
	each_function(check, chain_of);
}

static const struct model_bar *bar_of(const struct model_function *f, unsigned index)
{
	for (size_t i = 0; i < f->bars_count; i++)
		if (f->bars[i].index == index)
			return &f->bars[i];
	return NULL;
}

static void lies_in_bar(struct check *check, const struct model_function *f, const char *what,
	unsigned index, struct range part)
{
	const struct model_bar *bar = bar_of(f, index);

	if (bar != NULL && range_end(part) <= bar->reg.bytes)
		return;
	if (bar == NULL)
		fault(check, bars_at(check, f),
			say(check, "the %s of %s is in BAR %u, which is not listed", what, f->name,
				index),
			say(check, "add the row of BAR %u", index));
	else
		fault(check, bars_at(check, f),
			say(check, "the %s of %s %s is not in the 0x%" PRIx64 " bytes of BAR %u",
				what, f->name, say_range(check, part), bar->reg.bytes, index),
			say(check, "correct the size of BAR %u", index));
}

static void table_of(struct check *check, const struct model_function *f)
{
	if (f->msix == 0)
		return;
	lies_in_bar(check, f, "MSI-X table", f->table_bar,
		(struct range){ f->table_offset, (uint64_t)MSIX_ENTRY * f->messages_count });
	if (f->pba_bar != f->table_bar || bar_of(f, f->table_bar) != NULL)
		lies_in_bar(check, f, "MSI-X pending bits", f->pba_bar,
			(struct range){ f->pba_offset,
				(uint64_t)PBA_ENTRY * ((f->messages_count + 63) / 64) });
}

static void msix_table(struct check *check)
{
	each_function(check, table_of);
}

/* Calls `function` for every BAR of every function. */
static void each_bar(struct check *check,
	void (*function)(struct check *check, const struct model_function *f, size_t index))
{
	for (size_t i = 0; i < check->model->functions_count; i++)
		for (size_t k = 0; k < check->model->functions[i].bars_count; k++)
			function(check, &check->model->functions[i], k);
}

/* Whether the register is the upper half of the listed one before it. */
static bool is_upper_half(const struct model_function *f, unsigned index)
{
	const struct model_bar *before = index == 0 ? NULL : bar_of(f, index - 1);

	return before != NULL && before->wide;
}

static void index_of(struct check *check, const struct model_function *f, size_t index)
{
	const struct model_bar *bar = &f->bars[index];

	if (bar->index >= BARS_COUNT || (bar->index == BARS_COUNT - 1 && bar->wide))
		fault(check, bars_at(check, f),
			say(check, "%s has no %sBAR %u", f->name, bar->wide ? "64-bit " : "",
				bar->index),
			"number them from 0 to 5; one of 64 bits takes two numbers");
	else if (bar_of(f, bar->index) != bar)
		fault(check, bars_at(check, f),
			say(check, "BAR %u of %s is listed twice", bar->index, f->name),
			"remove one of the two rows");
	else if (is_upper_half(f, bar->index))
		fault(check, bars_at(check, f),
			say(check, "BAR %u of %s is the upper half of BAR %u", bar->index, f->name,
				bar->index - 1),
			"remove its row");
}

static void bar_index(struct check *check)
{
	each_bar(check, index_of);
}

static bool is_power(uint64_t bytes)
{
	return bytes != 0 && (bytes & (bytes - 1)) == 0;
}

static void size_of(struct check *check, const struct model_function *f, size_t index)
{
	const struct model_bar *bar = &f->bars[index];

	if (!is_power(bar->reg.bytes) || bar->reg.bytes < SMALLEST_BAR)
		fault(check, bars_at(check, f),
			say(check, "BAR %u of %s has 0x%" PRIx64 " bytes", bar->index, f->name,
				bar->reg.bytes),
			"write the size that the register decodes: a power of two, at least 16");
}

static void bar_size(struct check *check)
{
	each_bar(check, size_of);
}

static void alignment_of(struct check *check, const struct model_function *f, size_t index)
{
	const struct range reg = f->bars[index].reg;

	if (!is_power(reg.bytes) || reg.base % reg.bytes == 0)
		return;
	fault(check, bars_at(check, f),
		say(check, "BAR %u of %s cannot hold 0x%" PRIx64 ", no multiple of its size",
			f->bars[index].index, f->name, reg.base),
		say(check, "place it at 0x%" PRIx64, reg.base & ~(reg.bytes - 1)));
}

static void bar_alignment(struct check *check)
{
	each_bar(check, alignment_of);
}

static void type_of(struct check *check, const struct model_function *f, size_t index)
{
	const struct model_bar *bar = &f->bars[index];

	if ((bar->type & PCI_BAR_IO) != 0)
		fault(check, bars_at(check, f),
			say(check, "BAR %u of %s is for I/O ports: `config` has bit 0 set",
				bar->index, f->name),
			"remove its row: partitions are given memory BARs only");
	else if (!bar->wide && (bar->type & 0x6) != 0)
		fault(check, bars_at(check, f),
			say(check,
				"BAR %u of %s is of a type that PCI does not have: `config` "
				"ends in 0x%x",
				bar->index, f->name, bar->type),
			"write in `config` what the machine shows");
	else if (!bar->wide && range_end(bar->reg) > BELOW_4_GIB)
		fault(check, bars_at(check, f),
			say(check, "BAR %u of %s has 32 bits and cannot hold 0x%" PRIx64,
				bar->index, f->name, bar->reg.base),
			"place it below 4 GiB");
}

static void bar_type(struct check *check)
{
	each_bar(check, type_of);
}

/* What firmware gave an address decodes it: the kernel has to know. */
static void unlisted_of(struct check *check, const struct model_function *f)
{
	for (unsigned i = 0; i < BARS_COUNT; i++) {
		const uint32_t value = f->config[4 + i];
		const bool upper = i > 0 && pci_bar_is_wide(pci_bar_type(f->config, i - 1));

		if (value == 0 || upper || (value & PCI_BAR_IO) != 0 || bar_of(f, i) != NULL)
			continue;
		fault(check, bars_at(check, f),
			say(check,
				"BAR %u of %s is not listed, but `config` has 0x%08" PRIx32
				" there",
				i, f->name, value),
			say(check, "add a row <%u base-hi base-lo size-hi size-lo>", i));
	}
}

static void bar_unlisted(struct check *check)
{
	each_function(check, unlisted_of);
}

static void ram_under(struct check *check, const struct model_function *f, size_t index)
{
	const struct model_board *board = &check->model->board;

	for (size_t i = 0; i < board->ram_count; i++)
		if (ranges_overlap(f->bars[index].reg, board->ram[i]))
			fault(check, bars_at(check, f),
				say(check, "BAR %u of %s %s lies in the memory %s",
					f->bars[index].index, f->name,
					say_range(check, f->bars[index].reg),
					say_range(check, board->ram[i])),
				"place it in the board's hole for PCI");
}

static void bar_ram(struct check *check)
{
	each_bar(check, ram_under);
}

/* What of the board is at these addresses: words for it, or NULL. */
static const char *board_at(struct check *check, struct range reg)
{
	const struct model *model = check->model;

	if (ranges_overlap(model->ecam, reg))
		return say(check, "the configuration space %s", say_range(check, model->ecam));
	if (ranges_overlap(messages, reg))
		return say(check, "%s, where writes are interrupts", say_range(check, messages));
	for (size_t i = 0; i < model->iommus_count; i++)
		if (ranges_overlap(model->iommus[i].reg, reg))
			return say(check, "%s %s", model->iommus[i].name,
				say_range(check, model->iommus[i].reg));
	for (size_t i = 0; i < model->devices_count; i++)
		if (!model->devices[i].is_port && ranges_overlap(model->devices[i].reg, reg))
			return say(check, "%s %s", model->devices[i].name,
				say_range(check, model->devices[i].reg));
	return NULL;
}

/* A BAR of the functions before, or of this one before this. */
static const char *bar_at(struct check *check, const struct model_function *f, size_t index)
{
	for (const struct model_function *other = check->model->functions; other <= f; other++)
		for (size_t i = 0; i < (other == f ? index : other->bars_count); i++)
			if (ranges_overlap(other->bars[i].reg, f->bars[index].reg))
				return say(check, "BAR %u of %s %s", other->bars[i].index,
					other->name, say_range(check, other->bars[i].reg));
	return NULL;
}

static void overlap_of(struct check *check, const struct model_function *f, size_t index)
{
	const struct range reg = f->bars[index].reg;
	const char *other = board_at(check, reg);

	if (other == NULL)
		other = bar_at(check, f, index);
	if (other != NULL)
		fault(check, bars_at(check, f),
			say(check, "BAR %u of %s %s overlaps %s", f->bars[index].index, f->name,
				say_range(check, reg), other),
			"give every address one meaning");
}

static void bar_overlap(struct check *check)
{
	each_bar(check, overlap_of);
}

const struct rule rules_config[] = {
	{ "config-identity", "A function's configuration space begins with its ids.", TIER_MEANING,
		config_identity },
	{ "config-header", "A function's configuration space has a header of type 0.", TIER_MEANING,
		config_header },
	{ "config-chain", "The chain of capabilities ends, and is stated whole.", TIER_MEANING,
		config_chain },
	{ "msix-table", "The table and the pending bits of MSI-X lie in listed BARs.", TIER_MEANING,
		msix_table },
	{ "bar-index", "A BAR is one of six and listed once; one of 64 bits takes two.",
		TIER_MEANING, bar_index },
	{ "bar-size", "A BAR's size is a power of two, at least 16 bytes.", TIER_MEANING,
		bar_size },
	{ "bar-alignment", "A BAR's base is a multiple of its size.", TIER_MEANING, bar_alignment },
	{ "bar-type", "A listed BAR is for memory, and its base fits in its bits.", TIER_MEANING,
		bar_type },
	{ "bar-unlisted", "Every memory BAR that the configuration space shows is listed.",
		TIER_MEANING, bar_unlisted },
	{ "bar-ram", "No BAR lies in memory.", TIER_MEANING, bar_ram },
	{ "bar-overlap", "A BAR shares no address with anything else.", TIER_MEANING, bar_overlap },
	{ NULL, NULL, TIER_COUNT, NULL },
};
