/*
 * Prints the permission maps as runs of equal bytes, and the CPUID answers.
 */
#include "emit.h"

#include "bitmap.h"

static void emit_bytes(FILE *out, const uint8_t *bytes, size_t count)
{
	size_t first, last;

	for (first = 0; first < count; first = last + 1) {
		for (last = first; last + 1 < count && bytes[last + 1] == bytes[first]; last++)
			;
		if (!bytes[first])
			continue;
		if (last == first)
			fprintf(out, "\t\t[%zu] = 0x%02x,\n", first, bytes[first]);
		else
			fprintf(out, "\t\t[%zu ... %zu] = 0x%02x,\n", first, last, bytes[first]);
	}
}

static void emit_io(FILE *out, const struct plan *plan)
{
	size_t i;

	fputs("\n/* I/O permission maps: a set bit exits. */\n"
	      "PAGES static const uint8_t io_bitmaps[][X86_IO_BITMAP_BYTES] = {\n",
		out);
	for (i = 0; i < plan->io_bitmaps_count; i++) {
		fprintf(out, "\t[%zu] = {\n", i);
		emit_bytes(out, plan->io_bitmaps[i].bytes, X86_IO_BITMAP_BYTES);
		fputs("\t},\n", out);
	}
	fputs("};\n", out);
}

static void emit_msr(FILE *out)
{
	uint8_t bitmap[X86_MSR_BITMAP_BYTES];
	size_t i;

	fputs("\n/*\n * The MSR permission map: a set bit exits. Open without an exit:\n", out);
	for (i = 0; i < bitmap_msrs_count; i++)
		fprintf(out, " * %08x %s, %s: %s\n", bitmap_msrs[i].msr, bitmap_msrs[i].name,
			bitmap_msrs[i].access & MULLION_WRITE ? "read and write" : "read",
			bitmap_msrs[i].why);
	fputs(" */\nPAGES static const uint8_t msr_bitmaps[][X86_MSR_BITMAP_BYTES] = {\n"
	      "\t[0] = {\n",
		out);
	bitmap_fill_msr(bitmap);
	emit_bytes(out, bitmap, sizeof(bitmap));
	fputs("\t},\n};\n", out);
}

static void emit_answers(FILE *out, const struct cpuid_answers *answers, size_t number)
{
	size_t i;

	fprintf(out, "\nstatic const struct x86_cpuid_cell cpuid_cells_%zu[] = {\n", number);
	for (i = 0; i < answers->cells_count; i++)
		fprintf(out, "\t[%zu] = { 0x%08x, 0x%08x, 0x%08x, 0x%08x },\n", i,
			answers->cells[i].eax, answers->cells[i].ebx, answers->cells[i].ecx,
			answers->cells[i].edx);
	fprintf(out, "};\nstatic const struct x86_cpuid_table cpuid_%zu = {\n\t.entries = {\n",
		number);
	for (i = 0; i < X86_CPUID_ENTRIES; i++)
		if (answers->entries[i].first)
			fprintf(out, "\t\t[%zu] = { %u, %u },\n", i, answers->entries[i].first,
				answers->entries[i].last);
	fprintf(out, "\t},\n\t.cells = cpuid_cells_%zu,\n};\n", number);
}

void emit_permissions(FILE *out, const struct plan *plan)
{
	size_t i;

	emit_io(out, plan);
	emit_msr(out);
	fputs("\n/* What CPUID answers, for each (vcpu index, number of vcpus) there is. */", out);
	for (i = 0; i < plan->answers_count; i++)
		emit_answers(out, &plan->answers[i], i);
}
