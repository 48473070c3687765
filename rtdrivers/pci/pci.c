/*
 * PCI functions by configuration mechanism 1, their BARs and capabilities. Invariant: what a function
 * answers is checked before it is used: no walk is longer than configuration space, no register
 * outside it is touched. Specification: PCI Local Bus 3.0, 3.2.2.3.2, 6.1, 6.2.5.1, 6.7.
 */
#include <stddef.h>

#include <mullion/cpu.h>
#include <mullion/memory.h>

#include <pci/pci.h>
#include <pci/registers.h>

#define PORT_ADDRESS   0xcf8u
#define PORT_DATA      0xcfcu
#define ADDRESS_ENABLE (1u << 31)

#define FUNCTIONS_PER_BUS  256u
#define CAPABILITIES_LIMIT 48u /* as many as fit between 40h and the end */
#define CAPABILITY_FIRST   0x40u
#define BARS               6u

static uint16_t select_register(const uint16_t bdf, const unsigned offset)
{
	port_write32(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)bdf << 8 | (offset & 0xfc));
	return (uint16_t)(PORT_DATA + (offset & 3));
}

uint32_t pci_read32(const struct pci_function *const function, const unsigned offset)
{
	return port_read32(select_register(function->bdf, offset & ~3u));
}

uint16_t pci_read16(const struct pci_function *const function, const unsigned offset)
{
	return port_read16(select_register(function->bdf, offset & ~1u));
}

uint8_t pci_read8(const struct pci_function *const function, const unsigned offset)
{
	return port_read8(select_register(function->bdf, offset));
}

void pci_write32(
	const struct pci_function *const function, const unsigned offset, const uint32_t value)
{
	port_write32(select_register(function->bdf, offset & ~3u), value);
}

void pci_write16(
	const struct pci_function *const function, const unsigned offset, const uint16_t value)
{
	port_write16(select_register(function->bdf, offset & ~1u), value);
}

/* ---- Finding ---- */

static uint8_t capability_walk(
	const struct pci_function *const function, const uint8_t id, uint8_t at)
{
	for (unsigned i = 0; i < CAPABILITIES_LIMIT; i++) {
		at &= 0xfc;
		if (at < CAPABILITY_FIRST)
			return 0;
		if (pci_read8(function, at + CAPABILITY_ID) == id)
			return at;
		at = pci_read8(function, at + CAPABILITY_NEXT);
	}
	return 0;
}

uint8_t pci_capability(
	const struct pci_function *const function, const uint8_t id, const uint8_t after)
{
	if (!(pci_read16(function, PCI_STATUS) & STATUS_CAPABILITIES))
		return 0;
	return capability_walk(function, id,
		pci_read8(function, after == 0 ? PCI_CAPABILITIES : after + CAPABILITY_NEXT));
}

/* Functions beyond 0 are looked for even where 0 is absent: it may be another partition's. */
static bool matches(
	const uint16_t bdf, const uint16_t vendor, const uint16_t device, const uint32_t class_code)
{
	const struct pci_function candidate = { .bdf = bdf };
	const uint32_t identity = pci_read32(&candidate, PCI_IDENTITY);

	if ((identity & 0xffff) == PCI_ANY)
		return false;
	return (vendor == PCI_ANY || vendor == (identity & 0xffff)) &&
	       (device == PCI_ANY || device == identity >> 16) &&
	       (class_code == 0 || class_code == pci_read32(&candidate, PCI_CLASS) >> 8);
}

static struct pci_function describe(const uint16_t bdf)
{
	struct pci_function f = { .bdf = bdf };

	f.vendor = pci_read16(&f, PCI_IDENTITY);
	f.device = pci_read16(&f, PCI_IDENTITY + 2);
	f.class_code = pci_read32(&f, PCI_CLASS) >> 8;
	f.msi = pci_capability(&f, PCI_CAPABILITY_MSI, 0);
	f.msix = pci_capability(&f, PCI_CAPABILITY_MSIX, 0);
	if (f.msix != 0)
		f.messages = (pci_read16(&f, f.msix + MSIX_CONTROL) & MSIX_LAST) + 1;
	else
		f.messages = f.msi != 0;
	return f;
}

bool pci_find(const uint16_t vendor, const uint16_t device, const uint32_t class_code, unsigned nth,
	const uint8_t last_bus, struct pci_function *const found)
{
	const unsigned end = (last_bus + 1u) * FUNCTIONS_PER_BUS;

	for (unsigned bdf = 0; bdf < end; bdf++) {
		if (!matches((uint16_t)bdf, vendor, device, class_code) || nth-- != 0)
			continue;
		*found = describe((uint16_t)bdf);
		return true;
	}
	return false;
}

/* ---- Registers ---- */

/* Ones written read back as the size; nobody may decode the address meanwhile. */
static uint32_t bar_probe(const struct pci_function *const function, const unsigned offset)
{
	const uint32_t value = pci_read32(function, offset);
	uint32_t probed;

	pci_write32(function, offset, UINT32_MAX);
	probed = pci_read32(function, offset);
	pci_write32(function, offset, value);
	return probed;
}

static uint64_t bar_bytes(
	const struct pci_function *const function, const unsigned offset, const bool wide)
{
	const uint16_t command = pci_read16(function, PCI_COMMAND);
	uint64_t mask;

	pci_write16(function, PCI_COMMAND, command & (uint16_t)~COMMAND_MEMORY);
	mask = bar_probe(function, offset) & ~(uint64_t)BAR_TYPE;
	mask |= (uint64_t)(wide ? bar_probe(function, offset + 4) : UINT32_MAX) << 32;
	pci_write16(function, PCI_COMMAND, command | COMMAND_MEMORY);
	return ~mask + 1;
}

volatile void *pci_map_bar(
	const struct pci_function *const function, const unsigned index, uint64_t *const bytes)
{
	const unsigned offset = PCI_BAR + 4 * index;
	uint32_t low;
	bool wide;
	uint64_t base;

	if (index >= BARS)
		return NULL;
	low = pci_read32(function, offset);
	wide = (low & BAR_WIDTH) == BAR_WIDE;
	if (low & BAR_IO || (wide && index == BARS - 1))
		return NULL;
	base = (low & ~BAR_TYPE) | (wide ? (uint64_t)pci_read32(function, offset + 4) << 32 : 0);
	*bytes = bar_bytes(function, offset, wide);
	if (base == 0 || !memory_uncached(base, *bytes))
		return NULL;
	return (volatile void *)(uintptr_t)base;
}

static uint16_t command(const struct pci_function *const function)
{
	return pci_read16(function, PCI_COMMAND);
}

bool pci_bus_master(const struct pci_function *const function, const bool on)
{
	const uint16_t kept = command(function) & (uint16_t)~COMMAND_BUS_MASTER;

	pci_write16(function, PCI_COMMAND,
		kept | COMMAND_INTX_OFF | (uint16_t)(on ? COMMAND_BUS_MASTER : 0));
	return command(function) & COMMAND_BUS_MASTER;
}

bool pci_quarantined(const struct pci_function *const function)
{
	return !(command(function) & COMMAND_BUS_MASTER);
}
