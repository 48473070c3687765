/*
 * A virtio network card (virtio 1.0 over PCI, modern only): one receive and one transmit queue, rings
 * and buffers inside struct virtio_net, nothing allocated. Polled, or with an interrupt for received
 * frames.
 *
 * Each call of the second section touches a constant number of descriptors and takes at most the
 * instructions stated with it (rtdrivers/bounds); it never waits. The device is not trusted: what it
 * writes into the rings is checked, and a device that lies is left alone from then on.
 * Specification: virtio 1.0, 2.4, 3.1, 4.1, 5.1.
 */
#ifndef RTDRIVERS_VIRTIO_NET_H
#define RTDRIVERS_VIRTIO_NET_H

#include <pci/pci.h>

#define VIRTIO_VENDOR     0x1af4u
#define VIRTIO_NET_DEVICE 0x1041u

#define VIRTIO_NET_DEPTH        64u /* of each queue: frames */
#define VIRTIO_NET_MAC_BYTES    6u
#define VIRTIO_NET_FRAME_LEAST  14u /* addresses and type */
#define VIRTIO_NET_FRAME_BYTES  1514u
#define VIRTIO_NET_HEADER_BYTES 12u /* in front of every frame; zeros: no offloading */
#define VIRTIO_NET_BUFFER_BYTES 2048u

struct virtio_descriptor {
	uint64_t address;
	uint32_t bytes;
	uint16_t flags, next;
};

struct virtio_used {
	uint32_t id;
	uint32_t bytes; /* that the device has written */
};

/* A split virtqueue, 2.4: what the device reads, what it writes, and what it does not know. */
struct virtio_queue {
	struct virtio_descriptor descriptors[VIRTIO_NET_DEPTH] __attribute__((aligned(16)));
	struct {
		uint16_t flags, index;
		uint16_t ring[VIRTIO_NET_DEPTH];
	} available __attribute__((aligned(64)));
	struct {
		uint16_t flags, index;
		struct virtio_used ring[VIRTIO_NET_DEPTH];
	} used __attribute__((aligned(64)));
	volatile void *notify __attribute__((aligned(64)));
	uint16_t number;
	uint16_t posted, taken; /* indices: of `available`, and of `used` as far as it was read */
	uint16_t outstanding;   /* descriptors the device has */
	bool with_device[VIRTIO_NET_DEPTH];
	uint8_t buffers[VIRTIO_NET_DEPTH][VIRTIO_NET_BUFFER_BYTES] __attribute__((aligned(4096)));
};

/* Statically allocated by the caller, in memory mapped one to one. */
struct virtio_net {
	struct virtio_queue receive, transmit;
	struct pci_function function;
	uint8_t mac[VIRTIO_NET_MAC_BYTES];
	unsigned vector; /* of the interrupt for received frames; 0: polled */
	bool broken;     /* the device has lied; only virtio_net_open helps */
	uint16_t free[VIRTIO_NET_DEPTH], free_count;
	uint64_t sent, received;
	uint64_t refused;            /* received, but not as a frame can be */
	const volatile void *status; /* of the link; NULL: it does not say */
};

/* ---- Initialisation ---- */

/*
 * Reset and start the nth card, from 0, on buses 0 to `last_bus`, with all receive buffers posted.
 * With a vector, received frames interrupt the calling vcpu (net->vector: the one in force).
 * False: there is none, or it does not offer VERSION_1, ACCESS_PLATFORM and MAC, or a structure of
 * its is not where it says. At most 5000000 instructions.
 */
bool virtio_net_open(struct virtio_net *net, unsigned nth, uint8_t last_bus, unsigned vector);

/* The same with a function that pci_find has found. At most 2000000 instructions. */
bool virtio_net_start(struct virtio_net *net, const struct pci_function *function, unsigned vector);

/* ---- While it runs ---- */

/*
 * Give a frame to the card, copied: true. False: the ring is full, the length is not a frame's, or
 * the device is broken. Takes back one descriptor, too. At most 1200 instructions.
 */
bool virtio_net_send(struct virtio_net *net, const void *frame, unsigned bytes);

/*
 * The oldest frame received, copied, and its length; its buffer goes back to the card. 0: none; or
 * what came was no frame and is counted in net->refused. At most 1200 instructions.
 */
unsigned virtio_net_receive(struct virtio_net *net, uint8_t frame[VIRTIO_NET_FRAME_BYTES]);

/* Take back one frame that the card has sent. False: there is none. At most 50 instructions. */
bool virtio_net_reclaim(struct virtio_net *net);

/* The card has a link, or does not say. At most 20 instructions. */
bool virtio_net_has_link(const struct virtio_net *net);

/*
 * Interrupts for received frames on or off. A frame that came before they went on does not interrupt:
 * receive once more before sleeping. At most 20 instructions.
 */
void virtio_net_interrupts(struct virtio_net *net, bool on);

#endif
