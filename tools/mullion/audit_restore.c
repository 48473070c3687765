/*
 * What a restart of a partition can do to it, and to nobody else: the map by which it is restored, the
 * list of what it may write, and its image, kept a second time.
 *
 * The invariant that is proved: beside the kernel's own entries a restore map holds what stage 2 lets
 * its partition write, writable, and the partition's pristine image, read-only, nothing executable and
 * nothing else. No other map of the image holds a pristine image, and each is byte for byte what the
 * partition's memory is loaded with.
 */
#include "audit_devices.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

/* Beyond what any partition has: a count above it is not believed. */
#define MOST 4096u
/* Pieces of an image lie side by side, at whole cache lines. */
#define LINE 64u

static uint64_t round_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

/* ---- Opening ---- */

/* The pages in which its pieces lie, as far as they are constants of the file. */
static struct range find_pristine(struct audit *audit, const struct audit_partition *partition)
{
	const size_t count = partition->image ? partition->table->image_count : 0;
	uint64_t base = AUDIT_NONE, end = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct mullion_copy *piece = &partition->image[i];

		if (!audit_constant(audit, piece->source, piece->bytes, LINE,
			    format("piece %zu of the pristine image of %s", i, partition->name)))
			continue;
		if (piece->source < base)
			base = piece->source;
		if (piece->source + piece->bytes > end)
			end = piece->source + piece->bytes;
	}
	if (base >= end)
		return (struct range){ 0, 0 };
	base &= ~(AUDIT_PAGE - 1);
	return (struct range){ base, round_up(end, AUDIT_PAGE) - base };
}

void audit_restore_open(struct audit *audit, struct audit_partition *partition)
{
	const struct mullion_partition *table = partition->table;

	if (table->writable_count > MOST || table->image_count > MOST) {
		audit_find(audit, "system-counts",
			"partition %s counts unbelievably many spans or pieces", partition->name);
		return;
	}
	partition->writable = audit_constant(audit, audit_address(table->writable),
		table->writable_count * sizeof(*partition->writable), 8,
		format("the list of what %s may write", partition->name));
	if (table->image_count)
		partition->image = audit_constant(audit, audit_address(table->image),
			table->image_count * sizeof(*partition->image), 8,
			format("the pieces of the image of %s", partition->name));
	partition->pristine = find_pristine(audit, partition);
}

/* ---- Who holds a stretch of physical memory ---- */

static void check_map(struct audit *audit, const struct audit_map *map, struct range range,
	const char *what, bool mine, uint64_t address)
{
	size_t i;

	for (i = 0; i < map->count; i++) {
		const struct audit_mapping *at = &map->items[i];

		if (at->physical >= range.base + range.bytes ||
			at->physical + at->bytes <= range.base)
			continue;
		if (mine && at->virtual - at->physical == address - range.base)
			continue;
		audit_find(audit, "restore-reached",
			"%s holds %s, physical %#llx..%#llx, at %#llx (%s), and is not to reach it",
			map->who, what, (unsigned long long)range.base,
			(unsigned long long)(range.base + range.bytes),
			(unsigned long long)at->virtual, audit_rights(at->rights));
	}
}

void audit_unreached(struct audit *audit, struct range range, const char *what,
	const struct audit_map *mine, uint64_t address)
{
	const struct audit_devices *devices = audit->devices;
	unsigned p;
	size_t t;

	check_map(audit, &audit->kernel, range, what, mine == &audit->kernel, address);
	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];
		const bool told =
			mine == &audit->kernel && partition->table->flags & MULLION_INFO_CONTROL;

		if (!told) /* whose stage 2 is compared with what it is told */
			check_map(audit, &partition->stage2, range, what, false, 0);
		check_map(audit, &partition->peek, range, what, false, 0);
		check_map(audit, &partition->restore, range, what, mine == &partition->restore,
			address);
	}
	for (t = 0; t < devices->trees_count; t++)
		check_map(audit, &devices->trees[t]->map, range, what, false, 0);
}

/* ---- The map ---- */

static bool is_restored(const struct audit_expected *expected)
{
	return expected->rights & AUDIT_WRITE && expected->kind != AUDIT_BAR &&
	       expected->kind != AUDIT_BAR_TABLE;
}

