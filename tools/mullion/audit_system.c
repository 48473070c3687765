/*
 * Opens an image: finds mullion_system by its symbol and follows every pointer the kernel follows.
 *
 * The invariant: after audit_open has returned true, the arrays of struct audit are constant data
 * of the image, complete, and every index in them is in its range. tables.h, x86_tables.h.
 */
#include "audit_devices.h"

#include <elf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"

/* Beyond what any deployment can hold: a count above it is not believed. */
#define MOST 1024u
/* Findings of one rule that are told one by one. */
#define MOST_FINDINGS 24u

#define REPAIR                                                                                     \
	"build the image again and compare the hashes; if the new one is as bad, the compiler is " \
	"wrong: do not boot either"
#define REPAIR_WANTED                                                                              \
	"build the image again from this description, or name the one it was built from"

/* ---- Findings ---- */

static size_t count_rule(struct audit *audit, const char *rule)
{
	const size_t slots = sizeof(audit->rule_names) / sizeof(audit->rule_names[0]);
	size_t i;

	for (i = 0; i < slots && audit->rule_names[i]; i++)
		if (!strcmp(audit->rule_names[i], rule))
			return ++audit->rule_counts[i];
	if (i == slots)
		return 1;
	audit->rule_names[i] = rule;
	return ++audit->rule_counts[i];
}

void audit_find(struct audit *audit, const char *rule, const char *pattern, ...)
{
	const char *repair = strncmp(rule, "wanted-", 7) ? REPAIR : REPAIR_WANTED;
	const size_t count = count_rule(audit, rule);
	const char *sentence;
	va_list arguments;

	if (count > MOST_FINDINGS + 1)
		return;
	va_start(arguments, pattern);
	sentence = count <= MOST_FINDINGS ? arena_format(&audit->arena, pattern, arguments)
					  : "there is more of this kind than is told here";
	va_end(arguments);
	report_add(
		&audit->report, &(struct finding){ { audit->path, 0, 0 }, rule, sentence, repair });
}

/* ---- Reading ---- */

const void *audit_constant(
	struct audit *audit, uint64_t address, uint64_t bytes, uint64_t alignment, const char *what)
{
	const struct audit_segment *segment = audit_image_segment(&audit->image, address);
	const void *data = audit_image_at(&audit->image, address, bytes);

	if (data && segment && !(segment->flags & PF_W) && address % alignment == 0)
		return data;
	audit_find(audit, "constant-data", "%s should lie at %#llx, and that is %s", what,
		(unsigned long long)address,
		!data                 ? "outside what the file holds"
		: address % alignment ? "not aligned"
				      : "not constant: its segment is writable");
	return NULL;
}

const char *audit_string(struct audit *audit, const char *string, const char *what)
{
	const uint64_t address = audit_address(string);
	uint64_t length = 0;
	const char *text;

	while ((text = audit_image_at(&audit->image, address, length + 1)) && text[length])
		length++;
	if (text)
		return audit_image_text(text, 255);
	audit_find(audit, "constant-data", "%s should be a text at %#llx, and it is none", what,
		(unsigned long long)address);
	return "?";
}

static const void *array(
	struct audit *audit, const void *address, size_t count, size_t bytes, const char *what)
{
	return audit_constant(audit, audit_address(address), count * bytes, 8, what);
}

/* ---- The root ---- */

static bool refuse(struct audit *audit, const char *rule, const char *what)
{
	audit_find(audit, rule, "%s", what);
	return false;
}

static bool open_root(struct audit *audit)
{
	const uint64_t address = audit_image_symbol(&audit->image, "mullion_system");
	const struct mullion_system *system;

	if (address == AUDIT_NONE)
		return refuse(audit, "system-symbol", "there is no symbol mullion_system");
	system = audit_constant(audit, address, sizeof(*system), 8, "mullion_system");
	if (!system)
		return false;
	if (system->version != MULLION_TABLES_VERSION)
		return refuse(audit, "system-version",
			format("its tables have version %u, and this audit reads version %u",
				system->version, MULLION_TABLES_VERSION));
	if (!system->cpus_count || !system->partitions_count || !system->vcpus_count ||
		system->cpus_count > MOST || system->partitions_count > MOST ||
		system->vcpus_count > MOST || system->ram_count > MOST ||
		system->schedules_count > MOST || system->channels_count > MOST)
		return refuse(audit, "system-counts",
			"mullion_system counts no, or unbelievably many, CPUs, partitions, vcpus, "
			"schedules, channels or stretches of RAM");
	audit->system = system;
	return true;
}

