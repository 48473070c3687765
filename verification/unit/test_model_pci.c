/* What a description of PCI becomes: names resolved, functions and messages in their order. */
#include "model.h"
#include "unit.h"

#define WHOLE "verification/rules/whole/pci.dts"

enum { SPARE, NIC0, NIC1, VIRTUAL, CAN0, CAN1, FUNCTIONS }; /* by number */
enum { BUS, LEFT, RIGHT };                                  /* by place */

static struct model *model;

static int load(void **state)
{
	(void)state;
	model = model_load(WHOLE, NULL);
	return model == NULL;
}

static int unload(void **state)
{
	(void)state;
	model_free(model);
	return 0;
}

static void units_have_kind_place_and_width(void **state)
{
	(void)state;
	assert_int_equal(model->iommus_count, 2);
	assert_string_equal(model->iommus[1].name, "iommu@fed91000");
	assert_int_equal(model->iommus[1].kind, X86_IOMMU_VTD);
	assert_true(model->iommus[1].reg.base == 0xfed91000);
	assert_int_equal(model->iommus[1].reg.bytes, 0x1000);
	assert_int_equal(model->iommus[1].address_bits, 48);
	assert_true(model->ecam.base == 0xb0000000);
	assert_int_equal(model->ecam.bytes, 256 << 20);
}

static void functions_are_in_the_order_of_their_numbers(void **state)
{
	static const uint16_t numbers[FUNCTIONS] = { 0xa0, 0x100, 0x101, 0x102, 0x208, 0x210 };

	(void)state;
	assert_int_equal(model->functions_count, FUNCTIONS);
	for (int i = 0; i < FUNCTIONS; i++)
		assert_int_equal(model->functions[i].bdf, numbers[i]);
	assert_string_equal(model->functions[NIC0].name, "ethernet@100");
	assert_string_equal(model->functions[NIC0].label, "nic0");
}

static void functions_know_their_unit_bridge_and_owner(void **state)
{
	(void)state;
	assert_int_equal(model->functions[SPARE].iommu, 0);
	assert_int_equal(model->functions[NIC1].iommu, 1);
	assert_int_equal(model->functions[SPARE].bridge, -1);
	assert_string_equal(model->bridges[model->functions[NIC1].bridge].name, "bridge@8");
	assert_true(model->bridges[model->functions[NIC1].bridge].acs);
	assert_int_equal(model->bridges[model->functions[CAN0].bridge].type, BRIDGE_PCI);
	assert_int_equal(model->functions[SPARE].owner, -1);
	assert_int_equal(model->functions[NIC0].owner, LEFT);
	assert_int_equal(model->functions[CAN1].owner, BUS);
	assert_int_equal(model->functions[VIRTUAL].physical, NIC0);
	assert_int_equal(model->functions[NIC0].physical, -1);
}

static void a_requester_id_is_the_number_unless_stated(void **state)
{
	(void)state;
	assert_int_equal(model->functions[NIC1].requester, 0x101);
	assert_int_equal(model->functions[CAN0].requester, 0x200);
	assert_int_equal(model->functions[CAN1].requester, 0x200);
}

static void messages_are_read_from_configuration_space(void **state)
{
	const struct model_function *nic0 = &model->functions[NIC0];
	const struct model_function *nic1 = &model->functions[NIC1];

	(void)state;
	assert_int_equal(nic0->msix, 0x40);
	assert_int_equal(nic0->messages_count, 3);
	assert_int_equal(nic0->table_offset, 0x4000);
	assert_int_equal(nic0->pba_offset, 0x6000);
	assert_int_equal(nic1->msi, 0x40);
	assert_int_equal(nic1->msix, 0);
	assert_int_equal(nic1->messages_count, 1);
	assert_int_equal(model->functions[SPARE].messages_count, 0);
}

static void bars_have_the_type_that_configuration_space_shows(void **state)
{
	(void)state;
	assert_int_equal(model->functions[NIC0].bars_count, 1);
	assert_true(model->functions[NIC0].bars[0].wide);
	assert_int_equal(model->functions[NIC0].bars[0].type, 4);
	assert_true(model->functions[NIC0].bars[0].reg.base == 0xe0000000);
	assert_int_equal(model->functions[NIC0].bars[0].reg.bytes, 0x8000);
	assert_false(model->functions[CAN0].bars[0].wide);
	assert_int_equal(model->functions[VIRTUAL].bars_count, 0);
}

static void grants_are_told_apart_and_put_in_order(void **state)
{
	const struct model_partition *bus = &model->partitions[BUS];

	(void)state;
	assert_int_equal(bus->devices_count, 1);
	assert_int_equal(bus->functions_count, 2);
	assert_int_equal(bus->functions[0], CAN0);
	assert_int_equal(bus->functions[1], CAN1);
	assert_int_equal(model->partitions[LEFT].functions[0], NIC0);
}

static void interrupts_are_in_the_order_of_their_messages(void **state)
{
	const struct model_partition *left = &model->partitions[LEFT];

	(void)state;
	assert_int_equal(left->interrupts_count, 2);
	assert_int_equal(left->interrupts[0].message, 0);
	assert_int_equal(left->interrupts[0].vector, 0x50);
	assert_int_equal(left->interrupts[1].message, 2);
	assert_int_equal(left->interrupts[1].function, NIC0);
	assert_int_equal(model->cpus[left->interrupts[1].cpu].number, 1);
	assert_int_equal(model->partitions[BUS].interrupts_count, 0);
}

static void a_dma_violation_is_logged_unless_stated(void **state)
{
	(void)state;
	assert_int_equal(model->partitions[LEFT].actions[MULLION_EVENT_DMA], MULLION_ACTION_LOG);
	assert_int_equal(model->partitions[RIGHT].actions[MULLION_EVENT_DMA], MULLION_ACTION_STOP);
}

static void the_board_says_what_qemu_needs(void **state)
{
	(void)state;
	assert_int_equal(model->board.qemu_arguments_count, 2);
	assert_string_equal(model->board.qemu_arguments[0], "-device");
	assert_string_equal(model->board.qemu_arguments[1], "edu");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_have_kind_place_and_width),
		cmocka_unit_test(functions_are_in_the_order_of_their_numbers),
		cmocka_unit_test(functions_know_their_unit_bridge_and_owner),
		cmocka_unit_test(a_requester_id_is_the_number_unless_stated),
		cmocka_unit_test(messages_are_read_from_configuration_space),
		cmocka_unit_test(bars_have_the_type_that_configuration_space_shows),
		cmocka_unit_test(grants_are_told_apart_and_put_in_order),
		cmocka_unit_test(interrupts_are_in_the_order_of_their_messages),
		cmocka_unit_test(a_dma_violation_is_logged_unless_stated),
		cmocka_unit_test(the_board_says_what_qemu_needs),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
