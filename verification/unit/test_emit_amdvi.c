/* AMD-Vi's tables as printed: every requester, every interrupt, walked as the hardware does. */
#include "unit.h"

#include "printed_devices.h"

#define ADDRESS_BITS   0x000ffffffffff000ull
#define INTERRUPT_BITS 0x000fffffffffffc0ull /* bits 51:6 of the third word */

static const struct x86_iommu *unit(void)
{
	return &mullion_system.arch->iommus[0];
}

static const uint64_t *device_entry(unsigned requester)
{
	return unit()->root + 4 * requester;
}

/* Valid, translated with mode 0 and no permission: AMD I/O virtualization, 2.2.2.1. */
static void owned_requesters_pass_and_all_others_are_blocked_in_silence(void **state)
{
	unsigned requester;

	(void)state;
	assert_int_equal(unit()->root_bytes, 256 * 32);
	for (requester = 0; requester < 256; requester++) {
		const uint64_t *entry = device_entry(requester);

		assert_int_equal(entry[3], 0);
		if (requester == 0x20 || requester == 0x28 || requester == 0x30)
			continue;
		assert_int_equal(entry[0], 3);
		assert_int_equal(entry[1], 3ull << 33);
		assert_int_equal(entry[2], 1);
	}
	assert_int_equal(device_entry(0x20)[0] & ~ADDRESS_BITS, 0x6000000000000803); /* mode 4 */
	assert_int_equal(device_entry(0x20)[1], 2);
	assert_int_equal(device_entry(0x30)[1], 3);
}

static const uint32_t *interrupts(unsigned requester)
{
	return (const uint32_t *)(uintptr_t)(device_entry(requester)[2] & INTERRUPT_BITS);
}

static void granted_messages_arrive_and_no_others(void **state)
{
	const struct x86_message *messages = mullion_system.arch->functions[PRINTED_NVME].messages;

	(void)state;
	assert_int_equal(device_entry(0x28)[2] & ~INTERRUPT_BITS, 0x2000000000000013);
	assert_int_equal((uintptr_t)interrupts(0x28) % 128, 0);
	assert_int_equal(interrupts(0x28)[messages[0].data], 0x500201);
	assert_int_equal(interrupts(0x28)[1] | interrupts(0x28)[2], 0);
	assert_int_equal(interrupts(0x28)[messages[3].data], 0x510201);
	assert_int_equal(interrupts(0x20)[0], 0x600201);
	assert_int_equal(device_entry(0x30)[2], 1);
	assert_null(unit()->remapping);
}

static void the_unit_is_described(void **state)
{
	(void)state;
	assert_int_equal(mullion_system.arch->iommus_count, 1);
	assert_string_equal(unit()->name, "iommu@fed80000");
	assert_int_equal(unit()->kind, X86_IOMMU_AMDVI);
	assert_int_equal(unit()->registers, 0xfed80000);
	assert_int_equal((uintptr_t)unit()->root % PAGING_4K, 0);
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

	printed_devices_build(X86_IOMMU_AMDVI, device_entry, 4);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
