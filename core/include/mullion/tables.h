/*
 * The contract between the kernel and the compiler: the constant structures that system.c fills.
 *
 * Everything here is known before the node boots. The kernel indexes these tables and never counts,
 * parses or allocates; storage whose size depends on the deployment is defined by system.c too.
 */
#ifndef MULLION_TABLES_H
#define MULLION_TABLES_H

#include <mullion/abi.h>

#define MULLION_TABLES_VERSION 1u

enum mullion_cpu_mode { MULLION_CPU_OWNED = 1, MULLION_CPU_FRAMED = 2 };

/*
 * An exact duration from the start of a frame: whole + part/denominator ticks, the denominator
 * being that of the schedule's frame. part < denominator.
 */
struct mullion_ticks {
	uint64_t whole;
	uint64_t part;
};

struct mullion_window {
	struct mullion_ticks start;
	struct mullion_ticks end; /* start < end <= frame length */
	uint16_t vcpu;            /* index into mullion_system.vcpus */
	uint16_t reserved[3];
};

/* What one CPU does in one schedule. Owned CPUs have count 0. */
struct mullion_cpu_schedule {
	const struct mullion_window *windows; /* ascending, disjoint */
	uint32_t count;
};

struct mullion_schedule {
	const char *name;
	struct mullion_ticks frame; /* major frame; frame.whole > 0 */
	uint64_t denominator; /* > 0; major_frame_ns * hz = (whole + part/denominator) * 1e9 */
	const struct mullion_cpu_schedule *cpus; /* by CPU index */
};

struct mullion_partition {
	const char *name;
	uint16_t first_vcpu; /* its vcpus are first_vcpu .. first_vcpu + vcpus - 1; the first boots
			      */
	uint16_t vcpus;
	uint32_t flags;                       /* enum mullion_info_flags */
	uint8_t actions[MULLION_EVENT_COUNT]; /* enum mullion_action by enum mullion_event */
};

struct mullion_vcpu {
	uint16_t partition;
	uint16_t index;            /* within the partition; also its virtual APIC id */
	uint16_t cpu;              /* index into mullion_system.cpus */
	uint16_t mode;             /* enum mullion_cpu_mode */
	struct mullion_time *time; /* its time page */
	const struct arch_vcpu_tables *arch;
};

struct mullion_cpu {
	uint32_t hardware_id; /* APIC id */
	uint16_t mode;
	uint16_t owner; /* owned: its one vcpu; framed: MULLION_NO_VCPU */
	struct mullion_trace *trace;
	uint8_t *stack_top; /* a guard page lies below the stack */
};

/* A stretch of memory that must be RAM for the image to run. */
struct mullion_ram {
	uint64_t base;
	uint64_t bytes;
};

struct mullion_system {
	uint32_t version; /* MULLION_TABLES_VERSION */
	uint16_t cpus_count;
	uint16_t partitions_count;
	uint16_t vcpus_count;
	uint16_t schedules_count;
	uint16_t startup_schedule;
	uint16_t ram_count;
	const char *name; /* deployment */
	const char *board;
	const struct mullion_cpu *cpus; /* cpus[0] boots the node */
	const struct mullion_partition *partitions;
	const struct mullion_vcpu *vcpus;
	const struct mullion_schedule *schedules;
	const struct mullion_ram *ram;
	struct mullion_console *log; /* the kernel's text */
	uint64_t tsc_hz_numerator;
	uint64_t tsc_hz_denominator;
	uint64_t switch_guard_ticks; /* a window's end is armed this much early, then polled for */
	uint64_t start_delay_ticks;  /* the epoch lies this far after the last CPU is ready */
	const struct arch_system_tables *arch;
};

extern const struct mullion_system mullion_system;

#endif
