/* The command as a gate: exit codes, and reports that say the same in every format. */
#include "jitter_fixture.h"

/* A probe whose worst sample is exactly 20 ns. */
static const char *image(struct fixture *fixture)
{
	struct sample_stream *stream = fixture_stream(fixture, "delivery.spin", "probe");

	fixture_sample(stream, 2);
	fixture_sample(stream, 20);
	fixture_sample(stream, 2);
	fixture_write(fixture, FIXTURE_BYTES);
	return fixture->path;
}

static void a_bound_at_the_maximum_passes(void **state)
{
	assert_int_equal(FIXTURE_RUN("--ram", image(*state), "--bound", "delivery=20"), 0);
}

static void a_bound_one_tick_below_the_maximum_fails(void **state)
{
	assert_int_equal(FIXTURE_RUN("--ram", image(*state), "--bound", "delivery=19"), 1);
}

static void a_sample_too_early_fails_as_one_too_late(void **state)
{
	struct fixture *fixture = *state;
	struct sample_stream *stream = fixture_stream(fixture, "phase", "nav");

	stream->histogram_first = -100;
	fixture_sample(stream, -11);
	fixture_sample(stream, 3);
	image(fixture);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--bound", "phase=11"), 0);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--bound", "phase=10"), 1);
}

static void a_bound_on_a_stream_that_is_not_there_fails(void **state)
{
	const char *path = image(*state);

	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "phase=1000"), 1);
	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "xen:delivery=1000"), 1);
	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "deliver=1000"), 1);
	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "probe:delivery=1000"), 0);
}

static void a_required_stream_must_be_complete(void **state)
{
	struct fixture *fixture = *state;

	fixture_sample(fixture_stream(fixture, "gap", "probe"), 1);
	fixture_stream(fixture, "phase", "probe")->state = SAMPLES_COMPLETE; /* empty */
	image(fixture);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--require", "gap"), 0);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--require", "phase"), 1);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--require", "vtimer"), 1);
	((struct sample_stream *)(void *)(fixture->ram + 4096))->state = SAMPLES_RUNNING;
	fixture_write(fixture, FIXTURE_BYTES);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--require", "gap"), 1);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--bound", "gap=5"), 1);
}

static void bounds_of_the_description_are_judged(void **state)
{
	struct fixture *fixture = *state;
	char *system = fixture_path(fixture, "system.json");

	image(fixture);
	fixture_text(
		system, "{\"partitions\":[{\"name\":\"probe\",\"bounds\":{\"delivery\":20}}]}");
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--system", system), 0);
	fixture_text(
		system, "{\"partitions\":[{\"name\":\"probe\",\"bounds\":{\"delivery\":19}}]}");
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--system", system), 1);
	fixture_text(
		system, "{\"partitions\":[{\"name\":\"other\",\"bounds\":{\"delivery\":99}}]}");
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--system", system), 1);
	fixture_text(system, "[]");
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--system", system), 1);
	free(system);
}

static void wrong_usage_is_told_from_a_failure(void **state)
{
	const char *path = image(*state);

	assert_int_equal(FIXTURE_RUN("--nonsense"), 2);
	assert_int_equal(FIXTURE_RUN("--title", "nothing to report on"), 2);
	assert_int_equal(FIXTURE_RUN("--ram", path, "stray"), 2);
	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "delivery"), 2);
	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "delivery=-3"), 2);
	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "delivery=3us"), 2);
	assert_int_equal(FIXTURE_RUN("--ram", path, "--bound", "=3"), 2);
	assert_int_equal(FIXTURE_RUN("--ram", "no/such/file"), 1);
}

static void the_json_report_carries_the_exact_figures(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_path(fixture, "report.json");
	json_t *root, *stream;

	assert_int_equal(
		FIXTURE_RUN("--ram", image(fixture), "--bound", "delivery=19", "--json", path), 1);
	root = json_load_file(path, 0, NULL);
	stream = json_array_get(json_object_get(root, "streams"), 0);
	assert_false(json_is_true(json_object_get(root, "pass")));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(stream, "ns"), "max")), 20);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(stream, "ns"), "p50")), 2);
	assert_string_equal(json_string_value(json_object_get(stream, "verdict")), "fail");
	json_decref(root);
	free(path);
}

