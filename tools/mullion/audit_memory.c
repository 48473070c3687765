/*
 * No frame belongs to two, but the pages that both ends declare, with the rights they declare.
 *
 * The invariant that is proved: every byte of memory that a partition reaches is its own memory,
 * its own constant pages, a page the kernel writes for it, or one end of a console, channel or area
 * that has one writer; nothing of the kernel, no table, no device, nothing outside RAM.
 */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

static int by_physical(const void *a, const void *b)
{
	const struct audit_claim *x = a, *y = b;

	if (x->at.physical != y->at.physical)
		return x->at.physical > y->at.physical ? 1 : -1;
	return (x->partition > y->partition) - (x->partition < y->partition);
}

static const char *partition_name(const struct audit *audit, unsigned p)
{
	return audit->partitions[p].name;
}

/* ---- The maps ---- */

static void match_stage2(struct audit *audit)
{
	struct audit_claims claims = { 0 };
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];

		claims.partition = p;
		audit_match(audit, &partition->stage2, partition->expected,
			partition->expected_count, &claims);
	}
	if (claims.count)
		qsort(claims.items, claims.count, sizeof(*claims.items), by_physical);
	audit->claims = claims.items;
	audit->claims_count = claims.count;
}

/* The kernel may look at exactly this partition's memory, and not change or execute it. */
static void match_peek(struct audit *audit, const struct audit_partition *partition)
{
	struct audit_expected expected[2];
	struct range pieces[2];
	const size_t count = audit_pieces(partition->arch->memory_bytes, pieces);
	size_t i;

	for (i = 0; i < count; i++)
		expected[i] = (struct audit_expected){ X86_PEEK_VA + pieces[i].base,
			pieces[i].bytes, partition->memory_base + (i ? pieces[0].bytes : 0),
			AUDIT_READ, 0, 0, format("the memory of %s", partition->name) };
	audit_match(audit, &partition->peek, expected, count, NULL);
}

/* ---- Frames ---- */

/* What an end of a channel and control name differently, and is the same. */
static unsigned object_of(unsigned kind)
{
	if (kind == MULLION_REGION_CHANNEL_READER)
		return MULLION_REGION_QUEUING_READER;
	return kind == MULLION_REGION_SAMPLING || kind == MULLION_REGION_QUEUING
		       ? MULLION_REGION_CHANNEL
		       : kind;
}

/* Kinds of which several partitions may see the same page. */
static bool is_shareable(unsigned kind)
{
	return kind == MULLION_REGION_CONSOLE || kind == MULLION_REGION_LOG ||
	       kind == MULLION_REGION_TRACE || kind == MULLION_REGION_STATUS ||
	       kind == MULLION_REGION_SAMPLING || kind == MULLION_REGION_QUEUING ||
	       kind == MULLION_REGION_QUEUING_READER || kind == MULLION_REGION_LOCKS ||
	       kind == MULLION_REGION_AREA || audit_is_sight(kind);
}

static bool is_declared(const struct audit_claim *a, const struct audit_claim *b)
{
	return a->partition != b->partition && object_of(a->kind) == object_of(b->kind) &&
	       a->key == b->key && is_shareable(a->kind) &&
	       a->at.physical - a->offset == b->at.physical - b->offset;
}

static void check_pair(
	struct audit *audit, const struct audit_claim *a, const struct audit_claim *b)
{
	if (is_declared(a, b))
		return;
	audit_find(audit, "frame-shared",
		"physical %#llx is reached by %s at %#llx (%s, %s) and by %s at %#llx (%s, %s), "
		"and "
		"no channel says so; the entries are %s and %s",
		(unsigned long long)b->at.physical, partition_name(audit, a->partition),
		(unsigned long long)(a->at.virtual + (b->at.physical - a->at.physical)), a->what,
		audit_rights(a->at.rights), partition_name(audit, b->partition),
		(unsigned long long)b->at.virtual, b->what, audit_rights(b->at.rights),
		audit_image_place(&audit->image,
			audit_entry(audit, audit->partitions[a->partition].stage2.root,
				a->at.virtual + (b->at.physical - a->at.physical))),
		audit_image_place(&audit->image,
			audit_entry(audit, audit->partitions[b->partition].stage2.root,
				b->at.virtual)));
}

static void check_frames(struct audit *audit)
{
	size_t i, j;

	for (i = 0; i < audit->claims_count; i++) {
		const struct audit_mapping *at = &audit->claims[i].at;

		for (j = i + 1; j < audit->claims_count &&
				audit->claims[j].at.physical - at->physical < at->bytes;
			j++)
			check_pair(audit, &audit->claims[i], &audit->claims[j]);
	}
}

static bool overlaps(const struct audit_mapping *at, uint64_t base, uint64_t end)
{
	return at->physical < end && at->physical + at->bytes > base;
}

/*
 * What of the kernel's a partition may see: its own constant pages, what is written for it, and what
 * the kernel reads from it. The journal lies elsewhere.
 */
