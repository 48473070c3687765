/*
 * A partition's life: every operation in every state, and a restart step by step: when it may begin, in
 * what order, how much at a time, and that it touches what it is to restore and nothing else.
 */
#include "unit.h"

#include <mullion/core.h>

#define SLICE    512u
#define MEMORY   8192u
#define SHARED   4096u
#define CHANNEL  4096u
#define VCPUS    3u
#define PRISTINE 0x700000u

#define CHANNEL_GPA (MULLION_SHARED_GPA + 0x10000)

uint64_t fake_now, fake_step;
uint32_t node_state;

static struct mullion_trace events;
static struct mullion_status status[2];
/* The last is a channel: it outlives restarts. */
static const struct mullion_span writable[] = { { 0, MEMORY }, { MULLION_SHARED_GPA, SHARED },
	{ CHANNEL_GPA, CHANNEL } };
static const struct mullion_copy image[] = { { 512, PRISTINE, 700 }, { 4096, PRISTINE + 4096, 0 },
	{ 5000, PRISTINE + 8192, 1024 } };
static struct mullion_partition partitions[2];
static const struct mullion_cpu cpu_configs[2] = { { .mode = MULLION_CPU_FRAMED },
	{ .mode = MULLION_CPU_OWNED } };
static const struct mullion_vcpu configs[VCPUS + 1] = {
	{ .partition = 1, .index = 0, .cpu = 0, .mode = MULLION_CPU_FRAMED },
	{ .partition = 1, .index = 1, .cpu = 1, .mode = MULLION_CPU_OWNED },
	{ .partition = 1, .index = 2, .cpu = 0, .mode = MULLION_CPU_FRAMED },
	{ .partition = 0, .index = 0, .cpu = 0, .mode = MULLION_CPU_FRAMED },
};
const struct mullion_system mullion_system = { .cpus = cpu_configs,
	.cpus_count = 2,
	.partitions = partitions,
	.partitions_count = 2,
	.vcpus = configs,
	.vcpus_count = VCPUS + 1 };
struct cpu system_cpus[2];
struct vcpu system_vcpus[VCPUS + 1];
struct partition system_partitions[2];
static const struct mullion_partition *const partition = &partitions[1];
static struct partition *const life = &system_partitions[1];

static uint8_t memory[MEMORY], shared[SHARED], channel[CHANNEL];
static uint64_t most;
static unsigned zeroed, copied, quiet_calls, resume_calls, stopped_calls;
static unsigned quiet_needs, resume_needs; /* calls until the devices have done */
static uint64_t quiet_until;
static bool has_devices;
static char history[512];

static void remember(const char *what)
{
	size_t length = strlen(history);

	if (length < 1 || history[length - 1] != what[0])
		snprintf(history + length, sizeof(history) - length, "%s", what);
}

void arch_kick(const struct cpu *cpu)
{
	system_cpus[cpu_number(cpu)].arch.kicks++;
}

void partition_stopped(void)
{
	stopped_calls++;
	assert_int_equal(status[1].state, MULLION_STATE_STOPPED);
}

bool arch_devices_quiet(const struct mullion_partition *which, struct partition *of)
{
	assert_ptr_equal(which, partition);
	assert_ptr_equal(of, life);
	assert_int_equal(of->at, 0);
	assert_true(partition_left(which));
	remember("q");
	of->not_before = quiet_until;
	return ++quiet_calls >= quiet_needs;
}

bool arch_devices_any(const struct mullion_partition *which)
{
	assert_ptr_equal(which, partition);
	return has_devices;
}

bool arch_devices_resume(const struct mullion_partition *which, struct partition *of)
{
	assert_ptr_equal(which, partition);
	assert_true(fake_now >= quiet_until);
	assert_int_equal(of->at | of->done, 0);
	remember("d");
	return ++resume_calls >= resume_needs;
}

