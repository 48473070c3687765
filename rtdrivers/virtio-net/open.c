/*
 * Finding, resetting and starting the card. Invariant: no register is touched outside what a
 * capability names and its BAR holds. Specification: virtio 1.0, 3.1.1, 4.1.4, 5.1.4.
 */
#include <stddef.h>

#include <mullion/cpu.h>
#include <mullion/mmio.h>

#include <virtio-net/queue.h>

/* A vendor-specific capability, 4.1.4. */
#define CAPABILITY_TYPE       3u
#define CAPABILITY_BAR        4u
#define CAPABILITY_OFFSET     8u
#define CAPABILITY_BYTES      12u
#define CAPABILITY_MULTIPLIER 16u
#define CAPABILITIES_LIMIT    8u
#define TYPE_COMMON           1u
#define TYPE_NOTIFY           2u
#define TYPE_DEVICE           4u

/* The common configuration, 4.1.4.3. */
#define COMMON_DEVICE_SELECT   0x00u
#define COMMON_DEVICE_FEATURES 0x04u
#define COMMON_DRIVER_SELECT   0x08u
#define COMMON_DRIVER_FEATURES 0x0cu
#define COMMON_QUEUES          0x12u
#define COMMON_STATUS          0x14u
#define COMMON_QUEUE           0x16u
#define COMMON_QUEUE_SIZE      0x18u
#define COMMON_QUEUE_VECTOR    0x1au
#define COMMON_QUEUE_ENABLE    0x1cu
#define COMMON_QUEUE_NOTIFY    0x1eu
#define COMMON_DESCRIPTORS     0x20u
#define COMMON_AVAILABLE       0x28u
#define COMMON_USED            0x30u
#define COMMON_SIZE            0x38u

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u

#define FEATURE_MAC             (1ull << 5)
#define FEATURE_STATUS          (1ull << 16)
#define FEATURE_VERSION_1       (1ull << 32)
#define FEATURE_ACCESS_PLATFORM (1ull << 33)
#define FEATURES                (FEATURE_MAC | FEATURE_VERSION_1 | FEATURE_ACCESS_PLATFORM)

/* The device's own configuration, 5.1.4. */
#define DEVICE_STATUS VIRTIO_NET_MAC_BYTES
#define DEVICE_BYTES  (DEVICE_STATUS + 2)

#define RESET_POLLS   100000u
#define MESSAGE       0u
#define NO_MESSAGE    0xffffu
#define RECEIVE       0u
#define TRANSMIT      1u
#define QUEUES        2u
#define RECEIVE_BYTES (VIRTIO_NET_HEADER_BYTES + VIRTIO_NET_FRAME_BYTES)

struct region {
	volatile uint8_t *at;
	uint32_t bytes;
};

struct card {
	struct region common, notify, device;
	uint32_t multiplier;
};

/* ---- Where its structures are ---- */

static struct region region_of(const struct pci_function *const function, const uint8_t at)
{
	const uint32_t offset = pci_read32(function, at + CAPABILITY_OFFSET);
	const uint32_t bytes = pci_read32(function, at + CAPABILITY_BYTES);
	uint64_t bar_bytes;
	volatile uint8_t *const bar =
		pci_map_bar(function, pci_read8(function, at + CAPABILITY_BAR), &bar_bytes);

	if (bar == NULL || (uint64_t)offset + bytes > bar_bytes)
		return (struct region){ NULL, 0 };
	return (struct region){ bar + offset, bytes };
}

/* The first structure of each type is the one to use, 4.1.4.1. */
static void note(
	const struct pci_function *const function, const uint8_t at, struct card *const card)
{
	const uint8_t type = pci_read8(function, at + CAPABILITY_TYPE);

	if (type == TYPE_COMMON && card->common.at == NULL)
		card->common = region_of(function, at);
	if (type == TYPE_DEVICE && card->device.at == NULL)
		card->device = region_of(function, at);
	if (type == TYPE_NOTIFY && card->notify.at == NULL) {
		card->notify = region_of(function, at);
		card->multiplier = pci_read32(function, at + CAPABILITY_MULTIPLIER);
	}
}

static bool card_find(const struct pci_function *const function, struct card *const card)
{
	uint8_t at = 0;

	for (unsigned i = 0; i < CAPABILITIES_LIMIT; i++) {
		at = pci_capability(function, PCI_CAPABILITY_VENDOR, at);
		if (at == 0)
			break;
		note(function, at, card);
	}
	return card->common.bytes >= COMMON_SIZE && card->notify.bytes >= 2 &&
	       card->device.bytes >= VIRTIO_NET_MAC_BYTES;
}

/* ---- Reset and features ---- */

static void status_add(const struct card *const card, const uint8_t bits)
{
	volatile uint8_t *const status = card->common.at + COMMON_STATUS;

	mmio_write8(status, mmio_read8(status) | bits);
}

static bool reset(const struct card *const card)
{
	volatile uint8_t *const status = card->common.at + COMMON_STATUS;

	mmio_write8(status, 0);
	for (unsigned i = 0; i < RESET_POLLS; i++) {
		if (mmio_read8(status) == 0)
			return true;
		cpu_pause();
	}
	return false;
}

static uint32_t offered(const struct card *const card, const uint32_t half)
{
	mmio_write32(card->common.at + COMMON_DEVICE_SELECT, half);
	return mmio_read32(card->common.at + COMMON_DEVICE_FEATURES);
}

static void accept(const struct card *const card, const uint32_t half, const uint32_t features)
{
	mmio_write32(card->common.at + COMMON_DRIVER_SELECT, half);
	mmio_write32(card->common.at + COMMON_DRIVER_FEATURES, features);
}

