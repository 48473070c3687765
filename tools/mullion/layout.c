/*
 * Numbers vcpus and places memory. See layout.h for the invariant.
 */
#include "layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "assignment.h"
#include "paging.h"
#include "placement.h"
#include "regions.h"
#include "restore.h"

static uint64_t round_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

/* Different names stay different: every other character becomes its code. */
const char *layout_identifier(const char *name)
{
	const char *id = "";

	for (; *name; name++)
		if (isalnum((unsigned char)*name))
			id = format("%s%c", id, *name);
		else
			id = format("%s_%02x", id, (unsigned char)*name);
	return id;
}

size_t layout_pieces(struct range memory, struct layout_piece pieces[2])
{
	const uint64_t low = memory.bytes < MULLION_HOLE_BASE ? memory.bytes : MULLION_HOLE_BASE;

	pieces[0] = (struct layout_piece){ 0, memory.base, low };
	pieces[1] =
		(struct layout_piece){ MULLION_HOLE_END, memory.base + low, memory.bytes - low };
	return pieces[1].bytes ? 2 : 1;
}

unsigned layout_iommu_levels(const struct model_iommu *iommu)
{
	return iommu->address_bits > 39 ? 4 : 3;
}

/* ---- CPUs and vcpus ---- */

static void number_cpus(struct layout *layout)
{
	const struct model *model = layout->model;
	unsigned i;

	layout->cpus = allocate(model->cpus_count, sizeof(*layout->cpus));
	for (i = 0; i < model->cpus_count; i++)
		if (model->cpus[i].index >= 0) {
			layout->cpus[model->cpus[i].index] = i;
			layout->cpus_count++;
		}
}

static bool has_window(const struct model *model, unsigned partition, unsigned cpu)
{
	size_t s, c, w;

	for (s = 0; s < model->schedules_count; s++)
		for (c = 0; c < model->schedules[s].cpus_count; c++) {
			const struct model_cpu_schedule *list = &model->schedules[s].cpus[c];

			for (w = 0; (unsigned)list->cpu == cpu && w < list->windows_count; w++)
				if ((unsigned)list->windows[w].partition == partition)
					return true;
		}
	return false;
}

static bool runs_on(const struct model *model, unsigned partition, unsigned cpu)
{
	if (model->cpus[cpu].mode == MULLION_CPU_OWNED)
		return model->cpus[cpu].owner == (int)partition;
	return has_window(model, partition, cpu);
}

static void number_partition_vcpus(struct layout *layout, unsigned p)
{
	struct layout_partition *partition = &layout->partitions[p];
	unsigned cpu;

	partition->first_vcpu = layout->vcpus_count;
	for (cpu = 0; cpu < layout->cpus_count; cpu++)
		if (runs_on(layout->model, p, layout->cpus[cpu]))
			layout->vcpus[layout->vcpus_count++] = (struct layout_vcpu){
				.partition = p, .index = partition->vcpus++, .cpu = cpu
			};
}

static void number_vcpus(struct layout *layout)
{
	const size_t count = layout->model->partitions_count;
	unsigned p;

	layout->vcpus = allocate(count * layout->cpus_count, sizeof(*layout->vcpus));
	layout->partitions = allocate(count, sizeof(*layout->partitions));
	for (p = 0; p < count; p++) {
		layout->partitions[p].id = layout_identifier(layout->model->partitions[p].name);
		number_partition_vcpus(layout, p);
	}
}

int layout_vcpu_on(const struct layout *layout, unsigned partition, unsigned cpu)
{
	unsigned v;

	for (v = 0; v < layout->vcpus_count; v++)
		if (layout->vcpus[v].partition == partition && layout->vcpus[v].cpu == cpu)
			return (int)v;
	return -1;
}

int layout_timekeeper(const struct layout *layout)
{
	unsigned cpu;

	for (cpu = 0; cpu < layout->cpus_count; cpu++)
		if (layout->model->cpus[layout->cpus[cpu]].mode == MULLION_CPU_FRAMED)
			return (int)cpu;
	return -1;
}

