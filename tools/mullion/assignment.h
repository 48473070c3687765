/*
 * PCI functions in the layout: in which order, and where their owners find the registers.
 *
 * The invariant: a partition's base address registers lie apart from each other inside
 * [MULLION_BAR_GPA, MULLION_BAR_END), each at a multiple of its size, and no page with an MSI-X table
 * is mapped to anyone.
 */
#ifndef ASSIGNMENT_H
#define ASSIGNMENT_H

#include "layout.h"

/* Bytes of the registers of an IOMMU that the kernel uses. */
#define ASSIGNMENT_VTD_REGISTERS   0x1000ull /* VT-d 10.4 */
#define ASSIGNMENT_AMDVI_REGISTERS 0x4000ull /* AMD I/O virtualization, 3.4 */

/* Fills layout->functions. Its partitions must be there. False: registers that find no room. */
bool assignment_build(struct layout *layout, struct finding *wrong);
void assignment_free(struct layout *layout);

/* The unit's registers, as far as the kernel uses them. */
struct range assignment_unit_registers(const struct model_iommu *iommu);

/* The function's page of memory-mapped configuration space. */
uint64_t assignment_config(const struct model *model, const struct model_function *function);

/* Physical address of its MSI-X table; it must have one. */
uint64_t assignment_table(const struct layout *layout, size_t f);

/* Is any message of layout function `f` granted? */
bool assignment_interrupts(const struct layout *layout, size_t f);

/*
 * The pages of a function's BARs that its owner reaches: those without an MSI-X table. Returns how
 * many pieces; free them.
 */
struct assignment_piece {
	uint64_t gpa, physical, bytes;
};
size_t assignment_pieces(const struct layout *layout, size_t f, struct assignment_piece **pieces);

/* What tables and storage of devices take at most: 0 on a board without PCI functions. */
uint64_t assignment_tables_bytes(const struct layout *layout);
uint64_t assignment_data_bytes(const struct layout *layout);

#endif
