/*
 * Prints the schedules: windows by CPU, in exact ticks from the start of the frame.
 */
#include "emit.h"

static void emit_windows(FILE *out, const struct plan *plan, size_t s, unsigned cpu)
{
	const struct plan_cpu_schedule *list = &plan->schedules[s].cpus[cpu];
	size_t w;

	fprintf(out, "static const struct mullion_window windows_%zu_%u[] = {\n", s, cpu);
	for (w = 0; w < list->count; w++) {
		const struct mullion_window *window = &list->windows[w];
		const unsigned p = plan->layout.vcpus[window->vcpu].partition;

		fprintf(out,
			"\t{ .start = { %lluull, %lluull }, .end = { %lluull, %lluull }, "
			".vcpu = %u }, /* %s */\n",
			(unsigned long long)window->start.whole,
			(unsigned long long)window->start.part,
			(unsigned long long)window->end.whole, (unsigned long long)window->end.part,
			window->vcpu, plan->model->partitions[p].name);
	}
	fputs("};\n", out);
}

static void emit_schedule(FILE *out, const struct plan *plan, size_t s)
{
	unsigned cpu;

	fprintf(out, "\n/* Schedule %s: frames of %llu ns. */\n", plan->model->schedules[s].name,
		(unsigned long long)plan->model->schedules[s].major_frame_ns);
	for (cpu = 0; cpu < plan->layout.cpus_count; cpu++)
		if (plan->schedules[s].cpus[cpu].count)
			emit_windows(out, plan, s, cpu);
	fprintf(out, "static const struct mullion_cpu_schedule schedule_%zu[%u] = {\n", s,
		plan->layout.cpus_count);
	for (cpu = 0; cpu < plan->layout.cpus_count; cpu++)
		if (plan->schedules[s].cpus[cpu].count)
			fprintf(out, "\t[%u] = { .windows = windows_%zu_%u, .count = %zu },\n", cpu,
				s, cpu, plan->schedules[s].cpus[cpu].count);
	fputs("};\n", out);
}

void emit_schedules(FILE *out, const struct plan *plan)
{
	size_t s;

	for (s = 0; s < plan->model->schedules_count; s++)
		emit_schedule(out, plan, s);
	if (!plan->model->schedules_count)
		return;
	fputs("\nstatic const struct mullion_schedule schedules[] = {\n", out);
	for (s = 0; s < plan->model->schedules_count; s++)
		fprintf(out,
			"\t{ .name = \"%s\", .frame = { %lluull, %lluull }, .denominator = "
			"%lluull,\n\t  .cpus = schedule_%zu },\n",
			plan->model->schedules[s].name,
			(unsigned long long)plan->schedules[s].frame.whole,
			(unsigned long long)plan->schedules[s].frame.part,
			(unsigned long long)plan->denominator, s);
	fputs("};\n", out);
}
