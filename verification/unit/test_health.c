/*
 * The health monitor against the whole table: what every event does under every action, when too many
 * escalate, which of a kind's events are worth a line, and when the line may be written.
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
static struct mullion_status status;
static struct mullion_partition partition = {
	.name = "pump", .vcpus = 2, .health_schedule = 3, .status = &status
};
struct partition system_partitions[1];
static const struct mullion_vcpu config = { .index = 1, .mode = MULLION_CPU_FRAMED };
static struct cpu cpu;
static struct vcpu vcpu;
static uint64_t log_mark;
static unsigned stops, ends, ends_ok, resets;
static unsigned restarts[2], demands, notes;
static uint32_t reason;
static struct {
	const struct mullion_partition *partition;
	uint16_t vcpu;
	enum mullion_event event;
	enum mullion_action action;
	uint64_t detail, rip;
} noted;
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

bool partition_stop(const struct mullion_partition *which, uint32_t why)
{
	assert_ptr_equal(which, &partition);
	stops++;
	reason = why;
	return true;
}

bool partition_restart(
	const struct mullion_partition *which, enum mullion_restart how, uint32_t why)
{
	assert_ptr_equal(which, &partition);
	restarts[how]++;
	reason = why;
	return true;
}

void schedule_demand(const struct cpu *by, uint32_t schedule)
{
	assert_non_null(by);
	assert_int_equal(schedule, 3);
	demands++;
}

void node_reset(void)
{
	assert_int_equal(stops, 1);
	resets++;
}

void journal_note(const struct mullion_partition *which, uint16_t number, enum mullion_event event,
	enum mullion_action action, uint64_t detail, uint64_t rip)
{
	notes++;
	noted.partition = which;
	noted.vcpu = number;
	noted.event = event;
	noted.action = action;
	noted.detail = detail;
	noted.rip = rip;
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
	stops = ends = ends_ok = resets = demands = notes = reason = 0;
	memset(restarts, 0, sizeof(restarts));
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
	memset(system_partitions, 0, sizeof(system_partitions));
	memset(&status, 0, sizeof(status));
	partition.escalate_count = 0;
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

/* Nothing is left of the partition to go on after these. */
static bool is_final(unsigned event)
{
	return event == MULLION_EVENT_TRIPLE_FAULT || event == MULLION_EVENT_EXIT;
}

static void check_effect(unsigned event, unsigned action, bool well)
{
	bool stopped = action == MULLION_ACTION_STOP || action == MULLION_ACTION_SHUTDOWN ||
		       action == MULLION_ACTION_RESET ||
		       (action == MULLION_ACTION_SCHEDULE && is_final(event));

	assert_int_equal(stops, stopped);
	assert_int_equal(restarts[MULLION_RESTART_WARM], action == MULLION_ACTION_RESTART_WARM);
	assert_int_equal(restarts[MULLION_RESTART_COLD], action == MULLION_ACTION_RESTART_COLD);
	assert_int_equal(demands, action == MULLION_ACTION_SCHEDULE);
	assert_int_equal(ends, action == MULLION_ACTION_SHUTDOWN);
	assert_int_equal(ends_ok, action == MULLION_ACTION_SHUTDOWN && well);
	assert_int_equal(resets, action == MULLION_ACTION_RESET);
	if (stops + restarts[0] + restarts[1] != 0)
		assert_int_equal(reason, event << 8 | action);
}

