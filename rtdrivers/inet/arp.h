/*
 * Address resolution: packets of ARP for IPv4 over Ethernet. Pure. Specification: RFC 826.
 */
#ifndef RTDRIVERS_INET_ARP_H
#define RTDRIVERS_INET_ARP_H

#include <inet/ethernet.h>

#define ARP_BYTES   28u
#define ARP_REQUEST 1u
#define ARP_REPLY   2u

struct arp_packet {
	uint16_t operation;
	uint8_t sender_mac[ETHERNET_ADDRESS_BYTES], target_mac[ETHERNET_ADDRESS_BYTES];
	uint32_t sender, target; /* IPv4 addresses */
};

/*
 * What stands behind the header of a frame. False: too short, not of IPv4 over Ethernet, or an
 * operation that RFC 826 does not have. At most 150 instructions.
 */
bool arp_decode(const uint8_t *octets, unsigned bytes, struct arp_packet *packet);

/* Writes ARP_BYTES. At most 150 instructions. */
void arp_encode(const struct arp_packet *packet, uint8_t *octets);

#endif