/* The bytes of the partition that an address stands for; none other may be asked for. */
static uint8_t *at(uint64_t gpa, uint64_t bytes)
{
	most = bytes > most ? bytes : most;
	if (gpa < MEMORY) {
		assert_true(gpa + bytes <= MEMORY);
		return &memory[gpa];
	}
	if (gpa >= CHANNEL_GPA) {
		assert_true(gpa + bytes <= CHANNEL_GPA + CHANNEL);
		return &channel[gpa - CHANNEL_GPA];
	}
	assert_true(gpa >= MULLION_SHARED_GPA && gpa + bytes <= MULLION_SHARED_GPA + SHARED);
	return &shared[gpa - MULLION_SHARED_GPA];
}

void arch_memory_zero(const struct mullion_partition *which, uint64_t gpa, uint64_t bytes)
{
	assert_ptr_equal(which, partition);
	memset(at(gpa, bytes), 0, bytes);
	zeroed += (unsigned)bytes;
	remember("z");
}

static uint8_t pristine(uint64_t address)
{
	return (uint8_t)((address - PRISTINE) * 7 + 3);
}

void arch_memory_copy(
	const struct mullion_partition *which, uint64_t gpa, uint64_t source, uint64_t bytes)
{
	uint8_t *to = at(gpa, bytes);

	assert_ptr_equal(which, partition);
	assert_true(source >= PRISTINE);
	for (uint64_t i = 0; i < bytes; i++)
		to[i] = pristine(source + i);
	copied += (unsigned)bytes;
	remember("c");
}

static int begin(void **state)
{
	(void)state;
	node_state = NODE_RUNNING;
	fake_now = 1000;
	fake_step = 1;
	memset(status, 0, sizeof(status));
	memset(system_partitions, 0, sizeof(system_partitions));
	memset(system_cpus, 0, sizeof(system_cpus));
	memset(memory, 0xaa, sizeof(memory));
	memset(shared, 0xbb, sizeof(shared));
	memset(channel, 0xcc, sizeof(channel));
	most = 0;
	partitions[0] = (struct mullion_partition){
		.name = "valve", .first_vcpu = VCPUS, .vcpus = 1, .status = &status[0]
	};
	partitions[1] = (struct mullion_partition){ .name = "pump",
		.vcpus = VCPUS,
		.status = &status[1],
		.writable = writable,
		.own_count = 2,
		.writable_count = 3,
		.image = image,
		.image_count = 3 };
	status[0].state = status[1].state = MULLION_STATE_RUNNING;
	for (uint16_t v = 0; v <= VCPUS; v++)
		system_vcpus[v] = (struct vcpu){ .config = &configs[v],
			.cpu = &system_cpus[configs[v].cpu],
			.trace = &events,
			.number = v,
			.state = VCPU_RUNNING };
	system_cpus[0].config = &cpu_configs[0];
	system_cpus[1].config = &cpu_configs[1];
	events.head = zeroed = copied = quiet_calls = resume_calls = stopped_calls = 0;
	quiet_needs = resume_needs = 1;
	quiet_until = 0;
	has_devices = false;
	history[0] = '\0';
	return 0;
}

static bool all_vcpus_are(uint32_t what)
{
	for (unsigned v = 0; v < VCPUS; v++)
		if (system_vcpus[v].state != what)
			return false;
	return system_vcpus[VCPUS].state == VCPU_RUNNING; /* the other partition's */
}

/* ---- Every state x operation ---- */

static bool stop(void)
{
	return partition_stop(partition, 7);
}

static bool restart_by_command(void)
{
	return partition_restart(partition, MULLION_RESTART_COLD, MULLION_REASON_COMMAND);
}

static bool restart_by_health(void)
{
	return partition_restart(partition, MULLION_RESTART_WARM, 7);
}

