/*
 * The configuration space that a function's owner sees: PCI 3.0, chapter 6.
 *
 * The invariant: what is not in the header or in a capability on the list of those shown reads
 * zero; only what the owner may know to change is read from the hardware; the registers of BARs
 * and messages show what the compiler chose.
 */
#ifndef CONFIG_SPACE_H
#define CONFIG_SPACE_H

#include "model.h"

#define CONFIG_SPACE_REGISTERS 64u

/* gpas: of BARs, by index. messages: those of the hardware, or NULL if none is granted. */
void config_space_show(const struct model_function *function, const uint32_t gpas[6],
	const struct x86_message *messages,
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS]);

#endif
