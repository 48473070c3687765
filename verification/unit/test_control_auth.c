/*
 * Authentication: the mac against published vectors and a second implementation, the replay counter,
 * and what must not count as proof.
 */
#include "unit.h"

#include "fake_control.h"

static struct control control;
static struct session session;
static char said[8192];

static int begin(void **state)
{
	(void)state;
	fake_control(&control);
	assert_true(auth_set_key(&control.auth, FAKE_KEY));
	for (uint8_t i = 0; i < AUTH_NONCE_BYTES; i++)
		control.auth.nonce[i] = (uint8_t)(0xa0 + i);
	session_begin(&session, &control, SESSION_KEYED);
	return 0;
}

static void tell(const char *const line)
{
	fake_talk(&session, line, strlen(line), said, sizeof(said));
}

static void tell_signed(const char *const request, const uint64_t seq)
{
	char line[LINE_BYTES];

	snprintf(line, sizeof(line), "%s", request);
	fake_sign(&control, line, sizeof(line) - 1, seq);
	strcat(line, "\n");
	tell(line);
}

static void assert_says(const char *const part)
{
	if (strstr(said, part) == NULL)
		fail_msg("no %s in %s", part, said);
}

/* HMAC-SHA256 under FAKE_KEY over the nonce above and {"v":1,"id":1,"cmd":"list","seq":1}, by OpenSSL. */
static void the_mac_is_that_of_a_third_implementation(void **state)
{
	(void)state;
	tell("{\"v\":1,\"id\":1,\"cmd\":\"list\",\"seq\":1,\"mac\":\""
	     "0bfe4a133311d86288ad848ab22a0338982f9325514aea1eba76dc34bdd7854f\"}\n");
	assert_says("\"ok\":true");
}

static void any_mac_of_ours_is_that_of_the_library(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (uint64_t seq = 1; seq <= 200; seq++) {
		char text[800], line[LINE_BYTES];
		const size_t bytes = unit_random(&random) % 800;

		memset(text, 'x', bytes);
		text[bytes] = '\0';
		snprintf(line, sizeof(line), "{\"v\":1,\"cmd\":\"%s\"}", text);
		tell_signed(line, seq);
		assert_says("\"unknown-command\"");
	}
	assert_int_equal(control.refused[REFUSED_UNAUTHENTICATED], 0);
}

static void hello_alone_needs_no_mac(void **state)
{
	(void)state;
	tell("{\"v\":1,\"id\":1,\"cmd\":\"hello\"}\n");
	assert_says("\"nonce\":\"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\"");
	assert_says("\"authenticated\":true");
	tell("{\"v\":1,\"id\":2,\"cmd\":\"list\"}\n");
	assert_says("{\"v\":1,\"id\":2,\"ok\":false,\"error\":\"unauthenticated\"");
	tell("{\"v\":1,\"id\":3,\"cmd\":\"nothing\"}\n");
	assert_says("\"unauthenticated\"");
}

static void a_right_mac_commands(void **state)
{
	(void)state;
	tell_signed("{\"v\":1,\"id\":1,\"cmd\":\"stop\",\"partition\":\"nav\"}", 1);
	assert_says("\"ok\":true");
	assert_int_equal(fake_calls, 1);
	assert_int_equal(fake_last.number, MULLION_HC_STOP);
	assert_int_equal(fake_last.first, 1);
}

static void a_request_that_is_heard_again_is_refused(void **state)
{
	(void)state;
	tell_signed("{\"v\":1,\"id\":1,\"cmd\":\"stop\",\"partition\":\"nav\"}", 5);
	assert_says("\"ok\":true");
	tell_signed("{\"v\":1,\"id\":1,\"cmd\":\"stop\",\"partition\":\"nav\"}", 5);
	assert_says("\"replayed\"");
	tell_signed("{\"v\":1,\"id\":1,\"cmd\":\"stop\",\"partition\":\"nav\"}", 4);
	assert_says("\"replayed\"");
	assert_int_equal(fake_calls, 1);
	assert_int_equal(control.refused[REFUSED_REPLAYED], 2);
	tell_signed("{\"v\":1,\"id\":1,\"cmd\":\"stop\",\"partition\":\"nav\"}", 6);
	assert_says("\"ok\":true");
}

static void the_number_0_was_used_before_the_first(void **state)
{
	(void)state;
	tell_signed("{\"v\":1,\"id\":1,\"cmd\":\"list\"}", 0);
	assert_says("\"replayed\"");
}

static void a_wrong_mac_uses_no_number_up(void **state)
{
	(void)state;
	tell("{\"v\":1,\"id\":1,\"cmd\":\"list\",\"seq\":9000,\"mac\":\""
	     "0000000000000000000000000000000000000000000000000000000000000000\"}\n");
	assert_says("\"unauthenticated\"");
	tell_signed("{\"v\":1,\"id\":1,\"cmd\":\"list\"}", 1);
	assert_says("\"ok\":true");
}

