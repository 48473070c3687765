/*
 * What the files of this architecture share.
 */
#ifndef MULLION_ARCH_INTERNAL_H
#define MULLION_ARCH_INTERNAL_H

#include <mullion/core.h>
#include <decode.h>
#include <x86.h>

__extension__ typedef unsigned __int128 uint128;

/* ---- lapic.c: the CPU's own local APIC --------------------------------------------------------
 */

/* Register offsets: AMD APM 2, 16.3.2. An x2APIC MSR is MSR_X2APIC + offset / 16. */
enum apic_register {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_TPR = 0x80,
	APIC_PPR = 0xa0,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
	APIC_SELF_IPI = 0x3f0, /* x2APIC only */
};

#define APIC_LVT_MASKED    (1u << 16)
#define APIC_LVT_MODE      (3u << 17)
#define APIC_LVT_PERIODIC  (1u << 17)
#define APIC_LVT_DEADLINE  (2u << 17)
#define APIC_SVR_ENABLE    (1u << 8)
#define APIC_DIVIDE_1      0xbu
#define APIC_DIVIDE_128    0xau
#define APIC_ICR_VECTOR    0xffu
#define APIC_ICR_MODE      (7u << 8)
#define APIC_ICR_FIXED     (0u << 8)
#define APIC_ICR_NMI       (4u << 8)
#define APIC_ICR_INIT      (5u << 8)
#define APIC_ICR_STARTUP   (6u << 8)
#define APIC_ICR_LOGICAL   (1u << 11)
#define APIC_ICR_BUSY      (1u << 12)
#define APIC_ICR_ASSERT    (1u << 14)
#define APIC_ICR_SHORTHAND (3u << 18)
#define APIC_ICR_SELF      (1u << 18)
#define APIC_ICR_ALL       (2u << 18)
#define APIC_ICR_OTHERS    (3u << 18)
#define APIC_FIRST_VECTOR  16u

#define HOST_TIMER_VECTOR    0x20u
#define HOST_SPURIOUS_VECTOR 0xffu

static inline uint32_t apic_read(uint32_t offset)
{
	return *(const volatile uint32_t *)(X86_APIC_VA + offset);
}

static inline void apic_write(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(X86_APIC_VA + offset) = value;
}

/* Send an interrupt to one CPU: command is the low ICR word. Waits a bounded time for the last one.
 */
void apic_send(uint32_t hardware_id, uint32_t command);

/* Ticks of the local APIC timer, divider 1, that fit into `ticks` of the TSC; rounded down. */
static inline uint64_t apic_timer_count(uint64_t ticks)
{
	return (uint64_t)((uint128)ticks * mullion_system.arch->timer_multiplier >> 32);
}

void apic_init(void);
/* Hand the local APIC to an owned vcpu as a reset leaves it. */
void apic_reset(struct cpu *cpu);

/* ---- apic_owned.c, apic_framed.c: the local APIC as a partition sees it ------------------------
 */

/* Both return false if there is no such register or the value is not allowed: #GP for an MSR. */
bool owned_apic_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value);
bool owned_apic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value);
uint64_t owned_deadline_read(const struct vcpu *vcpu);

bool framed_apic_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value);
bool framed_apic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value);
uint64_t framed_deadline_read(const struct vcpu *vcpu);
void framed_deadline_write(struct vcpu *vcpu, uint64_t deadline);

static inline bool vapic_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value)
{
	return vcpu_framed(vcpu) ? framed_apic_read(vcpu, offset, value)
				 : owned_apic_read(vcpu, offset, value);
}

static inline bool vapic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	return vcpu_framed(vcpu) ? framed_apic_write(vcpu, offset, value)
				 : owned_apic_write(vcpu, offset, value);
}

/* apic_common.c: carry out what a partition wrote to its ICR, within the partition. */
bool vapic_send(struct vcpu *vcpu, uint32_t destination, uint32_t command);

/* apic_common.c: registers both kinds keep in memory. */
bool common_apic_read(const struct vcpu *vcpu, uint32_t offset, uint64_t *value);
bool common_apic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value);
void vapic_reset(struct vcpu *vcpu);

/* ---- guest.c: reading the memory of the partition whose exit is served -------------------------
 */

/*
 * Copy the code at an offset of the vcpu's code segment. Returns how many bytes are mapped memory;
 * the rest of the buffer is then zero, or untouched if it is 0.
 */
unsigned guest_fetch(const struct vcpu *vcpu, uint64_t offset, uint8_t code[FETCH_BYTES]);

/* How wide the code is that the vcpu executes. */
enum code_size guest_code_size(const struct vmcb *vmcb);

/* The MOV at RIP, remembered while nothing it depended on changes; length 0 if it is something
 * else. */
const struct decoded_mov *guest_mov(struct vcpu *vcpu);

/* ---- exit*.c, svm.c, svm.S --------------------------------------------------------
 */

/* True: carried out, enter again. False: nothing done yet but the trace record. */
bool exit_fast(struct vcpu *vcpu);
enum vcpu_leave vcpu_exit(struct vcpu *vcpu);
enum vcpu_leave exit_nested_fault(struct vcpu *vcpu);
enum vcpu_leave exit_msr(struct vcpu *vcpu);

enum vcpu_leave svm_run(struct vcpu *vcpu, uint64_t not_before);
void svm_enable(struct cpu *cpu);

/* What a violation leaves to do: go on behind the instruction, let the fault in, or leave. */
enum vcpu_leave after_health(struct vcpu *vcpu, enum mullion_action action, unsigned length);

static inline uint64_t *vcpu_register(struct vcpu *vcpu, unsigned reg)
{
	if (reg == RAX)
		return &vcpu->arch.vmcb.rax;
	return reg == RSP ? &vcpu->arch.vmcb.rsp : &vcpu->arch.gpr[reg];
}

/* Go on behind the instruction that was carried out. It ends any interrupt shadow (APM 2, 15.21.5).
 */
static inline void skip_instruction(struct vcpu *vcpu, unsigned length)
{
	vcpu->arch.vmcb.rip += length;
	vcpu->arch.vmcb.interrupt_shadow = 0;
}

/* ---- trap.c -------------------------------------------------------------------------------------
 */

void trap_init(void);
void trap_load(void);
/* From trap.S: an exception of the kernel itself. */
void trap_report(uint64_t vector, uint64_t code, uint64_t rip);

/* ---- machine_check.c --------------------------------------------------------------------------
 */

/* The calling CPU reports what it finds wrong with itself. */
void machine_check_enable(void);
/* One has come, and was not taken. */
bool machine_check_pending(void);
/*
 * From an exit, and from trap.S. The node ends unless what was running is all that was hit. intact: the
 * partition is where it was, and goes on if its health table and the hardware say so.
 */
enum vcpu_leave machine_check_in_partition(struct vcpu *vcpu, bool intact);
void machine_check_in_kernel(uint64_t rip) __attribute__((noreturn));

#include <owned_timer.h>

/* ---- node.c ------------------------------------------------------------------------------------
 */

/*
 * QEMU's TCG, known by its CPUID signature, differs from the architecture in two ways that matter:
 * it saves the interrupt shadow at #VMEXIT and ignores it at VMRUN, so an interrupt could come between
 * a guest's STI and its HLT; and it aborts when a guest writes CR8 while a virtual interrupt waits.
 */
extern bool quirk_tcg;

extern uint64_t boot_entry_tsc;

#endif