unsigned layout_watchdogs(const struct layout *layout, size_t partitions)
{
	unsigned count = 0;
	size_t p;

	for (p = 0; p < partitions; p++)
		count += layout->model->partitions[p].watchdog_ns != 0;
	return count;
}

/* ---- The kernel ---- */

/* An upper bound: page tables of one tree over the partition's memory. */
static uint64_t tree_bytes(const struct model_partition *partition)
{
	const bool small_pages =
		partition->memory_base_given &&
		(partition->memory_base % PAGING_2M || partition->memory_bytes < PAGING_2M);
	const uint64_t page_tables = small_pages ? partition->memory_bytes / PAGING_2M + 2 : 3;

	return (page_tables + partition->memory_bytes / PAGING_1G + 8) * PAGING_4K;
}

static uint64_t region_bytes(const struct layout_partition *partition)
{
	const struct mullion_region *last = &partition->regions[partition->regions_count - 1].info;

	return last->gpa + last->bytes - MULLION_SHARED_GPA;
}

/* Beside the memory's part, shared and pristine pages each have their own tables. */
static uint64_t restore_bytes(const struct layout_partition *partition)
{
	return ((region_bytes(partition) + partition->pristine.bytes) / PAGING_2M + 8) * PAGING_4K;
}

static uint64_t tables_bytes(const struct layout *layout)
{
	const struct model *model = layout->model;
	uint64_t bytes = LAYOUT_RODATA_BYTES + X86_MSR_BITMAP_BYTES + 64 * PAGING_4K;
	size_t p;

	for (p = 0; p < model->partitions_count; p++) {
		const unsigned trees = layout->partitions[p].functions ? 4 : 3;

		bytes += trees * (tree_bytes(&model->partitions[p]) +
					 region_bytes(&layout->partitions[p]) / PAGING_2M *
						 PAGING_4K) +
			 X86_IO_BITMAP_BYTES + 2 * PAGING_4K +
			 restore_bytes(&layout->partitions[p]);
	}
	return bytes + layout->vcpus_count * 2 * PAGING_4K + assignment_tables_bytes(layout);
}

static uint64_t data_bytes(const struct layout *layout)
{
	const uint64_t per_cpu =
		X86_STACK_PAGES * PAGING_4K + sizeof(struct mullion_trace) + LAYOUT_CPU_BYTES;

	return layout->cpus_count * per_cpu +
	       layout->vcpus_count * (PAGING_4K + LAYOUT_VCPU_BYTES) +
	       layout->model->partitions_count * LAYOUT_PARTITION_BYTES + LAYOUT_DATA_BYTES +
	       assignment_data_bytes(layout);
}

static void place_kernel(struct layout *layout)
{
	layout->data_base = round_up(X86_KERNEL_RODATA + tables_bytes(layout), PAGING_2M);
	layout->data_end = round_up(layout->data_base + data_bytes(layout), PAGING_2M);
}

/* ---- Partitions and shared blocks ---- */

static bool refuse(struct finding *wrong, struct location at, const char *rule, char *sentence,
	const char *repair)
{
	*wrong = (struct finding){ at, rule, sentence, repair };
	return false;
}

static bool place_given(struct layout *layout, struct placement *free_ram, struct finding *wrong)
{
	const struct model *model = layout->model;
	size_t p;

	for (p = 0; p < model->partitions_count; p++) {
		const struct model_partition *partition = &model->partitions[p];
		const struct range memory = { partition->memory_base, partition->memory_bytes };

		if (!partition->memory_base_given)
			continue;
		if (!placement_take(free_ram, memory))
			return refuse(wrong, partition->at, "memory-kernel",
				format("the memory of partition %s, %#llx..%#llx, is not free: the "
				       "kernel has %#llx..%#llx, and nothing lies below %#llx",
					partition->name, (unsigned long long)memory.base,
					(unsigned long long)(memory.base + memory.bytes),
					(unsigned long long)X86_KERNEL_TEXT,
					(unsigned long long)layout->data_end,
					(unsigned long long)LAYOUT_LOWEST),
				"choose another memory-base, or leave it out and let the compiler "
				"choose");
		layout->partitions[p].memory = memory;
	}
	return true;
}

