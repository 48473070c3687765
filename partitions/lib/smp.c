/*
 * Starting and using the other vcpus. Invariant: one start at a time, so the trampoline's stack and
 * number have one reader; each vcpu's mailbox has one writer at a time.
 *
 * Specification: Intel SDM 3A, 8.4.4 (INIT-SIPI-SIPI).
 */
#include <stddef.h>
#include <string.h>

#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/smp.h>
#include <mullion/time.h>

#define TRAMPOLINE      0x8000u /* as in crt0.S; a page below 1 MiB that no firmware uses */
#define STACK_BYTES     16384u
#define INIT_WAIT_NS    10000000ull
#define STARTUP_WAIT_NS 1000000ull
#define ANSWER_WAIT_NS  1000000000ull
#define WAKE_VECTOR     0x41u

extern const uint8_t smp_trampoline[], smp_trampoline_end[];
uint32_t smp_boot_stack, smp_boot_vcpu;
_Noreturn void smp_entry(unsigned vcpu);

struct mailbox {
	void (*function)(void *argument);
	void *argument;
	uint32_t started; /* in this one of our lives */
	bool busy;
};

static struct mailbox mailboxes[SMP_MAX_VCPUS];
static uint8_t stacks[SMP_MAX_VCPUS][STACK_BYTES] __attribute__((aligned(16)));

static bool started(const unsigned vcpu)
{
	return __atomic_load_n(&mailboxes[vcpu].started, __ATOMIC_ACQUIRE) == boot.lives;
}

bool smp_busy(const unsigned vcpu)
{
	return __atomic_load_n(&mailboxes[vcpu].busy, __ATOMIC_ACQUIRE);
}

static void on_wake(struct irq_frame *const frame)
{
	(void)frame;
}

_Noreturn void smp_entry(const unsigned vcpu)
{
	struct mailbox *const m = &mailboxes[vcpu];

	irq_init_cpu(vcpu);
	apic_init_cpu();
	__atomic_store_n(&m->started, boot.lives, __ATOMIC_RELEASE);
	for (;;) {
		while (!smp_busy(vcpu))
			irq_wait();
		m->function(m->argument);
		irq_disable();
		__atomic_store_n(&m->busy, false, __ATOMIC_RELEASE);
		apic_send(0, APIC_ICR_FIXED | APIC_ICR_ASSERT | WAKE_VECTOR);
	}
}

static bool wait_started(const unsigned vcpu, const uint64_t ns)
{
	const uint64_t end = tsc_read() + time_ticks_from_ns(ns);

	while (!started(vcpu) && tsc_read() < end)
		cpu_pause();
	return started(vcpu);
}

bool smp_start(const unsigned vcpu)
{
	if (vcpu == 0 || vcpu >= SMP_MAX_VCPUS || started(vcpu))
		return vcpu < SMP_MAX_VCPUS;
	memcpy((void *)(uintptr_t)TRAMPOLINE, smp_trampoline,
		(size_t)(smp_trampoline_end - smp_trampoline));
	irq_set_handler(WAKE_VECTOR, on_wake);
	mailboxes[vcpu].busy = false;
	smp_boot_vcpu = vcpu;
	smp_boot_stack = (uint32_t)(uintptr_t)&stacks[vcpu][STACK_BYTES];
	__asm__ volatile("" ::: "memory");
	apic_send(vcpu, APIC_ICR_INIT);
	time_delay_ns(INIT_WAIT_NS);
	apic_send(vcpu, APIC_ICR_STARTUP | TRAMPOLINE >> 12);
	if (wait_started(vcpu, STARTUP_WAIT_NS))
		return true;
	apic_send(vcpu, APIC_ICR_STARTUP | TRAMPOLINE >> 12);
	return wait_started(vcpu, ANSWER_WAIT_NS);
}

unsigned smp_start_all(void)
{
	unsigned running = 1;

	for (unsigned v = 1; v < info_vcpus() && v < SMP_MAX_VCPUS; v++)
		running += smp_start(v);
	return running;
}

void smp_run(const unsigned vcpu, void (*const function)(void *), void *const argument)
{
	struct mailbox *const m = &mailboxes[vcpu];

	m->function = function;
	m->argument = argument;
	__atomic_store_n(&m->busy, true, __ATOMIC_RELEASE);
	apic_send(vcpu, APIC_ICR_FIXED | APIC_ICR_ASSERT | WAKE_VECTOR);
}

void smp_wait(const unsigned vcpu)
{
	irq_disable();
	while (smp_busy(vcpu))
		irq_wait();
}
