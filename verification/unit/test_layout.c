/* Memory is placed where it may lie, once, the same way every time; vcpus are numbered as promised. */
#include "unit.h"

#include "layout.h"
#include "placement.h"
#include "sample_model.h"

#define MiB (1ull << 20)
#define GiB (1ull << 30)

static uint64_t end_of(struct range range)
{
	return range.base + range.bytes;
}

static bool overlap(struct range a, struct range b)
{
	return a.base < end_of(b) && b.base < end_of(a);
}

/* All that layout has placed: kernel, trampoline, journal, partitions, their images, blocks. */
static size_t list(const struct layout *layout, struct range *all)
{
	size_t used = 0, i;

	all[used++] = (struct range){ LAYOUT_TRAMPOLINE, 4096 };
	all[used++] = (struct range){ X86_KERNEL_TEXT, layout->data_end - X86_KERNEL_TEXT };
	all[used++] = layout->journal;
	for (i = 0; i < layout->model->partitions_count; i++) {
		all[used++] = layout->partitions[i].memory;
		if (layout->partitions[i].pristine.bytes)
			all[used++] = layout->partitions[i].pristine;
	}
	for (i = 0; i < layout->blocks_count; i++)
		all[used++] = layout->blocks[i].memory;
	return used;
}

static bool is_ram(const struct model *model, struct range range)
{
	size_t i;

	for (i = 0; i < model->board.ram_count; i++)
		if (range.base >= model->board.ram[i].base &&
			end_of(range) <= end_of(model->board.ram[i]))
			return true;
	return false;
}

static void assert_sound(const struct layout *layout)
{
	struct range all[64];
	const size_t count = list(layout, all);
	size_t i, j;

	for (i = 0; i < count; i++) {
		assert_true(is_ram(layout->model, all[i]));
		assert_true(i == 0 || all[i].base >= MiB);
		for (j = 0; j < i; j++)
			assert_false(overlap(all[i], all[j]));
	}
}

static void everything_lies_in_ram_and_nothing_overlaps(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_sound(&layout);
	layout_free(&layout);
	sample_model_free(model);
}

static void random_sizes_and_bases_stay_sound_or_are_refused(void **state)
{
	uint64_t random = 11;
	unsigned round, placed = 0;
	size_t p;

	(void)state;
	for (round = 0; round < 500; round++) {
		struct model *model = sample_model();
		struct layout layout;
		struct finding wrong = { 0 };

		for (p = 0; p < model->partitions_count; p++) {
			model->partitions[p].memory_bytes =
				(unit_random(&random) % 40000 + 1) * 4096;
			model->partitions[p].memory_base_given = unit_random(&random) % 4 == 0;
			model->partitions[p].memory_base = unit_random(&random) % 120000 * 4096;
		}
		if (layout_build(model, NULL, &layout, &wrong)) {
			assert_sound(&layout);
			placed++;
		} else {
			assert_non_null(wrong.rule);
			assert_true(strlen(wrong.sentence) > 0 && strlen(wrong.repair) > 0);
		}
		layout_free(&layout);
		sample_model_free(model);
	}
	assert_in_range(placed, 50, 499);
}

static void large_partitions_are_aligned_for_large_pages(void **state)
{
	static struct range ram[] = { { 0, 0xa0000 }, { MiB, 3 * GiB } };
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;

	(void)state;
	memcpy(model->board.ram, ram, sizeof(ram));
	model->partitions[1].memory_bytes = GiB;
	model->partitions[2].memory_bytes = 12288;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_int_equal(layout.partitions[0].memory.base % (2 * MiB), 0);
	assert_int_equal(layout.partitions[1].memory.base % GiB, 0);
	assert_sound(&layout);
	layout_free(&layout);
	sample_model_free(model);
}

static void a_base_that_is_given_is_honoured(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;

	(void)state;
	model->partitions[3].memory_base_given = true;
	model->partitions[3].memory_base = 0x10003000;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_int_equal(layout.partitions[3].memory.base, 0x10003000);
	assert_sound(&layout);
	layout_free(&layout);
	sample_model_free(model);
}

static void assert_refused(struct model *model, const char *rule)
{
	struct layout layout;
	struct finding wrong = { 0 };

	assert_false(layout_build(model, NULL, &layout, &wrong));
	assert_string_equal(wrong.rule, rule);
	layout_free(&layout);
	sample_model_free(model);
}

