/* Permission maps open what is granted, bit by bit, and nothing else. */
#include "unit.h"

#include <mullion/abi.h>

#include "bitmap.h"

static bool is_set(const uint8_t *bitmap, uint32_t bit)
{
	return bitmap[bit / 8] >> bit % 8 & 1;
}

/* AMD APM 2, table 15-8, written out once more. */
static bool msr_exits(const uint8_t *bitmap, uint32_t msr, bool write)
{
	uint32_t byte;

	if (msr < 0x2000)
		byte = 0;
	else if (msr >= 0xc0000000 && msr < 0xc0002000)
		byte = 0x800;
	else if (msr >= 0xc0010000 && msr < 0xc0012000)
		byte = 0x1000;
	else
		return true;
	return is_set(bitmap, byte * 8 + (msr & 0x1fff) * 2 + write);
}

static const struct bitmap_msr *find(uint32_t msr)
{
	size_t i;

	for (i = 0; i < bitmap_msrs_count; i++)
		if (bitmap_msrs[i].msr == msr)
			return &bitmap_msrs[i];
	return NULL;
}

static void every_msr_exits_but_the_listed_ones(void **state)
{
	static const uint32_t bases[] = { 0, 0xc0000000, 0xc0010000 };
	uint8_t bitmap[X86_MSR_BITMAP_BYTES];
	uint32_t b, i;

	(void)state;
	bitmap_fill_msr(bitmap);
	for (b = 0; b < 3; b++)
		for (i = 0; i < 0x2000; i++) {
			const struct bitmap_msr *listed = find(bases[b] + i);

			assert_int_equal(msr_exits(bitmap, bases[b] + i, false), !listed);
			assert_int_equal(msr_exits(bitmap, bases[b] + i, true),
				!listed || !(listed->access & MULLION_WRITE));
		}
}

static void what_the_kernel_must_see_always_exits(void **state)
{
	/* APIC_BASE, PAT, TSC_DEADLINE, EFER, VM_HSAVE_PA, TSC_AUX; the x2APIC; a write of the TSC */
	static const uint32_t msrs[] = { 0x1b, 0x277, 0x6e0, 0xc0000080, 0xc0010117, 0xc0000103 };
	uint8_t bitmap[X86_MSR_BITMAP_BYTES];
	uint32_t i;

	(void)state;
	bitmap_fill_msr(bitmap);
	for (i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		assert_true(msr_exits(bitmap, msrs[i], false));
		assert_true(msr_exits(bitmap, msrs[i], true));
	}
	for (i = 0x800; i < 0x900; i++) {
		assert_true(msr_exits(bitmap, i, false));
		assert_true(msr_exits(bitmap, i, true));
	}
	assert_false(msr_exits(bitmap, 0x10, false));
	assert_true(msr_exits(bitmap, 0x10, true));
}

static void every_msr_has_a_reason(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < bitmap_msrs_count; i++) {
		assert_true(strlen(bitmap_msrs[i].why) > 10);
		assert_ptr_equal(find(bitmap_msrs[i].msr), &bitmap_msrs[i]);
	}
}

/* As the processor checks it: an access passes if the bit of each byte is clear. APM 2, 15.10.1. */
static bool port_exits(const uint8_t *bitmap, uint32_t port, uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i < bytes; i++)
		if (is_set(bitmap, port + i))
			return true;
	return false;
}

static void ports_are_open_where_granted_alone(void **state)
{
	const struct bitmap_ports granted[] = { { 0x3f8, 8 }, { 0xe9, 1 } };
	uint8_t bitmap[X86_IO_BITMAP_BYTES];
	uint32_t port;

	(void)state;
	bitmap_fill_io(bitmap, granted, 2);
	for (port = 0; port < 0x10000; port++)
		assert_int_equal(port_exits(bitmap, port, 1),
			!((port >= 0x3f8 && port < 0x400) || port == 0xe9));
}

static void a_wide_access_passes_only_within_a_grant(void **state)
{
	const struct bitmap_ports granted = { 0x3f8, 8 };
	uint8_t bitmap[X86_IO_BITMAP_BYTES];

	(void)state;
	bitmap_fill_io(bitmap, &granted, 1);
	assert_false(port_exits(bitmap, 0x3fc, 4));
	assert_true(port_exits(bitmap, 0x3fd, 4));
	assert_true(port_exits(bitmap, 0x3f7, 2));
}

static void an_access_beyond_the_last_port_exits(void **state)
{
	const struct bitmap_ports granted = { 0xfff0, 0x100 };
	uint8_t bitmap[X86_IO_BITMAP_BYTES];
	uint32_t i;

	(void)state;
	bitmap_fill_io(bitmap, &granted, 1);
	assert_false(port_exits(bitmap, 0xffff, 1));
	assert_true(port_exits(bitmap, 0xffff, 2));
	for (i = 0x10000; i < X86_IO_BITMAP_BYTES * 8; i++)
		assert_true(is_set(bitmap, i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_msr_exits_but_the_listed_ones),
		cmocka_unit_test(what_the_kernel_must_see_always_exits),
		cmocka_unit_test(every_msr_has_a_reason),
		cmocka_unit_test(ports_are_open_where_granted_alone),
		cmocka_unit_test(a_wide_access_passes_only_within_a_grant),
		cmocka_unit_test(an_access_beyond_the_last_port_exits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
