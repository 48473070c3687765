/*
 * The few instructions the kernel has to decode because SVM does not say what they were: a 32-bit
 * MOV to or from the local APIC's page, and MOV to CR4. AMD APM 3, 1.2. Pure: bytes in, meaning
 * out.
 */
#include <arch_internal.h>

#define PREFIX_ADDRESS_SIZE 0x67u
#define REX_W               8u
#define REX_R               4u
#define REX_B               1u

struct cursor {
	const uint8_t *code;
	unsigned bytes, at;
	uint8_t rex;
};

static bool next(struct cursor *c, uint8_t *byte)
{
	if (c->at >= c->bytes)
		return false;
	*byte = c->code[c->at++];
	return true;
}

/* Address-size and REX prefixes, then the first opcode byte. */
static bool opcode_byte(struct cursor *c, uint8_t *opcode)
{
	do
		if (!next(c, opcode))
			return false;
	while (*opcode == PREFIX_ADDRESS_SIZE);
	if ((*opcode & 0xf0) != 0x40)
		return true;
	c->rex = *opcode;
	return next(c, opcode);
}

/* Skip ModRM's SIB and displacement; false for a register operand. */
static bool memory_operand(struct cursor *c, uint8_t modrm)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;
	uint8_t sib = 0;

	if (mod == 3)
		return false;
	if (rm == 4 && !next(c, &sib))
		return false;
	if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5))))
		c->at += 4;
	else if (mod == 1)
		c->at += 1;
	return c->at <= c->bytes;
}

static bool immediate32(struct cursor *c, uint32_t *value)
{
	if (c->at + 4 > c->bytes)
		return false;
	*value = (uint32_t)c->code[c->at] | (uint32_t)c->code[c->at + 1] << 8 |
		 (uint32_t)c->code[c->at + 2] << 16 | (uint32_t)c->code[c->at + 3] << 24;
	c->at += 4;
	return true;
}

/* A3 and A1: EAX and an absolute address, 8 bytes long in 64-bit code (4 with prefix 67h). */
static bool absolute_operand(struct cursor *c)
{
	c->at += c->code[0] == PREFIX_ADDRESS_SIZE ? 4 : 8;
	return c->at <= c->bytes;
}

static bool operand(struct cursor *c, uint8_t opcode, struct decoded_mov *mov)
{
	uint8_t modrm;

	if (opcode == 0xa1 || opcode == 0xa3)
		return absolute_operand(c);
	if (!next(c, &modrm) || !memory_operand(c, modrm))
		return false;
	mov->reg = (uint8_t)((modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0));
	return !mov->immediate || (mov->reg == 0 && immediate32(c, &mov->value));
}

bool decode_mov(const uint8_t *code, unsigned bytes, struct decoded_mov *mov)
{
	struct cursor c = { .code = code, .bytes = bytes };
	uint8_t opcode;

	*mov = (struct decoded_mov){ 0 };
	if (!opcode_byte(&c, &opcode) || c.rex & REX_W)
		return false;
	switch (opcode) {
	case 0x89:
	case 0xa3:
		mov->write = true;
		break;
	case 0xc7:
		mov->write = mov->immediate = true;
		break;
	case 0x8b:
	case 0xa1:
		break;
	default:
		return false;
	}
	if (!operand(&c, opcode, mov))
		return false;
	mov->length = (uint8_t)c.at;
	return true;
}

bool decode_cr_write(const uint8_t *code, unsigned bytes, uint8_t *reg, uint8_t *length)
{
	struct cursor c = { .code = code, .bytes = bytes };
	uint8_t opcode, second, modrm;

	if (!opcode_byte(&c, &opcode) || !next(&c, &second) || !next(&c, &modrm))
		return false;
	if (opcode != 0x0f || second != 0x22 || (modrm >> 3 & 7) != 4)
		return false;
	*reg = (uint8_t)((modrm & 7) | (c.rex & REX_B ? 8 : 0));
	*length = (uint8_t)c.at;
	return true;
}
