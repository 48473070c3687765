/*
 * Intel's 82574 and its kin, gigabit network cards of real machines, and QEMU's `e1000e`: one receive
 * and one transmit ring of legacy descriptors, rings and buffers inside struct e1000e, nothing
 * allocated. Polled: no interrupts.
 *
 * Each call of the second section touches a constant number of descriptors and takes at most the
 * instructions stated with it (rtdrivers/bounds); it never waits. The device is not trusted: it tells
 * no indices, a descriptor is looked at only in its turn and written anew before it is offered again,
 * and what comes with a length or flags that no frame has is refused.
 * Specification: Intel 82574 GbE Controller Family Datasheet 3.4, sections 4.6, 7.1, 7.2, 10.2.
 */
#ifndef RTDRIVERS_E1000E_H
#define RTDRIVERS_E1000E_H

#include <pci/pci.h>

#define E1000E_VENDOR 0x8086u
#define E1000E_82574L 0x10d3u

#define E1000E_DEPTH                                                                               \
	64u /* descriptors of each ring; one stays empty, which tells full from empty */
#define E1000E_MAC_BYTES    6u
#define E1000E_FRAME_LEAST  14u   /* addresses and type; sent with zeros up to 60 */
#define E1000E_FRAME_BYTES  1514u /* without the checksum, which the card adds and takes off */
#define E1000E_BUFFER_BYTES 2048u

/* A legacy receive descriptor, 7.1.4; the device writes all but the address. */
struct e1000e_received {
	uint64_t address;
	uint16_t bytes, checksum;
	uint8_t status, errors;
	uint16_t tag;
};

/* A legacy transmit descriptor, 7.2.10; the device writes the status. */
struct e1000e_sent {
	uint64_t address;
	uint16_t bytes;
	uint8_t checksum_at, command, status, checksum_from;
	uint16_t tag;
};

/* Statically allocated by the caller, in memory mapped one to one: 260 KiB. */
struct e1000e {
	struct e1000e_received received[E1000E_DEPTH] __attribute__((aligned(4096)));
	struct e1000e_sent sent[E1000E_DEPTH];
	uint8_t receive_buffers[E1000E_DEPTH][E1000E_BUFFER_BYTES] __attribute__((aligned(4096)));
	uint8_t send_buffers[E1000E_DEPTH][E1000E_BUFFER_BYTES];
	volatile uint8_t *registers;
	uint8_t mac[E1000E_MAC_BYTES];
	bool broken;   /* not open, or it did not open */
	uint16_t take; /* receive descriptor to look at next */
	uint16_t put;  /* transmit descriptor to use next */
	uint16_t
		outstanding; /* transmit descriptors with the device, the last of them before `put` */
	uint64_t frames_sent, frames_received;
	uint64_t refused; /* received, but not as a frame can be */
};

/* ---- Initialisation ---- */

/* Whether this driver is for a function with these IDs: 82574L, 82574LA, 82583V. At most 20 instructions. */
bool e1000e_drives(const struct pci_function *function);

/*
 * Reset and start a function that pci_find has found: its registers are in BAR 0, its address in what
 * it loads from its memory after a reset. The link comes up by itself (e1000e_has_link), in seconds on
 * hardware. False: a register does not become what it must, it has no address, or may not master the
 * bus. At most 3500000 instructions.
 */
bool e1000e_start(struct e1000e *card, const struct pci_function *function);

/* ---- While it runs ---- */

/*
 * Give a frame to the card, copied: true. False: the ring is full, the length is not a frame's, or
 * the card is not open. Takes back one descriptor, too. At most 1200 instructions.
 */
bool e1000e_send(struct e1000e *card, const void *frame, unsigned bytes);

/*
 * The oldest frame received, copied, and its length; its buffer goes back to the card. 0: none; or
 * what came was no frame and is counted in card->refused. At most 1200 instructions.
 */
unsigned e1000e_receive(struct e1000e *card, uint8_t frame[E1000E_FRAME_BYTES]);

/* Take back one frame that the card has sent. False: there is none. At most 50 instructions. */
bool e1000e_reclaim(struct e1000e *card);

/* The card has a link. At most 20 instructions. */
bool e1000e_has_link(const struct e1000e *card);

#endif
