/*
 * The access matrix as text: who reaches what, at which address, with which rights.
 *
 * Printed from what the walks found, not from what was expected of them.
 */
#include "audit_devices.h"

#include <elf.h>

#define COLUMNS "  %-8s %#14llx %#14llx %#14llx  %-4s %s\n"

void audit_print_row(FILE *out, const char *what, const struct audit_mapping *at, const char *name)
{
	fprintf(out, COLUMNS, what, (unsigned long long)at->virtual,
		(unsigned long long)at->physical, (unsigned long long)at->bytes,
		audit_rights(at->rights), name);
}

static void print_heading(FILE *out, const char *title, const char *virtual)
{
	fprintf(out, "\n%s\n  %-8s %14s %14s %14s\n", title, "", virtual, "physical", "bytes");
}

/* In guest-physical order: the claims are sorted by physical address. */
static void print_memory(FILE *out, const struct audit *audit, unsigned p)
{
	const struct audit_partition *partition = &audit->partitions[p];
	size_t i, c;

	for (i = 0; i < partition->stage2.count; i++)
		for (c = 0; c < audit->claims_count; c++) {
			const struct audit_claim *claim = &audit->claims[c];
			const struct audit_mapping *item = &partition->stage2.items[i];

			if (claim->partition == p &&
				claim->at.virtual - item->virtual < item->bytes)
				audit_print_row(out, "memory", &claim->at, claim->what);
		}
}

static void print_ports(FILE *out, const struct audit_partition *partition)
{
	uint32_t port = 0, end;

	while (partition->io_bitmap && port < 0x10000) {
		for (end = port; end < 0x10000 && audit_port_open(partition->io_bitmap, end); end++)
			;
		if (end > port)
			fprintf(out, "  %-8s %#14x %14s %#14x  rw-\n", "ports", port, "",
				end - port);
		port = end + 1;
	}
}

static void print_msrs(FILE *out, const struct audit_partition *partition)
{
	uint32_t number;

	for (number = 0; partition->msr_bitmap && number < AUDIT_MSRS; number++) {
		const bool read = audit_msr_open(partition->msr_bitmap, number, false);
		const bool write = audit_msr_open(partition->msr_bitmap, number, true);

		if (read || write)
			fprintf(out, "  %-8s %#14x %14s %14s  %s\n", "MSR", audit_msr(number), "",
				"",
				audit_rights(
					(read ? AUDIT_READ : 0u) | (write ? AUDIT_WRITE : 0u)));
	}
}

static void print_cpus(FILE *out, const struct audit *audit, unsigned p)
{
	unsigned v;

	for (v = 0; v < audit->system->vcpus_count; v++) {
		const struct mullion_vcpu *vcpu = &audit->vcpus[v];
		const bool owned = vcpu->mode == MULLION_CPU_OWNED;

		if (vcpu->partition == p)
			fprintf(out, "  vcpu %-3u CPU %u, APIC id %u, %s\n", vcpu->index, vcpu->cpu,
				audit->cpus[vcpu->cpu].hardware_id,
				owned ? "owned: takes the CPU's interrupts, every vector, by its "
					"own "
					"IDT"
				      : "framed: takes no interrupt of the CPU, virtual vectors "
					"only");
	}
}

static void print_map(FILE *out, const struct audit_map *map)
{
	size_t i;

	for (i = 0; i < map->count; i++)
		audit_print_row(out, "map", &map->items[i],
			map->items[i].rights & AUDIT_UNCACHED ? "uncached" : "");
}

static void print_hashes(FILE *out, const struct audit *audit)
{
	size_t i;

	fputs("\nSegments, SHA-256, what they begin with\n", out);
	for (i = 0; i < audit->image.segments_count; i++) {
		const struct audit_segment *segment = &audit->image.segments[i];

		fprintf(out, "  %#14llx %#14llx  r%c%c  %s  %s\n",
			(unsigned long long)segment->base, (unsigned long long)segment->bytes,
			segment->flags & PF_W ? 'w' : '-', segment->flags & PF_X ? 'x' : '-',
			audit_hash(segment), audit_physical_name(audit, segment->base));
	}
}

void audit_print(FILE *out, const struct audit *audit)
{
	unsigned p;

	fprintf(out, "%s: %s on %s\n", audit->path, audit->name, audit->board);
	for (p = 0; p < audit->system->partitions_count; p++) {
		print_heading(out, audit->partitions[p].stage2.who, "guest");
		print_memory(out, audit, p);
		print_ports(out, &audit->partitions[p]);
		print_msrs(out, &audit->partitions[p]);
		print_cpus(out, audit, p);
		audit_print_functions(out, audit, (int)p);
	}
	audit_print_functions(out, audit, -1);
	audit_print_units(out, audit);
	print_heading(out, "the kernel", "virtual");
	print_map(out, &audit->kernel);
	for (p = 0; p < audit->system->partitions_count; p++) {
		print_heading(out, audit->partitions[p].peek.who, "virtual");
		print_map(out, &audit->partitions[p].peek);
		print_heading(out, audit->partitions[p].restore.who, "virtual");
		print_map(out, &audit->partitions[p].restore);
	}
	print_hashes(out, audit);
	fprintf(out, "\n%zu page tables walked, %zu stretches of memory reachable, %zu findings\n",
		audit->tables_count, audit->claims_count, audit->report.count);
}
