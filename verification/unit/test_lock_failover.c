/*
 * Who leads, and what is left when that changes: elections, authority, epochs, reports, rebuilding.
 */
#include "lock_bound.h"
#include "lock_world.h"

static struct world *begun(struct world *w)
{
	world_start(w);
	for (uint32_t g = 0; g < w->groups; g++)
		world_until_serving(w, g);
	world_until_joined(w);
	world_run(w, 2000000);
	return w;
}

static struct world *started(uint32_t participants)
{
	return begun(world_new(1, 2, participants));
}

static uint16_t node_of(uint32_t p)
{
	return (uint16_t)(FIRST_CLIENT_NODE + p);
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
		lock_client_release(&w->client[0], 0, value, world_clock(w, node_of(0)));
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
		lock_client_release(&w->client[p], 0, value, world_clock(w, node_of(p)));
		world_until(w, p, 0, LOCK_IDLE);
	}
	world_crash(w, node_of(2));
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
	lock_client_release(&w->client[2], 0, value, world_clock(w, node_of(2)));
	world_until(w, 2, 0, LOCK_IDLE);
	world_take(w, 1, 0, LOCK_PR);
	world_crash(w, node_of(2));
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
	world_crash(w, node_of(3));
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
	world_isolate(w, node_of(0), true);
	w->cut[0][node_of(0)] = w->cut[node_of(0)][0] =
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

static struct lock_message report_of(const struct world *w, uint32_t p, uint32_t lock)
{
	const struct lock_client *c = &w->client[p];

	return (struct lock_message){
		.kind = LOCK_REPORT,
		.held = LOCK_EX,
		.wanted = LOCK_NONE,
		.node = node_of(p),
		.index = lock * w->participants + p,
		.epoch = c->storage.memberships[0].epoch,
		.incarnation = c->storage.memberships[0].incarnation,
		.sequence = c->storage.owns[lock].sequence + 1,
		.token = 1,
	};
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
	late = report_of(w, 0, 0);
	assert_int_equal(lock_server_receive(leader, node_of(0), &late, LOCK_MESSAGE_BYTES,
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
	grant = report_of(w, 0, 0);
	grant.kind = LOCK_GRANT;
	grant.node = world_leader(w, 0)->node;
	grant.epoch--;
	grant.sequence = world_own(w, 0, 0)->sequence;
	grant.token = (uint64_t)grant.epoch << 40 | 1000;
	assert_int_equal(lock_client_receive(&w->client[0], grant.node, &grant, LOCK_MESSAGE_BYTES,
				 world_clock(w, node_of(0))),
		LOCK_OLD_EPOCH);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

/* Both hold all of so many locks, and their leader dies. */
static struct world *leaderless(uint32_t participants, uint32_t locks)
{
	struct world *w = begun(world_new(1, locks, participants));

	for (uint32_t lock = 0; lock < locks; lock++)
		for (uint32_t p = 0; p < 2; p++)
			world_take(w, p, lock, LOCK_PR);
	world_crash(w, world_leader(w, 0)->node);
	return w;
}

static void assert_all_held(struct world *w)
{
	for (uint32_t lock = 0; lock < w->locks; lock++)
		for (uint32_t p = 0; p < 2; p++)
			assert_true(world_holds(w, p, lock, LOCK_PR));
	world_free(w);
}

static uint32_t others_in(const struct lock_message *m)
{
	struct lock_report_others others;
	uint32_t count = 0;

	if (!(m->flags & LOCK_FLAG_OTHERS))
		return 0;
	memcpy(&others, (const uint8_t *)m + LOCK_REPORT_OTHERS_AT, sizeof(others));
	for (uint32_t i = 0; i < LOCK_REPORT_OTHERS; i++)
		count += others.slot[i].state != 0;
	return count;
}

/* Slots of which something is under way. */
static uint32_t reports_under_way(const struct world *w)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->flying; i++)
		if (w->flights[i].message.kind == LOCK_REPORT)
			count += 1 + others_in(&w->flights[i].message);
	return count;
}

/* Until a leader serves: the most reports that were under way at once. */
static uint32_t recover(struct world *w)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < 2000 && world_leader(w, 0) == NULL; i++) {
		const uint32_t now = reports_under_way(w);

		most = now > most ? now : most;
		world_step(w);
	}
	assert_non_null(world_leader(w, 0));
	return most;
}

