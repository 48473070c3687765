/*
 * A partition's functions while it restarts: off the bus and blocked before they are reset, as at boot
 * before they are let through, one of them a step, and none of another partition's.
 *
 * The configuration space is plain memory; what the IOMMU is asked is checked against it.
 */
#include "unit.h"

#include <iommu.h>
#include <pci.h>
#include <pci_registers.h>

#define FUNCTIONS 4u /* of which 1 and 2 are the partition's */
#define MSIX_CAP  0x40u
#define EXPRESS   0x88u /* device control */
#define ADVANCED  0x94u
#define MESSAGES  37u
#define HZ        3000000000u

static uint32_t hardware[FUNCTIONS][64];
static uint32_t table[MESSAGES][4];
static struct x86_message messages[MESSAGES];
static const struct x86_bar bars[] = { { .base = 0xc0001000, .bytes = 16, .index = 0 } };
static struct x86_function functions[FUNCTIONS];
struct x86_function_state system_functions[FUNCTIONS];
static const struct x86_iommu units[1];
static const struct mullion_partition partitions[] = { { .name = "store", .first_vcpu = 1 },
	{ .name = "none", .first_vcpu = 0 } };
static const struct arch_vcpu_tables vcpu_tables[2] = { { .first_function = 4 },
	{ .first_function = 1, .functions_count = 2 } };
static const struct mullion_vcpu vcpus[2] = { { .arch = &vcpu_tables[0] },
	{ .arch = &vcpu_tables[1] } };
static struct arch_system_tables tables = {
	.functions = functions, .functions_count = FUNCTIONS, .iommus = units, .iommus_count = 1
};
const struct mullion_system mullion_system = { .arch = &tables,
	.partitions = partitions,
	.vcpus = vcpus,
	.tsc_hz_numerator = HZ,
	.tsc_hz_denominator = 1 };

static struct partition life;
static bool busy;
static char history[200];

static void remember(const char *what, const struct x86_function *function)
{
	size_t length = strlen(history);

	snprintf(history + length, sizeof(history) - length, "%s%u ", what,
		(unsigned)(function - functions));
}

static uint32_t *hardware_of(const struct x86_function *function)
{
	return hardware[function - functions];
}

/* Off the bus already, and not reset yet. */
bool iommu_block(const struct x86_function *function)
{
	assert_int_equal(hardware_of(function)[1] & COMMAND_BUS_MASTER, 0);
	assert_int_equal(hardware_of(function)[EXPRESS / 4] & 0x8000, 0);
	assert_int_equal(system_functions[function - functions].quarantined, 1);
	remember(busy ? "busy" : "block", function);
	return !busy;
}

bool iommu_pass(const struct x86_function *function)
{
	assert_int_equal(hardware_of(function)[1] & COMMAND_BUS_MASTER, 0);
	remember(busy ? "busy" : "pass", function);
	return !busy;
}

void refuse(const char *format, ...)
{
	(void)format;
	abort();
}

void console_print(const char *format, ...)
{
	(void)format;
}

/* As a partition leaves them: mastering the bus, with interrupts on, anything in their registers. */
static int begin(void **state)
{
	(void)state;
	memset(table, 0x55, sizeof(table));
	memset(system_functions, 0x77, sizeof(system_functions));
	for (unsigned m = 0; m < MESSAGES; m++)
		messages[m] = (struct x86_message){ .address = 0x1fee00010 + 32 * m, .data = m };
	for (unsigned f = 0; f < FUNCTIONS; f++) {
		memset(hardware[f], 0x33, sizeof(hardware[f]));
		hardware[f][0] = 0x00100000 + f;
		hardware[f][1] = 0x00100007;
		hardware[f][EXPRESS / 4] = 0x000f2810; /* of the status, ones are cleared by ones */
		hardware[f][ADVANCED / 4] = 0;
		functions[f] = (struct x86_function){ .name = "x",
			.partition = f == 1 || f == 2 ? 0 : 1,
			.identity = 0x00100000 + f,
			.config = (uintptr_t)hardware[f],
			.bars = bars,
			.bars_count = 1 };
	}
	life = (struct partition){ .at = 0 };
	history[0] = '\0';
	busy = false;
	return 0;
}

