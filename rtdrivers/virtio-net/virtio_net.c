/*
 * Frames through split virtqueues. Descriptor i is buffer i, for ever.
 *
 * Invariant: a descriptor is with the device or with the driver, never both, and what the device says
 * about one is believed only if the device has it. Order: a descriptor is written before the index
 * that offers it, the index before the question whether to notify; what the device wrote is read
 * after its index. Specification: virtio 1.0, 2.4.
 */
#include <stddef.h>

#include <mullion/mmio.h>

#include <virtio-net/queue.h>

#define WORD_BYTES     8u
#define STATUS_LINK_UP 1u

static void copy_words(uint8_t *const to, const uint8_t *const from, const unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		__builtin_memcpy(to + WORD_BYTES * i, from + WORD_BYTES * i, WORD_BYTES);
}

static void copy_rest(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = from[i];
}

static void copy(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	const unsigned whole = bytes / WORD_BYTES * WORD_BYTES;

	copy_words(to, from, bytes / WORD_BYTES);
	copy_rest(to + whole, from + whole, bytes % WORD_BYTES);
}

void virtio_queue_post(struct virtio_queue *const queue, const uint16_t id)
{
	queue->with_device[id] = true;
	queue->outstanding++;
	queue->available.ring[queue->posted % VIRTIO_NET_DEPTH] = id;
	queue->posted++;
	__atomic_store_n(&queue->available.index, queue->posted, __ATOMIC_RELEASE);
}

void virtio_queue_notify(const struct virtio_queue *const queue)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&queue->used.flags, __ATOMIC_RELAXED) & VIRTIO_USED_NO_NOTIFY))
		mmio_write16(queue->notify, queue->number);
}

/*
 * The next descriptor that comes back, with the bytes written; VIRTIO_NET_DEPTH: none. A device that
 * returns what it does not have, or more than it has, is broken.
 */
static uint32_t take(
	struct virtio_net *const net, struct virtio_queue *const queue, uint32_t *const bytes)
{
	const uint16_t index = __atomic_load_n(&queue->used.index, __ATOMIC_ACQUIRE);
	const uint16_t ready = (uint16_t)(index - queue->taken);
	const volatile struct virtio_used *const used =
		&queue->used.ring[queue->taken % VIRTIO_NET_DEPTH];
	uint32_t id;

	if (net->broken || ready == 0)
		return VIRTIO_NET_DEPTH;
	id = used->id; /* read once: the device may write it again */
	if (ready > queue->outstanding || id >= VIRTIO_NET_DEPTH || !queue->with_device[id]) {
		net->broken = true;
		return VIRTIO_NET_DEPTH;
	}
	*bytes = used->bytes;
	queue->with_device[id] = false;
	queue->outstanding--;
	queue->taken++;
	return id;
}

bool virtio_net_reclaim(struct virtio_net *const net)
{
	uint32_t bytes;
	const uint32_t id = take(net, &net->transmit, &bytes);

	if (id == VIRTIO_NET_DEPTH)
		return false;
	net->free[net->free_count++] = (uint16_t)id;
	return true;
}

bool virtio_net_send(struct virtio_net *const net, const void *const frame, const unsigned bytes)
{
	struct virtio_queue *const queue = &net->transmit;
	uint16_t id;

	if (bytes < VIRTIO_NET_FRAME_LEAST || bytes > VIRTIO_NET_FRAME_BYTES)
		return false;
	virtio_net_reclaim(net);
	if (net->broken || net->free_count == 0)
		return false;
	id = net->free[--net->free_count];
	copy(queue->buffers[id] + VIRTIO_NET_HEADER_BYTES, frame, bytes);
	queue->descriptors[id].bytes = VIRTIO_NET_HEADER_BYTES + bytes;
	virtio_queue_post(queue, id);
	virtio_queue_notify(queue);
	net->sent++;
	return true;
}

static bool is_frame(const uint32_t bytes)
{
	return bytes >= VIRTIO_NET_HEADER_BYTES + VIRTIO_NET_FRAME_LEAST &&
	       bytes <= VIRTIO_NET_HEADER_BYTES + VIRTIO_NET_FRAME_BYTES;
}

unsigned virtio_net_receive(
	struct virtio_net *const net, uint8_t frame[const VIRTIO_NET_FRAME_BYTES])
{
	struct virtio_queue *const queue = &net->receive;
	uint32_t written;
	unsigned bytes = 0;
	const uint32_t id = take(net, queue, &written);

	if (id == VIRTIO_NET_DEPTH)
		return 0;
	if (is_frame(written)) {
		bytes = written - VIRTIO_NET_HEADER_BYTES;
		copy(frame, queue->buffers[id] + VIRTIO_NET_HEADER_BYTES, bytes);
		net->received++;
	} else {
		net->refused++;
	}
	virtio_queue_post(queue, (uint16_t)id);
	virtio_queue_notify(queue);
	return bytes;
}

bool virtio_net_has_link(const struct virtio_net *const net)
{
	return net->status == NULL || mmio_read16(net->status) & STATUS_LINK_UP;
}

void virtio_net_interrupts(struct virtio_net *const net, const bool on)
{
	__atomic_store_n(&net->receive.available.flags,
		on && net->vector != 0 ? 0 : VIRTIO_AVAILABLE_NO_INTERRUPT, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
