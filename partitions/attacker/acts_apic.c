/*
 * The local APIC against others: every delivery mode to every kind of destination, by MSR and by page;
 * sources set to what a partition has not; registers that are not there.
 *
 * The outcome counts the interrupts taken by the sender itself: nothing but a fixed interrupt arrives, and
 * none leaves. AMD APM 2, 16.5.
 */
#include <stdio.h>

#include "attacker.h"

#define VECTOR       0x51u
#define LISTEN_TICKS 3000u
#define SHORT_COUNT  500u
#define MASKED       0x10000u
#define REGISTERS    0x1000u

static volatile unsigned taken;

static void on_interrupt(struct irq_frame *const frame)
{
	(void)frame;
	taken++;
}

static void listen(const unsigned vector)
{
	taken = 0;
	if (vector >= IRQ_VECTOR_FIRST)
		irq_set_handler(vector, on_interrupt);
	interrupts_take(LISTEN_TICKS);
	act_saw(taken);
}

static volatile uint32_t *page_register(const uint64_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(APIC_PAGE + offset);
}

/* act->operand: destination in the upper half, command in the lower. */
static void send_by_msr(const struct act *const act)
{
	msr_write(MSR_X2APIC_ICR, act->operand);
	listen(VECTOR);
}

static void send_by_page(const struct act *const act)
{
	*page_register(APIC_ICR_HIGH) = (uint32_t)(act->operand >> 32) << 24;
	*page_register(APIC_ICR) = (uint32_t)act->operand;
	listen(VECTOR);
}

static const struct {
	const char *name;
	uint32_t command;
	bool arrives;
} modes[] = {
	{ "a_fixed_interrupt", VECTOR, true },
	{ "an_interrupt_with_an_exceptions_vector", 0x0d, false },
	{ "an_interrupt_of_lowest_priority", 0x100 | VECTOR, false },
	{ "a_system_management_interrupt", 0x200, false },
	{ "an_interrupt_of_the_reserved_mode", 0x300 | VECTOR, false },
	{ "an_nmi", 0x400, false },
	{ "an_init", 0x4500, false },
	{ "the_end_of_an_init", 0x8500, false },
	{ "a_start_up_interrupt", 0x4608, false },
	{ "a_start_up_interrupt_at_the_kernels_trampoline", 0x46ff, false },
	{ "an_external_interrupt", 0x700 | VECTOR, false },
	{ "a_level_triggered_nmi", 0xc400, false },
};

static const struct {
	const char *name;
	uint32_t destination, flags;
	bool self;
} destinations[] = {
	{ "itself", 0, 0, true },
	{ "the_next_id", 1, 0, false },
	{ "the_second_hardware_cpu", 2, 0, false },
	{ "the_third_hardware_cpu", 4, 0, false },
	{ "an_id_nobody_has", 0x7f, 0, false },
	{ "everybody_by_broadcast", 0xff, 0, true },
	{ "a_logical_set_with_itself", 1, 0x800, true },
	{ "a_logical_set_of_others", 0xfe, 0x800, false },
	{ "self_by_shorthand", 0, 0x40000, true },
	{ "all_by_shorthand", 0, 0x80000, true },
	{ "all_others_by_shorthand", 0, 0xc0000, false },
};

static void try_send(void (*const attempt)(const struct act *), const char *const way,
	const unsigned mode, const unsigned to)
{
	const struct act act = { .name = act_name("%s_to_%s_by_%s", modes[mode].name,
					 destinations[to].name, way),
		.attempt = attempt,
		.operand = (uint64_t)destinations[to].destination << 32 | destinations[to].flags |
			   modes[mode].command,
		RETURNS(modes[mode].arrives && destinations[to].self) };

	act_perform(&act);
}

static void try_all(void (*const attempt)(const struct act *), const char *const way)
{
	for (unsigned m = 0; m < COUNT_OF(modes); m++)
		for (unsigned d = 0; d < COUNT_OF(destinations); d++)
			try_send(attempt, way, m, d);
}

