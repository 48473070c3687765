/* What an owner reads in configuration space: what it may know, and zeros. */
#include "unit.h"

#include "config_space.h"
#include "sample_devices.h"
#include "sample_model.h"

#define CONSTANT X86_CONFIG_CONSTANT
#define LIVE     0xffffffffu

struct expected {
	unsigned offset;
	struct x86_config_register reg;
};

static const uint32_t gpas[6] = { 0xf0100000, 0xf0004000, 0, 0, 0xf0000000, 0 };

/* Every register but those listed is zero. */
static void assert_registers(
	const struct x86_config_register *registers, const struct expected *expected, size_t count)
{
	size_t i, e = 0;

	for (i = 0; i < CONFIG_SPACE_REGISTERS; i++) {
		const struct x86_config_register zero = { 0 };
		const bool listed = e < count && expected[e].offset == 4 * i;
		const struct x86_config_register *reg = listed ? &expected[e].reg : &zero;

		assert_int_equal(registers[i].value, reg->value);
		assert_int_equal(registers[i].live, reg->live);
		assert_int_equal(registers[i].kind, reg->kind);
		assert_int_equal(registers[i].bar, reg->bar);
		e += listed;
	}
	assert_int_equal(e, count);
}

static void show(unsigned number, const struct x86_message *messages,
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS])
{
	struct model *model = sample_model();

	sample_devices(model, X86_IOMMU_VTD);
	config_space_show(&model->functions[number], gpas, messages, registers);
	sample_model_free(model);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void msi_is_preset_and_can_only_be_switched(void **state)
{
	static const struct expected expected[] = {
		{ 0x00, { 0x11e81234, 0, CONSTANT, 0 } },
		{ 0x04, { 0x00100402, 0xffa80004, X86_CONFIG_COMMAND, 0 } },
		{ 0x08, { 0x00ff0010, 0, CONSTANT, 0 } },
		{ 0x10, { 0xf0100000, 0xfff00000, X86_CONFIG_BAR, 0 } },
		{ 0x2c, { 0x11001af4, 0, CONSTANT, 0 } },
		{ 0x34, { 0x40, 0, CONSTANT, 0 } },
		{ 0x40, { 0x00800005, 0x00010000, X86_CONFIG_MSI, 0 } },
		{ 0x44, { 0xfee01000, 0, CONSTANT, 0 } },
		{ 0x4c, { 0x60, 0, CONSTANT, 0 } },
	};
	const struct x86_message message = {
		.granted = 1, .guest_address = 0xfee01000, .guest_data = 0x60
	};
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];

	(void)state;
	show(SAMPLE_EDU, &message, registers);
	assert_registers(registers, expected, COUNT(expected));
}

static void without_messages_a_function_has_no_capability_for_them(void **state)
{
	static const struct expected expected[] = {
		{ 0x00, { 0x11e81234, 0, CONSTANT, 0 } },
		{ 0x04, { 0x00000402, 0xffa80004, X86_CONFIG_COMMAND, 0 } },
		{ 0x08, { 0x00ff0010, 0, CONSTANT, 0 } },
		{ 0x10, { 0xf0100000, 0xfff00000, X86_CONFIG_BAR, 0 } },
		{ 0x2c, { 0x11001af4, 0, CONSTANT, 0 } },
	};
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];

	(void)state;
	show(SAMPLE_EDU, NULL, registers);
	assert_registers(registers, expected, COUNT(expected));
}

