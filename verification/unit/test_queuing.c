/*
 * Queuing channels over pages in memory: order, room, overflow, restarts, and peers that lie. The
 * sanitizer watches the pages' and the message's ends.
 */
#include "unit.h"

#include <mullion/queuing.h>

#define MOST    MULLION_CHANNEL_MESSAGE_MOST
#define GARBAGE 20000u

struct channel {
	void *page;
	uint64_t page_bytes;
	struct mullion_queuing *header;
	struct mullion_queuing_reader *reader;
	struct queuing_sender sender;
	struct queuing_receiver receiver;
	uint8_t *message; /* exactly as long as allowed */
	uint64_t length;
	bool overflowed;
};

static struct channel *open_channel(uint64_t message_bytes, uint64_t depth)
{
	struct channel *c = calloc(1, sizeof(*c));

	c->page_bytes = MULLION_QUEUING_BYTES(message_bytes, depth);
	c->page = calloc(1, c->page_bytes);
	c->header = c->page;
	c->reader = calloc(1, sizeof(*c->reader));
	c->message = malloc(message_bytes);
	assert_true(queuing_open_sender(
		&c->sender, c->page, c->page_bytes, c->reader, message_bytes, depth));
	assert_true(queuing_open_receiver(
		&c->receiver, c->page, c->page_bytes, c->reader, message_bytes, depth));
	return c;
}

static void close_channel(struct channel *c)
{
	free(c->message);
	free(c->reader);
	free(c->page);
	free(c);
}

static uint8_t pattern(uint64_t n, uint64_t i)
{
	return (uint8_t)(n * 131 + i * 7 + (n >> 8));
}

static bool send_number(struct channel *c, uint64_t n, uint64_t length)
{
	uint8_t *message = malloc(length);
	bool sent;

	for (uint64_t i = 0; i < length; i++)
		message[i] = pattern(n, i);
	sent = queuing_send(&c->sender, message, length);
	free(message);
	return sent;
}

static enum queuing_outcome receive(struct channel *c)
{
	return queuing_receive(&c->receiver, c->message, &c->length, &c->overflowed);
}

static void expect_number(struct channel *c, uint64_t n, uint64_t length)
{
	assert_int_equal(receive(c), QUEUING_MESSAGE);
	assert_int_equal(c->length, length);
	for (uint64_t i = 0; i < length; i++)
		assert_int_equal(c->message[i], pattern(n, i));
}

static void shapes_that_cannot_be_are_refused(void **state)
{
	static const struct {
		uint64_t bytes, message, depth;
	} bad[] = { { 1 << 20, 0, 4 }, { 1 << 20, MOST + 1, 4 }, { 1 << 20, 64, 0 },
		{ 1 << 20, 64, 1 }, { 1 << 20, 64, 3 }, { 1 << 20, 64, 512 },
		{ 1 << 20, 64, UINT64_MAX }, { MULLION_QUEUING_BYTES(64, 4) - 1, 64, 4 } };
	struct queuing_sender s;
	struct queuing_receiver r;
	uint64_t page[8], reader[8];

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(queuing_open_sender(
			&s, page, bad[i].bytes, reader, bad[i].message, bad[i].depth));
		assert_false(queuing_open_receiver(
			&r, page, bad[i].bytes, reader, bad[i].message, bad[i].depth));
	}
}

static bool shape_opens(uint64_t bytes, uint64_t message, uint64_t depth)
{
	static uint64_t page[8], reader[8];
	struct queuing_sender s;
	struct queuing_receiver r;
	const bool opens = queuing_open_sender(&s, page, bytes, reader, message, depth);

	assert_int_equal(queuing_open_receiver(&r, page, bytes, reader, message, depth), opens);
	if (opens)
		assert_true(8 + message <= 8 * s.slot_words && s.slot_words == r.slot_words &&
			    64 + depth * 8 * s.slot_words <= bytes);
	return opens;
}

/* All of them: what the proofs take for granted of an open port. */
static void every_shape_is_opened_or_refused_as_it_should(void **state)
{
	(void)state;
	for (uint64_t depth = 0; depth <= 520; depth++) {
		const bool power = depth != 0 && (depth & (depth - 1)) == 0;

		for (uint64_t message = 0; message <= MOST + 1; message++) {
			const uint64_t bytes = MULLION_QUEUING_BYTES(message, depth);
			const bool good = power && depth >= 2 && depth <= 256 && message >= 1 &&
					  message <= MOST;

			assert_int_equal(shape_opens(bytes, message, depth), good);
			assert_false(shape_opens(bytes - 1, message, depth));
		}
	}
}

