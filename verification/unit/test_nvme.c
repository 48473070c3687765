/*
 * rtdrivers/nvme against a controller that a test can stop, make lie or take away at any moment: what
 * no emulated disk can be asked to do.
 */
#include "unit.h"

#include <mullion/time.h>

#include "fake_nvme.h"

#define FOR_EVER (1ull << 60)

static struct fake_nvme fake;
static struct nvme disk;
static uint64_t ticks_of_any_time;

uint64_t time_ticks_from_ns(const uint64_t ns)
{
	(void)ns;
	return ticks_of_any_time;
}

static const struct nvme_setup usual = {
	.registers = fake.registers,
	.registers_bytes = FAKE_REGISTERS_BYTES,
};

static int begin(void **const state)
{
	(void)state;
	fake_init(&fake);
	memset(&disk, 0, sizeof(disk));
	ticks_of_any_time = FOR_EVER;
	return 0;
}

/* Step and let the controller run until the driver has come to an end, one way or the other. */
static enum nvme_state bring_up(void)
{
	for (unsigned i = 0; i < 100 && disk.state == NVME_STARTING; i++) {
		fake_run(&fake);
		nvme_step(&disk);
	}
	return disk.state;
}

static enum nvme_state start_with(const struct nvme_setup *const setup)
{
	nvme_start(&disk, setup);
	return bring_up();
}

static void make_ready(void)
{
	assert_int_equal(start_with(&usual), NVME_READY);
}

static void assert_fails(const enum nvme_problem problem)
{
	assert_int_equal(disk.state, NVME_FAILED);
	assert_int_equal(disk.problem, problem);
}

static uint8_t buffer[NVME_TRANSFER_BYTES + 2 * NVME_PAGE_BYTES] __attribute__((aligned(4096)));

static enum nvme_answer read_one(const uint64_t tag)
{
	return nvme_submit_read(&disk, tag, 1, buffer, tag);
}

/* ---- Starting ---- */

static void it_becomes_ready_and_says_what_it_is(void **const state)
{
	(void)state;
	make_ready();
	assert_string_equal(disk.identity.serial, "S1");
	assert_string_equal(disk.identity.model, "A disk");
	assert_string_equal(disk.identity.firmware, "");
	assert_int_equal(disk.identity.blocks, 32768);
	assert_int_equal(disk.identity.block_bytes, 512);
	assert_int_equal(disk.identity.transfer_blocks, NVME_TRANSFER_BYTES / 512);
	assert_true(disk.identity.write_cache);
	assert_int_equal(fake.interrupts, NVME_PHYSICALLY_CONT);
	assert_int_equal(*fake_register(&fake, NVME_INTMS), 0xffffffffu);
	assert_int_equal(*fake_register(&fake, NVME_CC), 0x00460001);
}

static void with_interrupts_the_queue_names_the_message(void **const state)
{
	struct nvme_setup setup = usual;

	(void)state;
	setup.interrupts = true;
	setup.message = 5;
	assert_int_equal(start_with(&setup), NVME_READY);
	assert_int_equal(fake.interrupts, 5u << 16 | NVME_CQ_INTERRUPTS | NVME_PHYSICALLY_CONT);
	assert_int_equal(*fake_register(&fake, NVME_INTMS), 0);
}

static void a_step_returns_while_the_controller_does_nothing(void **const state)
{
	(void)state;
	nvme_start(&disk, &usual);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(nvme_step(&disk), NVME_STARTING);
	make_ready();
}

