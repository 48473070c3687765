/*
 * PCI functions of partitions: silenced and programmed at boot, and their configuration space as the
 * owner sees it.
 */
#ifndef MULLION_PCI_H
#define MULLION_PCI_H

#include <arch_internal.h>

/* Silence every listed function; refuse the node where one is not what the board says. */
void pci_silence(void);

/* Program the BARs and messages of functions that have an owner; once IOMMUs are on. */
void pci_start(void);

/* Ports CF8h to CFFh of a partition with functions. False: not an access to configuration space. */
bool pci_port(struct vcpu *vcpu, uint64_t exit_info);

/* A page with an MSI-X table of the partition's. False: it is none, or no such access. */
bool pci_table(struct vcpu *vcpu, uint64_t gpa);

/* Its bus mastering as the owner reads it goes off: the IOMMU has blocked it. */
void pci_quarantine(const struct x86_function *function);

/*
 * As at boot: nothing of its former life's settings is left. A step, from message `done` on; returns
 * from which one to go on, or 0 at the end.
 */
uint64_t pci_resume(const struct x86_function *function, uint64_t done);

/* The function whose requests bear this id, or NULL. Bounded by the functions described. */
const struct x86_function *pci_requester(const struct x86_iommu *unit, uint16_t requester);

#endif
