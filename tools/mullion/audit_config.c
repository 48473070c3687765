/*
 * Configuration space as the owner of a function finds it. PCI 3.0, chapter 6 and 6.8;
 * docs/devices.md says what it may change.
 *
 * The invariant that is proved: what the owner can switch are bus mastering, MSI and MSI-X enable and
 * the function mask; BARs answer with the address at which they are mapped; only capabilities of
 * messages, PCI Express and vendors are on the chain, and what is on no capability reads zero.
 */
#include "audit_devices.h"

#include <string.h>

#include "allocate.h"

enum {
	IDENTITY,
	COMMAND,
	CLASS,
	HEADER,
	BARS,
	SUBSYSTEM = 11,
	ROM,
	CHAIN,
	RESERVED,
	LATENCY,
	FIRST
};

#define COMMAND_IO      0x0001u
#define COMMAND_MEMORY  0x0002u
#define COMMAND_MASTER  0x0004u
#define COMMAND_NO_INTX 0x0400u
#define STATUS_CHAIN    0x00100000u
#define STATUS_LIVE     0xffa80000u /* 6.2.3: every status bit but the chain's */
#define HEADER_TYPE     0x007f0000u
#define LATENCY_LINE    0x0000ffffu /* interrupt line and pin */

enum { ID_MSI = 0x05, ID_VENDOR = 0x09, ID_EXPRESS = 0x10, ID_MSIX = 0x11 };

#define MSI_ENABLE  0x00010000u
#define MSI_WIDE    0x00800000u
#define MSIX_SWITCH 0xc0000000u /* enable, function mask */
#define MSIX_COUNT  0x07ff0000u

struct space {
	struct audit *audit;
	const struct audit_function *function;
	const struct x86_config_register *registers;
	uint8_t owner[AUDIT_REGISTERS]; /* by register: where its capability starts; 0: none */
};

static void complain(const struct space *space, const char *rule, unsigned r, const char *what)
{
	const struct x86_config_register *reg = &space->registers[r];

	audit_find(space->audit, rule,
		"configuration register %#04x of %s, value %#x, live %#x, kind %u, %s: see %s",
		4 * r, audit_function_name(space->audit, space->function), reg->value, reg->live,
		reg->kind, what,
		audit_image_place(&space->audit->image,
			audit_address(space->function->table->registers) + r * sizeof(*reg)));
}

/* ---- The header ---- */

static void check_constant(const struct space *space, unsigned r, uint32_t meant, uint32_t mask)
{
	const struct x86_config_register *reg = &space->registers[r];

	if (reg->kind != X86_CONFIG_CONSTANT)
		complain(space, "config-writable", r, "can be written");
	if (reg->live)
		complain(space, "config-live", r, "is read from the hardware");
	if ((reg->value & mask) != meant)
		complain(space, "config-value", r, "shows something that is not so");
}

static void check_command(const struct space *space)
{
	const struct x86_config_register *reg = &space->registers[COMMAND];
	const bool chain = space->registers[CHAIN].value;

	if (reg->kind != X86_CONFIG_COMMAND)
		complain(space, "config-writable", COMMAND, "is not the command register");
	if (reg->live != (STATUS_LIVE | COMMAND_MASTER))
		complain(space, "config-live", COMMAND,
			"reads something else from the hardware than bus mastering and status");
	if ((reg->value & ~STATUS_CHAIN) != (COMMAND_MEMORY | COMMAND_NO_INTX))
		complain(space, "config-value", COMMAND,
			"does not show memory space on, I/O space and INTx off");
	if (chain != ((reg->value & STATUS_CHAIN) != 0))
		complain(space, "config-value", COMMAND,
			"says otherwise than the chain whether there are capabilities");
}

static void check_header(const struct space *space)
{
	static const uint8_t empty[] = { 10, ROM, RESERVED };
	size_t i;

	check_constant(space, IDENTITY, space->function->table->identity, UINT32_MAX);
	check_command(space);
	check_constant(space, CLASS, 0, 0);
	check_constant(space, HEADER, 0, HEADER_TYPE);
	check_constant(space, SUBSYSTEM, 0, 0);
	check_constant(space, CHAIN, 0, 0xffffff03u);
	check_constant(space, LATENCY, 0, LATENCY_LINE);
	for (i = 0; i < sizeof(empty); i++)
		check_constant(space, empty[i], 0, UINT32_MAX);
}

