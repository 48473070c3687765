/*
 * The few instructions the kernel has to decode because SVM does not say what they were: a 32-bit
 * MOV to or from the local APIC's page, and MOV to CR4 or CR8. AMD APM 3, 1.2. Pure: bytes in, meaning
 * out.
 *
 * The buffer always holds FETCH_BYTES; `bytes` says how many of them are the partition's. So
 * nothing is checked on the way: the length found at the end must not be more.
 */
#ifndef MULLION_DECODE_H
#define MULLION_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#define FETCH_BYTES 16u

#define PREFIX_ADDRESS_SIZE 0x67u
#define MAX_PREFIXES        3u
#define REX_W               8u
#define REX_R               4u
#define REX_B               1u

#define MOV_STORE     0x89u
#define MOV_LOAD      0x8bu
#define MOV_LOAD_EAX  0xa1u
#define MOV_STORE_EAX 0xa3u
#define MOV_IMMEDIATE 0xc7u

/* A MOV between a 32-bit register, or an immediate, and memory; or from a register to a control register. */
struct decoded_mov {
	uint8_t length; /* 0: it is something else */
	bool write, immediate;
	uint8_t reg;    /* enum gpr */
	uint32_t value; /* immediate */
};

/* What the code segment makes of the bytes: its L and D bits. */
enum code_size { CODE_16, CODE_32, CODE_64 };

struct prefixes {
	unsigned bytes; /* where the opcode stands */
	uint8_t rex;
};

/* Only 64-bit code has REX; elsewhere these bytes are instructions of their own. */
static inline struct prefixes skip_prefixes(const uint8_t *code, enum code_size size)
{
	struct prefixes p = { 0 };

	while (p.bytes < MAX_PREFIXES && code[p.bytes] == PREFIX_ADDRESS_SIZE)
		p.bytes++;
	if (size == CODE_64 && (code[p.bytes] & 0xf0) == 0x40)
		p.rex = code[p.bytes++];
	return p;
}

/* Bytes of SIB and displacement behind a ModRM byte with a memory operand. */
static inline unsigned operand_bytes(uint8_t modrm, uint8_t sib)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;
	unsigned bytes = mod == 1 ? 1 : mod == 2 ? 4 : 0;

	if (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5)))
		bytes = 4;
	return bytes + (rm == 4);
}

static inline uint32_t immediate32(const uint8_t *code)
{
	uint32_t value;

	__builtin_memcpy(&value, code, sizeof(value));
	return value;
}

/* EAX and an absolute address: 8 bytes long, 4 with the prefix or in 32-bit code. */
static inline void decode_absolute(
	const uint8_t *code, unsigned at, enum code_size size, struct decoded_mov *mov)
{
	bool narrow = size == CODE_32 || code[0] == PREFIX_ADDRESS_SIZE;

	mov->write = code[at] == MOV_STORE_EAX;
	mov->length = (uint8_t)(at + 1 + (narrow ? 4 : 8));
}

static inline void decode_modrm(const uint8_t *code, struct prefixes p, struct decoded_mov *mov)
{
	uint8_t opcode = code[p.bytes], modrm = code[p.bytes + 1];
	unsigned end = p.bytes + 2 + operand_bytes(modrm, code[p.bytes + 2]);

	mov->immediate = opcode == MOV_IMMEDIATE;
	if (modrm >> 6 == 3 || (mov->immediate && (modrm & 0x38) != 0))
		return;
	mov->write = opcode != MOV_LOAD;
	mov->reg = (uint8_t)((modrm >> 3 & 7) | (p.rex & REX_R ? 8 : 0));
	mov->value = mov->immediate ? immediate32(&code[end]) : 0;
	mov->length = (uint8_t)(end + (mov->immediate ? 4 : 0));
}

/*
 * *mov is zero before; its length stays 0 if the instruction is none of these, or is cut off. 16-bit
 * operands and addresses, which 16-bit code and the prefix in 32-bit code have, are something else.
 */
static inline void decode_mov(const uint8_t code[FETCH_BYTES], unsigned bytes, enum code_size size,
	struct decoded_mov *mov)
{
	struct prefixes p = skip_prefixes(code, size);

	if (p.rex & REX_W || size == CODE_16 || (size == CODE_32 && p.bytes != 0))
		return;
	switch (code[p.bytes]) {
	case MOV_STORE:
	case MOV_LOAD:
	case MOV_IMMEDIATE:
		decode_modrm(code, p, mov);
		break;
	case MOV_LOAD_EAX:
	case MOV_STORE_EAX:
		decode_absolute(code, p.bytes, size, mov);
		break;
	default:
		break;
	}
	if (mov->length > bytes)
		mov->length = 0;
}

/* mov->value says which control register. */
static inline void decode_cr_write(const uint8_t code[FETCH_BYTES], unsigned bytes,
	enum code_size size, struct decoded_mov *mov)
{
	struct prefixes p = skip_prefixes(code, size);
	const uint8_t *opcode = &code[p.bytes];
	uint8_t modrm = opcode[2];

	if (opcode[0] != 0x0f || opcode[1] != 0x22 || p.bytes + 3 > bytes)
		return;
	mov->write = true;
	mov->value = (modrm >> 3 & 7) | (p.rex & REX_R ? 8 : 0);
	mov->reg = (uint8_t)((modrm & 7) | (p.rex & REX_B ? 8 : 0));
	mov->length = (uint8_t)(p.bytes + 3);
}

#endif
