/*
 * VT-d against a unit that obeys the specification's protocol and ends the test where the driver does
 * not: how it is switched on, what it refuses, how its faults are read, how a function is blocked.
 */
#include "unit.h"

#include "iommu_bench.h"

#define VERSION     0x00u
#define CAPABILITY  0x08u
#define EXTENDED    0x10u
#define COMMAND     0x18u
#define STATUS      0x1cu
#define ROOT        0x20u
#define FSTS        0x34u
#define PROTECTED   0x64u
#define QUEUE_HEAD  0x80u
#define QUEUE_TAIL  0x88u
#define QUEUE       0x90u
#define REMAPPING   0xb8u
#define RECORDS     0x220u
#define RECORDS_ALL 4u

#define TES     (1u << 31)
#define RTPS    (1u << 30)
#define QIES    (1u << 26)
#define IRES    (1u << 25)
#define IRTPS   (1u << 24)
#define CFIS    (1u << 23)
#define LASTING (TES | QIES | IRES | CFIS | 1u << 28)

/* 48 bits, four levels, 2 MiB and 1 GiB, 256 domains, four records at 220h. */
#define GOOD_CAP      (2ull | 1ull << 10 | 47ull << 16 | 0x22ull << 24 | 3ull << 34 | 3ull << 40)
#define GOOD_EXTENDED 0xaull

#define READ_BIT (1ull << 62)
#define ATOMIC   (READ_BIT | 1ull << 28)
#define VALID    (1ull << 63)

static uint32_t stuck; /* commands that are never carried out */
static bool queue_stuck, never_completes, protected_stuck;
static unsigned reads_to_drain;
static uint64_t entry[2];

static uint32_t record_of(unsigned index)
{
	return RECORDS + index * 16;
}

static bool any_record(void)
{
	for (unsigned i = 0; i < RECORDS_ALL; i++)
		if (bench_get(record_of(i) + 8, 8) & VALID)
			return true;
	return false;
}

static void before_read(uint32_t offset)
{
	if (offset == FSTS)
		bench_put(FSTS, 4, (bench_get(FSTS, 4) & ~2ull) | (any_record() ? 2 : 0));
	if (offset == QUEUE_HEAD && reads_to_drain > 0 && --reads_to_drain == 0)
		bench_put(QUEUE_HEAD, 4, bench_get(QUEUE_TAIL, 4));
}

static void carry_out(const struct iommu_command *command)
{
	uint32_t data = (uint32_t)(command->low >> 32);

	if ((command->low & 0xf) == 5 && !(never_completes && data != 0))
		memcpy((void *)(uintptr_t)command->high, &data, 4);
}

static void run_queue(void)
{
	if (queue_stuck || !(bench_get(STATUS, 4) & QIES))
		return;
	bench_run_queue(QUEUE_HEAD, QUEUE_TAIL, carry_out);
}

/* 11.4.4: exactly one bit changes, and never while another is under way. */
static void obey(uint32_t value)
{
	uint32_t status = (uint32_t)bench_get(STATUS, 4);
	uint32_t once = value & (RTPS | IRTPS), changed = ((value ^ status) & LASTING) | once;

	assert_int_equal(__builtin_popcount(changed), 1);
	if (changed & QIES & value)
		assert_int_equal(bench_get(QUEUE_TAIL, 8), 0);
	if (once)
		assert_int_equal(status & (TES | IRES), 0);
	changed &= ~stuck;
	bench_put(STATUS, 4, once ? status | (changed & once) : status ^ changed);
	if (changed & QIES)
		bench_put(QUEUE_HEAD, 8, 0);
}

static void write(uint32_t offset, unsigned bytes, uint64_t value)
{
	if (offset == COMMAND)
		obey((uint32_t)value);
	else if (offset == FSTS)
		bench_put(FSTS, 4, bench_get(FSTS, 4) & ~(value & 0x7d));
	else if (offset >= RECORDS && offset < record_of(RECORDS_ALL))
		bench_put(offset, 4, bench_get(offset, 4) & ~value);
	else if (offset == PROTECTED && protected_stuck)
		return;
	else
		bench_put(offset, bytes, value);
	if (offset == QUEUE_TAIL)
		run_queue();
}

