/*
 * The health monitor against the whole table: what every event does under every action, which of a
 * kind's events are worth a line, and when the line may be written.
 */
#include "unit.h"

#include <mullion/core.h>

#define GUARD 10u
#define ROOM  (4 * GUARD) /* a line takes less than this */
#define NOW   1000u
#define RIP   0x1234u

uint64_t fake_now, fake_step;
uint32_t node_state;

static struct mullion_console ring;
static struct mullion_trace events;
static struct mullion_partition partition = { .name = "pump", .vcpus = 2 };
static const struct mullion_vcpu config = { .index = 1, .mode = MULLION_CPU_FRAMED };
static struct cpu cpu;
static struct vcpu vcpu;
static uint64_t log_mark;
static unsigned stops, ends, ends_ok;
const struct mullion_system mullion_system = {
	.partitions = &partition,
	.log = &ring,
	.switch_guard_ticks = GUARD,
};

void arch_vcpu_inject_fault(struct vcpu *to)
{
	to->arch.faults++;
}

uint64_t arch_vcpu_rip(const struct vcpu *of)
{
	return of->arch.rip;
}

void partition_stop(const struct mullion_partition *which)
{
	assert_ptr_equal(which, &partition);
	stops++;
}

void node_end(bool ok)
{
	assert_int_equal(stops, 1); /* its own partition is stopped first */
	ends++;
	ends_ok += ok;
}

void units_power_off(void)
{
}

void arch_console_put(char c)
{
	(void)c;
}

void arch_power_off(bool ok)
{
	(void)ok;
	abort();
}

static void forget(void)
{
	vcpu = (struct vcpu){ .config = &config, .cpu = &cpu, .trace = &events, .number = 5 };
	vcpu.arch.rip = RIP;
	stops = ends = ends_ok = 0;
	events.head = 0;
	log_mark = ring.head;
}

static int begin(void **state)
{
	(void)state;
	node_state = NODE_RUNNING;
	fake_now = NOW;
	fake_step = 0;
	cpu.limit = UINT64_MAX;
	memset(partition.actions, MULLION_ACTION_LOG, sizeof(partition.actions));
	forget();
	return 0;
}

static enum mullion_action raise_event(enum mullion_event event, uint64_t detail)
{
	return health_raise(&vcpu, event, detail, 0xabc000);
}

/* What the log got since the last look. */
static const char *log_text(void)
{
	static char text[MULLION_CONSOLE_DATA + 1];
	size_t bytes = 0;

	assert_true(ring.head - log_mark <= MULLION_CONSOLE_DATA);
	while (log_mark != ring.head)
		text[bytes++] = (char)ring.data[log_mark++ % MULLION_CONSOLE_DATA];
	text[bytes] = '\0';
	return text;
}

static bool silent(void)
{
	return log_text()[0] == '\0';
}

static void check_decision(unsigned event, unsigned action, uint64_t detail)
{
	bool shuts_down = action == MULLION_ACTION_SHUTDOWN;

	forget();
	partition.actions[event] = (uint8_t)action;
	assert_int_equal(raise_event((enum mullion_event)event, detail), action);
	assert_int_equal(vcpu.arch.faults, action == MULLION_ACTION_INJECT);
	assert_int_equal(stops, action >= MULLION_ACTION_STOP);
	assert_int_equal(ends, shuts_down);
	assert_int_equal(ends_ok, shuts_down && event == MULLION_EVENT_EXIT && detail == 0);
}

/* All other entries of the table hold another action than the one that is looked up. */
static void every_event_has_the_effect_its_own_action_says_and_no_other(void **state)
{
	(void)state;
	for (unsigned event = 0; event < MULLION_EVENT_COUNT; event++)
		for (unsigned action = 0; action < MULLION_ACTION_COUNT; action++) {
			memset(partition.actions, (int)(action + 1) % MULLION_ACTION_COUNT,
				sizeof(partition.actions));
			check_decision(event, action, 0);
			check_decision(event, action, 1);
			check_decision(event, action, UINT64_MAX);
		}
}

