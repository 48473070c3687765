/*
 * Walks page tables: the kernel's, the nested ones, the peek maps, the restore maps.
 *
 * The invariant: every entry of every table that a root reaches is looked at once, and a table is
 * reached by one way only, so that a walk ends whatever the tables say. AMD APM 2, 5.3 and 15.25.
 */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

#define ENTRIES      512u
#define FRAME        0x000ffffffffff000ull
#define PTE_GLOBAL   0x100ull
#define PTE_SOFTWARE 0xe00ull              /* ignored by the processor */
#define PTE_RESERVED 0x7ff0000000000000ull /* ignored, or protection keys: nothing uses them */
#define LEVELS       4u

struct walk {
	struct audit *audit;
	struct audit_map *map;
	const uint64_t *kernel_root; /* of a peek or restore map */
};

static unsigned shift_of(unsigned level)
{
	return 12 + 9 * (level - 1);
}

static bool is_leaf(uint64_t value, unsigned level)
{
	return level == 1 || (level < LEVELS && value & X86_PTE_LARGE);
}

static uint64_t frame_of(uint64_t value, unsigned level)
{
	return value & FRAME & ~((1ull << shift_of(level)) - 1);
}

void audit_map_append(struct audit_map *map, struct audit_mapping item)
{
	struct audit_mapping *last = map->count ? &map->items[map->count - 1] : NULL;

	if (last && last->virtual + last->bytes == item.virtual &&
		last->physical + last->bytes == item.physical && last->rights == item.rights) {
		last->bytes += item.bytes;
		return;
	}
	if (map->count == map->room) {
		map->room = map->room ? 2 * map->room : 64;
		map->items = allocate_more(map->items, map->room, sizeof(*map->items));
	}
	map->items[map->count++] = item;
}

/* ---- Tables ---- */

