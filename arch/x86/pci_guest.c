/*
 * PCI functions as their owner sees them: configuration space by the ports CF8h and CFCh (PCI Local
 * Bus 3.0, 3.2.2.3.2), and the table of MSI-X messages (6.8.2).
 *
 * Invariant: constant tables say what every register answers. What reaches the hardware are four
 * switches of the owner's: bus mastering, MSI and MSI-X enable, the function mask, and the mask of
 * each granted message.
 */
#include <pci.h>
#include <pci_registers.h>

#define PORT_ADDRESS   0xcf8u
#define PORT_DATA      0xcfcu
#define ADDRESS_ENABLE (1u << 31)
#define ADDRESS_UNUSED 0x7f000003u /* bits 27..24 would be AMD's extended registers */
#define ADDRESS_OFFSET 0xfcu

#define IOIO_IN      1u
#define IOIO_STRING  4u
#define IOIO_SIZE(i) ((i) >> 4 & 7)
#define IOIO_PORT(i) ((i) >> 16 & 0xffff)

/* The owner's function that its address register selects, or NULL. */
static const struct x86_function *selected(const struct vcpu *vcpu)
{
	const struct arch_vcpu_tables *tables = vcpu->config->arch;
	const struct x86_function *function =
		&mullion_system.arch->functions[tables->first_function];
	uint32_t address = vcpu->arch.config_address;

	if (!(address & ADDRESS_ENABLE))
		return NULL;
	for (uint16_t f = 0; f < tables->functions_count; f++)
		if (function[f].bdf == (address >> 8 & 0xffff))
			return &function[f];
	return NULL;
}

static uint32_t register_read(const struct x86_function *function, uint32_t offset)
{
	const struct x86_config_register *reg = &function->registers[offset / 4];

	if (reg->kind == X86_CONFIG_BAR)
		return function_state(function)->bars[reg->bar] ? reg->live : reg->value;
	if (reg->live == 0)
		return reg->value;
	return reg->value | (config_read(function, offset) & reg->live);
}

/* A quarantined function stays off the bus, whatever its owner writes. */
static void command_write(const struct x86_function *function, uint32_t value)
{
	uint32_t command = COMMAND_MEMORY | COMMAND_INTX_OFF;

	if (!load_shared(&function_state(function)->quarantined))
		command |= value & COMMAND_BUS_MASTER;
	config_write(function, PCI_COMMAND, command);
}

/* The bits in `switches` are the owner's; MSI sends one message, never several. */
static void control_write(
	const struct x86_function *function, uint32_t offset, uint32_t value, uint32_t switches)
{
	uint32_t control = config_read(function, offset) & ~switches;

	config_write(function, offset, control | (value & switches));
}

static void register_write(const struct x86_function *function, uint32_t offset, uint32_t value)
{
	const struct x86_config_register *reg = &function->registers[offset / 4];
	uint32_t size = reg->live & ~BAR_TYPE;

	switch (reg->kind) {
	case X86_CONFIG_COMMAND:
		command_write(function, value);
		break;
	case X86_CONFIG_BAR:
		function_state(function)->bars[reg->bar] = (value & size) == size;
		break;
	case X86_CONFIG_MSI:
		control_write(function, offset, value, MSI_ENABLE);
		break;
	case X86_CONFIG_MSIX:
		control_write(function, offset, value, MSIX_ENABLE | MSIX_MASK_ALL);
		break;
	default:
		break;
	}
}

/* `bits` of the doubleword at the selected offset, from bit `shift` up. */
static uint32_t data_read(const struct x86_function *function, uint32_t offset, unsigned shift)
{
	return function == NULL ? UINT32_MAX : register_read(function, offset) >> shift;
}

static void data_write(const struct x86_function *function, uint32_t offset, unsigned shift,
	uint32_t mask, uint32_t value)
{
	if (function == NULL)
		return;
	mask <<= shift;
	register_write(function, offset,
		(register_read(function, offset) & ~mask) | (value << shift & mask));
}

