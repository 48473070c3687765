/* Slices from rings: where windows end, whose schedule it was, which samples stand out and why. */
#include "jitter_fixture.h"

#include "trace.h"

static const char description[] =
	"{\"partitions\":[{\"name\":\"nav\"},{\"name\":\"probe\"}],"
	"\"vcpus\":[{\"partition\":\"nav\",\"index\":0,\"cpu\":0},"
	"{\"partition\":\"probe\",\"index\":0,\"cpu\":1}],\"schedules\":["
	"{\"name\":\"normal\",\"startup\":true,\"frame_ticks\":[1000,0],\"cpus\":[{\"cpu\":0,"
	"\"windows\":[{\"start_ticks\":[0,0],\"end_ticks\":[300,0]},{\"start_ticks\":[400,0],"
	"\"end_ticks\":[900,0]}]}]},"
	"{\"name\":\"safe\",\"startup\":false,\"frame_ticks\":[2000,0],\"cpus\":[{\"cpu\":0,"
	"\"windows\":[{\"start_ticks\":[0,0],\"end_ticks\":[100,0]},{\"start_ticks\":[500,0],"
	"\"end_ticks\":[700,0]}]}]}]}";

struct view_of {
	struct jitter_report report;
	struct trace_view view;
};

static struct mullion_trace_record at(
	uint64_t tsc, uint16_t kind, uint16_t vcpu, uint32_t cause, uint64_t a, uint64_t b)
{
	return (struct mullion_trace_record){ tsc, kind, vcpu, cause, a, b };
}

static void make(struct view_of *of, unsigned cpu, uint64_t lost,
	const struct mullion_trace_record *records, size_t count)
{
	struct jitter_source *source;

	*of = (struct view_of){ 0 };
	source = jitter_add_source(&of->report, JITTER_RAM, "ram", NULL);
	of->report.system = json_loads(description, 0, NULL);
	assert_non_null(of->report.system);
	source->rings = jitter_array(NULL, 1, sizeof(*source->rings));
	source->rings_count = 1;
	source->rings[0] = (struct jitter_ring){ .cpu = cpu, .lost = lost, .count = count };
	source->rings[0].records = jitter_array(NULL, count, sizeof(*records));
	memcpy(source->rings[0].records, records, count * sizeof(*records));
	trace_view_make(&of->view, &of->report, (struct node_clock){ 1000000000, 1 }, NULL);
}

static void drop(struct view_of *of)
{
	trace_view_free(&of->view);
	jitter_free(&of->report);
}
#define MAKE(of, cpu, lost, records)                                                               \
	make(of, cpu, lost, records, sizeof(records) / sizeof((records)[0]))

static void a_window_lasts_as_long_as_described_from_its_due_start(void **state)
{
	const struct mullion_trace_record records[] = {
		at(5003, MULLION_TRACE_WINDOW, 0, 0, 5000, 0),
		at(5398, MULLION_TRACE_WINDOW, 0, 1, 5400, 0),
		at(6000, MULLION_TRACE_WINDOW, 0, 0, 6000, 1),
	};
	struct view_of of;

	(void)state;
	MAKE(&of, 0, 0, records);
	assert_int_equal(of.view.slices_count, 3);
	assert_int_equal(of.view.slices[0].from, 5003);
	assert_int_equal(of.view.slices[0].to, 5300);
	/* The kernel was ready before the tick. */
	assert_int_equal(of.view.slices[1].from, 5400);
	assert_int_equal(of.view.slices[1].to, 5900);
	drop(&of);
}

static void a_window_ends_where_its_partition_is_stopped(void **state)
{
	const struct mullion_trace_record records[] = {
		at(5400, MULLION_TRACE_WINDOW, 0, 1, 5400, 0),
		at(5450, MULLION_TRACE_HEALTH, 0, 0 << 8 | MULLION_ACTION_LOG, 0, 0),
		at(5500, MULLION_TRACE_HEALTH, 0, 0 << 8 | MULLION_ACTION_STOP, 0, 0),
	};
	struct view_of of;

	(void)state;
	MAKE(&of, 0, 0, records);
	assert_int_equal(of.view.slices[0].to, 5500);
	drop(&of);
}

static void a_switch_is_in_force_from_its_first_frame_on(void **state)
{
	const struct mullion_trace_record records[] = {
		at(5000, MULLION_TRACE_WINDOW, 0, 0, 5000, 0),
		at(5100, MULLION_TRACE_SCHEDULE, MULLION_NO_VCPU, 1, 6000, 1),
		at(5400, MULLION_TRACE_WINDOW, 0, 1, 5400, 0),
		at(6000, MULLION_TRACE_WINDOW, 0, 0, 6000, 1),
	};
	struct view_of of;

	(void)state;
	MAKE(&of, 0, 0, records);
	assert_int_equal(of.view.slices[1].to, 5900);
	assert_int_equal(of.view.slices[1].schedule, 0);
	assert_int_equal(of.view.slices[2].to, 6100);
	assert_int_equal(of.view.slices[2].schedule, 1);
	drop(&of);
}

