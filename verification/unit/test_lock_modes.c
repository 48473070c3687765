/*
 * The matrix, the holders' counts, the rings, the guard, and each rule by itself.
 */
#include "unit.h"

#include <mullion/lock_links.h>
#include <mullion/lock_modes.h>
#include <mullion/lock_rules.h>
#include <mullion/lock_tables.h>

/* As in libdlm(3) and the VMS manuals: rows and columns NL CR CW PR PW EX. */
static const char *const matrix[LOCK_MODES] = {
	"yyyyyy",
	"yyyyyn",
	"yyynnn",
	"yynynn",
	"yynnnn",
	"ynnnnn",
};

static void modes_agree_as_the_vms_matrix_says(void **state)
{
	(void)state;
	for (uint8_t a = 0; a < LOCK_MODES; a++) {
		for (uint8_t b = 0; b < LOCK_MODES; b++)
			assert_int_equal(lock_modes_agree(a, b), matrix[a][b] == 'y');
	}
}

static void a_mode_covers_another_if_nobody_can_mind_the_change(void **state)
{
	(void)state;
	for (uint8_t strong = 0; strong < LOCK_MODES; strong++) {
		for (uint8_t weak = 0; weak < LOCK_MODES; weak++) {
			bool minds = false;

			for (uint8_t other = 0; other < LOCK_MODES; other++)
				minds |= matrix[strong][other] == 'y' && matrix[weak][other] == 'n';
			assert_int_equal(lock_mode_covers(strong, weak), !minds);
		}
	}
}

static void a_mode_is_admitted_when_it_agrees_with_every_holder(void **state)
{
	(void)state;
	for (uint32_t set = 0; set < 1u << LOCK_MODES; set++) {
		uint32_t held[LOCK_MODES];

		for (uint8_t i = 0; i < LOCK_MODES; i++)
			held[i] = set >> i & 1u;
		for (uint8_t mode = 0; mode < LOCK_MODES; mode++) {
			bool admitted = true;

			for (uint8_t i = 0; i < LOCK_MODES; i++)
				admitted &= !held[i] || matrix[i][mode] == 'y';
			assert_int_equal(lock_holders_admit(held, mode), admitted);
		}
	}
}

static void a_conversion_looks_at_the_other_holders_only(void **state)
{
	uint32_t one[LOCK_MODES] = { [LOCK_PR] = 1 };
	uint32_t two[LOCK_MODES] = { [LOCK_PR] = 2 };

	(void)state;
	assert_true(lock_holders_convert(one, LOCK_PR, LOCK_EX));
	assert_int_equal(one[LOCK_PR], 0);
	assert_int_equal(one[LOCK_EX], 1);
	assert_false(lock_holders_convert(two, LOCK_PR, LOCK_EX));
	assert_int_equal(two[LOCK_PR], 2);
	assert_int_equal(two[LOCK_EX], 0);
}

static void a_ring_gives_back_what_was_put_in_first_first(void **state)
{
	struct lock_link links[6];

	(void)state;
	lock_links_init(links, 6);
	assert_true(lock_links_empty(links, 5));
	for (uint32_t i = 0; i < 5; i++)
		lock_links_insert(links, i, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(links[5].next, i);
		lock_links_remove(links, i);
	}
	assert_true(lock_links_empty(links, 5));
}

static void a_link_is_taken_out_of_the_middle_and_twice_without_harm(void **state)
{
	struct lock_link links[4];

	(void)state;
	lock_links_init(links, 4);
	for (uint32_t i = 0; i < 3; i++)
		lock_links_insert(links, i, 3);
	lock_links_remove(links, 1);
	lock_links_remove(links, 1);
	assert_int_equal(links[0].next, 2);
	assert_int_equal(links[2].prev, 0);
	assert_true(lock_links_empty(links, 1));
}

/* By 128-bit arithmetic: the guard is the least number that suffices, or one more. */
static void the_guard_outlasts_the_span_on_the_fastest_clock(void **state)
{
	static const uint64_t spans[] = { 1, 999, 1000000, 4000000, 123456789, 10000000000ull };
	static const uint32_t drifts[] = { 0, 1, 50, 200, 1000, 100000, 500000 };

	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		for (uint32_t j = 0; j < 7; j++) {
			const __uint128_t slow = 1000000u - drifts[j], fast = 1000000u + drifts[j];
			const __uint128_t guard = lock_guard_ns(spans[i], drifts[j]);

			assert_true(guard * slow >= spans[i] * fast);
			assert_true((guard - 2) * slow < spans[i] * fast || guard < 2);
		}
	}
}

