/*
 * Sampling channels over a page in memory: what an honest and a hostile writer leave there, and what a
 * reader makes of it. The sanitizer watches the page's and the message's ends.
 */
#include "unit.h"

#include <mullion/sampling.h>

#define PAGE    4096u
#define MOST    MULLION_CHANNEL_MESSAGE_MOST
#define HEADER  MULLION_CHANNEL_HEADER_BYTES
#define REFRESH 1000u
#define GARBAGE 20000u

struct channel {
	void *page;
	struct mullion_sampling *header;
	struct sampling_writer writer;
	struct sampling_reader reader;
	uint8_t *message; /* exactly as long as allowed */
	struct sampling_message about;
	struct mullion_status status; /* of the writer */
};

static struct channel *open_channel(uint64_t page_bytes, uint64_t message_bytes)
{
	struct channel *c = calloc(1, sizeof(*c));

	c->page = calloc(1, page_bytes);
	c->header = c->page;
	c->status.state = MULLION_STATE_RUNNING;
	c->message = malloc(message_bytes);
	assert_true(sampling_open_writer(&c->writer, c->page, page_bytes, message_bytes));
	assert_true(sampling_open_reader(
		&c->reader, c->page, page_bytes, message_bytes, REFRESH, &c->status));
	return c;
}

static void close_channel(struct channel *c)
{
	free(c->message);
	free(c->page);
	free(c);
}

/* Byte i of the message written as number n. */
static uint8_t pattern(uint64_t n, uint64_t i)
{
	return (uint8_t)(n * 131 + i * 7 + (n >> 8));
}

static void write_number(struct channel *c, uint64_t n, uint64_t length)
{
	uint8_t *message = malloc(length);

	for (uint64_t i = 0; i < length; i++)
		message[i] = pattern(n, i);
	sampling_write(&c->writer, message, length, 1000 * n);
	free(message);
}

static enum sampling_outcome read_it(struct channel *c)
{
	return sampling_read(&c->reader, c->message, &c->about);
}

static void expect_number(struct channel *c, uint64_t n, uint64_t length)
{
	assert_int_equal(read_it(c), SAMPLING_MESSAGE);
	assert_int_equal(c->about.number, n);
	assert_int_equal(c->about.written_tsc, 1000 * n);
	assert_int_equal(c->about.length, length);
	for (uint64_t i = 0; i < length; i++)
		assert_int_equal(c->message[i], pattern(n, i));
}

static void a_page_for_every_size_holds_at_least_four_slots(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= MOST; size++) {
		const uint64_t bytes = (MULLION_SAMPLING_BYTES(size) + PAGE - 1) / PAGE * PAGE;
		struct channel *c = open_channel(bytes, size);

		assert_true(c->writer.mask + 1 >= MULLION_SAMPLING_SLOTS_LEAST);
		assert_int_equal(c->writer.mask & (c->writer.mask + 1), 0);
		assert_true(HEADER + 8 * (c->writer.mask + 1) * c->writer.slot_words <= bytes);
		assert_true(16 + size <= 8 * c->writer.slot_words);
		assert_int_equal(c->reader.mask, c->writer.mask);
		close_channel(c);
	}
}

static void a_page_too_small_and_a_size_out_of_range_are_refused(void **state)
{
	struct sampling_writer w;
	struct sampling_reader r;
	uint64_t page[8];

	(void)state;
	assert_false(sampling_open_writer(&w, page, HEADER + 2 * 128 - 1, 64));
	assert_false(sampling_open_reader(&r, page, HEADER + 2 * 128 - 1, 64, REFRESH, NULL));
	assert_false(sampling_open_writer(&w, page, 0, 64));
	assert_false(sampling_open_writer(&w, page, 1u << 20, 0));
	assert_false(sampling_open_reader(&r, page, 1u << 20, 0, REFRESH, NULL));
	assert_false(sampling_open_writer(&w, page, 1u << 20, MOST + 1));
	assert_false(sampling_open_reader(&r, page, 1u << 20, UINT64_MAX, REFRESH, NULL));
}