static int begin(void **state)
{
	(void)state;
	bench_begin(&vtd_driver, 4096);
	bench.before_read = before_read;
	bench.write = write;
	unit.kind = X86_IOMMU_VTD;
	bench_put(VERSION, 4, 0x10);
	bench_put(CAPABILITY, 8, GOOD_CAP);
	bench_put(EXTENDED, 8, GOOD_EXTENDED);
	stuck = reads_to_drain = 0;
	queue_stuck = never_completes = protected_stuck = false;
	return 0;
}

static void check_flushed(void)
{
	const uint64_t completion = (uintptr_t)&storage.completion;
	const struct iommu_command expected[] = { { 0x11, 0 }, { 0x65, completion }, { 0xd2, 0 },
		{ 0x04, 0 }, { 0x100000065, completion } };

	bench_assert_carried_out(expected, 5);
}

static void enabling_gives_the_tables_flushes_and_only_then_translates(void **state)
{
	char expected[512];

	(void)state;
	assert_false(bench_refused(vtd_driver.enable));
	snprintf(expected, sizeof(expected),
		"38=80000000 22c=80000000 23c=80000000 24c=80000000 25c=80000000 34=7d "
		"88=0 90=%lx 18=4000000 20=%lx 18=44000000 b8=%lx 18=5000000 88=50 "
		"18=84000000 18=86000000 ",
		(unsigned long)(uintptr_t)storage.queue, (unsigned long)(uintptr_t)unit.root,
		(unsigned long)(uintptr_t)unit.remapping | 7);
	assert_string_equal(bench.history, expected);
	check_flushed();
}

static void it_ends_with_translation_and_remapping_on_and_compatibility_off(void **state)
{
	(void)state;
	bench_put(STATUS, 4, CFIS);
	assert_false(bench_refused(vtd_driver.enable));
	assert_int_equal(bench_get(STATUS, 4) & LASTING, TES | IRES | QIES);
	assert_int_equal(bench_get(ROOT, 8), (uintptr_t)unit.root);
	assert_int_equal(bench_get(REMAPPING, 8), (uintptr_t)unit.remapping | 7);
}

static void the_size_of_the_remapping_table_is_told(void **state)
{
	(void)state;
	unit.remapping_entries = 65536;
	assert_false(bench_refused(vtd_driver.enable));
	assert_int_equal(bench_get(REMAPPING, 8), (uintptr_t)unit.remapping | 15);
}

static void a_unit_that_firmware_left_on_is_drained_and_switched_off_first(void **state)
{
	static const char first[] = "18=6800000 18=4800000 18=4000000 18=0 64=0 ";

	(void)state;
	bench_put(CAPABILITY, 8, GOOD_CAP | 3 << 5);
	bench_put(STATUS, 4, TES | IRES | QIES | CFIS | RTPS | IRTPS);
	bench_put(PROTECTED, 4, 0x80000001);
	bench_put(QUEUE_HEAD, 4, 0x30);
	bench_put(QUEUE_TAIL, 4, 0x80);
	bench_put(record_of(2) + 8, 8, VALID);
	bench_put(FSTS, 4, 0x201);
	reads_to_drain = 7;
	assert_false(bench_refused(vtd_driver.enable));
	assert_int_equal(strncmp(bench.history, first, sizeof(first) - 1), 0);
	assert_int_equal(bench_get(FSTS, 4) & 0x7f, 0);
	assert_int_equal(bench_get(record_of(2) + 8, 8) & VALID, 0);
	check_flushed();
}