static void a_lease_runs_from_its_sending_and_never_from_the_future(void **state)
{
	(void)state;
	assert_int_equal(lock_rule_lease_end(100, 150, 30), 130);
	assert_int_equal(lock_rule_lease_end(151, 150, 30), 0);
}

static void a_session_outlives_the_authority_by_so_much_at_most(void **state)
{
	(void)state;
	assert_int_equal(lock_rule_cap(100, 50, 1000, 20), 50);
	assert_int_equal(lock_rule_cap(990, 50, 1000, 20), 30);
	assert_int_equal(lock_rule_cap(1020, 50, 1000, 20), 0);
	assert_int_equal(lock_rule_cap(5000, 50, 1000, 20), 0);
}

static void leases_end_at_their_end_and_promises_not_before(void **state)
{
	(void)state;
	assert_false(lock_rule_session_over(99, 100));
	assert_true(lock_rule_session_over(100, 100));
	assert_true(lock_rule_authority(99, 100));
	assert_false(lock_rule_authority(100, 100));
	assert_false(lock_rule_promise(99, 100));
	assert_true(lock_rule_promise(100, 100));
	assert_true(lock_rule_again(99, 100));
	assert_false(lock_rule_again(100, 100));
	assert_int_equal(lock_rule_guard_end(10, 5, 7), 17);
	assert_int_equal(lock_rule_quiet_end(10, 5, 7), 22);
}

static void two_that_remember_or_all_three_elect(void **state)
{
	(void)state;
	assert_false(lock_rule_quorum(1, 1));
	assert_false(lock_rule_quorum(2, 1));
	assert_true(lock_rule_quorum(2, 2));
	assert_true(lock_rule_quorum(3, 0));
}

static void a_resource_accepts_no_token_below_the_greatest(void **state)
{
	(void)state;
	assert_true(lock_rule_fence(7, 7));
	assert_true(lock_rule_fence(7, 8));
	assert_false(lock_rule_fence(7, 6));
}

static void operations_answers_epochs_and_lives_are_compared_exactly(void **state)
{
	(void)state;
	assert_true(lock_rule_sequence(4, 5));
	assert_false(lock_rule_sequence(5, 5));
	assert_true(lock_rule_answer(true, 5, 5));
	assert_false(lock_rule_answer(false, 5, 5));
	assert_false(lock_rule_answer(true, 5, 4));
	assert_true(lock_rule_epoch(3, 3));
	assert_false(lock_rule_epoch(3, 4));
	assert_true(lock_rule_new_epoch(3, 4));
	assert_false(lock_rule_new_epoch(3, 3));
	assert_true(lock_rule_vote(3, 4));
	assert_false(lock_rule_vote(3, 3));
	assert_true(lock_rule_incarnation(9, 9));
	assert_false(lock_rule_incarnation(9, 8));
	assert_false(lock_rule_collecting(false));
	assert_true(lock_rule_served(true, 0, 9));
	assert_true(lock_rule_served(false, 9, 9));
	assert_false(lock_rule_served(false, 8, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_agree_as_the_vms_matrix_says),
		cmocka_unit_test(a_mode_covers_another_if_nobody_can_mind_the_change),
		cmocka_unit_test(a_mode_is_admitted_when_it_agrees_with_every_holder),
		cmocka_unit_test(a_conversion_looks_at_the_other_holders_only),
		cmocka_unit_test(a_ring_gives_back_what_was_put_in_first_first),
		cmocka_unit_test(a_link_is_taken_out_of_the_middle_and_twice_without_harm),
		cmocka_unit_test(the_guard_outlasts_the_span_on_the_fastest_clock),
		cmocka_unit_test(a_lease_runs_from_its_sending_and_never_from_the_future),
		cmocka_unit_test(a_session_outlives_the_authority_by_so_much_at_most),
		cmocka_unit_test(leases_end_at_their_end_and_promises_not_before),
		cmocka_unit_test(two_that_remember_or_all_three_elect),
		cmocka_unit_test(a_resource_accepts_no_token_below_the_greatest),
		cmocka_unit_test(operations_answers_epochs_and_lives_are_compared_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
