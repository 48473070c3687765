/*
 * The kernel's own map: W^X, guard pages below every stack, nothing of any partition, tables that
 * nobody can write. And each segment of the file lies where its kind belongs.
 *
 * The map is meant to be the identity on [KERNEL_TEXT, data_end) without the guard pages, the
 * trampoline, the journal, and the local APIC at APIC_VA: x86_tables.h.
 */
#include "audit_devices.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"

#define STACK_BYTES ((X86_STACK_PAGES - 1) * AUDIT_PAGE)

static int by_virtual(const void *a, const void *b)
{
	const struct audit_expected *x = a, *y = b;

	return (x->virtual > y->virtual) - (x->virtual < y->virtual);
}

static struct audit_expected identity(
	uint64_t base, uint64_t end, unsigned rights, const char *what)
{
	return (struct audit_expected){ base, end - base, base, rights, 0, 0, what };
}

/* ---- Stacks ---- */

/* The guards, ascending; less than there are CPUs after a finding. */
static size_t list_guards(struct audit *audit, struct audit_expected *guards)
{
	const struct arch_system_tables *arch = audit->arch;
	size_t used = 0, c, i;

	for (c = 0; c < audit->system->cpus_count; c++) {
		const uint64_t top = audit_address(audit->cpus[c].stack_top);
		const uint64_t guard = top - STACK_BYTES - AUDIT_PAGE;

		if (top % AUDIT_PAGE || top > arch->data_end ||
			top < arch->data_base + STACK_BYTES + AUDIT_PAGE)
			audit_find(audit, "stack-place",
				"the stack of CPU %zu ends at %#llx, which leaves no room for it "
				"in the kernel's data",
				c, (unsigned long long)top);
		else
			guards[used++] = identity(guard, guard + AUDIT_PAGE, 0,
				format("the guard page below the stack of CPU %zu", c));
	}
	qsort(guards, used, sizeof(*guards), by_virtual);
	for (i = 1; i < used; i++)
		if (guards[i].virtual - guards[i - 1].virtual < STACK_BYTES + AUDIT_PAGE) {
			audit_find(audit, "stack-place", "two CPUs' stacks overlap at %#llx",
				(unsigned long long)guards[i].virtual);
			return i;
		}
	return used;
}

static size_t list_data(struct audit *audit, const struct audit_expected *guards, size_t count,
	struct audit_expected *list)
{
	const unsigned rights = AUDIT_READ | AUDIT_WRITE;
	uint64_t from = audit->arch->data_base;
	size_t used = 0, i;

	for (i = 0; i < count; i++) {
		if (guards[i].virtual > from)
			list[used++] = identity(from, guards[i].virtual, rights, "kernel data");
		list[used++] = guards[i];
		from = guards[i].virtual + AUDIT_PAGE;
	}
	list[used++] = identity(from, audit->arch->data_end, rights, "kernel data");
	return used;
}

static size_t list_map(struct audit *audit, struct audit_expected *list)
{
	struct audit_expected *guards = allocate(audit->system->cpus_count, sizeof(*guards));
	const size_t count = list_guards(audit, guards);
	const uint64_t journal = audit_address(audit->system->journal);
	size_t used = 0;

	list[used++] = identity(AUDIT_TRAMPOLINE, AUDIT_TRAMPOLINE + AUDIT_PAGE,
		AUDIT_READ | AUDIT_EXECUTE, "the trampoline");
	list[used++] = identity(
		X86_KERNEL_TEXT, X86_KERNEL_RODATA, AUDIT_READ | AUDIT_EXECUTE, "kernel text");
	list[used++] =
		identity(X86_KERNEL_RODATA, audit->arch->data_base, AUDIT_READ, "kernel constants");
	used += list_data(audit, guards, count, list + used);
	list[used++] =
		identity(journal, journal + AUDIT_PAGE, AUDIT_READ | AUDIT_WRITE, "the journal");
	list[used++] = (struct audit_expected){ X86_APIC_VA, AUDIT_PAGE, AUDIT_APIC_PHYSICAL,
		AUDIT_READ | AUDIT_WRITE | AUDIT_UNCACHED, 0, 0, "the local APIC" };
	free(guards);
	return used;
}

/* Registers of devices, and then all in order. What is meant twice is meant once. */
static size_t list_devices(struct audit *audit, struct audit_expected *list, size_t used)
{
	size_t kept = 1, i;

	used += audit_devices_map(audit, list + used);
	qsort(list, used, sizeof(*list), by_virtual);
	for (i = 1; i < used; i++) {
		const struct audit_expected *last = &list[kept - 1];

		if (list[i].virtual >= last->virtual + last->bytes)
			list[kept++] = list[i];
		else if (list[i].virtual != last->virtual || list[i].bytes != last->bytes)
			audit_find(audit, "device-place",
				"%s and %s would lie at one address, %#llx", last->what,
				list[i].what, (unsigned long long)list[i].virtual);
	}
	return kept;
}

static void check_w_xor_x(struct audit *audit, const struct audit_map *map)
{
	size_t i;

	for (i = 0; i < map->count; i++)
		if (map->items[i].rights & AUDIT_WRITE && map->items[i].rights & AUDIT_EXECUTE)
			audit_find(audit, "kernel-w-xor-x",
				"%s can both write and execute %#llx..%#llx; the entry at %s",
				map->who, (unsigned long long)map->items[i].virtual,
				(unsigned long long)(map->items[i].virtual + map->items[i].bytes),
				audit_image_place(&audit->image,
					audit_entry(audit, map->root, map->items[i].virtual)));
}

