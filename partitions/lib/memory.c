/*
 * Changing the map that crt0.S made. Invariant: memory and Mullion's pages stay cached, and a page
 * is only ever made uncached. Specification: AMD APM 2, 5.3.3 and 7.8.2: PCD and PWT select
 * uncacheable, whatever the machine's ranges say.
 */
#include <mullion/abi.h>
#include <mullion/memory.h>
#include <mullion/platform.h>

#define LARGE_BYTES   0x200000ull
#define MAP_END       0x100000000ull
#define PAGE_UNCACHED 0x18ull /* PWT, PCD */

extern volatile uint64_t boot_pd[];

static bool overlap(const uint64_t a, const uint64_t a_end, const uint64_t b, const uint64_t b_end)
{
	return a < b_end && b < a_end;
}

static bool is_memory(const uint64_t first, const uint64_t end)
{
	for (uint32_t i = 0; i < boot.ram_count; i++)
		if (overlap(first, end, boot.ram[i].base, boot.ram[i].base + boot.ram[i].bytes))
			return true;
	return platform.kind == PLATFORM_MULLION &&
	       overlap(first, end, MULLION_INFO_GPA, MULLION_SHARED_END);
}

bool memory_uncached(const uint64_t address, const uint64_t bytes)
{
	const uint64_t first = address & ~(LARGE_BYTES - 1);
	const uint64_t end = (address + bytes + LARGE_BYTES - 1) & ~(LARGE_BYTES - 1);

	if (bytes == 0 || bytes > MAP_END || address >= MAP_END || end > MAP_END ||
		first < LARGE_BYTES || is_memory(first, end))
		return false;
	for (uint64_t page = first; page < end; page += LARGE_BYTES) {
		boot_pd[page / LARGE_BYTES] |= PAGE_UNCACHED;
		__asm__ volatile("invlpg (%0)" ::"r"(page) : "memory");
	}
	return true;
}
