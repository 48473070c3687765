/*
 * A line of the protocol, taken apart: one flat JSON object, strictly. Pure; nothing is allocated; at
 * most REQUEST_MEMBERS members.
 */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "writer.h"

#define REQUEST_MEMBERS 10u
#define KEY_BYTES       16u

enum value_kind { VALUE_NUMBER, VALUE_TEXT, VALUE_BOOL };

struct member {
	char key[KEY_BYTES]; /* cut, if longer: no key that is known is as long */
	enum value_kind kind;
	uint64_t number;  /* or 1 of true */
	const char *text; /* NUL-terminated, in the request's storage */
	uint32_t length;
};

struct request {
	uint32_t count;
	uint32_t used;
	struct member members[REQUEST_MEMBERS];
	char storage[LINE_BYTES + REQUEST_MEMBERS]; /* the texts, each with its NUL */
};

/* NULL, or what is wrong with the line: in words, for whoever sent it. `bytes` < LINE_BYTES. */
const char *request_parse(struct request *request, const char *line, uint32_t bytes);

/* The member of this name, or NULL. */
const struct member *request_member(const struct request *request, const char *key);

/* Text and NUL-terminated name are the same, both ending within `most` bytes. */
bool same_text(const char *a, const char *b, uint32_t most);

#endif