static void power_management_is_taken_out_of_the_chain(void **state)
{
	static const struct expected expected[] = {
		{ 0x00, { 0x00101b36, 0, CONSTANT, 0 } },
		{ 0x04, { 0x00100402, 0xffa80004, X86_CONFIG_COMMAND, 0 } },
		{ 0x08, { 0x01080202, 0, CONSTANT, 0 } },
		{ 0x10, { 0xf0100004, 0xffffc004, X86_CONFIG_BAR, 0 } },
		{ 0x14, { 0, 0xffffffff, X86_CONFIG_BAR, 1 } },
		{ 0x2c, { 0x11001af4, 0, CONSTANT, 0 } },
		{ 0x34, { 0x40, 0, CONSTANT, 0 } },
		{ 0x40, { 0x00408011, 0xc0000000, X86_CONFIG_MSIX, 0 } },
		{ 0x44, { 0x2000, 0, CONSTANT, 0 } },
		{ 0x48, { 0x3000, 0, CONSTANT, 0 } },
		{ 0x80, { 0x0010, 0xffff0000, CONSTANT, 0 } }, /* led to 0x60 */
		{ 0x84, { 0, LIVE, CONSTANT, 0 } },
		{ 0x88, { 0, LIVE, CONSTANT, 0 } },
		{ 0x8c, { 0, LIVE, CONSTANT, 0 } },
		{ 0x90, { 0, LIVE, CONSTANT, 0 } },
		{ 0x94, { 0, LIVE, CONSTANT, 0 } },
		{ 0x98, { 0, LIVE, CONSTANT, 0 } },
		{ 0x9c, { 0, LIVE, CONSTANT, 0 } },
		{ 0xa0, { 0, LIVE, CONSTANT, 0 } },
		{ 0xa4, { 0, LIVE, CONSTANT, 0 } },
		{ 0xa8, { 0, LIVE, CONSTANT, 0 } },
		{ 0xac, { 0, LIVE, CONSTANT, 0 } },
		{ 0xb0, { 0, LIVE, CONSTANT, 0 } },
		{ 0xb4, { 0, LIVE, CONSTANT, 0 } },
		{ 0xb8, { 0, LIVE, CONSTANT, 0 } },
	};
	const struct x86_message messages[65] = { [0] = { .granted = 1 } };
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];

	(void)state;
	show(SAMPLE_NVME, messages, registers);
	assert_registers(registers, expected, COUNT(expected));
}

/* What a partition finds by following the chain from 0x34; ids in order, 0 at the end. */
static void follow(const struct x86_config_register *registers, uint8_t ids[16], uint8_t at[16])
{
	unsigned next = registers[0x34 / 4].value & 0xff, count = 0;

	while (next) {
		assert_in_range(next, 0x40, 0xfc);
		assert_in_range(count, 0, 14);
		assert_int_equal(registers[next / 4].live & 0xffff, 0);
		at[count] = (uint8_t)next;
		ids[count++] = registers[next / 4].value & 0xff;
		next = registers[next / 4].value >> 8 & 0xff;
	}
	ids[count] = at[count] = 0;
}

static void the_chain_keeps_its_order_and_ends(void **state)
{
	static const uint8_t with[] = { 0x11, 9, 9, 9, 9, 9, 0 };
	static const uint8_t places[] = { 0x98, 0x84, 0x70, 0x60, 0x50, 0x40, 0 };
	const struct x86_message messages[4] = { [2] = { .granted = 1 } };
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];
	uint8_t ids[16], at[16];

	(void)state;
	show(SAMPLE_NET0, messages, registers);
	follow(registers, ids, at);
	assert_memory_equal(ids, with, sizeof(with));
	assert_memory_equal(at, places, sizeof(places));
	show(SAMPLE_NET0, NULL, registers);
	follow(registers, ids, at);
	assert_memory_equal(ids, with + 1, sizeof(with) - 1);
	assert_memory_equal(at, places + 1, sizeof(places) - 1);
	assert_int_equal(registers[0x98 / 4].value | registers[0x98 / 4].live, 0);
	assert_int_equal(registers[0x9c / 4].value | registers[0xa0 / 4].value, 0);
}

static void a_vendors_capability_shows_as_much_as_it_says(void **state)
{
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];
	unsigned at;

	(void)state;
	show(SAMPLE_NET0, NULL, registers);
	for (at = 0x44; at < 0x50; at += 4)
		assert_int_equal(registers[at / 4].live, LIVE);
	for (at = 0x88; at < 0x98; at += 4)
		assert_int_equal(registers[at / 4].live, LIVE);
	assert_int_equal(registers[0x80 / 4].live, LIVE); /* the last of 0x70's 20 bytes */
}

static void a_vendors_capability_does_not_show_its_neighbour(void **state)
{
	struct model *model = sample_model();
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];

	(void)state;
	sample_devices(model, X86_IOMMU_VTD);
	model->functions[SAMPLE_NET0].config[0x84 / 4] = 0x05ff7009; /* 255 bytes, over MSI-X */
	model->functions[SAMPLE_NET0].config[0x40 / 4] = 0x01070009; /* 7 bytes */
	config_space_show(&model->functions[SAMPLE_NET0], gpas, NULL, registers);
	assert_int_equal(registers[0x94 / 4].live, LIVE);
	assert_int_equal(registers[0x98 / 4].live, 0);
	assert_int_equal(registers[0x44 / 4].live, 0x00ffffff);
	assert_int_equal(registers[0x48 / 4].live, 0);
	sample_model_free(model);
}

