/*
 * The device part of the x86 contract with the compiler: PCI functions, what their owners see of
 * their configuration space, and the tables of the IOMMUs that confine them.
 *
 * Everything is constant but what quarantine changes: the one entry (VT-d: context entry, AMD-Vi:
 * device table entry) that lets a function through. Hardware formats: Intel VT-d specification 3.3,
 * chapter 9; AMD I/O virtualization specification 3.05, chapter 2. Addresses are physical, and the
 * kernel's map is identical there: uncached for registers.
 */
#ifndef MULLION_X86_DEVICES_H
#define MULLION_X86_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#define X86_NO_PARTITION 0xffffu

/* ---- IOMMUs ------------------------------------------------------------------------------------
 */

enum x86_iommu_kind { X86_IOMMU_VTD = 1, X86_IOMMU_AMDVI = 2 };

/* Second-level entries, VT-d 9.8. */
#define VTD_PTE_READ  0x1ull
#define VTD_PTE_WRITE 0x2ull
#define VTD_PTE_LARGE 0x80ull

/* Root and context entries, VT-d 9.1, 9.3: two words each. */
#define VTD_PRESENT           0x1ull
#define VTD_FAULT_DISABLE     0x2ull /* context entry: a blocked function cannot fill the fault log */
#define VTD_CONTEXT_LEVELS(l) ((uint64_t)(l)-2) /* second word: address width of `l` levels */
#define VTD_CONTEXT_DOMAIN(d) ((uint64_t)(d) << 8)

/* Interrupt remapping entries, VT-d 9.10: two words each. Fixed delivery, physical destination. */
#define VTD_IRTE_PRESENT   0x1ull
#define VTD_IRTE_VECTOR(v) ((uint64_t)(v) << 16)
#define VTD_IRTE_APIC(id)  ((uint64_t)(id) << 40)
#define VTD_IRTE_SOURCE(rid)                                                                       \
	((uint64_t)(rid) | 1ull << 18) /* second word: all 16 bits are verified */

/* What a function writes to interrupt through entry `handle`, VT-d 5.1.2.2. The data is 0. */
#define VTD_MESSAGE_ADDRESS(handle)                                                                \
	(0xfee00010ull | ((uint64_t)(handle)&0x7fff) << 5 | ((uint64_t)(handle) >> 15) << 2)

/* AMD-Vi page-table entries, 2.2.3. The next level is 0 in a leaf of any size. */
#define AMDVI_PTE_PRESENT  0x1ull
#define AMDVI_PTE_LEVEL(l) ((uint64_t)(l) << 9)
#define AMDVI_PTE_COHERENT (1ull << 60)
#define AMDVI_PTE_READ     (1ull << 61)
#define AMDVI_PTE_WRITE    (1ull << 62)

/* Device table entries, 2.2.2.1: four words each. */
#define AMDVI_DTE_VALID        0x1ull
#define AMDVI_DTE_TRANSLATE    0x2ull
#define AMDVI_DTE_MODE(levels) ((uint64_t)(levels) << 9)
#define AMDVI_DTE_READ         (1ull << 61)
#define AMDVI_DTE_WRITE        (1ull << 62)
#define AMDVI_DTE1_DOMAIN(d)   ((uint64_t)(d))
#define AMDVI_DTE1_SUPPRESS    (3ull << 33) /* a blocked function cannot fill the event log */
#define AMDVI_DTE2_VALID       0x1ull
#define AMDVI_DTE2_LENGTH(n)   ((uint64_t)(n) << 1) /* log2 of the entries of its table */
#define AMDVI_DTE2_REMAP       (2ull << 60)         /* 0: interrupts are refused */
/* Nothing passes: valid, no mode, no permission; interrupts refused. */
#define AMDVI_DTE_BLOCKED  (AMDVI_DTE_VALID | AMDVI_DTE_TRANSLATE)
#define AMDVI_DTE1_BLOCKED AMDVI_DTE1_SUPPRESS
#define AMDVI_DTE2_BLOCKED AMDVI_DTE2_VALID

/* Interrupt remapping entries, 2.2.5.1, 32 bits each. Fixed delivery, physical destination. */
#define AMDVI_IRTE_PRESENT   0x1u
#define AMDVI_IRTE_APIC(id)  ((uint32_t)(id) << 8)
#define AMDVI_IRTE_VECTOR(v) ((uint32_t)(v) << 16)
/* The address is MESSAGE_ADDRESS, the data the entry's number in the function's own table. */
#define AMDVI_MESSAGE_ADDRESS 0xfee00000ull

#define X86_DOMAIN(partition) ((partition) + 1u) /* domain ids: 0 is left to the hardware */

