/*
 * Who gets a lock, when: modes, conversions, priorities, phases, cancellations, ranks, tokens.
 */
#include "lock_world.h"

static struct world *started(uint32_t locks, uint32_t participants)
{
	return world_begun(world_new(1, locks, participants));
}

static bool waits(struct world *w, uint32_t p, uint32_t lock)
{
	return world_own(w, p, lock)->state == LOCK_WAITING;
}

static enum lock_status outcome(struct world *w, uint32_t p, uint32_t lock)
{
	world_run(w, 300000);
	return (enum lock_status)world_own(w, p, lock)->status;
}

static void an_uncontended_lock_costs_four_messages_two_before_the_grant(void **state)
{
	struct world *w = started(1, 2);
	uint64_t before[LOCK_KINDS], sum = 0;

	(void)state;
	memcpy(before, w->sent, sizeof(before));
	world_take(w, 0, 0, LOCK_EX);
	assert_int_equal(w->sent[LOCK_REQUEST] - before[LOCK_REQUEST], 1);
	assert_int_equal(w->sent[LOCK_GRANT] - before[LOCK_GRANT], 1);
	world_give(w, 0, 0);
	for (uint32_t kind = LOCK_REQUEST; kind <= LOCK_BLOCKING; kind++)
		sum += kind == LOCK_WELCOME || kind == LOCK_BEAT_ACK ? 0
								     : w->sent[kind] - before[kind];
	assert_int_equal(sum, 4);
	world_free(w);
}

static void modes_that_agree_are_held_at_once_and_others_wait(void **state)
{
	(void)state;
	for (uint8_t a = 0; a < LOCK_MODES; a++) {
		struct world *w = started(LOCK_MODES, 2);

		for (uint8_t b = 0; b < LOCK_MODES; b++)
			world_take(w, 0, b, a);
		for (uint8_t b = 0; b < LOCK_MODES; b++) {
			world_queue_up(w, 1, b, b);
			assert_int_equal(waits(w, 1, b), !lock_modes_agree(a, b));
			if (waits(w, 1, b))
				lock_client_cancel(&w->client[1], b, world_clock_of(w, 1));
			world_run(w, 100000);
		}
		world_free(w);
	}
}

static void waiters_are_served_first_come_first_served(void **state)
{
	struct world *w = started(1, 5);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	for (uint32_t p = 4; p >= 1; p--)
		world_queue_up(w, p, 0, LOCK_EX);
	for (uint32_t p = 4; p >= 1; p--) {
		world_release(w, p == 4 ? 0 : p + 1, 0);
		world_until(w, p, 0, LOCK_HOLDING);
		for (uint32_t later = 1; later < p; later++)
			assert_true(waits(w, later, 0));
	}
	world_free(w);
}

static void a_reader_does_not_pass_a_writer_that_waits(void **state)
{
	struct world *w = started(1, 3);

	(void)state;
	world_take(w, 0, 0, LOCK_PR);
	world_queue_up(w, 1, 0, LOCK_EX);
	world_queue_up(w, 2, 0, LOCK_PR);
	assert_true(waits(w, 2, 0));
	world_release(w, 0, 0);
	world_until(w, 1, 0, LOCK_HOLDING);
	assert_true(waits(w, 2, 0));
	world_free(w);
}

static void the_more_urgent_goes_first_within_a_batch_and_not_before_an_older_batch(void **state)
{
	struct world *w = world_new(1, 1, 5);

	(void)state;
	for (uint32_t p = 0; p < 5; p++)
		w->slot[p].priority = (uint8_t)(p < 4 ? 3 - p : 0);
	world_begun(w);
	world_take(w, 0, 0, LOCK_EX);
	world_queue_up(w, 1, 0, LOCK_EX); /* a batch by itself: it began when nobody else waited */
	world_queue_up(w, 2, 0, LOCK_EX);
	world_queue_up(w, 3, 0, LOCK_EX); /* more urgent than 2, in the same batch */
	world_queue_up(w, 4, 0, LOCK_EX); /* as urgent as 3, and later */
	for (uint32_t turn = 0; turn < 4; turn++) {
		static const uint32_t order[] = { 0, 1, 3, 4, 2 };

		world_release(w, order[turn], 0);
		world_until(w, order[turn + 1], 0, LOCK_HOLDING);
	}
	world_free(w);
}

static struct world *phase_fair(uint32_t participants)
{
	struct world *w = world_new(1, 1, participants);

	w->lock[0].discipline = LOCK_PHASE_FAIR;
	return world_begun(w);
}