static void give_message_table(struct x86_function *function)
{
	function->msix = MSIX_CAP;
	function->messages = messages;
	function->messages_count = MESSAGES;
	function->table = (uintptr_t)table;
	hardware_of(function)[MSIX_CAP / 4] = 0xc0000011 | (MESSAGES - 1) << 16;
}

/* Steps until it is done; more than a few are too many. */
static unsigned all(bool (*step)(const struct mullion_partition *, struct partition *))
{
	unsigned steps = 1;

	life.at = 0;
	life.done = 0;
	while (!step(&partitions[0], &life))
		assert_in_range(++steps, 1, 50);
	return steps;
}

static void each_function_is_off_the_bus_and_blocked_one_a_step(void **state)
{
	(void)state;
	assert_false(arch_devices_quiet(&partitions[0], &life));
	assert_string_equal(history, "block1 ");
	assert_int_equal(hardware[1][1], COMMAND_MEMORY | COMMAND_INTX_OFF);
	assert_int_equal(hardware[2][1], 0x00100007);
	assert_true(arch_devices_quiet(&partitions[0], &life));
	assert_string_equal(history, "block1 block2 ");
	assert_int_equal(hardware[2][1], COMMAND_MEMORY | COMMAND_INTX_OFF);
	assert_true(life.not_before == 0); /* neither can be reset */
}

static void nobody_elses_function_is_touched(void **state)
{
	(void)state;
	all(arch_devices_quiet);
	all(arch_devices_resume);
	for (unsigned f = 0; f < FUNCTIONS; f += 3) {
		assert_int_equal(hardware[f][1], 0x00100007);
		assert_int_equal(hardware[f][4], 0x33333333);
		assert_int_equal(system_functions[f].quarantined, 0x77777777);
	}
}

static void one_that_cannot_be_blocked_yet_is_asked_for_again_and_not_reset_before(void **state)
{
	(void)state;
	functions[1].reset = EXPRESS;
	busy = true;
	for (unsigned n = 0; n < 3; n++)
		assert_false(arch_devices_quiet(&partitions[0], &life));
	assert_string_equal(history, "busy1 busy1 busy1 ");
	assert_int_equal(hardware[1][EXPRESS / 4], 0x000f2810);
	assert_true(life.not_before == 0);
	busy = false;
	assert_false(arch_devices_quiet(&partitions[0], &life));
	assert_int_equal(hardware[1][EXPRESS / 4], 0x0000a810);
}

static void what_can_be_reset_is_and_left_alone_for_a_tenth_of_a_second(void **state)
{
	uint64_t before;

	(void)state;
	functions[1].reset = EXPRESS;
	functions[2].reset_af = ADVANCED;
	before = arch_now();
	all(arch_devices_quiet);
	assert_int_equal(hardware[1][EXPRESS / 4], 0x0000a810);
	assert_int_equal(hardware[2][EXPRESS / 4], 0x000f2810);
	assert_int_equal(hardware[2][ADVANCED / 4], 1);
	assert_true(life.not_before >= before + HZ / 10);
	assert_true(life.not_before <= arch_now() + HZ / 10);
}

static void express_is_preferred(void **state)
{
	(void)state;
	functions[1].reset = EXPRESS;
	functions[1].reset_af = ADVANCED;
	all(arch_devices_quiet);
	assert_int_equal(hardware[1][ADVANCED / 4], 0);
}

