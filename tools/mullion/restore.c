/*
 * Lists what is zeroed and copied. See restore.h for the invariant.
 */
#include "restore.h"

#include <stdlib.h>

#include "allocate.h"
#include "paging.h"

/* Pieces start at whole cache lines: they are copied by words. */
#define PIECE_ALIGNMENT 64u

static uint64_t round_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

static void number_partition(struct layout_partition *partition)
{
	const struct image *image = &partition->image;
	uint64_t used = 0;
	size_t i;

	partition->copies = allocate(image->segments_count, sizeof(*partition->copies));
	for (i = 0; i < image->segments_count; i++) {
		const struct image_segment *segment = &image->segments[i];

		if (!segment->file_bytes)
			continue;
		partition->copies[partition->copies_count++] =
			(struct layout_copy){ { segment->address, used, segment->file_bytes }, i };
		used = round_up(used + segment->file_bytes, PIECE_ALIGNMENT);
	}
	partition->pristine.bytes = round_up(used, PAGING_4K);
}

void restore_number(struct layout *layout)
{
	size_t p;

	for (p = 0; p < layout->model->partitions_count; p++)
		number_partition(&layout->partitions[p]);
}

static bool is_private(const struct mullion_region *region)
{
	return region->kind == MULLION_REGION_WATCHDOG || region->kind == MULLION_REGION_EXCHANGE;
}

static void add_span(struct layout_partition *partition, uint64_t gpa, uint64_t bytes)
{
	partition->spans[partition->spans_count++] = (struct mullion_span){ gpa, bytes };
}

static void add_regions(struct layout_partition *partition, bool own)
{
	size_t i;

	for (i = 0; i < partition->regions_count; i++) {
		const struct mullion_region *region = &partition->regions[i].info;

		if (region->access & MULLION_WRITE && is_private(region) == own)
			add_span(partition, region->gpa, region->bytes);
	}
}

static void list_spans(struct layout_partition *partition)
{
	struct layout_piece pieces[2];
	const size_t count = layout_pieces(partition->memory, pieces);
	size_t i;

	partition->spans = allocate(count + partition->regions_count, sizeof(*partition->spans));
	for (i = 0; i < count; i++)
		add_span(partition, pieces[i].gpa, pieces[i].bytes);
	add_regions(partition, true);
	partition->own_spans = partition->spans_count;
	add_regions(partition, false);
}

void restore_build(struct layout *layout)
{
	size_t p, i;

	for (p = 0; p < layout->model->partitions_count; p++) {
		struct layout_partition *partition = &layout->partitions[p];

		for (i = 0; i < partition->copies_count; i++)
			partition->copies[i].piece.source += partition->pristine.base;
		list_spans(partition);
	}
}

void restore_free(struct layout *layout)
{
	size_t p;

	for (p = 0; layout->partitions && p < layout->model->partitions_count; p++) {
		free(layout->partitions[p].copies);
		free(layout->partitions[p].spans);
	}
}