static void match_restore(struct audit *audit, const struct audit_partition *partition)
{
	const struct range *pristine = &partition->pristine;
	struct audit_expected *list = allocate(partition->expected_count + 1, sizeof(*list));
	size_t count = 0, i;

	for (i = 0; i < partition->expected_count; i++) {
		if (!is_restored(&partition->expected[i]))
			continue;
		list[count] = partition->expected[i];
		list[count].virtual += X86_PEEK_VA;
		list[count++].rights = AUDIT_READ | AUDIT_WRITE;
	}
	if (pristine->bytes)
		list[count++] = (struct audit_expected){ X86_PRISTINE_VA + pristine->base,
			pristine->bytes, pristine->base, AUDIT_READ, 0, 0,
			format("the pristine image of %s", partition->name) };
	audit_match(audit, &partition->restore, list, count, NULL);
	free(list);
}

/* ---- What it may write ---- */

/* What a cold restart zeroes; consoles and channels are read by others. */
static bool is_own(const struct audit_expected *expected)
{
	return expected->kind == AUDIT_MEMORY || expected->kind == MULLION_REGION_WATCHDOG ||
	       expected->kind == MULLION_REGION_EXCHANGE;
}

static size_t find_span(
	const struct audit_partition *partition, const struct audit_expected *expected)
{
	size_t i;

	for (i = 0; i < partition->table->writable_count; i++)
		if (partition->writable[i].gpa == expected->virtual &&
			partition->writable[i].bytes == expected->bytes)
			return i;
	return SIZE_MAX;
}

/* As many as there are, each of them there: none more, none twice. */
static void check_spans(struct audit *audit, const struct audit_partition *partition)
{
	const struct mullion_partition *table = partition->table;
	size_t meant = 0, i;

	for (i = 0; i < partition->expected_count; i++) {
		const struct audit_expected *expected = &partition->expected[i];
		const size_t span = is_restored(expected) ? find_span(partition, expected) : 0;

		if (!is_restored(expected))
			continue;
		meant++;
		if (span == SIZE_MAX)
			audit_find(audit, "writable-span",
				"partition %s may write %#llx..%#llx (%s), and the list at %s of "
				"what a restart restores lacks it",
				partition->name, (unsigned long long)expected->virtual,
				(unsigned long long)(expected->virtual + expected->bytes),
				expected->what,
				audit_image_place(&audit->image, audit_address(table->writable)));
		else if ((span < table->own_count) != is_own(expected))
			audit_find(audit, "writable-span", "a cold restart of %s %s %s",
				partition->name,
				is_own(expected) ? "would not zero"
						 : "would zero, though others read it,",
				expected->what);
	}
	if (meant != table->writable_count || table->own_count > table->writable_count)
		audit_find(audit, "writable-span",
			"%u spans are listed that partition %s may write, %u of them its alone, "
			"and stage 2 lets it write %zu",
			table->writable_count, partition->name, table->own_count, meant);
}

/* ---- Its image ---- */

/* Where a piece of its memory lies; AUDIT_NONE: not all of it is its memory. */
static uint64_t memory_at(const struct audit_partition *partition, const struct mullion_copy *piece)
{
	struct range pieces[2];
	const size_t count = audit_pieces(partition->arch->memory_bytes, pieces);
	uint64_t physical = partition->memory_base;
	size_t i;

	for (i = 0; i < count && physical != AUDIT_NONE; physical += pieces[i++].bytes)
		if (piece->gpa >= pieces[i].base && piece->bytes <= pieces[i].bytes &&
			piece->gpa - pieces[i].base <= pieces[i].bytes - piece->bytes)
			return physical + (piece->gpa - pieces[i].base);
	return AUDIT_NONE;
}

static const char *piece_trouble(const struct audit *audit, const struct audit_partition *partition,
	const struct mullion_copy *piece)
{
	const struct mullion_copy *other;
	const uint64_t physical = memory_at(partition, piece);

	if (!piece->bytes || physical == AUDIT_NONE)
		return "is not all in its memory";
	for (other = partition->image; other < piece; other++)
		if (piece->gpa < other->gpa + other->bytes &&
			other->gpa < piece->gpa + piece->bytes)
			return "overlaps another";
	if (!audit_image_at(&audit->image, physical, piece->bytes))
		return "is more than what is loaded there";
	return NULL;
}

