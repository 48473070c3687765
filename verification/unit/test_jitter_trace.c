/* The cause of the worst sample: what its own CPU recorded while it was measured, in words. */
#include "jitter_fixture.h"

static const char description[] = "{\"partitions\":[{\"name\":\"nav\"},{\"name\":\"probe\"}],"
				  "\"vcpus\":[{\"partition\":\"nav\",\"index\":0,\"cpu\":0},"
				  "{\"partition\":\"probe\",\"index\":0,\"cpu\":1}]}";

/* A probe on CPU 1 whose worst sample, 50 ticks, ended at TSC 1250. */
static struct sample_stream *probe(struct fixture *fixture)
{
	struct sample_stream *stream = fixture_stream(fixture, "gap", "probe");

	fixture_sample(stream, 10);
	fixture_sample(stream, 50);
	assert_int_equal(stream->max_tsc, 1250);
	fixture->report.system = json_loads(description, 0, NULL);
	return stream;
}

static void assert_cause(struct fixture *fixture, const char *expected)
{
	char *cause;

	fixture_read(fixture);
	cause = jitter_cause(&fixture->report, &fixture->report.streams[0]);
	assert_non_null(cause);
	assert_string_equal(cause, expected);
	free(cause);
}

static void an_exit_within_the_sample_is_its_cause(void **state)
{
	struct fixture *fixture = *state;
	struct mullion_trace *trace;

	probe(fixture);
	trace = fixture_trace(fixture, 1);
	fixture_record(trace, 1220, MULLION_TRACE_EXIT, 1, 0x72, 0);
	assert_cause(fixture, "CPUID of probe");
}

static void the_edges_of_the_sample_belong_to_it(void **state)
{
	struct fixture *fixture = *state;
	struct mullion_trace *trace;

	probe(fixture);
	trace = fixture_trace(fixture, 1);
	fixture_record(trace, 1199, MULLION_TRACE_EXIT, 1, 0x78, 0);
	fixture_record(trace, 1200, MULLION_TRACE_EXIT, 1, 0x72, 0);
	fixture_record(trace, 1250, MULLION_TRACE_EXIT, 1, 0x81, 0);
	fixture_record(trace, 1251, MULLION_TRACE_EXIT, 1, 0x78, 0);
	assert_cause(fixture, "CPUID of probe; VMMCALL of probe");
}

static void records_of_another_cpu_are_not_the_cause(void **state)
{
	struct fixture *fixture = *state;

	probe(fixture);
	fixture_record(fixture_trace(fixture, 0), 1220, MULLION_TRACE_EXIT, 0, 0x72, 0);
	fixture_trace(fixture, 1);
	assert_cause(fixture, "no exit, no window: the emulator's or the guest's own");
}

static void repeated_records_are_counted(void **state)
{
	struct fixture *fixture = *state;
	struct mullion_trace *trace;
	uint64_t i;

	probe(fixture);
	trace = fixture_trace(fixture, 1);
	for (i = 0; i < 3; i++)
		fixture_record(trace, 1220 + i, MULLION_TRACE_EXIT, 1, 0x7c, 0x6e0);
	fixture_record(trace, 1230, MULLION_TRACE_WINDOW, 0, 2, 1229);
	assert_cause(fixture, "MSR 0x6e0 (TSC deadline) of probe, 3 times; window 2 of nav");
}

static void what_the_ring_has_overwritten_is_not_guessed(void **state)
{
	struct fixture *fixture = *state;
	struct mullion_trace *trace;
	uint64_t i;

	probe(fixture);
	trace = fixture_trace(fixture, 1);
	for (i = 0; i <= MULLION_TRACE_RECORDS; i++)
		fixture_record(trace, 5000 + i, MULLION_TRACE_EXIT, 1, 0x72, 0);
	assert_cause(fixture, "older than what the trace still holds");
}

static void an_equal_later_sample_explains_one_that_is_too_old(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = probe(fixture);
	struct mullion_trace *trace;
	uint64_t i;

	fixture_sample(stream, 50); /* ends at 1350 */
	assert_int_equal(stream->max_tsc, 1250);
	trace = fixture_trace(fixture, 1);
	for (i = 0; i < MULLION_TRACE_RECORDS; i++)
		fixture_record(trace, 1260, MULLION_TRACE_IDLE, MULLION_NO_VCPU, 0, 0);
	fixture_record(trace, 1340, MULLION_TRACE_EXIT, 1, 0x81, 0);
	assert_cause(fixture, "VMMCALL of probe (a later sample of the same value)");
}

