/*
 * nvme: rtdrivers/nvme against a real controller: every byte of a region written in many sizes and
 * read back in others, the queue filled to its end, errors by name, a controller that lost its
 * memory and comes back, and the longest each call took.
 *
 * Arguments: bytes=N to write and verify (a disk smaller than that is refused), seed=N of the
 * pattern, verify: only read what somebody else has written; irq=VECTOR and message=N: completions
 * interrupt; count: a tick is an instruction (QEMU -icount shift=0, one CPU), so the bounds can be
 * judged; outside=ADDRESS, which is not this partition's: at the end, read a block to there; under
 * Mullion; linger-ns=N at the end, while somebody else prints what this said.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/irq.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include <pci/pci.h>

#include "traffic.h"

#define TESTS         21u
#define OUTSIDE_TESTS 4u
#define BYTES         (2u << 20)
#define SINGLES       32u
#define PATIENCE      2000000000ull /* ticks */
#define LAST_BUS      255
#define NOTHING_TICKS 20000u

static struct pci_function function;
static struct nvme_setup setup;
static volatile uint64_t interrupts;

static void on_interrupt(struct irq_frame *const frame)
{
	(void)frame;
	interrupts++;
}

/* ---- Bringing it up ---- */

static bool find(void)
{
	uint64_t bytes;

	if (!pci_find(PCI_ANY, PCI_ANY, PCI_CLASS_NVME, 0, LAST_BUS, &function))
		return false;
	setup.registers = pci_map_bar(&function, 0, &bytes);
	setup.registers_bytes = bytes;
	return setup.registers != NULL && pci_bus_master(&function, true);
}

static bool interrupts_init(void)
{
	const unsigned vector = (unsigned)args_number("irq", 0);

	if (vector == 0)
		return true;
	setup.interrupts = true;
	setup.message = (uint16_t)args_number("message", 0);
	irq_set_handler(vector, on_interrupt);
	return pci_message_enable(&function, setup.message, vector) == vector;
}

static void print_identity(void)
{
	const struct nvme_identity *const id = &disk.identity;

	printf("# nvme: %s, serial %s, firmware %s: %" PRIu64 " blocks of %" PRIu32
	       " bytes, at most %" PRIu32 " in a transfer, %s\n",
		id->model, id->serial, id->firmware, id->blocks, id->block_bytes,
		id->transfer_blocks,
		id->write_cache ? "with a write cache" : "without write cache");
}

static bool start(void)
{
	bool good;

	good = find();
	tap_check(good, "an_nvme_controller_is_found_and_switched_on",
		"no function of class %#x, or its BAR 0 or bus mastering is withheld",
		(unsigned)PCI_CLASS_NVME);
	if (!good)
		return false;
	good = interrupts_init();
	tap_check(good, "its_completions_are_polled_or_have_the_vector_asked_for",
		"message %u is not granted with vector %#x", setup.message,
		(unsigned)args_number("irq", 0));
	good = good && disk_start(&setup);
	tap_check(good, "the_controller_becomes_ready", "%s: %s (status %#x: %s)",
		nvme_stage_text(&disk), nvme_problem_text(disk.problem), disk.refused,
		nvme_status_text(disk.refused));
	return good;
}

static bool large_enough(const uint64_t bytes)
{
	const uint64_t has = disk.identity.blocks * disk.identity.block_bytes;
	const bool good = has >= bytes && bytes % disk.identity.block_bytes == 0;

	tap_check(good, "the_disk_holds_what_is_asked_for",
		"bytes=%" PRIu64 ", and the disk has %" PRIu64 " in blocks of %" PRIu32
		": ask for less, in whole blocks, or give it a larger disk",
		bytes, has, disk.identity.block_bytes);
	return good;
}

/* ---- Reading and writing ---- */

static bool flush(void)
{
	struct nvme_completion completion;

	return disk_flush(77) == NVME_ACCEPTED && disk_wait(&completion) && completion.tag == 77 &&
	       completion.status == NVME_STATUS_SUCCESS;
}

