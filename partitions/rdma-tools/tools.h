/*
 * The tools that RDMA users know, speaking to their originals: what a run is, and how it ends.
 */
#ifndef RDMA_TOOLS_TOOLS_H
#define RDMA_TOOLS_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

#define TOOLS_RECEIVE UINT64_MAX /* wr_id of what is received; other numbers are of what is sent */

enum tools_status {
	TOOLS_GOOD,
	TOOLS_ERROR, /* a request ended with an error, or something did not come in time */
	TOOLS_USAGE,
	TOOLS_WRONG /* a message came twice, out of order, or not as it was sent */
};

extern enum tools_status tools_status;

/*
 * Runs machine.options on the open machine. What it finds goes to the standard output, as the original's, and
 * the last line says how it ended.
 */
enum tools_status tools_run(void);

/* Words of a tool: its name first. False: they are no run, and what is wrong is said. */
bool tools_parse(char *const *words, unsigned count);

/* False: the run fails, and this is said not to be so. */
bool tools_claim(bool good, const char *what);
/* The same of message `number`; what a peer was told is not what it got, or the other way round. */
bool tools_right(bool good, const char *what, uint32_t number);

/* The runs. */
bool pingpong_run(void);
bool perftest_run(void);
bool rping_run(void);

#endif
