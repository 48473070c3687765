/*
 * The fake architecture's clock.
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

#endif
