/*
 * A conversation with a node's control partition: docs/control.md, seen from the host.
 *
 * The invariant: an answer is believed only if it bears the id of the request it answers, and a
 * request that changes something is made once: by datagrams it may be sent again, under its number.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "wire.h"

#define SESSION_PROTOCOL    1
#define SESSION_KEY_BYTES   32u
#define SESSION_NONCE_BYTES 16u
#define SESSION_LOST        "lost" /* beside the protocol's words: a part of the answer */

/* What people give on the command line. */
struct session_options {
	const char *address;
	const char *key; /* a file, or NULL */
	unsigned timeout_ms;
	bool given_timeout;
};

struct session {
	struct wire wire;
	unsigned timeout_ms;
	bool has_key, signs;
	uint8_t key[SESSION_KEY_BYTES], nonce[SESSION_NONCE_BYTES];
	int64_t seq;
	int id;
	json_t *hello;
	json_t *parts;  /* the results of the last answer's lines, one by one */
	char error[32]; /* of the last request that failed: the protocol's word, or "" */
	void (*notice)(void *context, const json_t *notice); /* may be NULL */
	void *context;
};

/* Opens the way and says hello; false after an error message. */
bool session_open(struct session *session, const struct session_options *options);
void session_close(struct session *session);

/*
 * Asks, and waits for the whole answer. `arguments` (an object, or NULL) is taken over. NULL after
 * an error message in the user's words; the caller owns the result.
 */
json_t *session_ask(struct session *session, const char *command, json_t *arguments);

/* The same without a message, where failing is part of the plan: session->error has the word. */
json_t *session_try(struct session *session, const char *command, json_t *arguments);

/* Waits for notices; false when the way is closed. WIRE_OTHER as wire_read() has it. */
enum wire_result session_listen(struct session *session, int64_t deadline_ms, int also);

/* ---- session_key.c ---- */

/* The key in a file that only its owner may read; false after an error message. */
bool session_read_key(const char *path, uint8_t key[SESSION_KEY_BYTES]);
bool session_from_hex(const char *text, uint8_t *bytes, size_t count);

/* A request as a line, signed if the session signs; the caller frees it. */
char *session_line(struct session *session, const char *command, const json_t *arguments);

/* ---- session_words.c ---- */

/* Explains the node's refusal on stderr: what was asked, why not, and the way out. */
void session_explain(struct session *session, const char *command, const json_t *arguments,
	const char *error, const char *text);

/* Text that a node sent, fit for a terminal: control characters become '?'. */
char *session_clean(const char *text);

/* A string of an object, "" where there is none; a number of one, 0 where there is none. */
const char *session_text(const json_t *object, const char *member);
int64_t session_number(const json_t *object, const char *member);

/* A number as it stands in an array: all 64 bits of it. */
uint64_t session_value(const json_t *value);

#endif
