/*
 * Not a time: what a program computes whose every step is set off by its own timer.
 *
 * Invariant: a step's value depends on the step's number and on what the partition was given, never on when
 * it runs. Two runs with the same arguments must agree in every one of them: a register, an FPU state or a
 * page that is not kept for this vcpu alone shows in all steps after it.
 */
#include <mullion/info.h>
#include <mullion/platform.h>
#include <mullion/time.h>

#include "jitter.h"

#define INFO_WORDS    512u
#define GOLDEN        0x9e3779b97f4a7c15ull
#define MIX_SHIFT     29u
#define LOGISTIC      3.9375 /* exact in binary, and chaotic: one bit that differs spreads */
#define CPUID_LEAVES  8u
#define DEADLINE_LEAD 4u
#define VALUE_SHIFT   32u /* so that their sum cannot overflow */

struct machine {
	uint64_t integer;
	double real;
};

static uint64_t mixed(const uint64_t state, const uint64_t word)
{
	const uint64_t sum = (state ^ word) * GOLDEN;

	return sum ^ sum >> MIX_SHIFT;
}

/* What was given: the info page, CPUID, the vcpu's own identity. Nothing of it may ever change. */
static uint64_t given(uint64_t state)
{
	const uint64_t *const info = (const uint64_t *)(uintptr_t)MULLION_INFO_GPA;

	for (unsigned i = 0; platform.kind == PLATFORM_MULLION && i < INFO_WORDS; i++)
		state = mixed(state, info[i]);
	for (unsigned leaf = 0; leaf < CPUID_LEAVES; leaf++) {
		const struct cpuid id = cpuid_read(leaf, 0);

		state = mixed(state, (uint64_t)id.eax << 32 | id.ebx);
		state = mixed(state, (uint64_t)id.ecx << 32 | id.edx);
	}
	return mixed(state, apic_read(APIC_ID));
}

static void step(struct machine *const machine)
{
	uint64_t bits;

	machine->real = LOGISTIC * machine->real * (1 - machine->real);
	__builtin_memcpy(&bits, &machine->real, sizeof(bits));
	machine->integer = given(mixed(machine->integer, bits));
}

void measure_data(struct jitter *const jitter)
{
	const uint64_t n = jitter_samples("data"), lead = jitter->period_ticks / DEADLINE_LEAD;
	struct jitter_result *const result =
		jitter_result(jitter, "data", "what was computed, step by step; no time", n);
	struct machine machine = { .integer = GOLDEN, .real = 0.5 };
	uint64_t deadline = tsc_read() + jitter->period_ticks;

	if (result == NULL)
		return;
	stream_begin(result->stream);
	probe_timer_begin(true);
	for (uint64_t i = 0; i < n; i++, deadline += jitter->period_ticks) {
		while (deadline < tsc_read() + lead)
			deadline += jitter->period_ticks;
		isr_tsc = 0;
		msr_write(MSR_TSC_DEADLINE, deadline);
		wait_halted();
		step(&machine);
		stream_record(result->stream, isr_tsc, (int64_t)(machine.integer >> VALUE_SHIFT));
	}
	probe_timer_end();
	stream_end(result->stream);
}
