/*
 * What each partition's map is meant to hold: its memory, and what its info page lists.
 *
 * The invariant: the info page is believed only as far as the map itself shows it to the partition,
 * and only where it is well-formed; who else sees the same pages is judged in audit_memory.c.
 */
#include "audit_devices.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

size_t audit_pieces(uint64_t memory_bytes, struct range pieces[2])
{
	const uint64_t low = memory_bytes < MULLION_HOLE_BASE ? memory_bytes : MULLION_HOLE_BASE;

	pieces[0] = (struct range){ 0, low };
	pieces[1] = (struct range){ MULLION_HOLE_END, memory_bytes - low };
	return pieces[1].bytes ? 2 : 1;
}

static const char *name_of(const struct audit *audit, unsigned partition)
{
	return partition < audit->system->partitions_count ? audit->partitions[partition].name
							   : "?";
}

const char *audit_region_name(const struct audit *audit, const struct mullion_region *region)
{
	switch (region->kind) {
	case MULLION_REGION_TIME:
		return format("the time page of vcpu %u", region->index);
	case MULLION_REGION_CONSOLE:
		return format("the console of %s", name_of(audit, region->peer));
	case MULLION_REGION_LOG:
		return "the kernel's log";
	case MULLION_REGION_TRACE:
		return format("the trace of CPU %u", region->index);
	case MULLION_REGION_STATUS:
		return format("the status of %s", name_of(audit, region->index));
	case MULLION_REGION_NODE:
		return "the node's page";
	case MULLION_REGION_WATCHDOG:
		return format("the watchdog of %s", name_of(audit, region->peer));
	case MULLION_REGION_EXCHANGE:
		return "the exchange page";
	case MULLION_REGION_JOURNAL:
		return "the journal";
	case MULLION_REGION_LOCKS:
		return "the lock tables";
	case MULLION_REGION_RDMA:
		return format("the RDMA table of %s", name_of(audit, region->peer));
	case MULLION_REGION_AREA:
		return format("the area %s", audit_image_text(region->name, 24));
	case MULLION_REGION_QUEUING_READER:
	case MULLION_REGION_CHANNEL_READER:
		return format(
			"the reader's page of channel %s", audit_image_text(region->name, 24));
	default:
		return format("channel %s", audit_image_text(region->name, 24));
	}
}

/* ---- The partition's memory ---- */

/* Memory is one physical stretch: where it starts, by the longest mapping in the map. */
static uint64_t find_base(const struct audit_partition *partition)
{
	const uint64_t bytes = partition->arch->memory_bytes;
	const struct audit_mapping *longest = NULL;
	struct range pieces[2];
	size_t i;

	audit_pieces(bytes, pieces);
	for (i = 0; i < partition->stage2.count; i++) {
		const struct audit_mapping *item = &partition->stage2.items[i];

		if (item->virtual < pieces[0].bytes && (!longest || item->bytes > longest->bytes))
			longest = item;
	}
	return longest ? longest->physical - longest->virtual : AUDIT_NONE;
}

static void expect(struct audit_partition *partition, struct audit_expected expected)
{
	partition->expected[partition->expected_count++] = expected;
}

static void expect_memory(struct audit *audit, struct audit_partition *partition, unsigned p)
{
	const uint64_t bytes = partition->arch->memory_bytes;
	struct range pieces[2];
	const size_t count = audit_pieces(bytes, pieces);
	size_t i;

	partition->memory_base = find_base(partition);
	if (!bytes || bytes % AUDIT_PAGE || partition->memory_base == AUDIT_NONE)
		audit_find(audit, "memory-size",
			"partition %s is said to have %#llx bytes of memory", partition->name,
			(unsigned long long)bytes);
	for (i = 0; i < count; i++)
		expect(partition, (struct audit_expected){ pieces[i].base, pieces[i].bytes,
					  partition->memory_base + (i ? pieces[0].bytes : 0),
					  AUDIT_READ | AUDIT_WRITE | AUDIT_EXECUTE, AUDIT_MEMORY, p,
					  "its memory" });
}

static void expect_pages(struct audit_partition *partition, uint64_t gpa, uint64_t bytes,
	unsigned kind, unsigned p, const char *what)
{
	expect(partition,
		(struct audit_expected){ gpa, bytes, audit_physical(&partition->stage2, gpa),
			AUDIT_READ, kind, p, what });
}

/* ---- Its regions ---- */

