/*
 * mullion run: boot a build in QEMU and translate how it ended.
 *
 * With icount, virtual time is the number of instructions, and a run repeats bit for bit. Several
 * CPUs share that one clock in turns; the filter-buffer is a virtual timer that keeps turns at 1
 * us.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocate.h"
#include "command.h"
#include "forward.h"
#include "subcommands.h"

#define QEMU_STATUS(value) ((value) << 1 | 1) /* isa-debug-exit */

struct request {
	const char *build; /* a directory, or an image in one */
	const char *icount, *serial, *ram, *debug, *udp;
	unsigned timeout_s;
	bool dry_run, reboot;
	char **more; /* arguments for QEMU */
};

/* What system.json says. */
struct machine {
	int smp, used_cpus, memory_mib;
	int poweroff_value, poweroff_failure;
	json_t *system;
	const char **arguments; /* what QEMU needs beyond that to be the board */
	size_t arguments_count;
};

enum {
	OPTION_ICOUNT = 0x100,
	OPTION_SERIAL,
	OPTION_RAM,
	OPTION_DEBUG,
	OPTION_UDP,
	OPTION_REBOOT,
	OPTION_DRY_RUN
};

static const struct argp_option options[] = {
	{ "icount", OPTION_ICOUNT, "SHIFT", 0,
		"an instruction takes 2^SHIFT ns of virtual time (0 if not given); off: wall clock",
		0 },
	{ "timeout", 't', "SECONDS", 0, "end QEMU after this time; 0: never (60 if not given)", 0 },
	{ "serial", OPTION_SERIAL, "FILE", 0,
		"the serial line goes there, not to the terminal; unix:PATH: a socket for mullion "
		"ctl",
		0 },
	{ "ram", OPTION_RAM, "FILE", 0, "keep the machine's RAM, for mullion jitter --ram", 0 },
	{ "debug", OPTION_DEBUG, "FILE", 0, "what is written to port 0xe9 goes there", 0 },
	{ "udp", OPTION_UDP, "HOST:PORT", 0,
		"a port here that leads to the control partition's, for mullion ctl -c "
		"udp:HOST:PORT",
		0 },
	{ "reboot", OPTION_REBOOT, NULL, 0,
		"a node that resets itself starts again, its RAM as it is, instead of ending QEMU",
		0 },
	{ "dry-run", OPTION_DRY_RUN, NULL, 0, "print the QEMU command line and do nothing", 0 },
	{ 0 },
};

static bool parse_number(const char *text, unsigned limit, unsigned *number)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > limit)
		return false;
	*number = (unsigned)value;
	return true;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;
	unsigned shift;

	switch (key) {
	case OPTION_ICOUNT:
		if (strcmp(argument, "off") != 0 && !parse_number(argument, 10, &shift))
			argp_error(state, "--icount takes 0..10 or off, not \"%s\"", argument);
		request->icount = argument;
		return 0;
	case 't':
		if (!parse_number(argument, 86400, &request->timeout_s))
			argp_error(state, "--timeout takes 0..86400, not \"%s\"", argument);
		return 0;
	case OPTION_SERIAL:
		request->serial = argument;
		return 0;
	case OPTION_RAM:
		request->ram = argument;
		return 0;
	case OPTION_DEBUG:
		request->debug = argument;
		return 0;
	case OPTION_UDP:
		if (!forward_valid(argument))
			argp_error(state,
				"--udp takes an IPv4 address of this machine and a port, "
				"as 127.0.0.1:7070, not \"%s\"",
				argument);
		request->udp = argument;
		return 0;
	case OPTION_REBOOT:
		request->reboot = true;
		return 0;
	case OPTION_DRY_RUN:
		request->dry_run = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->build)
			argp_error(state, "one build at a time; options for QEMU follow --");
		request->build = argument;
		return 0;
	case ARGP_KEY_END:
		if (!request->build)
			argp_error(state, "a build directory, or its mullion.elf, is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "DIR [-- QEMU-ARGUMENT...]",
	"Boot a build in QEMU and report how it ended.\v"
	"DIR is what mullion build wrote, or the mullion.elf in it. Exit status: 0 the node "
	"powered "
	"off well, 1 it failed, was ended, or the build cannot be read, 2 the command line is "
	"wrong.",
	NULL, NULL, NULL };

/* ---- The build ---- */

/* NULL after an error message. */
static const char *directory_of(const char *build)
{
	const char *slash = strrchr(build, '/');
	struct stat status;

	if (stat(build, &status)) {
		fprintf(stderr, "mullion run: %s: %s\n", build, strerror(errno));
		return NULL;
	}
	if (S_ISDIR(status.st_mode))
		return build;
	return slash ? format("%.*s", (int)(slash - build), build) : ".";
}

static void take_arguments(const json_t *list, struct machine *machine)
{
	size_t i;

	machine->arguments = allocate(json_array_size(list), sizeof(*machine->arguments));
	for (i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (word)
			machine->arguments[machine->arguments_count++] = format("%s", word);
	}
}

static bool read_machine(const char *directory, struct machine *machine)
{
	char *path = format("%s/system.json", directory);
	const json_t *arguments = NULL;
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	const bool good =
		root && !json_unpack(root, "{s:{s:i, s:i, s?o}, s:i, s:i}", "qemu", "smp",
				&machine->smp, "memory_mib", &machine->memory_mib, "arguments",
				&arguments, "poweroff_value", &machine->poweroff_value,
				"poweroff_failure", &machine->poweroff_failure);

	if (good) {
		machine->used_cpus = (int)json_array_size(json_object_get(root, "cpus"));
		take_arguments(arguments, machine);
	} else {
		fprintf(stderr, "mullion run: %s is not the system.json of a build%s%s\n", path,
			root ? "" : ": ", root ? "" : error.text);
	}
	machine->system = root;
	return good;
}

