/*
 * The debug exception: the kernel takes it only to break endless streams of it; each one is the
 * partition's. AMD APM 2, 13.1.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/tap.h>
#include <mullion/time.h>

#include "instructions.h"

#define RFLAGS_TF     (1ull << 8)
#define RFLAGS_RESUME (1ull << 16)
#define DR6_SINGLE    (1ull << 14)
#define DR6_FIRST     1ull
#define DR7_QUIET     0x400ull
#define DR7_EXECUTE   (DR7_QUIET | 1)
#define DR7_WRITE_4   (DR7_QUIET | 1 | 0xdull << 16)
#define STEPS         10u
#define STREAM_TICKS  3000000ull

static volatile unsigned hits, steps_left;
static volatile uint64_t last_rip, last_dr6;
static volatile uint32_t watched;
static volatile bool stream;
static volatile uint64_t stream_end;

static void on_debug(struct irq_frame *const frame)
{
	uint64_t dr6;

	__asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(0xffff0ff0ull));
	hits++;
	last_rip = frame->rip;
	last_dr6 = dr6;
	if (dr6 & DR6_FIRST)
		frame->rflags |= RFLAGS_RESUME;
	if (stream ? tsc_read() >= stream_end : --steps_left == 0)
		frame->rflags &= ~RFLAGS_TF;
}

static void begin(const unsigned steps)
{
	hits = 0;
	steps_left = steps;
	irq_set_handler(VECTOR_DB, on_debug);
}

static void step(void)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"
			 "nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop" ::
				 : "memory", "cc");
}

static void check_single_step(void)
{
	begin(STEPS);
	step();
	tap_check(hits == STEPS && last_dr6 & DR6_SINGLE, "each_single_step_reaches_the_partition",
		"%u of %u, dr6 %#" PRIx64, hits, STEPS, last_dr6);
}

/* Stepping over what exits by itself: one step each, none lost, none doubled. */
static void check_stepped_exits(void)
{
	unsigned eax = 0, ecx = 0;

	begin(3);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"
			 "cpuid; nop; nop; nop"
			 : "+a"(eax), "+c"(ecx)::"rbx", "rdx", "memory", "cc");
	tap_check(hits == 3, "stepping_goes_on_across_an_instruction_that_exits", "%u steps", hits);
}

static void __attribute__((noinline)) target(void)
{
	__asm__ volatile("nop" ::: "memory");
}

static void set_breakpoint(const uintptr_t address, const uint64_t control)
{
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" ::"r"(address), "r"(control) : "memory");
}

static void check_breakpoint(void)
{
	begin(0);
	set_breakpoint((uintptr_t)target, DR7_EXECUTE);
	target();
	target();
	set_breakpoint(0, DR7_QUIET);
	tap_check(hits == 2 && last_rip == (uintptr_t)target && last_dr6 & DR6_FIRST,
		"an_instruction_breakpoint_reaches_the_partition", "%u hits, dr6 %#" PRIx64, hits,
		last_dr6);
}

static void check_watchpoint(void)
{
	begin(0);
	set_breakpoint((uintptr_t)&watched, DR7_WRITE_4);
	watched = 1;
	set_breakpoint(0, DR7_QUIET);
	watched = 2;
	tap_check(hits == 1 && last_dr6 & DR6_FIRST, "a_data_breakpoint_reaches_the_partition",
		"%u hits, dr6 %#" PRIx64, hits, last_dr6);
}

/* Nothing but debug exceptions for several windows: they end as ever, the node goes on. */
static void check_stream(void)
{
	const volatile struct mullion_time *const page = time_page(0);
	const uint64_t first = page->frame;
	uint64_t frames;

	begin(0);
	stream = true;
	stream_end = tsc_read() + STREAM_TICKS;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t" ::: "memory", "cc");
	while (tsc_read() < stream_end)
		;
	__asm__ volatile("nop" ::: "memory");
	stream = false;
	frames = page->frame - first;
	tap_check(hits > 1000, "a_stream_of_debug_exceptions_goes_on_while_it_lasts", "%u hits",
		hits);
	tap_check(frames >= (time_is_framed(0) ? 2 : 0), "it_does_not_hold_up_the_windows",
		"%" PRIu64 " frames", frames);
}

void check_debug(void)
{
	irq_disable();
	check_single_step();
	check_stepped_exits();
	check_breakpoint();
	check_watchpoint();
	check_stream();
	irq_set_handler(VECTOR_DB, NULL);
}
