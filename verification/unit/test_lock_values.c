/*
 * What goes with a lock: its value, the notice that somebody waits, and that it is kept when it is given back.
 */
#include "lock_world.h"

static struct world *started(void)
{
	return world_begun(world_new(1, 1, 2));
}

static void write_and_release(struct world *w, uint32_t p, uint8_t byte)
{
	uint8_t value[LOCK_VALUE_BYTES];

	memset(value, byte, sizeof(value));
	assert_int_equal(
		lock_client_release(&w->client[p], 0, value, world_clock_of(w, p)), LOCK_PENDING);
	world_until(w, p, 0, LOCK_IDLE);
}

static void a_value_written_under_ex_or_pw_is_read_with_the_next_grant(void **state)
{
	struct world *w = started();

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	write_and_release(w, 0, 7);
	world_take(w, 1, 0, LOCK_PW);
	assert_true(world_sees(w, 1, 0, 7));
	write_and_release(w, 1, 8);
	world_take(w, 0, 0, LOCK_CR);
	assert_true(world_sees(w, 0, 0, 8));
	world_free(w);
}

static void a_value_given_with_a_weaker_mode_is_not_taken(void **state)
{
	struct world *w = started();

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	write_and_release(w, 0, 7);
	world_take(w, 0, 0, LOCK_PR);
	write_and_release(w, 0, 9);
	world_take(w, 1, 0, LOCK_PR);
	assert_true(world_sees(w, 1, 0, 7));
	world_free(w);
}

static void a_conversion_down_writes_the_value(void **state)
{
	struct world *w = started();
	uint8_t value[LOCK_VALUE_BYTES];

	(void)state;
	memset(value, 5, sizeof(value));
	world_take(w, 0, 0, LOCK_EX);
	assert_int_equal(lock_client_request(&w->client[0], 0, LOCK_CR, LOCK_FLAG_VALUE, value,
				 world_clock_of(w, 0)),
		LOCK_PENDING);
	world_until(w, 0, 0, LOCK_HOLDING);
	world_take(w, 1, 0, LOCK_CR);
	assert_true(world_sees(w, 1, 0, 5));
	world_free(w);
}

static void a_value_is_not_valid_before_it_was_written(void **state)
{
	struct world *w = started();
	uint8_t value[LOCK_VALUE_BYTES];

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	assert_false(lock_client_value(&w->client[0], 0, value));
	world_free(w);
}

static struct world *with_options(uint8_t options)
{
	struct world *w = world_new(1, 2, 3);

	w->lock[0].options = options;
	return world_begun(w);
}

static void whoever_blocks_is_told_which_mode_waits(void **state)
{
	struct world *w = with_options(LOCK_NOTIFY);

	(void)state;
	world_take(w, 0, 0, LOCK_PR);
	world_take(w, 1, 0, LOCK_CR);
	world_queue_up(w, 2, 0, LOCK_PW);
	assert_int_equal(w->event[0].kind, LOCK_EVENT_BLOCKING);
	assert_int_equal(w->event[0].mode, LOCK_PW);
	assert_int_equal(w->event[1 * w->locks].kind, LOCK_EVENT_DONE); /* CR agrees with PW */
	world_free(w);
}

static void a_cached_lock_is_taken_again_without_a_message(void **state)
{
	struct world *w = with_options(LOCK_CACHED);
	uint64_t requests;

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	requests = w->sent[LOCK_REQUEST];
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(world_release(w, 0, 0), LOCK_DONE);
		assert_false(world_holds(w, 0, 0, LOCK_NL));
		assert_int_equal(world_ask(w, 0, 0, i % 2 ? LOCK_EX : LOCK_PR), LOCK_DONE);
		assert_true(world_holds(w, 0, 0, LOCK_PR));
	}
	assert_int_equal(w->sent[LOCK_REQUEST], requests);
	assert_int_equal(w->sent[LOCK_RELEASE], 0);
	world_free(w);
}

static void a_cached_lock_goes_to_whoever_wants_it_with_its_value(void **state)
{
	struct world *w = with_options(LOCK_CACHED);
	uint8_t value[LOCK_VALUE_BYTES];

	(void)state;
	memset(value, 3, sizeof(value));
	world_take(w, 0, 0, LOCK_EX);
	assert_int_equal(
		lock_client_release(&w->client[0], 0, value, world_clock_of(w, 0)), LOCK_DONE);
	world_take(w, 1, 0, LOCK_EX);
	assert_true(world_sees(w, 1, 0, 3));
	assert_int_equal(world_own(w, 0, 0)->state, LOCK_IDLE);
	world_free(w);
}

static void a_cached_lock_in_use_goes_when_it_is_released(void **state)
{
	struct world *w = with_options(LOCK_CACHED);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_queue_up(w, 1, 0, LOCK_EX);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	assert_int_equal(world_release(w, 0, 0), LOCK_PENDING);
	world_until(w, 1, 0, LOCK_HOLDING);
	world_free(w);
}

static void a_lock_that_is_only_cached_is_no_obstacle_to_lower_ranks(void **state)
{
	struct world *w = world_new(1, 2, 1);

	(void)state;
	w->lock[1].options = LOCK_CACHED;
	world_begun(w);
	world_take(w, 0, 1, LOCK_EX);
	assert_int_equal(world_release(w, 0, 1), LOCK_DONE);
	world_take(w, 0, 0, LOCK_EX);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_written_under_ex_or_pw_is_read_with_the_next_grant),
		cmocka_unit_test(a_value_given_with_a_weaker_mode_is_not_taken),
		cmocka_unit_test(a_conversion_down_writes_the_value),
		cmocka_unit_test(a_value_is_not_valid_before_it_was_written),
		cmocka_unit_test(whoever_blocks_is_told_which_mode_waits),
		cmocka_unit_test(a_cached_lock_is_taken_again_without_a_message),
		cmocka_unit_test(a_cached_lock_goes_to_whoever_wants_it_with_its_value),
		cmocka_unit_test(a_cached_lock_in_use_goes_when_it_is_released),
		cmocka_unit_test(a_lock_that_is_only_cached_is_no_obstacle_to_lower_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
