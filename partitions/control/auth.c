/*
 * Authentication of requests. Invariant: a number counts as used only with a mac that is right, and
 * how long a comparison takes does not depend on where the first difference lies.
 * Specification: RFC 2104 and FIPS 180-4, with the hash of Nettle; docs/control.md.
 */
#include <stddef.h>

#include <nettle/sha2.h>

#include "auth.h"

#define BLOCK_BYTES 64u
/* ,"mac":"<64 digits>"} */
#define TAIL_FRONT 8u
#define TAIL_BYTES (TAIL_FRONT + 2u * AUTH_MAC_BYTES + 2u)

static int digit(const char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(const char *const text, uint8_t *const bytes, const uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const int high = digit(text[2 * i]);
		const int low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool auth_set_key(struct auth *const auth, const char *const text)
{
	auth->keyed = take_hex(text, auth->key, AUTH_KEY_BYTES) && text[2 * AUTH_KEY_BYTES] == '\0';
	return auth->keyed;
}

void auth_set_nonce(struct auth *const auth, const uint64_t *const sources, const uint32_t count)
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, count * sizeof(*sources), (const uint8_t *)sources);
	sha256_update(&hash, AUTH_KEY_BYTES, auth->key);
	sha256_digest(&hash, AUTH_NONCE_BYTES, auth->nonce);
}

static void begin(struct sha256_ctx *const hash, const struct auth *const auth, const uint8_t pad)
{
	uint8_t block[BLOCK_BYTES];

	for (uint32_t i = 0; i < BLOCK_BYTES; i++)
		block[i] = (uint8_t)((i < AUTH_KEY_BYTES ? auth->key[i] : 0) ^ pad);
	sha256_init(hash);
	sha256_update(hash, BLOCK_BYTES, block);
}

void auth_mac(const struct auth *const auth, const char *const line, const uint32_t bytes,
	uint8_t mac[AUTH_MAC_BYTES])
{
	static const uint8_t end = '}';
	struct sha256_ctx hash;
	uint8_t inner[AUTH_MAC_BYTES];

	begin(&hash, auth, 0x36);
	sha256_update(&hash, AUTH_NONCE_BYTES, auth->nonce);
	sha256_update(&hash, bytes, (const uint8_t *)line);
	sha256_update(&hash, 1, &end);
	sha256_digest(&hash, AUTH_MAC_BYTES, inner);
	begin(&hash, auth, 0x5c);
	sha256_update(&hash, AUTH_MAC_BYTES, inner);
	sha256_digest(&hash, AUTH_MAC_BYTES, mac);
}

static bool same_mac(const uint8_t *const a, const uint8_t *const b)
{
	volatile uint8_t difference = 0;

	for (uint32_t i = 0; i < AUTH_MAC_BYTES; i++)
		difference = (uint8_t)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

/* The mac that the line ends with, written exactly as documented. */
static bool find_mac(const char *const line, const uint32_t bytes, uint8_t mac[AUTH_MAC_BYTES])
{
	static const char front[] = ",\"mac\":\"";
	const char *tail;

	if (bytes < TAIL_BYTES)
		return false;
	tail = &line[bytes - TAIL_BYTES];
	for (uint32_t i = 0; i < TAIL_FRONT; i++)
		if (tail[i] != front[i])
			return false;
	return tail[TAIL_BYTES - 2] == '"' && tail[TAIL_BYTES - 1] == '}' &&
	       take_hex(&tail[TAIL_FRONT], mac, AUTH_MAC_BYTES);
}

enum auth_answer auth_check(struct auth *const auth, const struct request *const request,
	const char *const line, const uint32_t bytes)
{
	const struct member *const seq = request_member(request, "seq");
	uint8_t said[AUTH_MAC_BYTES], right[AUTH_MAC_BYTES];

	if (!auth->keyed)
		return AUTH_UNAUTHENTICATED;
	if (seq == NULL || seq->kind != VALUE_NUMBER || !find_mac(line, bytes, said))
		return AUTH_UNAUTHENTICATED;
	auth_mac(auth, line, bytes - TAIL_BYTES, right);
	if (!same_mac(said, right))
		return AUTH_UNAUTHENTICATED;
	if (seq->number <= auth->last_seq)
		return AUTH_REPLAYED;
	auth->last_seq = seq->number;
	return AUTH_GOOD;
}