static void of_msi_and_msix_one_is_shown(void **state)
{
	struct model *model = sample_model();
	struct model_function *nvme;
	const struct x86_message messages[65] = { [0] = { .granted = 1, .guest_data = 0x50 } };
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];

	(void)state;
	sample_devices(model, X86_IOMMU_VTD);
	nvme = &model->functions[SAMPLE_NVME];
	nvme->config[0x60 / 4] = 0x00800005; /* MSI in place of power management */
	nvme->msi = 0x60;
	config_space_show(nvme, gpas, messages, registers);
	assert_int_equal(registers[0x40 / 4].kind, X86_CONFIG_MSIX);
	assert_int_equal(registers[0x60 / 4].value, 0);
	assert_int_equal(registers[0x6c / 4].value, 0);
	sample_model_free(model);
}

static void several_messages_and_their_masks_are_not_offered(void **state)
{
	struct model *model = sample_model();
	struct model_function *edu;
	const struct x86_message message = {
		.granted = 1, .guest_address = 0xfee00000, .guest_data = 0x33
	};
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS];

	(void)state;
	sample_devices(model, X86_IOMMU_VTD);
	edu = &model->functions[SAMPLE_EDU];
	edu->config[0x40 / 4] = 0x017b0005; /* 32 bits, masks, 32 messages, all enabled */
	config_space_show(edu, gpas, &message, registers);
	assert_int_equal(registers[0x40 / 4].value, 0x05);
	assert_int_equal(registers[0x40 / 4].live, 0x00010000);
	assert_int_equal(registers[0x44 / 4].value, 0xfee00000);
	assert_int_equal(registers[0x48 / 4].value, 0x33);
	assert_int_equal(registers[0x4c / 4].value | registers[0x4c / 4].live, 0);
	assert_int_equal(registers[0x50 / 4].value | registers[0x50 / 4].live, 0);
	sample_model_free(model);
}

/* Whatever a board file says, writing stays within the 64 registers. */
static void random_configuration_space_stays_in_bounds(void **state)
{
	static const uint8_t kinds[] = { 0x01, 0x05, 0x09, 0x10, 0x11 };
	const struct x86_message messages[65] = { [0] = { .granted = 1 } };
	struct x86_config_register *registers =
		malloc(CONFIG_SPACE_REGISTERS * sizeof(*registers)); /* its end is guarded */
	uint64_t random = 17;
	unsigned round, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		struct model_function function = {
			.msix = 0xf8, .msi = 0xf4, .messages_count = 65
		};

		for (i = 0; i < 64; i++)
			function.config[i] = (uint32_t)unit_random(&random);
		function.config[1] |= 0x100000;
		for (i = 16; i < 64; i++)
			function.config[i] =
				(function.config[i] & 0xffffff00) | kinds[unit_random(&random) % 5];
		function.msix = round % 2 ? 0 : (uint8_t)(unit_random(&random) & 0xfc);
		function.msi = (uint8_t)(unit_random(&random) & 0xfc);
		config_space_show(&function, gpas, messages, registers);
		for (i = 0; i < CONFIG_SPACE_REGISTERS; i++)
			assert_in_range(registers[i].kind, 0, X86_CONFIG_MSIX);
	}
	free(registers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(msi_is_preset_and_can_only_be_switched),
		cmocka_unit_test(without_messages_a_function_has_no_capability_for_them),
		cmocka_unit_test(power_management_is_taken_out_of_the_chain),
		cmocka_unit_test(the_chain_keeps_its_order_and_ends),
		cmocka_unit_test(a_vendors_capability_shows_as_much_as_it_says),
		cmocka_unit_test(a_vendors_capability_does_not_show_its_neighbour),
		cmocka_unit_test(of_msi_and_msix_one_is_shown),
		cmocka_unit_test(several_messages_and_their_masks_are_not_offered),
		cmocka_unit_test(random_configuration_space_stays_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
