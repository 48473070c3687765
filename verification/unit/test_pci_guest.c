/*
 * A partition's PCI functions through its ports and its pages: which registers answer, what reaches
 * the hardware, and that nothing else does.
 */
#include "unit.h"

#include <pci.h>
#include <pci_registers.h>

#define IN        1u
#define STRING    4u
#define ADDRESS   0xcf8u
#define DATA      0xcfcu
#define OWN       0x28u
#define ENABLE    0x80000000u
#define CAP       0x40u
#define CAP_MSI   0x50u
#define TABLE_GPA 0xf0002000u

static uint32_t hardware[2][64];
static uint32_t pages[1024]; /* the page with the message table */
static const struct decoded_mov *next_mov;

static const struct x86_config_register registers[64] = {
	[0] = { 0x00101b36, 0, X86_CONFIG_CONSTANT, 0 },
	[1] = { COMMAND_MEMORY | COMMAND_INTX_OFF, COMMAND_BUS_MASTER | 0xffff0000u,
		X86_CONFIG_COMMAND, 0 },
	[4] = { 0xf0000004, 0xffffc004, X86_CONFIG_BAR, 0 },
	[5] = { 0, 0xffffffff, X86_CONFIG_BAR, 1 },
	[CAP / 4] = { 0x00005011, 0xffff0000u, X86_CONFIG_MSIX, 0 },
	[CAP_MSI / 4] = { 0x00000005, 0xffff0000u, X86_CONFIG_MSI, 0 },
	[24] = { 0x12340000, 0x0000ffff, X86_CONFIG_CONSTANT, 0 },
};
static const struct x86_message messages[] = {
	{ 0xfee00010, 0, 1, 0xfee01000, 0x50 },
	{ 0, 0, 0, 0, 0 },
};
static struct x86_function functions[] = {
	{ .bdf = 0x20, .partition = 7, .registers = registers },
	{ .bdf = OWN,
		.partition = 1,
		.registers = registers,
		.messages_count = 2,
		.messages = messages,
		.table_gpa = TABLE_GPA,
		.table_bytes = 4096 },
};
struct x86_function_state system_functions[2];
static struct arch_system_tables system_tables = { .functions = functions, .functions_count = 2 };
const struct mullion_system mullion_system = { .arch = &system_tables };
static struct arch_vcpu_tables tables = { .first_function = 1, .functions_count = 1 };
static const struct mullion_vcpu config = { .arch = &tables };
static struct vcpu vcpu;

const struct decoded_mov *guest_mov(struct vcpu *of)
{
	assert_ptr_equal(of, &vcpu);
	return next_mov;
}

static int begin(void **state)
{
	(void)state;
	memset(hardware, 0, sizeof(hardware));
	memset(pages, 0, sizeof(pages));
	memset(system_functions, 0, sizeof(system_functions));
	for (unsigned f = 0; f < 2; f++)
		functions[f].config = (uintptr_t)hardware[f];
	functions[1].table_page = (uintptr_t)pages;
	functions[1].table = (uintptr_t)pages + 64;
	tables.functions_count = 1;
	vcpu = (struct vcpu){ .config = &config };
	return 0;
}

static uint64_t access_of(unsigned port, unsigned bytes, unsigned flags)
{
	return (uint64_t)port << 16 | bytes << 4 | flags;
}

static void out(unsigned port, unsigned bytes, uint32_t value)
{
	vcpu.arch.vmcb.rax = 0xabcd000000000000ull | value;
	assert_true(pci_port(&vcpu, access_of(port, bytes, 0)));
}

static uint64_t in(unsigned port, unsigned bytes)
{
	vcpu.arch.vmcb.rax = 0x1111111111111111ull;
	assert_true(pci_port(&vcpu, access_of(port, bytes, IN)));
	return vcpu.arch.vmcb.rax;
}

static void point(unsigned bdf, unsigned offset)
{
	out(ADDRESS, 4, ENABLE | bdf << 8 | offset);
}

static uint32_t config_in(unsigned offset)
{
	point(OWN, offset);
	return (uint32_t)in(DATA, 4);
}

static void config_out(unsigned offset, uint32_t value)
{
	point(OWN, offset);
	out(DATA, 4, value);
}

