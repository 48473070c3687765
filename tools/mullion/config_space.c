/*
 * Fills the configuration space of a function. See config_space.h for the invariant.
 */
#include "config_space.h"

#include <string.h>

#include "pci_config.h"

/* Doublewords of the header. */
enum {
	REGISTER_IDENTITY = 0,
	REGISTER_COMMAND = 1,
	REGISTER_CLASS = 2,
	REGISTER_HEADER = 3,
	REGISTER_BARS = 4,
	REGISTER_SUBSYSTEM = 11,
	REGISTER_CHAIN = 13,
	REGISTER_LATENCY = 15,
};

#define COMMAND_MEMORY     0x2u
#define COMMAND_BUS_MASTER 0x4u
#define COMMAND_INTX_OFF   0x400u
#define STATUS_HAS_CHAIN   0x100000u
#define STATUS_LIVE        0xffa80000u /* all that PCI 3.0, 6.2.3 defines but the chain */
#define LATENCY_BITS       0xffff0000u /* interrupt line and pin are 0: none is wired */
#define BAR_TYPE           0xfu

#define MSI_ENABLE     0x00010000u
#define MSI_WIDE       0x00800000u
#define MSIX_SWITCH    0xc0000000u /* enable, function mask */
#define MSIX_ENTRIES   0x07ff0000u
#define MSI_REGISTERS  4u
#define MSIX_REGISTERS 3u

#define EXPRESS_ROOT_INTEGRATED 9u /* device type: an endpoint without a link */

static void set(struct x86_config_register *reg, uint32_t value, uint32_t live)
{
	*reg = (struct x86_config_register){ .value = value, .live = live };
}

/* ---- The header ---- */

static void show_bar(const struct model_bar *bar, uint32_t gpa, struct x86_config_register *bars)
{
	const uint64_t mask = ~(bar->reg.bytes - 1);

	bars[bar->index] = (struct x86_config_register){
		.value = gpa | bar->type,
		.live = ((uint32_t)mask & ~BAR_TYPE) | bar->type,
		.kind = X86_CONFIG_BAR,
		.bar = bar->index,
	};
	if (bar->wide)
		bars[bar->index + 1] = (struct x86_config_register){
			.value = 0,
			.live = (uint32_t)(mask >> 32),
			.kind = X86_CONFIG_BAR,
			.bar = bar->index + 1,
		};
}

static void show_header(const struct model_function *function, const uint32_t gpas[6],
	struct x86_config_register *registers)
{
	const uint32_t *config = function->config;
	size_t i;

	set(&registers[REGISTER_IDENTITY], config[REGISTER_IDENTITY], 0);
	registers[REGISTER_COMMAND] = (struct x86_config_register){
		.value = COMMAND_MEMORY | COMMAND_INTX_OFF,
		.live = STATUS_LIVE | COMMAND_BUS_MASTER,
		.kind = X86_CONFIG_COMMAND,
	};
	set(&registers[REGISTER_CLASS], config[REGISTER_CLASS], 0);
	set(&registers[REGISTER_HEADER], config[REGISTER_HEADER], 0);
	for (i = 0; i < function->bars_count; i++)
		show_bar(&function->bars[i], gpas[function->bars[i].index],
			&registers[REGISTER_BARS]);
	set(&registers[REGISTER_SUBSYSTEM], config[REGISTER_SUBSYSTEM], 0);
	set(&registers[REGISTER_LATENCY], config[REGISTER_LATENCY] & LATENCY_BITS, 0);
}

/* ---- Capabilities ---- */

/* Does all of a capability lie in configuration space? */
static bool has_room(unsigned offset, unsigned registers)
{
	return offset / 4 + registers <= CONFIG_SPACE_REGISTERS;
}

/* Of MSI and MSI-X, the function uses MSI-X where it has it. */
static bool is_shown(const struct model_function *function, const struct pci_capability *capability,
	const struct x86_message *messages)
{
	switch (capability->id) {
	case PCI_CAPABILITY_MSI:
		return messages && !function->msix && capability->offset == function->msi &&
		       has_room(capability->offset, MSI_REGISTERS);
	case PCI_CAPABILITY_MSIX:
		return messages && capability->offset == function->msix &&
		       has_room(capability->offset, MSIX_REGISTERS);
	case PCI_CAPABILITY_EXPRESS:
	case PCI_CAPABILITY_VENDOR:
		return true;
	default:
		return false;
	}
}

