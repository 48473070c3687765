/*
 * PCI functions at boot: each is compared with what the board says, silenced, and, if a partition owns
 * it, programmed for good: its base addresses and the messages it may send. PCI Local Bus 3.0, chapter
 * 6; messages: 6.8.
 *
 * Invariant: no function masters the bus before the IOMMUs are on, and what is programmed here no
 * partition can change.
 */
#include <pci.h>
#include <pci_registers.h>

/* A step of a restart programs this many: four writes each. */
#define RESUME_MESSAGES 8u

static uint64_t bus_of(const struct x86_function *function)
{
	return function->bdf >> 8;
}

static uint64_t device_of(const struct x86_function *function)
{
	return function->bdf >> 3 & 0x1f;
}

static uint64_t number_of(const struct x86_function *function)
{
	return function->bdf & 7;
}

static void check_identity(const struct x86_function *function)
{
	uint32_t identity = config_read(function, PCI_IDENTITY);

	if (identity == UINT32_MAX)
		refuse("there is no PCI function at %u:%u.%u, where the board has %s; run on that "
		       "board (mullion run adds what QEMU needs)",
			bus_of(function), device_of(function), number_of(function), function->name);
	if (identity != function->identity)
		refuse("PCI function %u:%u.%u is %x, not %s, which is %x; run on the board that "
		       "the image is for",
			bus_of(function), device_of(function), number_of(function),
			(uint64_t)identity, function->name, (uint64_t)function->identity);
}

/* Message control: the upper half of the capability's first doubleword. */
static void messages_off(const struct x86_function *function)
{
	if (function->msi != 0)
		config_write(function, function->msi,
			config_read(function, function->msi) & ~(MSI_ENABLE | MSI_MULTIPLE));
	if (function->msix != 0)
		config_write(function, function->msix,
			config_read(function, function->msix) & ~(MSIX_ENABLE | MSIX_MASK_ALL));
}

void pci_silence(void)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	for (uint16_t f = 0; f < tables->functions_count; f++) {
		check_identity(&tables->functions[f]);
		config_write(&tables->functions[f], PCI_COMMAND, COMMAND_INTX_OFF);
		messages_off(&tables->functions[f]);
	}
}

/* All ones read back as the size; compared, so that no BAR decodes more than its owner is given. */
static uint64_t bar_size(const struct x86_function *function, const struct x86_bar *bar)
{
	uint32_t at = PCI_BAR(bar->index);
	uint64_t mask;

	config_write(function, at, UINT32_MAX);
	mask = config_read(function, at) & ~BAR_TYPE;
	if (!bar->wide)
		return (uint32_t) - (uint32_t)mask;
	config_write(function, at + 4, UINT32_MAX);
	return -(mask | (uint64_t)config_read(function, at + 4) << 32);
}

static void program_bar(const struct x86_function *function, const struct x86_bar *bar)
{
	config_write(function, PCI_BAR(bar->index), (uint32_t)bar->base);
	if (bar->wide)
		config_write(function, PCI_BAR(bar->index) + 4, (uint32_t)(bar->base >> 32));
}

static void program_msi(const struct x86_function *function, const struct x86_message *message)
{
	uint32_t at = function->msi, control = config_read(function, at);

	config_write(function, at + 4, (uint32_t)message->address);
	if (control & MSI_WIDE)
		config_write(function, at + 8, (uint32_t)(message->address >> 32));
	config_write(function, at + (control & MSI_WIDE ? 12 : 8), message->data);
	if (control & MSI_MASKABLE)
		config_write(function, at + (control & MSI_WIDE ? 16 : 12), 0);
}

static void check_messages(const struct x86_function *function)
{
	uint32_t entries = (config_read(function, function->msix) >> 16 & MSIX_LAST) + 1;

	if (entries != function->messages_count)
		refuse("%s has %u messages here, not %u; run on the board that the image is for",
			function->name, (uint64_t)entries, (uint64_t)function->messages_count);
}

