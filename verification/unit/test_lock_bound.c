/* The bounds of the lock service: the numbers of small cases by hand, their shape, and never too little. */
#include "unit.h"

#include "lock_bound.h"

/* 1,024 nodes at one lock, 2 us each way, 0.3 us for a message: the example of the published formula. */
static struct lock_group_load group(void)
{
	return (struct lock_group_load){ .delay_ns = 2000,
		.service_ns = 300,
		.nodes = 1024,
		.outstanding = 1024,
		.session_ns = 4000000,
		.authority_ns = 4000000 };
}

static struct lock_load fifo(uint32_t participants)
{
	return (struct lock_load){ .participants = participants, .hold_ns = 10000 };
}

static uint64_t total(const struct lock_group_load *at, const struct lock_load *load)
{
	return lock_wait_bound(at, load).total_ns;
}

static void a_queue_of_1024_waits_for_1023_holds_and_handoffs(void **state)
{
	const struct lock_group_load at = group();
	const struct lock_load load = fifo(1024);
	const struct lock_wait wait = lock_wait_bound(&at, &load);

	(void)state;
	assert_int_equal(wait.term_ns[LOCK_TERM_PATH], 4300);
	assert_int_equal(wait.term_ns[LOCK_TERM_QUEUE], 307200);
	assert_int_equal(wait.term_ns[LOCK_TERM_HOLDS], 10230000);
	assert_int_equal(wait.term_ns[LOCK_TERM_HANDOFFS], 1023 * 4600);
	assert_int_equal(wait.total_ns, 4300 + 307200 + 10230000 + 4705800);
	assert_int_equal(lock_wait_longest(&wait), LOCK_TERM_HOLDS);
	assert_string_equal(
		lock_term_name(lock_wait_longest(&wait)), "the holds of those served before");
}

static void alone_there_is_only_the_way_and_the_queue(void **state)
{
	const struct lock_group_load at = group();
	const struct lock_load load = fifo(1);

	(void)state;
	assert_int_equal(total(&at, &load), 4300 + 307200);
}

static void other_locks_operations_delay_every_handoff(void **state)
{
	struct lock_group_load at = group();
	const struct lock_load load = fifo(16);

	(void)state;
	at.outstanding = 16;
	assert_int_equal(total(&at, &load), 4300 + 16 * 300 + 15 * (10000 + 4600));
	at.outstanding = 116;
	assert_int_equal(total(&at, &load), 4300 + 116 * 300 + 15 * (10000 + 4600 + 100 * 300));
}

static void a_batch_waits_for_the_one_before_and_its_betters(void **state)
{
	const struct lock_group_load at = group();
	struct lock_load load = {
		.order = LOCK_ORDER_BATCHED, .participants = 8, .not_below = 1, .hold_ns = 10000
	};

	(void)state;
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 7 * 10000);
	load.not_below = 3;
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 9 * 10000);
	load.not_below = 8;
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 14 * 10000);
}

static void a_reader_waits_for_one_writer_however_many_there_are(void **state)
{
	const struct lock_group_load at = group();
	struct lock_load load = { .order = LOCK_ORDER_PHASED,
		.participants = 1000,
		.writers = 2,
		.reader = true,
		.hold_ns = 10000,
		.read_hold_ns = 5000 };

	(void)state;
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 15000);
	load.writers = 500;
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 15000);
	load.writers = 0;
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 0);
}

static void a_writer_waits_for_the_other_writers_and_a_phase_before_each(void **state)
{
	const struct lock_group_load at = group();
	struct lock_load load = { .order = LOCK_ORDER_PHASED,
		.participants = 1000,
		.writers = 4,
		.hold_ns = 10000,
		.read_hold_ns = 5000 };

	(void)state;
	assert_int_equal(
		lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 3 * 10000 + 4 * 5000);
	load.participants = 4;
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 3 * 10000);
}

static void losses_cost_both_messages_of_everyone_before(void **state)
{
	struct lock_group_load at = group();
	const struct lock_load load = fifo(10);
	uint64_t without;

	(void)state;
	at.retransmit_ns = 1000000000;
	without = total(&at, &load);
	at.losses = 3;
	at.retransmit_ns = 1000;
	assert_int_equal(
		lock_wait_bound(&at, &load).term_ns[LOCK_TERM_LOSSES], 3 * 2 * 10 * (1000 + 4300));
	assert_true(total(&at, &load) > without);
}

