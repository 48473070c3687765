/*
 * A function's configuration space as it is written in the description: PCI 3.0, chapter 6.
 *
 * All reading is bounded: 64 doublewords, and a chain of no more capabilities than fit.
 */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_CONFIG_WORDS 64u /* doublewords */

enum pci_capability_id {
	PCI_CAPABILITY_MSI = 0x05,
	PCI_CAPABILITY_VENDOR = 0x09,
	PCI_CAPABILITY_EXPRESS = 0x10,
	PCI_CAPABILITY_MSIX = 0x11,
	PCI_CAPABILITY_ADVANCED = 0x13, /* advanced features of conventional PCI */
};

struct pci_capability {
	uint8_t offset, id;
};

/* As many as fit behind the header, four bytes each. */
#define PCI_MOST_CAPABILITIES 48u

enum pci_chain {
	PCI_CHAIN_ENDS,
	PCI_CHAIN_LEAVES, /* it points into the header */
	PCI_CHAIN_LOOPS,  /* it comes back to one that was listed */
};

struct pci_chain_read {
	struct pci_capability list[PCI_MOST_CAPABILITIES];
	size_t count;
	enum pci_chain end;
	uint8_t stray; /* where it leads when it does not end */
};

uint8_t pci_byte(const uint32_t *config, unsigned offset);
uint16_t pci_word(const uint32_t *config, unsigned offset);

/* Follow the chain of capabilities; none without the status bit that announces it. */
void pci_chain_read(const uint32_t *config, struct pci_chain_read *chain);

/* Where the first capability of that kind is, 0: there is none. */
uint8_t pci_find(const uint32_t *config, uint8_t id);

/*
 * The register with which a function resets itself alone, 0: it has none. Of PCI Express, the device
 * control register (PCI Express 4.0, 7.5.3.4); of conventional PCI, the control byte of its advanced
 * features (Advanced Capabilities for Conventional PCI, 3.2).
 */
uint16_t pci_express_reset(const uint32_t *config);
uint16_t pci_advanced_reset(const uint32_t *config);

/* The four bits of a base address register that say what it is; index 0 to 5. */
#define PCI_BAR_IO           0x1u
#define PCI_BAR_WIDE         0x4u
#define PCI_BAR_PREFETCHABLE 0x8u
uint8_t pci_bar_type(const uint32_t *config, unsigned index);
bool pci_bar_is_wide(uint8_t type);

/* Messages of MSI-X: entries of its table, and where table and pending bits are. */
struct pci_msix {
	unsigned entries;
	unsigned table_bar, table_offset;
	unsigned pba_bar, pba_offset;
};
void pci_msix_read(const uint32_t *config, uint8_t offset, struct pci_msix *msix);

#endif