static void a_controller_in_use_is_disabled_first(void **const state)
{
	(void)state;
	make_ready();
	nvme_start(&disk, &usual);
	assert_false(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	assert_int_equal(bring_up(), NVME_READY);
}

static void one_that_is_still_becoming_ready_is_waited_for(void **const state)
{
	(void)state;
	*fake_register(&fake, NVME_CC) = NVME_CC_EN;
	nvme_start(&disk, &usual);
	nvme_step(&disk);
	assert_true(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	*fake_register(&fake, NVME_CSTS) = NVME_CSTS_RDY;
	nvme_step(&disk);
	assert_false(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	assert_int_equal(bring_up(), NVME_READY);
}

static void one_that_is_fatal_is_disabled_at_once(void **const state)
{
	(void)state;
	*fake_register(&fake, NVME_CC) = NVME_CC_EN;
	*fake_register(&fake, NVME_CSTS) = NVME_CSTS_CFS;
	nvme_start(&disk, &usual);
	assert_false(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	assert_int_equal(bring_up(), NVME_READY);
}

static void one_that_never_becomes_ready_is_given_up(void **const state)
{
	(void)state;
	ticks_of_any_time = 0;
	fake.never_ready = true;
	nvme_start(&disk, &usual);
	fake_run(&fake);
	nvme_step(&disk); /* disabled: now enabling */
	nvme_step(&disk);
	assert_fails(NVME_PROBLEM_NOT_READY);
	assert_string_equal(nvme_stage_text(&disk), "enabling the controller");
}

static void one_that_cannot_be_disabled_is_given_up(void **const state)
{
	(void)state;
	make_ready();
	fake.never_disabled = true;
	ticks_of_any_time = 0;
	assert_int_equal(start_with(&usual), NVME_FAILED);
	assert_fails(NVME_PROBLEM_NOT_READY);
	assert_string_equal(nvme_stage_text(&disk), "disabling the controller");
}

static void init_gives_up_after_its_steps(void **const state)
{
	(void)state;
	assert_false(nvme_init(&disk, &usual));
	assert_fails(NVME_PROBLEM_STEPS);
}

static void cap_is(const uint64_t cap)
{
	memcpy(fake.registers, &cap, sizeof(cap));
}

static void a_controller_that_does_not_fit_is_not_touched(void **const state)
{
	static const struct {
		uint64_t cap;
		enum nvme_problem problem;
	} cases[] = {
		{ 2047, NVME_PROBLEM_COMMAND_SET },
		{ 1ull << 37 | 1ull << 48 | 2047, NVME_PROBLEM_PAGES },
		{ 1ull << 37 | 10ull << 32 | 2047, NVME_PROBLEM_REGISTERS },
		{ 1ull << 37 | 15ull << 32 | 2047, NVME_PROBLEM_REGISTERS },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cap_is(cases[i].cap);
		assert_int_equal(start_with(&usual), NVME_FAILED);
		assert_fails(cases[i].problem);
		assert_int_equal(*fake_register(&fake, NVME_CC), 0);
		assert_int_equal(*fake_register(&fake, NVME_INTMS), 0);
	}
}

static void a_bar_too_short_for_registers_is_not_touched(void **const state)
{
	static const uint64_t sizes[] = { 0, 64, 4095, 4096, 4096 + 15 };
	struct nvme_setup setup = usual;

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		setup.registers_bytes = sizes[i];
		assert_int_equal(start_with(&setup), NVME_FAILED);
		assert_fails(NVME_PROBLEM_REGISTERS);
	}
	setup.registers_bytes = 4096 + 16;
	assert_int_equal(start_with(&setup), NVME_READY);
}

static void doorbells_may_lie_apart(void **const state)
{
	(void)state;
	for (uint64_t stride = 0; stride < 10; stride++) {
		begin(NULL);
		cap_is(1ull << 37 | stride << 32 | 2047);
		make_ready();
		assert_int_equal(read_one(1), NVME_ACCEPTED);
		assert_int_equal(
			*fake_register(&fake, NVME_DOORBELLS + (uint32_t)(8u << stride)), 1);
	}
}

static void every_admin_command_may_be_refused(void **const state)
{
	static const struct {
		uint8_t opcode;
		const char *stage;
	} cases[] = {
		{ NVME_ADMIN_IDENTIFY, "Identify Controller" },
		{ NVME_ADMIN_SET_FEATURES, "Set Features, Number of Queues" },
		{ NVME_ADMIN_CREATE_CQ, "Create I/O Completion Queue" },
		{ NVME_ADMIN_CREATE_SQ, "Create I/O Submission Queue" },
	};

	(void)state;
	fake.refuse_status = 0x102;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake.refuse_opcode = cases[i].opcode;
		assert_int_equal(start_with(&usual), NVME_FAILED);
		assert_fails(NVME_PROBLEM_REFUSED);
		assert_int_equal(disk.refused, 0x102);
		assert_string_equal(nvme_status_text(disk.refused), "Invalid Queue Size");
		assert_string_equal(nvme_stage_text(&disk), cases[i].stage);
	}
}

static void an_admin_command_without_an_answer_is_noticed(void **const state)
{
	(void)state;
	fake.mute = true;
	nvme_start(&disk, &usual);
	for (unsigned i = 0; i < 10; i++) {
		fake_run(&fake);
		assert_int_equal(nvme_step(&disk), NVME_STARTING);
	}
	disk.deadline = 0;
	assert_int_equal(nvme_step(&disk), NVME_FAILED);
	assert_fails(NVME_PROBLEM_SILENT);
}

/* How a namespace or controller that Identify describes so is taken. */
static void assert_identified(
	uint8_t *const byte, const uint8_t value, const enum nvme_problem problem)
{
	const uint8_t before = *byte;

	*byte = value;
	start_with(&usual);
	assert_int_equal(disk.problem, problem);
	assert_int_equal(disk.state, problem == NVME_PROBLEM_NONE ? NVME_READY : NVME_FAILED);
	*byte = before;
}

static void what_cannot_be_used_is_refused_by_name(void **const state)
{
	uint8_t *const lbaf = fake.namespace + NVME_IDN_FORMATS + 8;

	(void)state;
	assert_identified(&fake.controller[NVME_IDC_SQES], 0x77, NVME_PROBLEM_ENTRIES);
	assert_identified(&fake.controller[NVME_IDC_CQES], 0x55, NVME_PROBLEM_ENTRIES);
	assert_identified(&lbaf[0], 8, NVME_PROBLEM_METADATA);
	assert_identified(&lbaf[1], 1, NVME_PROBLEM_METADATA);
	assert_identified(&fake.namespace[NVME_IDN_DPS], 1, NVME_PROBLEM_METADATA);
	assert_identified(&lbaf[2], 0, NVME_PROBLEM_BLOCKS);
	assert_identified(&lbaf[2], 8, NVME_PROBLEM_BLOCKS);
	assert_identified(&lbaf[2], 12, NVME_PROBLEM_NONE);
	assert_identified(&lbaf[2], 17, NVME_PROBLEM_NONE);
	assert_identified(&lbaf[2], 18, NVME_PROBLEM_BLOCKS);
	assert_identified(&lbaf[2], 255, NVME_PROBLEM_BLOCKS);
	assert_identified(&fake.namespace[1], 0, NVME_PROBLEM_NAMESPACE);
}

static void the_controllers_own_limit_of_a_transfer_holds(void **const state)
{
	(void)state;
	for (unsigned mdts = 0; mdts < 256; mdts++) {
		const uint32_t pages = mdts == 0 || mdts >= 5 ? 32 : 1u << mdts;

		assert_identified(
			&fake.controller[NVME_IDC_MDTS], (uint8_t)mdts, NVME_PROBLEM_NONE);
		assert_int_equal(disk.identity.transfer_blocks, pages * 8);
		fake.controller[NVME_IDC_MDTS] = (uint8_t)mdts;
	}
}

static void text_of_the_controller_is_printable(void **const state)
{
	(void)state;
	memset(fake.controller + NVME_IDC_SERIAL, 0x1b, 20);
	memset(fake.controller + NVME_IDC_MODEL, 0xff, 40);
	memcpy(fake.controller + NVME_IDC_FIRMWARE, "1 2     ", 8);
	make_ready();
	assert_string_equal(disk.identity.serial, "????????????????????");
	assert_string_equal(disk.identity.model, "????????????????????????????????????????");
	assert_string_equal(disk.identity.firmware, "1 2");
}

static void a_shallow_controller_has_a_shallow_queue(void **const state)
{
	static const uint32_t sizes[] = { 2, 3, 17, 63, 64, 65, 65536 };

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const uint32_t size = sizes[i] < 64 ? sizes[i] : 64;
		unsigned accepted = 0;

		begin(NULL);
		cap_is(1ull << 37 | (sizes[i] - 1));
		make_ready();
		while (accepted < 100 && read_one(accepted) == NVME_ACCEPTED)
			accepted++;
		assert_int_equal(accepted, size - 1);
		assert_int_equal(read_one(0), NVME_FULL);
		assert_int_equal(nvme_submit_flush(&disk, 0), NVME_FULL);
		assert_int_equal(nvme_outstanding(&disk), size - 1);
	}
}

/* ---- Commands ---- */

static void a_command_says_what_was_asked(void **const state)
{
	const uint32_t *dword = fake.taken[0].dword;
	struct nvme_setup setup = usual;

	(void)state;
	setup.namespace_id = 3;
	assert_int_equal(start_with(&setup), NVME_READY);
	nvme_submit_write(&disk, 0x123456789abcdefull, 256, buffer, 1);
	nvme_submit_read(&disk, 7, 1, buffer, 2);
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

/* The pages a command names, one after the other, are the buffer. */
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
	make_ready();
	for (uint32_t offset = 0; offset < NVME_PAGE_BYTES; offset += 60)
		for (uint32_t blocks = 1; blocks <= NVME_TRANSFER_BYTES / 512; blocks++) {
			assert_int_equal(nvme_submit_read(&disk, 0, blocks, buffer + offset, 1),
				NVME_ACCEPTED);
			fake_run(&fake);
			assert_covers(&fake.taken[0], (uintptr_t)buffer + offset, blocks * 512);
			fake_complete(&fake, 0, 0);
			assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
		}
}

static void lengths_and_places_are_checked(void **const state)
{
	(void)state;
	assert_int_equal(read_one(1), NVME_UNREADY);
	assert_int_equal(nvme_submit_flush(&disk, 1), NVME_UNREADY);
	make_ready();
	assert_int_equal(nvme_submit_read(&disk, 0, 0, buffer, 1), NVME_LENGTH);
	assert_int_equal(nvme_submit_read(&disk, 0, 257, buffer, 1), NVME_LENGTH);
	assert_int_equal(nvme_submit_write(&disk, 0, 1u << 31, buffer, 1), NVME_LENGTH);
	for (unsigned odd = 1; odd < 4; odd++)
		assert_int_equal(nvme_submit_write(&disk, 0, 1, buffer + odd, 1), NVME_ALIGN);
	assert_int_equal(nvme_outstanding(&disk), 0);
	fake_run(&fake);
	assert_int_equal(fake.taken_count, 0);
}

static void a_status_arrives_with_its_tag(void **const state)
{
	struct nvme_completion completion;

	(void)state;
	make_ready();
	read_one(11);
	read_one(22);
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
	make_ready();
	while (done < 20000) {
		const uint64_t act = unit_random(&random) >> 40;

		if (act % 4 == 0)
			fake_run(&fake);
		else if (act % 4 == 1 && fake.taken_count != 0)
			fake_complete(&fake, (unsigned)(act / 4 % fake.taken_count), 0);
		else if (act % 4 == 2 && next < 20000 && read_one(next) == NVME_ACCEPTED)
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

	begin(NULL);
	make_ready();
	for (unsigned i = 0; i < 3; i++)
		read_one(i);
	fake_run(&fake);
	fake_post(&fake, 1, entry);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_int_equal(completion.tag, 4711);
	assert_fails(NVME_PROBLEM_COMPLETION);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_DOWN);
	assert_int_equal(nvme_check(&disk), NVME_DOWN);
	assert_int_equal(read_one(1), NVME_UNREADY);
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
	make_ready();
	read_one(1);
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
	make_ready();
	for (unsigned i = 0; i < 2; i++)
		read_one(i);
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
	make_ready();
	for (unsigned i = 0; i < NVME_QUEUE_ENTRIES - 2; i++) {
		read_one(i);
		fake_run(&fake);
		fake_complete(&fake, 0, 0);
		assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	}
	for (unsigned i = 0; i < 6; i++)
		read_one(i);
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
	nvme_start(&disk, &usual);
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
		begin(NULL);
		nvme_start(&disk, &usual);
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
		nvme_start(&disk, &usual);
		assert_fails(NVME_PROBLEM_GONE);
	}
}

