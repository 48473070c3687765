/*
 * Registers of devices: who reaches them by which page.
 *
 * The invariant that is proved: a BAR is mapped to its owner at the address that is shown, uncached,
 * read-write and not executable, but for the pages with its MSI-X table; those, configuration space
 * and the IOMMUs' registers are the kernel's alone, one page for each function; and no two of all
 * these lie at the same place, or in RAM.
 */
#include "audit_devices.h"

#include "allocate.h"

#define ENTRY_BYTES 16ull /* of an MSI-X table, PCI 3.0, 6.8.2 */

/* Where writes of devices are messages, and where the processor's own interrupt controller is. */
#define MESSAGES_BASE  0xfee00000ull
#define MESSAGES_BYTES 0x100000ull

static uint64_t page_of(uint64_t address)
{
	return address & ~(AUDIT_PAGE - 1);
}

static uint64_t page_end(uint64_t address)
{
	return page_of(address + AUDIT_PAGE - 1);
}

static bool meets(uint64_t base, uint64_t bytes, uint64_t other, uint64_t other_bytes)
{
	return base < other + other_bytes && base + bytes > other;
}

/* The pages that hold the MSI-X table: nobody's, also where no message is granted. */
static struct range table_pages(const struct audit_function *function)
{
	const struct x86_function *table = function->table;
	const uint64_t base = page_of(table->table);

	if (!table->msix || !table->table || !audit_is_owned(function))
		return (struct range){ 0, 0 };
	return (struct range){ base,
		page_end(table->table + table->messages_count * ENTRY_BYTES) - base };
}

/* ---- What stage 2 is meant to hold ---- */

static bool is_of(const struct audit_function *function, unsigned p)
{
	return function->table->partition == p;
}

size_t audit_bars_count(const struct audit *audit, unsigned p)
{
	const struct audit_devices *devices = audit->devices;
	size_t count = 0, f;

	for (f = 0; f < devices->functions_count; f++)
		if (is_of(&devices->functions[f], p))
			count += 3 * devices->functions[f].bars_count;
	return count;
}

struct piece {
	uint64_t from, to; /* physical */
	unsigned rights, kind;
};

static size_t add_piece(struct audit_expected *list, const struct audit_function *function,
	const struct x86_bar *bar, struct piece piece)
{
	if (piece.from >= piece.to)
		return 0;
	*list = (struct audit_expected){ page_of(bar->gpa) + (piece.from - page_of(bar->base)),
		piece.to - piece.from, piece.from, piece.rights, piece.kind,
		function->number * 8 + bar->index,
		format(piece.kind == AUDIT_BAR ? "BAR %u of %s" : "the messages in BAR %u of %s",
			bar->index, function->name) };
	return 1;
}

