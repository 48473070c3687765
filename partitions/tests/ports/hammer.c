/*
 * Messages by the hundred thousand. `write` writes n= numbered messages to the channel `pose` as
 * fast as it can, then sends as many to the queue `jobs`. `read` reads `pose` all the while and
 * judges every message, then, where it has a queue, receives from it and judges every one.
 *
 * With tell=1 it tells `done` that it has finished; with wait=1 it waits to be told. plant=1 reads
 * as if nobody wrote: then torn messages must be found.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "ports.h"

#define MESSAGES 100000u

static uint64_t message[MESSAGE_WORDS_MOST];

struct seen {
	uint64_t reads, messages, torn, backwards, overtaken;
	uint64_t last;       /* number */
	uint64_t retries;    /* the most that one read needed */
	uint64_t retried;    /* reads that needed any */
	uint64_t unfinished; /* reads beside a message that was being written */
	bool careless;
};

int role_write(void)
{
	const uint64_t count = args_number("n", MESSAGES);
	struct sampling_writer pose;
	struct queuing_sender jobs;
	uint64_t words;

	open_writer(&pose, "pose");
	open_sender(&jobs, "jobs");
	words = pose.message_bytes / 8;
	for (uint64_t n = 1; n <= count; n++) {
		pattern_fill(message, n, words);
		sampling_write(&pose, (const uint8_t *)message, words * 8, tsc_read());
	}
	words = jobs.message_bytes / 8;
	for (uint64_t n = 1; n <= count; n++) {
		pattern_fill(message, n, words);
		while (!queuing_send(&jobs, (const uint8_t *)message, words * 8))
			rest();
	}
	return 0;
}

static void judge_message(struct seen *const seen, const struct sampling_message *const about)
{
	seen->messages += about->number != seen->last;
	seen->torn += !pattern_is(message, about->number, about->length / 8);
	seen->backwards += about->number < seen->last;
	seen->last = about->number;
}

/* What sampling_read would be if it did not look back at the writer. */
static enum sampling_outcome read_carelessly(
	const struct sampling_reader *const port, struct sampling_message *const about)
{
	const uint64_t *slot;

	about->number = port_load_acquire(&port->page->latest);
	about->length = port->message_bytes;
	slot = port->slots + (about->number & port->mask) * port->slot_words;
	port_copy_out((uint8_t *)message, slot + SAMPLING_SLOT_MESSAGE, about->length);
	return about->number == 0 ? SAMPLING_EMPTY : SAMPLING_MESSAGE;
}

static void look(struct seen *const seen, struct sampling_reader *const port)
{
	const uint64_t before = port->retries;
	struct sampling_message about;
	const enum sampling_outcome outcome =
		seen->careless ? read_carelessly(port, &about)
			       : sampling_read(port, (uint8_t *)message, &about);
	const uint64_t retries = port->retries - before;

	seen->reads++;
	seen->retried += retries != 0;
	seen->retries = retries > seen->retries ? retries : seen->retries;
	seen->overtaken += outcome == SAMPLING_OVERTAKEN;
	seen->unfinished += port_load(&port->page->begun) != port_load(&port->page->latest);
	if (outcome == SAMPLING_MESSAGE)
		judge_message(seen, &about);
}

static void judge_sampling(const struct seen *const seen, const uint64_t count)
{
	tap_check(seen->torn == 0, "no_message_is_torn", "%" PRIu64 " are", seen->torn);
	tap_check(seen->backwards == 0, "no_message_is_older_than_the_one_before",
		"%" PRIu64 " are", seen->backwards);
	tap_check(seen->overtaken == 0 && seen->retries <= 1,
		"every_read_gives_a_message_with_its_first_or_second_copy",
		"%" PRIu64 " gave none, one needed %" PRIu64 " more copies", seen->overtaken,
		seen->retries);
	tap_check(seen->last == count && seen->messages > 100, "the_last_message_arrives",
		"%" PRIu64 " is the last of %" PRIu64, seen->last, seen->messages);
	printf("# sampling: %" PRIu64 " reads, %" PRIu64 " messages, %" PRIu64
	       " read twice, %" PRIu64 " beside an unfinished one\n",
		seen->reads, seen->messages, seen->retried, seen->unfinished);
}

static void read_all(const uint64_t count)
{
	struct seen seen = { .careless = args_is("plant", "1") };
	struct sampling_reader pose;

	open_reader(&pose, "pose");
	while (seen.last < count)
		look(&seen, &pose);
	judge_sampling(&seen, count);
}

static void receive_all(const uint64_t count)
{
	struct queuing_receiver jobs;
	uint64_t length, bad = 0, empty = 0;
	bool overflowed;

	open_receiver(&jobs, "jobs");
	for (uint64_t n = 1; n <= count; n++) {
		while (queuing_receive(&jobs, (uint8_t *)message, &length, &overflowed) !=
			QUEUING_MESSAGE) {
			empty++;
			rest();
		}
		bad += length != jobs.message_bytes || !pattern_is(message, n, length / 8);
	}
	tap_check(bad == 0 && jobs.broken == 0, "every_message_of_the_queue_arrives_once_in_order",
		"%" PRIu64 " did not, %" PRIu64 " broken", bad, jobs.broken);
	printf("# queuing: %" PRIu64 " messages, %" PRIu64 " times empty\n", count, empty);
}

static void tell(void)
{
	struct queuing_sender done;

	open_sender(&done, "done");
	queuing_send(&done, (const uint8_t *)"done...", 8);
}

static void wait(void)
{
	struct queuing_receiver done;
	uint64_t length;
	bool overflowed;

	open_receiver(&done, "done");
	while (queuing_receive(&done, (uint8_t *)message, &length, &overflowed) != QUEUING_MESSAGE)
		rest();
}

int role_read(void)
{
	const uint64_t count = args_number("n", MESSAGES);
	const bool queue = info_region_named(MULLION_REGION_QUEUING, "jobs", MULLION_READ) != NULL;

	tap_plan(queue ? 5 : 4);
	read_all(count);
	if (queue)
		receive_all(count);
	if (args_is("wait", "1"))
		wait();
	let_it_be_printed();
	if (args_is("tell", "1"))
		tell();
	return tap_status();
}
