/*
 * The schedule's clock against 128-bit arithmetic: exact after a million frames, whatever the fraction.
 */
#include "unit.h"

#include <mullion/core.h>

__extension__ typedef unsigned __int128 wide;

#define ROUNDS  40u
#define FRAMES  25000u
#define WINDOWS 3u
#define LIMIT   (1ull << 62)

uint64_t fake_now, fake_step;
uint32_t node_state;

static struct mullion_window windows[WINDOWS];
static struct mullion_cpu_schedule lists[2] = { { windows, WINDOWS }, { NULL, 0 } };
static struct mullion_schedule schedule = { .name = "test", .cpus = lists };
static const struct mullion_cpu cpu_configs[2];
const struct mullion_system mullion_system = {
	.cpus = cpu_configs, .schedules = &schedule, .timekeeper = MULLION_NO_VCPU
};
struct cpu system_cpus[1];

static uint64_t random_below(uint64_t *random, uint64_t limit)
{
	return unit_random(random) % limit;
}

static void randomize(uint64_t *random, uint64_t denominator)
{
	schedule.denominator = denominator;
	schedule.frame.whole = random_below(random, 1ull << 30) + 1;
	schedule.frame.part = random_below(random, denominator);
	for (unsigned w = 0; w < WINDOWS; w++) {
		windows[w].start.whole = random_below(random, schedule.frame.whole + 1);
		windows[w].start.part = random_below(random, denominator);
	}
}

/* floor(epoch + n * frame + offset): whole parts and fractions apart, so that 128 bits are enough. */
static uint64_t reference(uint64_t epoch, uint64_t n, struct mullion_ticks offset)
{
	wide parts = (wide)n * schedule.frame.part + offset.part;

	return epoch + n * schedule.frame.whole + offset.whole +
	       (uint64_t)(parts / schedule.denominator);
}

static void follow(struct cpu *cpu, uint64_t epoch, unsigned frames)
{
	schedule_begin(cpu, epoch, 0);
	for (uint64_t n = 0; n < frames; n++)
		for (unsigned w = 0; w < WINDOWS; w++) {
			const struct mullion_window *window = schedule_window(cpu);

			assert_ptr_equal(window, &windows[w]);
			assert_int_equal(cpu->frame.number, n);
			assert_true(schedule_ticks(cpu, &window->start) ==
				    reference(epoch, n, window->start));
			schedule_advance(cpu);
		}
	assert_true(schedule_ticks(cpu, &(struct mullion_ticks){ 0, 0 }) ==
		    reference(epoch, frames, (struct mullion_ticks){ 0, 0 }));
}

static void a_million_frames_of_random_fractions_are_exact(void **state)
{
	uint64_t random = 7;
	struct cpu cpu = { .config = &cpu_configs[0] };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		randomize(&random, random_below(&random, LIMIT >> (round % 62)) + 1);
		follow(&cpu, unit_random(&random) >> 2, FRAMES);
	}
}

static void the_largest_fractions_carry(void **state)
{
	uint64_t random = 9;
	struct cpu cpu = { .config = &cpu_configs[0] };

	(void)state;
	randomize(&random, LIMIT);
	schedule.frame.part = LIMIT - 1;
	windows[0].start.part = windows[2].start.part = LIMIT - 1;
	windows[1].start.part = 0;
	follow(&cpu, 12345, 1000);
	randomize(&random, 1);
	follow(&cpu, 0, 1000);
}

static void a_cpu_without_windows_goes_from_frame_to_frame(void **state)
{
	uint64_t random = 11;
	struct cpu cpu = { .config = &cpu_configs[1] };

	(void)state;
	randomize(&random, 1000003);
	schedule_begin(&cpu, 99, 0);
	for (uint64_t n = 0; n < 1000; n++) {
		assert_null(schedule_window(&cpu));
		assert_true(schedule_frame_end(&cpu) ==
			    reference(99, n + 1, (struct mullion_ticks){ 0, 0 }));
		schedule_advance(&cpu);
	}
	assert_int_equal(cpu.frame.number, 1000);
}

/* The reference itself: half a tick per frame is a tick every other one. */
static void the_reference_carries_halves(void **state)
{
	(void)state;
	schedule.denominator = 2;
	schedule.frame = (struct mullion_ticks){ 10, 1 };
	assert_int_equal(reference(5, 1, (struct mullion_ticks){ 0, 0 }), 15);
	assert_int_equal(reference(5, 1, (struct mullion_ticks){ 0, 1 }), 16);
	assert_int_equal(reference(5, 3, (struct mullion_ticks){ 0, 0 }), 36);
}

static void without_framed_cpus_there_is_no_switch(void **state)
{
	(void)state;
	assert_true(schedule_switch(&system_cpus[0], 0) == MULLION_EINVAL);
	schedule_demand(&system_cpus[0], 0);
	schedule_look(&system_cpus[0]);
	assert_int_equal(node_switch, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_frames_of_random_fractions_are_exact),
		cmocka_unit_test(the_largest_fractions_carry),
		cmocka_unit_test(a_cpu_without_windows_goes_from_frame_to_frame),
		cmocka_unit_test(the_reference_carries_halves),
		cmocka_unit_test(without_framed_cpus_there_is_no_switch),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
