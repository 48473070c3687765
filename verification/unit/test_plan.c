/* The plan: instants exact in the one fraction of a tick that all schedules share; who an image is. */
#include "unit.h"

#include <x86_tables.h>

#include "plan.h"
#include "sample_devices.h"
#include "sample_model.h"

#define NS_PER_S 1000000000u

__extension__ typedef unsigned __int128 wide;

/* whole + part/denominator ticks are ns * hz / 10^9, with nothing left over. */
static void assert_exact(
	struct fraction hz, const struct mullion_ticks *ticks, uint64_t denominator, uint64_t ns)
{
	const wide left = (wide)ticks->whole * denominator + ticks->part;

	assert_true(ticks->part < denominator);
	assert_true(left * hz.denominator * NS_PER_S == (wide)ns * hz.numerator * denominator);
}

static void assert_schedule(const struct plan *plan, size_t s)
{
	const struct model *model = plan->model;
	const struct model_schedule *schedule = &model->schedules[s];
	size_t c, w;

	assert_exact(model->board.tsc_hz, &plan->schedules[s].frame, plan->denominator,
		schedule->major_frame_ns);
	for (c = 0; c < schedule->cpus_count; c++)
		for (w = 0; w < schedule->cpus[c].windows_count; w++) {
			const struct model_window *window = &schedule->cpus[c].windows[w];
			const int cpu = model->cpus[schedule->cpus[c].cpu].index;
			const struct mullion_window *planned =
				&plan->schedules[s].cpus[cpu].windows[w];

			assert_exact(model->board.tsc_hz, &planned->start, plan->denominator,
				window->offset_ns);
			assert_exact(model->board.tsc_hz, &planned->end, plan->denominator,
				window->offset_ns + window->duration_ns);
		}
}

/* Two more schedules of CPU 0, of lengths that share nothing with the first. */
static void add_schedules(struct model *model, uint64_t second_ns, uint64_t third_ns)
{
	struct model_schedule *schedules = calloc(3, sizeof(*schedules));
	struct model_cpu_schedule *lists = calloc(2, sizeof(*lists));
	struct model_window *windows = calloc(2, sizeof(*windows));
	size_t s;

	assert_int_equal(model->schedules_count, 1);
	schedules[0] = model->schedules[0];
	for (s = 0; s < 2; s++) {
		const uint64_t frame_ns = s ? third_ns : second_ns;

		windows[s] = (struct model_window){
			.offset_ns = frame_ns / 7, .duration_ns = frame_ns / 3, .partition = 2
		};
		lists[s] = (struct model_cpu_schedule){
			.cpu = 0, .windows = &windows[s], .windows_count = 1
		};
		schedules[s + 1] = (struct model_schedule){ .name = s ? "third" : "second",
			.major_frame_ns = frame_ns,
			.cpus = &lists[s],
			.cpus_count = 1 };
	}
	free(model->schedules);
	model->schedules = schedules;
	model->schedules_count = 3;
}

static void drop_schedules(struct model *model)
{
	free(model->schedules[1].cpus[0].windows);
	free(model->schedules[1].cpus);
}

static void every_instant_of_every_schedule_is_exact_in_one_fraction(void **state)
{
	static const struct fraction rates[] = { { 1000000000, 1 }, { 3000000007, 3 },
		{ 1000000007000000, 1000003 }, { 2899999999, 7 }, { 24000000, 1 } };
	uint64_t random = 7;
	unsigned round;

	(void)state;
	for (round = 0; round < 100; round++) {
		struct model *model = sample_model();
		struct finding wrong;
		struct plan plan;
		size_t s;

		model->board.tsc_hz = rates[round % 5];
		model->board.timer_hz = model->board.tsc_hz;
		add_schedules(model, 100000 + unit_random(&random) % 100000000,
			100000 + unit_random(&random) % 100000000);
		assert_true(plan_build(model, false, &plan, &wrong));
		for (s = 0; s < 3; s++)
			assert_schedule(&plan, s);
		plan_free(&plan);
		drop_schedules(model);
		sample_model_free(model);
	}
}

/*
 * At a rate of N/10^12 Hz a nanosecond is N/10^21 of a tick, and 10^21 = 2^21 * 5^21. Instants that
 * share a power of 2, and others that share one of 5, need fewer than 2^64; all of them together, all.
 */
static void schedules_that_share_no_fraction_are_refused_by_name(void **state)
{
	struct model *model = sample_model();
	struct finding wrong = { 0 };
	struct plan plan;

	(void)state;
	model->board.tsc_hz = (struct fraction){ 1000000000000000003, 1000000000000 };
	model->board.timer_hz = model->board.tsc_hz;
	add_schedules(model, 4096 * 21 * 100, 4096 * 21 * 101);
	assert_true(plan_build(model, false, &plan, &wrong));
	plan_free(&plan);
	drop_schedules(model);
	model->schedules_count = 1;
	add_schedules(model, 4096 * 21 * 100, 3125 * 21 * 101);
	assert_false(plan_build(model, false, &plan, &wrong));
	assert_string_equal(wrong.rule, "frame-arithmetic");
	assert_non_null(strstr(wrong.sentence, "schedule third"));
	plan_free(&plan);
	drop_schedules(model);
	sample_model_free(model);
}

static uint64_t image_id(const struct model *model)
{
	struct finding wrong;
	struct plan plan;
	uint64_t id;

	assert_true(plan_build(model, false, &plan, &wrong));
	id = plan.image_id;
	plan_free(&plan);
	return id;
}

static void an_image_keeps_its_id_and_another_has_another(void **state)
{
	struct model *model = sample_model(), *same = sample_model();
	const uint64_t id = image_id(model);

	(void)state;
	assert_true(id != 0 && id == image_id(same));
	same->name = "other";
	assert_true(id != image_id(same));
	same->name = model->name;
	same->partitions[1].name = "other";
	assert_true(id != image_id(same));
	sample_model_free(model);
	sample_model_free(same);
}

/* The rules let no registers lie in RAM; a model that nobody judged may have them in the kernel. */
static void registers_in_the_kernel_are_an_error_of_the_compiler(void **state)
{
	struct model *model = sample_model();
	struct finding wrong = { 0 };
	struct plan plan;

	(void)state;
	sample_devices(model, X86_IOMMU_VTD);
	model->iommus[0].reg.base = X86_KERNEL_TEXT;
	assert_false(plan_build(model, false, &plan, &wrong));
	assert_string_equal(wrong.rule, "maps-consistent");
	plan_free(&plan);
	sample_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_instant_of_every_schedule_is_exact_in_one_fraction),
		cmocka_unit_test(schedules_that_share_no_fraction_are_refused_by_name),
		cmocka_unit_test(an_image_keeps_its_id_and_another_has_another),
		cmocka_unit_test(registers_in_the_kernel_are_an_error_of_the_compiler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
