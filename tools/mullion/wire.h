/*
 * The way to a node: a Unix socket (QEMU's -serial unix:PATH,server), a serial device, or UDP.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "line_reader.h"

#define WIRE_ADDRESSES "unix:PATH, udp:HOST:PORT, or a serial device such as /dev/ttyS0"

struct wire {
	int file; /* -1: closed */
	bool datagrams;
	bool is_terminal; /* a serial device, whose settings are put back */
	struct termios before;
	const char *address;
	struct line_reader reader;
	uint8_t bytes[4096]; /* read, not yet looked at */
	size_t first, count;
};

enum wire_result { WIRE_LINE, WIRE_TIMEOUT, WIRE_CLOSED, WIRE_OTHER };

/* False after an error message. */
bool wire_open(struct wire *wire, const char *address);
void wire_close(struct wire *wire);

/* Whether the address has a form that wire_open() knows. */
bool wire_address_valid(const char *address);

/* Sends text and a newline; false after an error message. */
bool wire_send(struct wire *wire, const char *line);

/* Milliseconds on a clock that only advances. */
int64_t wire_now_ms(void);

/*
 * The next line of the protocol, in wire->reader.text. WIRE_OTHER: `also` (-1: none) can be read,
 * or a signal came. Waits until deadline_ms, for ever if that is negative.
 */
enum wire_result wire_read(struct wire *wire, int64_t deadline_ms, int also);

#endif
