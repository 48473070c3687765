/*
 * Prints the node page: what control may tell people of the description.
 *
 * The invariant: what there is no room for is left out, and the counts beside say how many there are;
 * what changes while the node runs is zero, and the kernel's to fill in. Layout: abi.h, struct
 * mullion_node.
 */
#include "emit.h"

#include "allocate.h"

static size_t at_most(size_t count, size_t room)
{
	return count < room ? count : room;
}

static void emit_name(FILE *out, const char *name)
{
	emit_string(out, format("%.*s", (int)MULLION_NAME_BYTES - 1, name));
}

static void emit_names(FILE *out, const struct model *model)
{
	size_t s;

	fputs("\t.name = ", out);
	emit_name(out, model->name);
	fputs(",\n\t.board = ", out);
	emit_name(out, model->board.name);
	fputs(",\n", out);
	if (!model->schedules_count)
		return;
	fputs("\t.schedule_names = {", out);
	for (s = 0; s < at_most(model->schedules_count, MULLION_NODE_SCHEDULES); s++) {
		fputc(' ', out);
		emit_name(out, model->schedules[s].name);
		fputc(',', out);
	}
	fputs(" },\n", out);
}

static void emit_partitions_of(FILE *out, const struct plan *plan)
{
	size_t p;

	fputs("\t.of_partition = {\n", out);
	for (p = 0; p < at_most(plan->model->partitions_count, MULLION_NODE_PARTITIONS); p++)
		fprintf(out, "\t\t{ .memory_bytes = %#llx, .first_vcpu = %u, .vcpus = %u },\n",
			(unsigned long long)plan->model->partitions[p].memory_bytes,
			plan->layout.partitions[p].first_vcpu, plan->layout.partitions[p].vcpus);
	fputs("\t},\n", out);
}

static void emit_cpus_of(FILE *out, const struct plan *plan)
{
	const struct layout *layout = &plan->layout;
	size_t i;

	fputs("\t.cpu_of_vcpu = {", out);
	for (i = 0; i < at_most(layout->vcpus_count, MULLION_NODE_VCPUS); i++)
		fprintf(out, " %u,", layout->vcpus[i].cpu);
	fputs(" },\n\t.mode_of_cpu = {", out);
	for (i = 0; i < at_most(layout->cpus_count, MULLION_NODE_CPUS); i++)
		fprintf(out, " %d,", plan->model->cpus[layout->cpus[i]].mode);
	fputs(" },\n", out);
}

void emit_node(FILE *out, const struct plan *plan)
{
	fputs("\n/* The node, for control: the loader fills it, and again at a reset. */\n"
	      "static PAGE_OF(struct mullion_node) node_page __attribute__((aligned(4096))) = "
	      "{ .content = {\n",
		out);
	fprintf(out, "\t.partitions = %zu,\n\t.vcpus = %u,\n\t.cpus = %u,\n\t.schedules = %zu,\n",
		plan->model->partitions_count, plan->layout.vcpus_count, plan->layout.cpus_count,
		plan->model->schedules_count);
	emit_names(out, plan->model);
	emit_partitions_of(out, plan);
	emit_cpus_of(out, plan);
	fputs("} };\n", out);
}
