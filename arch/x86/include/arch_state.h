/*
 * The x86 part of the kernel's state: a vcpu's VMCB and registers, a CPU's local facts.
 */
#ifndef MULLION_ARCH_STATE_H
#define MULLION_ARCH_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <x86_tables.h>
#include <vmcb.h>
#include <code_site.h>

/* General registers in the order of the instruction encoding; RAX and RSP live in the VMCB. */
enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, GPRS };

/*
 * A framed vcpu's virtual local APIC (AMD APM 2, chapter 16): the timer and interrupts between the
 * partition's own vcpus are its only sources. On an owned CPU the hardware keeps all of this except
 * lvt_timer, deadline and icr_high.
 */
struct virtual_apic {
	uint64_t irr[4], isr[4]; /* 256 vectors */
	uint32_t posted_any;     /* shared; raised after a bit of posted[] */
	uint64_t posted[4];      /* shared; interrupts sent by sibling vcpus */
	uint64_t deadline;       /* TSC; 0: not armed */
	uint64_t period;         /* ticks; periodic mode */
	uint32_t lvt_timer;
	uint32_t initial_count, divide;
	uint32_t spurious, icr_high;
	uint32_t logical_destination, destination_format;
	uint32_t lvt[6];       /* CMCI-less: thermal, perf, lint0, lint1, error, (unused) */
	uint32_t priority_low; /* TPR bits 3..0; the others are V_TPR */
	int32_t injected;      /* vector offered to the CPU in the VMCB, or -1 */
	bool work;             /* irr may hold something to offer */
};

struct arch_vcpu {
	struct vmcb vmcb;   /* page-aligned, first */
	uint64_t gpr[GPRS]; /* at VMCB + 4096: svm.S relies on it */
	uint8_t fpu[512] __attribute__((aligned(16)));
	uint64_t debug[4];
	struct virtual_apic apic;
	uint32_t config_address; /* what it wrote to port CF8h */
	struct code_site sites[CODE_SITES]; /* where it touches the local APIC's page */
} __attribute__((aligned(4096)));

struct arch_cpu {
	uint8_t host_save[4096] __attribute__((aligned(4096))); /* VM_HSAVE_PA */
	uint32_t timer_divide; /* what the local APIC's divider holds */
};

#endif
