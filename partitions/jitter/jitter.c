/*
 * jitter: the probe. Measures what a real-time program on this vcpu would suffer, records every
 * sample in memory (mullion/samples.h) and prints a summary when all is measured; nothing is
 * printed before.
 *
 * The same ELF runs natively, under Mullion, under Xen and under KVM. Arguments, all optional:
 *
 *   tests=LIST       of gap, delivery.spin, delivery.halt, oneshot_x2apic.spin, oneshot_x2apic.halt,
 *                    oneshot_xapic.spin, oneshot_xapic.halt, exit.empty, exit.cpuid, exit.vmmcall,
 *                    exit.arm, exit.arm_count, exit.eoi, exit.arm_xapic, exit.eoi_xapic, phase,
 *                    phase.spin, vtimer, data; `exit` stands for all exit tests. Default: on a CPU with
 *                    windows phase, phase.spin, vtimer, exit.*; elsewhere gap, delivery, oneshot,
 *                    exit.*. What the machine does not offer (by CPUID) is left out.
 *   n=10000          samples per test; n-TEST=N for one test
 *   period-ns=100000 distance of deadlines, delay of one-shots
 *   gap-ns=200000000 duration of the gap test; gap-floor=64: gaps above so many ticks are all kept
 *   cpus=0           vcpus to measure, one after the other: a list, or all (natively with vcpus=N)
 *   busy=LIST        vcpus that spin meanwhile: what neighbours cost on this machine
 *   dump=1           print all samples too, where memory cannot be read from outside
 *   after=exit       or idle: halt for ever
 *   tsc-hz=N[/D]     natively: the TSC's frequency; without it CPUID, the hypervisor or the PIT tell
 *   apic=xapic       leave the APIC in xAPIC mode
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/platform.h>
#include <mullion/smp.h>
#include <mullion/time.h>

#include "jitter.h"

#define DEFAULT_SAMPLES         10000
#define DEFAULT_PERIOD_NS       100000
#define DEFAULT_GAP_NS          200000000
#define DEFAULT_GAP_FLOOR_TICKS 64

#define TESTS_OWNED                                                                                \
	"gap,delivery.spin,delivery.halt,oneshot_x2apic.spin,oneshot_x2apic.halt,oneshot_xapic."   \
	"spin,"                                                                                    \
	"oneshot_xapic.halt,exit"
#define TESTS_FRAMED "phase,phase.spin,vtimer,exit"

static struct jitter jitters[SMP_MAX_VCPUS];
static bool memory_sufficed = true;

uint64_t jitter_samples(const char *const test)
{
	char key[64];

	snprintf(key, sizeof(key), "n-%s", test);
	return args_number(key, args_number("n", DEFAULT_SAMPLES));
}

bool jitter_wants(const struct jitter *const jitter, const char *const test)
{
	const char *const otherwise = jitter->framed ? TESTS_FRAMED : TESTS_OWNED;

	return args_list_has("tests", otherwise, test) ||
	       (strncmp(test, "exit.", 5) == 0 && args_list_has("tests", otherwise, "exit"));
}

struct jitter_result *jitter_result(struct jitter *const jitter, const char *const name,
	const char *const note, const uint64_t samples)
{
	struct jitter_result *const result = &jitter->results[jitter->results_count];

	result->stream = stream_create(name, note, jitter->vcpu, samples);
	if (result->stream == NULL) {
		memory_sufficed = false;
		return NULL;
	}
	jitter->results_count++;
	return result;
}

static void measure_timers(struct jitter *const jitter)
{
	if (jitter_wants(jitter, "delivery.spin"))
		measure_delivery(jitter, false);
	if (jitter_wants(jitter, "delivery.halt"))
		measure_delivery(jitter, true);
	if (apic_mode() != APIC_X2APIC)
		return;
	if (jitter_wants(jitter, "oneshot_x2apic.spin"))
		measure_oneshot(jitter, false, APIC_X2APIC);
	if (jitter_wants(jitter, "oneshot_x2apic.halt"))
		measure_oneshot(jitter, true, APIC_X2APIC);
}

/* Through the page: before x2APIC mode, in which there is none. */
static void measure_xapic(struct jitter *const jitter)
{
	const enum apic_mode before = apic_mode();

	apic_switch(APIC_XAPIC);
	if (jitter_wants(jitter, "oneshot_xapic.spin"))
		measure_oneshot(jitter, false, APIC_XAPIC);
	if (jitter_wants(jitter, "oneshot_xapic.halt"))
		measure_oneshot(jitter, true, APIC_XAPIC);
	measure_exits_xapic(jitter);
	apic_switch(before);
}

static void measure_windows(struct jitter *const jitter)
{
	if (jitter_wants(jitter, "phase"))
		measure_phase(jitter);
	if (jitter_wants(jitter, "phase.spin"))
		measure_phase_spin(jitter);
	if (jitter_wants(jitter, "vtimer"))
		measure_vtimer(jitter);
}

static void measure(void *const argument)
{
	struct jitter *const jitter = argument;

	irq_disable();
	if (jitter_wants(jitter, "gap"))
		measure_gap(jitter);
	measure_timers(jitter);
	if (jitter_wants(jitter, "data") && platform.tsc_deadline)
		measure_data(jitter);
	measure_exits(jitter);
	measure_xapic(jitter);
	if (jitter->framed)
		measure_windows(jitter);
}

static struct jitter *prepare(const unsigned vcpu)
{
	struct jitter *const jitter = &jitters[vcpu];

	jitter->vcpu = vcpu;
	jitter->framed = time_is_framed(vcpu);
	jitter->period_ticks = time_ticks_from_ns(args_number("period-ns", DEFAULT_PERIOD_NS));
	jitter->gap_ticks = time_ticks_from_ns(args_number("gap-ns", DEFAULT_GAP_NS));
	jitter->gap_floor_ticks = args_number("gap-floor", DEFAULT_GAP_FLOOR_TICKS);
	return jitter;
}

static bool run_on(const unsigned vcpu)
{
	if (vcpu == 0) {
		measure(prepare(0));
		return true;
	}
	if (!smp_start(vcpu)) {
		printf("vcpu %u does not start\n", vcpu);
		return false;
	}
	smp_run(vcpu, measure, prepare(vcpu));
	smp_wait(vcpu);
	return true;
}

static _Noreturn void spin(void *const unused)
{
	(void)unused;
	for (volatile unsigned pass = 0;; pass++)
		;
}

static bool keep_busy(const unsigned vcpu)
{
	if (!smp_start(vcpu)) {
		printf("vcpu %u does not start\n", vcpu);
		return false;
	}
	smp_run(vcpu, spin, NULL);
	return true;
}

static bool listed(const char *const key, const char *const otherwise, const unsigned vcpu)
{
	char text[8];

	snprintf(text, sizeof(text), "%u", vcpu);
	return args_list_has(key, otherwise, text);
}

static void print(const struct jitter *const jitter)
{
	const bool dump = args_number("dump", 0) != 0;

	for (unsigned i = 0; i < jitter->results_count; i++)
		stream_print(jitter->results[i].stream, jitter->results[i].extra, dump);
}

int main(void)
{
	bool good = true;

	for (unsigned v = 1; v < info_vcpus() && v < SMP_MAX_VCPUS; v++)
		if (listed("busy", "", v))
			good = keep_busy(v) && good;
	for (unsigned v = 0; v < info_vcpus() && v < SMP_MAX_VCPUS; v++)
		if (args_is("cpus", "all") || listed("cpus", "0", v))
			good = run_on(v) && good;
	for (unsigned v = 0; v < SMP_MAX_VCPUS; v++)
		print(&jitters[v]);
	fflush(stdout);
	while (args_is("after", "idle"))
		irq_wait();
	return good && memory_sufficed ? EXIT_SUCCESS : EXIT_FAILURE;
}
