/*
 * The kernel's whole mutable state: one structure per CPU, one per vcpu, nothing else.
 *
 * A structure is written by the CPU it belongs to. The few words other CPUs may write are marked
 * "shared" and accessed atomically.
 */
#ifndef MULLION_STATE_H
#define MULLION_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <mullion/tables.h>
#include <arch_state.h>

/* Out of line, so that the common paths need no stack. */
#define COLD __attribute__((noinline, cold))

enum vcpu_state {
	VCPU_OFF = 0,  /* a secondary vcpu: waits to be started by its partition */
	VCPU_STARTING, /* to be reset and entered by its own CPU */
	VCPU_RUNNING,
	VCPU_STOPPED,
};

struct health_count {
	uint64_t events, next_line;
};

/* The health event whose line in the log is due, and how many of each kind there were. */
struct health_report {
	uint8_t event, action;
	bool pending;
	uint64_t detail, address, rip;
	struct health_count counts[MULLION_EVENT_COUNT];
};

struct vcpu {
	struct arch_vcpu arch; /* first: the assembly finds everything from the VMCB's address */
	const struct mullion_vcpu *config;
	struct cpu *cpu;
	uint16_t number;             /* index into mullion_system.vcpus */
	uint32_t trace_exit;         /* the tag of its exits' trace records */
	struct mullion_trace *trace; /* its CPU's */
	struct mullion_vcpu_status *status;
	uint32_t state;         /* shared; enum vcpu_state */
	uint32_t start_address; /* shared; written before state becomes STARTING */
	uint32_t inside; /* shared; its CPU may be running it: nobody may touch its partition */
	bool halted;     /* framed: waits for an interrupt inside its window */
	uint64_t first_window; /* framed: when the first window of its present life began */
	struct health_report report;
};

/* A partition's life as a whole. What it is doing is in its status page: shared, one atomic word. */
struct partition {
	uint32_t restart; /* shared; enum mullion_restart of the restart under way */
	/* The CPU of its vcpu 0 restores it, a step at a time: */
	uint32_t step;       /* enum restore_step */
	uint32_t at;         /* within the step: which span, copy or function, */
	uint64_t done;       /* and how many bytes or messages of it */
	uint64_t not_before; /* devices that are being reset are left alone until then */
	uint64_t begun;
	/* Escalation: when the last events were; written by whoever raises one. */
	uint64_t events[MULLION_ESCALATE_MAX];
	uint32_t events_head; /* shared */
	/* Its watchdog, as the timekeeper saw it last: */
	uint64_t watchdog_count, watchdog_since;
};

/* What a CPU noticed of a partition that is not its own to run, to be said in the log. */
struct remote_report {
	const struct mullion_partition *owner; /* NULL: nobody's device */
	uint64_t detail;
	uint32_t source;
	uint8_t event, action;
	bool pending;
};

/* Where frame `number` starts: exact, start.part / the schedule's denominator beyond start.whole.
 */
struct frame_clock {
	struct mullion_ticks start;
	uint64_t number;
};

struct cpu {
	const struct mullion_cpu *config;
	struct vcpu *loaded; /* shared; whose FPU, segments and debug registers are in the CPU */
	struct frame_clock frame;
	const struct mullion_schedule *plan;        /* the schedule in force, */
	const struct mullion_cpu_schedule *windows; /* and this CPU's part of it */
	uint32_t schedule, window;                  /* the window served now, or next */
	struct vcpu *serves;                        /* and whom it is for */
	uint64_t limit; /* the running window's end less the guard, in ticks */
	struct remote_report remote;
	uint32_t duties; /* enum cpu_duty: what is looked after before every window */
	uint32_t ready;  /* shared; set once this CPU can run partitions */
	uint32_t parked; /* shared; set when this CPU has left its partitions for good */
	struct arch_cpu arch;
};

/* Storage sized by the deployment, defined by system.c. */
extern struct cpu system_cpus[];
extern struct vcpu system_vcpus[];
extern struct partition system_partitions[];

enum cpu_duty {
	DUTY_DEVICES = 1,   /* it looks for devices that were stopped */
	DUTY_WATCHDOGS = 2, /* it is the timekeeper, and there are watchdogs */
	DUTY_SCHEDULES = 4, /* it is the timekeeper, and there are several schedules */
};

/* How the node as a whole is doing; shared, only ever raised. */
enum node_state { NODE_BOOTING = 0, NODE_RUNNING, NODE_ENDING };
extern uint32_t node_state;
extern uint64_t node_epoch;
/* The schedule to come, and from which frame on: schedule << 48 | frame; shared. */
extern uint64_t node_switch;

static inline uint32_t load_shared(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void store_shared(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline bool exchange_shared(uint32_t *word, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(
		word, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static inline const struct mullion_partition *vcpu_partition(const struct vcpu *vcpu)
{
	return &mullion_system.partitions[vcpu->config->partition];
}

static inline bool vcpu_framed(const struct vcpu *vcpu)
{
	return vcpu->config->mode == MULLION_CPU_FRAMED;
}

static inline uint16_t cpu_number(const struct cpu *cpu)
{
	return (uint16_t)(cpu->config - mullion_system.cpus);
}

#endif
