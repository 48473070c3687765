/*
 * Queues under their avionics names: `flood` sends more than the queue holds, `drain` is told so.
 * Time-outs run their time, in windows too. Each waits for the other by the sampling channels
 * `step` and `stepped`.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/apex.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "ports.h"

#define BYTES       64
#define DEPTH       16
#define EXTRA       5
#define REFRESH_NS  1000000000ll
#define TIME_OUT_NS 700000ll

static uint8_t message[BYTES];
static RETURN_CODE_TYPE code;
static MESSAGE_SIZE_TYPE length;
static VALIDITY_TYPE validity;
static SAMPLING_PORT_ID_TYPE said, heard;
static QUEUING_PORT_ID_TYPE jobs;

static void create(const char *const say, const char *const hear, const PORT_DIRECTION_TYPE end)
{
	RETURN_CODE_TYPE codes[3];

	CREATE_SAMPLING_PORT(say, 8, SOURCE, REFRESH_NS, &said, &codes[0]);
	CREATE_SAMPLING_PORT(hear, 8, DESTINATION, REFRESH_NS, &heard, &codes[1]);
	CREATE_QUEUING_PORT("jobs", BYTES, DEPTH, end, FIFO, &jobs, &codes[2]);
	tap_check(codes[0] == NO_ERROR && codes[1] == NO_ERROR && codes[2] == NO_ERROR,
		"ports_are_created", "%d %d %d", codes[0], codes[1], codes[2]);
}

static void say(const uint8_t step)
{
	const uint8_t bytes[8] = { step };

	WRITE_SAMPLING_MESSAGE(said, bytes, 8, &code);
}

static void hear(const uint8_t step)
{
	uint8_t bytes[8];

	do {
		rest();
		READ_SAMPLING_MESSAGE(heard, bytes, &length, &validity, &code);
	} while (code != NO_ERROR || bytes[0] < step);
}

static void send(const uint8_t first, const SYSTEM_TIME_TYPE time_out)
{
	message[0] = first;
	SEND_QUEUING_MESSAGE(jobs, message, BYTES, time_out, &code);
}

int role_flood(void)
{
	uint64_t start;

	tap_plan(5);
	create("stepped", "step", SOURCE);
	for (uint8_t i = 0; i < DEPTH; i++)
		send(i, 0);
	tap_check(code == NO_ERROR, "a_queue_takes_as_many_as_it_is_deep", "%d", code);
	for (uint8_t i = 0; i < EXTRA; i++)
		send(DEPTH, 0);
	tap_check(code == NOT_AVAILABLE, "a_full_queue_takes_no_more", "%d", code);
	start = time_now_ns();
	send(DEPTH, TIME_OUT_NS);
	tap_check(code == TIMED_OUT && time_now_ns() - start >= TIME_OUT_NS,
		"a_time_out_runs_its_time", "%d after %" PRIu64 " ns", code, time_now_ns() - start);
	say(1);
	hear(2);
	send(DEPTH, TIME_OUT_NS);
	tap_check(code == NO_ERROR, "there_is_room_again", "%d", code);
	let_it_be_printed();
	say(3);
	return tap_status();
}

static unsigned receive_rest(void)
{
	unsigned bad = 0;

	for (uint8_t i = 1; i < DEPTH; i++) {
		RECEIVE_QUEUING_MESSAGE(jobs, 0, message, &length, &code);
		bad += code != NO_ERROR || message[0] != i;
	}
	return bad;
}

int role_drain(void)
{
	uint64_t start;
	unsigned bad;

	tap_plan(6);
	create("step", "stepped", DESTINATION);
	hear(1);
	RECEIVE_QUEUING_MESSAGE(jobs, 0, message, &length, &code);
	tap_check(code == INVALID_CONFIG && length == BYTES && message[0] == 0,
		"an_overflow_is_told_with_the_next_message", "%d, message %u", code, message[0]);
	bad = receive_rest();
	tap_check(bad == 0, "what_was_taken_arrives_and_the_overflow_is_told_once", "%u bad", bad);
	RECEIVE_QUEUING_MESSAGE(jobs, 0, message, &length, &code);
	tap_check(code == NOT_AVAILABLE && length == 0, "an_empty_queue_gives_nothing", "%d", code);
	start = time_now_ns();
	RECEIVE_QUEUING_MESSAGE(jobs, TIME_OUT_NS, message, &length, &code);
	tap_check(code == TIMED_OUT && time_now_ns() - start >= TIME_OUT_NS,
		"waiting_for_a_message_ends_too", "%d after %" PRIu64 " ns", code,
		time_now_ns() - start);
	say(2);
	RECEIVE_QUEUING_MESSAGE(jobs, INFINITE_TIME_VALUE, message, &length, &code);
	tap_check(code == NO_ERROR && message[0] == DEPTH, "who_waits_gets_the_next_message", "%d",
		code);
	hear(3);
	let_it_be_printed();
	return tap_status();
}