static bool has_msix(const struct x86_function *function)
{
	return function->messages != NULL && function->msix != 0;
}

/* What must fit, lest the function reach, or be reached, beyond what the tables say. */
static void check_size(const struct x86_function *function)
{
	for (uint16_t b = 0; b < function->bars_count; b++) {
		const struct x86_bar *bar = &function->bars[b];
		uint64_t bytes = bar_size(function, bar);

		if (bytes != bar->bytes)
			refuse("BAR %u of %s is %x bytes here, not %x; run on the board that the "
			       "image is for",
				(uint64_t)bar->index, function->name, bytes, bar->bytes);
	}
	if (has_msix(function))
		check_messages(function);
}

/* Every entry is written, and masked: a granted one is its owner's to unmask. */
static void program_msix(const struct x86_function *function, uint64_t from, uint64_t to)
{
	for (uint32_t m = (uint32_t)from; m < to && m < function->messages_count; m++) {
		volatile uint32_t *entry = msix_entry(function, m);
		const struct x86_message *message = &function->messages[m];

		entry[MSIX_CONTROL] = MSIX_MASKED;
		entry[MSIX_ADDRESS] = (uint32_t)message->address;
		entry[MSIX_ADDRESS_HIGH] = (uint32_t)(message->address >> 32);
		entry[MSIX_DATA] = message->data;
	}
}

static uint64_t granted(const struct x86_function *function)
{
	uint64_t count = 0;

	for (uint16_t m = 0; function->messages != NULL && m < function->messages_count; m++)
		count += function->messages[m].granted;
	return count;
}

/* All but the table of MSI-X. */
static void program(const struct x86_function *function)
{
	for (uint16_t b = 0; b < function->bars_count; b++)
		program_bar(function, &function->bars[b]);
	config_write(function, PCI_COMMAND, COMMAND_MEMORY | COMMAND_INTX_OFF);
	if (!has_msix(function) && function->messages != NULL && function->msi != 0)
		program_msi(function, &function->messages[0]);
}

static void start(const struct x86_function *function)
{
	check_size(function);
	program(function);
	if (has_msix(function))
		program_msix(function, 0, function->messages_count);
	console_print("PCI:    %s %u:%u.%u for %s, %u BARs, %u messages granted\n", function->name,
		bus_of(function), device_of(function), number_of(function),
		mullion_system.partitions[function->partition].name, (uint64_t)function->bars_count,
		granted(function));
}

void pci_start(void)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	for (uint16_t f = 0; f < tables->functions_count; f++)
		if (tables->functions[f].partition != X86_NO_PARTITION)
			start(&tables->functions[f]);
}

void pci_quarantine(const struct x86_function *function)
{
	store_shared(&function_state(function)->quarantined, 1);
	config_write(function, PCI_COMMAND, COMMAND_MEMORY | COMMAND_INTX_OFF);
}

static void renew(const struct x86_function *function)
{
	struct x86_function_state *state = function_state(function);

	__builtin_memset(state->bars, 0, sizeof(state->bars));
	config_write(function, PCI_COMMAND, COMMAND_INTX_OFF);
	messages_off(function);
	program(function);
}

uint64_t pci_resume(const struct x86_function *function, uint64_t done)
{
	uint64_t to = done + RESUME_MESSAGES;

	if (done == 0)
		renew(function);
	if (has_msix(function)) {
		program_msix(function, done, to);
		if (to < function->messages_count)
			return to;
	}
	store_shared(&function_state(function)->quarantined, 0);
	return 0;
}

const struct x86_function *pci_requester(const struct x86_iommu *unit, uint16_t requester)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	for (uint16_t f = 0; f < tables->functions_count; f++) {
		const struct x86_function *function = &tables->functions[f];

		if (function->requester == requester && &tables->iommus[function->iommu] == unit)
			return function;
	}
	return NULL;
}