/* What an IOMMU and the kernel write. */
struct x86_iommu_storage {
	uint8_t queue[4096];  /* VT-d: invalidation queue; AMD-Vi: command buffer */
	uint8_t events[4096]; /* AMD-Vi: event log */
	uint64_t completion;  /* what the hardware stores behind an invalidation */
	uint64_t next;        /* the fault record the kernel looks at next */
	uint32_t queueing;    /* shared; a CPU puts commands into the queue */
	uint32_t reserved32;
	uint64_t reserved[509];
};

struct x86_iommu {
	const char *name; /* "iommu@fed90000" */
	uint32_t kind;    /* enum x86_iommu_kind */
	uint32_t levels;  /* of the translation tables: 3 or 4 */
	uint64_t registers;
	/* VT-d: 256 root entries; AMD-Vi: device table entries of requesters 0.. (root_bytes) */
	const uint64_t *root;
	uint32_t root_bytes;
	uint32_t remapping_entries; /* VT-d: a power of two, at least 256 */
	const uint64_t *remapping;  /* VT-d: one table for all its functions; AMD-Vi: NULL */
	struct x86_iommu_storage *storage;
	/*
	 * The CPU that looks for faults: a framed one at every window, inside the guard; where there
	 * is none, an owned one, which the unit interrupts (by NMI, once per function: a function
	 * that faulted is blocked and silent).
	 */
	uint16_t keeper; /* index into mullion_system.cpus */
	bool interrupts; /* the keeper is interrupted */
};

/* ---- Functions ---------------------------------------------------------------------------------
 */

/* How one doubleword of a function's configuration space answers its owner. PCI 3.0, chapter 6. */
enum x86_config_kind {
	X86_CONFIG_CONSTANT = 0, /* reads `value`, except the bits in `live`; writes are dropped */
	X86_CONFIG_COMMAND,      /* as above; bus mastering can be switched, INTx stays off */
	X86_CONFIG_BAR,          /* sizing works: all ones read back as `live`, else `value` */
	X86_CONFIG_MSI,          /* the enable bit (16) can be switched; as CONSTANT otherwise */
	X86_CONFIG_MSIX,         /* enable (31) and function mask (30) can be switched; likewise */
};

struct x86_config_register {
	uint32_t value; /* without the bits in `live` */
	uint32_t live;  /* read from the hardware; BAR: the size mask with its type bits */
	uint32_t kind;  /* enum x86_config_kind */
	uint32_t bar;   /* BAR: which shadow, 0..5 */
};

struct x86_bar {
	uint64_t base, bytes; /* as the kernel programs it */
	uint32_t gpa;         /* where its owner finds it */
	uint8_t index;        /* 0..5 */
	uint8_t wide;         /* 64 bits, with the next one */
	uint8_t type;         /* its low four bits */
	uint8_t reserved;
};

/* One MSI or MSI-X message: what the hardware writes, and what the owner is shown. */
struct x86_message {
	uint64_t address;
	uint32_t data;
	uint32_t granted;       /* 0: masked for good, reads as zeros */
	uint32_t guest_address; /* 0xfee00000 | virtual APIC id << 12 */
	uint32_t guest_data;    /* the vector */
};

struct x86_function {
	const char *name; /* "nvme@28" */
	uint16_t bdf;     /* bus << 8 | device << 3 | function */
	uint16_t requester;
	uint16_t partition; /* its owner, or X86_NO_PARTITION: silenced at boot, and nothing else */
	uint16_t iommu;     /* index of its unit */
	uint32_t identity;  /* device id << 16 | vendor id */
	uint64_t config;    /* its page of memory-mapped configuration space */
	const struct x86_config_register *registers; /* 64 of them; NULL without owner */
	const struct x86_bar *bars;
	uint16_t bars_count;
	uint16_t
		messages_count; /* of the hardware: MSI-X table size, 1 for MSI, 0 if it has neither */
	uint8_t msi, msix;      /* where the capability is in configuration space, 0: none */
	uint8_t reserved[2];
	const struct x86_message *messages; /* NULL: none is granted */
	/* The pages with the MSI-X table, never mapped to anyone; 0 bytes where none is granted. */
	uint64_t table;      /* physical address of entry 0 */
	uint64_t table_page; /* first page */
	uint32_t table_gpa;  /* where its owner would find that page */
	uint32_t table_bytes;
	uint64_t *entry;   /* lets it through; VT-d: 2 words, AMD-Vi: 4 */
	uint64_t pass[4];  /* what the entry holds while the function may pass; addresses included */
	uint16_t reset;    /* device control register with function-level reset (PCI Express), or 0 */
	uint16_t reset_af; /* the advanced features' control byte that resets it, or 0 */
};

/* What the kernel keeps of a function; storage in system.c. */
struct x86_function_state {
	uint32_t bars[6];     /* BAR: 1 while all ones are to read back as the size */
	uint32_t quarantined; /* shared; raised by the keeper */
};
extern struct x86_function_state system_functions[];

#endif
