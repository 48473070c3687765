/*
 * Memory that is not the partition's: every page around its own, the holes and devices of a PC, the
 * kernel's physical addresses (which are its own memory here), and the rights of every shared page.
 *
 * Each is read, written and executed. What does not exist is #GP, as on-memory-violation = "inject"
 * says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/info.h>

#include "attacker.h"

#define RIGHT_READ    1u
#define RIGHT_WRITE   2u
#define RIGHT_EXECUTE 4u
#define PAGES_BEYOND  8u
#define PATTERN       0x5ec7e75a5a5a5a5aull
#define OPCODE_RET    0xc3u

static void read_page(const struct act *const act)
{
	const volatile uint64_t *const page = window_open(act->target);

	(void)*page;
	act_saw(1);
}

/* Where writing is allowed the old value goes back. */
static void write_page(const struct act *const act)
{
	volatile uint64_t *const page = window_open(act->target);
	const uint64_t before = act->operand & RIGHT_READ ? *page : 0;

	*page = PATTERN;
	act_saw(*page == PATTERN);
	*page = before;
}

/* Called as code; memory of our own gets a RET first. */
static void execute_page(const struct act *const act)
{
	uint8_t *const page = window_open(act->target);
	const uint8_t before = act->operand & RIGHT_READ ? *page : 0;

	if (act->operand & RIGHT_WRITE)
		*page = OPCODE_RET;
	__asm__ volatile("call *%0" ::"r"(page) : "memory");
	if (act->operand & RIGHT_WRITE)
		*page = before;
	act_saw(1);
}

static const struct {
	const char *verb;
	void (*attempt)(const struct act *act);
	unsigned right;
} accesses[] = {
	{ "reading", read_page, RIGHT_READ },
	{ "writing", write_page, RIGHT_WRITE },
	{ "executing", execute_page, RIGHT_EXECUTE },
};

/* All three accesses to one page, of which the partition has those rights. */
static void try_page(const char *const name, const uint64_t gpa, const unsigned rights)
{
	for (unsigned i = 0; i < COUNT_OF(accesses); i++) {
		const bool allowed = (rights & accesses[i].right) != 0;
		const struct act act = {
			.name = act_name(
				"%s_%s%s", accesses[i].verb, name, allowed ? "_is_its_right" : ""),
			.attempt = accesses[i].attempt,
			.target = gpa,
			.operand = rights,
			.vector = allowed ? CATCH_NONE : VECTOR_GP,
			.result = allowed ? 1 : 0,
		};

		act_perform(&act);
	}
}

static void try_beyond(void)
{
	const uint64_t end = info_get()->memory_bytes;
	char name[ACT_NAME];

	for (unsigned i = 0; i < PAGES_BEYOND; i++) {
		snprintf(name, sizeof(name), "page_%u_beyond_memory", i);
		try_page(name, end + i * PAGE_BYTES, 0);
	}
	for (unsigned shift = 20; shift < 31; shift += 2) {
		snprintf(name, sizeof(name), "the_page_%u_KiB_beyond_memory", 1u << (shift - 10));
		try_page(name, end + (1ull << shift), 0);
	}
}

/* Physical addresses of a PC at which a partition has nothing. */
static const struct {
	const char *name;
	uint64_t gpa;
} devices[] = {
	{ "the_pci_configuration_window", 0xb0000000 },
	{ "the_last_page_of_the_pci_configuration_window", 0xbffff000 },
	{ "the_first_pci_memory_window", 0xc0000000 },
	{ "a_graphics_frame_buffer", 0xd0000000 },
	{ "the_configuration_window_of_other_boards", 0xe0000000 },
	{ "the_start_of_the_hole", 0xf0000000 },
	{ "the_page_below_the_info_page", 0xfbfff000 },
	{ "a_pci_bar", 0xfeb00000 },
	{ "the_page_below_the_ioapic", 0xfebff000 },
	{ "the_ioapic", 0xfec00000 },
	{ "the_second_ioapic", 0xfec10000 },
	{ "the_hpet", 0xfed00000 },
	{ "the_root_complex_registers", 0xfed1c000 },
	{ "the_tpm", 0xfed40000 },
	{ "the_tpm_at_another_locality", 0xfed44000 },
	{ "the_amd_iommu", 0xfed80000 },
	{ "the_intel_iommu", 0xfed90000 },
	{ "the_second_intel_iommu", 0xfed91000 },
	{ "the_page_below_the_local_apic", 0xfedff000 },
	{ "the_page_above_the_local_apic", 0xfee01000 },
	{ "the_interrupt_messages_of_another_cpu", 0xfee02000 },
	{ "the_last_page_of_interrupt_messages", 0xfeeff000 },
	{ "the_management_engine", 0xfef00000 },
	{ "the_flash", 0xffc00000 },
	{ "the_bios_in_flash", 0xfffc0000 },
	{ "the_reset_vector", 0xfffff000 },
};