static void a_unit_that_cannot_do_what_the_image_needs_is_refused_with_the_remedy(void **state)
{
	static const struct {
		uint64_t version, cap, extended;
		const char *words;
	} units[] = {
		{ 0, GOOD_CAP, GOOD_EXTENDED, "no VT-d unit run board" },
		{ UINT32_MAX, UINT64_MAX, UINT64_MAX, "no VT-d unit" },
		{ 0x10, GOOD_CAP, 0x2, "interrupts intremap=on" },
		{ 0x10, GOOD_CAP, 0x8, "invalidation queue board" },
		{ 0x10, GOOD_CAP | 1 << 4, GOOD_EXTENDED, "buffers writes" },
		{ 0x10, GOOD_CAP | 0x3ffull << 24, GOOD_EXTENDED, "records reach" },
		{ 0x10, GOOD_CAP | 0xffull << 40, GOOD_EXTENDED, "records reach" },
		{ 0x10, GOOD_CAP & ~(1ull << 10), GOOD_EXTENDED, "4 levels address-bits <39>" },
		{ 0x10, GOOD_CAP & ~(1ull << 34), GOOD_EXTENDED, "2 MiB" },
		{ 0x10, GOOD_CAP & ~(1ull << 35), GOOD_EXTENDED, "1 GiB" },
		{ 0x10, (GOOD_CAP & ~(63ull << 16)) | 24ull << 16, GOOD_EXTENDED,
			"25 bits memory" },
		{ 0x10, GOOD_CAP & ~7ull, GOOD_EXTENDED, "15 partitions 16;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		begin(NULL);
		bench_put(VERSION, 4, units[i].version);
		bench_put(CAPABILITY, 8, units[i].cap);
		bench_put(EXTENDED, 8, units[i].extended);
		assert_true(bench_refused(vtd_driver.enable));
		assert_true(bench_said(units[i].words));
		assert_int_equal(bench.writes, 0);
	}
}

static void three_levels_are_asked_for_where_the_tables_have_three(void **state)
{
	(void)state;
	unit.levels = 3;
	assert_true(bench_refused(vtd_driver.enable));
	assert_true(bench_said("3 levels address-bits <48>"));
	bench_put(CAPABILITY, 8, GOOD_CAP | 1 << 9);
	assert_false(bench_refused(vtd_driver.enable));
}

/* Memory that would fall into the hole continues at 4 GiB. */
static void memory_may_end_where_the_addresses_do_and_no_byte_later(void **state)
{
	(void)state;
	bench_put(CAPABILITY, 8, (GOOD_CAP & ~(63ull << 16)) | 38ull << 16);
	vcpu_tables.memory_bytes = (1ull << 39) - (MULLION_HOLE_END - MULLION_HOLE_BASE);
	assert_false(bench_refused(vtd_driver.enable));
	begin(NULL);
	bench_put(CAPABILITY, 8, (GOOD_CAP & ~(63ull << 16)) | 38ull << 16);
	vcpu_tables.memory_bytes += (1ull << 39) - (MULLION_HOLE_END - MULLION_HOLE_BASE);
	assert_true(bench_refused(vtd_driver.enable));
}

static void a_step_that_never_ends_refuses_the_node(void **state)
{
	static const uint32_t steps[] = { TES, IRES, QIES, RTPS, IRTPS };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		begin(NULL);
		stuck = steps[i];
		assert_true(bench_refused(vtd_driver.enable));
		assert_true(bench_said("iommu@test does not answer 0x1c off"));
	}
}

static void a_unit_that_cannot_be_switched_off_refuses_the_node(void **state)
{
	static const uint32_t left_on[] = { TES, IRES, QIES, CFIS, 1u << 28 };

	(void)state;
	for (size_t i = 0; i < sizeof(left_on) / sizeof(left_on[0]); i++) {
		begin(NULL);
		stuck = left_on[i];
		bench_put(STATUS, 4, left_on[i]);
		assert_true(bench_refused(vtd_driver.enable));
		assert_true(bench_said("does not answer 0x1c"));
	}
}

static void other_waits_end_as_well(void **state)
{
	(void)state;
	queue_stuck = true;
	assert_true(bench_refused(vtd_driver.enable));
	assert_true(bench_said("does not answer queue 0x80"));
	begin(NULL);
	never_completes = true;
	assert_true(bench_refused(vtd_driver.enable));
	assert_true(bench_said("does not answer queue 0x80"));
	begin(NULL);
	bench_put(STATUS, 4, QIES);
	bench_put(QUEUE_TAIL, 4, 0x10);
	assert_true(bench_refused(vtd_driver.enable));
	assert_true(bench_said("does not answer register 0x80"));
	begin(NULL);
	bench_put(CAPABILITY, 8, GOOD_CAP | 1 << 5);
	bench_put(PROTECTED, 4, 0x80000001);
	protected_stuck = true;
	assert_true(bench_refused(vtd_driver.enable));
	assert_true(bench_said("does not answer register 0x64"));
}

