/*
 * A window of two pages at an address of its own, through which any guest-physical address can be
 * reached.
 *
 * Invariant: nothing else of the SDK's map is changed; the window lies in the second entry of the
 * PML4, which the SDK does not use. Specification: AMD APM 2, 5.3.
 */
#include <mullion/info.h>

#include "attacker.h"
#include "window.h"

static uint64_t tables[3][512] __attribute__((aligned(4096)));

static uint64_t *root(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return (uint64_t *)(uintptr_t)(value & ~0xfffull);
}

static void link_tables(void)
{
	tables[0][0] = (uintptr_t)tables[1] | WINDOW_PRESENT;
	tables[1][0] = (uintptr_t)tables[2] | WINDOW_PRESENT;
	root()[WINDOW_PML4] = (uintptr_t)tables[0] | WINDOW_PRESENT;
}

static void flush(void)
{
	__asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" ::: "rax", "memory");
}

void *window_open(const uint64_t gpa)
{
	link_tables();
	tables[2][0] = (gpa & ~0xfffull) | WINDOW_PRESENT;
	tables[2][1] = ((gpa & ~0xfffull) + PAGE_BYTES) | WINDOW_PRESENT;
	flush();
	return (void *)(uintptr_t)(WINDOW_VA | (gpa & 0xfff));
}

void *window_open_table(const uint64_t gpa)
{
	link_tables();
	tables[1][0] = gpa | WINDOW_PRESENT;
	flush();
	return (void *)(uintptr_t)WINDOW_VA;
}