static void every_bit_of_a_signed_line_counts(void **state)
{
	char line[LINE_BYTES] = "{\"v\":1,\"id\":1,\"cmd\":\"stop\",\"partition\":\"nav\"}";
	size_t bytes;

	(void)state;
	fake_sign(&control, line, sizeof(line), 1);
	bytes = strlen(line);
	for (size_t at = 0; at < bytes; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			char damaged[LINE_BYTES];

			memcpy(damaged, line, bytes);
			damaged[at] = (char)(damaged[at] ^ 1 << bit);
			damaged[bytes] = '\n';
			fake_talk(&session, damaged, bytes + 1, said, sizeof(said));
			if (strstr(said, "\"ok\":true") != NULL)
				fail_msg("bit %u of byte %zu changes nothing", bit, at);
		}
	assert_int_equal(fake_calls, 0);
}

static void a_mac_of_another_boot_is_worth_nothing(void **state)
{
	char line[LINE_BYTES] = "{\"v\":1,\"id\":1,\"cmd\":\"stop\",\"partition\":\"nav\"}";

	(void)state;
	fake_sign(&control, line, sizeof(line) - 1, 1);
	strcat(line, "\n");
	control.auth.nonce[15] ^= 1;
	tell(line);
	assert_says("\"unauthenticated\"");
}

static void the_mac_is_the_last_member_and_written_as_documented(void **state)
{
	char line[LINE_BYTES] = "{\"v\":1,\"id\":1,\"cmd\":\"list\"}", other[2 * LINE_BYTES];
	char *mac;

	(void)state;
	fake_sign(&control, line, sizeof(line) - 1, 1);
	mac = strstr(line, ",\"mac\"");
	snprintf(other, sizeof(other), "%.*s, \"mac\"%s\n", (int)(mac - line), line, mac + 6);
	tell(other);
	assert_says("\"unauthenticated\"");
	snprintf(other, sizeof(other), "{%.*s,%s\n", 71, mac + 1, line + 1);
	tell(other);
	assert_says("\"ok\":false");
	snprintf(other, sizeof(other), "%s \n", line);
	tell(other);
	assert_says("\"unauthenticated\"");
	strcat(line, "\n");
	tell(line);
	assert_says("\"ok\":true");
}

static void on_an_open_line_no_mac_is_needed(void **state)
{
	(void)state;
	session_begin(&session, &control, SESSION_OPEN);
	tell("{\"v\":1,\"cmd\":\"hello\"}\n");
	assert_says("\"authenticated\":false");
	tell("{\"v\":1,\"cmd\":\"list\"}\n");
	assert_says("\"ok\":true");
}

static void a_key_is_64_digits(void **state)
{
	struct auth auth = { 0 };

	(void)state;
	assert_true(auth_set_key(&auth, FAKE_KEY));
	assert_int_equal(auth.key[31], 0x1f);
	assert_false(auth_set_key(&auth, ""));
	assert_false(auth_set_key(&auth, FAKE_KEY "0"));
	assert_false(auth_set_key(
		&auth, "00010203040506070809zz0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
	assert_false(auth.keyed);
}

static void every_source_of_the_nonce_changes_it(void **state)
{
	struct auth auth = { 0 }, other = { 0 };
	uint64_t sources[3] = { 1, 2, 3 };

	(void)state;
	auth_set_nonce(&auth, sources, 3);
	for (unsigned i = 0; i < 3; i++) {
		sources[i]++;
		auth_set_nonce(&other, sources, 3);
		assert_memory_not_equal(auth.nonce, other.nonce, AUTH_NONCE_BYTES);
		sources[i]--;
	}
	auth_set_nonce(&other, sources, 3);
	assert_memory_equal(auth.nonce, other.nonce, AUTH_NONCE_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_mac_is_that_of_a_third_implementation, begin),
		cmocka_unit_test_setup(any_mac_of_ours_is_that_of_the_library, begin),
		cmocka_unit_test_setup(hello_alone_needs_no_mac, begin),
		cmocka_unit_test_setup(a_right_mac_commands, begin),
		cmocka_unit_test_setup(a_request_that_is_heard_again_is_refused, begin),
		cmocka_unit_test_setup(the_number_0_was_used_before_the_first, begin),
		cmocka_unit_test_setup(a_wrong_mac_uses_no_number_up, begin),
		cmocka_unit_test_setup(every_bit_of_a_signed_line_counts, begin),
		cmocka_unit_test_setup(a_mac_of_another_boot_is_worth_nothing, begin),
		cmocka_unit_test_setup(the_mac_is_the_last_member_and_written_as_documented, begin),
		cmocka_unit_test_setup(on_an_open_line_no_mac_is_needed, begin),
		cmocka_unit_test_setup(a_key_is_64_digits, begin),
		cmocka_unit_test_setup(every_source_of_the_nonce_changes_it, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
