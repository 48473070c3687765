/*
 * Hypercalls: what each number answers to whom, which events it raises, and that no other number, no
 * other caller and no argument beyond its range does anything.
 */
#include "unit.h"

#include <mullion/core.h>

uint64_t fake_now, fake_step;
uint32_t node_state;
#define PARTITIONS 3u
#define VCPUS      4u
#define CHANNELS   3u

/* Partition 0 is control; 1 and 2 are not. Partition 1 has two vcpus. */
static struct mullion_status status[PARTITIONS];
static const struct mullion_partition partitions[PARTITIONS] = {
	{ .first_vcpu = 0, .vcpus = 1, .flags = MULLION_INFO_CONTROL, .status = &status[0] },
	{ .first_vcpu = 1, .vcpus = 2, .status = &status[1] },
	{ .first_vcpu = 3, .vcpus = 1, .status = &status[2] },
};
static const struct mullion_vcpu configs[VCPUS] = { { .partition = 0 }, { .partition = 1 },
	{ .partition = 1, .index = 1 }, { .partition = 2 } };
static const struct mullion_doorbell bells[] = { { .vcpu = 3, .vector = 40 },
	{ .vcpu = 0, .vector = 254 } };
static const struct mullion_channel channels[CHANNELS] = {
	{ .from = 1, .doorbells_count = 2, .doorbells = bells },
	{ .from = 1 },
	{ .from = 2, .doorbells_count = 1, .doorbells = bells },
};
const struct mullion_system mullion_system = { .partitions = partitions,
	.partitions_count = PARTITIONS,
	.vcpus = configs,
	.vcpus_count = VCPUS,
	.channels = channels,
	.channels_count = CHANNELS };
struct cpu system_cpus[1];
struct vcpu system_vcpus[VCPUS];

#define caller (system_vcpus[1])
static char history[1000];
static bool refuses; /* every request to another part of the kernel */
static bool inside;

static void remember(const char *format, ...)
{
	size_t length = strlen(history);
	va_list args;

	va_start(args, format);
	vsnprintf(history + length, sizeof(history) - length, format, args);
	va_end(args);
}

static unsigned index_of(const struct mullion_partition *partition)
{
	assert_in_range(partition - partitions, 1, PARTITIONS - 1); /* never control itself */
	return (unsigned)(partition - partitions);
}

bool partition_stop(const struct mullion_partition *partition, uint32_t reason)
{
	assert_true(reason == MULLION_REASON_COMMAND);
	remember("stop %u; ", index_of(partition));
	return !refuses;
}

bool partition_restart(
	const struct mullion_partition *partition, enum mullion_restart how, uint32_t reason)
{
	assert_true(reason == MULLION_REASON_COMMAND);
	assert_in_range(how, MULLION_RESTART_WARM, MULLION_RESTART_COLD);
	remember("restart %u %u; ", index_of(partition), how);
	return !refuses;
}

bool partition_rests(const struct mullion_partition *partition)
{
	index_of(partition);
	return partition->status->state == MULLION_STATE_STOPPED && !inside;
}

bool arch_memory_exchange(const struct mullion_partition *partition, uint64_t block, bool in)
{
	assert_int_equal(partition->status->state, MULLION_STATE_STOPPED);
	assert_false(inside);
	remember("%s %u %llx; ", in ? "poke" : "peek", index_of(partition),
		(unsigned long long)block);
	return !refuses;
}

void arch_vcpu_registers(const struct vcpu *vcpu)
{
	assert_int_equal(vcpu_partition(vcpu)->status->state, MULLION_STATE_STOPPED);
	assert_false(inside);
	remember("registers %u; ", (unsigned)(vcpu - system_vcpus));
}

int64_t schedule_switch(const struct cpu *cpu, uint64_t schedule)
{
	assert_ptr_equal(cpu, &system_cpus[0]);
	remember("schedule %llx; ", (unsigned long long)schedule);
	return refuses ? MULLION_EAGAIN : 77;
}

