/*
 * Switches of schedules, in a node of framed CPUs whose windows end as early in their frames as may be,
 * and an owned one: whoever asks, and whenever, all take the switch up with the same frame, at the same
 * exact fraction of a tick, and none misses one.
 */
#include "unit.h"

#include <mullion/core.h>

__extension__ typedef unsigned __int128 wide;

#define FRAMED    4u
#define OWNED     FRAMED /* the last CPU */
#define CPUS      (FRAMED + 1)
#define SCHEDULES 3u
#define WINDOWS   2u
#define GUARD     10u
#define EPOCH     777777u
#define FRAMES    4000u /* remembered, from the one the fastest CPU is in */
#define ROUNDS    60u

uint64_t fake_now, fake_step;
uint32_t node_state;

static struct mullion_trace rings[CPUS];
static struct mullion_cpu configs[CPUS];
static struct mullion_window windows[SCHEDULES][CPUS][WINDOWS];
static struct mullion_cpu_schedule lists[SCHEDULES][CPUS];
static struct mullion_schedule schedules[SCHEDULES];
static struct mullion_node node;
const struct mullion_system mullion_system = { .cpus = configs,
	.cpus_count = CPUS,
	.schedules = schedules,
	.schedules_count = SCHEDULES,
	.timekeeper = 1,
	.switch_guard_ticks = GUARD,
	.node = &node };
struct cpu system_cpus[CPUS];

/* What the first CPU that got there found of every frame; all others have to find the same. */
static struct {
	bool known;
	uint32_t schedule;
	struct mullion_ticks start;
	uint64_t elapsed; /* whole ticks since the epoch, and */
	wide parts;       /* fractions, added up without a carry */
} frames[FRAMES];
static uint64_t random_state;
static int64_t expected_frame; /* of the switch under way, -1: none */
static uint32_t expected_schedule;
static unsigned switches, refusals;

static uint64_t below(uint64_t limit)
{
	return unit_random(&random_state) % limit;
}

/* ---- The node ---- */

static struct mullion_ticks random_ticks(uint64_t low, uint64_t high, uint64_t denominator)
{
	return (struct mullion_ticks){ .whole = low + below(high - low + 1),
		.part = below(denominator) };
}

/* Windows of a CPU: none, one that is over as soon as can be, or up to the frame's very end. */
static void lay_out(unsigned s, unsigned c, uint64_t denominator)
{
	struct mullion_window *w = windows[s][c];
	uint64_t frame = schedules[s].frame.whole;
	uint32_t count = c == OWNED ? 0 : (uint32_t)below(WINDOWS + 1);

	if (c == 1 && count == 0)
		count = 1; /* the timekeeper is a CPU with windows */
	w[0].start = (struct mullion_ticks){ 0, 0 };
	w[0].end = random_ticks(3 * GUARD, count > 1 ? frame / 2 : frame - 1, denominator);
	if (below(2))
		w[0].end.whole = 3 * GUARD;
	w[1].start = w[0].end;
	w[1].end = below(2) ? schedules[s].frame
			    : random_ticks(w[0].end.whole + 3 * GUARD, frame - 1, denominator);
	lists[s][c] = (struct mullion_cpu_schedule){ .windows = w, .count = count };
}

static void make_node(void)
{
	uint64_t denominator = below((1ull << 62) >> below(62)) + 1;

	for (unsigned s = 0; s < SCHEDULES; s++) {
		schedules[s] = (struct mullion_schedule){ .name = "s",
			.frame = random_ticks(20 * GUARD, 200 * GUARD, denominator),
			.denominator = denominator,
			.cpus = lists[s] };
		for (unsigned c = 0; c < CPUS; c++)
			lay_out(s, c, denominator);
	}
}

static void begin_node(void)
{
	memset(frames, 0, sizeof(frames));
	memset(&node, 0, sizeof(node));
	node_switch = 0;
	expected_frame = -1;
	for (unsigned c = 0; c < CPUS; c++) {
		configs[c] = (struct mullion_cpu){ .trace = &rings[c],
			.mode = c == OWNED ? MULLION_CPU_OWNED : MULLION_CPU_FRAMED };
		rings[c].head = 0;
		system_cpus[c] = (struct cpu){ .config = &configs[c] };
		if (c != OWNED)
			schedule_begin(&system_cpus[c], EPOCH, 0);
	}
	frames[0].known = true;
	frames[0].start.whole = frames[0].elapsed = EPOCH;
}