/* Where a PC, or Mullion's kernel, has something, and a partition plain memory of its own. */
static const struct {
	const char *name;
	uint64_t gpa;
} own[] = {
	{ "page_0", 0 },
	{ "the_page_of_the_trampoline", 0x8000 },
	{ "the_vga_window", 0xa0000 },
	{ "the_text_screen", 0xb8000 },
	{ "the_option_roms", 0xc0000 },
	{ "the_bios_shadow", 0xf0000 },
	{ "the_consoles_physical_address", 0x100000 },
	{ "the_kernels_text_address", 0x200000 },
	{ "the_kernels_tables_address", 0x400000 },
	{ "the_kernels_data_address", 0x600000 },
	{ "the_kernels_last_address", 0x7ff000 },
};

/* Filled through two addresses at once, a page of ours is the same memory; the kernel's is not. */
static void own_alias(const struct act *const act)
{
	volatile uint64_t *const direct = (volatile uint64_t *)(uintptr_t)act->target;
	volatile uint64_t *const window = window_open(act->target);
	const uint64_t before = *direct;

	*window = PATTERN;
	act_saw(*direct == PATTERN);
	*direct = before;
}

static void try_own(void)
{
	for (unsigned i = 0; i < COUNT_OF(own); i++)
		try_page(own[i].name, own[i].gpa, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
	for (unsigned i = 1; i < COUNT_OF(own); i++) {
		const struct act act = {
			.name = act_name("%s_holds_what_the_partition_wrote", own[i].name),
			.attempt = own_alias,
			.target = own[i].gpa,
			RETURNS(1),
		};

		act_perform(&act);
	}
	try_page("the_last_page_of_memory", info_get()->memory_bytes - PAGE_BYTES,
		RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
}

/* The SDK's image lies there: its first instructions, not the kernel's. */
static void own_code(const struct act *const act)
{
	static const uint8_t start32[4] = { 0xfa, 0xfc, 0x89, 0xdf }; /* cli; cld; mov %ebx, %edi */

	act_saw(memcmp(window_open(act->target), start32, sizeof(start32)) == 0);
}

static const char *kind_name(const struct mullion_region *const region)
{
	static const char *const names[] = { [MULLION_REGION_TIME] = "the_time_page",
		[MULLION_REGION_CONSOLE] = "the_console",
		[MULLION_REGION_LOG] = "the_kernels_log",
		[MULLION_REGION_TRACE] = "the_trace",
		[MULLION_REGION_SAMPLING] = "the_sampling_channel",
		[MULLION_REGION_QUEUING] = "the_queuing_channel",
		[MULLION_REGION_QUEUING_READER] = "the_readers_page_of_the_queuing_channel",
		[MULLION_REGION_STATUS] = "the_status_page",
		[MULLION_REGION_NODE] = "the_nodes_page",
		[MULLION_REGION_WATCHDOG] = "the_watchdogs_page",
		[MULLION_REGION_EXCHANGE] = "the_exchange_page",
		[MULLION_REGION_JOURNAL] = "the_journal",
		[MULLION_REGION_CHANNEL] = "the_channel_of_others",
		[MULLION_REGION_CHANNEL_READER] = "the_readers_page_of_the_channel_of_others",
		[MULLION_REGION_LOCKS] = "the_lock_tables",
		[MULLION_REGION_RDMA] = "the_rdma_table",
		[MULLION_REGION_AREA] = "the_area_of_an_rdma_client" };

	return region->kind < COUNT_OF(names) ? names[region->kind] : "an_unknown_page";
}

static void try_regions(void)
{
	const struct mullion_info *const info = info_get();
	uint64_t end = MULLION_SHARED_GPA;
	char name[ACT_NAME];

	try_page("the_info_page", MULLION_INFO_GPA, RIGHT_READ);
	try_page("the_start_page", MULLION_START_GPA, RIGHT_READ);
	for (unsigned i = 0; i < info->regions_count; i++) {
		const struct mullion_region *const r = &info->regions[i];

		snprintf(name, sizeof(name), "%s_%s", kind_name(r), r->name);
		try_page(name, r->gpa, RIGHT_READ | (r->access & MULLION_WRITE ? RIGHT_WRITE : 0));
		end = r->gpa + r->bytes;
	}
	for (unsigned i = 0; i < PAGES_BEYOND; i++) {
		snprintf(name, sizeof(name), "page_%u_beyond_the_shared_pages", i);
		try_page(name, end + i * PAGE_BYTES, 0);
	}
}

void acts_memory(void)
{
	struct act code = { .name = "at_the_kernels_address_lies_the_partitions_own_code",
		.attempt = own_code,
		.target = 0x200000,
		RETURNS(1) };

	try_beyond();
	for (unsigned i = 0; i < COUNT_OF(devices); i++)
		try_page(devices[i].name, devices[i].gpa, 0);
	act_perform(&code);
	try_own();
	code.name = "and_still_does_when_all_of_it_was_written";
	act_perform(&code);
	try_regions();
}
