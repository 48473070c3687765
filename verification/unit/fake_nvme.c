/*
 * The controller of fake_nvme.h. Invariant: it knows only what it finds in its registers and behind
 * the addresses it was given, as a device does; it shares no state with the driver.
 */
#include <string.h>

#include "fake_nvme.h"

#define CAP_QEMU ((1ull << 37) | (0xfull << 24) | 2047) /* NVM command set, 7.5 s, 2048 entries */

uint32_t *fake_register(struct fake_nvme *const fake, const uint32_t offset)
{
	return (uint32_t *)(void *)&fake->registers[offset];
}

static uint64_t register64(struct fake_nvme *const fake, const uint32_t offset)
{
	return (uint64_t)*fake_register(fake, offset + 4) << 32 | *fake_register(fake, offset);
}

void fake_init(struct fake_nvme *const fake)
{
	const uint64_t cap = CAP_QEMU, blocks = 32768;

	memset(fake, 0, sizeof(*fake));
	memcpy(fake->registers, &cap, sizeof(cap));
	memset(fake->controller + NVME_IDC_SERIAL, ' ', 68);
	memcpy(fake->controller + NVME_IDC_SERIAL, "S1", 2);
	memcpy(fake->controller + NVME_IDC_MODEL, "A disk", 6);
	fake->controller[NVME_IDC_MDTS] = 7;
	fake->controller[NVME_IDC_SQES] = 0x66;
	fake->controller[NVME_IDC_CQES] = 0x44;
	fake->controller[NVME_IDC_VWC] = 1;
	memcpy(fake->namespace, &blocks, sizeof(blocks));
	fake->namespace[NVME_IDN_FLBAS] = 2;
	fake->namespace[NVME_IDN_FORMATS + 8 + 2] = 9;
	fake->refuse_opcode = 0xff;
}

void fake_post(
	struct fake_nvme *const fake, const unsigned queue, const struct nvme_entry *const entry)
{
	volatile struct nvme_entry *const at = &fake->cq[queue][fake->cq_tail[queue]];

	at->result = entry->result;
	at->head = entry->head;
	at->queue = entry->queue;
	at->id = entry->id;
	at->status = (uint16_t)((entry->status & ~1u) | fake->phase[queue]);
	if (++fake->cq_tail[queue] == fake->size[queue]) {
		fake->cq_tail[queue] = 0;
		fake->phase[queue] ^= 1;
	}
}

static void answer(struct fake_nvme *const fake, const unsigned queue, const uint32_t dword0,
	const uint16_t status)
{
	const struct nvme_entry entry = { .head = (uint16_t)fake->sq_head[queue],
		.queue = (uint16_t)queue,
		.id = (uint16_t)(dword0 >> 16),
		.status = (uint16_t)(status << 1) };

	fake_post(fake, queue, &entry);
}

void fake_complete(struct fake_nvme *const fake, const unsigned nth, const uint16_t status)
{
	const uint32_t dword0 = fake->taken[nth].dword[0];

	fake->taken_count--;
	memmove(&fake->taken[nth], &fake->taken[nth + 1],
		(fake->taken_count - nth) * sizeof(fake->taken[0]));
	answer(fake, 1, dword0, status);
}

static void *address(const struct nvme_command *const command)
{
	return (void *)(uintptr_t)((uint64_t)command->dword[7] << 32 | command->dword[6]);
}

static void admin(struct fake_nvme *const fake, const struct nvme_command *const command)
{
	const uint8_t opcode = (uint8_t)command->dword[0];
	uint16_t status = NVME_STATUS_SUCCESS;

	if (fake->mute)
		return;
	if (opcode == fake->refuse_opcode)
		status = fake->refuse_status;
	else if (opcode == NVME_ADMIN_IDENTIFY)
		memcpy(address(command),
			command->dword[10] == NVME_CNS_CONTROLLER ? fake->controller
								  : fake->namespace,
			NVME_PAGE_BYTES);
	else if (opcode == NVME_ADMIN_CREATE_CQ) {
		fake->cq[1] = address(command);
		fake->size[1] = (command->dword[10] >> 16) + 1;
		fake->phase[1] = 1;
		fake->interrupts = command->dword[11];
	} else if (opcode == NVME_ADMIN_CREATE_SQ)
		fake->sq[1] = address(command);
	answer(fake, 0, command->dword[0], status);
}

static void enable(struct fake_nvme *const fake)
{
	fake->enabled = true;
	fake->sq[0] = (void *)(uintptr_t)register64(fake, NVME_ASQ);
	fake->cq[0] = (void *)(uintptr_t)register64(fake, NVME_ACQ);
	fake->size[0] = (*fake_register(fake, NVME_AQA) & 0xfff) + 1;
	fake->phase[0] = 1;
	*fake_register(fake, NVME_CSTS) |= NVME_CSTS_RDY;
}

static void disable(struct fake_nvme *const fake)
{
	fake->enabled = false;
	for (unsigned queue = 0; queue < 2; queue++) {
		fake->sq[queue] = NULL;
		fake->cq[queue] = NULL;
		fake->sq_head[queue] = fake->cq_tail[queue] = 0;
	}
	fake->taken_count = 0;
	memset(&fake->registers[NVME_DOORBELLS], 0, FAKE_REGISTERS_BYTES - NVME_DOORBELLS);
	*fake_register(fake, NVME_CSTS) = 0;
}

static void queue_run(struct fake_nvme *const fake, const unsigned queue)
{
	const uint32_t stride = 4u << NVME_CAP_DSTRD(register64(fake, NVME_CAP));
	const uint32_t tail = *fake_register(fake, NVME_DOORBELLS + 2 * queue * stride);

	while (fake->sq[queue] != NULL && fake->sq_head[queue] != tail) {
		const struct nvme_command command = fake->sq[queue][fake->sq_head[queue]];

		fake->sq_head[queue] = (fake->sq_head[queue] + 1) % fake->size[queue];
		if (queue == 0)
			admin(fake, &command);
		else
			fake->taken[fake->taken_count++] = command;
	}
}

void fake_run(struct fake_nvme *const fake)
{
	const uint32_t configuration = *fake_register(fake, NVME_CC);

	if ((configuration & NVME_CC_EN) && !fake->enabled && !fake->never_ready)
		enable(fake);
	if (!(configuration & NVME_CC_EN) && !fake->never_disabled)
		disable(fake);
	if ((configuration & NVME_CC_SHN_MASK) == NVME_CC_SHN_NORMAL) {
		fake->shutdowns++;
		*fake_register(fake, NVME_CSTS) |= NVME_CSTS_SHST_DONE;
	}
	if (!fake->enabled)
		return;
	queue_run(fake, 0);
	queue_run(fake, 1);
}
