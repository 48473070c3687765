/*
 * What core offers: to itself and to the architecture's exit paths.
 */
#ifndef MULLION_CORE_H
#define MULLION_CORE_H

#include <mullion/arch.h>
#include <mullion/schedule.h>
#include <stdarg.h>

/* ---- boot.c -----------------------------------------------------------------------------------
 */

/* The boot CPU's way in, once, on its own stack. */
void kernel_main(void) __attribute__((noreturn));

/* Every CPU's way in, in its own time. */
void cpu_main(struct cpu *cpu) __attribute__((noreturn));

/* ---- window.c, owned.c: what a CPU does all its life -------------------------------------------
 */

void framed_loop(struct cpu *cpu);
void owned_loop(struct cpu *cpu);

/* ---- partition.c ------------------------------------------------------------------------------
 */

/* Before the epoch: bring the boot vcpus this CPU will run to their initial state. */
void partition_prepare(const struct cpu *cpu);

/* Start a secondary vcpu (by its index) at a guest-physical page. False: no such vcpu, or it runs.
 */
bool partition_start_vcpu(const struct vcpu *by, uint16_t index, uint32_t address);

/* Stop all vcpus of a partition; others' CPUs notice at their next exit, kicked where owned. */
void partition_stop(const struct mullion_partition *partition);

/* Stop everything and power off; returns, the callers' loops then end. */
void node_end(bool ok);
void node_finish(struct cpu *cpu) __attribute__((noreturn));

static inline struct vcpu *partition_vcpu(const struct mullion_partition *partition, uint16_t index)
{
	return &system_vcpus[partition->first_vcpu + index];
}

static inline bool node_ending(void)
{
	return load_shared(&node_state) == NODE_ENDING;
}

/* ---- health.c ---------------------------------------------------------------------------------
 */

/*
 * A vcpu did what it may not. detail and address by event (see abi.h). Carries the table's action
 * out and returns it: LOG means the caller completes the access harmlessly and goes on.
 */
enum mullion_action health_raise(
	struct vcpu *vcpu, enum mullion_event event, uint64_t detail, uint64_t address);

/* Write the pending report's line if there is time for it. */
void health_flush(struct vcpu *vcpu);

/*
 * On the CPU that looks for such faults: a device was stopped and blocked. owner: whose it is, NULL
 * if nobody's. access: enum mullion_dma_access; requester: what its requests bear. Carries the
 * table's action out against the owner alone.
 */
void health_device(struct cpu *keeper, const struct mullion_partition *owner, uint16_t requester,
	enum mullion_dma_access access, uint64_t address);

/* Write the line about a stopped device, if one waits: in time that nobody owns. */
void health_flush_device(struct cpu *cpu);

/* ---- hypercall.c ------------------------------------------------------------------------------
 */

struct hypercall_result {
	int64_t value;
	bool leave; /* give the CPU back with LEAVE_YIELD */
};
struct hypercall_result hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument);

/* ---- console.c --------------------------------------------------------------------------------
 */

void console_init(void);
/* %s %u (uint64_t) %x (uint64_t) %c %%; widths as %-8s. Into the log ring, and the UART if booting.
 */
void console_print(const char *format, ...);
void console_vprint(const char *format, va_list args);
/* Let the UART take what the log holds, while there is time. */
void console_drain(uint64_t until_tsc);
bool console_try_lock(void);
void console_unlock(void);

/* Say what is wrong and how to mend it, in one line; power off as failed. */
void refuse(const char *format, ...) __attribute__((noreturn));

/* ---- trace.h ----------------------------------------------------------------------------------
 */

/*
 * Append one record to a CPU's ring: a dozen instructions, no branch. tag: trace_tag(), which an
 * exit path may have made beforehand.
 */
static inline void trace(struct mullion_trace *ring, uint64_t tsc, uint32_t tag, uint32_t cause,
	uint64_t a, uint64_t b)
{
	uint64_t head = ring->head;
	struct mullion_trace_record *record = &ring->records[head & (MULLION_TRACE_RECORDS - 1)];

	record->tsc = tsc;
	record->kind = (uint16_t)tag;
	record->vcpu = (uint16_t)(tag >> 16);
	record->cause = cause;
	record->a = a;
	record->b = b;
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

static inline uint32_t trace_tag(enum mullion_trace_kind kind, uint16_t vcpu)
{
	return (uint32_t)kind | (uint32_t)vcpu << 16;
}

static inline void trace_vcpu(const struct vcpu *vcpu, enum mullion_trace_kind kind, uint32_t cause,
	uint64_t a, uint64_t b)
{
	trace(vcpu->trace, arch_now(), trace_tag(kind, vcpu->number), cause, a, b);
}

/*
 * Units of the image that core does not know by name register here; each is called once at
 * power-off, on the last CPU alive. Aligned to a pointer and no more: the section is an array.
 */
struct unit {
	const char *name;
	void (*power_off)(void);
};
void units_power_off(void);
#define UNIT(unit_name, ...)                                                                       \
	static const struct unit unit_##unit_name __attribute__((section(".units"), used,          \
		aligned(sizeof(void *)))) = { .name = #unit_name, __VA_ARGS__ }

#endif
