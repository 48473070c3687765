/*
 * QEMU's teaching device: a factorial, a DMA engine with 4 KiB of its own, an interrupt on request.
 * It does as it is told with any address, which makes it the attacker of the IOMMU's tests.
 *
 * Nothing here waits: what takes time is started, then asked about. "At most N instructions" counts
 * the driver's own (rtdrivers/bounds).
 */
#ifndef RTDRIVERS_EDU_H
#define RTDRIVERS_EDU_H

#include <pci/pci.h>

#define EDU_VENDOR 0x1234u
#define EDU_DEVICE 0x11e8u
/* Of 4096: QEMU 7.2 takes a transfer with the last one for out of bounds, and ends. */
#define EDU_BUFFER_BYTES 4095u
#define EDU_POLLS        100000000u

/* Bits of the interrupt status: these two are the device's, all others what edu_raise was given. */
#define EDU_INTERRUPT_FACTORIAL 0x001u
#define EDU_INTERRUPT_DMA       0x100u

struct edu {
	struct pci_function function;
	volatile uint8_t *registers;
};

enum edu_direction {
	EDU_FROM_MEMORY, /* the device reads memory at the address */
	EDU_TO_MEMORY,   /* the device writes it */
};

/*
 * The nth of them, from 0, on buses 0 to `last_bus`; bus mastering on, answers tried. False: there is
 * none, or it does not answer as one. At most 3000000 instructions.
 */
bool edu_open(struct edu *edu, unsigned nth, uint8_t last_bus);

/* Start n!, modulo 2^32; with an interrupt at the end or not. At most 20 instructions. */
void edu_factorial_start(const struct edu *edu, uint32_t n, bool interrupt);

/* False: it still computes. At most 25 instructions. */
bool edu_factorial_done(const struct edu *edu, uint32_t *result);

/*
 * Start a transfer between the device's buffer, from `offset`, and any address. False, and nothing
 * started: the buffer does not hold that much, or a transfer is under way. At most 60 instructions.
 */
bool edu_dma_start(const struct edu *edu, enum edu_direction direction, uint64_t address,
	uint32_t offset, uint32_t bytes, bool interrupt);

/* True: the transfer has not ended. It ends even where an IOMMU stops it. At most 15 instructions. */
bool edu_dma_busy(const struct edu *edu);

/*
 * A transfer from start to end, asking at most `polls` times, and never more than EDU_POLLS times,
 * with PAUSE between. False: it was not started, or has not ended by then. At most 1300000000
 * instructions, 13 for each poll.
 */
bool edu_dma(const struct edu *edu, enum edu_direction direction, uint64_t address, uint32_t offset,
	uint32_t bytes, uint32_t polls);

/* Interrupt now, with these status bits. At most 15 instructions. */
void edu_raise(const struct edu *edu, uint32_t bits);

/* What it has interrupted for since the last call; acknowledges it. At most 20 instructions. */
uint32_t edu_take(const struct edu *edu);

#endif
