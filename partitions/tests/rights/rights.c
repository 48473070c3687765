/*
 * rights: tries what a partition may not do, and checks that each attempt ends as described: ports
 * read all ones, MSRs are #GP, SVM instructions #UD or #GP, unknown hypercalls MULLION_ENOSYS.
 *
 * Only under Mullion does each of these mean something, so natively it says so and skips. The
 * default health actions of docs/description.md are assumed (log for ports, inject for MSRs,
 * instructions).
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <mullion/catch.h>
#include <mullion/cpu.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/tap.h>

#define VECTOR_UD 6
#define VECTOR_GP 13

#define PORT_PIT         0x40
#define PORT_PCI_ADDRESS 0xcf8
#define PORT_PCI_DATA    0xcfc
#define PORT_KEYBOARD    0x64

#define MSR_VM_HSAVE_PA  0xc0010117u
#define MSR_VM_CR        0xc0010114u
#define MSR_MTRR_DEFAULT 0x2ffu
#define MSR_TSC          0x10u
#define MSR_UNKNOWN      0x12345678u

static void read_msr(void *const argument)
{
	msr_read(*(const uint32_t *)argument);
}

static void write_msr(void *const argument)
{
	msr_write(*(const uint32_t *)argument, 0);
}

static void check_msr(uint32_t msr, const bool write, const char *const name)
{
	const struct catch_result r = catch_call(write ? write_msr : read_msr, &msr);

	tap_check(r.vector == VECTOR_GP && r.error == 0, name,
		"vector %d, error %#lx instead of #GP(0)", r.vector, (unsigned long)r.error);
}

static uint8_t vmcb[4096] __attribute__((aligned(4096)));

static void do_vmrun(void *const unused)
{
	(void)unused;
	__asm__ volatile("vmrun" ::"a"(vmcb) : "memory");
}

static void do_vmload(void *const unused)
{
	(void)unused;
	__asm__ volatile("vmload" ::"a"(vmcb) : "memory");
}

static void do_vmsave(void *const unused)
{
	(void)unused;
	__asm__ volatile("vmsave" ::"a"(vmcb) : "memory");
}

static void do_stgi(void *const unused)
{
	(void)unused;
	__asm__ volatile("stgi" ::: "memory");
}

static void do_clgi(void *const unused)
{
	(void)unused;
	__asm__ volatile("clgi" ::: "memory");
}

static void do_skinit(void *const unused)
{
	(void)unused;
	__asm__ volatile("skinit" ::"a"(0) : "memory");
}

static void do_invlpga(void *const unused)
{
	(void)unused;
	__asm__ volatile("invlpga" ::"a"(0), "c"(0) : "memory");
}

static void do_rdpmc(void *const unused)
{
	(void)unused;
	__asm__ volatile("rdpmc" ::"c"(0) : "rax", "rdx", "memory");
}

static void do_vmxe(void *const unused)
{
	uint64_t cr4;

	(void)unused;
	__asm__ volatile("mov %%cr4, %0; or $0x2000, %0; mov %0, %%cr4" : "=r"(cr4)::"memory");
}

static void check_instruction(void (*const function)(void *), const char *const name)
{
	const struct catch_result r = catch_call(function, NULL);

	tap_check(r.vector == VECTOR_UD || r.vector == VECTOR_GP, name,
		"vector %d instead of #UD or #GP", r.vector);
}

static void check_ports(void)
{
	port_write8(PORT_PIT, 0x12);
	tap_check(port_read8(PORT_PIT) == 0xff, "a_port_of_the_timer_chip_reads_all_ones",
		"it answered");
	port_write32(PORT_PCI_ADDRESS, 0x80000000u);
	tap_check(port_read32(PORT_PCI_DATA) == 0xffffffffu, "pci_configuration_reads_all_ones",
		"it answered");
	tap_check(port_read16(PORT_KEYBOARD) == 0xffff, "a_16_bit_read_of_a_port_is_16_ones",
		"it answered");
}

static void check_msrs(void)
{
	check_msr(MSR_VM_HSAVE_PA, false, "the_host_save_area_is_not_readable");
	check_msr(MSR_VM_HSAVE_PA, true, "the_host_save_area_is_not_writable");
	check_msr(MSR_VM_CR, true, "vm_cr_is_not_writable");
	check_msr(MSR_MTRR_DEFAULT, true, "memory_types_are_not_writable");
	check_msr(MSR_TSC, true, "the_clock_is_not_writable");
	check_msr(MSR_UNKNOWN, false, "an_unknown_msr_is_not_readable");
	check_msr(MSR_UNKNOWN, true, "an_unknown_msr_is_not_writable");
}

static void check_instructions(void)
{
	check_instruction(do_vmrun, "vmrun_does_not_exist");
	check_instruction(do_vmload, "vmload_does_not_exist");
	check_instruction(do_vmsave, "vmsave_does_not_exist");
	check_instruction(do_stgi, "stgi_does_not_exist");
	check_instruction(do_clgi, "clgi_does_not_exist");
	check_instruction(do_skinit, "skinit_does_not_exist");
	check_instruction(do_invlpga, "invlpga_does_not_exist");
	check_instruction(do_rdpmc, "rdpmc_does_not_exist");
	check_instruction(do_vmxe, "virtualization_cannot_be_switched_on_in_cr4");
}

static void check_hypercalls(void)
{
	const struct mullion_info *const info = info_get();
	const struct cpuid features = cpuid_read(0x80000001u, 0);

	tap_check(hypercall(MULLION_HC_VERSION, 0) == MULLION_ABI_VERSION,
		"the_version_call_answers", "another version");
	tap_check(hypercall(MULLION_HC_COUNT, 0) == MULLION_ENOSYS,
		"the_first_unknown_hypercall_is_refused", "it was not");
	tap_check(hypercall(~0ull, 0) == MULLION_ENOSYS, "the_last_unknown_hypercall_is_refused",
		"it was not");
	tap_check((features.ecx & 4) == 0, "cpuid_does_not_offer_svm", "ecx %#lx",
		(unsigned long)features.ecx);
	tap_check(info->partition < 0xffff && strlen(info->name) > 0,
		"the_info_page_names_the_partition", "it does not");
}

/* Writing to a page that is not ours would stop us (the default): that is a test of its own, hog
 * write. */
static void check_pages(void)
{
	const volatile uint64_t *const magic =
		(const volatile uint64_t *)(uintptr_t)MULLION_INFO_GPA;

	if (!(info_get()->flags & MULLION_INFO_CONTROL))
		tap_check(info_region(MULLION_REGION_TRACE, 0, MULLION_READ) == NULL,
			"only_the_control_partition_sees_the_trace", "it is mapped here");
	else
		tap_skip("only_the_control_partition_sees_the_trace",
			"this is the control partition");
	tap_check(*magic == MULLION_INFO_MAGIC, "the_info_page_is_readable", "magic %#lx",
		(unsigned long)*magic);
}

int main(void)
{
	if (platform.kind != PLATFORM_MULLION) {
		printf("1..0 # SKIP not under Mullion\n");
		return 0;
	}
	tap_plan(26);
	check_ports();
	check_msrs();
	check_instructions();
	check_hypercalls();
	check_pages();
	return tap_status();
}