static bool open_arrays(struct audit *audit)
{
	const struct mullion_system *system = audit->system;

	audit->name = audit_string(audit, system->name, "the deployment's name");
	audit->board = audit_string(audit, system->board, "the board's name");
	audit->cpus =
		array(audit, system->cpus, system->cpus_count, sizeof(*system->cpus), "the CPUs");
	audit->vcpus = array(
		audit, system->vcpus, system->vcpus_count, sizeof(*system->vcpus), "the vcpus");
	audit->ram = array(
		audit, system->ram, system->ram_count, sizeof(*system->ram), "the list of RAM");
	audit->arch = array(audit, system->arch, 1, sizeof(*system->arch), "the x86 tables");
	if (system->channels_count)
		audit->channels = array(audit, system->channels, system->channels_count,
			sizeof(*system->channels), "the channels");
	return audit->cpus && audit->vcpus && audit->ram && audit->arch &&
	       (audit->channels || !system->channels_count);
}

static bool open_vcpus(struct audit *audit)
{
	const struct mullion_system *system = audit->system;
	bool good = true;
	size_t v;

	audit->vcpu_arch = allocate(system->vcpus_count, sizeof(*audit->vcpu_arch));
	for (v = 0; v < system->vcpus_count; v++) {
		const struct mullion_vcpu *vcpu = &audit->vcpus[v];

		audit->vcpu_arch[v] = array(audit, vcpu->arch, 1, sizeof(*vcpu->arch),
			format("the x86 tables of vcpu %zu", v));
		if (vcpu->partition >= system->partitions_count || vcpu->cpu >= system->cpus_count)
			return refuse(audit, "system-index",
				format("vcpu %zu names a partition or CPU that does not exist", v));
		good = good && audit->vcpu_arch[v];
	}
	return good;
}

static bool open_partition(struct audit *audit, const struct mullion_partition *table, unsigned p)
{
	struct audit_partition *partition = &audit->partitions[p];

	*partition = (struct audit_partition){ .table = table, .memory_base = AUDIT_NONE };
	partition->name = audit_string(audit, table->name, format("the name of partition %u", p));
	if (!table->vcpus || table->first_vcpu + table->vcpus > audit->system->vcpus_count)
		return refuse(audit, "system-index",
			format("partition %s names vcpus that do not exist", partition->name));
	partition->arch = audit->vcpu_arch[table->first_vcpu];
	partition->stage2 = (struct audit_map){ .kind = AUDIT_STAGE2,
		.who = format("partition %s", partition->name),
		.root = audit_address(partition->arch->stage2) };
	partition->peek = (struct audit_map){ .kind = AUDIT_PEEK,
		.who = format("the kernel's peek map of %s", partition->name),
		.root = audit_address(partition->arch->peek) };
	partition->restore = (struct audit_map){ .kind = AUDIT_RESTORE,
		.who = format("the kernel's restore map of %s", partition->name),
		.root = audit_address(partition->arch->restore) };
	partition->io_bitmap = audit_constant(audit, audit_address(partition->arch->io_bitmap),
		X86_IO_BITMAP_BYTES, AUDIT_PAGE, format("the I/O bitmap of %s", partition->name));
	partition->msr_bitmap = audit_constant(audit, audit_address(partition->arch->msr_bitmap),
		X86_MSR_BITMAP_BYTES, AUDIT_PAGE, format("the MSR bitmap of %s", partition->name));
	audit_restore_open(audit, partition);
	return true;
}

