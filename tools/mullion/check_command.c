/*
 * mullion check: judge a description, and plan it, so that what it accepts can be built.
 */
#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "load.h"
#include "subcommands.h"

struct request {
	struct load_request load;
	bool json;
};

enum { OPTION_JSON = 0x100 };

static const struct argp_option options[] = {
	{ "json", OPTION_JSON, NULL, 0, "the verdict as JSON on standard output", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->load;
		return 0;
	case OPTION_JSON:
		request->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &load_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = { options, parse, "FILE.dts",
	"Check a deployment against the named rules.\v"
	"Images are looked at only where --images says where they are. "
	"Errors go to standard error, all of them, as FILE:LINE:COLUMN: error: [RULE] SENTENCE; "
	"REPAIR. "
	"Exit status: 0 nothing is wrong, 1 something is, 2 the command line is wrong.",
	children, NULL, NULL };

static json_t *finding_json(const struct finding *finding)
{
	return json_pack("{s:s, s:i, s:i, s:s, s:s, s:s}", "file", finding->at.file, "line",
		(int)finding->at.line, "column", (int)finding->at.column, "rule", finding->rule,
		"sentence", finding->sentence, "repair", finding->repair);
}

static void print_json(const char *source, struct report *report)
{
	json_t *errors = json_array(), *root;
	size_t i;

	report_sort(report);
	for (i = 0; i < report->count; i++)
		json_array_append_new(errors, finding_json(&report->findings[i]));
	root = json_pack(
		"{s:s, s:b, s:o}", "file", source, "good", report->count == 0, "errors", errors);
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

int check_main(int argc, char **argv)
{
	struct request request = { 0 };
	struct load load;
	bool good;

	argp_parse(&argp, argc, argv, 0, NULL, &request);
	good = load_plan(&load, request.load.source, request.load.images.paths);
	if (request.json)
		print_json(request.load.source, &load.report);
	else
		report_print(&load.report, stderr);
	load_free(&load);
	free(request.load.images.paths);
	return good ? 0 : 1;
}
