/*
 * Lines and commands: every line gets one answer, every command does what it says and nothing else,
 * and what is wrong is refused by its name, counted, and changes nothing.
 */
#include "unit.h"

#include <jansson.h>

#include "fake_control.h"

static struct control control;
static struct session session;
static char said[65536];

static int begin(void **state)
{
	(void)state;
	fake_control(&control);
	session_begin(&session, &control, SESSION_KEYED);
	return 0;
}

/* Says a line; returns how many came back, all of them JSON. */
static unsigned tell(const char *const line)
{
	const unsigned lines = fake_talk(&session, line, strlen(line), said, sizeof(said));

	for (const char *at = said; *at != '\0';) {
		const char *const end = strchr(at, '\n');
		json_t *const json = json_loadb(at, (size_t)(end - at), 0, NULL);

		if (json == NULL)
			fail_msg("not JSON: %s", at);
		json_decref(json);
		at = end + 1;
	}
	return lines;
}

static void assert_says(const char *const part)
{
	if (strstr(said, part) == NULL)
		fail_msg("no %s in %s", part, said);
}

#define ASK(rest) "{\"v\":1,\"id\":7,\"cmd\":" rest "}\n"

static void refused(const char *const line, const enum refusal refusal)
{
	const uint64_t before = control.refused[refusal];
	char part[64];

	assert_int_equal(tell(line), 1);
	snprintf(part, sizeof(part), "\"ok\":false,\"error\":\"%s\",\"text\":\"",
		refusal_word(refusal));
	assert_says(part);
	assert_true(control.refused[refusal] == before + 1);
	assert_false(session_busy(&session));
}

static void without_a_key_nothing_has_to_be_proved(void **state)
{
	(void)state;
	assert_int_equal(tell(ASK("\"list\"")), 1);
	assert_says(
		"{\"v\":1,\"id\":7,\"ok\":true,\"result\":{\"partitions\":[{\"name\":\"control\"");
}

static void an_empty_line_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(tell("\n\n\r\n\n"), 0);
}

static void a_line_may_end_as_a_terminal_ends_it(void **state)
{
	(void)state;
	assert_int_equal(tell("{\"v\":1,\"cmd\":\"version\"}\r\n"), 1);
	assert_says("{\"v\":1,\"id\":0,\"ok\":true,\"result\":{\"abi\":1,\"protocol\":1,\"boots\":"
		    "2,\"image\":\"0000000000000000\"}}");
}

static void half_a_line_waits_for_its_end(void **state)
{
	(void)state;
	assert_int_equal(tell("{\"v\":1,\"id\":7,\"cm"), 0);
	assert_int_equal(tell("d\":\"version\"}"), 0);
	assert_int_equal(tell("\n"), 1);
	assert_says("\"ok\":true");
}

static void a_predecessors_half_line_costs_one_error_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(tell("{\"v\":1,\"id\":7,\"cm"), 0);
	refused("\n", REFUSED_MALFORMED);
	assert_says("\"id\":0");
	assert_int_equal(tell(ASK("\"version\"")), 1);
	assert_says("\"ok\":true");
}

static void several_lines_at_once_get_an_answer_each(void **state)
{
	(void)state;
	assert_int_equal(tell(ASK("\"version\"") "garbage\n" ASK("\"list\"")), 3);
	assert_int_equal(control.refused[REFUSED_MALFORMED], 1);
}

static void a_line_of_1024_bytes_is_taken_and_one_of_1025_is_not(void **state)
{
	char line[LINE_BYTES + 2];

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"v\":1,\"cmd\":\"version\"}", 23);
	line[LINE_BYTES - 1] = '\n';
	line[LINE_BYTES] = '\0';
	assert_int_equal(tell(line), 1);
	assert_says("\"ok\":true");
	line[LINE_BYTES - 1] = ' ';
	line[LINE_BYTES] = '\n';
	line[LINE_BYTES + 1] = '\0';
	refused(line, REFUSED_OVERSIZED);
}

static void a_line_without_end_is_answered_once_it_ends(void **state)
{
	char block[4096];

	(void)state;
	memset(block, '{', sizeof(block));
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(fake_talk(&session, block, sizeof(block), said, sizeof(said)), 0);
	refused("\n", REFUSED_OVERSIZED);
	assert_int_equal(tell(ASK("\"version\"")), 1);
}

