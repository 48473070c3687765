/*
 * The local APIC, by x2APIC MSRs or by the xAPIC page. Invariant: the mode is the one
 * IA32_APIC_BASE shows, per vcpu; MSRs are used only where CPUID offers them.
 *
 * Specification: Intel SDM 3A, 11.4 to 11.12; AMD APM 2, 16.
 */
#include <mullion/args.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/smp.h>

#define ICR_WAIT_LOOPS 100000u

static enum apic_mode modes[SMP_MAX_VCPUS];

enum apic_mode apic_mode(void)
{
	return modes[smp_vcpu()];
}

uint32_t apic_read(const enum apic_register reg)
{
	if (apic_mode() == APIC_X2APIC)
		return (uint32_t)msr_read(0x800u + (reg >> 4));
	return *(const volatile uint32_t *)(uintptr_t)(APIC_PAGE + reg);
}

void apic_write(const enum apic_register reg, const uint32_t value)
{
	if (apic_mode() == APIC_X2APIC)
		msr_write(0x800u + (reg >> 4), value);
	else
		*(volatile uint32_t *)(uintptr_t)(APIC_PAGE + reg) = value;
}

uint32_t apic_id(void)
{
	return apic_mode() == APIC_X2APIC ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_send(const uint32_t id, const uint32_t low)
{
	if (apic_mode() == APIC_X2APIC) {
		msr_write(MSR_X2APIC_ICR, (uint64_t)id << 32 | low);
		return;
	}
	apic_write(APIC_ICR_HIGH, id << 24);
	apic_write(APIC_ICR, low);
	for (unsigned i = 0; i < ICR_WAIT_LOOPS && (apic_read(APIC_ICR) & APIC_ICR_BUSY); i++)
		cpu_pause();
}

/* A mode change resets or keeps registers depending on the path: set them all again. */
static void registers_init(void)
{
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | IRQ_VECTOR_SPURIOUS);
}

enum apic_mode apic_switch(const enum apic_mode mode)
{
	uint64_t base;

	if (mode == APIC_X2APIC && !platform.x2apic)
		return apic_switch(APIC_XAPIC);
	base = msr_read(MSR_APIC_BASE);
	if (mode == APIC_X2APIC && !(base & APIC_BASE_X2APIC)) {
		msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLED);
		msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLED | APIC_BASE_X2APIC);
	} else if (mode == APIC_XAPIC && (platform.x2apic && (base & APIC_BASE_X2APIC))) {
		base &= ~(APIC_BASE_ENABLED | APIC_BASE_X2APIC);
		msr_write(MSR_APIC_BASE, base);
		msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLED);
	}
	modes[smp_vcpu()] = mode;
	registers_init();
	return mode;
}

void apic_init_cpu(void)
{
	apic_switch(args_is("apic", "xapic") ? APIC_XAPIC : APIC_X2APIC);
}
