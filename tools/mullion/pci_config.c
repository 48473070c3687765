/*
 * Reading configuration space.
 */
#include "pci_config.h"

#include <string.h>

#define STATUS           0x06u
#define STATUS_HAS_CHAIN 0x10u
#define CHAIN            0x34u
#define HEADER_BYTES     0x40u
#define BAR0             0x10u

#define EXPRESS_CAPABILITIES  7u    /* of the device: their last byte */
#define EXPRESS_FLR           0x10u /* bit 28 of them */
#define EXPRESS_CONTROL       8u
#define ADVANCED_CAPABILITIES 3u
#define ADVANCED_FLR          0x2u
#define ADVANCED_CONTROL      4u

uint8_t pci_byte(const uint32_t *config, unsigned offset)
{
	return (uint8_t)(config[offset / 4 % PCI_CONFIG_WORDS] >> offset % 4 * 8);
}

uint16_t pci_word(const uint32_t *config, unsigned offset)
{
	return (uint16_t)(pci_byte(config, offset) | pci_byte(config, offset + 1) << 8);
}

static bool listed(const struct pci_chain_read *chain, uint8_t offset)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->list[i].offset == offset)
			return true;
	return false;
}

void pci_chain_read(const uint32_t *config, struct pci_chain_read *chain)
{
	uint8_t at = 0;

	memset(chain, 0, sizeof(*chain));
	if ((pci_word(config, STATUS) & STATUS_HAS_CHAIN) != 0)
		at = pci_byte(config, CHAIN) & 0xfc;
	for (; at != 0; at = pci_byte(config, at + 1u) & 0xfc) {
		chain->stray = at;
		if (at < HEADER_BYTES)
			chain->end = PCI_CHAIN_LEAVES;
		else if (listed(chain, at))
			chain->end = PCI_CHAIN_LOOPS;
		if (chain->end != PCI_CHAIN_ENDS)
			return;
		chain->list[chain->count++] = (struct pci_capability){ at, pci_byte(config, at) };
	}
}

uint8_t pci_find(const uint32_t *config, uint8_t id)
{
	struct pci_chain_read chain;

	pci_chain_read(config, &chain);
	for (size_t i = 0; i < chain.count; i++)
		if (chain.list[i].id == id)
			return chain.list[i].offset;
	return 0;
}

/* The register `reset` bytes into the capability, if its byte `able` has the bit, and it is all there. */
static uint16_t find_reset(
	const uint32_t *config, uint8_t id, unsigned able, unsigned bit, unsigned reset)
{
	const unsigned at = pci_find(config, id);

	if (at == 0 || at + reset + 2 > 4 * PCI_CONFIG_WORDS ||
		!(pci_byte(config, at + able) & bit))
		return 0;
	return (uint16_t)(at + reset);
}

uint16_t pci_express_reset(const uint32_t *config)
{
	return find_reset(
		config, PCI_CAPABILITY_EXPRESS, EXPRESS_CAPABILITIES, EXPRESS_FLR, EXPRESS_CONTROL);
}

uint16_t pci_advanced_reset(const uint32_t *config)
{
	return find_reset(config, PCI_CAPABILITY_ADVANCED, ADVANCED_CAPABILITIES, ADVANCED_FLR,
		ADVANCED_CONTROL);
}

uint8_t pci_bar_type(const uint32_t *config, unsigned index)
{
	return pci_byte(config, BAR0 + 4 * index) & 0xf;
}

bool pci_bar_is_wide(uint8_t type)
{
	return (type & (PCI_BAR_IO | 0x6u)) == PCI_BAR_WIDE;
}

void pci_msix_read(const uint32_t *config, uint8_t offset, struct pci_msix *msix)
{
	const uint32_t table = config[(offset / 4u + 1) % PCI_CONFIG_WORDS];
	const uint32_t pba = config[(offset / 4u + 2) % PCI_CONFIG_WORDS];

	msix->entries = (pci_word(config, offset + 2u) & 0x7ffu) + 1;
	msix->table_bar = table & 7;
	msix->table_offset = table & ~7u;
	msix->pba_bar = pba & 7;
	msix->pba_offset = pba & ~7u;
}
