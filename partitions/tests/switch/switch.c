/*
 * switch: goes from schedule to schedule, and compares what every CPU's trace says of it with the exact
 * instant at which the former schedule's last frame ends, in 128-bit integers of its own: no CPU is a
 * tick off, however many switches came before, whatever the frequency.
 *
 * Arguments: n=20 switches, how=call (the default) or how=raise (by the health action, from schedule 0
 * to 1 only, so n=1), and for each schedule S and framed CPU C frame.S=NS first.S.C=NS, the offset of
 * its first window. late=0: ticks after its start at which a window may still be made ready: CPUs that
 * QEMU runs in turns take each other's time. plant=1 moves one expected instant by a nanosecond: then
 * the test must fail. The partition has the role "control".
 *
 * tell=1: two things are printed as JSON, for frames that begin with a switch and for others: how many
 * ticks after its start a CPU's first window was ready, and when its first instruction ran. The latter
 * is told of another CPU by a partition there with do=follow, after having seen n switches; the one
 * with the UART prints its console.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#define NS_PER_S     1000000000ull
#define CPUS         4u
#define NO_SUCH      (~0ull)
#define STAYS_FRAMES 3u

__extension__ typedef unsigned __int128 uint128;

/* Where the schedule in force began: frame number, and exact time since the epoch. */
static uint64_t base_frame, base_ns;
static uint64_t schedules, switches;
static uint64_t unrecorded, inexact, furthest, latest, wrong_windows, wrong_frames;

/* Ticks after a window's start, in frames of one kind. */
struct ticks {
	uint64_t n;
	int64_t least, most;
};
enum frame_kind { PLAIN, SWITCHED, FRAME_KINDS };
static struct ticks ready[CPUS][FRAME_KINDS], begun[FRAME_KINDS];

static const volatile struct mullion_node *node;
static const struct mullion_trace *traces[CPUS];

static uint64_t number(const char *const kind, const uint64_t schedule, const unsigned cpu)
{
	char key[40];

	if (cpu == CPUS)
		snprintf(key, sizeof(key), "%s.%" PRIu64, kind, schedule);
	else
		snprintf(key, sizeof(key), "%s.%" PRIu64 ".%u", kind, schedule, cpu);
	return args_number(key, NO_SUCH);
}

static uint64_t expected(const uint64_t ns)
{
	return node->epoch_tsc + (uint64_t)((uint128)ns * time_rate.numerator /
					    ((uint128)time_rate.denominator * NS_PER_S));
}

static const void *need(const struct mullion_region *const region)
{
	if (region == NULL) {
		printf("Bail out! no such page\n");
		exit(1);
	}
	return region_address(region);
}

static void find_pages(void)
{
	node = need(info_region_nth(MULLION_REGION_NODE, 0));
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		if (number("first", 0, cpu) != NO_SUCH || number("first", 1, cpu) != NO_SUCH)
			traces[cpu] = need(info_region(MULLION_REGION_TRACE, cpu, MULLION_READ));
	while (number("frame", schedules, CPUS) != NO_SUCH)
		schedules++;
}

/* The record of this kind about that frame, the newest; NULL: there is none. */
static const struct mullion_trace_record *find(const struct mullion_trace *const ring,
	const unsigned kind, const uint64_t frame, const uint32_t cause)
{
	const uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	const uint64_t last = head > ring->capacity ? head - ring->capacity : 0;

	for (uint64_t k = head; k-- > last;) {
		const struct mullion_trace_record *const r = &ring->records[k % ring->capacity];

		if (r->kind == kind && r->b == frame && r->cause == cause)
			return r;
	}
	return NULL;
}

static void note(struct ticks *const ticks, const int64_t value)
{
	if (ticks->n == 0 || value < ticks->least)
		ticks->least = value;
	if (ticks->n == 0 || value > ticks->most)
		ticks->most = value;
	ticks->n++;
}

/* To the next window, whose first instruction reads the clock. */
static int64_t yield_to_next(void)
{
	uint64_t tsc;

	partition_yield();
	tsc = tsc_read();
	return (int64_t)(tsc - time_page(0)->window_start_tsc);
}

static void judge_window(
	const unsigned cpu, const uint64_t schedule, const uint64_t frame, const uint64_t start_ns)
{
	const uint64_t offset_ns = number("first", schedule, cpu);
	const struct mullion_trace_record *const r =
		find(traces[cpu], MULLION_TRACE_WINDOW, frame, 0);

	if (offset_ns == NO_SUCH) {
		wrong_windows += r != NULL;
		return;
	}
	wrong_windows += r == NULL || r->a != expected(start_ns + offset_ns);
	if (r == NULL)
		return;
	if (r->tsc > r->a && r->tsc - r->a > latest)
		latest = r->tsc - r->a;
	note(&ready[cpu][SWITCHED], (int64_t)(r->tsc - r->a));
}

/* The frames between this switch and the next, as the trace has them. */
static void note_plain(const unsigned cpu, const uint64_t frame)
{
	for (uint64_t later = frame + 1; later < frame + STAYS_FRAMES; later++) {
		const struct mullion_trace_record *const r =
			find(traces[cpu], MULLION_TRACE_WINDOW, later, 0);

		if (r != NULL)
			note(&ready[cpu][PLAIN], (int64_t)(r->tsc - r->a));
	}
}

static uint64_t distance(const uint64_t a, const uint64_t b)
{
	return a < b ? b - a : a - b;
}

