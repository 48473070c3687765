/*
 * What the kernel asks of an IOMMU, whoever made it. Before the first partition starts, every unit is
 * checked and switched on with its constant tables; afterwards it is only asked for faults.
 */
#ifndef MULLION_IOMMU_H
#define MULLION_IOMMU_H

#include <arch_internal.h>
#include <mmio.h>

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
	 * invalidation and does not wait for it. False: no room and nothing changed, ask again.
	 */
	bool (*block)(const struct x86_iommu *unit, const struct x86_function *function);

	/* Let it through again, as the image has it; likewise. */
	bool (*pass)(const struct x86_iommu *unit, const struct x86_function *function);
};

extern const struct iommu_driver vtd_driver, amdvi_driver;

/* Of a function with an owner: block it, or let it through. */
bool iommu_block(const struct x86_function *function);
bool iommu_pass(const struct x86_function *function);

/* All units, before partitions run and after all functions were silenced. */
void iommu_start(void);

/* ---- What both kinds have in common ------------------------------------------------------------
 */

/* The local APIC takes it as an NMI for one CPU: AMD APM 2, 16.11; data is the delivery mode. */
#define MESSAGE_NMI          (4u << 8)
#define MESSAGE_ADDRESS(cpu) (0xfee00000u | (uint32_t)(cpu) << 12)

/* The queue and the event log are rings of 256 entries; registers hold offsets into them. */
#define RING_ENTRY   16u
#define RING_OFFSETS 0xff0u

struct iommu_command {
	uint64_t low, high;
};

#define IOMMU_DONE 1u /* what a command stores to storage->completion */

/*
 * Queue commands, for which there has to be room. `head` is the register with the unit's place in the
 * queue; the one with the kernel's follows it.
 */
bool iommu_room(const struct x86_iommu *unit, uint32_t head, uint32_t count);
void iommu_submit(const struct x86_iommu *unit, uint32_t head, const struct iommu_command *commands,
	uint32_t count);

/* At boot, into the empty queue; the last command stores IOMMU_DONE. Wait for that. */
void iommu_complete(const struct x86_iommu *unit, uint32_t head,
	const struct iommu_command *commands, uint32_t count);

/* Wait until these bits of a register are `value`. */
void iommu_wait(const struct x86_iommu *unit, uint32_t offset, uint32_t bits, uint32_t value);

/* The registers that are looked at while there is no fault: VT-d 3.3, 11.4.9; AMD-Vi 3.05, 3.4.13. */
#define VTD_FAULT_STATUS 0x34u
#define VTD_OVERFLOW     0x1u
#define VTD_PENDING      0x2u
#define AMDVI_EVENT_TAIL 0x2018u

/* Whether the unit has something to tell: a single read. */
static inline bool iommu_pending(const struct x86_iommu *unit)
{
	if (unit->kind == X86_IOMMU_VTD)
		return (mmio_read32(unit->registers + VTD_FAULT_STATUS) &
			       (VTD_OVERFLOW | VTD_PENDING)) != 0;
	return (mmio_read32(unit->registers + AMDVI_EVENT_TAIL) & RING_OFFSETS) !=
	       unit->storage->next;
}

#endif
