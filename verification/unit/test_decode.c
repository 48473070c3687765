/*
 * The instruction decoder against the disassembler of binutils: all ModRM and SIB bytes, every REX, with and
 * without the address-size prefix, for every opcode it knows, in 64-bit and in 32-bit code.
 */
#include "unit.h"

#include <unistd.h>

#include <decode.h>

#define SLOT    16u
#define MAXIMUM 1000000u

static uint8_t (*slots)[SLOT];
static unsigned count;
static enum code_size sizes;

struct seen {
	unsigned length;
	char text[96];
};

static void add(const uint8_t *bytes, unsigned length)
{
	assert_true(count < MAXIMUM);
	memset(slots[count], 0x90, SLOT);
	memcpy(slots[count++], bytes, length);
}

static void add_forms(uint8_t opcode, int prefix, int rex)
{
	for (unsigned modrm = 0; modrm < 256; modrm++)
		for (unsigned sib = 0; sib < 256;
			sib += (modrm & 7) == 4 && modrm < 0xc0 ? 1 : 256) {
			uint8_t bytes[5];
			unsigned n = 0;

			if (prefix)
				bytes[n++] = PREFIX_ADDRESS_SIZE;
			if (rex >= 0)
				bytes[n++] = (uint8_t)(0x40 | rex);
			bytes[n++] = opcode;
			bytes[n++] = (uint8_t)modrm;
			if ((modrm & 7) == 4 && modrm < 0xc0)
				bytes[n++] = (uint8_t)sib;
			add(bytes, n);
		}
}

static void add_all(void)
{
	static const uint8_t opcodes[] = { MOV_STORE, MOV_LOAD, MOV_IMMEDIATE, MOV_LOAD_EAX,
		MOV_STORE_EAX, 0x88, 0x8a, 0x03 };
	const bool wide = sizes == CODE_64;

	count = 0;
	for (unsigned o = 0; o < sizeof(opcodes); o++)
		for (int prefix = 0; prefix <= (wide ? 1 : 0); prefix++)
			for (int rex = -1; rex < (wide ? 16 : 0); rex += rex < 0 ? 1 : 3)
				add_forms(opcodes[o], prefix, rex);
}

/* One run of the disassembler over all slots; what it says at each slot's first byte. */
static struct seen *disassemble(const char *machine)
{
	struct seen *seen = calloc(count, sizeof(*seen));
	char file[] = "build/unit/decode-XXXXXX", command[160], line[256];
	int handle = mkstemp(file);
	FILE *out = fdopen(handle, "wb"), *in;
	unsigned last = 0;

	assert_non_null(seen);
	assert_int_equal(fwrite(slots, SLOT, count, out), count);
	fclose(out);
	snprintf(command, sizeof(command), "LC_ALL=C objdump -D -w -b binary -m %s %s", machine,
		file);
	in = popen(command, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		unsigned address;
		char *tab;

		if (sscanf(line, " %x:", &address) != 1 || (tab = strchr(line, '\t')) == NULL)
			continue;
		if (address / SLOT != last / SLOT && address % SLOT != 0)
			fail_msg("the disassembler lost step at %#x", address);
		if (last % SLOT == 0 && address != 0)
			seen[last / SLOT].length = address - last;
		last = address;
		if (address % SLOT == 0 && (tab = strchr(tab + 1, '\t')) != NULL)
			snprintf(seen[address / SLOT].text, sizeof(seen->text), "%s", tab + 1);
	}
	pclose(in);
	unlink(file);
	return seen;
}

