/*
 * Code that is not where, or what, it was: the kernel remembers the instructions that touch the xAPIC
 * page, and must notice every change of what that finding depended on.
 *
 * Two virtual pages below 2 MiB, where the SDK maps by 4 KiB, are pointed at pages of our own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/tap.h>

#include "apic.h"
#include "snippet.h"

#define PAGE_BYTES  4096u
#define PRESENT     3u
#define FIRST_PAGE  0x100u /* its number; the next one follows */
#define LDR_OFFSET  0xd0u
#define IMMEDIATE_8 10u /* bytes of MOV DWORD [RBX + disp32], imm32 */

extern volatile uint64_t boot_pt[];

static uint8_t pages[3][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

static volatile uint32_t *memory(void)
{
	return (volatile uint32_t *)(uintptr_t)(APIC_PAGE + LDR_OFFSET);
}

static void map(const unsigned page, const uint64_t entry)
{
	boot_pt[FIRST_PAGE + page] = entry;
	__asm__ volatile("invlpg (%0)" ::"r"((uintptr_t)(FIRST_PAGE + page) * PAGE_BYTES)
			 : "memory");
}

static uint8_t *virtual_page(void)
{
	return (uint8_t *)(uintptr_t)(FIRST_PAGE * PAGE_BYTES);
}

/* MOV DWORD [RBX + 0xd0], value, then the way back. */
static void write_store(uint8_t *const at, const uint32_t value)
{
	static const uint8_t head[] = { 0xc7, 0x83, LDR_OFFSET, 0, 0, 0 };

	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), &value, sizeof(value));
	snippet_finish(at + IMMEDIATE_8);
}

static uint32_t result_of(const void *const code)
{
	snippet_prepare(3);
	snippet_in[RBX] = APIC_PAGE;
	*memory() = 0;
	snippet_run(code);
	return *memory();
}

static void check_modified(void)
{
	uint32_t before, after, again;

	write_store(pages[0], 1);
	before = result_of(pages[0]);
	again = result_of(pages[0]);
	write_store(pages[0], 2);
	after = result_of(pages[0]);
	tap_check(before == 1 && again == 1 && after == 2,
		"an_instruction_modified_in_place_is_noticed", "%" PRIu32 ", %" PRIu32 ", %" PRIu32,
		before, again, after);
}

static void check_remapped(void)
{
	uint32_t before, after;

	write_store(pages[0], 3);
	write_store(pages[1], 4);
	map(0, (uintptr_t)pages[0] | PRESENT);
	before = result_of(virtual_page());
	map(0, (uintptr_t)pages[1] | PRESENT);
	after = result_of(virtual_page());
	tap_check(before == 3 && after == 4, "another_page_under_the_same_address_is_noticed",
		"%" PRIu32 ", %" PRIu32, before, after);
}

/* The same instruction at every place around a page's end; the next page lies elsewhere. */
static void check_crossing(void)
{
	uint8_t text[64];
	unsigned wrong = 0;

	map(0, (uintptr_t)pages[2] | PRESENT);
	map(1, (uintptr_t)pages[0] | PRESENT);
	for (unsigned left = 1; left <= IMMEDIATE_8 + 8; left++) {
		write_store(text, 0x100 + left);
		memcpy(&pages[2][PAGE_BYTES - left], text, left);
		memcpy(pages[0], text + left, sizeof(text) - left);
		wrong += result_of(virtual_page() + PAGE_BYTES - left) != 0x100 + left;
		write_store(text, 0x200 + left);
		memcpy(pages[0], text + left, sizeof(text) - left);
		memcpy(&pages[2][PAGE_BYTES - left], text, left);
		wrong += result_of(virtual_page() + PAGE_BYTES - left) != 0x200 + left;
	}
	tap_check(wrong == 0, "an_instruction_may_cross_into_any_page", "%u wrong", wrong);
}

static unsigned faults;

/* The page behind comes when it is asked for. */
static void on_fault(struct irq_frame *const frame)
{
	(void)frame;
	faults++;
	map(1, (uintptr_t)pages[0] | PRESENT);
}

static void check_missing(void)
{
	uint8_t text[64];
	uint32_t value;

	write_store(text, 5);
	memcpy(&pages[2][PAGE_BYTES - IMMEDIATE_8], text, IMMEDIATE_8);
	memcpy(pages[0], text + IMMEDIATE_8, sizeof(text) - IMMEDIATE_8);
	map(0, (uintptr_t)pages[2] | PRESENT);
	map(1, 0);
	irq_set_handler(14, on_fault);
	value = result_of(virtual_page() + PAGE_BYTES - IMMEDIATE_8);
	irq_set_handler(14, NULL);
	tap_check(value == 5 && faults == 1, "an_instruction_may_end_where_its_memory_ends",
		"%" PRIu32 ", %u faults", value, faults);
}

/* More places than the kernel remembers, in turn: none may be taken for another. */
static void check_many(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < 100; i++)
		write_store(&pages[0][i * 32], 0x1000 + i);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 100; i++)
			wrong += result_of(&pages[0][i * 32]) != 0x1000 + i;
	tap_check(wrong == 0, "a_hundred_places_are_kept_apart", "%u wrong", wrong);
}

unsigned check_sites(void)
{
	check_modified();
	check_remapped();
	check_crossing();
	check_missing();
	check_many();
	map(0, (uintptr_t)virtual_page() | PRESENT);
	map(1, ((uintptr_t)virtual_page() + PAGE_BYTES) | PRESENT);
	return SITE_TESTS;
}