static bool find_memory(struct placement *free_ram, uint64_t bytes, uint64_t *base)
{
	if (bytes >= PAGING_1G && placement_find(free_ram, bytes, PAGING_1G, base))
		return true;
	if (bytes >= PAGING_2M && placement_find(free_ram, bytes, PAGING_2M, base))
		return true;
	return placement_find(free_ram, bytes, PAGING_4K, base);
}

static bool place_rest(struct layout *layout, struct placement *free_ram, struct finding *wrong)
{
	const struct model *model = layout->model;
	size_t p;

	for (p = 0; p < model->partitions_count; p++) {
		struct range *memory = &layout->partitions[p].memory;

		if (model->partitions[p].memory_base_given)
			continue;
		memory->bytes = model->partitions[p].memory_bytes;
		if (!find_memory(free_ram, memory->bytes, &memory->base))
			return refuse(wrong, model->partitions[p].at, "memory-total",
				format("no free stretch of %llu KiB is left for partition %s",
					(unsigned long long)memory->bytes / 1024,
					model->partitions[p].name),
				"give partitions less memory, or the board more");
	}
	return true;
}

static bool place_journal(struct layout *layout, struct placement *free_ram, struct finding *wrong)
{
	layout->journal.bytes = sizeof(struct mullion_journal);
	if (placement_find(free_ram, layout->journal.bytes, PAGING_4K, &layout->journal.base))
		return true;
	return refuse(wrong, layout->model->at, "memory-shared",
		format("no memory is left for the journal"),
		"give partitions less memory, or the board more");
}

static bool place_pristine(struct layout *layout, struct placement *free_ram, struct finding *wrong)
{
	size_t p;

	for (p = 0; p < layout->model->partitions_count; p++) {
		struct range *pristine = &layout->partitions[p].pristine;

		if (pristine->bytes &&
			!placement_find(free_ram, pristine->bytes, PAGING_4K, &pristine->base))
			return refuse(wrong, layout->model->partitions[p].at, "memory-pristine",
				format("no memory is left for the %llu KiB of the image of "
				       "partition %s from which it restarts",
					(unsigned long long)pristine->bytes / 1024,
					layout->model->partitions[p].name),
				"give partitions less memory, or the board more");
	}
	return true;
}

static bool place_blocks(struct layout *layout, struct placement *free_ram, struct finding *wrong)
{
	size_t i;

	for (i = 0; i < layout->blocks_count; i++) {
		struct range *memory = &layout->blocks[i].memory;

		if (!placement_find(free_ram, memory->bytes, PAGING_4K, &memory->base))
			return refuse(wrong, layout->blocks[i].at, "memory-shared",
				format("no memory is left for the shared pages %s, %llu KiB",
					layout->blocks[i].name,
					(unsigned long long)memory->bytes / 1024),
				"give partitions less memory, or the board more");
	}
	return true;
}

static bool check_regions(const struct layout *layout, struct finding *wrong)
{
	size_t p;

	for (p = 0; p < layout->model->partitions_count; p++) {
		const struct model_partition *partition = &layout->model->partitions[p];
		const struct layout_partition *placed = &layout->partitions[p];
		const uint64_t room = MULLION_SHARED_END - MULLION_SHARED_GPA;
		const char *cure = partition->control ? "it sees every channel: describe fewer "
							"channels, or smaller ones"
						      : "give it fewer channels, or smaller ones";

		if (placed->regions_count > MULLION_MAX_REGIONS)
			return refuse(wrong, partition->at, "region-limit",
				format("partition %s would see %zu shared regions, and its info "
				       "page holds %zu",
					partition->name, placed->regions_count,
					(size_t)MULLION_MAX_REGIONS),
				cure);
		if (region_bytes(placed) > room)
			return refuse(wrong, partition->at, "region-limit",
				format("partition %s would see %llu KiB of shared regions, and "
				       "there is room for %llu KiB",
					partition->name,
					(unsigned long long)region_bytes(placed) / 1024,
					(unsigned long long)room / 1024),
				cure);
	}
	return true;
}

