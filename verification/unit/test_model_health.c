/* What a description of health, limits of time and doorbells becomes. */
#include "model.h"
#include "unit.h"

#define WHOLE "verification/rules/whole/lifecycle.dts"

enum { CONTROL, NAV, SIDE, STORE }; /* partitions, by place */
enum { NORMAL, DEGRADED };

static struct model *model;

static int load(void **state)
{
	(void)state;
	model = model_load(WHOLE, NULL);
	return model == NULL;
}

static int unload(void **state)
{
	(void)state;
	model_free(model);
	return 0;
}

static void events_have_their_defaults(void **state)
{
	const int *actions = model->partitions[SIDE].actions;

	(void)state;
	assert_int_equal(actions[MULLION_EVENT_PORT], MULLION_ACTION_LOG);
	assert_int_equal(actions[MULLION_EVENT_MSR], MULLION_ACTION_INJECT);
	assert_int_equal(actions[MULLION_EVENT_WATCHDOG], MULLION_ACTION_STOP);
	assert_int_equal(actions[MULLION_EVENT_TRIPLE_FAULT], MULLION_ACTION_STOP);
	assert_int_equal(actions[MULLION_EVENT_DMA], MULLION_ACTION_LOG);
}

static void the_table_of_all_partitions_changes_the_defaults(void **state)
{
	(void)state;
	for (size_t i = 0; i < model->partitions_count; i++) {
		const int *actions = model->partitions[i].actions;

		assert_int_equal(actions[MULLION_EVENT_MEMORY], MULLION_ACTION_RESTART_WARM);
		assert_int_equal(actions[MULLION_EVENT_MACHINE_CHECK], MULLION_ACTION_RESET);
	}
	assert_int_equal(model->partitions[SIDE].health_schedule, NORMAL);
	assert_int_equal(model->partitions[SIDE].escalate_count, 2);
	assert_int_equal(model->partitions[SIDE].escalate_within_ns, 100000000);
	assert_int_equal(model->partitions[SIDE].escalate_action, MULLION_ACTION_SCHEDULE);
}

static void a_partition_has_a_table_of_its_own(void **state)
{
	const struct model_partition *nav = &model->partitions[NAV];

	(void)state;
	assert_int_equal(nav->actions[MULLION_EVENT_WATCHDOG], MULLION_ACTION_RESTART_COLD);
	assert_int_equal(nav->actions[MULLION_EVENT_TRIPLE_FAULT], MULLION_ACTION_SCHEDULE);
	assert_int_equal(nav->health_schedule, DEGRADED);
	assert_int_equal(nav->escalate_count, 8);
	assert_int_equal(nav->escalate_within_ns, 500000000);
	assert_int_equal(nav->escalate_action, MULLION_ACTION_RESET);
}

static void limits_of_time_are_nanoseconds(void **state)
{
	(void)state;
	assert_int_equal(model->partitions[NAV].watchdog_ns, 8000000);
	assert_int_equal(model->partitions[NAV].max_gap_ns, 1500000);
	assert_int_equal(model->partitions[SIDE].watchdog_ns, 0);
	assert_int_equal(model->partitions[SIDE].max_gap_ns, 0);
	assert_int_equal(model->partitions[STORE].watchdog_ns, 8000000);
}

static void doorbells_are_vectors(void **state)
{
	(void)state;
	assert_int_equal(model->channels[0].doorbell, 0x51);
	assert_int_equal(model->channels[2].doorbell, 254);
}

static void the_board_says_how_it_is_reset(void **state)
{
	(void)state;
	assert_true(model->board.reset >= 0);
	assert_string_equal(model->devices[model->board.reset].name, "reset@cf9");
	assert_int_equal(model->board.reset_value, 255);
}

static void what_is_not_described_is_not_there(void **state)
{
	struct model *pci = model_load("verification/rules/whole/pci.dts", NULL);

	(void)state;
	assert_non_null(pci);
	assert_int_equal(pci->partitions[0].health_schedule, -1);
	assert_int_equal(pci->partitions[0].escalate_count, 0);
	model_free(pci);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_have_their_defaults),
		cmocka_unit_test(the_table_of_all_partitions_changes_the_defaults),
		cmocka_unit_test(a_partition_has_a_table_of_its_own),
		cmocka_unit_test(limits_of_time_are_nanoseconds),
		cmocka_unit_test(doorbells_are_vectors),
		cmocka_unit_test(the_board_says_how_it_is_reset),
		cmocka_unit_test(what_is_not_described_is_not_there),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
