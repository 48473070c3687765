/*
 * AMD-Vi against a unit that obeys the specification: how it is switched on, what it refuses, how its
 * event log is read, how a function is blocked.
 */
#include "unit.h"

#include "iommu_bench.h"

#define DEVICE_TABLE 0x00u
#define CONTROL      0x18u
#define EXCLUSION    0x20u
#define FEATURES     0x30u
#define COMMAND_HEAD 0x2000u
#define COMMAND_TAIL 0x2008u
#define EVENT_HEAD   0x2010u
#define EVENT_TAIL   0x2018u
#define STATUS       0x2020u

#define ON        0x1ull
#define LOG_ON    0x4ull
#define QUEUE_ON  0x1000ull
#define OVERFLOW  0x1u
#define INTERRUPT 0x2u
#define LOGGING   0x8u
#define RUNNING   0x10u
#define CLEARED   0x67u /* by writing ones */

#define GOOD_FEATURES (1ull << 6 | 1ull << 46)

#define EVENT(code, flags, id) ((uint64_t)(code) << 60 | (uint64_t)(flags) << 48 | (id))
#define FLAG_I                 0x8u
#define FLAG_RW                0x20u
#define TYPE(t)                ((t) << 9)

static bool queue_stuck, never_stops, no_device_table;
static uint64_t entry[4] __attribute__((aligned(32)));

static void carry_out(const struct iommu_command *command)
{
	if (command->low >> 60 == 1 && command->low & 1)
		memcpy((void *)(uintptr_t)(command->low & 0xffffffffffff8), &command->high, 8);
}

static void run_queue(void)
{
	if (queue_stuck || (bench_get(CONTROL, 8) & (ON | QUEUE_ON)) != (ON | QUEUE_ON))
		return;
	bench_run_queue(COMMAND_HEAD, COMMAND_TAIL, carry_out);
}

/* What runs follows what is on; a full log does not run. */
static void control(uint64_t value)
{
	uint64_t status = bench_get(STATUS, 4) & ~(uint64_t)(LOGGING | RUNNING);

	if (value & ON && value & QUEUE_ON)
		status |= RUNNING;
	if (value & ON && value & LOG_ON && !(status & OVERFLOW))
		status |= LOGGING;
	bench_put(STATUS, 4, never_stops ? status | RUNNING : status);
	bench_put(CONTROL, 8, value);
}

/* Tables and rings are changed only while what uses them is off. */
static void write(uint32_t offset, unsigned bytes, uint64_t value)
{
	if (offset <= 0x10)
		assert_int_equal(bench_get(CONTROL, 8) & (ON | LOG_ON | QUEUE_ON), 0);
	if (offset == CONTROL)
		control(value);
	else if (offset == STATUS)
		bench_put(STATUS, 4, bench_get(STATUS, 4) & ~(value & CLEARED));
	else if (offset != DEVICE_TABLE || !no_device_table)
		bench_put(offset, bytes, value);
	if (offset == COMMAND_TAIL || offset == CONTROL)
		run_queue();
}

static int begin(void **state)
{
	(void)state;
	bench_begin(&amdvi_driver, 0x4000);
	bench.write = write;
	unit.kind = X86_IOMMU_AMDVI;
	unit.remapping = NULL;
	unit.remapping_entries = 0;
	unit.root_bytes = 0x4000;
	bench_put(FEATURES, 8, GOOD_FEATURES);
	queue_stuck = never_stops = no_device_table = false;
	return 0;
}

static void enabling_gives_the_tables_switches_on_and_flushes(void **state)
{
	const struct iommu_command flush[] = { { 8ull << 60, 0 },
		{ 1ull << 60 | 1 | (uintptr_t)&storage.completion, 1 } };
	char expected[512];

	(void)state;
	assert_false(bench_refused(amdvi_driver.enable));
	snprintf(expected, sizeof(expected),
		"18=0 2020=67 20=0 28=0 0=%lx 8=%lx 2000=0 2008=0 10=%lx 2010=0 2018=0 18=1405 "
		"2008=20 ",
		(unsigned long)(uintptr_t)unit.root | 3,
		(unsigned long)(uintptr_t)storage.queue | 8ul << 56,
		(unsigned long)(uintptr_t)storage.events | 8ul << 56);
	assert_string_equal(bench.history, expected);
	bench_assert_carried_out(flush, 2);
}