static void every_event_is_in_the_trace_with_what_was_decided(void **state)
{
	const struct mullion_trace_record *record = events.records;

	(void)state;
	for (unsigned event = 0; event < MULLION_EVENT_COUNT; event++)
		for (unsigned action = 0; action < MULLION_ACTION_COUNT; action++) {
			forget();
			partition.actions[event] = (uint8_t)action;
			raise_event((enum mullion_event)event, 77);
			assert_true(events.head == 1);
			assert_int_equal(record->kind, MULLION_TRACE_HEALTH);
			assert_int_equal(record->vcpu, 5);
			assert_int_equal(record->cause, event << 8 | action);
			assert_true(record->a == (event == MULLION_EVENT_MEMORY ? 0xabc000 : 77));
			assert_true(record->b == RIP);
		}
}

static bool is_power_of_ten(unsigned n)
{
	while (n % 10 == 0)
		n /= 10;
	return n == 1;
}

static void a_kinds_1st_10th_100th_and_1000th_event_gets_a_line(void **state)
{
	(void)state;
	for (unsigned event = 0; event < MULLION_EVENT_COUNT; event++) {
		forget();
		for (unsigned n = 1; n <= 1001; n++) {
			raise_event((enum mullion_event)event, 7);
			health_flush(&vcpu);
			assert_int_equal(!silent(), is_power_of_ten(n));
		}
		assert_true(events.head == 1001);
	}
}

static void each_kind_is_counted_by_itself(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 100; n++) {
		raise_event(MULLION_EVENT_PORT, 7);
		assert_int_equal(!silent(), is_power_of_ten(n));
		raise_event(MULLION_EVENT_MSR, 7);
		assert_int_equal(!silent(), is_power_of_ten(n));
	}
	raise_event(MULLION_EVENT_MEMORY, 0);
	assert_false(silent());
}

static void an_event_that_ends_the_partition_always_gets_a_line(void **state)
{
	(void)state;
	for (unsigned action = MULLION_ACTION_STOP; action <= MULLION_ACTION_SHUTDOWN; action++) {
		partition.actions[MULLION_EVENT_PORT] = MULLION_ACTION_LOG;
		forget();
		raise_event(MULLION_EVENT_PORT, 1);
		raise_event(MULLION_EVENT_PORT, 1);
		log_text();
		partition.actions[MULLION_EVENT_PORT] = (uint8_t)action;
		raise_event(MULLION_EVENT_PORT, 1);
		assert_non_null(strstr(log_text(), "; stopped"));
	}
}

static void every_kinds_line_says_what_where_and_what_follows(void **state)
{
	static const struct {
		enum mullion_event event;
		uint64_t detail;
		enum mullion_action action;
		const char *line;
	} cases[] = {
		{ MULLION_EVENT_MEMORY, 0x04, MULLION_ACTION_LOG,
			"memory violation: read at 0xabc000, rip 0x1234, vcpu 1; goes on" },
		{ MULLION_EVENT_MEMORY, 0x06, MULLION_ACTION_INJECT,
			"memory violation: write at 0xabc000, rip 0x1234, vcpu 1; gets a fault" },
		{ MULLION_EVENT_MEMORY, 0x14, MULLION_ACTION_STOP,
			"memory violation: jump at 0xabc000, rip 0x1234, vcpu 1; stopped" },
		{ MULLION_EVENT_PORT, 0x60, MULLION_ACTION_SHUTDOWN,
			"port violation 0x60, rip 0x1234, vcpu 1; stopped, node shuts down" },
		{ MULLION_EVENT_MSR, 0xc0000080, MULLION_ACTION_INJECT,
			"MSR violation 0xc0000080, rip 0x1234, vcpu 1; gets a fault" },
		{ MULLION_EVENT_INSTRUCTION, 0x7a, MULLION_ACTION_LOG,
			"instruction violation 0x7a, rip 0x1234, vcpu 1; goes on" },
		{ MULLION_EVENT_TRIPLE_FAULT, 0, MULLION_ACTION_STOP,
			"triple fault, rip 0x1234, vcpu 1; stopped" },
		{ MULLION_EVENT_OVERRUN, 9, MULLION_ACTION_LOG,
			"window overrun 0x9, rip 0x1234, vcpu 1; goes on" },
		{ MULLION_EVENT_RAISED, 3, MULLION_ACTION_LOG,
			"raised by the partition 0x3, rip 0x1234, vcpu 1; goes on" },
		{ MULLION_EVENT_EXIT, 2, MULLION_ACTION_STOP,
			"exit 0x2, rip 0x1234, vcpu 1; stopped" },
	};
	char line[128];

	(void)state;
	for (unsigned c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		forget();
		partition.actions[cases[c].event] = (uint8_t)cases[c].action;
		raise_event(cases[c].event, cases[c].detail);
		health_flush(&vcpu);
		snprintf(line, sizeof(line), "health: pump: %s\n", cases[c].line);
		assert_string_equal(log_text(), line);
	}
}

