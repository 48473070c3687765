/*
 * A line that several share by datagrams: nobody commands without the key, a datagram is a line, and who
 * attaches something has it to himself until he is silent.
 */
#include "unit.h"

#include <jansson.h>

#include "attachment.h"
#include "fake_control.h"

#define MINUTE (ATTACHMENT_SECONDS * 1000000000ull)

static struct control control;
static struct session session;
static struct writer out;
static uint64_t seq;

static int begin(void **state)
{
	(void)state;
	fake_control(&control);
	assert_true(auth_set_key(&control.auth, FAKE_KEY));
	session_begin(&session, &control, SESSION_DATAGRAM);
	seq = 0;
	return 0;
}

static void say(const uint64_t peer, const char *const text)
{
	session_datagram(&session, peer, text, (uint32_t)strlen(text), &out);
	if (session_busy(&session))
		session_go_on(&session, &out);
	out.text[out.used] = '\0';
}

/* The same, signed. */
static void tell(const uint64_t peer, const char *const request)
{
	char line[LINE_BYTES];

	snprintf(line, sizeof(line), "%s", request);
	fake_sign(&control, line, sizeof(line), ++seq);
	say(peer, line);
	while (session_busy(&session))
		session_go_on(&session, &out);
	out.text[out.used] = '\0';
}

static void assert_says(const char *const part)
{
	if (strstr(out.text, part) == NULL)
		fail_msg("no %s in %s", part, out.text);
}

static void hello_is_for_everybody(void **state)
{
	(void)state;
	say(1, "{\"v\":1,\"cmd\":\"hello\"}");
	assert_says("\"authenticated\":true");
}

static void who_has_no_mac_does_not_command(void **state)
{
	(void)state;
	say(1, "{\"v\":1,\"id\":4,\"cmd\":\"stop\",\"partition\":\"nav\"}");
	assert_says("{\"v\":1,\"id\":4,\"ok\":false,\"error\":\"unauthenticated\"");
	assert_int_equal(fake_calls, 0);
	tell(1, "{\"v\":1,\"id\":5,\"cmd\":\"stop\",\"partition\":\"nav\"}");
	assert_says("\"id\":5,\"ok\":true");
	assert_int_equal(fake_calls, 1);
}

static void a_node_without_a_key_obeys_nobody(void **state)
{
	(void)state;
	control.auth.keyed = false;
	say(1, "{\"v\":1,\"cmd\":\"hello\"}");
	assert_says("\"authenticated\":true");
	say(1, "{\"v\":1,\"id\":4,\"cmd\":\"list\"}");
	assert_says("\"error\":\"unauthenticated\",\"text\":\"this node has no key");
	tell(1, "{\"v\":1,\"id\":4,\"cmd\":\"stop\",\"partition\":\"nav\"}");
	assert_says("\"error\":\"unauthenticated\"");
	assert_int_equal(fake_calls, 0);
}

static void a_number_counts_for_all_lines_together(void **state)
{
	char line[LINE_BYTES] = "{\"v\":1,\"cmd\":\"version\"}";

	(void)state;
	fake_sign(&control, line, sizeof(line), 7);
	say(1, line);
	assert_says("\"ok\":true");
	say(2, line);
	assert_says("\"error\":\"replayed\"");
}

static void a_datagram_is_a_line_with_its_newline_or_without(void **state)
{
	(void)state;
	say(1, "{\"v\":1,\"id\":1,\"cmd\":\"hello\"}\n");
	assert_says("\"id\":1,\"ok\":true");
	say(1, "{\"v\":1,\"id\":2,\"cmd\":\"hello\"}\r\n");
	assert_says("\"id\":2,\"ok\":true");
	say(1, "");
	assert_int_equal(out.used, 0);
	say(1, "\n");
	assert_int_equal(out.used, 0);
	say(1, "{\"v\":1,\"cmd\":\"hello\"}\n{\"v\":1,\"cmd\":\"hello\"}\n");
	assert_says("\"error\":\"malformed\"");
	say(1, "{\"v\":1,\"cm");
	assert_says("\"error\":\"malformed\"");
	say(1, "d\":\"hello\"}");
	assert_says("\"error\":\"malformed\"");
}

static void a_datagram_of_1024_bytes_is_taken_and_one_of_1025_is_not(void **state)
{
	char text[LINE_BYTES + 2];
	static const char request[] = "{\"v\":1,\"cmd\":\"hello\"}";

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, request, sizeof(request) - 1);
	text[LINE_BYTES - 1] = '\n';
	session_datagram(&session, 1, text, LINE_BYTES, &out);
	assert_true(session_busy(&session));
	session_go_on(&session, &out);
	text[LINE_BYTES - 1] = ' ';
	session_datagram(&session, 1, text, LINE_BYTES - 1, &out);
	assert_true(session_busy(&session));
	session_go_on(&session, &out);
	text[LINE_BYTES] = '\n';
	session_datagram(&session, 1, text, LINE_BYTES + 1, &out);
	assert_int_equal(control.refused[REFUSED_OVERSIZED], 1);
	assert_false(session_busy(&session));
	session_datagram(&session, 1, text, LINE_BYTES, &out);
	assert_int_equal(control.refused[REFUSED_OVERSIZED], 2);
}

#define ATTACH(how) "{\"v\":1,\"cmd\":\"console\",\"partition\":\"nav\",\"attach\":" how "}"