/* ---- What must be RAM ---- */

static int by_base(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

static void list_ram(struct layout *layout)
{
	const size_t count = 3 + 2 * layout->model->partitions_count + layout->blocks_count;
	struct range *ram = allocate(count, sizeof(*ram));
	size_t i, used = 0;

	ram[used++] = (struct range){ LAYOUT_TRAMPOLINE, PAGING_4K };
	ram[used++] = (struct range){ X86_KERNEL_TEXT, layout->data_end - X86_KERNEL_TEXT };
	ram[used++] = layout->journal;
	for (i = 0; i < layout->model->partitions_count; i++) {
		ram[used++] = layout->partitions[i].memory;
		if (layout->partitions[i].pristine.bytes)
			ram[used++] = layout->partitions[i].pristine;
	}
	for (i = 0; i < layout->blocks_count; i++)
		ram[used++] = layout->blocks[i].memory;
	qsort(ram, used, sizeof(*ram), by_base);
	layout->ram = ram;
	layout->ram_count = 1;
	for (i = 1; i < used; i++)
		if (ram[i].base ==
			ram[layout->ram_count - 1].base + ram[layout->ram_count - 1].bytes)
			ram[layout->ram_count - 1].bytes += ram[i].bytes;
		else
			ram[layout->ram_count++] = ram[i];
}

static bool place(struct layout *layout, struct finding *wrong)
{
	const struct range kernel = { X86_KERNEL_TEXT, layout->data_end - X86_KERNEL_TEXT };
	struct placement free_ram;
	bool placed;

	placement_init(&free_ram, layout->model->board.ram, layout->model->board.ram_count);
	placement_exclude(&free_ram, (struct range){ 0, LAYOUT_LOWEST });
	if (!placement_take(&free_ram, kernel)) {
		placement_free(&free_ram);
		return refuse(wrong, layout->model->board.at, "ram-kernel",
			format("the kernel needs RAM at %#llx..%#llx, and the board has none there",
				(unsigned long long)X86_KERNEL_TEXT,
				(unsigned long long)layout->data_end),
			"describe the board's RAM in memory@0");
	}
	placed = place_given(layout, &free_ram, wrong) && place_journal(layout, &free_ram, wrong) &&
		 place_rest(layout, &free_ram, wrong) && place_blocks(layout, &free_ram, wrong) &&
		 place_pristine(layout, &free_ram, wrong);
	placement_free(&free_ram);
	return placed;
}

static void take_images(struct layout *layout, const struct image *images)
{
	size_t p;

	for (p = 0; images && p < layout->model->partitions_count; p++)
		layout->partitions[p].image = images[p];
	restore_number(layout);
}

bool layout_build(const struct model *model, const struct image *images, struct layout *layout,
	struct finding *wrong)
{
	*layout = (struct layout){ .model = model };
	number_cpus(layout);
	number_vcpus(layout);
	take_images(layout, images);
	if (!assignment_build(layout, wrong))
		return false;
	regions_build(layout);
	place_kernel(layout);
	if (!check_regions(layout, wrong) || !place(layout, wrong))
		return false;
	restore_build(layout);
	list_ram(layout);
	return true;
}

void layout_free(struct layout *layout)
{
	size_t p;

	for (p = 0; layout->partitions && p < layout->model->partitions_count; p++)
		free(layout->partitions[p].regions);
	restore_free(layout);
	assignment_free(layout);
	free(layout->partitions);
	free(layout->cpus);
	free(layout->vcpus);
	free(layout->blocks);
	free(layout->ram);
	*layout = (struct layout){ 0 };
}
