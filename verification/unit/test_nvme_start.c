/*
 * rtdrivers/nvme from a controller at rest to a disk that is ready: what it asks for, what it refuses,
 * and how long it waits.
 */
#include "nvme_fixture.h"

static void it_becomes_ready_and_says_what_it_is(void **const state)
{
	(void)state;
	nvme_make_ready();
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
	struct nvme_setup setup = nvme_usual;

	(void)state;
	setup.interrupts = true;
	setup.message = 5;
	assert_int_equal(nvme_start_with(&setup), NVME_READY);
	assert_int_equal(fake.interrupts, 5u << 16 | NVME_CQ_INTERRUPTS | NVME_PHYSICALLY_CONT);
	assert_int_equal(*fake_register(&fake, NVME_INTMS), 0);
}

static void a_step_returns_while_the_controller_does_nothing(void **const state)
{
	(void)state;
	nvme_start(&disk, &nvme_usual);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(nvme_step(&disk), NVME_STARTING);
	nvme_make_ready();
}

static void a_controller_in_use_is_disabled_first(void **const state)
{
	(void)state;
	nvme_make_ready();
	nvme_start(&disk, &nvme_usual);
	assert_false(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	assert_int_equal(nvme_bring_up(), NVME_READY);
}

static void one_that_is_still_becoming_ready_is_waited_for(void **const state)
{
	(void)state;
	*fake_register(&fake, NVME_CC) = NVME_CC_EN;
	nvme_start(&disk, &nvme_usual);
	nvme_step(&disk);
	assert_true(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	*fake_register(&fake, NVME_CSTS) = NVME_CSTS_RDY;
	nvme_step(&disk);
	assert_false(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	assert_int_equal(nvme_bring_up(), NVME_READY);
}

static void one_that_is_fatal_is_disabled_at_once(void **const state)
{
	(void)state;
	*fake_register(&fake, NVME_CC) = NVME_CC_EN;
	*fake_register(&fake, NVME_CSTS) = NVME_CSTS_CFS;
	nvme_start(&disk, &nvme_usual);
	assert_false(*fake_register(&fake, NVME_CC) & NVME_CC_EN);
	assert_int_equal(nvme_bring_up(), NVME_READY);
}

static void one_that_never_becomes_ready_is_given_up(void **const state)
{
	(void)state;
	nvme_ticks = 0;
	fake.never_ready = true;
	nvme_start(&disk, &nvme_usual);
	fake_run(&fake);
	nvme_step(&disk); /* disabled: now enabling */
	nvme_step(&disk);
	assert_fails(NVME_PROBLEM_NOT_READY);
	assert_string_equal(nvme_stage_text(&disk), "enabling the controller");
}

static void one_that_cannot_be_disabled_is_given_up(void **const state)
{
	(void)state;
	nvme_make_ready();
	fake.never_disabled = true;
	nvme_ticks = 0;
	assert_int_equal(nvme_start_with(&nvme_usual), NVME_FAILED);
	assert_fails(NVME_PROBLEM_NOT_READY);
	assert_string_equal(nvme_stage_text(&disk), "disabling the controller");
}

static void init_gives_up_after_its_steps(void **const state)
{
	(void)state;
	assert_false(nvme_init(&disk, &nvme_usual));
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
		assert_int_equal(nvme_start_with(&nvme_usual), NVME_FAILED);
		assert_fails(cases[i].problem);
		assert_int_equal(*fake_register(&fake, NVME_CC), 0);
		assert_int_equal(*fake_register(&fake, NVME_INTMS), 0);
	}
}

static void a_bar_too_short_for_registers_is_not_touched(void **const state)
{
	static const uint64_t sizes[] = { 0, 64, 4095, 4096, 4096 + 15 };
	struct nvme_setup setup = nvme_usual;

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		setup.registers_bytes = sizes[i];
		assert_int_equal(nvme_start_with(&setup), NVME_FAILED);
		assert_fails(NVME_PROBLEM_REGISTERS);
	}
	setup.registers_bytes = 4096 + 16;
	assert_int_equal(nvme_start_with(&setup), NVME_READY);
}

static void doorbells_may_lie_apart(void **const state)
{
	(void)state;
	for (uint64_t stride = 0; stride < 10; stride++) {
		nvme_begin(NULL);
		cap_is(1ull << 37 | stride << 32 | 2047);
		nvme_make_ready();
		assert_int_equal(nvme_read_one(1), NVME_ACCEPTED);
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
		assert_int_equal(nvme_start_with(&nvme_usual), NVME_FAILED);
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
	nvme_start(&disk, &nvme_usual);
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
	nvme_start_with(&nvme_usual);
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
	nvme_make_ready();
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

		nvme_begin(NULL);
		cap_is(1ull << 37 | (sizes[i] - 1));
		nvme_make_ready();
		while (accepted < 100 && nvme_read_one(accepted) == NVME_ACCEPTED)
			accepted++;
		assert_int_equal(accepted, size - 1);
		assert_int_equal(nvme_read_one(0), NVME_FULL);
		assert_int_equal(nvme_submit_flush(&disk, 0), NVME_FULL);
		assert_int_equal(nvme_outstanding(&disk), size - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NVME_TEST(it_becomes_ready_and_says_what_it_is),
		NVME_TEST(with_interrupts_the_queue_names_the_message),
		NVME_TEST(a_step_returns_while_the_controller_does_nothing),
		NVME_TEST(a_controller_in_use_is_disabled_first),
		NVME_TEST(one_that_is_still_becoming_ready_is_waited_for),
		NVME_TEST(one_that_is_fatal_is_disabled_at_once),
		NVME_TEST(one_that_never_becomes_ready_is_given_up),
		NVME_TEST(one_that_cannot_be_disabled_is_given_up),
		NVME_TEST(init_gives_up_after_its_steps),
		NVME_TEST(a_controller_that_does_not_fit_is_not_touched),
		NVME_TEST(a_bar_too_short_for_registers_is_not_touched),
		NVME_TEST(doorbells_may_lie_apart),
		NVME_TEST(every_admin_command_may_be_refused),
		NVME_TEST(an_admin_command_without_an_answer_is_noticed),
		NVME_TEST(what_cannot_be_used_is_refused_by_name),
		NVME_TEST(the_controllers_own_limit_of_a_transfer_holds),
		NVME_TEST(text_of_the_controller_is_printable),
		NVME_TEST(a_shallow_controller_has_a_shallow_queue),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("nvme start", tests, NULL, NULL);
}
