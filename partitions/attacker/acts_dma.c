/*
 * DMA by the partition's own device, in both directions, into everything that is not the partition's memory: beyond
 * it, at the kernel's physical addresses, shared and constant pages, registers of every kind.
 *
 * Device addresses are guest-physical: at an address of the kernel's, the device meets the partition's own memory, and
 * the first acts show that. Of the others nothing arrives: what the device reads abroad does not come back, what it
 * writes abroad is nowhere. The partition can only see the pages it may read; the host looks for the poison in
 * the whole of RAM (verification/system/attacker-devices.t). After the first violation an IOMMU that tells
 * of faults has the device off the bus, and the later acts show that it stays there.
 */
#include <stdio.h>
#include <string.h>

#include <mullion/info.h>

#include "attacker.h"
#include "device.h"

#define BYTES   64u
#define PATTERN 0x3c
#define MIB     (1ull << 20)
#define GIB     (1ull << 30)

/* Looked for by the host, in all of RAM but the attacker's own memory. */
static const char poison[BYTES] __attribute__((aligned(BYTES))) =
	"MULLION-ATTACKER-DMA-POISON-0123456789-MULLION-ATTACKER-DMA-END";
static uint8_t page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

static uint64_t address_of(const volatile void *const memory)
{
	return (uintptr_t)memory;
}

/* Fills the device's buffer from memory of our own. */
static void load(const void *const bytes)
{
	memcpy(page, bytes, BYTES);
	device_transfer(EDU_FROM_MEMORY, address_of(page), BYTES);
}

/* How many bytes came back that are neither the pattern nor what nothing reads as. */
static unsigned leaked(void)
{
	unsigned count = 0;

	memset(page, PATTERN, BYTES);
	device_transfer(EDU_TO_MEMORY, address_of(page), BYTES);
	for (unsigned i = 0; i < BYTES; i++)
		count += page[i] != PATTERN && page[i] != 0x00 && page[i] != 0xff;
	return count;
}

static void read_abroad(const struct act *const act)
{
	memset(page, PATTERN, BYTES);
	device_transfer(EDU_FROM_MEMORY, address_of(page), BYTES);
	device_transfer(EDU_FROM_MEMORY, act->target, BYTES);
	act_saw(leaked());
}

static void write_abroad(const struct act *const act)
{
	load(poison);
	device_transfer(EDU_TO_MEMORY, act->target, BYTES);
	act_saw(0);
}

/* A page the partition can read: whether it changed. */
static void write_shared(const struct act *const act)
{
	uint8_t old[BYTES];
	const void *const shared = window_open(act->target);

	memcpy(old, shared, BYTES);
	load(poison);
	device_transfer(EDU_TO_MEMORY, act->target, BYTES);
	act_saw(memcmp(old, window_open(act->target), BYTES) != 0);
}

/* At an address that is the kernel's, physically, our own memory changes; the old bytes go back. */
static void write_own(const struct act *const act)
{
	uint8_t old[BYTES];

	load(poison);
	memcpy(old, window_open(act->target), BYTES);
	device_transfer(EDU_TO_MEMORY, act->target, BYTES);
	act_saw(memcmp(poison, window_open(act->target), BYTES) == 0);
	memcpy(window_open(act->target), old, BYTES);
}

/* What the device reads there is what the partition reads there. */
static void read_own(const struct act *const act)
{
	device_transfer(EDU_FROM_MEMORY, act->target, BYTES);
	memset(page, PATTERN, BYTES);
	device_transfer(EDU_TO_MEMORY, address_of(page), BYTES);
	act_saw(memcmp(page, window_open(act->target), BYTES) == 0);
}

static const struct act own[] = {
	{ "dma_reads_its_own_code_at_the_kernels_texts_address", read_own, 0x200000, 0,
		RETURNS(1) },
	{ "dma_reads_its_own_memory_at_the_kernels_tables_address", read_own, 0x400000, 0,
		RETURNS(1) },
	{ "dma_writes_its_own_memory_at_the_trampolines_address", write_own, 0x8000, 0,
		RETURNS(1) },
	{ "dma_writes_its_own_memory_at_the_consoles_address", write_own, 0x100000, 0, RETURNS(1) },
	{ "dma_writes_its_own_memory_at_the_kernels_tables_address", write_own, 0x480000, 0,
		RETURNS(1) },
	{ "dma_writes_its_own_memory_at_the_kernels_datas_address", write_own, 0x620000, 0,
		RETURNS(1) },
	{ "dma_writes_its_own_memory_at_a_neighbours_address", write_own, 0x800000, 0, RETURNS(1) },
};

