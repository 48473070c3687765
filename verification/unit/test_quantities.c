/* Quantities, unit addresses, ranges, and what the demo deployment becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "model_build.h"

static const uint8_t one_cell[] = { 0x12, 0x34, 0x56, 0x78 };
static const uint8_t two_cells[] = { 0, 0, 0, 2, 0x12, 0x34, 0x56, 0x78 };
static const uint8_t three_cells[12] = { 0 };

static void a_quantity_is_one_cell_or_sixty_four_bits(void **state)
{
	const struct source_property narrow = { .data = one_cell, .bytes = sizeof(one_cell) };
	const struct source_property wide = { .data = two_cells, .bytes = sizeof(two_cells) };
	uint64_t value;

	(void)state;
	assert_true(read_quantity(&narrow, &value));
	assert_int_equal(value, 0x12345678);
	assert_true(read_quantity(&wide, &value));
	assert_int_equal(value, 0x212345678);
}

static void nothing_and_three_cells_are_no_quantity(void **state)
{
	const struct source_property longer = { .data = three_cells, .bytes = sizeof(three_cells) };
	const struct source_property odd = { .data = one_cell, .bytes = 3 };
	uint64_t value = 1;

	(void)state;
	assert_false(read_quantity(NULL, &value));
	assert_int_equal(value, 0);
	assert_false(read_quantity(&longer, &value));
	assert_false(read_quantity(&odd, &value));
}

static void a_unit_address_is_a_decimal_number_in_its_shortest_form(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(read_unit("window@0", &value));
	assert_int_equal(value, 0);
	assert_true(read_unit("window@2000000", &value));
	assert_int_equal(value, 2000000);
	assert_true(read_unit("window@18446744073709551615", &value));
	assert_true(value == UINT64_MAX);
	assert_false(read_unit("window@18446744073709551616", &value));
	assert_false(read_unit("window@007", &value));
	assert_false(read_unit("window@7f", &value));
	assert_false(read_unit("window@", &value));
	assert_false(read_unit("window", &value));
}

static void neighbouring_ranges_do_not_overlap(void **state)
{
	const struct range low = { 0, 0x1000 }, high = { 0x1000, 0x1000 }, both = { 0xfff, 2 };

	(void)state;
	assert_false(ranges_overlap(low, high));
	assert_true(ranges_overlap(low, both));
	assert_true(ranges_overlap(both, high));
	assert_false(ranges_overlap(low, (struct range){ 0x800, 0 }));
}

static void a_range_that_would_wrap_ends_at_the_top(void **state)
{
	(void)state;
	assert_true(range_end((struct range){ UINT64_MAX - 1, 5 }) == UINT64_MAX);
	assert_true(range_end((struct range){ 1, 5 }) == 6);
}

static void sizes_and_durations_are_said_in_the_largest_whole_unit(void **state)
{
	struct arena arena = { 0 };
	struct check check = { .arena = &arena };

	(void)state;
	assert_string_equal(say_ns(&check, 2000000), "2 ms");
	assert_string_equal(say_ns(&check, 1500), "1500 ns");
	assert_string_equal(say_ns(&check, 3000000000), "3 s");
	assert_string_equal(say_ns(&check, 0), "0 ns");
	assert_string_equal(say_bytes(&check, 8u << 20), "8 MiB");
	assert_string_equal(say_bytes(&check, 1000), "1000 bytes");
	assert_string_equal(say_bytes(&check, 5ull << 30), "5 GiB");
	arena_free(&arena);
}

static void a_description_becomes_a_model(void **state)
{
	struct model *model = model_load("verification/unit/fixtures/model.dts", NULL);
	const struct model_cpu_schedule *list;

	(void)state;
	assert_non_null(model);
	assert_string_equal(model->name, "demo");
	assert_int_equal(model->cpus_count, 4);
	assert_int_equal(model->cpus[0].mode, MULLION_CPU_FRAMED);
	assert_int_equal(model->cpus[1].mode, MULLION_CPU_OWNED);
	assert_int_equal(model->cpus[1].index, 1);
	assert_int_equal(model->cpus[2].index, -1);
	assert_int_equal(model->cpus[3].apic_id, 6);
	assert_string_equal(model->partitions[model->cpus[1].owner].name, "probe");
	assert_true(model->board.tsc_hz.numerator == 1000000000);
	assert_true(model->board.tsc_hz.denominator == 1);
	list = &model->schedules[model->startup_schedule].cpus[0];
	assert_int_equal(list->windows_count, 3);
	assert_true(list->complete);
	assert_true(list->windows[1].offset_ns == 2000000);
	assert_true(list->windows[1].duration_ns == 3000000);
	assert_string_equal(model->partitions[list->windows[2].partition].name, "hog");
	model_free(model);
}

static void a_partition_overrides_the_common_health_actions(void **state)
{
	struct model *model = model_load("verification/unit/fixtures/model.dts", NULL);

	(void)state;
	assert_non_null(model);
	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];
		const bool probe = strcmp(p->name, "probe") == 0;

		assert_int_equal(p->actions[MULLION_EVENT_EXIT],
			probe ? MULLION_ACTION_SHUTDOWN : MULLION_ACTION_STOP);
		assert_int_equal(p->actions[MULLION_EVENT_PORT], MULLION_ACTION_LOG);
	}
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quantity_is_one_cell_or_sixty_four_bits),
		cmocka_unit_test(nothing_and_three_cells_are_no_quantity),
		cmocka_unit_test(a_unit_address_is_a_decimal_number_in_its_shortest_form),
		cmocka_unit_test(neighbouring_ranges_do_not_overlap),
		cmocka_unit_test(a_range_that_would_wrap_ends_at_the_top),
		cmocka_unit_test(sizes_and_durations_are_said_in_the_largest_whole_unit),
		cmocka_unit_test(a_description_becomes_a_model),
		cmocka_unit_test(a_partition_overrides_the_common_health_actions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
