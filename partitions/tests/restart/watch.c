/*
 * The witness: reads what every life says, and compares with the status page, which is the kernel's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/queuing.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "restart.h"

#define PATIENCE_NS 2000000000ull

static uint64_t lives, heard, disordered, strange, first_strange;

static void open_queue(struct queuing_receiver *const port)
{
	const struct mullion_region *const queue =
		info_region_named(MULLION_REGION_QUEUING, "lives", MULLION_READ);
	const struct mullion_region *const reader =
		info_region_named(MULLION_REGION_QUEUING_READER, "lives", MULLION_WRITE);

	if (queue == NULL || reader == NULL ||
		!queuing_open_receiver(port, region_address(queue), queue->bytes,
			region_address(reader), queue->message_bytes, queue->depth)) {
		printf("Bail out! no queue\n");
		exit(1);
	}
}

static const volatile struct mullion_status *status_page(void)
{
	const struct mullion_region *const r = info_region_nth(MULLION_REGION_STATUS, 0);

	if (r == NULL || r->access != MULLION_READ) {
		printf("Bail out! no status page\n");
		exit(1);
	}
	return region_address(r);
}

static uint64_t expected(const uint64_t number)
{
	return args_is("expect", "warm") && number > 1 ? MARKS_ALWAYS : 0;
}

static void judge(const struct life *const life)
{
	heard++;
	disordered += life->number != heard;
	if (life->marks == expected(life->number))
		return;
	if (strange++ == 0)
		first_strange = life->number << 32 | life->marks;
}

static void listen(struct queuing_receiver *const port)
{
	static union {
		struct life life;
		uint8_t bytes[MULLION_CHANNEL_MESSAGE_MOST];
	} message;
	uint64_t length;
	bool overflowed;

	while (heard < lives && time_now_ns() < PATIENCE_NS) {
		if (queuing_receive(port, message.bytes, &length, &overflowed) == QUEUING_MESSAGE)
			judge(&message.life);
		else if (time_is_framed(0))
			partition_yield();
	}
}

static void wait_for_state(const volatile struct mullion_status *const status, const uint32_t state)
{
	while (status->state != state && time_now_ns() < PATIENCE_NS)
		if (time_is_framed(0))
			partition_yield();
}

static unsigned event_of_restarts(void)
{
	if (args_is("how", "exit"))
		return MULLION_EVENT_EXIT;
	return args_is("how", "hang") ? MULLION_EVENT_WATCHDOG : MULLION_EVENT_RAISED;
}

int role_watch(void)
{
	const volatile struct mullion_status *const status = status_page();
	const uint64_t restarts = args_number("restarts", 4);
	const uint64_t reason =
		args_number("reason", MULLION_EVENT_EXIT << 8 | MULLION_ACTION_STOP);
	struct queuing_receiver port;

	lives = args_number("lives", 5);
	open_queue(&port);
	tap_plan(6);
	listen(&port);
	wait_for_state(status, MULLION_STATE_STOPPED);
	tap_check(heard == lives && disordered == 0, "every_life_is_lived_once_and_in_order",
		"%" PRIu64 " of %" PRIu64 ", %" PRIu64 " out of order", heard, lives, disordered);
	tap_check(strange == 0, "a_life_finds_of_the_one_before_what_it_should",
		"%" PRIu64 " do not; the first: life %" PRIu64 ", marks %#" PRIx64, strange,
		first_strange >> 32, first_strange & 0xffffffff);
	tap_check(status->state == MULLION_STATE_STOPPED, "in_the_end_it_is_stopped",
		"state %" PRIu32, status->state);
	tap_check(status->restarts == restarts, "its_restarts_are_counted", "%" PRIu32,
		status->restarts);
	tap_check(status->reason == reason, "what_ended_it_is_said", "%#" PRIx32, status->reason);
	tap_check(status->events[event_of_restarts()] >= restarts, "its_events_are_counted",
		"%" PRIu64, status->events[event_of_restarts()]);
	return tap_status();
}
