/*
 * edu: the teaching device through its driver: factorials, DMA within this partition's memory and
 * back, interrupts by MSI. Runs natively and under Mullion.
 *
 * Arguments: acts=factorial,dma,interrupt,master chooses among these, all by default. The act
 * `outside` is done on request only, and last: a transfer to outside=ADDRESS, which is not this
 * partition's; the device must then be off the bus. So is `stay`: it goes on for ever, with its device
 * on the bus. With `count`, a tick is an instruction (QEMU
 * -icount shift=0, one CPU), and what the calls cost is printed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/irq.h>
#include <mullion/meter.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include <edu/edu.h>

#define ACTS           "factorial,dma,interrupt,master"
#define VECTOR         0x51u
#define STEP_NS        1000000ull
#define PATIENCE_STEPS 1000000u /* of the host's time, in which it computes, a step takes little */
#define QUIET_STEPS    250u
#define GUARD_BYTES    64u
#define GUARD          0xa5
#define RAISED         0x00340012u

static struct edu edu;
static volatile unsigned interrupts;
static volatile uint32_t taken;
static uint8_t source[EDU_BUFFER_BYTES] __attribute__((aligned(4096)));
static uint8_t target[EDU_BUFFER_BYTES + 2 * GUARD_BYTES] __attribute__((aligned(4096)));

static struct meter start_meter = { .name = "edu_dma_start" };
static struct meter busy_meter = { .name = "edu_dma_busy" };
static struct meter factorial_meter = { .name = "edu_factorial_start" };
static struct meter done_meter = { .name = "edu_factorial_done" };
static struct meter take_meter = { .name = "edu_take" };
static struct meter raise_meter = { .name = "edu_raise" };

static bool chosen(const char *const act)
{
	return args_list_has("acts", ACTS, act);
}

static void on_step(struct irq_frame *const frame)
{
	(void)frame;
}

static void on_message(struct irq_frame *const frame)
{
	(void)frame;
	meter_begin(&take_meter);
	taken |= edu_take(&edu);
	meter_end(&take_meter);
	interrupts++;
}

/* Sleep for a millisecond, or until the device interrupts. */
static void step(void)
{
	timer_arm(tsc_read() + time_ticks_from_ns(STEP_NS));
	irq_wait();
	timer_disarm();
}

static void wait_interrupts(const unsigned count, const unsigned steps)
{
	for (unsigned i = 0; i < steps && interrupts < count; i++)
		step();
}

/* QEMU computes it on the host's time: how often one has to ask is different in every run. */
static bool factorial(const uint32_t n, uint32_t *const result)
{
	bool done = false;

	meter_begin(&factorial_meter);
	edu_factorial_start(&edu, n, false);
	meter_end(&factorial_meter);
	for (unsigned i = 0; i < PATIENCE_STEPS && !done; i++) {
		step();
		done = edu_factorial_done(&edu, result);
	}
	meter_begin(&done_meter);
	done = edu_factorial_done(&edu, result);
	meter_end(&done_meter);
	return done;
}

static bool transfer(const enum edu_direction direction, const void *const memory,
	const uint32_t offset, const uint32_t bytes)
{
	bool started, busy = true;

	meter_begin(&start_meter);
	started = edu_dma_start(&edu, direction, (uintptr_t)memory, offset, bytes, false);
	meter_end(&start_meter);
	for (unsigned i = 0; i < PATIENCE_STEPS && started && busy; i++) {
		step();
		meter_begin(&busy_meter);
		busy = edu_dma_busy(&edu);
		meter_end(&busy_meter);
	}
	return started && !busy;
}

static void check_factorial(void)
{
	static const struct {
		uint32_t n, result;
	} cases[] = { { 0, 1 }, { 1, 1 }, { 5, 120 }, { 12, 479001600 }, { 13, 1932053504 } };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t result = 0;
		const bool done = factorial(cases[i].n, &result);

		tap_check(done && result == cases[i].result, "it_computes_a_factorial",
			"%" PRIu32 "! = %" PRIu32 ", done %d", cases[i].n, result, done);
	}
}

static void fill(const uint8_t seed)
{
	for (unsigned i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)(seed + i + (i >> 8) * 31);
	memset(target, GUARD, sizeof(target));
}

static bool guarded(const uint32_t bytes)
{
	bool good = true;

	for (unsigned i = 0; i < GUARD_BYTES; i++)
		good = good && target[i] == GUARD && target[GUARD_BYTES + bytes + i] == GUARD;
	return good;
}

static void check_round_trip(const char *const name, const uint32_t offset, const uint32_t bytes)
{
	bool there, back;

	fill((uint8_t)bytes);
	there = transfer(EDU_FROM_MEMORY, source, offset, bytes);
	back = transfer(EDU_TO_MEMORY, target + GUARD_BYTES, offset, bytes);
	tap_check(
		there && back && memcmp(source, target + GUARD_BYTES, bytes) == 0 && guarded(bytes),
		name, "%" PRIu32 " bytes at %" PRIu32 ": there %d, back %d, guard %d", bytes,
		offset, there, back, guarded(bytes));
}

