/*
 * Control and debug registers: bits that CPUID hides, and breakpoints on the kernel.
 *
 * CR4 is intercepted and judged, CR8 too where the kernel emulates it; the CPU itself judges the others,
 * as it would natively. AMD APM 2, 3.1, 13.1.
 */
#include "attacker.h"

#define CR4_ALLOWED   0x330fffull
#define DR7_QUIET     0x400ull
#define CR8_UNCHECKED "TCG drops the upper bits where CR8 is the partition's own"
#define CPUIDS        16u
#define QUIET_TICKS   3000u
#define CR0_NE        0x20

static uint64_t cr4_read(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static void cr4_set(const struct act *const act)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(cr4_read() | act->operand) : "memory");
}

static void cr4_clear(const struct act *const act)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(cr4_read() & ~act->operand) : "memory");
}

static void cr4_toggle(const struct act *const act)
{
	const uint64_t before = cr4_read();

	__asm__ volatile("mov %0, %%cr4" ::"r"(before ^ act->operand) : "memory");
	act_saw(cr4_read() ^ before);
	__asm__ volatile("mov %0, %%cr4" ::"r"(before) : "memory");
}

static void try_cr4(void)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		const struct act act = { .name = act_name("switching_on_bit_%u_of_cr4", bit),
			.attempt = cr4_set,
			.operand = 1ull << bit,
			FAULTS(VECTOR_GP) };

		if (!(CR4_ALLOWED >> bit & 1))
			act_perform(&act);
	}
}

static void cr8_write(const struct act *const act)
{
	__asm__ volatile("mov %0, %%cr8; mov %1, %%cr8" ::"r"(act->operand), "r"(0ull) : "memory");
}

static void cr0_write(const struct act *const act)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0; wbinvd" ::"r"(cr0 ^ act->operand) : "memory");
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0) : "memory");
}

/* An x87 error reported as in the eighties: by a line to the interrupt controller, which is nobody's. */
static void x87_error(const struct act *const act)
{
	const uint16_t all = 0x0300;
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 & ~act->operand) : "memory");
	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(all));
	interrupts_take(QUIET_TICKS);
	__asm__ volatile("fnclex; fninit; mov %0, %%cr0" ::"r"(cr0) : "memory");
}

static void debug_set(const uint64_t address, const uint64_t control)
{
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3\n\t"
			 "mov %1, %%dr7" ::"r"(address),
			 "r"(control)
			 : "memory");
}

/* Four breakpoints on an address of the kernel's, while it serves exits: they are not its. */
static void debug_kernel(const struct act *const act)
{
	debug_set(act->target, act->operand);
	for (unsigned i = 0; i < CPUIDS; i++)
		cpuid_read(0, 0);
	debug_set(0, DR7_QUIET);
}

static void debug_own(const struct act *const act)
{
	static volatile uint32_t watched;

	debug_set((uintptr_t)&watched, act->operand);
	watched = 1;
	debug_set(0, DR7_QUIET);
}

static const struct act acts[] = {
	{ "switching_on_everything_in_cr4", cr4_set, 0, ~0ull, FAULTS(VECTOR_GP) },
	{ "switching_off_physical_address_extension", cr4_clear, 0, 0x20, FAULTS(VECTOR_GP) },
	{ "time_stamps_are_switched_off_for_its_own_programs", cr4_toggle, 0, 4, RETURNS(4) },
	{ "global_pages_are_its_own", cr4_toggle, 0, 0x80, RETURNS(0x80) },
	{ "a_task_priority_of_16", cr8_write, 0, 16, FAULTS(VECTOR_GP), .emulator = CR8_UNCHECKED },
	{ "a_task_priority_of_64_bits", cr8_write, 0, ~0ull, FAULTS(VECTOR_GP),
		.emulator = CR8_UNCHECKED },
	{ "the_cache_is_switched_off_for_itself_alone", cr0_write, 0, 1ull << 30, RETURNS(0) },
	{ "the_task_switched_flag_is_its_own", cr0_write, 0, 8, RETURNS(0) },
	{ "an_x87_error_reported_by_the_interrupt_controller", x87_error, 0, CR0_NE, RETURNS(0) },
	{ "breakpoints_on_the_kernels_text", debug_kernel, 0x200000, DR7_QUIET | 0xaa, RETURNS(0) },
	{ "breakpoints_on_the_kernels_trampoline", debug_kernel, 0x8000, DR7_QUIET | 0xaa,
		RETURNS(0) },
	{ "watchpoints_on_the_kernels_data", debug_kernel, 0x600000, DR7_QUIET | 0xdddd00aa,
		RETURNS(0) },
	{ "watchpoints_on_the_kernels_stack", debug_kernel, 0x602ff8, DR7_QUIET | 0xffff00aa,
		RETURNS(0) },
	{ "watchpoints_on_the_kernels_local_apic", debug_kernel, 0xfffffffffee00390,
		DR7_QUIET | 0xffff00aa, RETURNS(0) },
	{ "a_watchpoint_is_its_own", debug_own, 0, DR7_QUIET | 1 | 0xdull << 16,
		FAULTS(VECTOR_DB) },
};

void acts_controls(void)
{
	debug_set(0, DR7_QUIET);
	try_cr4();
	act_perform_all(acts, COUNT_OF(acts));
	debug_set(0, DR7_QUIET);
}
