/*
 * hog: the hostile neighbour. Does one thing, or a mixture of all, as hard as it can, for ever, so
 * that what others measure beside it means something. On a partition with several vcpus all of them
 * do.
 *
 * Argument: mode=NAME, or just NAME.
 *
 *   spin                   computes, interrupts on
 *   loop                   computes and touches nothing else, ever
 *   cli, clispin           computes with interrupts off
 *   hlt, halt              halts, woken by its own timer
 *   clihlt                 halts with interrupts off, for ever
 *   cpuid, vmmcall, wrmsr, rdmsr, port, mmio
 *                          a storm of that one exit
 *   exits                  storms of every exit, in turn
 *   fpu                    dirties FPU, SSE and debug registers
 *   mix                    everything above but clihlt, in turn: the default
 *   triple                 a triple fault
 *   wild                   a jump to where there is no memory
 *   write                  a write to where there is no memory
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/smp.h>
#include <mullion/time.h>

#define BURST      256u
#define NAP_NS     20000ull
#define QUIET_PORT 0x80          /* the POST code port: harmless natively, granted to nobody */
#define NOWHERE    0xe0000000ull /* in the PC's device hole of any partition below 3.5 GiB */

struct mode {
	const char *name;
	void (*burst)(void);
	bool mixed; /* takes part in `mix` */
	bool exits; /* takes part in `exits` */
};

static void burst_spin(void)
{
	for (unsigned i = 0; i < BURST; i++)
		__asm__ volatile("" ::"r"(i * 2654435761u));
}

static void burst_loop(void)
{
	for (;;)
		burst_spin();
}

static void burst_deaf(void)
{
	irq_disable();
	burst_spin();
}

static void on_nap(struct irq_frame *const frame)
{
	(void)frame;
}

static void burst_halt(void)
{
	irq_disable();
	timer_arm(tsc_read() + time_ticks_from_ns(NAP_NS));
	irq_wait();
}

static void burst_stop(void)
{
	cpu_stop();
}

static void burst_cpuid(void)
{
	for (unsigned i = 0; i < BURST; i++)
		cpuid_read(i & 31, 0);
}

static void burst_vmmcall(void)
{
	for (unsigned i = 0; i < BURST && platform.kind == PLATFORM_MULLION; i++)
		hypercall(MULLION_HC_VERSION, 0);
}

static void burst_wrmsr(void)
{
	for (unsigned i = 0; i < BURST; i++)
		msr_write(MSR_APIC_BASE, msr_read(MSR_APIC_BASE));
}

static void burst_rdmsr(void)
{
	for (unsigned i = 0; i < BURST; i++)
		msr_read(MSR_APIC_BASE);
}

static void burst_port(void)
{
	for (unsigned i = 0; i < BURST; i++)
		port_read8(QUIET_PORT);
}

static void burst_mmio(void)
{
	volatile uint32_t *const eoi = (volatile uint32_t *)(uintptr_t)(APIC_PAGE + APIC_EOI);

	for (unsigned i = 0; i < BURST; i++)
		*eoi = 0;
}

/* No value here may look like another partition's: patterns of all ones and of 0xdead. */
static void burst_fpu(void)
{
	static const uint64_t pattern[2] = { 0xdeaddeaddeaddeadull, ~0ull };

	__asm__ volatile(
		"movups %0, %%xmm0; movups %0, %%xmm1; movups %0, %%xmm2; movups %0, %%xmm3\n\t"
		"movups %0, %%xmm4; movups %0, %%xmm5; movups %0, %%xmm6; movups %0, %%xmm7\n\t"
		"movups %0, %%xmm8; movups %0, %%xmm9; movups %0, %%xmm10; movups %0, %%xmm11\n\t"
		"movups %0, %%xmm12; movups %0, %%xmm13; movups %0, %%xmm14; movups %0, %%xmm15\n\t"
		"fninit; fldpi; fldl2e; fldln2; fldpi; fldl2e; fldln2; fldpi; fldl2e"
		:
		: "m"(pattern)
		: "memory");
	__asm__ volatile("ldmxcsr %0" ::"m"((const uint32_t){ 0x7f80 }));
	/* Local and global breakpoints stay off: the addresses alone are the pattern. */
	__asm__ volatile(
		"mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" ::"r"(0xdeadbeefull));
}

static _Noreturn void crash_triple(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" ::"m"(none));
	__builtin_unreachable();
}

static void burst_triple(void)
{
	crash_triple();
}

static void burst_wild(void)
{
	__asm__ volatile("jmp *%0" ::"r"(NOWHERE));
}

static void burst_write(void)
{
	*(volatile uint64_t *)(uintptr_t)NOWHERE = 1;
}

static const struct mode modes[] = {
	{ "spin", burst_spin, true, false },
	{ "loop", burst_loop, false, false },
	{ "cpuid", burst_cpuid, true, true },
	{ "vmmcall", burst_vmmcall, true, true },
	{ "wrmsr", burst_wrmsr, true, true },
	{ "rdmsr", burst_rdmsr, true, true },
	{ "port", burst_port, true, true },
	{ "mmio", burst_mmio, true, true },
	{ "hlt", burst_halt, true, false },
	{ "fpu", burst_fpu, true, false },
	{ "clispin", burst_deaf, true, false },
	{ "clihlt", burst_stop, false, false },
	{ "triple", burst_triple, false, false },
	{ "wild", burst_wild, false, false },
	{ "write", burst_write, false, false },
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static const struct mode *chosen; /* NULL: a mixture */
static bool only_exits;

static bool asked_for(const char *const name)
{
	return args_is("mode", name) || args_is("crash", name) || args_is(name, "1");
}

static void choose(void)
{
	only_exits = asked_for("exits");
	for (unsigned i = 0; i < MODES; i++)
		if (asked_for(modes[i].name))
			chosen = &modes[i];
	if (asked_for("halt"))
		chosen = &modes[7];
	if (asked_for("cli"))
		chosen = &modes[9];
}

static bool takes_part(const struct mode *const mode)
{
	if (chosen != NULL)
		return mode == chosen;
	return only_exits ? mode->exits : mode->mixed;
}

static _Noreturn void misbehave(void *const unused)
{
	(void)unused;
	timer_init(on_nap);
	if (asked_for("mmio"))
		apic_switch(APIC_XAPIC);
	for (;;)
		for (unsigned i = 0; i < MODES; i++) {
			if (!takes_part(&modes[i]))
				continue;
			irq_enable();
			modes[i].burst();
		}
}

static const char *choice(void)
{
	if (chosen != NULL)
		return chosen->name;
	return only_exits ? "exits" : "mix";
}

int main(void)
{
	choose();
	printf("%s on %u vcpus\n", choice(), info_vcpus());
	fflush(stdout);
	for (unsigned v = 1; v < info_vcpus() && v < SMP_MAX_VCPUS; v++) {
		if (!smp_start(v)) {
			printf("vcpu %u does not start\n", v);
			return EXIT_FAILURE;
		}
		smp_run(v, misbehave, NULL);
	}
	misbehave(NULL);
}
