/*
 * Who is there: sessions, leases, heartbeats, lives, budgets.
 */
#include "lock_world.h"

static struct world *started(uint32_t participants)
{
	return world_begun(world_new(1, 2, participants));
}

static void heartbeats_keep_a_session_and_what_it_holds(void **state)
{
	struct world *w = started(2);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_run(w, 20 * w->group[0].timing.session_ns);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void whoever_is_cut_off_holds_nothing_when_its_session_ends(void **state)
{
	struct world *w = started(2);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_isolate(w, world_node_of(0), true);
	world_run(w, w->group[0].timing.session_ns);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	assert_int_equal(w->event[0].kind, LOCK_EVENT_LOST);
	world_free(w);
}

/* The lock is free for another only after the guarded session, and no later than a little after that. */
static void a_lost_holder_is_succeeded_when_its_session_is_certainly_over(void **state)
{
	struct world *w = started(2);
	const struct lock_timing *t = &w->group[0].timing;
	uint64_t began;

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_crash(w, world_node_of(0));
	began = w->now_ns;
	world_take(w, 1, 0, LOCK_EX);
	assert_true(w->now_ns - began >= t->session_guard_ns - t->heartbeat_ns - 100000);
	assert_true(w->now_ns - began <= t->session_guard_ns + 2 * w->delay_most_ns + 100000);
	world_free(w);
}

static void the_value_of_a_lost_writer_is_not_valid(void **state)
{
	struct world *w = started(2);
	uint8_t value[LOCK_VALUE_BYTES] = { 1 };

	(void)state;
	world_take(w, 1, 0, LOCK_EX);
	lock_client_release(&w->client[1], 0, value, world_clock(w, world_node_of(1)));
	world_until(w, 1, 0, LOCK_IDLE);
	world_take(w, 0, 0, LOCK_PR);
	assert_true(lock_client_value(&w->client[0], 0, value));
	world_give(w, 0, 0);
	world_take(w, 0, 0, LOCK_PW);
	world_crash(w, world_node_of(0));
	world_take(w, 1, 0, LOCK_EX);
	assert_false(lock_client_value(&w->client[1], 0, value));
	lock_client_release(&w->client[1], 0, value, world_clock(w, world_node_of(1)));
	world_until(w, 1, 0, LOCK_IDLE);
	world_take(w, 1, 0, LOCK_PR);
	assert_true(lock_client_value(&w->client[1], 0, value));
	world_free(w);
}

static void the_value_of_a_lost_reader_stays_valid(void **state)
{
	struct world *w = started(2);
	uint8_t value[LOCK_VALUE_BYTES] = { 1 };

	(void)state;
	world_take(w, 1, 0, LOCK_EX);
	lock_client_release(&w->client[1], 0, value, world_clock(w, world_node_of(1)));
	world_until(w, 1, 0, LOCK_IDLE);
	world_take(w, 0, 0, LOCK_PR);
	world_crash(w, world_node_of(0));
	world_take(w, 1, 0, LOCK_EX);
	assert_true(lock_client_value(&w->client[1], 0, value));
	world_free(w);
}

static void a_new_life_is_let_in_when_the_old_one_is_over(void **state)
{
	struct world *w = started(2);
	const uint64_t began = w->now_ns;

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_crash(w, world_node_of(0));
	world_revive(w, world_node_of(0), false);
	assert_int_equal(world_ask(w, 0, 0, LOCK_EX), LOCK_LOST);
	world_until_joined(w);
	assert_true(w->now_ns - began >= w->group[0].timing.session_ns);
	world_take(w, 0, 0, LOCK_EX);
	world_free(w);
}

static void give_with(struct world *w, uint32_t p, uint8_t first)
{
	const uint8_t value[LOCK_VALUE_BYTES] = { first };

	lock_client_release(&w->client[p], 0, value, world_clock(w, world_node_of(p)));
	world_until(w, p, 0, LOCK_IDLE);
}

/* Once more what participant 0 said in a life that is over; `incarnation` is counted from its last one. */
static enum lock_reason say_late(struct world *w, struct lock_message m)
{
	const struct lock_membership *s = &w->client[0].storage.memberships[0];
	struct lock_server *leader = world_leader(w, 0);

	m.node = world_node_of(0);
	m.epoch = s->epoch;
	m.incarnation += s->incarnation;
	m.value[0] = 1;
	return lock_server_receive(
		leader, m.node, &m, LOCK_MESSAGE_BYTES, world_clock(w, leader->node));
}

/* A late HELLO begins a session, and its numbers anew: the late release, too, finds something held. */
static void a_value_that_a_former_life_gave_does_not_come_back(void **state)
{
	struct world *w = started(2);
	struct lock_message again = {
		.sequence = 2, .held = LOCK_PW, .wanted = LOCK_NONE, .flags = LOCK_FLAG_VALUE
	};
	uint8_t value[LOCK_VALUE_BYTES];

	(void)state;
	world_take(w, 0, 0, LOCK_PW);
	again.token = world_own(w, 0, 0)->token;
	give_with(w, 0, 1);
	world_take(w, 1, 0, LOCK_EX);
	give_with(w, 1, 2);
	world_crash(w, world_node_of(0));
	world_run(w, 2 * w->group[0].timing.session_guard_ns);
	assert_int_equal(
		say_late(w, (struct lock_message){ .kind = LOCK_HELLO, .held = LOCK_NONE }),
		LOCK_TAKEN);
	assert_int_equal(say_late(w, (struct lock_message){ .kind = LOCK_REQUEST,
					     .sequence = 1,
					     .held = LOCK_NONE,
					     .wanted = LOCK_PW }),
		LOCK_TAKEN);
	again.kind = LOCK_RELEASE;
	assert_int_equal(say_late(w, again), LOCK_IMPOSSIBLE);
	again.kind = LOCK_REQUEST;
	again.wanted = LOCK_NL;
	assert_int_equal(say_late(w, again), LOCK_IMPOSSIBLE);
	world_take(w, 1, 0, LOCK_PR);
	assert_false(lock_client_value(&w->client[1], 0, value));
	assert_int_equal(value[0], 2);
	world_free(w);
}

static enum lock_reason say_hello(struct world *w, int32_t later)
{
	return say_late(w, (struct lock_message){ .kind = LOCK_HELLO,
				   .held = LOCK_NONE,
				   .wanted = LOCK_NONE,
				   .incarnation = (uint32_t)later });
}

static void a_late_hello_of_a_life_that_is_over_does_not_keep_the_next_one_out(void **state)
{
	struct world *w = started(2);
	uint64_t began_ns;

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_crash(w, world_node_of(0));
	world_run(w, 2 * w->group[0].timing.session_guard_ns);
	assert_int_equal(say_hello(w, 0), LOCK_TAKEN);
	world_revive(w, world_node_of(0), false);
	began_ns = w->now_ns;
	world_until_joined(w);
	assert_true(w->now_ns - began_ns < w->group[0].timing.session_ns / 4);
	world_take(w, 0, 0, LOCK_EX);
	world_free(w);
}

static void nor_where_the_numbers_of_lives_begin_anew(void **state)
{
	struct world *w = started(2);

	(void)state;
	world_leader(w, 0)->storage.sessions[0].incarnation = UINT32_MAX;
	assert_int_equal(say_hello(w, 0), LOCK_TAKEN);
	world_free(w);
}

static void a_late_hello_does_not_push_out_who_is_there(void **state)
{
	struct world *w = started(2);

	(void)state;
	assert_int_equal(say_hello(w, -1), LOCK_OLD_INCARNATION);
	assert_int_equal(say_hello(w, 0), LOCK_REPEATED);
	world_take(w, 0, 0, LOCK_EX);
	assert_int_equal(say_hello(w, 1), LOCK_OLD_INCARNATION);
	assert_int_equal(say_hello(w, 0), LOCK_REPEATED);
	world_run(w, 2 * w->group[0].timing.session_ns);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void a_waiter_that_is_lost_leaves_the_queue(void **state)
{
	struct world *w = started(3);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_ask(w, 1, 0, LOCK_EX);
	world_run(w, 100000);
	world_ask(w, 2, 0, LOCK_EX);
	world_crash(w, world_node_of(1));
	world_run(w, 2 * w->group[0].timing.session_guard_ns);
	assert_int_equal(world_leader(w, 0)->storage.locks[0].waiting, 1);
	world_give(w, 0, 0);
	world_until(w, 2, 0, LOCK_HOLDING);
	world_free(w);
}

static void a_pause_longer_than_the_session_ends_it(void **state)
{
	struct world *w = started(2);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	w->down[world_node_of(0)] = true;
	world_take(w, 1, 0, LOCK_EX);
	w->down[world_node_of(0)] = false;
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	world_run(w, 10 * WORLD_STEP_NS);
	assert_int_equal(world_own(w, 0, 0)->state, LOCK_IDLE);
	world_until_joined(w);
	world_free(w);
}

static void clocks_that_drift_as_declared_change_nothing(void **state)
{
	struct world *w = world_new(1, 2, 2);

	(void)state;
	w->drift_ppm[0] = w->drift_ppm[1] = 200;
	w->drift_ppm[world_node_of(0)] = -200;
	world_begun(w);
	for (uint32_t i = 0; i < 5; i++) {
		world_take(w, 0, 0, LOCK_EX);
		world_isolate(w, world_node_of(0), true);
		world_take(w, 1, 0, LOCK_EX);
		world_give(w, 1, 0);
		world_isolate(w, world_node_of(0), false);
		world_until_joined(w);
	}
	world_free(w);
}

static void a_hold_beyond_its_budget_is_counted_and_goes_on(void **state)
{
	struct world *w = world_new(1, 2, 2);

	(void)state;
	w->lock[0].hold_budget_ns = 3000000;
	world_begun(w);
	world_take(w, 0, 0, LOCK_EX);
	world_take(w, 1, 1, LOCK_EX);
	world_run(w, 2500000);
	assert_int_equal(world_leader(w, 0)->overruns, 0);
	world_run(w, 20000000);
	assert_int_equal(world_leader(w, 0)->overruns, 1);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void where_the_tables_say_so_it_is_revoked_by_ending_the_session(void **state)
{
	struct world *w = world_new(1, 2, 2);

	(void)state;
	w->lock[0].hold_budget_ns = 3000000;
	w->lock[0].options = LOCK_REVOKE;
	world_begun(w);
	world_take(w, 0, 0, LOCK_EX);
	world_take(w, 1, 0, LOCK_EX);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	assert_int_equal(world_leader(w, 0)->revocations, 1);
	assert_true(world_leader(w, 0)->counts[LOCK_REVOKED] > 0);
	world_give(w, 1, 0);
	world_until_joined(w);
	world_free(w);
}

static void a_cached_hold_is_over_its_budget_only_when_another_waits_so_long(void **state)
{
	struct world *w = world_new(1, 2, 2);

	(void)state;
	w->lock[0].hold_budget_ns = 3000000;
	w->lock[0].options = LOCK_CACHED;
	world_begun(w);
	world_take(w, 0, 0, LOCK_EX);
	world_run(w, 20000000);
	assert_int_equal(world_leader(w, 0)->overruns, 0);
	world_ask(w, 1, 0, LOCK_EX);
	world_run(w, 20000000);
	assert_int_equal(world_leader(w, 0)->overruns, 1);
	world_free(w);
}

static void sessions_with_two_groups_live_apart(void **state)
{
	struct world *w = world_begun(world_new(2, 4, 2));

	(void)state;
	world_until_serving(w, 1);
	world_take(w, 0, 0, LOCK_EX);
	world_take(w, 0, 3, LOCK_EX);
	for (uint32_t server = 0; server < 3; server++)
		w->cut[world_node_of(0)][server] = w->cut[server][world_node_of(0)] =
			server == world_leader(w, 0)->node;
	world_run(w, w->group[0].timing.session_ns);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	assert_true(world_holds(w, 0, 3, LOCK_EX));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heartbeats_keep_a_session_and_what_it_holds),
		cmocka_unit_test(whoever_is_cut_off_holds_nothing_when_its_session_ends),
		cmocka_unit_test(a_lost_holder_is_succeeded_when_its_session_is_certainly_over),
		cmocka_unit_test(the_value_of_a_lost_writer_is_not_valid),
		cmocka_unit_test(the_value_of_a_lost_reader_stays_valid),
		cmocka_unit_test(a_new_life_is_let_in_when_the_old_one_is_over),
		cmocka_unit_test(a_value_that_a_former_life_gave_does_not_come_back),
		cmocka_unit_test(
			a_late_hello_of_a_life_that_is_over_does_not_keep_the_next_one_out),
		cmocka_unit_test(nor_where_the_numbers_of_lives_begin_anew),
		cmocka_unit_test(a_late_hello_does_not_push_out_who_is_there),
		cmocka_unit_test(a_waiter_that_is_lost_leaves_the_queue),
		cmocka_unit_test(a_pause_longer_than_the_session_ends_it),
		cmocka_unit_test(clocks_that_drift_as_declared_change_nothing),
		cmocka_unit_test(a_hold_beyond_its_budget_is_counted_and_goes_on),
		cmocka_unit_test(where_the_tables_say_so_it_is_revoked_by_ending_the_session),
		cmocka_unit_test(a_cached_hold_is_over_its_budget_only_when_another_waits_so_long),
		cmocka_unit_test(sessions_with_two_groups_live_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
