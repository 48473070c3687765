/*
 * Storms: everything that costs the kernel time, as fast as it goes, for several windows where there are
 * any; and interrupts off for as long. Others must not notice: that is judged outside, by their samples.
 */
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/time.h>

#include "attacker.h"

#define VECTOR       0x51u
#define STORM        1000u
#define SHORT_COUNT  4000u
#define LONG_TICKS   3000000ull
#define WAIT_TICKS   30000000ull
#define RFLAGS_TF    (1ull << 8)
#define HOLE         0xf8000000ull
#define LOAD_BYTES   2u
#define FIRST_VECTOR 32u
#define LAST_VECTOR  254u

static volatile unsigned hits;

static void on_hit(struct irq_frame *const frame)
{
	(void)frame;
	hits++;
}

static void wait_for_hits(const unsigned count)
{
	irq_enable();
	for (const uint64_t end = tsc_read() + WAIT_TICKS; hits < count && tsc_read() < end;)
		cpu_pause();
	irq_disable();
}

static void on_period(struct irq_frame *const frame)
{
	(void)frame;
	if (++hits >= STORM)
		apic_write(APIC_TIMER_INITIAL, 0);
}

/* Not much shorter: a period below the exit's own length leaves the partition no time, for ever. That is a
 * last act, timer-storm. */
static void periodic(const struct act *const act)
{
	hits = 0;
	irq_set_handler(VECTOR, on_period);
	apic_write(APIC_LVT_TIMER, APIC_LVT_PERIODIC | VECTOR);
	apic_write(APIC_TIMER_INITIAL, (uint32_t)act->operand);
	wait_for_hits(STORM);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
	act_saw(hits);
}

static void on_deadline(struct irq_frame *const frame)
{
	(void)frame;
	if (++hits < STORM)
		msr_write(MSR_TSC_DEADLINE, 1);
}

static void past_deadlines(const struct act *const act)
{
	hits = 0;
	irq_set_handler(VECTOR, on_deadline);
	apic_write(APIC_LVT_TIMER, APIC_LVT_TSC_DEADLINE | VECTOR);
	msr_write(MSR_TSC_DEADLINE, act->operand);
	wait_for_hits(STORM);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
	act_saw(hits);
}

static void on_self(struct irq_frame *const frame)
{
	(void)frame;
	if (++hits < STORM)
		msr_write(0x83f, VECTOR);
}

static void self_interrupts(const struct act *const act)
{
	(void)act;
	hits = 0;
	irq_set_handler(VECTOR, on_self);
	msr_write(0x83f, VECTOR);
	wait_for_hits(STORM);
	act_saw(hits);
}

/* Every vector at once: each is taken once. */
static void all_vectors(const struct act *const act)
{
	(void)act;
	hits = 0;
	for (unsigned vector = FIRST_VECTOR; vector <= LAST_VECTOR; vector++) {
		irq_set_handler(vector, on_hit);
		msr_write(0x83f, vector);
	}
	wait_for_hits(LAST_VECTOR - FIRST_VECTOR + 1);
	act_saw(hits);
}

/* Interrupts off, for windows: they end nevertheless. */
static void deaf(const struct act *const act)
{
	const volatile struct mullion_time *const page = time_page(0);
	const uint64_t first = page->frame;

	for (const uint64_t end = tsc_read() + LONG_TICKS; tsc_read() < end;)
		if (act->operand)
			cpu_pause();
	act_saw(!time_is_framed(0) || page->frame > first + 1);
}

static void storm_of_cpuid(const struct act *const act)
{
	for (unsigned i = 0; i < act->operand; i++)
		cpuid_read(i, i);
}

static void storm_of_calls(const struct act *const act)
{
	for (unsigned i = 0; i < act->operand; i++)
		hypercall(act->target, i);
}

static void storm_of_ports(const struct act *const act)
{
	for (unsigned i = 0; i < act->operand; i++)
		port_write8((uint16_t)act->target, (uint8_t)i);
}

static void storm_of_strings(const struct act *const act)
{
	static uint8_t bytes[64];

	for (unsigned i = 0; i < act->operand; i++) {
		const uint8_t *from = bytes;
		uint64_t count = sizeof(bytes);

		__asm__ volatile("cld; rep outsb"
				 : "+S"(from), "+c"(count)
				 : "d"((uint16_t)act->target)
				 : "memory");
	}
}

