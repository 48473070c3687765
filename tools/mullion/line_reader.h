/*
 * Lines out of a stream of bytes that also bears other text: a line that begins with `{` and is at
 * most WIRE_LINE_BYTES long is the protocol's (docs/control.md); what else there is, is passed by.
 */
#ifndef LINE_READER_H
#define LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#define WIRE_LINE_BYTES 1024u /* with its newline */

struct line_reader {
	char text[WIRE_LINE_BYTES];
	size_t used;
	bool skipping; /* until the newline: this line is not the protocol's */
};

/* Takes one byte; true when `text` now holds a whole line of the protocol, ended by NUL. */
bool line_reader_take(struct line_reader *reader, char byte);

#endif