static void an_id_comes_back_or_is_refused(void **state)
{
	(void)state;
	tell("{\"v\":1,\"id\":2147483647,\"cmd\":\"version\"}\n");
	assert_says("\"id\":2147483647");
	refused("{\"v\":1,\"id\":2147483648,\"cmd\":\"version\"}\n", REFUSED_BAD_ARGUMENT);
	refused("{\"v\":1,\"id\":\"7\",\"cmd\":\"version\"}\n", REFUSED_BAD_ARGUMENT);
	refused("{\"v\":1,\"id\":-7,\"cmd\":\"version\"}\n", REFUSED_MALFORMED);
}

static void another_version_is_refused(void **state)
{
	(void)state;
	refused("{\"id\":7,\"cmd\":\"version\"}\n", REFUSED_BAD_ARGUMENT);
	refused("{\"v\":2,\"id\":7,\"cmd\":\"version\"}\n", REFUSED_BAD_ARGUMENT);
	refused("{\"v\":\"1\",\"id\":7,\"cmd\":\"version\"}\n", REFUSED_BAD_ARGUMENT);
}

static void a_command_that_does_not_exist_is_refused_by_its_name(void **state)
{
	(void)state;
	refused(ASK("\"reboot\""), REFUSED_UNKNOWN_COMMAND);
	assert_says("there is no command reboot");
	refused(ASK("\"\""), REFUSED_UNKNOWN_COMMAND);
	refused(ASK("\"listx\""), REFUSED_UNKNOWN_COMMAND);
	refused(ASK("\"li\""), REFUSED_UNKNOWN_COMMAND);
	refused(ASK("\"list\\u0001\""), REFUSED_UNKNOWN_COMMAND);
	refused("{\"v\":1,\"id\":7}\n", REFUSED_BAD_ARGUMENT);
	refused("{\"v\":1,\"cmd\":1}\n", REFUSED_BAD_ARGUMENT);
}

static void what_a_command_does_not_know_is_refused(void **state)
{
	(void)state;
	refused(ASK("\"list\",\"partition\":\"nav\""), REFUSED_BAD_ARGUMENT);
	assert_says("this command has no member partition");
	refused(ASK("\"stop\",\"partition\":\"nav\",\"cold\":true"), REFUSED_BAD_ARGUMENT);
	refused(ASK("\"stop\",\"partition\":\"nav\",\"\":true"), REFUSED_BAD_ARGUMENT);
	refused(ASK("\"stop\",\"partition\":\"nav\",\"part\":1"), REFUSED_BAD_ARGUMENT);
	refused(ASK("\"dump\",\"partition\":\"nav\",\"page vcpu\":1"), REFUSED_BAD_ARGUMENT);
	assert_int_equal(fake_calls, 0);
}

/* Each line changes the node by exactly this hypercall, or not at all. */
static void changes(const char *const line, const enum mullion_hypercall number,
	const uint64_t first, const uint64_t second)
{
	fake_calls = 0;
	assert_int_equal(tell(line), 1);
	assert_says("\"ok\":true");
	assert_int_equal(fake_calls, 1);
	assert_int_equal(fake_last.number, number);
	assert_true(fake_last.first == first && fake_last.second == second);
}

static void partitions_are_changed_by_one_hypercall_each(void **state)
{
	(void)state;
	changes(ASK("\"stop\",\"partition\":\"nav\""), MULLION_HC_STOP, 1, 0);
	assert_says("\"result\":{\"state\":\"running\"}");
	changes(ASK("\"start\",\"partition\":\"watch\""), MULLION_HC_START, 2, 0);
	changes(ASK("\"restart\",\"partition\":\"nav\""), MULLION_HC_RESTART, 1,
		MULLION_RESTART_WARM);
	changes(ASK("\"restart\",\"partition\":\"nav\",\"cold\":false"), MULLION_HC_RESTART, 1,
		MULLION_RESTART_WARM);
	fake_status[1].state = MULLION_STATE_RESTARTING;
	changes(ASK("\"restart\",\"partition\":\"nav\",\"cold\":true"), MULLION_HC_RESTART, 1,
		MULLION_RESTART_COLD);
	assert_says("\"result\":{\"state\":\"restarting\"}");
}

#define LOAD(rest) ASK("\"load\",\"partition\":\"nav\",\"page\":" rest)