static void two_slots_suffice_to_open(void **state)
{
	struct channel *c = open_channel(HEADER + 2 * 128, 64);

	(void)state;
	assert_int_equal(c->writer.mask, 1);
	write_number(c, 1, 64);
	write_number(c, 2, 64);
	write_number(c, 3, 64);
	expect_number(c, 3, 64);
	close_channel(c);
}

static void nothing_written_reads_as_empty(void **state)
{
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	memset(c->message, 0x55, 64);
	assert_int_equal(read_it(c), SAMPLING_EMPTY);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(c->message[i], 0x55);
	close_channel(c);
}

static void every_length_arrives_as_it_was_written(void **state)
{
	static const uint64_t sizes[] = { 1, 7, 8, 9, 63, 64, 65, 200, 936 };

	(void)state;
	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct channel *c = open_channel(PAGE, sizes[s]);
		uint64_t n = 0;

		for (uint64_t length = 1; length <= sizes[s]; length++) {
			write_number(c, ++n, length);
			expect_number(c, n, length);
		}
		close_channel(c);
	}
}

static void reading_again_gives_the_same_message(void **state)
{
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	write_number(c, 1, 64);
	expect_number(c, 1, 64);
	expect_number(c, 1, 64);
	close_channel(c);
}

/* A writer that stops at any step of message n + 1 leaves message n readable, with the first copy. */
static void a_message_half_written_leaves_the_one_before(void **state)
{
	struct channel *c = open_channel(PAGE, 64);
	const uint64_t words = c->writer.slot_words;

	(void)state;
	for (uint64_t n = 1; n < 100; n++) {
		uint64_t *next = c->writer.slots + ((n + 1) & c->writer.mask) * words;

		write_number(c, n, 64);
		c->header->begun = n + 1;
		for (uint64_t w = 0; w < words; w++) {
			next[w] = 0xdeaddeaddeaddeadull;
			expect_number(c, n, 64);
		}
	}
	assert_int_equal(c->reader.retries, 0);
	close_channel(c);
}

static void a_copy_is_refused_from_the_first_write_that_may_touch_it(void **state)
{
	struct channel *c = open_channel(PAGE, 64);
	const uint64_t slots = c->writer.mask + 1;

	(void)state;
	for (uint64_t n = 1; n <= 5; n++)
		write_number(c, n, 64);
	c->header->begun = 5 + slots - 1;
	expect_number(c, 5, 64);
	c->header->begun = 5 + slots;
	assert_int_equal(read_it(c), SAMPLING_OVERTAKEN);
	assert_int_equal(c->reader.retries, SAMPLING_ATTEMPTS);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(c->message[i], 0);
	c->header->begun = 4; /* no honest writer: less begun than complete */
	assert_int_equal(read_it(c), SAMPLING_OVERTAKEN);
	close_channel(c);
}

static void an_impossible_length_is_not_delivered(void **state)
{
	static const uint64_t lengths[] = { 0, 65, 1u << 31, UINT64_MAX };
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	write_number(c, 1, 64);
	for (unsigned i = 0; i < 4; i++) {
		c->writer.slots[(1 & c->writer.mask) * c->writer.slot_words + 1] = lengths[i];
		assert_int_equal(read_it(c), SAMPLING_OVERTAKEN);
	}
	close_channel(c);
}

/* Whatever lies in the page: only reads inside it, only bytes of the message written. */
static void garbage_in_the_page_harms_nobody(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned round = 0; round < GARBAGE; round++) {
		const uint64_t size = unit_random(&random) % 300 + 1;
		struct channel *c = open_channel(PAGE, size);
		uint64_t *words = c->page;
		enum sampling_outcome outcome;

		for (unsigned w = 0; w < PAGE / 8; w++)
			words[w] = unit_random(&random) >> unit_random(&random) % 64;
		outcome = read_it(c);
		if (outcome == SAMPLING_MESSAGE)
			assert_in_range(c->about.length, 1, size);
		assert_true(c->reader.retries <= SAMPLING_ATTEMPTS);
		close_channel(c);
	}
}

