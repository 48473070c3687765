/*
 * Commands in, completions out. Invariant: a slot is busy from the doorbell that hands its command
 * over until the one completion that names it; a completion that names anything else, or a place in
 * the submission queue that was not filled, ends the driver's trust and its work.
 *
 * Specification: NVM Express 1.4, 4.1 (queues), 4.3 (physical region pages), 4.6 (completions), 6.
 */
#include <mullion/cpu.h>

#include <nvme/registers.h>

/* What was written before is in memory before the doorbell; x86 keeps stores in order. */
static inline void dma_release(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* What is read afterwards was written before the flag that was seen; x86 keeps loads in order. */
static inline void dma_acquire(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

void nvme_fail(struct nvme *const nvme, const enum nvme_problem problem)
{
	nvme->state = NVME_FAILED;
	nvme->problem = problem;
}

void nvme_expect(struct nvme *const nvme, const uint64_t ticks)
{
	nvme->deadline = tsc_read() + ticks;
	nvme->idle_polls = 0;
}

/* ---- Queues ---- */

void nvme_queue_put(struct nvme_queue *const queue, const struct nvme_command *const command)
{
	queue->commands[queue->tail] = *command;
	queue->tail = queue->tail + 1 == queue->size ? 0 : queue->tail + 1;
	dma_release();
	mmio_write32(queue->tail_doorbell, queue->tail);
}

/* The controller's head may move towards our tail, never past it. */
static bool head_is_sane(const struct nvme_queue *const queue, const uint32_t head)
{
	const uint32_t waiting = queue->tail >= queue->fetched
					 ? queue->tail - queue->fetched
					 : queue->tail + queue->size - queue->fetched;
	const uint32_t moved = head >= queue->fetched ? head - queue->fetched
						      : head + queue->size - queue->fetched;

	return head < queue->size && moved <= waiting;
}

bool nvme_queue_take(
	struct nvme_queue *const queue, struct nvme_entry *const entry, bool *const sane)
{
	const volatile struct nvme_entry *const at = &queue->entries[queue->head];
	const uint16_t status = at->status;

	if ((status & NVME_ENTRY_PHASE) != queue->phase)
		return false;
	dma_acquire();
	entry->result = at->result;
	entry->head = at->head;
	entry->queue = at->queue;
	entry->id = at->id;
	entry->status = status;
	*sane = entry->queue == queue->id && head_is_sane(queue, entry->head);
	if (*sane)
		queue->fetched = entry->head;
	if (++queue->head == queue->size) {
		queue->head = 0;
		queue->phase ^= NVME_ENTRY_PHASE;
	}
	mmio_write32(queue->head_doorbell, queue->head);
	return true;
}

/* ---- Submitting ---- */

/* 4.3: the first page may begin anywhere; of more than two, all others are in the list. */
static void pages_set(struct nvme_command *const command, uint64_t *const list,
	const uint64_t address, const uint32_t bytes)
{
	const uint32_t first = NVME_PAGE_BYTES - (uint32_t)(address % NVME_PAGE_BYTES);
	const uint64_t second = address + first;
	const uint32_t rest = bytes > first ? bytes - first : 0;
	const uint32_t pages = (rest + NVME_PAGE_BYTES - 1) / NVME_PAGE_BYTES;
	uint64_t entry = pages == 1 ? second : 0;

	if (pages > 1) {
		for (uint32_t i = 0; i < NVME_LIST_ENTRIES && i < pages; i++)
			list[i] = second + (uint64_t)i * NVME_PAGE_BYTES;
		entry = (uintptr_t)list;
	}
	command->dword[6] = (uint32_t)address;
	command->dword[7] = (uint32_t)(address >> 32);
	command->dword[8] = (uint32_t)entry;
	command->dword[9] = (uint32_t)(entry >> 32);
}

/* A free slot's number; the caller has seen that there is one. */
static uint32_t slot_free(const struct nvme *const nvme)
{
	return (uint32_t)__builtin_ctzll(nvme->usable & ~nvme->busy);
}

static void submit(struct nvme *const nvme, struct nvme_command *const command, const uint32_t slot,
	const uint32_t opcode, const uint64_t tag)
{
	command->dword[0] = slot << 16 | opcode;
	command->dword[1] = nvme->setup.namespace_id;
	if (nvme->busy == 0)
		nvme_expect(nvme, nvme->limit_ticks);
	nvme->busy |= 1ull << slot;
	nvme->tags[slot] = tag;
	nvme_queue_put(&nvme->io, command);
}

static enum nvme_answer transfer(struct nvme *const nvme, const uint32_t opcode, const uint64_t lba,
	const uint32_t blocks, const uintptr_t buffer, const uint64_t tag)
{
	struct nvme_command command = { 0 };
	uint32_t slot;

	if (nvme->state != NVME_READY)
		return NVME_UNREADY;
	if (blocks == 0 || blocks > nvme->identity.transfer_blocks)
		return NVME_LENGTH;
	if (buffer % 4 != 0)
		return NVME_ALIGN;
	if ((nvme->usable & ~nvme->busy) == 0)
		return NVME_FULL;
	slot = slot_free(nvme);
	pages_set(&command, nvme->lists[slot], buffer, blocks * nvme->identity.block_bytes);
	command.dword[10] = (uint32_t)lba;
	command.dword[11] = (uint32_t)(lba >> 32);
	command.dword[12] = blocks - 1;
	submit(nvme, &command, slot, opcode, tag);
	return NVME_ACCEPTED;
}

enum nvme_answer nvme_submit_read(struct nvme *const nvme, const uint64_t lba,
	const uint32_t blocks, void *const buffer, const uint64_t tag)
{
	return transfer(nvme, NVME_IO_READ, lba, blocks, (uintptr_t)buffer, tag);
}

enum nvme_answer nvme_submit_write(struct nvme *const nvme, const uint64_t lba,
	const uint32_t blocks, const void *const buffer, const uint64_t tag)
{
	return transfer(nvme, NVME_IO_WRITE, lba, blocks, (uintptr_t)buffer, tag);
}

enum nvme_answer nvme_submit_flush(struct nvme *const nvme, const uint64_t tag)
{
	struct nvme_command command = { 0 };

	if (nvme->state != NVME_READY)
		return NVME_UNREADY;
	if ((nvme->usable & ~nvme->busy) == 0)
		return NVME_FULL;
	submit(nvme, &command, slot_free(nvme), NVME_IO_FLUSH, tag);
	return NVME_ACCEPTED;
}

unsigned nvme_outstanding(const struct nvme *const nvme)
{
	uint64_t bits = nvme->busy;

	/* Counted in parallel: a population count by instruction is not in every AMD64 processor. */
	bits -= bits >> 1 & 0x5555555555555555ull;
	bits = (bits & 0x3333333333333333ull) + (bits >> 2 & 0x3333333333333333ull);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned)(bits * 0x0101010101010101ull >> 56);
}

/* ---- Completing ---- */

static enum nvme_event down(struct nvme *const nvme, const enum nvme_problem problem)
{
	nvme_fail(nvme, problem);
	return NVME_DOWN;
}

enum nvme_event nvme_check(struct nvme *const nvme)
{
	uint32_t status;

	if (nvme->state != NVME_READY)
		return NVME_DOWN;
	nvme->idle_polls = 0;
	status = nvme_read32(nvme, NVME_CSTS);
	if (status == NVME_ALL_ONES)
		return down(nvme, NVME_PROBLEM_GONE);
	if (status & NVME_CSTS_CFS)
		return down(nvme, NVME_PROBLEM_FATAL);
	if (!(status & NVME_CSTS_RDY))
		return down(nvme, NVME_PROBLEM_RESET);
	if (nvme->busy != 0 && tsc_read() > nvme->deadline)
		return down(nvme, NVME_PROBLEM_SILENT);
	return NVME_NOTHING;
}

static enum nvme_event idle(struct nvme *const nvme)
{
	if (nvme->busy == 0 || ++nvme->idle_polls < NVME_CHECK_POLLS)
		return NVME_NOTHING;
	return nvme_check(nvme);
}

enum nvme_event nvme_poll(struct nvme *const nvme, struct nvme_completion *const completion)
{
	struct nvme_entry entry;
	bool sane;

	if (nvme->state != NVME_READY)
		return NVME_DOWN;
	if (!nvme_queue_take(&nvme->io, &entry, &sane))
		return idle(nvme);
	if (!sane || entry.id >= NVME_QUEUE_ENTRIES || !(nvme->busy >> entry.id & 1))
		return down(nvme, NVME_PROBLEM_COMPLETION);
	nvme->busy &= ~(1ull << entry.id);
	nvme_expect(nvme, nvme->limit_ticks);
	completion->tag = nvme->tags[entry.id];
	completion->status = NVME_ENTRY_STATUS(entry.status);
	completion->final = (entry.status & NVME_ENTRY_FINAL) != 0;
	return NVME_COMPLETED;
}
