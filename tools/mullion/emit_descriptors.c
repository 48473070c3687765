/*
 * Prints the descriptors the kernel starts from: vcpus, CPUs, needs, RAM, the system.
 */
#include "emit.h"

static void emit_arch_vcpus(FILE *out, const struct plan *plan)
{
	unsigned v;

	fputs("\nstatic const struct arch_vcpu_tables arch_vcpus[] = {\n", out);
	for (v = 0; v < plan->layout.vcpus_count; v++) {
		const unsigned p = plan->layout.vcpus[v].partition;
		const struct layout_partition *partition = &plan->layout.partitions[p];

		fprintf(out,
			"\t[%u] = {\n\t\t.stage2 = stage2_%s[0],\n\t\t.restore = restore_%s[0],\n"
			"\t\t.peek = peek_%s[0],\n"
			"\t\t.io_bitmap = io_bitmaps[%zu],\n\t\t.msr_bitmap = msr_bitmaps[0],\n"
			"\t\t.cpuid = &cpuid_%zu,\n\t\t.memory_bytes = %#llx,\n"
			"\t\t.entry_gpa = %#x,\n\t\t.start_info_gpa = MULLION_START_GPA,\n"
			"\t\t.asid = %u,\n\t\t.first_function = %u,\n"
			"\t\t.functions_count = %u,\n\t},\n",
			v, partition->id, partition->id, partition->id, plan->partition_io[p],
			plan->vcpu_answers[v], (unsigned long long)partition->memory.bytes,
			(unsigned)partition->image.entry, p + 1, partition->first_function,
			partition->functions);
	}
	fputs("};\n", out);
}

static const char *mode_name(int mode)
{
	return mode == MULLION_CPU_OWNED ? "MULLION_CPU_OWNED" : "MULLION_CPU_FRAMED";
}

static void emit_vcpus(FILE *out, const struct plan *plan)
{
	const struct layout *layout = &plan->layout;
	unsigned v;

	fputs("\nstatic const struct mullion_vcpu vcpus[] = {\n", out);
	for (v = 0; v < layout->vcpus_count; v++) {
		const struct layout_vcpu *vcpu = &layout->vcpus[v];

		fprintf(out,
			"\t[%u] = { .partition = %u, .index = %u, .cpu = %u, .mode = %s,\n"
			"\t\t.time = &time_pages[%u].content, .arch = &arch_vcpus[%u] }, /* %s "
			"*/\n",
			v, vcpu->partition, vcpu->index, vcpu->cpu,
			mode_name(plan->model->cpus[layout->cpus[vcpu->cpu]].mode), v, v,
			plan->model->partitions[vcpu->partition].name);
	}
	fputs("};\n", out);
}

static void emit_cpus(FILE *out, const struct plan *plan)
{
	unsigned c;

	fputs("\nstatic const struct mullion_cpu cpus[] = {\n", out);
	for (c = 0; c < plan->layout.cpus_count; c++) {
		const struct model_cpu *cpu = &plan->model->cpus[plan->layout.cpus[c]];

		fprintf(out, "\t[%u] = { .hardware_id = %u, .mode = %s, .owner = ", c, cpu->apic_id,
			mode_name(cpu->mode));
		if (cpu->mode == MULLION_CPU_OWNED)
			fprintf(out, "%d", layout_vcpu_on(&plan->layout, (unsigned)cpu->owner, c));
		else
			fputs("MULLION_NO_VCPU", out);
		fprintf(out,
			",\n\t\t.trace = &traces[%u], .stack_top = stacks[%u] + sizeof(stacks[%u]) "
			"},\n",
			c, c, c);
	}
	fputs("};\n", out);
}

static void emit_needs(FILE *out, const struct plan *plan)
{
	size_t i;

	fputs("\n/* What the node's processors must have. */\n"
	      "static const struct x86_cpuid_need needs[] = {\n",
		out);
	for (i = 0; i < plan->needs_count; i++) {
		const struct x86_cpuid_need *need = &plan->needs[i];

		fprintf(out, "\t{ %#x, %u, %u, %#010x, ", need->leaf, need->subleaf, need->reg,
			need->mask);
		emit_string(out, need->what);
		fputs(" },\n", out);
	}
	fputs("};\n", out);
}

static void emit_ram(FILE *out, const struct plan *plan)
{
	size_t i;

	fputs("\n/* What must be RAM. */\nstatic const struct mullion_ram ram[] = {\n", out);
	for (i = 0; i < plan->layout.ram_count; i++)
		fprintf(out, "\t{ %#llx, %#llx },\n", (unsigned long long)plan->layout.ram[i].base,
			(unsigned long long)plan->layout.ram[i].bytes);
	fputs("};\n", out);
}

static uint64_t device_port(const struct model *model, int device)
{
	return device >= 0 && model->devices[device].is_port ? model->devices[device].reg.base : 0;
}