static void check_dma(void)
{
	bool second;

	check_round_trip("dma_as_long_as_its_buffer_returns_every_byte", 0, EDU_BUFFER_BYTES);
	check_round_trip("dma_of_one_byte_returns_it_alone", 1234, 1);
	check_round_trip("dma_of_an_odd_range_returns_every_byte", 333, 1021);
	tap_check(!edu_dma_start(
			  &edu, EDU_TO_MEMORY, (uintptr_t)target, 1, EDU_BUFFER_BYTES, false) &&
			  !edu_dma_start(
				  &edu, EDU_TO_MEMORY, (uintptr_t)target, UINT32_MAX, 2, false) &&
			  !edu_dma_start(&edu, EDU_TO_MEMORY, (uintptr_t)target, 0, 0, false) &&
			  !edu_dma_busy(&edu),
		"a_transfer_its_buffer_does_not_hold_is_not_started", "it was");
	edu_dma_start(&edu, EDU_TO_MEMORY, (uintptr_t)target, 0, 16, false);
	second = edu_dma_start(&edu, EDU_TO_MEMORY, (uintptr_t)target, 0, 16, false);
	for (unsigned i = 0; i < PATIENCE_STEPS && edu_dma_busy(&edu); i++)
		step();
	tap_check(!second && !edu_dma_busy(&edu), "one_transfer_is_under_way_at_a_time",
		"second started %d", second);
}

/* Each kind of interrupt, once: it arrives once, and says what for. */
static void check_kind(const char *const name, const uint32_t status)
{
	wait_interrupts(1, PATIENCE_STEPS);
	wait_interrupts(2, QUIET_STEPS);
	tap_check(interrupts == 1 && taken == status, name, "%u interrupts, status %#" PRIx32,
		interrupts, taken);
	interrupts = 0;
	taken = 0;
}

static void check_interrupt(void)
{
	const unsigned vector = pci_message_enable(&edu.function, 0, VECTOR);

	printf("# interrupts by vector %#x\n", vector);
	tap_check(vector != 0 && pci_message_enable(&edu.function, 1, VECTOR) == 0,
		"it_has_one_message", "vector %#x", vector);
	irq_set_handler(vector != 0 ? vector : VECTOR, on_message);
	meter_begin(&raise_meter);
	edu_raise(&edu, RAISED);
	meter_end(&raise_meter);
	check_kind("an_interrupt_on_request_arrives_once", RAISED);
	edu_factorial_start(&edu, 10, true);
	check_kind("the_end_of_a_factorial_interrupts_once", EDU_INTERRUPT_FACTORIAL);
	edu_dma_start(&edu, EDU_FROM_MEMORY, (uintptr_t)source, 0, 64, true);
	check_kind("the_end_of_a_transfer_interrupts_once", EDU_INTERRUPT_DMA);
}

/* Without bus mastering, what it transfers goes nowhere. */
static void check_master(void)
{
	const bool on = pci_bus_master(&edu.function, false);

	fill(7);
	transfer(EDU_TO_MEMORY, target + GUARD_BYTES, 0, 256);
	tap_check(!on && pci_quarantined(&edu.function) && guarded(256) &&
			  target[GUARD_BYTES] == GUARD && target[GUARD_BYTES + 255] == GUARD,
		"without_bus_mastering_memory_stays_as_it_is", "on %d, first byte %#x", on,
		target[GUARD_BYTES]);
	tap_check(pci_bus_master(&edu.function, true), "bus_mastering_can_be_switched_on_again",
		"it is off");
	check_round_trip("and_then_transfers_arrive_again", 0, 256);
}

static void check_outside(void)
{
	const uint64_t address = args_number("outside", 0);
	bool ended, off = false;

	ended = transfer(EDU_TO_MEMORY, (const void *)(uintptr_t)address, 0, 64);
	for (unsigned i = 0; i < PATIENCE_STEPS && !off; i++) {
		step();
		off = pci_quarantined(&edu.function);
	}
	tap_check(ended && off && !pci_bus_master(&edu.function, true),
		"after_a_transfer_to_elsewhere_it_is_off_the_bus", "ended %d, off %d", ended, off);
	fill(9);
	transfer(EDU_TO_MEMORY, target + GUARD_BYTES, 0, 64);
	tap_check(guarded(64) && target[GUARD_BYTES] == GUARD,
		"and_its_own_memory_is_out_of_its_reach_too", "first byte %#x",
		target[GUARD_BYTES]);
}

static void print_meters(void)
{
	meter_print(&factorial_meter);
	meter_print(&done_meter);
	meter_print(&start_meter);
	meter_print(&busy_meter);
	meter_print(&raise_meter);
	meter_print(&take_meter);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*check)(void);
		unsigned tests;
	} acts[] = { { "factorial", check_factorial, 5 }, { "dma", check_dma, 5 },
		{ "interrupt", check_interrupt, 4 }, { "master", check_master, 3 },
		{ "outside", check_outside, 2 } };
	const unsigned count = sizeof(acts) / sizeof(*acts);
	unsigned tests = 1;
	bool found;

	for (unsigned i = 0; i < count; i++)
		tests += chosen(acts[i].name) ? acts[i].tests : 0;
	tap_plan(tests);
	timer_init(on_step);
	found = edu_open(&edu, 0, (uint8_t)args_number("last-bus", 0));
	tap_check(found, "the_device_is_found_and_answers", "it is not");
	for (unsigned i = 0; i < count && found; i++)
		if (chosen(acts[i].name))
			acts[i].check();
	if (args_is("count", "1"))
		print_meters();
	while (found && chosen("stay"))
		step();
	return tap_status();
}
