/*
 * See fake_virtio_net.h. Invariant: what a driver needs is there, nothing more.
 */
#include "fake_virtio_net.h"

#include <pci/registers.h>
#include <virtio-net/virtio_net.h>

void fake_virtio_structure(
	unsigned at, unsigned next, unsigned type, uint32_t offset, uint32_t bytes)
{
	fake_config32(at, (uint32_t)(type << 24 | 16 << 16 | next << 8 | PCI_CAPABILITY_VENDOR));
	fake_config32(at + 4, 4); /* BAR 4 */
	fake_config32(at + 8, offset);
	fake_config32(at + 12, bytes);
}

/* Registers are memory: both halves of the features read the same, which has all that is needed. */
void fake_virtio_net_begin(void)
{
	fake_begin(VIRTIO_VENDOR, VIRTIO_NET_DEVICE);
	fake.config[PCI_CAPABILITIES] = CAP_COMMON;
	fake_virtio_structure(CAP_COMMON, CAP_NOTIFY, 1, COMMON, 0x1000);
	fake_virtio_structure(CAP_NOTIFY, CAP_DEVICE, 2, NOTIFY, 0x1000);
	fake_config32(CAP_NOTIFY + 16, 4);
	fake_virtio_structure(CAP_DEVICE, CAP_MSIX, 4, DEVICE, 0x1000);
	fake_config32(CAP_MSIX, 3u << 16 | PCI_CAPABILITY_MSIX);
	fake_config32(CAP_MSIX + MSIX_TABLE, 1);
	fake.registers[FEATURES] = 1 << 5 | 1 << 1 | 1 << 0;
	fake.registers[QUEUES] = 2;
	fake.registers[SIZE + 1] = 1; /* 256 */
	memcpy(fake.registers + DEVICE, "\x52\x54\x00\x12\x34\x56", 6);
}
