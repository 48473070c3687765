/*
 * Copying with a bound that can be told: blocks of 64 bytes, words, and what is left. The two places do
 * not overlap.
 */
#ifndef RTDRIVERS_IB_COPY_H
#define RTDRIVERS_IB_COPY_H

#include <stdint.h>

#define COPY_BLOCK_BYTES 64u
#define COPY_WORD_BYTES  8u

static inline void copy_blocks(uint8_t *const to, const uint8_t *const from, const uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += COPY_BLOCK_BYTES)
		__builtin_memcpy(to + i, from + i, COPY_BLOCK_BYTES);
}

static inline void copy_words(uint8_t *const to, const uint8_t *const from, const uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += COPY_WORD_BYTES)
		__builtin_memcpy(to + i, from + i, COPY_WORD_BYTES);
}

static inline void copy_rest(uint8_t *const to, const uint8_t *const from, const uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = from[i];
}

static inline void copy_bytes(uint8_t *const to, const uint8_t *const from, const uint32_t bytes)
{
	const uint32_t blocks = bytes & ~(COPY_BLOCK_BYTES - 1);
	const uint32_t words = bytes & ~(COPY_WORD_BYTES - 1);

	copy_blocks(to, from, blocks);
	copy_words(to + blocks, from + blocks, words - blocks);
	copy_rest(to + words, from + words, bytes - words);
}

static inline void copy_few_words(
	uint8_t *const to, const uint8_t *const from, const uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += COPY_WORD_BYTES)
		__builtin_memcpy(to + i, from + i, COPY_WORD_BYTES);
}

/* COPY_BLOCK_BYTES at most: a shorter bound, and quicker for short ones. */
static inline void copy_few(uint8_t *const to, const uint8_t *const from, const uint32_t bytes)
{
	const uint32_t words = bytes & ~(COPY_WORD_BYTES - 1);

	if (bytes == COPY_BLOCK_BYTES) {
		__builtin_memcpy(to, from, COPY_BLOCK_BYTES);
		return;
	}
	copy_few_words(to, from, words);
	copy_rest(to + words, from + words, bytes - words);
}

#endif