static void without_functions_the_ports_are_nobodys(void **state)
{
	(void)state;
	tables.functions_count = 0;
	assert_false(pci_port(&vcpu, access_of(ADDRESS, 4, 0)));
	assert_false(pci_port(&vcpu, access_of(DATA, 4, IN)));
}

static void narrow_addresses_strings_and_what_leaves_the_port_are_refused(void **state)
{
	(void)state;
	assert_false(pci_port(&vcpu, access_of(ADDRESS, 1, 0)));
	assert_false(pci_port(&vcpu, access_of(ADDRESS + 1, 1, 0)));
	assert_false(pci_port(&vcpu, access_of(ADDRESS + 2, 4, 0)));
	assert_false(pci_port(&vcpu, access_of(DATA, 4, STRING)));
	assert_false(pci_port(&vcpu, access_of(DATA + 1, 4, IN)));
	assert_false(pci_port(&vcpu, access_of(DATA + 3, 2, IN)));
}

static void its_own_function_answers(void **state)
{
	(void)state;
	assert_int_equal(config_in(0), 0x00101b36);
	assert_int_equal(in(ADDRESS, 4), ENABLE | OWN << 8);
}

static void every_other_slot_reads_as_empty_and_takes_nothing(void **state)
{
	(void)state;
	for (unsigned bdf = 0; bdf < 0x10000; bdf++) {
		if (bdf == OWN)
			continue;
		point(bdf, 4);
		assert_int_equal(in(DATA, 4), 0xffffffff);
		out(DATA, 4, 0xffffffff);
	}
	point(OWN, 4);
	out(ADDRESS, 4, OWN << 8 | 4); /* not enabled */
	out(DATA, 4, 0xffffffff);
	out(ADDRESS, 4, ENABLE | 1u << 24 | OWN << 8 | 4); /* extended: masked away */
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(hardware[0][i], 0);
	assert_int_equal(hardware[1][1], 0);
}

static void bytes_and_words_keep_the_rest_of_rax(void **state)
{
	(void)state;
	point(OWN, 0);
	assert_int_equal(in(DATA, 1), 0x1111111111111136ull);
	assert_int_equal(in(DATA + 1, 1), 0x111111111111111bull);
	assert_int_equal(in(DATA + 2, 2), 0x1111111111110010ull);
	assert_int_equal(in(DATA, 4), 0x00101b36ull);
}

static void bus_mastering_is_the_one_command_that_reaches_the_hardware(void **state)
{
	(void)state;
	config_out(4, 0xffffffff);
	assert_int_equal(hardware[1][1], COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_OFF);
	assert_int_equal(
		config_in(4) & 0xffff, COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_OFF);
	config_out(4, 0);
	assert_int_equal(hardware[1][1], COMMAND_MEMORY | COMMAND_INTX_OFF);
	point(OWN, 4);
	out(DATA, 1, COMMAND_BUS_MASTER); /* a byte of it */
	assert_int_equal(hardware[1][1], COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_OFF);
}

static void a_quarantined_function_stays_off_the_bus(void **state)
{
	(void)state;
	system_functions[1].quarantined = 1;
	config_out(4, COMMAND_BUS_MASTER);
	assert_int_equal(hardware[1][1], COMMAND_MEMORY | COMMAND_INTX_OFF);
}

static void a_bar_is_sized_and_stays_where_it_is(void **state)
{
	(void)state;
	assert_int_equal(config_in(0x10), 0xf0000004);
	config_out(0x10, 0xffffffff);
	config_out(0x14, 0xffffffff);
	assert_int_equal(config_in(0x10), 0xffffc004);
	assert_int_equal(config_in(0x14), 0xffffffff);
	config_out(0x10, 0xe0000000);
	config_out(0x14, 0);
	assert_int_equal(config_in(0x10), 0xf0000004);
	assert_int_equal(config_in(0x14), 0);
	assert_int_equal(hardware[1][4], 0);
	assert_int_equal(hardware[1][5], 0);
}

static void message_switches_reach_the_hardware_alone(void **state)
{
	(void)state;
	hardware[1][CAP / 4] = 0x00015011;
	config_out(CAP, 0xffffffff);
	assert_int_equal(hardware[1][CAP / 4], 0xc0015011);
	config_out(CAP, 0);
	assert_int_equal(hardware[1][CAP / 4], 0x00015011);
	hardware[1][CAP_MSI / 4] = 0x00800005;
	config_out(CAP_MSI, 0xffffffff);
	assert_int_equal(hardware[1][CAP_MSI / 4], 0x00810005);
}

