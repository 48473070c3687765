/*
 * A peer that writes whatever it likes into its own pages, as fast as it can: `scribble` fills the
 * page of `lies` (it is the writer), that of `orders` (the sender) and its counter of `jobs` (the
 * receiver) with random words. `endure` reads, receives and sends n= times, and judges that nothing
 * happens.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "ports.h"

#define TIMES      20000u
#define GUARD      0xa5u
#define GUARD_SIZE 64u

static struct {
	uint8_t message[MULLION_CHANNEL_MESSAGE_MOST];
	uint8_t guard[GUARD_SIZE];
} place;

static uint64_t random_state = 1;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	/* Many small numbers, so that counters and lengths are often nearly right. */
	return random_state >> (random_state & 63);
}

int role_scribble(void)
{
	struct sampling_writer lies;
	struct queuing_sender orders;
	struct queuing_receiver jobs;
	uint64_t *pages[3];

	open_writer(&lies, "lies");
	open_sender(&orders, "orders");
	open_receiver(&jobs, "jobs");
	pages[0] = (uint64_t *)lies.page;
	pages[1] = (uint64_t *)orders.page;
	pages[2] = (uint64_t *)jobs.reader;
	for (;;) {
		port_store(&pages[0][random_state >> 8 & 511], random_word());
		port_store(&pages[0][random_state >> 8 & 1], random_state & 31);
		port_store(&pages[1][random_state >> 8 & 511], random_word());
		port_store(&pages[1][0], random_state >> 8 & 31);
		port_store(&pages[2][0], random_word());
	}
}

struct endured {
	uint64_t messages[3]; /* read, received, sent */
	uint64_t refused[3];
	uint64_t long_ones;
};

static void endure_once(struct endured *const e, struct sampling_reader *const lies,
	struct queuing_receiver *const orders, struct queuing_sender *const jobs)
{
	struct sampling_message about;
	uint64_t length = 0;
	bool overflowed, got;

	got = sampling_read(lies, place.message, &about) == SAMPLING_MESSAGE;
	(got ? e->messages : e->refused)[0]++;
	e->long_ones += got && about.length > lies->message_bytes;
	got = queuing_receive(orders, place.message, &length, &overflowed) == QUEUING_MESSAGE;
	(got ? e->messages : e->refused)[1]++;
	e->long_ones += got && length > orders->message_bytes;
	if (!got)
		queuing_clear(orders);
	got = queuing_send(jobs, place.message, jobs->message_bytes);
	(got ? e->messages : e->refused)[2]++;
}

static bool guard_is_good(void)
{
	for (unsigned i = 0; i < GUARD_SIZE; i++)
		if (place.guard[i] != GUARD)
			return false;
	return true;
}

int role_endure(void)
{
	const uint64_t times = args_number("n", TIMES);
	struct endured e = { 0 };
	struct sampling_reader lies;
	struct queuing_receiver orders;
	struct queuing_sender jobs;

	tap_plan(3);
	memset(place.guard, GUARD, sizeof(place.guard));
	open_reader(&lies, "lies");
	open_receiver(&orders, "orders");
	open_sender(&jobs, "jobs");
	for (uint64_t i = 0; i < times; i++)
		endure_once(&e, &lies, &orders, &jobs);
	tap_check(e.messages[0] + e.refused[0] == times, "every_read_ends", "some did not");
	tap_check(e.long_ones == 0 && guard_is_good(), "no_message_is_longer_than_described",
		"%" PRIu64 " were", e.long_ones);
	tap_check(e.refused[0] > 10 && e.refused[1] > 10 && e.refused[2] > 10 &&
			  e.messages[0] + e.messages[1] + e.messages[2] > 10,
		"the_peer_lied", "too rarely");
	printf("# read %" PRIu64 ", refused %" PRIu64 "; received %" PRIu64 ", refused %" PRIu64
	       "; sent %" PRIu64 ", refused %" PRIu64 "\n",
		e.messages[0], e.refused[0], e.messages[1], e.refused[1], e.messages[2],
		e.refused[2]);
	return tap_status();
}
