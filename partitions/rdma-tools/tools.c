/*
 * A run of a tool. See tools.h. Invariant: the first thing that fails decides how the run ends, but for wrong
 * data, which is worse than everything else.
 */
#include <stdio.h>

#include "machine.h"
#include "tools.h"

#define QUIET_NS 600000000ull

enum tools_status tools_status;

bool tools_claim(const bool good, const char *const what)
{
	if (good)
		return true;
	printf("%s: not so: %s\n", options_tool_name(machine.options.tool), what);
	if (tools_status == TOOLS_GOOD)
		tools_status = TOOLS_ERROR;
	return false;
}

bool tools_right(const bool good, const char *const what, const uint32_t number)
{
	if (good)
		return true;
	printf("%s: message %u: not so: %s\n", options_tool_name(machine.options.tool),
		(unsigned)number, what);
	tools_status = TOOLS_WRONG;
	return false;
}

bool tools_parse(char *const *const words, const unsigned count)
{
	const enum tool tool = count != 0 ? options_tool(words[0]) : TOOLS;
	const char *wrong;

	if (tool == TOOLS) {
		printf("usage: TOOL [OPTIONS] [ADDRESS], where TOOL is one of\n");
		for (unsigned i = 0; i < TOOLS; i++)
			printf("  %s\n", options_tool_name((enum tool)i));
		return false;
	}
	wrong = options_parse(tool, words + 1, count - 1, &machine.options);
	if (wrong != NULL)
		printf("%s: not understood: %s\n", words[0], wrong);
	return wrong == NULL;
}

static bool run(void)
{
	if (machine.options.tool == TOOL_RPING)
		return rping_run();
	return machine.options.tool < TOOL_WRITE_LAT ? pingpong_run() : perftest_run();
}

/* Frames that were refused, and packets that did not do what they say: a line for each reason there was. */
static void say_drops(void)
{
	for (unsigned i = 0; i < IB_REFUSALS; i++)
		if (i != IB_ACCEPTED && i != IB_REFUSED_NOT_ROCE && machine.port.refused[i] != 0)
			printf("refused: %s %llu\n", ib_refusal_name((enum ib_refusal)i),
				(unsigned long long)machine.port.refused[i]);
	for (unsigned i = 1; i < IBV_DROPS; i++)
		if (machine.context.dropped[i] != 0)
			printf("dropped: %s %llu\n", ibv_drop_name((enum ibv_drop)i),
				(unsigned long long)machine.context.dropped[i]);
}

enum tools_status tools_run(void)
{
	static const char *const ends[] = { "good", "failed", "usage", "wrong" };

	tools_status = TOOLS_GOOD;
	if (run())
		machine_linger(QUIET_NS);
	else if (tools_status == TOOLS_GOOD)
		tools_status = TOOLS_ERROR;
	say_drops();
	printf("%s: %s, went back %llu times\n", options_tool_name(machine.options.tool),
		ends[tools_status],
		(unsigned long long)(machine.qp != NULL ? machine.qp->retransmitted : 0));
	return tools_status;
}
