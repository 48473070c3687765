/* A report is read from top to bottom of the file, and says nothing twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"

static struct finding found(const char *file, unsigned line, unsigned column, const char *rule)
{
	return (struct finding){ { file, line, column }, rule, "it is so", "change it" };
}

static void add(struct report *report, struct finding finding)
{
	report_add(report, &finding);
}

static void findings_are_sorted_by_file_line_column_and_rule(void **state)
{
	static const char *const expected[] = { "a1", "a2", "a3", "a4", "b1" };
	struct arena arena = { 0 };
	struct report report = { .arena = &arena };

	(void)state;
	add(&report, found("b.dts", 1, 1, "b1"));
	add(&report, found("a.dts", 10, 1, "a4"));
	add(&report, found("a.dts", 9, 8, "a3"));
	add(&report, found("a.dts", 9, 7, "a2"));
	add(&report, found("a.dts", 9, 7, "a1"));
	report_sort(&report);
	assert_int_equal(report.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(report.findings[i].rule, expected[i]);
	arena_free(&arena);
}

static void a_finding_made_twice_is_kept_once(void **state)
{
	struct arena arena = { 0 };
	struct report report = { .arena = &arena };

	(void)state;
	for (int i = 0; i < 3; i++) {
		add(&report, found("a.dts", 2, 1, "x"));
		add(&report, found("a.dts", 1, 1, "x"));
	}
	report_sort(&report);
	assert_int_equal(report.count, 2);
	arena_free(&arena);
}

static void two_sentences_of_one_rule_in_one_place_are_both_kept(void **state)
{
	struct arena arena = { 0 };
	struct report report = { .arena = &arena };
	struct finding other = found("a.dts", 1, 1, "x");

	(void)state;
	other.sentence = "it is otherwise";
	add(&report, found("a.dts", 1, 1, "x"));
	add(&report, other);
	report_sort(&report);
	assert_int_equal(report.count, 2);
	arena_free(&arena);
}

static void a_thousand_findings_are_all_kept(void **state)
{
	struct arena arena = { 0 };
	struct report report = { .arena = &arena };

	(void)state;
	for (unsigned line = 1000; line > 0; line--)
		add(&report, found("a.dts", line, 1, "x"));
	report_sort(&report);
	assert_int_equal(report.count, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(report.findings[i].at.line, i + 1);
	arena_free(&arena);
}

static char *printed(struct finding finding)
{
	struct arena arena = { 0 };
	struct report report = { .arena = &arena };
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	assert_non_null(stream);
	add(&report, finding);
	report_print(&report, stream);
	fclose(stream);
	arena_free(&arena);
	return text;
}

static void an_error_line_has_place_rule_sentence_and_repair(void **state)
{
	char *text = printed(found("a.dts", 3, 4, "some-rule"));

	(void)state;
	assert_string_equal(text, "a.dts:3:4: error: [some-rule] it is so; change it\n");
	free(text);
}

static void an_unknown_line_is_left_out(void **state)
{
	char *text = printed(found("a.dts", 0, 0, "some-rule"));

	(void)state;
	assert_string_equal(text, "a.dts: error: [some-rule] it is so; change it\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_sorted_by_file_line_column_and_rule),
		cmocka_unit_test(a_finding_made_twice_is_kept_once),
		cmocka_unit_test(two_sentences_of_one_rule_in_one_place_are_both_kept),
		cmocka_unit_test(a_thousand_findings_are_all_kept),
		cmocka_unit_test(an_error_line_has_place_rule_sentence_and_repair),
		cmocka_unit_test(an_unknown_line_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
