/*
 * violations: commits each violation the health monitor knows, and says what it felt like.
 *
 * Argument do=NAME: one violation, for health actions that end something. do=log and do=inject: all of
 * memory, port, MSR and instruction, judged here, with the kernel's own lines printed at the end (the
 * partition then has the role "control"). Expected: docs/description.md, Health; abi.h, mullion_action.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/catch.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/tap.h>

#define NOWHERE      0xe0000000ull
#define HOLE         0xf8000000ull
#define PORT         0x80
#define MSR_UNKNOWN  0x12345678u
#define VECTOR_UD    6
#define VECTOR_GP    13
#define STORM        1000u
#define RAISE_CODE   0xc0de
#define LOG_TESTS    13u
#define INJECT_TESTS 6u
#define ONES         0xffffffffull

static uint64_t seen, seen_high;

static void read_memory(void *const address)
{
	uint32_t value;

	__asm__ volatile("mov (%1), %k0" : "=r"(value) : "r"(address) : "memory");
	seen = value;
}

static void read_high_register(void *const address)
{
	register uint64_t value __asm__("r13") = 0x1122334455667788ull;

	__asm__ volatile("movl 0x7f(%1), %k0" : "+r"(value) : "r"((uintptr_t)address - 0x7f));
	seen = value;
}

static void read_absolute(void *const unused)
{
	(void)unused;
	__asm__ volatile("movabsl 0xe0000010, %%eax; mov %%rax, %0" : "=m"(seen)::"rax", "memory");
}

static void write_memory(void *const address)
{
	__asm__ volatile("movl %1, (%0); movl $5, 8(%0); movl %k1, 4(%0)"
			 :
			 : "r"(address), "r"(7u)
			 : "memory");
}

static void read_wide(void *const address)
{
	__asm__ volatile("movq (%1), %0" : "=r"(seen) : "r"(address) : "memory");
}

static void read_byte(void *const address)
{
	__asm__ volatile("movb (%0), %%al" ::"r"(address) : "rax", "memory");
}

static void add_memory(void *const address)
{
	__asm__ volatile("addl $1, (%0)" ::"r"(address) : "memory", "cc");
}

static void jump(void *const address)
{
	__asm__ volatile("call *%0" ::"r"(address) : "memory");
}

static void read_port(void *const unused)
{
	(void)unused;
	seen = port_read32(PORT);
}

static void read_msr(void *const unused)
{
	uint32_t low, high;

	(void)unused;
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_UNKNOWN) : "memory");
	seen = low;
	seen_high = high;
}

static void write_msr(void *const unused)
{
	(void)unused;
	msr_write(MSR_UNKNOWN, 1);
}

static void do_vmrun(void *const unused)
{
	(void)unused;
	__asm__ volatile("vmrun" ::"a"(0) : "memory");
}

static void do_rdpmc(void *const unused)
{
	(void)unused;
	__asm__ volatile("rdpmc" ::"c"(0) : "rax", "rdx");
}

static void *at(const uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static void expect(void (*const function)(void *), void *const argument, const int vector,
	const char *const name)
{
	struct catch_result r;

	seen = seen_high = 0;
	r = catch_call(function, argument);
	tap_check(r.vector == vector && r.error == 0, name, "vector %d, not %d", r.vector, vector);
}

static void expect_ones(
	void (*const function)(void *), void *const argument, const char *const name)
{
	struct catch_result r;

	seen = 0;
	r = catch_call(function, argument);
	tap_check(r.vector == CATCH_NONE && seen == ONES, name, "vector %d, read %#" PRIx64,
		r.vector, seen);
}

static void check_log_memory(void)
{
	expect_ones(read_memory, at(NOWHERE), "a_read_of_no_memory_is_all_ones");
	expect_ones(read_high_register, at(NOWHERE), "in_any_register");
	expect_ones(read_absolute, NULL, "and_from_an_absolute_address");
	expect_ones(read_memory, at(APIC_PAGE + 0x22), "so_is_a_register_of_the_apic_not_aligned");
	expect(write_memory, at(NOWHERE), CATCH_NONE, "writes_vanish");
	expect(read_wide, at(NOWHERE), VECTOR_GP, "a_read_of_eight_bytes_is_a_fault");
	expect(read_byte, at(APIC_PAGE + 0x20), VECTOR_GP, "a_read_of_one_byte_is_a_fault");
	expect(add_memory, at(NOWHERE), VECTOR_GP, "an_instruction_but_mov_is_a_fault");
	expect(jump, at(NOWHERE), VECTOR_GP, "a_jump_to_no_memory_is_a_fault");
	expect(jump, at(HOLE), VECTOR_GP, "and_so_is_one_into_the_hole");
}

static void run_log(void)
{
	struct catch_result r;

	tap_plan(LOG_TESTS);
	check_log_memory();
	r = catch_call(read_msr, NULL);
	tap_check(r.vector == CATCH_NONE && seen == ONES && seen_high == ONES,
		"an_msr_reads_all_ones", "vector %d, %#" PRIx64, r.vector, seen);
	expect(write_msr, NULL, CATCH_NONE, "a_write_to_an_msr_vanishes");
	expect(do_rdpmc, NULL, VECTOR_GP, "an_instruction_that_cannot_be_completed_is_a_fault");
	for (unsigned i = 0; i < STORM; i++)
		read_port(NULL);
}

static void run_inject(void)
{
	tap_plan(INJECT_TESTS);
	expect(read_memory, at(NOWHERE), VECTOR_GP, "a_memory_violation_is_a_fault");
	expect(read_port, NULL, VECTOR_GP, "a_port_violation_is_a_fault");
	expect(read_msr, NULL, VECTOR_GP, "reading_an_msr_is_a_fault");
	expect(write_msr, NULL, VECTOR_GP, "writing_an_msr_is_a_fault");
	expect(do_vmrun, NULL, VECTOR_UD, "an_instruction_does_not_exist");
	expect(do_rdpmc, NULL, VECTOR_GP, "or_is_a_fault");
}

/* What the kernel said meanwhile: "log: ..." lines. */
static void print_log(void)
{
	const struct mullion_region *const region = info_region_nth(MULLION_REGION_LOG, 0);
	const struct mullion_console *const log = region == NULL ? NULL : region_address(region);
	bool start = true;

	for (uint64_t k = 0; log != NULL && k < log->head; k++) {
		const char c = (char)log->data[k % MULLION_CONSOLE_DATA];

		if (start)
			printf("log: ");
		putchar(c);
		start = c == '\n';
	}
}

static void load_no_idt(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0" ::"m"(none));
}

static void triple_fault(void)
{
	load_no_idt();
	__asm__ volatile("ud2");
}

/* Without a way to take an exception, and busy for ever. */
static void go_bare(void)
{
	puts("bare");
	fflush(stdout);
	load_no_idt();
	for (;;)
		__asm__ volatile("pause");
}

static int violate(void)
{
	if (args_is("do", "memory"))
		write_memory(at(NOWHERE));
	else if (args_is("do", "port"))
		read_port(NULL);
	else if (args_is("do", "msr"))
		read_msr(NULL);
	else if (args_is("do", "instruction"))
		do_vmrun(NULL);
	else if (args_is("do", "triple"))
		triple_fault();
	else if (args_is("do", "bare"))
		go_bare();
	else if (args_is("do", "raise"))
		health_raise(RAISE_CODE);
	return (int)args_number("status", 99);
}

int main(void)
{
	if (platform.kind != PLATFORM_MULLION) {
		printf("1..0 # SKIP not under Mullion\n");
		return 0;
	}
	if (!args_is("do", "log") && !args_is("do", "inject"))
		return violate();
	if (args_is("do", "log"))
		run_log();
	else
		run_inject();
	print_log();
	return tap_status();
}
