/*
 * apic: the local APIC as a partition sees it, register by register: through the x2APIC MSRs and
 * through the xAPIC page, on an owned CPU and in windows alike.
 *
 * registers here; priorities.c: what waits for what; targets.c: who is interrupted; moves.c: every MOV
 * to and from the page; sites.c: code that changes. Specification: AMD APM 2, chapter 16.
 * Not natively: a machine's own identity and sources are other than a partition's.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/catch.h>
#include <mullion/platform.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "apic.h"

#define VECTOR_GP      13
#define VERSION        0x00050014u
#define APIC_BASE      0xfee00000ull
#define APIC_BASE_BSP  (1ull << 8)
#define SHORT_COUNT    1000u
#define MODE_TESTS     8u
#define INTERFACE_TEST 7u

volatile unsigned taken[256];
volatile unsigned order[8], orders;

void on_count(struct irq_frame *const frame)
{
	taken[frame->vector]++;
	if (orders < 8)
		order[orders++] = (unsigned)frame->vector;
}

void forget(void)
{
	for (unsigned v = 0; v < 256; v++)
		taken[v] = 0;
	orders = 0;
}

void listen(void)
{
	const uint64_t end = tsc_read() + QUIET_TICKS;

	irq_enable();
	while (tsc_read() < end)
		cpu_pause();
	irq_disable();
}

static void check_identity(void)
{
	tap_check(apic_id() == 0 && apic_read(APIC_VERSION) == VERSION,
		"the_boot_vcpu_has_id_0_and_an_xapic_version", "id %" PRIu32 ", version %#" PRIx32,
		apic_id(), apic_read(APIC_VERSION));
}

static bool remembers(const enum apic_register reg, const uint32_t value, const uint32_t expected)
{
	const uint32_t before = apic_read(reg);
	uint32_t after;

	apic_write(reg, value);
	after = apic_read(reg);
	apic_write(reg, before);
	if (after != expected)
		printf("# register %#x: wrote %#" PRIx32 ", read %#" PRIx32 "\n", (unsigned)reg,
			value, after);
	return after == expected;
}

static void check_memories(void)
{
	bool good = remembers(APIC_SVR, 0x11f, 0x11f);

	good &= remembers(APIC_TIMER_DIVIDE, 0xffffffffu, 0xb);
	good &= remembers(APIC_TIMER_DIVIDE, 0x2, 0x2);
	good &= remembers(APIC_LVT_TIMER, 0xffffffffu & ~APIC_LVT_TSC_DEADLINE, 0x300ffu);
	good &= remembers(APIC_LVT_TIMER, 0x10041, 0x10041);
	tap_check(good, "registers_keep_the_bits_that_exist", "see above");
	apic_write(APIC_ESR, 0);
	tap_check(apic_read(APIC_ESR) == 0, "no_error_is_ever_reported", "%#" PRIx32,
		apic_read(APIC_ESR));
}

static void check_silent(void)
{
	bool good = true;

	for (uint32_t reg = APIC_LVT_THERMAL; reg <= (uint32_t)APIC_LVT_ERROR; reg += 0x10)
		good &= remembers(APIC_REGISTER(reg), LOW_VECTOR, LOW_VECTOR | APIC_LVT_MASKED);
	tap_check(good, "sources_a_partition_has_not_stay_masked", "see above");
}

static void check_task_priority(void)
{
	apic_write(APIC_TPR, 0x40);
	tap_check(apic_read(APIC_TPR) == 0x40 && apic_read(APIC_PPR) == 0x40,
		"the_task_priority_reads_back_and_is_the_processors",
		"tpr %#" PRIx32 ", ppr %#" PRIx32, apic_read(APIC_TPR), apic_read(APIC_PPR));
	apic_write(APIC_TPR, 0);
}

static void check_low_timer(void)
{
	forget();
	apic_write(APIC_LVT_TIMER, 0xf);
	apic_write(APIC_TIMER_INITIAL, SHORT_COUNT);
	listen();
	tap_check(taken[0xf] == 0 && apic_read(APIC_LVT_TIMER) == 0xf,
		"a_timer_with_a_vector_below_16_is_silent", "fired %u times", taken[0xf]);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
}

static void check_deadline_mode(void)
{
	forget();
	apic_write(APIC_LVT_TIMER, APIC_LVT_TSC_DEADLINE | LOW_VECTOR);
	apic_write(APIC_TIMER_INITIAL, SHORT_COUNT);
	listen();
	tap_check(taken[LOW_VECTOR] == 0, "a_count_is_ignored_in_deadline_mode", "fired %u times",
		taken[LOW_VECTOR]);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER_VECTOR);
}

static void check_trigger_modes(void)
{
	uint32_t level = 0;

	for (uint32_t word = 0; word < 8; word++)
		level |= apic_read(APIC_REGISTER((uint32_t)APIC_TMR + 16 * word));
	tap_check(level == 0, "every_interrupt_is_edge_triggered", "%#" PRIx32, level);
}

/* What both interfaces offer; called with one of them chosen. */
static void check_registers(void)
{
	irq_disable();
	check_identity();
	check_memories();
	check_silent();
	check_task_priority();
	check_low_timer();
	check_deadline_mode();
	check_trigger_modes();
}