static void all_waiting_readers_follow_a_writer_and_one_writer_follows_them(void **state)
{
	struct world *w = phase_fair(6);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_queue_up(w, 1, 0, LOCK_EX);
	world_queue_up(w, 2, 0, LOCK_EX);
	world_queue_up(w, 3, 0, LOCK_PR);
	world_queue_up(w, 4, 0, LOCK_PR);
	world_release(w, 0, 0);
	world_until(w, 4, 0, LOCK_HOLDING);
	world_until(w, 3, 0, LOCK_HOLDING);
	world_queue_up(w, 5, 0, LOCK_PR); /* too late for this phase */
	assert_true(waits(w, 1, 0) && waits(w, 2, 0) && waits(w, 5, 0));
	world_release(w, 3, 0);
	world_release(w, 4, 0);
	world_until(w, 1, 0, LOCK_HOLDING);
	assert_true(waits(w, 2, 0) && waits(w, 5, 0));
	world_release(w, 1, 0);
	world_until(w, 5, 0, LOCK_HOLDING);
	assert_true(waits(w, 2, 0));
	world_free(w);
}

static void a_reader_of_a_phase_fair_lock_waits_for_one_writer_however_many_queue(void **state)
{
	struct world *w = phase_fair(8);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	for (uint32_t p = 1; p < 7; p++)
		world_queue_up(w, p, 0, LOCK_EX);
	world_queue_up(w, 7, 0, LOCK_PR);
	world_release(w, 0, 0);
	world_until(w, 7, 0, LOCK_HOLDING);
	world_free(w);
}

static void a_conversion_down_is_granted_at_once_and_lets_others_in(void **state)
{
	struct world *w = started(1, 2);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	world_queue_up(w, 1, 0, LOCK_PR);
	assert_true(waits(w, 1, 0));
	assert_int_equal(world_ask(w, 0, 0, LOCK_PR), LOCK_PENDING);
	assert_false(world_holds(w, 0, 0, LOCK_EX));
	world_until(w, 1, 0, LOCK_HOLDING);
	assert_true(world_holds(w, 0, 0, LOCK_PR));
	world_free(w);
}

static void a_conversion_up_waits_in_its_turn_and_goes_before_new_requests(void **state)
{
	struct world *w = started(1, 3);

	(void)state;
	world_take(w, 0, 0, LOCK_CR);
	world_take(w, 1, 0, LOCK_PR);
	world_queue_up(w, 2, 0, LOCK_EX);
	world_queue_up(w, 0, 0, LOCK_PW);
	assert_true(waits(w, 0, 0) && world_holds(w, 0, 0, LOCK_CR));
	world_release(w, 1, 0);
	world_until(w, 0, 0, LOCK_HOLDING);
	assert_true(world_holds(w, 0, 0, LOCK_PW));
	assert_true(waits(w, 2, 0));
	world_free(w);
}

/* What VMS grants in place, for ever, at a waiter's cost. */
static void a_holder_that_converts_again_and_again_keeps_no_conversion_waiting_for_ever(
	void **state)
{
	struct world *w = started(1, 3);

	(void)state;
	world_take(w, 0, 0, LOCK_CR);
	world_take(w, 1, 0, LOCK_CR);
	world_take(w, 2, 0, LOCK_PR);
	world_queue_up(w, 0, 0, LOCK_PW); /* waits for 2 */
	world_queue_up(w, 1, 0, LOCK_PR); /* would agree with all holders, but is behind */
	assert_true(waits(w, 1, 0));
	world_release(w, 2, 0);
	world_until(w, 0, 0, LOCK_HOLDING);
	assert_true(waits(w, 1, 0));
	world_free(w);
}

static void whoever_holds_nl_is_queued_with_the_new_requests(void **state)
{
	struct world *w = started(1, 3);

	(void)state;
	world_take(w, 0, 0, LOCK_NL);
	world_take(w, 1, 0, LOCK_EX);
	world_queue_up(w, 2, 0, LOCK_EX);
	world_queue_up(w, 0, 0, LOCK_EX);
	world_release(w, 1, 0);
	world_until(w, 2, 0, LOCK_HOLDING);
	assert_true(waits(w, 0, 0));
	world_release(w, 2, 0);
	world_until(w, 0, 0, LOCK_HOLDING);
	world_free(w);
}