/* Also what firmware had on and the kernel does not want: exclusion, page requests, guests. */
static void a_unit_that_firmware_left_on_keeps_its_wiring_and_nothing_else(void **state)
{
	(void)state;
	bench_put(CONTROL, 8, UINT64_MAX);
	bench_put(STATUS, 4, RUNNING | LOGGING | OVERFLOW | INTERRUPT);
	bench_put(EXCLUSION, 8, 0xabcd003);
	assert_false(bench_refused(amdvi_driver.enable));
	assert_int_equal(strncmp(bench.history, "18=be2 2020=67 20=0 28=0 ", 25), 0);
	assert_int_equal(bench_get(CONTROL, 8), 0x1405 | 0xbe2);
	assert_int_equal(bench_get(EXCLUSION, 8), 0);
	assert_int_equal(bench_get(STATUS, 4) & CLEARED, 0);
}

static void a_unit_that_cannot_do_what_the_image_needs_is_refused_with_the_remedy(void **state)
{
	static const struct {
		uint64_t features;
		const char *words;
	} units[] = {
		{ 0, "no AMD-Vi unit run board" },
		{ UINT64_MAX, "no AMD-Vi unit" },
		{ GOOD_FEATURES & ~(1ull << 6), "forget cached board" },
		{ GOOD_FEATURES | 3ull << 10, "4 levels board" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		begin(NULL);
		bench_put(FEATURES, 8, units[i].features);
		assert_true(bench_refused(amdvi_driver.enable));
		assert_true(bench_said(units[i].words));
		assert_int_equal(bench.writes, 0);
	}
	begin(NULL);
	unit.levels = 5;
	assert_true(bench_refused(amdvi_driver.enable));
	bench_put(FEATURES, 8, GOOD_FEATURES | 1ull << 10);
	assert_false(bench_refused(amdvi_driver.enable));
}

static void what_takes_no_device_table_is_no_unit(void **state)
{
	(void)state;
	no_device_table = true;
	assert_true(bench_refused(amdvi_driver.enable));
	assert_true(bench_said("device table board"));
	assert_int_equal(bench_get(CONTROL, 8) & ON, 0);
}

static void every_wait_ends(void **state)
{
	(void)state;
	queue_stuck = true;
	assert_true(bench_refused(amdvi_driver.enable));
	assert_true(bench_said("does not answer queue 0x2000"));
	begin(NULL);
	never_stops = true;
	assert_true(bench_refused(amdvi_driver.enable));
	assert_true(bench_said("does not answer register 0x2020"));
}

static void faults_interrupt_the_keeper_by_nmi(void **state)
{
	(void)state;
	bench_turn_on();
	bench_put(0x158, 4, 0x800005);
	amdvi_driver.interrupt(&unit, 9);
	assert_string_equal(bench.history, "15c=fee09000 160=0 164=400 158=810005 18=140d ");
}

static void interrupt_keeper(const struct x86_iommu *of)
{
	amdvi_driver.interrupt(of, 9);
}

static void a_unit_whose_message_cannot_be_set_is_refused_where_it_is_needed(void **state)
{
	(void)state;
	bench_turn_on();
	bench_put(FEATURES, 8, GOOD_FEATURES & ~(1ull << 46));
	assert_true(bench_refused(interrupt_keeper));
	assert_true(bench_said("framed"));
	assert_int_equal(bench.writes, 0);
}

/* As the hardware logs it. */
static void log_event(uint64_t event, uint64_t address)
{
	uint64_t tail = bench_get(EVENT_TAIL, 4), next = (tail + 16) & 0xff0;

	if (!(bench_get(STATUS, 4) & LOGGING))
		return;
	if (next == bench_get(EVENT_HEAD, 4)) {
		bench_put(STATUS, 4, (bench_get(STATUS, 4) & ~(uint64_t)LOGGING) | OVERFLOW);
		return;
	}
	memcpy(storage.events + tail, &event, 8);
	memcpy(storage.events + tail + 8, &address, 8);
	bench_put(EVENT_TAIL, 4, next);
	bench_put(STATUS, 4, bench_get(STATUS, 4) | INTERRUPT);
}

static void an_event_says_who_where_and_what(void **state)
{
	static const struct {
		unsigned code, flags, access;
		uint64_t address;
	} events[] = {
		{ 1, 0, MULLION_DMA_READ, 0x123456789 },
		{ 1, FLAG_RW, MULLION_DMA_WRITE, 0x123456789 },
		{ 1, FLAG_I, MULLION_DMA_INTERRUPT, 0 },
		{ 2, FLAG_RW, MULLION_DMA_WRITE, 0x123456789 },
		{ 2, 0x10, MULLION_DMA_READ, 0x123456789 },
		{ 2, FLAG_I | FLAG_RW, MULLION_DMA_INTERRUPT, 0 },
		{ 3, FLAG_RW, MULLION_DMA_WRITE, 0x123456789 },
		{ 4, 0, MULLION_DMA_READ, 0x123456789 },
		{ 8, TYPE(0u), MULLION_DMA_READ, 0x123456789 },
		{ 8, TYPE(3u), MULLION_DMA_WRITE, 0x123456789 },
		{ 8, TYPE(5u), MULLION_DMA_INTERRUPT, 0 },
		{ 8, TYPE(6u), MULLION_DMA_INTERRUPT, 0 },
	};
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		log_event(EVENT(events[i].code, events[i].flags, 0xab28), 0x123456789);
		assert_true(amdvi_driver.fault(&unit, &fault));
		assert_int_equal(fault.requester, 0xab28);
		assert_int_equal(fault.access, events[i].access);
		assert_int_equal(fault.address, events[i].address);
		assert_false(iommu_pending(&unit));
		assert_int_equal(bench_get(STATUS, 4) & INTERRUPT, 0);
	}
}