static void read_msr(void *const msr)
{
	msr_read(*(const uint32_t *)msr);
}

static void write_msr(void *const msr)
{
	msr_write(*(const uint32_t *)msr, 0);
}

static unsigned not_refused(
	void (*const access)(void *), const uint32_t *const offsets, const unsigned count)
{
	unsigned open = 0;

	for (unsigned i = 0; i < count; i++) {
		uint32_t msr = MSR_X2APIC(offsets[i]);
		const struct catch_result r = catch_call(access, &msr);

		if (r.vector == VECTOR_GP && r.error == 0)
			continue;
		printf("# MSR %#" PRIx32 ": vector %d\n", msr, r.vector);
		open++;
	}
	return open;
}

static void check_unknown_msrs(void)
{
	static const uint32_t no_read[] = { 0x00, 0x10, 0x40, 0x90, 0xb0, 0xc0, 0x290, 0x2f0, 0x3a0,
		0x3d0, 0x3f0 };
	static const uint32_t no_write[] = { 0x20, 0x30, 0xa0, 0xc0, 0x100, 0x180, 0x270, 0x390,
		0x3a0, 0x3d0 };

	tap_check(not_refused(read_msr, no_read, sizeof(no_read) / sizeof(*no_read)) == 0,
		"what_cannot_be_read_is_a_general_protection_fault", "see above");
	tap_check(not_refused(write_msr, no_write, sizeof(no_write) / sizeof(*no_write)) == 0,
		"what_cannot_be_written_is_a_general_protection_fault", "see above");
}

static void move_base(void *const unused)
{
	(void)unused;
	msr_write(MSR_APIC_BASE, 0xfed00000ull | APIC_BASE_ENABLED);
}

static void check_base(void)
{
	const uint64_t base = msr_read(MSR_APIC_BASE);
	const struct catch_result moved = catch_call(move_base, NULL);

	tap_check(base == (APIC_BASE | APIC_BASE_ENABLED | APIC_BASE_X2APIC | APIC_BASE_BSP),
		"the_base_register_says_enabled_x2apic_and_boot_processor", "%#" PRIx64, base);
	tap_check(moved.vector == VECTOR_GP && msr_read(MSR_APIC_BASE) == base,
		"the_page_cannot_be_moved", "vector %d", moved.vector);
}

static volatile uint32_t *page(const uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(APIC_PAGE + offset);
}

static void check_holes(void)
{
	uint32_t seen = 0, kept;

	for (uint32_t offset = 0; offset < 0x1000; offset += 0x10)
		if (offset < 0x20 || offset == 0x40 || offset == 0xb0 || offset == 0x2f0 ||
			offset >= 0x3f0) {
			*page(offset == 0xb0 ? 0 : offset) = 0xffffffffu;
			seen |= *page(offset);
		}
	tap_check(seen == 0, "unknown_places_in_the_page_read_zero_and_ignore_writes", "%#" PRIx32,
		seen);
	*page(0xd0) = 0x12345678;
	seen = 0;
	for (uint32_t offset = 4; offset < 16; offset += 4) {
		*page(0xd0 + offset) = 0xffffffffu;
		seen |= *page(0xd0 + offset) | *page(0x30 + offset) | *page(0x330 + offset);
	}
	kept = *page(0xd0);
	tap_check(seen == 0 && kept == 0x12345678, "a_register_is_its_first_four_bytes",
		"behind it %#" PRIx32 ", in it %#" PRIx32, seen, kept);
}

static void check_page_memories(void)
{
	bool good = remembers(APIC_LDR, 0x87654321u, 0x87654321u);

	good &= remembers(APIC_DFR, 0x0fffffffu, 0x0fffffffu);
	good &= remembers(APIC_ICR_HIGH, 0x12000000u, 0x12000000u);
	good &= (apic_read(APIC_ICR) & APIC_ICR_BUSY) == 0;
	tap_check(good, "destinations_are_remembered_and_nothing_is_ever_busy", "icr %#" PRIx32,
		apic_read(APIC_ICR));
}

int main(void)
{
	if (platform.kind != PLATFORM_MULLION) {
		printf("1..0 # SKIP not under Mullion\n");
		return 0;
	}
	tap_plan(2 * (MODE_TESTS + PRIORITY_TESTS + TARGET_TESTS) + INTERFACE_TEST + MOVE_TESTS +
		 SITE_TESTS);
	irq_set_handler(LOW_VECTOR, on_count);
	irq_set_handler(HIGH_VECTOR, on_count);
	irq_set_handler(0xf, on_count);
	printf("# through the x2APIC MSRs\n");
	check_registers();
	check_unknown_msrs();
	check_base();
	check_priorities();
	check_targets();
	apic_switch(APIC_XAPIC);
	printf("# through the xAPIC page\n");
	check_registers();
	check_holes();
	check_page_memories();
	check_priorities();
	check_targets();
	check_moves();
	check_sites();
	return tap_status();
}
