/*
 * Partitions as a whole: who may start whom, what a stop reaches, and how the last CPU ends the
 * node.
 */
#include "unit.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mullion/core.h>

/* CPU 0 is framed and serves both partitions; CPUs 1 and 2 are owned. */
#define CPUS  3u
#define VCPUS 5u

#define HISTORY_BYTES 4096u
#define WHY           (MULLION_EVENT_RAISED << 8 | MULLION_ACTION_STOP)

uint64_t fake_now, fake_step;

static const struct mullion_cpu cpu_configs[CPUS] = {
	{ .mode = MULLION_CPU_FRAMED },
	{ .mode = MULLION_CPU_OWNED },
	{ .mode = MULLION_CPU_OWNED },
};
static struct mullion_status status[2];
static const struct mullion_partition partitions[] = {
	{ .name = "pump", .first_vcpu = 0, .vcpus = 3, .status = &status[0] },
	{ .name = "valve", .first_vcpu = 3, .vcpus = 2, .status = &status[1] },
};
struct partition system_partitions[2];
static const struct mullion_vcpu configs[VCPUS] = {
	{ .partition = 0, .index = 0, .cpu = 0, .mode = MULLION_CPU_FRAMED },
	{ .partition = 0, .index = 1, .cpu = 1, .mode = MULLION_CPU_OWNED },
	{ .partition = 0, .index = 2, .cpu = 0, .mode = MULLION_CPU_FRAMED },
	{ .partition = 1, .index = 0, .cpu = 2, .mode = MULLION_CPU_OWNED },
	{ .partition = 1, .index = 1, .cpu = 0, .mode = MULLION_CPU_FRAMED },
};
const struct mullion_system mullion_system = {
	.cpus_count = CPUS,
	.vcpus_count = VCPUS,
	.partitions_count = 2,
	.cpus = cpu_configs,
	.partitions = partitions,
	.vcpus = configs,
};
struct cpu system_cpus[CPUS];
struct vcpu system_vcpus[VCPUS];

static unsigned resets[VCPUS];
static jmp_buf cpu_stops;
static char *history; /* shared with the process in which a node ends */

static void remember(const char *what, unsigned number)
{
	size_t length = strlen(history);

	snprintf(history + length, HISTORY_BYTES - length, "%s%u ", what, number);
}

void arch_kick(const struct cpu *cpu)
{
	system_cpus[cpu_number(cpu)].arch.kicks++;
}

void arch_vcpu_reset(struct vcpu *vcpu)
{
	assert_int_equal(vcpu->state, VCPU_OFF); /* it runs only once it is whole */
	resets[vcpu->number]++;
}

void arch_park(void)
{
	remember("park", 0);
	longjmp(cpu_stops, 1);
}

void arch_power_off(bool ok)
{
	remember("off", ok);
	longjmp(cpu_stops, 1);
}

void arch_reset_node(void)
{
	remember("reset", 0);
	longjmp(cpu_stops, 1);
}

/* Nobody here has a device. */
bool arch_devices_any(const struct mullion_partition *partition)
{
	(void)partition;
	return false;
}

/* What restoring a partition asks for, which nothing here does. */
bool arch_devices_quiet(const struct mullion_partition *partition, struct partition *life)
{
	(void)partition;
	(void)life;
	abort();
}

bool arch_devices_resume(const struct mullion_partition *partition, struct partition *life)
{
	(void)partition;
	(void)life;
	abort();
}

void arch_memory_zero(const struct mullion_partition *partition, uint64_t gpa, uint64_t bytes)
{
	(void)partition;
	(void)gpa;
	(void)bytes;
	abort();
}

void arch_memory_copy(
	const struct mullion_partition *partition, uint64_t gpa, uint64_t source, uint64_t bytes)
{
	(void)source;
	arch_memory_zero(partition, gpa, bytes);
}

void health_flush_remote(struct cpu *of)
{
	remember("remote", cpu_number(of));
}

void health_flush(struct vcpu *vcpu)
{
	remember("flush", vcpu->number);
}

