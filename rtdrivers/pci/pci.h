/*
 * PCI functions, as a driver inside a partition finds and switches them. The same calls work natively
 * and under Mullion, which shows a partition its own functions only.
 *
 * Every call is bounded; "at most N instructions" counts the driver's own (rtdrivers/bounds), not
 * what a hypervisor spends on an access. Configuration space is for initialisation: under Mullion each
 * access to it exits. The calls of the last section do not touch it.
 */
#ifndef RTDRIVERS_PCI_H
#define RTDRIVERS_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_ANY        0xffffu
#define PCI_CLASS_NVME 0x010802u /* class << 16 | subclass << 8 | interface */

#define PCI_CAPABILITY_MSI    0x05u
#define PCI_CAPABILITY_VENDOR 0x09u
#define PCI_CAPABILITY_MSIX   0x11u

struct pci_function {
	uint16_t bdf; /* bus << 8 | device << 3 | function */
	uint16_t vendor, device;
	uint32_t class_code;
	uint8_t msi, msix;        /* where the capability is in configuration space, 0: none */
	uint16_t messages;        /* of MSI-X, or 1 of MSI; 0: it has neither */
	volatile uint32_t *table; /* of MSI-X messages, once one has been enabled */
};

/* ---- Configuration space ---- */

/* One register; `offset` below 256 and aligned to the width. At most 20 instructions. */
uint32_t pci_read32(const struct pci_function *function, unsigned offset);

/* At most 20 instructions. */
uint16_t pci_read16(const struct pci_function *function, unsigned offset);

/* At most 20 instructions. */
uint8_t pci_read8(const struct pci_function *function, unsigned offset);

/* At most 20 instructions. */
void pci_write32(const struct pci_function *function, unsigned offset, uint32_t value);

/* At most 20 instructions. */
void pci_write16(const struct pci_function *function, unsigned offset, uint16_t value);

/*
 * The nth function, from 0, on buses 0 to `last_bus` with this vendor and device (PCI_ANY: any) and,
 * unless it is 0, this class code. False, and *found untouched: there is none. At most
 * 3000000 instructions.
 */
bool pci_find(uint16_t vendor, uint16_t device, uint32_t class_code, unsigned nth, uint8_t last_bus,
	struct pci_function *found);

/*
 * The next capability with this id behind offset `after` (0: the first); 0: there is none. A chain
 * that runs in a circle ends after 48 steps. At most 1500 instructions.
 */
uint8_t pci_capability(const struct pci_function *function, uint8_t id, uint8_t after);

/*
 * Registers of BAR `index`, mapped one to one and uncached, with its size; switches memory space on.
 * NULL: it is an I/O BAR, is not assigned, or lies at 4 GiB or above. At most 20000 instructions.
 */
volatile void *pci_map_bar(const struct pci_function *function, unsigned index, uint64_t *bytes);

/*
 * Whether the function may read and write memory and send messages. Returns what is in force:
 * Mullion keeps it off after the function has left the partition's memory. At most 50 instructions.
 */
bool pci_bus_master(const struct pci_function *function, bool on);

/* True: bus mastering is off although the driver had it on. At most 20 instructions. */
bool pci_quarantined(const struct pci_function *function);

/*
 * Let message `message` interrupt the calling vcpu with `vector`, unmasked. Returns the vector in
 * force, which is the preset one under Mullion, or 0: the function has no such message, or it is not
 * granted. MSI has message 0 only. At most 20000 instructions.
 */
unsigned pci_message_enable(struct pci_function *function, unsigned message, unsigned vector);

/* ---- While it runs ---- */

/* Mask or unmask a message of MSI-X that has been enabled. At most 20 instructions. */
void pci_message_mask(const struct pci_function *function, unsigned message, bool masked);

#endif
