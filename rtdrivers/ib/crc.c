/*
 * CRC-32, sliced by eight, or folded.
 *
 * table[k][b] is what byte b does to the register when k more bytes follow. It is linear in b, so 64
 * numbers make all 2048: BIT_0 is what the highest bit of a byte does that nothing follows, the
 * polynomial itself, and each other one is its predecessor shifted through the register once more.
 *
 * Folding: sixteen bytes, 128 bits further on, are worth the products of their halves with two remainders of
 * the polynomial. What is left of all in the last sixteen goes through the tables. Nothing wider than an SSE
 * register is needed, and no state but what every partition has.
 *
 * Specification: IEEE 802.3, 3.2.9; Kounavis and Berry, A Systematic Approach to Building High
 * Performance Software-based CRC Generators (slicing); Gopal and others, Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ Instruction (folding).
 */
#include <ib/crc.h>

#define POLYNOMIAL 0xedb88320u /* reflected */
#define SHIFT(x)   ((int)(((uint32_t)(x) >> 1) ^ ((uint32_t)(x)&1 ? POLYNOMIAL : 0)))

#define CHAIN8(k, before)                                                                          \
	BIT_##k##_7 = SHIFT(before), BIT_##k##_6 = SHIFT(BIT_##k##_7),                             \
	BIT_##k##_5 = SHIFT(BIT_##k##_6), BIT_##k##_4 = SHIFT(BIT_##k##_5),                        \
	BIT_##k##_3 = SHIFT(BIT_##k##_4), BIT_##k##_2 = SHIFT(BIT_##k##_3),                        \
	BIT_##k##_1 = SHIFT(BIT_##k##_2), BIT_##k##_0 = SHIFT(BIT_##k##_1)

enum {
	CHAIN8(0, 1),
	CHAIN8(1, BIT_0_0),
	CHAIN8(2, BIT_1_0),
	CHAIN8(3, BIT_2_0),
	CHAIN8(4, BIT_3_0),
	CHAIN8(5, BIT_4_0),
	CHAIN8(6, BIT_5_0),
	CHAIN8(7, BIT_6_0)
};

#define PART(k, b, n) ((b) >> (n)&1 ? (uint32_t)BIT_##k##_##n : 0)
#define ENTRY(k, b)                                                                                \
	PART(k, b, 0) ^ PART(k, b, 1) ^ PART(k, b, 2) ^ PART(k, b, 3) ^ PART(k, b, 4) ^            \
		PART(k, b, 5) ^ PART(k, b, 6) ^ PART(k, b, 7)
#define ENTRIES4(k, b) ENTRY(k, b), ENTRY(k, (b) + 1), ENTRY(k, (b) + 2), ENTRY(k, (b) + 3)
#define ENTRIES16(k, b)                                                                            \
	ENTRIES4(k, b), ENTRIES4(k, (b) + 4), ENTRIES4(k, (b) + 8), ENTRIES4(k, (b) + 12)
#define ENTRIES64(k, b)                                                                            \
	ENTRIES16(k, b), ENTRIES16(k, (b) + 16), ENTRIES16(k, (b) + 32), ENTRIES16(k, (b) + 48)
#define TABLE(k)                                                                                   \
	{                                                                                          \
		ENTRIES64(k, 0), ENTRIES64(k, 64), ENTRIES64(k, 128), ENTRIES64(k, 192)            \
	}

static const uint32_t table[8][256] = { TABLE(0), TABLE(1), TABLE(2), TABLE(3), TABLE(4), TABLE(5),
	TABLE(6), TABLE(7) };

/* The first byte is the least significant: the order of a load. */
static uint32_t eight(const uint32_t crc, const uint8_t *const data)
{
	uint64_t word;

	__builtin_memcpy(&word, data, sizeof(word));
	word ^= crc;
	return table[7][word & 0xff] ^ table[6][word >> 8 & 0xff] ^ table[5][word >> 16 & 0xff] ^
	       table[4][word >> 24 & 0xff] ^ table[3][word >> 32 & 0xff] ^
	       table[2][word >> 40 & 0xff] ^ table[1][word >> 48 & 0xff] ^ table[0][word >> 56];
}

