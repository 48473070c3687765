/*
 * Hypercalls: every number that is none, numbers with high bits, extreme arguments. abi.h: what does not
 * exist is MULLION_ENOSYS, RAX alone is changed.
 */
#include <inttypes.h>

#include <mullion/hypercall.h>

#include "attacker.h"

#define NUMBERS 0x10000u
#define PATTERN 0x1122334455667788ull

static void call(const struct act *const act)
{
	act_saw((uint64_t)hypercall(act->target, act->operand));
}

static const uint64_t numbers[] = { MULLION_HC_COUNT, 5, 6, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128,
	255, 256, 0x1000, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, 0x100000001, 0x100000002, 0x100000003, 0x8000000000000000, 0x8000000000000003,
	0xfffffffffffffffd, 0xffffffffffffffff };

static void try_numbers(void)
{
	for (unsigned i = 0; i < COUNT_OF(numbers); i++) {
		const struct act act = { .name = act_name("hypercall_%#" PRIx64, numbers[i]),
			.attempt = call,
			.target = numbers[i],
			.operand = 0,
			RETURNS((uint64_t)MULLION_ENOSYS) };

		act_perform(&act);
	}
}

/* How many numbers up to 65,535 that are none answered otherwise. */
static void call_every(const struct act *const act)
{
	uint64_t answered = 0;

	for (uint64_t number = MULLION_HC_COUNT; number < NUMBERS; number++)
		answered += hypercall(number, act->operand) != MULLION_ENOSYS;
	act_saw(answered);
}

/* What it changed in the other registers. */
static void call_keeping(const struct act *const act)
{
	uint64_t rax = act->target, rbx = PATTERN, rcx = PATTERN, rdx = PATTERN, rsi = PATTERN,
		 rdi = PATTERN;
	register uint64_t r8 __asm__("r8") = PATTERN;
	register uint64_t r11 __asm__("r11") = PATTERN;
	register uint64_t r15 __asm__("r15") = PATTERN;

	__asm__ volatile("vmmcall"
			 : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx), "+S"(rsi), "+D"(rdi),
			 "+r"(r8), "+r"(r11), "+r"(r15)::"memory");
	act_saw((rbx ^ PATTERN) | (rcx ^ PATTERN) | (rdx ^ PATTERN) | (rsi ^ PATTERN) |
		(rdi ^ PATTERN) | (r8 ^ PATTERN) | (r11 ^ PATTERN) | (r15 ^ PATTERN));
}

#define ENOSYS ((uint64_t)MULLION_ENOSYS)
#define EINVAL ((uint64_t)MULLION_EINVAL)
static const struct act acts[] = {
	{ "every_number_up_to_65535", call_every, 0, 0, RETURNS(0) },
	{ "every_number_up_to_65535_with_an_extreme_argument", call_every, 0, ~0ull, RETURNS(0) },
	{ "the_version_with_a_pointer_to_the_kernel", call, 0, 0x200000, RETURNS(1) },
	{ "the_version_with_the_greatest_argument", call, 0, ~0ull, RETURNS(1) },
	{ "yielding_with_the_greatest_argument", call, 1, ~0ull, RETURNS(0) },
	{ "yielding_with_a_negative_argument", call, 1, 1ull << 63, RETURNS(0) },
	{ "raising_code_0", call, 2, 0, RETURNS(0) },
	{ "raising_the_greatest_code", call, 2, ~0ull, RETURNS(0) },
	{ "raising_a_pointer_to_the_kernel", call, 2, 0x200000, RETURNS(0) },
	{ "ringing_a_channel_of_nobody", call, MULLION_HC_DOORBELL, 0xffff, RETURNS(EINVAL) },
	{ "ringing_with_the_greatest_argument", call, MULLION_HC_DOORBELL, ~0ull, RETURNS(EINVAL) },
	{ "stopping_a_partition_with_the_greatest_argument", call, MULLION_HC_STOP, ~0ull,
		RETURNS(ENOSYS) },
	{ "restarting_a_partition_with_the_greatest_argument", call, MULLION_HC_RESTART, ~0ull,
		RETURNS(ENOSYS) },
	{ "switching_schedules_with_the_greatest_argument", call, MULLION_HC_SCHEDULE, ~0ull,
		RETURNS(ENOSYS) },
	{ "resetting_the_node", call, MULLION_HC_SHUTDOWN, 1, RETURNS(ENOSYS) },
	{ "reading_a_partition_with_the_greatest_argument", call, MULLION_HC_PEEK, ~0ull,
		RETURNS(ENOSYS) },
	{ "writing_a_partition_with_the_greatest_argument", call, MULLION_HC_POKE, ~0ull,
		RETURNS(ENOSYS) },
	{ "an_unknown_call_with_the_greatest_argument", call, MULLION_HC_COUNT, ~0ull,
		RETURNS(ENOSYS) },
	{ "the_registers_after_a_known_call", call_keeping, 0, 0, RETURNS(0) },
	{ "the_registers_after_an_unknown_call", call_keeping, ~0ull, 0, RETURNS(0) },
};

void acts_hypercalls(void)
{
	try_numbers();
	act_perform_all(acts, COUNT_OF(acts));
}
