/*
 * PCI functions of a partition that restarts: off the bus, reset where they can be, and then as at boot.
 * PCI Express 4.0, 6.6.2 (function-level reset); Advanced Capabilities for Conventional PCI, 13.
 *
 * Invariant: between the two nothing of them gets through the IOMMU, and the kernel waits for none.
 */
#include <iommu.h>
#include <pci.h>
#include <pci_registers.h>

#define EXPRESS_RESET  (1u << 15) /* device control */
#define ADVANCED_RESET (1u << 0)
#define RESET_FRACTION 10u /* of a second: a tenth, and the function answers again */

static const struct x86_function *functions_of(
	const struct mullion_partition *partition, uint16_t *count)
{
	const struct arch_vcpu_tables *tables = mullion_system.vcpus[partition->first_vcpu].arch;

	*count = tables->functions_count;
	return &mullion_system.arch->functions[tables->first_function];
}

static bool reset(const struct x86_function *function)
{
	if (function->reset != 0)
		config_write(function, function->reset,
			(config_read(function, function->reset) & 0xffffu) | EXPRESS_RESET);
	else if (function->reset_af != 0)
		config_write(function, function->reset_af, ADVANCED_RESET);
	return function->reset != 0 || function->reset_af != 0;
}

uint64_t arch_devices_quiet(const struct mullion_partition *partition)
{
	uint64_t second = mullion_system.tsc_hz_numerator / mullion_system.tsc_hz_denominator;
	uint16_t count;
	const struct x86_function *functions = functions_of(partition, &count);
	bool waits = false;

	for (uint16_t f = 0; f < count; f++) {
		pci_quarantine(&functions[f]);
		iommu_block(&functions[f]);
		waits |= reset(&functions[f]);
	}
	return waits ? arch_now() + second / RESET_FRACTION : 0;
}

/* One that does not come back stays blocked; its owner finds it off the bus. */
static bool resume(const struct x86_function *function)
{
	if (config_read(function, PCI_IDENTITY) != function->identity)
		return true;
	if (!iommu_pass(function))
		return false;
	pci_resume(function);
	return true;
}

bool arch_devices_resume(const struct mullion_partition *partition)
{
	uint16_t count;
	const struct x86_function *functions = functions_of(partition, &count);

	for (uint16_t f = 0; f < count; f++)
		if (!resume(&functions[f]))
			return false;
	return true;
}