static void one_peer_at_a_time_is_attached(void **state)
{
	(void)state;
	tell(1, ATTACH("true"));
	assert_says("\"attached\":true");
	assert_true(session.holder == 1);
	tell(2, ATTACH("true"));
	assert_says("\"error\":\"not-now\"");
	tell(2, "{\"v\":1,\"cmd\":\"health\",\"attach\":true}");
	assert_says("\"error\":\"not-now\"");
	tell(2, ATTACH("false"));
	assert_says("\"error\":\"not-now\"");
	assert_true(session.holder == 1 && session.attached == 2 && !session.attached_health);
	tell(1, ATTACH("false"));
	tell(2, ATTACH("true"));
	assert_says("\"attached\":true");
	assert_true(session.holder == 2);
}

static void other_requests_of_others_are_answered_meanwhile(void **state)
{
	(void)state;
	tell(1, ATTACH("true"));
	tell(2, "{\"v\":1,\"cmd\":\"health\"}");
	assert_says("\"ok\":true");
	tell(2, "{\"v\":1,\"cmd\":\"restart\",\"partition\":\"nav\"}");
	assert_says("\"ok\":true");
	assert_true(session.holder == 1);
}

static void who_is_silent_for_a_minute_is_let_go(void **state)
{
	(void)state;
	tell(1, ATTACH("true"));
	tell(1, "{\"v\":1,\"cmd\":\"health\",\"attach\":true}");
	fake_now += MINUTE - 1;
	attachment_expire(&session);
	assert_true(session.attached == 2 && session.attached_health);
	fake_now += 1;
	attachment_expire(&session);
	assert_true(session.attached == 0 && !session.attached_health);
	tell(2, ATTACH("true"));
	assert_says("\"attached\":true");
}

static void only_who_has_the_key_is_heard(void **state)
{
	(void)state;
	tell(1, ATTACH("true"));
	fake_now += MINUTE / 2;
	tell(1, "{\"v\":1,\"cmd\":\"version\"}");
	fake_now += MINUTE / 2;
	attachment_expire(&session);
	assert_true(session.attached == 2);
	say(1, "{\"v\":1,\"cmd\":\"hello\"}");
	say(1, "{\"v\":1,\"cmd\":\"version\"}");
	tell(2, "{\"v\":1,\"cmd\":\"version\"}");
	fake_now += MINUTE / 2;
	attachment_expire(&session);
	assert_true(session.attached == 0);
}

static void a_line_with_one_end_keeps_its_attachments(void **state)
{
	char line[LINE_BYTES] = ATTACH("true") "\n";

	(void)state;
	session_begin(&session, &control, SESSION_OPEN);
	session_take(&session, line, (uint32_t)strlen(line), &out);
	fake_now += 100 * MINUTE;
	attachment_expire(&session);
	assert_true(session.attached == 2);
}

static void frames_are_told_by_what_became_of_them(void **state)
{
	static struct datagrams datagrams;
	char line[LINE_BYTES] = "{\"v\":1,\"cmd\":\"health\"}";

	(void)state;
	control.datagrams = &datagrams;
	datagrams.station.counts[STATION_DATAGRAM] = 5;
	datagrams.station.counts[STATION_IPV4_FRAGMENT] = 2;
	datagrams.dropped = 1;
	fake_sign(&control, line, sizeof(line), ++seq);
	say(1, line);
	session_go_on(&session, &out);
	out.text[out.used] = '\0';
	assert_says("\"line\":1,");
	assert_says("\"network\":{\"datagram\":5,\"ipv4-fragment\":2,\"dropped\":1}");
}

static void the_largest_counters_fit_their_line(void **state)
{
	static struct datagrams datagrams;
	json_t *json;

	(void)state;
	control.datagrams = &datagrams;
	for (unsigned v = 0; v < STATION_VERDICTS; v++)
		datagrams.station.counts[v] = UINT64_MAX / 16;
	datagrams.dropped = UINT64_MAX / 16;
	session_begin(&session, &control, SESSION_OPEN);
	say(1, "{\"v\":1,\"id\":2147483647,\"cmd\":\"health\"}");
	assert_says("\"more\":true");
	session_go_on(&session, &out);
	assert_false(out.full);
	json = json_loadb(out.text, out.used, 0, NULL);
	assert_non_null(json);
	json_decref(json);
}

static void lines_of_an_answer_are_numbered(void **state)
{
	char part[32];

	(void)state;
	session_begin(&session, &control, SESSION_OPEN);
	fake_trace.head = 256;
	say(1, "{\"v\":1,\"cmd\":\"trace\",\"cpu\":0,\"from\":0}");
	assert_null(strstr(out.text, "\"line\""));
	for (unsigned n = 1; session_busy(&session); n++) {
		session_go_on(&session, &out);
		out.text[out.used] = '\0';
		snprintf(part, sizeof(part), "\"line\":%u,\"ok\":true", n);
		assert_says(part);
	}
	assert_says("\"line\":15,");
}

#define T(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(hello_is_for_everybody),
		T(who_has_no_mac_does_not_command),
		T(a_node_without_a_key_obeys_nobody),
		T(a_number_counts_for_all_lines_together),
		T(a_datagram_is_a_line_with_its_newline_or_without),
		T(a_datagram_of_1024_bytes_is_taken_and_one_of_1025_is_not),
		T(one_peer_at_a_time_is_attached),
		T(other_requests_of_others_are_answered_meanwhile),
		T(who_is_silent_for_a_minute_is_let_go),
		T(only_who_has_the_key_is_heard),
		T(a_line_with_one_end_keeps_its_attachments),
		T(frames_are_told_by_what_became_of_them),
		T(the_largest_counters_fit_their_line),
		T(lines_of_an_answer_are_numbered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