/* A line with `length` digits of data, all 'A' but the last, and these two there. */
static const char *load_line(const unsigned length, const char *const end)
{
	static char line[LINE_BYTES];
	char digits[800];

	memset(digits, 'A', sizeof(digits));
	strcpy(&digits[length - 2], end);
	snprintf(line, sizeof(line), LOAD("0,\"part\":7,\"data\":\"%s\""), digits);
	return line;
}

static void data_is_a_whole_block_in_base64_or_nothing_is_done(void **state)
{
	static const char *const ends[] = { "AA", "==", "B=", "D=", "=A", "-=", "\\n=" };

	(void)state;
	changes(load_line(684, "A="), MULLION_HC_POKE, 1, 7);
	changes(load_line(684, "8="), MULLION_HC_POKE, 1, 7);
	fake_calls = 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		refused(load_line(684, ends[i]), REFUSED_BAD_ARGUMENT);
	refused(load_line(680, "A="), REFUSED_BAD_ARGUMENT);
	refused(load_line(688, "A="), REFUSED_BAD_ARGUMENT);
	assert_int_equal(fake_calls, 0);
	fake_result = MULLION_EAGAIN;
	refused(load_line(684, "A="), REFUSED_NOT_NOW);
	fake_result = MULLION_EINVAL;
	refused(load_line(684, "A="), REFUSED_BAD_ARGUMENT);
}

static void what_the_kernel_refuses_is_said(void **state)
{
	(void)state;
	fake_result = MULLION_EAGAIN;
	refused(ASK("\"stop\",\"partition\":\"nav\""), REFUSED_NOT_NOW);
	refused(ASK("\"schedule\",\"name\":\"degraded\""), REFUSED_NOT_NOW);
	refused(ASK("\"dump\",\"partition\":\"nav\",\"page\":0"), REFUSED_NOT_NOW);
	refused(LOAD("0,\"part\":0,\"zeros\":1"), REFUSED_NOT_NOW);
	fake_result = MULLION_EINVAL;
	refused(ASK("\"start\",\"partition\":\"nav\""), REFUSED_NOT_POSSIBLE);
	assert_says("nav runs; restart starts it anew");
	refused(ASK("\"schedule\",\"name\":\"degraded\""), REFUSED_NOT_POSSIBLE);
	refused(ASK("\"dump\",\"partition\":\"nav\",\"page\":99"), REFUSED_BAD_ARGUMENT);
}

static void control_does_not_end_itself(void **state)
{
	(void)state;
	refused(ASK("\"stop\",\"partition\":\"control\""), REFUSED_NOT_POSSIBLE);
	refused(ASK("\"restart\",\"partition\":\"control\""), REFUSED_NOT_POSSIBLE);
	refused(ASK("\"dump\",\"partition\":\"control\",\"page\":0"), REFUSED_NOT_POSSIBLE);
	refused(ASK("\"load\",\"partition\":\"control\",\"page\":0,\"part\":0,\"zeros\":1"),
		REFUSED_NOT_POSSIBLE);
	assert_int_equal(fake_calls, 0);
}

static void an_unknown_partition_is_named_and_nothing_happens(void **state)
{
	static const char *const lines[] = { ASK("\"stop\",\"partition\":\"navi\""),
		ASK("\"start\",\"partition\":\"na\""), ASK("\"restart\",\"partition\":\"\""),
		ASK("\"info\",\"partition\":\"NAV\""),
		ASK("\"console\",\"partition\":\"x\",\"attach\":true"),
		ASK("\"dump\",\"partition\":\"nav \",\"page\":0") };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		refused(lines[i], REFUSED_UNKNOWN_PARTITION);
	assert_int_equal(fake_calls, 0);
}

static void an_unknown_name_is_quoted_safely_and_not_at_length(void **state)
{
	char line[600];

	(void)state;
	refused(ASK("\"info\",\"partition\":\"\\\"\\n\\u0001\\\\\""), REFUSED_UNKNOWN_PARTITION);
	assert_says("there is no partition \\\"\\n\\u0001\\\\; list");
	snprintf(line, sizeof(line), "{\"v\":1,\"cmd\":\"info\",\"partition\":\"%0500d\"}\n", 1);
	refused(line, REFUSED_UNKNOWN_PARTITION);
	assert_true(strlen(said) < 160);
}

