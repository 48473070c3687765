/*
 * Fields by tables. A field touches at most eight bytes; a member is stored as the processor stores it,
 * least significant byte first.
 */
#include <ib/fields.h>
#include <ib/mad.h>

static unsigned touched(const struct ib_field *const field)
{
	return (field->bit + field->bits + 7u) / 8;
}

static unsigned behind(const struct ib_field *const field)
{
	return touched(field) * 8 - field->bit - field->bits;
}

static uint64_t mask(const struct ib_field *const field)
{
	return ~0ull >> (64 - field->bits);
}

static uint64_t load(const uint8_t *const data, const unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | data[i];
	return value;
}

static void store(uint8_t *const data, const unsigned bytes, uint64_t value)
{
	for (unsigned i = bytes; i > 0; i--) {
		data[i - 1] = (uint8_t)value;
		value >>= 8;
	}
}

static void field_decode(
	const struct ib_field *const field, const uint8_t *const data, uint8_t *const structure)
{
	uint64_t value = load(data + field->byte, touched(field)) >> behind(field) & mask(field);

	for (unsigned i = 0; i < field->size; i++) {
		structure[field->member + i] = (uint8_t)value;
		value >>= 8;
	}
}

static void field_encode(
	const struct ib_field *const field, const uint8_t *const structure, uint8_t *const data)
{
	const uint64_t old = load(data + field->byte, touched(field));
	uint64_t value = 0;

	for (unsigned i = field->size; i > 0; i--)
		value = value << 8 | structure[field->member + i - 1];
	value = (value & mask(field)) << behind(field) | (old & ~(mask(field) << behind(field)));
	store(data + field->byte, touched(field), value);
}

void ib_fields_decode(const struct ib_field *const fields, const unsigned count,
	const uint8_t *const data, void *const structure)
{
	for (unsigned i = 0; i < count && i < FIELDS_MOST; i++)
		field_decode(&fields[i], data, structure);
}

void ib_fields_encode(const struct ib_field *const fields, const unsigned count,
	const void *const structure, uint8_t *const data)
{
	for (unsigned i = 0; i < count && i < FIELDS_MOST; i++)
		field_encode(&fields[i], structure, data);
}

static void words_copy(uint8_t *const to, const uint8_t *const from, const unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		__builtin_memcpy(to + 8 * i, from + 8 * i, 8);
}

static void rest_copy(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = from[i];
}

void ib_bytes_copy(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	const unsigned whole = bytes / 8 * 8;

	words_copy(to, from, bytes / 8);
	rest_copy(to + whole, from + whole, bytes % 8);
}

void ib_datagram_clear(uint8_t *const data)
{
	static const uint64_t zero;

	for (unsigned i = 0; i < MAD_BYTES / 8; i++)
		__builtin_memcpy(data + 8 * i, &zero, 8);
}
