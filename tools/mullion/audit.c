/*
 * mullion audit: reads a finished image, prints who can reach what, and proves that it is no more.
 *
 * The invariant: nothing of the compiler's back end is used; with a description, its model is read
 * for what is wanted, never for what is there.
 */
#include "audit.h"

#include <argp.h>

#include "source.h"
#include "subcommands.h"

struct request {
	const char *image, *description;
	bool json, quiet;
};

enum { OPTION_JSON = 0x100 };

static const struct argp_option options[] = {
	{ "description", 'd', "FILE", 0,
		"compare every right with this description; without it, consistency only", 0 },
	{ "define", 'D', "NAME[=VALUE]", 0,
		"a macro of the description, as in NODE=1 (may be repeated)", 0 },
	{ "json", OPTION_JSON, NULL, 0, "the matrix and the findings as JSON on standard output",
		0 },
	{ "quiet", 'q', NULL, 0, "findings only", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case 'd':
		request->description = argument;
		return 0;
	case 'D':
		source_define(argument);
		return 0;
	case OPTION_JSON:
		request->json = true;
		return 0;
	case 'q':
		request->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->image)
			argp_error(state, "one image at a time");
		request->image = argument;
		return 0;
	case ARGP_KEY_END:
		if (!request->image)
			argp_error(state, "IMAGE is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "IMAGE",
	"Read a finished mullion.elf, print which partition reaches which memory, port, MSR and "
	"CPU, "
	"and prove that nothing else is reachable.\v"
	"Findings go to standard error, as IMAGE: error: [RULE] SENTENCE; REPAIR. Exit status: 0 "
	"nothing is wrong, 1 something is, 2 the command line is wrong.",
	NULL, NULL, NULL };

static void prove(struct audit *audit, const struct model *model)
{
	audit_expect(audit);
	audit_kernel(audit);
	audit_memory(audit);
	audit_permissions(audit);
	audit_cpuid(audit);
	audit_time(audit);
	audit_devices(audit);
	audit_restore(audit);
	audit_lifecycle(audit);
	audit_locks(audit);
	audit_rdma(audit);
	if (model)
		audit_description(audit, model);
}

static void say(const struct request *request, struct audit *audit, bool opened)
{
	if (request->json) {
		audit_print_json(stdout, audit);
		return;
	}
	if (opened && !request->quiet)
		audit_print(stdout, audit);
	fflush(stdout);
	report_print(&audit->report, stderr);
}

int audit_main(int argc, char **argv)
{
	struct request request = { 0 };
	struct model *model = NULL;
	struct audit audit;
	bool opened, good;

	argp_parse(&argp, argc, argv, 0, NULL, &request);
	if (request.description) {
		model = model_load(request.description, NULL);
		if (!model)
			return 1;
	}
	opened = audit_open(&audit, request.image);
	if (opened)
		prove(&audit, model);
	good = audit.report.count == 0;
	say(&request, &audit, opened);
	audit_close(&audit);
	model_free(model);
	return good ? 0 : 1;
}
