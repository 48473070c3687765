/*
 * The protocol's parser, with what it has to take and with what it has to refuse.
 */
#include "unit.h"

#include "request.h"

static const char *parse(struct request *const r, const char *const line)
{
	/* Of exactly the line's length: the sanitizer watches its end. */
	const size_t bytes = strlen(line);
	char *const exact = malloc(bytes != 0 ? bytes : 1);
	const char *fault;

	memcpy(exact, line, bytes);
	fault = request_parse(r, exact, (uint32_t)bytes);
	free(exact);
	return fault;
}

static void a_request_is_taken_apart_into_its_members(void **state)
{
	struct request r;

	(void)state;
	assert_null(parse(
		&r, "{\"v\":1,\"id\":7,\"cmd\":\"restart\",\"partition\":\"nav\",\"cold\":true}"));
	assert_int_equal(r.count, 5);
	assert_int_equal(request_member(&r, "id")->number, 7);
	assert_int_equal(request_member(&r, "id")->kind, VALUE_NUMBER);
	assert_string_equal(request_member(&r, "partition")->text, "nav");
	assert_int_equal(request_member(&r, "partition")->length, 3);
	assert_int_equal(request_member(&r, "cold")->kind, VALUE_BOOL);
	assert_int_equal(request_member(&r, "cold")->number, 1);
	assert_null(request_member(&r, "mac"));
	assert_null(request_member(&r, "par"));
}

static void blanks_between_tokens_change_nothing(void **state)
{
	struct request r;

	(void)state;
	assert_null(parse(&r, " { \"v\"\t: 1 , \"cold\" : false } "));
	assert_int_equal(request_member(&r, "v")->number, 1);
	assert_int_equal(request_member(&r, "cold")->number, 0);
	assert_null(parse(&r, "{ }"));
	assert_int_equal(r.count, 0);
}

static void escapes_stand_for_their_characters(void **state)
{
	struct request r;

	(void)state;
	assert_null(parse(&r, "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u007E\"}"));
	assert_string_equal(request_member(&r, "a")->text, "\"\\/\b\f\n\r\tA~");
}

static void the_largest_number_is_taken_and_the_next_refused(void **state)
{
	struct request r;

	(void)state;
	assert_null(parse(&r, "{\"a\":9223372036854775807}"));
	assert_true(request_member(&r, "a")->number == INT64_MAX);
	assert_non_null(parse(&r, "{\"a\":9223372036854775808}"));
	assert_non_null(parse(&r, "{\"a\":99999999999999999999999999999999}"));
}

static void what_is_no_flat_object_is_refused(void **state)
{
	static const char *const lines[] = { "", "{", "}", "{}}", "{} {}", "[]", "[1]", "1",
		"\"a\"", "null", "nav", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,",
		"{\"a\":1,}", "{,\"a\":1}", "{\"a\" 1}", "{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}",
		"{\"a\":1;\"b\":2}", "{\"a\":[1]}", "{\"a\":{}}", "{\"a\":null}", "{\"a\":tru}",
		"{\"a\":truex}", "{\"a\":True}", "{\"a\":t", "{\"a\":fals", "{\"a\":1}x",
		"{\"a\":\"b}", "{\"a", "{\"", "{\"a\":\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct request r;

		if (parse(&r, lines[i]) == NULL)
			fail_msg("taken: %s", lines[i]);
	}
}

static void numbers_that_are_not_whole_or_plain_are_refused(void **state)
{
	static const char *const values[] = { "-1", "+1", "01", "00", "1.0", "1e3", "1E3", ".5",
		"0x10", "1 2", "1_000", "NaN" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct request r;
		char line[64];

		snprintf(line, sizeof(line), "{\"a\":%s}", values[i]);
		if (parse(&r, line) == NULL)
			fail_msg("taken: %s", line);
	}
}

static void strings_that_are_not_ascii_are_refused(void **state)
{
	static const char *const values[] = { "\xc3\xa4", "\x7f", "\t", "\x01", "\\x41", "\\u004",
		"\\u00g0", "\\u0000", "\\u0080", "\\ud800", "\\", "\\u", "\xff\xfe", "\\U0041" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct request r;
		char line[64];

		snprintf(line, sizeof(line), "{\"a\":\"%s\"}", values[i]);
		if (parse(&r, line) == NULL)
			fail_msg("taken: %s", line);
		snprintf(line, sizeof(line), "{\"%s\":1}", values[i]);
		if (parse(&r, line) == NULL)
			fail_msg("taken as a name: %s", line);
	}
}

