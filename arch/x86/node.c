/*
 * The node as a whole: does it have what the image needs, its other CPUs, its console, its switch.
 */
#include <arch_internal.h>
#include <iommu.h>
#include <pci.h>
#include <x86_asm.h>

_Static_assert(__builtin_offsetof(struct mullion_system, cpus) == SYSTEM_CPUS, "boot.S");
_Static_assert(__builtin_offsetof(struct mullion_system, arch) == SYSTEM_ARCH, "boot.S");
_Static_assert(__builtin_offsetof(struct mullion_cpu, stack_top) == CPU_STACK_TOP, "boot.S");
_Static_assert(__builtin_offsetof(struct arch_system_tables, pml4) == 0, "boot.S");
_Static_assert(__builtin_offsetof(struct cpu, config) == 0, "boot.S");
_Static_assert(__builtin_offsetof(struct arch_vcpu, vmcb) == 0, "svm.S");
_Static_assert(__builtin_offsetof(struct arch_vcpu, gpr) == 4096, "svm.S");

#define CPUID_FEATURES     1u
#define CPUID_STRUCTURED   7u
#define CPUID_EXTENDED     0x80000000u
#define CPUID_SVM          0x8000000au
#define CPUID_HYPERVISOR   0x40000000u
#define FEATURE_HYPERVISOR (1u << 31)
#define FEATURE_SMEP       (1u << 7)
#define FEATURE_SMAP       (1u << 20)
#define TCG_EBX            0x54474354u /* "TCGT" */

#define UART_LINE_STATUS 5u
#define UART_EMPTY       0x20u
#define UART_TRIES       100000u

bool quirk_tcg;
uint64_t boot_entry_tsc;
struct cpu *secondary_cpu;

void arch_console_put(char c)
{
	uint16_t port = mullion_system.arch->uart_port;
	bool granted = mullion_system.arch->uart_granted;

	if (port == 0 || (granted && load_shared(&node_state) != NODE_BOOTING))
		return;
	for (unsigned i = 0; i < UART_TRIES && !(inb(port + UART_LINE_STATUS) & UART_EMPTY); i++)
		arch_relax();
	outb(port, (uint8_t)c);
}

void arch_park(void)
{
	for (;;)
		__asm__ volatile("clgi\n\tcli\n\thlt" : : : "memory");
}

void arch_power_off(bool ok)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	if (tables->poweroff_port != 0)
		outb(tables->poweroff_port, ok ? tables->poweroff_value : tables->poweroff_failure);
	for (;;)
		__asm__ volatile("cli\n\thlt" : : : "memory");
}

void arch_reset_node(void)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	if (tables->reset_port != 0)
		outb(tables->reset_port, tables->reset_value);
	arch_power_off(false);
}

static uint32_t cpuid_register(const struct x86_cpuid_need *need)
{
	struct cpuid r = cpuid(need->leaf & 0xf0000000u, 0);

	if (r.eax < need->leaf && (need->leaf & 0xf0000000u) != CPUID_HYPERVISOR)
		return 0;
	r = cpuid(need->leaf, need->subleaf);
	return need->reg == 0 ? r.eax : need->reg == 1 ? r.ebx : need->reg == 2 ? r.ecx : r.edx;
}

static void check_features(void)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	for (uint16_t i = 0; i < tables->needs_count; i++) {
		const struct x86_cpuid_need *need = &tables->needs[i];

		if ((cpuid_register(need) & need->mask) != need->mask)
			refuse("this machine lacks %s; run on one that has it (QEMU: -cpu max), or "
			       "describe the board it is",
				need->what);
	}
}

static void check_asids(void)
{
	uint64_t asids = cpuid(CPUID_SVM, 0).ebx;

	console_print("SVM:    %u address-space ids, %u partitions, nested paging\n", asids,
		(uint64_t)mullion_system.partitions_count);
	if (asids <= mullion_system.partitions_count)
		refuse("this machine has %u address-space ids for %u partitions; describe fewer",
			asids, (uint64_t)mullion_system.partitions_count);
}

static void check_apic(void)
{
	if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
		refuse("the firmware left the local APIC in x2APIC mode, which this version does "
		       "not "
		       "drive; switch x2APIC off in its setup");
	console_print("APIC:   xAPIC at %x, timer ticks %x / 2^32 per TSC tick\n",
		APIC_BASE_DEFAULT, mullion_system.arch->timer_multiplier);
}

static void note_quirks(void)
{
	if (!(cpuid(CPUID_FEATURES, 0).ecx & FEATURE_HYPERVISOR))
		return;
	quirk_tcg = cpuid(CPUID_HYPERVISOR, 0).ebx == TCG_EBX;
	if (quirk_tcg)
		console_print(
			"QUIRK:  QEMU TCG: an interrupted STI is replayed, CR8 is intercepted\n");
}

void arch_check_node(void)
{
	trap_init();
	trap_load();
	check_features();
	check_asids();
	ram_check();
	note_quirks();
	check_apic();
	pci_silence();
	iommu_start();
	pci_start();
	console_print("TSC:    %u / %u Hz, %u at kernel entry\n", mullion_system.tsc_hz_numerator,
		mullion_system.tsc_hz_denominator, boot_entry_tsc);
}

/* Supervisor code may neither execute nor touch what belongs to user pages: there are none. */
static void protect(void)
{
	uint32_t features =
		cpuid(0, 0).eax >= CPUID_STRUCTURED ? cpuid(CPUID_STRUCTURED, 0).ebx : 0;
	uint64_t cr4 = read_cr4();

	if (features & FEATURE_SMEP)
		cr4 |= CR4_SMEP;
	if (features & FEATURE_SMAP)
		cr4 |= CR4_SMAP;
	write_cr4(cr4);
}

void arch_cpu_init(struct cpu *cpu)
{
	trap_load();
	protect();
	machine_check_enable();
	apic_init();
	cpu->arch.timer_divide = APIC_DIVIDE_1;
	svm_enable(cpu);
}

/* INIT, start-up IPI: AMD APM 2, 15.27.8. One CPU at a time uses the trampoline. */
void arch_start_cpu(struct cpu *cpu)
{
	secondary_cpu = cpu;
	apic_send(cpu->config->hardware_id, APIC_ICR_INIT);
	apic_send(cpu->config->hardware_id, APIC_ICR_STARTUP | TRAMPOLINE >> 12);
}

void arch_idle(struct cpu *cpu, uint64_t tsc)
{
	arch_timer_arm(cpu, tsc);
	/* IF = 0 until the HLT: the interrupt that ends the sleep cannot come before it */
	__asm__ volatile("cli\n\tstgi\n\tsti\n\thlt\n\tclgi" : : : "memory");
}