void console_drain(uint64_t until_tsc)
{
	assert_true(until_tsc == UINT64_MAX);
	remember("drain", 0);
}

static void first_unit_off(void)
{
	remember("unit", 1);
}

static void second_unit_off(void)
{
	remember("unit", 2);
}

/* What the kernel's linker script makes of the section of units. */
const struct unit unit_table[2] = {
	{ .name = "first", .power_off = first_unit_off },
	{ .name = "second", .power_off = second_unit_off },
};
_Static_assert(sizeof(unit_table) == 32, "units_end below");
__asm__(".globl units_start\n.set units_start, unit_table\n"
	".globl units_end\n.set units_end, unit_table + 32\n");

static int begin(void **state)
{
	(void)state;
	node_state = NODE_RUNNING;
	memset(system_cpus, 0, sizeof(system_cpus));
	memset(system_vcpus, 0, sizeof(system_vcpus));
	memset(resets, 0, sizeof(resets));
	memset(status, 0, sizeof(status));
	status[0].state = status[1].state = MULLION_STATE_RUNNING;
	memset(history, 0, HISTORY_BYTES);
	for (uint16_t c = 0; c < CPUS; c++)
		system_cpus[c].config = &cpu_configs[c];
	for (uint16_t v = 0; v < VCPUS; v++) {
		system_vcpus[v].config = &configs[v];
		system_vcpus[v].number = v;
		system_vcpus[v].cpu = &system_cpus[configs[v].cpu];
	}
	return 0;
}

static void set_states(const uint32_t states[VCPUS])
{
	for (unsigned v = 0; v < VCPUS; v++)
		system_vcpus[v].state = states[v];
}

static void check_states(const uint32_t states[VCPUS])
{
	for (unsigned v = 0; v < VCPUS; v++)
		assert_int_equal(system_vcpus[v].state, states[v]);
}

static void check_kicks(unsigned first, unsigned second, unsigned third)
{
	assert_int_equal(system_cpus[0].arch.kicks, first);
	assert_int_equal(system_cpus[1].arch.kicks, second);
	assert_int_equal(system_cpus[2].arch.kicks, third);
}

#define STATES(...) ((const uint32_t[VCPUS]){ __VA_ARGS__ })
#define OFF         VCPU_OFF
#define STARTING    VCPU_STARTING
#define RUNNING     VCPU_RUNNING
#define STOPPED     VCPU_STOPPED

static void a_cpu_prepares_its_own_boot_vcpus_and_no_other(void **state)
{
	(void)state;
	partition_prepare(&system_cpus[0]);
	check_states(STATES(RUNNING, OFF, OFF, OFF, OFF));
	partition_prepare(&system_cpus[1]);
	check_states(STATES(RUNNING, OFF, OFF, OFF, OFF));
	partition_prepare(&system_cpus[2]);
	check_states(STATES(RUNNING, OFF, OFF, RUNNING, OFF));
	assert_memory_equal(resets, ((unsigned[]){ 1, 0, 0, 1, 0 }), sizeof(resets));
}

static void a_vcpu_that_is_off_starts_at_the_address_it_is_given(void **state)
{
	(void)state;
	assert_true(partition_start_vcpu(&system_vcpus[0], 1, 0x9000));
	check_states(STATES(OFF, STARTING, OFF, OFF, OFF));
	assert_int_equal(system_vcpus[1].start_address, 0x9000);
}

static void a_vcpu_is_started_only_once(void **state)
{
	(void)state;
	assert_true(partition_start_vcpu(&system_vcpus[0], 1, 0x9000));
	assert_false(partition_start_vcpu(&system_vcpus[0], 1, 0xa000));
	assert_int_equal(system_vcpus[1].start_address, 0x9000);
	check_kicks(0, 1, 0);
}

