/*
 * A disk's driver and a controller made of memory, for tests that stop it, make it lie or take it away
 * at any moment.
 */
#ifndef NVME_FIXTURE_H
#define NVME_FIXTURE_H

#include "unit.h"

#include "fake_nvme.h"

extern struct fake_nvme fake;
extern struct nvme disk;
extern const struct nvme_setup nvme_usual;
/* What any time takes; at first as good as for ever. */
extern uint64_t nvme_ticks;

/* More than one transfer, on a page. */
extern uint8_t nvme_buffer[NVME_TRANSFER_BYTES + 2 * NVME_PAGE_BYTES];

/* Before each test: both as new. */
int nvme_begin(void **state);

/* Step and let the controller run until the driver has come to an end, one way or the other. */
enum nvme_state nvme_bring_up(void);
enum nvme_state nvme_start_with(const struct nvme_setup *setup);
void nvme_make_ready(void);
enum nvme_answer nvme_read_one(uint64_t tag);
void assert_fails(enum nvme_problem problem);

#define NVME_TEST(name) cmocka_unit_test_setup(name, nvme_begin)

#endif
