/*
 * The choice between drivers. See card.h. Invariant: of `driver` that member is in use which `kind`
 * names, and no other is touched.
 */
#include <stddef.h>

#include <net/card.h>

_Static_assert(CARD_FRAME_BYTES == VIRTIO_NET_FRAME_BYTES && CARD_FRAME_BYTES == E1000E_FRAME_BYTES,
	"a frame fits every card");
_Static_assert(CARD_FRAME_LEAST == VIRTIO_NET_FRAME_LEAST && CARD_FRAME_LEAST == E1000E_FRAME_LEAST,
	"and is one for every card");

static bool is_virtio_net(const struct pci_function *const function)
{
	return function->vendor == VIRTIO_VENDOR && function->device == VIRTIO_NET_DEVICE;
}

static bool start_virtio_net(
	struct card *const card, const struct pci_function *const function, const unsigned vector)
{
	struct virtio_net *const net = &card->driver.virtio_net;

	if (!virtio_net_start(net, function, vector))
		return false;
	__builtin_memcpy(card->mac, net->mac, CARD_MAC_BYTES);
	card->vector = net->vector;
	card->kind = CARD_VIRTIO_NET;
	return true;
}

static bool start_e1000e(struct card *const card, const struct pci_function *const function)
{
	struct e1000e *const intel = &card->driver.e1000e;

	if (!e1000e_start(intel, function))
		return false;
	__builtin_memcpy(card->mac, intel->mac, CARD_MAC_BYTES);
	card->vector = 0;
	card->kind = CARD_E1000E;
	return true;
}

bool card_start(
	struct card *const card, const struct pci_function *const function, const unsigned vector)
{
	card->kind = CARD_NONE;
	if (is_virtio_net(function))
		return start_virtio_net(card, function, vector);
	return e1000e_drives(function) && start_e1000e(card, function);
}

bool card_open(
	struct card *const card, const unsigned nth, const uint8_t last_bus, const unsigned vector)
{
	struct pci_function function;

	card->kind = CARD_NONE;
	return pci_find(PCI_ANY, PCI_ANY, CARD_CLASS, nth, last_bus, &function) &&
	       card_start(card, &function, vector);
}

const char *card_name(const struct card *const card)
{
	if (card->kind == CARD_E1000E)
		return "e1000e";
	return card->kind == CARD_VIRTIO_NET ? "virtio-net" : "none";
}

bool card_send(struct card *const card, const void *const frame, const unsigned bytes)
{
	if (card->kind == CARD_VIRTIO_NET)
		return virtio_net_send(&card->driver.virtio_net, frame, bytes);
	if (card->kind == CARD_E1000E)
		return e1000e_send(&card->driver.e1000e, frame, bytes);
	return false;
}

unsigned card_receive(struct card *const card, uint8_t frame[const CARD_FRAME_BYTES])
{
	if (card->kind == CARD_VIRTIO_NET)
		return virtio_net_receive(&card->driver.virtio_net, frame);
	if (card->kind == CARD_E1000E)
		return e1000e_receive(&card->driver.e1000e, frame);
	return 0;
}

bool card_reclaim(struct card *const card)
{
	if (card->kind == CARD_VIRTIO_NET)
		return virtio_net_reclaim(&card->driver.virtio_net);
	if (card->kind == CARD_E1000E)
		return e1000e_reclaim(&card->driver.e1000e);
	return false;
}

unsigned card_outstanding(const struct card *const card)
{
	if (card->kind == CARD_VIRTIO_NET)
		return card->driver.virtio_net.transmit.outstanding;
	if (card->kind == CARD_E1000E)
		return card->driver.e1000e.outstanding;
	return 0;
}

bool card_has_link(const struct card *const card)
{
	if (card->kind == CARD_VIRTIO_NET)
		return virtio_net_has_link(&card->driver.virtio_net);
	if (card->kind == CARD_E1000E)
		return e1000e_has_link(&card->driver.e1000e);
	return false;
}

bool card_is_broken(const struct card *const card)
{
	if (card->kind == CARD_VIRTIO_NET)
		return card->driver.virtio_net.broken;
	if (card->kind == CARD_E1000E)
		return card->driver.e1000e.broken;
	return true;
}

uint64_t card_refused(const struct card *const card)
{
	if (card->kind == CARD_VIRTIO_NET)
		return card->driver.virtio_net.refused;
	if (card->kind == CARD_E1000E)
		return card->driver.e1000e.refused;
	return 0;
}
