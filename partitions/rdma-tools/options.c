/*
 * Command lines of the tools. Invariant: what is accepted can be run; the defaults are the originals'.
 * Specification: the manual pages of ibv_rc_pingpong, ib_write_lat and the others of perftest, and rping.
 */
#include <stdlib.h>
#include <string.h>

#include <inet/endpoint.h>

#include "options.h"

#define PORT_PINGPONG 18515u
#define PORT_RPING    7174u
#define PATIENCE_S    60u
#define TIMEOUT       14u /* 67 ms */
#define TEXT_BYTES    24u

struct defaults {
	const char *name;
	enum ibv_qp_type type;
	uint32_t bytes, count;
};

static const struct defaults defaults[TOOLS] = {
	[TOOL_RC_PINGPONG] = { "rc_pingpong", IBV_QPT_RC, 4096, 1000 },
	[TOOL_UC_PINGPONG] = { "uc_pingpong", IBV_QPT_UC, 4096, 1000 },
	[TOOL_UD_PINGPONG] = { "ud_pingpong", IBV_QPT_UD, 1024, 1000 },
	[TOOL_WRITE_LAT] = { "write_lat", IBV_QPT_RC, 2, 1000 },
	[TOOL_WRITE_BW] = { "write_bw", IBV_QPT_RC, 65536, 5000 },
	[TOOL_READ_LAT] = { "read_lat", IBV_QPT_RC, 2, 1000 },
	[TOOL_ATOMIC_LAT] = { "atomic_lat", IBV_QPT_RC, 8, 1000 },
	[TOOL_SEND_LAT] = { "send_lat", IBV_QPT_RC, 2, 1000 },
	[TOOL_SEND_BW] = { "send_bw", IBV_QPT_RC, 65536, 1000 },
	[TOOL_RPING] = { "rping", IBV_QPT_RC, 64, 1000 },
};

enum tool options_tool(const char *const name)
{
	for (unsigned i = 0; i < TOOLS; i++)
		if (strcmp(defaults[i].name, name) == 0)
			return (enum tool)i;
	return TOOLS;
}

const char *options_tool_name(const enum tool tool)
{
	return tool < TOOLS ? defaults[tool].name : "none";
}

static bool is_number(
	const char *const text, const uint32_t least, const uint32_t most, uint32_t *const number)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	*number = (uint32_t)value;
	return end != text && *end == '\0' && text[0] != '-' && value >= least && value <= most;
}

/* An address alone: read with a netmask and a port that mean nothing. */
static bool is_address(const char *const text, uint32_t *const address)
{
	char whole[TEXT_BYTES + 8];
	struct endpoint at;

	if (strlen(text) >= TEXT_BYTES)
		return false;
	strcpy(whole, text);
	strcat(whole, "/8:1");
	if (!endpoint_parse(whole, &at))
		return false;
	*address = at.address;
	return true;
}

static bool is_mtu(const char *const text, enum ibv_mtu *const mtu)
{
	uint32_t bytes;

	if (!is_number(text, 256, 4096, &bytes))
		return false;
	for (*mtu = IBV_MTU_256; *mtu < IBV_MTU_4096 && 128u << *mtu != bytes; (*mtu)++)
		;
	return 128u << *mtu == bytes;
}

static bool is_type(const char *const text, enum ibv_qp_type *const type)
{
	*type = strcmp(text, "UC") == 0   ? IBV_QPT_UC
		: strcmp(text, "UD") == 0 ? IBV_QPT_UD
					  : IBV_QPT_RC;
	return *type != IBV_QPT_RC || strcmp(text, "RC") == 0;
}

static bool is_atomic(const char *const text, enum ibv_wr_opcode *const atomic)
{
	const bool adds = strcmp(text, "FETCH_AND_ADD") == 0;

	*atomic = adds ? IBV_WR_ATOMIC_FETCH_AND_ADD : IBV_WR_ATOMIC_CMP_AND_SWP;
	return adds || strcmp(text, "CMP_AND_SWAP") == 0;
}