static void two_conversions_that_would_wait_for_each_other_are_not_both_queued(void **state)
{
	struct world *w = started(1, 2);

	(void)state;
	world_take(w, 0, 0, LOCK_PR);
	world_take(w, 1, 0, LOCK_PR);
	world_queue_up(w, 0, 0, LOCK_EX);
	assert_int_equal(world_ask(w, 1, 0, LOCK_EX), LOCK_PENDING);
	assert_int_equal(outcome(w, 1, 0), LOCK_DEADLOCK);
	assert_true(world_holds(w, 1, 0, LOCK_PR));
	world_release(w, 1, 0);
	world_until(w, 0, 0, LOCK_HOLDING);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void between_pr_and_cw_only_cr_is_held_while_the_conversion_waits(void **state)
{
	struct world *w = started(1, 2);

	(void)state;
	world_take(w, 0, 0, LOCK_PR);
	world_take(w, 1, 0, LOCK_PR);
	world_queue_up(w, 0, 0, LOCK_CW);
	assert_false(world_holds(w, 0, 0, LOCK_PR));
	assert_true(world_holds(w, 0, 0, LOCK_CR));
	world_free(w);
}

static void noqueue_gets_the_lock_now_or_not_at_all(void **state)
{
	struct world *w = started(1, 3);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	lock_client_request(
		&w->client[1], 0, LOCK_EX, LOCK_FLAG_NOQUEUE, NULL, world_clock_of(w, 1));
	assert_int_equal(outcome(w, 1, 0), LOCK_AGAIN);
	assert_int_equal(world_own(w, 1, 0)->state, LOCK_IDLE);
	world_give(w, 0, 0);
	lock_client_request(
		&w->client[1], 0, LOCK_EX, LOCK_FLAG_NOQUEUE, NULL, world_clock_of(w, 1));
	assert_int_equal(outcome(w, 1, 0), LOCK_DONE);
	assert_true(world_holds(w, 1, 0, LOCK_EX));
	world_free(w);
}

static void a_conversion_with_noqueue_that_fails_leaves_what_was_held(void **state)
{
	struct world *w = started(1, 2);

	(void)state;
	world_take(w, 0, 0, LOCK_CR);
	world_take(w, 1, 0, LOCK_CR);
	lock_client_request(
		&w->client[1], 0, LOCK_EX, LOCK_FLAG_NOQUEUE, NULL, world_clock_of(w, 1));
	assert_int_equal(outcome(w, 1, 0), LOCK_AGAIN);
	assert_true(world_holds(w, 1, 0, LOCK_CR));
	world_free(w);
}

static void a_cancelled_request_waits_no_more_and_lets_those_behind_it_pass(void **state)
{
	struct world *w = started(1, 3);

	(void)state;
	world_take(w, 0, 0, LOCK_PR);
	world_queue_up(w, 1, 0, LOCK_EX);
	world_queue_up(w, 2, 0, LOCK_PR);
	assert_true(waits(w, 2, 0));
	assert_int_equal(lock_client_cancel(&w->client[1], 0, world_clock_of(w, 1)), LOCK_PENDING);
	assert_int_equal(outcome(w, 1, 0), LOCK_CANCELED);
	assert_true(world_holds(w, 2, 0, LOCK_PR));
	world_free(w);
}

static void a_cancelled_conversion_leaves_what_was_held(void **state)
{
	struct world *w = started(1, 2);

	(void)state;
	world_take(w, 0, 0, LOCK_PR);
	world_take(w, 1, 0, LOCK_PR);
	world_queue_up(w, 0, 0, LOCK_EX);
	lock_client_cancel(&w->client[0], 0, world_clock_of(w, 0));
	assert_int_equal(outcome(w, 0, 0), LOCK_CANCELED);
	assert_true(world_holds(w, 0, 0, LOCK_PR));
	world_free(w);
}

/* Else its value would be lost, which others may count on. */
static void a_conversion_down_cannot_be_cancelled(void **state)
{
	struct world *w = started(1, 2);

	(void)state;
	world_take(w, 0, 0, LOCK_EX);
	assert_int_equal(world_ask(w, 0, 0, LOCK_NL), LOCK_PENDING);
	assert_int_equal(lock_client_cancel(&w->client[0], 0, world_clock_of(w, 0)), LOCK_WRONG);
	assert_int_equal(outcome(w, 0, 0), LOCK_DONE);
	world_free(w);
}

/* A value that may be written again under the same token must not be known to anybody under it. */
static void a_value_goes_with_the_release_and_with_no_request_that_may_be_refused(void **state)
{
	struct world *w = world_new(1, 1, 2);
	uint8_t value[LOCK_VALUE_BYTES];
	uint64_t version;

	(void)state;
	w->lock[0].options = LOCK_CACHED;
	world_begun(w);
	world_take(w, 1, 0, LOCK_CR);
	world_take(w, 0, 0, LOCK_PW);
	version = world_leader(w, 0)->storage.locks[0].version;
	memset(value, 1, sizeof(value));
	lock_client_release(&w->client[0], 0, value, world_clock_of(w, 0)); /* stays here */
	lock_client_request(
		&w->client[0], 0, LOCK_EX, LOCK_FLAG_NOQUEUE, NULL, world_clock_of(w, 0));
	assert_int_equal(outcome(w, 0, 0), LOCK_AGAIN);
	assert_int_equal(world_leader(w, 0)->storage.locks[0].version, version);
	assert_int_equal(world_release(w, 1, 0), LOCK_DONE);
	world_take(w, 0, 0, LOCK_EX);
	assert_true(world_sees(w, 0, 0, 1)); /* its own, though the leader does not know it */
	assert_int_equal(world_release(w, 0, 0), LOCK_DONE);
	world_take(w, 1, 0, LOCK_EX);
	assert_true(world_sees(w, 1, 0, 1));
	world_free(w);
}

/* The grant is on its way already. */
static void cancelling_too_late_ends_as_granted(void **state)
{
	struct world *w = started(1, 2);

	(void)state;
	assert_int_equal(world_ask(w, 0, 0, LOCK_EX), LOCK_PENDING);
	world_run(w, 2 * WORLD_STEP_NS);
	assert_int_equal(lock_client_cancel(&w->client[0], 0, world_clock_of(w, 0)), LOCK_PENDING);
	assert_int_equal(outcome(w, 0, 0), LOCK_DONE);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	world_free(w);
}

static void requests_must_go_upwards_in_rank(void **state)
{
	struct world *w = started(3, 2);

	(void)state;
	world_take(w, 0, 1, LOCK_PR);
	assert_int_equal(world_ask(w, 0, 0, LOCK_PR), LOCK_DEADLOCK);
	world_take(w, 0, 2, LOCK_PR);
	assert_int_equal(world_ask(w, 0, 1, LOCK_EX), LOCK_DEADLOCK); /* a conversion waits, too */
	assert_int_equal(world_ask(w, 0, 1, LOCK_CR), LOCK_PENDING);  /* this one cannot */
	world_until(w, 0, 1, LOCK_HOLDING);
	world_give(w, 0, 2);
	world_take(w, 0, 1, LOCK_EX);
	world_give(w, 0, 1);
	world_take(w, 0, 0, LOCK_EX);
	world_free(w);
}

/* What the participant says next of its locks; heartbeats are left out. */
static uint32_t says(struct world *w, uint64_t now_ns, struct lock_envelope *e)
{
	do {
		if (!lock_client_send(&w->client[0], now_ns, e))
			return UINT32_MAX;
	} while (e->message.kind != LOCK_REQUEST && e->message.kind != LOCK_RELEASE);
	return w->slot[e->message.index].own;
}

/* The leader takes it, and the participant the answer. */
static void answer(struct world *w, const struct lock_envelope *question)
{
	struct lock_server *s = world_leader(w, 0);
	const uint64_t now_ns = world_clock(w, s->node);
	struct lock_envelope e;

	assert_int_equal(lock_server_receive(s, FIRST_CLIENT_NODE, &question->message,
				 LOCK_MESSAGE_BYTES, now_ns),
		LOCK_TAKEN);
	assert_true(lock_server_send(s, now_ns, &e));
	assert_int_equal(lock_client_receive(&w->client[0], s->node, &e.message, LOCK_MESSAGE_BYTES,
				 world_clock_of(w, 0)),
		LOCK_TAKEN);
}

static void operations_under_way_together_are_sent_repeated_and_told_in_their_order(void **state)
{
	struct world *w = started(4, 1);
	const uint64_t now_ns = world_clock_of(w, 0), wait_ns = w->group[0].timing.retransmit_ns;
	struct lock_client *c = &w->client[0];
	const uint32_t answered[] = { 1, 3, 2, 0 };
	struct lock_envelope e[4];
	struct lock_event event;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(lock_client_request(c, i, LOCK_EX, 0, NULL, now_ns), LOCK_PENDING);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(says(w, now_ns + i, &e[i]), i);
	assert_int_equal(says(w, now_ns + 4, &e[0]), UINT32_MAX);
	answer(w, &e[1]);
	while (lock_client_tick(c, now_ns + wait_ns + 2)) /* the last one is not due yet */
		;
	assert_int_equal(says(w, now_ns + wait_ns, &e[0]), 0);
	assert_int_equal(says(w, now_ns + wait_ns, &e[2]), 2);
	assert_int_equal(says(w, now_ns + wait_ns, &e[2]), UINT32_MAX);
	answer(w, &e[3]);
	answer(w, &e[2]);
	answer(w, &e[0]);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(lock_client_event(c, &event));
		assert_int_equal(event.own, answered[i]);
		assert_int_equal(event.kind, LOCK_EVENT_DONE);
	}
	assert_false(lock_client_event(c, &event));
	world_free(w);
}

