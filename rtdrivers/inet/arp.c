/*
 * Packets of ARP. Invariant: nothing beyond ARP_BYTES is read or written.
 * Specification: RFC 826, Packet format.
 */
#include <inet/arp.h>
#include <inet/octets.h>

#define AT_HARDWARE        0u
#define AT_PROTOCOL        2u
#define AT_HARDWARE_BYTES  4u
#define AT_PROTOCOL_BYTES  5u
#define AT_OPERATION       6u
#define AT_SENDER_MAC      8u
#define AT_SENDER          14u
#define AT_TARGET_MAC      18u
#define AT_TARGET          24u
#define HARDWARE_ETHERNET  1u
#define IPV4_ADDRESS_BYTES 4u

static bool is_ipv4_over_ethernet(const uint8_t *const octets)
{
	return octets_read16(octets + AT_HARDWARE) == HARDWARE_ETHERNET &&
	       octets_read16(octets + AT_PROTOCOL) == ETHERNET_IPV4 &&
	       octets[AT_HARDWARE_BYTES] == ETHERNET_ADDRESS_BYTES &&
	       octets[AT_PROTOCOL_BYTES] == IPV4_ADDRESS_BYTES;
}

bool arp_decode(const uint8_t *const octets, const unsigned bytes, struct arp_packet *const packet)
{
	if (bytes < ARP_BYTES || !is_ipv4_over_ethernet(octets))
		return false;
	packet->operation = octets_read16(octets + AT_OPERATION);
	ethernet_copy(packet->sender_mac, octets + AT_SENDER_MAC);
	ethernet_copy(packet->target_mac, octets + AT_TARGET_MAC);
	packet->sender = octets_read32(octets + AT_SENDER);
	packet->target = octets_read32(octets + AT_TARGET);
	return packet->operation == ARP_REQUEST || packet->operation == ARP_REPLY;
}

void arp_encode(const struct arp_packet *const packet, uint8_t *const octets)
{
	octets_write16(octets + AT_HARDWARE, HARDWARE_ETHERNET);
	octets_write16(octets + AT_PROTOCOL, ETHERNET_IPV4);
	octets[AT_HARDWARE_BYTES] = ETHERNET_ADDRESS_BYTES;
	octets[AT_PROTOCOL_BYTES] = IPV4_ADDRESS_BYTES;
	octets_write16(octets + AT_OPERATION, packet->operation);
	ethernet_copy(octets + AT_SENDER_MAC, packet->sender_mac);
	octets_write32(octets + AT_SENDER, packet->sender);
	ethernet_copy(octets + AT_TARGET_MAC, packet->target_mac);
	octets_write32(octets + AT_TARGET, packet->target);
}