/* An option with a value. False: there is none of that letter, or not this value. */
static bool take_value(struct options *const o, const char letter, const char *const value)
{
	uint32_t number;

	switch (letter) {
	case 'd': /* the device and its GID are what there is */
	case 'g':
	case 'x':
		return true;
	case 'p':
		o->port = is_number(value, 1, 65535, &number) ? (uint16_t)number : 0;
		return o->port != 0;
	case 's':
	case 'S':
		return (letter == 'S') == (o->tool == TOOL_RPING) &&
		       is_number(value, 1, OPTIONS_BYTES_MOST, &o->bytes);
	case 'n':
	case 'C':
		return (letter == 'C') == (o->tool == TOOL_RPING) &&
		       is_number(value, 1, 100000000, &o->count);
	case 'm':
		o->mtu_given = true;
		return is_mtu(value, &o->mtu);
	case 'c':
		return o->tool >= TOOL_WRITE_LAT && is_type(value, &o->type);
	case 'A':
		return o->tool == TOOL_ATOMIC_LAT && is_atomic(value, &o->atomic);
	case 'a':
		return is_address(value, &o->peer);
	case 'u':
		o->timeout = is_number(value, 1, 31, &number) ? (uint8_t)number : 0;
		return o->timeout != 0;
	case 'W':
		return is_number(value, 1, 100000, &o->patience_s);
	default:
		return false;
	}
}

/* An option without. */
static bool take_flag(struct options *const o, const char letter, bool *const role)
{
	const bool rping = o->tool == TOOL_RPING;

	if (rping && (letter == 's' || letter == 'c')) {
		o->server = letter == 's';
		*role = true;
		return true;
	}
	if (rping && (letter == 'V' || letter == 'v')) {
		o->verify = true;
		return true;
	}
	return !rping && letter == 'F'; /* clock frequencies, which nobody asks for here */
}

/* What cannot be run although each word may be right. */
static const char *judge(const struct options *const o, const bool role)
{
	const bool reads = o->tool == TOOL_READ_LAT || o->tool == TOOL_ATOMIC_LAT;
	const bool writes = o->tool == TOOL_WRITE_LAT || o->tool == TOOL_WRITE_BW;

	if (o->tool == TOOL_RPING && (!role || (!o->server && o->peer == 0)))
		return "rping is a server with -s, or a client with -c -a ADDRESS";
	if (o->type == IBV_QPT_UD && o->bytes > 128u << o->mtu)
		return "a datagram is at most one packet: a smaller -s, or a larger -m";
	if ((reads && o->type != IBV_QPT_RC) || (writes && o->type == IBV_QPT_UD))
		return "-c: a connection of this type cannot do that";
	return NULL;
}

const char *options_parse(const enum tool tool, char *const *const words, const unsigned count,
	struct options *const options)
{
	bool role = false;

	*options = (struct options){ .tool = tool,
		.server = true,
		.port = tool == TOOL_RPING ? PORT_RPING : PORT_PINGPONG,
		.bytes = defaults[tool].bytes,
		.count = defaults[tool].count,
		.mtu = IBV_MTU_1024,
		.type = defaults[tool].type,
		.atomic = IBV_WR_ATOMIC_FETCH_AND_ADD,
		.timeout = TIMEOUT,
		.patience_s = PATIENCE_S };
	for (unsigned i = 0; i < count; i++) {
		const char *const word = words[i];

		if (word[0] != '-') {
			if (tool == TOOL_RPING || !is_address(word, &options->peer))
				return word;
			options->server = false;
		} else if (word[1] == '\0' || word[2] != '\0') {
			return word;
		} else if (!take_flag(options, word[1], &role)) {
			if (i + 1 == count || !take_value(options, word[1], words[++i]))
				return word;
		}
	}
	if (tool == TOOL_ATOMIC_LAT)
		options->bytes = defaults[tool].bytes;
	return judge(options, role);
}