static void faults_interrupt_the_keeper_by_nmi(void **state)
{
	(void)state;
	bench_turn_on();
	vtd_driver.interrupt(&unit, 9);
	assert_string_equal(bench.history, "3c=400 40=fee09000 44=0 38=0 ");
}

/* As the hardware records it: the index of the first goes into FSTS when none was pending. */
static void record(
	unsigned index, uint16_t requester, unsigned reason, uint64_t bits, uint64_t page)
{
	if (!any_record())
		bench_put(FSTS, 4, (bench_get(FSTS, 4) & 0xff) | index << 8);
	bench_put(record_of(index), 8, page);
	bench_put(record_of(index) + 8, 8, VALID | bits | (uint64_t)reason << 32 | requester);
}

static void a_record_says_who_where_and_what(void **state)
{
	static const struct {
		unsigned reason;
		uint64_t bits;
		unsigned access;
		uint64_t address;
	} records[] = {
		{ 5, 0, MULLION_DMA_WRITE, 0x12345000 },
		{ 6, READ_BIT, MULLION_DMA_READ, 0x12345000 },
		{ 6, ATOMIC, MULLION_DMA_WRITE, 0x12345000 },
		{ 2, READ_BIT | 3ull << 60 | 7ull << 40, MULLION_DMA_READ, 0x12345000 },
		{ 4, 0, MULLION_DMA_WRITE, 0x12345000 },
		{ 0x20, 0, MULLION_DMA_INTERRUPT, 0 },
		{ 0x22, READ_BIT, MULLION_DMA_INTERRUPT, 0 },
		{ 0x27, 0, MULLION_DMA_INTERRUPT, 0 },
	};
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		record(i % RECORDS_ALL, 0xab28, records[i].reason, records[i].bits, 0x12345fff);
		assert_true(vtd_driver.fault(&unit, &fault));
		assert_int_equal(fault.requester, 0xab28);
		assert_int_equal(fault.access, records[i].access);
		assert_int_equal(fault.address, records[i].address);
		assert_false(iommu_pending(&unit));
	}
}

static void several_records_come_out_in_the_order_they_went_in(void **state)
{
	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < 3; i++)
		record(i, (uint16_t)(1 + i), 5, 0, 0);
	assert_true(bench_take(1) && bench_take(2));
	record(3, 4, 5, 0, 0);
	record(0, 5, 5, 0, 0);
	assert_true(bench_take(3) && bench_take(4) && bench_take(5));
	assert_false(bench_take(0));
	assert_false(iommu_pending(&unit));
}

static void a_unit_may_begin_with_any_record(void **state)
{
	(void)state;
	bench_turn_on();
	record(2, 1, 5, 0, 0);
	record(3, 2, 5, 0, 0);
	record(0, 3, 5, 0, 0);
	assert_true(bench_take(1) && bench_take(2) && bench_take(3));
}

static void one_call_takes_one_record_and_leaves_the_others_pending(void **state)
{
	(void)state;
	bench_turn_on();
	record(0, 1, 5, 0, 0);
	record(1, 2, 5, 0, 0);
	assert_true(bench_take(1));
	assert_true(iommu_pending(&unit));
	assert_string_equal(bench.history, "22c=80000000 ");
}

static void an_overflow_is_cleared_so_that_faults_are_recorded_again(void **state)
{
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < RECORDS_ALL; i++)
		record(i, (uint16_t)(1 + i), 5, 0, 0);
	bench_put(FSTS, 4, bench_get(FSTS, 4) | 1);
	assert_true(bench_take(1));
	assert_int_equal(bench_get(FSTS, 4) & 1, 0);
	assert_true(bench_take(2) && bench_take(3) && bench_take(4));
	bench_put(FSTS, 4, 1); /* and nothing recorded */
	assert_true(iommu_pending(&unit));
	assert_false(vtd_driver.fault(&unit, &fault));
	assert_false(iommu_pending(&unit));
}