/* Where the kernel writes a page of its own, the tables say where it lies. */
static uint64_t region_physical(const struct audit *audit, const struct audit_partition *partition,
	const struct mullion_region *region)
{
	const struct mullion_partition *table = partition->table;

	switch (region->kind) {
	case MULLION_REGION_TIME:
		return audit_address(audit->vcpus[table->first_vcpu + region->index].time);
	case MULLION_REGION_LOG:
		return audit_address(audit->system->log);
	case MULLION_REGION_TRACE:
		return audit_address(audit->cpus[region->index].trace);
	case MULLION_REGION_STATUS:
		return audit_address(audit->partitions[region->index].table->status);
	case MULLION_REGION_NODE:
		return audit_address(audit->system->node);
	case MULLION_REGION_WATCHDOG:
		return audit_address(table->watchdog);
	case MULLION_REGION_EXCHANGE:
		return audit_address(audit->system->exchange);
	case MULLION_REGION_JOURNAL:
		return audit_address(audit->system->journal);
	default:
		return audit_physical(&partition->stage2, region->gpa);
	}
}

static const char *index_trouble(const struct audit *audit, const struct audit_partition *partition,
	const struct mullion_region *region)
{
	if (region->peer >= audit->system->partitions_count)
		return "names a partition that does not exist";
	if (region->kind == MULLION_REGION_TIME && region->index >= partition->table->vcpus)
		return "is of a vcpu that the partition does not have";
	if (region->kind == MULLION_REGION_TRACE && region->index >= audit->system->cpus_count)
		return "is of a CPU that does not exist";
	if (region->kind == MULLION_REGION_STATUS &&
		region->index >= audit->system->partitions_count)
		return "is of a partition that does not exist";
	if (!region->kind || region->kind > MULLION_REGION_AREA)
		return "is of no kind that abi.h knows";
	return NULL;
}

static const char *region_trouble(const struct audit *audit,
	const struct audit_partition *partition, const struct mullion_region *region)
{
	const bool one_page =
		region->kind == MULLION_REGION_TIME ||
		(region->kind >= MULLION_REGION_STATUS && region->kind != MULLION_REGION_CHANNEL &&
			region->kind != MULLION_REGION_LOCKS &&
			region->kind != MULLION_REGION_AREA);

	if (region->gpa % AUDIT_PAGE || region->bytes % AUDIT_PAGE || !region->bytes)
		return "is not made of whole pages";
	if (region->gpa < MULLION_SHARED_GPA || region->gpa >= MULLION_SHARED_END ||
		region->bytes > MULLION_SHARED_END - region->gpa)
		return "lies outside the shared pages' place";
	if (region->access != MULLION_READ && region->access != (MULLION_READ | MULLION_WRITE))
		return "has rights that abi.h does not know";
	if (audit_is_kernels(region->kind) && region->access & MULLION_WRITE)
		return "is the kernel's to write, and claims to be writable";
	if ((region->kind == MULLION_REGION_WATCHDOG || region->kind == MULLION_REGION_EXCHANGE) &&
		!(region->access & MULLION_WRITE))
		return "is the partition's to write, and claims not to be writable";
	if (audit_is_told(region->kind) && region->access & MULLION_WRITE)
		return "is nobody's to write, and claims to be writable";
	if (audit_is_sight(region->kind) && region->access & MULLION_WRITE)
		return "is others' to write, and claims to be writable";
	if (one_page && region->bytes != AUDIT_PAGE)
		return "is one page, and claims to be more";
	if (!memchr(region->name, 0, sizeof(region->name)))
		return "has a name without an end";
	return index_trouble(audit, partition, region);
}

/* What makes two partitions' regions the same pages. */
static unsigned region_key(
	const struct audit_partition *partition, const struct mullion_region *region)
{
	switch (region->kind) {
	case MULLION_REGION_CONSOLE:
		return region->peer;
	case MULLION_REGION_TIME:
		return partition->table->first_vcpu + region->index;
	case MULLION_REGION_WATCHDOG:
	case MULLION_REGION_RDMA:
		return partition->info->partition;
	case MULLION_REGION_LOG:
	case MULLION_REGION_NODE:
	case MULLION_REGION_EXCHANGE:
	case MULLION_REGION_JOURNAL:
	case MULLION_REGION_LOCKS:
		return 0;
	default:
		return region->index;
	}
}

static void expect_region(struct audit *audit, struct audit_partition *partition, size_t i)
{
	const struct mullion_region *region = &partition->info->regions[i];
	const char *wrong = region_trouble(audit, partition, region);

	if (wrong) {
		audit_find(audit, "info-region", "region %zu of the info page of %s, at %#llx, %s",
			i, partition->name, (unsigned long long)region->gpa, wrong);
		return;
	}
	expect(partition, (struct audit_expected){ region->gpa, region->bytes,
				  region_physical(audit, partition, region),
				  AUDIT_READ | (region->access & MULLION_WRITE ? AUDIT_WRITE : 0u),
				  region->kind, region_key(partition, region),
				  audit_region_name(audit, region) });
}

/* ---- The info page ---- */

