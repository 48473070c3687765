/*
 * mullion ctl: one command to a running node.
 *
 * Exit status: 0 the node did it, 1 it refused or could not be reached, 2 the command line is
 * wrong.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "ctl.h"
#include "subcommands.h"
#include "words.h"

enum { OPTION_JSON = 0x100, OPTION_COLD, OPTION_RESET, OPTION_SYSTEM };

enum ctl_takes { TAKES_NOTHING, TAKES_PARTITION, TAKES_PARTITION_AND_FILE, MAY_TAKE_SCHEDULE };
enum ctl_option { WITH_JSON = 1, WITH_COLD = 2, WITH_RESET = 4, WITH_OUTPUT = 8, WITH_SYSTEM = 16 };

struct ctl_command {
	const char *name;
	const char *also[2]; /* what people of other systems type */
	enum ctl_takes takes;
	unsigned options; /* enum ctl_option */
	int (*run)(struct session *session, const struct ctl_request *request);
};

static const struct ctl_command commands[] = {
	{ "list", { "ls", "ps" }, TAKES_NOTHING, WITH_JSON, ctl_list },
	{ "info", { "dominfo" }, TAKES_PARTITION, WITH_JSON, ctl_info },
	{ "cpus", { "vcpu-list", "vcpuinfo" }, TAKES_NOTHING, WITH_JSON, ctl_cpus },
	{ "console", { "attach" }, TAKES_PARTITION, 0, ctl_console },
	{ "stop", { "destroy" }, TAKES_PARTITION, WITH_JSON, ctl_change },
	{ "start", { 0 }, TAKES_PARTITION, WITH_JSON, ctl_change },
	{ "restart", { "reboot" }, TAKES_PARTITION, WITH_JSON | WITH_COLD, ctl_change },
	{ "schedule", { 0 }, MAY_TAKE_SCHEDULE, WITH_JSON, ctl_schedule },
	{ "health", { 0 }, TAKES_NOTHING, WITH_JSON, ctl_health },
	{ "log", { "dmesg" }, TAKES_NOTHING, WITH_JSON, ctl_log },
	{ "journal", { 0 }, TAKES_NOTHING, WITH_JSON, ctl_journal },
	{ "dump", { "dump-core" }, TAKES_PARTITION, WITH_OUTPUT, ctl_dump },
	{ "load", { "restore" }, TAKES_PARTITION_AND_FILE, 0, ctl_load },
	{ "report", { 0 }, TAKES_NOTHING, WITH_OUTPUT | WITH_SYSTEM, ctl_report },
	{ "version", { "nodeinfo" }, TAKES_NOTHING, WITH_JSON, ctl_version },
	{ "shutdown", { "poweroff" }, TAKES_NOTHING, WITH_JSON | WITH_RESET, ctl_shutdown },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct argp_option options[] = {
	{ "json", OPTION_JSON, NULL, 0, "the node's answer for programs", 1 },
	{ "cold", OPTION_COLD, NULL, 0,
		"restart: with memory as the image has it; without, memory stays", 1 },
	{ "reset", OPTION_RESET, NULL, 0, "shutdown: reset the node, do not power it off", 1 },
	{ "output", 'o', "FILE", 0, "dump, report: write there", 1 },
	{ "system", OPTION_SYSTEM, "FILE", 0,
		"report: the system.json of the node's build, to compare with", 1 },
	{ 0 },
};

const char *ctl_command_name(const struct ctl_command *command)
{
	return command->name;
}

static bool is_called(const struct ctl_command *command, const char *word)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (command->also[i] && !strcmp(command->also[i], word))
			return true;
	return !strcmp(command->name, word);
}

