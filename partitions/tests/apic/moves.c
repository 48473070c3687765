/*
 * Every MOV between the xAPIC page and a register or an immediate that a compiler or an assembler may
 * choose: opcodes, registers, addressing forms and the address-size prefix, in all combinations. The
 * logical-destination register serves as memory: it only remembers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/tap.h>

#include "apic.h"
#include "snippet.h"

#define LDR_OFFSET   0xd0u
#define LDR_ADDRESS  (APIC_PAGE + LDR_OFFSET)
#define STORE        0x89u
#define LOAD         0x8bu
#define LOAD_EAX     0xa1u
#define STORE_EAX    0xa3u
#define IMMEDIATE    0xc7u
#define ADDRESS_SIZE 0x67u
#define REX          0x40u
#define FAR          0x12340u

extern const uint8_t snippet_done[];
static uint8_t code[64] __attribute__((aligned(64)));
static uint8_t stack[256] __attribute__((aligned(16)));

enum form { PLAIN, BYTE, WORD, INDEXED, INDEXED_BYTE, INDEXED_WORD, ABSOLUTE, RELATIVE, FORMS };

struct move {
	uint8_t opcode;
	bool prefix;
	enum form form;
	unsigned reg, base, index, scale;
	uint32_t value;
};

struct tally {
	unsigned run, wrong;
	struct move first;
};

uint8_t *snippet_finish(uint8_t *at)
{
	static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
	const uint64_t back = (uintptr_t)snippet_done;

	memcpy(at, jump, sizeof(jump));
	memcpy(at + sizeof(jump), &back, sizeof(back));
	return at + SNIPPET_END_BYTES;
}

void snippet_prepare(const uint64_t salt)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		snippet_in[i] = (0x9e3779b97f4a7c15ull ^ salt << 32) * (2 * i + 1 + salt);
	snippet_in[RSP] = (uintptr_t)&stack[sizeof(stack) - 16];
}

static volatile uint32_t *memory(void)
{
	return (volatile uint32_t *)(uintptr_t)LDR_ADDRESS;
}

static bool has_sib(const struct move *const m)
{
	return m->form == INDEXED || m->form == INDEXED_BYTE || m->form == INDEXED_WORD ||
	       m->form == ABSOLUTE || (m->base & 7) == 4;
}

static unsigned mod_of(const enum form form)
{
	return form == BYTE || form == INDEXED_BYTE   ? 1
	       : form == WORD || form == INDEXED_WORD ? 2
						      : 0;
}

static uint8_t *put32(uint8_t *const at, const uint32_t value)
{
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

/* ModRM, SIB and displacement; end: where the instruction ends, for the RIP-relative form. */
static uint8_t *put_operand(uint8_t *at, const struct move *const m, const unsigned after)
{
	const unsigned mod = mod_of(m->form), reg = m->opcode == IMMEDIATE ? 0 : m->reg & 7;
	const bool sib = has_sib(m) && m->form != RELATIVE;
	const unsigned rm = m->form == RELATIVE ? 5 : sib ? 4 : m->base & 7;
	const bool indexed = m->form >= INDEXED && m->form <= INDEXED_WORD;
	const unsigned base = m->form == ABSOLUTE ? 5 : m->base & 7;

	*at++ = (uint8_t)(mod << 6 | reg << 3 | rm);
	if (sib)
		*at++ = (uint8_t)(m->scale << 6 | (indexed ? m->index & 7 : 4) << 3 | base);
	if (mod == 1)
		*at++ = 0x7f;
	if (mod == 2)
		at = put32(at, FAR);
	if (m->form == ABSOLUTE)
		at = put32(at, LDR_ADDRESS);
	if (m->form == RELATIVE)
		at = put32(at, LDR_ADDRESS - (uint32_t)((uintptr_t)at + 4 + after));
	return at;
}

static void encode(const struct move *const m)
{
	const bool indexed = m->form >= INDEXED && m->form <= INDEXED_WORD;
	const unsigned based = m->form == ABSOLUTE || m->form == RELATIVE ? 0 : m->base >> 3;
	const unsigned rex = (m->opcode == IMMEDIATE ? 0 : m->reg >> 3) << 2 |
			     (indexed ? m->index >> 3 : 0) << 1 | based;
	uint8_t *at = code;

	if (m->prefix)
		*at++ = ADDRESS_SIZE;
	if (rex != 0)
		*at++ = (uint8_t)(REX | rex);
	*at++ = m->opcode;
	at = put_operand(at, m, m->opcode == IMMEDIATE ? 4 : 0);
	if (m->opcode == IMMEDIATE)
		at = put32(at, m->value);
	snippet_finish(at);
}

