/*
 * Registers by plain reads and writes: those of IOMMUs, of other devices, of memory-mapped configuration space,
 * and of its own device where the board has them; and around its own BAR.
 *
 * The partition's BAR is where its configuration space says, and nowhere else. Everything else is no memory:
 * #GP, as on-memory-violation = "inject" says.
 */
#include <stdio.h>

#include <stddef.h>

#include "attacker.h"
#include "device.h"

#define BAR_BYTES 0x100000ull
#define BAR_FIRST 0xf0000000ull /* where compilers place BARs: docs/devices.md */
#define BAR_END   0xfc000000ull
#define IDENTITY  0xedu

static void read_register(const struct act *const act)
{
	act_saw(*(volatile uint32_t *)window_open(act->target));
}

static void write_register(const struct act *const act)
{
	*(volatile uint32_t *)window_open(act->target) = (uint32_t)act->operand;
}

static void call_register(const struct act *const act)
{
	__asm__ volatile("call *%0" ::"r"(window_open(act->target)) : "memory");
}

/* Of all three, and with ones and zeros. */
static void try_place(const char *const name, const uint64_t gpa)
{
	struct act act = { .name = act_name("loading_from_%s", name),
		.attempt = read_register,
		.target = gpa,
		FAULTS(VECTOR_GP) };

	act_perform(&act);
	act.attempt = write_register;
	act.name = act_name("zeros_over_%s", name);
	act_perform(&act);
	act.operand = ~0ull;
	act.name = act_name("ones_over_%s", name);
	act_perform(&act);
	act.attempt = call_register;
	act.name = act_name("calling_%s", name);
	act_perform(&act);
}

static const struct {
	const char *name;
	uint64_t gpa;
} places[] = {
	{ "the_version_of_the_intel_iommu", 0xfed90000 },
	{ "the_command_of_the_intel_iommu", 0xfed90018 },
	{ "the_root_table_of_the_intel_iommu", 0xfed90020 },
	{ "the_fault_status_of_the_intel_iommu", 0xfed90034 },
	{ "the_queue_of_the_intel_iommu", 0xfed90090 },
	{ "the_remapping_table_of_the_intel_iommu", 0xfed900b8 },
	{ "the_fault_records_of_the_intel_iommu", 0xfed90220 },
	{ "the_device_table_of_the_amd_iommu", 0xfed80000 },
	{ "the_commands_of_the_amd_iommu", 0xfed80008 },
	{ "the_control_of_the_amd_iommu", 0xfed80018 },
	{ "the_command_tail_of_the_amd_iommu", 0xfed82008 },
	{ "the_event_tail_of_the_amd_iommu", 0xfed82018 },
	{ "the_host_bridges_mapped_configuration", 0xb0000000 },
	{ "its_own_mapped_configuration", 0xb0020000 },
	{ "its_own_mapped_messages", 0xb0020040 },
	{ "the_disks_mapped_configuration", 0xb0028000 },
	{ "the_first_network_cards_mapped_configuration", 0xb0030000 },
	{ "the_second_network_cards_mapped_configuration", 0xb0038000 },
	{ "the_isa_bridges_mapped_configuration", 0xb00f8000 },
	{ "the_mapped_configuration_of_the_last_bus", 0xbff00000 },
	{ "its_own_registers_where_the_board_has_them", 0xe0000000 },
	{ "the_disks_registers", 0xe0100000 },
	{ "the_disks_doorbells", 0xe0101000 },
	{ "the_disks_messages", 0xe0102000 },
	{ "the_first_network_cards_messages", 0xe0200000 },
	{ "the_first_network_cards_registers", 0xe0204000 },
	{ "the_second_network_cards_messages", 0xe0300000 },
	{ "the_second_network_cards_registers", 0xe0304000 },
	{ "registers_where_firmware_had_placed_its_own", 0xfea00000 },
	{ "registers_where_firmware_had_placed_the_disks", 0xfeb80000 },
};

/* Its own BAR is readable and writable, and no code. */
static void read_identity(const struct act *const act)
{
	act_saw(*(volatile uint32_t *)window_open(device_bar() + act->target) & 0xff);
}

static void call_bar(const struct act *const act)
{
	__asm__ volatile("call *%0" ::"r"(window_open(device_bar() + act->target)) : "memory");
}

static void liveness(const struct act *const act)
{
	volatile uint32_t *const reg = window_open(device_bar() + 4);

	*reg = (uint32_t)act->operand;
	act_saw(*reg);
}

static void try_bar(void)
{
	const uint64_t bar = device_bar();
	const struct act acts[] = {
		{ "its_own_registers_are_read", read_identity, 0, 0, RETURNS(IDENTITY) },
		{ "its_own_registers_are_written", liveness, 0, 0x12345678, RETURNS(0xedcba987) },
		{ "its_own_registers_are_not_code", call_bar, 0, 0, FAULTS(VECTOR_GP) },
		{ "its_own_registers_are_not_code_at_their_end", call_bar, BAR_BYTES - PAGE_BYTES,
			0, FAULTS(VECTOR_GP) },
	};

	act_perform_all(acts, COUNT_OF(acts));
	try_place("the_page_beyond_its_own_registers", bar + BAR_BYTES);
	if (bar > BAR_FIRST)
		try_place("the_page_below_its_own_registers", bar - PAGE_BYTES);
	try_place("the_last_page_below_the_info_page", BAR_END - PAGE_BYTES);
}

void acts_registers(void)
{
	if (device() == NULL)
		return;
	for (unsigned i = 0; i < COUNT_OF(places); i++)
		try_place(places[i].name, places[i].gpa);
	try_bar();
}