static uint64_t between(uint64_t low, uint64_t value, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static size_t add_bar(struct audit_expected *list, const struct audit_function *function,
	const struct x86_bar *bar)
{
	const unsigned rights = AUDIT_READ | AUDIT_WRITE | AUDIT_UNCACHED;
	const uint64_t base = page_of(bar->base), end = page_end(bar->base + bar->bytes);
	const struct range pages = table_pages(function);
	const uint64_t table = between(base, pages.base, end);
	const uint64_t table_end = between(base, pages.base + pages.bytes, end);
	size_t used = 0;

	used += add_piece(
		list + used, function, bar, (struct piece){ base, table, rights, AUDIT_BAR });
	used += add_piece(
		list + used, function, bar, (struct piece){ table, table_end, 0, AUDIT_BAR_TABLE });
	used += add_piece(
		list + used, function, bar, (struct piece){ table_end, end, rights, AUDIT_BAR });
	return used;
}

static bool is_place(const struct x86_bar *bar)
{
	return bar->base + bar->bytes > bar->base && bar->bytes < 1ull << 40;
}

size_t audit_bars_expect(const struct audit *audit, unsigned p, struct audit_expected *list)
{
	const struct audit_devices *devices = audit->devices;
	size_t used = 0, f, b;

	for (f = 0; f < devices->functions_count; f++)
		for (b = 0;
			is_of(&devices->functions[f], p) && b < devices->functions[f].bars_count;
			b++)
			if (is_place(&devices->functions[f].bars[b]))
				used += add_bar(list + used, &devices->functions[f],
					&devices->functions[f].bars[b]);
	return used;
}

/* ---- What the kernel's map is meant to hold ---- */

static struct audit_expected device_page(uint64_t base, uint64_t bytes, const char *what)
{
	return (struct audit_expected){ base, bytes, base,
		AUDIT_READ | AUDIT_WRITE | AUDIT_UNCACHED, 0, 0, what };
}

size_t audit_devices_map(struct audit *audit, struct audit_expected *list)
{
	const struct audit_devices *devices = audit->devices;
	size_t used = 0, i;

	for (i = 0; i < devices->functions_count; i++) {
		const struct audit_function *function = &devices->functions[i];
		const struct x86_function *table = function->table;

		list[used++] = device_page(page_of(table->config), AUDIT_PAGE,
			format("the configuration space of %s", function->name));
		if (table->table_bytes)
			list[used++] = device_page(page_of(table->table_page), table->table_bytes,
				format("the messages of %s", function->name));
	}
	for (i = 0; i < devices->units_count; i++)
		list[used++] = device_page(page_of(devices->units[i].table->registers),
			devices->units[i].registers_bytes,
			format("the registers of %s", devices->units[i].name));
	return used;
}

/* ---- Where device registers answer ---- */

static void add_range(struct audit *audit, struct audit_range range)
{
	struct audit_devices *devices = audit->devices;

	if (!range.bytes)
		return;
	if (devices->ranges_count == devices->ranges_room) {
		devices->ranges_room = devices->ranges_room ? 2 * devices->ranges_room : 64;
		devices->ranges = allocate_more(
			devices->ranges, devices->ranges_room, sizeof(*devices->ranges));
	}
	devices->ranges[devices->ranges_count++] = range;
}

static void list_function(struct audit *audit, const struct audit_function *function)
{
	const struct x86_function *table = function->table;
	const struct range pages = table_pages(function);
	size_t b;

	add_range(audit, (struct audit_range){ pages.base, pages.bytes, "msix-reached",
				 format("the messages of %s", function->name), -1, true });
	for (b = 0; b < function->bars_count; b++) {
		const struct x86_bar *bar = &function->bars[b];

		if (is_place(bar))
			add_range(audit,
				(struct audit_range){ page_of(bar->base),
					page_end(bar->base + bar->bytes) - page_of(bar->base),
					"bar-reached",
					format("BAR %u of %s", bar->index, function->name),
					table->partition, false });
	}
}

/* All buses up to the highest that has a function. */
static void list_configuration(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	const struct x86_function *first = devices->functions[0].table;
	const uint64_t base = first->config - ((uint64_t)first->bdf << 12);
	unsigned bus = 0;
	size_t f;

	for (f = 0; f < devices->functions_count; f++)
		if (devices->functions[f].table->bdf >> 8 > (int)bus)
			bus = devices->functions[f].table->bdf >> 8;
	add_range(audit, (struct audit_range){ base, (bus + 1ull) << 20, "ecam-reached",
				 "configuration space", -1, false });
}

void audit_ranges(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->units_count; i++)
		add_range(audit,
			(struct audit_range){ page_of(devices->units[i].table->registers),
				devices->units[i].registers_bytes, "iommu-reached",
				format("the registers of %s", devices->units[i].name), -1, false });
	if (devices->functions_count)
		list_configuration(audit);
	for (i = 0; i < devices->functions_count; i++)
		list_function(audit, &devices->functions[i]);
}

const char *audit_range_name(const struct audit *audit, uint64_t physical)
{
	size_t i;

	for (i = 0; i < audit->devices->ranges_count; i++)
		if (physical - audit->devices->ranges[i].base < audit->devices->ranges[i].bytes)
			return audit->devices->ranges[i].what;
	return NULL;
}

/* ---- Where they may lie ---- */

static const char *place_trouble(const struct audit *audit, const struct audit_range *range)
{
	size_t r;

	if (range->base + range->bytes < range->base || range->base % AUDIT_PAGE)
		return "nowhere";
	if (meets(range->base, range->bytes, X86_KERNEL_TEXT,
		    audit->arch->data_end - X86_KERNEL_TEXT))
		return "in the kernel";
	if (meets(range->base, range->bytes, MESSAGES_BASE, MESSAGES_BYTES))
		return "where interrupts are written to";
	for (r = 0; r < audit->system->ram_count; r++)
		if (meets(range->base, range->bytes, audit->ram[r].base, audit->ram[r].bytes))
			return "in RAM";
	return NULL;
}

/* The messages are part of a BAR. */
static bool may_meet(const struct audit_range *a, const struct audit_range *b)
{
	return (a->table && b->partition >= 0) || (b->table && a->partition >= 0);
}

static void check_places(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t i, j;

	for (i = 0; i < devices->ranges_count; i++) {
		const struct audit_range *a = &devices->ranges[i];
		const char *wrong = place_trouble(audit, a);

		if (wrong)
			audit_find(audit, "device-place", "%s, %#llx..%#llx, is said to lie %s",
				a->what, (unsigned long long)a->base,
				(unsigned long long)(a->base + a->bytes), wrong);
		for (j = 0; j < i; j++)
			if (meets(a->base, a->bytes, devices->ranges[j].base,
				    devices->ranges[j].bytes) &&
				!may_meet(a, &devices->ranges[j]))
				audit_find(audit, "device-place",
					"%s and %s lie on one page, %#llx", devices->ranges[j].what,
					a->what, (unsigned long long)a->base);
	}
}

/* ---- One BAR ---- */

