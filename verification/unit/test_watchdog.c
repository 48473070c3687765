/*
 * Watchdogs: when one expires, to the tick; which partitions are looked at, and when; and that no count,
 * however hostile, makes a look longer or reaches another partition.
 */
#include "unit.h"

#include <mullion/core.h>

#define PARTITIONS 3u
#define PERIOD     100u

uint64_t fake_now, fake_step;
uint32_t node_state;

static struct mullion_status status[PARTITIONS];
static struct mullion_watchdog pages[PARTITIONS];
/* The one in the middle has no watchdog. */
static const struct mullion_partition partitions[PARTITIONS] = {
	{ .name = "a", .status = &status[0], .watchdog = &pages[0], .watchdog_ticks = PERIOD },
	{ .name = "b", .status = &status[1] },
	{ .name = "c", .status = &status[2], .watchdog = &pages[2], .watchdog_ticks = 7 * PERIOD },
};
const struct mullion_system mullion_system = {
	.partitions = partitions, .partitions_count = PARTITIONS, .watchdogs_count = 2
};
struct partition system_partitions[PARTITIONS];
static struct cpu timekeeper;
static unsigned expired[PARTITIONS];
static uint64_t ticks_told;

void health_remote(struct cpu *cpu, const struct mullion_partition *owner, enum mullion_event event,
	uint64_t detail, uint32_t source)
{
	assert_ptr_equal(cpu, &timekeeper);
	assert_int_equal(event, MULLION_EVENT_WATCHDOG);
	assert_int_equal(source, 0);
	assert_int_not_equal(owner->watchdog_ticks, 0);
	expired[owner - partitions]++;
	ticks_told = detail;
}

/* Every partition once. */
static void round_at(uint64_t now)
{
	fake_now = now;
	for (unsigned p = 0; p < PARTITIONS; p++)
		watchdog_look(&timekeeper);
	assert_int_equal(fake_now, now);
}

static void start_at(uint64_t now)
{
	memset(pages, 0, sizeof(pages));
	memset(expired, 0, sizeof(expired));
	for (unsigned p = 0; p < PARTITIONS; p++) {
		status[p].state = MULLION_STATE_RUNNING;
		system_partitions[p] = (struct partition){ .watchdog_since = now };
	}
}

static int begin(void **state)
{
	(void)state;
	fake_step = 0;
	start_at(1000);
	return 0;
}

static void a_count_that_stands_still_expires_after_its_time_and_no_tick_earlier(void **state)
{
	(void)state;
	round_at(1000 + PERIOD - 1);
	assert_int_equal(expired[0], 0);
	round_at(1000 + PERIOD);
	assert_int_equal(expired[0], 1);
	assert_int_equal(ticks_told, PERIOD);
	assert_int_equal(expired[1] + expired[2], 0);
}

static void it_expires_once_and_then_has_its_whole_time_again(void **state)
{
	(void)state;
	round_at(1000 + PERIOD);
	round_at(1000 + 2 * PERIOD - 1);
	assert_int_equal(expired[0], 1);
	round_at(1000 + 2 * PERIOD);
	assert_int_equal(expired[0], 2);
}

static void each_has_its_own_time(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 7; n++)
		round_at(1000 + n * PERIOD);
	assert_int_equal(expired[0], 6);
	assert_int_equal(expired[2], 0);
	round_at(1000 + 7 * PERIOD);
	assert_int_equal(expired[2], 1);
}

/* Up, down, to the ends, by a bit: any change is life, and a return to an old value too. */
static void any_change_of_the_count_is_a_sign_of_life_whatever_it_is(void **state)
{
	static const uint64_t counts[] = { 1, 0, UINT64_MAX, 0, 1ull << 63, INT64_MAX, 5, 4, 5,
		UINT64_MAX, UINT64_MAX - 1, 0 };
	uint64_t now = 1000;

	(void)state;
	for (unsigned c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		pages[0].count = counts[c];
		round_at(now += PERIOD);
		assert_int_equal(expired[0], 0);
	}
	round_at(now + PERIOD);
	assert_int_equal(expired[0], 1);
}

static void a_count_that_stands_at_any_value_expires(void **state)
{
	static const uint64_t counts[] = { 1, UINT64_MAX, 1ull << 63, 0x1000 };

	(void)state;
	for (unsigned c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		start_at(1000);
		pages[0].count = counts[c];
		round_at(1001);
		round_at(1001 + PERIOD);
		assert_int_equal(expired[0], 1);
	}
}

static void what_the_rest_of_the_page_holds_does_not_matter(void **state)
{
	(void)state;
	memset(pages[0].reserved, 0xff, sizeof(pages[0].reserved));
	round_at(1000 + PERIOD - 1);
	pages[0].reserved[0] = 1;
	round_at(1000 + PERIOD);
	assert_int_equal(expired[0], 1);
}

static void a_partition_that_does_not_run_does_not_expire_and_starts_anew(void **state)
{
	(void)state;
	for (uint32_t s = MULLION_STATE_STOPPED; s <= MULLION_STATE_CHANGING; s++) {
		start_at(1000);
		status[0].state = s;
		for (unsigned n = 1; n < 10; n++)
			round_at(1000 + n * PERIOD);
		status[0].state = MULLION_STATE_RUNNING;
		round_at(1000 + 10 * PERIOD - 1);
		assert_int_equal(expired[0], 0);
		round_at(1000 + 10 * PERIOD);
		assert_int_equal(expired[0], 1);
	}
}

/* start() of lifecycle.c may have written a time that is later than this look's. */
static void a_restart_that_is_later_than_the_look_does_not_expire(void **state)
{
	(void)state;
	system_partitions[0].watchdog_since = 5000;
	round_at(1000 + 2 * PERIOD);
	assert_int_equal(expired[0], 0);
	round_at(5000 + PERIOD);
	assert_int_equal(expired[0], 1);
}

static void one_look_concerns_one_partition(void **state)
{
	(void)state;
	fake_now = 1000 + 100 * PERIOD;
	for (unsigned n = 1; n <= PARTITIONS; n++) {
		unsigned before = expired[0] + expired[2];

		watchdog_look(&timekeeper);
		assert_in_range(expired[0] + expired[2] - before, 0, 1);
	}
	assert_int_equal(expired[0], 1);
	assert_int_equal(expired[2], 1);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_count_that_stands_still_expires_after_its_time_and_no_tick_earlier),
		TEST(it_expires_once_and_then_has_its_whole_time_again),
		TEST(each_has_its_own_time),
		TEST(any_change_of_the_count_is_a_sign_of_life_whatever_it_is),
		TEST(a_count_that_stands_at_any_value_expires),
		TEST(what_the_rest_of_the_page_holds_does_not_matter),
		TEST(a_partition_that_does_not_run_does_not_expire_and_starts_anew),
		TEST(a_restart_that_is_later_than_the_look_does_not_expire),
		TEST(one_look_concerns_one_partition),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