static void arguments_of_another_kind_are_refused(void **state)
{
	static const char *const lines[] = { ASK("\"stop\""), ASK("\"stop\",\"partition\":1"),
		ASK("\"restart\",\"partition\":\"nav\",\"cold\":1"),
		ASK("\"restart\",\"partition\":\"nav\",\"cold\":\"true\""),
		ASK("\"console\",\"partition\":\"nav\""),
		ASK("\"console\",\"partition\":\"nav\",\"attach\":1"),
		ASK("\"schedule\",\"name\":1"), ASK("\"health\",\"attach\":\"yes\""),
		ASK("\"log\""), ASK("\"log\",\"from\":\"0\""), ASK("\"log\",\"from\":1"),
		ASK("\"journal\",\"from\":1"), ASK("\"trace\",\"from\":0"),
		ASK("\"trace\",\"cpu\":0"), ASK("\"trace\",\"cpu\":1,\"from\":0"),
		ASK("\"trace\",\"cpu\":0,\"from\":0,\"marks\":1"),
		ASK("\"trace\",\"cpu\":0,\"from\":1,\"marks\":true"),
		ASK("\"trace\",\"cpu\":64,\"from\":0"),
		ASK("\"trace\",\"cpu\":9223372036854775807,\"from\":0"),
		ASK("\"dump\",\"partition\":\"nav\""),
		ASK("\"dump\",\"partition\":\"nav\",\"page\":1,\"vcpu\":0"),
		ASK("\"dump\",\"partition\":\"nav\",\"page\":4294967296"),
		ASK("\"dump\",\"partition\":\"nav\",\"vcpu\":4503599627370496"),
		ASK("\"dump\",\"partition\":\"nav\",\"page\":1,\"pages\":0"),
		ASK("\"dump\",\"partition\":\"nav\",\"page\":1,\"pages\":257"),
		LOAD("0,\"part\":0"), LOAD("0,\"part\":8,\"zeros\":1"), LOAD("0,\"zeros\":1"),
		LOAD("4294967296,\"part\":0,\"zeros\":1"), LOAD("0,\"part\":0,\"zeros\":0"),
		LOAD("0,\"part\":0,\"zeros\":65537"), LOAD("2047,\"part\":0,\"zeros\":9"),
		LOAD("0,\"part\":0,\"zeros\":1,\"data\":\"\""), LOAD("0,\"part\":0,\"data\":\"\""),
		LOAD("0,\"part\":0,\"data\":\"AAAA\""), ASK("\"shutdown\",\"reset\":1") };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		refused(lines[i], REFUSED_BAD_ARGUMENT);
	assert_int_equal(fake_calls, 0);
	assert_int_equal(control.ending, ENDING_NOT);
}

static void a_schedule_is_switched_to_by_its_name(void **state)
{
	(void)state;
	fake_result = 1234;
	changes(ASK("\"schedule\",\"name\":\"degraded\""), MULLION_HC_SCHEDULE, 1, 0);
	refused(ASK("\"schedule\",\"name\":\"other\""), REFUSED_UNKNOWN_SCHEDULE);
	assert_says("there is no schedule other");
	/* What is there no schedule for has an empty name, which is not asked for either. */
	refused(ASK("\"schedule\",\"name\":\"\""), REFUSED_UNKNOWN_SCHEDULE);
}

static void the_node_ends_after_its_answer(void **state)
{
	(void)state;
	assert_int_equal(tell(ASK("\"shutdown\"")), 1);
	assert_says("\"result\":{}");
	assert_int_equal(fake_calls, 0);
	assert_int_equal(control.ending, ENDING_POWER_OFF);
	tell(ASK("\"shutdown\",\"reset\":true"));
	assert_int_equal(control.ending, ENDING_RESET);
}

static void a_console_is_attached_to_and_let_go(void **state)
{
	(void)state;
	tell(ASK("\"console\",\"partition\":\"nav\",\"attach\":true"));
	assert_says("\"attached\":true");
	assert_int_equal(session.attached, 1u << 1);
	tell(ASK("\"console\",\"partition\":\"watch\",\"attach\":true"));
	tell(ASK("\"console\",\"partition\":\"nav\",\"attach\":false"));
	assert_int_equal(session.attached, 1u << 2);
	refused(ASK("\"console\",\"partition\":\"nav\",\"input\":\"x\""), REFUSED_NOT_POSSIBLE);
}

