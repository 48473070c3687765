/*
 * Who gets a lock, when: modes, conversions, priorities, phases, values, notices, cancellations, tokens.
 */
#include "lock_world.h"

static struct world *started(uint32_t locks, uint32_t participants)
{
	struct world *w = world_new(1, locks, participants);

	world_start(w);
	world_until_serving(w, 0);
	world_until_joined(w);
	return w;
}

static void an_uncontended_lock_costs_four_messages_two_before_the_grant(void **state)
{
	struct world *w = started(1, 2);
	uint64_t before[LOCK_KINDS];

	(void)state;
	memcpy(before, w->sent, sizeof(before));
	world_take(w, 0, 0, LOCK_EX);
	assert_int_equal(w->sent[LOCK_REQUEST] - before[LOCK_REQUEST], 1);
	assert_int_equal(w->sent[LOCK_GRANT] - before[LOCK_GRANT], 1);
	world_give(w, 0, 0);
	assert_int_equal(w->sent[LOCK_RELEASE] - before[LOCK_RELEASE], 1);
	assert_int_equal(w->sent[LOCK_RELEASED] - before[LOCK_RELEASED], 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_uncontended_lock_costs_four_messages_two_before_the_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
