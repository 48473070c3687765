/*
 * Transfers of changing sizes, with buffers that begin at changing places of a page, several
 * outstanding at a time. Invariant: a buffer is touched between transfers only; before a read it is
 * spoiled, so that what is found in it came from the disk.
 */
#include <string.h>

#include <mullion/cpu.h>

#include "traffic.h"

#define BUFFER_BYTES (NVME_TRANSFER_BYTES + NVME_PAGE_BYTES)
#define SPOILED      0xa5
#define GOLDEN       0x9e3779b97f4a7c15ull

struct nvme disk;
struct meters meters = {
	.start = { .name = "nvme_start" },
	.step = { .name = "nvme_step" },
	.submit_read = { .name = "nvme_submit_read" },
	.submit_write = { .name = "nvme_submit_write" },
	.submit_flush = { .name = "nvme_submit_flush" },
	.poll = { .name = "nvme_poll" },
	.check = { .name = "nvme_check" },
	.stop = { .name = "nvme_stop" },
};
struct totals totals;

static uint8_t buffers[BUFFERS][BUFFER_BYTES] __attribute__((aligned(NVME_PAGE_BYTES)));
static uint64_t seed;

/* What each buffer is used for, while it is. */
struct job {
	uint64_t lba;
	uint32_t blocks, offset;
	bool busy, write;
};

static struct job jobs[BUFFERS];

/* ---- The calls, metered ---- */

/* How often one looks in vain is the disk's business, and differs from run to run: not counted. */
static void steps(const enum nvme_state during)
{
	while (disk.state == during) {
		const uint8_t stage = disk.stage;

		meter_begin(&meters.step);
		nvme_step(&disk);
		meter_end(&meters.step);
		if (disk.stage == stage && disk.state == during) {
			meters.step.calls--;
			cpu_pause();
		}
	}
}

bool disk_start(const struct nvme_setup *const setup)
{
	meter_begin(&meters.start);
	nvme_start(&disk, setup);
	meter_end(&meters.start);
	steps(NVME_STARTING);
	return disk.state == NVME_READY;
}

bool disk_stop(void)
{
	meter_begin(&meters.stop);
	nvme_stop(&disk);
	meter_end(&meters.stop);
	steps(NVME_STOPPING);
	return disk.state == NVME_OFF;
}

enum nvme_answer disk_submit(const bool write, const uint64_t lba, const uint32_t blocks,
	void *const buffer, const uint64_t tag)
{
	struct meter *const meter = write ? &meters.submit_write : &meters.submit_read;
	enum nvme_answer answer;

	if (write) {
		meter_begin(meter);
		answer = nvme_submit_write(&disk, lba, blocks, buffer, tag);
		meter_end(meter);
	} else {
		meter_begin(meter);
		answer = nvme_submit_read(&disk, lba, blocks, buffer, tag);
		meter_end(meter);
	}
	totals.submitted += answer == NVME_ACCEPTED;
	return answer;
}

enum nvme_answer disk_flush(const uint64_t tag)
{
	enum nvme_answer answer;

	meter_begin(&meters.submit_flush);
	answer = nvme_submit_flush(&disk, tag);
	meter_end(&meters.submit_flush);
	totals.submitted += answer == NVME_ACCEPTED;
	return answer;
}

enum nvme_event disk_poll(struct nvme_completion *const completion)
{
	enum nvme_event event;

	meter_begin(&meters.poll);
	event = nvme_poll(&disk, completion);
	meter_end(&meters.poll);
	if (event != NVME_COMPLETED) {
		/* As with steps. */
		meters.poll.calls--;
		return event;
	}
	totals.completed++;
	if (completion->status != NVME_STATUS_SUCCESS) {
		totals.failed++;
		totals.failed_status = completion->status;
	}
	return event;
}

enum nvme_event disk_check(void)
{
	enum nvme_event event;

	meter_begin(&meters.check);
	event = nvme_check(&disk);
	meter_end(&meters.check);
	return event;
}

bool disk_wait(struct nvme_completion *const completion)
{
	enum nvme_event event;

	while ((event = disk_poll(completion)) == NVME_NOTHING)
		cpu_pause();
	return event == NVME_COMPLETED;
}

/* ---- The pattern ---- */

