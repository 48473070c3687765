/*
 * What the files of this partition share: the disk, a pattern that every byte of it can be held
 * against, and calls that are metered.
 */
#ifndef TEST_NVME_TRAFFIC_H
#define TEST_NVME_TRAFFIC_H

#include <mullion/meter.h>

#include <nvme/nvme.h>

extern struct nvme disk;

/* What each call costs. */
struct meters {
	struct meter start, step, submit_read, submit_write, submit_flush, poll, check, stop;
};

extern struct meters meters;

/* What was asked of the driver and what came of it. */
struct totals {
	uint64_t submitted, completed, failed, unexpected;
	uint64_t bytes_written, bytes_read, words_wrong;
	uint64_t first_wrong;   /* byte of the disk */
	uint16_t failed_status; /* of the last that failed */
};

extern struct totals totals;

/* The driver's calls, metered. */
bool disk_start(const struct nvme_setup *setup);
bool disk_stop(void);
enum nvme_answer disk_submit(bool write, uint64_t lba, uint32_t blocks, void *buffer, uint64_t tag);
enum nvme_answer disk_flush(uint64_t tag);
enum nvme_event disk_poll(struct nvme_completion *completion);
enum nvme_event disk_check(void);

/* Polls until something comes; false: the driver is down, see disk.problem. */
bool disk_wait(struct nvme_completion *completion);

/* Word `index` of the disk (eight bytes each) holds this. */
uint64_t pattern_word(uint64_t index);
void pattern_seed(uint64_t seed);

/*
 * Hand out so many blocks from there in transfers of changing sizes, several outstanding at a time.
 */
bool traffic_write(uint64_t lba, uint64_t blocks);
bool traffic_read(uint64_t lba, uint64_t blocks);

/* Buffers for one transfer each, of the longest, beginning anywhere in a page. */
#define BUFFERS 8u
uint8_t *traffic_buffer(unsigned number, uint32_t offset);

#endif
