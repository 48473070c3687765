/* Shares of time and gaps are exact, also around the end of the frame. */
#include "unit.h"

#include "shares.h"

static struct share of(const struct model_window *windows, size_t count, uint64_t frame_ns)
{
	const struct model_cpu_schedule list = { .windows = (struct model_window *)windows,
		.windows_count = count };
	const struct model_schedule schedule = { .major_frame_ns = frame_ns };

	return share_of(&schedule, &list, 0);
}

static void one_window_waits_for_the_rest_of_the_frame(void **state)
{
	const struct model_window windows[] = { { .offset_ns = 30, .duration_ns = 20 } };
	const struct share share = of(windows, 1, 100);

	(void)state;
	assert_int_equal(share.time_ns, 20);
	assert_int_equal(share.worst_gap_ns, 80);
	assert_int_equal(share.worst_gap_at_ns, 50);
}

static void the_worst_gap_may_wrap_around_the_frame(void **state)
{
	const struct model_window windows[] = { { .offset_ns = 40, .duration_ns = 10 },
		{ .offset_ns = 50, .duration_ns = 10, .partition = 1 },
		{ .offset_ns = 70, .duration_ns = 5 } };
	const struct share share = of(windows, 3, 100);

	(void)state;
	assert_int_equal(share.windows, 2);
	assert_int_equal(share.worst_gap_ns, 65); /* 75 .. 140 */
	assert_int_equal(share.worst_gap_at_ns, 75);
}

static void the_worst_gap_may_lie_inside(void **state)
{
	const struct model_window windows[] = { { .offset_ns = 0, .duration_ns = 10 },
		{ .offset_ns = 70, .duration_ns = 30 } };
	const struct share share = of(windows, 2, 100);

	(void)state;
	assert_int_equal(share.worst_gap_ns, 60);
	assert_int_equal(share.worst_gap_at_ns, 10);
}

static void a_partition_that_has_all_windows_never_waits(void **state)
{
	const struct model_window windows[] = { { .offset_ns = 0, .duration_ns = 50 },
		{ .offset_ns = 50, .duration_ns = 50 } };

	(void)state;
	assert_int_equal(of(windows, 2, 100).worst_gap_ns, 0);
	assert_int_equal(of(windows, 2, 100).time_ns, 100);
}

static void a_partition_without_windows_has_nothing(void **state)
{
	const struct model_window windows[] = {
		{ .offset_ns = 0, .duration_ns = 50, .partition = 3 }
	};

	(void)state;
	assert_int_equal(of(windows, 1, 100).windows, 0);
	assert_int_equal(of(windows, 1, 100).time_ns, 0);
}

static void percentages_are_computed_in_integers(void **state)
{
	(void)state;
	assert_string_equal(share_percent(1, 3), "33.333 %");
	assert_string_equal(share_percent(2, 3), "66.667 %");
	assert_string_equal(share_percent(1, 4), "25 %");
	assert_string_equal(share_percent(1, 1000), "0.1 %");
	assert_string_equal(share_percent(0, 7), "0 %");
	assert_string_equal(share_percent(7, 7), "100 %");
	assert_string_equal(share_percent(UINT64_MAX, UINT64_MAX), "100 %");
}

static void durations_are_written_exactly(void **state)
{
	(void)state;
	assert_string_equal(share_duration(0), "0 ns");
	assert_string_equal(share_duration(7), "7 ns");
	assert_string_equal(share_duration(1000), "1 us");
	assert_string_equal(share_duration(1500), "1.5 us");
	assert_string_equal(share_duration(2000000), "2 ms");
	assert_string_equal(share_duration(2000001), "2.000001 ms");
	assert_string_equal(share_duration(3600000000000ull), "3600 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_window_waits_for_the_rest_of_the_frame),
		cmocka_unit_test(the_worst_gap_may_wrap_around_the_frame),
		cmocka_unit_test(the_worst_gap_may_lie_inside),
		cmocka_unit_test(a_partition_that_has_all_windows_never_waits),
		cmocka_unit_test(a_partition_without_windows_has_nothing),
		cmocka_unit_test(percentages_are_computed_in_integers),
		cmocka_unit_test(durations_are_written_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
