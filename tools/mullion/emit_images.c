/*
 * Prints images.S and system.ld: every byte a partition starts with, at its final physical address,
 * and what is in its file once more, from where a cold restart copies it.
 *
 * A segment's file part becomes a section with contents, its rest and the shared blocks become
 * sections without, which the loader zeroes. The linker refuses sections that overlap.
 */
#include "emit.h"

#include <stdlib.h>

#include "allocate.h"
#include "lock_plan.h"
#include "rdma_block.h"

char *emit_image_name(const struct plan *plan, size_t p)
{
	return format("images/%s.elf", plan->layout.partitions[p].id);
}

static void emit_segment(
	FILE *out, const char *id, size_t number, const struct image_segment *segment)
{
	if (segment->file_bytes)
		fprintf(out,
			"\n\t.section .image.%s.%zu, \"aw\", @progbits\n"
			"\t.incbin \"images/%s.elf\", %llu, %llu\n",
			id, number, id, (unsigned long long)segment->file_offset,
			(unsigned long long)segment->file_bytes);
	if (segment->memory_bytes > segment->file_bytes)
		fprintf(out, "\n\t.section .image.%s.%zu.zero, \"aw\", @nobits\n\t.skip %llu\n", id,
			number, (unsigned long long)(segment->memory_bytes - segment->file_bytes));
}

static void emit_pristine(FILE *out, const struct layout_partition *partition)
{
	size_t i;

	for (i = 0; i < partition->copies_count; i++) {
		const struct image_segment *segment =
			&partition->image.segments[partition->copies[i].segment];

		fprintf(out,
			"\n\t.section .pristine.%s.%zu, \"a\", @progbits\n"
			"\t.incbin \"images/%s.elf\", %llu, %llu\n",
			partition->id, i, partition->id, (unsigned long long)segment->file_offset,
			(unsigned long long)segment->file_bytes);
	}
}

static void emit_block(FILE *out, const struct layout_block *block)
{
	if (block->file)
		fprintf(out, "\n\t.section .block.%s, \"a\", @progbits\n\t.incbin \"%s\"\n",
			block->name, block->file);
	else
		fprintf(out, "\n\t.section .block.%s, \"aw\", @nobits\n\t.skip %llu\n", block->name,
			(unsigned long long)block->memory.bytes);
}

/* Whole pages: what lies behind the block is 0. */
static void emit_constant(FILE *out, const void *block, uint64_t bytes)
{
	uint64_t rest;

	fwrite(block, 1, bytes, out);
	for (rest = bytes; rest % MULLION_PAGE_BYTES; rest++)
		fputc(0, out);
}

void emit_locks(FILE *out, const struct plan *plan)
{
	const struct lock_plan *locks = plan->model->locks ? plan->model->locks->plan : NULL;

	if (locks)
		emit_constant(out, locks->block, locks->block_bytes);
}

void emit_rdma(FILE *out, const struct plan *plan, const struct model_rdma *rdma)
{
	struct rdma_table table;

	rdma_block(&table, plan->model, rdma);
	emit_constant(out, &table, sizeof(table));
}

void emit_images(FILE *out, const struct plan *plan)
{
	size_t p, i;

	fputs("/* The partitions' segments, and the pages they share; system.ld places them. */\n",
		out);
	for (p = 0; p < plan->model->partitions_count; p++) {
		const struct layout_partition *partition = &plan->layout.partitions[p];

		for (i = 0; i < partition->image.segments_count; i++)
			emit_segment(out, partition->id, i, &partition->image.segments[i]);
		emit_pristine(out, partition);
	}
	for (i = 0; i < plan->layout.blocks_count; i++)
		emit_block(out, &plan->layout.blocks[i]);
	fputs("\n\t.section .note.GNU-stack, \"\", @progbits\n", out);
}

/* One output section of the image. */
struct section {
	uint64_t address;
	char *name;
	bool zero;
};

static int by_address(const void *a, const void *b)
{
	const struct section *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static size_t list_partition(
	const struct layout_partition *partition, struct section *sections, size_t used)
{
	size_t i;

	for (i = 0; i < partition->image.segments_count; i++) {
		const struct image_segment *segment = &partition->image.segments[i];
		const uint64_t address = partition->memory.base + segment->address;

		if (segment->file_bytes)
			sections[used++] = (struct section){ address,
				format(".image.%s.%zu", partition->id, i), false };
		if (segment->memory_bytes > segment->file_bytes)
			sections[used++] = (struct section){ address + segment->file_bytes,
				format(".image.%s.%zu.zero", partition->id, i), true };
	}
	for (i = 0; i < partition->copies_count; i++)
		sections[used++] = (struct section){ partition->copies[i].piece.source,
			format(".pristine.%s.%zu", partition->id, i), false };
	return used;
}

static size_t list_sections(const struct plan *plan, struct section **sections)
{
	const struct layout *layout = &plan->layout;
	size_t count = layout->blocks_count, used = 0, p, i;

	for (p = 0; p < plan->model->partitions_count; p++)
		count += 3 * layout->partitions[p].image.segments_count;
	*sections = allocate(count, sizeof(**sections));
	for (p = 0; p < plan->model->partitions_count; p++)
		used = list_partition(&layout->partitions[p], *sections, used);
	for (i = 0; i < layout->blocks_count; i++)
		(*sections)[used++] = (struct section){ layout->blocks[i].memory.base,
			format(".block.%s", layout->blocks[i].name), !layout->blocks[i].file };
	qsort(*sections, used, sizeof(**sections), by_address);
	return used;
}

/* SUBALIGN(1): a segment may start anywhere; an address is where it is, never rounded. */
void emit_linker_script(FILE *out, const struct plan *plan)
{
	struct section *sections;
	const size_t count = list_sections(plan, &sections);
	size_t i;

	fputs("/* Where the partitions and their shared pages lie; included by kernel.ld. */\n",
		out);
	for (i = 0; i < count; i++) {
		fprintf(out, "%s %#llx%s : AT(%#llx) SUBALIGN(1) { KEEP(*(%s)) }\n",
			sections[i].name, (unsigned long long)sections[i].address,
			sections[i].zero ? " (NOLOAD)" : "",
			(unsigned long long)sections[i].address, sections[i].name);
	}
	free(sections);
	fprintf(out,
		"journal = %#llx;\n"
		"ASSERT(tables_end <= %#llx, \"the kernel's constants outgrew the space before "
		"its data\")\n"
		"ASSERT(data_used <= %#llx, \"the kernel's data outgrew its space\")\n",
		(unsigned long long)plan->layout.journal.base,
		(unsigned long long)plan->layout.data_base,
		(unsigned long long)plan->layout.data_end);
}