static void a_flat_stream_has_no_outlier_to_explain(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = fixture_stream(fixture, "gap", "probe");
	struct mullion_trace *trace;
	uint64_t i;

	fixture_sample(stream, 7);
	fixture_sample(stream, 7);
	fixture->report.system = json_loads(description, 0, NULL);
	trace = fixture_trace(fixture, 1);
	for (i = 0; i <= MULLION_TRACE_RECORDS; i++)
		fixture_record(trace, 5000 + i, MULLION_TRACE_EXIT, 1, 0x72, 0);
	assert_cause(fixture, "no outlier, all samples are equal");
}

static void without_a_description_the_cpu_is_not_guessed(void **state)
{
	struct fixture *fixture = *state;

	probe(fixture);
	json_decref(fixture->report.system);
	fixture->report.system = NULL;
	fixture_record(fixture_trace(fixture, 1), 1220, MULLION_TRACE_EXIT, 1, 0x72, 0);
	assert_cause(fixture, "not known: --system tells which CPU it ran on");
}

static void a_system_without_trace_says_so(void **state)
{
	struct fixture *fixture = *state;

	probe(fixture);
	assert_cause(fixture, "this system has no trace");
}

static void causes_are_named_in_words(void **state)
{
	static const struct {
		struct mullion_trace_record record;
		const char *words;
	} cases[] = {
		{ { 0, MULLION_TRACE_EXIT, 1, 0x400, 0xfee00380, 0 },
			"NPF at 0xfee00380 (xAPIC timer) of vcpu 1" },
		{ { 0, MULLION_TRACE_EXIT, 1, 0x400, 0x1000, 0 }, "NPF at 0x1000 of vcpu 1" },
		{ { 0, MULLION_TRACE_EXIT, 1, 0x7b, 0x3f8, 0 }, "I/O port 0x3f8 of vcpu 1" },
		{ { 0, MULLION_TRACE_EXIT, 1, 0x7c, 0x999, 0 }, "MSR 0x999 of vcpu 1" },
		{ { 0, MULLION_TRACE_EXIT, 1, 0x61, 0, 0 }, "NMI of vcpu 1" },
		{ { 0, MULLION_TRACE_EXIT, 1, 0x4e, 0, 0 }, "exception 14 of vcpu 1" },
		{ { 0, MULLION_TRACE_EXIT, 1, 0x500, 0, 0 }, "exit 0x500 of vcpu 1" },
		{ { 0, MULLION_TRACE_IDLE, MULLION_NO_VCPU, 0, 9, 0 }, "idle" },
		{ { 0, MULLION_TRACE_INJECT, 2, 236, 9, 0 }, "interrupt 236 injected of vcpu 2" },
		{ { 0, MULLION_TRACE_HEALTH, 2, 0 << 8 | 2, 0xdead, 0 },
			"memory violation (0xdead), partition stopped of vcpu 2" },
		{ { 0, MULLION_TRACE_HEALTH, 2, 0xff << 8 | 0xff, 0, 0 },
			"unknown event (0), unknown action of vcpu 2" },
		{ { 0, 77, MULLION_NO_VCPU, 0, 0, 0 }, "trace record of kind 77" },
	};
	struct jitter_report report = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *words = jitter_record_words(&report, &cases[i].record);

		assert_string_equal(words, cases[i].words);
		free(words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(an_exit_within_the_sample_is_its_cause),
		FIXTURE_TEST(the_edges_of_the_sample_belong_to_it),
		FIXTURE_TEST(records_of_another_cpu_are_not_the_cause),
		FIXTURE_TEST(repeated_records_are_counted),
		FIXTURE_TEST(what_the_ring_has_overwritten_is_not_guessed),
		FIXTURE_TEST(an_equal_later_sample_explains_one_that_is_too_old),
		FIXTURE_TEST(a_flat_stream_has_no_outlier_to_explain),
		FIXTURE_TEST(without_a_description_the_cpu_is_not_guessed),
		FIXTURE_TEST(a_system_without_trace_says_so),
		cmocka_unit_test(causes_are_named_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