static const char *info_trouble(const struct audit *audit, const struct audit_partition *partition,
	const struct mullion_info *info, unsigned p)
{
	if (info->magic != MULLION_INFO_MAGIC || info->abi_version != MULLION_ABI_VERSION)
		return "is not an info page of this ABI";
	if (info->partition != p)
		return format("is that of partition %u", info->partition);
	if (info->vcpus != partition->table->vcpus || info->flags != partition->table->flags ||
		info->memory_bytes != partition->arch->memory_bytes)
		return "tells other vcpus, flags or memory than the kernel's tables";
	if (strncmp(info->name, partition->name, sizeof(info->name)) != 0)
		return "tells another name than the kernel's tables";
	if (info->tsc_hz_numerator != audit->system->tsc_hz_numerator ||
		info->tsc_hz_denominator != audit->system->tsc_hz_denominator)
		return "tells another clock than the kernel's tables";
	if (info->regions_count > MULLION_MAX_REGIONS)
		return "counts more regions than it holds";
	return NULL;
}

bool audit_is_zero(const void *data, const void *end)
{
	const uint8_t *byte;

	for (byte = data; byte < (const uint8_t *)end; byte++)
		if (*byte)
			return false;
	return true;
}

/* A partition reads the whole of it, so nothing may lie in what the ABI leaves unused. */
static const char *info_rest(const struct mullion_info *info)
{
	const char *name = info->name, *end = name + sizeof(info->name);
	const struct mullion_region *region = info->regions;

	if (!audit_is_zero(info->reserved, info->regions) ||
		!audit_is_zero(name + strnlen(name, sizeof(info->name)), end))
		return "has something in its reserved bytes";
	for (; region < info->regions + info->regions_count; region++)
		if (!audit_is_zero(
			    region->name + strnlen(region->name, sizeof(region->name)), region + 1))
			return "has something behind the name of a region";
	return audit_is_zero(region, (const uint8_t *)info + MULLION_INFO_BYTES)
		       ? NULL
		       : "has something behind its regions";
}

static void open_info(struct audit *audit, struct audit_partition *partition, unsigned p)
{
	const uint64_t physical = audit_physical(&partition->stage2, MULLION_INFO_GPA);
	const struct mullion_info *info = NULL;
	const char *wrong = NULL;

	if (physical != AUDIT_NONE)
		info = audit_constant(audit, physical, MULLION_INFO_BYTES, AUDIT_PAGE,
			format("the info page of %s", partition->name));
	if (info)
		wrong = info_trouble(audit, partition, info, p);
	if (wrong)
		audit_find(audit, "info-page", "the info page of %s, %s, %s", partition->name,
			audit_image_place(&audit->image, physical), wrong);
	if (!info || info->magic != MULLION_INFO_MAGIC || info->regions_count > MULLION_MAX_REGIONS)
		return;
	partition->info = info;
	wrong = info_rest(info);
	if (wrong)
		audit_find(audit, "info-page", "the info page of %s, %s, %s", partition->name,
			audit_image_place(&audit->image, physical), wrong);
}

static int by_virtual(const void *a, const void *b)
{
	const struct audit_expected *x = a, *y = b;

	return (x->virtual > y->virtual) - (x->virtual < y->virtual);
}

/* Sorts what is expected, and drops what overlaps. */
static void put_in_order(struct audit *audit, struct audit_partition *partition)
{
	struct audit_expected *list = partition->expected;
	size_t i, kept = 1;

	qsort(list, partition->expected_count, sizeof(*list), by_virtual);
	for (i = 1; i < partition->expected_count; i++)
		if (list[i].virtual - list[kept - 1].virtual < list[kept - 1].bytes)
			audit_find(audit, "info-region",
				"partition %s is told of %s and of %s at the same address, %#llx",
				partition->name, list[kept - 1].what, list[i].what,
				(unsigned long long)list[i].virtual);
		else
			list[kept++] = list[i];
	partition->expected_count = kept;
}

static void expect_partition(struct audit *audit, unsigned p)
{
	struct audit_partition *partition = &audit->partitions[p];
	size_t i, regions;

	audit_walk(audit, &partition->stage2, NULL);
	audit_walk(audit, &partition->peek, &audit->kernel);
	audit_walk(audit, &partition->restore, &audit->kernel);
	open_info(audit, partition, p);
	regions = partition->info ? partition->info->regions_count : 0;
	partition->expected =
		allocate(regions + 4 + audit_bars_count(audit, p), sizeof(*partition->expected));
	expect_memory(audit, partition, p);
	expect_pages(
		partition, MULLION_INFO_GPA, MULLION_INFO_BYTES, AUDIT_INFO, p, "its info page");
	expect_pages(partition, MULLION_START_GPA, AUDIT_PAGE, AUDIT_START, p, "its start page");
	for (i = 0; i < regions; i++)
		expect_region(audit, partition, i);
	partition->expected_count +=
		audit_bars_expect(audit, p, partition->expected + partition->expected_count);
	put_in_order(audit, partition);
}

void audit_expect(struct audit *audit)
{
	unsigned p;

	audit_walk(audit, &audit->kernel, NULL);
	for (p = 0; p < audit->system->partitions_count; p++)
		expect_partition(audit, p);
}