static void crashes_and_failovers_cost_leases(void **state)
{
	struct lock_group_load at = group();
	const struct lock_load load = fifo(10);

	(void)state;
	at.crashes = 2;
	at.drift_ppm = 0;
	assert_int_equal(
		lock_wait_bound(&at, &load).term_ns[LOCK_TERM_CRASHES], 2 * (4000000 + 4000));
	at.failovers = 1;
	assert_int_equal(lock_failover_bound_ns(&at), 4000000 + 5 * 2000 + (2 * 1024 + 6) * 300);
	at.survive_ns = 100000;
	at.slots = 2000;
	assert_int_equal(lock_failover_bound_ns(&at), 4100000 + 5 * 2000 + (2 * 3024 + 6) * 300);
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_FAILOVER],
		lock_failover_bound_ns(&at));
}

static void a_slow_clock_makes_a_lease_and_a_hold_longer(void **state)
{
	struct lock_group_load at = group();
	const struct lock_load load = fifo(2);

	(void)state;
	at.drift_ppm = 500000; /* half speed */
	assert_int_equal(lock_wait_bound(&at, &load).term_ns[LOCK_TERM_HOLDS], 20000);
	assert_int_equal(lock_failover_bound_ns(&at), 16000000 + 5 * 2000 + (2 * 1024 + 6) * 300);
}

static void sessions_last_until_a_new_leader_has_answered_what_was_reported(void **state)
{
	struct lock_group_load at = group();
	const uint64_t known = (2 * 1024 + 6) * 300, age = 10000 + 100 + 4000 + 300;

	(void)state;
	at.heartbeat_ns = 10000;
	at.poll_ns = 100;
	assert_int_equal(lock_session_least_ns(&at), age + 4000000 + 5 * 2000 + known + 300 + 4000);
	assert_int_equal(lock_survive_least_ns(&at), 2 * age + 5 * 2000 + known + 300 + 4000);
	at.turns = 3;
	at.losses = 1;
	at.retransmit_ns = 7000;
	assert_int_equal(lock_session_least_ns(&at),
		age + 7000 + 4000000 + 5 * 2000 + 6 * 7000 + known + 300 + 4 * (4000 + 7000));
	assert_int_equal(lock_survive_least_ns(&at),
		2 * age + 7000 + 10000 + 5 * 2000 + 6 * 7000 + known + 300 + 4 * (4000 + 7000));
	at.drift_ppm = 500000; /* a clock at twice the speed has counted all of the authority */
	assert_true(lock_survive_least_ns(&at) == LOCK_UNBOUNDED);
	at.drift_ppm = 0;
	at.authority_ns = UINT64_MAX / 2 + 1;
	at.service_ns = UINT64_MAX / 2048;
	assert_true(lock_session_least_ns(&at) == LOCK_UNBOUNDED);
	assert_true(lock_survive_least_ns(&at) == LOCK_UNBOUNDED);
}

static void traffic_that_outruns_the_master_has_no_bound(void **state)
{
	struct lock_group_load at = group();
	const struct lock_load load = fifo(16);

	(void)state;
	at.heartbeat_ns = 1024 * 300 + 200000;
	assert_true(total(&at, &load) < LOCK_UNBOUNDED);
	at.heartbeat_ns = 1024 * 300;
	assert_true(total(&at, &load) == LOCK_UNBOUNDED);
	at = group();
	at.retransmit_ns = 1024 * 300 / 2;
	assert_true(total(&at, &load) == LOCK_UNBOUNDED);
}

static void the_span_holds_the_traffic_that_falls_into_it(void **state)
{
	struct lock_group_load at = group();
	const struct lock_load load = fifo(100);
	uint64_t base = total(&at, &load), span;

	(void)state;
	at.heartbeat_ns = 1000000;
	at.retransmit_ns = 700000;
	span = total(&at, &load);
	assert_int_equal(
		span, base + (span / 1000000 + 1) * 1024 * 300 + span / 700000 * 1024 * 300);
}

/* Any one number made larger. */
static void grow(struct lock_group_load *at, struct lock_load *load, unsigned which)
{
	switch (which) {
	case 0:
		at->delay_ns += 1;
		break;
	case 1:
		at->service_ns += 1;
		break;
	case 2:
		at->outstanding += 1;
		break;
	case 3:
		at->losses += 1;
		break;
	case 4:
		at->crashes += 1;
		break;
	case 5:
		at->drift_ppm += 1000;
		break;
	case 6:
		at->session_ns += 1;
		break;
	case 7:
		load->hold_ns += 1;
		break;
	default:
		load->read_hold_ns += 1;
		break;
	}
}