static void health_is_noticed_once_attached_to(void **state)
{
	struct writer out;

	(void)state;
	fake_journal.entries[0] =
		(struct mullion_journal_entry){ .partition = 1, .event = 0, .action = 2 };
	fake_journal.head = 1;
	session_notice_health(&session, &out);
	assert_int_equal(out.used, 0);
	tell(ASK("\"health\",\"attach\":true"));
	session_notice_health(&session, &out);
	assert_int_equal(out.used, 0);
	fake_journal.entries[1] = (struct mullion_journal_entry){ .partition = 1,
		.event = MULLION_EVENT_MEMORY,
		.action = MULLION_ACTION_RESTART_COLD,
		.detail = 57344 };
	fake_journal.head = 2;
	session_notice_health(&session, &out);
	out.text[out.used - 1] = '\0';
	assert_string_equal(out.text,
		"{\"v\":1,\"event\":\"health\",\"partition\":\"nav\",\"what\":\"memory\","
		"\"action\":\"restart-cold\",\"detail\":57344}");
	session_notice_health(&session, &out);
	assert_int_equal(out.used, 0);
}

/* Random lines from the protocol's own words and bytes: one answer each, nothing out of bounds. */
static void every_line_gets_exactly_one_answer(void **state)
{
	static const char *const words[] = { "{", "}", "\"", ":", ",", "\"v\":1",
		"\"cmd\":\"version\"", "\"id\":", "\"stop\"", "\"partition\":\"nav\"", "\\",
		"\\u0041", "1", "9999999999999999999", "true", "[", " ", "\t", "\x80", "\"cmd\":\"",
		"\"mac\":\"", "\r" };
	uint64_t random = 7;

	(void)state;
	for (unsigned turn = 0; turn < 20000; turn++) {
		char line[512] = "x";

		for (unsigned w = (unsigned)(unit_random(&random) % 12); w > 0; w--)
			strcat(line,
				words[unit_random(&random) % (sizeof(words) / sizeof(*words))]);
		strcat(line, "\n");
		assert_int_equal(tell(turn % 2 != 0 ? line : line + 1),
			turn % 2 == 0 && (strcmp(line + 1, "\n") == 0 ||
						 strcmp(line + 1, "\r\n") == 0)
				? 0
				: 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_key_nothing_has_to_be_proved, begin),
		cmocka_unit_test_setup(an_empty_line_is_nothing, begin),
		cmocka_unit_test_setup(a_line_may_end_as_a_terminal_ends_it, begin),
		cmocka_unit_test_setup(half_a_line_waits_for_its_end, begin),
		cmocka_unit_test_setup(a_predecessors_half_line_costs_one_error_and_no_more, begin),
		cmocka_unit_test_setup(several_lines_at_once_get_an_answer_each, begin),
		cmocka_unit_test_setup(a_line_of_1024_bytes_is_taken_and_one_of_1025_is_not, begin),
		cmocka_unit_test_setup(a_line_without_end_is_answered_once_it_ends, begin),
		cmocka_unit_test_setup(an_id_comes_back_or_is_refused, begin),
		cmocka_unit_test_setup(another_version_is_refused, begin),
		cmocka_unit_test_setup(a_command_that_does_not_exist_is_refused_by_its_name, begin),
		cmocka_unit_test_setup(what_a_command_does_not_know_is_refused, begin),
		cmocka_unit_test_setup(partitions_are_changed_by_one_hypercall_each, begin),
		cmocka_unit_test_setup(data_is_a_whole_block_in_base64_or_nothing_is_done, begin),
		cmocka_unit_test_setup(what_the_kernel_refuses_is_said, begin),
		cmocka_unit_test_setup(control_does_not_end_itself, begin),
		cmocka_unit_test_setup(an_unknown_partition_is_named_and_nothing_happens, begin),
		cmocka_unit_test_setup(an_unknown_name_is_quoted_safely_and_not_at_length, begin),
		cmocka_unit_test_setup(arguments_of_another_kind_are_refused, begin),
		cmocka_unit_test_setup(a_schedule_is_switched_to_by_its_name, begin),
		cmocka_unit_test_setup(the_node_ends_after_its_answer, begin),
		cmocka_unit_test_setup(a_console_is_attached_to_and_let_go, begin),
		cmocka_unit_test_setup(health_is_noticed_once_attached_to, begin),
		cmocka_unit_test_setup(every_line_gets_exactly_one_answer, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
