/*
 * net: two network cards exchange numbered frames and compare every byte. In one partition with both
 * cards (role=both, natively), or in two partitions with one each (role=ping, role=echo).
 *
 * Arguments: frames=1000; card=N: the first one to use; vector=N: received frames interrupt, and the
 * partition sleeps between them; linger-ns=N: wait so long at the end, for others to have their say;
 * patience-ns=N: give up when nothing has come for so long; refused=N: so many frames will come that
 * are none; count: a tick is an instruction (QEMU -icount shift=0, one CPU), and what the calls cost is
 * printed. Runs natively and under Mullion.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/irq.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "station.h"

#define FRAMES      1000u
#define PATIENCE_NS 20000000000ull
#define STEP_NS     1000000ull

static struct card cards[2];
static struct station ping, echo;
static bool is_ping, is_echo, sleeps;
static uint64_t patience_ticks;
static volatile unsigned interrupts;

static void on_frame(struct irq_frame *const frame)
{
	(void)frame;
	interrupts++;
}

static void on_step(struct irq_frame *const frame)
{
	(void)frame;
}

static bool patient(const struct station *const station)
{
	return tsc_read() - station->progress_tsc < patience_ticks;
}

/* Interrupts are off but in here, so one that came since the last look at the ring ends the sleep. */
static void rest(void)
{
	if (!sleeps) {
		cpu_pause();
		return;
	}
	timer_arm(tsc_read() + time_ticks_from_ns(STEP_NS));
	irq_wait();
	timer_disarm();
}

static void run(void)
{
	bool came;

	do {
		came = is_ping && ping_step(&ping);
		came |= is_echo && echo_step(&echo);
		if (!came)
			rest();
	} while ((is_ping && !ping.done && patient(&ping)) ||
		 (is_echo && !echo.done && patient(&echo)));
}

static bool open_card(struct card *const card, const unsigned nth)
{
	const unsigned wanted = (unsigned)args_number("vector", 0);
	const bool good = card_open(card, nth, (uint8_t)args_number("last-bus", 0), wanted);

	tap_check(good, "the_card_is_found_and_started", "card %u is not", nth);
	if (good)
		printf("# %s %02x:%02x:%02x:%02x:%02x:%02x, vector %#x\n", card_name(card),
			card->mac[0], card->mac[1], card->mac[2], card->mac[3], card->mac[4],
			card->mac[5], card->vector);
	if (good && card->vector != 0) {
		irq_set_handler(card->vector, on_frame);
		sleeps = true;
	}
	return good;
}

static void check_honest(const struct card *const card)
{
	tap_check(!card_is_broken(card) && card_refused(card) == args_number("refused", 0),
		"the_device_told_nothing_but_the_truth", "broken %d, refused %" PRIu64,
		card_is_broken(card), card_refused(card));
}

static void report(const char *const role, const struct station *const station)
{
	printf("# %s: %" PRIu32 " of %" PRIu32 " frames right, %" PRIu32 " wrong\n", role,
		station->expected, station->frames, station->wrong);
	printf("# %s: frames came from tick %" PRIu64 " to %" PRIu64 "\n", role, station->first_tsc,
		station->progress_tsc);
	if (!args_is("count", "1"))
		return;
	meter_print(&station->send);
	meter_print(&station->receive);
	meter_print(&station->send_short);
	meter_print(&station->receive_short);
	meter_print(&station->reclaim);
}

static void check_ping(void)
{
	tap_check(ping.met, "the_other_end_answers", "it does not");
	tap_check(ping.next == ping.frames && ping.expected == ping.frames && ping.wrong == 0,
		"every_frame_comes_back_once_in_order_and_right_to_the_byte",
		"%" PRIu32 " sent, %" PRIu32 " right, %" PRIu32 " wrong", ping.next, ping.expected,
		ping.wrong);
	tap_check(ping.done, "the_other_end_says_good_bye", "it does not");
	check_honest(ping.card);
	report("ping", &ping);
}

static void check_echo(void)
{
	station_drain(&echo);
	tap_check(echo.done && echo.expected == echo.frames && echo.wrong == 0,
		"every_frame_arrives_once_in_order_and_right_to_the_byte",
		"%" PRIu32 " right, %" PRIu32 " wrong", echo.expected, echo.wrong);
	check_honest(echo.card);
	report("echo", &echo);
}

/* One interrupt may stand for several frames, and none comes for one that was polled. */
static void check_interrupts(const uint32_t frames)
{
	printf("# interrupts: %u\n", interrupts);
	tap_check(interrupts >= frames / IN_FLIGHT / 2, "received_frames_interrupt",
		"%u for %" PRIu32 " frames", interrupts, frames);
}

static void linger(const uint64_t ticks)
{
	const uint64_t end = tsc_read() + ticks;

	while (tsc_read() < end) {
		timer_arm(end);
		irq_wait();
	}
}

int main(void)
{
	const uint32_t frames = (uint32_t)args_number("frames", FRAMES);
	const unsigned first = (unsigned)args_number("card", 0);
	const bool interrupting = args_number("vector", 0) != 0;
	bool good = true;

	is_ping = !args_is("role", "echo");
	is_echo = !args_is("role", "ping");
	tap_plan((is_ping ? 5u : 0) + (is_echo ? 3u : 0) + (interrupting ? 1u : 0));
	patience_ticks = time_ticks_from_ns(args_number("patience-ns", PATIENCE_NS));
	timer_init(on_step);
	if (is_ping)
		good = open_card(&cards[0], first);
	if (is_echo)
		good = open_card(&cards[1], is_ping ? first + 1 : first) && good;
	if (!good)
		return 1;
	station_begin(&ping, &cards[0], frames);
	station_begin(&echo, &cards[1], frames);
	run();
	if (is_ping)
		check_ping();
	if (is_echo)
		check_echo();
	if (interrupting)
		check_interrupts(frames);
	linger(time_ticks_from_ns(args_number("linger-ns", 0)));
	return tap_status();
}