/* Client p asks for the lock of its number; what it says arrives. */
static void ask_of(struct world *w, struct lock_server *s, uint32_t p)
{
	const uint64_t now_ns = world_clock_of(w, p);
	struct lock_envelope e;

	assert_int_equal(
		lock_client_request(&w->client[p], p, LOCK_EX, 0, NULL, now_ns), LOCK_PENDING);
	assert_true(lock_client_send(&w->client[p], now_ns, &e));
	assert_int_equal(lock_server_receive(s, (uint16_t)(FIRST_CLIENT_NODE + p), &e.message,
				 LOCK_MESSAGE_BYTES, world_clock(w, s->node)),
		LOCK_TAKEN);
}

static void assert_told(struct world *w, struct lock_server *s, uint32_t p)
{
	struct lock_envelope e;

	assert_true(lock_server_send(s, world_clock(w, s->node), &e));
	assert_int_equal(e.message.kind, LOCK_GRANT);
	assert_int_equal(e.node, FIRST_CLIENT_NODE + p);
	assert_int_equal(lock_client_receive(&w->client[p], s->node, &e.message, LOCK_MESSAGE_BYTES,
				 world_clock_of(w, p)),
		LOCK_TAKEN);
}

static void who_is_to_be_told_is_told_in_turn_alone_or_among_others(void **state)
{
	struct world *w = started(4, 4);
	struct lock_server *s = world_leader(w, 0);
	struct lock_envelope e;

	(void)state;
	ask_of(w, s, 0);
	assert_int_equal(s->due, 0);
	ask_of(w, s, 1);
	assert_told(w, s, 0);
	ask_of(w, s, 2);
	assert_told(w, s, 1);
	assert_told(w, s, 2);
	ask_of(w, s, 3);
	assert_told(w, s, 3);
	assert_false(lock_server_send(s, world_clock(w, s->node), &e));
	assert_false(s->speaks);
	world_free(w);
}