static bool is_visible_kernel(const struct audit_claim *claim)
{
	return claim->kind == AUDIT_INFO || claim->kind == AUDIT_START ||
	       (audit_is_kernels(claim->kind) && claim->kind != MULLION_REGION_JOURNAL) ||
	       claim->kind == MULLION_REGION_WATCHDOG || claim->kind == MULLION_REGION_EXCHANGE;
}

static void check_tables(struct audit *audit, const struct audit_claim *claim)
{
	size_t i;

	for (i = 0; i < audit->tables_count; i++)
		if (overlaps(&claim->at, audit->tables[i].address,
			    audit->tables[i].address + AUDIT_PAGE)) {
			audit_find(audit, "table-reached",
				"partition %s reaches the page table %s of %s (%s) at %#llx",
				partition_name(audit, claim->partition),
				audit_image_place(&audit->image, audit->tables[i].address),
				audit->tables[i].map->who, audit_rights(claim->at.rights),
				(unsigned long long)(claim->at.virtual +
						     (audit->tables[i].address -
							     claim->at.physical)));
			return;
		}
}

static void check_kernel_part(struct audit *audit, const struct audit_claim *claim)
{
	const bool kernels = overlaps(&claim->at, X86_KERNEL_TEXT, audit->arch->data_end) ||
			     overlaps(&claim->at, AUDIT_TRAMPOLINE, AUDIT_TRAMPOLINE + AUDIT_PAGE);
	const char *where = audit_physical_name(audit, claim->at.physical);

	check_tables(audit, claim);
	if (kernels && !is_visible_kernel(claim))
		audit_find(audit, "kernel-reached",
			"partition %s reaches the kernel at %#llx (%s, %s): physical %#llx..%#llx, "
			"%s",
			partition_name(audit, claim->partition),
			(unsigned long long)claim->at.virtual, claim->what,
			audit_rights(claim->at.rights), (unsigned long long)claim->at.physical,
			(unsigned long long)(claim->at.physical + claim->at.bytes), where);
	if (!kernels && is_visible_kernel(claim))
		audit_find(audit, "kernel-pages",
			"%s of partition %s lies at %#llx, outside the kernel, which is to own it",
			claim->what, partition_name(audit, claim->partition),
			(unsigned long long)claim->at.physical);
}

static bool is_ram(const struct audit *audit, const struct audit_mapping *at)
{
	size_t i;

	for (i = 0; i < audit->system->ram_count; i++)
		if (at->physical >= audit->ram[i].base &&
			at->physical + at->bytes <= audit->ram[i].base + audit->ram[i].bytes)
			return true;
	return false;
}

static void check_claim(struct audit *audit, const struct audit_claim *claim)
{
	check_kernel_part(audit, claim);
	if (overlaps(&claim->at, AUDIT_APIC_PHYSICAL, AUDIT_APIC_PHYSICAL + AUDIT_PAGE))
		audit_find(audit, "apic-reached",
			"partition %s reaches the local APIC's registers at %#llx (%s): it could "
			"send INIT to every CPU",
			partition_name(audit, claim->partition),
			(unsigned long long)claim->at.virtual, audit_rights(claim->at.rights));
	if (claim->kind != AUDIT_BAR && !is_ram(audit, &claim->at))
		audit_find(audit, "ram-reached",
			"partition %s reaches physical %#llx..%#llx at %#llx (%s), which the image "
			"does not call RAM",
			partition_name(audit, claim->partition),
			(unsigned long long)claim->at.physical,
			(unsigned long long)(claim->at.physical + claim->at.bytes),
			(unsigned long long)claim->at.virtual, claim->what);
}

/* ---- Both ends of what is shared ---- */

const struct audit_expected *audit_find_expected(
	const struct audit_partition *partition, unsigned kind, unsigned key)
{
	size_t i;

	for (i = 0; i < partition->expected_count; i++)
		if (partition->expected[i].kind == kind && partition->expected[i].key == key)
			return &partition->expected[i];
	return NULL;
}

/* The same thing, as another partition has it; NULL: not at all. */
static const struct audit_expected *find_other(
	const struct audit_partition *partition, const struct audit_expected *of)
{
	size_t i;

	for (i = 0; i < partition->expected_count; i++)
		if (object_of(partition->expected[i].kind) == object_of(of->kind) &&
			partition->expected[i].key == of->key)
			return &partition->expected[i];
	return NULL;
}

static void check_ends(
	struct audit *audit, const struct audit_expected *a, unsigned p, unsigned other)
{
	const struct audit_expected *b = find_other(&audit->partitions[other], a);

	if (!b)
		return;
	if (a->physical != b->physical || a->bytes != b->bytes)
		audit_find(audit, "shared-ends",
			"%s is at physical %#llx (%llu bytes) for %s and at %#llx (%llu bytes) for "
			"%s",
			a->what, (unsigned long long)a->physical, (unsigned long long)a->bytes,
			partition_name(audit, p), (unsigned long long)b->physical,
			(unsigned long long)b->bytes, partition_name(audit, other));
	if (a->rights & AUDIT_WRITE && b->rights & AUDIT_WRITE)
		audit_find(audit, "shared-writers", "both %s and %s may write %s",
			partition_name(audit, p), partition_name(audit, other), a->what);
}

