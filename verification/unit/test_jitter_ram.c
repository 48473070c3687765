/* Streams and traces found in a RAM image, and everything impossible in one skipped. */
#include "jitter_fixture.h"

static void a_stream_is_found_on_its_page(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = fixture_stream(fixture, "delivery.spin", "probe");
	struct jitter_report *report;

	fixture_sample(stream, 2);
	fixture_sample(stream, 14);
	report = fixture_read(fixture);
	assert_int_equal(report->streams_count, 1);
	assert_string_equal(report->streams[0].name, "delivery.spin");
	assert_string_equal(report->streams[0].system, "probe");
	assert_int_equal(report->streams[0].max, 14);
	assert_int_equal(report->streams[0].samples_count, 2);
	assert_int_equal(report->streams[0].samples[1].value, 14);
	assert_true(report->streams[0].complete);
	assert_int_equal(report->warnings, 0);
}

static void a_wrapped_ring_is_read_oldest_first(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = fixture_stream(fixture, "gap", "probe");
	struct jitter_report *report;
	int i;

	for (i = 0; i < 20; i++)
		fixture_sample(stream, i);
	report = fixture_read(fixture);
	assert_int_equal(report->streams[0].samples_count, FIXTURE_CAPACITY);
	assert_int_equal(report->streams[0].samples[0].value, 4);
	assert_int_equal(report->streams[0].samples[15].value, 19);
	assert_int_equal(report->streams[0].bins_count, 20); /* from the histogram: all of them */
}

static void two_partitions_of_one_image_get_both_names(void **state)
{
	struct fixture *fixture = *state;

	fixture_sample(fixture_stream(fixture, "gap", "probe"), 1);
	fixture_sample(fixture_stream(fixture, "phase", "nav"), 1);
	fixture_write(fixture, FIXTURE_BYTES);
	assert_int_equal(jitter_read_ram(&fixture->report, fixture->path, "mullion"), 0);
	jitter_settle(&fixture->report);
	assert_string_equal(fixture->report.streams[0].system, "mullion/probe");
	assert_string_equal(fixture->report.streams[1].system, "mullion/nav");
}

static void of_two_equal_streams_the_complete_one_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stale = fixture_stream(fixture, "gap", "probe");
	struct sample_stream *good = fixture_stream(fixture, "gap", "probe");

	fixture_sample(stale, 99);
	fixture_sample(stale, 99);
	stale->state = SAMPLES_RUNNING;
	fixture_sample(good, 1);
	assert_int_equal(fixture_read(fixture)->streams_count, 1);
	assert_int_equal(fixture->report.streams[0].max, 1);
	assert_int_equal(fixture->report.warnings, 1);
}

static void break_version(struct sample_stream *s)
{
	s->version = 2;
}
static void break_header(struct sample_stream *s)
{
	s->header_bytes = 4096;
}
static void break_name(struct sample_stream *s)
{
	memset(s->name, 'a', sizeof(s->name));
}
static void break_name_letters(struct sample_stream *s)
{
	strcpy(s->name, "<b>");
}
static void break_empty_name(struct sample_stream *s)
{
	s->name[0] = '\0';
}
static void break_source(struct sample_stream *s)
{
	strcpy(s->source, "a\nb");
}
static void break_note(struct sample_stream *s)
{
	strcpy(s->note, "\x1b[31m");
}
static void break_capacity(struct sample_stream *s)
{
	s->capacity = 15;
}
static void break_no_capacity(struct sample_stream *s)
{
	s->capacity = 0;
}
static void break_ring_end(struct sample_stream *s)
{
	s->capacity = 1u << 20;
}
static void break_huge_capacity(struct sample_stream *s)
{
	s->capacity = 1u << 31;
}
static void break_clock(struct sample_stream *s)
{
	s->tsc_hz_numerator = 0;
}
static void break_denominator(struct sample_stream *s)
{
	s->tsc_hz_denominator = 0;
}
static void break_state(struct sample_stream *s)
{
	s->state = 3;
}
static void break_extremes(struct sample_stream *s)
{
	s->min = s->max + 1;
}
static void break_total(struct sample_stream *s)
{
	s->n++;
}
static void break_histogram(struct sample_stream *s)
{
	s->histogram[0]++;
}

