/*
 * Rules about CPUs: each has one number, one mode and, where it is owned, one owner.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define LARGEST_APIC_ID 254u /* 255 is the broadcast address of the xAPIC */

static struct location mode_at(const struct check *check, const struct model_cpu *cpu)
{
	return place(check, cpu->at, "mode");
}

static struct location cpus_at(const struct check *check, const struct model_partition *partition)
{
	return place(check, partition->at, "cpus");
}

static void apic_twice(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->cpus_count; i++)
		for (size_t k = 0; k < i; k++)
			if (model->cpus[i].apic_id == model->cpus[k].apic_id)
				fault(check, place(check, model->cpus[i].at, "apic-id"),
					say(check, "cpu@%u and cpu@%u both have APIC id %" PRIu32,
						model->cpus[k].number, model->cpus[i].number,
						model->cpus[i].apic_id),
					"look the ids up in the board's MADT; each CPU has its "
					"own");
}

static void apic_range(struct check *check)
{
	for (size_t i = 0; i < check->model->cpus_count; i++) {
		const struct model_cpu *cpu = &check->model->cpus[i];

		if (cpu->apic_id > LARGEST_APIC_ID)
			fault(check, place(check, cpu->at, "apic-id"),
				say(check, "cpu@%u has APIC id %" PRIu32, cpu->number,
					cpu->apic_id),
				say(check, "the kernel starts CPUs by xAPIC ids, at most %u",
					LARGEST_APIC_ID));
	}
}

static void cpu_mode(struct check *check)
{
	for (size_t i = 0; i < check->model->cpus_count; i++) {
		const struct model_cpu *cpu = &check->model->cpus[i];

		if (cpu->mode == 0 && written(check, cpu->at, "mode"))
			fault(check, mode_at(check, cpu),
				say(check, "cpu@%u has a mode that does not exist", cpu->number),
				"write mode = \"owned\" or mode = \"framed\"");
	}
}

static void boot_cpu(struct check *check)
{
	const struct model *model = check->model;

	if (model->cpus_count != 0 && model->cpus[0].number == 0) {
		if (model->cpus[0].mode == 0 && !written(check, model->cpus[0].at, "mode"))
			fault(check, model->cpus[0].at, "CPU 0 boots the node, but has no mode",
				"add mode = \"owned\" or mode = \"framed\" to cpu@0");
		return;
	}
	if (model->cpus_count != 0)
		fault(check, model->cpus[0].at, "there is no CPU 0 to boot the node",
			"number the board's CPUs from 0");
}

/* Calls `function` for every number in every partition's `cpus`. */
static void each_claim(struct check *check,
	void (*function)(struct check *check, const struct model_partition *partition,
		uint32_t number, const struct model_cpu *cpu))
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct source_property *cpus =
			source_property(node_at(check, model->partitions[i].at), "cpus");

		for (size_t k = 0; cpus != NULL && !cpus->tainted && k < source_cells(cpus); k++) {
			const uint32_t number = source_cell(cpus, k);
			const struct model_cpu *cpu = NULL;

			for (size_t c = 0; c < model->cpus_count; c++)
				if (model->cpus[c].number == number)
					cpu = &model->cpus[c];
			function(check, &model->partitions[i], number, cpu);
		}
	}
}

static void claim_exists(struct check *check, const struct model_partition *partition,
	uint32_t number, const struct model_cpu *cpu)
{
	const struct model *model = check->model;

	if (cpu == NULL && model->cpus_count != 0)
		fault(check, cpus_at(check, partition),
			say(check, "%s claims CPU %" PRIu32 ", which the board does not have",
				partition->name, number),
			say(check, "the board %s has CPUs %u to %u", model->board.name,
				model->cpus[0].number, model->cpus[model->cpus_count - 1].number));
}

static void cpu_exists(struct check *check)
{
	each_claim(check, claim_exists);
}

static void claim_unframed(struct check *check, const struct model_partition *partition,
	uint32_t number, const struct model_cpu *cpu)
{
	if (cpu != NULL && cpu->mode == MULLION_CPU_FRAMED)
		fault(check, cpus_at(check, partition),
			say(check, "%s claims CPU %" PRIu32 " for itself, but the CPU is framed",
				partition->name, number),
			say(check,
				"take %" PRIu32 " out of `cpus` and give %s windows in a schedule, "
				"or write mode = \"owned\" in cpu@%" PRIu32,
				number, partition->name, number));
}

static void cpu_framed_claimed(struct check *check)
{
	each_claim(check, claim_unframed);
}

