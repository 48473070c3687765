/*
 * CPUs and windows: who runs where, and when.
 *
 * The invariant that is proved: an owned CPU has one vcpu and no windows; on a framed CPU the
 * windows of each schedule are ascending, disjoint, inside the frame, and of vcpus of this CPU; all
 * schedules count in the same parts of a tick, so that one follows another exactly.
 */
#include "audit.h"

#include "allocate.h"

#define MOST_WINDOWS 65536u

static bool is_after(const struct mullion_ticks *a, const struct mullion_ticks *b)
{
	return a->whole != b->whole ? a->whole > b->whole : a->part > b->part;
}

/* ---- CPUs ---- */

static void check_vcpu(struct audit *audit, unsigned v)
{
	const struct mullion_vcpu *vcpu = &audit->vcpus[v];
	const struct mullion_cpu *cpu = &audit->cpus[vcpu->cpu];

	if (vcpu->mode != cpu->mode)
		audit_find(audit, "cpu-mode",
			"vcpu %u of %s and CPU %u disagree whether it is owned", vcpu->index,
			audit->partitions[vcpu->partition].name, vcpu->cpu);
	if (cpu->mode == MULLION_CPU_OWNED && cpu->owner != v)
		audit_find(audit, "cpu-owner",
			"vcpu %u of %s runs on CPU %u, which is owned by another", vcpu->index,
			audit->partitions[vcpu->partition].name, vcpu->cpu);
}

static void check_cpu(struct audit *audit, unsigned c)
{
	const struct mullion_cpu *cpu = &audit->cpus[c];
	const bool owned = cpu->mode == MULLION_CPU_OWNED;
	unsigned other;

	if (!owned && cpu->mode != MULLION_CPU_FRAMED)
		audit_find(audit, "cpu-mode", "CPU %u is neither owned nor framed", c);
	if (owned &&
		(cpu->owner >= audit->system->vcpus_count || audit->vcpus[cpu->owner].cpu != c))
		audit_find(audit, "cpu-owner", "CPU %u is owned by no vcpu that runs there", c);
	if (!owned && cpu->owner != MULLION_NO_VCPU)
		audit_find(audit, "cpu-owner", "CPU %u is framed, and has an owner", c);
	for (other = 0; other < c; other++)
		if (audit->cpus[other].hardware_id == cpu->hardware_id)
			audit_find(audit, "cpu-twice", "CPUs %u and %u are both APIC id %u", other,
				c, cpu->hardware_id);
}

/* ---- Windows ---- */

struct list {
	const struct mullion_schedule *schedule;
	const char *name;
	unsigned cpu;
};

static void complain(struct audit *audit, const struct list *list,
	const struct mullion_window *window, size_t w, const char *what)
{
	audit_find(audit, "window",
		"window %zu of CPU %u in schedule %s, ticks %llu..%llu at %s, %s", w, list->cpu,
		list->name, (unsigned long long)window[w].start.whole,
		(unsigned long long)window[w].end.whole,
		audit_image_place(
			&audit->image, audit_address(list->schedule->cpus) +
					       list->cpu * sizeof(struct mullion_cpu_schedule)),
		what);
}

static void check_window(struct audit *audit, const struct list *list,
	const struct mullion_window *windows, size_t w)
{
	const struct mullion_window *window = &windows[w];
	const uint64_t denominator = list->schedule->denominator;

	if (window->start.part >= denominator || window->end.part >= denominator)
		complain(audit, list, windows, w, "has more parts of a tick than a tick has");
	if (!is_after(&window->end, &window->start))
		complain(audit, list, windows, w, "does not end after it starts");
	if (is_after(&window->end, &list->schedule->frame))
		complain(audit, list, windows, w, "ends after its frame");
	if (w && is_after(&windows[w - 1].end, &window->start))
		complain(audit, list, windows, w, "starts before the one in front of it has ended");
	if (window->vcpu >= audit->system->vcpus_count ||
		audit->vcpus[window->vcpu].cpu != list->cpu)
		complain(audit, list, windows, w, "belongs to no vcpu of this CPU");
}

static void check_list(
	struct audit *audit, const struct list *list, const struct mullion_cpu_schedule *cpu)
{
	const struct mullion_window *windows;
	size_t w;

	if (cpu->count && audit->cpus[list->cpu].mode == MULLION_CPU_OWNED)
		audit_find(audit, "window", "CPU %u is owned, and schedule %s has windows on it",
			list->cpu, list->name);
	if (cpu->count > MOST_WINDOWS) {
		audit_find(audit, "window", "CPU %u has %u windows in schedule %s", list->cpu,
			cpu->count, list->name);
		return;
	}
	windows = cpu->count ? audit_constant(audit, audit_address(cpu->windows),
				       cpu->count * sizeof(*windows), 8,
				       format("the windows of CPU %u", list->cpu))
			     : NULL;
	for (w = 0; windows && w < cpu->count; w++)
		check_window(audit, list, windows, w);
}

static void check_schedule(struct audit *audit, const struct mullion_schedule *schedule,
	const struct mullion_schedule *first)
{
	struct list list = { schedule, audit_string(audit, schedule->name, "a schedule's name"),
		0 };
	const struct mullion_cpu_schedule *cpus = audit_constant(audit,
		audit_address(schedule->cpus), audit->system->cpus_count * sizeof(*cpus), 8,
		format("schedule %s", list.name));

	if (!schedule->frame.whole || !schedule->denominator ||
		schedule->frame.part >= schedule->denominator)
		audit_find(audit, "window", "schedule %s has no frame that is a length of time",
			list.name);
	if (schedule->denominator != first->denominator)
		audit_find(audit, "schedule-denominator",
			"schedule %s counts in parts of 1/%llu of a tick, and %s in 1/%llu: one "
			"would not follow the other on the exact instant",
			list.name, (unsigned long long)schedule->denominator,
			audit_string(audit, first->name, "a schedule's name"),
			(unsigned long long)first->denominator);
	for (; cpus && list.cpu < audit->system->cpus_count; list.cpu++)
		check_list(audit, &list, &cpus[list.cpu]);
}

void audit_time(struct audit *audit)
{
	const unsigned count = audit->system->schedules_count;
	const struct mullion_schedule *schedules = NULL;
	unsigned i;

	for (i = 0; i < audit->system->vcpus_count; i++)
		check_vcpu(audit, i);
	for (i = 0; i < audit->system->cpus_count; i++)
		check_cpu(audit, i);
	if (count) {
		schedules = audit_constant(audit, audit_address(audit->system->schedules),
			count * sizeof(*schedules), 8, "the schedules");
		if (audit->system->startup_schedule >= count)
			audit_find(audit, "window", "the schedule to start with does not exist");
	}
	for (i = 0; schedules && i < count; i++)
		check_schedule(audit, &schedules[i], schedules);
}