static void check_decision(unsigned event, unsigned action, uint64_t detail)
{
	forget();
	partition.actions[event] = (uint8_t)action;
	assert_int_equal(raise_event((enum mullion_event)event, detail),
		action == MULLION_ACTION_SCHEDULE ? MULLION_ACTION_LOG : action);
	assert_int_equal(vcpu.arch.faults, action == MULLION_ACTION_INJECT);
	check_effect(event, action, event == MULLION_EVENT_EXIT && detail == 0);
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
	static const char *const said[MULLION_ACTION_COUNT] = {
		[MULLION_ACTION_STOP] = "; stopped (",
		[MULLION_ACTION_SHUTDOWN] = "; stopped, node shuts down (",
		[MULLION_ACTION_RESTART_WARM] = "; restarts on its memory (",
		[MULLION_ACTION_RESTART_COLD] = "; restarts from its image (",
		[MULLION_ACTION_RESET] = "; the node is reset (",
	};

	(void)state;
	for (unsigned action = 0; action < MULLION_ACTION_COUNT; action++) {
		if (said[action] == NULL)
			continue;
		partition.actions[MULLION_EVENT_PORT] = MULLION_ACTION_LOG;
		forget();
		raise_event(MULLION_EVENT_PORT, 1);
		raise_event(MULLION_EVENT_PORT, 1);
		log_text();
		partition.actions[MULLION_EVENT_PORT] = (uint8_t)action;
		raise_event(MULLION_EVENT_PORT, 1);
		assert_non_null(strstr(log_text(), said[action]));
		assert_int_equal(notes, 2); /* the first, and this one */
		assert_int_equal(noted.action, action);
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
		{ MULLION_EVENT_RAISED, 3, MULLION_ACTION_RESTART_WARM,
			"raised by the partition 0x3, rip 0x1234, vcpu 1; restarts on its memory" },
		{ MULLION_EVENT_RAISED, 3, MULLION_ACTION_RESTART_COLD,
			"raised by the partition 0x3, rip 0x1234, vcpu 1; restarts from its "
			"image" },
		{ MULLION_EVENT_RAISED, 3, MULLION_ACTION_SCHEDULE,
			"raised by the partition 0x3, rip 0x1234, vcpu 1; the schedule is "
			"switched" },
		{ MULLION_EVENT_MACHINE_CHECK, 4, MULLION_ACTION_RESET,
			"machine check 0x4, rip 0x1234, vcpu 1; the node is reset" },
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
	(void)state;
	for (unsigned action = 0; action < MULLION_ACTION_COUNT; action++) {
		forget();
		partition.actions[MULLION_EVENT_DMA] = (uint8_t)action;
		health_device(&keeper, &partition, 0x28, MULLION_DMA_WRITE, 0xabc000);
		check_effect(MULLION_EVENT_DMA, action, false);
		assert_int_equal(notes, 1);
		assert_int_equal(events.records[0].kind, MULLION_TRACE_HEALTH);
		assert_int_equal(events.records[0].vcpu, partition.first_vcpu);
		assert_int_equal(events.records[0].cause, MULLION_EVENT_DMA << 8 | action);
		assert_int_equal(events.records[0].a, 0xabc000);
		assert_int_equal(events.records[0].b, MULLION_DMA_WRITE << 16 | 0x28);
	}
}

static void a_stopped_devices_line_waits_and_is_written_once(void **state)
{
	(void)state;
	health_device(&keeper, &partition, 0x28, MULLION_DMA_READ, 0xabc000);
	assert_true(silent());
	health_flush_remote(&keeper);
	assert_string_equal(log_text(), "health: pump: DMA violation: read at 0xabc000, requester "
					"0x28 blocked; goes on\n");
	health_flush_remote(&keeper);
	assert_true(silent());
}

static void nobodys_device_is_logged_alone(void **state)
{
	(void)state;
	health_device(&keeper, NULL, 0x30, MULLION_DMA_INTERRUPT, 0);
	assert_int_equal(stops + ends + resets + restarts[0] + restarts[1] + demands, 0);
	assert_int_equal(events.records[0].vcpu, MULLION_NO_VCPU);
	assert_null(noted.partition);
	assert_int_equal(noted.vcpu, MULLION_NO_VCPU);
	health_flush_remote(&keeper);
	assert_non_null(strstr(log_text(), "(nobody): DMA violation: interrupt by"));
}

static void an_expired_watchdog_is_told_by_its_ticks(void **state)
{
	(void)state;
	for (unsigned action = 0; action < MULLION_ACTION_COUNT; action++) {
		forget();
		partition.actions[MULLION_EVENT_WATCHDOG] = (uint8_t)action;
		health_remote(&keeper, &partition, MULLION_EVENT_WATCHDOG, 500, 0);
		check_effect(MULLION_EVENT_WATCHDOG, action, false);
		assert_int_equal(noted.event, MULLION_EVENT_WATCHDOG);
		assert_int_equal(noted.detail, 500);
		health_flush_remote(&keeper);
		assert_non_null(strstr(log_text(), "health: pump: watchdog expired 0x1f4; "));
	}
	assert_int_equal(status.events[MULLION_EVENT_WATCHDOG], MULLION_ACTION_COUNT);
}

/* ---- The journal and the status page ---- */

static void the_journal_has_what_gets_a_line_and_by_what_vcpu(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 100; n++)
		raise_event(MULLION_EVENT_MEMORY, 6);
	assert_int_equal(notes, 3);
	assert_ptr_equal(noted.partition, &partition);
	assert_int_equal(noted.vcpu, 5);
	assert_int_equal(noted.event, MULLION_EVENT_MEMORY);
	assert_int_equal(noted.detail, 0xabc000);
	assert_int_equal(noted.rip, RIP);
	raise_event(MULLION_EVENT_PORT, 0x60);
	assert_int_equal(noted.detail, 0x60);
}

