/* Reading configuration space: capabilities in their order, whatever the bytes say. */
#include "pci_config.h"
#include "unit.h"

#define HAS_CHAIN 0x00100000u /* in the doubleword of command and status */

static void put(uint32_t *config, unsigned offset, uint32_t value)
{
	config[offset / 4] = value;
}

static void capabilities_are_read_in_the_order_of_the_chain(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };
	struct pci_chain_read chain;

	(void)state;
	put(config, 0x34, 0x80);
	put(config, 0x80, 0x4011);
	put(config, 0x40, 0xfc05);
	put(config, 0xfc, 0x0009);
	pci_chain_read(config, &chain);
	assert_int_equal(chain.end, PCI_CHAIN_ENDS);
	assert_int_equal(chain.count, 3);
	assert_int_equal(chain.list[0].offset, 0x80);
	assert_int_equal(chain.list[0].id, PCI_CAPABILITY_MSIX);
	assert_int_equal(chain.list[2].offset, 0xfc);
	assert_int_equal(pci_find(config, PCI_CAPABILITY_MSI), 0x40);
	assert_int_equal(pci_find(config, PCI_CAPABILITY_EXPRESS), 0);
}

static void without_the_status_bit_there_are_none(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234 };
	struct pci_chain_read chain;

	(void)state;
	put(config, 0x34, 0x40);
	put(config, 0x40, 0x0005);
	pci_chain_read(config, &chain);
	assert_int_equal(chain.count, 0);
	assert_int_equal(pci_find(config, PCI_CAPABILITY_MSI), 0);
}

static void the_two_lowest_bits_of_an_offset_are_reserved(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };

	(void)state;
	put(config, 0x34, 0x43);
	put(config, 0x40, 0x0305); /* leads to 0: the end */
	assert_int_equal(pci_find(config, PCI_CAPABILITY_MSI), 0x40);
}

static void a_chain_that_comes_back_is_told(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };
	struct pci_chain_read chain;

	(void)state;
	put(config, 0x34, 0x40);
	put(config, 0x40, 0x5001);
	put(config, 0x50, 0x4009);
	pci_chain_read(config, &chain);
	assert_int_equal(chain.end, PCI_CHAIN_LOOPS);
	assert_int_equal(chain.stray, 0x40);
	assert_int_equal(chain.count, 2);
}

static void a_chain_that_leads_into_the_header_is_told(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };
	struct pci_chain_read chain;

	(void)state;
	put(config, 0x34, 0x40);
	put(config, 0x40, 0x1001);
	pci_chain_read(config, &chain);
	assert_int_equal(chain.end, PCI_CHAIN_LEAVES);
	assert_int_equal(chain.stray, 0x10);
	assert_int_equal(chain.count, 1);
}

static void the_longest_chain_fits_its_list(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };
	struct pci_chain_read chain;

	(void)state;
	put(config, 0x34, 0x40);
	for (unsigned at = 0x40; at < 0x100; at += 4)
		put(config, at, (at + 4) % 0x100 << 8 | 0x09);
	pci_chain_read(config, &chain);
	assert_int_equal(chain.end, PCI_CHAIN_ENDS);
	assert_int_equal(chain.count, PCI_MOST_CAPABILITIES);
}

static void random_bytes_end_within_the_list(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	(void)state;
	for (unsigned round = 0; round < 100000; round++) {
		uint32_t config[PCI_CONFIG_WORDS];
		struct pci_chain_read chain;

		for (unsigned i = 0; i < PCI_CONFIG_WORDS; i++)
			config[i] = (uint32_t)unit_random(&seed);
		config[1] |= HAS_CHAIN;
		pci_chain_read(config, &chain);
		assert_true(chain.count <= PCI_MOST_CAPABILITIES);
		for (size_t i = 0; i < chain.count; i++) {
			assert_true(chain.list[i].offset >= 0x40);
			assert_int_equal(chain.list[i].id, pci_byte(config, chain.list[i].offset));
		}
		if (chain.end == PCI_CHAIN_ENDS && chain.count != 0)
			assert_int_equal(
				pci_byte(config, chain.list[chain.count - 1].offset + 1u) & 0xfc,
				0);
	}
}

