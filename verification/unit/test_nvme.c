/*
 * rtdrivers/nvme against a controller that a test can stop, make lie or take away at any moment: what
 * no emulated disk can be asked to do.
 */
#include "nvme_fixture.h"

/* ---- Commands ---- */

static void a_command_says_what_was_asked(void **const state)
{
	const uint32_t *dword = fake.taken[0].dword;
	struct nvme_setup setup = nvme_usual;

	(void)state;
	setup.namespace_id = 3;
	assert_int_equal(nvme_start_with(&setup), NVME_READY);
	nvme_submit_write(&disk, 0x123456789abcdefull, 256, nvme_buffer, 1);
	nvme_submit_read(&disk, 7, 1, nvme_buffer, 2);
	nvme_submit_flush(&disk, 3);
	fake_run(&fake);
	assert_int_equal(fake.taken_count, 3);
	assert_int_equal(dword[0] & 0xffff, NVME_IO_WRITE);
	assert_int_equal(dword[1], 3);
	assert_int_equal(dword[10], 0x89abcdefu);
	assert_int_equal(dword[11], 0x01234567);
	assert_int_equal(dword[12], 255);
	assert_int_equal(fake.taken[1].dword[0] & 0xffff, NVME_IO_READ);
	assert_int_equal(fake.taken[2].dword[0] & 0xffff, NVME_IO_FLUSH);
	assert_int_equal(fake.taken[2].dword[1], 3);
}

/* The pages a command names, one after the other, are its buffer. */
static void assert_covers(const struct nvme_command *const c, uint64_t at, uint64_t bytes)
{
	const uint64_t first = (uint64_t)c->dword[7] << 32 | c->dword[6];
	const uint64_t second = (uint64_t)c->dword[9] << 32 | c->dword[8];
	const uint64_t in_first = NVME_PAGE_BYTES - first % NVME_PAGE_BYTES;
	const uint64_t *list = (const uint64_t *)(uintptr_t)second;

	assert_int_equal(first, at);
	if (bytes <= in_first) {
		assert_int_equal(second, 0);
		return;
	}
	at += in_first;
	bytes -= in_first;
	if (bytes <= NVME_PAGE_BYTES) {
		assert_int_equal(second, at);
		return;
	}
	/* A list ends where its page ends: what is there would be another list's address. */
	assert_true(second % 8 == 0 && second % NVME_PAGE_BYTES + (bytes + 4095) / 4096 * 8 < 4096);
	for (; bytes != 0; list++, at += NVME_PAGE_BYTES) {
		assert_int_equal(*list, at);
		bytes -= bytes < NVME_PAGE_BYTES ? bytes : NVME_PAGE_BYTES;
	}
}

static void the_pages_of_a_command_are_its_buffer(void **const state)
{
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	for (uint32_t offset = 0; offset < NVME_PAGE_BYTES; offset += 60)
		for (uint32_t blocks = 1; blocks <= NVME_TRANSFER_BYTES / 512; blocks++) {
			assert_int_equal(
				nvme_submit_read(&disk, 0, blocks, nvme_buffer + offset, 1),
				NVME_ACCEPTED);
			fake_run(&fake);
			assert_covers(
				&fake.taken[0], (uintptr_t)nvme_buffer + offset, blocks * 512);
			fake_complete(&fake, 0, 0);
			assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
		}
}

static void lengths_and_places_are_checked(void **const state)
{
	(void)state;
	assert_int_equal(nvme_read_one(1), NVME_UNREADY);
	assert_int_equal(nvme_submit_flush(&disk, 1), NVME_UNREADY);
	nvme_make_ready();
	assert_int_equal(nvme_submit_read(&disk, 0, 0, nvme_buffer, 1), NVME_LENGTH);
	assert_int_equal(nvme_submit_read(&disk, 0, 257, nvme_buffer, 1), NVME_LENGTH);
	assert_int_equal(nvme_submit_write(&disk, 0, 1u << 31, nvme_buffer, 1), NVME_LENGTH);
	for (unsigned odd = 1; odd < 4; odd++)
		assert_int_equal(nvme_submit_write(&disk, 0, 1, nvme_buffer + odd, 1), NVME_ALIGN);
	assert_int_equal(nvme_outstanding(&disk), 0);
	fake_run(&fake);
	assert_int_equal(fake.taken_count, 0);
}

