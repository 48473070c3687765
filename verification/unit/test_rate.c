/*
 * Durations in ticks of clocks whose rate is any fraction: never short, and never a tick too long.
 */
#include <mullion/rate.h>

#include "unit.h"

static uint64_t seed = 0x7a7e;

/* Of any size up to so many bits. */
static uint64_t number(const unsigned bits)
{
	return unit_random(&seed) >> (64 - 1 - unit_random(&seed) % bits) | 1;
}

static void ticks_last_as_long_as_was_asked_and_one_less_would_not(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		const struct time_rate rate = { number(60), number(60) };
		const uint64_t ns = number(57);
		uint64_t ticks;

		if (!rate_is_good(&rate))
			continue;
		ticks = rate_ticks_up(&rate, ns);
		assert_true((rate_wide)ticks * rate.denominator >=
			    ((rate_wide)ns * rate.numerator + RATE_NS_PER_S - 1) / RATE_NS_PER_S);
		assert_true(ticks != 0);
		assert_true((rate_wide)(ticks - 1) * rate.denominator <=
			    ((rate_wide)ns * rate.numerator - 1) / RATE_NS_PER_S);
	}
}

static void examples_by_hand(void **state)
{
	static const struct time_rate pit = { 13125000, 11 }; /* 105/88 MHz: 1.193181... */
	static const struct time_rate slow = { 1, 1 };

	(void)state;
	assert_int_equal(rate_ticks_up(&rate_nanoseconds, 4096), 4096);
	assert_int_equal(rate_ticks_up(&pit, 0), 0);
	assert_int_equal(rate_ticks_up(&pit, 4096), 5);    /* 4.887... */
	assert_int_equal(rate_ticks_up(&pit, 88000), 105); /* exactly */
	assert_int_equal(rate_ticks_up(&pit, 88001), 106);
	assert_int_equal(rate_ticks_up(&pit, 88000000000000), 105000000000);
	assert_int_equal(rate_ticks_up(&slow, 1), 1);
	assert_int_equal(rate_ticks_up(&slow, RATE_NS_PER_S + 1), 2);
}

static void clocks_that_cannot_be_are_refused(void **state)
{
	static const struct time_rate still = { 0, 1 }, nothing = { 1, 0 };
	static const struct time_rate fastest = { 7 * RATE_HZ_MOST, 7 };
	static const struct time_rate faster = { 7 * RATE_HZ_MOST + 1, 7 };

	(void)state;
	assert_false(rate_is_good(&still));
	assert_false(rate_is_good(&nothing));
	assert_true(rate_is_good(&fastest));
	assert_false(rate_is_good(&faster));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks_last_as_long_as_was_asked_and_one_less_would_not),
		cmocka_unit_test(examples_by_hand),
		cmocka_unit_test(clocks_that_cannot_be_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
