/*
 * A bench for IOMMU drivers: a file of registers in memory, whose behaviour a test supplies, and a
 * history of everything the driver wrote to it.
 *
 * An access outside the registers or the driver's own memory ends the test.
 */
#ifndef IOMMU_BENCH_H
#define IOMMU_BENCH_H

#include <iommu.h>

#define BENCH_BYTES 0x4000u

struct bench {
	uint8_t registers[BENCH_BYTES];
	uint64_t bytes; /* of them the unit has */
	/* What the hardware does at a read, before it, and at a write, in its place. */
	void (*before_read)(uint32_t offset);
	void (*write)(uint32_t offset, unsigned bytes, uint64_t value);
	unsigned reads, writes;
	char history[4096]; /* "offset=value " of every write, in hexadecimal */
	char refusal[512];  /* what refuse() said */
	const void *written_back;
	const struct iommu_driver *driver;
	struct iommu_command carried_out[16];
	unsigned carried_out_count;
};
extern struct bench bench;
extern struct x86_iommu unit;
extern struct x86_iommu_storage storage;
extern struct arch_vcpu_tables vcpu_tables;
extern struct mullion_partition partitions[16];

/* All as after power-on, and no function blocked. */
void bench_begin(const struct iommu_driver *driver, uint64_t bytes);

static inline uint64_t bench_at(uint32_t offset)
{
	return (uint64_t)(uintptr_t)bench.registers + offset;
}

uint64_t bench_get(uint32_t offset, unsigned bytes);
void bench_put(uint32_t offset, unsigned bytes, uint64_t value);

/* Whether it refused the node; what it said is in bench.refusal. */
bool bench_refused(void (*enable)(const struct x86_iommu *unit));

/* Whether every word of `words`, separated by spaces, is in what was said. */
bool bench_said(const char *words);

/* The unit is on, and nothing was noted yet. */
void bench_turn_on(void);

/* The driver reads a fault, and it is this requester's. */
bool bench_take(uint16_t requester);

/* What the unit does: all commands from head to tail, each noted; then head is tail. */
void bench_run_queue(
	uint32_t head_at, uint32_t tail_at, void (*carry_out)(const struct iommu_command *command));

/* It has carried out these, and no others, since it was turned on. */
void bench_assert_carried_out(const struct iommu_command *expected, unsigned count);

/* A test of every driver. */
void without_a_fault_one_register_is_read_and_none_written(void **state);

#endif