/* ---- QEMU ---- */

static void add_memory(
	struct command *command, const struct request *request, const struct machine *machine)
{
	if (!request->ram) {
		command_add_words(command, "-machine q35");
	} else {
		command_add_words(command, "-machine q35,memory-backend=ram -object");
		command_add(command, "memory-backend-file,id=ram,size=%dM,mem-path=%s,share=on",
			machine->memory_mib, request->ram);
	}
	command_add(command, "-m");
	command_add(command, "%d", machine->memory_mib);
}

/* The filter-buffer's netdev leads nowhere on purpose, and so does a board's wire between cards. */
static const char *const noise[] = { "qemu-system-x86_64: warning: hub port n0 has no peer",
	"qemu-system-x86_64: warning: netdev n0 has no peer",
	"qemu-system-x86_64: warning: hub 1 is not connected to host network", NULL };

static void add_time(
	struct command *command, const struct request *request, const struct machine *machine)
{
	if (!strcmp(request->icount, "off"))
		return;
	command_add(command, "-icount");
	command_add(command, "shift=%s,sleep=off", request->icount);
	command_add_words(command, "-rtc base=2020-01-01,clock=vm");
	if (machine->used_cpus > 1)
		command_add_words(command, "-netdev hubport,id=n0,hubid=0 "
					   "-object filter-buffer,id=f0,netdev=n0,interval=1");
}

static void add_lines(struct command *command, const struct request *request)
{
	command_add(command, "-serial");
	if (!request->serial)
		command_add(command, "stdio");
	else if (!strncmp(request->serial, "unix:", 5))
		command_add(command, "%s,server=on,wait=off", request->serial);
	else
		command_add(command, "file:%s", request->serial);
	if (request->debug) {
		command_add(command, "-debugcon");
		command_add(command, "file:%s", request->debug);
	}
}

static bool make_command(struct command *command, const struct request *request,
	const struct machine *machine, const char *directory)
{
	char **word;
	size_t i;

	command->noise = noise;
	command_add_words(command, "qemu-system-x86_64 -nodefaults -no-user-config -display none");
	if (!request->reboot)
		command_add(command, "-no-reboot");
	command_add_words(command, "-accel tcg -cpu max");
	add_memory(command, request, machine);
	command_add(command, "-smp");
	command_add(command, "%d", machine->smp);
	add_time(command, request, machine);
	add_lines(command, request);
	for (i = 0; i < machine->arguments_count; i++)
		command_add(command, "%s", machine->arguments[i]);
	if (request->udp && !forward_add(command, request->udp, machine->system))
		return false;
	command_add_words(command, "-device isa-debug-exit,iobase=0xf4,iosize=1 -kernel");
	command_add(command, "%s/mullion.elf", directory);
	for (word = request->more; *word; word++)
		command_add(command, "%s", *word);
	return true;
}

/* A RAM file of an earlier run would be that run's memory: QEMU would not clear it. */
static bool clear_ram(const char *path)
{
	if (!path || !unlink(path) || errno == ENOENT)
		return true;
	fprintf(stderr, "mullion run: cannot replace %s: %s\n", path, strerror(errno));
	return false;
}

static int explain_status(
	const struct request *request, const struct machine *machine, int status, bool timed_out)
{
	if (timed_out)
		fprintf(stderr, "mullion run: QEMU was ended after %u s; --timeout allows more\n",
			request->timeout_s);
	else if (status == QEMU_STATUS(machine->poweroff_value))
		return 0;
	else if (status == QEMU_STATUS(machine->poweroff_failure))
		fputs("mullion run: the node reported a failure and powered off; its console says "
		      "why\n",
			stderr);
	else if (status == 0)
		fputs("mullion run: QEMU ended by itself: the node reset (--reboot lets it go on), "
		      "or was told to quit\n",
			stderr);
	else
		fprintf(stderr, "mullion run: QEMU ended with status %d\n", status);
	return 1;
}

static int boot(
	const struct request *request, const struct machine *machine, struct command *command)
{
	bool timed_out;
	int status;

	if (request->dry_run) {
		command_print(command);
		return 0;
	}
	if (!clear_ram(request->ram))
		return 1;
	status = command_run(command, request->timeout_s, &timed_out);
	return explain_status(request, machine, status, timed_out);
}

/* Everything after "--" is QEMU's; argp sees the rest. */
static int split(int argc, char **argv, struct request *request)
{
	int i;

	request->more = argv + argc;
	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--")) {
			request->more = argv + i + 1;
			argv[i] = NULL;
			return i;
		}
	return argc;
}

int run_main(int argc, char **argv)
{
	struct request request = { .icount = "0", .timeout_s = 60 };
	struct command command = { 0 };
	struct machine machine = { 0 };
	const char *directory;
	int status = 1;

	argc = split(argc, argv, &request);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	directory = directory_of(request.build);
	if (directory && read_machine(directory, &machine)) {
		if (make_command(&command, &request, &machine, directory))
			status = boot(&request, &machine, &command);
		command_free(&command);
	}
	free(machine.arguments);
	json_decref(machine.system);
	return status;
}