static void check_writer(struct audit *audit, const struct audit_expected *a, unsigned p)
{
	unsigned other, writers = 0;

	for (other = 0; other < audit->system->partitions_count; other++) {
		const struct audit_expected *b = find_other(&audit->partitions[other], a);

		writers += b && b->rights & AUDIT_WRITE;
		if (other > p)
			check_ends(audit, a, p, other);
	}
	if (a->kind == MULLION_REGION_CONSOLE && (a->rights & AUDIT_WRITE) != 0 && a->key != p)
		audit_find(audit, "shared-writers", "%s may write %s", partition_name(audit, p),
			a->what);
	if (!writers && !audit_is_kernels(a->kind) && !audit_is_told(a->kind))
		audit_find(audit, "shared-writers", "nobody may write %s, which %s reads", a->what,
			partition_name(audit, p));
}

static void check_shared(struct audit *audit)
{
	unsigned p;
	size_t i;

	for (p = 0; p < audit->system->partitions_count; p++)
		for (i = 0; i < audit->partitions[p].expected_count; i++)
			if (is_shareable(audit->partitions[p].expected[i].kind))
				check_writer(audit, &audit->partitions[p].expected[i], p);
}

/* ---- The start page ---- */

struct start_info { /* Xen, public/arch-x86/hvm/start_info.h, version 1 */
	uint32_t magic, version, flags, modules_count;
	uint64_t modules, command_line, rsdp, memory_map;
	uint32_t memory_map_count, reserved;
};
struct memory_map_entry {
	uint64_t base, bytes;
	uint32_t type, reserved;
};
#define START_MAGIC 0x336ec578u

static const char *memory_trouble(
	const struct audit_partition *partition, const uint8_t *page, uint64_t map)
{
	const struct memory_map_entry *entry = (const void *)(page + map);
	struct range pieces[2];
	const size_t count = audit_pieces(partition->arch->memory_bytes, pieces);
	size_t i;

	if (map % 8 || map > AUDIT_PAGE - count * sizeof(*entry) ||
		((const struct start_info *)(const void *)page)->memory_map_count != count)
		return "has no memory map";
	for (i = 0; i < count; i++, entry++)
		if (entry->base != pieces[i].base || entry->bytes != pieces[i].bytes ||
			entry->type != 1 || entry->reserved)
			return "tells another memory than the tables map";
	return NULL;
}

/* Header, then the memory map, then the command line; zeros between them and behind. */
static const char *start_trouble(const struct audit_partition *partition, const uint8_t *page)
{
	const struct start_info *start = (const void *)page;
	const uint64_t map = start->memory_map - MULLION_START_GPA;
	const uint64_t words = start->command_line - MULLION_START_GPA;
	const uint64_t map_end = map + start->memory_map_count * sizeof(struct memory_map_entry);
	const char *wrong = memory_trouble(partition, page, map);

	if (start->magic != START_MAGIC || start->version != 1 || start->flags ||
		start->modules_count || start->modules || start->rsdp || start->reserved)
		return "is not a PVH start page without modules and tables of firmware";
	if (wrong)
		return wrong;
	if (map < sizeof(*start) || words < map_end || words >= AUDIT_PAGE ||
		!memchr(page + words, 0, AUDIT_PAGE - words))
		return "has no command line that ends in it";
	if (!audit_is_zero(page + sizeof(*start), page + map) ||
		!audit_is_zero(page + map_end, page + words) ||
		!audit_is_zero(
			page + words + strlen((const char *)page + words), page + AUDIT_PAGE))
		return "has something in its unused bytes";
	return NULL;
}

const char *audit_command_line(const struct audit *audit, const struct audit_partition *partition)
{
	const uint64_t physical = audit_physical(&partition->stage2, MULLION_START_GPA);
	const uint8_t *page = NULL;

	if (physical != AUDIT_NONE)
		page = audit_image_at(&audit->image, physical, AUDIT_PAGE);
	if (!page || start_trouble(partition, page))
		return NULL;
	return (const char *)page +
	       (((const struct start_info *)(const void *)page)->command_line - MULLION_START_GPA);
}

static void check_start(struct audit *audit, const struct audit_partition *partition)
{
	const uint64_t physical = audit_physical(&partition->stage2, MULLION_START_GPA);
	const uint8_t *page;
	const char *wrong;

	if (physical == AUDIT_NONE)
		return;
	page = audit_constant(audit, physical, AUDIT_PAGE, AUDIT_PAGE,
		format("the start page of %s", partition->name));
	wrong = page ? start_trouble(partition, page) : NULL;
	if (wrong)
		audit_find(audit, "start-page", "the start page of %s, %s, %s", partition->name,
			audit_image_place(&audit->image, physical), wrong);
}

void audit_memory(struct audit *audit)
{
	unsigned p;
	size_t i;

	match_stage2(audit);
	for (p = 0; p < audit->system->partitions_count; p++) {
		match_peek(audit, &audit->partitions[p]);
		check_start(audit, &audit->partitions[p]);
	}
	check_frames(audit);
	for (i = 0; i < audit->claims_count; i++)
		check_claim(audit, &audit->claims[i]);
	check_shared(audit);
}
