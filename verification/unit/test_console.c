/*
 * The kernel's text: every conversion, the ring's wrap, and what a slow UART still gets of it.
 */
#include "unit.h"

#include <mullion/core.h>

#define MANY 5000u

uint64_t fake_now, fake_step;
uint32_t node_state;

static struct mullion_console ring;
static char sent[3 * MANY];
static size_t sent_bytes;
const struct mullion_system mullion_system = { .log = &ring, .switch_guard_ticks = 10 };

void arch_console_put(char c)
{
	assert_true(sent_bytes < sizeof(sent) - 1);
	sent[sent_bytes++] = c;
	sent[sent_bytes] = '\0';
}

void arch_power_off(bool ok)
{
	(void)ok;
	abort();
}

void units_power_off(void)
{
}

static int begin(void **state)
{
	(void)state;
	node_state = NODE_RUNNING;
	fake_now = fake_step = 0;
	console_drain(UINT64_MAX);
	sent_bytes = 0;
	sent[0] = '\0';
	return 0;
}

static void drain(void)
{
	console_drain(UINT64_MAX);
}

static void every_conversion_prints_what_it_says(void **state)
{
	(void)state;
	console_print(
		"%s|%u|%x|%%|%5s|%3u|%-", "text", UINT64_MAX, (uint64_t)0xfeed, "ab", (uint64_t)7);
	drain();
	assert_string_equal(sent, "text|18446744073709551615|0xfeed|%|ab   |7  |-");
}

static void zero_is_a_digit(void **state)
{
	(void)state;
	console_print("%u %x", (uint64_t)0, (uint64_t)0);
	drain();
	assert_string_equal(sent, "0 0x0");
}

static void while_booting_text_is_sent_at_once_and_only_once(void **state)
{
	(void)state;
	node_state = NODE_BOOTING;
	console_print("boot");
	assert_string_equal(sent, "boot");
	node_state = NODE_RUNNING;
	drain();
	assert_string_equal(sent, "boot");
}

static void a_lapped_ring_goes_on_with_the_oldest_it_holds(void **state)
{
	char digits[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		digits[i] = (char)('a' + i % 26);
		console_print("%s", (char[]){ digits[i], '\0' });
	}
	drain();
	assert_int_equal(sent_bytes, MULLION_CONSOLE_DATA);
	assert_memory_equal(sent, &digits[MANY - MULLION_CONSOLE_DATA], MULLION_CONSOLE_DATA);
}

static void a_drain_ends_before_its_time_and_goes_on_later(void **state)
{
	(void)state;
	console_print("0123456789abcdefghijklmnopqrstuvwxyz");
	fake_step = 10;
	console_drain(61); /* 40 of it is margin; the clock is looked at every eight characters */
	assert_string_equal(sent, "0123456789abcdef");
	drain();
	assert_string_equal(sent, "0123456789abcdefghijklmnopqrstuvwxyz");
}

static void a_locked_console_is_left_alone(void **state)
{
	(void)state;
	console_print("later");
	assert_true(console_try_lock());
	assert_false(console_try_lock());
	drain();
	assert_string_equal(sent, "");
	console_unlock();
	drain();
	assert_string_equal(sent, "later");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_conversion_prints_what_it_says, begin),
		cmocka_unit_test_setup(zero_is_a_digit, begin),
		cmocka_unit_test_setup(while_booting_text_is_sent_at_once_and_only_once, begin),
		cmocka_unit_test_setup(a_lapped_ring_goes_on_with_the_oldest_it_holds, begin),
		cmocka_unit_test_setup(a_drain_ends_before_its_time_and_goes_on_later, begin),
		cmocka_unit_test_setup(a_locked_console_is_left_alone, begin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
