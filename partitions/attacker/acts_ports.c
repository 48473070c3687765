/*
 * Every port that is not the partition's: device by device in all three widths, then all 65,536; writes
 * that would reset, switch off or interrupt a PC; accesses across the end of what was granted; strings.
 *
 * With on-port-violation = "log" nothing answers: reads are all ones, writes vanish.
 */
#include <mullion/info.h>

#include "attacker.h"

#define PORTS      0x10000u
#define UART_FIRST 0x3f8u
#define UART_LAST  0x3ffu
#define WIDTH_8    1u
#define WIDTH_16   2u
#define WIDTH_32   4u
#define HOSTILE    0xa5u

static bool granted(const uint32_t port)
{
	const uint32_t first = info_get()->uart_port;

	return first != 0 && port >= first && port < first + 8;
}

static uint64_t read_width(const uint16_t port, const unsigned width)
{
	switch (width) {
	case WIDTH_8:
		return port_read8(port) ^ 0xffu;
	case WIDTH_16:
		return port_read16(port) ^ 0xffffu;
	default:
		return port_read32(port) ^ 0xffffffffu;
	}
}

/* How many reads from `target` on, `operand` bytes wide, up to the port in its upper half, were not all
 * ones. */
static void read_ports(const struct act *const act)
{
	const unsigned width = act->operand & 0xff;
	const uint32_t last = (uint32_t)(act->operand >> 32);
	uint64_t answers = 0;

	for (uint32_t port = (uint32_t)act->target; port <= last; port++)
		if (!granted(port) && !(width > 1 && granted(port + width - 1)))
			answers += read_width((uint16_t)port, width) != 0;
	act_saw(answers);
}

static void write_ports(const struct act *const act)
{
	for (uint32_t port = (uint32_t)act->target; port <= act->operand >> 32; port++)
		if (!granted(port))
			port_write8((uint16_t)port, HOSTILE);
}

static const struct {
	const char *name;
	uint16_t first, last;
} devices[] = {
	{ "the_dma_controller", 0x00, 0x0f },
	{ "the_interrupt_controller", 0x20, 0x21 },
	{ "the_configuration_port_of_a_super_io", 0x2e, 0x2f },
	{ "the_interval_timer", 0x40, 0x43 },
	{ "the_embedded_controllers_port", 0x4e, 0x4f },
	{ "the_keyboard_controller", 0x60, 0x64 },
	{ "the_clock_and_nmi_mask", 0x70, 0x77 },
	{ "the_post_code", 0x80, 0x80 },
	{ "the_dma_page_registers", 0x81, 0x8f },
	{ "the_a20_gate", 0x92, 0x92 },
	{ "the_second_interrupt_controller", 0xa0, 0xa1 },
	{ "the_system_management_interrupt", 0xb2, 0xb3 },
	{ "the_second_dma_controller", 0xc0, 0xdf },
	{ "the_debug_console", 0xe9, 0xe9 },
	{ "the_coprocessor_error", 0xf0, 0xf0 },
	{ "the_debug_exit", 0xf4, 0xf7 },
	{ "the_second_disk_controller", 0x170, 0x177 },
	{ "the_disk_controller", 0x1f0, 0x1f7 },
	{ "the_game_port", 0x201, 0x201 },
	{ "the_third_serial_line", 0x2e8, 0x2ef },
	{ "the_second_serial_line", 0x2f8, 0x2ff },
	{ "the_parallel_port", 0x378, 0x37f },
	{ "the_graphics_registers", 0x3b0, 0x3df },
	{ "the_floppy_controller", 0x3f0, 0x3f7 },
	{ "the_level_trigger_control", 0x4d0, 0x4d1 },
	{ "the_firmware_configuration", 0x510, 0x51b },
	{ "acpi_power_management", 0x600, 0x67f },
	{ "acpi_power_management_of_other_boards", 0xb000, 0xb03f },
	{ "acpi_cpu_hotplug", 0xcd8, 0xce3 },
	{ "pci_configuration", 0xcf8, 0xcff },
	{ "the_system_management_bus", 0x700, 0x73f },
	{ "the_first_pci_port_window", 0xc000, 0xc0ff },
	{ "the_paravirtual_port_of_other_hypervisors", 0x5658, 0x5659 },
};

