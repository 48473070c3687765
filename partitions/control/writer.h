/*
 * Writing one line of the protocol into a fixed buffer. What does not fit is left out and `full` says
 * so: callers ask for room before they begin an element.
 */
#ifndef CONTROL_WRITER_H
#define CONTROL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_BYTES 1024u /* with the newline */
#define WRITE_MOST 32u   /* of a name or a word */

struct writer {
	uint32_t used;
	bool full;
	bool first; /* the next element of an array or object has no comma before it */
	char text[LINE_BYTES];
};

void write_begin(struct writer *writer);
uint32_t write_room(const struct writer *writer);

/* Bytes as they are; text, up to WRITE_MOST; a number in decimal; bytes in hexadecimal. */
void write_byte(struct writer *writer, char byte);
void write_raw(struct writer *writer, const char *text);
void write_number(struct writer *writer, uint64_t number);
/* A number as programs read it: what exceeds 63 bits is a string, "0x" and 16 digits. */
void write_digits(struct writer *writer, uint64_t number); /* the 16 */
void write_value(struct writer *writer, uint64_t number);
void write_hex(struct writer *writer, const uint8_t *bytes, uint32_t count);
void write_base64(struct writer *writer, const uint8_t *bytes, uint32_t count);

/* One byte of a string, escaped; NUL and what is not ASCII become '?'. */
void write_escaped(struct writer *writer, uint8_t byte);
#define WRITE_ESCAPED_MOST 6u

/* A string in its quotes: up to its NUL or `most` bytes, or WRITE_MOST. */
void write_string(struct writer *writer, const char *text, uint32_t most);

/* A comma unless it is the first of its array or object, which write_open begins. */
void write_comma(struct writer *writer);
void write_open(struct writer *writer, char bracket);
void write_close(struct writer *writer, char bracket);

/* Members of an object, with the comma that may be needed. */
void write_key(struct writer *writer, const char *key);
void write_member_number(struct writer *writer, const char *key, uint64_t number);
void write_member_string(struct writer *writer, const char *key, const char *text, uint32_t most);
void write_member_bool(struct writer *writer, const char *key, bool value);

#endif
