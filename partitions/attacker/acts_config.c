/*
 * Configuration space: every register of the partition's own function and of all others, in every width, and
 * the two ports themselves.
 *
 * What is the owner's to switch goes back to what it was after each act; then every register must read as
 * before it. docs/devices.md says what may change: bus mastering, the enable bits of messages, a BAR while
 * its size is asked for. PCI Local Bus 3.0, 3.2.2.3.2 and chapter 6.
 */
#include <stddef.h>

#include "attacker.h"
#include "device.h"

#define BUSES         256u
#define DEVICES       32u
#define FUNCTIONS     8u
#define ONES          0xffffffffu
#define COMMAND       0x04u
#define BAR0          0x10u
#define BAR1          0x14u
#define EXPANSION_ROM 0x30u
#define ELSEWHERE     0xe0100000u /* where the board's disk has its registers */
#define BDF(d, f)     ((d) << 3 | (f))

static uint32_t before[CONFIG_DWORDS];

static void select_register(const unsigned bdf, const unsigned offset)
{
	port_write32(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | offset);
}

static uint32_t config_read(const unsigned bdf, const unsigned offset)
{
	select_register(bdf, offset);
	return port_read32(CONFIG_DATA);
}

static void config_write(const unsigned bdf, const unsigned offset, const uint32_t value)
{
	select_register(bdf, offset);
	port_write32(CONFIG_DATA, value);
}

static unsigned own(void)
{
	return device()->function.bdf;
}

static void remember(void)
{
	for (unsigned i = 0; i < CONFIG_DWORDS; i++)
		before[i] = config_read(own(), 4 * i);
}

static unsigned changed(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CONFIG_DWORDS; i++)
		count += config_read(own(), 4 * i) != before[i];
	return count;
}

/* act->target: the register; act->operand: value, and in its upper half the width. */
static void write_own(const struct act *const act)
{
	const unsigned offset = (unsigned)act->target, width = (unsigned)(act->operand >> 32);
	const uint32_t value = (uint32_t)act->operand;

	remember();
	select_register(own(), offset);
	for (unsigned byte = 0; byte < 4; byte += width)
		if (width == 4)
			port_write32(CONFIG_DATA, value);
		else if (width == 2)
			__asm__ volatile("outw %0, %1" ::"a"((uint16_t)value),
				"Nd"((uint16_t)(CONFIG_DATA + byte)));
		else
			port_write8((uint16_t)(CONFIG_DATA + byte), (uint8_t)value);
	config_write(own(), offset, before[offset / 4]);
	act_saw(changed());
}

static void try_own(void)
{
	static const struct {
		const char *name;
		uint32_t value;
		unsigned width;
	} ways[] = { { "ones", ONES, 4 }, { "zeros", 0, 4 }, { "ones_as_words", ONES, 2 },
		{ "zeros_as_bytes", 0, 1 } };

	for (unsigned i = 0; i < CONFIG_DWORDS; i++)
		for (unsigned w = 0; w < COUNT_OF(ways); w++) {
			const struct act act = { .name = act_name("%s_over_its_own_register_%02xh",
							 ways[w].name, 4 * i),
				.attempt = write_own,
				.target = 4 * i,
				.operand = (uint64_t)ways[w].width << 32 | ways[w].value,
				RETURNS(0) };

			act_perform(&act);
		}
}

/* How many registers of a device that is not the partition's answered, before and after they were written. */
static void touch_foreign(const struct act *const act)
{
	unsigned answers = 0;

	for (unsigned f = 0; f < FUNCTIONS; f++)
		for (unsigned i = 0; i < CONFIG_DWORDS; i++) {
			const unsigned bdf = BDF((unsigned)act->target, f);

			if (bdf == own())
				continue;
			answers += config_read(bdf, 4 * i) != ONES;
			config_write(bdf, 4 * i, (uint32_t)act->operand);
			answers += config_read(bdf, 4 * i) != ONES;
		}
	act_saw(answers);
}

static void try_foreign(void)
{
	for (unsigned d = 0; d < DEVICES; d++) {
		struct act act = { .name = act_name("ones_over_all_registers_of_device_%u", d),
			.attempt = touch_foreign,
			.target = d,
			.operand = ONES,
			RETURNS(0) };

		act_perform(&act);
		act.name = act_name("zeros_over_all_registers_of_device_%u", d);
		act.operand = 0;
		act_perform(&act);
	}
}

static void other_buses(const struct act *const act)
{
	unsigned answers = 0;

	for (unsigned bus = 1; bus < BUSES; bus++)
		for (unsigned d = 0; d < DEVICES; d++)
			answers += config_read(bus << 8 | BDF(d, 0), (unsigned)act->target) != ONES;
	act_saw(answers);
}

