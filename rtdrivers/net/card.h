/*
 * A network card, whichever of those driven here: frames out, frames in, the address, the link. Rings
 * and buffers inside struct card, nothing allocated.
 *
 * Every call is bounded as the driver's own is (rtdrivers/bounds), plus a few instructions for the
 * choice. Which card it is shows in `kind`, and only there: who wants more of one uses its driver.
 */
#ifndef RTDRIVERS_NET_CARD_H
#define RTDRIVERS_NET_CARD_H

#include <e1000e/e1000e.h>
#include <virtio-net/virtio_net.h>

#define CARD_CLASS       0x020000u /* Ethernet controllers */
#define CARD_MAC_BYTES   6u
#define CARD_FRAME_LEAST 14u   /* addresses and type */
#define CARD_FRAME_BYTES 1514u /* without the checksum, which the card adds and takes off */

enum card_kind { CARD_NONE, CARD_VIRTIO_NET, CARD_E1000E };

/* Statically allocated by the caller, in memory mapped one to one: 270 KiB. */
struct card {
	enum card_kind kind; /* CARD_NONE: not open */
	uint8_t mac[CARD_MAC_BYTES];
	unsigned vector; /* of the interrupt for received frames; 0: polled */
	union {
		struct virtio_net virtio_net;
		struct e1000e e1000e;
	} driver;
};

/* ---- Initialisation ---- */

/*
 * Reset and start the nth Ethernet controller, from 0, on buses 0 to `last_bus`, as card_start does.
 * False: there is none, or card_start says so. At most 7500000 instructions.
 */
bool card_open(struct card *card, unsigned nth, uint8_t last_bus, unsigned vector);

/*
 * The same with a function that pci_find has found, by its IDs for instance. With a vector, and where
 * the driver has interrupts, received frames interrupt the calling vcpu (card->vector: the one in
 * force). False: none of the drivers is for these IDs, or its own refuses it. At most
 * 4000000 instructions.
 */
bool card_start(struct card *card, const struct pci_function *function, unsigned vector);

/* What drives it, in words. At most 15 instructions. */
const char *card_name(const struct card *card);

/* ---- While it runs ---- */

/*
 * Give a frame to the card, copied: true. False: its ring is full, the length is not a frame's, or
 * the card is not open or broken. Takes back one that was sent, too. At most 1250 instructions.
 */
bool card_send(struct card *card, const void *frame, unsigned bytes);

/*
 * The oldest frame received, copied, and its length. 0: none; or what came was no frame, and is
 * counted. At most 1250 instructions.
 */
unsigned card_receive(struct card *card, uint8_t frame[CARD_FRAME_BYTES]);

/* Take back one frame that the card has sent. False: there is none. At most 80 instructions. */
bool card_reclaim(struct card *card);

/* Frames that the card was given and has not been seen to have sent. At most 20 instructions. */
unsigned card_outstanding(const struct card *card);

/* The card has a link. Those that cannot tell are taken to have. At most 40 instructions. */
bool card_has_link(const struct card *card);

/* The card has lied, or never was opened; only opening it again helps. At most 20 instructions. */
bool card_is_broken(const struct card *card);

/* What the card called a frame and is none. At most 20 instructions. */
uint64_t card_refused(const struct card *card);

#endif
