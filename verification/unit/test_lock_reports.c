/*
 * What members report to a new leader: how much of it is under way, what a message tells of, what becomes of what is lost.
 */
#include <mullion/lock_report.h>

#include "lock_bound.h"
#include "lock_world.h"

static struct world *begun(struct world *w)
{
	world_begun(w);
	world_run(w, 2000000);
	return w;
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

static uint32_t reports_under_way(const struct world *w)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->flying; i++)
		count += w->flights[i].message.kind == LOCK_REPORT;
	return count;
}

/* Of who holds so many locks, granted in turns to two: a state and two bytes of differences for each but the first of a report. */
static uint32_t packed(uint32_t slots)
{
	const uint32_t each = 1 + LOCK_REPORT_BYTES / 3;

	return (slots + each - 1) / each;
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

/* Two hold all of them, whose values take a report each, and their leader is dead. */
static struct world *leaderless_with_values(uint32_t locks)
{
	static const uint8_t value[LOCK_VALUE_BYTES] = { 1 };
	struct world *w = begun(world_new(1, locks, 2));

	for (uint32_t lock = 0; lock < locks; lock++) {
		world_take(w, 0, lock, LOCK_EX);
		lock_client_release(&w->client[0], lock, value, world_clock(w, world_node_of(0)));
		world_until(w, 0, lock, LOCK_IDLE);
		for (uint32_t p = 0; p < 2; p++)
			world_take(w, p, lock, LOCK_PR);
	}
	world_crash(w, world_leader(w, 0)->node);
	return w;
}

static void no_more_reports_are_under_way_than_a_new_leader_asked_for(void **state)
{
	const uint32_t full = LOCK_REPORTS_UNDER_WAY / LOCK_REPORT_COUNTS;
	struct world *w = leaderless(2, 950);
	uint64_t before = w->sent[LOCK_NEW_EPOCH];
	uint32_t most = recover(w);

	(void)state;
	assert_in_range(most, full / 2, full);
	assert_int_equal(w->sent[LOCK_REPORT], 2 * packed(950));
	assert_int_equal(w->sent[LOCK_NEW_EPOCH] - before, 2 * 3);
	assert_all_held(w);
	w = leaderless_with_values(400);
	before = w->sent[LOCK_NEW_EPOCH];
	most = recover(w);
	assert_in_range(most, LOCK_REPORTS_UNDER_WAY / 2, LOCK_REPORTS_UNDER_WAY);
	assert_int_equal(w->sent[LOCK_REPORT], 2 * 400);
	assert_in_range(
		w->sent[LOCK_NEW_EPOCH] - before, 2 * 3, 2 + lock_reports_asked(2, 2 * 400));
	assert_all_held(w);
	w = leaderless(48, 12);
	most = recover(w);
	assert_in_range(most, 48, 48 * lock_reports_window(48));
	assert_in_range(w->sent[LOCK_REPORT], 48, 48 * 2);
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

/* Without a loss their leader would have so many. */
static void lose_one(struct world *w, uint32_t lock, uint32_t reports)
{
	for (uint32_t step = 0; !lose_report(w, 2 * lock); step++) {
		assert_in_range(step, 0, 2000);
		world_step(w);
	}
	recover(w);
	assert_in_range(w->sent[LOCK_REPORT], reports + 1, reports + lock_reports_window(2));
	assert_all_held(w);
}

static void a_lost_report_is_asked_for_again_and_few_others_with_it(void **state)
{
	(void)state;
	lose_one(leaderless(2, 600), 0, 2 * packed(600));
	lose_one(leaderless(2, 600), 580, 2 * packed(600));
	lose_one(leaderless_with_values(400), 0, 2 * 400);
	lose_one(leaderless_with_values(400), 95, 2 * 400);
	lose_one(leaderless_with_values(400), 390, 2 * 400);
}

/* A value or a wait leaves no room for others. */
static void what_tells_a_value_or_waits_is_reported_by_itself(void **state)
{
	struct world *w = begun(world_new(1, 6, 2));
	static const uint8_t value[LOCK_VALUE_BYTES] = { 1, 2, 3 };
	uint8_t seen[LOCK_VALUE_BYTES];

	(void)state;
	world_take(w, 0, 1, LOCK_EX);
	lock_client_release(&w->client[0], 1, value, world_clock(w, world_node_of(0)));
	world_until(w, 0, 1, LOCK_IDLE);
	for (uint32_t lock = 0; lock < 6; lock++)
		world_take(w, 0, lock, lock == 4 ? LOCK_EX : LOCK_PR);
	world_ask(w, 1, 4, LOCK_EX);
	world_run(w, 100000);
	world_crash(w, 0);
	recover(w);
	/* 0; 1, with its value; 2 to 5. Of the other one 0 to 3; 4, which waits; 5 */
	assert_int_equal(w->sent[LOCK_REPORT], 3 + 3);
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

/* What a new leader that collects says of a report of slot 0 with these others. */
static enum lock_reason reported_with(struct world *w, struct lock_server *s, uint8_t flags,
	const uint8_t others[LOCK_REPORT_BYTES])
{
	struct lock_message m = world_report_of(w, 0, 0);

	m.epoch = s->epoch;
	m.flags = flags;
	memcpy((uint8_t *)&m + LOCK_REPORT_AT, others, LOCK_REPORT_BYTES);
	return lock_server_receive(
		s, world_node_of(0), &m, LOCK_MESSAGE_BYTES, world_clock(w, s->node));
}

static struct lock_server *collecting(struct world *w)
{
	struct lock_server *s = &w->server[0][1];

	world_crash(w, 0);
	world_crash(w, world_node_of(0));
	while (s->phase != LOCK_COLLECTING)
		world_step(w);
	return s;
}

/* Bytes that tell of others, and what follows: the states of no mode. */
#define OTHERS(...)                                                                                \
	(const uint8_t[LOCK_REPORT_BYTES])                                                         \
	{                                                                                          \
		__VA_ARGS__, [LOCK_REPORT_BYTES - 1] = LOCK_REPORT_HELD                            \
	}
#define NO_MORE LOCK_REPORT_HELD
#define BYTES_8 (LOCK_REPORT_WIDEST << LOCK_REPORT_WIDTH)

static void a_report_of_more_slots_than_there_are_or_beyond_its_end_is_refused(void **state)
{
	struct world *w = begun(world_new(1, 4, 2));
	struct lock_server *s = collecting(w);
	uint8_t longest[LOCK_REPORT_BYTES] = { 0 };

	(void)state;
	assert_int_equal(w->locks, 4);
	/* three others there are, a fourth not */
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS,
				 OTHERS(LOCK_EX, 0, LOCK_EX, 0, LOCK_EX, 0, LOCK_EX, 0, NO_MORE)),
		LOCK_BAD_FIELD);
	/* all are */
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS, longest), LOCK_BAD_FIELD);
	/* the last one reaches beyond the end, by its token, its version or its sequence */
	memset(longest, 0, sizeof(longest));
	for (uint32_t i = 0; i + 17 < LOCK_REPORT_BYTES; i += 17)
		longest[i] = BYTES_8 | LOCK_REPORT_VALUE;
	longest[34] = 2 << LOCK_REPORT_WIDTH;
	longest[39] = LOCK_EX;
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS, longest), LOCK_BAD_FIELD);
	longest[34] = 1 << LOCK_REPORT_WIDTH | LOCK_REPORT_VALUE;
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS, longest), LOCK_BAD_FIELD);
	longest[34] = 2 << LOCK_REPORT_WIDTH | LOCK_REPORT_SEQUENCE;
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS, longest), LOCK_BAD_FIELD);
	/* who waits has no room for others */
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS | LOCK_FLAG_WAITING,
				 OTHERS(LOCK_EX, 0, NO_MORE)),
		LOCK_BAD_FIELD);
	for (uint32_t slot = 0; slot < s->group->slots; slot++)
		assert_int_equal(s->storage.places[slot].held, LOCK_NONE);
	world_free(w);
}