static void a_fatal_status_is_reported_at_every_moment(void **const state)
{
	(void)state;
	for (unsigned steps = 1; steps < 9; steps++) {
		begin(NULL);
		nvme_start(&disk, &usual);
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
	make_ready();
	*fake_register(&fake, NVME_CSTS) = 0;
	assert_int_equal(nvme_check(&disk), NVME_DOWN);
	assert_fails(NVME_PROBLEM_RESET);
	begin(NULL);
	fake.mute = true;
	nvme_start(&disk, &usual);
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
	make_ready();
	for (unsigned i = 0; i < 10 * NVME_CHECK_POLLS; i++)
		assert_int_equal(nvme_poll(&disk, &completion), NVME_NOTHING);
	read_one(1);
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
	make_ready();
	read_one(1);
	read_one(2);
	fake_run(&fake);
	disk.deadline = 0;
	fake_complete(&fake, 0, 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	assert_int_equal(nvme_check(&disk), NVME_NOTHING);
	fake_complete(&fake, 0, 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	disk.deadline = 0;
	assert_int_equal(nvme_check(&disk), NVME_NOTHING);
	read_one(3);
	assert_int_equal(nvme_check(&disk), NVME_NOTHING);
}

static void it_starts_again_after_a_failure_and_forgets(void **const state)
{
	struct nvme_completion completion;

	(void)state;
	make_ready();
	for (unsigned i = 0; i < 4; i++)
		read_one(i);
	fake_run(&fake);
	fake_complete(&fake, 0, 0);
	fake_complete(&fake, 0, 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_COMPLETED);
	*fake_register(&fake, NVME_CSTS) |= NVME_CSTS_CFS;
	assert_int_equal(nvme_check(&disk), NVME_DOWN);
	make_ready();
	assert_int_equal(nvme_outstanding(&disk), 0);
	assert_int_equal(nvme_poll(&disk, &completion), NVME_NOTHING);
	read_one(2);
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

		begin(NULL);
		make_ready();
		for (unsigned i = 0; i < round % 64 && read_one(i) == NVME_ACCEPTED; i++)
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
		if (start_with(&usual) != NVME_READY)
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
	make_ready();
	nvme_stop(&disk);
	assert_int_equal(nvme_step(&disk), NVME_STOPPING);
	assert_int_equal(read_one(1), NVME_UNREADY);
	fake_run(&fake);
	assert_int_equal(nvme_step(&disk), NVME_OFF);
	assert_int_equal(fake.shutdowns, 1);
	make_ready();
	nvme_stop(&disk);
	disk.deadline = 0;
	assert_int_equal(nvme_step(&disk), NVME_FAILED);
	assert_fails(NVME_PROBLEM_SILENT);
	make_ready();
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

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_becomes_ready_and_says_what_it_is),
		TEST(with_interrupts_the_queue_names_the_message),
		TEST(a_step_returns_while_the_controller_does_nothing),
		TEST(a_controller_in_use_is_disabled_first),
		TEST(one_that_is_still_becoming_ready_is_waited_for),
		TEST(one_that_is_fatal_is_disabled_at_once),
		TEST(one_that_never_becomes_ready_is_given_up),
		TEST(one_that_cannot_be_disabled_is_given_up),
		TEST(init_gives_up_after_its_steps),
		TEST(a_controller_that_does_not_fit_is_not_touched),
		TEST(a_bar_too_short_for_registers_is_not_touched),
		TEST(doorbells_may_lie_apart),
		TEST(every_admin_command_may_be_refused),
		TEST(an_admin_command_without_an_answer_is_noticed),
		TEST(what_cannot_be_used_is_refused_by_name),
		TEST(the_controllers_own_limit_of_a_transfer_holds),
		TEST(text_of_the_controller_is_printable),
		TEST(a_shallow_controller_has_a_shallow_queue),
		TEST(a_command_says_what_was_asked),
		TEST(the_pages_of_a_command_are_its_buffer),
		TEST(lengths_and_places_are_checked),
		TEST(a_status_arrives_with_its_tag),
		TEST(every_command_completes_once_in_any_order),
		TEST(a_completion_nobody_waits_for_ends_it),
		TEST(a_command_completed_twice_ends_it),
		TEST(a_head_that_moves_back_ends_it),
		TEST(a_head_outside_the_ring_ends_it),
		TEST(while_starting_too),
		TEST(registers_of_all_ones_mean_gone_at_every_moment),
		TEST(a_fatal_status_is_reported_at_every_moment),
		TEST(a_reset_by_somebody_else_is_reported),
		TEST(silence_is_noticed_by_polling_alone),
		TEST(a_completion_gives_the_next_one_time),
		TEST(it_starts_again_after_a_failure_and_forgets),
		TEST(garbage_completes_nothing_that_was_not_asked),
		TEST(garbage_from_identify_is_survived),
		TEST(it_stops_when_the_controller_says_so),
		TEST(everything_has_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("nvme", tests, NULL, NULL);
}