static void a_base_over_the_kernel_is_refused(void **state)
{
	struct model *model = sample_model();

	(void)state;
	model->partitions[3].memory_base_given = true;
	model->partitions[3].memory_base = 0x400000;
	assert_refused(model, "memory-kernel");
}

static void a_base_below_1_mib_is_refused(void **state)
{
	struct model *model = sample_model();

	(void)state;
	model->partitions[3].memory_base_given = true;
	model->partitions[3].memory_base = 0x10000;
	model->partitions[3].memory_bytes = 0x10000;
	assert_refused(model, "memory-kernel");
}

static void too_much_memory_is_refused(void **state)
{
	struct model *model = sample_model();

	(void)state;
	model->partitions[1].memory_bytes = 600 * MiB;
	assert_refused(model, "memory-total");
}

static void vcpus_are_numbered_in_cpu_order(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_int_equal(layout.cpus_count, 2);
	assert_int_equal(layout.vcpus_count, 4);
	assert_int_equal(layout_vcpu_on(&layout, 0, 0), 0);
	assert_int_equal(layout_vcpu_on(&layout, 1, 1), 1);
	assert_int_equal(layout_vcpu_on(&layout, 1, 0), -1);
	assert_int_equal(layout_vcpu_on(&layout, 3, 0), 3);
	layout_free(&layout);
	sample_model_free(model);
}

static const struct mullion_region *find_region(
	const struct layout *layout, unsigned p, unsigned kind, unsigned index)
{
	size_t i;

	for (i = 0; i < layout->partitions[p].regions_count; i++) {
		const struct mullion_region *region = &layout->partitions[p].regions[i].info;

		if (region->kind == kind && region->index == index)
			return region;
	}
	return NULL;
}

#define READ_WRITE (MULLION_READ | MULLION_WRITE)

static void each_end_of_a_channel_has_its_rights(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_int_equal(find_region(&layout, 2, MULLION_REGION_SAMPLING, 0)->access, READ_WRITE);
	assert_int_equal(find_region(&layout, 1, MULLION_REGION_SAMPLING, 0)->access, MULLION_READ);
	assert_null(find_region(&layout, 3, MULLION_REGION_SAMPLING, 0));
	assert_int_equal(find_region(&layout, 0, MULLION_REGION_QUEUING, 1)->access, READ_WRITE);
	assert_int_equal(find_region(&layout, 3, MULLION_REGION_QUEUING, 1)->access, MULLION_READ);
	assert_int_equal(
		find_region(&layout, 0, MULLION_REGION_QUEUING_READER, 1)->access, MULLION_READ);
	assert_int_equal(
		find_region(&layout, 3, MULLION_REGION_QUEUING_READER, 1)->access, READ_WRITE);
	assert_true(find_region(&layout, 3, MULLION_REGION_QUEUING, 1)->bytes >= 64 + 64 * 100);
	layout_free(&layout);
	sample_model_free(model);
}

static void control_reads_every_channel_that_it_is_no_end_of(void **state)
{
	struct model *model = sample_model();
	const struct mullion_region *seen, *end;
	struct layout layout;
	struct finding wrong;

	(void)state;
	model->channels[1].from = 2;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	seen = find_region(&layout, 0, MULLION_REGION_CHANNEL, 0);
	assert_int_equal(seen->access, MULLION_READ);
	assert_int_equal(seen->peer, 2);
	assert_int_equal(seen->depth, 0);
	assert_null(find_region(&layout, 0, MULLION_REGION_CHANNEL_READER, 0));
	seen = find_region(&layout, 0, MULLION_REGION_CHANNEL, 1);
	end = find_region(&layout, 2, MULLION_REGION_QUEUING, 1);
	assert_int_equal(seen->access, MULLION_READ);
	assert_int_equal(seen->bytes, end->bytes);
	assert_int_equal(seen->depth, end->depth);
	assert_int_equal(seen->message_bytes, end->message_bytes);
	assert_string_equal(seen->name, end->name);
	seen = find_region(&layout, 0, MULLION_REGION_CHANNEL_READER, 1);
	assert_int_equal(seen->access, MULLION_READ);
	assert_int_equal(seen->peer, 3);
	for (unsigned p = 1; p < 4; p++)
		assert_null(find_region(&layout, p, MULLION_REGION_CHANNEL, 0));
	layout_free(&layout);
	sample_model_free(model);
}