/* The BAR reads as it did, and the device answers where it did. */
static void move_bar(const struct act *const act)
{
	const uint32_t old = config_read(own(), (unsigned)act->target);
	uint32_t result;

	config_write(own(), (unsigned)act->target, (uint32_t)act->operand);
	result = config_read(own(), (unsigned)act->target) != old;
	result |= (*(volatile uint32_t *)window_open(device_bar()) & 0xffff) != 0xed;
	config_write(own(), (unsigned)act->target, old);
	act_saw(result);
}

/* The switches of the command register that are not the owner's: I/O, memory, parity, SERR, INTx. */
static void command_bit(const struct act *const act)
{
	const uint32_t old = config_read(own(), COMMAND);

	config_write(own(), COMMAND, old ^ (uint32_t)act->operand);
	act_saw((config_read(own(), COMMAND) ^ old) & 0xffff);
	config_write(own(), COMMAND, old);
}

static void try_command(void)
{
	for (unsigned bit = 0; bit < 16; bit++) {
		const struct act act = { .name = act_name(
						 "bit_%u_of_its_command_register_stays", bit),
			.attempt = command_bit,
			.operand = 1ull << bit,
			RETURNS(0) };

		if (bit != 2)
			act_perform(&act);
	}
}

static void address_byte(const struct act *const act)
{
	select_register(own(), 0);
	port_write8((uint16_t)act->target, (uint8_t)act->operand);
	act_saw(port_read32(CONFIG_ADDRESS) ^ (CONFIG_ENABLE | own() << 8));
}

static void disabled(const struct act *const act)
{
	port_write32(CONFIG_ADDRESS, own() << 8 | (uint32_t)act->target);
	act_saw(port_read32(CONFIG_DATA) ^ ONES);
}

static void address_bits(const struct act *const act)
{
	port_write32(CONFIG_ADDRESS, CONFIG_ENABLE | own() << 8 | (uint32_t)act->operand);
	act_saw(port_read32(CONFIG_DATA) ^ config_read(own(), 0));
}

static void across_the_data_port(const struct act *const act)
{
	uint32_t value;

	select_register(own(), 0);
	__asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"((uint16_t)act->target));
	act_saw(value ^ ONES);
}

static void data_string(const struct act *const act)
{
	static uint32_t buffer[4];
	void *to = buffer;
	uint64_t count = 4;

	select_register(own(), (unsigned)act->target);
	__asm__ volatile("cld; rep insl" : "+D"(to), "+c"(count) : "d"(CONFIG_DATA) : "memory");
	act_saw(buffer[0] | buffer[1] | buffer[2] | buffer[3]);
}

static const struct act acts[] = {
	{ "its_bar_is_not_moved_over_another_devices", move_bar, BAR0, ELSEWHERE, RETURNS(0) },
	{ "its_bar_is_not_moved_over_memory", move_bar, BAR0, 0x200000, RETURNS(0) },
	{ "its_bar_is_not_moved_over_the_iommu", move_bar, BAR0, 0xfed90000, RETURNS(0) },
	{ "its_bar_is_not_moved_over_interrupt_messages", move_bar, BAR0, 0xfee00000, RETURNS(0) },
	{ "its_bar_is_not_moved_to_0", move_bar, BAR0, 0, RETURNS(0) },
	{ "no_bar_appears_where_there_is_none", move_bar, BAR1, ELSEWHERE, RETURNS(0) },
	{ "no_expansion_rom_appears", move_bar, EXPANSION_ROM, ELSEWHERE | 1, RETURNS(0) },
	{ "the_address_port_is_not_written_by_bytes", address_byte, CONFIG_ADDRESS, 0xff,
		RETURNS(0) },
	{ "the_reset_port_within_the_address_port_resets_nothing", address_byte, 0xcf9, 0x06,
		RETURNS(0) },
	{ "a_register_is_not_read_without_the_enable_bit", disabled, 0, 0, RETURNS(0) },
	{ "reserved_bits_of_the_address_select_nothing_else", address_bits, 0, 0x7f000003,
		RETURNS(0) },
	{ "a_read_across_the_start_of_the_data_port", across_the_data_port, CONFIG_DATA - 2, 0,
		RETURNS(0) },
	{ "a_read_across_the_end_of_the_data_port", across_the_data_port, CONFIG_DATA + 2, 0,
		RETURNS(0) },
	{ "a_string_from_the_data_port", data_string, 0, 0, RETURNS(0) },
};

void acts_config(void)
{
	static const struct act longest = { "no_bus_but_the_first_has_functions", other_buses, 0, 0,
		RETURNS(0) };

	if (device() == NULL)
		return;
	act_perform_all(acts, COUNT_OF(acts));
	try_own();
	try_foreign();
	try_command();
	act_perform(&longest);
}