/* What came of commands since `before`, for people. */
static void explain(const struct totals *const before)
{
	if (totals.failed != before->failed)
		printf("# nvme: %" PRIu64 " commands failed: %s\n", totals.failed - before->failed,
			nvme_status_text(totals.failed_status));
	if (totals.words_wrong != before->words_wrong)
		printf("# nvme: %" PRIu64 " words wrong, the first at byte %" PRIu64
		       " of the disk\n",
			totals.words_wrong - before->words_wrong, totals.first_wrong);
}

static void check_write(const uint64_t blocks)
{
	const struct totals before = totals;
	bool good;

	if (args_is("verify", "1")) {
		tap_skip("every_write_completes", "only reading");
		tap_skip("a_flush_completes", "only reading");
		return;
	}
	good = traffic_write(0, blocks) && totals.unexpected == 0 &&
	       totals.bytes_written == blocks * disk.identity.block_bytes;
	tap_check(good, "every_write_completes",
		"%" PRIu64 " bytes written, %" PRIu64 " unexpected completions; %s",
		totals.bytes_written, totals.unexpected, nvme_problem_text(disk.problem));
	tap_check(flush(), "a_flush_completes", "%s", nvme_problem_text(disk.problem));
	explain(&before);
}

static void check_read(const char *const name, const uint64_t lba, const uint64_t blocks)
{
	const struct totals before = totals;
	const bool good =
		traffic_read(lba, blocks) && totals.words_wrong == before.words_wrong &&
		totals.unexpected == 0 &&
		totals.bytes_read - before.bytes_read == blocks * disk.identity.block_bytes;

	tap_check(good, name, "%" PRIu64 " bytes read, %" PRIu64 " unexpected completions; %s",
		totals.bytes_read - before.bytes_read, totals.unexpected,
		nvme_problem_text(disk.problem));
	explain(&before);
}

static void check_last_block(void)
{
	const uint64_t last = disk.identity.blocks - 1;

	if (args_is("verify", "1"))
		tap_skip("the_last_block_is_a_block", "only reading");
	else if (traffic_write(last, 1))
		check_read("the_last_block_is_a_block", last, 1);
	else
		tap_check(false, "the_last_block_is_a_block", "writing it failed");
}

/* ---- What must be refused ---- */

static void check_arguments(void)
{
	const uint32_t most = disk.identity.transfer_blocks;
	uint8_t *const buffer = traffic_buffer(0, 0);

	tap_check(disk_submit(false, 0, 0, buffer, 1) == NVME_LENGTH &&
			  disk_submit(false, 0, most + 1, buffer, 1) == NVME_LENGTH &&
			  disk_submit(true, 0, UINT32_MAX, buffer, 1) == NVME_LENGTH &&
			  nvme_outstanding(&disk) == 0,
		"no_block_and_too_many_blocks_are_refused", "accepted");
	tap_check(disk_submit(false, 0, 1, buffer + 2, 1) == NVME_ALIGN &&
			  nvme_outstanding(&disk) == 0,
		"a_buffer_at_an_odd_place_is_refused", "accepted");
}

static void check_range(
	const bool write, const uint64_t lba, const uint32_t blocks, const char *const name)
{
	struct nvme_completion completion = { .status = NVME_STATUS_SUCCESS };
	const bool good =
		disk_submit(write, lba, blocks, traffic_buffer(0, 0), 5) == NVME_ACCEPTED &&
		disk_wait(&completion);

	tap_check(good && completion.tag == 5 && completion.status == NVME_STATUS_LBA_OUT_OF_RANGE,
		name, "status %#x: %s; %s", completion.status, nvme_status_text(completion.status),
		nvme_problem_text(disk.problem));
	printf("# nvme: blocks from %" PRIu64 " on are refused with %s\n", lba,
		nvme_status_text(completion.status));
}

/* ---- The queue's end ---- */