static void try_width(const unsigned i, const unsigned width)
{
	const struct act act = { .name = act_name("reading_%s_%u_bits_at_a_time", devices[i].name,
					 width * 8),
		.attempt = read_ports,
		.target = devices[i].first,
		.operand = (uint64_t)devices[i].last << 32 | width,
		RETURNS(0) };

	act_perform(&act);
}

static void try_write(const unsigned i)
{
	const struct act act = { .name = act_name("writing_%s", devices[i].name),
		.attempt = write_ports,
		.target = devices[i].first,
		.operand = (uint64_t)devices[i].last << 32,
		RETURNS(0) };

	act_perform(&act);
}

static void try_devices(void)
{
	for (unsigned i = 0; i < COUNT_OF(devices); i++) {
		try_width(i, WIDTH_8);
		try_width(i, WIDTH_16);
		try_width(i, WIDTH_32);
		try_write(i);
	}
}

static void write8(const struct act *const act)
{
	port_write8((uint16_t)act->target, (uint8_t)act->operand);
}

static void write16(const struct act *const act)
{
	__asm__ volatile("outw %0, %1" ::"a"((uint16_t)act->operand), "Nd"((uint16_t)act->target));
}

static void write32(const struct act *const act)
{
	port_write32((uint16_t)act->target, (uint32_t)act->operand);
}

/* An address cycle and a data cycle, as a driver does it: what would have been read is all ones. */
static void configure(const struct act *const act)
{
	port_write32(0xcf8, (uint32_t)act->target);
	port_write32(0xcfc, (uint32_t)act->operand);
	act_saw(port_read32(0xcfc));
}

static const struct act writes[] = {
	{ "the_debug_exit_ends_nothing", write8, 0xf4, 0x10, RETURNS(0) },
	{ "the_debug_exit_in_32_bits_ends_nothing", write32, 0xf4, 0x11, RETURNS(0) },
	{ "the_debug_exit_from_the_port_before_ends_nothing", write32, 0xf1, 0x10101010,
		RETURNS(0) },
	{ "the_debug_console_prints_nothing", write8, 0xe9, '!', RETURNS(0) },
	{ "the_keyboard_controller_resets_nothing", write8, 0x64, 0xfe, RETURNS(0) },
	{ "the_a20_gate_resets_nothing", write8, 0x92, 0x01, RETURNS(0) },
	{ "the_reset_control_resets_nothing", write8, 0xcf9, 0x06, RETURNS(0) },
	{ "acpi_switches_nothing_off", write16, 0x604, 0x2000, RETURNS(0) },
	{ "acpi_of_other_boards_switches_nothing_off", write16, 0xb004, 0x2000, RETURNS(0) },
	{ "no_system_management_interrupt_by_port", write8, 0xb2, 0x01, RETURNS(0) },
	{ "the_interval_timer_keeps_its_rate", write8, 0x43, 0x34, RETURNS(0) },
	{ "the_interval_timer_gets_no_count", write8, 0x40, 0x01, RETURNS(0) },
	{ "the_interrupt_controller_is_not_programmed", write8, 0x20, 0x11, RETURNS(0) },
	{ "no_interrupt_is_unmasked", write8, 0x21, 0x00, RETURNS(0) },
	{ "no_nmi_is_unmasked", write8, 0x70, 0x00, RETURNS(0) },
	{ "no_dma_is_begun", write8, 0x0a, 0x00, RETURNS(0) },
	{ "the_host_bridge_is_not_configured", configure, 0x80000000, ~0ull, RETURNS(0xffffffff) },
	{ "the_isa_bridge_is_not_configured", configure, 0x8000f8f0, 0xfed1c001,
		RETURNS(0xffffffff) },
	{ "no_device_masters_the_bus", configure, 0x80001004, 0x7, RETURNS(0xffffffff) },
};