static void control_sees_a_channel_of_its_own_as_an_end_alone(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_int_equal(find_region(&layout, 0, MULLION_REGION_QUEUING, 1)->access, READ_WRITE);
	assert_null(find_region(&layout, 0, MULLION_REGION_CHANNEL, 1));
	assert_null(find_region(&layout, 0, MULLION_REGION_CHANNEL_READER, 1));
	layout_free(&layout);
	sample_model_free(model);
}

static bool is_private(const struct mullion_region *region)
{
	return region->kind == MULLION_REGION_WATCHDOG || region->kind == MULLION_REGION_EXCHANGE;
}

/*
 * Over all partitions, a block has one writer; what the kernel writes has none, but the page that it
 * shares with control. Of the pages that are one partition's alone there is one each.
 */
static void every_shared_page_has_one_writer(void **state)
{
	struct model *model = sample_model();
	unsigned writers[16] = { 0 }, private = 0;
	struct layout layout;
	struct finding wrong;
	size_t p, i;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	for (p = 0; p < model->partitions_count; p++)
		for (i = 0; i < layout.partitions[p].regions_count; i++) {
			const struct layout_region *region = &layout.partitions[p].regions[i];

			if (region->block < 0)
				assert_int_equal(region->info.access,
					is_private(&region->info) ? READ_WRITE : MULLION_READ);
			private += is_private(&region->info);
			if (region->block < 0)
				continue;
			if (region->info.access & MULLION_WRITE)
				writers[region->block]++;
		}
	for (i = 0; i < layout.blocks_count; i++)
		assert_int_equal(writers[i], 1);
	assert_int_equal(private, 2);
	layout_free(&layout);
	sample_model_free(model);
}

static void only_control_sees_the_log_and_the_traces(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;
	unsigned p;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	for (p = 0; p < model->partitions_count; p++) {
		assert_int_equal(find_region(&layout, p, MULLION_REGION_LOG, 0) != NULL, p == 0);
		assert_int_equal(find_region(&layout, p, MULLION_REGION_TRACE, 1) != NULL, p == 0);
	}
	layout_free(&layout);
	sample_model_free(model);
}

static const struct mullion_region *find_private(
	const struct layout *layout, unsigned p, unsigned kind)
{
	return find_region(layout, p, kind, 0);
}

static void control_sees_everybodys_status_and_others_that_of_their_partners(void **state)
{
	/* nav writes to probe, control to hog */
	static const bool sees[4][4] = { { 1, 1, 1, 1 }, { 0, 0, 1, 0 }, { 0, 1, 0, 0 },
		{ 1, 0, 0, 0 } };
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;
	unsigned p, q;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	for (p = 0; p < 4; p++)
		for (q = 0; q < 4; q++) {
			const struct mullion_region *region =
				find_region(&layout, p, MULLION_REGION_STATUS, q);

			assert_int_equal(region != NULL, sees[p][q]);
			if (!region)
				continue;
			assert_int_equal(region->access, MULLION_READ);
			assert_string_equal(region->name, model->partitions[q].name);
		}
	layout_free(&layout);
	sample_model_free(model);
}

static void what_concerns_the_node_is_for_control_and_a_watchdog_for_its_owner(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;
	unsigned p;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	for (p = 0; p < model->partitions_count; p++) {
		assert_int_equal(find_private(&layout, p, MULLION_REGION_NODE) != NULL, p == 0);
		assert_int_equal(find_private(&layout, p, MULLION_REGION_JOURNAL) != NULL, p == 0);
		assert_int_equal(find_private(&layout, p, MULLION_REGION_EXCHANGE) != NULL, p == 0);
		assert_int_equal(find_private(&layout, p, MULLION_REGION_WATCHDOG) != NULL, p == 2);
	}
	assert_int_equal(find_private(&layout, 0, MULLION_REGION_JOURNAL)->access, MULLION_READ);
	assert_int_equal(find_private(&layout, 0, MULLION_REGION_NODE)->access, MULLION_READ);
	layout_free(&layout);
	sample_model_free(model);
}

/* ---- Images ---- */

static struct image_segment some_segments[] = {
	{ .address = 0x200000, .file_bytes = 0x12345, .memory_bytes = 0x12345 },
	{ .address = 0x213000, .file_bytes = 0, .memory_bytes = 0x1000 },
	{ .address = 0x214010, .file_bytes = 7, .memory_bytes = 0x4000 },
};
static const struct image some_images[4] = {
	{ .segments = some_segments, .segments_count = 3 },
	{ .segments = some_segments, .segments_count = 1 },
	{ .segments = some_segments + 1, .segments_count = 1 },
	{ .segments = some_segments + 2, .segments_count = 1 },
};

