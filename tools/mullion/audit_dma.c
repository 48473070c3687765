/*
 * Walks the tables by which an IOMMU translates: what a function's requests can reach.
 *
 * The invariant: every entry of every table that a root reaches is looked at once, a table is
 * reached by one way only, and a right is what all levels allow. VT-d specification 3.3, 9.8
 * (second-stage entries); AMD I/O virtualization specification 3.05, 2.2.3. The bits are written
 * down here once more, on purpose.
 */
#include "audit.h"

#include "allocate.h"

#define ENTRIES     512u
#define FRAME       0x000ffffffffff000ull
#define MOST_LEVELS 4u

#define VTD_READ   (1ull << 0)
#define VTD_WRITE  (1ull << 1)
#define VTD_SIZE   (1ull << 7)
#define AMDVI_PR   (1ull << 0)
#define AMDVI_NEXT (7ull << 9)
#define AMDVI_FC   (1ull << 60)
#define AMDVI_IR   (1ull << 61)
#define AMDVI_IW   (1ull << 62)

/* An entry, whoever's format it has. */
struct entry {
	bool present, leaf, descends;
	unsigned rights;
	const char *wrong; /* NULL, or what no entry of Mullion has */
};

struct walk {
	struct audit *audit;
	struct audit_map *map;
};

static unsigned shift_of(unsigned level)
{
	return 12 + 9 * (level - 1);
}

static uint64_t page_of(unsigned level)
{
	return 1ull << shift_of(level);
}

/* ---- Formats ---- */

static struct entry vtd_entry(uint64_t value, unsigned level)
{
	const bool large = level > 1 && level < MOST_LEVELS && value & VTD_SIZE;
	const bool leaf = level == 1 || large;
	const uint64_t used = VTD_READ | VTD_WRITE | (large ? VTD_SIZE : 0) |
			      (leaf ? FRAME & ~(page_of(level) - 1) : FRAME);
	struct entry entry = { .leaf = leaf, .descends = !leaf };

	entry.present = value & (VTD_READ | VTD_WRITE);
	entry.rights =
		(value & VTD_READ ? AUDIT_READ : 0u) | (value & VTD_WRITE ? AUDIT_WRITE : 0u);
	if (value & ~used)
		entry.wrong = "has reserved or unused bits set";
	return entry;
}

static struct entry amdvi_entry(uint64_t value, unsigned level)
{
	const unsigned next = (unsigned)((value & AMDVI_NEXT) >> 9);
	const bool leaf = level == 1 || next == 0 || next == 7;
	const uint64_t used = AMDVI_PR | AMDVI_NEXT | AMDVI_IR | AMDVI_IW |
			      (leaf ? AMDVI_FC | (FRAME & ~(page_of(level) - 1)) : FRAME);
	struct entry entry = { .leaf = leaf, .descends = !leaf && next == level - 1 };

	entry.present = value & AMDVI_PR;
	entry.rights = (value & AMDVI_IR ? AUDIT_READ : 0u) | (value & AMDVI_IW ? AUDIT_WRITE : 0u);
	if (value & ~used)
		entry.wrong = "has reserved or unused bits set";
	else if (leaf ? next != 0 : next != level - 1)
		entry.wrong = "has a next level that is not the one below it";
	else if (leaf && !(value & AMDVI_FC))
		entry.wrong = "lets the device bypass the processors' caches";
	return entry;
}

static struct entry entry_of(const struct audit_map *map, uint64_t value, unsigned level)
{
	return map->iommu_kind == X86_IOMMU_VTD ? vtd_entry(value, level)
						: amdvi_entry(value, level);
}

/* ---- The walk ---- */

static void complain(
	struct walk *walk, const char *rule, uint64_t at, uint64_t value, const char *what)
{
	audit_find(walk->audit, rule, "%s: the entry at %s is %#llx, which %s", walk->map->who,
		audit_image_place(&walk->audit->image, at), (unsigned long long)value, what);
}

static void check_entry(struct walk *walk, uint64_t at, uint64_t value, const struct entry *entry)
{
	const unsigned both = AUDIT_READ | AUDIT_WRITE;

	if (entry->wrong)
		complain(walk, "entry-reserved", at, value, entry->wrong);
	if (!entry->leaf && entry->rights != both)
		complain(walk, "entry-rights", at, value, "takes a right away above the leaves");
}

static void walk_table(
	struct walk *walk, uint64_t table, unsigned level, uint64_t address, unsigned rights);

static void walk_entry(struct walk *walk, uint64_t at, uint64_t value, unsigned level,
	uint64_t address, unsigned above)
{
	const struct entry entry = entry_of(walk->map, value, level);
	const unsigned rights = entry.rights & above;

	if (!entry.present) {
		if (value)
			complain(
				walk, "entry-absent", at, value, "is not present and yet not zero");
		return;
	}
	check_entry(walk, at, value, &entry);
	if (entry.leaf)
		audit_map_append(walk->map,
			(struct audit_mapping){ address, value & FRAME & ~(page_of(level) - 1),
				page_of(level), rights });
	else if (entry.descends && audit_take_table(walk->audit, walk->map, value & FRAME, at))
		walk_table(walk, value & FRAME, level - 1, address, rights);
}

/* At most MOST_LEVELS deep. */
static void walk_table(
	struct walk *walk, uint64_t table, unsigned level, uint64_t address, unsigned rights)
{
	const uint64_t *entries = audit_constant(walk->audit, table, AUDIT_PAGE, AUDIT_PAGE,
		format("a table of %s", walk->map->who));
	unsigned i;

	for (i = 0; entries && i < ENTRIES; i++)
		walk_entry(walk, table + 8ull * i, entries[i], level,
			address + ((uint64_t)i << shift_of(level)), rights);
}

void audit_dma_walk(struct audit *audit, struct audit_map *map)
{
	struct walk walk = { audit, map };

	if (map->levels && map->levels <= MOST_LEVELS &&
		audit_take_table(audit, map, map->root, map->root))
		walk_table(&walk, map->root, map->levels, 0, AUDIT_READ | AUDIT_WRITE);
}

uint64_t audit_dma_entry(const struct audit *audit, const struct audit_map *map, uint64_t address)
{
	uint64_t table = map->root, at = map->root;
	unsigned level;

	for (level = map->levels <= MOST_LEVELS ? map->levels : 0; level; level--) {
		const uint64_t *entries = audit_image_at(&audit->image, table, AUDIT_PAGE);
		const unsigned index = (unsigned)(address >> shift_of(level)) % ENTRIES;
		struct entry entry;

		if (!entries || table % AUDIT_PAGE)
			return at;
		at = table + 8ull * index;
		entry = entry_of(map, entries[index], level);
		if (!entry.present || !entry.descends)
			return at;
		table = entries[index] & FRAME;
	}
	return at;
}
