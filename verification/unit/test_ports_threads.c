/*
 * Ports hammered by host threads, under the thread sanitizer: no torn message, none from the past, and
 * in a queue none lost, none twice. The sanitizer would also notice a shared word that is accessed as
 * if nobody else did.
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include <mullion/queuing.h>
#include <mullion/sampling.h>

#define WORDS    8u
#define BYTES    (8u * WORDS)
#define MESSAGES 200000u
#define READERS  2u
#define DEPTH    8u

static uint64_t page[512] __attribute__((aligned(4096)));
static uint64_t reader_page[512] __attribute__((aligned(4096)));

struct seen {
	uint64_t reads, torn, backwards, overtaken, last;
	bool plant;
};

static uint64_t word_of(uint64_t n, uint64_t i)
{
	return (n + 1) * 0x9e3779b97f4a7c15ull + i;
}

static void fill(uint64_t *message, uint64_t n)
{
	for (uint64_t i = 0; i < WORDS; i++)
		message[i] = word_of(n, i);
}

static bool is_whole(const uint64_t *message, uint64_t n)
{
	for (uint64_t i = 0; i < WORDS; i++)
		if (message[i] != word_of(n, i))
			return false;
	return true;
}

static void *write_all(void *argument)
{
	struct sampling_writer *port = argument;
	uint64_t message[WORDS];

	for (uint64_t n = port->latest + 1; n <= MESSAGES; n++) {
		fill(message, n);
		sampling_write(port, (const uint8_t *)message, BYTES, n);
	}
	return NULL;
}

static void look(struct seen *seen, struct sampling_reader *port)
{
	struct sampling_message about;
	uint64_t message[WORDS];
	const enum sampling_outcome outcome = sampling_read(port, (uint8_t *)message, &about);

	seen->reads++;
	seen->overtaken += outcome == SAMPLING_OVERTAKEN;
	if (outcome != SAMPLING_MESSAGE)
		return;
	if (seen->plant)
		message[WORDS - 1]--;
	seen->torn += !is_whole(message, about.number) || about.written_tsc != about.number;
	seen->backwards += about.number < seen->last;
	seen->last = about.number;
}

static void *read_all(void *argument)
{
	struct seen *seen = argument;
	struct sampling_reader port;

	if (!sampling_open_reader(&port, page, sizeof(page), BYTES, 1, NULL))
		return NULL;
	while (seen->last < MESSAGES)
		look(seen, &port);
	return NULL;
}

static void readers_never_see_a_torn_message_or_the_past(void **state)
{
	struct seen seen[READERS] = { 0 };
	struct sampling_writer port;
	pthread_t writer, readers[READERS];

	(void)state;
	memset(page, 0, sizeof(page));
	assert_true(sampling_open_writer(&port, page, sizeof(page), BYTES));
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all, &seen[i]), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_all, &port), 0);
	pthread_join(writer, NULL);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(readers[i], NULL);
		assert_int_equal(seen[i].torn, 0);
		assert_int_equal(seen[i].backwards, 0);
		assert_int_equal(seen[i].last, MESSAGES);
	}
}

static void a_planted_torn_message_is_noticed(void **state)
{
	struct seen seen = { .plant = true };
	struct sampling_writer port;
	struct sampling_reader reader;
	uint64_t message[WORDS];

	(void)state;
	memset(page, 0, sizeof(page));
	assert_true(sampling_open_writer(&port, page, sizeof(page), BYTES));
	assert_true(sampling_open_reader(&reader, page, sizeof(page), BYTES, 1, NULL));
	fill(message, 1);
	sampling_write(&port, (const uint8_t *)message, BYTES, 1);
	look(&seen, &reader);
	assert_int_equal(seen.torn, 1);
}

static void *send_all(void *argument)
{
	struct queuing_sender *port = argument;
	uint64_t message[WORDS];

	for (uint64_t n = 0; n < MESSAGES; n++) {
		fill(message, n);
		while (!queuing_send(port, (const uint8_t *)message, BYTES))
			sched_yield();
	}
	return NULL;
}

static void a_queue_loses_nothing_and_repeats_nothing(void **state)
{
	struct queuing_sender sender;
	struct queuing_receiver receiver;
	uint64_t message[WORDS], length = 0, bad = 0;
	pthread_t thread;
	bool overflowed;

	(void)state;
	memset(page, 0, sizeof(page));
	memset(reader_page, 0, sizeof(reader_page));
	assert_true(queuing_open_sender(&sender, page, sizeof(page), reader_page, BYTES, DEPTH));
	assert_true(
		queuing_open_receiver(&receiver, page, sizeof(page), reader_page, BYTES, DEPTH));
	assert_int_equal(pthread_create(&thread, NULL, send_all, &sender), 0);
	for (uint64_t n = 0; n < MESSAGES; n++) {
		while (queuing_receive(&receiver, (uint8_t *)message, &length, &overflowed) !=
			QUEUING_MESSAGE)
			sched_yield();
		bad += length != BYTES || overflowed || !is_whole(message, n);
	}
	pthread_join(thread, NULL);
	assert_int_equal(bad, 0);
	assert_int_equal(receiver.broken, 0);
	assert_int_equal(queuing_waiting(&receiver), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_never_see_a_torn_message_or_the_past),
		cmocka_unit_test(a_planted_torn_message_is_noticed),
		cmocka_unit_test(a_queue_loses_nothing_and_repeats_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
