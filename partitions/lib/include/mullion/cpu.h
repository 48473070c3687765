/*
 * The few x86 instructions that C cannot name, and the registers and bits the SDK touches.
 *
 * Nothing here is ever executed to find out whether it exists: what a machine offers is read from
 * CPUID first. Specification: Intel SDM volume 2 and 3A chapter 11 (local APIC); AMD APM 3.
 */
#ifndef MULLION_CPU_H
#define MULLION_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define MSR_APIC_BASE            0x1bu
#define MSR_TSC_DEADLINE         0x6e0u
#define MSR_X2APIC_ID            0x802u
#define MSR_X2APIC_EOI           0x80bu
#define MSR_X2APIC_ICR           0x830u
#define MSR_X2APIC_TIMER_INITIAL 0x838u
#define MSR_EFER                 0xc0000080u
#define MSR_FS_BASE              0xc0000100u
#define MSR_GS_BASE              0xc0000101u
#define MSR_KERNEL_GS_BASE       0xc0000102u

#define APIC_BASE_ENABLED (1ull << 11)
#define APIC_BASE_X2APIC  (1ull << 10)

#define CPUID_1_ECX_X2APIC       (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_HYPERVISOR   (1u << 31)

#define RFLAGS_IF (1ull << 9)

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid_read(const uint32_t leaf, const uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t tsc_read(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static inline uint64_t msr_read(const uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void msr_write(const uint32_t msr, const uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint8_t port_read8(const uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t port_read16(const uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t port_read32(const uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void port_write8(const uint16_t port, const uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void port_write16(const uint16_t port, const uint16_t value)
{
	__asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void port_write32(const uint16_t port, const uint32_t value)
{
	__asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

/* Wait for one interrupt without losing it: STI takes effect after HLT. Call with interrupts off.
 */
static inline void irq_wait(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

static inline _Noreturn void cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

#endif
