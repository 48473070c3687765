/*
 * Devices in words: for each PCI function its registers, what it reaches by DMA, whom it
 * interrupts, and who looks for faults.
 *
 * Printed from the plan that the tables come from.
 */
#include "explain.h"

#include "allocate.h"
#include "assignment.h"

static const struct model_function *function_of(const struct plan *plan, size_t f)
{
	return &plan->model->functions[plan->layout.functions[f].number];
}

static char *bdf_text(unsigned bdf)
{
	return format("%02x:%02x.%x", bdf >> 8, bdf >> 3 & 0x1f, bdf & 7);
}

/* ---- Units ---- */

static void print_keeper(FILE *out, const struct plan *plan)
{
	const struct model_cpu *cpu = &plan->model->cpus[plan->layout.cpus[plan->devices.keeper]];

	if (plan->devices.interrupts)
		fprintf(out, "  CPU %u is interrupted by faults: no CPU is framed\n", cpu->number);
	else
		fprintf(out, "  CPU %u looks for faults, before each window\n", cpu->number);
}

static void print_units(FILE *out, const struct plan *plan)
{
	size_t u;

	explain_title(out, "IOMMUs");
	for (u = 0; u < plan->model->iommus_count; u++) {
		const struct model_iommu *iommu = &plan->model->iommus[u];

		fprintf(out, "  %-20s  %s, %u levels, registers %#llx\n", iommu->name,
			iommu->kind == X86_IOMMU_AMDVI ? "AMD-Vi" : "VT-d",
			layout_iommu_levels(iommu), (unsigned long long)iommu->reg.base);
	}
	print_keeper(out, plan);
}

/* ---- Functions ---- */

static void print_bars(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	const struct layout_function *placed = &plan->layout.functions[f];
	size_t i;

	for (i = 0; i < function->bars_count; i++) {
		const struct model_bar *bar = &function->bars[i];

		fprintf(out, "    BAR %u     %#12llx  %-9s rw-  physical %#llx\n", bar->index,
			(unsigned long long)placed->gpas[bar->index], explain_bytes(bar->reg.bytes),
			(unsigned long long)bar->reg.base);
	}
	if (placed->table.bytes)
		fprintf(out, "    within    %#12llx  %-9s ---  physical %#llx: MSI-X table, %s\n",
			(unsigned long long)placed->table_gpa, explain_bytes(placed->table.bytes),
			(unsigned long long)placed->table.base,
			plan->devices.functions[f].messages ? "the kernel's"
							    : "no message is granted");
}

static void print_dma(FILE *out, const struct plan *plan, const struct model_function *function)
{
	struct layout_piece pieces[2];
	const size_t count = layout_pieces(plan->layout.partitions[function->owner].memory, pieces);
	size_t i;

	for (i = 0; i < count; i++)
		fprintf(out, "    DMA       %#12llx  %-9s rw-  physical %#llx\n",
			(unsigned long long)pieces[i].gpa, explain_bytes(pieces[i].bytes),
			(unsigned long long)pieces[i].physical);
}

static void print_interrupts(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	unsigned m, printed = 0;

	for (m = 0; m < function->messages_count; m++) {
		const struct model_interrupt *interrupt = devices_interrupt(&plan->layout, f, m);

		if (!interrupt)
			continue;
		fprintf(out, "    interrupt message %u: CPU %u, vector %#x\n", m,
			plan->model->cpus[interrupt->cpu].number, interrupt->vector);
		printed++;
	}
	if (!printed)
		fputs("    interrupt none: it is to be polled\n", out);
}

static void print_function(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);

	fprintf(out, "  %s  %s", bdf_text(function->bdf), function->name);
	if (function->requester != function->bdf)
		fprintf(out, ", requests as %s", bdf_text(function->requester));
	if (function->owner < 0) {
		fputs(": nobody's; silenced, blocked\n", out);
		return;
	}
	fprintf(out, ": of %s\n", plan->model->partitions[function->owner].name);
	print_bars(out, plan, f);
	print_dma(out, plan, function);
	print_interrupts(out, plan, f);
}

void explain_devices(FILE *out, const struct plan *plan)
{
	size_t f;

	if (!plan->model->iommus_count)
		return;
	print_units(out, plan);
	explain_title(out, "PCI functions");
	for (f = 0; f < plan->layout.functions_count; f++)
		print_function(out, plan, f);
	fputs("  Addresses are the owner's guest-physical ones, for its CPUs and for its devices. "
	      "Of "
	      "configuration\n  space an owner may switch bus mastering, MSI and MSI-X.\n",
		out);
}
