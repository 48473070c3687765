/*
 * Numbers as they stand in frames: the octet of the highest value first. The caller has compared the
 * length. Specification: RFC 1700, Data Notations.
 */
#ifndef RTDRIVERS_INET_OCTETS_H
#define RTDRIVERS_INET_OCTETS_H

#include <stdint.h>

static inline uint16_t octets_read16(const uint8_t *const at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t octets_read32(const uint8_t *const at)
{
	return (uint32_t)octets_read16(at) << 16 | octets_read16(at + 2);
}

static inline void octets_write16(uint8_t *const at, const uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void octets_write32(uint8_t *const at, const uint32_t value)
{
	octets_write16(at, (uint16_t)(value >> 16));
	octets_write16(at + 2, (uint16_t)value);
}

static inline uint64_t octets_read64(const uint8_t *const at)
{
	return (uint64_t)octets_read32(at) << 32 | octets_read32(at + 4);
}

static inline void octets_write64(uint8_t *const at, const uint64_t value)
{
	octets_write32(at, (uint32_t)(value >> 32));
	octets_write32(at + 4, (uint32_t)value);
}

#endif