/* PCI Express base specification, 7.5.3: the second version has all registers. */
static unsigned express_bytes(const uint32_t *config, unsigned offset)
{
	const unsigned version = pci_word(config, offset + 2) & 0xf;
	const unsigned type = pci_word(config, offset + 2) >> 4 & 0xf;

	if (version > 1)
		return 0x3c;
	return type == EXPRESS_ROOT_INTEGRATED ? 0x0c : 0x14;
}

/* A capability ends where the next one begins, at the latest. */
static unsigned end_of(
	const uint32_t *config, const struct pci_chain_read *chain, const struct pci_capability *of)
{
	const unsigned bytes = of->id == PCI_CAPABILITY_EXPRESS ? express_bytes(config, of->offset)
								: pci_byte(config, of->offset + 2u);
	unsigned end = of->offset + bytes;
	size_t i;

	for (i = 0; i < chain->count; i++)
		if (chain->list[i].offset > of->offset && chain->list[i].offset < end)
			end = chain->list[i].offset;
	return end < 4 * CONFIG_SPACE_REGISTERS ? end : 4 * CONFIG_SPACE_REGISTERS;
}

/*
 * One message, preset. Masking it and sending several are not offered: the table says what is sent.
 */
static void show_msi(const uint32_t *config, unsigned offset, const struct x86_message *message,
	struct x86_config_register *first)
{
	const uint32_t wide = config[offset / 4] & MSI_WIDE;

	first[0].value |= wide;
	first[0].live = MSI_ENABLE;
	first[0].kind = X86_CONFIG_MSI;
	set(&first[1], message->guest_address, 0);
	set(&first[wide ? 3 : 2], message->guest_data, 0);
}

static void show_msix(const uint32_t *config, unsigned offset, struct x86_config_register *first)
{
	first[0].value |= config[offset / 4] & MSIX_ENTRIES;
	first[0].live = MSIX_SWITCH;
	first[0].kind = X86_CONFIG_MSIX;
	set(&first[1], config[offset / 4 + 1], 0);
	set(&first[2], config[offset / 4 + 2], 0);
}

/* As the hardware has it, read-only; its kind and the next pointer are not the hardware's to say. */
static void show_live(struct x86_config_register *registers, unsigned offset, unsigned end)
{
	unsigned at;

	registers[offset / 4].live = 0xffff0000u;
	for (at = offset + 4; at < end; at += 4)
		set(&registers[at / 4], 0, end - at >= 4 ? UINT32_MAX : (1u << 8 * (end - at)) - 1);
}

static void show_capability(const uint32_t *config, const struct pci_chain_read *chain,
	const struct pci_capability *capability, const struct x86_message *messages,
	struct x86_config_register *registers)
{
	const unsigned offset = capability->offset;

	set(&registers[offset / 4], capability->id, 0);
	if (capability->id == PCI_CAPABILITY_MSI)
		show_msi(config, offset, &messages[0], &registers[offset / 4]);
	else if (capability->id == PCI_CAPABILITY_MSIX)
		show_msix(config, offset, &registers[offset / 4]);
	else
		show_live(registers, offset, end_of(config, chain, capability));
}

/* From the last to the first: each knows the one that follows it. */
static void show_chain(const struct model_function *function, const struct x86_message *messages,
	struct x86_config_register *registers)
{
	struct pci_chain_read chain;
	uint32_t next = 0;
	size_t i;

	pci_chain_read(function->config, &chain);
	for (i = chain.count; i-- > 0;) {
		const struct pci_capability *capability = &chain.list[i];

		if (!is_shown(function, capability, messages))
			continue;
		show_capability(function->config, &chain, capability, messages, registers);
		registers[capability->offset / 4].value |= next << 8;
		next = capability->offset;
	}
	set(&registers[REGISTER_CHAIN], next, 0);
	if (next)
		registers[REGISTER_COMMAND].value |= STATUS_HAS_CHAIN;
}

void config_space_show(const struct model_function *function, const uint32_t gpas[6],
	const struct x86_message *messages,
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS])
{
	memset(registers, 0, CONFIG_SPACE_REGISTERS * sizeof(*registers));
	show_header(function, gpas, registers);
	show_chain(function, messages, registers);
}
