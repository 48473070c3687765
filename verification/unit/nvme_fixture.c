/* See nvme_fixture.h. Time stands still: a test says how many ticks anything takes. */
#include "nvme_fixture.h"

#include <mullion/time.h>

#define FOR_EVER (1ull << 60)

struct fake_nvme fake;
struct nvme disk;
uint64_t nvme_ticks;
uint8_t nvme_buffer[NVME_TRANSFER_BYTES + 2 * NVME_PAGE_BYTES] __attribute__((aligned(4096)));

const struct nvme_setup nvme_usual = {
	.registers = fake.registers,
	.registers_bytes = FAKE_REGISTERS_BYTES,
};

uint64_t time_ticks_from_ns(const uint64_t ns)
{
	(void)ns;
	return nvme_ticks;
}

int nvme_begin(void **const state)
{
	(void)state;
	fake_init(&fake);
	memset(&disk, 0, sizeof(disk));
	nvme_ticks = FOR_EVER;
	return 0;
}

enum nvme_state nvme_bring_up(void)
{
	for (unsigned i = 0; i < 100 && disk.state == NVME_STARTING; i++) {
		fake_run(&fake);
		nvme_step(&disk);
	}
	return disk.state;
}

enum nvme_state nvme_start_with(const struct nvme_setup *const setup)
{
	nvme_start(&disk, setup);
	return nvme_bring_up();
}

void nvme_make_ready(void)
{
	assert_int_equal(nvme_start_with(&nvme_usual), NVME_READY);
}

enum nvme_answer nvme_read_one(const uint64_t tag)
{
	return nvme_submit_read(&disk, tag, 1, nvme_buffer, tag);
}

void assert_fails(const enum nvme_problem problem)
{
	assert_int_equal(disk.state, NVME_FAILED);
	assert_int_equal(disk.problem, problem);
}