/* What is wanted, and of the link's state what there is. */
static bool negotiate(struct virtio_net *const net, const struct card *const card)
{
	const uint64_t features = (uint64_t)offered(card, 1) << 32 | offered(card, 0);
	const uint64_t status = card->device.bytes >= DEVICE_BYTES ? features & FEATURE_STATUS : 0;

	if ((features & FEATURES) != FEATURES)
		return false;
	accept(card, 0, (uint32_t)(FEATURES | status));
	accept(card, 1, (uint32_t)(FEATURES >> 32));
	status_add(card, STATUS_FEATURES_OK);
	net->status = status != 0 ? card->device.at + DEVICE_STATUS : NULL;
	return mmio_read8(card->common.at + COMMON_STATUS) & STATUS_FEATURES_OK;
}

/* ---- Queues ---- */

static void write_address(volatile uint8_t *const at, const volatile void *const address)
{
	mmio_write32(at, (uint32_t)(uintptr_t)address);
	mmio_write32(at + 4, (uint32_t)((uintptr_t)address >> 32));
}

/* Where the selected queue is notified, or NULL. */
static volatile void *notify_at(const struct card *const card)
{
	const uint64_t offset =
		(uint64_t)mmio_read16(card->common.at + COMMON_QUEUE_NOTIFY) * card->multiplier;

	return offset + 2 <= card->notify.bytes ? card->notify.at + offset : NULL;
}

static bool queue_start(const struct card *const card, struct virtio_queue *const queue,
	const uint16_t number, const uint16_t message)
{
	volatile uint8_t *const common = card->common.at;

	mmio_write16(common + COMMON_QUEUE, number);
	if (mmio_read16(common + COMMON_QUEUE_SIZE) < VIRTIO_NET_DEPTH)
		return false;
	queue->number = number;
	queue->notify = notify_at(card);
	mmio_write16(common + COMMON_QUEUE_SIZE, VIRTIO_NET_DEPTH);
	mmio_write16(common + COMMON_QUEUE_VECTOR, message);
	write_address(common + COMMON_DESCRIPTORS, queue->descriptors);
	write_address(common + COMMON_AVAILABLE, &queue->available);
	write_address(common + COMMON_USED, &queue->used);
	mmio_write16(common + COMMON_QUEUE_ENABLE, 1);
	return queue->notify != NULL && mmio_read16(common + COMMON_QUEUE_VECTOR) == message;
}

static void queue_clear(
	struct virtio_queue *const queue, const uint32_t bytes, const uint16_t flags)
{
	queue->available.flags = VIRTIO_AVAILABLE_NO_INTERRUPT;
	queue->available.index = queue->used.flags = queue->used.index = 0;
	queue->posted = queue->taken = queue->outstanding = 0;
	for (uint16_t i = 0; i < VIRTIO_NET_DEPTH; i++) {
		queue->with_device[i] = false;
		__builtin_memset(queue->buffers[i], 0, VIRTIO_NET_HEADER_BYTES);
		queue->descriptors[i] = (struct virtio_descriptor){
			.address = (uintptr_t)queue->buffers[i], .bytes = bytes, .flags = flags
		};
	}
}

static void clear(struct virtio_net *const net)
{
	queue_clear(&net->receive, RECEIVE_BYTES, VIRTIO_DESCRIPTOR_WRITE);
	queue_clear(&net->transmit, 0, 0);
	for (uint16_t i = 0; i < VIRTIO_NET_DEPTH; i++) {
		virtio_queue_post(&net->receive, i);
		net->free[i] = i;
	}
	net->free_count = VIRTIO_NET_DEPTH;
	net->sent = net->received = net->refused = 0;
	net->broken = false;
}

static bool queues_start(struct virtio_net *const net, const struct card *const card)
{
	const uint16_t message = net->vector != 0 ? MESSAGE : NO_MESSAGE;

	return mmio_read16(card->common.at + COMMON_QUEUES) >= QUEUES &&
	       queue_start(card, &net->receive, RECEIVE, message) &&
	       queue_start(card, &net->transmit, TRANSMIT, NO_MESSAGE);
}

static void read_mac(struct virtio_net *const net, const struct card *const card)
{
	for (unsigned i = 0; i < VIRTIO_NET_MAC_BYTES; i++)
		net->mac[i] = mmio_read8(card->device.at + i);
}

bool virtio_net_start(struct virtio_net *const net, const struct pci_function *const function,
	const unsigned vector)
{
	struct card card = { .multiplier = 0 };

	net->broken = true;
	net->function = *function;
	if (!card_find(&net->function, &card) || !reset(&card))
		return false;
	status_add(&card, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	if (!negotiate(net, &card) || !pci_bus_master(&net->function, true))
		return false;
	net->vector = vector == 0 ? 0 : pci_message_enable(&net->function, MESSAGE, vector);
	clear(net);
	read_mac(net, &card);
	if (!queues_start(net, &card)) {
		net->broken = true;
		return false;
	}
	status_add(&card, STATUS_DRIVER_OK);
	virtio_queue_notify(&net->receive);
	virtio_net_interrupts(net, true);
	return true;
}

bool virtio_net_open(struct virtio_net *const net, const unsigned nth, const uint8_t last_bus,
	const unsigned vector)
{
	struct pci_function function;

	net->broken = true;
	return pci_find(VIRTIO_VENDOR, VIRTIO_NET_DEVICE, 0, nth, last_bus, &function) &&
	       virtio_net_start(net, &function, vector);
}
