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

/* None runs any more: the node ends, well. */
void partition_stopped(void);

/* ---- lifecycle.c ------------------------------------------------------------------------------
 */

/*
 * Stop a running partition: all its vcpus leave at their next exit, kicked where owned. reason: event
 * << 8 | action, or MULLION_REASON_COMMAND. False: it was not running.
 */
bool partition_stop(const struct mullion_partition *partition, uint32_t reason);

/*
 * Begin a restart; the CPU of its vcpu 0 carries it out. False: another change is under way, or it is
 * stopped and the reason is no command.
 */
bool partition_restart(
	const struct mullion_partition *partition, enum mullion_restart how, uint32_t reason);

/* Whether the CPU of its vcpu 0 has something to do for it, now or in a moment. */
bool partition_changes(const struct mullion_partition *partition);

/*
 * On the CPU of the vcpu: go on taking its partition's devices off the bus, or restoring it, until a time.
 * True: it may start.
 */
bool partition_restore(struct vcpu *vcpu, uint64_t until);

/* It is stopped, and nobody writes into its memory any more: none of its vcpus, none of its devices. */
bool partition_rests(const struct mullion_partition *partition);

/* Before the epoch: all it may write as the image has it, whatever a former boot left there. */
void partition_clear(const struct mullion_partition *partition);

/* None of its vcpus is being run by its CPU. */
bool partition_left(const struct mullion_partition *partition);

/* ---- partition.c, continued: the node's end --- */

/* Stop everything and reset the node. */
void node_reset(void);

/* Stop everything and power off; returns, the callers' loops then end. */
void node_end(bool ok);
void node_finish(struct cpu *cpu) __attribute__((noreturn));

/*
 * A CPU says that it may run a vcpu before it looks at the vcpu's state; who changes the state looks
 * afterwards whether somebody is inside. The exchange orders the two.
 */
static inline void enter_vcpu(struct vcpu *vcpu)
{
	__atomic_exchange_n(&vcpu->inside, 1, __ATOMIC_SEQ_CST);
}

static inline void leave_vcpu(struct vcpu *vcpu)
{
	store_shared(&vcpu->inside, 0);
}

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
 * The same, noticed by another CPU than the partition's: a device was stopped (source: enum
 * mullion_dma_access << 16 | requester), a watchdog expired. owner: NULL for nobody's device. Acts
 * against the owner alone.
 */
void health_remote(struct cpu *cpu, const struct mullion_partition *owner, enum mullion_event event,
	uint64_t detail, uint32_t source);

/* A device was stopped and blocked. requester: what its requests bear. */
void health_device(struct cpu *keeper, const struct mullion_partition *owner, uint16_t requester,
	enum mullion_dma_access access, uint64_t address);

/* Write the line about it, if one waits: in time that nobody owns. */
void health_flush_remote(struct cpu *cpu);

const char *health_event_name(unsigned event);
const char *health_action_name(unsigned action);

/* The hardware failed and nobody can be blamed, or nothing be trusted: journal, log, and power off. */
void health_node_broken(uint64_t detail, uint64_t rip) __attribute__((noreturn));

/* ---- ram.c ------------------------------------------------------------------------------------
 */

/* The machine's memory map, put here by the boot code before anything runs; types as E820's. */
struct boot_ram {
	uint64_t base, bytes;
	uint32_t type, reserved;
};
#define BOOT_RAM_ENTRIES 32u
extern struct boot_ram boot_ram[BOOT_RAM_ENTRIES];
extern uint32_t boot_ram_count;

/* Refuse the node unless all memory the image uses is RAM; print how much it is. */
void ram_check(void);

/* ---- journal.c --------------------------------------------------------------------------------
 */

/*
 * Once, at boot: print what happened before the reset, or begin a new journal. True: memory is as
 * switching the machine on left it, zero; false: somebody has used it.
 */
bool journal_begin(void);

/* partition: NULL for nobody. rip: or the source of what another CPU noticed. */
void journal_note(const struct mullion_partition *partition, uint16_t vcpu,
	enum mullion_event event, enum mullion_action action, uint64_t detail, uint64_t rip);

/* ---- watchdog.c -------------------------------------------------------------------------------
 */

/* The timekeeper, before every window: look at one partition's watchdog. */
void watchdog_look(struct cpu *cpu);

/* ---- hypercall.c ------------------------------------------------------------------------------
 */

struct hypercall_result {
	int64_t value;
	bool leave; /* give the CPU back with LEAVE_YIELD */
};
struct hypercall_result hypercall(
	struct vcpu *vcpu, uint64_t number, uint64_t argument, uint64_t second);

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
