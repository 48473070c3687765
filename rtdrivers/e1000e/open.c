/*
 * Resetting and starting the card. Invariant: bus mastering is on only once the rings say where the
 * device may write. Specification: 82574 datasheet, 4.6, 10.2.
 */
#include <stddef.h>

#include <mullion/cpu.h>
#include <mullion/mmio.h>

#include <e1000e/e1000e.h>
#include <e1000e/registers.h>

#define E1000E_82574LA 0x10f6u
#define E1000E_82583V  0x150cu

#define POLLS        100000u
#define SETTLE_TURNS 10000u /* a microsecond at least, after a reset */
#define REGISTERS    0u     /* the BAR that has them */
#define RING_BYTES   (E1000E_DEPTH * 16u)
#define GROUP        0x01u /* in the first byte of a MAC: not a station's */

static uint32_t get(const struct e1000e *const card, const unsigned offset)
{
	return mmio_read32(card->registers + offset);
}

static void set(const struct e1000e *const card, const unsigned offset, const uint32_t value)
{
	mmio_write32(card->registers + offset, value);
}

/* Until these bits of a register read so. */
static bool becomes(const struct e1000e *const card, const unsigned offset, const uint32_t bits,
	const uint32_t value)
{
	for (unsigned i = 0; i < POLLS; i++) {
		if ((get(card, offset) & bits) == value)
			return true;
		cpu_pause();
	}
	return false;
}

static void settle(void)
{
	for (unsigned i = 0; i < SETTLE_TURNS; i++)
		cpu_pause();
}

/* A device that does not end its accesses in time is reset nevertheless: that ends them. */
static bool reset(const struct e1000e *const card)
{
	set(card, IMC, UINT32_MAX);
	set(card, CTRL, get(card, CTRL) | CTRL_MASTER_OFF);
	becomes(card, STATUS, STATUS_MASTER, 0);
	set(card, CTRL, get(card, CTRL) | CTRL_RESET);
	settle();
	if (!becomes(card, CTRL, CTRL_RESET, 0) || !becomes(card, EECD, EECD_LOADED, EECD_LOADED))
		return false;
	set(card, IMC, UINT32_MAX);
	get(card, ICR);
	return true;
}

/* No offloading, no tags, no pause frames; bits that have to be as they are said to. */
static void set_up(const struct e1000e *const card)
{
	const uint32_t off = CTRL_LOSS_INVERT | CTRL_FORCE_SPEED | CTRL_FORCE_DUPLEX | CTRL_PAUSE |
			     CTRL_RESERVED_29 | CTRL_TAGS | CTRL_PHY_RESET;

	set(card, CTRL, (get(card, CTRL) & ~off) | CTRL_LINK_UP);
	set(card, CTRL_EXT, (get(card, CTRL_EXT) & ~CTRL_EXT_23) | CTRL_EXT_22 | CTRL_EXT_DRIVER);
	set(card, TARC0, get(card, TARC0) | TARC0_26);
	set(card, GCR, get(card, GCR) | GCR_22);
	set(card, GCR2, get(card, GCR2) | GCR2_0);
	set(card, RXCSUM, 0);
	set(card, RFCTL, 0);
}

static bool read_mac(struct e1000e *const card)
{
	const uint32_t low = get(card, RAL0), high = get(card, RAH0);

	for (unsigned i = 0; i < E1000E_MAC_BYTES; i++)
		card->mac[i] = (uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
	return high & RAH0_VALID && (low != 0 || high << 16 != 0) && !(card->mac[0] & GROUP);
}

static void clear(struct e1000e *const card)
{
	for (unsigned i = 0; i < E1000E_DEPTH; i++) {
		card->received[i] =
			(struct e1000e_received){ .address = (uintptr_t)card->receive_buffers[i] };
		card->sent[i] = (struct e1000e_sent){ .address = 0 };
	}
	card->take = card->put = card->outstanding = 0;
	card->frames_sent = card->frames_received = card->refused = 0;
}

static void ring(const struct e1000e *const card, const unsigned base,
	const volatile void *const descriptors)
{
	set(card, base, (uint32_t)(uintptr_t)descriptors);
	set(card, base + RDBAH - RDBAL, (uint32_t)((uintptr_t)descriptors >> 32));
	set(card, base + RDLEN - RDBAL, RING_BYTES);
	set(card, base + RDH - RDBAL, 0);
	set(card, base + RDT - RDBAL, 0);
}

static void rings_start(const struct e1000e *const card)
{
	const uint32_t kept = get(card, TCTL) & ~(TCTL_THRESHOLD_MASK | TCTL_DISTANCE_MASK);

	set(card, TXDCTL, DCTL_EACH | TXDCTL_22);
	set(card, RXDCTL, DCTL_EACH);
	set(card, RDTR, 0);
	set(card, RADV, 0);
	set(card, TCTL, kept | TCTL_ENABLE | TCTL_PAD | TCTL_THRESHOLD | TCTL_DISTANCE);
	set(card, RCTL, RCTL_ENABLE | RCTL_GROUPS | RCTL_BROADCAST | RCTL_STRIP);
	set(card, RDT, E1000E_DEPTH - 1);
}

bool e1000e_drives(const struct pci_function *const function)
{
	return function->vendor == E1000E_VENDOR &&
	       (function->device == E1000E_82574L || function->device == E1000E_82574LA ||
		       function->device == E1000E_82583V);
}

bool e1000e_start(struct e1000e *const card, const struct pci_function *const function)
{
	uint64_t bytes;

	card->broken = true;
	card->registers = pci_map_bar(function, REGISTERS, &bytes);
	if (card->registers == NULL || bytes < E1000E_REGISTERS_BYTES || !reset(card) ||
		!read_mac(card))
		return false;
	set_up(card);
	clear(card);
	ring(card, RDBAL, card->received);
	ring(card, TDBAL, card->sent);
	if (!pci_bus_master(function, true))
		return false;
	rings_start(card);
	card->broken = false;
	return true;
}