static void a_vcpu_in_any_other_state_than_off_is_left_as_it_is(void **state)
{
	(void)state;
	for (uint32_t was = VCPU_STARTING; was <= VCPU_STOPPED; was++) {
		begin(NULL);
		system_vcpus[1].state = was;
		assert_false(partition_start_vcpu(&system_vcpus[0], 1, 0x9000));
		assert_int_equal(system_vcpus[1].state, was);
		assert_int_equal(system_vcpus[1].start_address, 0);
		check_kicks(0, 0, 0);
	}
}

static void an_index_is_the_partitions_own(void **state)
{
	(void)state;
	assert_true(partition_start_vcpu(&system_vcpus[3], 1, 0x9000));
	check_states(STATES(OFF, OFF, OFF, OFF, STARTING));
}

static void no_index_reaches_beyond_the_partition(void **state)
{
	(void)state;
	for (uint32_t index = 3; index <= UINT16_MAX; index++)
		assert_false(partition_start_vcpu(&system_vcpus[0], (uint16_t)index, 0x9000));
	for (uint32_t index = 2; index <= UINT16_MAX; index++)
		assert_false(partition_start_vcpu(&system_vcpus[3], (uint16_t)index, 0x9000));
	check_states(STATES(OFF, OFF, OFF, OFF, OFF));
	check_kicks(0, 0, 0);
}

static void a_framed_cpu_is_not_interrupted_for_a_start(void **state)
{
	(void)state;
	assert_true(partition_start_vcpu(&system_vcpus[1], 2, 0x9000));
	check_states(STATES(OFF, OFF, STARTING, OFF, OFF));
	check_kicks(0, 0, 0);
}

static void a_stop_reaches_every_vcpu_of_the_partition_and_no_other(void **state)
{
	(void)state;
	set_states(STATES(RUNNING, STARTING, OFF, RUNNING, OFF));
	partition_stop(&partitions[0], WHY);
	check_states(STATES(STOPPED, STOPPED, STOPPED, RUNNING, OFF));
	check_kicks(0, 1, 0);
	assert_int_equal(node_state, NODE_RUNNING);
	assert_int_equal(status[0].state, MULLION_STATE_STOPPED);
	assert_int_equal(status[0].reason, WHY);
	assert_int_equal(status[1].state, MULLION_STATE_RUNNING);
}

static void nobody_starts_a_vcpu_of_a_stopped_partition_again(void **state)
{
	(void)state;
	set_states(STATES(RUNNING, OFF, OFF, RUNNING, OFF));
	partition_stop(&partitions[0], WHY);
	assert_false(partition_start_vcpu(&system_vcpus[0], 2, 0x9000));
	check_states(STATES(STOPPED, STOPPED, STOPPED, RUNNING, OFF));
}

/* Whatever its vcpus do just now. */
static void a_partition_that_runs_restarts_or_changes_keeps_the_node_alive(void **state)
{
	(void)state;
	for (uint32_t other = MULLION_STATE_RUNNING; other <= MULLION_STATE_CHANGING; other++) {
		begin(NULL);
		set_states(STATES(RUNNING, OFF, OFF, STOPPED, OFF));
		status[1].state = other;
		partition_stop(&partitions[0], WHY);
		assert_int_equal(
			node_state, other == MULLION_STATE_STOPPED ? NODE_ENDING : NODE_RUNNING);
	}
}

static void vcpus_that_never_started_do_not_keep_the_node_alive(void **state)
{
	(void)state;
	set_states(STATES(RUNNING, RUNNING, RUNNING, STOPPED, OFF));
	status[1].state = MULLION_STATE_STOPPED;
	partition_stop(&partitions[0], WHY);
	assert_int_equal(node_state, NODE_ENDING);
}

static void the_last_partition_to_stop_ends_the_node(void **state)
{
	(void)state;
	set_states(STATES(RUNNING, RUNNING, OFF, RUNNING, RUNNING));
	partition_stop(&partitions[1], WHY);
	assert_int_equal(node_state, NODE_RUNNING);
	partition_stop(&partitions[0], WHY);
	assert_int_equal(node_state, NODE_ENDING);
	assert_true(node_ending());
}

