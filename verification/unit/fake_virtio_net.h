/*
 * A virtio network card's configuration space and registers, as memory behind fake_function.h.
 */
#ifndef FAKE_VIRTIO_NET_H
#define FAKE_VIRTIO_NET_H

#include "fake_function.h"

#define CAP_COMMON 0x40u
#define CAP_NOTIFY 0x50u
#define CAP_DEVICE 0x70u
#define CAP_MSIX   0x90u

#define COMMON        0x0000u
#define DEVICE        0x2000u
#define NOTIFY        0x3000u
#define FEATURES      (COMMON + 0x04)
#define QUEUES        (COMMON + 0x12)
#define DRIVER_STATUS (COMMON + 0x14)
#define SIZE          (COMMON + 0x18)
#define OFFSET        (COMMON + 0x1e)

/* One as it should be, at FAKE_BDF, with the address 52:54:00:12:34:56. */
void fake_virtio_net_begin(void);

/* A capability that names a structure of this type in BAR 4. */
void fake_virtio_structure(
	unsigned at, unsigned next, unsigned type, uint32_t offset, uint32_t bytes);

#endif
