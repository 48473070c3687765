/*
 * The x86 part of the contract with the compiler: what system.c fills for AMD64 nodes.
 *
 * The kernel runs identity-mapped, so a virtual address in these tables is a physical one.
 */
#ifndef MULLION_X86_TABLES_H
#define MULLION_X86_TABLES_H

#include <stdint.h>
#include <x86_devices.h>

/* AMD APM 2, 5.3: long-mode page-table entries; nested tables use the same format (15.25.5). */
#define X86_PTE_PRESENT  0x001ull
#define X86_PTE_WRITE    0x002ull
#define X86_PTE_USER     0x004ull /* every access through a nested table is a user access */
#define X86_PTE_PWT      0x008ull
#define X86_PTE_PCD      0x010ull
#define X86_PTE_ACCESSED 0x020ull
#define X86_PTE_DIRTY    0x040ull
#define X86_PTE_LARGE    0x080ull
#define X86_PTE_NX       0x8000000000000000ull

/* Kernel image layout. Text is one 2 MiB page; read-only data and tables follow it. */
#define X86_KERNEL_TEXT   0x200000ull
#define X86_KERNEL_RODATA 0x400000ull
/* Read-write data starts at arch_system_tables.data_base, stacks first, then .data and .bss. */
#define X86_STACK_PAGES 3u /* per CPU: one guard page, two pages of stack */

/*
 * Virtual addresses of the local APIC (uncached) and of the window through which the kernel reads
 * the memory of the one partition whose exit it is serving (read-only, only in peek_root).
 */
#define X86_APIC_VA   0xfffffffffee00000ull
#define X86_PEEK_PML4 256u
#define X86_PEEK_VA   0xffff800000000000ull
#define X86_PRISTINE_PML4 257u
#define X86_PRISTINE_VA   0xffff808000000000ull /* plus the physical address */

/*
 * CPUID answers, complete and constant. index = (leaf >> 30) * 32 + (leaf & 31) for leaves of the
 * ranges 0h, 4000_0000h and 8000_0000h whose bits 29..5 are clear; any other leaf answers zeros.
 * An entry covers subleaves 0..last; a larger subleaf answers as `last`.
 */
struct x86_cpuid_cell {
	uint32_t eax, ebx, ecx, edx;
};
struct x86_cpuid_entry {
	uint16_t first; /* index into cells; cell 0 is all zeros */
	uint16_t last;  /* last subleaf */
};
#define X86_CPUID_ENTRIES 96u
struct x86_cpuid_table {
	struct x86_cpuid_entry entries[X86_CPUID_ENTRIES];
	const struct x86_cpuid_cell *cells;
};

/* What a node must have for the image to be true: CPUID(leaf, subleaf) & mask == value, per
 * register. */
struct x86_cpuid_need {
	uint32_t leaf, subleaf;
	uint32_t reg;     /* 0 EAX, 1 EBX, 2 ECX, 3 EDX */
	uint32_t mask;    /* all these bits must be set */
	const char *what; /* in the user's words: "nested paging (NPT)" */
};

#define X86_IO_BITMAP_BYTES  12288u /* AMD APM 2, 15.10.1 */
#define X86_MSR_BITMAP_BYTES 8192u  /* AMD APM 2, 15.11 */

struct arch_vcpu_tables {
	const uint64_t *stage2; /* nested PML4 */
	/* kernel PML4 plus all the partition may write, at PEEK_VA, and its pristine image,
	 * read-only, at PRISTINE_VA: loaded only while the partition is restored */
	const uint64_t *restore;
	const uint64_t *peek;   /* kernel PML4 plus the partition's memory, read-only, at PEEK_VA */
	const uint8_t *io_bitmap;  /* X86_IO_BITMAP_BYTES, page-aligned */
	const uint8_t *msr_bitmap; /* X86_MSR_BITMAP_BYTES, page-aligned */
	const struct x86_cpuid_table *cpuid;
	uint64_t memory_bytes;   /* guest-physical memory, the hole not counted */
	uint32_t entry_gpa;      /* PVH entry point, 32-bit protected mode */
	uint32_t start_info_gpa; /* EBX at entry */
	uint32_t asid;           /* 1.. : per partition, constant */
	uint16_t first_function; /* its PCI functions: a run of arch_system_tables.functions */
	uint16_t functions_count;
};

struct arch_system_tables {
	const uint64_t *pml4; /* the kernel's own map */
	uint64_t data_base;   /* physical start of read-write data */
	uint64_t data_end;
	/* local APIC timer counts = (TSC ticks * timer_multiplier) >> 32; 2^32 where they are equal
	 */
	uint64_t timer_multiplier;
	uint64_t timer_inverse;    /* TSC ticks = (timer counts * timer_inverse) >> 32 */
	uint32_t timer_lead_ticks; /* subtracted from an owned CPU's deadline: the arming path's own
				      length */
	uint16_t uart_port;        /* kernel console, 0 if there is none */
	uint8_t uart_granted;     /* 1: a partition owns it; the kernel writes only while booting */
	uint16_t poweroff_port;   /* 0: halt instead */
	uint8_t poweroff_value;   /* written when every partition has ended well */
	uint8_t poweroff_failure; /* written after a refusal or a panic */
	uint16_t reset_port;      /* 0: the node cannot reset itself */
	uint8_t reset_value;
	uint16_t needs_count;
	const struct x86_cpuid_need *needs;
	uint16_t iommus_count;
	uint16_t functions_count;
	const struct x86_iommu *iommus;
	const struct x86_function *functions; /* those of one owner are neighbours */
};

#endif
