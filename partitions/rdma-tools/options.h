/*
 * What one run of a tool is asked to do: the words of its command line, as the original of that name takes
 * them.
 */
#ifndef RDMA_TOOLS_OPTIONS_H
#define RDMA_TOOLS_OPTIONS_H

#include <ib/verbs.h>

#define OPTIONS_BYTES_MOST 0x100000u /* of a message */

enum tool {
	TOOL_RC_PINGPONG,
	TOOL_UC_PINGPONG,
	TOOL_UD_PINGPONG,
	TOOL_WRITE_LAT,
	TOOL_WRITE_BW,
	TOOL_READ_LAT,
	TOOL_ATOMIC_LAT,
	TOOL_SEND_LAT,
	TOOL_SEND_BW,
	TOOL_RPING,
	TOOLS
};

struct options {
	enum tool tool;
	bool server;
	uint32_t peer;  /* address; 0: of a server that takes anybody */
	uint16_t port;  /* of TCP, or of rdma_cm */
	uint32_t bytes; /* -s, -S: of a message */
	uint32_t count; /* -n, -C: messages each way */
	enum ibv_mtu mtu;
	bool mtu_given;
	enum ibv_qp_type type;
	enum ibv_wr_opcode atomic;
	uint8_t timeout;     /* -u: of an acknowledgment, 4.096 us << it, 1 to 31 */
	bool verify;         /* -V: rping */
	uint32_t patience_s; /* -W: the whole run ends after so long; the originals wait for ever */
};

/* The tool of this name, "rc_pingpong" and so on; TOOLS: there is none. */
enum tool options_tool(const char *name);
const char *options_tool_name(enum tool tool);

/*
 * The words behind the tool's name. NULL: *options is complete; otherwise what is wrong, and in which word, or
 * in none.
 */
const char *options_parse(
	enum tool tool, char *const *words, unsigned count, struct options *options);

#endif