static void constants_take_no_write(void **state)
{
	(void)state;
	hardware[1][24] = 0xaaaabbbb;
	assert_int_equal(config_in(96), 0x1234bbbb);
	for (unsigned offset = 0; offset < 256; offset += 4) {
		unsigned kind = registers[offset / 4].kind;

		if (kind != X86_CONFIG_CONSTANT)
			continue;
		config_out(offset, 0x5a5a5a5a);
		assert_int_equal(hardware[1][offset / 4], offset == 96 ? 0xaaaabbbb : 0);
	}
}

/* ---- The table of messages ---- */

static uint32_t load(uint64_t gpa)
{
	static const struct decoded_mov mov = { .length = 2, .reg = RCX };

	next_mov = &mov;
	vcpu.arch.gpr[RCX] = 0x1111111111111111ull;
	assert_true(pci_table(&vcpu, gpa));
	assert_true(vcpu.arch.gpr[RCX] <= UINT32_MAX);
	return (uint32_t)vcpu.arch.gpr[RCX];
}

static void store(uint64_t gpa, uint32_t value)
{
	struct decoded_mov mov = { .length = 7, .write = true, .immediate = true, .value = value };

	next_mov = &mov;
	vcpu.arch.vmcb.rip = 100;
	assert_true(pci_table(&vcpu, gpa));
	assert_int_equal(vcpu.arch.vmcb.rip, 107);
}

static void the_table_shows_what_was_granted(void **state)
{
	(void)state;
	pages[16 + MSIX_CONTROL] = MSIX_MASKED;
	assert_int_equal(load(TABLE_GPA + 64), 0xfee01000);
	assert_int_equal(load(TABLE_GPA + 68), 0);
	assert_int_equal(load(TABLE_GPA + 72), 0x50);
	assert_int_equal(load(TABLE_GPA + 76), MSIX_MASKED);
	assert_int_equal(load(TABLE_GPA + 80), 0);
	assert_int_equal(load(TABLE_GPA + 92), MSIX_MASKED);
}

static void the_mask_of_a_granted_message_is_all_that_can_be_written(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 4096; at += 4)
		store(TABLE_GPA + at, 0xfffffffe);
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(pages[i], 0);
	for (unsigned at = 0; at < 4096; at += 4)
		store(TABLE_GPA + at, 0xffffffff);
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(pages[i], i == 16 + MSIX_CONTROL);
}

static void beside_the_table_is_read_as_it_is(void **state)
{
	(void)state;
	pages[1] = 0x77;
	pages[512] = 0x99;
	assert_int_equal(load(TABLE_GPA + 4), 0x77);
	assert_int_equal(load(TABLE_GPA + 2048), 0x99);
}

static void other_pages_other_widths_and_other_instructions_are_refused(void **state)
{
	static const struct decoded_mov nothing;

	(void)state;
	next_mov = &nothing;
	assert_false(pci_table(&vcpu, TABLE_GPA));
	assert_false(pci_table(&vcpu, TABLE_GPA + 2));
	assert_false(pci_table(&vcpu, TABLE_GPA - 4));
	assert_false(pci_table(&vcpu, TABLE_GPA + 4096));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_functions_the_ports_are_nobodys),
		TEST(narrow_addresses_strings_and_what_leaves_the_port_are_refused),
		TEST(its_own_function_answers),
		TEST(every_other_slot_reads_as_empty_and_takes_nothing),
		TEST(bytes_and_words_keep_the_rest_of_rax),
		TEST(bus_mastering_is_the_one_command_that_reaches_the_hardware),
		TEST(a_quarantined_function_stays_off_the_bus),
		TEST(a_bar_is_sized_and_stays_where_it_is),
		TEST(message_switches_reach_the_hardware_alone),
		TEST(constants_take_no_write),
		TEST(the_table_shows_what_was_granted),
		TEST(the_mask_of_a_granted_message_is_all_that_can_be_written),
		TEST(beside_the_table_is_read_as_it_is),
		TEST(other_pages_other_widths_and_other_instructions_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("pci_guest", tests, NULL, NULL);
}
