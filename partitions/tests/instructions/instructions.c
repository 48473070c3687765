/*
 * instructions: each instruction the kernel intercepts, or deliberately does not, does for a partition
 * what its CPUID promises.
 *
 * Instructions and ports here; controls.c: CR4 and EFER; cpuid.c; debug.c: #DB and breakpoints;
 * modes.c: ring 3 and 32-bit code. The default health actions are assumed. AMD APM 2, 15.9 and 15.10.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/catch.h>
#include <mullion/platform.h>
#include <mullion/tap.h>

#include "instructions.h"

#define UNGRANTED     0x80u
#define PATTERN       0x1122334455667788ull
#define TESTS_HERE    14u
#define STRING_SIZE   8u
#define SWITCH_TICKS  3000000ull
#define SWITCH_PERIOD 5000u

static void do_wbinvd(void *const unused)
{
	(void)unused;
	__asm__ volatile("wbinvd" ::: "memory");
}

static void do_invd(void *const unused)
{
	(void)unused;
	__asm__ volatile("invd" ::: "memory");
}

static void do_rdpmc(void *const unused)
{
	(void)unused;
	__asm__ volatile("rdpmc" ::"c"(0) : "rax", "rdx");
}

static void do_rsm(void *const unused)
{
	(void)unused;
	__asm__ volatile("rsm" ::: "memory");
}

static void do_monitor(void *const unused)
{
	(void)unused;
	__asm__ volatile("monitor" ::"a"(&do_monitor), "c"(0), "d"(0) : "memory");
}

static void do_mwait(void *const unused)
{
	(void)unused;
	__asm__ volatile("mwait" ::"a"(0), "c"(0) : "memory");
}

static void do_rdtscp(void *const unused)
{
	(void)unused;
	__asm__ volatile("rdtscp" ::: "rax", "rcx", "rdx");
}

static void do_xsetbv(void *const unused)
{
	(void)unused;
	__asm__ volatile("xsetbv" ::"a"(1), "c"(0), "d"(0) : "memory");
}

static void do_int3(void *const unused)
{
	(void)unused;
	__asm__ volatile("int3" ::: "memory");
}

static void check(void (*const function)(void *), const int vector, const char *const name)
{
	const struct catch_result r = catch_call(function, NULL);

	tap_check(r.vector == vector && r.error == 0, name, "vector %d, error %#" PRIx64, r.vector,
		r.error);
}

/* QEMU 7.2 ignores the intercept of RDTSCP and reports INVD as WBINVD: then there is nothing to see. */
static void check_hidden(void (*const function)(void *), const int vector, const char *const name,
	const char *const otherwise)
{
	if (catch_call(function, NULL).vector == CATCH_NONE)
		tap_skip(name, otherwise);
	else
		check(function, vector, name);
}

static void check_instructions(void)
{
	check(do_wbinvd, CATCH_NONE, "wbinvd_is_harmless");
	check_hidden(do_invd, VECTOR_GP, "invd_is_a_general_protection_fault",
		"this machine takes it for wbinvd");
	check(do_rdpmc, VECTOR_GP, "rdpmc_is_a_general_protection_fault");
	check(do_rsm, VECTOR_UD, "rsm_does_not_exist");
	check(do_monitor, VECTOR_UD, "monitor_does_not_exist");
	check(do_mwait, VECTOR_UD, "mwait_does_not_exist");
	check_hidden(do_rdtscp, VECTOR_UD, "rdtscp_does_not_exist",
		"this machine does not intercept it");
	check(do_xsetbv, VECTOR_UD, "xsetbv_does_not_exist");
	check(do_int3, VECTOR_BP, "a_breakpoint_instruction_reaches_the_partition");
}

static void check_reads(void)
{
	uint64_t byte = PATTERN, word = PATTERN, dword = PATTERN;

	__asm__ volatile("inb %w1, %b0" : "+a"(byte) : "d"(UNGRANTED));
	__asm__ volatile("inw %w1, %w0" : "+a"(word) : "d"(UNGRANTED));
	__asm__ volatile("inl %w1, %k0" : "+a"(dword) : "d"(UNGRANTED));
	tap_check(byte == (PATTERN | 0xff) && word == (PATTERN | 0xffff) && dword == 0xffffffffu,
		"a_port_read_changes_the_bytes_it_reads_and_no_others",
		"%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64, byte, word, dword);
}

static void check_writes(void)
{
	uint64_t value = PATTERN;

	__asm__ volatile("outb %b0, %w1; outw %w0, %w1; outl %k0, %w1; outb %b0, $0x80"
			 : "+a"(value)
			 : "d"(UNGRANTED));
	tap_check(value == PATTERN, "a_port_write_changes_nothing", "%#" PRIx64, value);
}

static void check_strings(void)
{
	uint8_t buffer[STRING_SIZE + 1] = { 0 };
	const uint8_t *source = buffer;
	uint8_t *destination = buffer;
	uint64_t count = STRING_SIZE;
	unsigned changed = 0;

	__asm__ volatile("rep insb" : "+D"(destination), "+c"(count) : "d"(UNGRANTED) : "memory");
	for (unsigned i = 0; i < sizeof(buffer); i++)
		changed += buffer[i] != 0;
	tap_check(changed == 0, "a_string_read_of_an_ungranted_port_moves_nothing", "%u bytes",
		changed);
	count = STRING_SIZE;
	__asm__ volatile("rep outsb" : "+S"(source), "+c"(count) : "d"(UNGRANTED) : "memory");
	tap_check(source >= buffer && source <= buffer + STRING_SIZE,
		"a_string_write_to_an_ungranted_port_ends", "it went %p", (const void *)source);
}

static volatile unsigned ticks;

static void on_tick(struct irq_frame *const frame)
{
	(void)frame;
	ticks++;
}

/* MOV SS holds interrupts back for one instruction, wherever the timer and the windows' ends hit. */
static void check_stack_switches(void)
{
	const uint64_t end = tsc_read() + SWITCH_TICKS;

	irq_set_handler(TIMER_VECTOR, on_tick);
	apic_write(APIC_LVT_TIMER, APIC_LVT_PERIODIC | TIMER_VECTOR);
	apic_write(APIC_TIMER_INITIAL, SWITCH_PERIOD);
	irq_enable();
	while (tsc_read() < end)
		for (unsigned i = 0; i < 100; i++)
			__asm__ volatile("mov %0, %%ss; nop; mov %0, %%ss; nop" ::"r"(0x10)
					 : "memory");
	irq_disable();
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
	tap_check(ticks > 100, "interrupts_go_on_among_stack_switches", "%u did", ticks);
}

int main(void)
{
	if (platform.kind != PLATFORM_MULLION) {
		printf("1..0 # SKIP not under Mullion\n");
		return 0;
	}
	tap_plan(TESTS_HERE + CONTROL_TESTS + CPUID_TESTS + DEBUG_TESTS + MODE_TESTS);
	check_instructions();
	check_reads();
	check_writes();
	check_strings();
	check_stack_switches();
	check_controls();
	check_cpuid();
	check_debug();
	check_modes();
	return tap_status();
}