/* ---- Segments ---- */

/* The end of what a service is told if `base` lies in it, else `base`. */
static uint64_t end_of_told(const struct audit_partition *partition, uint64_t base)
{
	size_t i;

	for (i = 0; i < partition->expected_count; i++) {
		const struct audit_expected *at = &partition->expected[i];

		if (audit_is_told(at->kind) && base - at->physical < at->bytes)
			return at->physical + at->bytes;
	}
	return base;
}

/* Constants outside the kernel are the partitions' pristine images and what services are told, and nothing else. */
static bool is_pristine(const struct audit *audit, uint64_t base, uint64_t end)
{
	unsigned p = 0;

	while (base < end && p < audit->system->partitions_count) {
		const struct range *pristine = &audit->partitions[p].pristine;
		const uint64_t told_end = end_of_told(&audit->partitions[p++], base);

		if (told_end != base) {
			base = told_end;
			p = 0;
		} else if (base - pristine->base < pristine->bytes) {
			base = pristine->base + pristine->bytes;
			p = 0;
		}
	}
	return base >= end;
}

static void check_segment(struct audit *audit, const struct audit_segment *segment)
{
	const uint64_t end = segment->base + segment->bytes;
	const struct arch_system_tables *arch = audit->arch;
	const bool in_text = segment->base >= X86_KERNEL_TEXT && end <= X86_KERNEL_RODATA;
	const bool in_constants = segment->base >= X86_KERNEL_RODATA && end <= arch->data_base;
	const bool in_data = segment->base >= arch->data_base && end <= arch->data_end;
	const bool outside = end <= X86_KERNEL_TEXT || segment->base >= arch->data_end;
	const uint32_t flags = segment->flags & (PF_W | PF_X);

	if (segment->bytes > AUDIT_LARGEST_SEGMENT)
		audit_find(audit, "segment-large", "the segment at %#llx has %llu bytes",
			(unsigned long long)segment->base, (unsigned long long)segment->bytes);
	if (flags == (PF_W | PF_X))
		audit_find(audit, "segment-flags",
			"the segment at %#llx is writable and executable",
			(unsigned long long)segment->base);
	if ((flags == PF_X && !in_text) ||
		(!flags && !in_constants && !(outside && is_pristine(audit, segment->base, end))) ||
		(flags == PF_W && !in_data && !outside))
		audit_find(audit, "segment-place",
			"the segment %#llx..%#llx (%s) lies where the kernel keeps something else",
			(unsigned long long)segment->base, (unsigned long long)end,
			flags == PF_X ? "code"
			: flags       ? "data"
				      : "constants");
}

static bool is_ram(const struct audit *audit, uint64_t base, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < audit->system->ram_count; i++)
		if (base >= audit->ram[i].base &&
			base - audit->ram[i].base <= audit->ram[i].bytes &&
			bytes <= audit->ram[i].bytes - (base - audit->ram[i].base))
			return true;
	return false;
}

static void check_ram(struct audit *audit)
{
	const struct mullion_ram *ram = audit->ram;
	size_t i;

	for (i = 1; i < audit->system->ram_count; i++)
		if (ram[i].base < ram[i - 1].base ||
			ram[i].base - ram[i - 1].base < ram[i - 1].bytes)
			audit_find(audit, "ram-order",
				"the list of RAM is not ascending and disjoint at %#llx",
				(unsigned long long)ram[i].base);
	for (i = 0; i < audit->image.segments_count; i++)
		if (!is_ram(audit, audit->image.segments[i].base, audit->image.segments[i].bytes))
			audit_find(audit, "segment-ram",
				"the segment at %#llx is loaded to what the image does not call "
				"RAM",
				(unsigned long long)audit->image.segments[i].base);
	if (!is_ram(audit, X86_KERNEL_TEXT, audit->arch->data_end - X86_KERNEL_TEXT))
		audit_find(audit, "ram-kernel", "the kernel is not in what the image calls RAM");
}

void audit_kernel(struct audit *audit)
{
	const struct arch_system_tables *arch = audit->arch;
	const size_t devices = 2 * audit->devices->functions_count + audit->devices->units_count;
	struct audit_expected *list =
		allocate(2 * audit->system->cpus_count + 6u + devices, sizeof(*list));
	size_t i;

	check_ram(audit);
	if (arch->data_base % AUDIT_PAGE || arch->data_end % AUDIT_PAGE ||
		arch->data_base < X86_KERNEL_RODATA || arch->data_end <= arch->data_base)
		audit_find(audit, "kernel-data", "the kernel's data is said to lie at %#llx..%#llx",
			(unsigned long long)arch->data_base, (unsigned long long)arch->data_end);
	else
		audit_match(audit, &audit->kernel, list,
			list_devices(audit, list, list_map(audit, list)), NULL);
	check_w_xor_x(audit, &audit->kernel);
	for (i = 0; i < audit->image.segments_count; i++)
		check_segment(audit, &audit->image.segments[i]);
	free(list);
}
