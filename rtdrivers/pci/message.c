/*
 * Messages: MSI and MSI-X. What was written is read back, because where interrupts are remapped the
 * address and data are not the driver's to choose. Invariant: a message is unmasked only with an
 * address and data that have been read back. Specification: PCI Local Bus 3.0, 6.8; Intel SDM 3A,
 * 11.11.
 */
#include <stddef.h>

#include <mullion/irq.h>
#include <mullion/mmio.h>

#include <pci/pci.h>
#include <pci/registers.h>

#define MESSAGE_ADDRESS 0xfee00000u
#define MESSAGE_PAGES   0xfff00000u
#define VECTOR_MASK     0xffu
#define VECTOR_FIRST    16u

static uint32_t message_address(void)
{
	return MESSAGE_ADDRESS | apic_id() << 12;
}

/* The vector in force, or 0 where no message has been set. */
static unsigned vector_of(const uint32_t address, const uint32_t data)
{
	if ((address & MESSAGE_PAGES) != MESSAGE_ADDRESS || (data & VECTOR_MASK) < VECTOR_FIRST)
		return 0;
	return data & VECTOR_MASK;
}

static unsigned msi_enable(const struct pci_function *const f, const unsigned vector)
{
	const uint16_t control = pci_read16(f, f->msi + MSI_CONTROL);
	const unsigned wide = control & MSI_WIDE ? 4 : 0;
	unsigned in_force;

	pci_write32(f, f->msi + MSI_ADDRESS, message_address());
	if (wide)
		pci_write32(f, f->msi + MSI_ADDRESS + 4, 0);
	pci_write16(f, f->msi + MSI_DATA + wide, (uint16_t)vector);
	in_force = vector_of(
		pci_read32(f, f->msi + MSI_ADDRESS), pci_read16(f, f->msi + MSI_DATA + wide));
	if (in_force == 0)
		return 0;
	if (control & MSI_MASKING)
		pci_write32(f, f->msi + MSI_MASK_BITS + wide, 0);
	pci_write16(f, f->msi + MSI_CONTROL,
		(control & (uint16_t)~MSI_MULTIPLE) | (uint16_t)MSI_ENABLE);
	return in_force;
}

static volatile uint32_t *msix_table(const struct pci_function *const f)
{
	const uint32_t where = pci_read32(f, f->msix + MSIX_TABLE);
	const uint32_t offset = where & ~MSIX_BAR;
	uint64_t bytes;
	volatile uint8_t *const registers = pci_map_bar(f, where & MSIX_BAR, &bytes);

	if (registers == NULL || offset + (uint64_t)f->messages * MSIX_ENTRY_BYTES > bytes)
		return NULL;
	return (volatile uint32_t *)(registers + offset);
}

static volatile uint32_t *msix_entry(const struct pci_function *const f, const unsigned message)
{
	return f->table + message * (MSIX_ENTRY_BYTES / 4);
}

static unsigned msix_enable(
	const struct pci_function *const f, const unsigned message, const unsigned vector)
{
	volatile uint32_t *const entry = msix_entry(f, message);
	unsigned in_force;

	mmio_write32(&entry[ENTRY_CONTROL], ENTRY_MASKED);
	mmio_write32(&entry[ENTRY_ADDRESS], message_address());
	mmio_write32(&entry[ENTRY_ADDRESS_TOP], 0);
	mmio_write32(&entry[ENTRY_DATA], vector);
	in_force = vector_of(mmio_read32(&entry[ENTRY_ADDRESS]), mmio_read32(&entry[ENTRY_DATA]));
	if (in_force == 0)
		return 0;
	mmio_write32(&entry[ENTRY_CONTROL], 0);
	pci_write16(f, f->msix + MSIX_CONTROL,
		(pci_read16(f, f->msix + MSIX_CONTROL) & (uint16_t)~MSIX_MASK_ALL) |
			(uint16_t)MSIX_ENABLE);
	return in_force;
}

unsigned pci_message_enable(
	struct pci_function *const function, const unsigned message, const unsigned vector)
{
	if (message >= function->messages)
		return 0;
	if (function->msix == 0)
		return msi_enable(function, vector);
	if (function->table == NULL)
		function->table = msix_table(function);
	return function->table == NULL ? 0 : msix_enable(function, message, vector);
}

void pci_message_mask(
	const struct pci_function *const function, const unsigned message, const bool masked)
{
	if (function->table != NULL && message < function->messages)
		mmio_write32(
			&msix_entry(function, message)[ENTRY_CONTROL], masked ? ENTRY_MASKED : 0);
}