static void what_no_function_did_is_taken_out_and_not_reported(void **state)
{
	static const unsigned codes[] = { 5, 6, 7, 10, 11, 15 };
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		log_event(EVENT(codes[i], 0, 7), 0);
		assert_false(amdvi_driver.fault(&unit, &fault));
		assert_false(iommu_pending(&unit));
	}
}

static void events_come_out_in_order_one_a_call_round_and_round(void **state)
{
	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < 600; i++) {
		log_event(EVENT(2, 0, 2 * i), 0);
		log_event(EVENT(2, 0, 2 * i + 1), 0);
		assert_true(bench_take((uint16_t)(2 * i)));
		assert_true(iommu_pending(&unit));
		assert_true(bench_take((uint16_t)(2 * i + 1)));
		bench.history[0] = '\0';
	}
	assert_false(iommu_pending(&unit));
}

static void a_log_that_overflowed_logs_again(void **state)
{
	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < 300; i++)
		log_event(EVENT(2, 0, i), 0);
	assert_int_equal(bench_get(STATUS, 4) & (OVERFLOW | LOGGING), OVERFLOW);
	assert_true(bench_take(0));
	assert_int_equal(bench_get(STATUS, 4) & (OVERFLOW | LOGGING), LOGGING);
	assert_int_equal(bench_get(CONTROL, 8), 0x1405);
	bench.history[0] = '\0';
	log_event(EVENT(2, 0, 999), 0);
	for (unsigned i = 1; i < 255; i++) {
		assert_true(bench_take((uint16_t)i));
		bench.history[0] = '\0';
	}
	assert_true(bench_take(999));
	assert_false(iommu_pending(&unit));
}

static void an_event_that_is_not_there_yet_is_waited_for(void **state)
{
	uint64_t event = EVENT(2, 0, 7);

	(void)state;
	bench_turn_on();
	bench_put(EVENT_TAIL, 4, 16);
	assert_false(bench_take(7));
	assert_int_equal(bench.writes, 0);
	memcpy(storage.events, &event, 8);
	assert_true(bench_take(7));
}

