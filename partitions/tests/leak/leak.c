/*
 * leak: keeps patterns in every register a partition has and looks after each window whether they
 * are still there. A register that changed is one that was not saved, and what stands in it is a
 * neighbour's: `hog fpu` in the other windows leaves values that are easy to recognise (0xdead...).
 *
 * Argument n=100: windows per way of losing the CPU (yielding, being preempted while spinning).
 * On a CPU without windows its own timer interrupt takes the place of the neighbour, so that the
 * test itself can be tested natively. State covered: AMD APM 2, 15.5.1 and 15.5.2.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#define REGISTERS    16u
#define RAX          0u
#define RCX          1u
#define RSP          4u
#define FXSAVE_BYTES 512u
#define FXSAVE_USED  416u /* header, eight x87 and sixteen SSE registers; the rest is reserved */
#define DR6_PATTERN  0xffff0ff5ull
#define TICKER_NS    50000u
#define MSR_STAR     0xc0000081u
#define MSR_LSTAR    0xc0000082u
#define MSR_CSTAR    0xc0000083u
#define MSR_SFMASK   0xc0000084u

enum hold_kind { HOLD_SPIN, HOLD_VMMCALL, HOLD_VMCALL };

struct hold {
	uint64_t in[REGISTERS], out[REGISTERS];
	const volatile uint64_t *watched;
	uint64_t kind;
	uint64_t rsp;
};

struct system_state {
	uint64_t debug[4], dr6, dr7, cr2, cr8;
	uint64_t fs, gs, kernel_gs, star, lstar, cstar, sfmask;
};

struct counts {
	uint64_t general, fpu, debug, segments, control;
};

void hold_gprs(struct hold *hold);

static uint8_t fpu_before[FXSAVE_BYTES] __attribute__((aligned(16)));
static uint8_t fpu_after[FXSAVE_BYTES] __attribute__((aligned(16)));
static volatile uint64_t ticks;
static const volatile uint64_t *watched = &ticks;
static bool framed;

static void on_tick(struct irq_frame *const frame)
{
	(void)frame;
	ticks++;
	timer_arm(tsc_read() + time_ticks_from_ns(TICKER_NS));
}

static uint64_t pattern(const uint64_t round, const uint64_t index)
{
	return (0x0123456789abcdefull ^ round << 40 ^ round) * (2 * index + 1) & ~0xfull;
}

static void fpu_load(const uint64_t round)
{
	static uint8_t area[FXSAVE_BYTES] __attribute__((aligned(16)));
	const uint16_t control = (uint16_t)(0x37f | (round & 3) << 10); /* rounding mode */
	const uint32_t mxcsr = (uint32_t)(0x1f80u | (uint32_t)(round & 3) << 13);

	__asm__ volatile("fninit; fxsave64 %0" : "=m"(area)::"memory");
	memcpy(area, &control, sizeof(control));
	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
	area[4] = 0xff; /* all x87 registers valid */
	for (unsigned i = 0; i < 8; i++) {
		const uint64_t mantissa = pattern(round, i) | 1ull << 63;
		const uint16_t exponent = 0x3fff;

		memcpy(area + 32 + 16 * i, &mantissa, 8);
		memcpy(area + 40 + 16 * i, &exponent, 2);
	}
	for (unsigned i = 0; i < 32; i++) {
		const uint64_t value = pattern(round, 64 + i);

		memcpy(area + 160 + 8 * i, &value, 8);
	}
	__asm__ volatile("fxrstor64 %1; fxsave64 %0" : "=m"(fpu_before) : "m"(area) : "memory");
}

static void debug_write(const uint64_t round)
{
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(
				 pattern(round, 1)),
		"r"(pattern(round, 2)), "r"(pattern(round, 3)), "r"(pattern(round, 4)));
	__asm__ volatile("mov %0, %%dr6" ::"r"(DR6_PATTERN));
}

static void state_read(struct system_state *const s)
{
	__asm__ volatile(
		"mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
		: "=r"(s->debug[0]), "=r"(s->debug[1]), "=r"(s->debug[2]), "=r"(s->debug[3]));
	__asm__ volatile("mov %%dr6, %0; mov %%dr7, %1; mov %%cr2, %2; mov %%cr8, %3"
			 : "=r"(s->dr6), "=r"(s->dr7), "=r"(s->cr2), "=r"(s->cr8));
	s->fs = msr_read(MSR_FS_BASE);
	s->gs = msr_read(MSR_GS_BASE);
	s->kernel_gs = msr_read(MSR_KERNEL_GS_BASE);
	s->star = msr_read(MSR_STAR);
	s->lstar = msr_read(MSR_LSTAR);
	s->cstar = msr_read(MSR_CSTAR);
	s->sfmask = msr_read(MSR_SFMASK);
}

static void state_write(const uint64_t round)
{
	debug_write(round);
	__asm__ volatile("mov %0, %%cr2; mov %1, %%cr8" ::"r"(pattern(round, 5)), "r"(round & 1));
	msr_write(MSR_FS_BASE, pattern(round, 6) & 0x7fffffffffffull);
	msr_write(MSR_GS_BASE, pattern(round, 7) & 0x7fffffffffffull);
	msr_write(MSR_KERNEL_GS_BASE, pattern(round, 8) & 0x7fffffffffffull);
	msr_write(MSR_STAR, pattern(round, 9));
	msr_write(MSR_LSTAR, pattern(round, 10) & 0x7fffffffffffull);
	msr_write(MSR_CSTAR, pattern(round, 11) & 0x7fffffffffffull);
	msr_write(MSR_SFMASK, pattern(round, 12) & 0x3fffffull);
}

