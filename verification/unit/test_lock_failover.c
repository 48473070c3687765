/*
 * Who leads, and what is left when that changes: elections, authority, epochs.
 */
#include "lock_world.h"

static struct world *begun(struct world *w)
{
	world_begun(w);
	world_run(w, 2000000);
	return w;
}

static struct world *started(uint32_t participants)
{
	return begun(world_new(1, 2, participants));
}

static struct lock_server *fail_over(struct world *w)
{
	struct lock_server *old = world_leader(w, 0);
	const uint32_t epoch = old->epoch;

	world_crash(w, old->node);
	world_until_serving(w, 0);
	assert_true(world_leader(w, 0) != old);
	assert_true(world_leader(w, 0)->epoch > epoch);
	return old;
}

static void the_first_of_the_three_leads_and_the_witness_never(void **state)
{
	struct world *w = started(1);

	(void)state;
	assert_int_equal(world_leader(w, 0)->place, 0);
	world_crash(w, 0);
	world_until_serving(w, 0);
	assert_int_equal(world_leader(w, 0)->place, 1);
	world_crash(w, 1);
	world_run(w, 50000000);
	assert_null(world_leader(w, 0));
	world_free(w);
}

static void at_first_all_three_must_agree(void **state)
{
	struct world *w = world_new(1, 2, 1);

	(void)state;
	world_start(w);
	world_crash(w, 2);
	world_run(w, 50000000);
	assert_null(world_leader(w, 0));
	world_revive(w, 2, false);
	world_until_serving(w, 0);
	world_free(w);
}

static void whoever_forgot_votes_again_only_after_the_leader_told_it_the_epoch(void **state)
{
	struct world *w = started(1);

	(void)state;
	world_crash(w, 2);
	world_revive(w, 2, false);
	assert_false(w->server[0][2].voter.memory);
	world_run(w, 4 * w->group[0].timing.authority_guard_ns);
	assert_true(w->server[0][2].voter.memory);
	fail_over(w);
	world_free(w);
}

/* It led epoch 1, forgot it at once, and is the first to ask again. */
static void a_leader_that_forgot_is_not_elected_in_its_own_epoch_again(void **state)
{
	struct world *w = started(1);
	const uint32_t epoch = world_leader(w, 0)->epoch;

	(void)state;
	world_crash(w, 0);
	world_revive(w, 0, false);
	world_until_serving(w, 0);
	assert_true(world_leader(w, 0)->epoch > epoch);
	world_free(w);
}

static void a_holder_survives_the_leader(void **state)
{
	struct world *w = started(3);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_take(w, 1, 1, LOCK_PR);
	fail_over(w);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	assert_true(world_holds(w, 1, 1, LOCK_PR));
	world_give(w, 0, 0);
	world_take(w, 2, 0, LOCK_EX);
	world_free(w);
}

static void waiters_keep_their_order(void **state)
{
	struct world *w = started(4);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	for (uint32_t p = 3; p >= 1; p--) {
		world_ask(w, p, 0, LOCK_EX);
		world_run(w, 100000);
	}
	fail_over(w);
	world_run(w, 1000000);
	for (uint32_t p = 3; p >= 1; p--) {
		world_release(w, p == 3 ? 0 : p + 1, 0);
		world_until(w, p, 0, LOCK_HOLDING);
		for (uint32_t later = 1; later < p; later++)
			assert_int_equal(world_own(w, later, 0)->state, LOCK_WAITING);
	}
	world_free(w);
}