static void try_both(const char *const name, const uint64_t gpa, const bool readable)
{
	struct act act = { .name = act_name("dma_reads_nothing_of_%s", name),
		.attempt = read_abroad,
		.target = gpa,
		RETURNS(0) };

	act_perform(&act);
	act.name = act_name("dma_writes_nothing_to_%s", name);
	act.attempt = readable ? write_shared : write_abroad;
	act_perform(&act);
}

static const struct {
	const char *name;
	uint64_t beyond;
} beyond[] = {
	{ "the_page_beyond_memory", 0 },
	{ "the_second_page_beyond_memory", PAGE_BYTES },
	{ "memory_1_MiB_beyond", MIB },
	{ "memory_2_MiB_beyond", 2 * MIB },
	{ "memory_8_MiB_beyond", 8 * MIB },
	{ "memory_16_MiB_beyond", 16 * MIB },
	{ "memory_64_MiB_beyond", 64 * MIB },
	{ "memory_256_MiB_beyond", 256 * MIB },
	{ "the_last_memory_of_the_machine", 480 * MIB },
};

static const struct {
	const char *name;
	uint64_t gpa;
} places[] = {
	{ "the_mapped_configuration_of_the_host_bridge", 0xb0000000 },
	{ "its_own_mapped_configuration", 0xb0020000 },
	{ "the_disks_mapped_configuration", 0xb0028000 },
	{ "its_own_registers_where_the_board_has_them", 0xe0000000 },
	{ "the_disks_registers", 0xe0100000 },
	{ "the_first_network_cards_messages", 0xe0200000 },
	{ "the_first_network_cards_registers", 0xe0204000 },
	{ "the_second_network_cards_registers", 0xe0304000 },
	{ "its_own_registers_where_it_sees_them", 0xf0000000 },
	{ "the_hole_below_the_info_page", 0xfbfff000 },
	{ "the_ioapic", 0xfec00000 },
	{ "the_hpet", 0xfed00000 },
	{ "the_amd_iommu", 0xfed80000 },
	{ "the_intel_iommu", 0xfed90000 },
	{ "the_flash", 0xfffc0000 },
	{ "4_GiB", 4 * GIB },
	{ "4_GiB_and_the_kernels_address", 4 * GIB + 0x200000 },
	{ "512_GiB", 512 * GIB },
	{ "the_last_page_of_48_bits", (1ull << 48) - PAGE_BYTES },
};

static void try_regions(void)
{
	const struct mullion_info *const info = info_get();
	char name[ACT_NAME];

	try_both("the_info_page", MULLION_INFO_GPA, true);
	try_both("the_start_page", MULLION_START_GPA, true);
	for (unsigned i = 0; i < info->regions_count; i++) {
		snprintf(name, sizeof(name), "shared_page_%u", i);
		try_both(name, info->regions[i].gpa, info->regions[i].kind != MULLION_REGION_TIME);
	}
}

/* The part at home may arrive; the part abroad may not. */
static void straddle(const struct act *const act)
{
	load(poison);
	device_transfer(EDU_TO_MEMORY, act->target, BYTES);
	memset(window_open(act->target), 0, BYTES / 2);
	act_saw(0);
}

void acts_dma(void)
{
	const uint64_t end = info_get()->memory_bytes;
	const struct act across = { "dma_across_the_end_of_memory", straddle, end - BYTES / 2, 0,
		RETURNS(0) };

	if (device() == NULL)
		return;
	act_perform_all(own, COUNT_OF(own));
	for (unsigned i = 0; i < COUNT_OF(beyond); i++)
		try_both(beyond[i].name, end + beyond[i].beyond, false);
	for (unsigned i = 0; i < COUNT_OF(places); i++)
		try_both(places[i].name, places[i].gpa, false);
	try_regions();
	act_perform(&across);
}
