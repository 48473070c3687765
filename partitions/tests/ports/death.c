/*
 * A peer that is killed amidst a message. `die-writing` writes n= messages to `pose`, `die-sending`
 * sends n= to `jobs`; then each hands over a message that begins in its memory and ends behind it,
 * so that the violation stops it when half is copied. `mourn` reads what they leave: the last
 * complete messages, at once, and not valid from the moment on at which they were stopped, however fresh.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/status.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "ports.h"

#define MESSAGES 20u
#define PACE_NS  75000ull   /* between two, so that its reader sees it alive */
#define AFTER_NS 3000000ull /* when the peers are certainly dead */

static uint64_t message[MESSAGE_WORDS_MOST];

/* The last words of our memory: a message of twice as many leaves it. */
static const uint8_t *half_a_message(const uint64_t bytes, const uint64_t n)
{
	uint64_t *const end = (uint64_t *)(uintptr_t)info_get()->memory_bytes;
	uint64_t *const start = end - bytes / 16;

	pattern_fill(start, n, bytes / 16);
	return (const uint8_t *)start;
}

int role_die_writing(void)
{
	const uint64_t count = args_number("n", MESSAGES);
	struct sampling_writer pose;

	open_writer(&pose, "pose");
	for (uint64_t n = 1; n <= count; n++) {
		while (time_now_ns() < n * PACE_NS)
			rest();
		pattern_fill(message, n, pose.message_bytes / 8);
		sampling_write(&pose, (const uint8_t *)message, pose.message_bytes, tsc_read());
	}
	sampling_write(&pose, half_a_message(pose.message_bytes, count + 1), pose.message_bytes,
		tsc_read());
	return 1;
}

int role_die_sending(void)
{
	const uint64_t count = args_number("n", MESSAGES);
	struct queuing_sender jobs;

	open_sender(&jobs, "jobs");
	for (uint64_t n = 1; n <= count; n++) {
		pattern_fill(message, n, jobs.message_bytes / 8);
		while (!queuing_send(&jobs, (const uint8_t *)message, jobs.message_bytes))
			rest();
	}
	queuing_send(&jobs, half_a_message(jobs.message_bytes, count + 1), jobs.message_bytes);
	return 1;
}

static void judge_last(struct sampling_reader *const pose, const uint64_t count)
{
	struct sampling_message about = { 0 };
	const enum sampling_outcome outcome = sampling_read(pose, (uint8_t *)message, &about);
	const uint64_t slot = ((about.number + 1) & pose->mask) * pose->slot_words;

	tap_check(port_load(&pose->page->begun) == count + 1 &&
			  port_load(pose->slots + slot + SAMPLING_SLOT_MESSAGE) ==
				  pattern_word(count + 1, 0),
		"the_writer_died_amidst_a_message", "begun %" PRIu64 ", slot %" PRIx64,
		port_load(&pose->page->begun), port_load(pose->slots + slot));
	tap_check(outcome == SAMPLING_MESSAGE && about.number == count &&
			  pattern_is(message, count, about.length / 8),
		"the_last_complete_message_is_read", "outcome %d, message %" PRIu64, outcome,
		about.number);
	tap_check(pose->retries == 0, "with_the_first_copy", "%" PRIu64 " more", pose->retries);
}

/* While the writer lives its messages are valid, and none is after the kernel has said that it does not. */
static void watch_it_die(struct sampling_reader *const pose)
{
	struct sampling_message about;
	uint64_t valid = 0, late = 0, reads = 0;
	bool dead = false;

	while (time_now_ns() < AFTER_NS) {
		dead = !status_runs(pose->writer);
		if (sampling_read(pose, (uint8_t *)message, &about) != SAMPLING_MESSAGE)
			continue;
		reads++;
		if (!sampling_is_valid(pose, &about, tsc_read()))
			continue;
		valid++;
		late += dead;
	}
	tap_check(dead && valid > 0, "its_messages_are_valid_while_it_lives",
		"%" PRIu64 " valid of %" PRIu64 " reads", valid, reads);
	tap_check(dead && late == 0, "and_not_from_the_moment_on_at_which_it_is_stopped",
		"%" PRIu64 " valid ones", late);
}

/* From fresh to stale; every answer is compared with the clock. */
static void judge_age(struct sampling_reader *const pose)
{
	struct sampling_message about;
	uint64_t fresh = 0, wrong = 0, now;
	bool still = true;

	while (still) {
		sampling_read(pose, (uint8_t *)message, &about);
		now = tsc_read();
		still = sampling_is_fresh(pose, &about, now);
		wrong += still != (now <= about.written_tsc + pose->refresh_ticks) ||
			 sampling_is_valid(pose, &about, now);
		fresh += still;
	}
	tap_check(fresh > 100 && wrong == 0, "although_they_are_fresh_until_their_time_is_over",
		"%" PRIu64 " fresh reads, %" PRIu64 " wrong", fresh, wrong);
	now = about.written_tsc + pose->refresh_ticks;
	tap_check(sampling_is_fresh(pose, &about, now) && !sampling_is_fresh(pose, &about, now + 1),
		"to_the_tick", "not at %" PRIu64, now);
}

static void judge_queue(const uint64_t count)
{
	struct queuing_receiver jobs;
	uint64_t length, bad = 0, received = 0;
	bool overflowed;

	open_receiver(&jobs, "jobs");
	while (queuing_receive(&jobs, (uint8_t *)message, &length, &overflowed) == QUEUING_MESSAGE)
		bad += !pattern_is(message, ++received, length / 8);
	tap_check(received == count && bad == 0, "all_that_was_sent_whole_is_received",
		"%" PRIu64 " of %" PRIu64 ", %" PRIu64 " bad", received, count, bad);
	tap_check(jobs.slots[(count & (jobs.depth - 1)) * jobs.slot_words + QUEUING_SLOT_MESSAGE] ==
			  pattern_word(count + 1, 0),
		"the_sender_died_amidst_a_message", "it did not begin one");
}

int role_mourn(void)
{
	const uint64_t count = args_number("n", MESSAGES);
	struct sampling_reader pose;

	tap_plan(9);
	open_reader(&pose, "pose");
	watch_it_die(&pose);
	judge_last(&pose, count);
	judge_age(&pose);
	judge_queue(count);
	let_it_be_printed();
	return tap_status();
}
