/*
 * Prints PCI functions: base address registers, messages, and the configuration space that their
 * owners see.
 */
#include "emit.h"

#include "assignment.h"
#include "pci_config.h"

static const struct model_function *function_of(const struct plan *plan, size_t f)
{
	return &plan->model->functions[plan->layout.functions[f].number];
}

static void emit_bars(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	size_t i;

	if (!function->bars_count)
		return;
	fprintf(out, "static const struct x86_bar bars_%zu[] = {\n", f);
	for (i = 0; i < function->bars_count; i++) {
		const struct model_bar *bar = &function->bars[i];

		fprintf(out,
			"\t{ .base = %#llx, .bytes = %#llx, .gpa = %#x, .index = %u, .wide = %d, "
			".type = %#x },\n",
			(unsigned long long)bar->reg.base, (unsigned long long)bar->reg.bytes,
			plan->layout.functions[f].gpas[bar->index], bar->index, bar->wide,
			bar->type);
	}
	fputs("};\n", out);
}

static void emit_messages(FILE *out, const struct plan *plan, size_t f)
{
	const struct x86_message *messages = plan->devices.functions[f].messages;
	const unsigned count = function_of(plan, f)->messages_count;
	unsigned m;

	if (!messages)
		return;
	fprintf(out, "static const struct x86_message messages_%zu[%u] = {\n", f, count);
	for (m = 0; m < count; m++)
		if (messages[m].granted)
			fprintf(out,
				"\t[%u] = { .address = %#llx, .data = %#x, .granted = 1, "
				".guest_address = %#x, .guest_data = %#x },\n",
				m, (unsigned long long)messages[m].address, messages[m].data,
				messages[m].guest_address, messages[m].guest_data);
	fputs("};\n", out);
}

static void emit_registers(FILE *out, const struct plan *plan, size_t f)
{
	static const char *const kinds[] = {
		[X86_CONFIG_CONSTANT] = "X86_CONFIG_CONSTANT",
		[X86_CONFIG_COMMAND] = "X86_CONFIG_COMMAND",
		[X86_CONFIG_BAR] = "X86_CONFIG_BAR",
		[X86_CONFIG_MSI] = "X86_CONFIG_MSI",
		[X86_CONFIG_MSIX] = "X86_CONFIG_MSIX",
	};
	size_t i;

	fprintf(out, "static const struct x86_config_register registers_%zu[%u] = {\n", f,
		CONFIG_SPACE_REGISTERS);
	for (i = 0; i < CONFIG_SPACE_REGISTERS; i++) {
		const struct x86_config_register *reg = &plan->devices.functions[f].registers[i];

		if (reg->value || reg->live || reg->kind)
			fprintf(out, "\t[0x%02zx / 4] = { 0x%08x, 0x%08x, %s, %u },\n", 4 * i,
				reg->value, reg->live, kinds[reg->kind], reg->bar);
	}
	fputs("};\n", out);
}

static void emit_own(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);

	if (function->owner < 0)
		return;
	fprintf(out, "\n/* %s of %s. */\n", function->name,
		plan->model->partitions[function->owner].name);
	emit_bars(out, plan, f);
	emit_messages(out, plan, f);
	emit_registers(out, plan, f);
}

/* What only a function with an owner has. */
static void emit_granted(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	const struct layout_function *placed = &plan->layout.functions[f];

	fprintf(out, "\t  .registers = registers_%zu,", f);
	if (function->bars_count)
		fprintf(out, " .bars = bars_%zu, .bars_count = %zu,", f, function->bars_count);
	if (plan->devices.functions[f].messages)
		fprintf(out, " .messages = messages_%zu,", f);
	fputc('\n', out);
	if (placed->table.bytes)
		fprintf(out,
			"\t  .table = %#llx, .table_page = %#llx, .table_gpa = %#x,"
			" .table_bytes = %#llx,\n",
			(unsigned long long)assignment_table(&plan->layout, f),
			(unsigned long long)placed->table.base, placed->table_gpa,
			(unsigned long long)(plan->devices.functions[f].messages
						     ? placed->table.bytes
						     : 0));
}

/* What lets it through again after a restart: the entry of its requester, as it is at boot. */
static void emit_pass(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);
	const struct devices_word *words = devices_pass(&plan->devices, function);
	const unsigned count = plan->model->iommus[function->iommu].kind == X86_IOMMU_AMDVI ? 4 : 2;
	unsigned w;

	fputs("\t  .pass = {", out);
	for (w = 0; w < count; w++) {
		fputs(w ? ", " : " ", out);
		emit_word(out, &words[w]);
	}
	fprintf(out, " },\n\t  .reset = %#x, .reset_af = %#x,\n",
		pci_express_reset(function->config), pci_advanced_reset(function->config));
}

static void emit_function(FILE *out, const struct plan *plan, size_t f)
{
	const struct model_function *function = function_of(plan, f);

	fputs("\t{ .name = ", out);
	emit_string(out, function->name);
	fprintf(out, ", .bdf = %#x, .requester = %#x, ", function->bdf, function->requester);
	if (function->owner >= 0)
		fprintf(out, ".partition = %d", function->owner);
	else
		fputs(".partition = X86_NO_PARTITION", out);
	fprintf(out,
		", .iommu = %d,\n\t  .identity = %#010x, .config = %#llx,\n"
		"\t  .messages_count = %u, .msi = %#x, .msix = %#x,\n",
		function->iommu, function->config[0],
		(unsigned long long)assignment_config(plan->model, function),
		function->messages_count, function->msi, function->msix);
	if (function->owner >= 0) {
		emit_granted(out, plan, f);
		emit_pass(out, plan, f);
	}
	fprintf(out, "\t  .entry = %s },\n", plan->devices.functions[f].entry);
}

void emit_functions(FILE *out, const struct plan *plan)
{
	size_t f;

	if (!plan->devices.functions_count)
		return;
	for (f = 0; f < plan->devices.functions_count; f++)
		emit_own(out, plan, f);
	fputs("\n/* PCI functions: those of one owner are neighbours, those of none come last. */\n"
	      "static const struct x86_function functions[] = {\n",
		out);
	for (f = 0; f < plan->devices.functions_count; f++)
		emit_function(out, plan, f);
	fputs("};\n", out);
}