static void they_come_back_as_at_boot_and_let_through_one_after_the_other(void **state)
{
	(void)state;
	functions[2].msi = 0x60;
	hardware[2][0x60 / 4] = 0x00f10005;
	all(arch_devices_quiet);
	history[0] = '\0';
	all(arch_devices_resume);
	assert_string_equal(history, "pass1 pass2 ");
	for (unsigned f = 1; f < 3; f++) {
		const uint32_t nothing[6] = { 0 };

		assert_int_equal(hardware[f][1], COMMAND_MEMORY | COMMAND_INTX_OFF);
		assert_int_equal(hardware[f][4], 0xc0001000);
		assert_int_equal(system_functions[f].quarantined, 0);
		assert_memory_equal(system_functions[f].bars, nothing, sizeof(nothing));
	}
	assert_int_equal(hardware[2][0x60 / 4] & (MSI_ENABLE | MSI_MULTIPLE), 0);
}

static unsigned untouched(void)
{
	unsigned count = 0;

	for (unsigned m = 0; m < MESSAGES; m++)
		count += table[m][MSIX_DATA] == 0x55555555;
	return count;
}

static void a_long_table_of_messages_is_written_a_few_a_step(void **state)
{
	(void)state;
	give_message_table(&functions[1]);
	all(arch_devices_quiet);
	life.at = 0;
	life.done = 0;
	for (unsigned left = MESSAGES, next; left != 0; left = next) {
		assert_int_equal(system_functions[1].quarantined, 1);
		assert_false(arch_devices_resume(&partitions[0], &life));
		next = untouched();
		assert_in_range(left - next, 1, 8);
	}
	assert_true(arch_devices_resume(&partitions[0], &life));
	assert_string_equal(history, "block1 block2 pass1 pass2 ");
	assert_int_equal(system_functions[1].quarantined, 0);
	for (unsigned m = 0; m < MESSAGES; m++) {
		assert_int_equal(table[m][MSIX_CONTROL], MSIX_MASKED);
		assert_int_equal(table[m][MSIX_ADDRESS], 0xfee00010 + 32 * m);
		assert_int_equal(table[m][MSIX_ADDRESS_HIGH], 1);
		assert_int_equal(table[m][MSIX_DATA], m);
	}
	assert_int_equal(
		hardware[1][MSIX_CAP / 4] >> 30, 0); /* neither enabled nor masked as a whole */
}

static void the_unit_may_be_busy_when_they_come_back(void **state)
{
	(void)state;
	all(arch_devices_quiet);
	history[0] = '\0';
	busy = true;
	life.at = 0;
	assert_false(arch_devices_resume(&partitions[0], &life));
	assert_false(arch_devices_resume(&partitions[0], &life));
	assert_int_equal(system_functions[1].quarantined, 1);
	assert_int_equal(hardware[1][4], 0x33333333);
	busy = false;
	all(arch_devices_resume);
	assert_string_equal(history, "busy1 busy1 pass1 pass2 ");
}

static void one_that_does_not_come_back_stays_blocked_and_holds_nobody_up(void **state)
{
	(void)state;
	all(arch_devices_quiet);
	history[0] = '\0';
	hardware[1][0] = UINT32_MAX;
	all(arch_devices_resume);
	assert_string_equal(history, "pass2 ");
	assert_int_equal(system_functions[1].quarantined, 1);
	assert_int_equal(system_functions[2].quarantined, 0);
}

static void a_partition_without_functions_is_done_at_once(void **state)
{
	(void)state;
	assert_true(arch_devices_quiet(&partitions[1], &life));
	assert_true(arch_devices_resume(&partitions[1], &life));
	assert_string_equal(history, "");
	assert_true(life.not_before == 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_function_is_off_the_bus_and_blocked_one_a_step),
		TEST(nobody_elses_function_is_touched),
		TEST(one_that_cannot_be_blocked_yet_is_asked_for_again_and_not_reset_before),
		TEST(what_can_be_reset_is_and_left_alone_for_a_tenth_of_a_second),
		TEST(express_is_preferred),
		TEST(they_come_back_as_at_boot_and_let_through_one_after_the_other),
		TEST(a_long_table_of_messages_is_written_a_few_a_step),
		TEST(the_unit_may_be_busy_when_they_come_back),
		TEST(one_that_does_not_come_back_stays_blocked_and_holds_nobody_up),
		TEST(a_partition_without_functions_is_done_at_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("pci restart", tests, NULL, NULL);
}
