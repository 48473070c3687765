/*
 * The partition's console. Under Mullion a ring in a page of its own (never an exit); elsewhere
 * port 0xe9. A partition that was granted a port may ask for it: console=uart for the 16550 at 0x3f8, polled,
 * console=debugcon for port 0xe9.
 */
#ifndef MULLION_CONSOLE_H
#define MULLION_CONSOLE_H

#include <stddef.h>

void console_init(void);
void console_write(const char *text, size_t bytes);

/* Waits, with PAUSE and for a bounded time, until the 16550 at 0x3f8 takes one more byte. */
void uart_write(const char *text, size_t bytes);

#endif
