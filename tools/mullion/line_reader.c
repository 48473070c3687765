/*
 * See line_reader.h. The invariant: whatever arrives, at most one line is held, and the next
 * newline makes a fresh start.
 */
#include "line_reader.h"

static bool end_line(struct line_reader *reader)
{
	const bool whole = reader->used && !reader->skipping;

	reader->text[reader->used] = '\0';
	reader->used = 0;
	reader->skipping = false;
	return whole;
}

bool line_reader_take(struct line_reader *reader, char byte)
{
	if (byte == '\n')
		return end_line(reader);
	if (reader->skipping || byte == '\r')
		return false;
	if ((!reader->used && byte != '{') || !byte || reader->used == WIRE_LINE_BYTES - 1) {
		reader->skipping = true;
		return false;
	}
	reader->text[reader->used++] = byte;
	return false;
}
