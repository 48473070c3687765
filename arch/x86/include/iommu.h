/*
 * What the kernel asks of an IOMMU, whoever made it. Before the first partition starts, every unit is
 * checked and switched on with its constant tables; afterwards it is only asked for faults.
 */
#ifndef MULLION_IOMMU_H
#define MULLION_IOMMU_H

#include <arch_internal.h>

struct iommu_fault {
	uint64_t address; /* what the request was for; of an interrupt: 0 */
	uint16_t requester;
	uint8_t access; /* enum mullion_dma_access */
};

struct iommu_driver {
	/*
	 * Refuse the node unless the unit is there and can do what its tables need; then give it the
	 * tables, flush its caches, and switch translation and interrupt remapping on. Every wait is
	 * bounded, and its end refuses the node.
	 */
	void (*enable)(const struct x86_iommu *unit);

	/* Have faults interrupt a CPU by NMI. Only where unit->interrupts. */
	void (*interrupt)(const struct x86_iommu *unit, uint32_t apic_id);

	/* Take the oldest fault out of the unit. False: there is none, after a single read. */
	bool (*fault)(const struct x86_iommu *unit, struct iommu_fault *fault);

	/*
	 * Let nothing of the function through from now on, not even its faults. Queues the
	 * invalidation and does not wait for it. False: no room, ask again.
	 */
	bool (*block)(const struct x86_iommu *unit, const struct x86_function *function);
};

extern const struct iommu_driver vtd_driver, amdvi_driver;

/* All units, before partitions run and after all functions were silenced. */
void iommu_start(void);

#endif