static uint32_t eights(uint32_t crc, const uint8_t *const data, const unsigned turns)
{
	for (unsigned i = 0; i < turns; i++)
		crc = eight(crc, data + 8 * i);
	return crc;
}

static uint32_t ones(uint32_t crc, const uint8_t *const data, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		crc = crc >> 8 ^ table[0][(crc ^ data[i]) & 0xff];
	return crc;
}

static uint32_t four(const uint32_t crc, const uint8_t *const data)
{
	uint32_t word;

	__builtin_memcpy(&word, data, sizeof(word));
	word ^= crc;
	return table[3][word & 0xff] ^ table[2][word >> 8 & 0xff] ^ table[1][word >> 16 & 0xff] ^
	       table[0][word >> 24];
}

uint32_t ib_crc_update_short(uint32_t crc, const uint8_t *const data, const unsigned bytes)
{
	const unsigned most = bytes < IB_CRC_SHORT_BYTES_MOST ? bytes : IB_CRC_SHORT_BYTES_MOST;
	const unsigned whole = most / 8 * 8;

	for (unsigned i = 0; i < whole; i += 8)
		crc = eight(crc, data + i);
	return most - whole >= 4 ? four(crc, data + whole) : crc;
}

/* ---- Folding ---- */

#define BLOCK                 16u
#define CPUID_1_ECX_PCLMULQDQ (1u << 1)

typedef long long block_type __attribute__((vector_size(16)));

/* x^(128 + 32) and x^(128 - 32) modulo the polynomial, reflected, one bit up. */
#define FOLD_LOW  0x1751997d0ll
#define FOLD_HIGH 0x0ccaa009ell

static bool folds;

bool ib_crc_fold(const bool wanted)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	folds = wanted && (ecx & CPUID_1_ECX_PCLMULQDQ) != 0;
	return folds;
}

static block_type block_load(const uint8_t *const data)
{
	block_type block;

	__builtin_memcpy(&block, data, sizeof(block));
	return block;
}

/* All blocks into one, at least one, with the register in the first four bytes. */
__attribute__((target("pclmul"))) static void fold(
	const uint32_t crc, const uint8_t *const data, const unsigned blocks, uint8_t *const last)
{
	const block_type distance = { FOLD_LOW, FOLD_HIGH };
	block_type block = block_load(data) ^ (block_type) { crc, 0 };

	for (unsigned i = 1; i < blocks; i++)
		block = __builtin_ia32_pclmulqdq128(block, distance, 0x00) ^
			__builtin_ia32_pclmulqdq128(block, distance, 0x11) ^
			block_load(data + BLOCK * i);
	__builtin_memcpy(last, &block, sizeof(block));
}

static uint32_t folded(const uint32_t crc, const uint8_t *const data, const unsigned bytes)
{
	const unsigned whole = bytes / BLOCK * BLOCK;
	uint8_t last[BLOCK];
	uint32_t left;

	fold(crc, data, bytes / BLOCK, last);
	left = eight(eight(0, last), last + 8);
	if (bytes - whole >= 8)
		return ones(eight(left, data + whole), data + whole + 8, bytes - whole - 8);
	return ones(left, data + whole, bytes - whole);
}

uint32_t ib_crc_update(const uint32_t crc, const uint8_t *const data, const unsigned bytes)
{
	const unsigned most = bytes < IB_CRC_BYTES_MOST ? bytes : IB_CRC_BYTES_MOST;

	if (folds && most >= IB_CRC_FOLD_LEAST)
		return folded(crc, data, most);
	return ones(eights(crc, data, most / 8), data + most / 8 * 8, most % 8);
}
