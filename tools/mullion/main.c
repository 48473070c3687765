/*
 * mullion: one program, one subcommand per verb.
 */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/abi.h>

#include "allocate.h"
#include "subcommands.h"

struct subcommand {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *what;
};

static const struct subcommand subcommands[] = {
	{ "check", check_main, "judge a description against the named rules" },
	{ "build", build_main, "build the image of a description" },
	{ "audit", audit_main, "say what a finished image allows, and prove that it is no more" },
	{ "explain", explain_main, "say who may touch what, and when each partition runs" },
	{ "run", run_main, "boot a build in QEMU" },
	{ "jitter", jitter_main, "report the jitter that probes have measured" },
	{ "ctl", ctl_main, "talk to the control partition of a running node" },
	{ "top", top_main, "show, live, what each CPU and partition of a node uses" },
	{ "trace", trace_main, "show what every CPU did, and why a probe was late" },
};
#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static void usage(FILE *out)
{
	size_t i;

	fputs("Usage: mullion SUBCOMMAND [OPTION...]\n\n", out);
	for (i = 0; i < SUBCOMMANDS; i++)
		fprintf(out, "  %-9s %s\n", subcommands[i].name, subcommands[i].what);
	fputs("  help      explain a subcommand: mullion help SUBCOMMAND\n\n"
	      "  --help, --version\n\n"
	      "Exit status: 0 done, 1 the input is wrong, 2 the command line is wrong.\n",
		out);
}

static const struct subcommand *find(const char *name)
{
	size_t i;

	for (i = 0; i < SUBCOMMANDS; i++)
		if (!strcmp(subcommands[i].name, name))
			return &subcommands[i];
	fprintf(stderr, "mullion: there is no subcommand \"%s\"\n", name);
	usage(stderr);
	return NULL;
}

/* argp names the program by program_invocation_name, and by argv[0] in its messages. */
static int start(const struct subcommand *subcommand, int argc, char **argv)
{
	char *name = format("mullion %s", subcommand->name);

	program_invocation_name = program_invocation_short_name = name;
	argv[0] = name;
	return subcommand->main(argc, argv);
}

static int help(int argc, char **argv)
{
	char *arguments[] = { NULL, (char[]){ "--help" }, NULL };
	const struct subcommand *subcommand;

	if (argc < 2) {
		usage(stdout);
		return 0;
	}
	subcommand = find(argv[1]);
	return subcommand ? start(subcommand, 2, arguments) : 2;
}

int main(int argc, char **argv)
{
	const struct subcommand *subcommand;

	argp_err_exit_status = 2;
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help"))
		return help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version")) {
		printf("mullion, ABI version %u\n", MULLION_ABI_VERSION);
		return 0;
	}
	subcommand = find(argv[1]);
	return subcommand ? start(subcommand, argc - 1, argv + 1) : 2;
}
