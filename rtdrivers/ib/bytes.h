/*
 * Numbers as they stand on the wire, most significant byte first, at any address; and GIDs.
 */
#ifndef RTDRIVERS_IB_BYTES_H
#define RTDRIVERS_IB_BYTES_H

#include <stdint.h>

static inline uint16_t get16(const uint8_t *const at)
{
	uint16_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return __builtin_bswap16(value);
}

static inline uint32_t get32(const uint8_t *const at)
{
	uint32_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t get64(const uint8_t *const at)
{
	uint64_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return __builtin_bswap64(value);
}

static inline void put16(uint8_t *const at, const uint16_t value)
{
	const uint16_t swapped = __builtin_bswap16(value);

	__builtin_memcpy(at, &swapped, sizeof(swapped));
}

static inline void put32(uint8_t *const at, const uint32_t value)
{
	const uint32_t swapped = __builtin_bswap32(value);

	__builtin_memcpy(at, &swapped, sizeof(swapped));
}

static inline void put64(uint8_t *const at, const uint64_t value)
{
	const uint64_t swapped = __builtin_bswap64(value);

	__builtin_memcpy(at, &swapped, sizeof(swapped));
}

static inline void gid_copy(uint8_t *const to, const uint8_t *const from)
{
	__builtin_memcpy(to, from, 8);
	__builtin_memcpy(to + 8, from + 8, 8);
}

#endif