static void check(uint32_t from, bool (*operation)(void), uint32_t to)
{
	const bool changes = to != from, leaves = changes && from == MULLION_STATE_RUNNING;
	struct partition before;

	begin(NULL);
	status[1].state = from;
	life->step = 3;
	life->at = 4;
	before = *life;
	assert_int_equal(operation(), changes);
	assert_int_equal(status[1].state, to);
	assert_int_equal(status[0].state, MULLION_STATE_RUNNING);
	assert_int_equal(status[1].changes, changes);
	assert_true(all_vcpus_are(leaves ? VCPU_STOPPED : VCPU_RUNNING));
	assert_int_equal(system_cpus[0].arch.kicks, 0); /* framed: nobody interrupts it */
	assert_int_equal(system_cpus[1].arch.kicks, leaves);
	assert_int_equal(stopped_calls, changes && to == MULLION_STATE_STOPPED);
	if (!changes)
		assert_memory_equal(&before, life, sizeof(before));
	else /* of a partition that does not run the step is its CPU's */
		assert_int_equal(life->step, leaves ? 0 : 3);
	if (changes)
		assert_int_equal(status[1].reason,
			operation == restart_by_command ? MULLION_REASON_COMMAND : 7);
}

static void every_operation_in_every_state_does_what_the_table_says_or_nothing(void **state)
{
	enum {
		RUNNING = MULLION_STATE_RUNNING,
		STOPPED = MULLION_STATE_STOPPED,
		RESTARTING = MULLION_STATE_RESTARTING,
		CHANGING = MULLION_STATE_CHANGING
	};

	(void)state;
	check(RUNNING, stop, STOPPED);
	check(STOPPED, stop, STOPPED);
	check(RESTARTING, stop, RESTARTING);
	check(CHANGING, stop, CHANGING);
	check(RUNNING, restart_by_command, RESTARTING);
	check(STOPPED, restart_by_command, RESTARTING);
	check(RESTARTING, restart_by_command, RESTARTING);
	check(CHANGING, restart_by_command, CHANGING);
	check(RUNNING, restart_by_health, RESTARTING);
	check(STOPPED, restart_by_health, STOPPED);
	check(RESTARTING, restart_by_health, RESTARTING);
	check(CHANGING, restart_by_health, CHANGING);
}

static void nothing_is_restored_of_a_partition_that_does_not_restart(void **state)
{
	(void)state;
	for (uint32_t s = MULLION_STATE_RUNNING; s <= MULLION_STATE_CHANGING; s++) {
		if (s == MULLION_STATE_RESTARTING)
			continue;
		begin(NULL);
		status[1].state = s;
		life->step = 2; /* what a stop asks for is done */
		system_vcpus[0].state = VCPU_STOPPED;
		assert_false(partition_restore(&system_vcpus[0], UINT64_MAX));
		assert_string_equal(history, "");
		assert_int_equal(status[1].state, s);
	}
}

/* ---- A restart ---- */

static bool restore_all(void)
{
	return partition_restore(&system_vcpus[0], UINT64_MAX);
}

static void only_the_cpu_of_the_first_vcpu_restores(void **state)
{
	(void)state;
	restart_by_command();
	for (unsigned v = 1; v < VCPUS; v++)
		assert_false(partition_restore(&system_vcpus[v], UINT64_MAX));
	assert_int_equal(life->step, 0);
	assert_string_equal(history, "");
}

static void nothing_is_touched_while_any_vcpu_is_inside(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VCPUS; v++) {
		begin(NULL);
		enter_vcpu(&system_vcpus[v]);
		restart_by_command();
		assert_false(partition_left(partition));
		assert_false(partition_restore(&system_vcpus[0], fake_now + 1000));
		assert_string_equal(history, "");
		leave_vcpu(&system_vcpus[v]);
		assert_true(partition_left(partition));
		assert_true(restore_all());
	}
}

static uint8_t expected_at(uint64_t gpa)
{
	for (unsigned i = 0; i < 3; i++)
		if (gpa >= image[i].gpa && gpa < image[i].gpa + image[i].bytes)
			return pristine(image[i].source + (gpa - image[i].gpa));
	return 0;
}

static void a_cold_restart_zeroes_what_is_writable_and_copies_the_image(void **state)
{
	(void)state;
	restart_by_command();
	assert_true(restore_all());
	assert_string_equal(history, "qzcd");
	assert_int_equal(zeroed, MEMORY + SHARED);
	assert_int_equal(copied, 700 + 1024);
	for (uint64_t gpa = 0; gpa < MEMORY; gpa++)
		assert_int_equal(memory[gpa], expected_at(gpa));
	for (unsigned i = 0; i < SHARED; i++)
		assert_int_equal(shared[i], 0);
	for (unsigned i = 0; i < CHANNEL; i++)
		assert_int_equal(channel[i], 0xcc);
	assert_int_equal(most, SLICE);
}

