/*
 * A station on an IPv6 link: what it answers, what it asks, whom it believes.
 */
#include <inet/checksum.h>
#include <inet/octets.h>
#include <inet/station6.h>

#include "unit.h"

#define MESSAGE 54u

static struct station6 stations[2];
static uint8_t frame[ETHERNET_MOST_BYTES], reply[ETHERNET_MOST_BYTES];
static unsigned reply_bytes;
static struct station6_neighbour told;
static const uint8_t macs[2][6] = { { 0x52, 0x54, 0, 0, 0, 1 }, { 0x52, 0x54, 0, 0, 0, 2 } };

static void open(void)
{
	for (unsigned i = 0; i < 2; i++)
		station6_open(&stations[i], macs[i]);
	memset(frame, 0, sizeof(frame));
	memset(reply, 0, sizeof(reply));
}

static unsigned ask(void)
{
	open();
	return station6_ask(&stations[0], 0, stations[1].addresses[0], frame);
}

static enum station6_verdict take(const unsigned bytes)
{
	return station6_take(&stations[1], frame, bytes, &told, reply, &reply_bytes);
}

/* After a change of the message. */
static void mend(const unsigned bytes)
{
	octets_write16(frame + MESSAGE + 2, 0);
	octets_write16(frame + MESSAGE + 2,
		checksum_end(checksum_add(checksum_add(bytes - MESSAGE + 58, frame + 22, 32),
			frame + MESSAGE, bytes - MESSAGE)));
}

static void its_first_address_is_made_of_its_mac(void **state)
{
	static const uint8_t expected[16] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0, 0xff,
		0xfe, 0, 0, 1 };

	(void)state;
	open();
	assert_memory_equal(stations[0].addresses[0], expected, 16);
}

static void a_question_goes_to_the_group_of_who_is_asked(void **state)
{
	static const uint8_t group_mac[] = { 0x33, 0x33, 0xff, 0, 0, 2 };
	static const uint8_t group[] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 2 };
	const unsigned bytes = ask();

	(void)state;
	assert_int_equal(bytes, 14 + 40 + 32);
	assert_memory_equal(frame, group_mac, 6);
	assert_memory_equal(frame + 38, group, 16);
	assert_int_equal(frame[21], 255);
	assert_int_equal(frame[MESSAGE], 135);
	assert_memory_equal(frame + MESSAGE + 26, macs[0], 6);
}

static void a_question_is_answered_and_the_answer_believed(void **state)
{
	(void)state;
	assert_int_equal(take(ask()), STATION6_SOLICITED);
	assert_memory_equal(reply, macs[0], 6);
	assert_int_equal(reply[MESSAGE], 136);
	assert_int_equal(reply[MESSAGE + 4], 0x60);
	assert_int_equal(
		station6_take(&stations[0], reply, reply_bytes, &told, frame, &reply_bytes),
		STATION6_ADVERTISED);
	assert_memory_equal(told.address, stations[1].addresses[0], 16);
	assert_memory_equal(told.mac, macs[1], 6);
	assert_int_equal(reply_bytes, 0);
}

static void who_has_no_address_yet_is_told_together_with_everybody(void **state)
{
	static const uint8_t everybody[] = { 0x33, 0x33, 0, 0, 0, 1 };
	const unsigned bytes = ask();

	(void)state;
	memset(frame + 22, 0, 16);
	mend(bytes);
	assert_int_equal(take(bytes), STATION6_SOLICITED);
	assert_memory_equal(reply, everybody, 6);
	assert_int_equal(reply[38], 0xff);
	assert_int_equal(reply[MESSAGE + 4], 0x20);
}

static void what_came_over_a_router_or_is_damaged_is_not_believed(void **state)
{
	unsigned bytes = ask();

	(void)state;
	frame[21] = 254;
	assert_int_equal(take(bytes), STATION6_MALFORMED);
	frame[21] = 255;
	frame[MESSAGE + 25] = 0; /* an option of no length */
	mend(bytes);
	assert_int_equal(take(bytes), STATION6_MALFORMED);
	frame[MESSAGE + 25] = 2; /* beyond the end */
	mend(bytes);
	assert_int_equal(take(bytes), STATION6_MALFORMED);
	frame[MESSAGE + 25] = 1;
	mend(bytes);
	assert_int_equal(take(bytes), STATION6_SOLICITED);
	for (unsigned i = 22; i < bytes; i++) {
		frame[i] ^= 4;
		assert_int_not_equal(take(bytes), STATION6_SOLICITED);
		assert_int_equal(reply_bytes, 0);
		frame[i] ^= 4;
	}
	for (unsigned i = 0; i < bytes; i++)
		assert_int_not_equal(take(i), STATION6_SOLICITED);
	assert_int_equal(take(bytes), STATION6_SOLICITED);
}