static void storm_of_flushes(const struct act *const act)
{
	for (unsigned i = 0; i < act->operand; i++)
		__asm__ volatile("wbinvd; mov %%cr3, %%rax; mov %%rax, %%cr3" ::: "rax", "memory");
}

static void storm_of_eois(const struct act *const act)
{
	for (unsigned i = 0; i < act->operand; i++)
		apic_eoi();
}

static void storm_of_page_eois(const struct act *const act)
{
	volatile uint32_t *const eoi = (volatile uint32_t *)(uintptr_t)(APIC_PAGE + APIC_EOI);

	for (unsigned i = 0; i < act->operand; i++)
		*eoi = 0;
}

static void on_violation(struct irq_frame *const frame)
{
	hits++;
	frame->rip += LOAD_BYTES;
}

/* mov (%rdi), %eax: two bytes, skipped by the handler. */
static void storm_of_violations(const struct act *const act)
{
	hits = 0;
	irq_set_handler(VECTOR_GP, on_violation);
	for (unsigned i = 0; i < act->operand; i++)
		__asm__ volatile(".byte 0x8b, 0x07" ::"D"(act->target) : "rax", "memory");
	act_saw(hits);
}

/* rdmsr is two bytes, too. */
static void storm_of_refusals(const struct act *const act)
{
	hits = 0;
	irq_set_handler(VECTOR_GP, on_violation);
	for (unsigned i = 0; i < act->operand; i++)
		msr_read((uint32_t)act->target);
	act_saw(hits);
}

static void on_step(struct irq_frame *const frame)
{
	if (++hits >= STORM)
		frame->rflags &= ~RFLAGS_TF;
}

static void storm_of_steps(const struct act *const act)
{
	(void)act;
	hits = 0;
	irq_set_handler(VECTOR_DB, on_step);
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(RFLAGS_TF) : "memory", "cc");
	while (hits < STORM)
		cpu_pause();
	act_saw(hits);
}

static const struct act acts[] = {
	{ "a_timer_that_fires_every_4_us", periodic, 0, SHORT_COUNT, RETURNS(STORM) },
	{ "deadlines_in_the_past", past_deadlines, 0, 1, RETURNS(STORM) },
	{ "interrupts_to_itself_without_end", self_interrupts, 0, 0, RETURNS(STORM) },
	{ "all_vectors_at_once", all_vectors, 0, 0, RETURNS(LAST_VECTOR - FIRST_VECTOR + 1) },
	{ "interrupts_off_for_windows", deaf, 0, 0, RETURNS(1) },
	{ "interrupts_off_and_pausing_for_windows", deaf, 0, 1, RETURNS(1) },
	{ "a_storm_of_cpuid", storm_of_cpuid, 0, 3 * STORM, RETURNS(0) },
	{ "a_storm_of_hypercalls", storm_of_calls, MULLION_HC_VERSION, 3 * STORM, RETURNS(0) },
	{ "a_storm_of_unknown_hypercalls", storm_of_calls, ~0ull, 3 * STORM, RETURNS(0) },
	{ "a_storm_of_raised_events", storm_of_calls, MULLION_HC_RAISE, STORM, RETURNS(0) },
	{ "yielding_again_and_again", storm_of_calls, MULLION_HC_YIELD, 5, RETURNS(0) },
	{ "a_storm_of_port_violations", storm_of_ports, 0x80, STORM, RETURNS(0) },
	{ "a_storm_of_strings_to_a_port", storm_of_strings, 0x80, STORM, RETURNS(0) },
	{ "a_storm_of_flushes", storm_of_flushes, 0, STORM, RETURNS(0) },
	{ "a_storm_of_ends_of_interrupts", storm_of_eois, 0, STORM, RETURNS(0) },
	{ "a_storm_of_ends_of_interrupts_by_page", storm_of_page_eois, 0, STORM, RETURNS(0) },
	{ "a_storm_of_memory_violations", storm_of_violations, HOLE, STORM, RETURNS(STORM) },
	{ "a_storm_of_refused_msrs", storm_of_refusals, 0xc0010114, STORM, RETURNS(STORM) },
	{ "a_storm_of_single_steps", storm_of_steps, 0, 0, RETURNS(STORM) },
};

void acts_storms(void)
{
	act_perform_all(acts, COUNT_OF(acts));
}