static void a_full_rings_schedule_is_told_by_its_windows(void **state)
{
	const struct mullion_trace_record safe[] = {
		at(8000, MULLION_TRACE_WINDOW, 0, 0, 8000, 7),
		at(8500, MULLION_TRACE_WINDOW, 0, 1, 8500, 7),
		at(10000, MULLION_TRACE_WINDOW, 0, 0, 10000, 8),
	};
	const struct mullion_trace_record one[] = {
		at(8000, MULLION_TRACE_WINDOW, 0, 0, 8000, 7),
		at(8100, MULLION_TRACE_EXIT, 0, 0x72, 0, 0),
	};
	struct view_of of;

	(void)state;
	MAKE(&of, 0, 99, safe);
	assert_true(of.view.slices[0].known_schedule);
	assert_int_equal(of.view.slices[0].schedule, 1);
	assert_int_equal(of.view.slices[0].to, 8100);
	drop(&of);
	MAKE(&of, 0, 99, one); /* either could have it */
	assert_false(of.view.slices[0].known_schedule);
	assert_int_equal(of.view.slices[0].to, 8100);
	drop(&of);
}

static void what_the_node_says_of_its_schedule_holds_from_that_frame_on(void **state)
{
	const struct mullion_trace_record records[] = {
		at(8000, MULLION_TRACE_WINDOW, 0, 0, 8000, 7),
		at(9000, MULLION_TRACE_WINDOW, 0, 0, 9000, 8),
	};
	const struct trace_hint hint = { true, 1, 8 };
	struct view_of of;

	(void)state;
	MAKE(&of, 0, 99, records);
	trace_view_free(&of.view);
	trace_view_make(&of.view, &of.report, (struct node_clock){ 1000000000, 1 }, &hint);
	assert_int_equal(of.view.slices[1].schedule, 1);
	assert_int_equal(of.view.slices[1].to, 9100);
	assert_false(of.view.slices[0].known_schedule && of.view.slices[0].schedule == 1);
	drop(&of);
}

static void an_owned_cpu_runs_from_start_to_stop(void **state)
{
	const struct mullion_trace_record records[] = {
		at(100, MULLION_TRACE_START, 1, 0, 100, 0),
		at(900, MULLION_TRACE_STOP, 1, 0, 0, 0),
		at(950, MULLION_TRACE_RESTART, 1, MULLION_RESTART_COLD, 40, 0),
		at(950, MULLION_TRACE_START, 1, 0, 950, 0),
		at(990, MULLION_TRACE_EXIT, 1, 0x72, 0, 0),
	};
	const struct mullion_trace_record late[] = { at(500, MULLION_TRACE_EXIT, 1, 0x72, 0, 0),
		at(600, MULLION_TRACE_EXIT, 1, 0x72, 0, 0) };
	struct view_of of;

	(void)state;
	MAKE(&of, 1, 0, records);
	assert_int_equal(of.view.slices_count, 3);
	assert_int_equal(of.view.slices[0].to, 900);
	assert_int_equal(of.view.slices[1].kind, TRACE_SLICE_RESTART);
	assert_int_equal(of.view.slices[1].from, 910);
	assert_int_equal(of.view.slices[2].to, 990);
	drop(&of);
	MAKE(&of, 1, 7, late);
	assert_int_equal(of.view.slices_count, 1);
	assert_int_equal(of.view.slices[0].kind, TRACE_SLICE_OWNED);
	assert_int_equal(of.view.slices[0].from, 500);
	drop(&of);
}

static void every_outlier_of_a_probe_has_its_cause(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = fixture_stream(fixture, "gap", "probe");
	struct mullion_trace *trace;
	struct trace_view view;
	int i;

	for (i = 0; i < 300; i++)
		fixture_sample(stream, i == 290 ? 50 : i == 297 ? 90 : 10);
	trace = fixture_trace(fixture, 1);
	fixture_record(trace, stream->ring[290 % FIXTURE_CAPACITY].tsc - 20, MULLION_TRACE_EXIT, 1,
		0x72, 0);
	fixture_record(trace, stream->ring[297 % FIXTURE_CAPACITY].tsc - 20, MULLION_TRACE_EXIT, 1,
		0x7c, 0x6e0);
	fixture->report.system = json_loads(description, 0, NULL);
	fixture_read(fixture);
	trace_view_make(&view, &fixture->report, (struct node_clock){ 1000000000, 1 }, NULL);
	assert_int_equal(view.outliers_count, 2);
	assert_int_equal(view.outliers[0].sample.value, 90);
	assert_string_equal(view.outliers[0].cause, "MSR 0x6e0 (TSC deadline) of probe");
	assert_string_equal(view.outliers[1].cause, "CPUID of probe");
	trace_view_free(&view);
}