static void every_message_arrives_once_and_in_order(void **state)
{
	static const uint64_t sizes[] = { 1, 8, 9, 64, 100 };

	(void)state;
	for (unsigned s = 0; s < 5; s++) {
		struct channel *c = open_channel(sizes[s], 4);
		uint64_t sent = 0, received = 0, random = 1;

		while (received < 5000) {
			const uint64_t length = sent % sizes[s] + 1;

			if (unit_random(&random) & 1 << 20) {
				assert_int_equal(send_number(c, sent, length), sent - received < 4);
				sent += sent - received < 4;
			} else if (sent > received) {
				expect_number(c, received, received % sizes[s] + 1);
				received++;
			} else {
				assert_int_equal(receive(c), QUEUING_EMPTY);
			}
			assert_int_equal(queuing_waiting(&c->receiver), sent - received);
			assert_int_equal(queuing_sent_waiting(&c->sender), sent - received);
		}
		close_channel(c);
	}
}

static void the_deepest_queue_of_the_longest_messages_holds_them(void **state)
{
	struct channel *c = open_channel(MOST, 256);

	(void)state;
	for (uint64_t n = 0; n < 256; n++)
		assert_true(send_number(c, n, MOST));
	assert_false(send_number(c, 256, 1));
	for (uint64_t n = 0; n < 256; n++)
		expect_number(c, n, MOST);
	assert_int_equal(receive(c), QUEUING_EMPTY);
	close_channel(c);
}

static void an_overflow_is_told_once_and_with_the_next_message(void **state)
{
	struct channel *c = open_channel(64, 2);

	(void)state;
	assert_true(send_number(c, 0, 64));
	assert_true(send_number(c, 1, 64));
	assert_false(send_number(c, 2, 64));
	queuing_overflow(&c->sender);
	queuing_overflow(&c->sender);
	expect_number(c, 0, 64);
	assert_true(c->overflowed);
	expect_number(c, 1, 64);
	assert_false(c->overflowed);
	close_channel(c);
}

static void a_half_sent_message_is_not_received(void **state)
{
	struct channel *c = open_channel(64, 4);

	(void)state;
	assert_true(send_number(c, 0, 64));
	c->sender.slots[1 * c->sender.slot_words] = 64; /* its length, and then the end */
	expect_number(c, 0, 64);
	assert_int_equal(receive(c), QUEUING_EMPTY);
	close_channel(c);
}

static void both_ends_go_on_after_a_restart(void **state)
{
	struct channel *c = open_channel(64, 4);

	(void)state;
	for (uint64_t n = 0; n < 3; n++)
		assert_true(send_number(c, n, 64));
	expect_number(c, 0, 64);
	queuing_overflow(&c->sender);
	assert_true(queuing_open_sender(&c->sender, c->page, c->page_bytes, c->reader, 64, 4));
	assert_true(send_number(c, 3, 64));
	assert_true(queuing_open_receiver(&c->receiver, c->page, c->page_bytes, c->reader, 64, 4));
	for (uint64_t n = 1; n < 4; n++)
		expect_number(c, n, 64);
	assert_int_equal(receive(c), QUEUING_EMPTY);
	close_channel(c);
}

static void a_receiver_that_lies_only_stops_its_own_queue(void **state)
{
	static const uint64_t tails[] = { 4, 1000, 2, 1ull << 63, UINT64_MAX - 5 };
	struct channel *c = open_channel(64, 4);

	(void)state;
	assert_true(send_number(c, 0, 64));
	for (unsigned i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		c->reader->tail = tails[i];
		assert_false(send_number(c, 1, 64));
		assert_in_range(queuing_sent_waiting(&c->sender), 0, 4);
	}
	assert_int_equal(c->header->head, 1);
	c->reader->tail = 0;
	assert_true(send_number(c, 1, 64));
	close_channel(c);
}

