/*
 * The architecture calls that are an instruction or a few.
 */
#ifndef MULLION_ARCH_INLINE_H
#define MULLION_ARCH_INLINE_H

static inline uint64_t arch_now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void arch_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline uint64_t arch_vcpu_deadline(const struct vcpu *vcpu)
{
	uint64_t deadline = vcpu->arch.apic.deadline;

	return deadline == 0 ? UINT64_MAX : deadline;
}

#endif
