/*
 * attacker: the partition whose job is to try everything a partition may not do, one act after another,
 * and to report each one as contained, or not.
 *
 * Invariant: an act is contained only if it ended exactly as its table says and left what this
 * partition was given to read untouched; the tables are in acts_*.c, their outcomes in
 * docs/description.md and docs/partitions.md. It survives its acts where on-memory-violation is
 * "inject"; all other actions are the defaults.
 *
 *   groups=LIST   of memory, addresses, ports, msrs, instructions, controls, apic, hypercalls, cpuid,
 *                 storms; default: all of them. With a device: config, registers, messages, dma
 *   only=NAME     of these, the act of that name alone
 *   messages=remappable, self=ID   see acts_messages.c
 *   wrong=NUMBER  expects something else of that act: it must show as not contained
 *   for-ever=1    again and again, reporting only what is not contained
 *   list=1        names the acts, by group, and tries none
 *   last=NAME     then commits this act, which ends the partition or never ends: acts_last.c
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/platform.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "attacker.h"

#define ALL_GROUPS  "memory,addresses,ports,msrs,instructions,controls,apic,hypercalls,cpuid,storms"
#define GIVEN_PAGES 2u /* info and start page */

static const struct {
	const char *name;
	void (*acts)(void);
} groups[] = {
	{ "memory", acts_memory },
	{ "addresses", acts_addresses },
	{ "ports", acts_ports },
	{ "msrs", acts_msrs },
	{ "instructions", acts_instructions },
	{ "controls", acts_controls },
	{ "apic", acts_apic },
	{ "hypercalls", acts_hypercalls },
	{ "cpuid", acts_cpuid },
	{ "storms", acts_storms },
	{ "config", acts_config },
	{ "registers", acts_registers },
	{ "messages", acts_messages },
	{ "dma", acts_dma },
};

static bool counting, listing, quiet;
static const char *group;
static char only[ACT_NAME];
static unsigned number, contained, emulated;
static uint64_t saw, wrong;
static uint8_t given[GIVEN_PAGES * PAGE_BYTES];

void act_saw(const uint64_t result)
{
	saw = result;
}

const char *act_name(const char *const format, ...)
{
	static char name[ACT_NAME];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	return name;
}

static void attempt(void *const argument)
{
	const struct act *const act = argument;

	act->attempt(act);
}

static bool ended_as_expected(const struct act *const act, const struct catch_result *const r)
{
	if (act->vector == CATCH_NONE)
		return r->vector == CATCH_NONE && saw == act->result;
	return r->vector == act->vector && ((r->error ^ act->error) & ~act->ignored) == 0;
}

/* What the partition was given to read is as it was. */
static bool untouched(void)
{
	return memcmp(given, (const void *)(uintptr_t)MULLION_INFO_GPA, sizeof(given)) == 0;
}

static void report(const struct act *const act, const struct catch_result *const r, const bool good)
{
	contained += good;
	if (quiet && good)
		return;
	tap_check(good, act->name,
		"expected vector %d, error %#" PRIx64 ", result %#" PRIx64 "; was %d, %#" PRIx64
		", %#" PRIx64 "%s",
		act->vector, act->error, act->result, r->vector, r->error, saw,
		untouched() ? "" : "; and a page it may only read has changed");
}

static void carry_out(const struct act *const act)
{
	struct catch_result r;
	bool good, as_emulator;

	saw = 0;
	irq_disable();
	r = catch_call(attempt, (void *)(uintptr_t)act);
	good = ended_as_expected(act, &r) != (number == wrong);
	as_emulator =
		!good && act->emulator != NULL && r.vector == CATCH_NONE && saw == act->emulated;
	if (as_emulator && !quiet)
		printf("# the next one ends in the emulator's way: %s\n", act->emulator);
	emulated += as_emulator;
	report(act, &r, (good || as_emulator) && untouched());
}

void act_perform(const struct act *const act)
{
	if (only[0] != '\0' && strcmp(only, act->name) != 0)
		return;
	number++;
	if (listing)
		printf("act %s/%s\n", group, act->name);
	else if (!counting)
		carry_out(act);
}

void act_perform_all(const struct act *const acts, const unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		act_perform(&acts[i]);
}

void interrupts_take(const uint64_t ticks)
{
	const uint64_t end = tsc_read() + ticks;

	irq_enable();
	while (tsc_read() < end)
		cpu_pause();
	irq_disable();
}

static unsigned run_groups(void)
{
	number = contained = emulated = 0;
	for (unsigned i = 0; i < COUNT_OF(groups); i++) {
		group = groups[i].name;
		if (args_list_has("groups", ALL_GROUPS, group))
			groups[i].acts();
	}
	return number;
}

static void count_acts(void)
{
	counting = true;
	run_groups();
	counting = false;
	if (!quiet)
		tap_plan(number);
}

static _Noreturn void run_for_ever(void)
{
	for (;;)
		if (run_groups() == 0)
			cpu_stop();
}

int main(void)
{
	char last[ACT_NAME];

	if (platform.kind != PLATFORM_MULLION) {
		printf("1..0 # SKIP not under Mullion\n");
		return 0;
	}
	memcpy(given, (const void *)(uintptr_t)MULLION_INFO_GPA, sizeof(given));
	wrong = args_number("wrong", 0);
	quiet = args_number("for-ever", 0) != 0;
	args_text("only", only, sizeof(only));
	listing = args_number("list", 0) != 0;
	if (listing) {
		run_groups();
		return 0;
	}
	if (quiet)
		run_for_ever();
	count_acts();
	run_groups();
	printf("attack: %u acts, %u contained, %u of them in the emulator's way\n", number,
		contained, emulated);
	fflush(stdout);
	if (!args_text("last", last, sizeof(last)))
		return tap_status();
	if (!act_fatal(last))
		printf("last=%s: no such act, or it came back\n", last);
	return 2;
}
