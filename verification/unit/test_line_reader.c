/* The protocol's lines among everything else that a serial line carries. */
#include "unit.h"

#include <string.h>

#include "line_reader.h"

/* Feeds text; the lines of the protocol, each ended by '|'. */
static const char *lines_of(const char *text, size_t bytes)
{
	static char found[8 * WIRE_LINE_BYTES];
	struct line_reader reader = { 0 };
	size_t i;

	found[0] = '\0';
	for (i = 0; i < bytes; i++)
		if (line_reader_take(&reader, text[i])) {
			strcat(found, reader.text);
			strcat(found, "|");
		}
	return found;
}
#define LINES(text) lines_of(text, sizeof(text) - 1)

static void a_line_that_begins_with_a_brace_is_the_protocols(void **state)
{
	(void)state;
	assert_string_equal(LINES("{\"v\":1}\n"), "{\"v\":1}|");
	assert_string_equal(LINES("{a}\r\n{b}\n"), "{a}|{b}|");
}

static void text_for_people_is_passed_by(void **state)
{
	(void)state;
	assert_string_equal(LINES("[nav] {\"v\":1}\n{a}\nMullion: demo\n\n \n"), "{a}|");
}

static void half_a_line_does_not_swallow_the_next(void **state)
{
	(void)state;
	assert_string_equal(LINES("lf of it\"}\n{a}\n"), "{a}|");
	assert_string_equal(LINES("{a}"), "");
}

static void a_line_is_at_most_1024_bytes_with_its_newline(void **state)
{
	char text[2 * WIRE_LINE_BYTES];
	const char *found;

	(void)state;
	memset(text, '{', sizeof(text));
	text[WIRE_LINE_BYTES - 1] = '\n';
	found = lines_of(text, WIRE_LINE_BYTES);
	assert_int_equal(strlen(found), WIRE_LINE_BYTES);
	text[WIRE_LINE_BYTES - 1] = '{';
	text[WIRE_LINE_BYTES] = '\n';
	memcpy(text + WIRE_LINE_BYTES + 1, "{a}\n", 4);
	assert_string_equal(lines_of(text, WIRE_LINE_BYTES + 5), "{a}|");
}

static void a_nul_makes_a_line_somebody_elses(void **state)
{
	(void)state;
	assert_string_equal(LINES("{a\0b}\n{c}\n"), "{c}|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_begins_with_a_brace_is_the_protocols),
		cmocka_unit_test(text_for_people_is_passed_by),
		cmocka_unit_test(half_a_line_does_not_swallow_the_next),
		cmocka_unit_test(a_line_is_at_most_1024_bytes_with_its_newline),
		cmocka_unit_test(a_nul_makes_a_line_somebody_elses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