static void an_echo_is_answered_with_its_own_bytes(void **state)
{
	unsigned bytes = ask();

	(void)state;
	memcpy(frame, macs[1], 6);
	memcpy(frame + 38, stations[1].addresses[0], 16);
	frame[MESSAGE] = 128;
	bytes += 100;
	octets_write16(frame + 18, (uint16_t)(bytes - MESSAGE));
	for (unsigned i = MESSAGE + 4; i < bytes; i++)
		frame[i] = (uint8_t)i;
	mend(bytes);
	assert_int_equal(take(bytes), STATION6_ECHOED);
	assert_int_equal(reply_bytes, bytes);
	assert_int_equal(reply[MESSAGE], 129);
	assert_memory_equal(reply + MESSAGE + 4, frame + MESSAGE + 4, bytes - MESSAGE - 4);
	assert_memory_equal(reply, macs[0], 6);
	memcpy(frame, reply, bytes);
	assert_int_equal(station6_take(&stations[0], frame, bytes, &told, reply, &reply_bytes),
		STATION6_FOREIGN);
	frame[MESSAGE + 4] ^= 1;
	assert_int_equal(station6_take(&stations[0], frame, bytes, &told, reply, &reply_bytes),
		STATION6_CHECKSUM);
}

static void others_are_left_alone(void **state)
{
	unsigned bytes = ask();

	(void)state;
	frame[MESSAGE + 8 + 15]++;
	mend(bytes);
	assert_int_equal(take(bytes), STATION6_FOREIGN);
	bytes = ask();
	assert_int_equal(station6_take(&stations[0], frame, bytes, &told, reply, &reply_bytes),
		STATION6_SOURCE);
	frame[0] = 2;
	assert_int_equal(take(bytes), STATION6_FOREIGN);
	bytes = ask();
	frame[6] |= 1;
	assert_int_equal(take(bytes), STATION6_SOURCE);
}

static void the_longest_prefix_says_which_address_asks(void **state)
{
	static const uint8_t wide[16] = { 0xfd, 0, 1, [15] = 1 };
	static const uint8_t narrow[16] = { 0xfd, 0, 1, 0, 0, 7, [15] = 1 };
	uint8_t to[16] = { 0xfd, 0, 1, 0, 0, 7, [15] = 9 };

	(void)state;
	open();
	assert_true(station6_add(&stations[0], wide, 24));
	assert_true(station6_add(&stations[0], narrow, 120));
	assert_false(station6_add(&stations[0], narrow, 120));
	assert_int_equal(station6_on_link(&stations[0], to), 2);
	to[5] = 8;
	assert_int_equal(station6_on_link(&stations[0], to), 1);
	to[2] = 8;
	assert_int_equal(station6_on_link(&stations[0], to), STATION6_ADDRESSES);
	assert_int_equal(station6_on_link(&stations[0], stations[1].addresses[0]), 0);
	assert_int_equal(
		station6_on_link(&stations[0], stations[0].addresses[0]), STATION6_ADDRESSES);
	memset(to, 0, 16);
	to[15] = 1;
	assert_int_equal(station6_on_link(&stations[0], to), STATION6_ADDRESSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_first_address_is_made_of_its_mac),
		cmocka_unit_test(a_question_goes_to_the_group_of_who_is_asked),
		cmocka_unit_test(a_question_is_answered_and_the_answer_believed),
		cmocka_unit_test(who_has_no_address_yet_is_told_together_with_everybody),
		cmocka_unit_test(what_came_over_a_router_or_is_damaged_is_not_believed),
		cmocka_unit_test(an_echo_is_answered_with_its_own_bytes),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(the_longest_prefix_says_which_address_asks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("station6", tests, NULL, NULL);
}