/* The pieces lie in their range, apart from each other, and are what is in the file. */
static void assert_pristine(const struct layout_partition *partition)
{
	const struct range *range = &partition->pristine;
	uint64_t at = range->base;
	size_t segment = 0, i;

	for (i = 0; i < partition->copies_count; i++, segment++) {
		const struct mullion_copy *piece = &partition->copies[i].piece;

		while (!partition->image.segments[segment].file_bytes)
			segment++;
		assert_int_equal(partition->copies[i].segment, segment);
		assert_int_equal(piece->gpa, partition->image.segments[segment].address);
		assert_int_equal(piece->bytes, partition->image.segments[segment].file_bytes);
		assert_true(piece->source >= at);
		at = piece->source + piece->bytes;
	}
	assert_true(at <= range->base + range->bytes);
	for (; segment < partition->image.segments_count; segment++)
		assert_int_equal(partition->image.segments[segment].file_bytes, 0);
}

static void an_image_is_kept_once_more_where_nothing_else_lies(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;
	size_t p;

	(void)state;
	assert_true(layout_build(model, some_images, &layout, &wrong));
	assert_sound(&layout);
	for (p = 0; p < model->partitions_count; p++)
		assert_pristine(&layout.partitions[p]);
	assert_int_equal(layout.partitions[0].copies_count, 2);
	assert_int_equal(layout.partitions[0].pristine.bytes, 0x13000);
	assert_int_equal(layout.partitions[2].pristine.bytes, 0);
	layout_free(&layout);
	sample_model_free(model);
}

static void an_image_without_room_to_be_kept_is_refused(void **state)
{
	struct image_segment huge = { .address = 0, .file_bytes = 600 * MiB };
	struct image images[4] = { { .segments = &huge, .segments_count = 1 } };
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong = { 0 };

	(void)state;
	assert_false(layout_build(model, images, &layout, &wrong));
	assert_string_equal(wrong.rule, "memory-pristine");
	layout_free(&layout);
	sample_model_free(model);
}

/* What is its alone comes first: its memory, its private pages. Then all else it may write, once. */
static void what_a_partition_may_write_is_listed_its_own_first(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;
	size_t p, i, r;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	for (p = 0; p < model->partitions_count; p++) {
		const struct layout_partition *partition = &layout.partitions[p];
		size_t found = 1;

		assert_int_equal(partition->spans[0].gpa, 0);
		assert_int_equal(partition->spans[0].bytes, partition->memory.bytes);
		for (r = 0; r < partition->regions_count; r++) {
			const struct mullion_region *region = &partition->regions[r].info;

			for (i = 1; i < partition->spans_count; i++) {
				if (partition->spans[i].gpa != region->gpa)
					continue;
				found++;
				assert_int_equal(partition->spans[i].bytes, region->bytes);
				assert_true(region->access & MULLION_WRITE);
				assert_int_equal(i < partition->own_spans, is_private(region));
				break;
			}
			assert_int_equal(
				i < partition->spans_count, (region->access & MULLION_WRITE) != 0);
		}
		assert_int_equal(found, partition->spans_count);
	}
	layout_free(&layout);
	sample_model_free(model);
}

static void the_timekeeper_is_the_first_framed_cpu(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	assert_int_equal(layout_timekeeper(&layout), 0);
	model->cpus[0].mode = MULLION_CPU_OWNED;
	assert_int_equal(layout_timekeeper(&layout), -1);
	model->cpus[1].mode = MULLION_CPU_FRAMED;
	assert_int_equal(layout_timekeeper(&layout), 1);
	assert_int_equal(layout_watchdogs(&layout, 2), 0);
	assert_int_equal(layout_watchdogs(&layout, 4), 1);
	layout_free(&layout);
	sample_model_free(model);
}

static struct model *model_of_channels(const size_t count, const bool largest)
{
	struct model *model = sample_model();
	struct model_channel channel = model->channels[0];