static void a_message_is_valid_to_the_last_tick_of_its_refresh_period(void **state)
{
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	for (uint64_t n = 1; n <= 7; n++)
		write_number(c, n, 64);
	expect_number(c, 7, 64);
	assert_true(sampling_is_valid(&c->reader, &c->about, 7000));
	assert_true(sampling_is_valid(&c->reader, &c->about, 7000 + REFRESH));
	assert_false(sampling_is_valid(&c->reader, &c->about, 7000 + REFRESH + 1));
	assert_false(sampling_is_valid(&c->reader, &c->about, 6999));
	assert_false(sampling_is_valid(&c->reader, &c->about, 0));
	c->about.written_tsc = UINT64_MAX;
	assert_false(sampling_is_valid(&c->reader, &c->about, 7000));
	close_channel(c);
}

static void while_its_writer_does_not_run_nothing_is_valid(void **state)
{
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	write_number(c, 1, 64);
	expect_number(c, 1, 64);
	assert_true(sampling_is_valid(&c->reader, &c->about, 1001));
	for (uint32_t other = MULLION_STATE_STOPPED; other <= MULLION_STATE_CHANGING; other++) {
		c->status.state = other;
		assert_false(sampling_is_valid(&c->reader, &c->about, 1001));
		assert_true(sampling_is_fresh(&c->reader, &c->about, 1001));
	}
	close_channel(c);
}

static void a_message_of_a_former_life_is_not_valid(void **state)
{
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	write_number(c, 1, 64);
	c->status.since_tsc = 1001; /* it was started again a tick later */
	assert_true(sampling_open_writer(&c->writer, c->page, PAGE, 64));
	expect_number(c, 1, 64);
	assert_false(sampling_is_valid(&c->reader, &c->about, 1001));
	write_number(c, 2, 64);
	expect_number(c, 2, 64);
	assert_true(sampling_is_valid(&c->reader, &c->about, 2001));
	close_channel(c);
}

static void without_a_status_page_writers_run_for_ever(void **state)
{
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	c->status.state = MULLION_STATE_STOPPED;
	assert_true(sampling_open_reader(&c->reader, c->page, PAGE, 64, REFRESH, NULL));
	write_number(c, 1, 64);
	expect_number(c, 1, 64);
	assert_true(sampling_is_valid(&c->reader, &c->about, 1001));
	close_channel(c);
}

static void a_restart_amidst_a_message_loses_only_that_one(void **state)
{
	struct channel *c = open_channel(PAGE, 64);

	(void)state;
	for (uint64_t n = 1; n <= 9; n++)
		write_number(c, n, 64);
	c->header->begun = 10;
	assert_true(sampling_open_writer(&c->writer, c->page, PAGE, 64));
	expect_number(c, 9, 64);
	write_number(c, 10, 64);
	expect_number(c, 10, 64);
	close_channel(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_for_every_size_holds_at_least_four_slots),
		cmocka_unit_test(a_page_too_small_and_a_size_out_of_range_are_refused),
		cmocka_unit_test(two_slots_suffice_to_open),
		cmocka_unit_test(nothing_written_reads_as_empty),
		cmocka_unit_test(every_length_arrives_as_it_was_written),
		cmocka_unit_test(reading_again_gives_the_same_message),
		cmocka_unit_test(a_message_half_written_leaves_the_one_before),
		cmocka_unit_test(a_copy_is_refused_from_the_first_write_that_may_touch_it),
		cmocka_unit_test(an_impossible_length_is_not_delivered),
		cmocka_unit_test(garbage_in_the_page_harms_nobody),
		cmocka_unit_test(a_message_is_valid_to_the_last_tick_of_its_refresh_period),
		cmocka_unit_test(while_its_writer_does_not_run_nothing_is_valid),
		cmocka_unit_test(a_message_of_a_former_life_is_not_valid),
		cmocka_unit_test(without_a_status_page_writers_run_for_ever),
		cmocka_unit_test(a_restart_amidst_a_message_loses_only_that_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
