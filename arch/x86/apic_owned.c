/*
 * The local APIC of an owned CPU: the partition has the real one.
 *
 * Invariant: its interrupts reach the partition's IDT without an exit. Registers are mediated so
 * that nothing leaves the partition (ICR) and nothing but a fixed vector >= 16 comes in (LVT,
 * deadline). The deadline timer AMD's local APIC lacks is made from its one-shot timer: the count
 * is what is left until the deadline when it is written, less the length of this path
 * (timer_lead_ticks).
 */
#include <arch_internal.h>

#define DIVIDE_BITS 0xbu
#define TPR_BITS    0xffu

uint64_t owned_deadline_read(const struct vcpu *vcpu)
{
	return apic_read(APIC_TIMER_CURRENT) == 0 ? 0 : vcpu->arch.apic.deadline;
}

static void write_lvt_timer(struct vcpu *vcpu, uint32_t value)
{
	struct virtual_apic *apic = &vcpu->arch.apic;
	uint32_t lvt = value & (APIC_ICR_VECTOR | APIC_LVT_MASKED | APIC_LVT_MODE);
	uint32_t real = lvt & (APIC_ICR_VECTOR | APIC_LVT_MASKED | APIC_LVT_PERIODIC);

	if ((lvt ^ apic->lvt_timer) & APIC_LVT_MODE)
		apic_write(APIC_TIMER_INITIAL, 0);
	apic->lvt_timer = lvt;
	if ((lvt & APIC_ICR_VECTOR) < APIC_FIRST_VECTOR)
		real |= APIC_LVT_MASKED;
	apic_write(APIC_LVT_TIMER, real);
}

static bool write_slow(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	switch (offset) {
	case APIC_TPR:
		apic_write(APIC_TPR, (uint32_t)value & TPR_BITS);
		return true;
	case APIC_LVT_TIMER:
		write_lvt_timer(vcpu, (uint32_t)value);
		return true;
	case APIC_TIMER_DIVIDE:
		vcpu->arch.apic.divide = (uint32_t)value & DIVIDE_BITS;
		return true;
	case APIC_ICR:
		return vapic_send(vcpu, (uint32_t)(value >> 32), (uint32_t)value);
	case APIC_SELF_IPI:
		return vapic_send(vcpu, 0, ((uint32_t)value & APIC_ICR_VECTOR) | APIC_ICR_SELF);
	case APIC_SVR:
		apic_write(APIC_SVR, (uint32_t)value & (APIC_SVR_ENABLE | APIC_ICR_VECTOR));
		return common_apic_write(vcpu, offset, value);
	default:
		return common_apic_write(vcpu, offset, value);
	}
}

bool owned_apic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	if (offset == APIC_EOI) {
		apic_write(APIC_EOI, 0);
		return true;
	}
	if (offset == APIC_TIMER_INITIAL) {
		owned_count_write(vcpu, (uint32_t)value);
		return true;
	}
	return write_slow(vcpu, offset, value);
}

bool owned_apic_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value)
{
	bool real = offset == APIC_TPR || offset == APIC_PPR ||
		    (offset >= APIC_ISR && offset < APIC_ESR) || offset == APIC_TIMER_INITIAL ||
		    offset == APIC_TIMER_CURRENT;

	if (!real)
		return common_apic_read(vcpu, offset, value);
	*value = apic_read(offset);
	return true;
}
