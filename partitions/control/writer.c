/*
 * One line of JSON into a fixed buffer. Invariant: never a byte behind its end, and the last byte is
 * kept for the newline. Specification: RFC 8259; RFC 4648, section 4.
 */
#include "writer.h"

#define ROOM (LINE_BYTES - 1u)

static const char digits16[] = "0123456789abcdef";
static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void write_begin(struct writer *const writer)
{
	writer->used = 0;
	writer->full = false;
	writer->first = true;
}

uint32_t write_room(const struct writer *const writer)
{
	return ROOM - writer->used;
}

void write_byte(struct writer *const writer, const char byte)
{
	if (writer->used < ROOM)
		writer->text[writer->used++] = byte;
	else
		writer->full = true;
}

void write_raw(struct writer *const writer, const char *const text)
{
	for (uint32_t i = 0; i < WRITE_MOST && text[i] != '\0'; i++)
		write_byte(writer, text[i]);
}

void write_number(struct writer *const writer, uint64_t number)
{
	char reversed[20];
	unsigned count = 0;

	do {
		reversed[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0 && count < sizeof(reversed));
	while (count != 0)
		write_byte(writer, reversed[--count]);
}

void write_digits(struct writer *const writer, const uint64_t number)
{
	for (uint32_t digit = 16; digit-- != 0;)
		write_byte(writer, digits16[number >> 4 * digit & 15]);
}

void write_value(struct writer *const writer, const uint64_t number)
{
	if (number <= INT64_MAX) {
		write_number(writer, number);
		return;
	}
	write_raw(writer, "\"0x");
	write_digits(writer, number);
	write_byte(writer, '"');
}

void write_hex(struct writer *const writer, const uint8_t *const bytes, const uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		write_byte(writer, digits16[bytes[i] >> 4]);
		write_byte(writer, digits16[bytes[i] & 15]);
	}
}

void write_base64(struct writer *const writer, const uint8_t *const bytes, const uint32_t count)
{
	for (uint32_t i = 0; i < count; i += 3) {
		const uint32_t left = count - i;
		const uint32_t group = (uint32_t)bytes[i] << 16 |
				       (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				       (left > 2 ? bytes[i + 2] : 0);

		write_byte(writer, digits64[group >> 18]);
		write_byte(writer, digits64[group >> 12 & 63]);
		write_byte(writer, left > 1 ? digits64[group >> 6 & 63] : '=');
		write_byte(writer, left > 2 ? digits64[group & 63] : '=');
	}
}

void write_escaped(struct writer *const writer, const uint8_t byte)
{
	if (byte == '"' || byte == '\\') {
		write_byte(writer, '\\');
		write_byte(writer, (char)byte);
	} else if (byte == '\n') {
		write_raw(writer, "\\n");
	} else if (byte < ' ' && byte != 0) {
		write_raw(writer, "\\u00");
		write_hex(writer, &byte, 1);
	} else {
		write_byte(writer, byte != 0 && byte < 0x7f ? (char)byte : '?');
	}
}

void write_string(struct writer *const writer, const char *const text, const uint32_t most)
{
	write_byte(writer, '"');
	for (uint32_t i = 0; i < most && i < WRITE_MOST && text[i] != '\0'; i++)
		write_escaped(writer, (uint8_t)text[i]);
	write_byte(writer, '"');
	writer->first = false;
}

void write_comma(struct writer *const writer)
{
	if (!writer->first)
		write_byte(writer, ',');
	writer->first = false;
}

void write_open(struct writer *const writer, const char bracket)
{
	write_byte(writer, bracket);
	writer->first = true;
}

void write_close(struct writer *const writer, const char bracket)
{
	write_byte(writer, bracket);
	writer->first = false;
}

void write_key(struct writer *const writer, const char *const key)
{
	write_comma(writer);
	write_byte(writer, '"');
	write_raw(writer, key);
	write_raw(writer, "\":");
}

void write_member_number(struct writer *const writer, const char *const key, const uint64_t number)
{
	write_key(writer, key);
	write_value(writer, number);
}

void write_member_string(struct writer *const writer, const char *const key, const char *const text,
	const uint32_t most)
{
	write_key(writer, key);
	write_string(writer, text, most);
}

void write_member_bool(struct writer *const writer, const char *const key, const bool value)
{
	write_key(writer, key);
	write_raw(writer, value ? "true" : "false");
}
