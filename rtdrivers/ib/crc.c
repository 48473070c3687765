/*
 * CRC-32, sliced by eight, or folded.
 *
 * table[k][b] is what byte b does to the register when k more bytes follow. It is linear in b, so 64
 * numbers make all 2048: BIT_0 is what the highest bit of a byte does that nothing follows, the
 * polynomial itself, and each other one is its predecessor shifted through the register once more.
 *
 * Folding: sixteen bytes, 128 bits further on, are worth the products of their halves with two remainders of
 * the polynomial; the last sixteen are divided. Nothing wider than an SSE register is needed, and no state but
 * what every partition has.
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
typedef int word_type __attribute__((vector_size(16)));

/*
 * Powers of x modulo the polynomial, reflected, one bit up: x^(128 + 32), x^(128 - 32), x^64. The polynomial
 * itself and x^64 divided by it, with all their 33 bits.
 */
#define FOLD_128_LOW  0x1751997d0ll
#define FOLD_128_HIGH 0x0ccaa009ell
#define FOLD_32       0x163cd6124ll
#define POLYNOMIAL_33 0x1db710641ll
#define QUOTIENT_33   0x1f7011641ll

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

__attribute__((target("pclmul"))) static inline block_type fold(
	const block_type block, const block_type next)
{
	const block_type distance = { FOLD_128_LOW, FOLD_128_HIGH };

	return __builtin_ia32_pclmulqdq128(block, distance, 0x00) ^
	       __builtin_ia32_pclmulqdq128(block, distance, 0x11) ^ next;
}

/* Sixteen bytes to the register: folded by 64 bits, then by 32, then divided after Barrett. */
__attribute__((target("pclmul"))) static inline uint32_t reduce(block_type block)
{
	const block_type fold_64 = { FOLD_128_HIGH, 0 }, fold_32 = { FOLD_32, 0 };
	const block_type divide = { POLYNOMIAL_33, QUOTIENT_33 }, low = { 0xffffffff, 0 };
	block_type rest;

	block = __builtin_ia32_pclmulqdq128(block, fold_64, 0x00) ^ (block_type) { block[1], 0 };
	rest = (block_type)__builtin_shufflevector((word_type)block, (word_type){ 0 }, 1, 2, 3, 4);
	block = __builtin_ia32_pclmulqdq128(block & low, fold_32, 0x00) ^ rest;
	rest = __builtin_ia32_pclmulqdq128(block & low, divide, 0x10);
	rest = __builtin_ia32_pclmulqdq128(rest & low, divide, 0x00) ^ block;
	return (uint32_t)((uint64_t)rest[0] >> 32);
}

__attribute__((target("pclmul"))) static uint32_t folded(
	const uint32_t crc, const uint8_t *const data, const unsigned blocks)
{
	block_type block = block_load(data) ^ (block_type) { crc, 0 };

	for (unsigned i = 1; i < blocks; i++)
		block = fold(block, block_load(data + BLOCK * i));
	return reduce(block);
}

/*
 * Zeros in front of data change nothing while the register is zero: so the first block is filled up with
 * them, and the last one ends with the data. What the register begins with is in form->start.
 */
__attribute__((target("pclmul"))) uint32_t ib_crc_whole(
	const struct ib_crc_form *const form, const uint8_t *const data, const unsigned bytes)
{
	static const uint32_t own[] = { 0, 0, 0, ~0u, ~0u, ~0u, ~0u }; /* those of the data */
	const unsigned most = bytes < IB_CRC_BYTES_MOST ? bytes : IB_CRC_BYTES_MOST;
	const unsigned lead = -most % BLOCK, blocks = (most + lead) / BLOCK;
	const unsigned masked = blocks < form->blocks ? blocks : form->blocks;
	const uint8_t *from = data - lead, *counted = form->ones + IB_CRC_LEAD - lead;
	block_type block = (block_load(from) | block_load(counted)) &
			   block_load((const uint8_t *)own + IB_CRC_LEAD - lead);
	const uint8_t *const end = from + BLOCK * blocks, *const plain = from + BLOCK * masked;

	block ^= block_load(form->start + IB_CRC_LEAD - lead);
	for (from += BLOCK, counted += BLOCK; from != plain; from += BLOCK, counted += BLOCK)
		block = fold(block, block_load(from) | block_load(counted));
	for (; from != end; from += BLOCK)
		block = fold(block, block_load(from));
	return reduce(block);
}

bool ib_crc_folds(void)
{
	return folds;
}

/* Less than a block. */
static uint32_t rest(uint32_t crc, const uint8_t *const data, const unsigned bytes)
{
	if (bytes < 8)
		return ones(crc, data, bytes);
	return ones(eight(crc, data), data + 8, bytes - 8);
}

uint32_t ib_crc_update(const uint32_t crc, const uint8_t *const data, const unsigned bytes)
{
	const unsigned most = bytes < IB_CRC_BYTES_MOST ? bytes : IB_CRC_BYTES_MOST;

	if (folds && most >= IB_CRC_FOLD_LEAST)
		return rest(
			folded(crc, data, most / BLOCK), data + most / BLOCK * BLOCK, most % BLOCK);
	return ones(eights(crc, data, most / 8), data + most / 8 * 8, most % 8);
}