static void a_nul_within_the_line_is_refused(void **state)
{
	static const char line[] = "{\"a\":\"\0\"}";
	struct request r;

	(void)state;
	assert_non_null(request_parse(&r, line, sizeof(line) - 1));
	assert_non_null(request_parse(&r, "{}\0", 3));
}

static void a_member_said_twice_is_refused(void **state)
{
	struct request r;

	(void)state;
	assert_non_null(parse(&r, "{\"a\":1,\"a\":1}"));
	assert_non_null(parse(&r, "{\"a\":1,\"\\u0061\":1}"));
	assert_null(parse(&r, "{\"a\":1,\"A\":1}"));
}

static void more_members_than_any_command_has_are_refused(void **state)
{
	struct request r;

	(void)state;
	assert_null(parse(&r,
		"{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,"
		"\"j\":0}"));
	assert_int_equal(r.count, REQUEST_MEMBERS);
	assert_non_null(parse(&r,
		"{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,"
		"\"j\":0,\"k\":0}"));
}

static void a_name_too_long_to_be_known_is_cut_and_matches_nothing(void **state)
{
	struct request r;

	(void)state;
	assert_null(parse(&r, "{\"partitionpartitionpartition\":1}"));
	assert_null(request_member(&r, "partition"));
	assert_int_equal(strlen(r.members[0].key), KEY_BYTES - 1);
}

static void the_longest_lines_fit_the_storage(void **state)
{
	char line[LINE_BYTES];
	struct request r;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "{\"a\":\"", 6);
	memcpy(&line[LINE_BYTES - 3], "\"}", 2);
	assert_null(request_parse(&r, line, LINE_BYTES - 1));
	assert_int_equal(request_member(&r, "a")->length, LINE_BYTES - 9);
	line[LINE_BYTES - 2] = 'x';
	assert_non_null(request_parse(&r, line, LINE_BYTES - 1));
	memset(line, 'x', sizeof(line));
	memcpy(line, "{\"", 2);
	assert_non_null(request_parse(&r, line, LINE_BYTES - 1));
}

/* Every prefix of a good line, and every byte of it replaced by every other. */
static void no_damage_of_a_good_line_reads_beyond_it(void **state)
{
	static const char good[] =
		"{\"v\":1,\"id\":70,\"cmd\":\"log\",\"from\":9,\"cold\":false,\"x\":\"\\u0041\"}";
	struct request r;

	(void)state;
	for (size_t bytes = 0; bytes < sizeof(good) - 1; bytes++) {
		char *const exact = malloc(bytes != 0 ? bytes : 1);

		memcpy(exact, good, bytes);
		assert_non_null(request_parse(&r, exact, (uint32_t)bytes));
		free(exact);
	}
	for (size_t at = 0; at < sizeof(good) - 1; at++)
		for (unsigned byte = 0; byte < 256; byte++) {
			char *const exact = malloc(sizeof(good) - 1);

			memcpy(exact, good, sizeof(good) - 1);
			exact[at] = (char)byte;
			if (request_parse(&r, exact, sizeof(good) - 1) == NULL)
				assert_true(r.count <= 6 && r.used < sizeof(r.storage));
			free(exact);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart_into_its_members),
		cmocka_unit_test(blanks_between_tokens_change_nothing),
		cmocka_unit_test(escapes_stand_for_their_characters),
		cmocka_unit_test(the_largest_number_is_taken_and_the_next_refused),
		cmocka_unit_test(what_is_no_flat_object_is_refused),
		cmocka_unit_test(numbers_that_are_not_whole_or_plain_are_refused),
		cmocka_unit_test(strings_that_are_not_ascii_are_refused),
		cmocka_unit_test(a_nul_within_the_line_is_refused),
		cmocka_unit_test(a_member_said_twice_is_refused),
		cmocka_unit_test(more_members_than_any_command_has_are_refused),
		cmocka_unit_test(a_name_too_long_to_be_known_is_cut_and_matches_nothing),
		cmocka_unit_test(the_longest_lines_fit_the_storage),
		cmocka_unit_test(no_damage_of_a_good_line_reads_beyond_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
