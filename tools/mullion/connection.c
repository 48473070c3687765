/*
 * See connection.h.
 */
#include "connection.h"

#include <stdlib.h>

enum { OPTION_KEY = 0x200, OPTION_TIMEOUT };

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Which node", 10 },
	{ "connect", 'c', "ADDRESS", 0,
		"the node's control line: " WIRE_ADDRESSES " ($MULLION_NODE if not given)", 10 },
	{ "key", OPTION_KEY, "FILE", 0,
		"the key of a node that demands one: 64 hexadecimal digits, mode 0600", 10 },
	{ "timeout", OPTION_TIMEOUT, "SECONDS", 0, "wait so long for an answer (5 if not given)",
		10 },
	{ 0 },
};

static void take_timeout(
	struct session_options *request, const char *argument, struct argp_state *state)
{
	char *end;
	const double seconds = strtod(argument, &end);

	if (end == argument || *end || !(seconds >= 0.001 && seconds <= 86400))
		argp_error(state, "--timeout takes 0.001..86400 seconds, not \"%s\"", argument);
	request->timeout_ms = (unsigned)(seconds * 1000);
	request->given_timeout = true;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct session_options *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		request->timeout_ms = CONNECTION_TIMEOUT_MS;
		request->address = getenv("MULLION_NODE");
		return 0;
	case 'c':
		request->address = argument;
		return 0;
	case OPTION_KEY:
		request->key = argument;
		return 0;
	case OPTION_TIMEOUT:
		take_timeout(request, argument, state);
		return 0;
	case ARGP_KEY_END:
		if (request->address && !wire_address_valid(request->address))
			argp_error(state, "a node's address is " WIRE_ADDRESSES ", not \"%s\"",
				request->address);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp connection_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };
