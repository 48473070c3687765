/*
 * What one exiting instruction costs its guest. Invariant: a sample is the plain difference of two
 * TSC reads around it; exit.empty is the same without it, so a reader can subtract what he likes.
 */
#include <mullion/platform.h>
#include <mullion/time.h>

#include "jitter.h"

#define FAR_TICKS (1ull << 30) /* a deadline that never comes: the next arm is long before it */
#define FAR_COUNT 0x40000000u

struct exit_test {
	const char *name, *note;
	uint64_t (*once)(uint64_t argument, uint64_t *tsc);
	bool deadline; /* the argument is a deadline, else a timer count */
};

static void run(struct jitter *const jitter, const struct exit_test *const test)
{
	const uint64_t n = jitter_samples(test->name);
	struct jitter_result *const result = jitter_result(jitter, test->name, test->note, n);

	if (result == NULL)
		return;
	probe_timer_begin(test->deadline);
	stream_begin(result->stream);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t tsc;
		const uint64_t argument = test->deadline ? tsc_read() + FAR_TICKS : FAR_COUNT;
		const uint64_t value = test->once(argument, &tsc);

		stream_record(result->stream, tsc, (int64_t)value);
	}
	stream_end(result->stream);
	probe_timer_end();
}

static void run_if_wanted(struct jitter *const jitter, const struct exit_test *const test)
{
	if (jitter_wants(jitter, test->name))
		run(jitter, test);
}

void measure_exits(struct jitter *const jitter)
{
	const bool mullion = platform.kind == PLATFORM_MULLION;
	const bool x2apic = apic_mode() == APIC_X2APIC;
	const struct exit_test empty = { "exit.empty", "two RDTSC, nothing between", exit_empty,
		false };
	const struct exit_test cpuid = { "exit.cpuid", "CPUID leaf 0 between two RDTSC", exit_cpuid,
		false };
	const struct exit_test call = { "exit.vmmcall", "MULLION_HC_VERSION between two RDTSC",
		platform.intel ? exit_vmcall : exit_vmmcall, false };
	const struct exit_test arm = { "exit.arm", "WRMSR IA32_TSC_DEADLINE between two RDTSC",
		exit_arm, true };
	const struct exit_test count = { "exit.arm_count",
		"WRMSR x2APIC initial count between two RDTSC", exit_arm_count, false };
	const struct exit_test eoi = { "exit.eoi", "WRMSR x2APIC EOI between two RDTSC", exit_eoi,
		false };

	run_if_wanted(jitter, &empty);
	run_if_wanted(jitter, &cpuid);
	if (mullion)
		run_if_wanted(jitter, &call);
	if (platform.tsc_deadline)
		run_if_wanted(jitter, &arm);
	if (x2apic) {
		run_if_wanted(jitter, &count);
		run_if_wanted(jitter, &eoi);
	}
}

void measure_exits_xapic(struct jitter *const jitter)
{
	const struct exit_test arm = { "exit.arm_xapic",
		"MOV to the initial count between two RDTSC", exit_arm_xapic, false };
	const struct exit_test eoi = { "exit.eoi_xapic", "MOV to EOI between two RDTSC",
		exit_eoi_xapic, false };

	run_if_wanted(jitter, &arm);
	run_if_wanted(jitter, &eoi);
}