static void take_command(struct ctl_request *request, struct argp_state *state, const char *word)
{
	const char *names[COMMANDS + 1] = { NULL }, *nearest;
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
		if (is_called(&commands[i], word))
			request->command = &commands[i];
	}
	if (request->command)
		return;
	nearest = words_nearest(word, names);
	argp_error(state, "there is no command \"%s\"%s%s%s", word,
		nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static void take_argument(struct ctl_request *request, struct argp_state *state, char *argument)
{
	if (!request->command)
		take_command(request, state, argument);
	else if (request->command->takes == TAKES_NOTHING)
		argp_error(state, "%s takes nothing, and \"%s\" is too much",
			request->command->name, argument);
	else if (!request->argument)
		request->argument = argument;
	else if (request->command->takes == TAKES_PARTITION_AND_FILE && !request->input)
		request->input = argument;
	else
		argp_error(state, "%s takes no more; \"%s\" is one too many",
			request->command->name, argument);
}

static void want_option(const struct ctl_request *request, struct argp_state *state, bool given,
	enum ctl_option option, const char *name)
{
	if (given && !(request->command->options & option))
		argp_error(state, "%s has no option %s", request->command->name, name);
}

static void judge(const struct ctl_request *request, struct argp_state *state)
{
	if (!request->command)
		argp_error(state, "a command is needed: list shows the partitions");
	if (request->command->takes == TAKES_PARTITION && !request->argument)
		argp_error(state,
			"%s needs a partition: mullion ctl %s NAME; mullion ctl list "
			"shows their names",
			request->command->name, request->command->name);
	if (request->command->takes == TAKES_PARTITION_AND_FILE && !request->input)
		argp_error(state,
			"%s needs a partition and a core of it: mullion ctl %s NAME FILE; mullion "
			"ctl dump wrote it",
			request->command->name, request->command->name);
	want_option(request, state, request->json, WITH_JSON, "--json");
	want_option(request, state, request->cold, WITH_COLD, "--cold");
	want_option(request, state, request->reset, WITH_RESET, "--reset");
	want_option(request, state, request->output, WITH_OUTPUT, "--output");
	want_option(request, state, request->system, WITH_SYSTEM, "--system");
	if (request->command->options & WITH_OUTPUT && !request->output)
		argp_error(state, "%s needs a file to write: -o FILE", request->command->name);
	if (!request->connect.address)
		argp_error(state, "which node? -c ADDRESS names its control line: " WIRE_ADDRESSES);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct ctl_request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->connect;
		return 0;
	case OPTION_JSON:
		request->json = true;
		return 0;
	case OPTION_COLD:
		request->cold = true;
		return 0;
	case OPTION_RESET:
		request->reset = true;
		return 0;
	case 'o':
		request->output = argument;
		return 0;
	case OPTION_SYSTEM:
		request->system = argument;
		return 0;
	case ARGP_KEY_ARG:
		take_argument(request, state, argument);
		return 0;
	case ARGP_KEY_SUCCESS:
		judge(request, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &connection_argp, 0, NULL, 0 }, { 0 } };

static const struct argp parser = { options, parse, "COMMAND [NAME [FILE]]",
	"Talk to the control partition of a running node.\v"
	"Commands:\n"
	"  list                 partitions: state, restarts\n"
	"  info PARTITION       all that the node knows of one\n"
	"  cpus                 CPUs, and which vcpus run there\n"
	"  console PARTITION    its console here; ^] detaches\n"
	"  stop PARTITION\n"
	"  start PARTITION      a stopped one, on its memory as it is\n"
	"  restart PARTITION    warm, or --cold\n"
	"  schedule [NAME]      what is in force; with NAME: switch to it\n"
	"  health               events of every partition, by kind\n"
	"  log                  what the kernel printed\n"
	"  journal              health events, also of before the last reset\n"
	"  dump PARTITION       a stopped one as an ELF core, for gdb: -o FILE\n"
	"  load PARTITION FILE  a stopped one's memory from such a core; start begins anew on it\n"
	"  report               the node as one HTML page: -o FILE\n"
	"  version              of the node's ABI and protocol, and its boots\n"
	"  shutdown             power the node off, or --reset it\n"
	"\n"
	"Also known: ls, ps, dominfo, vcpu-list, vcpuinfo, attach, destroy, reboot, dmesg, "
	"dump-core, restore, nodeinfo, poweroff. Exit status: 0 the node did it, 1 it refused or "
	"cannot be "
	"reached, 2 the command line is wrong. docs/control.md has more.",
	children, NULL, NULL };

int ctl_main(int argc, char **argv)
{
	struct ctl_request request = { 0 };
	struct session session;
	int status = 1;

	argp_parse(&parser, argc, argv, 0, NULL, &request);
	if (session_open(&session, &request.connect))
		status = request.command->run(&session, &request);
	session_close(&session);
	return fflush(stdout) ? 1 : status;
}