static void judge_cpu(
	const unsigned cpu, const uint64_t schedule, const uint64_t frame, const uint64_t start_ns)
{
	const struct mullion_trace_record *const r =
		find(traces[cpu], MULLION_TRACE_SCHEDULE, frame, (uint32_t)schedule);

	if (r == NULL) {
		unrecorded++;
		return;
	}
	inexact += r->a != expected(start_ns);
	if (distance(r->a, expected(start_ns)) > furthest)
		furthest = distance(r->a, expected(start_ns));
	judge_window(cpu, schedule, frame, start_ns);
}

static void wait_for_frame(const uint64_t frame)
{
	while (time_page(0)->frame < frame) {
		const int64_t value = yield_to_next();

		note(&begun[time_page(0)->frame == node->schedule_frame ? SWITCHED : PLAIN], value);
	}
}

static int64_t ask(const uint64_t schedule)
{
	if (args_is("how", "raise")) {
		health_raise(schedule);
		return (int64_t)node->next_frame;
	}
	return hypercall(MULLION_HC_SCHEDULE, schedule);
}

static void go_to(const uint64_t schedule, const uint64_t from)
{
	const uint64_t old_ns = number("frame", from, CPUS);
	const int64_t answer = ask(schedule);
	const uint64_t frame = (uint64_t)answer;
	uint64_t start_ns;

	if (answer < 0) {
		printf("# switch refused: %" PRId64 "\n", answer);
		unrecorded++;
		return;
	}
	wrong_frames += node->next_frame != frame || node->next_schedule != schedule;
	wrong_frames += frame <= time_page(0)->frame || frame > time_page(0)->frame + 3;
	wait_for_frame(frame + STAYS_FRAMES);
	wrong_frames += node->schedule != schedule || node->schedule_frame != frame;
	start_ns = base_ns + (frame - base_frame) * old_ns + (args_is("plant", "1") ? 1 : 0);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		if (traces[cpu] != NULL) {
			judge_cpu(cpu, schedule, frame, start_ns);
			note_plain(cpu, frame);
		}
	base_ns = start_ns;
	base_frame = frame;
}

static void judge_refusals(void)
{
	const uint64_t now = node->schedule;
	int64_t unknown, first, second;

	unknown = hypercall(MULLION_HC_SCHEDULE, schedules);
	first = hypercall(MULLION_HC_SCHEDULE, now);
	second = hypercall(MULLION_HC_SCHEDULE, now);
	tap_check(unknown == MULLION_EINVAL, "a_schedule_there_is_not_is_refused", "%" PRId64,
		unknown);
	tap_check(first > 0 && second == MULLION_EAGAIN,
		"a_switch_is_refused_while_one_is_under_way", "%" PRId64 " then %" PRId64, first,
		second);
}

static void judge(void)
{
	tap_check(unrecorded == 0, "every_cpu_takes_up_every_switch", "%" PRIu64 " did not",
		unrecorded);
	tap_check(wrong_frames == 0, "the_node_page_says_from_which_frame_on",
		"%" PRIu64 " times not", wrong_frames);
	tap_check(inexact == 0, "every_switch_is_at_the_exact_end_of_a_frame_on_all_cpus",
		"%" PRIu64 " are not", inexact);
	tap_check(wrong_windows == 0, "the_first_window_after_it_is_the_new_schedules",
		"%" PRIu64 " are not", wrong_windows);
	tap_check(latest <= args_number("late", 0), "and_is_ready_before_it_is_due",
		"one was ready %" PRIu64 " ticks after", latest);
}

static void print_kinds(const struct ticks kinds[FRAME_KINDS])
{
	static const char *const names[FRAME_KINDS] = { "plain", "switched" };

	for (unsigned k = 0; k < FRAME_KINDS; k++)
		printf("%s\"%s\":{\"n\":%" PRIu64 ",\"min\":%" PRId64 ",\"max\":%" PRId64 "}",
			k == 0 ? "" : ",", names[k], kinds[k].n, kinds[k].least, kinds[k].most);
}

static void print_first(void)
{
	printf("{\"first\":{");
	print_kinds(begun);
	printf("}}\n");
	fflush(stdout);
}

static void print_ready(void)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		if (traces[cpu] == NULL)
			continue;
		printf("{\"ready\":%u,", cpu);
		print_kinds(ready[cpu]);
		printf("}\n");
	}
	printf("{\"switches\":%" PRIu64 ",\"furthest\":%" PRIu64 "}\n", switches, furthest);
}

/* What other partitions have printed so far. */
static void print_consoles(void)
{
	const struct mullion_region *region;

	for (unsigned i = 0; (region = info_region_nth(MULLION_REGION_CONSOLE, i)) != NULL; i++) {
		const struct mullion_console *const console = region_address(region);

		if (!(region->access & MULLION_WRITE))
			printf("%.*s", (int)console->head, (const char *)console->data);
	}
}

static _Noreturn void follow(void)
{
	uint32_t schedule = time_page(0)->schedule;

	while (begun[SWITCHED].n < switches) {
		const int64_t value = yield_to_next();
		const uint32_t now = time_page(0)->schedule;

		note(&begun[now == schedule ? PLAIN : SWITCHED], value);
		schedule = now;
	}
	print_first();
	for (;;)
		partition_yield();
}

int main(void)
{
	const bool raises = args_is("how", "raise");
	uint64_t schedule = 0;

	switches = args_number("n", 20);
	if (args_is("do", "follow"))
		follow();

	find_pages();
	tap_plan(raises ? 5 : 7);
	wait_for_frame(2);
	for (uint64_t i = 0; i < switches; i++) {
		const uint64_t next = (schedule + 1) % schedules;

		go_to(next, schedule);
		schedule = next;
	}
	judge();
	if (!raises)
		judge_refusals();
	if (args_is("tell", "1")) {
		print_ready();
		print_first();
		print_consoles();
	}
	return tap_status();
}
