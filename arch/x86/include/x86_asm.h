/*
 * Constants shared by C and assembly.
 */
#ifndef MULLION_X86_ASM_H
#define MULLION_X86_ASM_H

#define SELECTOR_CODE64 0x08
#define SELECTOR_DATA   0x10
#define SELECTOR_CODE32 0x18

/* X86_APIC_VA + APIC_EOI; reachable with a sign-extended 32-bit displacement. */
#define APIC_EOI_ADDRESS 0xfffffffffee000b0

/* Where secondary CPUs wake in real mode; the start-up IPI carries its page number. */
#define TRAMPOLINE 0x8000

/* Offsets into struct mullion_system and its parts; node.c asserts them. */
#define SYSTEM_CPUS   32
#define SYSTEM_ARCH   112
#define CPU_STACK_TOP 16

#endif
