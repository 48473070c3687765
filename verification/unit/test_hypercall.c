/*
 * Hypercalls: what each number answers, which events it raises, and that no other number does
 * anything.
 */
#include "unit.h"

#include <mullion/core.h>

uint64_t fake_now, fake_step;
uint32_t node_state;
const struct mullion_system mullion_system;

static struct vcpu caller;
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
	memset(&last, 0, sizeof(last));
	return 0;
}

static void check_refused(uint64_t number)
{
	for (unsigned a = 0; a < ARGUMENTS; a++) {
		struct hypercall_result result = hypercall(&caller, number, arguments[a]);

		assert_true(result.value == MULLION_ENOSYS);
		assert_false(result.leave);
	}
	assert_int_equal(raised, 0);
}

static void version_answers_the_abi_version_whatever_the_argument(void **state)
{
	(void)state;
	for (unsigned a = 0; a < ARGUMENTS; a++) {
		struct hypercall_result result =
			hypercall(&caller, MULLION_HC_VERSION, arguments[a]);

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
			assert_int_equal(hypercall(&caller, number, arguments[a]).leave,
				number == MULLION_HC_YIELD);
}

static void yield_answers_ok_and_raises_nothing(void **state)
{
	(void)state;
	assert_true(hypercall(&caller, MULLION_HC_YIELD, 99).value == MULLION_OK);
	assert_int_equal(raised, 0);
}

static void check_raises(uint64_t number, enum mullion_event event)
{
	for (unsigned a = 0; a < ARGUMENTS; a++) {
		struct hypercall_result result = hypercall(&caller, number, arguments[a]);

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
			result = hypercall(&caller, number, 1);
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
		for (unsigned bit = 2; bit < 64; bit++)
			check_refused(number | 1ull << bit);
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
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("hypercall", tests, NULL, NULL);
}