static void read_one(const struct act *const act)
{
	act_saw(read_width((uint16_t)act->target, (unsigned)act->operand));
}

/* Across the end of the granted serial line, and of all ports. */
static const struct act overlaps[] = {
	{ "16_bits_from_before_the_granted_ports", read_one, UART_FIRST - 1, 2, RETURNS(0) },
	{ "32_bits_from_before_the_granted_ports", read_one, UART_FIRST - 1, 4, RETURNS(0) },
	{ "32_bits_ending_in_the_granted_ports", read_one, UART_FIRST - 3, 4, RETURNS(0) },
	{ "16_bits_beyond_the_granted_ports", read_one, UART_LAST, 2, RETURNS(0) },
	{ "32_bits_beyond_the_granted_ports", read_one, UART_LAST, 4, RETURNS(0) },
	{ "32_bits_with_one_beyond_the_granted_ports", read_one, UART_LAST - 2, 4, RETURNS(0) },
	{ "writing_16_bits_beyond_the_granted_ports", write16, UART_LAST, 0x1000, RETURNS(0) },
	{ "writing_32_bits_before_the_granted_ports", write32, UART_FIRST - 3, 0, RETURNS(0) },
	{ "16_bits_at_the_last_port", read_one, 0xffff, 2, RETURNS(0) },
	{ "32_bits_at_the_last_port", read_one, 0xffff, 4, RETURNS(0) },
	{ "32_bits_across_the_last_port", read_one, 0xfffd, 4, RETURNS(0) },
};

static uint8_t buffer[8];

/* How many of its bytes a string read changed. */
#define STRING(name, text)                                                                         \
	static void string_##name(const struct act *const act)                                     \
	{                                                                                          \
		uint64_t to = (uintptr_t)buffer, from = to, count = 2, changed = 0;                \
                                                                                                   \
		__asm__ volatile("cld; " text                                                      \
				 : "+D"(to), "+S"(from), "+c"(count)                               \
				 : "d"((uint16_t)act->target)                                      \
				 : "memory");                                                      \
		for (unsigned i = 0; i < sizeof(buffer); i++)                                      \
			changed += buffer[i] != 0;                                                 \
		act_saw(changed);                                                                  \
	}
STRING(in_8, "insb")
STRING(in_16, "insw")
STRING(in_32, "insl")
STRING(in_many, "rep insb")
STRING(out_8, "outsb")
STRING(out_16, "outsw")
STRING(out_32, "outsl")
STRING(out_many, "rep outsb")

static const struct act strings[] = {
	{ "a_string_of_bytes_is_not_read", string_in_8, 0x60, 0, RETURNS(0) },
	{ "a_string_of_words_is_not_read", string_in_16, 0x1f0, 0, RETURNS(0) },
	{ "a_string_of_doublewords_is_not_read", string_in_32, 0xcfc, 0, RETURNS(0) },
	{ "a_repeated_string_is_not_read", string_in_many, 0x511, 0, RETURNS(0) },
	{ "a_string_of_bytes_is_not_written", string_out_8, 0xf4, 0, RETURNS(0) },
	{ "a_string_of_words_is_not_written", string_out_16, 0x604, 0, RETURNS(0) },
	{ "a_string_of_doublewords_is_not_written", string_out_32, 0xcf8, 0, RETURNS(0) },
	{ "a_repeated_string_is_not_written", string_out_many, 0xe9, 0, RETURNS(0) },
	{ "a_string_across_the_granted_ports_is_not_read", string_in_16, UART_LAST, 0, RETURNS(0) },
};

void acts_ports(void)
{
	const struct act every = { .name = "every_port_that_was_not_granted",
		.attempt = read_ports,
		.operand = (uint64_t)(PORTS - 1) << 32 | WIDTH_8,
		RETURNS(0) };

	try_devices();
	act_perform_all(writes, COUNT_OF(writes));
	act_perform_all(overlaps, COUNT_OF(overlaps));
	act_perform_all(strings, COUNT_OF(strings));
	act_perform(&every);
}
