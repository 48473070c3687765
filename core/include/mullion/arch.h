/*
 * What core asks of an architecture. Every call is bounded; none allocates or waits for another CPU
 * unless it says so. Times are TSC values (ticks of mullion_system.tsc_hz), absolute.
 */
#ifndef MULLION_ARCH_H
#define MULLION_ARCH_H

#include <mullion/state.h>

/* ---- Time -------------------------------------------------------------------------------------
 */

/* The present time in ticks. Monotone and common to all CPUs. */
static inline uint64_t arch_now(void);

/* Say to the CPU that this is a waiting loop. */
static inline void arch_relax(void);

/* Make this CPU leave its partition, or wake from arch_idle, at `tsc`; a past time means at once.
 */
void arch_timer_arm(struct cpu *cpu, uint64_t tsc);

/* Sleep until `tsc`, or until kicked. May return early. */
void arch_idle(struct cpu *cpu, uint64_t tsc);

/* Sleep until kicked. May return early; never misses a kick sent after the caller's last check. */
void arch_wait_for_kick(void);

/* ---- CPUs -------------------------------------------------------------------------------------
 */

/* Refuse the node (message, power off) unless it has everything the image needs; print its facts.
 */
void arch_check_node(void);

/* Prepare the calling CPU to run partitions. */
void arch_cpu_init(struct cpu *cpu);

/* Start another CPU at cpu_main. The one before has said that it is ready. */
void arch_start_cpu(struct cpu *cpu);

/* Interrupt another CPU's partition or sleep so that it looks at the shared state. */
void arch_kick(const struct cpu *cpu);

/* Stop this CPU for good. */
void arch_park(void) __attribute__((noreturn));

/* Power the node off as the tables say, or park. ok: every partition ended well. */
void arch_power_off(bool ok) __attribute__((noreturn));

/* Reset the node as the tables say; power it off as failed if it cannot. */
void arch_reset_node(void) __attribute__((noreturn));

/* Put one character on the kernel's UART, if it has one. Waits at most a character's time. */
void arch_console_put(char c);

/* ---- vcpus ------------------------------------------------------------------------------------
 */

enum vcpu_leave {
	STAY = 0,    /* exit paths only: enter again */
	LEAVE_TIMER, /* the armed time came */
	LEAVE_YIELD, /* the partition gave up its window */
	LEAVE_HALT,  /* it waits for an interrupt */
	LEAVE_STOP,  /* it, or the node, is to stop */
};

/* Set a vcpu to its initial state: the boot vcpu by PVH, the others as a start-up IPI does. */
void arch_vcpu_reset(struct vcpu *vcpu);

/* Exchange what VMRUN does not: FPU, segment bases, debug registers. Either may be NULL. */
void arch_vcpu_switch(struct vcpu *from, struct vcpu *to);

/* Enter the vcpu, its first instruction not before `tsc`; serve its exits until it has to leave. */
enum vcpu_leave arch_vcpu_run(struct vcpu *vcpu, uint64_t tsc);

/* Framed vcpu: take over interrupts that became due. True if a halted vcpu has to wake. */
bool arch_vcpu_poll(struct vcpu *vcpu, uint64_t now);

/* Framed vcpu: when its virtual timer is due; UINT64_MAX if it is not armed. */
static inline uint64_t arch_vcpu_deadline(const struct vcpu *vcpu);

/* Make the vcpu take a general-protection fault, or what the architecture has in its place. */
void arch_vcpu_inject_fault(struct vcpu *vcpu);

/* Interrupt an owned vcpu; at most one bounded wait for the last such message to leave. */
void arch_doorbell(const struct vcpu *vcpu, uint16_t vector);

/* The instruction the vcpu is at. */
uint64_t arch_vcpu_rip(const struct vcpu *vcpu);

/* ---- Devices -----------------------------------------------------------------------------------
 */

/*
 * Look whether a device was stopped, if it is this CPU that looks: block it and health_device() it.
 * At most one per IOMMU and call.
 */
void arch_devices_poll(struct cpu *cpu);

/* Whether this CPU is one that looks. */
bool arch_devices_kept(const struct cpu *cpu);

/*
 * A step of taking a partition's devices off the bus and resetting those that can be; puts the time
 * before which they must be left alone into life->not_before. True: all are; false: ask again.
 * life->at and life->done, 0 at first, keep what has been done.
 */
bool arch_devices_quiet(const struct mullion_partition *partition, struct partition *life);

/* Whether it has any. */
bool arch_devices_any(const struct mullion_partition *partition);

/* A step of programming them as at boot and letting them through; likewise. */
bool arch_devices_resume(const struct mullion_partition *partition, struct partition *life);

/* ---- The memory of a partition that does not run ----------------------------------------------
 */

/* Of what it may write; contiguous there. Takes as long as there are bytes. */
void arch_memory_zero(const struct mullion_partition *partition, uint64_t gpa, uint64_t bytes);
void arch_memory_copy(
	const struct mullion_partition *partition, uint64_t gpa, uint64_t source, uint64_t bytes);

/* Block `block` of its memory into the exchange page, or (in) out of it. False: it has none such. */
bool arch_memory_exchange(const struct mullion_partition *partition, uint64_t block, bool in);

/* A struct mullion_registers into the exchange page. */
void arch_vcpu_registers(const struct vcpu *vcpu);

#include <arch_inline.h>

#endif