/* The longest holder is over its budget first, whoever else came and went. */
static void holders_are_looked_at_by_when_they_came(void **state)
{
	struct world *w = world_new(1, 1, 4);

	(void)state;
	w->lock[0].hold_budget_ns = 10000000;
	world_begun(w);
	for (uint32_t p = 0; p < 4; p++) {
		world_take(w, p, 0, LOCK_PR);
		world_run(w, 2000000);
	}
	world_give(w, 3, 0);
	world_give(w, 1, 0);
	world_run(w, 3000000);
	assert_int_equal(world_leader(w, 0)->overruns, 1);
	world_run(w, 4000000);
	assert_int_equal(world_leader(w, 0)->overruns, 2);
	world_free(w);
}

/* The middle one, then the highest: what is below is the highest then. */
static void ranks_are_kept_in_whatever_order_locks_are_given_back(void **state)
{
	struct world *w = started(4, 1);

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		world_take(w, 0, i, LOCK_EX);
	world_give(w, 0, 1);
	assert_int_equal(world_ask(w, 0, 1, LOCK_EX), LOCK_DEADLOCK);
	world_give(w, 0, 3);
	assert_int_equal(world_ask(w, 0, 1, LOCK_EX), LOCK_DEADLOCK);
	world_give(w, 0, 2);
	world_take(w, 0, 1, LOCK_EX);
	world_give(w, 0, 0);
	assert_int_equal(world_ask(w, 0, 0, LOCK_EX), LOCK_DEADLOCK);
	world_free(w);
}

static void nl_is_no_obstacle_to_lower_ranks(void **state)
{
	struct world *w = started(2, 1);

	(void)state;
	world_take(w, 0, 1, LOCK_NL);
	world_take(w, 0, 0, LOCK_EX);
	world_free(w);
}

