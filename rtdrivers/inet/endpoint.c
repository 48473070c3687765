/*
 * Reading an endpoint. Invariant: the cursor moves on only over a character that was looked at.
 */
#include <stddef.h>

#include <inet/endpoint.h>
#include <inet/ipv4.h>

#define DIGITS_MOST 5u
#define BITS_LEAST  8u
#define BITS_MOST   30u

/* Digits, then `end`: moves behind it. NULL: not so, or more than `most`. */
static const char *take_number(
	const char *text, const char end, const uint32_t most, uint32_t *const number)
{
	const char *const first = text;

	*number = 0;
	for (unsigned i = 0; i < DIGITS_MOST && *text >= '0' && *text <= '9'; i++)
		*number = *number * 10 + (uint32_t)(*text++ - '0');
	if (text == first || (*first == '0' && text != first + 1) || *text != end || *number > most)
		return NULL;
	return text + 1;
}

bool endpoint_parse(const char *text, struct endpoint *const endpoint)
{
	static const char ends[] = { '.', '.', '.', '/' };
	uint32_t octet = 0, bits = 0, port = 0;

	endpoint->address = 0;
	for (unsigned i = 0; i < sizeof(ends) && text != NULL; i++) {
		text = take_number(text, ends[i], 255, &octet);
		endpoint->address = endpoint->address << 8 | octet;
	}
	if (text != NULL)
		text = take_number(text, ':', BITS_MOST, &bits);
	if (text != NULL)
		text = take_number(text, '\0', UINT16_MAX, &port);
	if (text == NULL || bits < BITS_LEAST || port == 0)
		return false;
	endpoint->netmask = UINT32_MAX << (32 - bits);
	endpoint->port = (uint16_t)port;
	return ipv4_is_host(endpoint->address, endpoint->netmask);
}
