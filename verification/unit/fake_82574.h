/*
 * An 82574 made of memory, behind the registers of fake_function.h: it resets, loads its address, sends
 * and receives through the rings that a driver gave it; and can be told to do each of them badly.
 */
#ifndef FAKE_82574_H
#define FAKE_82574_H

#include "fake_function.h"

#include <e1000e/e1000e.h>
#include <e1000e/registers.h>

struct fake_82574 {
	uint32_t registers[E1000E_REGISTERS_BYTES / 4];
	unsigned reset_sticks;  /* reads of CTRL after a reset that still show it */
	unsigned load_sticks;   /* reads of EECD before the address is loaded */
	unsigned master_sticks; /* reads of STATUS before accesses have ended */
	unsigned resets;
	unsigned early;     /* resets while it was master of the bus */
	unsigned unplugged; /* every register reads as ones */
};

extern struct fake_82574 intel;

/* A function at FAKE_BDF, with a link and the address 52:54:00:12:34:56. */
void fake_82574_begin(uint16_t device);

/* The frame sent next, or NULL; *bytes: its length. Its descriptor is not done yet. */
const uint8_t *fake_82574_fetch(unsigned *bytes);

/* The oldest frame fetched has been sent. */
void fake_82574_done(void);

/* Receive; false: there is no descriptor. `length` is what the descriptor says. */
bool fake_82574_deliver(
	const uint8_t *frame, unsigned bytes, unsigned length, uint8_t status, uint8_t errors);

#endif
