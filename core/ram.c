/*
 * Is there RAM wherever the image uses memory? The loader's map is compared with the tables, once, at boot.
 */
#include <mullion/core.h>

#define RAM_USABLE 1u /* as in the memory map of PVH, which is E820's: ACPI 6.4, 15.1 */

struct boot_ram boot_ram[BOOT_RAM_ENTRIES];
uint32_t boot_ram_count;

static bool holds(const struct boot_ram *entry, uint64_t address)
{
	return entry->type == RAM_USABLE && entry->base <= address &&
	       address - entry->base < entry->bytes;
}

/* Adjoining entries count as one: every pass moves base to the end of the entry holding it. */
static bool is_ram(const struct mullion_ram *wanted)
{
	uint64_t base = wanted->base, end = wanted->base + wanted->bytes;

	for (uint32_t pass = 0; pass < boot_ram_count && base < end; pass++)
		for (uint32_t i = 0; i < boot_ram_count; i++)
			if (holds(&boot_ram[i], base))
				base = boot_ram[i].base + boot_ram[i].bytes;
	return base >= end;
}

void ram_check(void)
{
	uint64_t total = 0;

	for (uint16_t i = 0; i < mullion_system.ram_count; i++) {
		const struct mullion_ram *ram = &mullion_system.ram[i];

		if (!is_ram(ram))
			refuse("memory from %x to %x is not RAM here; give the machine more memory "
			       "(QEMU: -m) or describe less",
				ram->base, ram->base + ram->bytes - 1);
		total += ram->bytes;
	}
	console_print("RAM:    %u KiB used, in %u stretches\n", total / 1024,
		(uint64_t)mullion_system.ram_count);
}
