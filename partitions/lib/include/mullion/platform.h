/*
 * What is under this partition: Mullion, another hypervisor, or bare metal. Decided once, from
 * CPUID only, so that the same ELF runs everywhere without ever probing by faulting.
 */
#ifndef MULLION_PLATFORM_H
#define MULLION_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

enum platform_kind { PLATFORM_NATIVE, PLATFORM_MULLION, PLATFORM_XEN, PLATFORM_KVM };

struct platform {
	enum platform_kind kind;
	bool intel;          /* hypercalls by VMCALL, not VMMCALL */
	bool x2apic;         /* CPUID offers the x2APIC MSRs */
	bool tsc_deadline;   /* CPUID offers IA32_TSC_DEADLINE */
	uint32_t hypervisor; /* first hypervisor leaf, 0 if none */
	uint32_t hypervisor_last;
};

extern struct platform platform;

void platform_init(void);

/* The RAM ranges, where the boot protocol left them out: Xen hands its first domain none. */
void platform_complete_ram(void);

/* "native", "mullion", "xen" or "kvm". */
const char *platform_name(void);

/* End this partition: MULLION_HC_EXIT, or what ends a native run or a Xen domain. */
_Noreturn void platform_exit(int status);

/* What the boot protocol handed over, copied so that the heap may grow over the original. */
#define BOOT_COMMAND_BYTES 1024u
#define BOOT_RANGES        16u

struct boot_range {
	uint64_t base, bytes;
};

struct boot {
	char command[BOOT_COMMAND_BYTES];
	struct boot_range ram[BOOT_RANGES]; /* RAM only */
	uint32_t ram_count;
	uint32_t lives; /* starts on this memory: more than one after a warm restart */
};

extern struct boot boot;

#endif
