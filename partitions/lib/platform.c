/*
 * What is under this partition, and how to leave it. Invariant: decided from CPUID alone, once.
 * Specification: Xen public/arch-x86/cpuid.h; Linux Documentation/virt/kvm/x86/cpuid.rst;
 * mullion/abi.h.
 */
#include <string.h>

#include <mullion/abi.h>
#include <mullion/cpu.h>
#include <mullion/hypercall.h>
#include <mullion/platform.h>

#define EXIT_PORT 0xf4 /* QEMU's isa-debug-exit, and what a KVM runner listens to */
#define EXIT_GOOD 0x10
#define EXIT_BAD  0x11

#define XEN_HYPERCALL_MEMORY_OP 12
#define XEN_MEMORY_MAP          9
#define XEN_HYPERCALL_SCHED_OP  29
#define XEN_SCHEDOP_SHUTDOWN    2
#define XEN_PAGE_BYTES          4096
#define XEN_RANGES              64
#define XEN_RANGE_RAM           1

struct platform platform;
struct boot boot;

static enum platform_kind kind_of_signature(const struct cpuid *const id)
{
	char text[13] = { 0 };

	memcpy(text, &id->ebx, 4);
	memcpy(text + 4, &id->ecx, 4);
	memcpy(text + 8, &id->edx, 4);
	if (id->ebx == MULLION_SIGNATURE_EBX && id->ecx == MULLION_SIGNATURE_ECX &&
		id->edx == MULLION_SIGNATURE_EDX)
		return PLATFORM_MULLION;
	if (strcmp(text, "XenVMMXenVMM") == 0)
		return PLATFORM_XEN;
	if (strcmp(text, "KVMKVMKVM") == 0)
		return PLATFORM_KVM;
	return PLATFORM_NATIVE; /* bare metal, or an emulator of it */
}

void platform_init(void)
{
	const struct cpuid vendor = cpuid_read(0, 0);
	const struct cpuid features = cpuid_read(1, 0);

	platform.intel = vendor.ebx == 0x756e6547u; /* "Genu" */
	platform.x2apic = (features.ecx & CPUID_1_ECX_X2APIC) != 0;
	platform.tsc_deadline = (features.ecx & CPUID_1_ECX_TSC_DEADLINE) != 0;
	if ((features.ecx & CPUID_1_ECX_HYPERVISOR) == 0)
		return;

	/* Xen may shift its leaves by multiples of 100h when it also speaks another's protocol. */
	for (uint32_t leaf = MULLION_CPUID_BASE; leaf < MULLION_CPUID_BASE + 0x1000;
		leaf += 0x100) {
		const struct cpuid id = cpuid_read(leaf, 0);
		const enum platform_kind kind = kind_of_signature(&id);

		if (kind == PLATFORM_NATIVE)
			continue;
		platform.kind = kind;
		platform.hypervisor = leaf;
		platform.hypervisor_last = id.eax > leaf ? id.eax : leaf + 1;
		return;
	}
}

const char *platform_name(void)
{
	static const char *const names[] = { "native", "mullion", "xen", "kvm" };

	return names[platform.kind];
}

/* Through a page that Xen fills with one entry of 32 bytes per hypercall. */
static int64_t xen_hypercall(const unsigned number, const uint64_t command, void *const argument)
{
	static uint8_t page[XEN_PAGE_BYTES] __attribute__((aligned(XEN_PAGE_BYTES)));
	const struct cpuid id = cpuid_read(platform.hypervisor + 2, 0);
	const uintptr_t entry = (uintptr_t)page + 32 * number;
	uint64_t first = command;
	void *second = argument;
	int64_t result;

	msr_write(id.ebx, (uintptr_t)page);
	__asm__ volatile("call *%3"
			 : "=a"(result), "+D"(first), "+S"(second)
			 : "r"(entry)
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
	return result;
}

/* Xen public/memory.h: XENMEM_memory_map; the entries are e820. */
struct __attribute__((packed)) xen_range {
	uint64_t base, bytes;
	uint32_t type;
};

void platform_complete_ram(void)
{
	static struct xen_range ranges[XEN_RANGES];
	struct {
		uint32_t count, pad;
		void *ranges;
	} map = { XEN_RANGES, 0, ranges };

	if (boot.ram_count != 0 || platform.kind != PLATFORM_XEN ||
		xen_hypercall(XEN_HYPERCALL_MEMORY_OP, XEN_MEMORY_MAP, &map) != 0)
		return;
	for (uint32_t i = 0; i < map.count && boot.ram_count < BOOT_RANGES; i++)
		if (ranges[i].type == XEN_RANGE_RAM)
			boot.ram[boot.ram_count++] =
				(struct boot_range){ ranges[i].base, ranges[i].bytes };
}

static void xen_shutdown(void)
{
	static uint32_t reason_poweroff = 0;

	xen_hypercall(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN, &reason_poweroff);
}

_Noreturn void platform_exit(const int status)
{
	if (platform.kind == PLATFORM_MULLION) {
		hypercall(MULLION_HC_EXIT, (uint64_t)status);
		cpu_stop();
	}
	port_write8(EXIT_PORT, status == 0 ? EXIT_GOOD : EXIT_BAD);
	if (platform.kind == PLATFORM_XEN)
		xen_shutdown();
	cpu_stop();
}