static void send_to_self(const struct act *const act)
{
	msr_write(0x83f, act->operand);
	listen((unsigned)act->operand);
}

static void arm_timer(const struct act *const act)
{
	taken = 0;
	irq_set_handler(VECTOR, on_interrupt);
	apic_write(APIC_LVT_TIMER, (uint32_t)act->operand);
	apic_write(APIC_TIMER_INITIAL, SHORT_COUNT);
	listen(VECTOR);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
}

/* A source the partition has not: what it reads back as. */
static void set_source(const struct act *const act)
{
	apic_write((enum apic_register)act->target, (uint32_t)act->operand);
	act_saw(apic_read((enum apic_register)act->target));
	apic_write((enum apic_register)act->target, APIC_LVT_MASKED);
}

static void page_changes(const struct act *const act)
{
	volatile uint32_t *const reg = page_register(act->target);
	const uint32_t before = *reg;

	*reg = ~before;
	act_saw(*reg != before);
}

static void page_byte(const struct act *const act)
{
	__asm__ volatile("movb (%0), %%al" ::"r"(page_register(act->target)) : "rax", "memory");
}

static void page_word(const struct act *const act)
{
	__asm__ volatile("movw %%ax, (%0)" ::"r"(page_register(act->target)) : "memory");
}

static void page_quad(const struct act *const act)
{
	__asm__ volatile("movq (%0), %%rax" ::"r"(page_register(act->target)) : "rax", "memory");
}

static void page_long(const struct act *const act)
{
	__asm__ volatile("movl (%0), %%eax" ::"r"(page_register(act->target)) : "rax", "memory");
}

static void page_and(const struct act *const act)
{
	__asm__ volatile("lock andl $0, (%0)" ::"r"(page_register(act->target)) : "memory", "cc");
}

static void page_string(const struct act *const act)
{
	uint64_t to = APIC_PAGE + act->target, count = 4;

	__asm__ volatile("cld; rep stosl" : "+D"(to), "+c"(count) : "a"(0) : "memory");
}

static void page_call(const struct act *const act)
{
	__asm__ volatile("call *%0" ::"r"(page_register(act->target)) : "memory");
}

static void switch_off(const struct act *const act)
{
	apic_write(APIC_SVR, (uint32_t)act->operand);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | IRQ_VECTOR_SPURIOUS);
}

static void base_write(const struct act *const act)
{
	const uint64_t before = msr_read(MSR_APIC_BASE);

	msr_write(MSR_APIC_BASE, act->operand);
	msr_write(MSR_APIC_BASE, before);
}

static void write_msr(const struct act *const act)
{
	msr_write((uint32_t)act->target, act->operand);
}