static void the_csv_has_a_row_per_sample(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_path(fixture, "report.csv"), *text;

	assert_int_equal(FIXTURE_RUN("--ram", image(fixture), "--csv", path), 0);
	text = fixture_slurp(path);
	assert_string_equal(text, "system,stream,cpu,row,number,tsc,ticks,ns,count\n"
				  "probe,delivery.spin,0,sample,0,1102,2,2,1\n"
				  "probe,delivery.spin,0,sample,1,1220,20,20,1\n"
				  "probe,delivery.spin,0,sample,2,1302,2,2,1\n");
	free(text);
	free(path);
}

static void the_text_puts_the_maximum_first_and_the_verdict_last(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_path(fixture, "report.txt"), *text;

	assert_int_equal(
		FIXTURE_RUN("--ram", image(fixture), "--bound", "delivery=19", "--text", path), 1);
	text = fixture_slurp(path);
	assert_true(strstr(text, "MAX") < strstr(text, "p50"));
	assert_non_null(strstr(text, "\nFAIL: 1 of 1 demands broken; delivery.spin of probe cpu 0: "
				     "20 ns, the bound is 19 ns\n"));
	assert_string_equal(
		strrchr(text, ';'), "; delivery.spin of probe cpu 0: 20 ns, the bound is 19 ns\n");
	free(text);
	free(path);
}

static void the_page_needs_nothing_from_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_path(fixture, "report.html"), *text, *at;

	assert_int_equal(
		FIXTURE_RUN("--ram", image(fixture), "--title", "<i>&", "--html", path), 0);
	text = fixture_slurp(path);
	assert_non_null(strstr(text, "<h1>&lt;i&gt;&amp;</h1>"));
	assert_null(strstr(text, " src="));
	assert_null(strstr(text, "<link"));
	assert_null(strstr(text, "@import"));
	assert_null(strstr(text, "url(http"));
	for (at = text; (at = strstr(at, "http")); at++) /* namespaces name, they do not load */
		assert_int_equal(strncmp(at, "http://www.w3.org/", 18), 0);
	assert_int_equal(strstr(text, "</svg>") != NULL, 1);
	free(text);
	free(path);
}

static void the_picture_names_the_worst_sample(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_path(fixture, "report.svg"), *text;

	assert_int_equal(FIXTURE_RUN("--ram", image(fixture), "--svg", path), 0);
	text = fixture_slurp(path);
	assert_non_null(strstr(text, "worst of probe: 20 ns"));
	free(text);
	free(path);
}

static void a_failed_output_leaves_no_file(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_path(fixture, "report.svg");
	char *nowhere = fixture_path(fixture, "no/such/report.json");

	assert_int_equal(
		FIXTURE_RUN("--ram", image(fixture), "--svg", path, "--figure", "phase"), 1);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(FIXTURE_RUN("--ram", fixture->path, "--json", nowhere), 1);
	free(nowhere);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_bound_at_the_maximum_passes),
		FIXTURE_TEST(a_bound_one_tick_below_the_maximum_fails),
		FIXTURE_TEST(a_sample_too_early_fails_as_one_too_late),
		FIXTURE_TEST(a_bound_on_a_stream_that_is_not_there_fails),
		FIXTURE_TEST(a_required_stream_must_be_complete),
		FIXTURE_TEST(bounds_of_the_description_are_judged),
		FIXTURE_TEST(wrong_usage_is_told_from_a_failure),
		FIXTURE_TEST(the_json_report_carries_the_exact_figures),
		FIXTURE_TEST(the_csv_has_a_row_per_sample),
		FIXTURE_TEST(the_text_puts_the_maximum_first_and_the_verdict_last),
		FIXTURE_TEST(the_page_needs_nothing_from_elsewhere),
		FIXTURE_TEST(the_picture_names_the_worst_sample),
		FIXTURE_TEST(a_failed_output_leaves_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