static uint64_t registers_changed(const struct hold *const h)
{
	uint64_t changed = 0;

	for (unsigned i = 0; i < REGISTERS; i++)
		if (i != RAX && i != RCX && i != RSP)
			changed += h->out[i] != h->in[i];
	return changed + (h->out[RCX] != (uintptr_t)h->watched) + (h->out[RSP] != h->rsp);
}

static void compare(const struct system_state *const a, const struct system_state *const b,
	const struct hold *const hold, struct counts *const counts)
{
	counts->general += registers_changed(hold);
	counts->fpu += memcmp(fpu_before, fpu_after, FXSAVE_USED) != 0;
	counts->debug += memcmp(a->debug, b->debug, sizeof(a->debug)) != 0 || a->dr6 != b->dr6 ||
			 a->dr7 != b->dr7;
	counts->control += a->cr2 != b->cr2 || a->cr8 != b->cr8;
	counts->segments += a->fs != b->fs || a->gs != b->gs || a->kernel_gs != b->kernel_gs ||
			    a->star != b->star || a->lstar != b->lstar || a->cstar != b->cstar ||
			    a->sfmask != b->sfmask;
}

/* A planted defect (plant=NAME), by which the test itself is tested: that state is really looked
 * at. */
static void plant(struct hold *const hold)
{
	if (args_is("plant", "general"))
		hold->out[12] ^= 1;
	if (args_is("plant", "fpu"))
		__asm__ volatile("pcmpeqd %%xmm15, %%xmm15" ::: "xmm15");
	if (args_is("plant", "debug"))
		__asm__ volatile("mov %0, %%dr3" ::"r"(0xdeadbeefull));
	if (args_is("plant", "segments"))
		msr_write(MSR_KERNEL_GS_BASE, 0xdead);
	if (args_is("plant", "control"))
		__asm__ volatile("mov %0, %%cr2" ::"r"(0xdeadull));
}

static void one_round(const uint64_t round, const enum hold_kind kind, struct counts *const counts)
{
	struct system_state before, after;
	struct hold hold = { .watched = watched, .kind = kind };

	for (unsigned i = 0; i < REGISTERS; i++)
		hold.in[i] = pattern(round, i);
	state_write(round);
	state_read(&before);
	fpu_load(round);
	hold_gprs(&hold);
	plant(&hold);
	__asm__ volatile("fxsave64 %0; fninit; ldmxcsr %1"
			 : "=m"(fpu_after)
			 : "m"((const uint32_t){ 0x1f80 }));
	state_read(&after);
	compare(&before, &after, &hold, counts);
}

static void check(const struct counts *const counts, const char *const how)
{
	printf("# %s\n", how);
	tap_check(counts->general == 0, "general_registers_survive", "%" PRIu64 " changed",
		counts->general);
	tap_check(counts->fpu == 0, "x87_sse_and_mxcsr_survive", "%" PRIu64 " times not",
		counts->fpu);
	tap_check(counts->debug == 0, "debug_registers_survive", "%" PRIu64 " times not",
		counts->debug);
	tap_check(counts->segments == 0, "segment_bases_and_syscall_registers_survive",
		"%" PRIu64 " times not", counts->segments);
	tap_check(counts->control == 0, "fault_address_and_priority_survive",
		"%" PRIu64 " times not", counts->control);
}

static void run(const uint64_t n, const enum hold_kind kind, const char *const how)
{
	struct counts counts = { 0 };

	for (uint64_t round = 1; round <= n; round++)
		one_round(round, kind, &counts);
	check(&counts, how);
}

/* A partition starts with nothing in its debug registers and segment bases: no one else's either.
 */
static void check_start(const struct system_state *const s)
{
	tap_check(s->debug[0] == 0 && s->debug[1] == 0 && s->debug[2] == 0 && s->debug[3] == 0 &&
			  s->dr7 == 0x400,
		"debug_registers_start_empty", "dr0 %#" PRIx64 ", dr7 %#" PRIx64, s->debug[0],
		s->dr7);
	tap_check(s->fs == 0 && s->gs == 0 && s->kernel_gs == 0 && s->lstar == 0 && s->cr2 == 0,
		"segment_bases_start_empty", "fs %#" PRIx64 ", gs %#" PRIx64 ", lstar %#" PRIx64,
		s->fs, s->gs, s->lstar);
}

int main(void)
{
	const uint64_t n = args_number("n", 100);
	struct system_state first;

	state_read(&first);
	framed = time_is_framed(0);
	tap_plan(framed ? 12 : 7);
	check_start(&first);
	irq_disable();
	if (framed) {
		watched = &((const volatile struct mullion_time *)time_page(0))->window_start_tsc;
	} else {
		timer_init(on_tick);
		timer_arm(tsc_read() + time_ticks_from_ns(TICKER_NS));
		irq_enable();
	}
	run(n, HOLD_SPIN,
		framed ? "preempted at the window's end" : "interrupted by the own timer");
	if (framed)
		run(n, platform.intel ? HOLD_VMCALL : HOLD_VMMCALL, "after a yield");
	return tap_status();
}
