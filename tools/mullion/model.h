/*
 * A deployment as the compiler sees it: every name resolved, every quantity in its unit, and for
 * each thing the place in the source it came from.
 *
 * The front end (source.c, model.c) fills it, the rules (rules_*.c) judge it, the back end
 * (layout.c, emit_*.c, explain.c) turns it into tables. Only a model without errors reaches the
 * back end. All strings and arrays live as long as the model; indexes are -1 where there is
 * nothing.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mullion/abi.h>
#include <mullion/tables.h>
#include <x86_devices.h>

struct model_locks; /* model_locks.h */
struct model_rdma;  /* model_rdma.h */

/*
 * What the rules keep free for the kernel, its tables and the shared pages, before their size is
 * known. The layout asserts that it stays within.
 */
#define MODEL_KERNEL_BASE           0x200000ull
#define MODEL_KERNEL_RESERVED_BYTES (32ull << 20)
/* Below lies what firmware uses, and the trampoline on which CPUs start: never a partition's. */
#define MODEL_LOWEST_MEMORY 0x100000ull

struct location {
	const char *file;
	unsigned line, column; /* 1-based; 0: unknown */
};

struct fraction {
	uint64_t numerator, denominator;
};

struct range {
	uint64_t base, bytes;
};

struct cpuid_leaf {
	uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

struct model_cpu {
	struct location at;
	unsigned number; /* `reg` */
	uint32_t apic_id;
	int mode;  /* enum mullion_cpu_mode, 0: not used */
	int index; /* into the image's CPU table (used CPUs in order of number), or -1 */
	int owner; /* partition index of an owned CPU, or -1 */
};

struct model_device {
	struct location at;
	const char *name; /* node name: "serial@3f8" */
	const char *label;
	const char *compatible;
	bool is_port; /* I/O ports, else memory */
	struct range reg;
	int owner; /* partition index, or -1 */
};

struct model_iommu {
	struct location at;
	const char *name;
	int kind; /* enum x86_iommu_kind */
	struct range reg;
	unsigned address_bits; /* 39 or 48; AMD-Vi: 48 */
};

enum model_bridge_type {
	BRIDGE_ROOT_PORT = 1, /* PCI Express root port */
	BRIDGE_SWITCH_PORT,   /* upstream or downstream port of a switch */
	BRIDGE_PCI,           /* to conventional PCI: what is below shares one requester id */
};

struct model_bridge {
	struct location at;
	const char *name;
	uint16_t bdf;
	int type; /* enum model_bridge_type */
	bool acs; /* it sends requests between what is below it upwards: isolates */
	unsigned bus; /* the one below it */
	int parent;   /* index of the bridge it is below, or -1 */
};

struct model_bar {
	unsigned index;
	struct range reg; /* as the kernel programs it */
	bool wide;        /* 64 bits */
	uint8_t type;     /* its low four bits */
};

#define CLASS_NETWORK 0x02u /* PCI code and id assignment 1.11, 1.3: the upper byte of config[2] */

struct model_function {
	struct location at;
	const char *name; /* "nvme@28" */
	const char *label;
	uint16_t bdf, requester;
	int iommu;    /* index into model.iommus, or -1 */
	int bridge;   /* index of the bridge it is below, or -1 */
	int physical; /* of a virtual function: index of its physical one, else -1 */
	bool acs;     /* a function of a multi-function device that does not talk to its siblings */
	uint32_t config[64]; /* raw configuration space; what is not stated is 0 */
	struct model_bar *bars;
	size_t bars_count;
	/* Read from `config`: */
	uint8_t msi, msix;         /* offsets of the capabilities, 0: none */
	unsigned messages_count;   /* MSI-X table size, 1 for MSI alone, 0 */
	unsigned table_bar, table_offset; /* MSI-X */
	unsigned pba_bar, pba_offset;
	int owner; /* partition index, or -1 */
};

/* A message of a function that may interrupt one CPU of its owner. */
struct model_interrupt {
	struct location at;
	int function;
	unsigned message;
	int cpu; /* index into model.cpus */
	uint8_t vector;
};

struct model_bound {
	const char *stream; /* "gap", "delivery", "phase" */
	uint64_t ns;
};

struct model_partition {
	struct location at;
	const char *name;
	const char *image;      /* as written */
	const char *image_path; /* the file found, NULL if none */
	const char *args;
	bool control;
	uint64_t memory_bytes;
	uint64_t memory_base; /* physical; placed by layout when !memory_base_given */
	bool memory_base_given;
	unsigned *owned_cpus; /* indexes into model.cpus */
	size_t owned_cpus_count;
	int *devices; /* indexes into model.devices */
	size_t devices_count;
	int *functions; /* indexes into model.functions, ascending */
	size_t functions_count;
	struct model_interrupt *interrupts; /* ascending by function, then message */
	size_t interrupts_count;
	int actions[MULLION_EVENT_COUNT]; /* enum mullion_action */
	int health_schedule;              /* of MULLION_ACTION_SCHEDULE; -1: none */
	unsigned escalate_count;          /* 0: it does not escalate */
	uint64_t escalate_within_ns;
	int escalate_action;  /* enum mullion_action */
	uint64_t watchdog_ns; /* 0: it has none */
	uint64_t max_gap_ns;  /* 0: not stated */
	struct model_bound *bounds;
	size_t bounds_count;
};

struct model_window {
	struct location at;
	uint64_t offset_ns, duration_ns;
	int partition;
};

struct model_cpu_schedule {
	struct location at;
	int cpu; /* index into model.cpus */
	bool complete;
	struct model_window *windows; /* ascending by offset */
	size_t windows_count;
};

struct model_schedule {
	struct location at;
	const char *name;
	uint64_t major_frame_ns;
	bool startup;
	struct model_cpu_schedule *cpus;
	size_t cpus_count;
};

enum model_channel_type { CHANNEL_SAMPLING = 1, CHANNEL_QUEUING = 2 };

struct model_channel {
	struct location at;
	bool made; /* not described, but by what joins somebody with the locks or an RDMA service */
	const char *name;
	int type;
	int from;
	int *to;
	size_t to_count;
	uint32_t message_bytes;
	uint64_t refresh_ns;
	uint32_t depth;
	unsigned doorbell; /* the vector with which it interrupts its receivers; 0: none */
};

struct model_board {
	struct location at;
	const char *name;
	struct fraction tsc_hz, timer_hz;
	uint32_t timer_lead_ticks;
	uint64_t switch_guard_ns, minimum_window_ns, start_delay_ns;
	int console;  /* device index, or -1 */
	int poweroff; /* device index, or -1 */
	uint8_t poweroff_value, poweroff_failure;
	int reset; /* device index, or -1 */
	uint8_t reset_value;
	struct cpuid_leaf *cpuid;
	size_t cpuid_count;
	struct range *ram;
	size_t ram_count;
	struct location ram_at; /* `reg` of the memory node */
	const char **qemu_arguments; /* what QEMU needs to be this board, words */
	size_t qemu_arguments_count;
};

struct model {
	struct location at;
	const char *name;
	const char *source; /* path of the .dts as given */
	struct model_board board;
	struct model_cpu *cpus; /* all CPUs of the board, ascending by number */
	size_t cpus_count;
	struct model_device *devices;
	size_t devices_count;
	struct range ecam; /* memory-mapped configuration space of bus 0.., 0 bytes: no PCI */
	struct location ecam_at;
	struct model_iommu *iommus;
	size_t iommus_count;
	struct model_bridge *bridges; /* a parent before its children */
	size_t bridges_count;
	struct model_function *functions; /* ascending by bdf */
	size_t functions_count;
	struct model_partition *partitions;
	size_t partitions_count;
	struct model_schedule *schedules;
	size_t schedules_count;
	int startup_schedule;
	struct model_channel *channels;
	size_t channels_count;
	struct model_locks *locks; /* NULL: there are none */
	struct model_rdma *rdma;   /* services, in the order of their partitions */
	size_t rdma_count;
};

/*
 * Read, compile and check a description. Errors are printed to stderr (all of them, in source
 * order). images: NULL-terminated directories to look partition images up in; NULL: images are not
 * looked at. Returns the model, or NULL if there was any error. Never returns a model that breaks a
 * rule.
 */
struct model *model_load(const char *path, const char *const *images);
void model_free(struct model *model);

/*
 * The same, but the errors are left in *report for the caller to print. True if there are none.
 * *model is NULL only where memory ran out; it owns the report's strings, so free it afterwards.
 */
struct report;
bool model_judge(
	const char *path, const char *const *images, struct model **model, struct report *report);

#endif