void pattern_seed(const uint64_t value)
{
	seed = value;
}

uint64_t pattern_word(const uint64_t index)
{
	const uint64_t mixed = (index + seed + 1) * GOLDEN;

	return mixed ^ mixed >> 32;
}

uint8_t *traffic_buffer(const unsigned number, const uint32_t offset)
{
	return &buffers[number][offset];
}

static void fill(uint8_t *const buffer, const uint64_t from, const uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i += 8) {
		const uint64_t word = pattern_word((from + i) / 8);

		memcpy(buffer + i, &word, 8);
	}
}

static void compare(const uint8_t *const buffer, const uint64_t from, const uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i += 8) {
		const uint64_t word = pattern_word((from + i) / 8);

		if (memcmp(buffer + i, &word, 8) == 0)
			continue;
		if (totals.words_wrong++ == 0)
			totals.first_wrong = from + i;
	}
}

/* ---- Transfers ---- */

/* Around every boundary that matters: one page, two pages, the list, its end. */
static uint32_t next_blocks(const unsigned turn, const uint64_t left)
{
	static const uint32_t sizes[] = { 1, 2, 7, 8, 9, 15, 16, 17, 3, 31, 32, 33, 64, 65, 127,
		128, 129, 200, 255, 256, 5 };
	uint32_t blocks = sizes[turn % (sizeof(sizes) / sizeof(*sizes))];

	if (blocks > disk.identity.transfer_blocks)
		blocks = disk.identity.transfer_blocks;
	return left < blocks ? (uint32_t)left : blocks;
}

static uint32_t next_offset(const unsigned turn)
{
	static const uint32_t offsets[] = { 0, 4, 512, 0, 2048, 3584, 4092, 0, 8, 1020 };

	return offsets[turn % (sizeof(offsets) / sizeof(*offsets))];
}

static bool begin(const unsigned number, const struct job *const job)
{
	const uint64_t bytes = (uint64_t)job->blocks * disk.identity.block_bytes;
	const uint64_t from = job->lba * disk.identity.block_bytes;
	uint8_t *const buffer = traffic_buffer(number, job->offset);

	if (job->write)
		fill(buffer, from, bytes);
	else
		memset(buffer, SPOILED, bytes);
	jobs[number] = *job;
	return disk_submit(job->write, job->lba, job->blocks, buffer, number) == NVME_ACCEPTED;
}

static void end(const struct nvme_completion *const completion)
{
	struct job *const job = &jobs[completion->tag % BUFFERS];
	const uint64_t bytes = (uint64_t)job->blocks * disk.identity.block_bytes;

	if (completion->tag >= BUFFERS || !job->busy) {
		totals.unexpected++;
		return;
	}
	job->busy = false;
	if (completion->status != NVME_STATUS_SUCCESS)
		return;
	if (job->write) {
		totals.bytes_written += bytes;
	} else {
		totals.bytes_read += bytes;
		compare(traffic_buffer((unsigned)completion->tag, job->offset),
			job->lba * disk.identity.block_bytes, bytes);
	}
}

static int idle_buffer(void)
{
	for (unsigned i = 0; i < BUFFERS; i++)
		if (!jobs[i].busy)
			return (int)i;
	return -1;
}

static bool finish_one(void)
{
	struct nvme_completion completion;

	if (!disk_wait(&completion))
		return false;
	end(&completion);
	return true;
}

static bool run(const bool write, uint64_t lba, uint64_t blocks)
{
	/* Reading begins elsewhere in the sequence, so that no read has the bounds of a write. */
	for (unsigned turn = write ? 0 : 5; blocks != 0; turn++) {
		struct job job = { lba, next_blocks(turn, blocks), next_offset(turn), true, write };
		const int number = idle_buffer();

		if (number < 0) {
			turn--;
			if (!finish_one())
				return false;
			continue;
		}
		if (!begin((unsigned)number, &job))
			return false;
		lba += job.blocks;
		blocks -= job.blocks;
	}
	while (nvme_outstanding(&disk) != 0)
		if (!finish_one())
			return false;
	return true;
}

bool traffic_write(const uint64_t lba, const uint64_t blocks)
{
	return run(true, lba, blocks);
}

bool traffic_read(const uint64_t lba, const uint64_t blocks)
{
	return run(false, lba, blocks);
}