static void no_bound_shrinks_when_anything_grows(void **state)
{
	uint64_t random = 7;
	unsigned round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		const uint32_t participants = unit_random(&random) % 100 + 1;
		struct lock_group_load at = { .delay_ns = unit_random(&random) % 5000,
			.service_ns = unit_random(&random) % 400,
			.retransmit_ns = 1000000 + unit_random(&random) % 5000,
			.heartbeat_ns = 1000000,
			.session_ns = 4000000,
			.authority_ns = 4000000,
			.drift_ppm = unit_random(&random) % 10000,
			.nodes = 100,
			.outstanding = participants + unit_random(&random) % 100,
			.losses = unit_random(&random) % 3,
			.crashes = unit_random(&random) % 3,
			.failovers = unit_random(&random) % 2 };
		struct lock_load load = { .order = (enum lock_order)(unit_random(&random) % 3),
			.participants = participants,
			.writers = unit_random(&random) % participants + 1,
			.not_below = unit_random(&random) % participants + 1,
			.hold_ns = unit_random(&random) % 50000,
			.read_hold_ns = unit_random(&random) % 50000 };
		uint64_t less;

		load.reader = load.writers < participants && unit_random(&random) % 2;
		assert_true(lock_load_valid(&at, &load));
		less = total(&at, &load);
		grow(&at, &load, unit_random(&random) % 9);
		assert_true(total(&at, &load) >= less);
	}
}

static void what_does_not_fit_is_unbounded_not_small(void **state)
{
	struct lock_group_load at = group();
	struct lock_load load = fifo(1024);
	const struct lock_sizes sizes = { UINT64_MAX / 2, 16, 16, 64 };

	(void)state;
	load.hold_ns = UINT64_MAX / 1000;
	assert_true(total(&at, &load) == LOCK_UNBOUNDED);
	at.authority_ns = UINT64_MAX - 1;
	assert_true(lock_failover_bound_ns(&at) == LOCK_UNBOUNDED);
	assert_true(lock_memory_bound_bytes(&at, 3, 0, &sizes) == LOCK_UNBOUNDED);
}

static void a_load_that_contradicts_itself_is_refused(void **state)
{
	struct lock_group_load at = group();
	struct lock_load load = fifo(0);

	(void)state;
	assert_false(lock_load_valid(&at, &load));
	load = fifo(1025);
	assert_false(lock_load_valid(&at, &load));
	load = fifo(4);
	assert_true(lock_load_valid(&at, &load));
	load.order = LOCK_ORDER_BATCHED;
	assert_false(lock_load_valid(&at, &load));
	load.order = LOCK_ORDER_PHASED;
	load.writers = 5;
	assert_false(lock_load_valid(&at, &load));
	load.writers = 0;
	assert_false(lock_load_valid(&at, &load));
	load.reader = true;
	assert_true(lock_load_valid(&at, &load));
	load.writers = 4;
	assert_false(lock_load_valid(&at, &load));
	load.reader = false;
	assert_true(lock_load_valid(&at, &load));
	at.drift_ppm = 1000000;
	assert_false(lock_load_valid(&at, &load));
}

static void memory_and_messages_are_counted(void **state)
{
	struct lock_group_load at = group();
	const struct lock_sizes sizes = { 64, 16, 8, 64 };

	(void)state;
	assert_int_equal(
		lock_memory_bound_bytes(&at, 10, 1000, &sizes), 640 + 16000 + 1024 * 8 + 2048 * 64);
	assert_int_equal(lock_messages_bound(&at), 4);
	at.losses = 2;
	assert_int_equal(lock_messages_bound(&at), 12);
	assert_int_equal(lock_failover_messages_bound(&at), 2054);
	at.asks = 7;
	assert_int_equal(lock_failover_messages_bound(&at), 2061);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_of_1024_waits_for_1023_holds_and_handoffs),
		cmocka_unit_test(alone_there_is_only_the_way_and_the_queue),
		cmocka_unit_test(other_locks_operations_delay_every_handoff),
		cmocka_unit_test(a_batch_waits_for_the_one_before_and_its_betters),
		cmocka_unit_test(a_reader_waits_for_one_writer_however_many_there_are),
		cmocka_unit_test(a_writer_waits_for_the_other_writers_and_a_phase_before_each),
		cmocka_unit_test(losses_cost_both_messages_of_everyone_before),
		cmocka_unit_test(crashes_and_failovers_cost_leases),
		cmocka_unit_test(a_slow_clock_makes_a_lease_and_a_hold_longer),
		cmocka_unit_test(sessions_last_until_a_new_leader_has_answered_what_was_reported),
		cmocka_unit_test(traffic_that_outruns_the_master_has_no_bound),
		cmocka_unit_test(the_span_holds_the_traffic_that_falls_into_it),
		cmocka_unit_test(no_bound_shrinks_when_anything_grows),
		cmocka_unit_test(what_does_not_fit_is_unbounded_not_small),
		cmocka_unit_test(a_load_that_contradicts_itself_is_refused),
		cmocka_unit_test(memory_and_messages_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
