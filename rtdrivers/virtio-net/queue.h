/*
 * What the two halves of the driver share: offering descriptors to the device. For rtdrivers alone.
 */
#ifndef RTDRIVERS_VIRTIO_NET_QUEUE_H
#define RTDRIVERS_VIRTIO_NET_QUEUE_H

#include <virtio-net/virtio_net.h>

#define VIRTIO_DESCRIPTOR_WRITE       2u /* by the device */
#define VIRTIO_AVAILABLE_NO_INTERRUPT 1u
#define VIRTIO_USED_NO_NOTIFY         1u

/* Offer descriptor `id`, which the driver has, to the device. At most 20 instructions. */
void virtio_queue_post(struct virtio_queue *queue, uint16_t id);

/* Tell the device, unless it wants not to be told. At most 15 instructions. */
void virtio_queue_notify(const struct virtio_queue *queue);

#endif