static void every_corrupt_header_is_skipped_and_the_next_stream_kept(void **state)
{
	static void (*const breakers[])(struct sample_stream *) = { break_version, break_header,
		break_name, break_name_letters, break_empty_name, break_source, break_note,
		break_capacity, break_no_capacity, break_ring_end, break_huge_capacity, break_clock,
		break_denominator, break_state, break_extremes, break_total, break_histogram };
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(breakers) / sizeof(breakers[0]); i++) {
		struct sample_stream *bad = fixture_stream(fixture, "gap", "probe");

		fixture_sample(bad, 1);
		fixture_sample(fixture_stream(fixture, "phase", "probe"), 1);
		breakers[i](bad);
		fixture_read(fixture);
		assert_int_equal(fixture->report.streams_count, 1);
		assert_string_equal(fixture->report.streams[0].name, "phase");
		assert_int_equal(fixture->report.warnings, 1);
		jitter_free(&fixture->report);
		memset(fixture->ram, 0, FIXTURE_BYTES);
		fixture->used = 4096;
	}
}

static void a_stream_cut_off_by_the_end_of_the_image_is_skipped(void **state)
{
	struct fixture *fixture = *state;
	size_t keep = fixture->used + 4096;

	fixture_sample(fixture_stream(fixture, "gap", "probe"), 1);
	fixture_write(fixture, keep);
	assert_int_equal(jitter_read_ram(&fixture->report, fixture->path, NULL), 0);
	assert_int_equal(fixture->report.streams_count, 0);
	assert_int_equal(fixture->report.warnings, 2); /* skipped, and nothing else there */
}

static void a_running_stream_may_be_one_sample_ahead_of_its_histogram(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = fixture_stream(fixture, "gap", "probe");

	fixture_sample(stream, 1);
	stream->histogram[5]++;
	stream->state = SAMPLES_RUNNING;
	assert_int_equal(fixture_read(fixture)->streams_count, 1);
	assert_false(fixture->report.streams[0].complete);
}

static void a_trace_is_read_oldest_first(void **state)
{
	struct fixture *fixture = *state;
	struct mullion_trace *trace = fixture_trace(fixture, 3);
	struct jitter_ring *ring;
	uint64_t i;

	for (i = 0; i < MULLION_TRACE_RECORDS + 7; i++)
		fixture_record(trace, i, MULLION_TRACE_EXIT, 0, 0x72, 0);
	ring = fixture_read(fixture)->sources[0].rings;
	assert_int_equal(fixture->report.sources[0].rings_count, 1);
	assert_int_equal(ring->cpu, 3);
	assert_int_equal(ring->lost, 7);
	assert_int_equal(ring->count, MULLION_TRACE_RECORDS);
	assert_int_equal(ring->records[0].tsc, 7);
}

static void a_corrupt_trace_is_skipped(void **state)
{
	struct fixture *fixture = *state;

	fixture_trace(fixture, 0)->capacity = 1u << 30;
	assert_int_equal(fixture_read(fixture)->sources[0].rings_count, 0);
	assert_int_equal(fixture->report.warnings, 2);
}

static void a_missing_file_is_an_error(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(jitter_read_ram(&fixture->report, fixture->path, NULL), -1);
	assert_int_equal(jitter_read_ram(&fixture->report, fixture->directory, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_stream_is_found_on_its_page),
		FIXTURE_TEST(a_wrapped_ring_is_read_oldest_first),
		FIXTURE_TEST(two_partitions_of_one_image_get_both_names),
		FIXTURE_TEST(of_two_equal_streams_the_complete_one_is_kept),
		FIXTURE_TEST(every_corrupt_header_is_skipped_and_the_next_stream_kept),
		FIXTURE_TEST(a_stream_cut_off_by_the_end_of_the_image_is_skipped),
		FIXTURE_TEST(a_running_stream_may_be_one_sample_ahead_of_its_histogram),
		FIXTURE_TEST(a_trace_is_read_oldest_first),
		FIXTURE_TEST(a_corrupt_trace_is_skipped),
		FIXTURE_TEST(a_missing_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