static void a_status_arrives_with_its_tag(void **const state)
{
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	nvme_read_one(11);
	nvme_read_one(22);
	fake_run(&fake);
	fake_complete(&fake, 1, 0x4080);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	assert_int_equal(completion.tag, 22);
	assert_int_equal(completion.status, NVME_STATUS_LBA_OUT_OF_RANGE);
	assert_true(completion.final);
	fake_complete(&fake, 0, 0x281);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	assert_int_equal(completion.tag, 11);
	assert_string_equal(nvme_status_text(completion.status), "Unrecovered Read Error");
	assert_false(completion.final);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_NOTHING);
}

/* Any number outstanding, taken late, completed in any order, through many turns of the rings. */
static void every_command_completes_once_in_any_order(void **const state)
{
	static bool pending[20000];
	struct nvme_completion completion;
	uint64_t random = 1, next = 0, done = 0;

	(void)state;
	nvme_make_ready();
	while (done < 20000) {
		const uint64_t act = unit_random(&random) >> 40;

		if (act % 4 == 0)
			fake_run(&fake);
		else if (act % 4 == 1 && fake.taken_count != 0)
			fake_complete(&fake, (unsigned)(act / 4 % fake.taken_count), 0);
		else if (act % 4 == 2 && next < 20000 && nvme_read_one(next) == NVME_ACCEPTED)
			pending[next++] = true;
		else if (nvme_poll(&disk, &completion) == NVME_COMPLETED) {
			assert_true(completion.tag < next && pending[completion.tag]);
			pending[completion.tag] = false;
			done++;
		}
		assert_int_equal(disk.state, NVME_READY);
		assert_int_equal(nvme_outstanding(&disk), next - done);
	}
}

/* ---- What a controller may do wrong ---- */

static void assert_distrusted(const struct nvme_entry *const entry)
{
	struct nvme_completion completion = { .tag = 4711 };

	nvme_begin(NULL);
	nvme_make_ready();
	for (unsigned i = 0; i < 3; i++)
		nvme_read_one(i);
	fake_run(&fake);
	fake_post(&fake, 1, entry);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_int_equal(completion.tag, 4711);
	assert_fails(NVME_PROBLEM_COMPLETION);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_int_equal(nvme_check(&disk), NVME_DOWN);
	assert_int_equal(nvme_read_one(1), NVME_UNREADY);
	nvme_stop(&disk);
	assert_fails(NVME_PROBLEM_COMPLETION);
}

