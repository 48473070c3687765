/*
 * What stands in front of a BTH in most frames: Ethernet without a tag, IPv4 without options, UDP without a checksum.
 * Inline, in words as the processor loads them; sums of these are the same in any order of bytes (RFC 1071, 2 (B)).
 *
 * Invariant: what is accepted here is what the whole decoder accepts; what is not, it has to judge. Specification: RFC
 * 791, 768; IBTA volume 1, annex A17.
 */
#ifndef RTDRIVERS_IB_PLAIN_H
#define RTDRIVERS_IB_PLAIN_H

#include <ib/roce.h>

#define PLAIN_IP       14u
#define PLAIN_UDP      34u
#define PLAIN_PACKET   42u
#define PLAIN_LEAST    (PLAIN_PACKET + IB_BTH_BYTES + IB_ICRC_BYTES)
#define PLAIN_TYPE     0x0008u     /* in the frame: 08 00 */
#define PLAIN_VERSION  0x45u       /* and five words */
#define PLAIN_PIECES   0xffbfu     /* of flags and offset, all but "do not fragment": 0 */
#define PLAIN_DONT     0x00400000u /* "do not fragment", behind the identification */
#define PLAIN_PROTOCOL 17u

struct plain {
	const uint8_t *destination_mac, *source_mac;
	const uint8_t *source, *destination; /* GIDs of IPv4 */
	uint8_t service, hop_limit;
	uint16_t identification, source_port;
};

static inline uint16_t plain_load16(const uint8_t *const at)
{
	uint16_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint32_t plain_load32(const uint8_t *const at)
{
	uint32_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

static inline void plain_store32(uint8_t *const at, const uint32_t value)
{
	__builtin_memcpy(at, &value, sizeof(value));
}

/* Of the IPv4 address there. */
static inline void plain_gid(uint8_t *const gid, const uint8_t *const address)
{
	const uint64_t words[2] = { 0, (uint64_t)plain_load32(address) << 32 | 0xffff0000 };

	__builtin_memcpy(gid, words, sizeof(words));
}

/* Of five words' sum, in sixteen bits. */
static inline uint32_t plain_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint32_t)((sum + (sum >> 16)) & 0xffff);
}

/* The headers of a datagram with so many bytes, its UDP header's among them. */
static inline void plain_write(
	const struct plain *const plain, const unsigned bytes, uint8_t *const data)
{
	const uint16_t type = PLAIN_TYPE;
	const uint32_t first = __builtin_bswap32(
		PLAIN_VERSION << 24 | (uint32_t)plain->service << 16 | ((20 + bytes) & 0xffff));
	const uint32_t second = __builtin_bswap16(plain->identification) | PLAIN_DONT;
	const uint32_t third = plain->hop_limit | PLAIN_PROTOCOL << 8;
	const uint32_t from = plain_load32(plain->source + 12);
	const uint32_t to = plain_load32(plain->destination + 12);
	const uint32_t sum = plain_fold((uint64_t)first + second + third + from + to);

	__builtin_memcpy(data, plain->destination_mac, ROCE_MAC_BYTES);
	__builtin_memcpy(data + ROCE_MAC_BYTES, plain->source_mac, ROCE_MAC_BYTES);
	__builtin_memcpy(data + 12, &type, sizeof(type));
	plain_store32(data + PLAIN_IP, first);
	plain_store32(data + PLAIN_IP + 4, second);
	plain_store32(data + PLAIN_IP + 8, third | ~sum << 16);
	plain_store32(data + PLAIN_IP + 12, from);
	plain_store32(data + PLAIN_IP + 16, to);
	plain_store32(data + PLAIN_UDP,
		__builtin_bswap32((uint32_t)plain->source_port << 16 | ROCE_PORT));
	plain_store32(data + PLAIN_UDP + 4, __builtin_bswap32((uint32_t)bytes << 16));
}

/* The bytes from the UDP header to the ICRC's last; 0: it is no such frame, or not a good one. */
static inline unsigned plain_judge(const uint8_t *const data, const unsigned bytes)
{
	const uint8_t *const ip = data + PLAIN_IP, *const udp = data + PLAIN_UDP;
	uint32_t first, third;
	unsigned total;

	if (bytes < PLAIN_LEAST || plain_load16(data + 12) != PLAIN_TYPE)
		return 0;
	first = plain_load32(ip);
	third = plain_load32(ip + 8);
	total = __builtin_bswap32(first) & 0xffff;
	if ((first & 0xff) != PLAIN_VERSION || total > bytes - PLAIN_IP ||
		total < PLAIN_LEAST - PLAIN_IP || (third >> 8 & 0xff) != PLAIN_PROTOCOL ||
		plain_load16(ip + 6) & PLAIN_PIECES)
		return 0;
	if (plain_fold((uint64_t)first + plain_load32(ip + 4) + third + plain_load32(ip + 12) +
		       plain_load32(ip + 16)) != 0xffff)
		return 0;
	if (plain_load16(udp + 2) != __builtin_bswap16(ROCE_PORT) ||
		plain_load32(udp + 4) != __builtin_bswap32((uint32_t)(total - 20) << 16))
		return 0;
	return total - 20;
}

#endif
