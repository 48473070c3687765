/*
 * mullion trace: the rings of every CPU, of a running node or of a RAM image, as text and for
 * Perfetto.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "ctl.h"
#include "subcommands.h"
#include "trace.h"
#include "whole_file.h"

enum { OPTION_RAM = 0x100, OPTION_SYSTEM, OPTION_TEXT, OPTION_JSON };

struct request {
	struct session_options connect;
	const char *ram, *system, *text, *json;
};

static const struct argp_option options[] = {
	{ "ram", OPTION_RAM, "FILE", 0, "RAM image of a machine, from mullion run --ram", 1 },
	{ "system", OPTION_SYSTEM, "FILE", 0,
		"system.json of the image: who is who, and when windows end", 1 },
	{ 0, 0, 0, 0, "Output, - for standard output", 2 },
	{ "text", OPTION_TEXT, "FILE", 0,
		"a line for each record; on standard output if nothing else is asked for", 2 },
	{ "json", OPTION_JSON, "FILE", 0, "for Perfetto (ui.perfetto.dev) and chrome://tracing",
		2 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->connect;
		return 0;
	case OPTION_RAM:
		request->ram = argument;
		return 0;
	case OPTION_SYSTEM:
		request->system = argument;
		return 0;
	case OPTION_TEXT:
		request->text = argument;
		return 0;
	case OPTION_JSON:
		request->json = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' belongs to no option; a RAM image is given as --ram %s",
			argument, argument);
		return EINVAL;
	case ARGP_KEY_SUCCESS:
		if (!request->ram && !request->connect.address)
			argp_error(state, "trace of what? --ram FILE, or -c ADDRESS of a node");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &connection_argp, 0, NULL, 0 }, { 0 } };

static const struct argp parser = { options, parse, NULL,
	"Show what every CPU did: windows, exits, interrupts, health events, restarts, switches of "
	"the schedule, and the outliers of probes with their causes.\v"
	"Exit status: 0 done, 1 a file or a node cannot be read, 2 the command line is wrong.",
	children, NULL, NULL };

/* ---- The clock: the node's, the description's, a probe's ---- */

static struct node_clock clock_of(const struct jitter_report *report)
{
	const json_t *hz = json_object_get(report->system, "tsc_hz");
	const json_int_t numerator = json_integer_value(json_array_get(hz, 0));
	const json_int_t denominator = json_integer_value(json_array_get(hz, 1));

	if (numerator > 0 && denominator > 0)
		return (struct node_clock){ (uint64_t)numerator, (uint64_t)denominator };
	if (report->streams_count)
		return (struct node_clock){ report->streams[0].clock.numerator,
			report->streams[0].clock.denominator };
	fprintf(stderr,
		"%s: warning: nobody says how long a tick is, and a nanosecond is taken; "
		"--system FILE names the node's system.json\n",
		program_invocation_name);
	return (struct node_clock){ 1000000000, 1 };
}

static bool read_node(const struct request *request, struct jitter_report *report,
	struct node_clock *clock, struct trace_hint *hint)
{
	struct session session;
	const bool good = session_open(&session, &request->connect) &&
			  trace_read_node(&session, report, hint);

	*clock = session_clock(&session);
	session_close(&session);
	return good;
}

static bool read_ram(
	const struct request *request, struct jitter_report *report, struct node_clock *clock)
{
	if (jitter_read_image(report, request->ram, NULL))
		return false;
	jitter_settle(report);
	*clock = clock_of(report);
	return true;
}

static bool has_records(const struct jitter_report *report, const char *where)
{
	size_t count, i;
	const struct jitter_ring *rings = trace_rings(report, &count);

	for (i = 0; i < count; i++)
		if (rings[i].count)
			return true;
	fprintf(stderr, "%s: %s: there is no trace in it: did a node run there?\n",
		program_invocation_name, where);
	return false;
}

static bool write_file(const struct trace_view *view, const char *path,
	void (*write)(const struct trace_view *view, FILE *out))
{
	struct whole_file file;

	if (!path)
		return true;
	if (!whole_file_open(&file, path))
		return false;
	write(view, file.out);
	return whole_file_close(&file, true);
}

static bool write_files(struct request *request, const struct trace_view *view)
{
	if (!request->text && !request->json)
		request->text = "-";
	return write_file(view, request->text, trace_write_text) &&
	       write_file(view, request->json, trace_write_json);
}

int trace_main(int argc, char **argv)
{
	struct jitter_report report = { 0 };
	struct trace_view view = { 0 };
	struct request request = { 0 };
	struct trace_hint hint = { 0 };
	struct node_clock clock;
	bool good;

	argp_parse(&parser, argc, argv, 0, NULL, &request);
	good = !request.system || !jitter_read_system(&report, request.system);
	good = good && (request.ram ? read_ram(&request, &report, &clock)
				    : read_node(&request, &report, &clock, &hint));
	if (good && has_records(&report, request.ram ? request.ram : request.connect.address)) {
		trace_view_make(&view, &report, clock, &hint);
		good = write_files(&request, &view);
	} else {
		good = false;
	}
	trace_view_free(&view);
	jitter_free(&report);
	return good ? 0 : 1;
}