static const char recurrent[] =
	"{\"partitions\":[{\"name\":\"nav\"}],\"vcpus\":[{\"partition\":\"nav\",\"index\":0,"
	"\"cpu\":0}],"
	"\"schedules\":[{\"name\":\"normal\",\"startup\":true,\"frame_ticks\":[1000,1],"
	"\"tick_denominator\":10,\"cpus\":[{\"cpu\":0,\"windows\":[{\"partition\":\"nav\","
	"\"start_ticks\":[0,0],\"end_ticks\":[300,0]},{\"partition\":\"hog\",\"start_ticks\":[400,"
	"5],"
	"\"end_ticks\":[900,0]}]}]}]}";

static void assert_ran(
	const struct view_of *of, unsigned cpu, uint64_t from, uint64_t to, const char *expected)
{
	char *words = trace_schedule_words(&of->view, cpu, from, to);

	if (expected)
		assert_string_equal(words, expected);
	else
		assert_null(words);
	free(words);
}

/* Frame n begins at 7 + 1000.1 n, rounded down. */
static void windows_that_the_ring_does_not_hold_are_told_by_those_it_does(void **state)
{
	const struct mullion_trace_record records[] = {
		at(50412, MULLION_TRACE_WINDOW, 0, 1, 50412, 50), /* 7 + 50005 + 400.5 */
	};
	struct view_of of;

	(void)state;
	MAKE(&of, 0, 99, records);
	assert_ran(&of, 0, 3257, 3267, NULL); /* one of two schedules, nobody knows which */
	json_decref(of.report.system);
	of.report.system = json_loads(recurrent, 0, NULL);
	assert_non_null(of.report.system);
	assert_ran(&of, 0, 3257, 3267, "window 0 of nav");
	assert_ran(&of, 0, 3257, 3457, "window 0 of nav; window 1 of hog");
	assert_ran(&of, 0, 3320, 3330, "no window");
	/* Frame 20 begins at 20009, and its first window ends at 20309. */
	assert_ran(&of, 0, 20305, 20306, "window 0 of nav");
	assert_ran(&of, 0, 20309, 20312, "no window");
	assert_ran(&of, 0, 20409, 20409, "window 1 of hog");
	assert_ran(&of, 0, 3257, 9257,
		"window 0 of nav; window 1 of hog; window 0 of nav; window 1 of hog; and more");
	assert_ran(&of, 0, 3, 3457, NULL); /* before the first */
	assert_ran(&of, 1, 3257, 3267, NULL);
	drop(&of);
}

/* The ring is full of what came between the two; its one window says that frame 0 began at 97. */
static void an_outlier_of_before_the_trace_is_placed_by_the_schedule(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = fixture_stream(fixture, "gap", "nav");
	struct mullion_trace *trace = fixture_trace(fixture, 0);
	struct trace_view view;
	int i;

	for (i = 0; i < 300; i++)
		fixture_sample(stream, i == 290 || i == 297 ? 50 : i == 291 ? 60 : 10);
	for (i = 0; i < (int)MULLION_TRACE_RECORDS; i++)
		fixture_record(trace, 30490, MULLION_TRACE_EXIT, 0, 0x7c, 0);
	fixture_record(trace, 30500, MULLION_TRACE_WINDOW, 0, 1, 30500);
	trace->records[(trace->head - 1) % MULLION_TRACE_RECORDS].b = 30;
	fixture_record(trace, 30820, MULLION_TRACE_EXIT, 0, 0x72, 0);
	fixture->report.system = json_loads(recurrent, 0, NULL);
	fixture_read(fixture);
	trace_view_make(&view, &fixture->report, (struct node_clock){ 1000000000, 1 }, NULL);
	assert_int_equal(view.outliers_count, 3);
	assert_string_equal(view.outliers[0].cause, "window 0 of nav, by the schedule; its exits: "
						    "older than what the trace still holds");
	assert_string_equal(view.outliers[1].cause, "window 0 of nav, by the schedule; its exits: "
						    "CPUID of nav (a later sample of the same "
						    "value)");
	assert_string_equal(view.outliers[2].cause, "CPUID of nav");
	trace_view_free(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_lasts_as_long_as_described_from_its_due_start),
		cmocka_unit_test(a_window_ends_where_its_partition_is_stopped),
		cmocka_unit_test(a_switch_is_in_force_from_its_first_frame_on),
		cmocka_unit_test(a_full_rings_schedule_is_told_by_its_windows),
		cmocka_unit_test(what_the_node_says_of_its_schedule_holds_from_that_frame_on),
		cmocka_unit_test(an_owned_cpu_runs_from_start_to_stop),
		cmocka_unit_test(windows_that_the_ring_does_not_hold_are_told_by_those_it_does),
		FIXTURE_TEST(every_outlier_of_a_probe_has_its_cause),
		FIXTURE_TEST(an_outlier_of_before_the_trace_is_placed_by_the_schedule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