static void another_slot_in_a_report_is_judged_by_itself(void **state)
{
	struct world *w = begun(world_new(1, 4, 2));
	struct lock_server *s = collecting(w);

	(void)state;
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS,
				 OTHERS(LOCK_EX | BYTES_8, 0, 0, 0, 0, 0, 0, 0, 0x7f, NO_MORE)),
		LOCK_TAKEN); /* but the other one, of a token of an epoch to come */
	assert_int_equal(s->storage.places[0].held, LOCK_EX);
	assert_int_equal(s->storage.places[2].held, LOCK_NONE);
	assert_int_equal(s->counts[LOCK_IMPOSSIBLE], 1);
	assert_int_equal(reported_with(w, s, LOCK_FLAG_OTHERS,
				 OTHERS(LOCK_EX | LOCK_REPORT_SEQUENCE, 1, 0xff, 0xff, LOCK_NONE,
					 0xff, NO_MORE)),
		LOCK_REPEATED);
	assert_int_equal(s->storage.places[2].held, LOCK_EX);
	assert_int_equal(s->storage.places[2].token, 2);
	assert_int_equal(s->storage.places[2].sequence, s->storage.places[0].sequence - 1);
	assert_int_equal(s->storage.places[4].held, LOCK_NONE);
	assert_int_equal(s->storage.places[4].token, 1);
	assert_int_equal(s->storage.sessions[0].reported, 3);
	world_free(w);
}