static void a_unit_that_reads_all_ones_has_no_fault(void **state)
{
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	bench.before_read = NULL;
	memset(bench.registers, 0xff, sizeof(bench.registers));
	assert_false(vtd_driver.fault(&unit, &fault));
	assert_int_equal(bench.reads, 1);
}

/* The bench ends the test at an access outside the unit's registers. */
static void whatever_is_in_the_registers_a_call_ends_soon_and_stays_inside(void **state)
{
	uint64_t random = 1;
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	bench.before_read = NULL;
	bench.write = NULL;
	for (unsigned run = 0; run < 20000; run++) {
		for (unsigned i = 0; i < RECORDS_ALL * 16; i += 8)
			bench_put(RECORDS + i, 8, unit_random(&random));
		bench_put(FSTS, 4, unit_random(&random) & (run & 1 ? 0xffff : 0xffffffff));
		storage.next = run & 2 ? unit_random(&random) : storage.next;
		bench.reads = bench.writes = 0;
		bench.history[0] = '\0';
		vtd_driver.fault(&unit, &fault);
		assert_true(bench.reads <= 5 && bench.writes <= 2);
	}
}

static const struct x86_function function = { .name = "nvme@28",
	.bdf = 0x28,
	.requester = 0x1028,
	.partition = 2,
	.entry = entry,
	.pass = { 0x77777001, VTD_CONTEXT_LEVELS(4) | VTD_CONTEXT_DOMAIN(3) } };

static void open_entry(void)
{
	entry[0] = 0x77777001;
	entry[1] = VTD_CONTEXT_LEVELS(4) | VTD_CONTEXT_DOMAIN(3);
}

static void blocked_when_queued(uint32_t offset, unsigned bytes, uint64_t value)
{
	assert_int_equal(entry[0], VTD_FAULT_DISABLE);
	assert_ptr_equal(bench.written_back, entry);
	write(offset, bytes, value);
}

static void blocking_silences_the_entry_before_its_caches_are_told_to_forget_it(void **state)
{
	const struct iommu_command expected[] = { { 0x102800030031, 0 },
		{ 0x65, (uintptr_t)&storage.completion }, { 0x300e2, 0 } };

	(void)state;
	bench_turn_on();
	open_entry();
	bench.write = blocked_when_queued;
	assert_true(vtd_driver.block(&unit, &function));
	assert_int_equal(entry[0], VTD_FAULT_DISABLE);
	assert_int_equal(entry[1], 0);
	assert_int_equal(bench.writes, 1);
	bench_assert_carried_out(expected, 3);
}

static void passed_when_queued(uint32_t offset, unsigned bytes, uint64_t value)
{
	assert_memory_equal(entry, function.pass, sizeof(entry));
	assert_ptr_equal(bench.written_back, entry);
	write(offset, bytes, value);
}

static void passing_writes_the_entry_as_it_was_before_its_caches_are_told_to_forget_it(void **state)
{
	const struct iommu_command expected[] = { { 0x102800030031, 0 },
		{ 0x65, (uintptr_t)&storage.completion }, { 0x300e2, 0 } };

	(void)state;
	bench_turn_on();
	assert_true(vtd_driver.block(&unit, &function));
	bench.write = passed_when_queued;
	bench.writes = bench.carried_out_count = 0;
	bench.written_back = NULL;
	assert_true(vtd_driver.pass(&unit, &function));
	assert_memory_equal(entry, function.pass, sizeof(entry));
	assert_int_equal(bench.writes, 1);
	bench_assert_carried_out(expected, 3);
}

