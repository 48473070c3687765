/*
 * Global identifiers: addresses of IPv6, or of IPv4 as ::ffff:a.b.c.d. Specification: IBTA volume 1, 4.1.1;
 * A17.4.5 for the latter; RFC 4291.
 */
#ifndef RTDRIVERS_IB_GID_H
#define RTDRIVERS_IB_GID_H

#include <ib/ib.h>
#include <inet/octets.h>

#define GID_IPV4_AT 12u

static inline void gid_copy(uint8_t *const to, const uint8_t *const from)
{
	__builtin_memcpy(to, from, 8);
	__builtin_memcpy(to + 8, from + 8, 8);
}

static inline bool gid_same(const uint8_t *const a, const uint8_t *const b)
{
	uint64_t ones[2], others[2];

	__builtin_memcpy(ones, a, sizeof(ones));
	__builtin_memcpy(others, b, sizeof(others));
	return ((ones[0] ^ others[0]) | (ones[1] ^ others[1])) == 0;
}

static inline void gid_from_ipv4(uint8_t *const gid, const uint32_t address)
{
	octets_write64(gid, 0);
	octets_write64(gid + 8, 0xffffull << 32 | address);
}

static inline bool gid_is_ipv4(const uint8_t *const gid)
{
	return octets_read64(gid) == 0 && octets_read32(gid + 8) == 0xffff;
}

static inline uint32_t gid_to_ipv4(const uint8_t *const gid)
{
	return octets_read32(gid + GID_IPV4_AT);
}

#endif
