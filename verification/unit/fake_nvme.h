/*
 * A controller made of memory, for tests of rtdrivers/nvme on the host: it does nothing until it is
 * told to run, does what NVM Express 1.4 asks for then, and lies where a test wants it to.
 */
#ifndef FAKE_NVME_H
#define FAKE_NVME_H

#include <nvme/registers.h>

#define FAKE_REGISTERS_BYTES 0x4000u

struct fake_nvme {
	_Alignas(4096) uint8_t registers[FAKE_REGISTERS_BYTES];
	uint8_t controller[NVME_PAGE_BYTES], namespace[NVME_PAGE_BYTES]; /* what Identify says */

	bool never_ready, never_disabled, mute; /* mute: takes commands, completes none */
	uint8_t refuse_opcode;                  /* of admin commands; 0xff: none */
	uint16_t refuse_status;

	bool enabled;
	struct nvme_command *sq[2];
	volatile struct nvme_entry *cq[2];
	uint32_t size[2], sq_head[2], cq_tail[2], phase[2];
	uint32_t interrupts;                           /* dword 11 of Create I/O Completion Queue */
	struct nvme_command taken[NVME_QUEUE_ENTRIES]; /* of the I/O queue, not completed */
	unsigned taken_count, shutdowns;
};

void fake_init(struct fake_nvme *fake);
uint32_t *fake_register(struct fake_nvme *fake, uint32_t offset);

/* Does whatever there is to do; commands of the I/O queue are taken and kept. */
void fake_run(struct fake_nvme *fake);

/* Completes the nth command taken. */
void fake_complete(struct fake_nvme *fake, unsigned nth, uint16_t status);

/* Writes one completion as given, but for the phase. */
void fake_post(struct fake_nvme *fake, unsigned queue, const struct nvme_entry *entry);

#endif