static const char *bar_trouble(const struct x86_bar *bar)
{
	const uint64_t limit = bar->wide ? 1ull << 52 : 1ull << 32;

	if (bar->index > 5 || (bar->wide && bar->index > 4) || bar->wide > 1 || bar->reserved)
		return "has a number or width that no BAR has";
	if (bar->type & ~0xcu || (bar->type >> 2 & 1) != bar->wide)
		return "has a type that is not its width in memory space";
	if (bar->bytes < 16 || bar->bytes & (bar->bytes - 1) || bar->base & (bar->bytes - 1) ||
		bar->base >= limit || bar->bytes > limit - bar->base)
		return "is not a power of two that starts at a multiple of it";
	if (bar->gpa < MULLION_BAR_GPA || bar->bytes > MULLION_BAR_END - MULLION_BAR_GPA ||
		bar->gpa + bar->bytes > MULLION_BAR_END || bar->gpa & (bar->bytes - 1))
		return "is not shown at a multiple of its size between 0xf0000000 and 0xfc000000";
	if ((bar->gpa ^ bar->base) % AUDIT_PAGE)
		return "is shown at another place in its page than it has";
	return NULL;
}

static void check_bars(struct audit *audit, const struct audit_function *function)
{
	size_t b;

	for (b = 0; b < function->bars_count; b++) {
		const char *wrong = bar_trouble(&function->bars[b]);

		if (b && function->bars[b].index <=
				 function->bars[b - 1].index + function->bars[b - 1].wide)
			wrong = "comes behind one that has its number";
		if (wrong)
			audit_find(audit, "bar-record", "BAR %u of %s %s: see %s",
				function->bars[b].index, audit_function_name(audit, function),
				wrong,
				audit_image_place(
					&audit->image, audit_address(&function->table->bars[b])));
	}
}

/* ---- The MSI-X table ---- */

static const struct x86_bar *bar_of(const struct audit_function *function, uint64_t physical)
{
	size_t b;

	for (b = 0; b < function->bars_count; b++)
		if (physical - function->bars[b].base < function->bars[b].bytes)
			return &function->bars[b];
	return NULL;
}

static const char *table_trouble(const struct audit_function *function)
{
	const struct x86_function *table = function->table;
	const uint64_t bytes = table->messages_count * ENTRY_BYTES;
	const struct x86_bar *bar = bar_of(function, table->table);

	if (!table->msix)
		return table->table || table->table_page || table->table_gpa || table->table_bytes
			       ? "is said to be somewhere, and there is none"
			       : NULL;
	if (!bar || !bytes || bytes > bar->bytes || table->table - bar->base > bar->bytes - bytes)
		return "lies in none of its BARs";
	if (table->table_page != page_of(table->table) ||
		table->table_bytes != (table->messages ? table_pages(function).bytes : 0))
		return "is not on the pages that are kept";
	if (table->table_gpa != page_of(bar->gpa + (table->table - bar->base)))
		return "is shown at another address than its BAR";
	return NULL;
}

static void check_table(struct audit *audit, const struct audit_function *function)
{
	const char *wrong = audit_is_owned(function) ? table_trouble(function) : NULL;

	if (wrong)
		audit_find(audit, "msix-table", "the MSI-X table of %s, at %#llx, %s",
			audit_function_name(audit, function),
			(unsigned long long)function->table->table, wrong);
}

/* ---- Who reaches them ---- */

static void check_claim(struct audit *audit, const struct audit_claim *claim)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->ranges_count; i++) {
		const struct audit_range *range = &devices->ranges[i];

		if (range->partition != (int)claim->partition &&
			meets(range->base, range->bytes, claim->at.physical, claim->at.bytes))
			audit_find(audit, range->rule, "partition %s reaches %s at %#llx (%s, %s)",
				audit->partitions[claim->partition].name, range->what,
				(unsigned long long)claim->at.virtual, claim->what,
				audit_rights(claim->at.rights));
	}
}

static void check_tree(struct audit *audit, const struct audit_tree *tree)
{
	const struct audit_devices *devices = audit->devices;
	size_t i, m;

	for (m = 0; m < tree->map.count; m++)
		for (i = 0; i < devices->ranges_count; i++)
			if (meets(devices->ranges[i].base, devices->ranges[i].bytes,
				    tree->map.items[m].physical, tree->map.items[m].bytes))
				audit_find(audit, devices->ranges[i].rule,
					"%s can reach %s at %#llx", tree->map.who,
					devices->ranges[i].what,
					(unsigned long long)tree->map.items[m].virtual);
}

void audit_bars(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	check_places(audit);
	for (i = 0; i < devices->functions_count; i++) {
		check_bars(audit, &devices->functions[i]);
		check_table(audit, &devices->functions[i]);
	}
	for (i = 0; i < audit->claims_count; i++)
		check_claim(audit, &audit->claims[i]);
	for (i = 0; i < devices->trees_count; i++)
		check_tree(audit, devices->trees[i]);
}
