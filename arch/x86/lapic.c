/*
 * The CPU's own local APIC, in xAPIC mode at its fixed address: AMD APM 2, chapter 16.
 */
#include <arch_internal.h>

/* Looks at the busy bit before sending anyway: hardware needs a few, an emulator none. */
#define SEND_TRIES 1000u

void apic_send(uint32_t hardware_id, uint32_t command)
{
	for (unsigned i = 0; i < SEND_TRIES && apic_read(APIC_ICR) & APIC_ICR_BUSY; i++)
		arch_relax();
	apic_write(APIC_ICR_HIGH, hardware_id << 24);
	apic_write(APIC_ICR, command | APIC_ICR_ASSERT);
}

static void mask_sources(void)
{
	for (uint32_t lvt = APIC_LVT_TIMER; lvt <= APIC_LVT_ERROR; lvt += 0x10)
		apic_write(lvt, APIC_LVT_MASKED);
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_1);
	apic_write(APIC_TPR, 0);
}

/* For the kernel's own use: the timer on its vector, everything else quiet. */
void apic_init(void)
{
	mask_sources();
	apic_write(APIC_SVR, APIC_SVR_ENABLE | HOST_SPURIOUS_VECTOR);
	apic_write(APIC_LVT_TIMER, HOST_TIMER_VECTOR);
}

/*
 * End whatever an earlier life of the partition left in service, and take what it left pending: at most
 * one of each per vector. Its devices are off the bus.
 */
static void finish_interrupts(void)
{
	for (unsigned i = 0; i < 2 * 256; i++) {
		apic_write(APIC_EOI, 0);
		take_pending_interrupts();
	}
}

void apic_reset(struct cpu *cpu)
{
	mask_sources();
	finish_interrupts();
	apic_write(APIC_SVR, APIC_SVR_ENABLE | HOST_SPURIOUS_VECTOR);
	cpu->arch.timer_divide = APIC_DIVIDE_1;
}

/* An interrupt the earlier setting left pending is taken here: it must not end the next window. */
void arch_timer_arm(struct cpu *cpu, uint64_t tsc)
{
	uint64_t now, count;

	(void)cpu;
	apic_write(APIC_TIMER_INITIAL, 0);
	take_pending_interrupts();
	now = arch_now();
	count = tsc > now ? apic_timer_count(tsc - now) : 0;
	if (count > UINT32_MAX)
		count = UINT32_MAX;
	apic_write(APIC_TIMER_INITIAL, count == 0 ? 1 : (uint32_t)count);
}

void arch_doorbell(const struct vcpu *vcpu, uint16_t vector)
{
	apic_send(vcpu->cpu->config->hardware_id, APIC_ICR_FIXED | vector);
}

void arch_kick(const struct cpu *cpu)
{
	apic_send(cpu->config->hardware_id, APIC_ICR_NMI);
}
