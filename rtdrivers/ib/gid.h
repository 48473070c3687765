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
	return octets_read64(a) == octets_read64(b) && octets_read64(a + 8) == octets_read64(b + 8);
}

static inline void gid_from_ipv4(uint8_t *const gid, const uint32_t address)
{
	octets_write64(gid, 0);
	octets_write32(gid + 8, 0xffff);
	octets_write32(gid + GID_IPV4_AT, address);
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