static void no_more_reports_are_under_way_than_a_new_leader_asked_for(void **state)
{
	struct world *w = leaderless(2, 300);
	uint32_t most;

	(void)state;
	most = recover(w);
	assert_in_range(most, LOCK_REPORTS_UNDER_WAY / 2, LOCK_REPORTS_UNDER_WAY);
	assert_in_range(w->sent[LOCK_REPORT], 2 * 300 / 3, 2 * 300 / 3 + 2 * 300 / 32);
	assert_all_held(w);
	w = leaderless(48, 12);
	most = recover(w);
	assert_in_range(most, 48, 48 * lock_reports_window(48));
	assert_in_range(w->sent[LOCK_REPORT], 48 * 12 / 3, 48 * 12);
	assert_all_held(w);
}

/* As the world is: no clock drifts, all look once in a step. */
static struct lock_group_load load_of(const struct world *w, const struct lock_timing *t)
{
	return (struct lock_group_load){ .delay_ns = w->delay_most_ns + WORLD_STEP_NS,
		.poll_ns = WORLD_STEP_NS,
		.retransmit_ns = t->retransmit_ns,
		.heartbeat_ns = t->heartbeat_ns,
		.authority_ns = t->authority_ns,
		.drift_ppm = 200,
		.nodes = w->participants,
		.slots = w->group[0].slots,
		.turns = lock_reports_asked(w->participants, w->locks),
		.failovers = 1 };
}

/* Whether two keep 300 locks when their leader dies that long after they were granted. */
static bool keep_all(uint64_t after_ns, bool enough)
{
	struct world *w = world_new(1, 300, 2);
	struct lock_timing *const t = &w->group[0].timing;
	const struct lock_group_load load = load_of(w, t);
	uint32_t held = 0;

	t->session_ns = enough ? lock_session_least_ns(&load) : t->authority_ns;
	t->survive_ns = enough ? lock_survive_least_ns(&load) : t->authority_ns / 2;
	t->session_guard_ns = lock_guard_ns(t->session_ns, load.drift_ppm);
	t->survive_guard_ns = lock_guard_ns(t->survive_ns, load.drift_ppm);
	begun(w);
	for (uint32_t i = 0; i < 2 * 300; i++)
		world_take(w, i % 2, i / 2, LOCK_PR);
	world_run(w, after_ns);
	world_crash(w, 0);
	world_run(w, 4 * t->authority_ns);
	for (uint32_t i = 0; i < 2 * 300; i++)
		held += world_holds(w, i % 2, i / 2, LOCK_PR);
	assert_int_equal(world_leader(w, 0)->place, 1);
	world_free(w);
	return held == 2 * 300;
}

static void sessions_as_long_as_a_description_needs_outlast_a_failover(void **state)
{
	(void)state;
	for (uint64_t after_ns = 0; after_ns < 1000000; after_ns += 150000)
		assert_true(keep_all(after_ns, true));
	assert_false(keep_all(0, false));
	assert_false(keep_all(300000, false));
}

/* The first report that is seen of this slot or a later one is taken off the network. */
static bool lose_report(struct world *w, uint32_t index)
{
	for (uint32_t i = 0; i < w->flying; i++)
		if (w->flights[i].message.kind == LOCK_REPORT &&
			w->flights[i].message.index >= index) {
			w->flights[i] = w->flights[--w->flying];
			return true;
		}
	return false;
}

static void a_lost_report_is_asked_for_again_and_few_others_with_it(void **state)
{
	static const uint32_t locks[] = { 0, 100, 290 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w = leaderless(2, 300);

		for (uint32_t step = 0; !lose_report(w, 2 * locks[i]); step++) {
			assert_in_range(step, 0, 2000);
			world_step(w);
		}
		recover(w);
		assert_in_range(w->sent[LOCK_REPORT], 2 * 300 / 3 + 1,
			2 * 300 / 3 + 2 * 300 / 32 + lock_reports_window(2) / 2);
		assert_all_held(w);
	}
}