static void without_room_nothing_passes(void **state)
{
	(void)state;
	bench_turn_on();
	assert_true(vtd_driver.block(&unit, &function));
	queue_stuck = true;
	bench_put(QUEUE_HEAD, 4, 0x100);
	bench_put(QUEUE_TAIL, 4, 0x100 - 3 * 16);
	bench.writes = 0;
	assert_false(vtd_driver.pass(&unit, &function));
	assert_int_equal(entry[0], VTD_FAULT_DISABLE);
	assert_int_equal(entry[1], 0);
	assert_int_equal(bench.writes, 0);
	bench_put(QUEUE_HEAD, 4, 0x110);
	assert_true(vtd_driver.pass(&unit, &function));
	assert_memory_equal(entry, function.pass, sizeof(entry));
}

static void the_queue_goes_round(void **state)
{
	(void)state;
	bench_turn_on();
	for (unsigned i = 0; i < 300; i++) {
		bench.carried_out_count = 0;
		assert_true(vtd_driver.block(&unit, &function));
		assert_int_equal(bench.carried_out_count, 3);
		assert_int_equal(bench.carried_out[0].low, 0x102800030031);
		assert_int_equal(bench.carried_out[2].low, 0x300e2);
		bench.history[0] = '\0';
	}
}

/* 255 places can be taken: all but the one that tells full from empty. */
static void without_room_nothing_changes(void **state)
{
	(void)state;
	bench_turn_on();
	queue_stuck = true;
	bench_put(QUEUE_HEAD, 4, 0x100);
	bench_put(QUEUE_TAIL, 4, 0x100 - 4 * 16);
	open_entry();
	assert_true(vtd_driver.block(&unit, &function));
	open_entry();
	bench.writes = 0;
	assert_false(vtd_driver.block(&unit, &function));
	assert_int_equal(entry[0], 0x77777001);
	assert_int_equal(bench.writes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			enabling_gives_the_tables_flushes_and_only_then_translates, begin),
		cmocka_unit_test_setup(
			it_ends_with_translation_and_remapping_on_and_compatibility_off, begin),
		cmocka_unit_test_setup(the_size_of_the_remapping_table_is_told, begin),
		cmocka_unit_test_setup(
			a_unit_that_firmware_left_on_is_drained_and_switched_off_first, begin),
		cmocka_unit_test_setup(
			a_unit_that_cannot_do_what_the_image_needs_is_refused_with_the_remedy,
			begin),
		cmocka_unit_test_setup(
			three_levels_are_asked_for_where_the_tables_have_three, begin),
		cmocka_unit_test_setup(
			memory_may_end_where_the_addresses_do_and_no_byte_later, begin),
		cmocka_unit_test_setup(a_step_that_never_ends_refuses_the_node, begin),
		cmocka_unit_test_setup(a_unit_that_cannot_be_switched_off_refuses_the_node, begin),
		cmocka_unit_test_setup(other_waits_end_as_well, begin),
		cmocka_unit_test_setup(faults_interrupt_the_keeper_by_nmi, begin),
		cmocka_unit_test_setup(
			without_a_fault_one_register_is_read_and_none_written, begin),
		cmocka_unit_test_setup(a_record_says_who_where_and_what, begin),
		cmocka_unit_test_setup(several_records_come_out_in_the_order_they_went_in, begin),
		cmocka_unit_test_setup(a_unit_may_begin_with_any_record, begin),
		cmocka_unit_test_setup(
			one_call_takes_one_record_and_leaves_the_others_pending, begin),
		cmocka_unit_test_setup(
			an_overflow_is_cleared_so_that_faults_are_recorded_again, begin),
		cmocka_unit_test_setup(a_unit_that_reads_all_ones_has_no_fault, begin),
		cmocka_unit_test_setup(
			whatever_is_in_the_registers_a_call_ends_soon_and_stays_inside, begin),
		cmocka_unit_test_setup(
			blocking_silences_the_entry_before_its_caches_are_told_to_forget_it, begin),
		cmocka_unit_test_setup(
			passing_writes_the_entry_as_it_was_before_its_caches_are_told_to_forget_it,
			begin),
		cmocka_unit_test_setup(without_room_nothing_passes, begin),
		cmocka_unit_test_setup(the_queue_goes_round, begin),
		cmocka_unit_test_setup(without_room_nothing_changes, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
