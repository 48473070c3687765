/*
 * The trace ring: what a record says, where it goes, and that its count never starts again.
 */
#include "unit.h"

#include <mullion/core.h>

#define RECORDS ((uint64_t)MULLION_TRACE_RECORDS)

uint64_t fake_now, fake_step;
uint32_t node_state;
const struct mullion_system mullion_system;

/* On the heap, so that the sanitizer sees a record before or behind the ring. */
static int begin(void **state)
{
	struct mullion_trace *ring = malloc(sizeof(*ring));

	memset(ring, 0xa5, sizeof(*ring));
	ring->magic = MULLION_TRACE_MAGIC;
	ring->cpu = 3;
	ring->capacity = MULLION_TRACE_RECORDS;
	ring->head = 0;
	*state = ring;
	return 0;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

static bool untouched(const struct mullion_trace_record *record)
{
	const uint8_t *bytes = (const void *)record;

	for (size_t i = 0; i < sizeof(*record); i++)
		if (bytes[i] != 0xa5)
			return false;
	return true;
}

/* Every field of record `n` follows from n. */
static void add(struct mullion_trace *ring, uint64_t n)
{
	trace(ring, n * 3, trace_tag(MULLION_TRACE_EXIT, (uint16_t)(n * 5)), (uint32_t)(n * 7),
		n * 11, ~n);
}

static void check(const struct mullion_trace *ring, uint64_t n)
{
	const struct mullion_trace_record *record = &ring->records[n % RECORDS];

	assert_true(record->tsc == n * 3);
	assert_int_equal(record->kind, MULLION_TRACE_EXIT);
	assert_int_equal(record->vcpu, (uint16_t)(n * 5));
	assert_int_equal(record->cause, (uint32_t)(n * 7));
	assert_true(record->a == n * 11);
	assert_true(record->b == ~n);
}

static void the_layout_is_the_one_readers_know(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct mullion_trace_record), 32);
	assert_int_equal(offsetof(struct mullion_trace, records), 4096);
	assert_int_equal(sizeof(struct mullion_trace), 4096 + 32 * RECORDS);
	assert_int_equal(RECORDS & (RECORDS - 1), 0);
}

static void a_record_says_what_it_was_given_and_touches_no_other(void **state)
{
	struct mullion_trace *ring = *state;
	const struct mullion_trace_record *record = ring->records;

	trace(ring, UINT64_MAX - 1, trace_tag(MULLION_TRACE_STOP, 0x1234), UINT32_MAX - 2,
		UINT64_MAX - 3, UINT64_MAX - 4);
	assert_true(record->tsc == UINT64_MAX - 1);
	assert_int_equal(record->kind, MULLION_TRACE_STOP);
	assert_int_equal(record->vcpu, 0x1234);
	assert_int_equal(record->cause, UINT32_MAX - 2);
	assert_true(record->a == UINT64_MAX - 3);
	assert_true(record->b == UINT64_MAX - 4);
	for (uint64_t n = 1; n < RECORDS; n++)
		assert_true(untouched(&ring->records[n]));
}

static void a_tag_keeps_kind_and_vcpu_apart(void **state)
{
	static const uint16_t vcpus[] = { 0, 1, 0x7fff, 0x8000, MULLION_NO_VCPU };
	struct mullion_trace *ring = *state;

	for (unsigned kind = MULLION_TRACE_EXIT; kind <= MULLION_TRACE_STOP; kind++)
		for (unsigned v = 0; v < sizeof(vcpus) / sizeof(*vcpus); v++) {
			const struct mullion_trace_record *record =
				&ring->records[ring->head % RECORDS];

			trace(ring, 0, trace_tag((enum mullion_trace_kind)kind, vcpus[v]), 0, 0, 0);
			assert_int_equal(record->kind, kind);
			assert_int_equal(record->vcpu, vcpus[v]);
		}
}

static void the_head_counts_every_record_there_ever_was(void **state)
{
	struct mullion_trace *ring = *state;

	for (uint64_t n = 0; n < 3 * RECORDS + 7; n++) {
		assert_true(ring->head == n);
		add(ring, n);
	}
	assert_true(ring->head == 3 * RECORDS + 7);
}

static void a_full_ring_overwrites_the_oldest_record_and_only_that(void **state)
{
	struct mullion_trace *ring = *state;

	for (uint64_t n = 0; n < RECORDS; n++)
		add(ring, n);
	for (uint64_t n = 0; n < RECORDS; n++)
		check(ring, n);
	add(ring, RECORDS);
	for (uint64_t n = 1; n <= RECORDS; n++)
		check(ring, n);
}

static void after_many_rounds_the_ring_holds_the_last_ones_in_their_places(void **state)
{
	struct mullion_trace *ring = *state;
	uint64_t last = 5 * RECORDS + 123;

	for (uint64_t n = 0; n < last; n++)
		add(ring, n);
	for (uint64_t n = last - RECORDS; n < last; n++)
		check(ring, n);
}

static void the_count_goes_on_beyond_32_and_64_bits(void **state)
{
	static const uint64_t starts[] = { UINT32_MAX - 2ull, UINT64_MAX - 2 };
	struct mullion_trace *ring = *state;

	for (unsigned s = 0; s < 2; s++) {
		ring->head = starts[s];
		for (uint64_t n = 0; n < 6; n++)
			add(ring, starts[s] + n);
		assert_true(ring->head == starts[s] + 6);
		for (uint64_t n = 0; n < 6; n++)
			check(ring, starts[s] + n);
	}
}

static void the_rings_own_words_are_left_alone(void **state)
{
	struct mullion_trace *ring = *state;

	for (uint64_t n = 0; n < 2 * RECORDS; n++)
		add(ring, n);
	assert_true(ring->magic == MULLION_TRACE_MAGIC);
	assert_int_equal(ring->cpu, 3);
	assert_int_equal(ring->capacity, MULLION_TRACE_RECORDS);
	for (size_t i = 0; i < sizeof(ring->reserved); i++)
		assert_int_equal(ring->reserved[i], 0xa5);
}

static void a_vcpus_record_has_its_number_and_the_time_and_goes_to_its_cpu(void **state)
{
	struct mullion_trace *ring = *state;
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));

	vcpu->trace = ring;
	vcpu->number = 42;
	fake_now = 1000;
	fake_step = 1;
	trace_vcpu(vcpu, MULLION_TRACE_INJECT, 0x20, 5, 6);
	free(vcpu);
	assert_true(ring->head == 1);
	assert_true(ring->records[0].tsc == 1001);
	assert_int_equal(ring->records[0].kind, MULLION_TRACE_INJECT);
	assert_int_equal(ring->records[0].vcpu, 42);
	assert_int_equal(ring->records[0].cause, 0x20);
	assert_true(ring->records[0].a == 5 && ring->records[0].b == 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_layout_is_the_one_readers_know),
		TEST(a_record_says_what_it_was_given_and_touches_no_other),
		TEST(a_tag_keeps_kind_and_vcpu_apart),
		TEST(the_head_counts_every_record_there_ever_was),
		TEST(a_full_ring_overwrites_the_oldest_record_and_only_that),
		TEST(after_many_rounds_the_ring_holds_the_last_ones_in_their_places),
		TEST(the_count_goes_on_beyond_32_and_64_bits),
		TEST(the_rings_own_words_are_left_alone),
		TEST(a_vcpus_record_has_its_number_and_the_time_and_goes_to_its_cpu),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