/* A value or a wait leaves no room for others. */
static void what_tells_a_value_or_waits_is_reported_by_itself(void **state)
{
	struct world *w = begun(world_new(1, 6, 2));
	static const uint8_t value[LOCK_VALUE_BYTES] = { 1, 2, 3 };
	uint8_t seen[LOCK_VALUE_BYTES];

	(void)state;
	world_take(w, 0, 1, LOCK_EX);
	lock_client_release(&w->client[0], 1, value, world_clock(w, node_of(0)));
	world_until(w, 0, 1, LOCK_IDLE);
	for (uint32_t lock = 0; lock < 6; lock++)
		world_take(w, 0, lock, lock == 4 ? LOCK_EX : LOCK_PR);
	world_ask(w, 1, 4, LOCK_EX);
	world_run(w, 100000);
	world_crash(w, 0);
	recover(w);
	/* 0; 1, with its value; 2 to 4; 5. Of the other one 0 to 2; 3; 4, which waits; 5 */
	assert_int_equal(w->sent[LOCK_REPORT], 4 + 4);
	for (uint32_t lock = 0; lock < 6; lock++)
		assert_true(world_holds(w, 0, lock, lock == 4 ? LOCK_EX : LOCK_PR));
	world_give(w, 0, 4);
	world_until(w, 1, 4, LOCK_HOLDING);
	world_give(w, 1, 4);
	world_take(w, 1, 1, LOCK_PR);
	assert_true(lock_client_value(&w->client[1], 1, seen));
	assert_memory_equal(seen, value, sizeof(value));
	world_free(w);
}

static void a_report_of_others_slots_or_of_modes_that_are_none_is_refused(void **state)
{
	struct world *w = started(2);
	struct lock_server *s = &w->server[0][1];
	const struct lock_report_others other = { .token = { 1 },
		.slot = { { .sequence = 1, .ahead = 2, .state = LOCK_REPORT_THERE | LOCK_EX } } };
	struct lock_message m;

	(void)state;
	world_crash(w, 0);
	world_crash(w, node_of(0));
	while (s->phase != LOCK_COLLECTING)
		world_step(w);
	m = report_of(w, 0, 0);
	m.epoch = s->epoch;
	m.flags = LOCK_FLAG_OTHERS;
#define REPORTS(field, to, why)                                                                    \
	do {                                                                                       \
		struct lock_report_others o = other;                                               \
                                                                                                   \
		o.field = (to);                                                                    \
		memcpy((uint8_t *)&m + LOCK_REPORT_OTHERS_AT, &o, sizeof(o));                      \
		assert_int_equal(lock_server_receive(s, node_of(0), &m, LOCK_MESSAGE_BYTES,        \
					 world_clock(w, s->node)),                                 \
			why);                                                                      \
	} while (0)
	REPORTS(slot[0].ahead, 1, LOCK_BAD_FIELD); /* the other participant's */
	REPORTS(slot[1].ahead, 4, LOCK_BAD_FIELD); /* nobody's */
	REPORTS(slot[1].ahead, 255, LOCK_BAD_FIELD);
	REPORTS(slot[0].state, LOCK_REPORT_THERE | 7, LOCK_BAD_FIELD);
	REPORTS(slot[1].state, 0x40, LOCK_BAD_FIELD);
	m.flags |= LOCK_FLAG_WAITING;
	REPORTS(slot[0].ahead, 2, LOCK_BAD_FIELD);
	m.flags = LOCK_FLAG_OTHERS;
	assert_int_equal(s->storage.places[0].held, LOCK_NONE);
	REPORTS(token[0], UINT64_MAX, LOCK_TAKEN); /* but the other one */
	assert_int_equal(s->storage.places[0].held, LOCK_EX);
	assert_int_equal(s->storage.places[2].held, LOCK_NONE);
	assert_int_equal(s->counts[LOCK_IMPOSSIBLE], 1);
	REPORTS(slot[0].ahead, 2, LOCK_REPEATED);
	assert_int_equal(s->storage.places[2].held, LOCK_EX);
	world_free(w);
}

static void many_reports_may_get_lost_and_come_late_or_twice(void **state)
{
	struct world *w = leaderless(2, 300);

	(void)state;
	w->loss_percent = 2;
	w->repeat_percent = 20;
	w->delay_most_ns = 40000;
	recover(w);
	w->loss_percent = 0;
	assert_all_held(w);
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
		cmocka_unit_test(no_more_reports_are_under_way_than_a_new_leader_asked_for),
		cmocka_unit_test(a_lost_report_is_asked_for_again_and_few_others_with_it),
		cmocka_unit_test(what_tells_a_value_or_waits_is_reported_by_itself),
		cmocka_unit_test(a_report_of_others_slots_or_of_modes_that_are_none_is_refused),
		cmocka_unit_test(many_reports_may_get_lost_and_come_late_or_twice),
		cmocka_unit_test(sessions_as_long_as_a_description_needs_outlast_a_failover),
		cmocka_unit_test(leaders_change_many_times_and_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