static void a_completion_nobody_waits_for_ends_it(void **const state)
{
	static const struct nvme_entry lies[] = {
		{ .id = 3, .queue = 1, .head = 3 },      /* not outstanding */
		{ .id = 63, .queue = 1, .head = 3 },     /* never is */
		{ .id = 64, .queue = 1, .head = 3 },     /* no slot */
		{ .id = 0xffff, .queue = 1, .head = 3 }, /* far from one */
		{ .id = 0, .queue = 0, .head = 3 },      /* another queue's */
		{ .id = 0, .queue = 2, .head = 3 },      /* no queue */
		{ .id = 0, .queue = 1, .head = 4 },      /* took what was not there */
		{ .id = 0, .queue = 1, .head = 64 },     /* outside the queue */
		{ .id = 0, .queue = 1, .head = 0xffff }, /* far outside */
		{ .id = 0x8000, .queue = 1, .head = 0 }, /* all but the top bit is right */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		assert_distrusted(&lies[i]);
}

static void a_command_completed_twice_ends_it(void **const state)
{
	const struct nvme_entry again = { .id = 0, .queue = 1, .head = 1 };
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	nvme_read_one(1);
	fake_run(&fake);
	fake_complete(&fake, 0, 0);
	fake_post(&fake, 1, &again);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_fails(NVME_PROBLEM_COMPLETION);
}

static void a_head_that_moves_back_ends_it(void **const state)
{
	const struct nvme_entry back = { .id = 1, .queue = 1, .head = 1 };
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	for (unsigned i = 0; i < 2; i++)
		nvme_read_one(i);
	fake_run(&fake);
	fake_complete(&fake, 0, 0);
	fake_post(&fake, 1, &back);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_fails(NVME_PROBLEM_COMPLETION);
}

/* Its number is no place in the ring, though it lies between the two ends of what is waiting. */
static void a_head_outside_the_ring_ends_it(void **const state)
{
	const struct nvme_entry outside = { .id = 0, .queue = 1, .head = NVME_QUEUE_ENTRIES };
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	for (unsigned i = 0; i < NVME_QUEUE_ENTRIES - 2; i++) {
		nvme_read_one(i);
		fake_run(&fake);
		fake_complete(&fake, 0, 0);
		assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	}
	for (unsigned i = 0; i < 6; i++)
		nvme_read_one(i);
	fake_run(&fake);
	fake_post(&fake, 1, &outside);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_fails(NVME_PROBLEM_COMPLETION);
}

static void while_starting_too(void **const state)
{
	const struct nvme_entry wrong = { .id = 60, .queue = 0, .head = 1 };

	(void)state;
	fake.mute = true;
	nvme_start(&disk, &nvme_usual);
	for (unsigned i = 0; i < 4; i++) {
		fake_run(&fake);
		nvme_step(&disk);
	}
	fake_post(&fake, 0, &wrong);
	assert_int_equal(nvme_step(&disk), NVME_FAILED);
	assert_fails(NVME_PROBLEM_COMPLETION);
}

static void registers_of_all_ones_mean_gone_at_every_moment(void **const state)
{
	(void)state;
	for (unsigned steps = 0; steps < 9; steps++) {
		nvme_begin(NULL);
		nvme_start(&disk, &nvme_usual);
		for (unsigned i = 0; i < steps; i++) {
			fake_run(&fake);
			nvme_step(&disk);
		}
		memset(fake.registers, 0xff, sizeof(fake.registers));
		if (disk.state == NVME_READY)
			assert_int_equal(nvme_check(&disk), NVME_DOWN);
		else
			assert_int_equal(nvme_step(&disk), NVME_FAILED);
		assert_fails(NVME_PROBLEM_GONE);
		nvme_start(&disk, &nvme_usual);
		assert_fails(NVME_PROBLEM_GONE);
	}
}

static void a_fatal_status_is_reported_at_every_moment(void **const state)
{
	(void)state;
	for (unsigned steps = 1; steps < 9; steps++) {
		nvme_begin(NULL);
		nvme_start(&disk, &nvme_usual);
		for (unsigned i = 0; i < steps; i++) {
			fake_run(&fake);
			nvme_step(&disk);
		}
		*fake_register(&fake, NVME_CSTS) |= NVME_CSTS_CFS;
		if (disk.state == NVME_READY)
			assert_int_equal(nvme_check(&disk), NVME_DOWN);
		else
			assert_int_equal(nvme_step(&disk), NVME_FAILED);
		assert_fails(NVME_PROBLEM_FATAL);
	}
}

static void a_reset_by_somebody_else_is_reported(void **const state)
{
	(void)state;
	nvme_make_ready();
	*fake_register(&fake, NVME_CSTS) = 0;
	assert_int_equal(nvme_check(&disk), NVME_DOWN);
	assert_fails(NVME_PROBLEM_RESET);
	nvme_begin(NULL);
	fake.mute = true;
	nvme_start(&disk, &nvme_usual);
	for (unsigned i = 0; i < 4; i++) {
		fake_run(&fake);
		nvme_step(&disk);
	}
	*fake_register(&fake, NVME_CSTS) = 0;
	assert_int_equal(nvme_step(&disk), NVME_FAILED);
	assert_fails(NVME_PROBLEM_RESET);
}

/* Polls in vain with commands outstanding look at the controller after a fixed number of times. */
static void silence_is_noticed_by_polling_alone(void **const state)
{
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	for (unsigned i = 0; i < 10 * NVME_CHECK_POLLS; i++)
		assert_int_equal(nvme_poll(&disk, &completion), NVME_NOTHING);
	nvme_read_one(1);
	for (unsigned i = 0; i < 10 * NVME_CHECK_POLLS; i++)
		assert_int_equal(nvme_poll(&disk, &completion), NVME_NOTHING);
	disk.deadline = 0;
	for (unsigned i = 0; i < NVME_CHECK_POLLS - 1; i++)
		assert_int_equal(nvme_poll(&disk, &completion), NVME_NOTHING);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_fails(NVME_PROBLEM_SILENT);
}

static void a_completion_gives_the_next_one_time(void **const state)
{
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	nvme_read_one(1);
	nvme_read_one(2);
	fake_run(&fake);
	disk.deadline = 0;
	fake_complete(&fake, 0, 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	assert_int_equal(nvme_check(&disk), NVME_NOTHING);
	fake_complete(&fake, 0, 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	disk.deadline = 0;
	assert_int_equal(nvme_check(&disk), NVME_NOTHING);
	nvme_read_one(3);
	assert_int_equal(nvme_check(&disk), NVME_NOTHING);
}

static void it_starts_again_after_a_failure_and_forgets(void **const state)
{
	struct nvme_completion completion;

	(void)state;
	nvme_make_ready();
	for (unsigned i = 0; i < 4; i++)
		nvme_read_one(i);
	fake_run(&fake);
	fake_complete(&fake, 0, 0);
	fake_complete(&fake, 0, 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	*fake_register(&fake, NVME_CSTS) |= NVME_CSTS_CFS;
	assert_int_equal(nvme_check(&disk), NVME_DOWN);
	nvme_make_ready();
	assert_int_equal(nvme_outstanding(&disk), 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_NOTHING);
	nvme_read_one(2);
	fake_run(&fake);
	fake_complete(&fake, 0, 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	assert_int_equal(completion.tag, 2);
}

/* Garbage in every byte a controller can write: nothing but what was asked for ever completes. */
static void garbage_completes_nothing_that_was_not_asked(void **const state)
{
	uint64_t random = 7;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct nvme_completion completion;
		uint64_t asked = 0;

		nvme_begin(NULL);
		nvme_make_ready();
		for (unsigned i = 0; i < round % 64 && nvme_read_one(i) == NVME_ACCEPTED; i++)
			asked |= 1ull << i;
		for (unsigned i = 0; i < sizeof(disk.entries); i++)
			((volatile uint8_t *)disk.entries)[i] =
				(uint8_t)(unit_random(&random) >> 56);
		/* Make the likely lies likely: right queue, right phase, ids around the slots. */
		for (unsigned i = 0; i < round % 64; i++) {
			disk.entries[i].queue = 1;
			disk.entries[i].status |= 1;
			disk.entries[i].id &= 0x3f;
			disk.entries[i].head &= 0x3f;
		}
		for (unsigned i = 0; i < 200; i++) {
			const enum nvme_event event = nvme_poll(&disk, &completion);

			if (event != NVME_COMPLETED)
				continue;
			assert_true(completion.tag < 64 && (asked >> completion.tag & 1));
			asked &= ~(1ull << completion.tag);
		}
	}
}

static void garbage_from_identify_is_survived(void **const state)
{
	uint64_t random = 9;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		fake_init(&fake);
		for (unsigned i = 0; i < NVME_PAGE_BYTES; i++) {
			fake.controller[i] = (uint8_t)(unit_random(&random) >> 56);
			fake.namespace[i] = (uint8_t)(unit_random(&random) >> 56);
		}
		fake.controller[NVME_IDC_SQES] = 0x66;
		fake.controller[NVME_IDC_CQES] = 0x44;
		if (nvme_start_with(&nvme_usual) != NVME_READY)
			continue;
		assert_in_range(disk.identity.block_bytes, 512, NVME_TRANSFER_BYTES);
		assert_in_range(disk.identity.transfer_blocks * disk.identity.block_bytes, 512,
			NVME_TRANSFER_BYTES);
	}
}

/* ---- Stopping, and words ---- */

static void it_stops_when_the_controller_says_so(void **const state)
{
	(void)state;
	nvme_stop(&disk);
	assert_int_equal(disk.state, NVME_OFF);
	nvme_make_ready();
	nvme_stop(&disk);
	assert_int_equal(nvme_step(&disk), NVME_STOPPING);
	assert_int_equal(nvme_read_one(1), NVME_UNREADY);
	fake_run(&fake);
	assert_int_equal(nvme_step(&disk), NVME_OFF);
	assert_int_equal(fake.shutdowns, 1);
	nvme_make_ready();
	nvme_stop(&disk);
	disk.deadline = 0;
	assert_int_equal(nvme_step(&disk), NVME_FAILED);
	assert_fails(NVME_PROBLEM_SILENT);
	nvme_make_ready();
	nvme_stop(&disk);
	*fake_register(&fake, NVME_CSTS) |= NVME_CSTS_CFS;
	assert_int_equal(nvme_step(&disk), NVME_FAILED);
	assert_fails(NVME_PROBLEM_FATAL);
}

static void everything_has_words(void **const state)
{
	(void)state;
	for (unsigned status = 0; status < 0x10000; status++)
		assert_non_null(nvme_status_text((uint16_t)status));
	assert_string_equal(nvme_status_text(NVME_STATUS_LBA_OUT_OF_RANGE), "LBA Out of Range");
	assert_string_equal(nvme_status_text(0x286), "Access Denied");
	assert_string_equal(nvme_status_text(0x7ff), "Vendor Specific Status");
	for (unsigned i = 0; i < NVME_PROBLEMS; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(nvme_problem_text((enum nvme_problem)i),
				nvme_problem_text((enum nvme_problem)j));
	assert_non_null(nvme_problem_text((enum nvme_problem)1000));
	disk.stage = 255;
	assert_non_null(nvme_stage_text(&disk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NVME_TEST(a_command_says_what_was_asked),
		NVME_TEST(the_pages_of_a_command_are_its_buffer),
		NVME_TEST(lengths_and_places_are_checked),
		NVME_TEST(a_status_arrives_with_its_tag),
		NVME_TEST(every_command_completes_once_in_any_order),
		NVME_TEST(a_completion_nobody_waits_for_ends_it),
		NVME_TEST(a_command_completed_twice_ends_it),
		NVME_TEST(a_head_that_moves_back_ends_it),
		NVME_TEST(a_head_outside_the_ring_ends_it),
		NVME_TEST(while_starting_too),
		NVME_TEST(registers_of_all_ones_mean_gone_at_every_moment),
		NVME_TEST(a_fatal_status_is_reported_at_every_moment),
		NVME_TEST(a_reset_by_somebody_else_is_reported),
		NVME_TEST(silence_is_noticed_by_polling_alone),
		NVME_TEST(a_completion_gives_the_next_one_time),
		NVME_TEST(it_starts_again_after_a_failure_and_forgets),
		NVME_TEST(garbage_completes_nothing_that_was_not_asked),
		NVME_TEST(garbage_from_identify_is_survived),
		NVME_TEST(it_stops_when_the_controller_says_so),
		NVME_TEST(everything_has_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("nvme", tests, NULL, NULL);
}
