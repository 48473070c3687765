/*
 * One PCI function made of memory, with ports and registers for the drivers to use.
 */
#ifndef FAKE_FUNCTION_H
#define FAKE_FUNCTION_H

#include "unit.h"

#define FAKE_BDF         0x0123u /* bus 1, device 4, function 3: nothing is at function 0 */
#define FAKE_LOW         0xf0100000u
#define FAKE_HIGH        0xf0200000u
#define FAKE_BAR_BYTES   0x4000u
#define FAKE_MODEL       0xf0300000u
#define FAKE_MODEL_BYTES 0x20000u

struct fake_function {
	uint8_t config[256];
	uint8_t registers[FAKE_BAR_BYTES]; /* of the BAR at FAKE_HIGH */
	uint32_t table[4][4];              /* of MSI-X, at FAKE_LOW */
	uint32_t bar_masks[6];             /* bits that can be written */
	bool preset;                       /* messages are not the driver's to choose */
	unsigned exposed;                  /* BARs written while memory space was on */
	unsigned stray;                    /* accesses to what is not there */
	unsigned status_sticks;            /* reads of the status after a reset that are not 0 */
	uint32_t (*model_read)(
		unsigned offset); /* of the BAR at FAKE_MODEL, where there is a model */
	void (*model_write)(unsigned offset, uint32_t value);
};

extern struct fake_function fake;

/* BAR 1 is narrow, at FAKE_LOW; BAR 4 wide, at FAKE_HIGH; no capabilities. */
void fake_begin(uint16_t vendor, uint16_t device);
void fake_config32(unsigned offset, uint32_t value);
uint32_t fake_config(unsigned offset);

/* BAR 0 at FAKE_MODEL, too, with registers of 32 bits that a test's model of a device answers for. */
void fake_model(uint32_t (*read)(unsigned offset), void (*write)(unsigned offset, uint32_t value));

#endif