/* The base, and the index, such that the operand is the register. */
static void aim(const struct move *const m)
{
	const bool indexed = m->form >= INDEXED && m->form <= INDEXED_WORD;
	const uint64_t displacement = mod_of(m->form) == 1 ? 0x7f : mod_of(m->form) == 2 ? FAR : 0;
	const uint64_t index = 0x24;

	if (m->form == ABSOLUTE || m->form == RELATIVE)
		return;
	snippet_in[m->base] = LDR_ADDRESS - displacement - (indexed ? index << m->scale : 0);
	if (indexed)
		snippet_in[m->index] = index;
}

static bool behaves(const struct move *const m, const uint32_t salt)
{
	uint64_t expected[REGISTERS];
	const uint32_t before = 0xa5000000u | salt;
	uint32_t stored = before;

	memcpy(expected, snippet_in, sizeof(expected));
	if (m->opcode == LOAD || m->opcode == LOAD_EAX)
		expected[m->reg] = before;
	else
		stored = m->opcode == IMMEDIATE ? m->value : (uint32_t)snippet_in[m->reg];
	*memory() = before;
	snippet_run(code);
	return *memory() == stored && memcmp(expected, snippet_out, sizeof(expected)) == 0;
}

static void count(struct tally *const tally, const struct move *const m, const bool good)
{
	tally->run++;
	if (good)
		return;
	if (tally->wrong++ == 0)
		tally->first = *m;
}

static void try_one(struct tally *const tally, const struct move *const m)
{
	snippet_prepare(tally->run);
	aim(m);
	encode(m);
	count(tally, m, behaves(m, tally->run & 0xffffff));
}

static bool possible(const struct move *const m)
{
	const bool plain = m->form == PLAIN || m->form == INDEXED;

	if (plain && (m->base & 7) == 5)
		return false; /* that encoding is another form */
	return m->prefix || (m->form != ABSOLUTE && m->form != RELATIVE);
}

static void try_registers(struct tally *const tally, struct move m)
{
	if (!possible(&m))
		return;
	for (m.reg = 0; m.reg < REGISTERS; m.reg++)
		try_one(tally, &m);
}

static struct tally try_opcode(const uint8_t opcode)
{
	static const unsigned bases[] = { RBX, RBP, RSI, 12, 13, 15 };
	struct tally tally = { 0 };
	struct move m = { .opcode = opcode, .index = 9, .value = 0xc0ffee01u };

	for (unsigned b = 0; b < sizeof(bases) / sizeof(*bases); b++)
		for (unsigned f = 0; f < FORMS; f++)
			for (unsigned prefix = 0; prefix < 2; prefix++) {
				m.base = bases[b];
				m.form = (enum form)f;
				m.prefix = prefix;
				m.scale = b & 3;
				m.index = b & 1 ? 9 : RCX;
				try_registers(&tally, m);
			}
	return tally;
}

static void check(const struct tally *const t, const char *const name)
{
	tap_check(t->run > 1 && t->wrong == 0, name,
		"%u of %u wrong, first opcode %#x form %u prefix %u reg %u base %u", t->wrong,
		t->run, t->first.opcode, t->first.form, t->first.prefix, t->first.reg,
		t->first.base);
}

static void try_absolute(
	struct tally *const tally, const uint8_t opcode, const bool prefix, const uint64_t address)
{
	const struct move m = { .opcode = opcode, .prefix = prefix, .reg = RAX };
	uint8_t *at = code;

	snippet_prepare(tally->run);
	if (prefix)
		*at++ = ADDRESS_SIZE;
	*at++ = opcode;
	memcpy(at, &address, sizeof(address));
	snippet_finish(at + (prefix ? 4 : 8));
	count(tally, &m, behaves(&m, tally->run));
}

static void check_absolute(void)
{
	struct tally tally = { 0 };

	for (unsigned i = 0; i < 4; i++)
		try_absolute(&tally, i & 1 ? STORE_EAX : LOAD_EAX, i >> 1, LDR_ADDRESS);
	check(&tally, "eax_moves_to_and_from_absolute_addresses");
}

/* The comparison itself: a value that differs in one bit must be told apart. */
static void check_comparison(void)
{
	const struct move m = { .opcode = STORE, .base = RBX, .reg = RCX };
	struct move other = m;

	snippet_prepare(1);
	aim(&m);
	encode(&m);
	other.reg = RDX;
	tap_check(behaves(&m, 1) && !behaves(&other, 1), "another_registers_value_is_told_apart",
		"it was taken for it");
}

unsigned check_moves(void)
{
	struct tally tally = try_opcode(STORE);

	check(&tally, "stores_from_every_register_by_every_addressing_form");
	tally = try_opcode(LOAD);
	check(&tally, "loads_into_every_register_by_every_addressing_form");
	tally = try_opcode(IMMEDIATE);
	check(&tally, "stores_of_immediates_by_every_addressing_form");
	check_absolute();
	check_comparison();
	return MOVE_TESTS;
}