static const struct act acts[] = {
	{ "an_interrupt_to_itself_with_vector_0", send_to_self, 0, 0, RETURNS(0) },
	{ "an_interrupt_to_itself_with_the_nmis_vector", send_to_self, 0, 2, RETURNS(0) },
	{ "an_interrupt_to_itself_with_vector_15", send_to_self, 0, 15, RETURNS(0) },
	{ "the_timer_as_nmi_is_a_fixed_interrupt", arm_timer, 0, 0x400 | VECTOR, RETURNS(1) },
	{ "the_timer_as_smi_is_a_fixed_interrupt", arm_timer, 0, 0x200 | VECTOR, RETURNS(1) },
	{ "the_timer_as_init_is_a_fixed_interrupt", arm_timer, 0, 0x500 | VECTOR, RETURNS(1) },
	{ "the_timer_as_external_is_a_fixed_interrupt", arm_timer, 0, 0x700 | VECTOR, RETURNS(1) },
	{ "the_timer_with_an_exceptions_vector", arm_timer, 0, 0x0d, RETURNS(0) },
	{ "the_first_line_stays_masked", set_source, 0x350, 0x700, RETURNS(MASKED | 0x700) },
	{ "the_second_line_stays_masked", set_source, 0x360, 0x400, RETURNS(MASKED | 0x400) },
	{ "the_thermal_source_stays_masked", set_source, 0x330, 0x200, RETURNS(MASKED | 0x200) },
	{ "the_performance_source_stays_masked", set_source, 0x340, 0x400,
		RETURNS(MASKED | 0x400) },
	{ "the_error_source_stays_masked", set_source, 0x370, VECTOR, RETURNS(MASKED | VECTOR) },
	{ "the_version_is_not_written", page_changes, 0x30, 0, RETURNS(0) },
	{ "the_processor_priority_is_not_written", page_changes, 0xa0, 0, RETURNS(0) },
	{ "what_is_in_service_is_not_written", page_changes, 0x100, 0, RETURNS(0) },
	{ "trigger_modes_are_not_written", page_changes, 0x180, 0, RETURNS(0) },
	{ "what_is_requested_is_not_written", page_changes, 0x200, 0, RETURNS(0) },
	{ "the_identity_is_not_written", page_changes, 0x20, 0, RETURNS(0) },
	{ "a_register_that_is_not_there", page_changes, 0x40, 0, RETURNS(0) },
	{ "an_extended_register_that_is_not_there", page_changes, 0x400, 0, RETURNS(0) },
	{ "the_last_register_of_the_page", page_changes, REGISTERS - 16, 0, RETURNS(0) },
	{ "a_byte_of_a_register", page_byte, 0x20, 0, FAULTS(VECTOR_GP) },
	{ "16_bits_of_a_register", page_word, 0x300, 0, FAULTS(VECTOR_GP) },
	{ "64_bits_of_a_register", page_quad, 0x300, 0, FAULTS(VECTOR_GP) },
	{ "64_bits_across_the_end_of_the_page", page_quad, REGISTERS - 4, 0, FAULTS(VECTOR_GP) },
	{ "a_register_not_aligned", page_long, 0x22, 0, FAULTS(VECTOR_GP) },
	{ "32_bits_across_the_start_of_the_page", page_long, -2ull, 0, FAULTS(VECTOR_GP) },
	{ "a_locked_access_to_a_register", page_and, 0x300, 0, FAULTS(VECTOR_GP) },
	{ "a_string_over_registers", page_string, 0x300, 0, FAULTS(VECTOR_GP) },
	{ "registers_are_not_code", page_call, 0, 0, FAULTS(VECTOR_GP) },
	{ "the_apic_is_switched_off_for_itself_alone", switch_off, 0, 0xff, RETURNS(0) },
	{ "the_spurious_vector_of_an_exception", switch_off, 0, 0x10d, RETURNS(0) },
	{ "the_apic_is_disabled_for_itself_alone", base_write, 0, 0xfee00000, RETURNS(0) },
	{ "another_cpu_as_boot_processor", base_write, 0, 0xfee00d00, RETURNS(0) },
	{ "the_identity_by_msr", write_msr, 0x802, 1, FAULTS(VECTOR_GP) },
	{ "the_version_by_msr", write_msr, 0x803, 0, FAULTS(VECTOR_GP) },
	{ "the_processor_priority_by_msr", write_msr, 0x80a, 0, FAULTS(VECTOR_GP) },
	{ "what_is_in_service_by_msr", write_msr, 0x810, ~0ull, FAULTS(VECTOR_GP) },
	{ "what_is_requested_by_msr", write_msr, 0x820, ~0ull, FAULTS(VECTOR_GP) },
	{ "the_current_count_by_msr", write_msr, 0x839, 1, FAULTS(VECTOR_GP) },
	{ "an_apic_msr_that_is_not_there", write_msr, 0x801, 0, FAULTS(VECTOR_GP) },
	{ "the_first_msr_beyond_the_apic", write_msr, 0x840, 0, FAULTS(VECTOR_GP) },
	{ "the_last_msr_of_the_apics_range", write_msr, 0x8ff, 0, FAULTS(VECTOR_GP) },
};

void acts_apic(void)
{
	try_all(send_by_msr, "msr");
	try_all(send_by_page, "page");
	act_perform_all(acts, COUNT_OF(acts));
}