/* The log goes round: what was in the place before must not pass for the new event. */
static void nor_is_an_old_event_taken_for_it(void **state)
{
	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < 256; i++) {
		log_event(EVENT(2, 0, i), 0);
		assert_true(bench_take((uint16_t)i));
		bench.history[0] = '\0';
	}
	bench_put(EVENT_TAIL, 4, 16);
	assert_false(bench_take(0));
	assert_int_equal(bench.writes, 256 * 2);
}

static void a_log_that_still_runs_is_left_alone(void **state)
{
	(void)state;
	bench_turn_on();
	log_event(EVENT(2, 0, 7), 0);
	bench_put(STATUS, 4, bench_get(STATUS, 4) | OVERFLOW);
	assert_true(bench_take(7));
	assert_int_equal(bench_get(STATUS, 4) & (OVERFLOW | LOGGING), OVERFLOW | LOGGING);
	assert_string_equal(bench.history, "2010=10 2020=2 ");
}

/* The bench ends the test at an access outside the unit's registers. */
static void whatever_is_in_the_log_a_call_ends_soon_and_stays_inside(void **state)
{
	uint64_t random = 1;
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	bench.write = NULL;
	for (unsigned run = 0; run < 20000; run++) {
		uint64_t event = unit_random(&random);

		memcpy(storage.events + storage.next, &event, 8);
		bench_put(EVENT_TAIL, 8, unit_random(&random));
		bench_put(STATUS, 8, unit_random(&random));
		bench.reads = bench.writes = 0;
		bench.history[0] = '\0';
		amdvi_driver.fault(&unit, &fault);
		assert_true(bench.reads <= 3 && bench.writes <= 5);
		assert_true(storage.next <= 0xff0 && storage.next % 16 == 0);
	}
}

static const struct x86_function function = { .name = "nvme@28",
	.bdf = 0x28,
	.requester = 0x128,
	.partition = 2,
	.entry = entry,
	.pass = { 0x60000abcd0000803, 3, 0x20000000abcd0007, 9 } };

static void open_entry(void)
{
	entry[0] = 0x60000abcd0000803;
	entry[1] = 3;
	entry[2] = 0x20000000abcd0007;
	entry[3] = 0;
}

static void blocked_when_queued(uint32_t offset, unsigned bytes, uint64_t value)
{
	assert_int_equal(entry[0], AMDVI_DTE_BLOCKED);
	assert_int_equal(entry[2], AMDVI_DTE2_BLOCKED);
	assert_ptr_equal(bench.written_back, entry);
	write(offset, bytes, value);
}

static void blocking_silences_the_entry_before_its_caches_are_told_to_forget_it(void **state)
{
	const uint64_t blocked[4] = { AMDVI_DTE_BLOCKED, AMDVI_DTE1_BLOCKED, AMDVI_DTE2_BLOCKED,
		0 };
	const struct iommu_command expected[] = { { 2ull << 60 | 0x128, 0 },
		{ 3ull << 60 | 3ull << 32, 0x7ffffffffffff003 }, { 5ull << 60 | 0x128, 0 } };

	(void)state;
	bench_turn_on();
	open_entry();
	bench.write = blocked_when_queued;
	assert_true(amdvi_driver.block(&unit, &function));
	assert_memory_equal(entry, blocked, sizeof(blocked));
	assert_int_equal(bench.writes, 1);
	bench_assert_carried_out(expected, 3);
}

static void without_room_nothing_changes(void **state)
{
	(void)state;
	bench_turn_on();
	queue_stuck = true;
	bench_put(COMMAND_HEAD, 4, 0x10);
	bench_put(COMMAND_TAIL, 4, 0x10 - 3 * 16 + 0x1000);
	open_entry();
	assert_false(amdvi_driver.block(&unit, &function));
	assert_int_equal(entry[0], 0x60000abcd0000803);
	assert_int_equal(bench.writes, 0);
	bench_put(COMMAND_HEAD, 4, 0x20);
	assert_true(amdvi_driver.block(&unit, &function));
}