	if (largest) {
		channel.type = CHANNEL_QUEUING;
		channel.message_bytes = MULLION_CHANNEL_MESSAGE_MOST;
		channel.depth = MULLION_CHANNEL_DEPTH_MOST;
	}
	free(model->channels);
	model->channels_count = count;
	model->channels = calloc(count, sizeof(*model->channels));
	for (size_t i = 0; i < count; i++)
		model->channels[i] = channel;
	return model;
}

static void more_regions_than_the_info_page_holds_are_refused(void **state)
{
	(void)state;
	assert_refused(model_of_channels(MULLION_MAX_REGIONS, false), "region-limit");
}

static void regions_larger_than_the_place_for_them_are_refused(void **state)
{
	struct model *model = model_of_channels(44, true);
	struct layout layout;
	struct finding wrong = { 0 };

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	layout_free(&layout);
	sample_model_free(model);
	assert_refused(model_of_channels(45, true), "region-limit");
}

static void the_ram_list_is_merged_and_covers_everything(void **state)
{
	struct model *model = sample_model();
	struct layout layout;
	struct finding wrong;
	struct range all[64];
	size_t count, i, j;

	(void)state;
	assert_true(layout_build(model, NULL, &layout, &wrong));
	count = list(&layout, all);
	for (i = 0; i < count; i++) {
		for (j = 0; j < layout.ram_count; j++)
			if (all[i].base >= layout.ram[j].base &&
				end_of(all[i]) <= end_of(layout.ram[j]))
				break;
		assert_true(j < layout.ram_count);
	}
	for (j = 1; j < layout.ram_count; j++)
		assert_true(end_of(layout.ram[j - 1]) < layout.ram[j].base);
	layout_free(&layout);
	sample_model_free(model);
}

static void free_memory_is_handed_out_once_from_the_lowest_address(void **state)
{
	const struct range ram[] = { { 0x100000, 0x100000 }, { 0x1000, 0x3000 } };
	struct placement placement;
	uint64_t base;

	(void)state;
	placement_init(&placement, ram, 2);
	assert_true(placement_find(&placement, 0x1000, 0x1000, &base));
	assert_int_equal(base, 0x1000);
	assert_true(placement_find(&placement, 0x3000, 0x1000, &base));
	assert_int_equal(base, 0x100000);
	assert_false(placement_take(&placement, (struct range){ 0x1000, 0x1000 }));
	assert_true(placement_take(&placement, (struct range){ 0x180000, 0x1000 }));
	assert_true(placement_find(&placement, 0x80000 - 0x1000, 0x1000, &base));
	assert_int_equal(base, 0x181000);
	assert_false(placement_find(&placement, 0x80000, 0x1000, &base));
	placement_free(&placement);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_lies_in_ram_and_nothing_overlaps),
		cmocka_unit_test(random_sizes_and_bases_stay_sound_or_are_refused),
		cmocka_unit_test(large_partitions_are_aligned_for_large_pages),
		cmocka_unit_test(a_base_that_is_given_is_honoured),
		cmocka_unit_test(a_base_over_the_kernel_is_refused),
		cmocka_unit_test(a_base_below_1_mib_is_refused),
		cmocka_unit_test(too_much_memory_is_refused),
		cmocka_unit_test(vcpus_are_numbered_in_cpu_order),
		cmocka_unit_test(each_end_of_a_channel_has_its_rights),
		cmocka_unit_test(control_reads_every_channel_that_it_is_no_end_of),
		cmocka_unit_test(control_sees_a_channel_of_its_own_as_an_end_alone),
		cmocka_unit_test(every_shared_page_has_one_writer),
		cmocka_unit_test(only_control_sees_the_log_and_the_traces),
		cmocka_unit_test(control_sees_everybodys_status_and_others_that_of_their_partners),
		cmocka_unit_test(
			what_concerns_the_node_is_for_control_and_a_watchdog_for_its_owner),
		cmocka_unit_test(an_image_is_kept_once_more_where_nothing_else_lies),
		cmocka_unit_test(an_image_without_room_to_be_kept_is_refused),
		cmocka_unit_test(what_a_partition_may_write_is_listed_its_own_first),
		cmocka_unit_test(the_timekeeper_is_the_first_framed_cpu),
		cmocka_unit_test(more_regions_than_the_info_page_holds_are_refused),
		cmocka_unit_test(regions_larger_than_the_place_for_them_are_refused),
		cmocka_unit_test(the_ram_list_is_merged_and_covers_everything),
		cmocka_unit_test(free_memory_is_handed_out_once_from_the_lowest_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
