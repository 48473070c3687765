/*
 * PCI functions at boot: what is silenced, what is programmed, and which machines are refused. The
 * configuration space is plain memory here, which sizes every BAR as 16 bytes.
 */
#include "unit.h"

#include <pci.h>
#include <pci_registers.h>

#define FUNCTIONS 3u
#define MSIX_CAP  0x40u
#define MSI_CAP   0x60u

static uint32_t hardware[FUNCTIONS][64];
static uint32_t table[2][4];
static jmp_buf refused;
static char log_text[1000];

static const struct x86_bar bars[] = {
	{ .base = 0xc0001000, .bytes = 16, .index = 0 },
	{ .base = 0x2340000000, .bytes = 16, .index = 2, .wide = 1 },
};
static struct x86_bar large = { .base = 0xc0002000, .bytes = 4096 };
static const struct x86_message messages[] = { { 0x1fee00010, 3, 1, 0, 0 }, { 0, 0, 0, 0, 0 } };
static struct x86_function functions[FUNCTIONS];
struct x86_function_state system_functions[FUNCTIONS];
static const struct x86_iommu units[2];
static const struct mullion_partition partitions[] = { { .name = "store" } };
static struct arch_system_tables tables = {
	.functions = functions, .functions_count = FUNCTIONS, .iommus = units, .iommus_count = 2
};
const struct mullion_system mullion_system = { .arch = &tables, .partitions = partitions };

void refuse(const char *format, ...)
{
	snprintf(log_text, sizeof(log_text), "%s", format);
	longjmp(refused, 1);
}

void console_print(const char *format, ...)
{
	(void)format;
}

static int begin(void **state)
{
	(void)state;
	memset(table, 0x55, sizeof(table));
	memset(system_functions, 0, sizeof(system_functions));
	for (unsigned f = 0; f < FUNCTIONS; f++) {
		memset(hardware[f], 0, sizeof(hardware[f]));
		hardware[f][0] = 0x00100000 + f;
		hardware[f][1] = 0xffff0007;
		functions[f] = (struct x86_function){ .name = "x",
			.bdf = (uint16_t)(f << 3),
			.requester = (uint16_t)(f << 3),
			.partition = X86_NO_PARTITION,
			.identity = 0x00100000 + f,
			.config = (uintptr_t)hardware[f] };
	}
	return 0;
}

static void give_message_table(struct x86_function *function)
{
	function->partition = 0;
	function->msix = MSIX_CAP;
	function->messages = messages;
	function->messages_count = 2;
	function->table = (uintptr_t)table;
	hardware[function - functions][MSIX_CAP / 4] = 0xc0010011;
}

static void every_function_is_silenced_whoever_owns_it(void **state)
{
	(void)state;
	functions[1].msi = MSI_CAP;
	hardware[1][MSI_CAP / 4] = 0x00f10005;
	give_message_table(&functions[2]);
	pci_silence();
	for (unsigned f = 0; f < FUNCTIONS; f++)
		assert_int_equal(hardware[f][1], COMMAND_INTX_OFF);
	assert_int_equal(hardware[1][MSI_CAP / 4], 0x00800005);
	assert_int_equal(hardware[2][MSIX_CAP / 4], 0x00010011);
}

static void refusal(void (*act)(void), const char *what)
{
	log_text[0] = '\0';
	if (setjmp(refused) == 0)
		act();
	assert_non_null(strstr(log_text, what));
}

static void an_empty_slot_and_another_device_are_refused(void **state)
{
	(void)state;
	hardware[1][0] = 0xffffffff;
	refusal(pci_silence, "there is no PCI function");
	hardware[1][0] = 0x12345678;
	refusal(pci_silence, "run on the board that the image is for");
}

