/*
 * Prints page-table trees: one array of tables each, the root first; an entry refers to another
 * table of the tree, to an object of system.c, or is a number.
 */
#include "emit.h"

#include <stdlib.h>

#include "allocate.h"

static void emit_entry(FILE *out, const char *name, size_t index, const struct paging_entry *entry)
{
	fprintf(out, "\t\t[%zu] = ", index);
	if (entry->object)
		fprintf(out, "ADDRESS(%s) + ", entry->object);
	else if (entry->table)
		fprintf(out, "ADDRESS(%s[%zu]) + ", name, entry->table);
	fprintf(out, "%#llxull,\n", (unsigned long long)entry->value);
}

static void emit_tree(FILE *out, const char *name, const struct paging *paging)
{
	size_t t, i;

	fprintf(out, "PAGES static const uint64_t %s[%zu][512] = {\n", name, paging->count);
	for (t = 0; t < paging->count; t++) {
		fprintf(out, "\t[%zu] = {\n", t);
		for (i = 0; i < PAGING_ENTRIES; i++) {
			const struct paging_entry *entry = &paging->tables[t]->entries[i];

			if (entry->value || entry->object || entry->table)
				emit_entry(out, name, i, entry);
		}
		fputs("\t},\n", out);
	}
	fputs("};\n", out);
}

void emit_trees(FILE *out, const struct plan *plan)
{
	char *name;
	size_t p;

	fputs("\n/* The kernel's map: text executable, tables read-only, data with guarded stacks, "
	      "the APIC. */\n",
		out);
	emit_tree(out, "kernel_map", &plan->maps.kernel);
	for (p = 0; p < plan->maps.count; p++) {
		const char *id = plan->layout.partitions[p].id;

		fprintf(out, "\n/* Partition %s: guest-physical to physical. */\n",
			plan->model->partitions[p].name);
		name = format("stage2_%s", id);
		emit_tree(out, name, &plan->maps.stage2[p]);
		fprintf(out,
			"\n/* The kernel's map plus the memory of %s, read-only, for decoding its "
			"exits. */\n",
			plan->model->partitions[p].name);
		name = format("peek_%s", id);
		emit_tree(out, name, &plan->maps.peek[p]);
		fprintf(out,
			"\n/* The kernel's map plus all that %s may write, and its pristine image, for "
			"restarting it. */\n",
			plan->model->partitions[p].name);
		name = format("restore_%s", id);
		emit_tree(out, name, &plan->maps.restore[p]);
		if (!plan->maps.dma[p].count)
			continue;
		fprintf(out, "\n/* What the devices of %s reach: guest-physical to physical. */\n",
			plan->model->partitions[p].name);
		name = format("dma_%s", id);
		emit_tree(out, name, &plan->maps.dma[p]);
	}
}
