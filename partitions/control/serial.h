/*
 * The 16550 that control owns, polled: bytes out of and into two rings, so that nothing waits for it.
 * Specification: 16550D data sheet.
 */
#ifndef CONTROL_SERIAL_H
#define CONTROL_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_OUT_BYTES 32768u /* a power of two */

/* With the FIFOs on. `port`: the first of its eight. */
void serial_open(uint16_t port);

/* Gives the line what it takes at once, up to 128 bytes of what was written. True: it took some, or there is still some. */
bool serial_pump(void);

/* True: nothing is left to be sent, not in the 16550 either. */
bool serial_is_idle(void);

/* Room for bytes to be written; what is written beyond it is dropped. */
uint32_t serial_room(void);
void serial_write(const char *text, uint32_t bytes);

/* Bytes that have come, at most `most`. */
uint32_t serial_read(char *bytes, uint32_t most);

#endif