static void a_sender_that_lies_about_its_counter_delivers_nothing(void **state)
{
	static const uint64_t heads[] = { 6, 1000, UINT64_MAX, 1ull << 63, 0 };
	struct channel *c = open_channel(64, 4);

	(void)state;
	assert_true(send_number(c, 0, 64));
	expect_number(c, 0, 64);
	for (unsigned i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		c->header->head = heads[i];
		assert_int_equal(receive(c), QUEUING_BROKEN);
		assert_int_equal(c->receiver.broken, i + 1);
		assert_int_equal(c->reader->tail, 1);
		assert_in_range(queuing_waiting(&c->receiver), 0, 4);
	}
	c->header->head = 1000; /* clearing is the way back */
	queuing_clear(&c->receiver);
	assert_int_equal(receive(c), QUEUING_EMPTY);
	close_channel(c);
}

static void an_impossible_length_costs_that_message_only(void **state)
{
	static const uint64_t lengths[] = { 0, 65, 1u << 31, UINT64_MAX };
	struct channel *c = open_channel(64, 8);

	(void)state;
	for (uint64_t n = 0; n < 4; n++) {
		assert_true(send_number(c, n, 64));
		c->sender.slots[n * c->sender.slot_words] = lengths[n];
	}
	assert_true(send_number(c, 4, 64));
	for (uint64_t n = 0; n < 4; n++)
		assert_int_equal(receive(c), QUEUING_BROKEN);
	expect_number(c, 4, 64);
	close_channel(c);
}

static void clearing_empties_the_queue(void **state)
{
	struct channel *c = open_channel(64, 4);

	(void)state;
	for (uint64_t n = 0; n < 4; n++)
		assert_true(send_number(c, n, 64));
	queuing_clear(&c->receiver);
	assert_int_equal(queuing_waiting(&c->receiver), 0);
	assert_int_equal(receive(c), QUEUING_EMPTY);
	for (uint64_t n = 4; n < 8; n++)
		assert_true(send_number(c, n, 64));
	expect_number(c, 4, 64);
	close_channel(c);
}

static void counters_may_wrap(void **state)
{
	struct channel *c = open_channel(64, 4);

	(void)state;
	c->header->head = UINT64_MAX - 1;
	c->reader->tail = UINT64_MAX - 1;
	assert_true(queuing_open_sender(&c->sender, c->page, c->page_bytes, c->reader, 64, 4));
	assert_true(queuing_open_receiver(&c->receiver, c->page, c->page_bytes, c->reader, 64, 4));
	for (uint64_t n = 0; n < 4; n++)
		assert_true(send_number(c, n, 64));
	assert_false(send_number(c, 4, 64));
	for (uint64_t n = 0; n < 4; n++)
		expect_number(c, n, 64);
	close_channel(c);
}

static void garbage_in_the_pages_harms_nobody(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned round = 0; round < GARBAGE; round++) {
		const uint64_t size = unit_random(&random) % 100 + 1;
		struct channel *c = open_channel(size, 2ull << unit_random(&random) % 4);
		uint64_t *words = c->page;

		for (uint64_t w = 0; w < c->page_bytes / 8; w++)
			words[w] = unit_random(&random) >> unit_random(&random) % 64;
		for (unsigned i = 0; i < 4; i++) {
			c->reader->tail = unit_random(&random) >> unit_random(&random) % 64;
			send_number(c, i, size);
			c->header->head = unit_random(&random) >> unit_random(&random) % 64;
			if (receive(c) == QUEUING_MESSAGE)
				assert_in_range(c->length, 1, size);
			if (i == 2)
				queuing_clear(&c->receiver);
		}
		close_channel(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_that_cannot_be_are_refused),
		cmocka_unit_test(every_shape_is_opened_or_refused_as_it_should),
		cmocka_unit_test(every_message_arrives_once_and_in_order),
		cmocka_unit_test(the_deepest_queue_of_the_longest_messages_holds_them),
		cmocka_unit_test(an_overflow_is_told_once_and_with_the_next_message),
		cmocka_unit_test(a_half_sent_message_is_not_received),
		cmocka_unit_test(both_ends_go_on_after_a_restart),
		cmocka_unit_test(a_receiver_that_lies_only_stops_its_own_queue),
		cmocka_unit_test(a_sender_that_lies_about_its_counter_delivers_nothing),
		cmocka_unit_test(an_impossible_length_costs_that_message_only),
		cmocka_unit_test(clearing_empties_the_queue),
		cmocka_unit_test(counters_may_wrap),
		cmocka_unit_test(garbage_in_the_pages_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