static void the_type_of_a_bar_is_its_low_bits(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234 };

	(void)state;
	put(config, 0x10, 0xfe00000c);
	put(config, 0x18, 0xfe000000);
	put(config, 0x1c, 0x0000c041);
	put(config, 0x24, 0xfe000006);
	assert_int_equal(pci_bar_type(config, 0), PCI_BAR_WIDE | PCI_BAR_PREFETCHABLE);
	assert_true(pci_bar_is_wide(pci_bar_type(config, 0)));
	assert_false(pci_bar_is_wide(pci_bar_type(config, 2)));
	assert_int_equal(pci_bar_type(config, 3), PCI_BAR_IO);
	assert_false(pci_bar_is_wide(pci_bar_type(config, 3)));
	assert_false(pci_bar_is_wide(pci_bar_type(config, 5)));
	assert_false(pci_bar_is_wide(PCI_BAR_IO | PCI_BAR_WIDE));
}

static void a_function_resets_itself_only_where_it_says_that_it_can(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };

	(void)state;
	assert_int_equal(pci_express_reset(config), 0);
	assert_int_equal(pci_advanced_reset(config), 0);
	put(config, 0x34, 0x80);
	put(config, 0x80, 0x00024010); /* PCI Express, then advanced features */
	put(config, 0x84, 0xefffffff);
	put(config, 0x40, 0x01060013);
	assert_int_equal(pci_express_reset(config), 0);
	assert_int_equal(pci_advanced_reset(config), 0);
	put(config, 0x84, 0x10000000);
	put(config, 0x40, 0x02060013);
	assert_int_equal(pci_express_reset(config), 0x88);
	assert_int_equal(pci_advanced_reset(config), 0x44);
}

static void a_capability_cut_off_by_the_end_resets_nothing(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };

	(void)state;
	put(config, 0x34, 0xf4);
	put(config, 0xf4, 0x10);
	put(config, 0xf8, 0x10000000);
	assert_int_equal(pci_express_reset(config), 0xfc);
	put(config, 0x34, 0xf8);
	put(config, 0xf8, 0x10);
	put(config, 0xfc, 0x10000000);
	assert_int_equal(pci_express_reset(config), 0);
	put(config, 0xfc, 0x02060013);
	put(config, 0x34, 0xfc);
	assert_int_equal(pci_advanced_reset(config), 0);
}

static void msix_says_where_its_table_is(void **state)
{
	uint32_t config[PCI_CONFIG_WORDS] = { 0x1234, HAS_CHAIN };
	struct pci_msix msix;

	(void)state;
	put(config, 0x98, 0x87ff8411); /* enabled, and bits that are not the size */
	put(config, 0x9c, 0x00002003);
	put(config, 0xa0, 0x0000300c);
	pci_msix_read(config, 0x98, &msix);
	assert_int_equal(msix.entries, 2048);
	assert_int_equal(msix.table_bar, 3);
	assert_int_equal(msix.table_offset, 0x2000);
	assert_int_equal(msix.pba_bar, 4);
	assert_int_equal(msix.pba_offset, 0x3008);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_are_read_in_the_order_of_the_chain),
		cmocka_unit_test(without_the_status_bit_there_are_none),
		cmocka_unit_test(the_two_lowest_bits_of_an_offset_are_reserved),
		cmocka_unit_test(a_chain_that_comes_back_is_told),
		cmocka_unit_test(a_chain_that_leads_into_the_header_is_told),
		cmocka_unit_test(the_longest_chain_fits_its_list),
		cmocka_unit_test(random_bytes_end_within_the_list),
		cmocka_unit_test(the_type_of_a_bar_is_its_low_bits),
		cmocka_unit_test(a_function_resets_itself_only_where_it_says_that_it_can),
		cmocka_unit_test(a_capability_cut_off_by_the_end_resets_nothing),
		cmocka_unit_test(msix_says_where_its_table_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
