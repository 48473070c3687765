/*
 * The partition's console. Under Mullion a ring in a page of its own (never an exit), and the
 * serial line too if the partition was granted one and is not the control partition; elsewhere port
 * 0xe9. Argument console=uart: the 16550; console=debugcon: port 0xe9, where granted; console=ring:
 * no line.
 */
#ifndef MULLION_CONSOLE_H
#define MULLION_CONSOLE_H

#include <stddef.h>

void console_init(void);
void console_write(const char *text, size_t bytes);

/* Waits, with PAUSE and for a bounded time, until the 16550 takes one more byte. */
void uart_write(const char *text, size_t bytes);

#endif
