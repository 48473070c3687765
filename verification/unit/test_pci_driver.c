/*
 * Finding and switching PCI functions, as a partition does it: with functions as they are, as Mullion
 * shows them, and as nobody should make them.
 */
#include "fake_function.h"

#include <pci/pci.h>
#include <pci/registers.h>

#define CAP 0x40u

static struct pci_function function;

static int begin(void **state)
{
	(void)state;
	fake_begin(0x1af4, 0x1041);
	memset(&function, 0, sizeof(function));
	return 0;
}

/* A capability at CAP with these doublewords, and nothing behind it. */
static void capability(uint8_t id, uint16_t control)
{
	fake.config[PCI_CAPABILITIES] = CAP;
	fake_config32(CAP, (uint32_t)control << 16 | id);
}

static void find(void)
{
	assert_true(pci_find(PCI_ANY, PCI_ANY, 0, 0, 1, &function));
}

static void a_function_is_found_by_what_it_is(void **state)
{
	(void)state;
	assert_true(pci_find(0x1af4, 0x1041, 0, 0, 255, &function));
	assert_int_equal(function.bdf, FAKE_BDF);
	assert_true(pci_find(PCI_ANY, PCI_ANY, 0x020000, 0, 1, &function));
	assert_int_equal(function.class_code, 0x020000);
	assert_int_equal(function.vendor, 0x1af4);
	assert_int_equal(function.device, 0x1041);
	assert_int_equal(function.messages, 0);
}

static void what_is_not_there_is_not_found_and_changes_nothing(void **state)
{
	struct pci_function before;

	(void)state;
	memset(&function, 0x5a, sizeof(function));
	before = function;
	assert_false(pci_find(0x1af4, 0x1042, 0, 0, 255, &function));
	assert_false(pci_find(0x1af5, PCI_ANY, 0, 0, 255, &function));
	assert_false(pci_find(PCI_ANY, PCI_ANY, 0x020001, 0, 255, &function));
	assert_false(pci_find(0x1af4, 0x1041, 0, 1, 255, &function));
	assert_false(pci_find(0x1af4, 0x1041, 0, 0, 0, &function));
	assert_memory_equal(&function, &before, sizeof(before));
}

static void capabilities_are_found_one_behind_the_other(void **state)
{
	(void)state;
	fake.config[PCI_CAPABILITIES] = 0x50;
	fake_config32(0x50, 0x6009);
	fake_config32(0x60, 0x7005);
	fake_config32(0x70, 0x0009);
	find();
	assert_int_equal(pci_capability(&function, 0x09, 0), 0x50);
	assert_int_equal(pci_capability(&function, 0x09, 0x50), 0x70);
	assert_int_equal(pci_capability(&function, 0x09, 0x70), 0);
	assert_int_equal(pci_capability(&function, 0x05, 0), 0x60);
	assert_int_equal(pci_capability(&function, 0x11, 0), 0);
	fake_config32(PCI_COMMAND, COMMAND_MEMORY);
	assert_int_equal(pci_capability(&function, 0x09, 0), 0);
}

static void a_chain_that_is_none_ends(void **state)
{
	(void)state;
	fake.config[PCI_CAPABILITIES] = CAP;
	fake_config32(CAP, 0x4409);
	fake_config32(0x44, 0x4009);
	find();
	assert_int_equal(pci_capability(&function, 0x05, 0), 0);
	fake_config32(CAP, 0x4009); /* itself */
	assert_int_equal(pci_capability(&function, 0x05, 0), 0);
	fake_config32(CAP, 0x3c09); /* into the header */
	assert_int_equal(pci_capability(&function, 0x00, 0), 0);
	fake.config[PCI_CAPABILITIES] = 0x43; /* the lowest bits are reserved */
	assert_int_equal(pci_capability(&function, 0x09, 0), CAP);
}