static void the_status_page_counts_every_event_by_its_kind(void **state)
{
	(void)state;
	for (unsigned event = 0; event < MULLION_EVENT_COUNT; event++)
		for (unsigned n = 0; n <= event; n++)
			raise_event((enum mullion_event)event, 0);
	for (unsigned event = 0; event < MULLION_EVENT_COUNT; event++)
		assert_int_equal(status.events[event], event + 1);
}

/* ---- Escalation ---- */

#define WITHIN 100u

static void escalate(uint16_t count)
{
	begin(NULL);
	partition.escalate_count = count;
	partition.escalate_ticks = WITHIN;
	partition.escalate_action = MULLION_ACTION_STOP;
	partition.actions[MULLION_EVENT_RAISED] = MULLION_ACTION_RESTART_WARM;
	partition.actions[MULLION_EVENT_MSR] = MULLION_ACTION_INJECT;
}

static enum mullion_action raise_at(uint64_t when, enum mullion_event event)
{
	fake_now = when;
	return raise_event(event, 1);
}

static void the_last_of_so_many_within_the_time_escalates_and_a_tick_later_does_not(void **state)
{
	(void)state;
	for (uint16_t count = 2; count <= MULLION_ESCALATE_MAX; count++)
		for (unsigned late = 0; late < 2; late++) {
			escalate(count);
			for (unsigned n = 1; n < count; n++)
				assert_int_equal(raise_at(NOW + n - 1, MULLION_EVENT_RAISED),
					MULLION_ACTION_RESTART_WARM);
			assert_int_equal(raise_at(NOW + WITHIN + late, MULLION_EVENT_RAISED),
				late ? MULLION_ACTION_RESTART_WARM : MULLION_ACTION_STOP);
			assert_int_equal(stops, !late);
		}
}

static void what_is_only_logged_or_injected_does_not_count(void **state)
{
	(void)state;
	escalate(2);
	raise_at(NOW, MULLION_EVENT_RAISED);
	for (unsigned n = 0; n < 20; n++) {
		assert_int_equal(raise_at(NOW, MULLION_EVENT_PORT), MULLION_ACTION_LOG);
		assert_int_equal(raise_at(NOW, MULLION_EVENT_MSR), MULLION_ACTION_INJECT);
	}
	assert_int_equal(stops, 0);
	assert_int_equal(raise_at(NOW, MULLION_EVENT_RAISED), MULLION_ACTION_STOP);
}

static void without_a_count_nothing_escalates(void **state)
{
	(void)state;
	escalate(0);
	for (unsigned n = 0; n < 100; n++)
		assert_int_equal(raise_at(NOW, MULLION_EVENT_RAISED), MULLION_ACTION_RESTART_WARM);
}

/* Against all times ever, for as long as one likes; times may stand still, or go back a little. */
static void random_events_escalate_as_their_times_say(void **state)
{
	static uint64_t times[3000];
	uint64_t random = 31;

	(void)state;
	for (uint16_t count = 2; count <= MULLION_ESCALATE_MAX; count++) {
		uint64_t now = NOW;

		escalate(count);
		for (unsigned n = 0; n < 3000; n++) {
			bool expected;

			now += unit_random(&random) % (3 * WITHIN / count);
			times[n] = now - unit_random(&random) % 5;
			expected = n + 1 >= count && times[n] <= times[n + 1 - count] + WITHIN;
			assert_int_equal(raise_at(times[n], MULLION_EVENT_RAISED),
				expected ? MULLION_ACTION_STOP : MULLION_ACTION_RESTART_WARM);
		}
	}
}

static void what_others_notice_escalates_too(void **state)
{
	(void)state;
	escalate(2);
	partition.actions[MULLION_EVENT_WATCHDOG] = MULLION_ACTION_RESTART_COLD;
	raise_at(NOW, MULLION_EVENT_RAISED);
	health_remote(&keeper, &partition, MULLION_EVENT_WATCHDOG, 1, 0);
	assert_int_equal(restarts[MULLION_RESTART_COLD], 0);
	assert_int_equal(stops, 1);
	assert_int_equal(reason, MULLION_EVENT_WATCHDOG << 8 | MULLION_ACTION_STOP);
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
		TEST(an_expired_watchdog_is_told_by_its_ticks),
		TEST(the_journal_has_what_gets_a_line_and_by_what_vcpu),
		TEST(the_status_page_counts_every_event_by_its_kind),
		TEST(the_last_of_so_many_within_the_time_escalates_and_a_tick_later_does_not),
		TEST(what_is_only_logged_or_injected_does_not_count),
		TEST(without_a_count_nothing_escalates),
		TEST(random_events_escalate_as_their_times_say),
		TEST(what_others_notice_escalates_too),
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