static bool open_partitions(struct audit *audit)
{
	const unsigned count = audit->system->partitions_count;
	const struct mullion_partition *tables =
		array(audit, audit->system->partitions, count, sizeof(*tables), "the partitions");
	bool good = tables != NULL;
	unsigned p;

	audit->partitions = allocate(count, sizeof(*audit->partitions));
	for (p = 0; p < count && good; p++)
		good = open_partition(audit, &tables[p], p);
	return good;
}

bool audit_open(struct audit *audit, const char *path)
{
	const char *wrong;

	*audit = (struct audit){ .path = path };
	audit->report.arena = &audit->arena;
	audit->kernel = (struct audit_map){ .kind = AUDIT_KERNEL, .who = "the kernel" };
	wrong = audit_image_read(&audit->image, path);
	if (wrong)
		return refuse(audit, "image-format", format("the file %s", wrong));
	if (!open_root(audit) || !open_arrays(audit) || !open_vcpus(audit) ||
		!open_partitions(audit))
		return false;
	audit->kernel.root = audit_address(audit->arch->pml4);
	return audit_devices_open(audit);
}

void audit_close(struct audit *audit)
{
	unsigned p;

	for (p = 0; audit->partitions && p < audit->system->partitions_count; p++) {
		free(audit->partitions[p].stage2.items);
		free(audit->partitions[p].peek.items);
		free(audit->partitions[p].restore.items);
		free(audit->partitions[p].expected);
	}
	free(audit->partitions);
	free(audit->vcpu_arch);
	free(audit->kernel.items);
	free(audit->tables);
	free(audit->claims);
	audit_devices_close(audit);
	audit_image_free(&audit->image);
	arena_free(&audit->arena);
}

/* ---- Names of physical addresses ---- */

static const char *partition_name(const struct audit *audit, uint64_t physical)
{
	unsigned p;
	size_t i;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];

		for (i = 0; i < partition->expected_count; i++) {
			const struct audit_expected *expected = &partition->expected[i];

			if (expected->physical != AUDIT_NONE &&
				physical - expected->physical < expected->bytes)
				return expected->kind == AUDIT_MEMORY
					       ? format("the memory of partition %s",
							 partition->name)
					       : format("%s of partition %s", expected->what,
							 partition->name);
		}
	}
	return NULL;
}

static const char *restart_name(const struct audit *audit, uint64_t physical)
{
	unsigned p;

	if (physical - audit_address(audit->system->journal) < AUDIT_PAGE)
		return "the journal";
	for (p = 0; p < audit->system->partitions_count; p++)
		if (physical - audit->partitions[p].pristine.base <
			audit->partitions[p].pristine.bytes)
			return format(
				"the pristine image of partition %s", audit->partitions[p].name);
	return NULL;
}

static const char *kernel_name(const struct audit *audit, uint64_t physical)
{
	const char *place = audit_image_place(&audit->image, physical);

	if (physical < X86_KERNEL_RODATA)
		return format("kernel text at %s", place);
	if (physical >= audit->arch->data_base)
		return format("kernel data at %s", place);
	return format("%s at %s",
		audit_is_table(audit, physical & ~(AUDIT_PAGE - 1)) ? "the page table"
								    : "kernel constants",
		place);
}

const char *audit_physical_name(const struct audit *audit, uint64_t physical)
{
	const char *name;
	size_t i;

	if (physical - AUDIT_APIC_PHYSICAL < AUDIT_PAGE)
		return "the local APIC's page";
	if (physical - AUDIT_TRAMPOLINE < AUDIT_PAGE)
		return "the kernel's trampoline";
	name = partition_name(audit, physical);
	if (!name && audit->devices)
		name = audit_range_name(audit, physical);
	if (!name)
		name = restart_name(audit, physical);
	if (name)
		return name;
	if (physical >= X86_KERNEL_TEXT && physical < audit->arch->data_end)
		return kernel_name(audit, physical);
	for (i = 0; i < audit->system->ram_count; i++)
		if (physical - audit->ram[i].base < audit->ram[i].bytes)
			return "RAM that nobody owns";
	return "no RAM of this image";
}