/* The first table of `tables` not below `address`. */
static size_t table_position(const struct audit *audit, uint64_t address)
{
	size_t low = 0, high = audit->tables_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (audit->tables[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool audit_is_table(const struct audit *audit, uint64_t page)
{
	const size_t i = table_position(audit, page);

	return i < audit->tables_count && audit->tables[i].address == page;
}

static void insert_table(
	struct audit *audit, size_t at, const struct audit_map *map, uint64_t address)
{
	if (audit->tables_count == audit->tables_room) {
		audit->tables_room = audit->tables_room ? 2 * audit->tables_room : 64;
		audit->tables =
			allocate_more(audit->tables, audit->tables_room, sizeof(*audit->tables));
	}
	memmove(&audit->tables[at + 1], &audit->tables[at],
		(audit->tables_count++ - at) * sizeof(*audit->tables));
	audit->tables[at] = (struct audit_table){ address, map };
}

bool audit_take_table(
	struct audit *audit, const struct audit_map *map, uint64_t address, uint64_t from)
{
	const size_t at = table_position(audit, address);

	if (at == audit->tables_count || audit->tables[at].address != address) {
		insert_table(audit, at, map, address);
		return true;
	}
	audit_find(audit, "table-twice",
		"%s: the page table at %s is reached a second time, from %s; the first "
		"time by %s, so who alters one map alters both",
		map->who, audit_image_place(&audit->image, address),
		audit_image_place(&audit->image, from), audit->tables[at].map->who);
	return false;
}

/* ---- Entries ---- */

/* Address bits that a large page does not use, the PAT bit among them. */
static uint64_t unused_bits(uint64_t value, unsigned level)
{
	if (level == LEVELS)
		return X86_PTE_LARGE | PTE_GLOBAL;
	if (level == 1)
		return X86_PTE_LARGE; /* PAT here */
	return value & X86_PTE_LARGE ? ((1ull << shift_of(level)) - 1) & FRAME : 0;
}

static void complain(
	struct walk *walk, const char *rule, uint64_t at, uint64_t value, const char *what)
{
	audit_find(walk->audit, rule, "%s: the entry at %s is %#llx, which %s", walk->map->who,
		audit_image_place(&walk->audit->image, at), (unsigned long long)value, what);
}

static void check_attributes(struct walk *walk, uint64_t at, uint64_t value, bool leaf)
{
	const uint64_t device = X86_PTE_PCD | X86_PTE_PWT;
	const bool memory = walk->map->kind == AUDIT_PEEK || walk->map->kind == AUDIT_RESTORE;

	if (value & (PTE_GLOBAL | PTE_SOFTWARE))
		complain(walk, "entry-attributes", at, value,
			"has bits that no map of Mullion uses");
	if (value & device && (!leaf || (value & device) != device || memory))
		complain(walk, "entry-attributes", at, value,
			"changes how memory is cached, and only a leaf for a device's registers "
			"may");
}

static void check_walker(struct walk *walk, uint64_t at, uint64_t value, bool leaf)
{
	const bool dirty = value & X86_PTE_DIRTY;

	if (!(value & X86_PTE_ACCESSED))
		complain(walk, "entry-accessed", at, value,
			"lacks the accessed bit: the processor would write into this constant "
			"table");
	if (leaf && value & X86_PTE_WRITE && !dirty)
		complain(walk, "entry-dirty", at, value,
			"lacks the dirty bit: the processor would write into this constant table");
	if (dirty && !(leaf && value & X86_PTE_WRITE))
		complain(walk, "entry-dirty", at, value,
			"has the dirty bit, and nothing is written by it");
}

/* Each right is decided in one place, the leaf; no bit waits for another to make it a right. */
static void check_levels(struct walk *walk, uint64_t at, uint64_t value, bool leaf, unsigned above)
{
	const bool peek = walk->map->kind == AUDIT_PEEK;

	if (!leaf && value & X86_PTE_NX)
		complain(walk, "entry-rights", at, value, "takes execution away above the leaves");
	if (value & X86_PTE_WRITE && (peek || (leaf && !(above & AUDIT_WRITE))))
		complain(walk, "entry-rights", at, value,
			"has a write bit where nothing may be written");
	if (!leaf && !peek && !(value & X86_PTE_WRITE))
		complain(walk, "entry-rights", at, value, "takes writing away above the leaves");
}

static void check_entry(
	struct walk *walk, uint64_t at, uint64_t value, unsigned level, unsigned above)
{
	const bool leaf = is_leaf(value, level), user = value & X86_PTE_USER;

	if (value & (PTE_RESERVED | unused_bits(value, level)))
		complain(walk, "entry-reserved", at, value, "has reserved bits set");
	check_attributes(walk, at, value, leaf);
	check_walker(walk, at, value, leaf);
	check_levels(walk, at, value, leaf, above);
	if (walk->map->kind == AUDIT_STAGE2 && !user)
		complain(walk, "entry-user", at, value,
			"lacks the user bit: every access of a partition is a user access, and all "
			"below it is out of its reach");
	if (walk->map->kind != AUDIT_STAGE2 && user)
		complain(walk, "entry-user", at, value,
			"has the user bit, and nothing of the kernel is for user mode");
}

static uint64_t canonical(enum audit_map_kind kind, uint64_t address)
{
	return kind != AUDIT_STAGE2 && address >> 47 & 1 ? address | 0xffff000000000000ull
							 : address;
}

static unsigned rights_of(uint64_t value, unsigned above)
{
	unsigned rights = above;

	if (!(value & X86_PTE_WRITE))
		rights &= ~(unsigned)AUDIT_WRITE;
	if (value & X86_PTE_NX)
		rights &= ~(unsigned)AUDIT_EXECUTE;
	return rights;
}

static void take_leaf(
	struct walk *walk, uint64_t value, unsigned level, uint64_t address, unsigned rights)
{
	if (walk->map->kind == AUDIT_STAGE2 && !(value & X86_PTE_USER))
		return;
	if (value & X86_PTE_PCD)
		rights |= AUDIT_UNCACHED;
	audit_map_append(
		walk->map, (struct audit_mapping){ canonical(walk->map->kind, address),
				   frame_of(value, level), 1ull << shift_of(level), rights });
}

static void walk_table(
	struct walk *walk, uint64_t table, unsigned level, uint64_t address, unsigned rights);

static void walk_entry(struct walk *walk, uint64_t at, uint64_t value, unsigned level,
	uint64_t address, unsigned above)
{
	const unsigned rights = rights_of(value, above);

	if (!(value & X86_PTE_PRESENT)) {
		if (value)
			complain(
				walk, "entry-absent", at, value, "is not present and yet not zero");
		return;
	}
	check_entry(walk, at, value, level, above);
	if (is_leaf(value, level))
		take_leaf(walk, value, level, address, rights);
	else if (audit_take_table(walk->audit, walk->map, value & FRAME, at) &&
		 (walk->map->kind != AUDIT_STAGE2 || value & X86_PTE_USER))
		walk_table(walk, value & FRAME, level - 1, address, rights);
}

/* At most LEVELS deep. */
static void walk_table(
	struct walk *walk, uint64_t table, unsigned level, uint64_t address, unsigned rights)
{
	const uint64_t *entries = audit_constant(walk->audit, table, AUDIT_PAGE, AUDIT_PAGE,
		format("a page table of %s", walk->map->who));
	unsigned i;

	if (!entries)
		return;
	for (i = 0; i < ENTRIES; i++) {
		const bool kernels = level == LEVELS && walk->kernel_root && walk->kernel_root[i];

		if (kernels && walk->kernel_root[i] != entries[i])
			complain(walk,
				walk->map->kind == AUDIT_PEEK ? "peek-kernel" : "restore-kernel",
				table + 8 * i, entries[i], "differs from the kernel's own map");
		else if (!kernels)
			walk_entry(walk, table + 8ull * i, entries[i], level,
				address + ((uint64_t)i << shift_of(level)), rights);
	}
}

void audit_walk(struct audit *audit, struct audit_map *map, const struct audit_map *kernel)
{
	struct walk walk = { audit, map, NULL };

	if (kernel && kernel->root % AUDIT_PAGE == 0)
		walk.kernel_root = audit_image_at(&audit->image, kernel->root, AUDIT_PAGE);
	if (audit_take_table(audit, map, map->root, map->root))
		walk_table(&walk, map->root, LEVELS, 0, AUDIT_READ | AUDIT_WRITE | AUDIT_EXECUTE);
}

/* ---- Questions ---- */

uint64_t audit_physical(const struct audit_map *map, uint64_t address)
{
	size_t low = 0, high = map->count;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const struct audit_mapping *item = &map->items[middle];

		if (address - item->virtual < item->bytes)
			return item->physical + (address - item->virtual);
		if (item->virtual < address)
			low = middle + 1;
		else
			high = middle;
	}
	return AUDIT_NONE;
}

uint64_t audit_entry(const struct audit *audit, uint64_t root, uint64_t address)
{
	uint64_t table = root, at = root;
	unsigned level;

	for (level = LEVELS; level; level--) {
		const uint64_t *entries = audit_image_at(&audit->image, table, AUDIT_PAGE);
		const unsigned index = (unsigned)(address >> shift_of(level)) % ENTRIES;

		if (!entries || table % AUDIT_PAGE)
			return at;
		at = table + 8ull * index;
		if (!(entries[index] & X86_PTE_PRESENT) || is_leaf(entries[index], level))
			return at;
		table = entries[index] & FRAME;
	}
	return at;
}

const char *audit_rights(unsigned rights)
{
	static const char *const names[] = { "---", "r--", "-w-", "rw-", "--x", "r-x", "-wx",
		"rwx" };

	return names[rights & (AUDIT_READ | AUDIT_WRITE | AUDIT_EXECUTE)];
}