static void check_piece(struct audit *audit, const struct audit_partition *partition, size_t i)
{
	const struct mullion_copy *piece = &partition->image[i];
	const char *wrong = piece_trouble(audit, partition, piece);
	const uint8_t *kept = audit_image_at(&audit->image, piece->source, piece->bytes);
	const uint8_t *loaded;
	uint64_t at = 0;

	if (wrong)
		audit_find(audit, "image-piece",
			"piece %zu of the image of %s, %#llx bytes for %#llx, %s", i,
			partition->name, (unsigned long long)piece->bytes,
			(unsigned long long)piece->gpa, wrong);
	if (wrong || !kept)
		return;
	loaded = audit_image_at(&audit->image, memory_at(partition, piece), piece->bytes);
	while (at < piece->bytes && kept[at] == loaded[at])
		at++;
	if (at < piece->bytes)
		audit_find(audit, "pristine-bytes",
			"a cold restart of %s would put %#04x at %#llx, from %#llx, where its "
			"image has %#04x",
			partition->name, kept[at], (unsigned long long)(piece->gpa + at),
			(unsigned long long)(piece->source + at), loaded[at]);
}

/* The piece that holds `physical`, or else the first one above it; NULL: none is. */
static const struct mullion_copy *piece_from(
	const struct audit_partition *partition, uint64_t physical)
{
	const size_t count = partition->image ? partition->table->image_count : 0;
	const struct mullion_copy *next = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct mullion_copy *piece = &partition->image[i];
		const uint64_t base = memory_at(partition, piece);

		if (base == AUDIT_NONE || base + piece->bytes <= physical)
			continue;
		if (!next || base < memory_at(partition, next))
			next = piece;
	}
	return next;
}

/* All that is loaded into its memory beside the pieces is zero, as a cold restart leaves it. */
static void check_segment(struct audit *audit, const struct audit_partition *partition,
	const struct audit_segment *segment)
{
	const uint64_t from = partition->memory_base;
	uint64_t at = segment->base > from ? segment->base : from;
	uint64_t end = segment->base + segment->file_bytes;

	if (end > from + partition->arch->memory_bytes)
		end = from + partition->arch->memory_bytes;
	while (at < end) {
		const struct mullion_copy *piece = piece_from(partition, at);
		const uint64_t base = piece ? memory_at(partition, piece) : end;
		const uint64_t stop = base < end ? base : end;

		while (at < stop && !segment->data[at - segment->base])
			at++;
		if (at < stop) {
			audit_find(audit, "image-missing",
				"physical %#llx of the memory of %s is loaded with %#04x, and a "
				"cold restart would leave 0 there",
				(unsigned long long)at, partition->name,
				segment->data[at - segment->base]);
			return;
		}
		if (piece)
			at = base + piece->bytes;
	}
}

/* ---- Where it is kept ---- */

static void check_pristine(struct audit *audit, const struct audit_partition *partition)
{
	const struct range *range = &partition->pristine;
	const uint64_t end = range->base + range->bytes;
	uint64_t used = 0;
	size_t i;

	for (i = 0; i < partition->table->image_count; i++)
		used += round_up(partition->image[i].bytes, LINE);
	if (round_up(used, AUDIT_PAGE) != range->bytes)
		audit_find(audit, "pristine-place",
			"the pieces of the image of %s need %#llx bytes, and lie in %#llx: "
			"something else lies between them",
			partition->name, (unsigned long long)round_up(used, AUDIT_PAGE),
			(unsigned long long)range->bytes);
	if (range->base < audit->arch->data_end && end > X86_KERNEL_TEXT)
		audit_find(audit, "pristine-place",
			"the pristine image of %s, %#llx..%#llx, lies in the kernel",
			partition->name, (unsigned long long)range->base, (unsigned long long)end);
	for (i = 0; &audit->partitions[i] < partition; i++)
		if (range->base < audit->partitions[i].pristine.base +
					  audit->partitions[i].pristine.bytes &&
			audit->partitions[i].pristine.base < end)
			audit_find(audit, "pristine-place",
				"the pristine images of %s and %s share a page",
				audit->partitions[i].name, partition->name);
	audit_unreached(audit, *range, format("the pristine image of %s", partition->name),
		&partition->restore, X86_PRISTINE_VA + range->base);
}

static void check_partition(struct audit *audit, const struct audit_partition *partition)
{
	size_t i;

	match_restore(audit, partition);
	if (partition->writable)
		check_spans(audit, partition);
	for (i = 0; partition->image && i < partition->table->image_count; i++)
		check_piece(audit, partition, i);
	for (i = 0; partition->memory_base != AUDIT_NONE && i < audit->image.segments_count; i++)
		check_segment(audit, partition, &audit->image.segments[i]);
	if (partition->pristine.bytes)
		check_pristine(audit, partition);
}

void audit_restore(struct audit *audit)
{
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++)
		check_partition(audit, &audit->partitions[p]);
}
