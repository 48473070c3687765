/*
 * The teaching device. Invariant: no transfer is started that its own buffer does not hold, or while
 * another is under way; QEMU ends where that is broken. Specification: QEMU docs/specs/edu.txt.
 */
#include <stddef.h>

#include <mullion/cpu.h>
#include <mullion/mmio.h>

#include <edu/edu.h>

#define REGISTER_IDENTITY   0x00u
#define REGISTER_LIVENESS   0x04u
#define REGISTER_FACTORIAL  0x08u
#define REGISTER_STATUS     0x20u
#define REGISTER_INTERRUPT  0x24u
#define REGISTER_RAISE      0x60u
#define REGISTER_TAKE       0x64u
#define REGISTER_DMA_SOURCE 0x80u
#define REGISTER_DMA_TARGET 0x88u
#define REGISTER_DMA_BYTES  0x90u
#define REGISTER_DMA        0x98u
#define REGISTERS_BYTES     0xa0u

#define IDENTITY_MASK    0xffffu
#define IDENTITY         0x00edu
#define STATUS_COMPUTING 0x01u
#define STATUS_INTERRUPT 0x80u
#define DMA_RUN          0x1u
#define DMA_TO_MEMORY    0x2u
#define DMA_INTERRUPT    0x4u
#define DMA_BUFFER       0x40000u
#define LIVENESS_PATTERN 0x5aa50ff0u

/* Its registers answer: the identity, and the complement of what is written to one of them. */
static bool answers(const struct edu *const edu)
{
	if ((mmio_read32(edu->registers + REGISTER_IDENTITY) & IDENTITY_MASK) != IDENTITY)
		return false;
	mmio_write32(edu->registers + REGISTER_LIVENESS, LIVENESS_PATTERN);
	return mmio_read32(edu->registers + REGISTER_LIVENESS) == ~LIVENESS_PATTERN;
}

bool edu_open(struct edu *const edu, const unsigned nth, const uint8_t last_bus)
{
	uint64_t bytes;

	if (!pci_find(EDU_VENDOR, EDU_DEVICE, 0, nth, last_bus, &edu->function))
		return false;
	edu->registers = pci_map_bar(&edu->function, 0, &bytes);
	if (edu->registers == NULL || bytes < REGISTERS_BYTES || !answers(edu))
		return false;
	edu_take(edu);
	return pci_bus_master(&edu->function, true);
}

void edu_factorial_start(const struct edu *const edu, const uint32_t n, const bool interrupt)
{
	mmio_write32(edu->registers + REGISTER_STATUS, interrupt ? STATUS_INTERRUPT : 0);
	mmio_write32(edu->registers + REGISTER_FACTORIAL, n);
}

bool edu_factorial_done(const struct edu *const edu, uint32_t *const result)
{
	if (mmio_read32(edu->registers + REGISTER_STATUS) & STATUS_COMPUTING)
		return false;
	*result = mmio_read32(edu->registers + REGISTER_FACTORIAL);
	return true;
}

bool edu_dma_start(const struct edu *const edu, const enum edu_direction direction,
	const uint64_t address, const uint32_t offset, const uint32_t bytes, const bool interrupt)
{
	const uint64_t buffer = DMA_BUFFER + (uint64_t)offset;
	const bool out = direction == EDU_TO_MEMORY;

	if (offset >= EDU_BUFFER_BYTES || bytes == 0 || bytes > EDU_BUFFER_BYTES - offset ||
		edu_dma_busy(edu))
		return false;
	mmio_write64(edu->registers + REGISTER_DMA_SOURCE, out ? buffer : address);
	mmio_write64(edu->registers + REGISTER_DMA_TARGET, out ? address : buffer);
	mmio_write64(edu->registers + REGISTER_DMA_BYTES, bytes);
	mmio_write64(edu->registers + REGISTER_DMA,
		DMA_RUN | (out ? DMA_TO_MEMORY : 0) | (interrupt ? DMA_INTERRUPT : 0));
	return true;
}

bool edu_dma_busy(const struct edu *const edu)
{
	return mmio_read64(edu->registers + REGISTER_DMA) & DMA_RUN;
}

bool edu_dma(const struct edu *const edu, const enum edu_direction direction,
	const uint64_t address, const uint32_t offset, const uint32_t bytes, const uint32_t polls)
{
	if (!edu_dma_start(edu, direction, address, offset, bytes, false))
		return false;
	for (uint32_t i = 0; i < polls && i < EDU_POLLS; i++) {
		if (!edu_dma_busy(edu))
			return true;
		cpu_pause();
	}
	return false;
}

void edu_raise(const struct edu *const edu, const uint32_t bits)
{
	mmio_write32(edu->registers + REGISTER_RAISE, bits);
}

uint32_t edu_take(const struct edu *const edu)
{
	const uint32_t bits = mmio_read32(edu->registers + REGISTER_INTERRUPT);

	mmio_write32(edu->registers + REGISTER_TAKE, bits);
	return bits;
}