static void an_owned_function_gets_its_bars_and_nothing_but_memory_space(void **state)
{
	(void)state;
	functions[0].partition = 0;
	functions[0].bars = bars;
	functions[0].bars_count = 2;
	pci_silence();
	pci_start();
	assert_int_equal(hardware[0][4], 0xc0001000);
	assert_int_equal(hardware[0][6], 0x40000000);
	assert_int_equal(hardware[0][7], 0x23);
	assert_int_equal(hardware[0][1], COMMAND_MEMORY | COMMAND_INTX_OFF);
	assert_int_equal(hardware[1][1], COMMAND_INTX_OFF);
	assert_int_equal(hardware[1][4], 0);
}

static void a_bar_of_another_size_is_refused(void **state)
{
	(void)state;
	functions[0].partition = 0;
	functions[0].bars = &large;
	functions[0].bars_count = 1;
	refusal(pci_start, "bytes here, not");
}

static void messages_are_preset_and_masked(void **state)
{
	(void)state;
	give_message_table(&functions[2]);
	pci_start();
	assert_int_equal(table[0][MSIX_ADDRESS], 0xfee00010);
	assert_int_equal(table[0][MSIX_ADDRESS_HIGH], 1);
	assert_int_equal(table[0][MSIX_DATA], 3);
	assert_int_equal(table[0][MSIX_CONTROL], MSIX_MASKED);
	assert_int_equal(table[1][MSIX_ADDRESS], 0);
	assert_int_equal(table[1][MSIX_DATA], 0);
	assert_int_equal(table[1][MSIX_CONTROL], MSIX_MASKED);
}

static void a_table_of_another_length_is_refused(void **state)
{
	(void)state;
	give_message_table(&functions[2]);
	hardware[2][MSIX_CAP / 4] = 0x00020011;
	refusal(pci_start, "messages here, not");
}

static void a_single_message_is_preset_in_both_layouts(void **state)
{
	(void)state;
	functions[1].partition = 0;
	functions[1].msi = MSI_CAP;
	functions[1].messages = messages;
	functions[1].messages_count = 1;
	hardware[1][MSI_CAP / 4] = 0x00000005;
	pci_start();
	assert_int_equal(hardware[1][MSI_CAP / 4 + 1], 0xfee00010);
	assert_int_equal(hardware[1][MSI_CAP / 4 + 2], 3);
	hardware[1][MSI_CAP / 4] = 0x00800005;
	pci_start();
	assert_int_equal(hardware[1][MSI_CAP / 4 + 2], 1);
	assert_int_equal(hardware[1][MSI_CAP / 4 + 3], 3);
	assert_int_equal(hardware[1][MSI_CAP / 4], 0x00800005); /* its owner enables it */
	hardware[1][MSI_CAP / 4] = 0x01800005;
	hardware[1][MSI_CAP / 4 + 4] = 1; /* left masked by firmware */
	pci_start();
	assert_int_equal(hardware[1][MSI_CAP / 4 + 4], 0);
}

static void quarantine_takes_bus_mastering(void **state)
{
	(void)state;
	hardware[1][1] = COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_OFF;
	pci_quarantine(&functions[1]);
	assert_int_equal(hardware[1][1], COMMAND_MEMORY | COMMAND_INTX_OFF);
	assert_int_equal(system_functions[1].quarantined, 1);
	assert_int_equal(system_functions[0].quarantined, 0);
}

static void a_requester_is_found_behind_its_own_unit_alone(void **state)
{
	(void)state;
	functions[2].iommu = 1;
	assert_ptr_equal(pci_requester(&units[0], 8), &functions[1]);
	assert_ptr_equal(pci_requester(&units[1], 16), &functions[2]);
	assert_null(pci_requester(&units[0], 16));
	assert_null(pci_requester(&units[0], 0x100));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_function_is_silenced_whoever_owns_it),
		TEST(an_empty_slot_and_another_device_are_refused),
		TEST(an_owned_function_gets_its_bars_and_nothing_but_memory_space),
		TEST(a_bar_of_another_size_is_refused),
		TEST(messages_are_preset_and_masked),
		TEST(a_table_of_another_length_is_refused),
		TEST(a_single_message_is_preset_in_both_layouts),
		TEST(quarantine_takes_bus_mastering),
		TEST(a_requester_is_found_behind_its_own_unit_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
