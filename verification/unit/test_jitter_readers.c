/* JSON lines from a console, and the reports of rt-tests. */
#include "jitter_fixture.h"

#define OBJECT                                                                                     \
	"{\"stream\":\"delivery.spin\",\"source\":\"xen\",\"cpu\":0,\"hz\":[2500000000,1],"        \
	"\"started\":81,\"ended\":900,\"n\":2,\"sum\":31,\"min\":12,\"max\":19,\"max_tsc\":412,"   \
	"\"note\":\"a } in a string\",\"samples\":[[204,12],[412,19]]}"

static const struct jitter_report *read_text(struct fixture *fixture, const char *text)
{
	fixture_text(fixture->path, text);
	assert_int_equal(jitter_read_lines(&fixture->report, fixture->path, NULL), 0);
	jitter_settle(&fixture->report);
	return &fixture->report;
}

static void assert_the_object(const struct jitter_report *report)
{
	assert_int_equal(report->streams_count, 1);
	assert_string_equal(report->streams[0].name, "delivery.spin");
	assert_int_equal(report->streams[0].n, 2);
	assert_int_equal(report->streams[0].max, 19);
	assert_int_equal(report->streams[0].samples[1].tsc, 412);
	assert_int_equal(report->streams[0].clock.numerator, 2500000000);
	assert_int_equal(report->streams[0].bins_count, 2);
	assert_int_equal(report->warnings, 0);
}

static void an_object_is_found_among_other_lines(void **state)
{
	assert_the_object(read_text(*state, "booting { yes }\r\n" OBJECT "\r\nbye\n"));
}

static void an_object_broken_over_prefixed_lines_is_joined(void **state)
{
	char *text = calloc(1, 8192), *end = text;
	const char *from = OBJECT;

	end += sprintf(end, "(XEN) Dom0 has 1 vcpu\n");
	for (; strlen(from) > 20; from += 20)
		end += sprintf(end, "(d0) %.20s\n", from);
	sprintf(end, "(d0) %s\n(d0) done\n", from);
	assert_the_object(read_text(*state, text));
	free(text);
}

static void an_object_that_breaks_off_is_skipped_and_the_next_kept(void **state)
{
	struct fixture *fixture = *state;

	read_text(fixture, "{\"stream\":\"gap\",\"source\":\"xen\",\"samples\":[[1,\n" OBJECT "\n");
	assert_int_equal(fixture->report.streams_count, 1);
	assert_string_equal(fixture->report.streams[0].name, "delivery.spin");
	assert_int_equal(fixture->report.warnings, 1);
}

static void a_contradictory_object_is_skipped(void **state)
{
	static const char *const bad[] = {
		"{\"stream\":\"a b\",\"source\":\"x\",\"cpu\":0,\"n\":0}",
		"{\"stream\":\"a\",\"source\":\"x\",\"n\":0}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":-1,\"n\":0}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0,\"n\":1,\"min\":3,\"max\":2}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0,\"n\":1,\"min\":3,\"max\":3,\"hz\":["
		"0,1]}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0,\"n\":1,\"min\":3,\"max\":3,"
		"\"samples\":[[1,4]]}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0,\"n\":1,\"min\":3,\"max\":3,"
		"\"samples\":[[1,3],[2,3]]}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0,\"n\":2,\"min\":1,\"max\":3,"
		"\"histogram\":{\"underflow\":0,\"overflow\":0,\"bins\":[[1,1]]}}",
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0,\"n\":2,\"min\":1,\"max\":3,"
		"\"histogram\":{\"underflow\":0,\"overflow\":0,\"bins\":[[3,1],[1,1]]}}",
	};
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		read_text(fixture, bad[i]);
		assert_int_equal(fixture->report.streams_count, 0);
		assert_int_equal(fixture->report.warnings, 2);
		jitter_free(&fixture->report);
	}
}

static void a_histogram_stands_in_for_lost_samples(void **state)
{
	const struct jitter_report *report = read_text(*state,
		"{\"stream\":\"a\",\"source\":\"x\",\"cpu\":0,\"n\":100,\"min\":1,\"max\":900,"
		"\"histogram\":{\"underflow\":0,\"overflow\":1,\"bins\":[[1,90],[7,9]]},"
		"\"samples\":[[5,7]]}");
	int64_t value;

	assert_int_equal(report->streams_count, 1);
	assert_true(jitter_percentile(&report->streams[0], 99, 100, &value));
	assert_int_equal(value, 7);
	assert_true(jitter_percentile(&report->streams[0], 999, 1000, &value));
	assert_int_equal(value, 900);
}

static void cyclictest_keeps_its_overflows(void **state)
{
	struct fixture *fixture = *state;
	struct jitter_report *report = &fixture->report;
	int64_t value;

	assert_int_equal(jitter_read_cyclictest(
				 report, "verification/unit/fixtures/cyclictest.json", "linux"),
		0);
	jitter_settle(report);
	assert_int_equal(report->streams_count, 2);
	assert_string_equal(report->streams[0].name, "delivery.halt");
	assert_int_equal(report->streams[0].n, 1997);
	assert_int_equal(report->streams[0].above, 2);
	assert_int_equal(report->streams[0].min, 14);
	assert_int_equal(report->streams[0].max, 2132);
	assert_int_equal(
		jitter_compare_ns(report->streams[0].clock, report->streams[0].max, 2132000), 0);
	assert_true(jitter_percentile(&report->streams[0], 50, 100, &value));
	assert_int_equal(value, 66);
	/* Rank 1,996 of 1,997: beyond the histogram, and not the maximum. */
	assert_false(jitter_percentile(&report->streams[0], 999, 1000, &value));
	assert_non_null(strstr(report->sources[0].facts, "rt-tests"));
	assert_int_equal(report->streams[1].max, 176);
	assert_int_equal(report->streams[1].above, 0);
}

static void oslat_opens_its_last_bucket(void **state)
{
	struct fixture *fixture = *state;
	struct jitter_report *report = &fixture->report;
	int64_t value;

	assert_int_equal(
		jitter_read_oslat(report, "verification/unit/fixtures/oslat.json", "linux"), 0);
	jitter_settle(report);
	assert_int_equal(report->streams_count, 2);
	assert_string_equal(report->streams[0].name, "gap");
	assert_int_equal(
		jitter_compare_ns(report->streams[0].clock, report->streams[0].max, 5679000), 0);
	assert_int_equal(report->streams[0].above, 121);
	assert_true(jitter_percentile(&report->streams[0], 50, 100, &value));
	assert_int_equal(jitter_compare_ns(report->streams[0].clock, value, 1000), 0);
}

static void the_wrong_tools_report_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(jitter_read_oslat(&fixture->report,
				 "verification/unit/fixtures/cyclictest.json", NULL),
		-1);
	fixture_text(fixture->path, "{\"thread\":");
	assert_int_equal(jitter_read_cyclictest(&fixture->report, fixture->path, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(an_object_is_found_among_other_lines),
		FIXTURE_TEST(an_object_broken_over_prefixed_lines_is_joined),
		FIXTURE_TEST(an_object_that_breaks_off_is_skipped_and_the_next_kept),
		FIXTURE_TEST(a_contradictory_object_is_skipped),
		FIXTURE_TEST(a_histogram_stands_in_for_lost_samples),
		FIXTURE_TEST(cyclictest_keeps_its_overflows),
		FIXTURE_TEST(oslat_opens_its_last_bucket),
		FIXTURE_TEST(the_wrong_tools_report_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