static void claim_started(struct check *check, const struct model_partition *partition,
	uint32_t number, const struct model_cpu *cpu)
{
	if (cpu != NULL && cpu->mode == 0 && !written(check, cpu->at, "mode"))
		fault(check, cpus_at(check, partition),
			say(check,
				"%s claims CPU %" PRIu32 ", which has no mode and is never started",
				partition->name, number),
			say(check, "add cpus { cpu@%" PRIu32 " { mode = \"owned\"; }; }", number));
}

static void cpu_unused_claimed(struct check *check)
{
	each_claim(check, claim_started);
}

static size_t times_claimed(const struct model_partition *partition, unsigned cpu)
{
	size_t times = 0;

	for (size_t i = 0; i < partition->owned_cpus_count; i++)
		times += partition->owned_cpus[i] == cpu;
	return times;
}

static void cpu_owned_twice(struct check *check)
{
	const struct model *model = check->model;

	for (unsigned cpu = 0; cpu < model->cpus_count; cpu++) {
		const struct model_partition *first = NULL;

		for (size_t i = 0; i < model->partitions_count; i++) {
			const struct model_partition *p = &model->partitions[i];

			if (times_claimed(p, cpu) == 0)
				continue;
			if (first != NULL)
				fault(check, cpus_at(check, p),
					say(check, "CPU %u is owned by %s (line %u) and by %s",
						model->cpus[cpu].number, first->name,
						first->at.line, p->name),
					say(check, "take it out of one of the two, or frame it and "
						   "give both windows"));
			else
				first = p;
		}
	}
}

static void cpu_listed_twice(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++)
		for (unsigned cpu = 0; cpu < model->cpus_count; cpu++)
			if (times_claimed(&model->partitions[i], cpu) > 1)
				fault(check, cpus_at(check, &model->partitions[i]),
					say(check, "%s lists CPU %u more than once",
						model->partitions[i].name, model->cpus[cpu].number),
					"list it once");
}

static void cpu_without_owner(struct check *check)
{
	const struct model *model = check->model;

	if (tainted(check, "/partitions"))
		return;
	for (size_t i = 0; i < model->cpus_count; i++) {
		const struct model_cpu *cpu = &model->cpus[i];

		if (cpu->mode == MULLION_CPU_OWNED && cpu->owner < 0)
			fault(check, mode_at(check, cpu),
				say(check, "CPU %u is to be owned, but no partition owns it",
					cpu->number),
				say(check, "add cpus = <%u> to a partition, or remove the mode",
					cpu->number));
	}
}

static bool has_windows(const struct model *model, int cpu)
{
	for (size_t i = 0; i < model->schedules_count; i++)
		for (size_t k = 0; k < model->schedules[i].cpus_count; k++)
			if (model->schedules[i].cpus[k].cpu == cpu &&
				model->schedules[i].cpus[k].windows_count != 0)
				return true;
	return false;
}

static void cpu_without_windows(struct check *check)
{
	const struct model *model = check->model;

	if (tainted(check, "/schedules"))
		return;
	for (size_t i = 0; i < model->cpus_count; i++) {
		const struct model_cpu *cpu = &model->cpus[i];

		if (cpu->mode == MULLION_CPU_FRAMED && !has_windows(model, (int)i))
			fault(check, mode_at(check, cpu),
				say(check, "CPU %u is framed, but no schedule has a window on it",
					cpu->number),
				say(check,
					"add cpu@%u { window@0 { ... }; } to a schedule, or remove "
					"the mode",
					cpu->number));
	}
}

const struct rule rules_cpu[] = {
	{ "apic-twice", "Every CPU has an APIC id of its own.", TIER_MEANING, apic_twice },
	{ "apic-range", "APIC ids are those of the xAPIC.", TIER_MEANING, apic_range },
	{ "cpu-mode", "A CPU's mode is owned or framed.", TIER_MEANING, cpu_mode },
	{ "boot-cpu", "CPU 0 exists and has a mode, because it boots the node.", TIER_MEANING,
		boot_cpu },
	{ "cpu-exists", "A partition owns only CPUs that the board has.", TIER_MEANING,
		cpu_exists },
	{ "cpu-framed-claimed", "A framed CPU is shared in windows and owned by nobody.",
		TIER_MEANING, cpu_framed_claimed },
	{ "cpu-unused-claimed", "A partition owns only CPUs that have a mode.", TIER_MEANING,
		cpu_unused_claimed },
	{ "cpu-owned-twice", "A CPU has one owner.", TIER_MEANING, cpu_owned_twice },
	{ "cpu-listed-twice", "A partition lists a CPU once.", TIER_MEANING, cpu_listed_twice },
	{ "cpu-without-owner", "An owned CPU has an owner.", TIER_MEANING, cpu_without_owner },
	{ "cpu-without-windows", "A framed CPU has a window in some schedule.", TIER_MEANING,
		cpu_without_windows },
	{ NULL, NULL, TIER_COUNT, NULL },
};
