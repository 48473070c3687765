/*
 * Who may command: HMAC-SHA256 under a key both ends have, over the boot's nonce and the line, with a
 * number that only grows.
 */
#ifndef CONTROL_AUTH_H
#define CONTROL_AUTH_H

#include "request.h"

#define AUTH_KEY_BYTES   32u
#define AUTH_NONCE_BYTES 16u
#define AUTH_MAC_BYTES   32u

struct auth {
	bool keyed; /* without a key nobody can prove anything */
	uint8_t key[AUTH_KEY_BYTES];
	uint8_t nonce[AUTH_NONCE_BYTES];
	uint64_t last_seq;
};

enum auth_answer { AUTH_GOOD, AUTH_UNAUTHENTICATED, AUTH_REPLAYED };

/* 64 hexadecimal digits and nothing else into the key. */
bool auth_set_key(struct auth *auth, const char *text);

/* The nonce of this boot, from whatever is not the same at every boot. */
void auth_set_nonce(struct auth *auth, const uint64_t *sources, uint32_t count);

/*
 * The line and what it was parsed into. The number of a good one counts as used from now on. Without a
 * key none is good.
 */
enum auth_answer auth_check(
	struct auth *auth, const struct request *request, const char *line, uint32_t bytes);

/* RFC 2104 over nonce, the line's first `bytes` bytes, and '}'. */
void auth_mac(
	const struct auth *auth, const char *line, uint32_t bytes, uint8_t mac[AUTH_MAC_BYTES]);

#endif