/* ---- BARs ---- */

static const struct x86_bar *bar_at(const struct audit_function *function, unsigned index)
{
	size_t b;

	for (b = 0; b < function->bars_count; b++)
		if (index - function->bars[b].index <= function->bars[b].wide)
			return &function->bars[b];
	return NULL;
}

/* A 64-bit BAR is two registers; nothing is shown above 4 GiB. */
static void check_bar(const struct space *space, unsigned index)
{
	const struct x86_config_register *reg = &space->registers[BARS + index];
	const struct x86_bar *bar = bar_at(space->function, index);
	const uint64_t mask = bar ? ~(bar->bytes - 1) : 0;
	const bool high = bar && bar->index != index;

	if (!bar) {
		check_constant(space, BARS + index, 0, UINT32_MAX);
		return;
	}
	if (reg->kind != X86_CONFIG_BAR || reg->bar != index)
		complain(space, "config-bar", BARS + index, "does not answer as this BAR");
	if (reg->live != (high ? (uint32_t)(mask >> 32) : ((uint32_t)mask & ~0xfu) | bar->type))
		complain(space, "config-bar", BARS + index, "tells another size than the BAR has");
	if (reg->value != (high ? 0 : bar->gpa | bar->type))
		complain(space, "config-bar", BARS + index,
			"shows another address than the one at which it is mapped");
}

/* ---- Capabilities ---- */

static bool is_allowed(unsigned id)
{
	return id == ID_MSI || id == ID_MSIX || id == ID_EXPRESS || id == ID_VENDOR;
}

/* Whole bytes, from the lowest up. */
static bool is_low_bytes(uint32_t mask)
{
	return mask == 0xff || mask == 0xffff || mask == 0xffffff || mask == UINT32_MAX;
}

/* A register on a capability that is read from the hardware, and cannot be written. */
static void check_reading(const struct space *space, unsigned r, bool first)
{
	const struct x86_config_register *reg = &space->registers[r];

	if (reg->kind != X86_CONFIG_CONSTANT)
		complain(space, "config-writable", r, "can be written");
	if (first ? reg->live != 0xffff0000u : !is_low_bytes(reg->live))
		complain(space, "config-live", r, "is read from the hardware in parts");
	if (!first && reg->value)
		complain(space, "config-value", r, "shows something that the hardware does not");
}

static void check_msi(struct space *space, unsigned first)
{
	const struct x86_config_register *reg = &space->registers[first];
	const bool wide = reg->value & MSI_WIDE;
	const struct x86_message *message = space->function->messages;
	unsigned r;

	if (space->function->table->msi != 4 * first || space->function->table->msix || !message ||
		first + 3 + wide > AUDIT_REGISTERS) {
		complain(space, "config-chain", first, "is no MSI capability with a message");
		return;
	}
	if (reg->kind != X86_CONFIG_MSI || reg->live != MSI_ENABLE)
		complain(space, "config-writable", first,
			"lets its owner switch something else than MSI");
	if (reg->value & 0xffff0000u & ~MSI_WIDE)
		complain(space, "config-value", first, "offers more than one message");
	check_constant(space, first + 1, message->guest_address, UINT32_MAX);
	if (wide)
		check_constant(space, first + 2, 0, UINT32_MAX);
	check_constant(space, first + 2 + wide, message->guest_data, UINT32_MAX);
	for (r = first; r < first + 3 + wide; r++)
		space->owner[r] = (uint8_t)first;
}

static const struct x86_bar *table_bar(const struct audit_function *function)
{
	const uint64_t table = function->table->table;
	size_t b;

	for (b = 0; b < function->bars_count; b++)
		if (table - function->bars[b].base < function->bars[b].bytes)
			return &function->bars[b];
	return NULL;
}

static void check_msix_place(const struct space *space, unsigned first)
{
	const struct x86_function *table = space->function->table;
	const struct x86_bar *bar = table_bar(space->function);
	const uint32_t at = space->registers[first + 1].value;

	if (!bar || (at & 7) != bar->index || (at & ~7u) != table->table - bar->base)
		complain(space, "config-value", first + 1,
			"says that the table lies where it does not");
	if (!bar_at(space->function, space->registers[first + 2].value & 7))
		complain(space, "config-value", first + 2,
			"says that the pending bits lie in no BAR");
}