static void passed_when_queued(uint32_t offset, unsigned bytes, uint64_t value)
{
	assert_memory_equal(entry, function.pass, sizeof(function.pass));
	assert_ptr_equal(bench.written_back, entry);
	write(offset, bytes, value);
}

static void passing_writes_the_entry_as_it_was_before_its_caches_are_told_to_forget_it(void **state)
{
	const struct iommu_command expected[] = { { 2ull << 60 | 0x128, 0 },
		{ 3ull << 60 | 3ull << 32, 0x7ffffffffffff003 }, { 5ull << 60 | 0x128, 0 } };

	(void)state;
	bench_turn_on();
	assert_true(amdvi_driver.block(&unit, &function));
	bench.write = passed_when_queued;
	bench.writes = bench.carried_out_count = 0;
	bench.written_back = NULL;
	assert_true(amdvi_driver.pass(&unit, &function));
	assert_int_equal(bench.writes, 1);
	bench_assert_carried_out(expected, 3);
}

static void without_room_nothing_passes(void **state)
{
	const uint64_t blocked[4] = { AMDVI_DTE_BLOCKED, AMDVI_DTE1_BLOCKED, AMDVI_DTE2_BLOCKED,
		0 };

	(void)state;
	bench_turn_on();
	assert_true(amdvi_driver.block(&unit, &function));
	queue_stuck = true;
	bench_put(COMMAND_HEAD, 4, 0x10);
	bench_put(COMMAND_TAIL, 4, 0x10 - 3 * 16 + 0x1000);
	bench.writes = 0;
	assert_false(amdvi_driver.pass(&unit, &function));
	assert_memory_equal(entry, blocked, sizeof(blocked));
	assert_int_equal(bench.writes, 0);
	bench_put(COMMAND_HEAD, 4, 0x20);
	assert_true(amdvi_driver.pass(&unit, &function));
	assert_memory_equal(entry, function.pass, sizeof(function.pass));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(enabling_gives_the_tables_switches_on_and_flushes, begin),
		cmocka_unit_test_setup(
			a_unit_that_firmware_left_on_keeps_its_wiring_and_nothing_else, begin),
		cmocka_unit_test_setup(
			a_unit_that_cannot_do_what_the_image_needs_is_refused_with_the_remedy,
			begin),
		cmocka_unit_test_setup(what_takes_no_device_table_is_no_unit, begin),
		cmocka_unit_test_setup(every_wait_ends, begin),
		cmocka_unit_test_setup(faults_interrupt_the_keeper_by_nmi, begin),
		cmocka_unit_test_setup(
			a_unit_whose_message_cannot_be_set_is_refused_where_it_is_needed, begin),
		cmocka_unit_test_setup(
			without_a_fault_one_register_is_read_and_none_written, begin),
		cmocka_unit_test_setup(an_event_says_who_where_and_what, begin),
		cmocka_unit_test_setup(what_no_function_did_is_taken_out_and_not_reported, begin),
		cmocka_unit_test_setup(events_come_out_in_order_one_a_call_round_and_round, begin),
		cmocka_unit_test_setup(a_log_that_overflowed_logs_again, begin),
		cmocka_unit_test_setup(an_event_that_is_not_there_yet_is_waited_for, begin),
		cmocka_unit_test_setup(nor_is_an_old_event_taken_for_it, begin),
		cmocka_unit_test_setup(a_log_that_still_runs_is_left_alone, begin),
		cmocka_unit_test_setup(
			whatever_is_in_the_log_a_call_ends_soon_and_stays_inside, begin),
		cmocka_unit_test_setup(
			blocking_silences_the_entry_before_its_caches_are_told_to_forget_it, begin),
		cmocka_unit_test_setup(without_room_nothing_changes, begin),
		cmocka_unit_test_setup(
			passing_writes_the_entry_as_it_was_before_its_caches_are_told_to_forget_it,
			begin),
		cmocka_unit_test_setup(without_room_nothing_passes, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