static void before_the_epoch_all_it_may_write_is_as_the_image_has_it(void **state)
{
	(void)state;
	partition_clear(partition);
	assert_int_equal(zeroed, MEMORY + SHARED + CHANNEL);
	assert_int_equal(copied, 700 + 1024);
	for (uint64_t gpa = 0; gpa < MEMORY; gpa++)
		assert_int_equal(memory[gpa], expected_at(gpa));
	assert_int_equal(shared[0] | channel[0] | channel[CHANNEL - 1], 0);
	assert_int_equal(status[1].state, MULLION_STATE_RUNNING);
}

static void without_an_image_memory_is_zeroed_alone(void **state)
{
	(void)state;
	partitions[1].image_count = 0;
	restart_by_command();
	assert_true(restore_all());
	assert_string_equal(history, "qzd");
	assert_int_equal(zeroed, MEMORY + SHARED);
}

static void a_warm_restart_touches_no_memory(void **state)
{
	(void)state;
	restart_by_health();
	assert_true(restore_all());
	assert_string_equal(history, "qd");
	assert_int_equal(zeroed + copied, 0);
}

static void it_starts_again_with_its_first_vcpu_alone(void **state)
{
	(void)state;
	restart_by_command();
	assert_true(restore_all());
	assert_int_equal(status[1].state, MULLION_STATE_RUNNING);
	assert_int_equal(status[1].restarts, 1);
	assert_int_equal(status[1].reason, MULLION_REASON_COMMAND);
	assert_int_equal(system_vcpus[0].state, VCPU_STARTING);
	assert_int_equal(system_vcpus[1].state, VCPU_OFF);
	assert_int_equal(system_vcpus[2].state, VCPU_OFF);
	assert_true(life->watchdog_since > 1000 && life->watchdog_since <= fake_now);
	assert_int_equal(events.records[0].kind, MULLION_TRACE_RESTART);
	assert_int_equal(events.records[0].cause, MULLION_RESTART_COLD);
}

static void devices_that_are_busy_are_asked_again_and_nothing_goes_on_before(void **state)
{
	(void)state;
	quiet_needs = 5;
	resume_needs = 4;
	restart_by_command();
	for (unsigned n = 1; n < 5; n++) {
		assert_false(partition_restore(&system_vcpus[0], fake_now + (n == 1 ? 3 : 2)));
		assert_int_equal(quiet_calls, n);
		assert_int_equal(zeroed, 0);
	}
	assert_true(restore_all());
	assert_int_equal(quiet_calls, 5);
	assert_int_equal(resume_calls, 4);
}

static void devices_are_left_alone_until_their_time(void **state)
{
	(void)state;
	quiet_until = 50000;
	restart_by_health();
	assert_false(partition_restore(&system_vcpus[0], 49000));
	assert_int_equal(resume_calls, 0);
	assert_true(restore_all());
	assert_int_equal(resume_calls, 1);
}

/* However little time it gets at a time, and at most a slice beyond it. */
static void it_is_done_in_slices_and_none_begins_after_the_time(void **state)
{
	unsigned calls = 0;

	(void)state;
	restart_by_command();
	while (status[1].state == MULLION_STATE_RESTARTING) {
		unsigned before = zeroed + copied;

		partition_restore(&system_vcpus[0], fake_now + 2);
		assert_in_range(zeroed + copied - before, 0, SLICE);
		assert_in_range(++calls, 1, 100);
	}
	assert_string_equal(history, "qzcd");
	assert_int_equal(zeroed, MEMORY + SHARED);
	assert_int_equal(copied, 700 + 1024);
}

/* ---- A stop ---- */

static void a_stop_takes_the_devices_off_the_bus_and_no_more(void **state)
{
	(void)state;
	has_devices = true;
	quiet_needs = 3;
	stop();
	assert_true(partition_changes(partition));
	assert_false(partition_rests(partition));
	assert_false(restore_all());
	assert_string_equal(history, "q");
	assert_int_equal(quiet_calls, 3);
	assert_true(partition_rests(partition));
	assert_false(partition_changes(partition));
	assert_int_equal(status[1].state, MULLION_STATE_STOPPED);
	assert_int_equal(zeroed + copied, 0);
}

