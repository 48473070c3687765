/*
 * See pairs.h. Invariant: what is not wholly a list of pairs is refused.
 */
#include "pairs.h"

#define BYTE_MOST 255u

static bool number(const char **const text, unsigned *const value)
{
	const char *const begin = *text;

	*value = 0;
	while (**text >= '0' && **text <= '9' && *value <= BYTE_MOST)
		*value = *value * 10 + (unsigned)(*(*text)++ - '0');
	return *text != begin && *value <= BYTE_MOST;
}

bool pairs_next(const char **const text, unsigned *const first, unsigned *const second)
{
	const char *at = *text;

	if (!number(&at, first) || *at++ != ':' || !number(&at, second) ||
		(*at != ',' && *at != '\0'))
		return false;
	*text = *at == ',' ? at + 1 : at;
	return *at != ',' || at[1] != '\0';
}

bool pairs_table(const char *text, struct vlarb_table *const table)
{
	unsigned vl, weight;

	table->count = 0;
	while (*text != '\0') {
		if (table->count == VLARB_ENTRIES || !pairs_next(&text, &vl, &weight))
			return false;
		table->entries[table->count++] =
			(struct vlarb_entry){ (uint8_t)vl, (uint8_t)weight };
	}
	return true;
}

bool pairs_of_sl(const char *text, const unsigned most, uint8_t values[const VLARB_LANES])
{
	unsigned sl, value;

	while (*text != '\0') {
		if (!pairs_next(&text, &sl, &value) || sl >= VLARB_LANES || value > most)
			return false;
		values[sl] = (uint8_t)value;
	}
	return true;
}

static bool hexadecimal(const char **const text, uint8_t *const value)
{
	unsigned digits = 0;

	for (*value = 0; digits < 2; digits++, (*text)++) {
		const char c = **text;
		const unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				       : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
							      : 16;

		if (digit == 16)
			return false;
		*value = (uint8_t)(*value * 16 + digit);
	}
	return true;
}

/* Past this character, if it stands here. */
static bool past(const char **const text, const char wanted)
{
	const bool good = **text == wanted;

	*text += good;
	return good;
}

bool pairs_neighbour(
	const char **const text, uint32_t *const address, uint8_t mac[const NEIGHBOUR_MAC_BYTES])
{
	const char *at = *text;
	unsigned byte;

	for (unsigned i = 0; i < 4; i++) {
		if (!number(&at, &byte) || !past(&at, i < 3 ? '.' : '='))
			return false;
		*address = *address << 8 | byte;
	}
	for (unsigned i = 0; i < NEIGHBOUR_MAC_BYTES; i++)
		if (!hexadecimal(&at, &mac[i]) || (i + 1 < NEIGHBOUR_MAC_BYTES && !past(&at, ':')))
			return false;
	if (*at != '\0' && (!past(&at, ',') || *at == '\0'))
		return false;
	*text = at;
	return true;
}