static void a_later_line_says_how_many_there_were(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 10; n++)
		raise_event(MULLION_EVENT_PORT, 0x60);
	log_text();
	raise_event(MULLION_EVENT_PORT, 0x64);
	assert_string_equal(log_text(), "health: pump: port violation 0x64, rip 0x1234, vcpu 1; "
					"goes on (10 times)\n");
}

static void a_line_waits_while_the_window_has_no_room_and_is_written_once(void **state)
{
	(void)state;
	cpu.limit = NOW + ROOM;
	raise_event(MULLION_EVENT_PORT, 0x60);
	health_flush(&vcpu);
	assert_true(silent());
	assert_true(vcpu.report.pending);
	vcpu.arch.rip = 0x5678;
	cpu.limit = NOW + ROOM + 1;
	health_flush(&vcpu);
	assert_string_equal(
		log_text(), "health: pump: port violation 0x60, rip 0x1234, vcpu 1; goes on\n");
	health_flush(&vcpu);
	assert_true(silent());
}

static void a_window_with_just_enough_room_gets_the_line_at_once(void **state)
{
	(void)state;
	cpu.limit = NOW + ROOM + 1;
	raise_event(MULLION_EVENT_PORT, 0x60);
	assert_false(silent());
}

static void the_action_does_not_wait_for_the_line(void **state)
{
	(void)state;
	cpu.limit = 0;
	partition.actions[MULLION_EVENT_PORT] = MULLION_ACTION_SHUTDOWN;
	raise_event(MULLION_EVENT_PORT, 0x60);
	assert_true(silent());
	assert_int_equal(stops, 1);
	assert_int_equal(ends, 1);
}

static void a_later_event_takes_the_place_of_a_line_that_waits(void **state)
{
	(void)state;
	cpu.limit = 0;
	raise_event(MULLION_EVENT_PORT, 0x60);
	raise_event(MULLION_EVENT_MSR, 0x10);
	cpu.limit = UINT64_MAX;
	health_flush(&vcpu);
	assert_string_equal(
		log_text(), "health: pump: MSR violation 0x10, rip 0x1234, vcpu 1; goes on\n");
}

static void once_the_node_ends_there_is_time_for_every_line(void **state)
{
	(void)state;
	cpu.limit = 0;
	raise_event(MULLION_EVENT_PORT, 0x60);
	assert_true(silent());
	node_state = NODE_ENDING;
	health_flush(&vcpu);
	assert_false(silent());
}

static void a_line_waits_while_another_cpu_writes_and_leaves_the_log_free(void **state)
{
	(void)state;
	assert_true(console_try_lock());
	raise_event(MULLION_EVENT_PORT, 0x60);
	assert_true(silent());
	console_unlock();
	health_flush(&vcpu);
	assert_false(silent());
	assert_true(console_try_lock());
	console_unlock();
}

/* It is raised between two windows, in time that is not the partition's. */
static void an_overruns_line_waits_for_the_window(void **state)
{
	(void)state;
	raise_event(MULLION_EVENT_OVERRUN, 9);
	assert_true(silent());
	health_flush(&vcpu);
	assert_false(silent());
}

