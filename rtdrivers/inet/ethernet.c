/*
 * Headers of Ethernet. Invariant: nothing beyond ETHERNET_HEADER_BYTES is read or written.
 * Specification: IEEE 802.3, 3.2.
 */
#include <inet/ethernet.h>
#include <inet/octets.h>

bool ethernet_decode(
	const uint8_t *const frame, const unsigned bytes, struct ethernet_header *const header)
{
	if (bytes < ETHERNET_HEADER_BYTES)
		return false;
	ethernet_copy(header->to, frame);
	ethernet_copy(header->from, frame + ETHERNET_ADDRESS_BYTES);
	header->type = octets_read16(frame + 2 * ETHERNET_ADDRESS_BYTES);
	return true;
}

void ethernet_encode(const struct ethernet_header *const header, uint8_t *const frame)
{
	ethernet_copy(frame, header->to);
	ethernet_copy(frame + ETHERNET_ADDRESS_BYTES, header->from);
	octets_write16(frame + 2 * ETHERNET_ADDRESS_BYTES, header->type);
}

bool ethernet_same(const uint8_t *const a, const uint8_t *const b)
{
	uint8_t difference = 0;

	for (unsigned i = 0; i < ETHERNET_ADDRESS_BYTES; i++)
		difference = (uint8_t)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

bool ethernet_is_broadcast(const uint8_t *const address)
{
	uint8_t ones = 0xff;

	for (unsigned i = 0; i < ETHERNET_ADDRESS_BYTES; i++)
		ones &= address[i];
	return ones == 0xff;
}

bool ethernet_is_group(const uint8_t *const address)
{
	return address[0] & 1u;
}