/* ---- What has to hold ---- */

static void check_frame(const struct cpu *cpu)
{
	uint64_t n = cpu->frame.number, denominator = schedules[0].denominator;

	assert_true(n > 0 && n < FRAMES);
	assert_true(frames[n - 1].known);
	if (!frames[n].known) {
		const struct mullion_schedule *before = &schedules[frames[n - 1].schedule];

		frames[n].known = true;
		frames[n].schedule = cpu->schedule;
		frames[n].start = cpu->frame.start;
		frames[n].elapsed = frames[n - 1].elapsed + before->frame.whole;
		frames[n].parts = frames[n - 1].parts + before->frame.part;
	}
	assert_int_equal(frames[n].schedule, cpu->schedule);
	assert_true(cpu->frame.start.whole ==
		    frames[n].elapsed + (uint64_t)(frames[n].parts / denominator));
	assert_true(cpu->frame.start.part == (uint64_t)(frames[n].parts % denominator));
	assert_ptr_equal(cpu->plan, &schedules[cpu->schedule]);
	assert_ptr_equal(cpu->windows, &lists[cpu->schedule][cpu_number(cpu)]);
}

/* A frame's schedule changes with the frame that the answer named, and with no other. */
static void check_schedule(const struct cpu *cpu)
{
	uint64_t n = cpu->frame.number;

	if (frames[n].schedule != frames[n - 1].schedule)
		assert_true(expected_frame == (int64_t)n);
	if (expected_frame == (int64_t)n)
		assert_int_equal(frames[n].schedule, expected_schedule);
}

/* When a CPU is done with the window, or with the frame if it has none. */
static uint64_t done_at(const struct cpu *cpu)
{
	const struct mullion_window *window = schedule_window(cpu);

	return (window != NULL ? schedule_ticks(cpu, &window->end) : schedule_frame_end(cpu)) -
	       GUARD;
}

static struct cpu *next_to_be_done(void)
{
	struct cpu *first = &system_cpus[0];

	for (unsigned c = 1; c < FRAMED; c++)
		if (done_at(&system_cpus[c]) < done_at(first))
			first = &system_cpus[c];
	return first;
}

static bool advance(void)
{
	struct cpu *cpu = next_to_be_done();
	uint64_t n = cpu->frame.number;

	fake_now = done_at(cpu) > fake_now ? done_at(cpu) : fake_now;
	schedule_advance(cpu);
	if (cpu->frame.number == n)
		return true;
	if (cpu->frame.number == FRAMES)
		return false;
	check_frame(cpu);
	check_schedule(cpu);
	return true;
}

static bool all_are_beyond(uint64_t frame)
{
	for (unsigned c = 0; c < FRAMED; c++)
		if (system_cpus[c].frame.number < frame)
			return false;
	return true;
}

/* A CPU asks in one of its windows, the owned one at any time. */
static bool may_ask(const struct cpu *cpu)
{
	const struct mullion_window *window;

	if (cpu == &system_cpus[OWNED])
		return true;
	window = schedule_window(cpu);
	return window != NULL && schedule_ticks(cpu, &window->start) <= fake_now;
}

static void ask(void)
{
	struct cpu *cpu = &system_cpus[below(CPUS)];
	uint32_t schedule = (uint32_t)below(SCHEDULES);
	int64_t answer;

	if (!may_ask(cpu))
		return;
	answer = schedule_switch(cpu, schedule);
	if (answer == MULLION_EAGAIN) {
		assert_true(expected_frame >= 0);
		refusals++;
		return;
	}
	assert_true(answer > 0);
	assert_true(expected_frame < 0 || all_are_beyond((uint64_t)expected_frame));
	for (unsigned c = 0; c < FRAMED; c++)
		assert_true(system_cpus[c].frame.number < (uint64_t)answer);
	assert_true((uint64_t)node.next_frame == (uint64_t)answer);
	assert_int_equal(node.next_schedule, schedule);
	expected_frame = answer;
	expected_schedule = schedule;
	switches++;
}

