/*
 * Registers of configuration space: PCI Local Bus 3.0, 6.1, 6.2.5.1 and 6.8. For rtdrivers/pci alone.
 */
#ifndef RTDRIVERS_PCI_REGISTERS_H
#define RTDRIVERS_PCI_REGISTERS_H

#define PCI_IDENTITY     0x00u
#define PCI_COMMAND      0x04u
#define PCI_STATUS       0x06u
#define PCI_CLASS        0x08u /* and the revision below it */
#define PCI_BAR          0x10u
#define PCI_CAPABILITIES 0x34u

#define COMMAND_MEMORY      0x0002u
#define COMMAND_BUS_MASTER  0x0004u
#define COMMAND_INTX_OFF    0x0400u
#define STATUS_CAPABILITIES 0x0010u

#define BAR_IO    0x1u
#define BAR_WIDTH 0x6u
#define BAR_WIDE  0x4u
#define BAR_TYPE  0xfu

#define CAPABILITY_ID   0u
#define CAPABILITY_NEXT 1u

#define MSI_CONTROL   2u
#define MSI_ADDRESS   4u
#define MSI_ENABLE    0x0001u
#define MSI_MULTIPLE  0x0070u /* messages enabled, as a power of two */
#define MSI_WIDE      0x0080u
#define MSI_MASKING   0x0100u
#define MSI_DATA      8u  /* 12 where the address is wide */
#define MSI_MASK_BITS 12u /* 16 where it is */

#define MSIX_CONTROL  2u
#define MSIX_TABLE    4u
#define MSIX_LAST     0x07ffu
#define MSIX_MASK_ALL 0x4000u
#define MSIX_ENABLE   0x8000u
#define MSIX_BAR      0x7u /* of the table's register; the rest is the offset */

/* A message of MSI-X: four doublewords. */
#define MSIX_ENTRY_BYTES  16u
#define ENTRY_ADDRESS     0u
#define ENTRY_ADDRESS_TOP 1u
#define ENTRY_DATA        2u
#define ENTRY_CONTROL     3u
#define ENTRY_MASKED      1u

#endif
