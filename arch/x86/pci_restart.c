/*
 * PCI functions of a partition that stops: off the bus, reset where they can be; as at boot if it restarts.
 * PCI Express 4.0, 6.6.2 (function-level reset); Advanced Capabilities for Conventional PCI, 13.
 *
 * Invariant: between the two nothing of them gets through the IOMMU, the kernel waits for none, and one
 * step concerns one function and at most a few of its messages.
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

/* What it wrote before its bus mastering went off has arrived when it answers: PCI 3.0, 3.2.5. */
static bool quiet(const struct x86_function *function, struct partition *life)
{
	uint64_t second = mullion_system.tsc_hz_numerator / mullion_system.tsc_hz_denominator;

	pci_quarantine(function);
	config_read(function, PCI_COMMAND);
	if (!iommu_block(function))
		return false;
	if (reset(function))
		life->not_before = arch_now() + second / RESET_FRACTION;
	return true;
}

bool arch_devices_any(const struct mullion_partition *partition)
{
	uint16_t count;

	functions_of(partition, &count);
	return count != 0;
}

bool arch_devices_quiet(const struct mullion_partition *partition, struct partition *life)
{
	uint16_t count;
	const struct x86_function *functions = functions_of(partition, &count);

	if (life->at < count && quiet(&functions[life->at], life))
		life->at++;
	return life->at >= count;
}

/* One that does not come back stays blocked; its owner finds it off the bus. True: it is done. */
static bool resume(const struct x86_function *function, struct partition *life)
{
	if (life->done == 0) {
		if (config_read(function, PCI_IDENTITY) != function->identity)
			return true;
		if (!iommu_pass(function))
			return false;
	}
	life->done = pci_resume(function, life->done);
	return life->done == 0;
}

bool arch_devices_resume(const struct mullion_partition *partition, struct partition *life)
{
	uint16_t count;
	const struct x86_function *functions = functions_of(partition, &count);

	if (life->at < count && resume(&functions[life->at], life))
		life->at++;
	return life->at >= count;
}