static void check_full(void)
{
	const unsigned fit = disk.io.size - 1;
	enum nvme_answer answer = NVME_ACCEPTED;
	struct nvme_completion completion;
	uint64_t seen = 0;
	unsigned accepted = 0;

	while (accepted <= NVME_QUEUE_ENTRIES && answer == NVME_ACCEPTED) {
		answer = disk_submit(false, accepted, 1, traffic_buffer(0, accepted * 4), accepted);
		accepted += answer == NVME_ACCEPTED;
	}
	tap_check(answer == NVME_FULL && accepted == fit && disk_flush(99) == NVME_FULL,
		"the_queue_takes_as_many_commands_as_it_has_entries_less_one",
		"%u of %u, then answer %d", accepted, fit, (int)answer);
	for (unsigned i = 0; i < accepted; i++)
		if (disk_wait(&completion) && completion.tag < 64)
			seen |= 1ull << completion.tag;
	tap_check(seen == (1ull << fit) - 1 && nvme_outstanding(&disk) == 0 &&
			  disk_poll(&completion) == NVME_NOTHING,
		"each_of_them_completes_once", "seen %#" PRIx64 ", %u outstanding", seen,
		nvme_outstanding(&disk));
	tap_check(disk_check() == NVME_NOTHING, "a_check_finds_nothing_wrong", "%s",
		nvme_problem_text(disk.problem));
}

/* ---- Interrupts ---- */

static bool interrupted_after(const uint64_t before)
{
	const uint64_t end = tsc_read() + PATIENCE;

	irq_enable();
	while (interrupts == before && tsc_read() < end)
		cpu_pause();
	irq_disable();
	return interrupts != before;
}

static void check_interrupts(void)
{
	struct nvme_completion completion;
	const uint64_t end = tsc_read() + NOTHING_TICKS;
	uint64_t before;
	unsigned good = 0;

	if (!setup.interrupts) {
		tap_skip("every_single_completion_interrupts_once", "polled");
		return;
	}
	irq_enable(); /* what earlier commands left pending */
	while (tsc_read() < end)
		cpu_pause();
	irq_disable();
	before = interrupts;
	for (unsigned i = 0; i < SINGLES; i++) {
		const uint64_t now = interrupts;

		good += disk_submit(false, i, 1, traffic_buffer(0, 0), i) == NVME_ACCEPTED &&
			interrupted_after(now) && disk_poll(&completion) == NVME_COMPLETED &&
			completion.tag == i;
	}
	tap_check(good == SINGLES && interrupts - before == SINGLES,
		"every_single_completion_interrupts_once", "%u good, %" PRIu64 " interrupts of %u",
		good, interrupts - before, SINGLES);
	printf("# nvme: %" PRIu64 " interrupts for %u single commands\n", interrupts - before,
		SINGLES);
}

/* ---- A controller without memory ---- */

static void check_fatal(void)
{
	struct nvme_completion completion;

	pci_bus_master(&function, false);
	disk_submit(false, 0, 1, traffic_buffer(0, 0), 1);
	tap_check(!disk_wait(&completion) && disk.state == NVME_FAILED &&
			  (disk.problem == NVME_PROBLEM_FATAL ||
				  disk.problem == NVME_PROBLEM_SILENT) &&
			  disk_submit(false, 0, 1, traffic_buffer(0, 0), 1) == NVME_UNREADY,
		"a_controller_that_cannot_reach_memory_is_reported", "state %d: %s",
		(int)disk.state, nvme_problem_text(disk.problem));
	printf("# nvme: without bus mastering: %s\n", nvme_problem_text(disk.problem));
	tap_check(pci_bus_master(&function, true) && disk_start(&setup),
		"it_starts_again_with_bus_mastering_on", "%s: %s", nvme_stage_text(&disk),
		nvme_problem_text(disk.problem));
}

/*
 * The disk is told to write where this partition has nothing: it loses the way to memory for good.
 */