/* Whatever slots differ in, as far as they fit, reading gives them back. */
static void what_a_report_tells_of_other_slots_is_read_as_it_was_written(void **state)
{
	static const uint64_t steps[] = { 0, 1, 127, 128, 255, (uint64_t)-128, (uint64_t)-129,
		32767, 32768, (uint64_t)-32769, 1ull << 31, (uint64_t) - (1ll << 31), 1ull << 32,
		1ull << 63, UINT64_MAX };
	const size_t count = sizeof(steps) / sizeof(steps[0]);
	uint32_t wrote = 0;

	(void)state;
	for (size_t i = 0; i < 4096; i++) {
		struct lock_message m = { .token = 1ull << 40, .stamp = 7, .sequence = 40000 };
		struct lock_report_others others = { .last = lock_report_own(&m) };
		struct lock_report_slot slot = others.last, read[LOCK_REPORT_OTHERS],
					written[LOCK_REPORT_OTHERS];
		uint32_t n = 0;

		for (size_t k = i; n < LOCK_REPORT_OTHERS; k = k * 7 + 5) {
			slot.token += steps[k % count];
			slot.held = (uint8_t)(k % (LOCK_NONE + 1));
			slot.flags = k % 3 ? LOCK_FLAG_VALUE | (k % 2 ? LOCK_FLAG_INVALID : 0) : 0;
			slot.sequence += k % 5 ? 0 : (uint32_t)(k % 60000 - 30000);
			slot.version += slot.flags && k % 11 == 0 ? steps[k / 11 % count] : 0;
			if (!lock_report_add(&others, &slot))
				break;
			written[n++] = slot;
		}
		lock_report_put(&others, &m);
		assert_true(n > 0 && (m.flags & LOCK_FLAG_OTHERS));
		assert_int_equal(lock_report_read(&m, read), n);
		for (uint32_t k = 0; k < n; k++) {
			assert_true(read[k].token == written[k].token);
			assert_true(read[k].version == written[k].version);
			assert_int_equal(read[k].sequence, written[k].sequence);
			assert_int_equal(read[k].held, written[k].held);
			assert_int_equal(read[k].flags, written[k].flags);
		}
		wrote += n;
	}
	assert_in_range(wrote, 4096 * 3, 4096 * LOCK_REPORT_OTHERS);
}

static void slots_that_differ_little_take_two_bytes_and_a_jump_of_sequence_ends_them(void **state)
{
	struct lock_message m = { .token = 5, .sequence = 9 };
	struct lock_report_others others = { .last = lock_report_own(&m) };
	struct lock_report_slot slot = { .token = 5, .sequence = 9 };
	uint32_t n = 0;

	(void)state;
	slot.sequence += 32768;
	assert_false(lock_report_add(&others, &slot));
	slot.sequence -= 32768;
	while (lock_report_add(&others, &slot))
		n++;
	assert_int_equal(n, LOCK_REPORT_OTHERS);
	lock_report_put(&others, &m);
	slot.held = LOCK_EX;
	assert_int_equal(
		lock_report_read(&m, (struct lock_report_slot[LOCK_REPORT_OTHERS]){ slot }), n);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_reports_are_under_way_than_a_new_leader_asked_for),
		cmocka_unit_test(sessions_as_long_as_a_description_needs_outlast_a_failover),
		cmocka_unit_test(a_lost_report_is_asked_for_again_and_few_others_with_it),
		cmocka_unit_test(what_tells_a_value_or_waits_is_reported_by_itself),
		cmocka_unit_test(
			a_report_of_more_slots_than_there_are_or_beyond_its_end_is_refused),
		cmocka_unit_test(another_slot_in_a_report_is_judged_by_itself),
		cmocka_unit_test(what_a_report_tells_of_other_slots_is_read_as_it_was_written),
		cmocka_unit_test(
			slots_that_differ_little_take_two_bytes_and_a_jump_of_sequence_ends_them),
		cmocka_unit_test(many_reports_may_get_lost_and_come_late_or_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
