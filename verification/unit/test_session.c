/* Requests as lines, their macs and numbers, keys in files, numbers of 64 bits. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"

static const char key_text[] = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

static char *request_of(bool signs)
{
	struct session session = { .id = 7, .signs = signs };
	json_t *arguments = json_pack("{s:s, s:b}", "partition", "nav", "cold", 1);
	char *line;

	memset(session.key, 0x0b, sizeof(session.key));
	memset(session.nonce, 0xa5, sizeof(session.nonce));
	session.seq = 4000000000000000; /* later than the clock */
	line = session_line(&session, "restart", arguments);
	json_decref(arguments);
	return line;
}

static void a_request_is_one_line_as_documented(void **state)
{
	char *line = request_of(false);

	(void)state;
	assert_string_equal(
		line, "{\"v\":1,\"id\":7,\"cmd\":\"restart\",\"partition\":\"nav\",\"cold\":true}");
	free(line);
}

/* The mac was computed with another program: Python's hmac. */
static void a_signed_request_bears_a_later_number_and_its_mac_last(void **state)
{
	char *line = request_of(true);

	(void)state;
	assert_string_equal(line,
		"{\"v\":1,\"id\":7,\"seq\":4000000000000001,\"cmd\":\"restart\",\"partition\":"
		"\"nav\",\"cold\":true,\"mac\":\""
		"e3df13812654e9ab05f0b229a9be21ada68f8d80923c687fee9262ccfd0fb4df\"}");
	free(line);
}

static bool read_key(const char *text, mode_t mode)
{
	char path[] = P_tmpdir "/test_session.XXXXXX";
	uint8_t key[SESSION_KEY_BYTES];
	const int file = mkstemp(path);
	bool good;

	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(file, mode);
	close(file);
	good = session_read_key(path, key);
	unlink(path);
	assert_true(!good || key[31] == 0x0b);
	return good;
}

static void a_key_is_64_digits_that_only_the_owner_may_read(void **state)
{
	char longer[80];

	(void)state;
	snprintf(longer, sizeof(longer), "%s0b", key_text);
	assert_true(read_key(key_text, 0600));
	assert_false(read_key(key_text, 0640));
	assert_false(read_key(key_text, 0604));
	assert_false(read_key(key_text + 1, 0600));
	assert_false(read_key(longer, 0600));
	assert_false(read_key("", 0600));
	assert_false(session_read_key("/nowhere/at/all", (uint8_t[SESSION_KEY_BYTES]){ 0 }));
}

static void numbers_of_64_bits_come_as_hexadecimal_text_too(void **state)
{
	json_t *object = json_loads("{\"a\":5,\"b\":\"0xffffffff81000000\",\"c\":\"x\"}", 0, NULL);

	(void)state;
	assert_int_equal(session_number(object, "a"), 5);
	assert_true((uint64_t)session_number(object, "b") == 0xffffffff81000000u);
	assert_int_equal(session_number(object, "c"), 0);
	assert_int_equal(session_number(object, "none"), 0);
	assert_string_equal(session_text(object, "none"), "");
	json_decref(object);
}

static void text_of_a_node_cannot_steer_a_terminal(void **state)
{
	char *clean = session_clean("a\033[2Jb\177\n");

	(void)state;
	assert_string_equal(clean, "a?[2Jb??");
	free(clean);
}

static void addresses_have_three_forms(void **state)
{
	(void)state;
	assert_true(wire_address_valid("unix:/run/node"));
	assert_true(wire_address_valid("udp:10.0.0.2:7000"));
	assert_true(wire_address_valid("udp:[fe80::1]:7000"));
	assert_true(wire_address_valid("/dev/ttyS0"));
	assert_false(wire_address_valid("unix:"));
	assert_false(wire_address_valid("udp:10.0.0.2"));
	assert_false(wire_address_valid("udp::7000"));
	assert_false(wire_address_valid("udp:host:70000x"));
	assert_false(wire_address_valid("udp:fe80::1:7000"));
	assert_false(wire_address_valid("node"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_one_line_as_documented),
		cmocka_unit_test(a_signed_request_bears_a_later_number_and_its_mac_last),
		cmocka_unit_test(a_key_is_64_digits_that_only_the_owner_may_read),
		cmocka_unit_test(numbers_of_64_bits_come_as_hexadecimal_text_too),
		cmocka_unit_test(text_of_a_node_cannot_steer_a_terminal),
		cmocka_unit_test(addresses_have_three_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
