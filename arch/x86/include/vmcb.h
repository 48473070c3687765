/*
 * The virtual machine control block: AMD APM 2, appendix B.
 */
#ifndef MULLION_VMCB_H
#define MULLION_VMCB_H

#include <stdint.h>

struct vmcb_segment {
	uint16_t selector, attributes;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint16_t intercept_cr_read, intercept_cr_write; /* 000h */
	uint16_t intercept_dr_read, intercept_dr_write;
	uint32_t intercept_exceptions;
	uint32_t intercept[3]; /* 00Ch */
	uint8_t reserved_018[0x3c - 0x18];
	uint16_t pause_threshold, pause_count;
	uint64_t iopm_base, msrpm_base, tsc_offset; /* 040h */
	uint32_t asid;                              /* 058h */
	uint8_t tlb_control, reserved_05d[3];
	uint64_t interrupt;                                        /* 060h */
	uint64_t interrupt_shadow;                                 /* 068h */
	uint64_t exit_code, exit_info1, exit_info2, exit_int_info; /* 070h */
	uint64_t nested_control;                                   /* 090h */
	uint8_t reserved_098[0xa8 - 0x98];
	uint64_t event_inject; /* 0A8h */
	uint64_t nested_cr3;   /* 0B0h */
	uint64_t lbr_control;
	uint32_t clean, reserved_0c4;
	uint64_t next_rip;
	uint8_t reserved_0d0[0x400 - 0xd0];
	/* State save area */
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 400h */
	uint8_t reserved_4a0[0x4cb - 0x4a0];
	uint8_t cpl; /* 4CBh */
	uint32_t reserved_4cc;
	uint64_t efer; /* 4D0h */
	uint8_t reserved_4d8[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip; /* 548h */
	uint8_t reserved_580[0x5d8 - 0x580];
	uint64_t rsp; /* 5D8h */
	uint8_t reserved_5e0[0x5f8 - 0x5e0];
	uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base; /* 5F8h */
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	uint8_t reserved_648[0x668 - 0x648];
	uint64_t pat, debug_control, last_branch[4];
	uint8_t reserved_698[0x1000 - 0x698];
} __attribute__((aligned(4096)));

_Static_assert(sizeof(struct vmcb) == 4096, "VMCB size");
_Static_assert(__builtin_offsetof(struct vmcb, cpl) == 0x4cb, "VMCB cpl");
_Static_assert(__builtin_offsetof(struct vmcb, rip) == 0x578, "VMCB rip");
_Static_assert(__builtin_offsetof(struct vmcb, rax) == 0x5f8, "VMCB rax");
_Static_assert(__builtin_offsetof(struct vmcb, pat) == 0x668, "VMCB pat");
_Static_assert(__builtin_offsetof(struct vmcb, event_inject) == 0xa8, "VMCB event");

/* Intercept bits: intercept[0] is offset 00Ch, [1] 010h, [2] 014h. */
#define INTERCEPT_INTR     (1u << 0)
#define INTERCEPT_NMI      (1u << 1)
#define INTERCEPT_SMI      (1u << 2)
#define INTERCEPT_INIT     (1u << 3)
#define INTERCEPT_RDPMC    (1u << 15)
#define INTERCEPT_RSM      (1u << 19)
#define INTERCEPT_CPUID    (1u << 18)
#define INTERCEPT_INVD     (1u << 22)
#define INTERCEPT_HLT      (1u << 24)
#define INTERCEPT_INVLPGA  (1u << 26)
#define INTERCEPT_IOIO     (1u << 27)
#define INTERCEPT_MSR      (1u << 28)
#define INTERCEPT_SHUTDOWN (1u << 31)

#define INTERCEPT1_VMRUN       (1u << 0)
#define INTERCEPT1_VMMCALL     (1u << 1)
#define INTERCEPT1_VMLOAD      (1u << 2)
#define INTERCEPT1_VMSAVE      (1u << 3)
#define INTERCEPT1_STGI        (1u << 4)
#define INTERCEPT1_CLGI        (1u << 5)
#define INTERCEPT1_SKINIT      (1u << 6)
#define INTERCEPT1_RDTSCP      (1u << 7)
#define INTERCEPT1_ICEBP       (1u << 8)
#define INTERCEPT1_WBINVD      (1u << 9)
#define INTERCEPT1_MONITOR     (1u << 10)
#define INTERCEPT1_MWAIT       (1u << 11)
#define INTERCEPT1_MWAIT_ARMED (1u << 12)
#define INTERCEPT1_XSETBV      (1u << 13)
#define INTERCEPT1_RDPRU       (1u << 14)

/* interrupt (060h): AMD APM 2, 15.21 */
#define VMCB_V_TPR            0xffull
#define VMCB_V_IRQ            (1ull << 8)
#define VMCB_V_PRIORITY_SHIFT 16
#define VMCB_V_INTR_MASKING   (1ull << 24)
#define VMCB_V_VECTOR_SHIFT   32

#define VMCB_SHADOW 1ull

#define VMCB_TLB_FLUSH_ALL 1u
#define VMCB_NESTED_PAGING 1ull

/* event_inject and exit_int_info: AMD APM 2, 15.20 */
#define EVENT_VECTOR     0xffull
#define EVENT_TYPE       (7ull << 8)
#define EVENT_EXCEPTION  (3ull << 8)
#define EVENT_ERROR_CODE (1ull << 11)
#define EVENT_VALID      (1ull << 31)

/* Exit codes: AMD APM 2, appendix C */
enum vmexit {
	VMEXIT_CR4_WRITE = 0x14,
	VMEXIT_CR8_WRITE = 0x18,
	VMEXIT_EXCEPTION_DB = 0x41,
	VMEXIT_EXCEPTION_AC = 0x51,
	VMEXIT_EXCEPTION_MC = 0x52,
	VMEXIT_INTR = 0x60,
	VMEXIT_NMI = 0x61,
	VMEXIT_INIT = 0x63,
	VMEXIT_RDPMC = 0x6f,
	VMEXIT_RSM = 0x73,
	VMEXIT_CPUID = 0x72,
	VMEXIT_INVD = 0x76,
	VMEXIT_HLT = 0x78,
	VMEXIT_INVLPGA = 0x7a,
	VMEXIT_IOIO = 0x7b,
	VMEXIT_MSR = 0x7c,
	VMEXIT_SHUTDOWN = 0x7f,
	VMEXIT_VMRUN = 0x80,
	VMEXIT_VMMCALL = 0x81,
	VMEXIT_WBINVD = 0x89,
	VMEXIT_XSETBV = 0x8d,
	VMEXIT_RDPRU = 0x8e,
	VMEXIT_NPF = 0x400,
};

#endif