static void a_bar_is_sized_while_nothing_decodes_it_and_restored(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	find();
	assert_ptr_equal(pci_map_bar(&function, 1, &bytes), (void *)(uintptr_t)FAKE_LOW);
	assert_int_equal(bytes, 4096);
	assert_ptr_equal(pci_map_bar(&function, 4, &bytes), (void *)(uintptr_t)FAKE_HIGH);
	assert_int_equal(bytes, FAKE_BAR_BYTES);
	assert_int_equal(fake.exposed, 0);
	assert_int_equal(fake_config(PCI_BAR + 4), FAKE_LOW);
	assert_int_equal(fake_config(PCI_BAR + 16), FAKE_HIGH | BAR_WIDE);
	assert_int_equal(fake_config(PCI_BAR + 20), 0);
	assert_int_equal(fake_config(PCI_COMMAND) & COMMAND_MEMORY, COMMAND_MEMORY);
}

static void a_bar_that_cannot_be_mapped_is_refused(void **state)
{
	uint64_t bytes;

	(void)state;
	find();
	assert_null(pci_map_bar(&function, 0, &bytes)); /* not assigned */
	assert_null(pci_map_bar(&function, 6, &bytes));
	assert_null(pci_map_bar(&function, UINT32_MAX, &bytes));
	fake_config32(PCI_BAR, 0xc001);
	assert_null(pci_map_bar(&function, 0, &bytes));
	fake_config32(PCI_BAR + 20, 1); /* BAR 4 above 4 GiB */
	assert_null(pci_map_bar(&function, 4, &bytes));
	fake_config32(PCI_BAR + 20, FAKE_LOW | BAR_WIDE); /* wide, and there is no BAR 6 */
	assert_null(pci_map_bar(&function, 5, &bytes));
}

static void bus_mastering_reads_as_what_is_in_force(void **state)
{
	(void)state;
	find();
	assert_true(pci_bus_master(&function, true));
	assert_false(pci_quarantined(&function));
	assert_int_equal(fake_config(PCI_COMMAND) & 0xffff,
		COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_OFF);
	assert_false(pci_bus_master(&function, false));
	assert_true(pci_quarantined(&function));
}

/* ---- Messages ---- */

static void msi_gets_the_vector_asked_for(void **state)
{
	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		begin(state);
		capability(PCI_CAPABILITY_MSI,
			(uint16_t)(MSI_MULTIPLE | MSI_MASKING | (wide ? MSI_WIDE : 0)));
		fake_config32(CAP + MSI_MASK_BITS + 4 * wide, 1);
		find();
		assert_int_equal(function.messages, 1);
		assert_int_equal(pci_message_enable(&function, 0, 0x51), 0x51);
		assert_int_equal(fake_config(CAP + MSI_ADDRESS), 0xfee02000);
		assert_int_equal(fake_config(CAP + MSI_DATA + 4 * wide) & 0xffff, 0x51);
		assert_int_equal(fake_config(CAP + MSI_MASK_BITS + 4 * wide), 0);
		assert_int_equal(fake_config(CAP) >> 16 & (MSI_ENABLE | MSI_MULTIPLE), MSI_ENABLE);
		assert_int_equal(pci_message_enable(&function, 1, 0x51), 0);
	}
}

static void msi_that_is_preset_keeps_its_vector(void **state)
{
	(void)state;
	capability(PCI_CAPABILITY_MSI, MSI_WIDE);
	fake_config32(CAP + MSI_ADDRESS, 0xfee00000);
	fake_config32(CAP + MSI_DATA + 4, 0x62);
	fake.preset = true;
	find();
	assert_int_equal(pci_message_enable(&function, 0, 0x51), 0x62);
	assert_int_equal(fake_config(CAP) >> 16 & MSI_ENABLE, MSI_ENABLE);
}

static void msi_that_is_not_granted_stays_off(void **state)
{
	(void)state;
	capability(PCI_CAPABILITY_MSI, MSI_WIDE);
	fake.preset = true;
	find();
	assert_int_equal(pci_message_enable(&function, 0, 0x51), 0);
	assert_int_equal(fake_config(CAP) >> 16 & MSI_ENABLE, 0);
}

