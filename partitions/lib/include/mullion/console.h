/*
 * The partition's console. Under Mullion a ring in a page of its own (never an exit); elsewhere
 * port 0xe9; with console=uart, for a partition that was granted one, the 16550 at 0x3f8, polled.
 */
#ifndef MULLION_CONSOLE_H
#define MULLION_CONSOLE_H

#include <stddef.h>

void console_init(void);
void console_write(const char *text, size_t bytes);

/* Waits, with PAUSE and for a bounded time, until the 16550 at 0x3f8 takes one more byte. */
void uart_write(const char *text, size_t bytes);

#endif
