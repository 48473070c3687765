/*
 * Fills the permission maps. The allow-list below is the whole truth about MSRs: what is not in it
 * exits, and the kernel presents it, or refuses it by the partition's on-msr-violation.
 */
#include "bitmap.h"

#include <string.h>

#include <mullion/abi.h>

#define READ_WRITE (MULLION_READ | MULLION_WRITE)
#define SWITCHED   "VMLOAD and VMSAVE switch it with the partition"

const struct bitmap_msr bitmap_msrs[] = {
	{ 0x00000010, MULLION_READ, "TSC",
		"time is common to all; a write would move it, and exits" },
	{ 0x00000174, READ_WRITE, "SYSENTER_CS", SWITCHED },
	{ 0x00000175, READ_WRITE, "SYSENTER_ESP", SWITCHED },
	{ 0x00000176, READ_WRITE, "SYSENTER_EIP", SWITCHED },
	{ 0xc0000081, READ_WRITE, "STAR", SWITCHED },
	{ 0xc0000082, READ_WRITE, "LSTAR", SWITCHED },
	{ 0xc0000083, READ_WRITE, "CSTAR", SWITCHED },
	{ 0xc0000084, READ_WRITE, "SFMASK", SWITCHED },
	{ 0xc0000100, READ_WRITE, "FS_BASE", SWITCHED },
	{ 0xc0000101, READ_WRITE, "GS_BASE", SWITCHED },
	{ 0xc0000102, READ_WRITE, "KERNEL_GS_BASE", SWITCHED },
};
const size_t bitmap_msrs_count = sizeof(bitmap_msrs) / sizeof(bitmap_msrs[0]);

/* Two bits per MSR, read then write, in three vectors of 2 KiB. AMD APM 2, table 15-8. */
static uint32_t msr_bit(uint32_t msr)
{
	switch (msr >> 13) {
	case 0x00000000 >> 13:
		return msr * 2;
	case 0xc0000000 >> 13:
		return 0x800 * 8 + (msr & 0x1fff) * 2;
	default:
		return 0x1000 * 8 + (msr & 0x1fff) * 2;
	}
}

static void open_bit(uint8_t *bitmap, uint32_t bit)
{
	bitmap[bit / 8] = (uint8_t)(bitmap[bit / 8] & ~(1u << bit % 8));
}

void bitmap_fill_msr(uint8_t bitmap[X86_MSR_BITMAP_BYTES])
{
	size_t i;

	memset(bitmap, 0xff, X86_MSR_BITMAP_BYTES);
	for (i = 0; i < bitmap_msrs_count; i++) {
		open_bit(bitmap, msr_bit(bitmap_msrs[i].msr));
		if (bitmap_msrs[i].access & MULLION_WRITE)
			open_bit(bitmap, msr_bit(bitmap_msrs[i].msr) + 1);
	}
}

void bitmap_fill_io(
	uint8_t bitmap[X86_IO_BITMAP_BYTES], const struct bitmap_ports *granted, size_t count)
{
	size_t i;
	uint32_t port;

	memset(bitmap, 0xff, X86_IO_BITMAP_BYTES);
	for (i = 0; i < count; i++)
		for (port = 0; port < granted[i].count && granted[i].first + port < 0x10000; port++)
			open_bit(bitmap, granted[i].first + port);
}
