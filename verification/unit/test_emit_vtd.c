/* VT-d's tables as printed: every requester, every interrupt, walked as the hardware does. */
#include "unit.h"

#include "printed_devices.h"

#define ADDRESS_BITS 0x000ffffffffff000ull

static const struct x86_iommu *unit(void)
{
	return &mullion_system.arch->iommus[0];
}

/* VT-d 3.4.2: root entry by bus, context entry by device and function. */
static const uint64_t *context_entry(unsigned requester)
{
	const uint64_t root = unit()->root[2 * (requester >> 8)];

	assert_int_equal(root & 0xfff, VTD_PRESENT);
	return (const uint64_t *)(uintptr_t)(root & ADDRESS_BITS) + 2 * (requester & 0xff);
}

static void owned_requesters_pass_and_all_others_are_blocked_in_silence(void **state)
{
	unsigned requester;

	(void)state;
	for (requester = 0; requester < 0x10000; requester++) {
		const uint64_t *entry = context_entry(requester);
		const bool owned = requester == 0x20 || requester == 0x28 || requester == 0x30;

		assert_int_equal(entry[0] & 0xfff, owned ? VTD_PRESENT : VTD_FAULT_DISABLE);
		if (!owned)
			assert_int_equal(entry[0] >> 12 | entry[1], 0);
	}
	assert_int_equal(context_entry(0x20)[1], 0x202);
	assert_int_equal(context_entry(0x30)[1], 0x302);
}

static void granted_messages_arrive_and_no_others(void **state)
{
	const struct x86_message *messages = mullion_system.arch->functions[PRINTED_NVME].messages;
	unsigned i;

	(void)state;
	assert_int_equal(unit()->remapping_entries, 256);
	assert_int_equal((uintptr_t)unit()->remapping % PAGING_4K, 0);
	for (i = 0; i < 256; i++)
		assert_int_equal(unit()->remapping[2 * i] & 1, i < 3);
	i = messages[3].address >> 5 & 0x7fff;
	assert_int_equal(unit()->remapping[2 * i], 0x0000020000510001);
	assert_int_equal(unit()->remapping[2 * i + 1], 0x40028);
}

static void the_unit_is_described(void **state)
{
	(void)state;
	assert_int_equal(mullion_system.arch->iommus_count, 1);
	assert_string_equal(unit()->name, "iommu@fed90000");
	assert_int_equal(unit()->kind, X86_IOMMU_VTD);
	assert_int_equal(unit()->levels, 4);
	assert_int_equal(unit()->registers, 0xfed90000);
	assert_int_equal(unit()->root_bytes, PAGING_4K);
	assert_int_equal((uintptr_t)unit()->root % PAGING_4K, 0);
	assert_int_equal(unit()->keeper, 0);
	assert_false(unit()->interrupts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_unit_is_described),
		cmocka_unit_test(owned_requesters_pass_and_all_others_are_blocked_in_silence),
		cmocka_unit_test(they_reach_their_owners_memory),
		cmocka_unit_test(granted_messages_arrive_and_no_others),
		cmocka_unit_test(a_functions_entry_is_the_one_that_lets_it_through),
		cmocka_unit_test(what_lets_it_through_again_is_what_does_now),
		cmocka_unit_test(functions_are_printed_as_planned),
		cmocka_unit_test(partitions_know_their_functions),
		cmocka_unit_test(an_owner_reaches_its_bars),
		cmocka_unit_test(the_kernel_maps_what_the_tables_name),
	};

	printed_devices_build(X86_IOMMU_VTD, context_entry, 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