void node_end(bool ok)
{
	remember("end %u; ", ok);
}

void node_reset(void)
{
	remember("reset; ");
}

void arch_doorbell(const struct vcpu *vcpu, uint16_t vector)
{
	remember("bell %u %u; ", (unsigned)(vcpu - system_vcpus), vector);
}

static enum mullion_action table_says;
static unsigned raised;
static struct {
	const struct vcpu *vcpu;
	enum mullion_event event;
	uint64_t detail, address;
} last;

static const uint64_t arguments[] = { 0, 1, 7, 0x80000000u, UINT32_MAX, 1ull << 32, 1ull << 63,
	UINT64_MAX };
#define ARGUMENTS (sizeof(arguments) / sizeof(*arguments))

enum mullion_action health_raise(
	struct vcpu *vcpu, enum mullion_event event, uint64_t detail, uint64_t address)
{
	raised++;
	last.vcpu = vcpu;
	last.event = event;
	last.detail = detail;
	last.address = address;
	return table_says;
}

static int begin(void **state)
{
	(void)state;
	raised = 0;
	table_says = MULLION_ACTION_LOG;
	refuses = inside = false;
	history[0] = '\0';
	for (unsigned p = 0; p < PARTITIONS; p++)
		status[p].state = MULLION_STATE_RUNNING;
	for (unsigned v = 0; v < VCPUS; v++)
		system_vcpus[v] = (struct vcpu){ .config = &configs[v], .cpu = &system_cpus[0] };
	system_cpus[0].loaded = NULL;
	memset(&last, 0, sizeof(last));
	return 0;
}

static void check_refused(uint64_t number)
{
	for (unsigned v = 0; v < 2; v++)
		for (unsigned a = 0; a < ARGUMENTS * ARGUMENTS; a++) {
			struct hypercall_result result = hypercall(&system_vcpus[v], number,
				arguments[a / ARGUMENTS], arguments[a % ARGUMENTS]);

			assert_true(result.value == MULLION_ENOSYS);
			assert_false(result.leave);
		}
	assert_int_equal(raised, 0);
	assert_string_equal(history, "");
}

static void version_answers_the_abi_version_whatever_the_argument(void **state)
{
	(void)state;
	for (unsigned a = 0; a < ARGUMENTS; a++) {
		struct hypercall_result result =
			hypercall(&caller, MULLION_HC_VERSION, arguments[a], arguments[a]);

		assert_true(result.value == MULLION_ABI_VERSION);
		assert_false(result.leave);
	}
	assert_int_equal(raised, 0);
}

static void only_yield_gives_the_cpu_back(void **state)
{
	(void)state;
	for (uint64_t number = 0; number <= MULLION_HC_COUNT; number++)
		for (unsigned a = 0; a < ARGUMENTS; a++)
			assert_int_equal(hypercall(&caller, number, arguments[a], 1).leave,
				number == MULLION_HC_YIELD);
}

static void yield_answers_ok_and_raises_nothing(void **state)
{
	(void)state;
	assert_true(hypercall(&caller, MULLION_HC_YIELD, 99, 99).value == MULLION_OK);
	assert_int_equal(raised, 0);
}

static void check_raises(uint64_t number, enum mullion_event event)
{
	for (unsigned a = 0; a < ARGUMENTS; a++) {
		struct hypercall_result result = hypercall(&caller, number, arguments[a], 1);

		assert_true(result.value == MULLION_OK);
		assert_int_equal(raised, a + 1);
		assert_ptr_equal(last.vcpu, &caller);
		assert_int_equal(last.event, event);
		assert_true(last.detail == arguments[a]);
		assert_true(last.address == 0);
	}
}

static void raise_raises_its_event_once_with_the_whole_code(void **state)
{
	(void)state;
	check_raises(MULLION_HC_RAISE, MULLION_EVENT_RAISED);
}