static void emit_arch_system(FILE *out, const struct plan *plan)
{
	const struct model_board *board = &plan->model->board;
	const bool granted = board->console >= 0 && plan->model->devices[board->console].owner >= 0;

	fprintf(out,
		"\nstatic const struct arch_system_tables arch_system = {\n"
		"\t.pml4 = kernel_map[0],\n\t.data_base = %#llx,\n\t.data_end = %#llx,\n"
		"\t.timer_multiplier = %#llx,\n\t.timer_inverse = %#llx,\n\t.timer_lead_ticks = "
		"%u,\n\t.uart_port = %#llx,\n"
		"\t.uart_granted = %d,\n\t.poweroff_port = %#llx,\n\t.poweroff_value = %#x,\n"
		"\t.poweroff_failure = %#x,\n\t.reset_port = %#llx,\n\t.reset_value = %#x,\n"
		"\t.needs_count = %zu,\n\t.needs = needs,\n"
		"\t.iommus_count = %zu,\n\t.functions_count = %zu,\n"
		"\t.iommus = %s,\n\t.functions = %s,\n};\n",
		(unsigned long long)plan->layout.data_base,
		(unsigned long long)plan->layout.data_end,
		(unsigned long long)plan->timer_multiplier, (unsigned long long)plan->timer_inverse,
		board->timer_lead_ticks,
		(unsigned long long)device_port(plan->model, board->console), granted,
		(unsigned long long)device_port(plan->model, board->poweroff),
		board->poweroff_value, board->poweroff_failure,
		(unsigned long long)device_port(plan->model, board->reset), board->reset_value,
		plan->needs_count, plan->devices.units_count, plan->devices.functions_count,
		plan->devices.units_count ? "iommus" : "0",
		plan->devices.functions_count ? "functions" : "0");
}

/* What concerns the node as a whole, as it runs. */
static void emit_whole(FILE *out, const struct plan *plan)
{
	const struct model *model = plan->model;
	const int timekeeper = layout_timekeeper(&plan->layout);

	fprintf(out, "\t.channels = %s,\n\t.channels_count = %zu,\n\t.watchdogs_count = %u,\n",
		model->channels_count ? "channels" : "0", model->channels_count,
		layout_watchdogs(&plan->layout, model->partitions_count));
	if (timekeeper >= 0)
		fprintf(out, "\t.timekeeper = %d,\n", timekeeper);
	else
		fputs("\t.timekeeper = MULLION_NO_VCPU,\n", out);
	fprintf(out,
		"\t.node = &node_page.content,\n\t.journal = &journal,\n"
		"\t.image_id = %#llxull,\n\t.exchange = %s,\n",
		(unsigned long long)plan->image_id, emit_has_control(plan) ? "exchange_page" : "0");
}

static void emit_root(FILE *out, const struct plan *plan)
{
	const struct model *model = plan->model;

	fprintf(out,
		"\nconst struct mullion_system mullion_system = {\n"
		"\t.version = MULLION_TABLES_VERSION,\n\t.cpus_count = %u,\n"
		"\t.partitions_count = %zu,\n\t.vcpus_count = %u,\n\t.schedules_count = %zu,\n"
		"\t.startup_schedule = %d,\n\t.ram_count = %zu,\n",
		plan->layout.cpus_count, model->partitions_count, plan->layout.vcpus_count,
		model->schedules_count, model->startup_schedule < 0 ? 0 : model->startup_schedule,
		plan->layout.ram_count);
	fputs("\t.name = ", out);
	emit_string(out, model->name);
	fputs(",\n\t.board = ", out);
	emit_string(out, model->board.name);
	fprintf(out,
		",\n\t.cpus = cpus,\n\t.partitions = partitions,\n\t.vcpus = vcpus,\n"
		"\t.schedules = %s,\n\t.ram = ram,\n\t.log = &kernel_log,\n"
		"\t.tsc_hz_numerator = %lluull,\n\t.tsc_hz_denominator = %lluull,\n"
		"\t.switch_guard_ticks = %llu,\n\t.start_delay_ticks = %llu,\n"
		"\t.arch = &arch_system,\n",
		model->schedules_count ? "schedules" : "0",
		(unsigned long long)model->board.tsc_hz.numerator,
		(unsigned long long)model->board.tsc_hz.denominator,
		(unsigned long long)plan->switch_guard_ticks,
		(unsigned long long)plan->start_delay_ticks);
	emit_whole(out, plan);
	fputs("};\n", out);
}

void emit_descriptors(FILE *out, const struct plan *plan)
{
	emit_arch_vcpus(out, plan);
	emit_vcpus(out, plan);
	emit_cpus(out, plan);
	emit_needs(out, plan);
	emit_ram(out, plan);
	emit_arch_system(out, plan);
	emit_root(out, plan);
}
