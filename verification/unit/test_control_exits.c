/*
 * Exits counted from a ring that somebody writes meanwhile: each record once, or among the unseen.
 */
#include "unit.h"

#include "fake_control.h"

static struct control control;
static struct exits *const exits = &control.exits;
static struct mullion_trace second;

static int begin(void **state)
{
	(void)state;
	fake_control(&control);
	memset(&second, 0, sizeof(second));
	return 0;
}

static void put(struct mullion_trace *const trace, const uint16_t kind, const uint16_t vcpu,
	const uint32_t cause)
{
	trace->records[trace->head++ % MULLION_TRACE_RECORDS] =
		(struct mullion_trace_record){ .kind = kind, .vcpu = vcpu, .cause = cause };
}

static void put_many(struct mullion_trace *const trace, const uint32_t records)
{
	for (uint32_t i = 0; i < records; i++)
		put(trace, MULLION_TRACE_EXIT, 1, 0x72);
}

/* Until there is nothing left; how many passes found something. */
static unsigned count_all(void)
{
	unsigned passes = 0;

	while (exits_pass(exits, &control.node))
		passes++;
	return passes;
}

static void every_cause_has_its_class(void **state)
{
	static const struct {
		uint32_t code;
		enum exit_class class;
	} of[] = { { 0x72, EXIT_CPUID }, { 0x7c, EXIT_MSR }, { 0x7b, EXIT_PORT },
		{ 0x400, EXIT_MEMORY }, { 0x81, EXIT_HYPERCALL }, { 0x60, EXIT_INTERRUPT },
		{ 0x64, EXIT_INTERRUPT }, { 0x78, EXIT_HALT }, { 0x61, EXIT_NMI },
		{ 0x7f, EXIT_OTHER }, { 0, EXIT_OTHER }, { 0xffffffff, EXIT_OTHER } };
	uint64_t expected[EXIT_CLASSES] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		put(&fake_trace, MULLION_TRACE_EXIT, 2, of[i].code);
		expected[of[i].class]++;
	}
	count_all();
	assert_memory_equal(exits->counts[2], expected, sizeof(expected));
	assert_int_equal(exits->unseen, 0);
}

static void what_is_no_exit_of_a_vcpu_is_not_counted(void **state)
{
	static const struct exits none;

	(void)state;
	for (uint16_t kind = MULLION_TRACE_WINDOW; kind <= MULLION_TRACE_SCHEDULE; kind++)
		put(&fake_trace, kind, 1, 0x72);
	put(&fake_trace, MULLION_TRACE_EXIT, MULLION_NO_VCPU, 0x72);
	put(&fake_trace, MULLION_TRACE_EXIT, MULLION_NODE_VCPUS, 0x72);
	count_all();
	assert_memory_equal(exits->counts, none.counts, sizeof(none.counts));
}

static void each_record_is_counted_once_over_rounds_of_the_ring(void **state)
{
	uint64_t random = 9, all = 0;

	(void)state;
	for (unsigned turn = 0; turn < 200; turn++) {
		const uint32_t records = (uint32_t)(unit_random(&random) % MULLION_TRACE_RECORDS);

		put_many(&fake_trace, records);
		all += records;
		count_all();
		assert_int_equal(exits->counts[1][EXIT_CPUID], all);
	}
	assert_int_equal(exits->unseen, 0);
}

static void a_pass_is_bounded_and_a_round_ends(void **state)
{
	uint64_t before;

	(void)state;
	put_many(&fake_trace, 1000);
	do {
		before = exits->counts[1][EXIT_CPUID];
		if (!exits_pass(exits, &control.node))
			break;
		assert_true(exits->counts[1][EXIT_CPUID] - before <= EXITS_PASS_RECORDS);
	} while (true);
	assert_int_equal(exits->counts[1][EXIT_CPUID], 1000);
	assert_false(exits_pass(exits, &control.node));
	put_many(&fake_trace, 1);
	assert_int_equal(count_all(), 1);
}

/* One that always has records does not keep the other's from being counted. */
static void every_cpu_has_its_turn(void **state)
{
	(void)state;
	control.node.traces[63] = &second;
	put(&second, MULLION_TRACE_EXIT, 3, 0x7c);
	for (unsigned i = 0; i < 2; i++) {
		put_many(&fake_trace, 10);
		assert_true(exits_pass(exits, &control.node));
	}
	assert_int_equal(exits->counts[3][EXIT_MSR], 1);
}

static void what_was_overwritten_is_unseen(void **state)
{
	(void)state;
	put_many(&fake_trace, 10000);
	count_all();
	assert_int_equal(exits->counts[1][EXIT_CPUID], MULLION_TRACE_RECORDS / 2);
	assert_int_equal(exits->counts[1][EXIT_CPUID] + exits->unseen, 10000);
	put_many(&fake_trace, MULLION_TRACE_RECORDS);
	count_all();
	assert_int_equal(exits->counts[1][EXIT_CPUID] + exits->unseen, 14096);
}

static void windows_are_kept_when_exits_push_them_out(void **state)
{
	const struct exits_marks *const marks = &exits->marks[0];
	uint64_t kept = 0;

	(void)state;
	for (unsigned frame = 0; frame < 300; frame++) {
		put(&fake_trace, MULLION_TRACE_WINDOW, 1, frame);
		kept++;
		put_many(&fake_trace, 500);
		put(&fake_trace, MULLION_TRACE_HEALTH, 1, 0);
		put(&fake_trace, MULLION_TRACE_INJECT, 1, 0);
		count_all();
	}
	assert_int_equal(marks->head, kept);
	for (uint64_t k = kept - EXITS_MARKS; k < kept; k++)
		assert_int_equal(marks->records[k % EXITS_MARKS].cause, k);
	for (uint16_t kind = MULLION_TRACE_START; kind <= MULLION_TRACE_SCHEDULE; kind++)
		put(&fake_trace, kind, 1, 77);
	count_all();
	assert_int_equal(marks->head, kept + 4);
	assert_int_equal(marks->records[(kept + 3) % EXITS_MARKS].kind, MULLION_TRACE_SCHEDULE);
	assert_int_equal(exits->marks[1].head, 0);
}

/* The record at head may be half written: as far behind as there are records, nothing is believed. */
static void the_last_record_of_a_full_ring_may_be_in_its_writers_hands(void **state)
{
	(void)state;
	put_many(&fake_trace, MULLION_TRACE_RECORDS - 1);
	count_all();
	assert_int_equal(exits->unseen, 0);
	begin(NULL);
	put_many(&fake_trace, MULLION_TRACE_RECORDS);
	count_all();
	assert_int_equal(exits->unseen, MULLION_TRACE_RECORDS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_cause_has_its_class, begin),
		cmocka_unit_test_setup(what_is_no_exit_of_a_vcpu_is_not_counted, begin),
		cmocka_unit_test_setup(each_record_is_counted_once_over_rounds_of_the_ring, begin),
		cmocka_unit_test_setup(a_pass_is_bounded_and_a_round_ends, begin),
		cmocka_unit_test_setup(every_cpu_has_its_turn, begin),
		cmocka_unit_test_setup(what_was_overwritten_is_unseen, begin),
		cmocka_unit_test_setup(windows_are_kept_when_exits_push_them_out, begin),
		cmocka_unit_test_setup(
			the_last_record_of_a_full_ring_may_be_in_its_writers_hands, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
