/*
 * rdma: the ends of the rdma service's test. do=far: an adapter with a card of its own, which answers; do=good: a client that sends and compares; do=bad: a
 * client that tries what it was not granted, sends as much as it can, and scribbles over its rings; do=rping: a client that
 * talks with Linux's rping.
 */
#include <mullion/args.h>

#include "wire.h"

uint32_t wire_bytes(const uint32_t n)
{
	return 8 + n * 37 % (WIRE_MESSAGE - 8);
}

static uint8_t pattern(const uint32_t n, const uint32_t i)
{
	return (uint8_t)(n * 7 + i * 13 + (i >> 8));
}

/* The number first. */
void wire_fill(uint8_t *const to, const uint32_t n, const uint32_t bytes)
{
	__builtin_memcpy(to, &n, sizeof(n));
	for (uint32_t i = sizeof(n); i < bytes; i++)
		to[i] = pattern(n, i);
}

bool wire_is_filled(const uint8_t *const from, const uint32_t n, const uint32_t bytes)
{
	uint32_t number;

	__builtin_memcpy(&number, from, sizeof(number));
	for (uint32_t i = sizeof(n); i < bytes; i++)
		if (from[i] != pattern(n, i))
			return false;
	return number == n;
}

int main(void)
{
	if (args_is("do", "far"))
		return far_end();
	if (args_is("do", "rping"))
		return linux_client();
	return args_is("do", "bad") ? bad_client() : good_client();
}