static void exit_status_0_is_silent_under_every_action(void **state)
{
	(void)state;
	for (unsigned action = 0; action < MULLION_ACTION_COUNT; action++) {
		forget();
		partition.actions[MULLION_EVENT_EXIT] = (uint8_t)action;
		raise_event(MULLION_EVENT_EXIT, 0);
		health_flush(&vcpu);
		assert_true(silent());
		assert_true(events.head == 1);
	}
}

static void any_other_exit_status_gets_a_line(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		forget();
		raise_event(MULLION_EVENT_EXIT, 1ull << bit);
		assert_false(silent());
	}
}

/* ---- Devices: found on another CPU than the owner's ---- */

static struct cpu keeper = { .config = &(const struct mullion_cpu){ .trace = &events } };

static void a_stopped_device_has_the_effect_its_owners_action_says(void **state)
{
	static const unsigned actions[] = { MULLION_ACTION_LOG, MULLION_ACTION_STOP,
		MULLION_ACTION_SHUTDOWN };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		forget();
		partition.actions[MULLION_EVENT_DMA] = (uint8_t)actions[i];
		health_device(&keeper, &partition, 0x28, MULLION_DMA_WRITE, 0xabc000);
		assert_int_equal(stops, actions[i] >= MULLION_ACTION_STOP);
		assert_int_equal(ends, actions[i] == MULLION_ACTION_SHUTDOWN);
		assert_int_equal(ends_ok, 0);
		assert_int_equal(events.records[0].kind, MULLION_TRACE_HEALTH);
		assert_int_equal(events.records[0].vcpu, partition.first_vcpu);
		assert_int_equal(events.records[0].cause, MULLION_EVENT_DMA << 8 | actions[i]);
		assert_int_equal(events.records[0].a, 0xabc000);
		assert_int_equal(events.records[0].b, MULLION_DMA_WRITE << 16 | 0x28);
	}
}

static void a_stopped_devices_line_waits_and_is_written_once(void **state)
{
	(void)state;
	health_device(&keeper, &partition, 0x28, MULLION_DMA_READ, 0xabc000);
	assert_true(silent());
	health_flush_device(&keeper);
	assert_string_equal(log_text(), "health: pump: DMA violation: read at 0xabc000, requester "
					"0x28 blocked; goes on\n");
	health_flush_device(&keeper);
	assert_true(silent());
}

static void nobodys_device_is_logged_alone(void **state)
{
	(void)state;
	health_device(&keeper, NULL, 0x30, MULLION_DMA_INTERRUPT, 0);
	assert_int_equal(stops + ends, 0);
	assert_int_equal(events.records[0].vcpu, MULLION_NO_VCPU);
	health_flush_device(&keeper);
	assert_non_null(strstr(log_text(), "(nobody): DMA violation: interrupt by"));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_event_has_the_effect_its_own_action_says_and_no_other),
		TEST(every_event_is_in_the_trace_with_what_was_decided),
		TEST(a_kinds_1st_10th_100th_and_1000th_event_gets_a_line),
		TEST(each_kind_is_counted_by_itself),
		TEST(an_event_that_ends_the_partition_always_gets_a_line),
		TEST(every_kinds_line_says_what_where_and_what_follows),
		TEST(a_later_line_says_how_many_there_were),
		TEST(a_stopped_device_has_the_effect_its_owners_action_says),
		TEST(a_stopped_devices_line_waits_and_is_written_once),
		TEST(nobodys_device_is_logged_alone),
		TEST(a_line_waits_while_the_window_has_no_room_and_is_written_once),
		TEST(a_window_with_just_enough_room_gets_the_line_at_once),
		TEST(the_action_does_not_wait_for_the_line),
		TEST(a_later_event_takes_the_place_of_a_line_that_waits),
		TEST(once_the_node_ends_there_is_time_for_every_line),
		TEST(a_line_waits_while_another_cpu_writes_and_leaves_the_log_free),
		TEST(an_overruns_line_waits_for_the_window),
		TEST(exit_status_0_is_silent_under_every_action),
		TEST(any_other_exit_status_gets_a_line),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