static void msix(void)
{
	capability(PCI_CAPABILITY_MSIX, 3 | MSIX_MASK_ALL);
	fake_config32(CAP + MSIX_TABLE, 1); /* BAR 1, offset 0 */
	for (unsigned i = 0; i < 4; i++)
		fake.table[i][ENTRY_CONTROL] = ENTRY_MASKED;
	find();
	assert_int_equal(function.messages, 4);
}

static void msix_gets_the_vector_asked_for_and_is_unmasked_alone(void **state)
{
	(void)state;
	msix();
	assert_int_equal(pci_message_enable(&function, 2, 0x51), 0x51);
	assert_int_equal(fake.table[2][ENTRY_ADDRESS], 0xfee02000);
	assert_int_equal(fake.table[2][ENTRY_DATA], 0x51);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(fake.table[i][ENTRY_CONTROL], i == 2 ? 0 : ENTRY_MASKED);
	assert_int_equal(fake_config(CAP) >> 16 & (MSIX_ENABLE | MSIX_MASK_ALL), MSIX_ENABLE);
	pci_message_mask(&function, 2, true);
	assert_int_equal(fake.table[2][ENTRY_CONTROL], ENTRY_MASKED);
	pci_message_mask(&function, 2, false);
	assert_int_equal(fake.table[2][ENTRY_CONTROL], 0);
	pci_message_mask(&function, 4, false);
	assert_int_equal(pci_message_enable(&function, 4, 0x51), 0);
	assert_int_equal(fake.stray, 0);
}

static void msix_that_is_preset_keeps_its_vector_and_what_is_not_granted_stays_masked(void **state)
{
	(void)state;
	fake.table[1][ENTRY_ADDRESS] = 0xfee01000;
	fake.table[1][ENTRY_DATA] = 0x73;
	fake.preset = true;
	msix();
	assert_int_equal(pci_message_enable(&function, 1, 0x51), 0x73);
	assert_int_equal(fake.table[1][ENTRY_CONTROL], 0);
	assert_int_equal(pci_message_enable(&function, 0, 0x51), 0);
	assert_int_equal(fake.table[0][ENTRY_CONTROL], ENTRY_MASKED);
}

static void a_table_that_its_bar_does_not_hold_is_not_touched(void **state)
{
	static const uint32_t lies[] = { 4096 | 1, (4096 - 48) | 1, 0xfffffff8 | 1, 0, 6, 7 };

	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		begin(state);
		msix();
		fake_config32(CAP + MSIX_TABLE, lies[i]);
		assert_int_equal(pci_message_enable(&function, 0, 0x51), 0);
		pci_message_mask(&function, 0, false);
		assert_int_equal(fake.stray, 0);
		assert_int_equal(fake_config(CAP) >> 16 & MSIX_ENABLE, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_function_is_found_by_what_it_is, begin),
		cmocka_unit_test_setup(what_is_not_there_is_not_found_and_changes_nothing, begin),
		cmocka_unit_test_setup(capabilities_are_found_one_behind_the_other, begin),
		cmocka_unit_test_setup(a_chain_that_is_none_ends, begin),
		cmocka_unit_test_setup(a_bar_is_sized_while_nothing_decodes_it_and_restored, begin),
		cmocka_unit_test_setup(a_bar_that_cannot_be_mapped_is_refused, begin),
		cmocka_unit_test_setup(bus_mastering_reads_as_what_is_in_force, begin),
		cmocka_unit_test_setup(msi_gets_the_vector_asked_for, begin),
		cmocka_unit_test_setup(msi_that_is_preset_keeps_its_vector, begin),
		cmocka_unit_test_setup(msi_that_is_not_granted_stays_off, begin),
		cmocka_unit_test_setup(msix_gets_the_vector_asked_for_and_is_unmasked_alone, begin),
		cmocka_unit_test_setup(
			msix_that_is_preset_keeps_its_vector_and_what_is_not_granted_stays_masked,
			begin),
		cmocka_unit_test_setup(a_table_that_its_bar_does_not_hold_is_not_touched, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