static void tokens_rise_with_every_grant_and_carry_the_epoch(void **state)
{
	struct world *w = started(1, 2);
	uint64_t last = 0;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		world_take(w, i % 2, 0, i % 3 ? LOCK_EX : LOCK_PR);
		assert_true(world_own(w, i % 2, 0)->token > last);
		last = world_own(w, i % 2, 0)->token;
		assert_int_equal(last >> 40, world_leader(w, 0)->epoch);
		world_give(w, i % 2, 0);
	}
	world_free(w);
}

static void every_message_may_be_lost_and_repeated(void **state)
{
	struct world *w = started(1, 3);

	(void)state;
	w->loss_percent = 30;
	w->repeat_percent = 30;
	for (uint32_t i = 0; i < 30; i++) {
		world_take(w, i % 3, 0, LOCK_EX);
		assert_int_equal(world_release(w, i % 3, 0), LOCK_PENDING);
		world_until(w, i % 3, 0, LOCK_IDLE);
	}
	world_free(w);
}

static void one_operation_at_a_time_on_a_lock(void **state)
{
	struct world *w = started(1, 1);

	(void)state;
	assert_int_equal(world_release(w, 0, 0), LOCK_WRONG);
	assert_int_equal(lock_client_cancel(&w->client[0], 0, world_clock_of(w, 0)), LOCK_WRONG);
	assert_int_equal(world_ask(w, 0, 0, LOCK_EX), LOCK_PENDING);
	assert_int_equal(world_ask(w, 0, 0, LOCK_EX), LOCK_BUSY);
	assert_int_equal(world_release(w, 0, 0), LOCK_BUSY);
	assert_int_equal(world_ask(w, 0, 1, LOCK_EX), LOCK_WRONG);
	assert_int_equal(world_ask(w, 0, 0, LOCK_NONE), LOCK_WRONG);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_uncontended_lock_costs_four_messages_two_before_the_grant),
		cmocka_unit_test(modes_that_agree_are_held_at_once_and_others_wait),
		cmocka_unit_test(waiters_are_served_first_come_first_served),
		cmocka_unit_test(a_reader_does_not_pass_a_writer_that_waits),
		cmocka_unit_test(
			the_more_urgent_goes_first_within_a_batch_and_not_before_an_older_batch),
		cmocka_unit_test(all_waiting_readers_follow_a_writer_and_one_writer_follows_them),
		cmocka_unit_test(
			a_reader_of_a_phase_fair_lock_waits_for_one_writer_however_many_queue),
		cmocka_unit_test(a_conversion_down_is_granted_at_once_and_lets_others_in),
		cmocka_unit_test(a_conversion_up_waits_in_its_turn_and_goes_before_new_requests),
		cmocka_unit_test(
			a_holder_that_converts_again_and_again_keeps_no_conversion_waiting_for_ever),
		cmocka_unit_test(whoever_holds_nl_is_queued_with_the_new_requests),
		cmocka_unit_test(
			two_conversions_that_would_wait_for_each_other_are_not_both_queued),
		cmocka_unit_test(between_pr_and_cw_only_cr_is_held_while_the_conversion_waits),
		cmocka_unit_test(noqueue_gets_the_lock_now_or_not_at_all),
		cmocka_unit_test(a_conversion_with_noqueue_that_fails_leaves_what_was_held),
		cmocka_unit_test(a_cancelled_request_waits_no_more_and_lets_those_behind_it_pass),
		cmocka_unit_test(a_cancelled_conversion_leaves_what_was_held),
		cmocka_unit_test(a_conversion_down_cannot_be_cancelled),
		cmocka_unit_test(
			a_value_goes_with_the_release_and_with_no_request_that_may_be_refused),
		cmocka_unit_test(cancelling_too_late_ends_as_granted),
		cmocka_unit_test(requests_must_go_upwards_in_rank),
		cmocka_unit_test(
			operations_under_way_together_are_sent_repeated_and_told_in_their_order),
		cmocka_unit_test(who_is_to_be_told_is_told_in_turn_alone_or_among_others),
		cmocka_unit_test(holders_are_looked_at_by_when_they_came),
		cmocka_unit_test(ranks_are_kept_in_whatever_order_locks_are_given_back),
		cmocka_unit_test(nl_is_no_obstacle_to_lower_ranks),
		cmocka_unit_test(tokens_rise_with_every_grant_and_carry_the_epoch),
		cmocka_unit_test(every_message_may_be_lost_and_repeated),
		cmocka_unit_test(one_operation_at_a_time_on_a_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
