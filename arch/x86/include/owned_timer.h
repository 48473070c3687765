/*
 * Arming the timer of an owned CPU: inline, because its length is what the partition sees.
 *
 * The deadline timer AMD's local APIC lacks is made from its one-shot timer: the count is what is
 * left until the deadline when it is written, less the length of the path itself
 * (timer_lead_ticks).
 */
#ifndef MULLION_OWNED_TIMER_H
#define MULLION_OWNED_TIMER_H

#define DIVIDE_128_SHIFT 7u

static inline bool owned_deadline_mode(const struct virtual_apic *apic)
{
	return (apic->lvt_timer & APIC_LVT_MODE) == APIC_LVT_DEADLINE;
}

static inline void owned_set_divide(struct cpu *cpu, uint32_t divide)
{
	if (cpu->arch.timer_divide == divide)
		return;
	apic_write(APIC_TIMER_DIVIDE, divide);
	cpu->arch.timer_divide = divide;
}

/* Further than 32 bits away: count in steps of 128 ticks, rounded up; at most 549 s at 1 GHz. */
static inline void owned_arm_far(struct cpu *cpu, uint64_t count)
{
	uint64_t steps = (count >> DIVIDE_128_SHIFT) + 1;

	owned_set_divide(cpu, APIC_DIVIDE_128);
	apic_write(APIC_TIMER_INITIAL, steps > UINT32_MAX ? UINT32_MAX : (uint32_t)steps);
}

static inline void owned_arm(struct cpu *cpu, uint64_t deadline)
{
	const struct arch_system_tables *tables = mullion_system.arch;
	uint64_t earliest = arch_now() + tables->timer_lead_ticks;
	uint64_t count = deadline > earliest ? apic_timer_count(deadline - earliest) : 0;

	if (count > UINT32_MAX) {
		owned_arm_far(cpu, count);
		return;
	}
	owned_set_divide(cpu, APIC_DIVIDE_1);
	apic_write(APIC_TIMER_INITIAL, count == 0 ? 1 : (uint32_t)count);
}

/* WRMSR IA32_TSC_DEADLINE: 0 disarms, a past time fires at once; ignored in the other timer modes.
 */
static inline void owned_deadline_write(struct vcpu *vcpu, uint64_t deadline)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	if (!owned_deadline_mode(apic))
		return;
	apic->deadline = deadline;
	if (deadline == 0)
		apic_write(APIC_TIMER_INITIAL, 0);
	else
		owned_arm(vcpu->cpu, deadline);
}

/* The initial count, in the partition's own divider; ignored in deadline mode. */
static inline void owned_count_write(struct vcpu *vcpu, uint32_t value)
{
	if (owned_deadline_mode(&vcpu->arch.apic))
		return;
	owned_set_divide(vcpu->cpu, vcpu->arch.apic.divide);
	apic_write(APIC_TIMER_INITIAL, value);
}

#endif
