/*
 * A strict parser of one flat JSON object: strings, whole numbers, true and false.
 *
 * Invariant: every byte of the line is looked at once, by the cursor that only moves forward; nothing
 * beyond the line's length is read. Specification: RFC 8259, less what the protocol leaves out
 * (docs/control.md): arrays, objects within, null, fractions, signs, what is not ASCII.
 */
#include <stddef.h>

#include "request.h"

#define NUMBER_MOST INT64_MAX

struct cursor {
	const char *line;
	uint32_t at, bytes;
};

/* -1 at the line's end. */
static int peek(const struct cursor *const c)
{
	return c->at < c->bytes ? (uint8_t)c->line[c->at] : -1;
}

static int next(struct cursor *const c)
{
	return c->at < c->bytes ? (uint8_t)c->line[c->at++] : -1;
}

static void skip_blanks(struct cursor *const c)
{
	while (peek(c) == ' ' || peek(c) == '\t')
		c->at++;
}

static int nibble(const int byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* The four digits of \u: the character, or -1. */
static int take_unicode(struct cursor *const c)
{
	int value = 0;

	for (unsigned i = 0; i < 4; i++) {
		const int digit = nibble(next(c));

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* What is behind a backslash: the character, or -1. NUL has no place in a text of ours. */
static int take_escape(struct cursor *const c)
{
	const int byte = next(c);
	int value;

	switch (byte) {
	case '"':
	case '\\':
	case '/':
		return byte;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'u':
		value = take_unicode(c);
		return value > 0 && value < 0x80 ? value : -1;
	default:
		return -1;
	}
}

/* A string behind its opening quote into the storage; NULL: all is well. */
static const char *take_string(struct request *const r, struct cursor *const c,
	const char **const text, uint32_t *const length)
{
	*text = &r->storage[r->used];
	*length = 0;
	for (;;) {
		int byte = next(c);

		if (byte < 0)
			return "a string does not end";
		if (byte == '"')
			break;
		if (byte < ' ' || byte > '~')
			return "strings are ASCII, control characters escaped";
		if (byte == '\\')
			byte = take_escape(c);
		if (byte < 0)
			return "an escape is none of JSON, or stands for what is not ASCII";
		r->storage[r->used++] = (char)byte;
		(*length)++;
	}
	r->storage[r->used++] = '\0';
	return NULL;
}

static const char *take_number(struct cursor *const c, uint64_t *const number)
{
	const bool zero = peek(c) == '0';
	uint64_t value = 0;

	while (peek(c) >= '0' && peek(c) <= '9') {
		const uint64_t digit = (uint64_t)(next(c) - '0');

		if (value > (NUMBER_MOST - digit) / 10)
			return "a number is larger than 9223372036854775807";
		value = value * 10 + digit;
		if (zero && peek(c) >= '0' && peek(c) <= '9')
			return "a number begins with 0";
	}
	if (peek(c) == '.' || peek(c) == 'e' || peek(c) == 'E')
		return "numbers are whole, without fraction or exponent";
	*number = value;
	return NULL;
}

static bool take_word(struct cursor *const c, const char *const word)
{
	uint32_t at = c->at;

	for (uint32_t i = 0; i < KEY_BYTES && word[i] != '\0'; i++, at++)
		if (at >= c->bytes || c->line[at] != word[i])
			return false;
	c->at = at;
	return true;
}

static const char *take_bool(struct cursor *const c, struct member *const m)
{
	m->kind = VALUE_BOOL;
	m->number = peek(c) == 't';
	if (take_word(c, m->number != 0 ? "true" : "false"))
		return NULL;
	return "a value is a string, a whole number, true or false";
}

static const char *take_value(
	struct request *const r, struct cursor *const c, struct member *const m)
{
	const int byte = peek(c);

	if (byte == '"') {
		c->at++;
		m->kind = VALUE_TEXT;
		return take_string(r, c, &m->text, &m->length);
	}
	if (byte >= '0' && byte <= '9') {
		m->kind = VALUE_NUMBER;
		return take_number(c, &m->number);
	}
	return take_bool(c, m);
}

static void copy_key(struct member *const m, const char *const text)
{
	uint32_t i = 0;

	for (; i + 1 < KEY_BYTES && text[i] != '\0'; i++)
		m->key[i] = text[i];
	m->key[i] = '\0';
}

static const char *take_member(struct request *const r, struct cursor *const c)
{
	struct member *const m = &r->members[r->count];
	const uint32_t kept = r->used;
	const char *text, *fault;
	uint32_t length;

	if (next(c) != '"')
		return "a member begins with its name in quotes";
	fault = take_string(r, c, &text, &length);
	if (fault != NULL)
		return fault;
	copy_key(m, text);
	r->used = kept;
	if (request_member(r, m->key) != NULL)
		return "a member is said twice";
	skip_blanks(c);
	if (next(c) != ':')
		return "there is no colon behind a name";
	skip_blanks(c);
	fault = take_value(r, c, m);
	skip_blanks(c);
	r->count++;
	return fault;
}

static const char *take_members(struct request *const r, struct cursor *const c)
{
	for (;;) {
		const char *fault;
		int byte;

		if (r->count == REQUEST_MEMBERS)
			return "there are more members than any command has";
		fault = take_member(r, c);
		if (fault != NULL)
			return fault;
		byte = next(c);
		if (byte == '}')
			return NULL;
		if (byte != ',')
			return "there is neither a comma nor } behind a value";
		skip_blanks(c);
	}
}

const char *request_parse(struct request *const r, const char *const line, const uint32_t bytes)
{
	struct cursor c = { line, 0, bytes < LINE_BYTES ? bytes : LINE_BYTES };
	const char *fault = NULL;

	r->count = 0;
	r->used = 0;
	skip_blanks(&c);
	if (next(&c) != '{')
		return "a request is one JSON object, {\"v\":1,\"cmd\":...}";
	skip_blanks(&c);
	if (peek(&c) == '}')
		c.at++;
	else
		fault = take_members(r, &c);
	if (fault != NULL)
		return fault;
	skip_blanks(&c);
	return peek(&c) < 0 ? NULL : "there is something behind the object";
}

const struct member *request_member(const struct request *const r, const char *const key)
{
	for (uint32_t i = 0; i < REQUEST_MEMBERS && i < r->count; i++)
		if (same_text(r->members[i].key, key, KEY_BYTES))
			return &r->members[i];
	return NULL;
}

bool same_text(const char *const a, const char *const b, const uint32_t most)
{
	for (uint32_t i = 0; i < most; i++) {
		if (a[i] != b[i])
			return false;
		if (a[i] == '\0')
			return true;
	}
	return false;
}
