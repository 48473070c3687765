/*
 * bell: doorbells. do=ring writes to the channel `news` and rings, n=100 times; do=listen sleeps until it
 * is rung for, and judges; do=ear only counts, so that a bell has more than one receiver.
 *
 * Every ring finds its message there, interrupts once for each receiver, and costs the ringer one call;
 * other partitions' channels and channels without a bell are refused.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/sampling.h>
#include <mullion/status.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#define VECTOR      0x70u
#define PATIENCE_NS 50000000ull
#define NAP_NS      10000000ull

static volatile uint64_t rings, stale, slowest;
static uint64_t last;
static struct sampling_reader news;

static const struct mullion_region *need(const char *const name, const unsigned access)
{
	const struct mullion_region *const r =
		info_region_named(MULLION_REGION_SAMPLING, name, access);

	if (r == NULL) {
		printf("Bail out! no channel %s\n", name);
		exit(1);
	}
	return r;
}

static int role_ring(void)
{
	const uint64_t count = args_number("n", 100);
	const struct mullion_region *const r = need("news", MULLION_WRITE);
	const struct mullion_region *const mute = need("mute", MULLION_WRITE);
	const struct mullion_region *const foreign = need("back", MULLION_READ);
	struct sampling_writer port;
	uint64_t refused;

	sampling_open_writer(&port, region_address(r), r->bytes, r->message_bytes);
	time_delay_ns(args_number("after-ns", 3000000));
	refused = (uint64_t)!doorbell_ring(mute->index) + !doorbell_ring(foreign->index) +
		  !doorbell_ring(1000);
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t message[2] = { i + 1, refused };

		sampling_write(&port, (const uint8_t *)message, sizeof(message), tsc_read());
		if (!doorbell_ring(r->index))
			return 1;
		time_delay_ns(args_number("pause-ns", 20000));
	}
	return 0;
}

/* The message that was rung for is there already. */
static void on_ring(struct irq_frame *const frame)
{
	const uint64_t now = tsc_read();
	struct sampling_message about;
	static union {
		uint64_t words[2];
		uint8_t bytes[MULLION_CHANNEL_MESSAGE_MOST];
	} message;

	(void)frame;
	rings++;
	sampling_read(&news, message.bytes, &about);
	stale += message.words[0] != rings;
	last = message.words[1];
	if (now - about.written_tsc > slowest)
		slowest = now - about.written_tsc;
}

static void on_nap(struct irq_frame *const frame)
{
	(void)frame;
}

static void listen(void)
{
	const struct mullion_region *const r = need("news", MULLION_READ);
	const uint64_t count = args_number("n", 100);

	sampling_open_reader(&news, region_address(r), r->bytes, r->message_bytes, UINT64_MAX,
		status_get(r->peer));
	irq_disable();
	irq_set_handler(VECTOR, on_ring);
	timer_init(on_nap);
	while (rings < count && time_now_ns() < PATIENCE_NS) {
		timer_arm(tsc_read() + time_ticks_from_ns(NAP_NS));
		irq_wait();
	}
}

static int role_listen(void)
{
	const uint64_t count = args_number("n", 100);
	const uint64_t bound = args_number("bound", 5000);

	tap_plan(4);
	listen();
	tap_check(rings == count, "every_ring_interrupts_once", "%" PRIu64 " of %" PRIu64, rings,
		count);
	tap_check(stale == 0, "what_was_rung_for_is_there", "%" PRIu64 " times not", stale);
	tap_check(last == 3, "bells_of_others_and_channels_without_one_are_refused", "%" PRIu64,
		last);
	tap_check(slowest <= bound, "a_ring_is_heard_in_time", "after %" PRIu64 " ticks", slowest);
	printf("# bell: heard at most %" PRIu64 " ticks after the message was begun\n", slowest);
	return tap_status();
}

int main(void)
{
	if (args_is("do", "ring"))
		return role_ring();
	if (args_is("do", "listen"))
		return role_listen();
	listen();
	return rings == args_number("n", 100) ? 0 : 1;
}