static int register_number(const char *name)
{
	static const char *const names[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
		"r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d" };

	for (int i = 0; i < 16; i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return i;
	return -1;
}

/* By base and index, or absolute: the one number without a dollar sign. */
static bool has_memory(const char *operands)
{
	const char *second = operands[0] == '$' ? strchr(operands, ',') + 1 : operands;

	return strchr(operands, '(') != NULL || strstr(second, "0x") != NULL;
}

/* In the disassembler's words: a 32-bit MOV with one memory operand, its direction and register. */
static bool expected_mov(const char *text, struct decoded_mov *mov)
{
	const char *operands = text + strcspn(text, " "), *comma;

	if (strncmp(text, "addr32 ", 7) == 0 || strncmp(text, "rex", 3) == 0)
		return expected_mov(text + strcspn(text, " ") + 1, mov);
	if (strncmp(text, "mov", 3) != 0 || strstr(text, "movb") != NULL ||
		strstr(text, "movq") != NULL)
		return false;
	operands += strspn(operands, " ");
	if (!has_memory(operands))
		return false;
	mov->immediate = operands[0] == '$';
	mov->write = mov->immediate || (operands[0] == '%' && strncmp(operands, "%ds:", 4) != 0);
	comma = mov->write ? NULL : strrchr(operands, ',');
	if (mov->immediate)
		return true;
	if (mov->write) {
		mov->reg = (uint8_t)register_number(operands + 1);
		return register_number(operands + 1) >= 0;
	}
	if (comma == NULL || comma[1] != '%' || register_number(comma + 2) < 0)
		return false;
	mov->reg = (uint8_t)register_number(comma + 2);
	return true;
}

static void compare(const char *machine)
{
	struct seen *seen;
	unsigned movs = 0;

	slots = malloc(MAXIMUM * sizeof(*slots));
	add_all();
	seen = disassemble(machine);
	for (unsigned i = 0; i + 1 < count; i++) {
		struct decoded_mov mov = { 0 }, wanted = { 0 };
		bool is_mov = expected_mov(seen[i].text, &wanted);

		decode_mov(slots[i], SLOT, sizes, &mov);
		if ((mov.length != 0) != is_mov ||
			(is_mov && (mov.length != seen[i].length || mov.write != wanted.write ||
					   mov.immediate != wanted.immediate ||
					   (!mov.immediate && mov.reg != wanted.reg))))
			fail_msg("%02x %02x %02x %02x: length %u, not %u: %s", slots[i][0],
				slots[i][1], slots[i][2], slots[i][3], mov.length, seen[i].length,
				seen[i].text);
		movs += is_mov;
	}
	assert_true(movs > 1000);
	free(seen);
	free(slots);
}

static void moves_in_64_bit_code_are_what_the_disassembler_says(void **state)
{
	(void)state;
	sizes = CODE_64;
	compare("i386:x86-64");
}

static void moves_in_32_bit_code_are_what_the_disassembler_says(void **state)
{
	(void)state;
	sizes = CODE_32;
	compare("i386");
}

static void an_instruction_that_is_cut_off_is_nothing(void **state)
{
	static const uint8_t code[FETCH_BYTES] = { 0xc7, 0x83, 0xd0, 0, 0, 0, 1, 2, 3, 4 };

	(void)state;
	for (unsigned bytes = 0; bytes <= FETCH_BYTES; bytes++) {
		struct decoded_mov mov = { 0 };

		decode_mov(code, bytes, CODE_64, &mov);
		assert_int_equal(mov.length, bytes < 10 ? 0 : 10);
	}
}

static void sixteen_bit_code_is_left_alone(void **state)
{
	static const uint8_t code[FETCH_BYTES] = { 0x89, 0x07 };
	struct decoded_mov mov = { 0 };

	(void)state;
	decode_mov(code, FETCH_BYTES, CODE_16, &mov);
	assert_int_equal(mov.length, 0);
}

static void writes_to_control_registers_name_both_registers(void **state)
{
	(void)state;
	for (unsigned rex = 0; rex < 16; rex++)
		for (unsigned modrm = 0xc0; modrm < 256; modrm++) {
			const uint8_t code[FETCH_BYTES] = { (uint8_t)(0x40 | rex), 0x0f, 0x22,
				(uint8_t)modrm };
			struct decoded_mov mov = { 0 };

			decode_cr_write(code, FETCH_BYTES, CODE_64, &mov);
			assert_int_equal(mov.length, 4);
			assert_int_equal(mov.value, (modrm >> 3 & 7) + (rex & 4 ? 8 : 0));
			assert_int_equal(mov.reg, (modrm & 7) + (rex & 1 ? 8 : 0));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_in_64_bit_code_are_what_the_disassembler_says),
		cmocka_unit_test(moves_in_32_bit_code_are_what_the_disassembler_says),
		cmocka_unit_test(an_instruction_that_is_cut_off_is_nothing),
		cmocka_unit_test(sixteen_bit_code_is_left_alone),
		cmocka_unit_test(writes_to_control_registers_name_both_registers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
