/*
 * The fake architecture's clock and timers.
 */
#ifndef FAKE_ARCH_INLINE_H
#define FAKE_ARCH_INLINE_H

static inline uint64_t arch_now(void)
{
	return fake_now += fake_step;
}

static inline void arch_relax(void)
{
}

static inline uint64_t arch_vcpu_deadline(const struct vcpu *vcpu)
{
	return vcpu->arch.deadline;
}

#endif
