/*
 * The devices' part of the access matrix as text: which function reaches which byte, and interrupts
 * whom.
 *
 * Printed from the units' tables: what an entry lets pass, what a remapping entry sends.
 */
#include "audit_devices.h"

static bool is_of(const struct audit_function *function, int partition)
{
	return partition < 0 ? !audit_is_owned(function)
			     : function && function->table->partition == partition;
}

static void print_pass(FILE *out, const struct audit *audit, const struct audit_pass *pass)
{
	size_t i;

	if (!pass->tree) {
		fputs("  dma      everything: requests pass untranslated\n", out);
		return;
	}
	for (i = 0; i < pass->tree->map.count; i++)
		audit_print_row(out, "dma", &pass->tree->map.items[i],
			audit_physical_name(audit, pass->tree->map.items[i].physical));
}

static void print_bars(FILE *out, const struct audit_function *function)
{
	size_t b;

	for (b = 0; b < function->bars_count; b++) {
		const struct x86_bar *bar = &function->bars[b];

		fprintf(out, "  %-8s %#14x %#14llx %#14llx  %s BAR %u\n", "bar", bar->gpa,
			(unsigned long long)bar->base, (unsigned long long)bar->bytes,
			function->name, bar->index);
	}
}

static void print_target(FILE *out, const struct audit *audit, unsigned apic)
{
	unsigned v;

	for (v = 0; v < audit->system->vcpus_count; v++) {
		const struct mullion_vcpu *vcpu = &audit->vcpus[v];
		const struct mullion_cpu *cpu = &audit->cpus[vcpu->cpu];

		if (cpu->hardware_id == apic && cpu->mode == MULLION_CPU_OWNED) {
			fprintf(out, "CPU %u, APIC id %u, vcpu %u of %s\n", vcpu->cpu, apic,
				vcpu->index, audit->partitions[vcpu->partition].name);
			return;
		}
	}
	fprintf(out, "APIC id %u\n", apic);
}

static void print_vector(FILE *out, const struct audit *audit, const struct audit_vector *vector)
{
	fputs("  message  ", out);
	if (vector->function && vector->message >= 0)
		fprintf(out, "%s %d", vector->function->name, vector->message);
	else
		fprintf(out, "%s",
			vector->requester < 0 ? "of anybody"
					      : audit_bdf((unsigned)vector->requester));
	fprintf(out, " by entry %u of %s: vector %#x at ", vector->index, vector->unit->name,
		vector->vector);
	print_target(out, audit, vector->apic);
}

static void print_function(
	FILE *out, const struct audit *audit, const struct audit_function *function)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	fprintf(out, "  device   %s, %s, requester %s of %s\n", function->name,
		audit_bdf(function->table->bdf), audit_bdf(function->table->requester),
		devices->units[function->table->iommu].name);
	print_bars(out, function);
	for (i = 0; i < devices->passes_count; i++)
		if (audit_lets(&devices->passes[i], function))
			print_pass(out, audit, &devices->passes[i]);
	for (i = 0; i < devices->vectors_count; i++)
		if (devices->vectors[i].function == function)
			print_vector(out, audit, &devices->vectors[i]);
}

/* What passes or interrupts and is no function that the image lists. */
static void print_strays(FILE *out, const struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->passes_count; i++)
		if (!devices->passes[i].function) {
			fprintf(out, "  device   unknown, requester %s of %s\n",
				audit_bdf(devices->passes[i].requester),
				devices->passes[i].unit->name);
			print_pass(out, audit, &devices->passes[i]);
		}
	for (i = 0; i < devices->vectors_count; i++)
		if (!devices->vectors[i].function)
			print_vector(out, audit, &devices->vectors[i]);
}

void audit_print_functions(FILE *out, const struct audit *audit, int partition)
{
	const struct audit_devices *devices = audit->devices;
	size_t f;

	if (partition < 0 && devices->functions_count)
		fputs("\ndevices of nobody: all that passes or interrupts is printed\n", out);
	for (f = 0; f < devices->functions_count; f++)
		if (is_of(&devices->functions[f], partition))
			print_function(out, audit, &devices->functions[f]);
	if (partition < 0)
		print_strays(out, audit);
}

void audit_print_units(FILE *out, const struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t u;

	if (devices->units_count)
		fputs("\nIOMMUs\n", out);
	for (u = 0; u < devices->units_count; u++) {
		const struct x86_iommu *table = devices->units[u].table;

		fprintf(out, "  %s: %s, %u levels; CPU %u %s faults\n", devices->units[u].name,
			table->kind == X86_IOMMU_VTD ? "VT-d" : "AMD-Vi", table->levels,
			table->keeper,
			devices->units[u].interrupts ? "is interrupted by" : "looks for");
	}
}