static void exit_raises_its_event_once_with_the_whole_status(void **state)
{
	(void)state;
	check_raises(MULLION_HC_EXIT, MULLION_EVENT_EXIT);
}

static void the_answer_is_the_same_whatever_the_table_makes_of_the_event(void **state)
{
	(void)state;
	for (unsigned action = 0; action < MULLION_ACTION_COUNT; action++)
		for (uint64_t number = MULLION_HC_RAISE; number <= MULLION_HC_EXIT; number++) {
			struct hypercall_result result;

			table_says = (enum mullion_action)action;
			result = hypercall(&caller, number, 1, 1);
			assert_true(result.value == MULLION_OK);
			assert_false(result.leave);
		}
}

static void every_number_from_the_count_on_is_refused_without_effect(void **state)
{
	(void)state;
	for (uint64_t number = MULLION_HC_COUNT; number < 4096; number++)
		check_refused(number);
	check_refused(INT32_MAX);
	check_refused(UINT32_MAX);
	check_refused(INT64_MAX);
	check_refused(UINT64_MAX);
}

/* The number is the whole of RAX: 2^32 + 1 is not YIELD. */
static void a_known_number_with_any_higher_bit_set_is_refused(void **state)
{
	(void)state;
	for (uint64_t number = 0; number < MULLION_HC_COUNT; number++)
		for (unsigned bit = 4; bit < 64; bit++)
			check_refused(number | 1ull << bit);
}

/* ---- Doorbells ---- */

static void a_doorbell_rings_at_every_receiver_of_the_callers_own_channel(void **state)
{
	(void)state;
	assert_true(hypercall(&caller, MULLION_HC_DOORBELL, 0, 9).value == MULLION_OK);
	assert_string_equal(history, "bell 3 40; bell 0 254; ");
}

static void no_other_channel_rings_anywhere(void **state)
{
	(void)state;
	for (uint64_t channel = 1; channel < 100; channel++)
		assert_true(hypercall(&caller, MULLION_HC_DOORBELL, channel, 0).value ==
			    MULLION_EINVAL);
	for (unsigned a = 1; a < ARGUMENTS; a++)
		assert_true(hypercall(&caller, MULLION_HC_DOORBELL, arguments[a], 0).value ==
			    MULLION_EINVAL);
	for (uint64_t channel = 0; channel < CHANNELS; channel++)
		assert_true(hypercall(&system_vcpus[0], MULLION_HC_DOORBELL, channel, 0).value ==
			    MULLION_EINVAL);
	assert_string_equal(history, "");
}

/* ---- Control ---- */

static int64_t control(uint64_t number, uint64_t first, uint64_t second)
{
	struct hypercall_result result = hypercall(&system_vcpus[0], number, first, second);

	assert_false(result.leave);
	assert_int_equal(raised, 0);
	return result.value;
}

static void nobody_but_control_has_any_of_controls_calls(void **state)
{
	(void)state;
	for (unsigned v = 1; v < VCPUS; v++)
		for (uint64_t number = MULLION_HC_STOP; number < MULLION_HC_COUNT; number++)
			for (unsigned a = 0; a < ARGUMENTS * ARGUMENTS; a++)
				assert_true(
					hypercall(&system_vcpus[v], number,
						arguments[a / ARGUMENTS], arguments[a % ARGUMENTS])
						.value == MULLION_ENOSYS);
	assert_string_equal(history, "");
	assert_int_equal(raised, 0);
}

static bool is_of_a_partition(uint64_t number)
{
	return number >= MULLION_HC_STOP && number != MULLION_HC_SCHEDULE &&
	       number != MULLION_HC_SHUTDOWN;
}

