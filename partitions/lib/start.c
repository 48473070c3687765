/*
 * From the PVH entry to main: copies what the boot protocol handed over, then brings up console,
 * time and interrupts in that order, so that whatever goes wrong later can be said.
 *
 * Specification: Xen public/arch-x86/hvm/start_info.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/console.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/time.h>

#define START_MAGIC     0x336ec578u
#define MEMORY_TYPE_RAM 1u

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t modules_count;
	uint64_t modules;
	uint64_t command;
	uint64_t rsdp;
	uint64_t map; /* from version 1 */
	uint32_t map_entries;
	uint32_t reserved;
};

struct map_entry {
	uint64_t base, bytes;
	uint32_t type, reserved;
};

extern volatile uint64_t boot_pt[];
int main(void);
void start(const struct start_info *info);

static void copy_command(const uint64_t address)
{
	if (address != 0)
		strlcpy(boot.command, (const char *)(uintptr_t)address, sizeof(boot.command));
}

static void copy_ram(const struct start_info *const info)
{
	const struct map_entry *const entries = (const struct map_entry *)(uintptr_t)info->map;

	for (uint32_t i = 0; i < info->map_entries && boot.ram_count < BOOT_RANGES; i++) {
		if (entries[i].type != MEMORY_TYPE_RAM)
			continue;
		boot.ram[boot.ram_count].base = entries[i].base;
		boot.ram[boot.ram_count].bytes = entries[i].bytes;
		boot.ram_count++;
	}
}

/* From now on a null pointer faults. Firmware may keep the memory map itself in page 0. */
static void unmap_page_zero(void)
{
	boot_pt[0] = 0;
	__asm__ volatile("invlpg (%0)" ::"r"(0ull) : "memory");
}

void start(const struct start_info *const info)
{
	boot.lives++;
	boot.ram_count = 0;
	if (info->magic == START_MAGIC) {
		copy_command(info->command);
		if (info->version >= 1)
			copy_ram(info);
	}
	unmap_page_zero();
	platform_init();
	platform_complete_ram();
	irq_init_cpu(0);
	console_init();
	time_init();
	apic_init_cpu();
	exit(main());
}
