/*
 * Interrupts: descriptor tables of every vcpu, handlers, the local APIC by MSR or by page, one
 * timer.
 *
 * An exception nobody handles prints vector, RIP, error code and CR2 and ends the partition with
 * status 1: never silent. Specification: Intel SDM 3A, chapters 6 and 11.
 */
#ifndef MULLION_IRQ_H
#define MULLION_IRQ_H

#include <mullion/cpu.h>

struct irq_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

typedef void irq_handler(struct irq_frame *frame);

#define IRQ_VECTOR_FIRST    32u
#define IRQ_VECTOR_SPURIOUS 0xffu

/* Descriptor tables of this vcpu; on vcpu 0 the IDT itself too. Called by the SDK before main. */
void irq_init_cpu(unsigned vcpu);

/* A C handler for interrupts (it need not EOI) or exceptions; NULL removes it. */
void irq_set_handler(unsigned vector, irq_handler *handler);

/* An assembly stub as the gate itself: it saves what it uses, EOIs and IRETs. For measurements. */
void irq_set_raw(unsigned vector, void (*stub)(void));

/* ---- The local APIC ---- */

enum apic_mode { APIC_XAPIC, APIC_X2APIC };

#define APIC_PAGE 0xfee00000u

enum apic_register {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_SVR = 0xf0,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_LVT_MASKED       (1u << 16)
#define APIC_LVT_PERIODIC     (1u << 17)
#define APIC_LVT_TSC_DEADLINE (1u << 18)
#define APIC_SVR_ENABLE       (1u << 8)
#define APIC_DIVIDE_BY_1      0xbu

/* ICR, low half: delivery modes and flags. */
#define APIC_ICR_FIXED   0x0000u
#define APIC_ICR_INIT    0x4500u
#define APIC_ICR_STARTUP 0x4600u
#define APIC_ICR_ASSERT  0x4000u
#define APIC_ICR_BUSY    0x1000u

/*
 * Brings up this vcpu's APIC: x2APIC where CPUID offers it and apic=xapic is not given. apic_switch
 * changes the mode of the calling vcpu (from x2APIC back only through disabled, as SDM 3A 11.12.5
 * demands) and returns the mode it is now in.
 */
void apic_init_cpu(void);
enum apic_mode apic_mode(void);
enum apic_mode apic_switch(enum apic_mode mode);
uint32_t apic_read(enum apic_register reg);
void apic_write(enum apic_register reg, uint32_t value);
uint32_t apic_id(void);
void apic_eoi(void);
/* Sends to the vcpu with this APIC id and waits, bounded, until the APIC has taken it. */
void apic_send(uint32_t id, uint32_t low);

/* ---- The timer: absolute TSC deadlines, by IA32_TSC_DEADLINE or one-shot counts ---- */

/* Timer ticks per TSC tick, measured once; 1/1 where they are the same clock. */
struct timer_ratio {
	uint64_t numerator, denominator;
};

#define TIMER_VECTOR 0x40u

/* Handler runs with interrupts off when `deadline` has passed, once per timer_arm. */
void timer_init(irq_handler *handler);
void timer_arm(uint64_t deadline_tsc);
void timer_disarm(void);
struct timer_ratio timer_ratio(void);
bool timer_is_deadline(void);

#endif