static void control_itself_and_what_is_no_partition_are_refused(void **state)
{
	(void)state;
	for (uint64_t number = MULLION_HC_STOP; number < MULLION_HC_COUNT; number++) {
		if (!is_of_a_partition(number))
			continue;
		for (unsigned a = 0; a < ARGUMENTS; a++) {
			assert_true(control(number, 0, arguments[a]) == MULLION_EINVAL);
			for (unsigned p = 0; p < ARGUMENTS; p++)
				if (arguments[p] >= PARTITIONS)
					assert_true(control(number, arguments[p], arguments[a]) ==
						    MULLION_EINVAL);
			assert_true(control(number, PARTITIONS, arguments[a]) == MULLION_EINVAL);
		}
	}
	assert_string_equal(history, "");
}

static void check_answer(
	uint64_t number, uint64_t second, uint32_t is, int64_t value, const char *done)
{
	for (unsigned p = 1; p < PARTITIONS; p++) {
		char expected[100];

		snprintf(expected, sizeof(expected), done, p);
		history[0] = '\0';
		status[p].state = is;
		assert_true(control(number, p, second) == value);
		assert_string_equal(history, expected);
	}
}

static void every_state_x_stop_start_and_restart(void **state)
{
	(void)state;
	for (uint32_t is = MULLION_STATE_RUNNING; is <= MULLION_STATE_CHANGING; is++) {
		bool runs = is == MULLION_STATE_RUNNING, stopped = is == MULLION_STATE_STOPPED;

		refuses = !runs;
		check_answer(MULLION_HC_STOP, 9, is, runs || stopped ? MULLION_OK : MULLION_EAGAIN,
			stopped ? "" : "stop %u; ");
		refuses = !stopped;
		check_answer(MULLION_HC_START, 9, is,
			runs      ? MULLION_EINVAL
			: stopped ? MULLION_OK
				  : MULLION_EAGAIN,
			runs ? "" : "restart %u 0; ");
		refuses = !runs && !stopped;
		check_answer(MULLION_HC_RESTART, MULLION_RESTART_WARM, is,
			refuses ? MULLION_EAGAIN : MULLION_OK, "restart %u 0; ");
		check_answer(MULLION_HC_RESTART, MULLION_RESTART_COLD, is,
			refuses ? MULLION_EAGAIN : MULLION_OK, "restart %u 1; ");
		check_answer(MULLION_HC_RESTART, 2, is, MULLION_EINVAL, "");
		check_answer(MULLION_HC_RESTART, UINT64_MAX, is, MULLION_EINVAL, "");
		check_answer(MULLION_HC_RESTART, 1ull << 32, is, MULLION_EINVAL, "");
	}
}

static void memory_is_exchanged_of_a_stopped_partition_that_was_left_alone(void **state)
{
	(void)state;
	for (uint32_t is = MULLION_STATE_RUNNING; is <= MULLION_STATE_CHANGING; is++) {
		bool stopped = is == MULLION_STATE_STOPPED;

		inside = false;
		check_answer(MULLION_HC_PEEK, 0x77, is, stopped ? MULLION_OK : MULLION_EAGAIN,
			stopped ? "peek %u 77; " : "");
		check_answer(MULLION_HC_POKE, 0x77, is, stopped ? MULLION_OK : MULLION_EAGAIN,
			stopped ? "poke %u 77; " : "");
		inside = true;
		check_answer(MULLION_HC_PEEK, 0x77, is, MULLION_EAGAIN, "");
		check_answer(MULLION_HC_POKE, 0x77, is, MULLION_EAGAIN, "");
		check_answer(MULLION_HC_PEEK, MULLION_PEEK_VCPU, is, MULLION_EAGAIN, "");
	}
	inside = false;
	refuses = true;
	check_answer(MULLION_HC_PEEK, 0x77, MULLION_STATE_STOPPED, MULLION_EINVAL, "peek %u 77; ");
}

