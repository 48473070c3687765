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
	/* > 0, and the same in every schedule, so that one may follow another exactly */
	uint64_t denominator; /* major_frame_ns * hz = (whole + part/denominator) * 1e9 */
	const struct mullion_cpu_schedule *cpus; /* by CPU index */
};

struct mullion_partition {
	const char *name;
	uint16_t first_vcpu; /* its vcpus are first_vcpu .. first_vcpu + vcpus - 1; the first boots
			      */
	uint16_t vcpus;
	uint32_t flags;                       /* enum mullion_info_flags */
	uint8_t actions[MULLION_EVENT_COUNT]; /* enum mullion_action by enum mullion_event */
	/* From the escalate_count-th event within escalate_ticks on that is not only logged or
	 * injected, this one instead; 0: never. */
	uint8_t escalate_action;
	uint16_t escalate_count;
	uint16_t health_schedule; /* index, of MULLION_ACTION_SCHEDULE */
	uint64_t escalate_ticks;
	uint64_t watchdog_ticks; /* 0: it has none */
	struct mullion_status *status;
	const struct mullion_watchdog *watchdog;
	/* All it may write, whole pages by guest-physical address. The first own_count of them are its
	 * alone, its memory and its watchdog: what a cold restart zeroes, before it copies the image.
	 * Consoles and channels follow: their counters outlive a restart, but not the node's. */
	const struct mullion_span *writable;
	const struct mullion_copy *image;
	uint16_t writable_count, own_count, image_count;
};

struct mullion_span {
	uint64_t gpa, bytes;
};

/* A piece of a partition's pristine image: kept beside it, where nobody can write. */
struct mullion_copy {
	uint64_t gpa;
	uint64_t source; /* physical; mapped with the partition while it is restored */
	uint64_t bytes;
};

/* A channel's doorbell: the interrupts that its receivers on owned CPUs asked for. */
struct mullion_doorbell {
	uint16_t vcpu;
	uint16_t vector;
};

struct mullion_channel {
	uint16_t from; /* partition */
	uint16_t doorbells_count;
	const struct mullion_doorbell *doorbells;
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
	const struct mullion_channel *channels;
	uint16_t channels_count;
	uint16_t watchdogs_count; /* partitions that have one */
	uint16_t timekeeper; /* the CPU that looks at watchdogs: a framed one, or MULLION_NO_VCPU */
	struct mullion_node *node;
	struct mullion_journal *journal; /* not part of the image: survives a reset */
	uint64_t image_id;               /* what the journal knows the image by */
	uint8_t *exchange;               /* a page; NULL without control */
};

extern const struct mullion_system mullion_system;

#endif
