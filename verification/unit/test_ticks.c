/* Time is converted exactly: against long division bit by bit, and over a million frames. */
#include "unit.h"

#include "ticks.h"

__extension__ typedef unsigned __int128 wide;

#define NS_PER_S 1000000000ull

/* numerator / denominator, digit by digit in base 2: no operation in common with ticks.c. */
static wide slow_divide(wide numerator, wide denominator, wide *rest)
{
	wide quotient = 0;
	int bit;

	*rest = 0;
	for (bit = 127; bit >= 0; bit--) {
		*rest = *rest << 1 | (numerator >> bit & 1);
		quotient <<= 1;
		if (*rest >= denominator) {
			*rest -= denominator;
			quotient |= 1;
		}
	}
	return quotient;
}

/* whole + part/denominator == ns * N / (D * 10^9), compared as whole and as cross products. */
static void assert_exact(
	struct fraction hz, uint64_t ns, struct mullion_ticks ticks, uint64_t denominator)
{
	const wide unit = (wide)hz.denominator * NS_PER_S;
	wide rest, factor, none;

	assert_true(ticks.whole == slow_divide((wide)ns * hz.numerator, unit, &rest));
	assert_true(ticks.part < denominator);
	/* part/denominator == rest/unit; the denominator divides the unit */
	factor = slow_divide(unit, denominator, &none);
	assert_true(none == 0);
	assert_true((wide)ticks.part * factor == rest);
}

static void random_instants_convert_exactly(void **state)
{
	uint64_t random = 1, ns[8], denominator;
	struct mullion_ticks ticks[8];
	unsigned round, i;

	(void)state;
	for (round = 0; round < 2000; round++) {
		struct fraction hz = { unit_random(&random) % 100000000000ull + 1,
			unit_random(&random) % 1001 + 1 };

		for (i = 0; i < 8; i++)
			ns[i] = unit_random(&random) >> (unit_random(&random) % 40 + 12);
		assert_true(ticks_exact(hz, ns, 8, ticks, &denominator));
		for (i = 0; i < 8; i++)
			assert_exact(hz, ns[i], ticks[i], denominator);
	}
}

static void the_denominator_is_the_smallest_that_serves_all(void **state)
{
	const uint64_t ns[] = { 10000000, 2000000, 333333 };
	struct mullion_ticks ticks[3];
	uint64_t denominator;

	(void)state;
	assert_true(ticks_exact((struct fraction){ 1000000000, 1 }, ns, 3, ticks, &denominator));
	assert_int_equal(denominator, 1);
	assert_int_equal(ticks[2].whole, 333333);
	/* 2,399,987,654 Hz / 3: 10 ms are 7,999,958 + 127/150 ticks */
	assert_true(ticks_exact((struct fraction){ 2399987654, 3 }, ns, 1, ticks, &denominator));
	assert_int_equal(denominator, 150);
	assert_int_equal(ticks[0].whole, 7999958);
	assert_int_equal(ticks[0].part, 127);
}

/* As the kernel does it: add the frame, carry the part. */
static void a_million_frames_do_not_drift(void **state)
{
	const uint64_t ns[] = { 1234567, 7 };
	const struct fraction hz = { 2399987654321, 1001 };
	struct mullion_ticks ticks[2], sum = { 0, 0 };
	uint64_t denominator, frame;
	wide rest, unit = (wide)hz.denominator * NS_PER_S, whole;

	(void)state;
	assert_true(ticks_exact(hz, ns, 2, ticks, &denominator));
	for (frame = 0; frame < 1000000; frame++) {
		sum.whole += ticks[0].whole;
		sum.part += ticks[0].part;
		if (sum.part >= denominator) {
			sum.part -= denominator;
			sum.whole++;
		}
	}
	whole = slow_divide((wide)ns[0] * 1000000 * hz.numerator, unit, &rest);
	assert_true(sum.whole == whole);
	assert_true((wide)sum.part * (unit / denominator) == rest);
}

static void what_does_not_fit_is_refused(void **state)
{
	const uint64_t long_ns = UINT64_MAX;
	struct mullion_ticks ticks;
	uint64_t denominator, multiplier;

	(void)state;
	assert_false(
		ticks_exact((struct fraction){ UINT64_MAX, 1 }, &long_ns, 1, &ticks, &denominator));
	assert_false(ticks_exact((struct fraction){ 0, 1 }, &long_ns, 1, &ticks, &denominator));
	assert_false(ticks_exact((struct fraction){ 1, 0 }, &long_ns, 1, &ticks, &denominator));
	assert_false(ticks_exact(
		(struct fraction){ 3, UINT64_MAX }, &(uint64_t){ 1 }, 1, &ticks, &denominator));
	assert_false(ticks_multiplier(
		(struct fraction){ 0, 1 }, (struct fraction){ 1, 1 }, &multiplier));
}

static void a_guard_is_never_shorter_than_asked(void **state)
{
	(void)state;
	assert_int_equal(ticks_at_least((struct fraction){ 1000000000, 1 }, 1000), 1000);
	assert_int_equal(ticks_at_least((struct fraction){ 2399987654, 1 }, 1000), 2400);
	assert_int_equal(ticks_at_least((struct fraction){ 1, 1 }, 1), 1);
	assert_int_equal(ticks_at_least((struct fraction){ 1, 1 }, 0), 0);
	assert_int_equal(
		ticks_at_least((struct fraction){ UINT64_MAX, 1 }, UINT64_MAX), UINT64_MAX);
}

static void the_timer_multiplier_is_exact_or_early(void **state)
{
	uint64_t random = 7, multiplier;
	unsigned round;

	(void)state;
	assert_true(ticks_multiplier(
		(struct fraction){ 5, 3 }, (struct fraction){ 10, 6 }, &multiplier));
	assert_true(multiplier == 1ull << 32);
	for (round = 0; round < 1000; round++) {
		const uint64_t tsc = unit_random(&random) % 5000000000 + 1000000;
		const uint64_t timer = unit_random(&random) % 1000000000 + 1000000;

		assert_true(ticks_multiplier(
			(struct fraction){ tsc, 1 }, (struct fraction){ timer, 1 }, &multiplier));
		assert_true((wide)multiplier * tsc <= (wide)timer << 32);
		assert_true(((wide)multiplier + 1) * tsc > (wide)timer << 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_instants_convert_exactly),
		cmocka_unit_test(the_denominator_is_the_smallest_that_serves_all),
		cmocka_unit_test(a_million_frames_do_not_drift),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(a_guard_is_never_shorter_than_asked),
		cmocka_unit_test(the_timer_multiplier_is_exact_or_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
