/*
 * What the files of this partition share: registers the SDK does not name, and counted interrupts.
 */
#ifndef TEST_APIC_H
#define TEST_APIC_H

#include <mullion/irq.h>

#define APIC_PPR         ((enum apic_register)0xa0)
#define APIC_LDR         ((enum apic_register)0xd0)
#define APIC_DFR         ((enum apic_register)0xe0)
#define APIC_ISR         ((enum apic_register)0x100)
#define APIC_TMR         ((enum apic_register)0x180)
#define APIC_IRR         ((enum apic_register)0x200)
#define APIC_ESR         ((enum apic_register)0x280)
#define APIC_LVT_THERMAL ((enum apic_register)0x330)
#define APIC_LVT_ERROR   ((enum apic_register)0x370)
#define APIC_REGISTER(o) ((enum apic_register)(o))

#define MSR_X2APIC(offset) (0x800u + ((offset) >> 4))
#define MSR_SELF_IPI       0x83fu

#define LOW_VECTOR  0x51u
#define HIGH_VECTOR 0x71u
#define QUIET_TICKS 20000ull

/* How often each vector's handler ran; on_count counts, the order of the first 8 is kept. */
extern volatile unsigned taken[256];
extern volatile unsigned order[8], orders;
void on_count(struct irq_frame *frame);
void forget(void);

/* Interrupts on for a little while, then off again. */
void listen(void);

unsigned check_priorities(void);
unsigned check_targets(void);
unsigned check_moves(void);
unsigned check_sites(void);

#define PRIORITY_TESTS 9u
#define TARGET_TESTS   10u
#define MOVE_TESTS     5u
#define SITE_TESTS     5u

#endif
