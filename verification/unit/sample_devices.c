/*
 * Configuration space as QEMU 7.2 shows it once firmware has run.
 */
#include "sample_devices.h"

#include <stdlib.h>
#include <string.h>

static struct model_bar edu_bars[] = { { .index = 0, .reg = { 0xe0000000, 0x100000 } } };
static struct model_bar nvme_bars[] = {
	{ .index = 0, .reg = { 0xe0100000, 0x4000 }, .wide = true, .type = 0x4 },
};
static struct model_bar net0_bars[] = {
	{ .index = 1, .reg = { 0xe0200000, 0x1000 } },
	{ .index = 4, .reg = { 0xe0204000, 0x4000 }, .wide = true, .type = 0xc },
};
static struct model_bar net1_bars[] = {
	{ .index = 1, .reg = { 0xe0300000, 0x1000 } },
	{ .index = 4, .reg = { 0xe0304000, 0x4000 }, .wide = true, .type = 0xc },
};

#define NET(name_, bdf_, bars_, owner_)                                                            \
	{                                                                                          \
		.name = name_, .bdf = bdf_, .requester = bdf_, .bridge = -1, .physical = -1,       \
		.config = { 0x10411af4, 0x00100107, 0x02000001, 0x00000000, 0x00000000,            \
			0xfeb84000, 0x00000000, 0x00000000, 0xfebf800c, 0x00000000, 0x00000000,    \
			0x11001af4, 0xfeb00000, 0x00000098, 0x00000000, 0x0000010b, 0x01100009,    \
			0x00000004, 0x00000000, 0x00001000, 0x03104009, 0x00000004, 0x00001000,    \
			0x00001000, 0x04105009, 0x00000004, 0x00002000, 0x00001000, 0x02146009,    \
			0x00000004, 0x00003000, 0x00001000, 0x00000004, 0x05147009, 0x00000000,    \
			0x00000000, 0x00000000, 0x00000000, 0x00038411, 0x00000001, 0x00000801 },  \
		.bars = bars_, .bars_count = 2, .msix = 0x98, .messages_count = 4, .table_bar = 1, \
		.pba_bar = 1, .pba_offset = 0x800, .owner = owner_                                 \
	}

static const struct model_function functions[SAMPLE_FUNCTIONS] = {
	[SAMPLE_EDU] = { .name = "edu@20",
		.bdf = 0x20,
		.requester = 0x20,
		.bridge = -1,
		.physical = -1,
		.config = { 0x11e81234, 0x00100103, 0x00ff0010, 0x00000000, 0xfea00000, 0x00000000,
			0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x11001af4,
			0x00000000, 0x00000040, 0x00000000, 0x0000010a, 0x00800005 },
		.bars = edu_bars,
		.bars_count = 1,
		.msi = 0x40,
		.messages_count = 1,
		.owner = 1 },
	[SAMPLE_NVME] = { .name = "nvme@28",
		.bdf = 0x28,
		.requester = 0x28,
		.bridge = -1,
		.physical = -1,
		.config = { 0x00101b36, 0x00100107, 0x01080202, 0x00000000, 0xfeb80004, 0x00000000,
			0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x11001af4,
			0x00000000, 0x00000040, 0x00000000, 0x0000010a, 0x00408011, 0x00002000,
			0x00003000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
			0x00030001, 0x00000008, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
			0x00000000, 0x00000000, 0x00926010, 0x10008000, 0x00000000, 0x00000411,
			0x00110000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00300000 },
		.bars = nvme_bars,
		.bars_count = 1,
		.msix = 0x40,
		.messages_count = 65,
		.table_offset = 0x2000,
		.pba_offset = 0x3000,
		.owner = 1 },
	[SAMPLE_NET0] = NET("ethernet@30", 0x30, net0_bars, 2),
	[SAMPLE_NET1] = NET("ethernet@38", 0x38, net1_bars, -1),
};

static int probe_functions[] = { SAMPLE_EDU, SAMPLE_NVME };
static int nav_functions[] = { SAMPLE_NET0 };

static const struct model_interrupt interrupts[] = {
	{ .function = SAMPLE_EDU, .message = 0, .cpu = 1, .vector = 0x60 },
	{ .function = SAMPLE_NVME, .message = 0, .cpu = 1, .vector = 0x50 },
	{ .function = SAMPLE_NVME, .message = 3, .cpu = 1, .vector = 0x51 },
};

static void *copy(const void *array, size_t bytes)
{
	void *new = malloc(bytes);

	if (!new)
		abort();
	return memcpy(new, array, bytes);
}

void sample_devices(struct model *model, int kind)
{
	const struct model_iommu iommu = {
		.name = kind == X86_IOMMU_AMDVI ? "iommu@fed80000" : "iommu@fed90000",
		.kind = kind,
		.reg = { kind == X86_IOMMU_AMDVI ? 0xfed80000 : 0xfed90000, 0x4000 },
		.address_bits = 48,
	};

	model->ecam = (struct range){ 0xb0000000, 0x10000000 };
	model->iommus = copy(&iommu, sizeof(iommu));
	model->iommus_count = 1;
	model->functions = copy(functions, sizeof(functions));
	model->functions_count = SAMPLE_FUNCTIONS;
	model->partitions[1].functions = probe_functions;
	model->partitions[1].functions_count = 2;
	model->partitions[1].interrupts = copy(interrupts, sizeof(interrupts));
	model->partitions[1].interrupts_count = sizeof(interrupts) / sizeof(interrupts[0]);
	model->partitions[2].functions = nav_functions;
	model->partitions[2].functions_count = 1;
}