static void check_outside(void)
{
	void *const elsewhere = (void *)(uintptr_t)args_number("outside", 0);
	const uint64_t end = tsc_read() + PATIENCE;
	struct nvme_completion completion = { .status = NVME_STATUS_SUCCESS };
	bool answered;

	/* QEMU's disk does not notice that its data went nowhere, and reports success. */
	answered = disk_start(&setup) && disk_submit(false, 0, 1, elsewhere, 6) == NVME_ACCEPTED &&
		   (disk_wait(&completion) || disk.state == NVME_FAILED);
	tap_check(answered, "a_read_to_an_address_outside_is_answered_or_reported", "%s",
		nvme_problem_text(disk.problem));
	while (!pci_quarantined(&function) && tsc_read() < end)
		cpu_pause();
	tap_check(pci_quarantined(&function) && !pci_bus_master(&function, true),
		"afterwards_bus_mastering_is_off_and_stays_off", "it is on");
	disk_submit(false, 0, 1, traffic_buffer(0, 0), 7);
	tap_check(!disk_wait(&completion) && (disk.problem == NVME_PROBLEM_FATAL ||
						     disk.problem == NVME_PROBLEM_SILENT),
		"the_driver_reports_that_the_controller_reaches_nothing", "%s",
		nvme_problem_text(disk.problem));
	tap_check(!disk_start(&setup), "and_it_cannot_be_started_again", "%s",
		nvme_stage_text(&disk));
	printf("# nvme: quarantined: %s: %s\n", nvme_stage_text(&disk),
		nvme_problem_text(disk.problem));
}

/* ---- Bounds ---- */

static bool within(const struct meter *const meter, const uint64_t bound)
{
	meter_print(meter);
	return meter->calls != 0 && meter->max <= bound;
}

static void check_bounds(void)
{
	bool good;

	if (!args_is("count", "1")) {
		tap_skip("no_call_is_longer_than_its_bound", "a tick is not an instruction here");
		return;
	}
	good = within(&meters.start, NVME_START_INSTRUCTIONS);
	good &= within(&meters.step, NVME_STEP_INSTRUCTIONS);
	good &= within(&meters.submit_read, NVME_TRANSFER_INSTRUCTIONS);
	good &= within(&meters.submit_write, NVME_TRANSFER_INSTRUCTIONS);
	good &= within(&meters.submit_flush, NVME_FLUSH_INSTRUCTIONS);
	good &= within(&meters.poll, NVME_POLL_INSTRUCTIONS);
	good &= within(&meters.check, NVME_CHECK_INSTRUCTIONS);
	good &= within(&meters.stop, NVME_STOP_INSTRUCTIONS);
	tap_check(good, "no_call_is_longer_than_its_bound", "see above");
}

int main(void)
{
	const uint64_t bytes = args_number("bytes", BYTES);
	const bool outside = args_number("outside", 0) != 0;
	uint64_t blocks;

	tap_plan(outside ? TESTS + OUTSIDE_TESTS : TESTS);
	pattern_seed(args_number("seed", 1));
	if (!start() || !large_enough(bytes))
		return 1;
	print_identity();
	blocks = bytes / disk.identity.block_bytes;
	check_write(blocks);
	check_read("every_byte_reads_back", 0, blocks);
	check_last_block();
	check_arguments();
	check_full();
	check_interrupts();
	check_fatal();
	check_read("what_was_written_before_is_still_there", 0, blocks);
	check_range(false, disk.identity.blocks, 1, "reading_beyond_the_end_is_named");
	check_range(true, disk.identity.blocks - 1, 2, "writing_across_the_end_is_named");
	tap_check(disk_stop(), "the_controller_stops_in_good_order", "%s",
		nvme_problem_text(disk.problem));
	if (outside)
		check_outside();
	check_bounds();
	printf("# nvme: %" PRIu64 " commands, %" PRIu64 " bytes written, %" PRIu64
	       " bytes read, %" PRIu64 " words wrong\n",
		totals.submitted, totals.bytes_written, totals.bytes_read, totals.words_wrong);
	time_delay_ns(args_number("linger-ns", 0));
	return tap_status();
}