static void data_port(struct vcpu *vcpu, uint64_t info)
{
	uint64_t *rax = &vcpu->arch.vmcb.rax;
	uint32_t offset = vcpu->arch.config_address & ADDRESS_OFFSET;
	unsigned shift = (IOIO_PORT(info) & 3) * 8, bits = (unsigned)IOIO_SIZE(info) * 8;
	uint32_t mask = bits == 32 ? UINT32_MAX : (1u << bits) - 1;

	if (!(info & IOIO_IN))
		data_write(selected(vcpu), offset, shift, mask, (uint32_t)*rax);
	else if (bits == 32)
		*rax = data_read(selected(vcpu), offset, shift);
	else
		*rax = (*rax & ~(uint64_t)mask) | (data_read(selected(vcpu), offset, shift) & mask);
}

static void address_port(struct vcpu *vcpu, uint64_t info)
{
	if (info & IOIO_IN)
		vcpu->arch.vmcb.rax = vcpu->arch.config_address;
	else
		vcpu->arch.config_address = (uint32_t)vcpu->arch.vmcb.rax & ~ADDRESS_UNUSED;
}

bool pci_port(struct vcpu *vcpu, uint64_t info)
{
	uint64_t port = IOIO_PORT(info), size = IOIO_SIZE(info);

	if (vcpu->config->arch->functions_count == 0 || info & IOIO_STRING)
		return false;
	if (port == PORT_ADDRESS && size == 4)
		address_port(vcpu, info);
	else if (port >= PORT_DATA && port + size <= PORT_DATA + 4)
		data_port(vcpu, info);
	else
		return false;
	return true;
}

/* ---- The table of messages ---- */

static const struct x86_function *table_owner(const struct vcpu *vcpu, uint64_t gpa)
{
	const struct arch_vcpu_tables *tables = vcpu->config->arch;
	const struct x86_function *function =
		&mullion_system.arch->functions[tables->first_function];

	for (uint16_t f = 0; f < tables->functions_count; f++)
		if (gpa >= function[f].table_gpa &&
			gpa - function[f].table_gpa < function[f].table_bytes)
			return &function[f];
	return NULL;
}

static uint32_t message_read(const struct x86_function *function, uint32_t entry, uint32_t field)
{
	const struct x86_message *message = &function->messages[entry];

	if (field == MSIX_CONTROL)
		return message->granted ? msix_entry(function, entry)[field] & MSIX_MASKED
					: MSIX_MASKED;
	if (field == MSIX_ADDRESS)
		return message->guest_address;
	return field == MSIX_DATA ? message->guest_data : 0;
}

static void message_write(
	const struct x86_function *function, uint32_t entry, uint32_t field, uint32_t value)
{
	if (field == MSIX_CONTROL && function->messages[entry].granted)
		msix_entry(function, entry)[field] = value & MSIX_MASKED;
}

/* Beside the table lies the array of pending bits: to be read, not written. */
static void table_access(const struct x86_function *function, uint64_t physical,
	const struct decoded_mov *mov, uint64_t *reg)
{
	uint64_t offset = physical - function->table;
	uint32_t entry = (uint32_t)(offset / MSIX_ENTRY_BYTES);
	uint32_t field = offset % MSIX_ENTRY_BYTES / 4;
	bool inside = physical >= function->table && entry < function->messages_count;

	if (mov->write && inside)
		message_write(function, entry, field, mov->immediate ? mov->value : (uint32_t)*reg);
	else if (!mov->write && inside)
		*reg = message_read(function, entry, field);
	else if (!mov->write)
		*reg = *(const volatile uint32_t *)(uintptr_t)physical;
}

bool pci_table(struct vcpu *vcpu, uint64_t gpa)
{
	const struct x86_function *function = table_owner(vcpu, gpa);
	const struct decoded_mov *mov;

	if (function == NULL || gpa & 3)
		return false;
	mov = guest_mov(vcpu);
	if (mov->length == 0)
		return false;
	table_access(function, function->table_page + (gpa - function->table_gpa), mov,
		vcpu_register(vcpu, mov->reg));
	skip_instruction(vcpu, mov->length);
	return true;
}