static void the_nodes_end_is_told_to_every_cpu_framed_or_owned(void **state)
{
	(void)state;
	node_end(true);
	assert_int_equal(node_state, NODE_ENDING);
	check_kicks(1, 1, 1);
}

static void finish(unsigned cpu)
{
	if (setjmp(cpu_stops) == 0)
		node_finish(&system_cpus[cpu]);
}

/* A node ends once: each in a process of its own. */
static const char *history_of(void (*run)(void))
{
	pid_t child = fork();
	int result;

	if (child == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
	return history;
}

static void finish_all(void)
{
	finish(1);
	finish(0);
	finish(2);
}

#define LAST_STEPS "flush0 flush1 flush2 flush3 flush4 remote0 remote1 remote2 drain0 unit1 unit2 "

static void two_of_three(void)
{
	finish(2);
	finish(1);
}

static void a_cpu_that_is_not_the_last_parks_and_leaves_the_rest_alone(void **state)
{
	(void)state;
	assert_string_equal(history_of(two_of_three), "park0 park0 ");
}

static void the_last_cpu_writes_what_is_left_and_powers_off(void **state)
{
	(void)state;
	assert_string_equal(history_of(finish_all), "park0 park0 " LAST_STEPS "off1 ");
}

static void finish_twice(void)
{
	finish_all();
	finish(2);
}

static void the_node_is_switched_off_only_once(void **state)
{
	(void)state;
	assert_string_equal(history_of(finish_twice), "park0 park0 " LAST_STEPS "off1 park0 ");
}

static void end_well_and_finish(void)
{
	node_end(true);
	finish_all();
}

static void a_node_that_ended_well_says_so_at_power_off(void **state)
{
	(void)state;
	assert_string_equal(history_of(end_well_and_finish), "park0 park0 " LAST_STEPS "off1 ");
}

static void fail_then_end_well(void)
{
	node_end(false);
	node_end(true);
	partition_stop(&partitions[0], WHY);
	finish_all();
}

static void a_failure_is_not_taken_back_by_a_later_good_end(void **state)
{
	(void)state;
	assert_string_equal(history_of(fail_then_end_well), "park0 park0 " LAST_STEPS "off0 ");
}

static void reset_and_finish(void)
{
	node_reset();
	node_end(true);
	finish_all();
}

static void a_node_that_is_to_be_reset_is_reset_after_all_the_rest(void **state)
{
	(void)state;
	assert_string_equal(history_of(reset_and_finish), "park0 park0 " LAST_STEPS "reset0 ");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_cpu_prepares_its_own_boot_vcpus_and_no_other),
		TEST(a_vcpu_that_is_off_starts_at_the_address_it_is_given),
		TEST(a_vcpu_is_started_only_once),
		TEST(a_vcpu_in_any_other_state_than_off_is_left_as_it_is),
		TEST(an_index_is_the_partitions_own),
		TEST(no_index_reaches_beyond_the_partition),
		TEST(a_framed_cpu_is_not_interrupted_for_a_start),
		TEST(a_stop_reaches_every_vcpu_of_the_partition_and_no_other),
		TEST(nobody_starts_a_vcpu_of_a_stopped_partition_again),
		TEST(a_partition_that_runs_restarts_or_changes_keeps_the_node_alive),
		TEST(vcpus_that_never_started_do_not_keep_the_node_alive),
		TEST(the_last_partition_to_stop_ends_the_node),
		TEST(the_nodes_end_is_told_to_every_cpu_framed_or_owned),
		TEST(a_cpu_that_is_not_the_last_parks_and_leaves_the_rest_alone),
		TEST(the_last_cpu_writes_what_is_left_and_powers_off),
		TEST(the_node_is_switched_off_only_once),
		TEST(a_node_that_ended_well_says_so_at_power_off),
		TEST(a_failure_is_not_taken_back_by_a_later_good_end),
		TEST(a_node_that_is_to_be_reset_is_reset_after_all_the_rest),
	};

	history = mmap(
		NULL, HISTORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (history == MAP_FAILED)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