static void check_msix(struct space *space, unsigned first)
{
	const struct x86_config_register *reg = &space->registers[first];
	const struct x86_function *table = space->function->table;
	unsigned r;

	if (table->msix != 4 * first || !space->function->messages || first + 3 > AUDIT_REGISTERS) {
		complain(space, "config-chain", first, "is no MSI-X capability with a message");
		return;
	}
	if (reg->kind != X86_CONFIG_MSIX || reg->live != MSIX_SWITCH)
		complain(space, "config-writable", first,
			"lets its owner switch something else than MSI-X and its mask");
	if ((reg->value & 0xffff0000u) != ((table->messages_count - 1u) << 16 & MSIX_COUNT))
		complain(space, "config-value", first, "counts other messages than there are");
	check_constant(space, first + 1, 0, 0);
	check_constant(space, first + 2, 0, 0);
	check_msix_place(space, first);
	for (r = first; r < first + 3; r++)
		space->owner[r] = (uint8_t)first;
}

/*
 * PCI Express and vendors' capabilities are read as they are, read-only; id and chain are not the
 * hardware's to say. They end where the next one begins or nothing is shown any more.
 */
static void check_plain(struct space *space, unsigned first)
{
	unsigned r = first;

	check_reading(space, first, true);
	for (space->owner[r++] = (uint8_t)first;
		r < AUDIT_REGISTERS && !space->owner[r] &&
		(space->registers[r].live || space->registers[r].value);
		r++) {
		check_reading(space, r, false);
		space->owner[r] = (uint8_t)first;
	}
}

/* Bits of the chain, ascending in time; a bit set twice would be a loop. */
static size_t read_chain(const struct space *space, uint8_t *list)
{
	unsigned at = space->registers[CHAIN].value & 0xff;
	bool seen[AUDIT_REGISTERS] = { false };
	size_t count = 0;

	while (at) {
		if (at % 4 || at / 4 < FIRST || seen[at / 4]) {
			complain(space, "config-chain", at / 4 % AUDIT_REGISTERS,
				"is on the chain of capabilities, and cannot be");
			break;
		}
		seen[at / 4] = true;
		list[count++] = (uint8_t)(at / 4);
		at = space->registers[at / 4].value >> 8 & 0xff;
	}
	return count;
}

static void check_chain(struct space *space)
{
	uint8_t list[AUDIT_REGISTERS];
	const size_t count = read_chain(space, list);
	size_t i;

	for (i = 0; i < count; i++)
		space->owner[list[i]] = list[i];
	for (i = 0; i < count; i++) {
		const unsigned id = space->registers[list[i]].value & 0xff;

		if (!is_allowed(id))
			complain(space, "config-chain", list[i],
				format("shows a capability of kind %#04x, which no owner may see",
					id));
		else if (id == ID_MSI)
			check_msi(space, list[i]);
		else if (id == ID_MSIX)
			check_msix(space, list[i]);
		else
			check_plain(space, list[i]);
	}
}

static void check_rest(const struct space *space)
{
	static const struct x86_config_register nothing;
	unsigned r;

	for (r = FIRST; r < AUDIT_REGISTERS; r++)
		if (!space->owner[r] &&
			memcmp(&space->registers[r], &nothing, sizeof(nothing)) != 0)
			complain(space, "config-hidden", r,
				"is on no capability, and yet shows something");
	for (r = 0; r < AUDIT_REGISTERS; r++)
		if (space->registers[r].kind != X86_CONFIG_BAR && space->registers[r].bar)
			complain(space, "config-value", r, "names a BAR, and is none");
}

/* A granted message can be enabled only where its capability is shown. */
static void check_shown(const struct space *space)
{
	const struct x86_function *table = space->function->table;
	const unsigned at = table->msix ? table->msix : table->msi;

	if (space->function->messages && !space->owner[at / 4])
		complain(space, "config-chain", at / 4,
			"is to be the capability of its messages, and is not shown");
}

void audit_config(struct audit *audit, const struct audit_function *function)
{
	struct space space = { audit, function, function->registers, { 0 } };
	unsigned r;

	check_header(&space);
	for (r = 0; r < 6; r++)
		check_bar(&space, r);
	check_chain(&space);
	check_rest(&space);
	check_shown(&space);
	for (r = 0; r < AUDIT_REGISTERS; r++)
		if (function->registers[r].kind != X86_CONFIG_BAR &&
			function->registers[r].value & function->registers[r].live)
			complain(&space, "config-live", r,
				"has bits that are both constant and live");
}
