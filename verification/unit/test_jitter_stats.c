/* Percentiles by nearest rank, exact nanoseconds, and the refusal to guess. */
#include "jitter_fixture.h"

static struct jitter_stream one_to(uint64_t n)
{
	struct jitter_stream stream = {
		.n = n, .min = 1, .max = (int64_t)n, .samples_count = (size_t)n
	};
	uint64_t i;

	stream.samples = jitter_array(NULL, (size_t)n, sizeof(*stream.samples));
	for (i = 0; i < n; i++) /* descending, so that sorting is needed */
		stream.samples[i] = (struct sample){ i, (int64_t)(n - i) };
	jitter_bins_of_samples(&stream);
	return stream;
}

static void release(struct jitter_stream *stream)
{
	free(stream->samples);
	free(stream->bins);
}

static int64_t percentile(
	const struct jitter_stream *stream, uint64_t numerator, uint64_t denominator)
{
	int64_t value = INT64_MIN;

	assert_true(jitter_percentile(stream, numerator, denominator, &value));
	return value;
}

static void percentiles_are_nearest_ranks(void **state)
{
	struct jitter_stream stream = one_to(1000);

	(void)state;
	assert_int_equal(percentile(&stream, 50, 100), 500);
	assert_int_equal(percentile(&stream, 99, 100), 990);
	assert_int_equal(percentile(&stream, 999, 1000), 999);
	assert_int_equal(percentile(&stream, 9999, 10000), 1000);
	assert_int_equal(percentile(&stream, 0, 1), 1);
	assert_int_equal(percentile(&stream, 1, 1), 1000);
	release(&stream);
}

static void the_percentile_just_past_a_rank_is_the_next_sample(void **state)
{
	struct jitter_stream stream = one_to(10);

	(void)state;
	assert_int_equal(percentile(&stream, 50, 100), 5);
	assert_int_equal(percentile(&stream, 51, 100), 6);
	release(&stream);
}

static void a_single_sample_is_every_percentile(void **state)
{
	struct jitter_stream stream = one_to(1);

	(void)state;
	assert_int_equal(percentile(&stream, 50, 100), 1);
	assert_int_equal(percentile(&stream, 9999, 10000), 1);
	release(&stream);
}

static void an_empty_stream_has_no_percentile(void **state)
{
	struct jitter_stream stream = { 0 };
	int64_t value;

	(void)state;
	assert_false(jitter_percentile(&stream, 50, 100, &value));
}

static void a_percentile_beyond_the_histogram_is_refused(void **state)
{
	struct jitter_bin bins[] = { { 10, 90 } };
	struct jitter_stream stream = {
		.n = 100, .min = 10, .max = 5000, .bins = bins, .bins_count = 1, .above = 10
	};
	int64_t value;

	(void)state;
	assert_int_equal(percentile(&stream, 90, 100), 10);
	assert_false(jitter_percentile(&stream, 91, 100, &value));
	assert_false(jitter_percentile(&stream, 99, 100, &value));
	assert_int_equal(percentile(&stream, 1, 1), 5000);
}

static void a_percentile_below_the_histogram_is_refused(void **state)
{
	struct jitter_bin bins[] = { { 10, 10 } };
	struct jitter_stream stream = {
		.n = 100, .min = -7, .max = 10, .bins = bins, .bins_count = 1, .below = 90
	};
	int64_t value;

	(void)state;
	assert_false(jitter_percentile(&stream, 50, 100, &value));
	assert_int_equal(percentile(&stream, 0, 1), -7);
	assert_int_equal(percentile(&stream, 99, 100), 10);
}

static void a_flat_stream_is_known_without_a_histogram(void **state)
{
	struct jitter_stream stream = { .n = 100, .min = 2, .max = 2, .above = 100 };

	(void)state;
	assert_int_equal(percentile(&stream, 50, 100), 2);
}

static void equal_samples_share_a_bin(void **state)
{
	struct sample samples[] = { { 0, 3 }, { 1, -1 }, { 2, 3 } };
	struct jitter_stream stream = { .n = 3, .samples = samples, .samples_count = 3 };

	(void)state;
	jitter_bins_of_samples(&stream);
	assert_int_equal(stream.bins_count, 2);
	assert_int_equal(stream.bins[0].value, -1);
	assert_int_equal(stream.bins[1].count, 2);
	free(stream.bins);
}

static void assert_ns(struct jitter_clock clock, int64_t ticks, const char *expected)
{
	char buffer[JITTER_NUMBER_BYTES];

	assert_string_equal(jitter_format_ns(buffer, clock, ticks), expected);
}

static void ticks_become_exact_nanoseconds(void **state)
{
	(void)state;
	assert_ns((struct jitter_clock){ 1000000000, 1 }, 1234567, "1,234,567");
	assert_ns((struct jitter_clock){ 2500000000, 1 }, 5, "2");
	assert_ns((struct jitter_clock){ 2500000000, 1 }, 1, "0.4");
	assert_ns((struct jitter_clock){ 3000000000, 1 }, -2, "-0.667");
	assert_ns((struct jitter_clock){ 62500000, 1 }, 62500000, "1,000,000,000");
	assert_ns((struct jitter_clock){ 1000000000, 3 }, 1, "3");
	assert_ns((struct jitter_clock){ 3000000000, 1 }, 2999999999, "999,999,999.667");
}

static void huge_values_do_not_overflow(void **state)
{
	(void)state;
	assert_ns((struct jitter_clock){ 1000000000, 1 }, INT64_MIN, "-9,223,372,036,854,775,808");
	assert_ns((struct jitter_clock){ 1000000000, 1 }, INT64_MAX, "9,223,372,036,854,775,807");
}

static void a_bound_is_compared_exactly(void **state)
{
	struct jitter_clock third = { 3000000000, 1 };

	(void)state;
	assert_int_equal(jitter_compare_ns(third, 60, 20), 0);
	assert_int_equal(jitter_compare_ns(third, 61, 20), 1);
	assert_int_equal(jitter_compare_ns(third, 59, 20), -1);
	assert_int_equal(jitter_compare_ns(third, -61, -20), -1);
	assert_int_equal(
		jitter_compare_ns((struct jitter_clock){ 1ull << 40, 1u << 30 }, INT64_MAX, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_nearest_ranks),
		cmocka_unit_test(the_percentile_just_past_a_rank_is_the_next_sample),
		cmocka_unit_test(a_single_sample_is_every_percentile),
		cmocka_unit_test(an_empty_stream_has_no_percentile),
		cmocka_unit_test(a_percentile_beyond_the_histogram_is_refused),
		cmocka_unit_test(a_percentile_below_the_histogram_is_refused),
		cmocka_unit_test(a_flat_stream_is_known_without_a_histogram),
		cmocka_unit_test(equal_samples_share_a_bin),
		cmocka_unit_test(ticks_become_exact_nanoseconds),
		cmocka_unit_test(huge_values_do_not_overflow),
		cmocka_unit_test(a_bound_is_compared_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
