/*
 * Registers of a PCI function: PCI Local Bus 3.0, 6.1 and 6.8.2, through memory-mapped configuration
 * space.
 */
#ifndef MULLION_PCI_REGISTERS_H
#define MULLION_PCI_REGISTERS_H

#include <arch_internal.h>

#define PCI_IDENTITY   0x00u
#define PCI_COMMAND    0x04u /* and status above: its ones are cleared by writing ones */
#define PCI_BAR(index) (0x10u + (uint32_t)(index)*4u)

#define COMMAND_MEMORY     0x0002u
#define COMMAND_BUS_MASTER 0x0004u
#define COMMAND_INTX_OFF   0x0400u

#define BAR_TYPE 0xfu

#define MSI_ENABLE   (1u << 16)
#define MSI_MULTIPLE (7u << 20)
#define MSI_WIDE     (1u << 23)
#define MSI_MASKABLE (1u << 24)

#define MSIX_LAST     0x7ffu
#define MSIX_MASK_ALL (1u << 30)
#define MSIX_ENABLE   (1u << 31)

/* A table entry is four doublewords. */
#define MSIX_ENTRY_BYTES 16u
enum msix_field { MSIX_ADDRESS, MSIX_ADDRESS_HIGH, MSIX_DATA, MSIX_CONTROL };
#define MSIX_MASKED 1u

/* AMD processors reach memory-mapped configuration space with moves of EAX alone. */
static inline uint32_t config_read(const struct x86_function *function, uint32_t offset)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=a"(value) : "r"(function->config + offset) : "memory");
	return value;
}

static inline void config_write(
	const struct x86_function *function, uint32_t offset, uint32_t value)
{
	__asm__ volatile("movl %0, (%1)" : : "a"(value), "r"(function->config + offset) : "memory");
}

static inline volatile uint32_t *msix_entry(const struct x86_function *function, uint32_t entry)
{
	return (volatile uint32_t *)(uintptr_t)(function->table + entry * MSIX_ENTRY_BYTES);
}

static inline struct x86_function_state *function_state(const struct x86_function *function)
{
	return &system_functions[function - mullion_system.arch->functions];
}

#endif