static void registers_are_read_of_the_partitions_own_vcpus_and_never_written(void **state)
{
	(void)state;
	status[1].state = MULLION_STATE_STOPPED;
	assert_true(control(MULLION_HC_PEEK, 1, MULLION_PEEK_VCPU) == MULLION_OK);
	assert_true(control(MULLION_HC_PEEK, 1, MULLION_PEEK_VCPU + 1) == MULLION_OK);
	assert_string_equal(history, "registers 1; registers 2; ");
	history[0] = '\0';
	for (unsigned bit = 1; bit < 64; bit++)
		if (bit != 52)
			assert_true(control(MULLION_HC_PEEK, 1, MULLION_PEEK_VCPU | 1ull << bit) ==
				    MULLION_EINVAL);
	assert_true(control(MULLION_HC_PEEK, 1, UINT64_MAX) == MULLION_EINVAL);
	assert_true(control(MULLION_HC_POKE, 1, MULLION_PEEK_VCPU) == MULLION_EINVAL);
	assert_string_equal(history, "");
}

static void registers_that_are_still_in_the_cpu_are_not_shown(void **state)
{
	(void)state;
	status[1].state = MULLION_STATE_STOPPED;
	system_cpus[0].loaded = &system_vcpus[2];
	assert_true(control(MULLION_HC_PEEK, 1, MULLION_PEEK_VCPU + 1) == MULLION_EAGAIN);
	assert_true(control(MULLION_HC_PEEK, 1, MULLION_PEEK_VCPU) == MULLION_OK);
	assert_string_equal(history, "registers 1; ");
}

static void a_schedule_is_passed_on_whole_and_its_answer_back(void **state)
{
	(void)state;
	for (unsigned a = 0; a < ARGUMENTS; a++) {
		char expected[100];

		snprintf(expected, sizeof(expected), "schedule %llx; ",
			(unsigned long long)arguments[a]);
		history[0] = '\0';
		assert_true(control(MULLION_HC_SCHEDULE, arguments[a], 5) == 77);
		assert_string_equal(history, expected);
	}
	refuses = true;
	assert_true(control(MULLION_HC_SCHEDULE, 0, 0) == MULLION_EAGAIN);
}

static void the_node_ends_by_0_and_is_reset_by_1_and_by_nothing_else(void **state)
{
	(void)state;
	assert_true(control(MULLION_HC_SHUTDOWN, 0, 9) == MULLION_OK);
	assert_true(control(MULLION_HC_SHUTDOWN, 1, 9) == MULLION_OK);
	assert_string_equal(history, "end 1; reset; ");
	history[0] = '\0';
	for (unsigned a = 2; a < ARGUMENTS; a++)
		assert_true(control(MULLION_HC_SHUTDOWN, arguments[a], 0) == MULLION_EINVAL);
	assert_true(control(MULLION_HC_SHUTDOWN, 2, 0) == MULLION_EINVAL);
	assert_string_equal(history, "");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(version_answers_the_abi_version_whatever_the_argument),
		TEST(only_yield_gives_the_cpu_back),
		TEST(yield_answers_ok_and_raises_nothing),
		TEST(raise_raises_its_event_once_with_the_whole_code),
		TEST(exit_raises_its_event_once_with_the_whole_status),
		TEST(the_answer_is_the_same_whatever_the_table_makes_of_the_event),
		TEST(every_number_from_the_count_on_is_refused_without_effect),
		TEST(a_known_number_with_any_higher_bit_set_is_refused),
		TEST(a_doorbell_rings_at_every_receiver_of_the_callers_own_channel),
		TEST(no_other_channel_rings_anywhere),
		TEST(nobody_but_control_has_any_of_controls_calls),
		TEST(control_itself_and_what_is_no_partition_are_refused),
		TEST(every_state_x_stop_start_and_restart),
		TEST(memory_is_exchanged_of_a_stopped_partition_that_was_left_alone),
		TEST(registers_are_read_of_the_partitions_own_vcpus_and_never_written),
		TEST(registers_that_are_still_in_the_cpu_are_not_shown),
		TEST(a_schedule_is_passed_on_whole_and_its_answer_back),
		TEST(the_node_ends_by_0_and_is_reset_by_1_and_by_nothing_else),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("hypercall", tests, NULL, NULL);
}
