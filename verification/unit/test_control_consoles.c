/*
 * Text for people and for who attached: whole lines under their writer's name, nothing lost while there
 * is room, what was lost said, and never more sent than there was room for.
 */
#include "unit.h"

#include "../../partitions/control/consoles.h"
#include "../../partitions/control/transport.h"
#include "fake_control.h"

static struct control control;
static struct session sessions[2];
static char people[1 << 20], notices[2][65536];
static uint32_t room, session_room[2];

uint32_t people_room(void)
{
	return room;
}

void people_send(const char *const text, const uint32_t bytes)
{
	assert_true(bytes <= room);
	room -= bytes;
	strncat(people, text, bytes);
}

uint32_t transport_room(const unsigned session)
{
	return session_room[session];
}

void transport_notice(const unsigned session, const char *const text, const uint32_t bytes)
{
	assert_true(bytes <= session_room[session]);
	session_room[session] -= bytes;
	strncat(notices[session], text, bytes);
}

/* The readers keep where they are: as after boot, all rings begin anew at 0. */
static int begin(void **state)
{
	static bool opened;

	(void)state;
	fake_control(&control);
	for (unsigned s = 0; s < 2; s++)
		session_begin(&sessions[s], &control, SESSION_OPEN);
	if (!opened)
		consoles_open(&control.node);
	opened = true;
	room = 1 << 19;
	session_room[0] = session_room[1] = 32768;
	for (unsigned i = 0; i < 200; i++)
		consoles_pass(sessions, 2);
	people[0] = notices[0][0] = notices[1][0] = '\0';
	room = 1 << 19;
	return 0;
}

static void drain(void)
{
	for (unsigned i = 0; i < 1000 && consoles_pass(sessions, 2); i++)
		;
}

static void lines_come_whole_under_their_writers_name(void **state)
{
	(void)state;
	assert_int_equal(consoles_count(), FAKE_PARTITIONS + 1);
	fake_print(&fake_consoles[1], "half");
	drain();
	assert_string_equal(people, "");
	fake_print(&fake_consoles[2], "other\n");
	fake_print(&fake_consoles[1], " a line\r\n");
	fake_print(&fake_log, "boot\n");
	drain();
	assert_non_null(strstr(people, "[nav] half a line\r\n"));
	assert_non_null(strstr(people, "[watch] other\r\n"));
	assert_non_null(strstr(people, "[mullion] boot\r\n"));
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	(void)state;
	fake_print(&fake_consoles[1], "a\x1b[2Jb\tc\n");
	drain();
	assert_string_equal(people, "[nav] a?[2Jb\tc\r\n");
}

static void a_long_line_is_broken(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++)
		fake_print(&fake_consoles[1], "x");
	fake_print(&fake_consoles[1], "\n");
	drain();
	assert_int_equal(strlen(people), 300 + 2 * strlen("[nav] \r\n"));
}

static void a_writer_that_is_too_fast_loses_its_oldest_text(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MULLION_CONSOLE_DATA + 100; i++)
		fake_print(&fake_consoles[1], i % 10 == 9 ? "\n" : "x");
	drain();
	assert_non_null(strstr(people, "[nav] (100 bytes lost)\r\n"));
}

static void a_writer_that_was_restarted_cold_is_heard_again(void **state)
{
	(void)state;
	fake_print(&fake_consoles[1], "the first life\n");
	drain();
	memset(&fake_consoles[1], 0, sizeof(fake_consoles[1]));
	fake_print(&fake_consoles[1], "second\n");
	drain();
	assert_non_null(strstr(people, "[nav] second\r\n"));
}

/* Lines of one byte are the worst: their prefix counts. people_send asserts that none is too many. */
static void text_waits_in_its_ring_while_there_is_no_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		fake_print(&fake_consoles[1], "\n");
	for (unsigned i = 0; i < 2000; i++) {
		room = i % 1500;
		consoles_pass(sessions, 2);
	}
	room = 1 << 19;
	drain();
	assert_int_equal(strlen(people), 1000 * strlen("[nav] \r\n"));
}

static void who_attached_gets_the_text_and_people_do_not(void **state)
{
	(void)state;
	sessions[1].attached = 1u << 1;
	fake_print(&fake_consoles[1], "quoted \"text\"\n");
	fake_print(&fake_consoles[2], "for people\n");
	drain();
	assert_string_equal(people, "[watch] for people\r\n");
	assert_string_equal(notices[0], "");
	assert_string_equal(notices[1], "{\"v\":1,\"event\":\"console\",\"partition\":\"nav\","
					"\"text\":\"quoted \\\"text\\\"\\n\"}\n");
	sessions[1].attached = 0;
	fake_print(&fake_consoles[1], "back\n");
	drain();
	assert_non_null(strstr(people, "[nav] back\r\n"));
}

static void what_was_begun_for_people_is_ended_before_notices(void **state)
{
	(void)state;
	fake_print(&fake_consoles[1], "begun");
	drain();
	sessions[0].attached = 1u << 1;
	fake_print(&fake_consoles[1], "noticed");
	drain();
	assert_string_equal(people, "[nav] begun\r\n");
	assert_non_null(strstr(notices[0], "\"text\":\"noticed\""));
}

static void notices_wait_for_the_slowest_who_attached(void **state)
{
	(void)state;
	sessions[0].attached = sessions[1].attached = 1u << 1;
	session_room[1] = LINE_BYTES - 1;
	fake_print(&fake_consoles[1], "text");
	drain();
	assert_string_equal(notices[0], "");
	session_room[1] = 32768;
	drain();
	assert_string_equal(notices[0], notices[1]);
	assert_non_null(strstr(notices[0], "text\":\"text\""));
}

static void the_worst_text_fits_its_notices(void **state)
{
	(void)state;
	sessions[0].attached = 1u << 1;
	for (unsigned i = 0; i < 1000; i++)
		fake_print(&fake_consoles[1], "\x01");
	for (unsigned i = 0; i < 50; i++) {
		session_room[0] = LINE_BYTES;
		consoles_pass(sessions, 2);
	}
	unsigned heard = 0;
	for (const char *at = notices[0]; (at = strstr(at, "\\u0001")) != NULL; at++)
		heard++;
	assert_int_equal(heard, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_come_whole_under_their_writers_name, begin),
		cmocka_unit_test_setup(control_characters_do_not_reach_the_terminal, begin),
		cmocka_unit_test_setup(a_long_line_is_broken, begin),
		cmocka_unit_test_setup(a_writer_that_is_too_fast_loses_its_oldest_text, begin),
		cmocka_unit_test_setup(a_writer_that_was_restarted_cold_is_heard_again, begin),
		cmocka_unit_test_setup(text_waits_in_its_ring_while_there_is_no_room, begin),
		cmocka_unit_test_setup(who_attached_gets_the_text_and_people_do_not, begin),
		cmocka_unit_test_setup(what_was_begun_for_people_is_ended_before_notices, begin),
		cmocka_unit_test_setup(notices_wait_for_the_slowest_who_attached, begin),
		cmocka_unit_test_setup(the_worst_text_fits_its_notices, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