static void a_conversion_that_waited_waits_on(void **state)
{
	struct world *w = started(2);

	(void)state;
	world_take(w, 0, 0, LOCK_PR);
	world_take(w, 1, 0, LOCK_PR);
	world_ask(w, 0, 0, LOCK_EX);
	world_run(w, 100000);
	fail_over(w);
	assert_true(world_holds(w, 0, 0, LOCK_PR));
	world_give(w, 1, 0);
	world_until(w, 0, 0, LOCK_HOLDING);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void conversions_that_no_leader_saw_together_do_not_wait_for_each_other(void **state)
{
	struct world *w = started(3);
	uint32_t loser;

	(void)state;
	world_take(w, 0, 0, LOCK_CW);
	world_take(w, 1, 0, LOCK_CW);
	world_crash(w, world_leader(w, 0)->node);
	assert_int_equal(world_ask(w, 0, 0, LOCK_PW), LOCK_PENDING);
	assert_int_equal(world_ask(w, 1, 0, LOCK_EX), LOCK_PENDING);
	world_until_serving(w, 0);
	world_run(w, 2000000);
	loser = world_own(w, 0, 0)->state == LOCK_HOLDING ? 0 : 1;
	assert_int_equal(w->event[loser * w->locks].status, LOCK_DEADLOCK);
	assert_true(world_holds(w, loser, 0, LOCK_CW));
	assert_int_equal(world_own(w, 1 - loser, 0)->state, LOCK_WAITING);
	world_give(w, loser, 0);
	world_until(w, 1 - loser, 0, LOCK_HOLDING);
	assert_true(world_holds(w, 1 - loser, 0, LOCK_PW));
	world_free(w);
}

static void tokens_of_a_later_epoch_are_greater(void **state)
{
	struct world *w = started(2);
	uint64_t before;

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	before = world_own(w, 0, 0)->token;
	world_give(w, 0, 0);
	fail_over(w);
	world_take(w, 0, 0, LOCK_EX);
	assert_true(world_own(w, 0, 0)->token > before);
	assert_int_equal(world_own(w, 0, 0)->token >> 40, world_leader(w, 0)->epoch);
	world_free(w);
}

/* A release that the dead leader may have seen or not: either way the lock is free, and the value written. */
static void a_release_amidst_the_failover_is_done_once(void **state)
{
	(void)state;
	for (uint64_t wait_ns = 0; wait_ns < 40000; wait_ns += 5000) {
		struct world *w = started(2);
		uint8_t value[LOCK_VALUE_BYTES] = { 42 }, seen[LOCK_VALUE_BYTES];

		world_take(w, 1, 0, LOCK_EX); /* so that both know the value */
		world_give(w, 1, 0);
		world_take(w, 0, 0, LOCK_EX);
		lock_client_release(&w->client[0], 0, value, world_clock(w, world_node_of(0)));
		world_run(w, wait_ns);
		fail_over(w);
		world_until(w, 0, 0, LOCK_IDLE);
		world_take(w, 1, 0, LOCK_EX);
		assert_true(lock_client_value(&w->client[1], 0, seen));
		assert_memory_equal(seen, value, sizeof(value));
		world_free(w);
	}
}

static void a_value_that_a_silent_member_may_have_changed_is_not_valid(void **state)
{
	struct world *w = started(3);
	uint8_t value[LOCK_VALUE_BYTES] = { 42 };

	(void)state;
	for (uint32_t p = 0; p < 3; p++) {
		world_take(w, p, 0, LOCK_EX);
		lock_client_release(&w->client[p], 0, value, world_clock(w, world_node_of(p)));
		world_until(w, p, 0, LOCK_IDLE);
	}
	world_crash(w, world_node_of(2));
	fail_over(w);
	world_take(w, 0, 0, LOCK_PR);
	assert_false(lock_client_value(&w->client[0], 0, value));
	world_free(w);
}

static void a_reader_vouches_for_the_value_whoever_is_silent(void **state)
{
	struct world *w = started(3);
	uint8_t value[LOCK_VALUE_BYTES] = { 42 }, seen[LOCK_VALUE_BYTES];

	(void)state;
	world_take(w, 2, 0, LOCK_EX);
	lock_client_release(&w->client[2], 0, value, world_clock(w, world_node_of(2)));
	world_until(w, 2, 0, LOCK_IDLE);
	world_take(w, 1, 0, LOCK_PR);
	world_crash(w, world_node_of(2));
	fail_over(w);
	world_take(w, 0, 0, LOCK_PR);
	assert_true(lock_client_value(&w->client[0], 0, seen));
	assert_memory_equal(seen, value, sizeof(value));
	world_free(w);
}

/* L_a guarded, the stagger, the messages, and as many calls as there are slots and locks. */
static void service_resumes_within_its_bound_when_nobody_else_failed(void **state)
{
	struct world *w = started(4);
	const struct lock_timing *t = &w->group[0].timing;
	uint64_t began;

	(void)state;
	world_crash(w, 0);
	began = w->now_ns;
	while (!world_leader(w, 0))
		world_step(w);
	assert_true(w->now_ns - began <= t->authority_guard_ns + t->retransmit_ns +
						 5 * (w->delay_most_ns + WORLD_STEP_NS) + 100000);
	world_free(w);
}

static void a_silent_member_delays_service_by_what_its_session_may_last(void **state)
{
	struct world *w = started(4);
	const struct lock_timing *t = &w->group[0].timing;
	uint64_t began;

	(void)state;
	world_crash(w, 0);
	world_crash(w, world_node_of(3));
	began = w->now_ns;
	while (!world_leader(w, 0))
		world_step(w);
	assert_true(w->now_ns - began >= t->survive_ns);
	assert_true(w->now_ns - began <= t->authority_guard_ns + t->retransmit_ns +
						 t->survive_guard_ns +
						 5 * (w->delay_most_ns + WORLD_STEP_NS) + 100000);
	world_free(w);
}

static void a_leader_that_is_cut_off_stops_before_another_starts(void **state)
{
	struct world *w = started(2);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_isolate(w, 0, true);
	while (world_leader(w, 0))
		world_step(w);
	assert_true(w->server[0][1].phase == LOCK_FOLLOWING);
	world_until_serving(w, 0);
	assert_int_equal(world_leader(w, 0)->place, 1);
	world_isolate(w, 0, false);
	world_run(w, 10000000);
	assert_int_equal(world_leader(w, 0)->place, 1);
	assert_int_equal(w->server[0][0].phase, LOCK_FOLLOWING);
	world_free(w);
}

static void one_voter_is_enough_to_go_on(void **state)
{
	struct world *w = started(2);
	const uint32_t epoch = world_leader(w, 0)->epoch;

	(void)state;
	world_crash(w, 1);
	world_run(w, 20000000);
	assert_int_equal(world_leader(w, 0)->epoch, epoch);
	world_free(w);
}

static void without_any_voter_nobody_leads(void **state)
{
	struct world *w = started(2);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_crash(w, 1);
	world_crash(w, 2);
	world_run(w, w->group[0].timing.authority_ns + 100000);
	assert_null(world_leader(w, 0));
	world_run(w, w->group[0].timing.session_ns);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

/* What makes the wait for silent members finite. */
static void no_session_outlives_its_leader_by_more_than_was_agreed(void **state)
{
	struct world *w = started(2);
	const struct lock_timing *t = &w->group[0].timing;

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_isolate(w, 0, true);
	world_isolate(w, world_node_of(0), true);
	w->cut[0][world_node_of(0)] = w->cut[world_node_of(0)][0] =
		false; /* they have each other, and no more */
	world_run(w, t->authority_ns + t->survive_ns);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void one_groups_failover_leaves_the_other_alone(void **state)
{
	struct world *w = begun(world_new(2, 4, 2));

	(void)state;
	assert_int_equal(world_leader(w, 0)->node, 0);
	world_crash(w, 0); /* serves group 0 only */
	for (uint32_t i = 0; i < 300; i++) {
		world_take(w, 0, 3, LOCK_EX);
		world_give(w, 0, 3);
		assert_non_null(world_leader(w, 1));
	}
	world_until_serving(w, 0);
	world_free(w);
}

static void a_report_that_comes_late_brings_back_nothing(void **state)
{
	struct world *w = started(2);
	struct lock_message late;
	struct lock_server *leader;

	(void)state;
	fail_over(w);
	world_run(w, 1000000);
	leader = world_leader(w, 0);
	late = world_report_of(w, 0, 0);
	assert_int_equal(lock_server_receive(leader, world_node_of(0), &late, LOCK_MESSAGE_BYTES,
				 world_clock(w, leader->node)),
		LOCK_TOO_LATE);
	assert_int_equal(leader->storage.places[0].held, LOCK_NONE);
	world_take(w, 1, 0, LOCK_EX);
	world_free(w);
}

static void a_grant_of_an_older_epoch_is_not_taken(void **state)
{
	struct world *w = started(2);
	struct lock_message grant;

	(void)state;
	world_take(w, 1, 0, LOCK_EX);
	world_ask(w, 0, 0, LOCK_EX);
	world_run(w, 100000);
	fail_over(w);
	world_run(w, 1000000);
	grant = world_report_of(w, 0, 0);
	grant.kind = LOCK_GRANT;
	grant.node = world_leader(w, 0)->node;
	grant.epoch--;
	grant.sequence = world_own(w, 0, 0)->sequence;
	grant.token = (uint64_t)grant.epoch << 40 | 1000;
	assert_int_equal(lock_client_receive(&w->client[0], grant.node, &grant, LOCK_MESSAGE_BYTES,
				 world_clock(w, world_node_of(0))),
		LOCK_OLD_EPOCH);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void leaders_change_many_times_and_lose_nothing(void **state)
{
	struct world *w = started(3);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	for (uint32_t i = 0; i < 6; i++) {
		const struct lock_server *old = fail_over(w);

		world_revive(w, old->node, i % 2);
		world_run(w, 10000000);
		assert_true(world_holds(w, 0, 0, LOCK_EX));
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_the_three_leads_and_the_witness_never),
		cmocka_unit_test(at_first_all_three_must_agree),
		cmocka_unit_test(
			whoever_forgot_votes_again_only_after_the_leader_told_it_the_epoch),
		cmocka_unit_test(a_leader_that_forgot_is_not_elected_in_its_own_epoch_again),
		cmocka_unit_test(a_holder_survives_the_leader),
		cmocka_unit_test(waiters_keep_their_order),
		cmocka_unit_test(a_conversion_that_waited_waits_on),
		cmocka_unit_test(
			conversions_that_no_leader_saw_together_do_not_wait_for_each_other),
		cmocka_unit_test(tokens_of_a_later_epoch_are_greater),
		cmocka_unit_test(a_release_amidst_the_failover_is_done_once),
		cmocka_unit_test(a_value_that_a_silent_member_may_have_changed_is_not_valid),
		cmocka_unit_test(a_reader_vouches_for_the_value_whoever_is_silent),
		cmocka_unit_test(service_resumes_within_its_bound_when_nobody_else_failed),
		cmocka_unit_test(a_silent_member_delays_service_by_what_its_session_may_last),
		cmocka_unit_test(a_leader_that_is_cut_off_stops_before_another_starts),
		cmocka_unit_test(one_voter_is_enough_to_go_on),
		cmocka_unit_test(without_any_voter_nobody_leads),
		cmocka_unit_test(no_session_outlives_its_leader_by_more_than_was_agreed),
		cmocka_unit_test(one_groups_failover_leaves_the_other_alone),
		cmocka_unit_test(a_report_that_comes_late_brings_back_nothing),
		cmocka_unit_test(a_grant_of_an_older_epoch_is_not_taken),
		cmocka_unit_test(leaders_change_many_times_and_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