static void whoever_asks_and_whenever_all_follow_at_the_same_exact_tick(void **state)
{
	(void)state;
	random_state = 5;
	switches = refusals = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		make_node();
		begin_node();
		fake_now = EPOCH;
		while (advance())
			if (below(4) == 0)
				ask();
	}
	assert_true(switches > ROUNDS * FRAMES / 20);
	assert_true(refusals > switches);
}

static void no_other_schedule_is_switched_to(void **state)
{
	(void)state;
	begin_node();
	assert_true(schedule_switch(&system_cpus[0], SCHEDULES) == MULLION_EINVAL);
	assert_true(schedule_switch(&system_cpus[0], UINT64_MAX) == MULLION_EINVAL);
	assert_true(schedule_switch(&system_cpus[0], 1ull << 32) == MULLION_EINVAL);
	assert_true(schedule_switch(&system_cpus[0], 1ull << 48) == MULLION_EINVAL);
	assert_int_equal(node_switch, 0);
}

static void a_cpu_that_is_late_does_not_switch(void **state)
{
	(void)state;
	random_state = 6;
	make_node();
	begin_node();
	fake_now = schedule_frame_end(&system_cpus[0]);
	assert_true(schedule_switch(&system_cpus[0], 1) == MULLION_EAGAIN);
	fake_now--;
	assert_true(schedule_switch(&system_cpus[0], 1) == 2);
}

static void advance_all_to(uint64_t frame)
{
	while (!all_are_beyond(frame))
		assert_true(advance());
}

static void the_node_page_says_what_is_in_force_and_what_comes(void **state)
{
	(void)state;
	random_state = 8;
	make_node();
	begin_node();
	fake_now = EPOCH;
	expected_frame = schedule_switch(&system_cpus[1], 2);
	expected_schedule = 2;
	assert_int_equal(expected_frame, 2);
	assert_int_equal(node.next_schedule, 2);
	assert_int_equal(node.next_frame, 2);
	assert_int_equal(node.schedule, 0);
	advance_all_to(2);
	assert_int_equal(node.schedule, 2);
	assert_int_equal(node.schedule_frame, 2);
	assert_int_equal(rings[1].head, 1);
	assert_int_equal(rings[1].records[0].kind, MULLION_TRACE_SCHEDULE);
	assert_int_equal(rings[1].records[0].cause, 2);
	assert_int_equal(rings[1].records[0].b, 2);
	assert_int_equal(rings[1].records[0].a, frames[2].start.whole);
}

/* Health does not ask again: the timekeeper does, at its windows. */
static void what_health_demands_during_a_switch_follows_it(void **state)
{
	(void)state;
	random_state = 9;
	make_node();
	begin_node();
	fake_now = EPOCH;
	expected_frame = schedule_switch(&system_cpus[1], 2);
	expected_schedule = 2;
	schedule_demand(&system_cpus[0], 1);
	schedule_look(&system_cpus[1]);
	assert_int_equal(node.next_schedule, 2);
	advance_all_to(3);
	fake_now = system_cpus[1].frame.start.whole;
	schedule_look(&system_cpus[1]);
	assert_int_equal(node.next_schedule, 1);
	expected_frame = (int64_t)node.next_frame;
	expected_schedule = 1;
	advance_all_to((uint64_t)expected_frame + 1);
	assert_int_equal(node.schedule, 1);
	schedule_look(&system_cpus[1]); /* once */
	assert_int_equal(node.next_frame, expected_frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_asks_and_whenever_all_follow_at_the_same_exact_tick),
		cmocka_unit_test(no_other_schedule_is_switched_to),
		cmocka_unit_test(a_cpu_that_is_late_does_not_switch),
		cmocka_unit_test(the_node_page_says_what_is_in_force_and_what_comes),
		cmocka_unit_test(what_health_demands_during_a_switch_follows_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("switch", tests, NULL, NULL);
}
