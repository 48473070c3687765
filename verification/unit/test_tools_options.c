/*
 * Command lines of the RDMA tools: those of the originals are taken, others are refused, and why is said.
 */
#include "unit.h"

#include "options.h"

#define WORDS_MOST 16u

static struct options options;

/* NULL: taken. */
static const char *parse(const char *const line)
{
	static char text[256];
	char *words[WORDS_MOST], *rest = text;
	unsigned count = 0;

	assert_true(strlen(line) < sizeof(text));
	strcpy(text, line);
	for (char *word = strtok_r(text, " ", &rest); word != NULL && count < WORDS_MOST;
		word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	assert_true(count != 0 && options_tool(words[0]) != TOOLS);
	return options_parse(options_tool(words[0]), words + 1, count - 1, &options);
}

static void every_tool_has_a_name_and_runs_without_options(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TOOLS; i++) {
		const char *const name = options_tool_name((enum tool)i);

		assert_int_equal(options_tool(name), i);
		if (i == TOOL_RPING)
			continue;
		assert_null(parse(name));
		assert_true(options.server);
		assert_int_equal(options.port, 18515);
		assert_true(options.bytes != 0 && options.count != 0);
	}
	assert_int_equal(options_tool("ping"), TOOLS);
}

static void words_of_the_originals_are_taken(void **state)
{
	(void)state;
	assert_null(parse("rc_pingpong -d rxe0 -g 1 -n 7 -s 1000 -m 512 -p 2000 10.9.0.2"));
	assert_false(options.server);
	assert_int_equal(options.peer, 0x0a090002);
	assert_int_equal(options.count, 7);
	assert_int_equal(options.bytes, 1000);
	assert_int_equal(options.mtu, IBV_MTU_512);
	assert_int_equal(options.port, 2000);
	assert_null(parse("write_lat -x 1 -F -c UC -s 4096"));
	assert_int_equal(options.type, IBV_QPT_UC);
	assert_int_equal(options.timeout, 14);
	assert_null(parse("write_lat -u 18"));
	assert_int_equal(options.timeout, 18);
	assert_null(parse("atomic_lat -A CMP_AND_SWAP -s 4"));
	assert_int_equal(options.atomic, IBV_WR_ATOMIC_CMP_AND_SWP);
	assert_int_equal(options.bytes, 8);
	assert_null(parse("rping -c -a 10.9.0.2 -C 3 -S 1000 -V -v"));
	assert_false(options.server);
	assert_int_equal(options.port, 7174);
	assert_int_equal(options.bytes, 1000);
	assert_null(parse("rping -s"));
	assert_true(options.server);
}

static void what_cannot_be_run_is_refused(void **state)
{
	static const char *const lines[] = { "rc_pingpong -n", "rc_pingpong -n 0",
		"rc_pingpong -n x", "rc_pingpong -n -1", "rc_pingpong -s 1048577",
		"rc_pingpong -m 1000", "rc_pingpong -m 8192", "rc_pingpong -z 1", "rc_pingpong - 1",
		"rc_pingpong -nn 1", "rc_pingpong 10.9.0", "rc_pingpong host",
		"rc_pingpong 10.9.0.300", "rc_pingpong -c UC", "rc_pingpong -p 65536",
		"rc_pingpong -C 3", "rc_pingpong -u 0", "rc_pingpong -u 32", "ud_pingpong -s 1025",
		"ud_pingpong -m 256 -s 257", "read_lat -c UC", "atomic_lat -c UD",
		"write_lat -c UD", "write_lat -c XX", "atomic_lat -A ADD",
		"send_lat -A FETCH_AND_ADD", "rping", "rping -c", "rping -n 3 -s",
		"rping -s 10.9.0.2", "write_lat 123456789012345678901234567890" };

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (parse(lines[i]) == NULL)
			fail_msg("taken: %s", lines[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tool_has_a_name_and_runs_without_options),
		cmocka_unit_test(words_of_the_originals_are_taken),
		cmocka_unit_test(what_cannot_be_run_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
