/*
 * What both kinds of ports are made of: words of memory that a peer may change at any time, and the
 * copying of messages in and out of them.
 *
 * Invariant: a shared word is read once and by one instruction, so what was checked is what is
 * used; a copy touches `length` bytes and the words that hold them, whatever a peer does meanwhile.
 * Ordering is that of C11's fences; on x86 they only bind the compiler (AMD APM 2, 7.2).
 */
#ifndef MULLION_PORT_H
#define MULLION_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/abi.h>

#define PORT_WORD_BYTES 8u

#ifdef __FRAMAC__
#include "shared_memory.h" /* the proofs' own view of a peer: verification/proofs */
#else
static inline uint64_t port_load(const uint64_t *const word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* What is read after this was written before the value was. */
static inline uint64_t port_load_acquire(const uint64_t *const word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* What a status page says a partition does: enum mullion_state. */
static inline uint32_t port_state(const uint32_t *const state)
{
	return __atomic_load_n(state, __ATOMIC_ACQUIRE);
}

static inline void port_store(uint64_t *const word, const uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* Whoever sees the value sees what was written before. */
static inline void port_store_release(uint64_t *const word, const uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Reads before stay before reads after; writes before stay before writes after. */
static inline void port_fence_reads(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void port_fence_writes(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline uint64_t port_word(const uint8_t *const bytes)
{
	uint64_t word;

	__builtin_memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline void port_bytes(uint8_t *const bytes, const uint64_t word)
{
	__builtin_memcpy(bytes, &word, sizeof(word));
}
#endif

#define PORT_BLOCK_WORDS 8u
#define PORT_BLOCK_BYTES (PORT_BLOCK_WORDS * PORT_WORD_BYTES)

/* Contracts are for Frama-C: `make proofs`. */

/* A count becomes the index of a slot; `mask` is the number of slots minus one. */
/*@ requires is_mask(mask);
    assigns \nothing;
    ensures \result == (number & mask) && 0 <= \result <= mask;
*/
static inline uint64_t port_index(const uint64_t number, const uint64_t mask)
{
	return number & mask;
}

/*@ requires \valid(message + (0 .. 63)) && \valid_read(words + (0 .. 7));
    requires \separated(message + (0 .. 63), words + (0 .. 7));
    assigns message[0 .. 63];
*/
static inline void port_block_out(uint8_t *const message, const uint64_t *const words)
{
	port_bytes(message, port_load(words));
	port_bytes(message + 8, port_load(words + 1));
	port_bytes(message + 16, port_load(words + 2));
	port_bytes(message + 24, port_load(words + 3));
	port_bytes(message + 32, port_load(words + 4));
	port_bytes(message + 40, port_load(words + 5));
	port_bytes(message + 48, port_load(words + 6));
	port_bytes(message + 56, port_load(words + 7));
}

/*@ requires \valid_read(message + (0 .. 63)) && \valid(words + (0 .. 7));
    requires \separated(message + (0 .. 63), words + (0 .. 7));
    assigns words[0 .. 7];
*/
static inline void port_block_in(uint64_t *const words, const uint8_t *const message)
{
	port_store(words, port_word(message));
	port_store(words + 1, port_word(message + 8));
	port_store(words + 2, port_word(message + 16));
	port_store(words + 3, port_word(message + 24));
	port_store(words + 4, port_word(message + 32));
	port_store(words + 5, port_word(message + 40));
	port_store(words + 6, port_word(message + 48));
	port_store(words + 7, port_word(message + 56));
}

/* The last bytes of a message: what lies behind them in their word is not delivered. */
/*@ requires 1 <= length < 8;
    requires \valid(message + (0 .. length - 1)) && \valid_read(word);
    requires \separated(message + (0 .. length - 1), word);
    assigns message[0 .. length - 1];
*/
static inline void port_last_out(
	uint8_t *const message, const uint64_t *const word, const uint64_t length)
{
	const uint64_t whole = port_load(word);
	uint64_t rest = whole;

	/*@ loop invariant 0 <= i <= length;
	    loop assigns i, rest, message[0 .. length - 1];
	    loop variant length - i;
	*/
	for (uint64_t i = 0; i < length; i++) {
		message[i] = (uint8_t)(rest % 256);
		rest /= 256;
	}
}

/*@ requires 1 <= length < 8;
    requires \valid_read(message + (0 .. length - 1)) && \valid(word);
    requires \separated(message + (0 .. length - 1), word);
    assigns *word;
*/
static inline void port_last_in(
	uint64_t *const word, const uint8_t *const message, const uint64_t length)
{
	uint64_t whole = 0;

	/*@ loop invariant 0 <= i <= length;
	    loop assigns i, whole;
	    loop variant i;
	*/
	for (uint64_t i = length; i > 0; i--)
		whole = whole * 256 + message[i - 1];
	port_store(word, whole);
}

/* Fewer bytes than a block. */
/*@ requires 1 <= length < 64;
    requires \valid(message + (0 .. length - 1)) && \valid_read(words + (0 .. (length - 1) / 8));
    requires \separated(message + (0 .. length - 1), words + (0 .. (length - 1) / 8));
    assigns message[0 .. length - 1];
*/
static inline void port_rest_out(
	uint8_t *const message, const uint64_t *const words, const uint64_t length)
{
	const uint64_t whole = length / PORT_WORD_BYTES;

	/*@ loop invariant 0 <= i <= whole;
	    loop assigns i, message[0 .. length - 1];
	    loop variant whole - i;
	*/
	for (uint64_t i = 0; i < whole; i++)
		port_bytes(message + PORT_WORD_BYTES * i, port_load(words + i));
	if (length % PORT_WORD_BYTES != 0)
		port_last_out(
			message + PORT_WORD_BYTES * whole, words + whole, length % PORT_WORD_BYTES);
}

/*@ requires 1 <= length < 64;
    requires \valid_read(message + (0 .. length - 1)) && \valid(words + (0 .. (length - 1) / 8));
    requires \separated(message + (0 .. length - 1), words + (0 .. (length - 1) / 8));
    assigns words[0 .. (length - 1) / 8];
*/
static inline void port_rest_in(
	uint64_t *const words, const uint8_t *const message, const uint64_t length)
{
	const uint64_t whole = length / PORT_WORD_BYTES;

	/*@ loop invariant 0 <= i <= whole;
	    loop assigns i, words[0 .. (length - 1) / 8];
	    loop variant whole - i;
	*/
	for (uint64_t i = 0; i < whole; i++)
		port_store(words + i, port_word(message + PORT_WORD_BYTES * i));
	if (length % PORT_WORD_BYTES != 0)
		port_last_in(
			words + whole, message + PORT_WORD_BYTES * whole, length % PORT_WORD_BYTES);
}

/* Copy a message of `length` bytes out of the words from `words`. */
/*@ requires 1 <= length <= MULLION_CHANNEL_MESSAGE_MOST;
    requires \valid(message + (0 .. length - 1)) && \valid_read(words + (0 .. (length - 1) / 8));
    requires \separated(message + (0 .. length - 1), words + (0 .. (length - 1) / 8));
    assigns message[0 .. length - 1];
*/
static inline void port_copy_out(
	uint8_t *const message, const uint64_t *const words, const uint64_t length)
{
	const uint64_t blocks = length / PORT_BLOCK_BYTES;

	/*@ loop invariant 0 <= i <= blocks;
	    loop assigns i, message[0 .. length - 1];
	    loop variant blocks - i;
	*/
	for (uint64_t i = 0; i < blocks; i++)
		port_block_out(message + PORT_BLOCK_BYTES * i, words + PORT_BLOCK_WORDS * i);
	if (length % PORT_BLOCK_BYTES != 0)
		port_rest_out(message + PORT_BLOCK_BYTES * blocks,
			words + PORT_BLOCK_WORDS * blocks, length % PORT_BLOCK_BYTES);
}

/* Copy a message of `length` bytes into the words from `words`. */
/*@ requires 1 <= length <= MULLION_CHANNEL_MESSAGE_MOST;
    requires \valid_read(message + (0 .. length - 1)) && \valid(words + (0 .. (length - 1) / 8));
    requires \separated(message + (0 .. length - 1), words + (0 .. (length - 1) / 8));
    assigns words[0 .. (length - 1) / 8];
*/
static inline void port_copy_in(
	uint64_t *const words, const uint8_t *const message, const uint64_t length)
{
	const uint64_t blocks = length / PORT_BLOCK_BYTES;

	/*@ loop invariant 0 <= i <= blocks;
	    loop assigns i, words[0 .. (length - 1) / 8];
	    loop variant blocks - i;
	*/
	for (uint64_t i = 0; i < blocks; i++)
		port_block_in(words + PORT_BLOCK_WORDS * i, message + PORT_BLOCK_BYTES * i);
	if (length % PORT_BLOCK_BYTES != 0)
		port_rest_in(words + PORT_BLOCK_WORDS * blocks, message + PORT_BLOCK_BYTES * blocks,
			length % PORT_BLOCK_BYTES);
}

#endif