static void it_waits_for_every_vcpu_to_leave(void **state)
{
	(void)state;
	has_devices = true;
	stop();
	system_vcpus[2].inside = 1;
	partition_restore(&system_vcpus[0], fake_now + 100);
	assert_string_equal(history, "");
	assert_false(partition_rests(partition));
	system_vcpus[2].inside = 0;
	assert_false(restore_all());
	assert_true(partition_rests(partition));
}

static void without_devices_it_rests_as_soon_as_its_vcpus_have_left(void **state)
{
	(void)state;
	stop();
	assert_true(partition_rests(partition));
	system_vcpus[1].inside = 1;
	assert_false(partition_rests(partition));
}

static void a_restart_amidst_a_stop_goes_on_where_that_is(void **state)
{
	(void)state;
	has_devices = true;
	quiet_needs = 4;
	stop();
	partition_restore(&system_vcpus[0], fake_now + 4);
	assert_in_range(quiet_calls, 1, 3);
	assert_true(restart_by_command());
	assert_false(partition_rests(partition));
	assert_true(restore_all());
	assert_int_equal(quiet_calls, 4);
	assert_string_equal(history, "qzcd");
}

static void a_restart_of_one_at_rest_asks_its_devices_nothing_again(void **state)
{
	(void)state;
	has_devices = true;
	stop();
	assert_false(restore_all());
	assert_true(restart_by_command());
	assert_true(restore_all());
	assert_int_equal(quiet_calls, 1);
	assert_string_equal(history, "qzcd");
}

static void no_time_does_nothing(void **state)
{
	(void)state;
	restart_by_command();
	for (uint64_t until = 0; until <= 1000; until += 100)
		assert_false(partition_restore(&system_vcpus[0], until));
	assert_int_equal(life->step, 0);
}

static void a_node_that_ends_restores_nothing(void **state)
{
	(void)state;
	restart_by_command();
	node_state = NODE_ENDING;
	assert_false(restore_all());
	assert_string_equal(history, "");
}

static void a_second_restart_begins_at_the_beginning(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		restart_by_command();
		assert_true(restore_all());
		assert_int_equal(status[1].restarts, n);
		assert_int_equal(zeroed, n * (MEMORY + SHARED));
		system_vcpus[0].state = VCPU_RUNNING;
	}
	assert_string_equal(history, "qzcdqzcdqzcd");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_operation_in_every_state_does_what_the_table_says_or_nothing),
		TEST(nothing_is_restored_of_a_partition_that_does_not_restart),
		TEST(only_the_cpu_of_the_first_vcpu_restores),
		TEST(nothing_is_touched_while_any_vcpu_is_inside),
		TEST(a_cold_restart_zeroes_what_is_writable_and_copies_the_image),
		TEST(before_the_epoch_all_it_may_write_is_as_the_image_has_it),
		TEST(without_an_image_memory_is_zeroed_alone),
		TEST(a_warm_restart_touches_no_memory),
		TEST(it_starts_again_with_its_first_vcpu_alone),
		TEST(devices_that_are_busy_are_asked_again_and_nothing_goes_on_before),
		TEST(devices_are_left_alone_until_their_time),
		TEST(it_is_done_in_slices_and_none_begins_after_the_time),
		TEST(a_stop_takes_the_devices_off_the_bus_and_no_more),
		TEST(it_waits_for_every_vcpu_to_leave),
		TEST(without_devices_it_rests_as_soon_as_its_vcpus_have_left),
		TEST(a_restart_amidst_a_stop_goes_on_where_that_is),
		TEST(a_restart_of_one_at_rest_asks_its_devices_nothing_again),
		TEST(no_time_does_nothing),
		TEST(a_node_that_ends_restores_nothing),
		TEST(a_second_restart_begins_at_the_beginning),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lifecycle", tests, NULL, NULL);
}
